"""Run one trial: train an arm with one seed in this process, and measure the result with the same probes."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import fmean
from types import MappingProxyType

import numpy as np

from humouse_doctor.cases.from_config import generator_spec
from humouse_doctor.cases.from_network import of_trial
from humouse_doctor.cases.request import Loaded, Request
from humouse_doctor.core.arrays import FloatArray
from humouse_doctor.core.cost import Look, require_affordable
from humouse_doctor.core.errors import DoctorError, UsageError
from humouse_doctor.core.outcome import Arm, Trial
from humouse_doctor.core.probe import ProbeResult
from humouse_doctor.core.settings import Settings
from humouse_doctor.core.text import full_reason
from humouse_doctor.diagnosis.diagnose import diagnose
from humouse_doctor.diagnosis.examine import examine
from humouse_doctor.inputs.config import reader
from humouse_doctor.inputs.gestures.gestures import Gestures
from humouse_doctor.inputs.source.trainer import TrainerFacts
from humouse_doctor.probes.shared.measures import best_constant_loss, motionless_loss
from humouse_doctor.training.device import chosen
from humouse_doctor.training.plan import Rehearsal, own_steps, rehearse, require_room
from humouse_doctor.training.warm_up import Trained, train
from humouse_doctor.verify.effects import called_healthy

#: A trial is checked for futility once after this share of its steps.
_FUTILE_AT = 0.5
#: It is futile if its loss, even falling twice as fast as so far, would not end this far below the best constant's.
_FUTILE_SKILL = 0.05
_CURVE_POINTS = 50
#: The most steps of a trial, however many epochs an arm asks for.
_MOST_STEPS = 1_000_000
#: A training reports its progress this many times.
_PULSES = 100


class OutOfTimeError(UsageError):
    """A training did not end before the deadline of its trial."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulse:
    """A progress report of a training: its step and loss, and the losses of the two predictors that learn nothing.

    `planned` is the number of its steps, 0 where the job tells it.
    """

    step: int
    loss: float
    best_constant: float
    motionless: float
    planned: int = 0


OnPulse = Callable[[Pulse], None]


def ignore_pulse(_: Pulse) -> None:
    """Ignore progress."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One trial to run: an arm, a seed and a number of steps."""

    arm: Arm
    seed: int
    steps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """The parts that all trials of one run share.

    `config` is the file's path, for messages. `read` is that file, read once, with `overrides` applied; no trial reads it
    again. `base_steps` is the number of steps for the run as it is; an arm with more epochs gets proportionally more. A
    training that has not ended at `deadline` (of time.monotonic, which all processes share) is cut. `samples` is the number
    of prior latents to draw. `device` trains. `source` holds the facts of the user's trainer, None if it was not read.
    """

    config: Path
    overrides: tuple[str, ...]
    read: reader.ReadConfig
    gestures: Gestures
    base_steps: int
    deadline: float | None = None
    pretrainer: bool = False
    samples: int = 512
    device: str = "cpu"
    source: TrainerFacts | None = None

    def settings(self, arm: Arm) -> Settings:
        """Return the run's settings with the arm's edits."""
        return reader.edited(self.read, arm.edits).settings

    def job(self, arm: Arm, seed: int) -> Job:
        """Return the job for `arm` with `seed`, as long as the arm's epochs ask for."""
        plain, own = (own_steps(self.settings(one), self.gestures) for one in (Arm(title=""), arm))
        factor = own / plain if own and plain else 1.0
        return Job(arm=arm, seed=seed, steps=max(1, round(self.base_steps * factor)))

    def rehearsal(self, job: Job) -> Rehearsal:
        """Return the warm-up that `job` trains.

        Raises `InputError` if training or examining it would exceed the limits.
        """
        settings = self._affordable(job.arm)
        planned = rehearse(
            settings,
            self.gestures,
            steps=job.steps,
            seed=job.seed,
            changes=job.arm.code_changes,
            pretrainer=self.pretrainer,
            source=self.source,
        )
        return replace(planned, warm_up=replace(planned.warm_up, device=self.device))

    def require_room(self, arm: Arm) -> None:
        """Raise `InputError` if a trial of `arm` would exceed the limits, before anything is built."""
        require_room(self._affordable(arm), len(self.gestures.sequences), pretrainer=self.pretrainer)

    def _affordable(self, arm: Arm) -> Settings:
        """Return the arm's settings; raise `InputError` if its network would be too large to examine."""
        settings = self.settings(arm)
        source = settings.source or str(self.config)
        require_affordable(generator_spec(settings), Look(samples=self.samples), source, by_config=True)
        return settings

    def run(self, job: Job, on_pulse: OnPulse = ignore_pulse) -> Trial:
        """Train and examine `job`; if it cannot be trained, return a failed trial with the reason."""
        try:
            if job.steps > _MOST_STEPS:
                raise UsageError(f"it asks for {job.steps:,} steps, and no trial has more than {_MOST_STEPS:,}")
            chosen(self.device)  # a cluster's worker may not have what this machine has
            return self.measured(job, self.rehearsal(job), on_pulse)[0]
        except DoctorError as error:
            late = isinstance(error, OutOfTimeError)
            return Trial(arm=job.arm.key, seed=job.seed, planned=job.steps, failed=str(error), out_of_time=late)
        except (RuntimeError, FloatingPointError) as error:
            return Trial(arm=job.arm.key, seed=job.seed, planned=job.steps, failed=full_reason(error))

    def measured(self, job: Job, rehearsal: Rehearsal, on_pulse: OnPulse = ignore_pulse) -> tuple[Trial, Trained]:
        """Return the trial of `job`, and the trained network."""
        targets = rehearsal.targets
        constant, motionless = best_constant_loss(targets), motionless_loss(targets)
        watch = _EarlyStop(
            job.steps, constant, motionless, on_pulse, may_stop=_can_be_judged_early(rehearsal), deadline=self.deadline
        )
        trained = train(rehearsal.warm_up, rehearsal.targets, rehearsal.conditions, watch)
        loaded = self.examined(job, rehearsal, trained)
        results = examine(loaded.case)
        report = diagnose(loaded, results)
        trial = Trial(
            arm=job.arm.key,
            seed=job.seed,
            planned=job.steps,
            steps=len(trained.losses),
            measurements=MappingProxyType(by_name(results)),
            healthy=called_healthy(results, report),
            causes=tuple(cause.code for cause in report.causes),
            offered=tuple(remedy.id for remedy in (*report.chosen_remedies, *report.remedies)),
            patch=tuple(remedy.id for remedy in report.chosen_remedies),
            losses=_curve(trained.losses),
            best_constant=constant,
            motionless=motionless,
            stopped=watch.stopped,
        )
        return trial, trained

    def examined(self, job: Job, rehearsal: Rehearsal, trained: Trained, request: Request | None = None) -> Loaded:
        """Return the case of the network that `job` trained; every arm is sampled with the same latents from the prior.

        `request` says how it is looked at, if not as a trial.
        """
        return of_trial(
            request or Request(config=self.config, samples=self.samples),
            self.settings(job.arm),
            self.gestures,
            trained.network,
            rehearsal.warm_up.spec,
            rehearsal.space,
            rehearsal.reading,
            rehearsal.conditions,
        )


def _can_be_judged_early(rehearsal: Rehearsal) -> bool:
    """Return False if the loss half-way says nothing about the end.

    A latent table learns each row only once an epoch, seq2seq's loss includes a KL term, and a loss that compares another
    space than is read says nothing about what is read.
    """
    reading = rehearsal.reading
    agree = reading is None or reading.compared or reading.space.absolute == rehearsal.space.absolute
    return agree and not rehearsal.warm_up.latent_table and rehearsal.warm_up.spec.architecture.value != "seq2seq"


def by_name(results: tuple[ProbeResult, ...]) -> dict[str, float]:
    """Return the numbers of all probes by `code.metric`."""
    return {f"{result.code}.{name}": value for result in results for name, value in result.measurements.items()}


def _curve(losses: FloatArray) -> tuple[float, ...]:
    """Split the losses (steps,) into at most 50 equal parts, and return the means of the parts that are finite."""
    parts = np.array_split(losses, min(_CURVE_POINTS, len(losses))) if len(losses) else []
    return tuple(float(f"{mean:.5g}") for part in parts if math.isfinite(mean := float(part.mean())))


@dataclass(slots=True)
class _EarlyStop:
    """Stop a training that can no longer succeed, and record the reason."""

    planned: int
    constant: float
    motionless: float
    on_pulse: OnPulse
    may_stop: bool
    deadline: float | None = None
    losses: list[float] = field(default_factory=list)
    stopped: str | None = None

    def __call__(self, step: int, loss: float) -> bool:
        """Return True to stop; raise `OutOfTimeError` after the deadline."""
        if self.deadline is not None and time.monotonic() > self.deadline:
            raise OutOfTimeError(f"only {step:,} of its {self.planned:,} steps fit into the time")
        if step % max(1, self.planned // _PULSES) == 0 or step == self.planned:
            self.on_pulse(Pulse(step=step, loss=loss, best_constant=self.constant, motionless=self.motionless))
        self.losses.append(loss)
        if not math.isfinite(loss):
            self.stopped = f"the loss became NaN or infinite at step {step}"
        elif self.may_stop and self.constant > 0 and step == math.ceil(self.planned * _FUTILE_AT) and self.planned - step >= 8:
            self.stopped = self._futile(step)
        return self.stopped is not None

    def _futile(self, step: int) -> str | None:
        """Return the reason if the training is futile, else None.

        It compares the mean losses around a quarter and a half of the steps.
        """
        window = max(4, self.planned // 20)
        half = 1 - fmean(self.losses[-window:]) / self.constant
        quarter = 1 - fmean(self.losses[step // 2 : step // 2 + window]) / self.constant
        reach = half + 2 * max(0.0, half - quarter) * (self.planned - step) / max(1, step // 2)
        if reach >= _FUTILE_SKILL:
            return None
        said = f"{half:.1%} below" if half >= 0 else f"{-half:.1%} above"
        return f"stopped as futile after {step} of {self.planned} steps, its loss {said} the best constant's"
