"""The probes' pages, which lie beside them: `explain` prints one, `probes` lists their headings.

A page begins with `# CODE name` and then `*kind*: summary`; a test keeps both true to the probe's class, so that neither
command has to import a probe.
"""

from __future__ import annotations

import difflib
import re
from pathlib import Path

from humouse_doctor.core.errors import UsageError
from humouse_doctor.core.tool_codes import ToolCode


def pages() -> dict[str, Path]:
    """Every probe's page by code."""
    found = {}
    for path in Path(__file__).parent.glob("*.md"):
        with path.open(encoding="utf-8") as stream:
            found[stream.readline().split()[1]] = path
    return dict(sorted(found.items()))


def page(code: str) -> str:
    """The page of a probe, or the text of one of the tool's own codes; raises `UsageError` for another code."""
    known = pages()
    if code in known:
        return known[code].read_text(encoding="utf-8")
    tools = {tool.code: tool for tool in ToolCode}
    if code in tools:
        return f"# {code} {tools[code].label}\n\n{tools[code].text}\n"
    close = difflib.get_close_matches(code, [*known, *tools], n=1)
    raise UsageError(f"there is no probe {code}; " + (f"did you mean {close[0]}?" if close else "see humouse-doctor probes"))


def explained(code: str) -> str:
    """The page of a code, with where it lies and the codes it speaks of; raises `UsageError` for an unknown one."""
    text, known = page(code), pages()
    named = [other for other in sorted(set(re.findall(r"HD\d{3}", text)) - {code}) if other in known]
    links = [f"- {heading(other)}: `humouse-doctor explain {other}`\n" for other in named]
    links += [f"- this page: <{known[code].as_uri()}>\n"] if code in known else []
    return f"{text}\n## See also\n\n{''.join(links)}" if links else text


def heading(code: str) -> str:
    """Code and name as a probe's page has them."""
    with pages()[code].open(encoding="utf-8") as stream:
        return stream.readline().removeprefix("# ").strip()


def completions(begun: str) -> list[str]:
    """The codes that a shell may complete `begun` to."""
    codes = [*(tool.code for tool in ToolCode), *pages()]
    return sorted(code for code in codes if code.startswith(begun.upper()))


def listing() -> str:
    """All probes, a line each."""
    rows = [(tool.code, tool.label, "tool", tool.text.partition(". ")[0] + ".") for tool in ToolCode]
    for code, path in pages().items():
        heading, _, summary, *_ = path.read_text(encoding="utf-8").splitlines()
        kind, _, text = summary.partition("*: ")
        rows.append((code, heading.split()[2], kind.lstrip("*"), text))
    return "".join(f"{code}  {kind:8} {name:27} {summary}\n" for code, name, kind, summary in sorted(rows))
