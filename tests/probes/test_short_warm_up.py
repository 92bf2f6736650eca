from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

import pytest

from humouse_doctor.core.arrays import FloatArray
from humouse_doctor.core.case import Behaviour, Case, WeightFacts
from humouse_doctor.core.probe import Judgement
from humouse_doctor.core.settings import Value
from humouse_doctor.core.spec import Activation, Architecture
from tests import builders, reference

_PROBE = builders.probe("HD210")
_NOT_RECURRENT = "its estimate is not for a TCN, nor for recurrent layers of unknown width"


def _of(epochs: int, *, rate: float = 1e-3, hidden: int = 8) -> Case:
    values = {**builders.SOUND, "training.reconstruction_epochs": epochs, "training.lr.generator": rate}
    facts = builders.network(Activation.LINEAR, hidden_dim=hidden)
    return builders.case(known=builders.settings(values), facts=facts, data=builders.summary())


def _steps(case: Case) -> float:
    return builders.run(
        "HD202", replace(case, samples=builders.samples(builders.strokes(0), builders.strokes(0)))
    ).measurements["steps_available"]


@pytest.mark.parametrize(("epochs", "judgement"), [(1000, Judgement.HEALTHY), (60, Judgement.BORDERLINE), (5, Judgement.FOUND)])
def test_the_steps_times_the_rate_decide(epochs: int, judgement: Judgement) -> None:
    assert builders.run("HD210", _of(epochs)).judgement is judgement


@pytest.mark.parametrize("rate", [1e-4, 3e-3])
@pytest.mark.parametrize("hidden", [4, 100])
@pytest.mark.parametrize("epochs", [1, 70])
def test_it_agrees_with_its_slow_twin(epochs: int, rate: float, hidden: int) -> None:
    case = _of(epochs, rate=rate, hidden=hidden)
    twin = {"weight_reach": reference.weight_reach(rate, _steps(case), hidden), "steps_available": _steps(case)}
    builders.assert_agrees("HD210", case, twin)


def test_a_tcn_a_net_of_unknown_width_and_unknown_steps_are_skipped() -> None:
    case = _of(5)
    tcn = replace(case, network=builders.network(Activation.LINEAR, architecture=Architecture.TCN))
    wide = replace(case, network=builders.network(Activation.LINEAR, hidden_dim=None))
    assert builders.run("HD210", tcn).reason == _NOT_RECURRENT
    assert builders.run("HD210", wide).reason == _NOT_RECURRENT
    assert builders.run("HD210", replace(case, data=None)).reason == "how many steps the warm-up has is not known, without data"
    assert builders.run("HD210", _of(0)).reason == "there is no warm-up"


def test_its_remedy_is_a_warm_up_that_reaches_four_times_the_bound() -> None:
    case = _of(20)
    measured = _PROBE.measure(case)
    (remedy,) = _PROBE.remedies(case, measured)
    factor = int(remedy.id.removeprefix("longer-warm-up-").removesuffix("x"))
    assert measured["weight_reach"] * factor >= 4 > measured["weight_reach"] * (factor - 1)
    assert [(edit.key, edit.new) for edit in remedy.edits] == [("training.reconstruction_epochs", 20 * factor)]


def test_a_longer_warm_up_is_never_more_than_64_times_as_long() -> None:
    case = _of(1, rate=1e-6)
    (remedy,) = _PROBE.remedies(case, _PROBE.measure(case))
    assert remedy.id == "longer-warm-up-64x"


def test_the_message_says_how_far_a_weight_comes() -> None:
    case = _of(5)
    measured = _PROBE.measure(case)
    assert f"by {measured['weight_reach']:.2f} of the bound it was drawn from" in _PROBE.message(case, measured)


@pytest.mark.parametrize(
    ("moved", "judgement"), [(3.0, Judgement.HEALTHY), (1.7, Judgement.BORDERLINE), (1.2, Judgement.FOUND)]
)
def test_without_a_rate_how_far_the_weights_have_moved_decides(moved: float, judgement: Judgement) -> None:
    values = {key: value for key, value in builders.SOUND.items() if key != "training.lr.generator"}
    weights = WeightFacts(non_finite=0, total=9, excess_over_start=moved)
    case = replace(_of(5), settings=builders.settings(values), weights=weights)
    result = builders.run("HD210", case)
    assert (result.judgement, result.measurements) == (judgement, {"excess_over_start": moved})
    assert f"only {moved:.2f} times as large" in _PROBE.message(case, result.measurements)
    factor = 10 if judgement is Judgement.FOUND else 4
    assert [remedy.id for remedy in _PROBE.remedies(case, result.measurements)] == [f"longer-warm-up-{factor}x"]
    assert builders.run("HD210", replace(case, weights=None)).judgement is None


def test_the_message_predicts_nothing_and_says_which_sequences_were_counted() -> None:
    case = _of(5)
    message = _PROBE.message(case, _PROBE.measure(case))
    assert message.startswith("in 15 steps (counted on the 48 sequences of these data) at lr 0.001")
    assert message.endswith("it may stay close to its random start")


def test_steps_that_the_config_alone_tells_are_not_said_to_be_those_of_the_data() -> None:
    values = {**builders.SOUND, "training.reconstruction_epochs": 5, "data.max_gestures": 32}
    for data in (None, builders.summary()):
        case = builders.case(known=builders.settings(values), facts=builders.network(), data=data)
        assert _PROBE.message(case, _PROBE.measure(case)).startswith("in 10 steps at lr 0.001")


def _held(
    least: float | None,
    most: float = 2.0,
    epochs: int = 1000,
    behaviour: Behaviour | None = None,
    more: Mapping[str, Value] = MappingProxyType({}),
) -> Case:
    """Weights whose recurrent layers are at `least` of their start or more, after steps that would have moved them."""
    case = _of(epochs)
    values = {**builders.SOUND, "training.reconstruction_epochs": epochs, **more}
    samples = replace(builders.healthy_samples(), behaviour=behaviour)
    weights = WeightFacts(non_finite=0, total=9, excess_over_start=most, least_recurrent=least)
    return replace(case, settings=builders.settings(values), samples=samples, weights=weights)


@pytest.mark.parametrize("least", [0.999, 1.04, 1.19])
def test_recurrent_weights_at_their_start_after_steps_enough_are_found(least: float) -> None:
    case = _held(least)
    result = builders.run("HD210", case)
    assert result.judgement is Judgement.FOUND
    assert result.measurements["recurrent_excess"] == least
    assert f"the largest weight is {least:.2f} times as large" in _PROBE.message(case, result.measurements)
    assert [remedy.id for remedy in _PROBE.remedies(case, result.measurements)] == ["moved-weights"]


@pytest.mark.parametrize(
    "case",
    [
        _held(1.2),
        _held(None),
        _held(0.75),  # smaller than any start
        _held(1.0, most=1.0),  # HD108
        _held(1.0, epochs=60),  # too few steps say it
        _held(1.0, behaviour=Behaviour(silent_layers=1)),  # HD201
        _held(1.0, more={"training.reset_generator_after_warmup": True}),  # HD208
    ],
    ids=["moved", "none", "small", "untrained", "few steps", "dead", "drawn anew"],
)
def test_weights_that_moved_or_that_something_else_held_are_not(case: Case) -> None:
    assert "recurrent_excess" not in builders.run("HD210", case).measurements


def _plain(reach: float, *, size: float = 1.0, hidden: FloatArray | None = None) -> Case:
    """Return a case of a network of the caller's own, without recurrent layers, whose steps reach so far."""
    bound = 0.125
    case = _of(60, rate=reach * bound / _steps(_of(60)))
    weights = WeightFacts(non_finite=0, total=9, excess_over_start=1.0 + reach, size_over_start=size, start_bound=bound)
    facts = builders.network(Activation.LINEAR, architecture=None, hidden_dim=None)
    return replace(case, network=facts, weights=weights, samples=replace(case.samples, hidden=hidden))


@pytest.mark.parametrize(
    ("reach", "judgement"), [(0.5, Judgement.HEALTHY), (0.3, Judgement.BORDERLINE), (0.1, Judgement.FOUND)]
)
def test_a_network_without_recurrent_layers_is_judged_by_the_bound_of_all_its_weights(
    reach: float, judgement: Judgement
) -> None:
    result = builders.run("HD210", _plain(reach))
    assert result.judgement is judgement
    assert result.measurements["plain_reach"] == pytest.approx(reach, rel=1e-4)
    said = _PROBE.message(_plain(reach), result.measurements)
    assert f"Adam can move a weight by {reach:.2f} of the bound it was drawn from" in said


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        (_plain(0.1, size=1.3), "these steps cannot have made the weights so large: they had another start"),
        (_plain(0.1, size=0.2), "the weights are smaller than any random start, see HD221"),
        (_plain(0.1, hidden=builders.moving_states()), _NOT_RECURRENT),
        (replace(_plain(0.1), weights=None), "the random start of the weights is not known"),
    ],
    ids=["trained before", "shrunk", "recurrent", "before training"],
)
def test_of_other_weights_the_reach_tells_nothing(case: Case, reason: str) -> None:
    assert builders.run("HD210", case).reason == reason


def test_a_rate_that_is_far_too_low_is_raised_before_there_are_more_steps() -> None:
    low, few = _plain(0.01), replace(_plain(0.1), settings=_of(60, rate=2e-3).settings)
    assert [one.id for one in _PROBE.remedies(low, {"plain_reach": 0.01})] == ["usual-rate", "longer-warm-up-64x"]
    assert _PROBE.remedies(low, {"plain_reach": 0.01})[0].why == "0.001 is Adam's default"  # nothing comes after it
    assert [one.id for one in _PROBE.remedies(few, {"plain_reach": 0.1})] == ["longer-warm-up-11x"]
