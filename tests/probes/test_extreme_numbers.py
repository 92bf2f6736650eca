"""NaN, infinities, denormals, zeros, huge values, empty arrays: no probe warns, crashes, or calls healthy what is unseen."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from humouse_doctor.cases.request import Loaded
from humouse_doctor.core.arrays import FloatArray
from humouse_doctor.core.case import Case, Gradients, LatentFit, Samples, WeightFacts
from humouse_doctor.core.probe import Judgement, Kind, Probe, ProbeResult, Status
from humouse_doctor.core.report import Report, Verdict
from humouse_doctor.core.space import Space
from humouse_doctor.core.spec import Activation, Architecture
from humouse_doctor.diagnosis.diagnose import diagnose
from humouse_doctor.diagnosis.examine import examine
from humouse_doctor.probes.registry import PROBES
from tests import builders

#: From the least denormal to the largest float64, and what is no number.
FINITE = (0.0, 5e-324, 1e-310, 1e-300, 1e-170, 1e-40, 1e-30, 1.0, -1.0, 1e30, -3e38, 1e155, 1e200, 1e300, -1.7e308)
NO_NUMBERS = (math.nan, math.inf, -math.inf)
RATES = (0.0, 5e-324, 1e-300, 1e-30, 1e-3, 0.5, 1.0, 1e30, 1e300, 1.7e308)
#: The arrays a probe looks at: it may call healthy only what it could see in all of them.
SEES = {
    "HD101": ("targets", "predictions"),
    "HD102": ("predictions",),
    "HD103": ("targets", "predictions"),
    "HD104": ("targets", "predictions"),
    "HD105": ("fit_targets", "fit_predictions", "latents", "predictions"),
    "HD106": ("gradients",),
    "HD107": ("targets", "predictions"),
    "HD201": ("targets",),
    "HD202": ("targets",),
    "HD206": ("targets", "space"),
    "HD209": ("sequences",),
}
#: Probes that compare a spread, and so need targets that vary and as many sequences as tell something.
COMPARES = ("HD101", "HD103", "HD104", "HD105", "HD107")

each_probe = pytest.mark.parametrize("probe", PROBES, ids=[probe.code for probe in PROBES])


def _arrays(of: Case) -> dict[str, FloatArray | None]:
    found, fit = of.samples, of.samples.fit
    space = () if of.space is None else (of.space.sequence_mean, of.space.sequence_std)
    return {
        "targets": found.loss_targets,
        "sequences": found.sequences,
        "predictions": found.predictions,
        "fit_targets": None if fit is None else fit.targets,
        "fit_predictions": None if fit is None else fit.predictions,
        "latents": None if fit is None else fit.latents,
        "gradients": None if found.gradients is None else np.array(list(found.gradients.rms_by_layer.values())),
        "space": np.concatenate([part for part in space if part is not None] or [np.zeros(0)]),
    }


def _seen(values: FloatArray | None) -> bool:
    return values is not None and values.size > 0 and bool(np.isfinite(values).all())


def _varies(values: FloatArray | None) -> bool:
    return values is not None and any(np.ptp(values[..., axis] * 0.5) > 0 for axis in (0, 1))


def _assert_honest(of: Case, result: ProbeResult) -> None:
    assert result.status is not Status.CRASHED, (result.code, result.reason)
    assert all(math.isfinite(value) for value in result.measurements.values())
    if result.status is Status.SKIPPED:
        assert result.reason
        _assert_no_lie(result.reason)
    if result.status is not Status.HEALTHY:
        return
    arrays = _arrays(of)
    for name in SEES.get(result.code, ()):
        assert _seen(arrays[name]), (result.code, name)
    if result.code in COMPARES:
        targets = arrays["fit_targets" if result.code == "HD105" else "targets"]
        assert targets is not None
        assert _varies(targets)
        assert len(targets) >= (8 if result.code == "HD107" else 16)
        assert targets.shape[1] >= 4 or result.code in ("HD101", "HD104", "HD105")


def _assert_no_lie(text: str) -> None:
    """Assert that a text has no NaN or infinity, and no number too long to read."""
    assert not re.search(r"(?<![a-z])(nan|inf)(?![a-z])", text.replace("NaN or infinite", ""), re.IGNORECASE), text
    assert not re.search(r"[\d,]{25}", text), text


def _diagnosed(of: Case) -> Report:
    """Return the report, after checking every result and every sentence."""
    results = examine(of)
    for result in results:
        _assert_honest(of, result)
    report = diagnose(Loaded(case=of), results)
    texts = [report.sentence, *(finding.message for finding in report.findings), *(cause.message for cause in report.causes)]
    texts += [f"{remedy.title}; {remedy.why}; {remedy.code_hint}" for remedy in report.remedies]
    for text in texts:
        _assert_no_lie(text)
    for edit in report.patch:
        assert not isinstance(edit.new, float) or math.isfinite(edit.new)
    if report.verdict is Verdict.HEALTHY:
        assert _seen(of.samples.loss_targets)
        assert _varies(of.samples.loss_targets)
    return report


def _one(values: FloatArray, number: float) -> FloatArray:
    spoilt = np.array(values)
    spoilt[-1, -1, 0] = number
    return builders.frozen(spoilt)


Change = Callable[[FloatArray], FloatArray]

#: Defects of an array that can be neither measured nor compared with.
USELESS: dict[str, Change] = {
    "one NaN": lambda values: _one(values, math.nan),
    "one infinity": lambda values: _one(values, math.inf),
    "all NaN": lambda values: values * math.nan,
    "infinite on one axis": lambda values: np.concatenate([values[..., :1], values[..., 1:] * 0 + math.inf], axis=-1),
    "no sequence": lambda values: values[:0],
    "no step": lambda values: values[:, :0],
}
#: Arrays without a spread to compare with.
FLAT: dict[str, Change] = {
    "all zero": lambda values: values * 0,
    "all one number": lambda values: values * 0 + 0.3,
    "one huge number": lambda values: values * 0 + 1e300,
    "one denormal": lambda values: values * 0 + 5e-324,
    "one sequence": lambda values: values[:1],
    "fifteen sequences": lambda values: values[:15],
}
#: Values whose squares, or sums, float64 cannot hold, or cannot tell from nothing.
OUT_OF_RANGE: dict[str, Change] = {
    "of 1e300": lambda values: values * 1e300,
    "near the largest number": lambda values: values / np.abs(values).max() * 1.7e308,
    "one value of 1e200": lambda values: _one(values, 1e200),
    "of 1e-300": lambda values: values * 1e-300,
    "denormal": lambda values: values * 1e-320,
}


def _with(change: Change, *names: str) -> Case:
    """Return the healthy case with some of its arrays changed."""
    of = builders.healthy_case()
    found = of.samples
    fit = found.fit
    assert fit is not None
    assert found.loss_targets is not None
    assert found.predictions is not None
    new: dict[str, Any] = {}
    if "targets" in names:
        new |= {"loss_targets": change(found.loss_targets), "sequences": change(found.loss_targets)}
    if "predictions" in names:
        new["predictions"] = change(found.predictions)
    if "fit_targets" in names:
        fit = replace(fit, targets=change(fit.targets))
    if "fit_predictions" in names:
        fit = replace(fit, predictions=change(fit.predictions))
    for name in ("hidden", "rnn_input"):
        if name in names:
            values = getattr(found, name)
            assert values is not None
            new[name] = change(values)
    return replace(of, samples=replace(found, fit=fit, **new))


@pytest.mark.parametrize("kind", USELESS)
@pytest.mark.parametrize("name", ["targets", "predictions", "fit_targets", "fit_predictions"])
def test_an_array_that_is_empty_or_no_numbers_leaves_its_probes_nothing_healthy_to_say(name: str, kind: str) -> None:
    of = _with(USELESS[kind], name)
    report = _diagnosed(of)
    for result in report.probes:
        if name in SEES.get(result.code, ()):
            assert result.status in (Status.SKIPPED, Status.FOUND)
            assert result.status is Status.SKIPPED or result.measurements
    if name in ("targets", "predictions"):
        assert report.verdict is Verdict.UNDETERMINED


@pytest.mark.parametrize("kind", [*USELESS, *FLAT, *OUT_OF_RANGE])
@pytest.mark.parametrize("name", ["hidden", "rnn_input"])
def test_recurrent_states_of_any_numbers_are_judged_honestly(name: str, kind: str) -> None:
    of = _with({**USELESS, **FLAT, **OUT_OF_RANGE}[kind], name)
    _diagnosed(of)
    values = getattr(of.samples, name)
    if not _seen(values):
        assert builders.run("HD203", of).status is Status.SKIPPED


@pytest.mark.parametrize("kind", FLAT)
def test_targets_that_do_not_vary_or_are_too_few_leave_no_symptom_healthy(kind: str) -> None:
    report = _diagnosed(_with(FLAT[kind], "targets", "fit_targets"))
    for code in ("HD101", "HD103", "HD104", "HD105"):
        result = next(each for each in report.probes if each.code == code)
        assert result.status is Status.SKIPPED, code
    assert report.verdict is not Verdict.HEALTHY


@pytest.mark.parametrize("kind", OUT_OF_RANGE)
@pytest.mark.parametrize(
    "names", [("targets",), ("predictions",), ("targets", "predictions"), ("fit_targets", "fit_predictions")]
)
def test_numbers_beyond_what_squares_can_hold_never_crash_warn_or_pass(names: tuple[str, ...], kind: str) -> None:
    _diagnosed(_with(OUT_OF_RANGE[kind], *names))


@pytest.mark.parametrize("scale", [1e-30, 1e-12, 1e12, 1e30])
def test_a_judgement_without_a_unit_does_not_depend_on_the_scale(scale: float) -> None:
    codes = ("HD101", "HD103", "HD104", "HD105", "HD107")
    for whole in (builders.healthy_case(), builders.collapsed_case()):
        fit = whole.samples.fit
        assert fit is not None
        assert whole.samples.loss_targets is not None
        assert whole.samples.predictions is not None
        scaled = replace(
            whole.samples,
            loss_targets=whole.samples.loss_targets * scale,
            predictions=whole.samples.predictions * scale,
            fit=replace(fit, targets=fit.targets * scale, predictions=fit.predictions * scale),
        )
        for code in codes:
            before, after = builders.run(code, whole), builders.run(code, replace(whole, samples=scaled))
            assert (before.status, before.judgement) == (after.status, after.judgement), code


def test_one_step_is_too_few_to_tell_movement_by() -> None:
    report = _diagnosed(_with(lambda values: values[:, :1], "targets", "predictions", "fit_targets", "fit_predictions"))
    assert {result.code: result.status for result in report.probes if result.code in ("HD103", "HD105", "HD107")} == {
        "HD103": Status.SKIPPED,
        "HD105": Status.SKIPPED,
        "HD107": Status.SKIPPED,
    }
    assert report.verdict is not Verdict.HEALTHY


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize("scale", [1e-6, 1.0, 3e4])
def test_narrow_types_are_judged_as_float64_would_be(dtype: type[np.floating[Any]], scale: float) -> None:
    narrow = _with(lambda values: (values / np.abs(values).max() * scale).astype(dtype), "targets", "predictions")
    wide = _with(
        lambda values: (values / np.abs(values).max() * scale).astype(dtype).astype(np.float64), "targets", "predictions"
    )
    for code in ("HD101", "HD103", "HD104", "HD107", "HD201", "HD202"):
        assert builders.run(code, narrow) == builders.run(code, wide)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("epochs", [0, 1, 10**9, 10**12])
@pytest.mark.parametrize("architecture", [Architecture.LSTM, Architecture.TCN])
def test_no_learning_rate_crashes_a_probe_or_a_remedy(rate: float, epochs: int, architecture: Architecture) -> None:
    known = builders.settings(
        {**builders.SOUND, "training.lr.generator": rate, "training.reconstruction_epochs": epochs, "data.batch_size": 1}
    )
    facts = builders.network(Activation.TANH, architecture=architecture)
    for scale in (5e-324, 1e-30, 1.0, 1e30, 1e150):
        targets = builders.strokes(0) * scale
        found = Samples(sequences=targets, loss_targets=targets)
        _diagnosed(builders.case(found, known=known, facts=facts, data=builders.summary()))


@pytest.mark.parametrize("rate", [0.0, 1.0, 1e30, 1e300])
@pytest.mark.parametrize("architecture", [Architecture.LSTM, Architecture.TCN])
def test_a_config_whose_learning_rate_trains_nothing_is_never_healthy(rate: float, architecture: Architecture) -> None:
    known = builders.settings({**builders.SOUND, "training.lr.generator": rate})
    targets = builders.strokes(0)
    found = Samples(sequences=targets, loss_targets=targets)
    facts = builders.network(architecture=architecture)
    report = _diagnosed(builders.case(found, known=known, facts=facts, data=builders.summary()))
    assert report.verdict is not Verdict.HEALTHY
    by_code = {result.code: result for result in report.probes}
    assert by_code["HD202"].status is Status.SKIPPED
    assert "rate" in (by_code["HD202"].reason or "")


@pytest.mark.parametrize("kind", FLAT)
@pytest.mark.parametrize("head", [Activation.LINEAR, Activation.TANH])
def test_a_config_is_not_called_healthy_by_targets_that_tell_nothing(head: Activation, kind: str) -> None:
    targets = FLAT[kind](builders.strokes(0))
    found = Samples(sequences=targets, loss_targets=targets)
    report = _diagnosed(builders.case(found, known=builders.settings(), facts=builders.network(head), data=builders.summary()))
    assert report.verdict is not Verdict.HEALTHY
    assert "no probe was run" not in report.sentence


@pytest.mark.parametrize(
    "rms",
    [{}, {"a": math.nan, "b": 1.0}, {"a": 1.0, "b": math.inf}, {"a": 0.0, "b": 0.0}, {"a": 1e300, "b": 5e-324}, {"a": 1.0}],
    ids=str,
)
def test_gradients_of_any_numbers_are_healthy_only_where_they_are_numbers(rms: dict[str, float]) -> None:
    of = builders.healthy_case()
    of = replace(of, samples=replace(of.samples, gradients=Gradients(rms_by_layer=rms)))
    _diagnosed(of)
    assert builders.run("HD106", of).status is not Status.HEALTHY


@pytest.mark.parametrize(
    "facts",
    [
        WeightFacts(non_finite=0, total=0),
        WeightFacts(non_finite=0, total=0, excess_over_start=3.0),
        WeightFacts(non_finite=1, total=1),
        WeightFacts(non_finite=5, total=9, excess_over_start=1e38),
        WeightFacts(non_finite=0, total=9, excess_over_start=0.0),
        WeightFacts(non_finite=0, total=9, excess_over_start=5e-324),
    ],
    ids=str,
)
def test_weights_that_are_none_or_no_numbers_or_zero_are_not_healthy(facts: WeightFacts) -> None:
    of = replace(builders.healthy_case(), weights=facts)
    _diagnosed(of)
    assert builders.run("HD108", of).status is not Status.HEALTHY


@pytest.mark.parametrize("std", [0.0, 5e-324, 1e-300, 1e300, math.inf, math.nan])
@pytest.mark.parametrize("mean", [0.0, 1e300, math.nan])
def test_statistics_of_any_numbers_leave_a_drift_that_is_one_or_none(mean: float, std: float) -> None:
    space = Space(absolute=True, sequence_mean=np.array([mean, 0.0]), sequence_std=np.array([std, 1.0]))
    _diagnosed(replace(builders.healthy_case(), space=space))


@st.composite
def _values(draw: st.DrawFn) -> FloatArray:
    """Draw sequences of any shape, scale and type, some of them with NaN, infinite or huge numbers."""
    rows, steps = draw(st.sampled_from([0, 1, 7, 15, 16, 20])), draw(st.sampled_from([0, 1, 2, 5, 12]))
    pool = FINITE if draw(st.booleans()) else (*FINITE, *NO_NUMBERS)
    match draw(st.sampled_from(["strokes", "constant", "pool", "axis"])):
        case "constant":
            values = np.full((rows, steps, 2), draw(st.sampled_from(pool)))
        case "pool":
            picks = draw(st.lists(st.sampled_from(pool), min_size=1, max_size=9))
            values = np.resize(np.array(picks), (rows, steps, 2))
        case kind:
            values = np.array(builders.strokes(draw(st.integers(0, 3)), rows=max(rows, 1), steps=max(steps, 2)))
            values = values[:rows, :steps] * draw(st.sampled_from([1e-300, 1e-30, 1e-6, 1.0, 1e6, 1e30, 1e150, 1e300]))
            if kind == "axis":
                values[..., draw(st.integers(0, 1))] = draw(st.sampled_from(pool))
    if values.size and draw(st.booleans()):
        values.flat[draw(st.integers(0, values.size - 1))] = draw(st.sampled_from(pool))
    with np.errstate(over="ignore"):
        return builders.frozen(values.astype(draw(st.sampled_from([np.float64, np.float32]))))


@st.composite
def _cases(draw: st.DrawFn) -> Case:
    numbers = st.sampled_from((*FINITE, *NO_NUMBERS))
    fit = LatentFit(targets=draw(_values()), predictions=draw(_values()), latents=draw(_values())[..., 0])
    if fit.predictions.shape != fit.targets.shape:  # a fit is made of its targets
        fit = replace(fit, predictions=builders.frozen(np.resize(fit.predictions, fit.targets.shape)))
    targets = draw(_values())
    found = Samples(
        sequences=targets if draw(st.booleans()) else builders.frozen(np.resize(draw(_values()), targets.shape)),
        lengths=draw(st.none() | st.just(np.full(len(targets), float(targets.shape[1])))),
        loss_targets=targets,
        predictions=draw(_values()),
        hidden=draw(st.none() | _values()),
        rnn_input=draw(st.none() | _values()),
        fit=draw(st.sampled_from([None, fit])),
        gradients=Gradients(rms_by_layer=draw(st.dictionaries(st.sampled_from("abc"), numbers.map(abs)))),
    )
    statistics = [np.array([draw(numbers), draw(numbers)]) for _ in range(2)] if draw(st.booleans()) else [None, None]
    values = {
        **builders.SOUND,
        "training.lr.generator": draw(st.sampled_from(RATES)),
        "training.reconstruction_epochs": draw(st.sampled_from([0, 1, 2000, 10**9, 10**12])),
        "training.warmup_latent_normalize": draw(st.booleans()),
        "training.warmup_noise_std": draw(st.sampled_from(FINITE)),
        "training.reconstruction_loss_weight": draw(st.sampled_from(FINITE)),
        "data.batch_size": draw(st.sampled_from([1, 16, 10**12])),
    }
    return builders.case(
        found,
        known=builders.settings(values),
        facts=builders.network(
            draw(st.sampled_from([None, *Activation])),
            architecture=draw(st.sampled_from([None, *Architecture])),
            hidden_dim=draw(st.sampled_from([None, 1, 8, 10**6])),
            target_len=draw(st.sampled_from([None, 1, 2, 3, 10**5])),
        ),
        space=Space(absolute=draw(st.booleans()), sequence_mean=statistics[0], sequence_std=statistics[1]),
        weights=draw(st.sampled_from([None, builders.TRAINED, WeightFacts(non_finite=3, total=9)])),
        data=draw(st.sampled_from([None, builders.summary()])),
    )


@hypothesis_settings(max_examples=150)
@given(_cases())
def test_whatever_the_numbers_every_probe_and_the_report_stay_honest(of: Case) -> None:
    _diagnosed(of)


@each_probe
def test_where_nothing_varies_no_symptom_is_healthy(probe: Probe) -> None:
    still = _with(lambda values: values * 0 + 0.25, "targets", "predictions", "fit_targets", "fit_predictions")
    result = builders.run(probe.code, still)
    if probe.kind is Kind.SYMPTOM and probe.code in COMPARES:
        assert result.judgement is not Judgement.HEALTHY
