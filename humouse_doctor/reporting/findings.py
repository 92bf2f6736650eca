"""A gate's findings for machine formats: each with a place, an identity, and text on one line."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from humouse_doctor.core.gating import Entry, Gate, JudgedFinding, Standing
from humouse_doctor.core.probe import Kind
from humouse_doctor.core.report import Finding, Location, Report
from humouse_doctor.core.text import spelled_line
from humouse_doctor.reporting.paths import display_path

#: Characters that XML 1.0 cannot hold, not even escaped.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """A place that a pipeline can show.

    `line` and `column` of its value count from 1; they are None for a whole file.
    """

    file: str
    line: int | None = None
    column: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """One finding of one input; `identity` is unique, and the same in every run of that input."""

    entry: Entry
    judged: JudgedFinding
    anchor: Anchor
    identity: str

    @property
    def finding(self) -> Finding:
        """The finding itself."""
        return self.judged.finding


def placed(gate: Gate, root: str) -> Iterator[Placed]:
    """Yield every finding of `gate` once, in its order."""
    seen: Counter[str] = Counter()
    for entry in gate.entries:
        for judged in entry.findings:
            known = f"{judged.finding.fingerprint}\n{display_path(entry.name, root)}"
            seen[known] += 1
            yield Placed(
                entry=entry,
                judged=judged,
                anchor=anchor_of(judged.finding, entry),
                identity=identity(judged.finding.fingerprint, entry.name, root, seen[known]),
            )


def identity(fingerprint: str, name: str, root: str, number: int = 1) -> str:
    """Return a hexadecimal digest of a finding's fingerprint and its input's name; `number` separates equal ones."""
    known = f"{fingerprint}\n{display_path(name, root)}\n{number}"
    return hashlib.sha256(known.encode("utf-8", "backslashreplace")).hexdigest()[:40]


def anchor_of(finding: Finding, entry: Entry) -> Anchor:
    """Return the place to show a finding at, preferably in the config: a checkpoint has no lines and is seldom committed.

    It is the finding's own line, or else that of the likeliest cause that explains it, or else the config as a whole;
    without a config, the input itself.
    """
    report = entry.report
    if report is None:
        return Anchor(file=finding.location.file or entry.name)
    where = _lined(finding, report)
    if where.line is None:
        own = where.file if where.file != report.subject.checkpoint else None
        return Anchor(file=own or report.subject.config or report.subject.checkpoint or entry.name)
    assert where.file is not None
    place = next((s.place for s in report.settings if s.key == where.key and s.place is not None), None)
    same = place is not None and (place.file, place.line) == (where.file, where.line)
    return Anchor(file=where.file, line=max(where.line, 1), column=max(place.column, 1) if same and place is not None else None)


def _lined(finding: Finding, report: Report) -> Location:
    if finding.location.line is not None:
        return finding.location
    explaining = [cause.code for cause in report.causes if finding.code in cause.explains]
    places = {other.code: other.location for other in report.findings if other.location.line is not None}
    return next((places[code] for code in explaining if code in places), finding.location)


def anchor_of_key(key: str, entry: Entry) -> Anchor:
    """Return the place of `key` in the input's config, as far as the report knows it."""
    report = entry.report
    places = () if report is None else (s.place for s in report.settings if s.key == key and s.place is not None)
    place = next(iter(places), None)
    if place is not None:
        return Anchor(file=place.file, line=max(place.line, 1), column=max(place.column, 1))
    return Anchor(file=entry.name if report is None else report.subject.config or report.subject.checkpoint or entry.name)


def one_line(text: str) -> str:
    """Make `text` harmless for all of these formats, on one line and never empty."""
    line = spelled_line(text) or "-"
    return _NOT_XML.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), line)


def standing_words(judged: JudgedFinding) -> str | None:
    """Return the reason a finding does not fail, or how it has worsened; None if there is neither."""
    if judged.standing is Standing.FAILS:
        return None if judged.reason is None else f"worse than in the baseline: {judged.reason}"
    named = judged.standing.value
    return named if judged.reason in (None, named) else f"{named}: {judged.reason}"


def contributes(finding: Finding, report: Report) -> bool:
    """Return True if `finding` is a cause with a remedy that is part of the report's patch."""
    wanted = {(edit.key, repr(edit.new)) for edit in report.patch}
    edits = (edit for remedy in report.remedies if remedy.id in finding.remedies for edit in remedy.edits)
    return finding.kind is Kind.CAUSE and any((edit.key, repr(edit.new)) in wanted for edit in edits)
