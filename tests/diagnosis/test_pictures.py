from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from humouse_doctor.core.arrays import FloatArray
from humouse_doctor.core.case import Case, Gradients, Samples
from humouse_doctor.core.pictures import Pictures
from humouse_doctor.core.space import Reading, Space
from humouse_doctor.core.spec import Activation
from humouse_doctor.diagnosis.pictures import FITTED, PRIOR, STATE, TARGETS, pictures_of
from tests.builders import DELTAS, POSITIONS, case, collapsed_case, constant, fit, frozen, network, samples, strokes


def _drawn(found: Samples, space: Space = POSITIONS) -> Pictures:
    pictures = pictures_of(case(found, space=space))
    assert pictures is not None
    return pictures


def _numbers(of: Pictures) -> list[float]:
    curves = [number for curve in of.curves for number in (*curve.movement, *curve.spread)]
    paths = [number for path in (*of.real_paths, *of.generated_paths) for point in path for number in point]
    return [
        *curves,
        *paths,
        *of.edges,
        *(share for shares in of.shares.values() for share in shares),
        *of.gradient_rms.values(),
    ]


def test_every_group_has_a_curve_and_all_but_the_fitted_are_in_the_histogram() -> None:
    pictures = pictures_of(collapsed_case())

    assert pictures is not None
    assert [curve.name for curve in pictures.curves] == [TARGETS, PRIOR, FITTED]
    assert list(pictures.shares) == [TARGETS, PRIOR]
    assert pictures.space == "absolute positions"
    assert pictures.reach == (-1.0, 1.0)
    assert dict(pictures.gradient_rms) == {"first": 0.5, "last": 1.0}


@pytest.mark.parametrize(("rows", "steps"), [(3, 20), (48, 300), (16, 1)])
def test_few_paths_and_points_are_enough_for_a_picture(rows: int, steps: int) -> None:
    targets = strokes(0, rows=rows, steps=300)[:, :steps]
    drawn = _drawn(Samples(loss_targets=targets, predictions=targets))

    points = min(steps, 100)
    assert len(drawn.steps) == points
    assert (drawn.steps[0], drawn.steps[-1]) == (0, steps - 1)
    assert list(drawn.steps) == sorted(set(drawn.steps))
    for paths in (drawn.real_paths, drawn.generated_paths):
        assert [len(path) for path in paths] == [points] * min(rows, 16)
    for curve in drawn.curves:
        assert len(curve.movement) == len(curve.spread) == points
    assert len(drawn.edges) == 41
    assert all(len(shares) == 40 for shares in drawn.shares.values())


def test_groups_of_different_lengths_are_drawn_as_far_as_the_shortest_goes() -> None:
    drawn = _drawn(Samples(loss_targets=strokes(0, steps=30), predictions=strokes(1, steps=12)))

    assert drawn.steps == tuple(range(12))


def test_every_number_keeps_four_digits() -> None:
    drawn = _drawn(Samples(loss_targets=strokes(0) * 123.456789, predictions=strokes(1)))

    assert all(number == float(f"{number:.4g}") for number in _numbers(drawn))
    assert all(type(number) is float for number in _numbers(drawn))
    json.dumps(_numbers(drawn), allow_nan=False)


def test_movement_is_from_each_paths_own_start_and_spread_is_across_paths() -> None:
    steps = np.arange(5.0)
    apart = np.array([-10.0, 10.0])
    paths = np.stack([steps + apart[:, None] * 0 + apart[:, None], np.zeros((2, 5))], axis=2)  # (2, 5, 2)

    (curve,) = _drawn(Samples(predictions=paths)).curves

    assert curve.movement == (0.0, 1.0, 2.0, 3.0, 4.0)
    assert curve.spread == pytest.approx([np.sqrt(50)] * 5, rel=1e-3)


def test_a_motionless_cursor_does_not_move_and_still_spreads() -> None:
    still = np.random.default_rng(0).normal(size=(64, 1, 2)) + np.zeros((1, 20, 1))

    (curve,) = _drawn(Samples(predictions=still)).curves

    assert set(curve.movement) == {0.0}
    assert min(curve.spread) > 0.5


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_a_group_with_a_number_that_is_not_finite_is_left_out(wrong: float) -> None:
    broken = np.array(strokes(1))
    broken[3, 5, 1] = wrong
    drawn = _drawn(Samples(loss_targets=strokes(0), predictions=broken, fit=fit(strokes(0), broken)))

    assert [curve.name for curve in drawn.curves] == [TARGETS]
    assert drawn.generated_paths == ()
    assert list(drawn.shares) == [TARGETS]


def test_where_nothing_is_finite_nothing_is_drawn() -> None:
    assert pictures_of(case(Samples(predictions=constant(np.nan)), space=POSITIONS)) is None


@pytest.mark.parametrize("nothing", [case(), case(Samples(loss_targets=strokes(0)), space=None)], ids=["no data", "no space"])
def test_without_anything_to_draw_there_are_no_pictures(nothing: Case) -> None:
    assert pictures_of(nothing) is None


def test_a_gradient_that_is_not_finite_is_left_out() -> None:
    found = Samples(loss_targets=strokes(0), gradients=Gradients(rms_by_layer={"a": 1.23456, "b": float("nan")}))

    assert dict(_drawn(found).gradient_rms) == {"a": 1.235}


def test_fitted_latents_alone_have_a_curve_and_no_histogram() -> None:
    drawn = _drawn(Samples(fit=fit(strokes(0), strokes(1))))

    assert [curve.name for curve in drawn.curves] == [FITTED]
    assert (drawn.edges, dict(drawn.shares), drawn.real_paths, drawn.generated_paths) == ((), {}, (), ())


@pytest.mark.parametrize("value", [0.0, 1.0, -260.0])
def test_constant_targets_have_a_histogram_around_them(value: float) -> None:
    drawn = _drawn(Samples(loss_targets=constant(value), predictions=constant(value + 5)))

    assert drawn.edges[0] < value < drawn.edges[-1]
    assert max(drawn.shares[TARGETS]) == 1.0
    assert drawn.shares[PRIOR] == (*[0.0] * 39, 1.0)


def _arrays() -> st.SearchStrategy[FloatArray]:
    shapes = st.tuples(st.integers(1, 6), st.integers(1, 9))
    return shapes.flatmap(
        lambda shape: st.lists(
            st.integers(-1000, 1000), min_size=2 * shape[0] * shape[1], max_size=2 * shape[0] * shape[1]
        ).map(lambda values: np.reshape(np.array(values, dtype=np.float64), (*shape, 2)))
    )


@given(targets=_arrays(), predictions=_arrays(), space=st.sampled_from([POSITIONS, DELTAS]))
def test_the_shares_of_every_group_sum_to_one(targets: FloatArray, predictions: FloatArray, space: Space) -> None:
    drawn = _drawn(Samples(loss_targets=targets, predictions=predictions), space)

    assert [sum(shares) for shares in drawn.shares.values()] == pytest.approx([1.0, 1.0], abs=0.01)
    assert list(drawn.edges) == sorted(drawn.edges)
    assert np.isfinite(_numbers(drawn)).all()


def test_the_outermost_bins_hold_what_lies_beyond_the_targets() -> None:
    targets = np.linspace(-1, 1, 2000).reshape(100, 10, 2)
    far = np.full((4, 10, 2), 1e6)

    drawn = _drawn(Samples(loss_targets=targets, predictions=far))

    assert drawn.shares[PRIOR][-1] == 1.0
    assert -1 < drawn.edges[0] < -0.98
    assert 0.98 < drawn.edges[-1] < 1


def test_deltas_are_summed_into_paths_and_compared_as_they_are() -> None:
    deltas = np.ones((3, 4, 2)) * [1.0, 2.0]

    drawn = _drawn(Samples(loss_targets=deltas), DELTAS)

    assert drawn.real_paths[0] == ((1.0, 2.0), (2.0, 4.0), (3.0, 6.0), (4.0, 8.0))
    assert (drawn.edges[0], drawn.edges[-1]) == (1.0, 2.0)
    assert drawn.space == "deltas"


def test_normalised_deltas_are_brought_back_before_they_are_summed() -> None:
    space = replace(DELTAS, sequence_mean=np.array([1.0, 0.0, 5.0]), sequence_std=np.array([2.0, 3.0, 7.0]))

    drawn = _drawn(Samples(predictions=np.ones((2, 3, 2))), space)

    assert drawn.generated_paths[0] == ((3.0, 3.0), (6.0, 6.0), (9.0, 9.0))
    assert drawn.space == "z-scored deltas"


def test_time_is_neither_a_path_nor_in_the_histogram() -> None:
    with_time = np.concatenate([strokes(0), np.full((48, 20, 1), 1e6)], axis=2)

    assert _drawn(Samples(loss_targets=with_time)) == _drawn(Samples(loss_targets=strokes(0)))


@pytest.mark.parametrize(
    ("head", "reach"),
    [
        (Activation.TANH, (-1.0, 1.0)),
        (Activation.SIGMOID, (0.0, 1.0)),
        (Activation.LINEAR, None),
        (Activation.SOFTPLUS, None),
        (None, None),
    ],
)
def test_only_a_head_with_two_bounds_has_a_reach(head: Activation | None, reach: tuple[float, float] | None) -> None:
    pictures = pictures_of(case(Samples(loss_targets=strokes(0)), facts=network(head)))

    assert pictures is not None
    assert pictures.reach == reach


def test_two_different_heads_have_no_reach() -> None:
    facts = replace(network(), heads=(Activation.TANH, Activation.LINEAR))

    pictures = pictures_of(case(Samples(loss_targets=strokes(0)), facts=facts))

    assert pictures is not None
    assert pictures.reach is None


def test_a_states_way_is_the_share_of_its_movement_beside_that_of_the_targets() -> None:
    """A state that moves for one step of five is done at once, paths at a steady pace in equal parts."""
    hidden = np.zeros((3, 6, 4))
    hidden[:, 1:] = 7.0
    paths = np.stack([np.arange(6.0)] * 2, axis=1)[None].repeat(3, axis=0)  # (3, 6, 2)
    found = replace(samples(paths, paths), hidden=hidden)

    drawn = _drawn(found)

    assert dict(drawn.ways) == {STATE: (0.0, 1.0, 1.0, 1.0, 1.0, 1.0), TARGETS: (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)}
    assert dict(_drawn(replace(found, hidden=np.zeros((3, 6, 4)))).ways)[STATE] == (0.0,) * 6
    for unusable in (None, np.full((3, 6, 4), np.nan), hidden[:, :4]):
        assert dict(_drawn(replace(found, hidden=unusable)).ways) == {}


def test_each_fitted_path_stands_beside_its_own_target() -> None:
    real, made = strokes(0, rows=12), strokes(1, rows=12)
    drawn = _drawn(Samples(fit=fit(np.cumsum(real, axis=1), np.cumsum(made, axis=1))))
    summed = _drawn(Samples(fit=fit(real, made)), DELTAS)

    assert len(drawn.fits) == 8
    assert drawn.fits == summed.fits
    np.testing.assert_allclose(summed.fits[3].target, np.cumsum(real[3], axis=0), rtol=1e-3)
    np.testing.assert_allclose(summed.fits[3].made, np.cumsum(made[3], axis=0), rtol=1e-3)
    assert _drawn(Samples(fit=fit(real * np.nan, made))).fits == ()


def test_the_case_is_left_as_it_was() -> None:
    targets = strokes(0)  # raises when it is written to

    assert _drawn(Samples(loss_targets=targets), DELTAS) == _drawn(Samples(loss_targets=targets), DELTAS)


def test_what_the_program_sums_is_drawn_as_it_reads_it() -> None:
    """A generator of the real paths' deltas draws real paths, beside those of the data."""
    deltas = np.diff(strokes(0), axis=1, prepend=0.0)
    found = replace(samples(strokes(0), deltas), sequences=frozen(deltas))
    pictures = pictures_of(replace(case(found), reading=Reading(space=DELTAS, because="it sums")))

    assert pictures is not None
    assert pictures.space == "positions, with the output read as deltas"
    assert pictures.generated_paths == pictures.real_paths
    np.testing.assert_allclose(pictures.real_paths[0], strokes(0)[0], rtol=1e-3)


def test_where_the_program_reads_what_the_loss_compares_paths_keep_the_losss_scale() -> None:
    found = replace(samples(strokes(0), strokes(1)), sequences=frozen(np.diff(260 * strokes(0), axis=1, prepend=0.0)))
    pictures = pictures_of(replace(case(found), reading=Reading(space=POSITIONS, because="it draws")))

    assert pictures is not None
    assert (pictures.real_paths, pictures.curves) == (_drawn(found).real_paths, _drawn(found).curves)
