from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise
from types import MappingProxyType
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from humouse_doctor.core.outcome import AS_IT_IS, Change
from humouse_doctor.core.pictures import Curve, FittedPath, Pictures
from humouse_doctor.reporting.html import graph, plots, svg
from humouse_doctor.reporting.html.axes import WIDTH
from humouse_doctor.reporting.html.plots import Plot
from tests.reporting.builders import collapsed, pictures
from tests.verify.builders import GATES, arm_outcome, base_outcome, outcome, searched, trial

_NUMBER = st.one_of(
    st.floats(), st.sampled_from([0.0, -1.0, 1e30, 9e99, -9e99, 5e-324, 1e-300, 1e308]), st.integers(-(2**63), 2**63 - 1)
).map(float)
_NUMBERS = st.lists(_NUMBER, min_size=1, max_size=4).map(tuple)
_NAME = st.one_of(
    st.text(max_size=20), st.sampled_from(["</text><script>", "\ufffe\uffff\ud800", "a\n::error::b", "", "x" * 500])
)


@st.composite
def _pictures(draw: st.DrawFn) -> Pictures:
    paths = st.lists(st.lists(st.tuples(_NUMBER, _NUMBER), max_size=3).map(tuple), max_size=5).map(tuple)
    shares = draw(st.dictionaries(_NAME, _NUMBERS, max_size=3))
    bins = len(next(iter(shares.values()), (0.0,)))
    return Pictures(
        space=draw(_NAME),
        real_paths=draw(paths),
        generated_paths=draw(paths),
        steps=tuple(draw(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=6))),
        curves=tuple(Curve(name=draw(_NAME), movement=draw(_NUMBERS), spread=draw(_NUMBERS)) for _ in range(2)),
        edges=draw(st.lists(_NUMBER, min_size=bins + 1, max_size=bins + 1).map(tuple)),
        shares=MappingProxyType(shares),
        reach=draw(st.none() | st.tuples(_NUMBER, _NUMBER)),
        gradient_rms=MappingProxyType(draw(st.dictionaries(_NAME, _NUMBER, max_size=5))),
        ways=MappingProxyType({"recurrent state": draw(_NUMBERS), draw(_NAME): draw(_NUMBERS)}),
        fits=tuple(FittedPath(target=target, made=made) for target, made in pairwise(draw(paths))),
    )


def _drawn(plot: Plot | None) -> ElementTree.Element:
    """Return the parsed shapes, after checking that all lie within the plot."""
    root = ElementTree.fromstring(f"<svg>{'' if plot is None else plot.shapes}</svg>")
    for element in root.iter():
        assert "id" not in element.attrib
        _check(element, 0 if plot is None else plot.height)
    return root


def _check(element: ElementTree.Element, height: float) -> None:
    for name in ("d", "x", "y", "cx", "cy"):
        numbers = [float(number) for number in re.sub("[MLZ]", " ", element.get(name, "")).split()]
        assert all(-20 <= number <= max(WIDTH, height) + 20 for number in numbers)
    for name in ("d", "x", "y", "cx", "cy"):
        assert re.fullmatch(r"(M?-?\d{1,4}(\.\d)? ?)*", element.get(name, ""))


@settings(max_examples=30, deadline=None)
@given(_pictures())
def test_whatever_a_report_holds_is_drawn_in_place_or_left_out(drawn: Pictures) -> None:
    cell = plots.extent(drawn.real_paths, drawn.generated_paths)
    for plot in (
        plots.paths("real", "Real", drawn.real_paths, "targets", cell),
        plots.paths("own", "Own", drawn.generated_paths, "prior", 0.0),
        plots.curves("movement", "Movement", drawn, "movement"),
        plots.curves("spread", "Spread", drawn, "spread"),
        plots.histogram("values", "Values", drawn),
        plots.gradients("gradient", "Gradient", drawn),
        plots.ways("ways", "Ways", drawn),
        plots.fitted("fits", "Fits", drawn),
    ):
        _drawn(plot)


@settings(max_examples=30, deadline=None)
@given(st.lists(_NUMBERS, min_size=1, max_size=3), st.none() | _NUMBER, st.none() | _NUMBER, _NAME)
def test_whatever_trials_hold_is_drawn_in_place_or_left_out(
    seeds: list[tuple[float, ...]], best: float | None, motionless: float | None, name: str
) -> None:
    trials = tuple(
        replace(trial(), seed=seed, losses=losses, best_constant=best, motionless=motionless)
        for seed, losses in enumerate(seeds)
    )

    _drawn(plots.losses("loss", "Loss", replace(outcome(base_outcome()), trials=trials)))
    changes = tuple(
        Change(metric=metric, before=values[0], after=values[-1], difference=None)
        for metric in ("HD101.spread_ratio", "HD105.skill", name)
        for values in seeds
    )
    _drawn(plots.before_and_after("moved", outcome(base_outcome(), replace(arm_outcome(GATES, None), changes=changes))))


@given(_NAME)
def test_a_text_stays_one_text(name: str) -> None:
    root = ElementTree.fromstring(f"<svg>{svg.text((1.0, 2.0), name)}</svg>")

    assert [element.tag for element in root.iter()] == ["svg", "text"]


@pytest.mark.parametrize("value", [0.5, 0.0])
def test_a_layers_name_is_harmless_whatever_its_gradient(value: float) -> None:
    hostile = replace(pictures(), gradient_rms=MappingProxyType({"a\x1b[2J\u202e\n<b>": value, "head": 1.0}))

    said = [text.text for text in _drawn(plots.gradients("gradient", "Gradient", hostile)).iter("text")]

    assert rf"a\x1b[2J\u202e <b> {value:g}" in said


def test_the_smallest_and_the_largest_gradient_have_bars() -> None:
    exact = replace(pictures(), gradient_rms=MappingProxyType({"a": 1e-7, "b": 1e-3}))

    root = _drawn(plots.gradients("gradient", "Gradient", exact))

    bars = [bar.attrib["d"] for bar in root.iter("path") if bar.get("class") == "s-prior"]
    assert [bar.split()[0] for bar in bars] == ["M14", "M14"]
    assert float(bars[0].split()[-2]) > 20
    assert float(bars[1].split()[-2]) == 386


def test_a_single_step_is_a_dot() -> None:
    single = replace(pictures(), steps=(0,), curves=(Curve(name="targets", movement=(3.0,), spread=(3.0,)),))

    assert len(list(_drawn(plots.curves("spread", "Spread", single, "spread")).iter("circle"))) == 1


def test_bounds_beyond_the_values_are_not_drawn() -> None:
    def dashed(reach: tuple[float, float]) -> int:
        plot = plots.histogram("values", "Values", replace(pictures(), reach=reach))
        return sum("stroke-dasharray" in path.attrib for path in _drawn(plot).iter("path"))

    assert [dashed(reach) for reach in ((-1.0, 1.0), (-1.0, 1e9), (-1e9, 1e9))] == [4, 2, 0]


def test_each_seed_widens_the_band_around_the_mean() -> None:
    trials = (replace(trial(), losses=(1.0, 0.5)), replace(trial(), seed=1, losses=(1.5, 1.0)), trial(GATES))

    root = _drawn(plots.losses("loss", "Loss", replace(outcome(base_outcome()), trials=trials)))

    assert [path.get("class") for path in root.iter("path") if "fill-opacity" in path.attrib] == ["f-arm0"]
    assert AS_IT_IS.key in {one.arm for one in trials}


def test_a_reach_that_is_too_thin_to_be_seen_is_drawn_in_an_inset() -> None:
    narrow = replace(pictures(), edges=(-1000.0, 0.0, 1000.0), shares={"targets": (0.5, 0.5)}, reach=(-1.0, 1.0))
    thin, wide = (plots.histogram("values", "Values", one) for one in (narrow, replace(narrow, reach=(-500.0, 500.0))))
    beside = plots.histogram("values", "Values", replace(narrow, reach=(5000.0, 5001.0)))
    assert thin is not None
    assert wide is not None
    assert beside is not None

    assert {text.text for text in _drawn(thin).iter("text")} >= {"-1", "1", "111x"}
    assert "the head reaches -1 to 1, at the top 111 times as wide" in thin.numbers
    assert thin.height > wide.height == beside.height
    assert "times as wide" not in wide.numbers + beside.numbers


def test_the_best_arm_stands_beside_the_run_as_it_is() -> None:
    plot = plots.before_and_after("moved", searched())
    assert plot is not None

    assert plot.numbers == "spread 0.01 -> 0.9; movement 0.01 -> 0.9; skill 0.01 -> 0.9."
    assert [key.name for key in plot.legend] == ["as it is", "normalised-positions + slow-gates", "healthy"]
    assert len(list(_drawn(plot).iter("circle"))) == 6
    assert plots.before_and_after("moved", outcome(base_outcome())) is None


def test_a_state_that_stands_still_is_said_to_and_one_that_is_unknown_is_not_drawn() -> None:
    still = plots.ways("ways", "Ways", replace(pictures(), ways={"recurrent state": (0.0,) * 10}))

    assert still is not None
    assert still.numbers == "recurrent state: does not move."
    assert plots.ways("ways", "Ways", replace(pictures(), ways={"targets": (0.0, 1.0)})) is None


def test_a_walk_keeps_each_of_its_points_so_that_its_pauses_last() -> None:
    pausing = ((0.0, 0.0), (0.0, 0.0), (0.0, 0.0), (9.0, 0.0))

    moving, still = list(_drawn(plots.paths("real", "Real", [pausing, ((5.0, 5.0),) * 4], "targets", 9.0)))[1:3]

    assert (moving.get("class"), still.tag) == ("walk", "circle")
    outline, dot = moving
    assert outline.attrib["d"] == "M9 50 9 50 9 50 91 50"
    assert (dot.attrib["cx"], dot.attrib["cy"]) == ("9", "50")


def test_every_cause_meets_the_symptoms_it_explains_and_nothing_is_drawn_without_one() -> None:
    report = collapsed()
    one, other = report.causes
    report = replace(report, causes=(one, replace(other, explains=("HD101", "HD107"), name="x" * 40)))

    root = _drawn(graph.explained("graph", "Graph", report))

    assert [edge.attrib["d"] for edge in root.iter("path")] == ["M168 23 232 23", "M168 69 232 23", "M168 69 232 69"]
    assert [text.text for text in root.iter("text")] == [
        "HD201", "out-of-reach-targets", "HD204", f"{'x' * 10}…{'x' * 11}",
        "HD101", "spread-ratio", "HD107", "direction-collapse",
    ]  # fmt: skip
    assert graph.explained("graph", "Graph", replace(report, causes=(replace(one, explains=("HD109",)),))) is None
