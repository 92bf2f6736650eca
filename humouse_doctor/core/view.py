"""Views: everything to show after one call. A renderer gets one view and needs nothing else."""

from __future__ import annotations

from dataclasses import dataclass

from humouse_doctor.core.comparison import Comparison
from humouse_doctor.core.gating import Gate
from humouse_doctor.core.outcome import Outcome
from humouse_doctor.core.report import Report
from humouse_doctor.core.surveying import Survey


@dataclass(frozen=True, slots=True, kw_only=True)
class RunView:
    """One run's report; `gate` judges it alone.

    `outcome` holds the trials that the report was marked with, `comparison` the changes since an older report. `root` is
    the absolute folder that a pipeline shows paths relative to, empty for none. `following` are the commands to type next.
    """

    report: Report
    gate: Gate
    outcome: Outcome | None = None
    comparison: Comparison | None = None
    root: str = ""
    following: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """The exit code of a command that shows this."""
        return self.report.exit_code(self.gate.policy.fail_on)


@dataclass(frozen=True, slots=True, kw_only=True)
class GateView:
    """A gate's decision on any number of inputs; `comparison`, `root` and `following` as in `RunView`.

    `about` is the name of the input that `following` is about, empty where that is none.
    """

    gate: Gate
    comparison: Comparison | None = None
    root: str = ""
    following: tuple[str, ...] = ()
    about: str = ""

    @property
    def exit_code(self) -> int:
        """The exit code of a command that shows this."""
        return int(self.gate.exit_code)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialsView:
    """The outcome of paired trials; `following` are the commands to type next."""

    outcome: Outcome
    following: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """The exit code of a command that shows this."""
        return self.outcome.exit_code()


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyView:
    """A survey of many runs; `root` and `following` as in `RunView`."""

    survey: Survey
    root: str = ""
    following: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """The exit code of a command that shows this."""
        return int(self.survey.exit_code)


View = RunView | GateView | TrialsView | SurveyView
