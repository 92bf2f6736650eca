"""The probes' pages, stored beside them: `explain` prints one, `probes` lists their headings.

A page begins with `# CODE name` and `*kind*: summary`; a test checks both against the probe's class, so that neither
command has to import a probe.
"""

from __future__ import annotations

import difflib
import re
from pathlib import Path

from humouse_doctor.core.errors import UsageError
from humouse_doctor.core.tool_codes import ToolCode

_COMMENT = re.compile(r"<!--.*?-->\n*", re.DOTALL)


def pages() -> dict[str, Path]:
    """Return every probe's page by code."""
    return {heading.partition(" ")[0]: path for heading, path in _headings()}


def names() -> dict[str, str]:
    """Return every code of a probe or of the tool itself, with its name, in code order."""
    found = dict(heading.split(" ", 1) for heading, _ in _headings())
    return dict(sorted({**found, **{tool.code: tool.label for tool in ToolCode}}.items()))


def _headings() -> list[tuple[str, Path]]:
    """Yield the code and name in each page's heading, with the page, in code order."""
    found = []
    for path in Path(__file__).parent.glob("*.md"):
        with path.open(encoding="utf-8") as stream:
            found.append((stream.readline().removeprefix("# ").strip(), path))
    return sorted(found)


def code_of(topic: str) -> str:
    """Return the code that `topic` is or names, in any case; raises `UsageError` with the nearest one."""
    known = names()
    words = {**{code.lower(): code for code in known}, **{name: code for code, name in known.items()}}
    asked = topic.strip().lower().replace("_", "-").replace(" ", "-")
    if asked in words:
        return words[asked]
    close = difflib.get_close_matches(asked, words, n=1)
    if not close:
        raise UsageError(f"there is no probe {topic}; see humouse-doctor probes")
    code = words[close[0]]
    raise UsageError(f"there is no probe {topic}; did you mean {code} ({known[code]})?")


def page(topic: str) -> str:
    """Return a probe's page without its comments, or the text of one of the tool's own codes; raise `UsageError`."""
    code, known = code_of(topic), pages()
    if code in known:
        return _COMMENT.sub("", known[code].read_text(encoding="utf-8"))
    tool = next(tool for tool in ToolCode if tool.code == code)
    return f"# {code} {tool.label}\n\n{tool.text}\n"


def explained(topic: str) -> str:
    """Return the page of a code or name, with its location and related codes; raise `UsageError` for an unknown one."""
    code, known = code_of(topic), pages()
    text, called = page(code), names()
    named = [other for other in sorted(set(re.findall(r"HD\d{3}", text)) - {code}) if other in known]
    links = [f"- {other} {called[other]}: `humouse-doctor explain {other}`\n" for other in named]
    links += [f"- this page: <{known[code].as_uri()}>\n"] if code in known else []
    return f"{text}\n## See also\n\n{''.join(links)}" if links else text


def completions(begun: str) -> list[str]:
    """Return the codes that complete `begun` in a shell."""
    return [code for code in names() if code.startswith(begun.upper())]


def topics(begun: str) -> list[str]:
    """Return the codes that complete `begun` in a shell, then the names."""
    return completions(begun) + sorted(name for name in names().values() if name.startswith(begun.lower()))


def listing() -> str:
    """Return all probes, one per line."""
    rows = [(tool.code, tool.label, "tool", tool.text.partition(". ")[0] + ".") for tool in ToolCode]
    for heading, path in _headings():
        summary = path.read_text(encoding="utf-8").splitlines()[2]
        code, _, name = heading.partition(" ")
        kind, _, text = summary.partition("*: ")
        rows.append((code, name, kind.lstrip("*"), text))
    return "".join(f"{code}  {kind:8} {name:27} {summary}\n" for code, name, kind, summary in sorted(rows))
