"""Pages of the site that are made from other files, and links from codes to pages; mkdocs calls the `on_` functions.

A probe's page comes from beside the probe, the tool's own codes from their definition, and `CONTRIBUTING.md` and the like
from the repository's top, so that no copy of them has to be kept here.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from humouse_doctor.core.tool_codes import ToolCode
from humouse_doctor.probes import pages

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

TOP = Path(__file__).parents[1]
#: Files of the top that are pages too, with the page's place and title.
TOP_PAGES = {
    "CONTRIBUTING.md": ("contributing.md", "Working on it"),
    "SECURITY.md": ("security-policy.md", "Security policy"),
    "CHANGELOG.md": ("changelog.md", "Changes"),
}
_PROBES, _PROJECT = "What it looks for", "The project"
_CODE = re.compile(r"\bHD\d{3}\b")
_LIST = re.compile(r"<!-- probes: .*? -->")
#: What no code is linked in: code spans, and links with their text.
_CLOSED = re.compile(r"(`[^`]*`|\[[^\]]*\]\([^)]*\))")
_LINK = re.compile(r"(?<!!)\[([^\]]*)\]\(([^)#:]+)(#[^)]*)?\)")


def probe_pages() -> dict[str, str]:
    """Each probe's code, with its page's place in the site."""
    return {code: place for code in pages.pages() if (place := pages.place_on_site(code))}


def generated() -> dict[str, str]:
    """Each page that is made here: its place, and its Markdown."""
    tools = "".join(f"## {tool.code} {tool.label} {{: #{tool.code.lower()} }}\n\n{tool.text}\n\n" for tool in ToolCode)
    found = {place: pages.page(code) for code, place in probe_pages().items()}
    found[pages.TOOL_CODES] = (
        f"# The tool's own codes\n\nThey speak of trouble with what the tool was given, not of the run.\n\n{tools}"
    )
    for name, (place, _) in TOP_PAGES.items():
        if (TOP / name).exists():
            found[place] = (TOP / name).read_text(encoding="utf-8")
    return found


def with_generated(nav: list[Any]) -> list[Any]:
    """The navigation of mkdocs.yml with the pages that are made here."""
    top = [{title: place} for name, (place, title) in TOP_PAGES.items() if (TOP / name).exists()]
    probes = [{f"{code} {pages.names()[code]}": place} for code, place in probe_pages().items()]
    more = {_PROBES: [*probes, {"The tool's own": pages.TOOL_CODES}], _PROJECT: top}
    return [{title: [*items, *more.get(title, [])] if isinstance(items, list) else items} for title, items in _sections(nav)]


def _sections(nav: list[Any]) -> list[tuple[str, Any]]:
    return [pair for section in nav for pair in section.items()]


def linked(markdown: str, place: str, known: frozenset[str]) -> str:
    """The Markdown of the page at `place`, with codes linked to their pages, and links that hold in the site."""
    targets = {code: target for code in pages.names() if (target := pages.place_on_site(code))}
    top = any(place == made for made, _ in TOP_PAGES.values())
    here = posixpath.dirname(place)

    def to_page(match: re.Match[str]) -> str:
        target = targets.get(match[0])
        if target is None or target.partition("#")[0] == place:
            return match[0]
        return f"[{match[0]}]({posixpath.relpath(target, here or '.')})"

    def to_site(match: re.Match[str]) -> str:
        """Links are written as they hold in the repository; there docs/ is a folder, here it is the top."""
        source = posixpath.normpath(posixpath.join("" if top else posixpath.join("docs", here), match[2]))
        target = TOP_PAGES[source][0] if source in TOP_PAGES else source.removeprefix("docs/")
        if target not in known:
            return match[1] if top else match[0]
        return f"[{match[1]}]({posixpath.relpath(target, here or '.')}{match[3] or ''})"

    lines, fenced = [], False
    for line in markdown.splitlines():
        fenced ^= line.lstrip().startswith("```")
        if fenced or line.startswith("#"):
            lines.append(line)
            continue
        parts = _CLOSED.split(_LINK.sub(to_site, line))
        lines.append("".join(part if odd % 2 else _CODE.sub(to_page, part) for odd, part in enumerate(parts)))
    text = "\n".join(lines) + "\n"
    policy = TOP_PAGES["SECURITY.md"][0]
    return text.replace("`SECURITY.md`", f"[SECURITY.md]({policy})") if policy in known and not here else text


def with_list(markdown: str) -> str:
    """The Markdown of a page with the list of all probes where it is asked for."""
    rows = ["| code | name | kind | |", "|---|---|---|---|"]
    for code, path in pages.pages().items():
        kind, _, summary = path.read_text(encoding="utf-8").splitlines()[2].lstrip("*").partition("*: ")
        rows.append(f"| {code} | {pages.names()[code]} | {kind} | {summary} |")
    return _LIST.sub(lambda _: "\n".join(rows), markdown)


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Add the pages that are made here to the navigation."""
    config.nav = with_generated(config.nav or [])
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add them to the site."""
    from mkdocs.structure.files import File

    for place, text in generated().items():
        files.append(File.generated(config, place, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001  # mkdocs names them
    """Link what a page speaks of."""
    return linked(with_list(markdown), page.file.src_uri, frozenset(files.src_uris))
