"""A model of GitHub as a reader of the formats: Markdown becomes a page, and lines of a log become commands."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

from markdown_it import MarkdownIt

#: The runner's names of commands, as far as they do something.
COMMANDS = frozenset(
    {
        "error",
        "warning",
        "notice",
        "debug",
        "set-output",
        "set-env",
        "add-path",
        "add-mask",
        "save-state",
        "stop-commands",
        "group",
        "endgroup",
        "add-matcher",
        "remove-matcher",
        "echo",
        "internal-set-repo-path",
    }
)
APART = "\u200b"
#: Text outside of code that GitHub turns into links, pictures or messages.
_TOUCHED = re.compile(r"(?:^|\W)@[A-Za-z0-9]|\w@\w+\.|(?:^|\W)#\d|\bGH-\d|\w://|www\.\w|:[\w+-]+:|\$[^$]+\$", re.IGNORECASE)


@dataclass
class Page(HTMLParser):
    """A page's tags with their attributes, its text, and the parts of it that GitHub would act upon."""

    tags: list[tuple[str, tuple[tuple[str, str | None], ...]]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    touched: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)
    cells: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(attrs)))
        self.open.append(tag)
        if tag == "td":
            self.cells.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)
        if "td" in self.open:
            self.cells[-1] += data
        if not {"code", "pre"} & set(self.open):
            self.touched.extend(found[0] for found in _TOUCHED.finditer(data))

    def handle_comment(self, data: str) -> None:
        self.hidden.append(data)

    def handle_decl(self, decl: str) -> None:
        self.hidden.append(decl)

    def handle_pi(self, data: str) -> None:
        self.hidden.append(data)

    @property
    def text(self) -> str:
        """The page's text."""
        return "".join(self.texts).replace(APART, "")


def page(markdown: str) -> Page:
    """Return the page that GitHub-flavoured Markdown becomes."""
    read = Page()
    read.feed(_reader().render(markdown))
    read.close()
    assert read.open == []
    return read


@functools.cache
def _reader() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


@dataclass(frozen=True)
class Command:
    """A command that the runner has found in a log."""

    name: str
    properties: dict[str, str]
    data: str


def commands(log: str) -> tuple[list[Command], list[str]]:
    """Return the commands that the runner finds, in both spellings, and its lines of plain text (`ActionCommand.cs`)."""
    found, plain = [], []
    for line in re.split(r"\r\n|\r|\n", log.removesuffix("\n")):
        command = _command(line.lstrip()) or _old_command(line)
        if command is None:
            plain.append(line)
        else:
            found.append(command)
    return found, plain


def _command(line: str) -> Command | None:
    end = line.find("::", 2)
    if not line.startswith("::") or end < 0:
        return None
    name, _, rest = line[2:end].partition(" ")
    if name.lower() not in COMMANDS:
        return None
    pairs = [pair.split("=", 1) for pair in rest.strip().split(",") if pair]
    return Command(
        name, {pair[0]: unescape_property(pair[1]) for pair in pairs if len(pair) > 1}, unescape_data(line[end + 2 :])
    )


def _old_command(line: str) -> Command | None:
    start = line.find("##[")
    end = line.find("]", start)
    if start < 0 or end < 0 or line[start + 3 : end].split(" ")[0].lower() not in COMMANDS:
        return None
    return Command(line[start + 3 : end], {}, line[end + 1 :])


def unescape_data(text: str) -> str:
    """Return a message as the runner reads it."""
    return text.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")


def unescape_property(text: str) -> str:
    """Return a property as the runner reads it."""
    for escaped, character in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(escaped, character)
    return text
