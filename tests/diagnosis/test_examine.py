from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import pytest

from humouse_doctor.cases.request import Loaded
from humouse_doctor.core.arrays import FloatArray
from humouse_doctor.core.case import Case, Gradients, LatentFit, Need, Samples, WeightFacts
from humouse_doctor.core.errors import MachineError, NotMeasurable, UsageError
from humouse_doctor.core.probe import Judgement, Kind, Metric, Probe, ProbeResult, Status
from humouse_doctor.core.space import Space
from humouse_doctor.core.spec import Activation, Architecture
from humouse_doctor.diagnosis.diagnose import diagnose
from humouse_doctor.diagnosis.examine import examine, selected
from humouse_doctor.probes.registry import PROBES
from tests import builders


class _Stub(Probe):
    """A probe that returns the given numbers, or raises the given error."""

    code = "HD101"
    name = "stub"
    kind = Kind.SYMPTOM
    summary = "What it is given."
    needs: ClassVar[tuple[Need, ...]] = (Need.WEIGHTS,)
    metrics: ClassVar[tuple[Metric, ...]] = builders.probe("HD101").metrics

    def __init__(self, outcome: dict[str, float] | Exception) -> None:
        self._outcome = outcome

    def measure(self, case: Case) -> dict[str, float]:
        if isinstance(self._outcome, Exception):
            raise self._outcome
        return self._outcome

    def message(self, case: Case, measured: Mapping[str, float]) -> str:
        return "stub"


def _result(outcome: dict[str, float] | Exception) -> ProbeResult:
    (result,) = examine(builders.case(weights=builders.TRAINED), [_Stub(outcome)])
    return result


def test_a_need_the_case_does_not_meet_is_the_reason_for_skipping() -> None:
    stub = _Stub({"spread_ratio": 1.0})
    (silent,) = examine(builders.case(), [stub])
    (told,) = examine(builders.case(absent={Need.WEIGHTS: "this is before training"}), [stub])
    assert (silent.status, silent.reason, silent.judgement) == (Status.SKIPPED, "no weights", None)
    assert told.reason == "this is before training"


@pytest.mark.parametrize("need", list(Need))
def test_an_empty_case_lacks_every_need_and_says_which(need: Need) -> None:
    assert builders.case(space=None).lacks(need) == f"no {need.value}"
    assert builders.case(space=None, absent={need: "why"}).lacks(need) == "why"


def test_a_need_that_is_met_is_not_lacked_whatever_was_noted() -> None:
    case = builders.case(weights=builders.TRAINED, absent={Need.WEIGHTS: "never"})
    assert case.lacks(Need.WEIGHTS) is None


def test_measurements_keep_six_digits() -> None:
    result = _result({"spread_ratio": 0.98765432})
    assert dict(result.measurements) == {"spread_ratio": 0.987654}
    assert (result.status, result.judgement) == (Status.HEALTHY, Judgement.HEALTHY)


def test_what_is_borderline_counts_as_found() -> None:
    value = builders.borderline_low(builders.probe("HD101").metric("spread_ratio"))
    result = _result({"spread_ratio": value})
    assert (result.status, result.judgement) == (Status.FOUND, Judgement.BORDERLINE)


def test_a_number_that_is_not_finite_is_skipped_and_named() -> None:
    result = _result({"spread_ratio": math.nan, "target_std": math.inf, "prediction_std": 1.0})
    assert (result.status, result.reason) == (Status.SKIPPED, "spread_ratio, target_std came out NaN or infinite")


def test_what_a_probe_cannot_measure_is_skipped_with_its_reason() -> None:
    assert _result(NotMeasurable("too short")).reason == "too short"


def test_a_crashing_probe_takes_no_other_with_it() -> None:
    case = builders.case(weights=builders.TRAINED)
    crashed, well = examine(case, [_Stub(ValueError("a\nb")), _Stub({"spread_ratio": 1.0})])
    assert (crashed.status, crashed.reason, dict(crashed.measurements)) == (Status.CRASHED, "ValueError: a b", {})
    assert well.status is Status.HEALTHY


def test_a_crash_reason_is_cut_to_a_line() -> None:
    reason = _result(RuntimeError("x" * 999)).reason
    assert reason == f"RuntimeError: {'x' * 197}..."


class _Plugin(_Stub):
    """A probe of another package, whose message raises the given error."""

    code = "XQ101"

    def __init__(self, outcome: dict[str, float], error: Exception | None = None) -> None:
        super().__init__(outcome)
        self._error = error

    def message(self, case: Case, measured: Mapping[str, float]) -> str:
        if self._error is not None:
            raise self._error
        return "plugin"


def test_a_plugin_is_held_to_the_metrics_that_it_declares() -> None:
    well, wrong = examine(
        builders.case(weights=builders.TRAINED), [_Plugin({"spread_ratio": 1.0}), _Plugin({"spread_ratio": 1.0, "odd": 1.0})]
    )
    assert well.status is Status.HEALTHY
    assert (wrong.status, wrong.reason) == (Status.CRASHED, "it measured 'odd', which is not one of its metrics")


def test_a_plugin_that_fails_at_its_message_is_crashed_before_a_report_needs_it() -> None:
    (result,) = examine(builders.case(weights=builders.TRAINED), [_Plugin({"spread_ratio": 1.0}, KeyError("odd"))])
    assert (result.status, result.reason) == (Status.CRASHED, "KeyError: 'odd'")


@pytest.mark.parametrize("error", [MachineError("no room"), ImportError("libodd.so"), MemoryError()], ids=repr)
def test_the_machines_trouble_ends_the_examination_wherever_a_probe_meets_it(error: Exception) -> None:
    case = builders.case(weights=builders.TRAINED)
    for probe in (_Stub(error), _Plugin({"spread_ratio": 1.0}, error)):
        with pytest.raises(type(error)):
            examine(case, [probe])


def test_a_result_refuses_numbers_that_are_not_finite() -> None:
    with pytest.raises(ValueError, match="HD101 measured a number that is not finite"):
        ProbeResult(code="HD101", status=Status.FOUND, measurements={"a": math.inf})


def test_all_probes_run_by_default_in_code_order() -> None:
    assert [result.code for result in examine(builders.case())] == [probe.code for probe in PROBES]


def test_an_empty_case_has_every_probe_skipped_with_a_reason() -> None:
    for result in examine(builders.case(space=None)):
        assert result.status is Status.SKIPPED
        assert result.reason


def _codes(select: list[str], ignore: list[str]) -> list[str]:
    return [probe.code for probe in selected(select, ignore)]


def test_without_choices_every_probe_is_selected() -> None:
    assert _codes([], []) == [probe.code for probe in PROBES]


def test_a_prefix_selects_its_group_and_an_ignored_one_leaves_it() -> None:
    causes = [probe.code for probe in PROBES if probe.code.startswith("HD2")]
    assert _codes(["hd2"], ["HD201", "HD202"]) == causes[2:]
    assert _codes(["HD101", "HD105"], ["HD105"]) == ["HD101"]
    assert "HD201" not in _codes([], ["HD2"])


def test_a_tool_code_can_be_ignored_without_leaving_a_probe_out() -> None:
    assert _codes([], ["HD004"]) == [probe.code for probe in PROBES]


@pytest.mark.parametrize(("select", "ignore"), [(["HD301"], []), ([], ["HD301"])])
def test_a_code_that_fits_nothing_is_refused_with_the_nearest(select: list[str], ignore: list[str]) -> None:
    with pytest.raises(UsageError, match=r"^no probe's code starts with 'HD301'; did you mean HD\d0\d\?$"):
        selected(select, ignore)


def test_a_code_like_no_other_is_refused_with_the_way_to_the_list() -> None:
    with pytest.raises(UsageError, match=r"^no probe's code starts with 'nothing'; see humouse-doctor probes$"):
        selected(["nothing"], [])


def _awkward(targets: FloatArray, drawn: FloatArray, lengths: FloatArray | None = None) -> Samples:
    steps = drawn.shape[1]
    fitted = np.resize(drawn, targets.shape)
    return Samples(
        sequences=builders.frozen(targets),
        lengths=lengths,
        loss_targets=builders.frozen(targets),
        predictions=builders.frozen(drawn),
        rnn_input=builders.repeated(len(drawn), steps),
        hidden=builders.moving_states(len(drawn), steps),
        fit=LatentFit(targets=targets, predictions=fitted, latents=np.zeros((len(targets), 3))),
        gradients=Gradients(rms_by_layer={"first": 0.0, "last": 0.0}),
    )


_STROKES = builders.strokes(0)
_NAN, _INF = np.full((8, 20, 2), np.nan), np.full((8, 20, 2), np.inf)
_AWKWARD = {
    "NaN predictions": _awkward(_STROKES, _NAN),
    "infinite predictions": _awkward(_STROKES, _INF),
    "targets all zero": _awkward(builders.constant(0.0), builders.strokes(1)),
    "targets all one number": _awkward(builders.constant(0.1), builders.strokes(1)),
    "everything one number": _awkward(builders.constant(0.1), builders.constant(0.1)),
    "everything zero": _awkward(builders.constant(0.0), builders.constant(0.0)),
    "one step": _awkward(_STROKES[:, :1], builders.strokes(1)[:, :1]),
    "one sequence": _awkward(_STROKES[:1], builders.strokes(1)[:1]),
    "one step of one sequence": _awkward(_STROKES[:1, :1], builders.strokes(1)[:1, :1]),
    "one prediction": _awkward(_STROKES, builders.strokes(1)[:1]),
    "padding only": _awkward(_STROKES, builders.strokes(1), np.zeros(48)),
    "two steps before the padding": _awkward(_STROKES, builders.strokes(1), np.full(48, 2.0)),
}
_STILL_AXIS = {
    "x stands still": _awkward(_STROKES * [0.0, 1.0], builders.strokes(1)),
    "y is one number": _awkward(_STROKES * [1.0, 0.0] + [0.0, 0.1], builders.strokes(1)),
    "x stands still in both": _awkward(_STROKES * [0.0, 1.0], builders.strokes(1) * [0.0, 1.0]),
}
_SPACES = {
    "positions": builders.POSITIONS,
    "deltas": builders.DELTAS,
    "summed z-scored deltas": Space(absolute=True, sequence_mean=np.full(2, 0.1), sequence_std=np.ones(2)),
}


def _case_of(samples: Samples, space: Space, head: Activation) -> Case:
    return builders.case(
        samples,
        known=builders.settings({**builders.SOUND, "training.warmup_latent_normalize": True}),
        facts=builders.network(head),
        space=space,
        weights=WeightFacts(non_finite=0, total=9, excess_over_start=2.0),
        data=builders.summary(),
    )


@pytest.mark.parametrize("head", list(Activation))
@pytest.mark.parametrize("space", _SPACES.values(), ids=_SPACES)
@pytest.mark.parametrize("samples", [*_AWKWARD.values(), *_STILL_AXIS.values()], ids=[*_AWKWARD, *_STILL_AXIS])
def test_no_awkward_array_makes_a_probe_crash_or_warn(samples: Samples, space: Space, head: Activation) -> None:
    results = examine(_case_of(samples, space, head))
    assert {result.code: result.reason for result in results if result.status is Status.CRASHED} == {}


@pytest.mark.parametrize("space", _SPACES.values(), ids=_SPACES)
@pytest.mark.parametrize("samples", _AWKWARD.values(), ids=_AWKWARD)
def test_no_run_is_healthy_whose_movement_or_variety_cannot_be_measured(samples: Samples, space: Space) -> None:
    case = _case_of(samples, space, Activation.LINEAR)
    results = examine(case)
    deciding = [result for result in results if result.code in ("HD101", "HD103", "HD104")]
    assert any(result.judgement is not Judgement.HEALTHY for result in deciding)
    assert diagnose(Loaded(case=case), results).verdict.value in ("undetermined", "at-risk", "collapsed")


@pytest.mark.parametrize("architecture", list(Architecture))
def test_a_config_alone_is_examined_without_crash(architecture: Architecture) -> None:
    facts = builders.network(Activation.TANH, architecture=architecture)
    results = examine(builders.case(known=builders.settings({}), facts=facts))
    assert Status.CRASHED not in {result.status for result in results}
