"""Escape text from files and configs for GitHub-flavoured Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from humouse_doctor.core.text import harmless, no_command, spelled_line

#: A zero-width space. GitHub looks for mentions, issue numbers, links and emoji in the text after it has rendered the
#: Markdown and removed the escapes: only a character in between stops it.
_APART = "&#8203;"
_NOTHING = "(empty)"

_PROSE = re.compile(
    r"(?P<person>@)"
    r"|(?P<thread>\#(?=\w))"
    r"|(?P<abroad>:(?=//))"
    r"|(?P<site>(?i:www\.|\bGH-(?=\d)))"
    r"|(?P<emoji>:(?=[\w+-]+(?::|$)))"
    r"|(?P<formula>\$)"
    r"|(?P<entity>[&<>])"
    r"|(?P<mark>[\\`*\[\]|~\#]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9]))"
)
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
#: Beginnings of a line that make it a list, a heading's underline, a rule, or a command in a log.
_LEADING = re.compile(r"(?:::|[-+=](?=[-=\s]|$)|\d{1,9}(?=[.)](?:\s|$)))")
_COMMAND_MARK = re.compile(r"[&<>:#]")
_NOT_IN_HTML = re.compile(r"[^A-Za-z0-9\x80-\U0010ffff /,()-]")


def prose(text: str) -> str:
    """Escape a sentence or a name for a paragraph, a list or a table's cell."""
    escaped = _PROSE.sub(_escaped, spelled_line(text))
    leading = _LEADING.match(escaped)
    if leading is None:
        return escaped
    at = leading.end() if leading[0].isdigit() else 0
    return f"{escaped[:at]}\\{escaped[at:]}"


def _escaped(found: re.Match[str]) -> str:
    text = found[0]
    match found.lastgroup:
        case "entity":
            return _ENTITIES[text]
        case "mark":
            return f"\\{text}"
        case "thread":
            return f"\\{text}{_APART}"
        case "formula":
            return f"<span>{text}</span>"  # GitHub documents this for a dollar sign outside a formula
        case _:
            return f"{text}{_APART}"


def code(text: str) -> str:
    """Format a path, a key or a value as code, for a paragraph, a list or a table's cell."""
    line = spelled_line(text)
    # a pipe ends a table's cell even in code, and a backslash does not always help
    return f"`{line}`" if line and not set(line) & {"`", "|"} and no_command(line) == line else html_code(line)


def html_code(text: str) -> str:
    """Format as HTML code, for places where Markdown is not parsed; it is valid in Markdown too."""
    return f"<code>{_NOT_IN_HTML.sub(_entity, spelled_line(text)) or _NOTHING}</code>"


def _entity(found: re.Match[str]) -> str:
    return f"&#{ord(found[0])};{_APART if found[0] == '@' else ''}"


def fenced(text: str, language: str) -> str:
    """Return a block of code whose fences no line can close; as HTML if a log would take a line for a command."""
    body = harmless(text).rstrip("\n")
    if no_command(body) != body:
        return f"<pre><code>{_COMMAND_MARK.sub(_entity, body)}</code></pre>\n"
    longest = max((len(run) for run in re.findall("`+", body)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{body}\n{fence}\n"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table of cells that are Markdown already."""
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def bullets(lines: Iterable[str]) -> str:
    """Return a list of lines that are Markdown already."""
    return "".join(f"- {line}\n" for line in lines)


def folded(summary: str, content: str) -> str:
    """Return Markdown that opens when `summary`, which is HTML, is clicked."""
    return f"<details>\n<summary>{summary}</summary>\n\n{content}\n</details>\n"
