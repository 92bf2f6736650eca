"""The probes' pages, stored beside them: `explain` prints one, `probes` lists their headings.

A page begins with `# CODE name` and then `*kind*: summary`; a test keeps both true to the probe's class, so that neither
command has to import one of this package's probes.
"""

from __future__ import annotations

import contextlib
import difflib
import functools
import re
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

from humouse_doctor.core.errors import UsageError
from humouse_doctor.core.tool_codes import CODE, ToolCode, nearest_code
from humouse_doctor.probes.headings import headings
from humouse_doctor.probes.plugins import Plugin, installed

#: The site's page of the tool's own codes.
TOOL_CODES = "probes/tool-codes.md"
#: The most names that are offered for one that is not known.
_CLOSE = 2
_COMMENT = re.compile(r"<!--.*?-->\n*", re.DOTALL)


def pages() -> dict[str, Path]:
    """Return the page of each of this package's probes, by code."""
    return {heading.partition(" ")[0]: path for heading, path in headings()}


def names() -> dict[str, str]:
    """Return every code of a probe or of the tool itself, with its name, in code order."""
    found = dict(heading.split(" ", 1) for heading, _ in headings())
    found.update((code, plugin.probe.name) for code, plugin in _plugins().items())
    return dict(sorted({**found, **{tool.code: tool.label for tool in ToolCode}}.items()))


def _plugins() -> dict[str, Plugin]:
    return {plugin.probe.code: plugin for plugin in installed().whole}


def code_of(topic: str) -> str | None:
    """Return the code for `topic`, a code or a name in any case, None for a remedy's name.

    Raises `UsageError` with the nearest names for any other text.
    """
    known = names()
    words = {**{code.lower(): code for code in known}, **{name: code for code, name in known.items()}}
    asked = _asked(topic)
    if not asked:
        raise UsageError("explain: no probe or remedy was named; name one, such as HD201, or see humouse-doctor probes")
    if asked in words:
        return words[asked]
    from humouse_doctor.remedies import pages as remedies  # the catalogue takes longer to import than all the rest of this

    if remedies.named(asked) is not None:
        return None
    code = nearest_code(asked, known) if any(letter.isdigit() for letter in asked) else None
    close = [] if code is not None else difflib.get_close_matches(asked, [*words, *remedies.known(), *remedies.ALSO], n=_CLOSE)
    near = [
        f"{code} ({known[code]})"
        for code in dict.fromkeys([code] if code else [words[name] for name in close if name in words])
    ]
    near += [f"the remedy {remedies.named(name)}" for name in close if name not in words]
    if not near:
        raise UsageError(f"there is no probe or remedy {topic}; see humouse-doctor probes")
    raise UsageError(f"there is no probe or remedy {topic}; did you mean {' or '.join(near)}?")


def _asked(topic: str) -> str:
    """Return a name as it is spelled: in small letters, with hyphens."""
    return topic.strip().lower().replace("_", "-").replace(" ", "-")


def page(topic: str) -> str:
    """Return a probe's page without its comments, the text of one of the tool's own codes, or a remedy's page.

    Raises `UsageError` with the nearest names for one that is not known.
    """
    code, known, others = code_of(topic), pages(), _plugins()
    if code is None:
        from humouse_doctor.remedies import pages as remedies  # as above

        return remedies.page(remedies.named(_asked(topic)) or "", names())
    if code in known:
        return _COMMENT.sub("", known[code].read_text(encoding="utf-8"))
    if code in others:
        return _COMMENT.sub("", others[code].page)
    tool = next(tool for tool in ToolCode if tool.code == code)
    return f"# {code} {tool.label}\n\n{tool.text}\n"


def explained(topic: str) -> str:
    """Return the page of a code or name, with its location and related codes; raise `UsageError` for an unknown one."""
    code, others = code_of(topic), _plugins()
    if code is None:
        return page(topic)
    text, called = page(code), names()
    places = {**pages(), **{code: plugin.place for code, plugin in others.items()}}
    named = [other for other in sorted(set(CODE.findall(text)) - {code}) if other in places]
    links = [f"- {other} {called[other]}: `humouse-doctor explain {other}`\n" for other in named]
    links += [f"- the package it comes from: {others[code].distribution}\n"] if code in others else []
    place = places.get(code)
    links += [] if place is None else [f"- this page: <{place.as_uri()}>\n"]
    return f"{text}\n## See also\n\n{''.join(links)}" if links else text


def place_on_site(code: str) -> str | None:
    """Return the place of a code's page in the site's sources, None for a code of another package."""
    if code in pages():
        return f"probes/{code.lower()}-{names()[code]}.md"
    return f"{TOOL_CODES}#{code.lower()}" if any(code == tool.code for tool in ToolCode) else None


def address(code: str) -> str | None:
    """Return the address of a code's page, None where the installed package names no site of its documentation."""
    place, site = place_on_site(code), _site()
    return None if place is None or site is None else f"{site}/{place.replace('.md', '.html')}"


@functools.cache  # the metadata are read as a mail is, which takes milliseconds, and every rule of a SARIF log has an address
def _site() -> str | None:
    with contextlib.suppress(PackageNotFoundError):
        for line in metadata("humouse-doctor").get_all("Project-URL") or ():
            label, _, url = line.partition(", ")
            if label.lower() == "documentation" and url.startswith("https://"):
                return str(url).rstrip("/")
    return None


def completions(begun: str) -> list[str]:
    """Return the codes that a shell may complete `begun` to."""
    return [code for code in names() if code.startswith(begun.upper())]


def topics(begun: str) -> list[str]:
    """Return the codes that a shell may complete `begun` to, then the names of probes and remedies."""
    from humouse_doctor.remedies import pages as remedies  # as above

    return completions(begun) + sorted(
        name for name in (*names().values(), *remedies.known()) if name.startswith(begun.lower())
    )


def listing() -> str:
    """Return all probes, one per line."""
    rows = [(tool.code, tool.label, "tool", tool.text.partition(". ")[0] + ".") for tool in ToolCode]
    for heading, path in headings():
        summary = path.read_text(encoding="utf-8").splitlines()[2]
        code, _, name = heading.partition(" ")
        kind, _, text = summary.partition("*: ")
        rows.append((code, name, kind.lstrip("*"), text))
    probes = [plugin.probe for plugin in installed().whole]
    rows += [(probe.code, probe.name, probe.kind.value, probe.summary) for probe in probes]
    width = max(len(row[0]) for row in rows)
    return "".join(f"{code:{width}}  {kind:8} {name:27} {summary}\n" for code, name, kind, summary in sorted(rows))
