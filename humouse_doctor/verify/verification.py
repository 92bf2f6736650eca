"""One verify from its options to its outcome: what to try, the trials, the search, and what is written at the end."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from humouse_doctor import __version__
from humouse_doctor.cases.loading import Request, load_case
from humouse_doctor.core.case import Case
from humouse_doctor.core.errors import UsageError
from humouse_doctor.core.outcome import AS_IT_IS, Arm, ArmOutcome, Effect, Outcome, Step, Trial
from humouse_doctor.core.remedy import Remedy
from humouse_doctor.core.report import Report
from humouse_doctor.core.settings import Settings
from humouse_doctor.diagnosis.diagnose import diagnose
from humouse_doctor.diagnosis.examine import examine
from humouse_doctor.diagnosis.plugins import with_broken
from humouse_doctor.inputs.config import reader
from humouse_doctor.inputs.files import require_unread
from humouse_doctor.inputs.gestures.gestures import Gestures
from humouse_doctor.inputs.gestures.sources import read_gestures
from humouse_doctor.inputs.stored import outcome as outcome_json
from humouse_doctor.remedies.candidates import can_be_tried, candidates, together
from humouse_doctor.training.plan import own_steps
from humouse_doctor.training.warm_up import train
from humouse_doctor.verify import warm_start
from humouse_doctor.verify.bench import Bench
from humouse_doctor.verify.effects import compare
from humouse_doctor.verify.marks import config_values
from humouse_doctor.verify.patches import arm_of
from humouse_doctor.verify.runner import Runner, Show, one_thread
from humouse_doctor.verify.search import Search
from humouse_doctor.verify.trainer import Command, TrainerBench
from humouse_doctor.verify.trial_store import Kept

#: A search is planned for this many arms; what it needs beyond the budget is told as untried.
_PLANNED_ARMS = 10
#: Without a search: this many remedies, where the diagnosis is not made yet.
_PLANNED_REMEDIES = 4
_FEWEST_STEPS = 8
_TIMED_STEPS = 3
#: One trial fails that takes longer than the budget for all, and than this.
_PATIENCE_S = 60.0
#: The share of the budget that is spent training; the rest goes into fitting latents and starting processes.
_TRAINING_SHARE = 0.7


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to verify, as on the command line.

    `patches` are files, codes of probes or ids of remedies; none takes the remedies of the diagnosis. `steps` are the
    optimiser steps of the run as it is, `budget_s` the seconds that all of it may take, by which they are chosen else.
    `outcome` is where every trial is kept; `workers` 0 takes the machine's cores.
    """

    config: Path
    data: Path
    checkpoint: Path | None = None
    overrides: tuple[str, ...] = ()
    patches: tuple[str, ...] = ()
    steps: int | None = None
    budget_s: float = 600.0
    seeds: int = 3
    search: bool = False
    max_arms: int = 24
    max_sequences: int = 2048
    outcome: Path | None = None
    warm_start: Path | None = None
    trainer: Command | None = None
    workers: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """The outcome, with the diagnosis the remedies came from (of the checkpoint where one was given)."""

    outcome: Outcome
    report: Report


def verify(order: Order, show: Show, progress: Callable[[str], None] = lambda _: None) -> Verified:
    """Try what `order` asks for; raises `DoctorError` with one line.

    Trials are kept as they end, so that the same call after an interruption makes only those that are missing.
    """
    started = time.monotonic()
    if order.trainer is not None and "{seed}" not in order.trainer.text:
        order = replace(order, seeds=1)  # the command would do the same again
    settings = reader.read(order.config, order.overrides).settings
    progress(f"reading gestures from {order.data}")
    gestures = read_gestures(order.data, settings, order.max_sequences, 0)
    request = Request(
        checkpoint=order.checkpoint,
        config=order.config,
        data=order.data,
        overrides=order.overrides,
        max_sequences=order.max_sequences,
    )
    loaded = with_broken(load_case(request, progress))
    if order.warm_start is not None:  # what was found rather than named is known by now
        require_unread(order.warm_start, warm_start.diff_beside(order.warm_start))
    report = diagnose(loaded, examine(loaded.case))
    case = loaded.case if order.checkpoint is None else load_case(replace(request, checkpoint=None)).case
    own = own_steps(settings, gestures)
    if order.steps is None and not own:
        raise UsageError(f"{order.config}: its warm-up has no steps to try; give --steps, or training.reconstruction_epochs")
    bench = Bench(
        config=order.config,
        overrides=order.overrides,
        gestures=gestures,
        base_steps=order.steps or own or 1,
        longest_s=None if order.steps is not None else max(order.budget_s, _PATIENCE_S),
        pretrainer=loaded.case.subject_is_pretrainer,
    )
    if order.trainer is None:
        bench.require_room(AS_IT_IS)
    fingerprint = _fingerprint(order, settings, gestures)
    before = None if order.outcome is None or not order.outcome.exists() else outcome_json.read(order.outcome)
    same = before is not None and before.fingerprint == fingerprint
    if before is not None and same:
        bench = replace(bench, base_steps=before.steps)
        progress("going on with the trials that were made before")
    elif order.steps is None and order.trainer is None:
        bench = replace(bench, base_steps=_affordable(order, bench, progress))
    kept = Kept(
        order.outcome,
        Outcome(
            tool_version=__version__,
            fingerprint=fingerprint,
            config=str(order.config),
            config_values=config_values(settings),
            config_prefix=settings.prefix,
            data=str(order.data),
            checkpoint=None if order.checkpoint is None else str(order.checkpoint),
            own_steps=own,
            steps=bench.base_steps,
            seeds=order.seeds,
            shortened=tuple(_shortened(gestures, own, bench.base_steps, order)),
            trials=before.trials if before is not None and same else (),
        ),
    )
    if order.trainer is not None:
        runner = Runner(bench=TrainerBench(bench=bench, command=order.trainer), keep=kept, show=show, workers=1)
    else:
        runner = Runner(bench=bench, keep=kept, show=show, workers=order.workers or os.cpu_count() or 1)
    try:
        return _tried(order, _Scene(case, bench, runner, kept, report, started))
    finally:
        runner.close()


def _affordable(order: Order, bench: Bench, progress: Callable[[str], None]) -> int:
    """Steps for the run as it is that let all planned arms end within the budget, at most its own.

    A few steps are timed here and now, so that a slow machine gives shorter trials, and says so.
    """
    progress("timing a few steps")
    with one_thread():
        short = bench.job(AS_IT_IS, 0)
        rehearsal = bench.rehearsal(replace(short, steps=1))
        train(rehearsal.warm_up, rehearsal.targets, rehearsal.conditions)  # the first step also prepares torch
        begun = time.monotonic()
        timed = replace(rehearsal.warm_up, steps=_TIMED_STEPS)
        train(timed, rehearsal.targets, rehearsal.conditions)
        each = (time.monotonic() - begun) / _TIMED_STEPS
    arms = _PLANNED_ARMS if order.search else 1 + (len(order.patches) or _PLANNED_REMEDIES)
    trainings = arms + 2 * order.seeds if order.search else arms * order.seeds
    workers = order.workers or os.cpu_count() or 1
    steps = int(_TRAINING_SHARE * order.budget_s * workers / (trainings * each))
    return max(_FEWEST_STEPS, min(steps, bench.base_steps))


def _shortened(gestures: Gestures, own: int | None, steps: int, order: Order) -> Iterator[str]:
    """What the trials leave out of the run's own warm-up, in words."""
    if order.trainer is None and own is not None and steps < own:
        yield f"{steps:,} of the warm-up's {own:,} steps"
    elif order.trainer is None and own is not None and steps > own:
        yield f"{steps:,} steps where the warm-up has {own:,}"
    if order.trainer is not None and "{seed}" not in order.trainer.text:
        yield "one seed, since the trainer's command has no {seed}"
    if order.trainer is None and gestures.summary.taken < gestures.summary.usable:
        yield f"{gestures.summary.taken:,} of {gestures.summary.usable:,} sequences"


@dataclass(frozen=True, slots=True)
class _Scene:
    """What one verify works with."""

    case: Case
    bench: Bench
    runner: Runner
    kept: Kept
    report: Report
    started: float

    def seconds(self, arm: Arm) -> float:
        """How long a trial of `arm` takes, as far as the steps taken so far tell."""
        taken = sum(trial.steps for trial in self.runner.made)
        if taken == 0:
            return 0.0
        return self.bench.job(arm, 0).steps * (time.monotonic() - self.started) * self.runner.workers / taken

    def attempt(self, arms: Sequence[Arm], seeds: Sequence[int]) -> list[list[Trial]]:
        """The trials of `arms`, each with all `seeds`."""
        jobs = [self.bench.job(arm, seed) for arm in arms for seed in seeds]
        trials = self.runner.trials(jobs)
        return [trials[start : start + len(seeds)] for start in range(0, len(trials), len(seeds))]


def _tried(order: Order, scene: _Scene) -> Verified:
    seeds = tuple(range(order.seeds))
    on_hand = candidates(scene.case)
    base = scene.attempt([AS_IT_IS], seeds)[0]
    arms = _arms(order, scene, base)
    scene.attempt(arms, seeds)
    chosen: Arm | None = None
    path: tuple[Step, ...] = ()
    untried: tuple[str, ...] = ()
    if order.search:
        search = Search(
            attempt=scene.attempt,
            remedies=on_hand,
            seeds=seeds,
            max_arms=order.max_arms,
            deadline=None if order.steps is not None else scene.started + order.budget_s,
            seconds=scene.seconds,
        )
        found = search.run()
        chosen, path, untried = found.chosen, found.path, found.untried
        arms.extend(found.arms)
    written: tuple[str, ...] = ()
    by_key = {arm.key: arm for arm in [*arms, AS_IT_IS]}
    if order.warm_start is not None and order.trainer is None:
        start = warm_start.best(scene.bench, scene.case, scene.attempt, list(by_key.values()), seeds)
        by_key.setdefault(start.key, start)
        written = warm_start.write(order.warm_start, scene.bench, start, seeds, scene.runner.made, scene.case)
    trials = scene.kept.outcome.trials
    known = {**on_hand, **{remedy.id: remedy for remedy in scene.report.remedies}}
    done = [replace(one, expected=tuple(_met(one, known))) for one in _outcomes(by_key, trials, order.seeds)]
    if chosen is None and not order.search:
        cured = [one for one in done if one.effect is Effect.CURED]
        fewest = min(cured, key=lambda one: len(one.arm.edits) + len(one.arm.code_changes), default=None)
        chosen = None if fewest is None else fewest.arm
    outcome = replace(
        scene.kept.outcome,
        arms=tuple(done),
        path=path,
        chosen=None if chosen is None else chosen.key,
        untried=untried,
        warm_start=written,
        hints=() if chosen is None else _hints(scene.case, chosen),
    )
    scene.kept.write(outcome)
    return Verified(outcome=outcome, report=scene.report)


def _arms(order: Order, scene: _Scene, base: Sequence[Trial]) -> list[Arm]:
    """The arms asked for: `--patch`, else the diagnosis' remedies one by one and its patch as a whole; none with a search."""
    if order.patches:
        return [arm_of(patch, scene.case, scene.report, order.overrides) for patch in order.patches]
    if order.search or order.warm_start is not None:
        return []
    on_hand = candidates(scene.case)
    offered = {remedy.id: remedy for remedy in scene.report.remedies}
    names = dict.fromkeys([*offered, *(name for trial in base for name in trial.offered)])
    known = [offered.get(name) or on_hand.get(name) for name in names]
    tried = [remedy for remedy in known if remedy is not None and can_be_tried(remedy)]
    arms = [together([remedy]) for remedy in tried]
    whole = [remedy for remedy in scene.report.chosen_remedies if can_be_tried(remedy)]
    if len(whole) > 1:
        arms.append(together(whole, prefix="suggested patch: "))
    return list({arm.key: arm for arm in arms if arm.key}.values())


def _outcomes(by_key: dict[str, Arm], trials: Sequence[Trial], seeds: int) -> list[ArmOutcome]:
    """Every arm against the run as it is, with the seeds they have in common; the healthiest first, the run itself on top."""
    of = {key: [trial for trial in trials if trial.arm == key and trial.seed < seeds] for key in by_key}
    base = of[AS_IT_IS.key]
    compared = [compare(arm, base, of[key]) for key, arm in by_key.items() if of[key]]
    return sorted(compared, key=lambda one: (one.arm.key != "", one.distance[1], one.arm.title))


def _met(outcome: ArmOutcome, remedies: Mapping[str, Remedy]) -> Iterator[str]:
    """Each expectation of the arm's remedies, with the mean it came to."""
    after = {change.metric: change.after for change in outcome.changes}
    expected = {one.metric: one for name in outcome.arm.remedies if name in remedies for one in remedies[name].expects}
    for metric, one in expected.items():
        if metric in after:
            yield f"{metric} {one.interval}: {after[metric]:.2f}, {'met' if after[metric] in one.interval else 'not met'}"


def _hints(case: Case, arm: Arm) -> tuple[str, ...]:
    """What the trainer's code needs for `arm`."""
    by_change = {
        change: remedy.code_hint for remedy in candidates(case).values() for change in remedy.code_changes if remedy.code_hint
    }
    return tuple(by_change[change] for change in arm.code_changes if change in by_change)


def _fingerprint(order: Order, settings: Settings, gestures: Gestures) -> str:
    """A digest of all that the trials depend on."""
    statistics = (values for _, values in sorted(gestures.statistics.by_name.items()))
    held = (gestures.sequences, gestures.lengths, gestures.features, *statistics)
    data = hashlib.sha256(b"".join(b"-" if values is None else values.tobytes() for values in held))
    parts = [
        __version__, config_values(settings), data.hexdigest(), order.steps, order.max_sequences,
        order.trainer and order.trainer.text, order.checkpoint and str(order.checkpoint),
    ]  # fmt: skip
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]
