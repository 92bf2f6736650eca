"""Options for showing a report, the files shown beside it, and the view of them together."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from humouse_doctor.core.gating import Policy
from humouse_doctor.core.probe import Severity
from humouse_doctor.core.report import Report
from humouse_doctor.core.version import VERSION
from humouse_doctor.core.view import RunView
from humouse_doctor.gate.comparing import compare
from humouse_doctor.gate.judging import judged_alone
from humouse_doctor.reporting.forms import FailOn

if TYPE_CHECKING:
    from humouse_doctor.core.outcome import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Display:
    """Options for showing one run's report.

    `fail_on` is the least severe finding that gives exit code 1, `compare` a saved report to compare with, and `outcome`
    a file that verify has written on the same config: it marks the remedies that its trials confirmed or refuted. `root`
    is the absolute folder that a pipeline shows paths relative to, empty for none.
    """

    fail_on: FailOn = FailOn.WARNING
    compare: Path | None = None
    outcome: Path | None = None
    root: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """The contents of the files shown beside a report, each read once; `outcome_path` is the path of the trials."""

    before: Report | None = None
    outcome: Outcome | None = None
    outcome_path: str = ""

    @classmethod
    def read(cls, display: Display) -> Beside:
        """Read the files that `display` names; raises `DoctorError` with a one-line message."""
        before = outcome = None
        if display.compare is not None:
            from humouse_doctor.stored import saved  # most reports are compared with none

            before = saved.read(display.compare)
        if display.outcome is not None:
            from humouse_doctor.stored import outcome as outcome_json  # and few have trials beside them

            outcome = outcome_json.read(display.outcome)
        return cls(before=before, outcome=outcome, outcome_path=str(display.outcome))


def view_of(report: Report, display: Display, beside: Beside, following: tuple[str, ...] = ()) -> RunView:
    """Return the view of one report, judged alone and compared with the older report beside it; `following` as in `RunView`."""
    return RunView(
        report=report,
        gate=judged_alone(report, Policy(fail_on=severity_of(display.fail_on)), VERSION),
        outcome=beside.outcome,
        comparison=None if beside.before is None else compare(beside.before, report),
        root=display.root,
        following=following,
    )


def severity_of(fail_on: FailOn) -> Severity | None:
    """Return the least severity that makes a run fail, None for never."""
    return None if fail_on is FailOn.NEVER else Severity(fail_on.value)
