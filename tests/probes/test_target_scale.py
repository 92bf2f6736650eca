from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given

from humouse_doctor.core.arrays import FloatArray
from humouse_doctor.core.case import Case, NetworkFacts
from humouse_doctor.core.probe import Judgement, Status
from humouse_doctor.core.settings import Value
from humouse_doctor.core.spec import Activation, Architecture, MeasuredHead
from tests import builders, reference

_PROBE = builders.probe("HD202")
_RATE, _HIDDEN, _BATCHES = 1e-3, 8, 3


def _of(targets: FloatArray, epochs: int = 100) -> Case:
    return _with(targets, {"training.reconstruction_epochs": epochs})


def _with(targets: FloatArray, changes: Mapping[str, Value], unknown: tuple[str, ...] = ()) -> Case:
    known = builders.settings({**builders.SOUND, **changes}, unknown=unknown)
    found = builders.samples(targets, targets)
    return builders.case(found, known=known, facts=builders.network(), data=builders.summary(48))


def _share(share: float) -> FloatArray:
    """Return constant targets for which 100 epochs are the share `share` of the steps needed."""
    return builders.constant(100 * _BATCHES * _RATE * (_HIDDEN + 1) / share)


def test_the_estimate_is_the_measured_one() -> None:
    result = builders.run("HD202", _of(builders.constant(260.0)))
    assert result.measurements["steps_needed"] == pytest.approx(260 / (_RATE * (_HIDDEN + 1)), rel=1e-5)
    assert result.measurements["steps_available"] == 100 * _BATCHES


@pytest.mark.parametrize(
    ("share", "judgement"),
    [
        (2.0, Judgement.HEALTHY),
        (builders.borderline_low(_PROBE.metric("steps_share")), Judgement.BORDERLINE),
        (0.1, Judgement.FOUND),
    ],
)
def test_the_steps_there_are_are_judged_against_those_needed(share: float, judgement: Judgement) -> None:
    assert builders.run("HD202", _of(_share(share))).judgement is judgement


def test_a_bounded_head_is_not_said_to_get_there_in_any_number_of_steps() -> None:
    case = _of(builders.constant(260.0))
    bounded = replace(case, network=builders.network(Activation.TANH))
    measured = _PROBE.measure(case)
    assert _PROBE.measure(bounded) == measured
    assert "needs about 28,889 steps to reach that scale and has 300" in _PROBE.message(case, measured)
    assert (
        "have an rms of 260, which the head never emits; without its bounds the output layer would need about 28,889 steps at"
        " lr 0.001 to reach that scale, and has 300"
    ) in _PROBE.message(bounded, measured)
    within = _PROBE.measure(replace(bounded, samples=builders.samples(builders.constant(0.9), builders.constant(0.9))))
    assert "never emits" not in _PROBE.message(bounded, within)


def test_the_larger_axis_decides() -> None:
    targets = builders.strokes(0) * [1.0, 50.0]
    small = builders.run("HD202", _of(builders.strokes(0)))
    large = builders.run("HD202", _of(targets))
    assert large.measurements["target_rms"] > 20 * small.measurements["target_rms"]


def test_the_message_carries_rms_rate_and_both_steps() -> None:
    case = _of(builders.constant(270.0))
    assert _PROBE.message(case, _PROBE.measure(case)) == (
        "the targets (absolute positions) have an rms of 270; at lr 0.001 the output layer needs about 30,000 steps to"
        " reach that"
        " scale and has 300 (counted on the 48 sequences of these data)"
    )
    spaceless = builders.case(case.samples, known=case.settings, facts=case.network, space=None, data=case.data)
    assert "(the loss's space)" in _PROBE.message(spaceless, _PROBE.measure(spaceless))


@pytest.mark.parametrize(("share", "practical"), [(0.3, True), (0.26, True), (0.24, False), (0.01, False)])
def test_longer_training_is_offered_last_where_it_is_practical_and_nowhere_else(share: float, practical: bool) -> None:
    case = _of(_share(share))
    offered = [remedy.id for remedy in _PROBE.remedies(case, _PROBE.measure(case))]
    assert offered[0] == "normalised-positions"
    assert (offered[-1] == "enough-steps") is practical
    assert ("enough-steps" in offered) is practical


@pytest.mark.parametrize(("share", "offered"), [(0.3, ["enough-steps"]), (0.01, [])])
def test_seq2seq_is_offered_nothing_but_longer_training(share: float, offered: list[str]) -> None:
    case = replace(_of(_share(share)), network=builders.network(architecture=Architecture.SEQ2SEQ))
    assert [remedy.id for remedy in _PROBE.remedies(case, _PROBE.measure(case))] == offered


def test_without_a_warm_up_nothing_is_claimed_of_its_steps() -> None:
    result = builders.run("HD202", _of(builders.constant(270.0), epochs=0))
    assert (result.status, result.reason) == (Status.SKIPPED, "no warm-up runs (training.reconstruction_epochs is 0)")


def test_a_learning_rate_that_is_not_known_is_skipped() -> None:
    case = _with(builders.strokes(0), {}, unknown=("training.lr.generator",))
    assert builders.run("HD202", case).reason == ("the learning rate is not known: the config lacks training.lr.generator")


def test_a_learning_rate_of_zero_is_skipped() -> None:
    assert builders.run("HD202", _with(builders.strokes(0), {"training.lr.generator": 0})).status is Status.SKIPPED


def test_steps_that_are_not_known_are_skipped_with_those_needed() -> None:
    result = builders.run("HD202", _with(builders.constant(270.0), {}, unknown=("data.batch_size",)))
    assert (result.status, result.reason) == (
        Status.SKIPPED,
        "30,000 steps are needed, but how many steps the warm-up has is not known: data.batch_size is missing",
    )


def test_steps_beyond_any_number_are_needed_in_words() -> None:
    slow = _with(builders.constant(270.0), {"training.lr.generator": 5e-324}, unknown=("data.batch_size",))
    reason = (
        "more than any number of steps are needed, but how many steps the warm-up has is not known: data.batch_size is missing"
    )
    assert builders.run("HD202", slow).reason == reason


def _planned(facts: NetworkFacts, scale: float = 1.0) -> Case:
    found = builders.samples(builders.strokes(0) * scale, builders.strokes(0))
    return builders.case(found, known=builders.settings(), facts=facts, data=builders.summary())


def test_a_network_of_unknown_width_is_skipped() -> None:
    case = _planned(builders.network(Activation.LINEAR, hidden_dim=None))
    assert builders.run("HD202", case).reason == ("its estimate is for an output layer on recurrent states, which are bounded")


@pytest.mark.parametrize(("scale", "judgement"), [(1.0, Judgement.HEALTHY), (300.0, Judgement.BORDERLINE)])
def test_of_a_tcn_only_the_scale_is_judged(scale: float, judgement: Judgement) -> None:
    probe, case = builders.probe("HD202"), _planned(builders.network(Activation.LINEAR, architecture=Architecture.TCN), scale)
    result = builders.run("HD202", case)
    assert (result.judgement, list(result.measurements)) == (judgement, ["target_rms"])
    assert "how many steps a TCN needs to reach that scale is not known" in probe.message(case, result.measurements)
    assert "enough-steps" not in {remedy.id for remedy in probe.remedies(case, result.measurements)}


@pytest.mark.parametrize(("rms", "judgement"), [(9.9, Judgement.HEALTHY), (10.1, Judgement.BORDERLINE)])
def test_of_a_tcn_an_rms_above_ten_is_large(rms: float, judgement: Judgement) -> None:
    facts = builders.network(Activation.LINEAR, architecture=Architecture.TCN)
    case = replace(_of(builders.constant(rms)), network=facts)
    assert builders.run("HD202", case).judgement is judgement


def test_targets_that_are_all_zero_are_skipped() -> None:
    assert builders.run("HD202", _of(builders.constant(0.0))).reason == "all targets are zero"


@given(targets=builders.small_arrays())
def test_it_agrees_with_its_slow_twin(targets: FloatArray) -> None:
    twin = reference.target_scale(targets.tolist(), _RATE, _HIDDEN, 100.0 * _BATCHES)
    builders.assert_agrees("HD202", _of(targets), twin)


def test_it_agrees_with_its_slow_twin_on_strokes() -> None:
    targets = builders.strokes(8) * 130
    twin = reference.target_scale(targets.tolist(), _RATE, _HIDDEN, 100.0 * _BATCHES)
    builders.assert_agrees("HD202", _of(targets), twin)


def _scaled(gain: float, centre: float) -> NetworkFacts:
    head = MeasuredHead(bounds=(-math.inf, math.inf), gain=gain, centre=centre)
    return replace(builders.network(), architecture=None, heads=(head, head))


def test_targets_that_a_head_scales_are_compared_with_before_it() -> None:
    targets = builders.strokes(0) * 260.0 + 900.0
    case = builders.case(
        builders.samples(targets, targets), known=builders.settings(), facts=_scaled(260.0, 900.0), data=builders.summary()
    )

    result = builders.run("HD202", case)

    assert result.judgement is Judgement.HEALTHY
    assert result.measurements["target_rms"] == pytest.approx(1.0, abs=0.1)


def test_a_head_whose_scale_is_not_the_targets_is_no_matter_of_steps() -> None:
    targets = builders.strokes(0) * 260.0 + 900.0
    case = builders.case(
        builders.samples(targets, targets), known=builders.settings(), facts=_scaled(0.02, 900.0), data=builders.summary()
    )

    result = builders.run("HD202", case)

    assert result.status is Status.SKIPPED
    assert result.reason is not None
    assert "the head scales what the output layer gives" in result.reason
