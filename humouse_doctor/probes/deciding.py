"""The probes without which no run is called healthy."""

from __future__ import annotations

from humouse_doctor.core.report import Report

#: Without these three a checkpoint is never called healthy.
DECIDING = ("HD101", "HD103", "HD104")
#: Without these two, or with weights to start from the third, a config is never called healthy.
BEFORE_TRAINING = ("HD201", "HD202")
_WARM_START = "HD207"


def unmeasured(report: Report) -> str:
    """Which of what decides was not measured, in words; empty where enough was."""
    measured = {result.code for result in report.probes if result.judgement is not None}
    missing = [code for code in DECIDING if code not in measured]
    if missing and report.subject.checkpoint is None:
        known = report.data is not None and not measured.isdisjoint((*BEFORE_TRAINING, _WARM_START))
        return "" if known else f"{' and '.join(BEFORE_TRAINING)} were not measured"
    return f"{', '.join(missing)} not measured" if missing else ""
