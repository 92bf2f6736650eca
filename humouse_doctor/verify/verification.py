"""Run `verify`: read the inputs, run the trials and the search, and write the results."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from humouse_doctor.cases.load import load_case
from humouse_doctor.cases.request import Request
from humouse_doctor.cases.run_folder import find_config
from humouse_doctor.core.case import Case
from humouse_doctor.core.errors import UsageError
from humouse_doctor.core.outcome import AS_IT_IS, Arm, ArmOutcome, Effect, Outcome, Step, Trial
from humouse_doctor.core.remedy import CodeChange, Lever, Remedy
from humouse_doctor.core.report import Report
from humouse_doctor.core.settings import Settings
from humouse_doctor.core.text import two_digits
from humouse_doctor.core.version import VERSION
from humouse_doctor.diagnosis.diagnose import diagnose
from humouse_doctor.diagnosis.examine import examine
from humouse_doctor.diagnosis.plugins import with_broken
from humouse_doctor.fleet.crews import Crew, alone, crew_for
from humouse_doctor.inputs.config import reader, yaml_text
from humouse_doctor.inputs.files import is_folder, require_unread
from humouse_doctor.inputs.gestures.gestures import Gestures
from humouse_doctor.inputs.gestures.sources import read_gestures
from humouse_doctor.inputs.remote.names import named
from humouse_doctor.inputs.source.trainer import TrainerFacts
from humouse_doctor.probes.registry import current
from humouse_doctor.remedies.arms import part_names, together
from humouse_doctor.remedies.candidates import bundle, can_be_tried, candidates
from humouse_doctor.stored import outcome as outcome_json
from humouse_doctor.training.device import chosen
from humouse_doctor.training.plan import own_steps
from humouse_doctor.verify import warm_start
from humouse_doctor.verify.bench import Bench
from humouse_doctor.verify.effects import compare
from humouse_doctor.verify.marks import config_values
from humouse_doctor.verify.pace import seconds_per_step
from humouse_doctor.verify.patches import arm_of
from humouse_doctor.verify.runner import ProgressListener, Runner
from humouse_doctor.verify.search import AT_A_TIME, CUT, SUGGESTED, Search
from humouse_doctor.verify.trainer import Command, TrainerBench
from humouse_doctor.verify.trial_store import TrialStore

#: Rounds of a search that are as long as its longest arm: the first, and those that leave parts out. In the zoo's lattice a
#: search takes eight trainings in the mean, two at a time.
_LONG_ROUNDS = 4
#: Remedies planned for without a search, since the arms are not known when the steps are chosen.
_PLANNED_REMEDIES = 4
_FEWEST_STEPS = 8
#: The share of the budget for training; the rest is for fitting latents and starting processes.
_TRAINING_SHARE = 0.8
#: The share of the budget after which no training goes on: what it has learned by then must still be examined.
_TRAINING_ENDS_AT = 0.93


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyRequest:
    """The options of one verify, as on the command line.

    `patches` are files, codes of probes or ids of remedies; if empty, the remedies of the diagnosis are tried. `steps` is
    the number of optimiser steps for the run as it is; if None, it is chosen so that all trials fit into `budget_s`
    seconds. `outcome` is the file that stores every trial. `workers` 0 uses all cores; `cluster` is the address of a scheduler
    whose workers run the trials instead. `device` trains: cpu, cuda, cuda:1, or auto for a GPU where this process sees one.
    """

    config: Path
    data: Path
    checkpoint: Path | None = None
    source: Path | None = None
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
    cluster: str | None = None
    device: str = "cpu"


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyResult:
    """An outcome, with the diagnosis its remedies came from (of the checkpoint if one was given)."""

    outcome: Outcome
    report: Report


def verify(
    request: VerifyRequest, listener: ProgressListener, progress: Callable[[str], None] = lambda _: None
) -> VerifyResult:
    """Run the trials that `request` asks for; raise `DoctorError` with a one-line message.

    Every input is read before the first trial, and never again. Trials are stored as they end, so that the same call after
    an interruption runs only the missing ones.
    """
    started = time.monotonic()
    request = replace(request, device=chosen(request.device))
    if request.trainer is not None and request.device != "cpu":
        raise UsageError("--trainer: your own command says what it trains on; leave out --device")
    if request.trainer is not None and request.cluster is not None:
        raise UsageError("--trainer runs on this machine alone; leave out --cluster")
    with alone() if request.trainer is not None else crew_for(request.workers, request.cluster) as crew:
        return _verified(request, listener, progress, started, crew)


def _verified(
    request: VerifyRequest, listener: ProgressListener, progress: Callable[[str], None], started: float, crew: Crew
) -> VerifyResult:
    if request.trainer is not None and "{seed}" not in request.trainer.text:
        request = replace(request, seeds=1)  # the command would give the same result again
    config, text = _read_config(request)
    settings = config.settings
    progress(f"reading gestures from {request.data}")
    gestures = read_gestures(request.data, settings, request.max_sequences, 0)
    inspected = Request(
        checkpoint=request.checkpoint,
        config=request.config,
        data=request.data,
        source=request.source,
        max_sequences=request.max_sequences,
    )
    loaded = with_broken(load_case(inspected, progress, gestures, config))
    if request.warm_start is not None:  # inputs that were found rather than named are known by now
        require_unread(request.warm_start, warm_start.diff_beside(request.warm_start))
    report = diagnose(loaded, examine(loaded.case))
    case = loaded.case
    if request.checkpoint is not None:
        case = load_case(replace(inspected, checkpoint=None), gestures=gestures, config=config, source=loaded.source).case
    asked = [arm_of(patch, case, report, request.overrides) for patch in request.patches]
    own = own_steps(settings, gestures)
    if request.steps is None and not own:
        raise UsageError(f"{request.config}: its warm-up has no steps to try; give --steps, or training.reconstruction_epochs")
    bench = Bench(
        config=request.config,
        overrides=request.overrides,
        read=config,
        gestures=gestures,
        base_steps=request.steps or own or 1,
        deadline=None if request.steps is not None else started + _TRAINING_ENDS_AT * request.budget_s,
        pretrainer=loaded.case.subject_is_pretrainer,
        source=loaded.source,
        device=request.device,
    )
    if request.trainer is None:
        bench.require_room(AS_IT_IS)
    fingerprint = _fingerprint(request, settings, gestures, loaded.source)
    before = None if request.outcome is None or not request.outcome.exists() else outcome_json.read(request.outcome)
    same = before is not None and before.fingerprint == fingerprint
    if before is not None and before.trials and not same:
        _require_same_config(request, before)
    if before is not None and same:
        bench = replace(bench, base_steps=before.steps)
        progress("going on with the trials that were made before")
    elif request.steps is None and request.trainer is None:
        bench = replace(bench, base_steps=_affordable(request, bench, case, progress, crew.workers))
    store = TrialStore(
        request.outcome,
        Outcome(
            tool_version=VERSION,
            fingerprint=fingerprint,
            config=named(str(request.config)),
            config_values=config_values(settings),
            config_prefix=settings.prefix,
            data=named(str(request.data)),
            checkpoint=None if request.checkpoint is None else named(str(request.checkpoint)),
            own_steps=own,
            steps=bench.base_steps,
            seeds=request.seeds,
            shortened=tuple(_shortened(gestures, own, bench.base_steps, request)),
            trials=before.trials if before is not None and same else (),
        ),
    )
    maker = bench if request.trainer is None else TrainerBench(bench=bench, command=request.trainer)
    runner = Runner(maker=maker, listener=listener, crew=crew, store=store)
    return _run_trials(request, _Session(case, bench, runner, store, report, started, asked, text))


def _require_same_config(request: VerifyRequest, before: Outcome) -> None:
    """Raise `UsageError` if the trials in the outcome's file are of another config: they would be lost."""
    if before.config != named(str(request.config)) and os.path.realpath(before.config) != os.path.realpath(request.config):
        raise UsageError(
            f"{request.outcome}: holds the trials of another config, {before.config}; name another file with --outcome, or"
            " delete this one"
        )


def _read_config(request: VerifyRequest) -> tuple[reader.ReadConfig, str]:
    """Return the config with its overrides, and the text of the file that holds its keys (a group's file if composed)."""
    if is_folder(request.config):
        found = find_config(request.config)
        it = "its config (YAML)" if found is None else f"its config: {found.path}"
        raise UsageError(f"{request.config}: a folder, where verify takes {it}")
    text = yaml_text.read_text(request.config)
    config = reader.read(request.config, request.overrides, text)
    source = config.settings.source
    return config, text if source in (None, str(request.config)) else yaml_text.read_text(Path(source))


def _affordable(request: VerifyRequest, bench: Bench, case: Case, progress: Callable[[str], None], workers: int) -> int:
    """Return the steps for the run as it is with which all planned arms fit into the budget, at most its own."""
    progress("timing a few steps")
    if request.search:  # its rounds hold two arms each, the last one the other seeds of two arms
        longest = bench.job(together(bundle(case)), 0).steps / bench.base_steps
        seeds = (request.seeds - 1) / AT_A_TIME
        at_once = min(workers, AT_A_TIME)
        trainings = AT_A_TIME * (1 + longest * (_LONG_ROUNDS + seeds))
    else:
        at_once = workers
        trainings = (1 + (len(request.patches) or _PLANNED_REMEDIES)) * request.seeds
    steps = int(_TRAINING_SHARE * request.budget_s * at_once / (trainings * seconds_per_step(bench)))
    return max(_FEWEST_STEPS, min(steps, bench.base_steps))


def _shortened(gestures: Gestures, own: int | None, steps: int, request: VerifyRequest) -> Iterator[str]:
    """Yield in words how the trials are shorter than the run's own warm-up."""
    if request.trainer is None and own is not None and steps < own:
        yield f"{steps:,} of the warm-up's {own:,} steps"
    elif request.trainer is None and own is not None and steps > own:
        yield f"{steps:,} steps where the warm-up has {own:,}"
    if request.trainer is not None and "{seed}" not in request.trainer.text:
        yield "one seed, since the trainer's command has no {seed}"
    if request.trainer is None and gestures.summary.taken < gestures.summary.usable:
        yield f"{gestures.summary.taken:,} of {gestures.summary.usable:,} sequences"


@dataclass(frozen=True, slots=True)
class _Session:
    """The objects that one verify works with."""

    case: Case
    bench: Bench
    runner: Runner
    store: TrialStore
    report: Report
    started: float
    named: Sequence[Arm]
    config_text: str

    def seconds(self, arm: Arm) -> float:
        """Estimate how long a trial of `arm` takes, from those made so far."""
        return self.runner.seconds_per_step * self.bench.job(arm, 0).steps

    def attempt(self, arms: Sequence[Arm], seeds: Sequence[int]) -> list[list[Trial]]:
        """Return the trials of each of `arms` with all `seeds`."""
        jobs = [self.bench.job(arm, seed) for arm in arms for seed in seeds]
        trials = self.runner.trials(jobs)
        return [trials[start : start + len(seeds)] for start in range(0, len(trials), len(seeds))]


def _run_trials(request: VerifyRequest, session: _Session) -> VerifyResult:
    seeds = tuple(range(request.seeds))
    on_hand = candidates(session.case)
    chosen: Arm | None = None
    path: tuple[Step, ...] = ()
    needed: tuple[str, ...] = ()
    untried: tuple[str, ...] = ()
    if request.patches or not (request.search or request.warm_start is not None):
        base = session.attempt([AS_IT_IS], seeds)[0]
        arms = _arms_to_try(request, session, base)
        untried = tuple(_cut(arms, session.attempt(arms, seeds)))
    else:
        everything = (together(bundle(session.case)),) if request.search else ()
        base, arms = session.attempt([AS_IT_IS, *everything], seeds[:1])[0], []
    if request.search:
        offered = {**on_hand, **{remedy.id: remedy for remedy in session.report.remedies if can_be_tried(remedy)}}
        search = Search(
            attempt=session.attempt,
            remedies=on_hand,
            bundle=bundle(session.case),
            patch=[offered[name] for name in base[0].patch if name in offered],
            seeds=seeds,
            max_arms=request.max_arms,
            deadline=session.bench.deadline,
            seconds=session.seconds,
        )
        found = search.run()
        chosen, path, needed, untried = found.chosen, found.path, found.needed, (*untried, *found.untried)
        arms.extend(found.arms)
    written: tuple[str, ...] = ()
    by_key = {arm.key: arm for arm in [*arms, AS_IT_IS]}
    if request.warm_start is not None and request.trainer is None:
        start = warm_start.best(session.bench, session.case, session.attempt, list(by_key.values()), seeds)
        by_key.setdefault(start.key, start)
        written = warm_start.write(
            request.warm_start, session.bench, start, seeds, session.runner.made, session.case, session.config_text
        )
    trials = session.store.outcome.trials
    known = {**on_hand, **{remedy.id: remedy for remedy in session.report.remedies}}
    done = [replace(one, expected=tuple(_expectations(one, known))) for one in _outcomes(by_key, trials, request.seeds)]
    if chosen is None and not request.search:
        cured = [one for one in done if one.effect is Effect.CURED]
        fewest = min(cured, key=lambda one: len(one.arm.edits) + len(one.arm.code_changes), default=None)
        chosen = None if fewest is None else fewest.arm
    confirmed, refuted = _judged_causes(base, session.report, chosen, needed)
    outcome = replace(
        session.store.outcome,
        arms=tuple(done),
        path=path,
        chosen=None if chosen is None else chosen.key,
        needed=needed,
        confirmed=confirmed,
        refuted=refuted,
        untried=untried,
        warm_start=written,
        hints=() if chosen is None else _hints(session.case, chosen),
    )
    session.store.write(outcome)
    return VerifyResult(outcome=outcome, report=session.report)


def _cut(arms: Sequence[Arm], trials: Sequence[Sequence[Trial]]) -> Iterator[str]:
    """Yield the arms whose trainings the budget cut."""
    for arm, of_arm in zip(arms, trials, strict=True):
        if any(trial.out_of_time for trial in of_arm):
            yield f"{arm.title}: {CUT}"


def _judged_causes(
    base: Sequence[Trial], report: Report, chosen: Arm | None, needed: Collection[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the codes of the causes that the cure speaks for, and of those that it speaks against.

    The cure breaks without something that a confirmed cause is about, and changes nothing that a refuted cause is about.
    """
    if chosen is None:
        return (), ()
    changed = set(part_names(chosen))
    breaking = changed if len(changed) == 1 else set(needed)
    if _raises_rate(chosen):  # which does what more steps do
        changed |= {Lever.STEPS.value}
        breaking |= {Lever.STEPS.value} if Lever.RATE.value in breaking else set()
    named = dict.fromkeys([*(cause.code for cause in report.causes), *(code for trial in base for code in trial.causes)])
    levers = {code: {lever.value for lever in current().by_code[code].levers} for code in named if code in current().by_code}
    return (
        tuple(code for code, about in levers.items() if about & breaking),
        tuple(code for code, about in levers.items() if about and not about & changed),
    )


def _raises_rate(arm: Arm) -> bool:
    """Return True if the arm sets a higher learning rate than the run's own."""
    rates = [(edit.old, edit.new) for edit in arm.edits if edit.key == "training.lr.generator"]
    return any(isinstance(old, float | int) and isinstance(new, float | int) and new > old for old, new in rates)


def _arms_to_try(request: VerifyRequest, session: _Session, base: Sequence[Trial]) -> list[Arm]:
    """Return the arms of `--patch`, or else the diagnosis' remedies one by one and its patch as a whole.

    With a search or a warm start alone there are none.
    """
    if request.patches:
        return list(session.named)
    if request.search or request.warm_start is not None:
        return []
    on_hand = candidates(session.case)
    offered = {remedy.id: remedy for remedy in session.report.remedies}
    names = dict.fromkeys([*offered, *(name for trial in base for name in trial.offered)])
    known = [offered.get(name) or on_hand.get(name) for name in names]
    tried = [remedy for remedy in known if remedy is not None and can_be_tried(remedy)]
    arms = [together([remedy]) for remedy in tried]
    whole = [remedy for remedy in session.report.chosen_remedies if can_be_tried(remedy)]
    if len(whole) > 1:
        arms.append(together(whole, prefix=SUGGESTED))
    return list({arm.key: arm for arm in arms if arm.key}.values())


def _outcomes(by_key: dict[str, Arm], trials: Sequence[Trial], seeds: int) -> list[ArmOutcome]:
    """Compare every arm with the run as it is, over common seeds: the run itself first, then the healthiest."""
    of = {key: [trial for trial in trials if trial.arm == key and trial.seed < seeds] for key in by_key}
    base = of[AS_IT_IS.key]
    compared = [compare(arm, base, of[key]) for key, arm in by_key.items() if of[key]]
    return sorted(compared, key=lambda one: (one.arm.key != "", one.distance[1], one.arm.title))


def _expectations(outcome: ArmOutcome, remedies: Mapping[str, Remedy]) -> Iterator[str]:
    """Yield each expectation of the arm's remedies with the mean that was measured."""
    after = {change.metric: change.after for change in outcome.changes}
    expected = {one.metric: one for name in outcome.arm.remedies if name in remedies for one in remedies[name].expects}
    for metric, one in expected.items():
        if metric in after:
            met = "met" if after[metric] in one.interval else "not met"
            yield f"{metric} {one.interval}: {two_digits(after[metric])}, {met}"


def _hints(case: Case, arm: Arm) -> tuple[str, ...]:
    """Return the hints for the code changes of `arm`, each once: that of a remedy tells of all its changes."""
    remedies = [
        remedy for remedy in candidates(case).values() if remedy.code_hint and set(remedy.code_changes) <= set(arm.code_changes)
    ]
    hints, told = list[str](), set[CodeChange]()
    for remedy in sorted(remedies, key=lambda one: -len(one.code_changes)):
        if remedy.code_hint and not set(remedy.code_changes) <= told:
            hints.append(remedy.code_hint)
            told.update(remedy.code_changes)
    return tuple(hints)


def _fingerprint(request: VerifyRequest, settings: Settings, gestures: Gestures, source: TrainerFacts | None) -> str:
    """Return a digest of everything the trials depend on."""
    statistics = (values for _, values in sorted(gestures.statistics.by_name.items()))
    held = (gestures.sequences, gestures.lengths, gestures.features, *statistics)
    data = hashlib.sha256(b"".join(b"-" if values is None else values.tobytes() for values in held))
    parts = [
        VERSION, config_values(settings), data.hexdigest(), request.steps, request.max_sequences,
        request.trainer and request.trainer.text, request.checkpoint and str(request.checkpoint),
        source and (source.reads, source.compares, sorted(source.added)),
        *((request.device,) if request.device != "cpu" else ()),
    ]  # fmt: skip
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]
