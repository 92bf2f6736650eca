from __future__ import annotations

import math
import re
from dataclasses import replace

import pytest

from humouse_doctor.core.case import Case
from humouse_doctor.core.probe import Judgement, Kind, Metric, Probe
from humouse_doctor.core.remedy import ANY
from humouse_doctor.inputs.config.trainer_keys import BY_NAME
from humouse_doctor.probes.pages import page, pages
from humouse_doctor.probes.registry import PROBES, unmeasured
from tests import builders
from tests.diagnosis import runs

_OTHERS_READ = (
    "HD101.spread_ratio",
    "HD102.saturated_share",
    "HD102.mean_slope",
    "HD103.time_std_ratio",
    "HD103.velocity_std_ratio",
    "HD104.latent_std_ratio",
    "HD105.skill",
    "HD105.motion_skill",
    "HD201.out_of_reach_share",
    "HD201.reachable_loss_share",
    "HD202.steps_needed",
    "HD202.steps_available",
)


def _by_code(probe: Probe) -> str:
    return probe.code


each_probe = pytest.mark.parametrize("probe", PROBES, ids=_by_code)


def test_codes_are_unique_well_formed_and_in_order() -> None:
    codes = [probe.code for probe in PROBES]
    assert codes == sorted(set(codes))
    assert all(re.fullmatch(r"HD[12]\d\d", code) for code in codes)


@each_probe
def test_a_code_says_whether_it_is_a_symptom_or_a_cause(probe: Probe) -> None:
    assert probe.kind is {"1": Kind.SYMPTOM, "2": Kind.CAUSE}[probe.code[2]]


def test_names_are_unique_and_kebab_case() -> None:
    names = [probe.name for probe in PROBES]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", name) for name in names)


@pytest.mark.parametrize("path", _OTHERS_READ)
def test_a_metric_that_others_read_is_there(path: str) -> None:
    code, _, name = path.partition(".")
    assert builders.probe(code).metric(name).name == name


@each_probe
def test_metrics_have_unique_names_units_and_meanings(probe: Probe) -> None:
    assert len({metric.name for metric in probe.metrics}) == len(probe.metrics)
    assert all(metric.name and metric.unit and metric.meaning for metric in probe.metrics)


@each_probe
def test_a_healthy_interval_lies_inside_the_tolerable_one(probe: Probe) -> None:
    for metric in probe.metrics:
        healthy, tolerable = metric.healthy, metric.tolerable
        assert tolerable.low <= healthy.low <= healthy.high <= tolerable.high, metric.name
        assert (healthy == ANY) == (tolerable == ANY), metric.name


@each_probe
def test_a_number_that_is_not_one_is_never_healthy(probe: Probe) -> None:
    for metric in probe.metrics:
        assert metric.judge(float("nan")) is Judgement.FOUND


@each_probe
def test_only_a_cause_explains_and_only_symptoms_that_are_there(probe: Probe) -> None:
    symptoms = {each.code for each in PROBES if each.kind is Kind.SYMPTOM}
    named = (*probe.explains, *probe.sometimes)
    assert len(set(named)) == len(named)
    assert set(named) <= symptoms
    assert bool(probe.explains) == (probe.kind is Kind.CAUSE)


def test_every_deciding_symptom_can_be_explained() -> None:
    explained = {code for probe in PROBES for code in probe.explains}
    assert {"HD101", "HD103", "HD104", "HD105"} <= explained


@each_probe
def test_a_cause_points_at_a_key_the_trainer_knows_unless_it_lies_in_the_network(probe: Probe) -> None:
    in_network = probe.code in ("HD215", "HD216", "HD217", "HD218", "HD219", "HD221")
    assert (probe.key in BY_NAME) if probe.kind is Kind.CAUSE and not in_network else probe.key is None


@each_probe
def test_a_page_begins_with_the_probes_heading_and_summary(probe: Probe) -> None:
    heading, empty, summary, *_ = page(probe.code).splitlines()
    assert heading == f"# {probe.code} {probe.name}"
    assert empty == ""
    assert summary == f"*{probe.kind.value}*: {probe.summary}"


@each_probe
def test_a_page_lies_beside_its_probes_file(probe: Probe) -> None:
    module = type(probe).__module__.rpartition(".")[2]
    assert pages()[probe.code].name == f"{module}.md"


@each_probe
def test_a_page_explains_every_metric_that_judges(probe: Probe) -> None:
    judging = [metric.name for metric in probe.metrics if metric.healthy != ANY]
    assert [name for name in judging if name not in page(probe.code)] == []


@each_probe
def test_a_page_states_every_bound_that_judges(probe: Probe) -> None:
    """Runs set a threshold, and its page names them: neither is changed without the other. Zero is a flag's or a count's."""
    thresholds = page(probe.code).partition("\n## Thresholds")[2].partition("\n## ")[0]
    stated = {float(number) for number in re.findall(r"(?<![\w.])\d+(?:\.\d+)?(?:e-?\d+)?", thresholds)}
    intervals = [interval for metric in probe.metrics for interval in (metric.healthy, metric.tolerable)]
    bounds = {bound for interval in intervals for bound in (interval.low, interval.high)}
    assert {bound for bound in bounds if math.isfinite(bound) and bound != 0} <= stated


def test_there_is_no_page_without_its_probe() -> None:
    assert sorted(pages()) == [probe.code for probe in PROBES]


@each_probe
@pytest.mark.parametrize("case", [builders.healthy_case(), builders.collapsed_case()], ids=["healthy", "collapsed"])
def test_measuring_twice_gives_the_same_and_leaves_read_only_arrays_alone(probe: Probe, case: Case) -> None:
    assert builders.run(probe.code, case) == builders.run(probe.code, case)


@each_probe
def test_healthy_is_only_said_of_a_number_that_judges(probe: Probe) -> None:
    result = builders.run(probe.code, builders.healthy_case())
    judging = {metric.name for metric in probe.metrics if metric.healthy != ANY}
    if result.judgement is not None and type(probe).judge is Probe.judge:
        assert judging & set(result.measurements)


def test_a_metric_judges_by_its_two_intervals() -> None:
    metric: Metric = builders.probe("HD101").metric("spread_ratio")
    assert metric.judge(1.0) is Judgement.HEALTHY
    assert metric.judge(metric.healthy.low) is Judgement.HEALTHY
    assert metric.judge(builders.borderline_low(metric)) is Judgement.BORDERLINE
    assert metric.judge(metric.tolerable.high) is Judgement.BORDERLINE
    assert metric.judge(0.0) is Judgement.FOUND


def test_the_worst_metric_decides() -> None:
    probe = builders.probe("HD102")
    assert probe.judge({"saturated_share": 0.0, "mean_slope": 0.0}) is Judgement.FOUND
    assert probe.judge({"saturated_share": 0.0}) is Judgement.HEALTHY


def test_a_symptom_offers_no_remedy_of_its_own() -> None:
    for probe in PROBES:
        if probe.kind is Kind.SYMPTOM:
            assert probe.remedies(builders.collapsed_case(), {}) == ()


def test_what_decides_and_was_not_measured_is_said() -> None:
    assert unmeasured(runs.report(runs.WELL)) == ""
    assert unmeasured(runs.report({**runs.WELL, "HD103": None, "HD104": None})) == "HD103, HD104 not measured"


def test_before_training_one_of_the_causes_that_decide_is_enough_where_there_are_data() -> None:
    planned = runs.planned()
    assert unmeasured(runs.report({"HD201": runs.H}, case=planned)) == ""
    assert unmeasured(runs.report({"HD207": runs.H}, case=planned)) == ""
    neither = "HD201 and HD202 were not measured"
    assert unmeasured(runs.report({"HD201": None, "HD203": runs.H}, case=planned)) == neither
    assert unmeasured(runs.report({"HD201": runs.H}, case=replace(planned, data=None))) == neither
