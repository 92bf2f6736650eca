"""Compare two reports."""

from __future__ import annotations

from collections.abc import Iterator

from humouse_doctor.core.comparison import Comparison, MovedMetric
from humouse_doctor.core.probe import Kind, Metric
from humouse_doctor.core.remedy import ANY
from humouse_doctor.core.report import Report
from humouse_doctor.core.text import shortened
from humouse_doctor.gate.baseline import gap
from humouse_doctor.inputs.config.reader import in_message
from humouse_doctor.probes.registry import current


def compare(before: Report, after: Report) -> Comparison:
    """Return the findings and numbers that are gone, new or moved in `after` compared with `before`."""
    then = {finding.fingerprint for finding in before.findings}
    now = {finding.fingerprint for finding in after.findings}
    measured = {result.code for result in after.probes if result.judgement is not None}
    missing = [finding for finding in before.findings if finding.fingerprint not in now]
    changed = (*_changed_inputs(before, after), *_changed_settings(before, after)) if _same_weights(before, after) else ()
    # what a run did is not undone by a change of its config
    not_gone = {finding.code for finding in missing if changed and finding.kind is not Kind.TOOL}
    looked_at = {finding.code for finding in missing if finding.kind is Kind.TOOL or finding.code in measured} - not_gone
    return Comparison(
        before=before,
        after=after,
        gone=tuple(finding for finding in missing if finding.code in looked_at),
        unmeasured=tuple(finding for finding in missing if finding.code not in looked_at | not_gone),
        not_gone=tuple(finding for finding in missing if finding.code in not_gone),
        settings=changed,
        new=tuple(finding for finding in after.findings if finding.fingerprint not in then),
        moved=tuple(_moved(before, after)),
    )


def _same_weights(before: Report, after: Report) -> bool:
    """Return True if both reports are on the same checkpoint, by its digest."""
    return before.subject.sha256 is not None and before.subject.sha256 == after.subject.sha256


def _changed_inputs(before: Report, after: Report) -> Iterator[str]:
    """Yield what else two reports on the same weights can differ by: the data, and the version of this program."""
    for what, then, now in (
        ("data", before.subject.data, after.subject.data),
        ("humouse-doctor", before.tool_version, after.tool_version),
    ):
        if then != now:
            yield f"{what}: {in_message(then)} -> {in_message(now)}"


def _changed_settings(before: Report, after: Report) -> Iterator[str]:
    """Yield each setting that differs, with both values; without a config the only settings are those from the weights."""
    then, now = ({setting.key: setting.value for setting in report.settings} for report in (before, after))
    for key in sorted(then.keys() | now.keys()):
        if key not in then or key not in now:
            yield f"{shortened(key)} is {'not known' if key not in now else 'known'} now"
        elif then[key] != now[key]:
            yield f"{shortened(key)}: {in_message(then[key])} -> {in_message(now[key])}"


def _moved(before: Report, after: Report) -> Iterator[MovedMetric]:
    then, now = ({result.code: result.measurements for result in report.probes} for report in (before, after))
    for probe in current().probes:
        for metric in probe.metrics:
            old, new = (found.get(probe.code, {}).get(metric.name) for found in (then, now))
            if metric.healthy != ANY and old != new:
                yield MovedMetric(
                    name=f"{probe.code}.{metric.name}",
                    before=old,
                    after=new,
                    healthy=metric.healthy,
                    closer=_closer(metric, old, new),
                )


def _closer(metric: Metric, old: float | None, new: float | None) -> bool | None:
    if old is None or new is None or gap(metric.healthy, old) == gap(metric.healthy, new):
        return None
    return gap(metric.healthy, new) < gap(metric.healthy, old)
