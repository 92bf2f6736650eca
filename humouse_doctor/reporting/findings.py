"""A gate's findings as formats for machines show them: each with its place, an identity, and words on one line."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from humouse_doctor.core.gating import Entry, Gate, JudgedFinding, Standing
from humouse_doctor.core.probe import Kind
from humouse_doctor.core.report import Finding, Report
from humouse_doctor.reporting.paths import shown
from humouse_doctor.reporting.plain import harmless

#: What XML 1.0 has no way to write, not even escaped.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """A place in a file that a pipeline can show: `line` counts from 1, and so does `end`, the column its value begins at."""

    file: str
    line: int = 1
    end: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """One finding of one input; `identity` is the same in every run of that input, and no other finding has it."""

    entry: Entry
    judged: JudgedFinding
    anchor: Anchor
    identity: str

    @property
    def finding(self) -> Finding:
        """What was found."""
        return self.judged.finding


def placed(gate: Gate, root: str) -> Iterator[Placed]:
    """Every finding of `gate`, once, in its order."""
    seen: Counter[str] = Counter()
    for entry in gate.entries:
        for judged in entry.findings:
            known = f"{judged.finding.fingerprint}\n{shown(entry.name, root)}"
            seen[known] += 1
            yield Placed(
                entry=entry,
                judged=judged,
                anchor=_anchor(judged.finding, entry),
                identity=identity(judged.finding.fingerprint, entry.name, root, seen[known]),
            )


def identity(fingerprint: str, name: str, root: str, number: int = 1) -> str:
    """A finding's fingerprint and its input's name as one hexadecimal number; `number` tells equal ones apart."""
    known = f"{fingerprint}\n{shown(name, root)}\n{number}"
    return hashlib.sha256(known.encode("utf-8", "backslashreplace")).hexdigest()[:40]


def _anchor(finding: Finding, entry: Entry) -> Anchor:
    """The config's line; where the finding has none the config's first, and the input where there is no config.

    A checkpoint is seldom in the repository, so that nothing could be shown there.
    """
    where, report = finding.location, entry.report
    if report is None:
        return Anchor(file=where.file or entry.name)
    if where.file is None or where.file == report.subject.checkpoint:
        return Anchor(file=report.subject.config or report.subject.checkpoint or entry.name)
    if where.line is None:
        return Anchor(file=where.file)
    place = next((s.place for s in report.settings if s.key == where.key and s.place is not None), None)
    same = place is not None and (place.file, place.line) == (where.file, where.line)
    return Anchor(file=where.file, line=max(where.line, 1), end=max(place.column, 1) if same and place is not None else 1)


def anchor_of_key(key: str, entry: Entry) -> Anchor:
    """Where `key` stands in the input's config, as far as the report knows."""
    report = entry.report
    places = () if report is None else (s.place for s in report.settings if s.key == key and s.place is not None)
    place = next(iter(places), None)
    if place is not None:
        return Anchor(file=place.file, line=max(place.line, 1), end=max(place.column, 1))
    return Anchor(file=entry.name if report is None else report.subject.config or report.subject.checkpoint or entry.name)


def one_line(text: str) -> str:
    """`text` made harmless for any of these formats, on one line and never empty."""
    line = " ".join(harmless(text).split()) or "-"
    return _NOT_XML.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), line)


def standing_words(judged: JudgedFinding) -> str | None:
    """Why a finding does not fail, or what has worsened; None where there is nothing to say."""
    if judged.standing is Standing.FAILS:
        return None if judged.reason is None else f"worse than in the baseline: {judged.reason}"
    named = judged.standing.value
    return named if judged.reason in (None, named) else f"{named}: {judged.reason}"


def contributes(finding: Finding, report: Report) -> bool:
    """Whether `finding` is a cause with a remedy that the report's patch comes from."""
    wanted = {(edit.key, repr(edit.new)) for edit in report.patch}
    edits = (edit for remedy in report.remedies if remedy.id in finding.remedies for edit in remedy.edits)
    return finding.kind is Kind.CAUSE and any((edit.key, repr(edit.new)) in wanted for edit in edits)
