from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given

from humouse_doctor.core.arrays import FloatArray
from humouse_doctor.core.case import Behaviour, Case, NetworkFacts, WeightFacts
from humouse_doctor.core.probe import Judgement, Status
from humouse_doctor.core.spec import Activation, Head, MeasuredHead
from tests import builders, reference

_PROBE = builders.probe("HD201")


def _of(targets: FloatArray, head: Activation | None = Activation.TANH) -> Case:
    return builders.case(builders.samples(targets, targets), facts=builders.network(head))


def test_targets_within_the_bounds_are_healthy() -> None:
    result = builders.run("HD201", _of(builders.strokes(0) * 0.1))
    assert result.status is Status.HEALTHY
    assert result.measurements == {"out_of_reach_share": 0, "reachable_loss_share": 1, "loss_floor": 0}


def test_positions_in_pixels_are_found_under_a_tanh() -> None:
    case = _of(builders.strokes(0) * 260)
    result = builders.run("HD201", case)
    assert result.judgement is Judgement.FOUND
    assert result.measurements["out_of_reach_share"] > 0.9
    assert result.measurements["reachable_loss_share"] < 0.02
    assert "(absolute positions) lie beyond what a tanh head can emit" in _PROBE.message(case, result.measurements)


def test_between_the_two_intervals_is_borderline() -> None:
    share = builders.borderline_low(_PROBE.metric("reachable_loss_share"))
    result = builders.run("HD201", _of(builders.constant(1 / share)))
    assert result.measurements["reachable_loss_share"] == pytest.approx(share, rel=1e-5)
    assert result.judgement is Judgement.BORDERLINE


@pytest.mark.parametrize(("head", "share"), [(Activation.TANH, 0.5), (Activation.SIGMOID, 0.25), (Activation.SOFTPLUS, 0.5)])
def test_the_reachable_share_of_targets_two_either_side_of_zero(head: Activation, share: float) -> None:
    targets = builders.constant(2.0) * np.where(np.arange(16) % 2, 1, -1)[:, None, None]
    assert builders.run("HD201", _of(targets, head)).measurements["reachable_loss_share"] == share


def test_positive_targets_of_any_size_are_in_a_softplus_reach() -> None:
    assert builders.run("HD201", _of(builders.constant(900.0), Activation.SOFTPLUS)).status is Status.HEALTHY


@pytest.mark.parametrize(
    ("heads", "reason"),
    [
        ((Activation.LINEAR, Activation.LINEAR), "the head has no bounds (linear), so nothing is out of its reach"),
        ((None, None), "the range of values that the head can emit is not known"),
        ((Activation.LINEAR, None), "the range of values that the head can emit is not known"),
    ],
)
def test_a_head_without_known_bounds_is_skipped(heads: tuple[Activation | None, ...], reason: str) -> None:
    facts = NetworkFacts(label="x", output_dim=2, target_len=20, hidden_dim=8, heads=heads)
    result = builders.run("HD201", builders.case(builders.samples(builders.strokes(0), builders.strokes(0)), facts=facts))
    assert (result.status, result.reason) == (Status.SKIPPED, reason)


def test_an_unbounded_axis_reaches_everything_and_the_message_names_the_bounded_head() -> None:
    heads = (Activation.LINEAR, Activation.TANH)
    facts = NetworkFacts(label="x", output_dim=2, target_len=20, hidden_dim=8, heads=heads)
    targets = builders.constant(10.0)
    case = builders.case(builders.samples(targets, targets), facts=facts, space=None)
    measured = builders.run("HD201", case).measurements
    assert measured["out_of_reach_share"] == 0.5
    assert measured["loss_floor"] == 4.5
    assert "(the loss's space) lie beyond what a tanh head" in _PROBE.message(case, measured)


def test_an_axis_whose_head_is_not_known_does_not_count() -> None:
    facts = NetworkFacts(label="x", output_dim=2, target_len=20, hidden_dim=8, heads=(None, Activation.TANH))
    targets = builders.constant(10.0)
    result = builders.run("HD201", builders.case(builders.samples(targets, targets), facts=facts))
    assert (result.measurements["out_of_reach_share"], result.measurements["loss_floor"]) == (1, 9)


def test_a_case_without_a_network_still_has_a_message() -> None:
    measured = {"out_of_reach_share": 0.5, "reachable_loss_share": 0.1, "loss_floor": 1.0}
    assert "a bounded head can emit" in _PROBE.message(builders.case(), measured)


def test_targets_that_are_all_zero_are_skipped() -> None:
    assert builders.run("HD201", _of(builders.constant(0.0))).reason == "all targets are zero"


def test_one_step_of_one_sequence_is_measured() -> None:
    assert builders.run("HD201", _of(builders.constant(0.5, rows=1, steps=1))).status is Status.HEALTHY


def test_a_finding_offers_normalised_positions_first() -> None:
    case = _of(builders.strokes(0) * 260)
    offered = _PROBE.remedies(case, builders.run("HD201", case).measurements)
    assert [remedy.id for remedy in offered] == ["normalised-positions", "seq2seq", "warm-start", "delta-space"]


@given(targets=builders.small_arrays())
@pytest.mark.parametrize("head", list(Activation))
def test_it_agrees_with_its_slow_twin(head: Activation, targets: FloatArray) -> None:
    builders.assert_agrees("HD201", _of(targets, head), reference.out_of_reach_targets(targets.tolist(), head.value))


@pytest.mark.parametrize("head", list(Activation))
def test_it_agrees_with_its_slow_twin_on_strokes(head: Activation) -> None:
    targets = builders.strokes(7) * 3
    builders.assert_agrees("HD201", _of(targets, head), reference.out_of_reach_targets(targets.tolist(), head.value))


_RELU = MeasuredHead(bounds=(0.0, np.inf), gain=1.0, centre=0.0)


def _alive(behaviour: Behaviour, head: Head | None = _RELU, rate: float = 1e-3) -> Case:
    """Targets of which the second channel does not vary, of a network that is 8 units wide."""
    targets = builders.strokes(0) * [1.0, 0.0]
    known = builders.settings({**builders.SOUND, "training.lr.generator": rate})
    facts = replace(builders.network(), heads=(head, head))
    samples = replace(builders.samples(targets, targets), behaviour=behaviour)
    return builders.case(samples, facts=facts, known=known, weights=WeightFacts(non_finite=0, total=1, excess_over_start=1.0))


@pytest.mark.parametrize(
    ("shares", "judgement"),
    [((0.5, 0.0), Judgement.HEALTHY), ((0.01, 1.0), Judgement.BORDERLINE), ((0.0, 1.0), Judgement.FOUND)],
)
def test_the_least_living_channel_that_should_vary_decides(shares: tuple[float, ...], judgement: Judgement) -> None:
    behaviour = Behaviour(live_shares=shares)
    result = builders.run("HD201", replace(_alive(behaviour), network=replace(builders.network(), heads=(_RELU, None))))
    alone = _PROBE.judge({name: value for name, value in result.measurements.items() if name == "live_share"})
    assert alone is judgement
    assert ("live_share" in result.measurements) == (judgement is not Judgement.HEALTHY)


def test_a_dead_head_and_silent_layers_are_said_with_what_to_do() -> None:
    for behaviour, said in (
        (Behaviour(live_shares=(0.0, 0.0)), "only 0.0% of the outputs change when what comes before it does"),
        (Behaviour(silent_layers=1), "1 layer gets nothing but zeros, for every latent"),
        (Behaviour(silent_layers=2, live_shares=(1.0, 1.0)), "2 layers get nothing but zeros, for every latent"),
    ):
        case = _alive(behaviour, None)  # of a softmax of one number no bounds are known
        result = builders.run("HD201", case)
        assert result.judgement is Judgement.FOUND
        assert said in _PROBE.message(case, result.measurements)
        assert [remedy.id for remedy in _PROBE.remedies(case, result.measurements)] == ["living-head"]
        assert builders.run("HD108", case).measurements == {"non_finite_weights": 0}  # it cannot have moved
    assert builders.run("HD108", _alive(Behaviour(live_shares=(0.0, 1.0)))).judgement is Judgement.FOUND


@pytest.mark.parametrize(("head", "rate"), [(Activation.TANH, 1e-3), (Activation.SIGMOID, 1e-3), (_RELU, 0.5)])
def test_a_head_that_saturates_or_that_steps_drove_off_is_another_cause(head: Head, rate: float) -> None:
    result = builders.run("HD201", _alive(Behaviour(live_shares=(0.0, 0.0)), head, rate))
    assert "live_share" not in result.measurements
