"""Samples that a program drew itself, by epoch: their measures, the epoch at which they fell ill, and what follows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from humouse_doctor.cases.stage import is_best
from humouse_doctor.core.case import Case
from humouse_doctor.core.errors import NotMeasurable
from humouse_doctor.core.history import History, Snapshot, SnapshotKind, Stage, StageKind
from humouse_doctor.core.probe import Judgement, Kind, Probe, ProbeResult
from humouse_doctor.core.remedy import Interval
from humouse_doctor.core.verdict import Verdict
from humouse_doctor.diagnosis.examine import examine
from humouse_doctor.diagnosis.verdict import verdict_of
from humouse_doctor.probes.registry import current
from humouse_doctor.probes.shared.timing import FLAT, timing_ratio

if TYPE_CHECKING:
    from humouse_doctor.cases.drawn import Drawn

#: The measures of a snapshot: a probe's code, its metric, and the word for it.
MEASURES = (
    ("HD101", "spread_ratio", "spread"),
    ("HD103", "time_std_ratio", "movement"),
    ("HD104", "latent_std_ratio", "variety"),
    ("HD109", "detour_ratio", "detour"),
)
#: The measures of a watch's glance.
WATCHED = (*MEASURES, ("HD103", "late_std_ratio", "late movement"))
TIMING = "timing"
#: The symptoms that samples show by themselves; what else a checkpoint shows they neither confirm nor refute.
_SHOWN_BY_SAMPLES = ("HD101", "HD103", "HD104", "HD107", "HD109")
_WORSE = (Verdict.HEALTHY, Verdict.AT_RISK, Verdict.COLLAPSED)
_MOST_SPANS = 6
#: Measures that differ by a larger factor are mentioned.
_APART = 2.0
#: A measure that grows by more than this in the adversarial stage, beyond what is healthy, was thrown off there. Of humouse's
#: own runs in docs/accuracy three were: their spread grew 27-, 8- and 8-fold, that of the others at most 3-fold.
_THROWN = 4.0


def snapshot_of(drawn: Drawn, case: Case | str) -> Snapshot:
    """Return the snapshot of a file; `case` is its samples beside the real ones, or the reason why it was not read."""
    verdict, reason, measures = None, "", dict[str, float]()
    if isinstance(case, str):
        reason = case
    else:
        results = {result.code: result for result in examine(case, _symptoms())}
        verdict = verdict_of(case, results, ())
        measures = {name: value for name, value in measures_of(results).items() if name != TIMING}
        timing = timing_of(case)
        if timing is not None:
            measures[TIMING] = timing
        if not measures:
            reason = next((result.reason for result in results.values() if result.reason), "nothing could be measured")
    return Snapshot(
        kind=drawn.kind,
        epoch=drawn.epoch,
        step=drawn.step,
        file=str(drawn.path),
        verdict=verdict,
        measures=MappingProxyType(measures),
        reason=reason,
    )


def _symptoms() -> Iterator[Probe]:
    return (probe for probe in current().probes if probe.kind is Kind.SYMPTOM)


def measures_of(by_code: Mapping[str, ProbeResult]) -> dict[str, float]:
    """Return a snapshot's measures, by their names in words, from the results of the probes."""
    found = {code: by_code[code].measurements for code, _, _ in MEASURES if code in by_code}
    return {word: found[code][metric] for code, metric, word in MEASURES if metric in found.get(code, {})}


def timing_of(case: Case) -> float | None:
    """Return the variation of the times between steps, generated over real; None if it cannot be measured."""
    try:
        return float(f"{timing_ratio(case):.6g}")
    except NotMeasurable:
        return None


def flat_timing(case: Case) -> str | None:
    """Return a sentence on generated times that hardly vary, None if they do, or are not known."""
    ratio = timing_of(case)
    if ratio is None or ratio >= FLAT:
        return None
    return f"the times between steps vary {ratio:.3g} times as much as in the data: the timing profile is flat"


def history_of(snapshots: Sequence[Snapshot], unread: int, stage: Stage | None) -> History:
    """Return the history of a run from its `snapshots`, in order of time; `unread` is the number of others, not examined."""
    history = History(snapshots=tuple(snapshots), unread=unread)
    series = history.series
    ill = _fell_ill(series)
    observations = [
        *_of_series(series, len(snapshots) - len(history.watched), unread),
        *_of_stage(series, ill, stage),
        *_of_timing(series),
        *_of_series(history.watched, 0, 0, "by what a watch saw while it warmed up"),
    ]
    observations += [
        f"the samples that the run drew itself at {one.label} were not examined: {one.reason}"
        for one in snapshots
        if one.reason
    ]
    return replace(history, fell_ill=None if ill is None else ill.label, observations=tuple(observations))


def drew_well_at_first(history: History) -> bool:
    """Return True if the samples of the evaluation after the warm-up are healthy in every measure that decides."""
    first = _after_warm_up(history.snapshots)
    if first is None or first.verdict is not Verdict.HEALTHY:
        return False
    bounds = _healthy()
    return all(value in bounds[word] for word, value in first.measures.items() if word in bounds)


def thrown_off(history: History) -> bool:
    """Return True if no measure of the samples after the warm-up is too large, and some of the last samples' are by far."""
    first = _after_warm_up(history.snapshots)
    return first is not None and bool(history.series) and bool(_thrown(first, history.series[-1]))


def _after_warm_up(snapshots: Iterable[Snapshot]) -> Snapshot | None:
    return next((one for one in snapshots if one.kind is SnapshotKind.EVALUATION and one.epoch == 0), None)


def _healthy() -> dict[str, Interval]:
    return {word: current().by_code[code].metric(metric).healthy for code, metric, word in MEASURES}


def _thrown(first: Snapshot, last: Snapshot) -> list[str]:
    """Return the measures that were thrown off between two snapshots, in words; none if one was too large at first."""
    most = {word: bounds.high for word, bounds in _healthy().items()}
    if any(first.measures.get(word, 0.0) > high for word, high in most.items()):
        return []
    both = [
        (word, first.measures[word], value) for word, value in last.measures.items() if word in most and word in first.measures
    ]
    return [
        f"{word} went from {before:.3g} to {after:.3g}"
        for word, before, after in both
        if after > max(most[word], _THROWN * before)
    ]


def _fell_ill(series: Sequence[Snapshot]) -> Snapshot | None:
    was_healthy = False
    for snapshot in series:
        if was_healthy and snapshot.verdict is not Verdict.HEALTHY:
            return snapshot
        was_healthy = was_healthy or snapshot.verdict is Verdict.HEALTHY
    return None


def in_words(measures: Mapping[str, float]) -> str:
    """Return a snapshot's measures in words."""
    return ", ".join(f"{word} {value:.3g}" for word, value in measures.items())


def _of_series(
    series: Sequence[Snapshot], count: int, unread: int, by: str = "by the samples that the run drew itself"
) -> Iterator[str]:
    """Yield the health by epoch in one sentence, with the measures of the last snapshot."""
    if not series:
        return
    spans = []
    for verdict, group in groupby(series, key=lambda snapshot: snapshot.verdict):
        members = list(group)
        assert verdict is not None
        first, last = members[0].label, members[-1].label
        spans.append(f"{verdict.value} at {first}" if first == last else f"{verdict.value} from {first} to {last}")
    if len(spans) > _MOST_SPANS:
        spans = [*spans[: _MOST_SPANS - 1], "...", spans[-1]]
    looked = f" ({count} of {count + unread} files examined)" if unread else ""
    measured = _over_time(series[0], series[-1])
    yield f"{by}{looked} it is {', '.join(spans)}; over the data's, {measured}"


def _over_time(first: Snapshot, last: Snapshot) -> str:
    """Return each measure, at the first and at the last snapshot."""
    if first is last:
        return in_words(last.measures)
    both = [(word, first.measures[word], value) for word, value in last.measures.items() if word in first.measures]
    return ", ".join(f"{word} goes from {before:.3g} to {after:.3g}" for word, before, after in both)


def _of_stage(series: Sequence[Snapshot], ill: Snapshot | None, stage: Stage | None) -> Iterator[str]:
    """Yield a sentence on the change that came with the adversarial stage, without naming a cause."""
    if (
        not series
        or (stage is not None and stage.kind is StageKind.PRETRAINER)
        or series[0].kind is not SnapshotKind.EVALUATION
    ):
        return
    first, last = series[0], series[-1]
    if first.epoch != 0 or len(series) == 1:
        return
    begin = "before the first adversarial epoch" if stage is not None and stage.start else "after the warm-up"
    end = " and recovered later" if last.verdict is Verdict.HEALTHY else ""
    well = next((one for one in series if one.verdict is Verdict.HEALTHY), None)
    if well is first:
        if ill is not None:
            yield (
                f"it became unhealthy at {ill.label}{end}: it was healthy {begin}, so the adversarial stage made it"
                " so; what in that stage did is not known here"
            )
    elif well is None:
        epochs = f"{last.epoch} adversarial epoch{'' if last.epoch == 1 else 's'}"
        same = all(one.verdict is first.verdict for one in series)
        then = f"{epochs} did not change that" if same else f"is {_word(last)} after {epochs}"
        thrown = _thrown(first, last)
        if thrown:
            then = f"{epochs} made another fault of it: {', '.join(thrown)}"
        yield f"it was {_word(first)} {begin} already, and {then}"
    elif ill is None:
        yield f"it recovered in the adversarial stage, by {well.label}: {begin} it was not healthy"
    else:
        yield (
            f"it was {_word(first)} {begin}, recovered in the adversarial stage, by {well.label}, and became unhealthy again"
            f" at {ill.label}{end}"
        )


def _word(snapshot: Snapshot) -> str:
    return "" if snapshot.verdict is None else snapshot.verdict.value


def _of_timing(series: Sequence[Snapshot]) -> Iterator[str]:
    """Yield a sentence on the snapshots whose times hardly vary."""
    timed = [one for one in series if TIMING in one.measures]
    flat = [one for one in timed if one.measures[TIMING] < FLAT]
    if not flat:
        return
    if flat == timed[-len(flat) :]:
        when = f"from {flat[0].label} on"
    else:
        when = f"at {', '.join(one.label for one in flat[:_MOST_SPANS])}{', ...' if len(flat) > _MOST_SPANS else ''}"
    yield (
        f"{when} the times between steps vary {flat[0].measures[TIMING]:.3g} times as much as in the data:"
        " the timing profile is flat"
    )


def own_snapshot(history: History, case: Case) -> Snapshot | None:
    """Return the evaluation that the program drew with the checkpoint's own weights, None if there is none.

    If the checkpoint's stage is unknown, the last evaluation is assumed to be that one, but not for the weights of the best
    evaluation, which may be any.
    """
    series, stage = [one for one in history.series if one.step is None], case.stage
    if stage is None or not series:
        return None
    if stage.kind is StageKind.UNKNOWN:
        return None if is_best(Path(case.subject.checkpoint or "")) else series[-1]
    return next((one for one in series if one.epoch == stage.epoch), None)


def _assumed(case: Case) -> str:
    """Return a clause that says so if the own snapshot is an assumption, else nothing."""
    if case.stage is None or case.stage.kind is not StageKind.UNKNOWN:
        return ""
    return "; the last samples are assumed to be these weights', since their epoch is not known"


def outranked(case: Case, verdict: Verdict, by_code: Mapping[str, ProbeResult], history: History) -> tuple[Verdict, str]:
    """Return the verdict after a comparison with the program's own samples, and a sentence if they disagree, else empty.

    Only what samples can show is compared. The program's own samples outweigh those drawn here. A worse verdict of theirs
    replaces this one. After a better one `collapsed` becomes `at-risk`, since only one of the two can be right, unless
    something else than samples shows the collapse.
    """
    own = own_snapshot(history, case)
    shown = {code: result for code, result in by_code.items() if code in _SHOWN_BY_SAMPLES}
    if own is None or own.verdict is None or not shown:
        return verdict, ""
    here = verdict_of(replace(case, subject_is_samples=True), shown, ())  # by the rules for samples, as the program's own
    if own.verdict is here or here is Verdict.UNDETERMINED:
        return verdict, ""
    said = (
        f"the samples that the program drew itself at {own.label} are {own.verdict.value} ({in_words(own.measures)}), and what"
        f" is drawn here is {here.value} ({in_words(measures_of(shown))}): the program's own samples decide{_assumed(case)}"
    )
    if case.reading is not None and case.reading.assumed:
        said += "; the program may read the output otherwise than assumed here: give --source or --reads"
    if _WORSE.index(own.verdict) > _WORSE.index(here):
        worse = verdict is Verdict.UNDETERMINED or _WORSE.index(own.verdict) > _WORSE.index(verdict)
        return (own.verdict if worse else verdict), said
    others = any(
        result.judgement is Judgement.FOUND and current().by_code[code].kind is Kind.SYMPTOM
        for code, result in by_code.items()
        if code not in shown and code in current().by_code
    )
    return (Verdict.AT_RISK if verdict is Verdict.COLLAPSED and not others else verdict), said


def compared(case: Case, by_code: Mapping[str, ProbeResult], history: History) -> History:
    """Return `history` with a sentence on measures that differ by a factor between the program's own samples and new ones."""
    own = own_snapshot(history, case)
    here = measures_of(by_code)
    apart = [
        f"{word} {value:.3g} and {here[word]:.3g}"
        for word, value in ({} if own is None else own.measures).items()
        if word in here and max(value, here[word]) > _APART * min(value, here[word])
    ]
    if own is None or not apart:
        return history
    said = f"what it drew itself at {own.label} and what is drawn here differ: {', '.join(apart)} of the data's{_assumed(case)}"
    return replace(history, observations=(*history.observations, said))
