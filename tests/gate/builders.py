"""Short ways to make reports, policies and judges, and strategies that generate them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import MappingProxyType

from hypothesis import strategies as st

from humouse_doctor.core.case import DataSummary, Subject
from humouse_doctor.core.gating import Ignore, Policy
from humouse_doctor.core.probe import Judgement, Kind, Probe, ProbeResult, Severity, Status
from humouse_doctor.core.remedy import Interval
from humouse_doctor.core.report import Confidence, Finding, Location, Report, Verdict
from humouse_doctor.core.settings import Origin, Setting
from humouse_doctor.core.tool_codes import ToolCode
from humouse_doctor.gate.judging import Judge
from humouse_doctor.probes.registry import PROBES

TODAY = date(2027, 6, 15)
CHECKPOINT, CONFIG = "runs/x/generator_x.pt", "runs/x/.hydra/config.yaml"
METRICS = tuple(f"{probe.code}.{metric.name}" for probe in PROBES for metric in probe.metrics)
DATA = DataSummary(source="gestures.npz", total=100, usable=100, taken=100, length=20)
MEASURED: Mapping[str, Mapping[str, float]] = {
    "HD101": {"spread_ratio": 1.0},
    "HD103": {"time_std_ratio": 1.0, "velocity_std_ratio": 1.0},
    "HD104": {"latent_std_ratio": 1.0},
}


def found(
    code: str, severity: Severity = Severity.ERROR, key: str | None = None, evidence: Mapping[str, float] | None = None
) -> Finding:
    """Return a finding of a probe or of the tool itself."""
    probe = next((probe for probe in PROBES if probe.code == code), None)
    return Finding(
        code=code,
        name="name",
        kind=Kind.TOOL if probe is None else probe.kind,
        severity=severity,
        message=f"{code} was found",
        evidence=MappingProxyType(dict(evidence or {})),
        location=Location(file=CONFIG, key=key),
    )


def result(code: str, judgement: Judgement | None = Judgement.HEALTHY, /, **measured: float) -> ProbeResult:
    """Return the result of a probe that measured, or was skipped if `judgement` is None."""
    if judgement is None:
        return ProbeResult(code=code, status=Status.SKIPPED, measurements={}, reason="no data given; add --data")
    status = Status.HEALTHY if judgement is Judgement.HEALTHY else Status.FOUND
    return ProbeResult(code=code, status=status, judgement=judgement, measurements=MappingProxyType(measured))


def crashed(code: str) -> ProbeResult:
    """Return the result of a probe that crashed."""
    return ProbeResult(code=code, status=Status.CRASHED, measurements={}, reason="ZeroDivisionError: on purpose")


def report(
    verdict: Verdict,
    findings: Sequence[Finding] = (),
    results: Sequence[ProbeResult] = (),
    *,
    checkpoint: str | None = CHECKPOINT,
    config: str | None = CONFIG,
    data: DataSummary | None = DATA,
    experiment: str | None = None,
) -> Report:
    """Return a report whose deciding probes are healthy, except for `results`."""
    by_code = {} if checkpoint is None else {code: result(code, **values) for code, values in MEASURED.items()}
    by_code |= {each.code: each for each in results}
    setting = Setting(key="experiment_name", value=experiment, origin=Origin.EXPLICIT)
    return Report(
        tool_version="0.1.0",
        verdict=verdict,
        confidence=Confidence.LOW,
        sentence="A sentence.",
        subject=Subject(name=checkpoint or config or "x", checkpoint=checkpoint, config=config),
        data=data,
        causes=(),
        unexplained=(),
        findings=tuple(findings),
        probes=tuple(by_code[code] for code in sorted(by_code)),
        remedies=(),
        patch=(),
        settings=() if experiment is None else (setting,),
    )


def flat(time_std_ratio: float = 0.1, severity: Severity = Severity.ERROR) -> Report:
    """Return the report of a collapsed run with HD103 as its only finding."""
    measured = {"time_std_ratio": time_std_ratio, "velocity_std_ratio": 1.0}
    finding = found("HD103", severity, evidence=measured)
    return report(Verdict.COLLAPSED, [finding], [result("HD103", Judgement.FOUND, **measured)])


def judge(policy: Policy | None = None, folder: Path | None = None) -> Judge:
    """Return a judge on a fixed day."""
    return Judge(policy=Policy() if policy is None else policy, today=TODAY, folder=folder)


def ignoring(code: str, *, path: str | None = None, expires: date | None = None) -> Policy:
    """Return a policy with one ignore."""
    return Policy(ignores=(Ignore(code=code, reason="known", path=path, expires=expires),))


_CODES = [probe.code for probe in PROBES] + [tool.code for tool in ToolCode]
_IGNORABLE = [code for code in _CODES if code not in ("HD001", "HD003")]
_NUMBERS = st.floats(-10, 10).map(lambda value: round(value, 3))


def intervals() -> st.SearchStrategy[Interval]:
    """Draw intervals that a policy can express: bounded below, above, or both."""
    two = st.tuples(_NUMBERS, _NUMBERS).map(sorted).map(lambda ends: Interval(low=ends[0], high=ends[1]))
    return st.one_of(_NUMBERS.map(lambda low: Interval(low=low)), _NUMBERS.map(lambda high: Interval(high=high)), two)


_IGNORES = st.builds(
    Ignore,
    code=st.sampled_from(_IGNORABLE),
    reason=st.just("known"),
    path=st.sampled_from([None, "runs/*", "elsewhere/*"]),
    expires=st.sampled_from([None, date(2027, 6, 14), TODAY, date(2027, 6, 16)]),
)


def policies() -> st.SearchStrategy[Policy]:
    """Draw policies that a file can hold."""
    return st.builds(
        Policy,
        fail_on=st.sampled_from([None, *Severity]),
        select=st.lists(st.sampled_from(["HD0", "HD1", "HD2", *_CODES]), max_size=2).map(tuple),
        ignores=st.lists(_IGNORES, max_size=6).map(tuple),
        thresholds=st.dictionaries(st.sampled_from(METRICS), intervals(), max_size=3),
        require_data=st.booleans(),
        verdicts=st.sets(st.sampled_from([Verdict.HEALTHY, Verdict.AT_RISK, Verdict.COLLAPSED])).map(
            lambda chosen: tuple(sorted(chosen))
        ),
    )


@st.composite
def _looked(draw: st.DrawFn, probe: Probe) -> tuple[ProbeResult, tuple[Finding, ...]]:
    """Draw one probe's result, and its finding if it has one."""
    match draw(st.sampled_from(Status)):
        case Status.SKIPPED:
            return result(probe.code, None), ()
        case Status.CRASHED:
            return crashed(probe.code), (found("HD003", key=probe.code),)
        case Status.HEALTHY:
            return result(probe.code, **{metric.name: draw(_NUMBERS) for metric in probe.metrics}), ()
        case _:
            measured = {metric.name: draw(_NUMBERS) for metric in probe.metrics}
            severity = draw(st.sampled_from(Severity))
            one = found(probe.code, severity, probe.key, measured)
            return result(probe.code, draw(st.sampled_from([Judgement.BORDERLINE, Judgement.FOUND])), **measured), (one,)


@st.composite
def reports(draw: st.DrawFn, *, sound: bool = False) -> Report:
    """Draw any report, even one that no diagnosis would make; `sound` ones have no crashed probe."""
    probes = draw(st.lists(st.sampled_from(PROBES), unique=True, max_size=8))
    looked = [draw(_looked(probe)) for probe in sorted(probes, key=lambda probe: probe.code)]
    if sound:
        looked = [(one, of) for one, of in looked if one.status is not Status.CRASHED]
    tool = draw(st.lists(st.sampled_from(["HD002", "HD004", "HD006"]), unique=True, max_size=2))
    own = [found(code, draw(st.sampled_from(Severity)), "data.batch_size") for code in tool]
    before_training = draw(st.booleans())
    made = report(
        draw(st.sampled_from(Verdict)),
        [*own, *(finding for _, findings in looked for finding in findings)],
        checkpoint=None if before_training else CHECKPOINT,
        data=draw(st.sampled_from([None, DATA])),
    )
    return replace(made, probes=tuple(one for one, _ in looked))
