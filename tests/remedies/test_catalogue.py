from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given

from humouse_doctor.core.arrays import FloatArray
from humouse_doctor.core.case import Case, Samples
from humouse_doctor.core.remedy import Edit, Interval, Remedy, RemedyStatus, Safety
from humouse_doctor.core.settings import Origin, Setting, Value
from humouse_doctor.core.space import Space
from humouse_doctor.core.spec import Activation, Architecture
from humouse_doctor.probes.registry import PROBES
from humouse_doctor.remedies import catalogue
from tests import builders, reference

_ABSOLUTE, _HEAD, _EPOCHS = (
    "training.absolute_coordinates",
    "model.generator.activation_xy",
    "training.reconstruction_epochs",
)
_WHITENING, _NOISE = "training.warmup_latent_normalize", "training.warmup_noise_std"
_SCORED, _RESET = "data.normalize_sequences", "training.reset_generator_after_warmup"


#: Numbers of HD202 and HD210 for which longer training is practical.
_MEASURED = {
    "steps_needed": 160.0,
    "steps_available": 48.0,
    "steps_share": 0.3,
    "weight_reach": 0.5,
    "kl_weight": 4.0,
    "kl_share": 2.0,
}


def _of(values: Mapping[str, Value], *, source: str | None = "run.yaml") -> Case:
    return builders.case(known=builders.settings(values, source=source), facts=builders.network(Activation.TANH))


def _edits(remedy: Remedy) -> dict[str, tuple[Value, Value, bool]]:
    return {edit.key: (edit.old, edit.new, edit.absent) for edit in remedy.edits}


def test_a_key_that_stands_in_the_file_is_changed_there() -> None:
    assert catalogue.edit(_of({_ABSOLUTE: True}), _ABSOLUTE, False) == (Edit(key=_ABSOLUTE, old=True, new=False),)


def test_a_key_the_file_is_silent_about_is_inserted_with_the_default_as_its_old_value() -> None:
    assert catalogue.edit(_of({}), _ABSOLUTE, True) == (Edit(key=_ABSOLUTE, old=False, new=True, absent=True),)


def test_a_value_that_is_right_already_is_left_alone() -> None:
    assert catalogue.edit(_of({_ABSOLUTE: True}), _ABSOLUTE, True) == ()
    assert catalogue.edit(_of({_NOISE: 0}), _NOISE, 0.0) == ()


def test_a_number_is_not_taken_for_a_flag() -> None:
    assert catalogue.edit(_of({_ABSOLUTE: 1}), _ABSOLUTE, True) == (Edit(key=_ABSOLUTE, old=1, new=True),)


def test_a_key_without_a_usable_value_is_inserted_and_without_a_config_there_is_no_edit() -> None:
    unknown = builders.settings({}, unknown=(_ABSOLUTE,))
    assert catalogue.edit(builders.case(known=unknown), _ABSOLUTE, True) == (
        Edit(key=_ABSOLUTE, old=False, new=True, absent=True),
    )
    assert catalogue.edit(builders.case(), _ABSOLUTE, True) == ()
    assert catalogue.edit(_of({_ABSOLUTE: False}, source=None), _ABSOLUTE, True) == ()


def test_without_a_config_no_remedy_has_an_edit_and_the_hints_stay() -> None:
    case = replace(builders.collapsed_case(), settings=builders.settings({_EPOCHS: 5, _NOISE: 1.0}, source=None))
    offered = [remedy for probe in PROBES for remedy in probe.remedies(case, _MEASURED)]
    assert [remedy.id for remedy in offered if remedy.edits] == []
    assert catalogue.normalised_positions(case).code_hint


def test_an_override_has_no_place_in_the_file_and_is_inserted() -> None:
    given_so = Setting(key=_ABSOLUTE, value=False, origin=Origin.OVERRIDE)
    case = builders.case(known=builders.settings({}).with_setting(given_so))
    assert catalogue.edit(case, _ABSOLUTE, True) == (Edit(key=_ABSOLUTE, old=False, new=True, absent=True),)


@pytest.mark.parametrize(
    ("values", "edits"),
    [
        ({}, {_WHITENING: (True, False, True)}),
        ({_WHITENING: True}, {_WHITENING: (True, False, False)}),
        ({_WHITENING: False}, {}),
        ({_WHITENING: False, _NOISE: 1.0}, {_NOISE: (1.0, 0.0, False)}),
        ({_NOISE: 1.0}, {_WHITENING: (True, False, True), _NOISE: (1.0, 0.0, False)}),
    ],
)
def test_the_undistorted_latent(values: Mapping[str, Value], edits: Mapping[str, tuple[Value, Value, bool]]) -> None:
    remedy = catalogue.undistorted_latent(_of(values))
    assert _edits(remedy) == edits
    assert remedy.safety is Safety.SAFE


@pytest.mark.parametrize(
    ("values", "edits"),
    [
        (
            {},
            {
                _HEAD: ("tanh", "linear", True),
                _ABSOLUTE: (False, True, True),
                _SCORED: (True, False, True),
                _WHITENING: (True, False, True),
            },
        ),
        (
            {_HEAD: "tanh", _ABSOLUTE: True, _SCORED: True, _WHITENING: True},
            {
                _HEAD: ("tanh", "linear", False),
                _SCORED: (True, False, False),
                _WHITENING: (True, False, False),
            },
        ),
        ({_HEAD: "linear", _ABSOLUTE: True, _SCORED: False, _WHITENING: False}, {}),
    ],
)
def test_normalised_positions(values: Mapping[str, Value], edits: Mapping[str, tuple[Value, Value, bool]]) -> None:
    assert _edits(catalogue.normalised_positions(_of(values))) == edits


@pytest.mark.parametrize("spelling", ["linear", "Linear", "none", "identity", "null", None])
def test_every_spelling_of_a_linear_head_is_left_alone(spelling: Value) -> None:
    case = _of({_HEAD: spelling})
    assert _HEAD not in _edits(catalogue.normalised_positions(case))
    assert _HEAD not in _edits(catalogue.honour_contract(case))


def test_normalised_positions_name_the_statistics_where_there_is_data() -> None:
    case = replace(_of({}), data=builders.summary(48))
    with_data, without = catalogue.normalised_positions(case), catalogue.normalised_positions(_of({}))
    assert with_data.code_hint is not None
    assert with_data.code_hint.endswith("From 48 of 48 sequences: mean = [1.5000, -2.5000], std = [260.0000, 130.0000].")
    assert without.code_hint is not None
    assert without.code_hint.endswith("when the warm-up is over.")


def test_normalised_positions_do_not_promise_movement() -> None:
    remedy = catalogue.normalised_positions(_of({}))
    assert "not movement" in remedy.why
    assert [expected.metric for expected in remedy.expects] == ["HD101.spread_ratio", "HD105.skill"]


@pytest.mark.parametrize(
    ("values", "edits"),
    [
        (
            {_ABSOLUTE: True},
            {"model.architecture": ("tcn", "seq2seq", True), "model.generator.num_layers": (3, 1, True)},
        ),
        (
            {_ABSOLUTE: True, "model.architecture": "lstm", "model.generator.num_layers": 1},
            {"model.architecture": ("lstm", "seq2seq", False)},
        ),
        ({_ABSOLUTE: True, "model.architecture": "seq2seq"}, {}),
        (
            {_ABSOLUTE: True, "model.architecture": "lstm", "model.generator.num_layers": 2},
            {"model.architecture": ("lstm", "seq2seq", False), "model.generator.num_layers": (2, 1, False)},
        ),
    ],
)
def test_seq2seq(values: Mapping[str, Value], edits: Mapping[str, tuple[Value, Value, bool]]) -> None:
    assert _edits(catalogue.seq2seq(_of(values))) == edits


def test_delta_space_is_refused_without_data() -> None:
    remedy = catalogue.delta_space(_of({}), None, None)
    assert (remedy.status, remedy.edits) == (RemedyStatus.REFUSED, ())
    assert "without data" in remedy.why


def test_delta_space_is_refused_with_each_number_that_speaks_against_it() -> None:
    remedy = catalogue.delta_space(_of({}), 0.27, 0.39)
    assert remedy.status is RemedyStatus.REFUSED
    assert "only 27% of the loss on deltas is in reach" in remedy.why
    assert "39% of the deltas are exactly zero" in remedy.why
    assert "in reach" not in catalogue.delta_space(_of({}), 1.0, 0.39).why
    assert "zero" not in catalogue.delta_space(_of({}), 0.27, 0.1).why


def test_delta_space_is_proposed_where_the_deltas_fit() -> None:
    remedy = catalogue.delta_space(_of({_ABSOLUTE: True}), 0.95, 0.1)
    assert remedy.status is RemedyStatus.UNVERIFIED
    assert _edits(remedy) == {_ABSOLUTE: (True, False, False)}
    assert "95% of the loss on deltas is in reach of the head, and 10% of them are zero" in remedy.why


def test_the_limits_of_delta_space_are_inclusive_for_reach_and_exclusive_for_still_deltas() -> None:
    reach, still = catalogue.FIT_REACHABLE, catalogue.FIT_STILL
    assert catalogue.delta_space(_of({}), reach, still - 0.01).status is RemedyStatus.UNVERIFIED
    assert catalogue.delta_space(_of({}), reach, still).status is RemedyStatus.REFUSED
    assert catalogue.delta_space(_of({}), reach - 0.01, 0.0).status is RemedyStatus.REFUSED


def _fit(deltas: FloatArray, head: Activation | None, space: Space | None = builders.POSITIONS) -> tuple[float, float]:
    case = builders.case(Samples(sequences=deltas), facts=builders.network(head), space=space)
    reach, still = catalogue.delta_fit(case)
    assert reach is not None
    assert still is not None
    return reach, still


@pytest.mark.parametrize(
    ("head", "reach"),
    [
        (Activation.TANH, 0.5),
        (Activation.SIGMOID, 0.25),
        (Activation.SOFTPLUS, 0.5),
        (Activation.LINEAR, 1.0),
    ],
)
def test_how_far_deltas_of_two_pixels_either_way_are_in_a_heads_reach(head: Activation | None, reach: float) -> None:
    deltas = np.zeros((4, 10, 3))
    deltas[::2, :5] = 2
    deltas[1::2, :5] = -2
    assert _fit(deltas, head) == (reach, 0.5)


def test_a_run_that_z_scores_its_deltas_is_told_about_those() -> None:
    deltas = builders.constant(10.0)
    space = Space(absolute=True, sequence_mean=np.full(2, 9.5), sequence_std=np.ones(2))
    assert _fit(deltas, Activation.TANH, space)[0] == 1
    assert _fit(deltas, Activation.TANH)[0] == pytest.approx(0.1)
    assert _fit(deltas, Activation.TANH, None)[0] == pytest.approx(0.1)


def test_deltas_that_are_all_zero_are_in_reach_and_still() -> None:
    assert _fit(builders.constant(0.0), Activation.TANH) == (1, 1)


@pytest.mark.parametrize("heads", [None, (None, None), (Activation.TANH, None)])
def test_delta_space_is_refused_where_a_heads_bounds_are_not_known(heads: tuple[Activation | None, ...] | None) -> None:
    facts = None if heads is None else replace(builders.network(), heads=heads)
    case = builders.case(Samples(sequences=builders.constant(9.0)), facts=facts)
    assert catalogue.delta_fit(case) == (None, 0)
    remedy = catalogue.delta_space(case, *catalogue.delta_fit(case))
    assert (remedy.status, remedy.why) == (
        RemedyStatus.REFUSED,
        "whether the deltas fit the head is not known, since its bounds are not",
    )


def test_no_data_tells_nothing_about_deltas() -> None:
    assert catalogue.delta_fit(builders.case()) == (None, None)


@given(deltas=builders.small_arrays())
@pytest.mark.parametrize("head", list(Activation))
def test_the_reach_of_deltas_agrees_with_its_slow_twin(head: Activation, deltas: FloatArray) -> None:
    twin = reference.reachable_share(deltas.ravel().tolist(), head.value)
    assert _fit(deltas, head)[0] == pytest.approx(1.0 if twin is None else twin)


def test_a_time_input_names_the_length_where_it_is_known() -> None:
    assert "(T = 20)" in str(catalogue.time_input(_of({})).code_hint)
    assert "T = " not in str(catalogue.time_input(builders.case()).code_hint)


def test_slow_gates_are_drawn_for_the_runs_own_length() -> None:
    assert "log U(1, 19)" in str(catalogue.slow_gates(_of({})).code_hint)
    assert "log U(1, T - 1) for sequences of T steps" in str(catalogue.slow_gates(builders.case()).code_hint)


def test_a_warm_start_names_a_checkpoint_and_leaves_the_warm_up_out() -> None:
    path = "checkpoints/pretrain/lstm_generator.pt"
    start = "training.generator_init_path"
    fits: dict[str, Value] = {_HEAD: "linear", _ABSOLUTE: True, _SCORED: False}
    assert _edits(catalogue.warm_start(_of({**fits, _EPOCHS: 5}))) == {start: (None, path, True), _EPOCHS: (5, 0, False)}
    assert _edits(catalogue.warm_start(_of({**fits, start: path}))) == {}
    assert _edits(catalogue.warm_start(_of({**fits, start: "other.pt"}))) == {start: ("other.pt", path, False)}


def test_a_warm_start_honours_the_checkpoints_contract() -> None:
    case = _of({})
    assert _edits(catalogue.honour_contract(case)).items() <= _edits(catalogue.warm_start(case)).items()
    assert _HEAD in _edits(catalogue.warm_start(case))


@pytest.mark.parametrize(
    ("architecture", "ids"),
    [
        (Architecture.TCN, ["normalised-positions", "seq2seq", "delta-space"]),
        (None, ["normalised-positions", "delta-space"]),
    ],
)
def test_only_an_lstm_is_offered_a_warm_start(architecture: Architecture | None, ids: list[str]) -> None:
    case = builders.case(facts=builders.network(architecture=architecture))
    offered = [remedy.id for remedy in catalogue.scale_remedies(case)]
    assert offered == ids


@pytest.mark.parametrize(
    ("epochs", "needed", "available", "wanted"),
    [(5, 10_000.0, 160.0, 313), (3, 96.0, 48.0, 6), (3, 97.0, 48.0, 7), (0, 10.0, 0.0, 10)],
)
def test_enough_steps_scale_the_epochs_by_what_is_missing(epochs: int, needed: float, available: float, wanted: int) -> None:
    remedy = catalogue.enough_steps(_of({_EPOCHS: epochs}), needed, available)
    assert _edits(remedy) == {_EPOCHS: (epochs, wanted, False)}
    assert remedy.title == f"Warm up longer: {wanted} epochs instead of {max(epochs, 1)}"
    assert f"needs about {needed:,.0f} steps" in remedy.why
    assert remedy.safety is Safety.SAFE


def test_enough_steps_name_the_learning_rate_that_would_do_as_much() -> None:
    known = catalogue.enough_steps(_of({_EPOCHS: 5, "training.lr.generator": 2e-4}), 1000.0, 100.0)
    assert known.why.endswith("; by the same estimate a learning rate of 2.0e-03 instead would do as much")
    assert "learning rate" not in catalogue.enough_steps(_of({_EPOCHS: 5}), 1000.0, 100.0).why


@pytest.mark.parametrize(
    ("values", "edits"),
    [
        ({}, {_SCORED: (True, False, True)}),
        ({_SCORED: True}, {_SCORED: (True, False, False)}),
        ({_SCORED: False}, {}),
    ],
)
def test_raw_deltas(values: Mapping[str, Value], edits: Mapping[str, tuple[Value, Value, bool]]) -> None:
    assert _edits(catalogue.raw_deltas(_of(values))) == edits


@pytest.mark.parametrize(
    ("values", "edits"),
    [
        ({}, {_HEAD: ("tanh", "linear", True), _ABSOLUTE: (False, True, True), _SCORED: (True, False, True)}),
        ({_HEAD: "linear", _ABSOLUTE: True, _SCORED: False}, {}),
    ],
)
def test_honouring_the_contract(values: Mapping[str, Value], edits: Mapping[str, tuple[Value, Value, bool]]) -> None:
    assert _edits(catalogue.honour_contract(_of(values))) == edits


@pytest.mark.parametrize(
    ("values", "edits"),
    [
        ({}, {_EPOCHS: (0, 5, True)}),
        ({_EPOCHS: 0, _RESET: True}, {_RESET: (True, False, False), _EPOCHS: (0, 5, False)}),
        ({_EPOCHS: 3, _RESET: True}, {_RESET: (True, False, False)}),
        ({_EPOCHS: 3}, {}),
    ],
)
def test_keeping_the_warm_up(values: Mapping[str, Value], edits: Mapping[str, tuple[Value, Value, bool]]) -> None:
    assert _edits(catalogue.keep_warm_up(_of(values))) == edits


def test_seq2seq_is_offered_nothing_that_is_for_others() -> None:
    case = builders.case(facts=builders.network(architecture=Architecture.SEQ2SEQ))
    assert catalogue.scale_remedies(case) == ()


def _all() -> list[Remedy]:
    case = builders.collapsed_case()
    return [remedy for probe in PROBES for remedy in probe.remedies(case, _MEASURED)]


def test_every_remedy_expects_metrics_that_are_there_and_healthy_values_that_are() -> None:
    for remedy in _all():
        for expected in remedy.expects:
            code, _, name = expected.metric.partition(".")
            metric = builders.probe(code).metric(name)
            assert expected.interval.low >= metric.healthy.low, (remedy.id, expected.metric)
            assert expected.interval.high <= metric.healthy.high


def test_no_remedy_claims_an_effect_before_a_trial() -> None:
    assert {remedy.status for remedy in _all()} <= {RemedyStatus.UNVERIFIED, RemedyStatus.REFUSED}


def test_a_remedy_changes_no_key_twice() -> None:
    for remedy in _all():
        keys = [edit.key for edit in remedy.edits]
        assert len(set(keys)) == len(keys), remedy.id


def test_an_interval_is_closed_and_spelled_by_its_ends() -> None:
    assert 1.0 in Interval(low=1, high=2)
    assert 2.0 in Interval(low=1, high=2)
    assert 2.1 not in Interval(low=1, high=2)
    assert float("nan") not in Interval()
    assert [str(each) for each in (Interval(), Interval(low=0.4), Interval(high=3), Interval(low=0.4, high=2.5))] == [
        "any",
        ">= 0.4",
        "<= 3",
        "0.4 to 2.5",
    ]


def _expected(remedy: Remedy) -> list[str]:
    return [expected.metric for expected in remedy.expects]


@pytest.mark.parametrize("factor", [4, 16])
def test_a_longer_warm_up_has_as_many_times_the_epochs(factor: int) -> None:
    longer = catalogue.longer(_of({_EPOCHS: 5}), factor)

    assert longer.id == f"longer-warm-up-{factor}x"
    assert _edits(longer) == {_EPOCHS: (5, 5 * factor, False)}
    assert f"{5 * factor} epochs instead of 5" in longer.title
    assert longer.code_changes == ()
    assert (longer.safety, _expected(longer)) == (
        Safety.SAFE,
        ["HD101.spread_ratio", "HD103.time_std_ratio", "HD105.skill"],
    )


def test_a_run_without_epochs_has_no_longer_warm_up() -> None:
    assert catalogue.longer(_of({_EPOCHS: 0}), 4).edits == ()


@pytest.mark.parametrize(("factor", "name", "new"), [(0.1, "slower-rate", 2e-5), (10.0, "faster-rate", 2e-3)])
def test_another_rate_is_a_tenth_or_ten_times_the_runs_own(factor: float, name: str, new: float) -> None:
    other = catalogue.other_rate(_of({"training.lr.generator": 2e-4}), factor)

    assert (other.id, _edits(other)) == (name, {"training.lr.generator": (2e-4, new, False)})
    assert other.title == f"Learning rate {new:g} instead of 0.0002"
    assert _expected(other) == ["HD101.spread_ratio", "HD105.skill"]


def test_a_run_whose_rate_is_not_known_has_no_other() -> None:
    assert catalogue.other_rate(_of({}), 10.0).edits == ()


def test_a_warm_start_names_the_file_it_is_given_and_skips_the_warm_up() -> None:
    start = catalogue.warm_start(_of({_HEAD: "tanh", _EPOCHS: 5, _SCORED: True}), "here/start.pt")

    assert _edits(start) == {
        "training.generator_init_path": (None, "here/start.pt", True),
        _EPOCHS: (5, 0, False),
        _HEAD: ("tanh", "linear", False),
        _ABSOLUTE: (False, True, True),
        _SCORED: (True, False, False),
    }


def test_positions_have_two_channels_and_so_has_what_makes_them() -> None:
    of_three = replace(builders.network(Activation.LINEAR), output_dim=3)
    case = builders.case(known=builders.settings({_ABSOLUTE: False}), facts=of_three)

    edits = _edits(catalogue.normalised_positions(case))

    assert edits[_ABSOLUTE] == (False, True, False)
    assert edits["model.generator.output_dim"] == (3, 2, True)  # humouse's warm-up stops at its first step with three
    assert "model.generator.output_dim" not in _edits(catalogue.normalised_positions(_of({_ABSOLUTE: False})))
    assert "model.generator.output_dim" not in _edits(catalogue.delta_space(case, None, None))
    assert _edits(catalogue.seq2seq(case)).keys() == {
        "model.architecture",
        "model.generator.num_layers",
        "model.generator.output_dim",
        _ABSOLUTE,
    }
