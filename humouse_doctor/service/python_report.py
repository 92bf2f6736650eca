"""The report that the Python API returns: a `Report` that can also be shown in a notebook and written in other formats."""

from __future__ import annotations

import html
from dataclasses import dataclass, fields
from typing import Any

from humouse_doctor.core import report as core
from humouse_doctor.core.errors import UsageError
from humouse_doctor.reporting.forms import Format
from humouse_doctor.reporting.rendering import render
from humouse_doctor.service.display import Beside, Display, view_of

#: The height of a report in a notebook, in CSS pixels.
_FRAME_PX = 640


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Report(core.Report):
    """A diagnosis. `str()` is one line; a notebook shows the page."""

    @classmethod
    def of(cls, report: core.Report) -> Report:
        """Return the same report with these methods."""
        values: dict[str, Any] = {field.name: getattr(report, field.name) for field in fields(report)}
        return cls(**values)

    def __repr__(self) -> str:
        causes = ", ".join(cause.code for cause in self.causes) or "none"
        return f"<Report {self.verdict.value} ({self.confidence.value} confidence), causes: {causes}>"

    def __str__(self) -> str:
        return f"{self.verdict.value}: {self.sentence}"

    def _repr_html_(self) -> str:
        """Return the page in a frame of its own, for notebooks; the text where the `html` extra is not installed."""
        try:
            page = self.to_html()
        except UsageError:
            return f"<pre>{html.escape(self.to_text())}</pre>"
        return (
            f'<iframe title="humouse-doctor" sandbox="allow-scripts" srcdoc="{html.escape(page)}"'
            f' style="width:100%;height:{_FRAME_PX}px;border:1px solid #8884"></iframe>'
        )

    def to_text(self, width: int = 80) -> str:
        """Return the screen of the command line, without the command to type next, in lines of at most `width` columns."""
        return self._in(Format.TEXT, width)

    def to_json(self) -> str:
        """Return the report as JSON; `humouse-doctor show` and `--compare` read it."""
        return self._in(Format.JSON)

    def to_markdown(self) -> str:
        """Return the report as Markdown, for a comment on a pull request."""
        return self._in(Format.MARKDOWN)

    def to_html(self) -> str:
        """Return one page that needs no network; raises `UsageError` without the `html` extra."""
        return self._in(Format.HTML)

    def _in(self, form: Format, width: int = 80) -> str:
        return render(view_of(self, Display(), Beside()), form, width=width)
