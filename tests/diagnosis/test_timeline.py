from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

import pytest

from humouse_doctor.core.case import Case, Subject
from humouse_doctor.core.history import History, Snapshot, SnapshotKind, Stage, StageKind
from humouse_doctor.core.probe import Judgement, ProbeResult, Severity, Status
from humouse_doctor.core.space import PIXELS, Reading
from humouse_doctor.core.verdict import Verdict
from humouse_doctor.diagnosis.causes import severity_of
from humouse_doctor.diagnosis.timeline import compared, drew_well_at_first, history_of, outranked, thrown_off

WELL, ILL = {"spread": 0.9, "movement": 0.8, "variety": 0.7}, {"spread": 0.01, "movement": 0.02, "variety": 0.03}
VERDICTS = {"h": Verdict.HEALTHY, "r": Verdict.AT_RISK, "c": Verdict.COLLAPSED, "u": Verdict.UNDETERMINED}


def _snapshot(
    epoch: int, verdict: str, kind: SnapshotKind = SnapshotKind.EVALUATION, measures: Mapping[str, float] | None = None
) -> Snapshot:
    own = (WELL if verdict == "h" else ILL) if measures is None else measures
    return Snapshot(
        kind=kind,
        epoch=epoch,
        step=0 if kind is SnapshotKind.TRAINING else None,
        file="x.npz",
        verdict=VERDICTS[verdict],
        measures=MappingProxyType(dict(own)),
    )


def _history(verdicts: str, stage: Stage | None = None) -> History:
    return history_of([_snapshot(epoch, verdict) for epoch, verdict in enumerate(verdicts)], 0, stage)


@pytest.mark.parametrize(
    ("verdicts", "fell_ill", "spans"),
    [
        ("hhh", None, "healthy from epoch 0 to epoch 2"),
        ("hhc", "epoch 2", "healthy from epoch 0 to epoch 1, collapsed at epoch 2"),
        ("crh", None, "collapsed at epoch 0, at-risk at epoch 1, healthy at epoch 2"),
        ("huc", "epoch 2", "healthy at epoch 0, collapsed at epoch 2"),
        ("hchchchc", "epoch 1", "collapsed at epoch 3, healthy at epoch 4, ..., collapsed at epoch 7"),
    ],
)
def test_the_health_by_epoch_is_said_in_one_sentence(verdicts: str, fell_ill: str | None, spans: str) -> None:
    history = _history(verdicts)

    assert history.fell_ill == fell_ill
    assert spans in history.observations[0]
    assert "spread" in history.observations[0]


@pytest.mark.parametrize(
    ("verdicts", "said"),
    [
        ("hc", "it became unhealthy at epoch 1: it was healthy after the warm-up"),
        ("hch", "it became unhealthy at epoch 1 and recovered later: "),
        ("ccc", "it was collapsed after the warm-up already, and 2 adversarial epochs did not change that"),
        ("cr", "it was collapsed after the warm-up already, and is at-risk after 1 adversarial epoch"),
        ("rc", "it was at-risk after the warm-up already, and is collapsed after 1 adversarial epoch"),
        (
            "chc",
            "it was collapsed after the warm-up, recovered in the adversarial stage, by epoch 1, and became unhealthy again",
        ),
        (
            "chrh",
            "it was collapsed after the warm-up, recovered in the adversarial stage, by epoch 1, and became unhealthy again",
        ),
        ("cch", "it recovered in the adversarial stage, by epoch 2"),
    ],
)
def test_what_the_adversarial_stage_did_is_an_observation_without_a_cause(verdicts: str, said: str) -> None:
    assert _history(verdicts).observations[1].startswith(said)


@pytest.mark.parametrize(("verdicts", "end"), [("chc", "again at epoch 2"), ("chrh", "again at epoch 2 and recovered later")])
def test_a_second_fall_is_told_with_its_epoch(verdicts: str, end: str) -> None:
    assert _history(verdicts).observations[1].endswith(end)


def test_where_weights_were_loaded_nothing_is_said_of_a_warm_up() -> None:
    loaded = Stage(kind=StageKind.ADVERSARIAL, epoch=1, start="the weights in a.pt")

    assert "it was healthy before the first adversarial epoch, so" in _history("hc", loaded).observations[1]


def test_without_an_evaluation_after_the_warm_up_nothing_is_said_of_the_stage() -> None:
    assert len(history_of([_snapshot(1, "h"), _snapshot(2, "c")], 0, None).observations) == 1
    assert len(_history("c").observations) == 1


def test_evaluations_come_before_samples_of_the_training() -> None:
    training = [_snapshot(epoch, "c", SnapshotKind.TRAINING) for epoch in (1, 2)]

    mixed = history_of([_snapshot(0, "h"), *training], 5, None)

    assert [one.kind for one in mixed.series] == [SnapshotKind.EVALUATION]
    assert mixed.observations[0].startswith(
        "by the samples that the run drew itself (3 of 8 files examined) it is healthy at epoch 0"
    )
    assert history_of(training, 0, None).observations[0].endswith("spread goes from 0.01 to 0.01, movement goes from 0.02 to "
                                                                  "0.02, variety goes from 0.03 to 0.03")  # fmt: skip


def test_a_timing_profile_that_is_flat_for_a_time_is_told_with_these_epochs() -> None:
    timed = [_snapshot(epoch, "h", measures={**WELL, "timing": timing}) for epoch, timing in enumerate((0.01, 0.9, 0.02, 0.9))]

    assert history_of(timed, 0, None).observations[-1].startswith("at epoch 0, epoch 2 the times between steps vary 0.01 times")


def test_a_flat_timing_profile_is_told_with_its_epoch() -> None:
    timed = [_snapshot(epoch, "h", measures={**WELL, "timing": timing}) for epoch, timing in enumerate((0.9, 0.01))]

    assert history_of(timed, 0, None).observations[-1] == (
        "from epoch 1 on the times between steps vary 0.01 times as much as in the data: the timing profile is flat"
    )


def test_a_file_that_was_not_measured_is_told_with_the_reason() -> None:
    broken = replace(_snapshot(3, "u", measures={}), verdict=None, reason="x.npz: it is empty")

    history = history_of([broken], 0, None)

    assert history.observations == ("the samples that the run drew itself at epoch 3 were not examined: x.npz: it is empty",)
    assert history.series == ()


def _result(code: str, judgement: Judgement, **measured: float) -> ProbeResult:
    status = Status.HEALTHY if judgement is Judgement.HEALTHY else Status.FOUND
    return ProbeResult(code=code, status=status, judgement=judgement, measurements=MappingProxyType(measured))


def _here(judgement: Judgement, value: float) -> dict[str, ProbeResult]:
    names = {"HD101": "spread_ratio", "HD103": "time_std_ratio", "HD104": "latent_std_ratio"}
    return {code: _result(code, judgement, **{name: value}) for code, name in names.items()}


CASE = Case(subject=Subject(name="x", checkpoint="x"), subject_is_samples=True,
            stage=Stage(kind=StageKind.ADVERSARIAL, epoch=1))  # fmt: skip
HEALTHY_HERE, ILL_HERE = _here(Judgement.HEALTHY, 0.9), _here(Judgement.FOUND, 0.01)


def test_a_collapse_of_its_own_samples_outranks_health_here_with_both_numbers() -> None:
    verdict, said = outranked(CASE, Verdict.AT_RISK, HEALTHY_HERE, _history("hc"))

    assert verdict is Verdict.COLLAPSED
    assert "at epoch 1 are collapsed (spread 0.01, movement 0.02, variety 0.03)" in said


def test_health_of_its_own_samples_leaves_a_collapse_here_at_risk() -> None:
    verdict, said = outranked(CASE, Verdict.COLLAPSED, ILL_HERE, _history("hh"))

    assert verdict is Verdict.AT_RISK
    assert "what is drawn here is collapsed (spread 0.01, movement 0.01, variety 0.01)" in said


def test_a_disagreement_under_an_assumed_reading_names_the_options_that_settle_it() -> None:
    for assumed in (True, False):
        read = replace(CASE, reading=Reading(space=PIXELS, because="x", assumed=assumed))

        _, said = outranked(read, Verdict.COLLAPSED, ILL_HERE, _history("hh"))

        assert said.endswith("give --source or --reads") is assumed


def test_a_symptom_that_samples_do_not_show_is_not_refuted_by_them() -> None:
    broken = {**ILL_HERE, "HD105": _result("HD105", Judgement.FOUND, skill=-1.0)}

    assert outranked(CASE, Verdict.COLLAPSED, broken, _history("hh"))[0] is Verdict.COLLAPSED


@pytest.mark.parametrize(
    "stage",
    [
        Stage(kind=StageKind.ADVERSARIAL, epoch=7),
        Stage(kind=StageKind.PRETRAINER),
        Stage(kind=StageKind.WARM_UP, epoch=0),
        None,
    ],
)
def test_samples_of_other_weights_outrank_nothing(stage: Stage | None) -> None:
    other = history_of([_snapshot(1, "c")], 0, stage)

    assert outranked(replace(CASE, stage=stage), Verdict.HEALTHY, HEALTHY_HERE, other) == (Verdict.HEALTHY, "")


def test_of_an_unknown_stage_the_last_evaluation_counts() -> None:
    unknown = replace(CASE, stage=Stage(kind=StageKind.UNKNOWN))

    verdict, said = outranked(unknown, Verdict.HEALTHY, HEALTHY_HERE, _history("hc"))
    assert verdict is Verdict.COLLAPSED
    assert "the last samples are assumed to be these weights'" in said
    assert "assumed" not in outranked(CASE, Verdict.HEALTHY, HEALTHY_HERE, _history("hc"))[1]


def test_of_an_unknown_stage_no_evaluation_is_taken_for_that_of_the_best_weights() -> None:
    best = replace(CASE, stage=Stage(kind=StageKind.UNKNOWN), subject=Subject(name="x", checkpoint="run/generator_x_best.pt"))

    assert outranked(best, Verdict.HEALTHY, HEALTHY_HERE, _history("hc")) == (Verdict.HEALTHY, "")


def test_nothing_is_outranked_where_both_agree_but_numbers_far_apart_are_told() -> None:
    near, far = _history("hh"), history_of([_snapshot(1, "h", measures={**WELL, "spread": 3.0})], 0, None)

    assert outranked(CASE, Verdict.HEALTHY, HEALTHY_HERE, near) == (Verdict.HEALTHY, "")
    assert compared(CASE, HEALTHY_HERE, near) == near
    assert compared(CASE, HEALTHY_HERE, far).observations[-1].endswith("differ: spread 3 and 0.9 of the data's")


@pytest.mark.parametrize(
    ("verdict", "measures", "well"), [("h", WELL, True), ("h", {**WELL, "spread": 7.6}, False), ("c", WELL, False)]
)
def test_only_what_is_healthy_in_every_measure_clears_the_warm_up(verdict: str, measures: dict[str, float], well: bool) -> None:
    assert drew_well_at_first(history_of([_snapshot(0, verdict, measures=measures)], 0, None)) is well


@pytest.mark.parametrize(
    ("before", "after", "thrown"),
    [
        ({"spread": 0.65, "variety": 0.5}, {"spread": 17.3, "variety": 0.6}, True),
        ({"spread": 0.65, "variety": 0.5}, {"spread": 0.66, "variety": 0.6}, False),  # as it was
        ({"spread": 3.5}, {"spread": 4.5}, False),  # hardly more than before
        ({"spread": 4.5}, {"spread": 40.0}, False),  # too much already
        ({"spread": 0.1}, {"spread": 3.0}, False),  # far more, and healthy
        ({"spread": 0.65}, {"variety": 9.0}, False),  # not known of both
    ],
)
def test_a_measure_that_is_too_large_by_far_since_the_warm_up_is_the_adversarial_stages(
    before: dict[str, float], after: dict[str, float], thrown: bool
) -> None:
    history = history_of([_snapshot(0, "r", measures=before), _snapshot(1, "r", measures=after)], 0, None)

    assert thrown_off(history) is thrown
    said = "it was at-risk after the warm-up already, and 1 adversarial epoch "
    assert history.observations[1] == said + (
        "made another fault of it: spread went from 0.65 to 17.3" if thrown else "did not change that"
    )
    assert not thrown_off(history_of([], 0, None))


def test_a_cause_of_a_warm_up_is_a_note_where_later_epochs_moved_healthy_weights() -> None:
    case = replace(CASE, drew_well_at_first=True)
    whitened = _result("HD204", Judgement.FOUND, whitening=1.0)

    assert severity_of(whitened, {**ILL_HERE, "HD204": whitened}, CASE) is Severity.ERROR
    assert severity_of(whitened, {**ILL_HERE, "HD204": whitened}, case) is Severity.NOTE
    warm = replace(case, stage=Stage(kind=StageKind.WARM_UP, epoch=0))
    assert severity_of(whitened, {**ILL_HERE, "HD204": whitened}, warm) is Severity.ERROR
