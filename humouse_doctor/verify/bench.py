"""One trial: an arm trained with one seed in this process, and the same probes on what came out."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from types import MappingProxyType

import numpy as np

from humouse_doctor.cases.loading import Loaded, Request, generator_spec, of_trial
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
from humouse_doctor.probes.shared.measures import best_constant_loss, motionless_loss
from humouse_doctor.training.plan import Rehearsal, own_steps, rehearse, require_room
from humouse_doctor.training.warm_up import Trained, train
from humouse_doctor.verify.effects import is_healthy

#: The share of its steps after which a trial is judged hopeless or not ...
_FUTILE_AT = 0.5
#: ... which it is if its loss, falling twice as fast as lately, would still not end this far below the best constant's.
_FUTILE_SKILL = 0.05
_CURVE_POINTS = 50
#: No trial is longer, however many epochs an arm asks for.
_MOST_STEPS = 1_000_000
#: A training gives a sign of life this many times.
_PULSES = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulse:
    """A sign of life of a training: its step and loss, and the losses of the two predictors that know nothing."""

    step: int
    loss: float
    best_constant: float
    motionless: float


Tick = Callable[[Pulse], None]


def _unheard(_: Pulse) -> None:
    """Nobody listens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One trial to be made."""

    arm: Arm
    seed: int
    steps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What all trials of one run share: its config with overrides, its gestures, and how many sequences to draw.

    `base_steps` is what the run as it is gets; an arm with more epochs gets as many times more. A trial that takes
    longer than `longest_s` fails.
    """

    config: Path
    overrides: tuple[str, ...]
    gestures: Gestures
    base_steps: int
    longest_s: float | None = None
    pretrainer: bool = False
    samples: int = 512

    def settings(self, arm: Arm) -> Settings:
        """The run's settings with the arm's edits."""
        edits = tuple(f"{edit.key}={reader.spell(edit.new)}" for edit in arm.edits)
        return reader.read(self.config, (*self.overrides, *edits)).settings

    def job(self, arm: Arm, seed: int) -> Job:
        """The trial of `arm` with `seed`, as long as its epochs ask for."""
        plain, own = (own_steps(self.settings(one), self.gestures) for one in (Arm(title=""), arm))
        factor = own / plain if own and plain else 1.0
        return Job(arm=arm, seed=seed, steps=max(1, round(self.base_steps * factor)))

    def rehearsal(self, job: Job) -> Rehearsal:
        """What `job` trains; raises `InputError` where training or examining it takes more than is given."""
        settings = self._affordable(job.arm)
        return rehearse(
            settings,
            self.gestures,
            steps=job.steps,
            seed=job.seed,
            changes=job.arm.code_changes,
            pretrainer=self.pretrainer,
        )

    def require_room(self, arm: Arm) -> None:
        """Raise `InputError` where a trial of `arm` takes more than is given, before anything of it is built."""
        require_room(self._affordable(arm), len(self.gestures.sequences), pretrainer=self.pretrainer)

    def _affordable(self, arm: Arm) -> Settings:
        """The arm's settings, whose network can be examined once it is trained."""
        settings = self.settings(arm)
        source = settings.source or str(self.config)
        require_affordable(generator_spec(settings), Look(samples=self.samples), source, by_config=True)
        return settings

    def run(self, job: Job, tick: Tick = _unheard) -> Trial:
        """Train and examine; what cannot be trained is a trial that failed, with its reason."""
        try:
            if job.steps > _MOST_STEPS:
                raise UsageError(f"it asks for {job.steps:,} steps, and no trial has more than {_MOST_STEPS:,}")
            return self.measured(job, self.rehearsal(job), tick)[0]
        except DoctorError as error:
            return Trial(arm=job.arm.key, seed=job.seed, planned=job.steps, failed=str(error))
        except (RuntimeError, FloatingPointError) as error:
            return Trial(arm=job.arm.key, seed=job.seed, planned=job.steps, failed=full_reason(error))

    def measured(self, job: Job, rehearsal: Rehearsal, tick: Tick = _unheard) -> tuple[Trial, Trained]:
        """The trial of `job` and what it trained."""
        targets = rehearsal.targets
        constant, motionless = best_constant_loss(targets), motionless_loss(targets)
        watch = _Watch(
            job.steps, constant, motionless, tick, may_stop=_can_be_judged_early(rehearsal), longest_s=self.longest_s
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
            measurements=MappingProxyType(_by_name(results)),
            healthy=is_healthy(results),
            causes=tuple(cause.code for cause in report.causes),
            offered=tuple(remedy.id for remedy in report.chosen_remedies + report.remedies),
            losses=_curve(trained.losses),
            best_constant=constant,
            motionless=motionless,
            stopped=watch.stopped,
        )
        return trial, trained

    def examined(self, job: Job, rehearsal: Rehearsal, trained: Trained) -> Loaded:
        """The case of what `job` trained; the same prior latents are drawn for every arm."""
        request = Request(config=self.config, samples=self.samples)
        return of_trial(
            request,
            self.settings(job.arm),
            self.gestures,
            trained.network,
            rehearsal.warm_up.spec,
            rehearsal.space,
            rehearsal.conditions,
        )


def _can_be_judged_early(rehearsal: Rehearsal) -> bool:
    """Whether half-way's loss tells the end's: a table learns each row once an epoch, a KL term is part of the loss."""
    return not rehearsal.warm_up.latent_table and rehearsal.warm_up.spec.architecture.value != "seq2seq"


def _by_name(results: tuple[ProbeResult, ...]) -> dict[str, float]:
    return {f"{result.code}.{name}": value for result in results for name, value in result.measurements.items()}


def _curve(losses: FloatArray) -> tuple[float, ...]:
    """At most 50 means over equal shares of the losses (steps,), those that are finite."""
    parts = np.array_split(losses, min(_CURVE_POINTS, len(losses))) if len(losses) else []
    return tuple(float(f"{mean:.5g}") for part in parts if math.isfinite(mean := float(part.mean())))


@dataclass(slots=True)
class _Watch:
    """Ends a training that has no way left to come to anything, and says why."""

    planned: int
    constant: float
    motionless: float
    tell: Tick
    may_stop: bool
    longest_s: float | None = None
    losses: list[float] = field(default_factory=list)
    stopped: str | None = None
    begun: float = field(default_factory=time.monotonic)

    def __call__(self, step: int, loss: float) -> bool:
        """Whether to stop; raises `UsageError` where its time is up."""
        if self.longest_s is not None and time.monotonic() - self.begun > self.longest_s:
            raise UsageError(f"only {step:,} of its {self.planned:,} steps fit into {self.longest_s:,.0f} s")
        if step % max(1, self.planned // _PULSES) == 0 or step == self.planned:
            self.tell(Pulse(step=step, loss=loss, best_constant=self.constant, motionless=self.motionless))
        self.losses.append(loss)
        if not math.isfinite(loss):
            self.stopped = f"the loss was no number any more at step {step}"
        elif self.may_stop and self.constant > 0 and step == math.ceil(self.planned * _FUTILE_AT) and self.planned - step >= 8:
            self.stopped = self._futile(step)
        return self.stopped is not None

    def _futile(self, step: int) -> str | None:
        """Why it is, None where it is not: by the mean losses around a quarter and a half of the steps."""
        window = max(4, self.planned // 20)
        half = 1 - fmean(self.losses[-window:]) / self.constant
        quarter = 1 - fmean(self.losses[step // 2 : step // 2 + window]) / self.constant
        reach = half + 2 * max(0.0, half - quarter) * (self.planned - step) / max(1, step // 2)
        if reach >= _FUTILE_SKILL:
            return None
        said = f"{half:.1%} below" if half >= 0 else f"{-half:.1%} above"
        return f"stopped as futile after {step} of {self.planned} steps, its loss {said} the best constant's"
