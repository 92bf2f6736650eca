"""Render a run's report as one screen: answer, causes, symptoms, patch, and the next command as the last line."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.text import Text

from humouse_doctor.core.probe import Kind, Severity
from humouse_doctor.core.remedy import Edit
from humouse_doctor.core.report import Cause, Confidence, Finding, Report, Verdict
from humouse_doctor.core.text import harmless_line, shortened
from humouse_doctor.inputs.config.reader import in_message
from humouse_doctor.probes.registry import current
from humouse_doctor.reporting.rows import brief, by_hand, code_title, missing, next_words, steps_of_patch
from humouse_doctor.reporting.terminal import console_for, sketch, trimmed
from humouse_doctor.reporting.text import headline, remarks, stage_is_unknown

#: The most lines of a screen of 80 columns, and of its parts where there is more to say than fits.
LINES = 25
_SENTENCE, _CAUSES, _SEEN, _EDITS, _HINTS, _UNMEASURED, _LEAST = 4, 5, 3, 4, 2, 3, 4
#: The most lines of symptoms where there is more to say than fits.
_TIGHT = 2
#: The lines of a picture, at least and at most, and the columns between its two parts.
_LOWEST, _HIGHEST, _GAP = 3, 8, 4
#: The most codes of probes that are named where they did not measure for the same reason.
_CODES = 3
_MORE, _CUT = "more, by --full", " ... (--full has all)"
#: The ends of a sentence, which an abbreviation has not, and those of its clauses.
_BETWEEN_SENTENCES = re.compile(r"(?<=\w[.!?])(?<!\be\.g\.)(?<!\bi\.e\.) (?=[A-Z0-9])")
_BETWEEN_CLAUSES = re.compile(r"(?<=[;:]) ")


def render(
    report: Report,
    *,
    following: Sequence[str],
    changes: str | None = None,
    width: int = 80,
    colour: bool = False,
    with_remarks: bool = False,
) -> str:
    """Return the report as a screen of `width` columns; `following` are the commands to type next, the last of them below all.

    The screen has at most 25 lines at 80 columns, if the commands fit into two of them. More are added by `changes`, the text
    of a comparison, and `with_remarks` by the files that were looked at.
    """
    stream = io.StringIO()
    console = console_for(stream, width=width, colour=colour)
    head, causes, seen = _head(console, report), _causes(console, report), _seen(console, report)
    unmeasured, patch = _unmeasured(console, report), _patch(console, report)
    heading = Text.assemble((next_words(report, following), "bold"), ("  (all that was measured: --full)", "dim"))
    last: list[Text | str] = ["", heading] if following else []
    room = LINES - len(last) - sum(-(-len(command) // width) for command in following) - len(head)
    if sum(map(len, (unmeasured, seen, patch, causes))) > room:
        seen, patch = _seen(console, report, _TIGHT), _patch(console, report, tight=True)
    room = _cut_to(room, unmeasured, seen, patch, causes)
    for line in (*head, *causes, *seen, *unmeasured, *_picture(report, width, room), *patch):
        console.print(line)
    if with_remarks:
        remarks(console, report)
    if changes is not None:
        stream.write(f"\n{changes}")
    for line in last:
        console.print(line)
    return trimmed(stream.getvalue() + "".join(f"{command}\n" for command in following))


def _cut_to(room: int, *parts: list[Text | str]) -> int:
    """Cut `parts`, the first of them first, until they fit into `room` lines, and return the lines that are left."""
    room -= sum(map(len, parts))
    for part in parts:
        while room < 0 and len(part) > _LEAST:
            del part[-1]
            part[-1] = f" {_CUT}"
            room += 1
    return room


def one_line(report: Report, *, width: int, colour: bool) -> str:
    """Return verdict, subject and the first cause, or the gravest finding, in one line."""
    stream = io.StringIO()
    named = [f"{found.code} {found.name}" for found in report.causes or report.findings[:1]]
    console = console_for(stream, width=width, colour=colour)
    console.print(headline(report, width, "".join(named[:1])), soft_wrap=True)
    return trimmed(stream.getvalue())


def _paragraph(console: Console, text: str, most: int, *, style: str = "", indent: int = 0) -> list[Text]:
    """Return `text`, made harmless, as at most `most` lines; what is cut ends with `...`."""
    room = console.width - indent
    lines = list(Text(harmless_line(text), style=style).wrap(console, room))
    if len(lines) > most:
        lines = [*lines[: most - 1], Text(f"{lines[most - 1].plain.rstrip()[: room - 4]} ...", style=style)]
    return [Text.assemble(" " * indent, line) for line in lines]


def _sentences(console: Console, text: str, most: int) -> list[Text]:
    """Return as many whole sentences of `text`, made harmless, as fit into `most` lines; of a longer one its first clauses.

    A mark says that some are left out.
    """
    sentences = _BETWEEN_SENTENCES.split(harmless_line(text))
    clauses = _BETWEEN_CLAUSES.split(sentences[0])
    return (
        _fitting(console, "", sentences, most, glue=" ", more=_CUT)
        or _fitting(console, "", clauses, most, glue=" ", more=_CUT)
        or _paragraph(console, text, most)
    )


def _fitting(
    console: Console, begun: str, parts: Sequence[str], most: int, *, glue: str, more: str, indent: int = 0, end: str = ""
) -> list[Text]:
    """Return `begun` with as many of `parts` as fit into `most` lines, followed by `more` where some are left out, and `end`.

    Returns nothing if not even the first fits.
    """
    for count in range(len(parts), 0, -1):
        left = more.format(len(parts) - count) if count < len(parts) else ""
        said = harmless_line(f"{begun}{glue.join(parts[:count])}{left}{end}")
        lines = Text(said).wrap(console, console.width - indent)
        if len(lines) <= most:
            return [Text.assemble(" " * indent, line) for line in lines]
    return []


def _head(console: Console, report: Report) -> list[Text]:
    basis = report.basis
    if report.stage is not None and not stage_is_unknown(report):
        basis = f"stage: {report.stage.words}"
    return [
        headline(report, console.width, f"(confidence {report.confidence.value})"),
        *_sentences(console, report.sentence, _SENTENCE),
        *(_paragraph(console, basis, 1, style="dim") if basis else ()),
    ]


def _causes(console: Console, report: Report) -> list[Text | str]:
    if not report.causes:
        sick = report.verdict in (Verdict.COLLAPSED, Verdict.AT_RISK)
        said = "No cause was found: --full has what was not measured, and two experiments."
        return ["", *_paragraph(console, said, 2)] if sick and not report.before_training else []
    found = {finding.code: finding for finding in report.findings}
    shown = report.causes[:_CAUSES]
    names = max(len(f"{cause.code} {harmless_line(cause.name)}") for cause in shown)
    file = next((found[cause.code].location.file for cause in shown if found[cause.code].location.line), None)
    heading = "Causes" if report.before_training else "Causes, the likeliest first"
    where = "" if file is None or file == report.subject.checkpoint else f", by lines of {file}"
    lines: list[Text | str] = ["", _heading(console, heading, where)]
    lines += [_cause(console, cause, found[cause.code], names, file) for cause in shown]
    if len(report.causes) > _CAUSES:
        rest = ", ".join(f"{cause.code} {cause.name}" for cause in report.causes[_CAUSES:])
        lines.extend(_paragraph(console, f"and {rest}", 1, indent=2))
    return lines


def _heading(console: Console, words: str, more: str) -> Text:
    """Return a heading; the beginning of `more`, which ends with a file's name, is left out if it is too long."""
    room, said = console.width - len(words), harmless_line(more)
    if len(said) > room:
        said = f", by lines of ...{harmless_line(more)[-(room - 17) :]}"
    return Text.assemble((words, "bold"), (said, "dim"))


def _cause(console: Console, cause: Cause, finding: Finding, names: int, file: str | None) -> Text:
    """Return one line on a cause: its code and name, the finding in a few words, and the line of the config."""
    place = finding.location
    if place.line is not None:
        where = f"line {place.line}" if place.file == file else f"{place.file}:{place.line}"
    else:
        where = "" if place.origin is None else place.origin.value
    tried = "" if cause.trial is None else f"{cause.trial.value}: "
    named = f"{cause.code} {harmless_line(cause.name)}"
    room = console.width - 2 - names - 2 - (len(where) + 2 if where else 0)
    said = shortened(tried + (brief(finding) or cause.message), max(room, 8))
    line = Text.assemble(
        "  ", (f"{named:{names}}", "bold"), "  ", f"{said:{max(room, 8)}}", "  ", (harmless_line(where), "dim")
    )
    line.rstrip()
    return line


def _bound(finding: Finding) -> str:
    """Return where the unhealthy numbers of a finding's few words would be healthy, empty where that is not known."""
    probe = current().by_code.get(finding.code)
    return "" if probe is None else probe.brief_bound(finding.evidence)


def _unmeasured(console: Console, report: Report) -> list[Text | str]:
    """Return what was not measured and why, where too little was: what is missing may change the answer."""
    if report.confidence is not Confidence.LOW:
        return []
    groups = [f"{_few(codes.partition(' ')[2])} ({reason})" for codes, reason in missing(report.probes)]
    begun = "Not measured: "
    fitting = _fitting(console, begun, groups, _UNMEASURED, glue="; ", more="; {} more, by --full", end=".")
    return [*(fitting or _paragraph(console, f"{begun}{'; '.join(groups)}.", _UNMEASURED))] if groups else []


def _few(codes: str) -> str:
    """Return some codes, or of more than three their number."""
    count = codes.count(",") + 1
    return codes if count <= _CODES else f"{count} probes"


def _seen(console: Console, report: Report, most: int = _SEEN) -> list[Text | str]:
    """Return the symptoms and the tool's own findings in one paragraph, with what would be healthy beside a number."""
    shown = [finding for finding in report.findings if finding.kind is not Kind.CAUSE and finding.severity is not Severity.NOTE]
    if not shown:
        return []
    shown.sort(key=lambda finding: finding.kind is not Kind.TOOL)  # what was read is never cut off, and takes a word each
    bounds = [_bound(finding) for finding in shown]
    first = next((place for place, bound in enumerate(bounds) if bound), None)
    said = [
        f"{finding.code} {brief(finding) or finding.name}"
        + (f" ({'healthy ' if place == first else ''}{bounds[place]})" if bounds[place] else "")
        for place, finding in enumerate(shown)
    ]
    unexplained = [code for code in report.unexplained if any(finding.code == code for finding in shown)]
    more = f"; no cause explains {', '.join(unexplained)}" if unexplained and report.causes else ""
    fitting = _fitting(console, "Seen: ", said, most, glue=", ", more=", {} more", end=f"{more}.")
    return [*(fitting or _paragraph(console, f"Seen: {', '.join(said)}{more}.", most))]


def _patch(console: Console, report: Report, *, tight: bool = False) -> list[Text | str]:
    """Return the edits, and what is to change in the code; `tight` leaves a line for the latter, and none for the steps."""
    hands = by_hand(report)
    hints = [code_title(remedy) for remedy in report.chosen_remedies if remedy.code_hint is not None]
    if not (report.patch or hands or hints):
        return []
    sure = "confirmed by trials" if report.cure is not None else "not tried yet"
    sure += "; config and code together" if report.patch and hints else ""
    lines: list[Text | str] = ["", Text.assemble(("Patch" if report.patch else "To change", "bold"), (f" ({sure})", "dim"))]
    shown = report.patch if len(report.patch) <= _EDITS else report.patch[: _EDITS - 1]
    lines += [line for edit in shown for line in _paragraph(console, _change(edit), 1, style="green", indent=2)]
    if len(report.patch) > len(shown):
        lines.append(f"  and {len(report.patch) - len(shown)} {_MORE}")
    steps = "" if tight else steps_of_patch(report)
    lines += _paragraph(console, steps, 1, style="dim", indent=2) if steps else []
    lines += [line for words in hands for line in _paragraph(console, words, 1, indent=2)]
    if hints:
        also = "and in the code" if len(lines) > 2 else "in the code"
        most = 1 if tight else _HINTS
        fitting = _fitting(console, f"{also}: ", hints, most, glue="; ", more="; {} more", indent=2)
        lines += fitting or _paragraph(console, f"{also}: {'; '.join(hints)}", most, indent=2)
    return lines


def _change(edit: Edit) -> str:
    """Describe one edit of a config without the prefix of its keys."""
    before = f"{in_message(edit.old)} (by default)" if edit.absent else in_message(edit.old)
    return f"{edit.key}: {before} -> {in_message(edit.new)}"


def _picture(report: Report, width: int, room: int) -> Iterator[Text | str]:
    """Yield real paths beside generated ones on one scale, if there is room for them and for a heading."""
    drawn = report.pictures
    if drawn is None or not drawn.real_paths or not drawn.generated_paths or room < _LOWEST + 2:
        return
    columns = (min(width, 80) - _GAP) // 2
    rows = min(room - 2, _HIGHEST)
    box = _box(drawn.real_paths)
    yield ""
    yield Text(f"{'real paths':{columns + _GAP}}generated paths, on the same scale", style="bold")
    for real, generated in zip(
        sketch(drawn.real_paths, box, columns, rows), sketch(drawn.generated_paths, box, columns, rows), strict=True
    ):
        yield f"{real:{columns + _GAP}}{generated}"


def _box(paths: Sequence[Sequence[tuple[float, float]]]) -> tuple[float, float, float, float]:
    """Return the least and the greatest x and y of all `paths`, as (x, y, x, y)."""
    xs, ys = zip(*(point for path in paths for point in path), strict=True)
    return min(xs), min(ys), max(xs), max(ys)
