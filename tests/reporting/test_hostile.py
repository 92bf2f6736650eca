"""Text from files has no effect in any format: not on a terminal, a page, a log or a parser."""

from __future__ import annotations

import functools
import json
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from enum import Enum, auto
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

import pytest

from humouse_doctor.core.comparison import Comparison
from humouse_doctor.core.gating import Gate
from humouse_doctor.core.report import Report
from humouse_doctor.gate.comparing import compare
from humouse_doctor.reporting import comparison_text, gate_text, github, markdown, text
from humouse_doctor.stored import gate as gate_json
from humouse_doctor.stored import report as json_report
from tests.reporting.builders import FIX_A, collapsed, gated, healthy
from tests.reporting.reading import APART, Page, commands, page


class Family(Enum):
    """The reader of a format, which decides what must not happen."""

    TERMINAL = auto()
    MARKDOWN = auto()
    RUNNER = auto()
    JSON = auto()


class Planted(NamedTuple):
    """Everything that can be rendered, with a hostile text in each of its texts."""

    gate: Gate
    report: Report
    comparison: Comparison


RENDERERS: list[tuple[str, Callable[[Planted], str], Family]] = [
    ("text", lambda planted: text.render(planted.report), Family.TERMINAL),
    ("gate_text", lambda planted: gate_text.render(planted.gate), Family.TERMINAL),
    ("comparison_text", lambda planted: comparison_text.render(planted.comparison), Family.TERMINAL),
    ("markdown", lambda planted: markdown.render(planted.gate), Family.MARKDOWN),
    ("markdown of one input", lambda planted: markdown.render(_alone(planted.gate)), Family.MARKDOWN),
    ("markdown of a comparison", lambda planted: markdown.comparison(planted.comparison), Family.MARKDOWN),
    ("github", lambda planted: github.render(planted.gate), Family.RUNNER),
    ("github below a root", lambda planted: github.render(planted.gate, root="/repo"), Family.RUNNER),
    ("json_report", lambda planted: json_report.render(planted.report), Family.JSON),
    ("gate_json", lambda planted: gate_json.render(planted.gate), Family.JSON),
]

HOSTILE = {
    "escape codes": "\x1b[2J\x1b]8;;http://evil.example\x07x\x1b[0m",
    "control characters": "\x00\x07\x08\x0b\x0c\r\t\x7f\x85\x9b",
    "lone surrogates": "\ud800x\udcff",
    "right to left": "\u202egpj.exe\u2066\u200f",
    "separators": "a\u2028b\u2029c",
    "not a character": "\ufffe\uffff",
    "script": "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "ends of markup": "</code></summary></details>--> ]]> */ </style>",
    "entities": "&lt;b&gt; &#64;user &amp;",
    "workflow command": "\n::error file=x::owned\r\n::set-output name=x::y",
    "workflow command in place": "::stop-commands::x",
    "old workflow command": "##[error]owned ##[set-env name=X]y",
    "escaped workflow command": "%0A::error::owned%0D%3A%2C%25",
    "pipes": "a | b \\| c \\\\| d",
    "backticks": "``` x ````diff\n~~~\n`y``",
    "blocks": "\n\n# x\n\n- y\n1. z\n> w\n---\n    v\n\n===\n",
    "links": "[x](http://evil.example) ![y](//evil.example/z.png) <http://evil.example> www.evil.example a@evil.example",
    "references": "[^1] [x]: http://evil.example #1 GH-1 :boom: $x$ owner/name#2",
    "mention": "@user and @org/team",
    "emphasis": "*x* **y** _z_ __v__ ~~w~~ ~u~",
    "rich markup": "[bold]x[/bold][link=http://evil.example]y[/link]",
    "formula": "=cmd|' /C calc'!A0",
    "template": "${{ secrets.X }} {0} %s {{ x }}",
    "backslash": "\\",
    "blanks": " \n\t ",
    "nothing": "",
    "long": "x" * 2_000,
}

#: A text that does no harm, planted the same way to see what there is to be read.
_MEEK = "meek"

T = TypeVar("T")


def planted(value: T, plant: Callable[[str], str]) -> T:
    """Return `value` with `plant` applied to every text in it, including keys of mappings."""
    return _planted(value, plant)  # type: ignore[no-any-return]  # what it is made of anew is of the same type


def _planted(value: Any, plant: Callable[[str], str]) -> Any:
    if isinstance(value, Enum):
        return value
    if isinstance(value, str):
        return plant(value)
    if isinstance(value, tuple):
        return tuple(_planted(part, plant) for part in value)
    if isinstance(value, Mapping):
        return MappingProxyType({plant(key): _planted(part, plant) for key, part in value.items()})
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{part.name: _planted(getattr(value, part.name), plant) for part in fields(value)})
    return value


def _known(name: str) -> bool:
    """Return True if the tool's tables are looked up by `name`, as they are by codes and metrics' names."""
    return re.fullmatch(r"HD\d{3}(\.\w+)?|spread_ratio|saturated_share|mean_slope|efficiency_ratio", name) is not None


@functools.cache
def _world(hostile: str, *, codes: bool) -> Planted:
    """Return everything with the hostile text at both ends of each text; with `codes`, also of codes and metrics' names."""

    def plant(name: str) -> str:
        return name if _known(name) and not codes else f"{hostile}{name}{hostile}"

    gate = gated()
    sick = gate.entries[0]
    assert sick.report is not None
    bare = replace(sick.report, cure=FIX_A, diff="")
    gate = replace(gate, entries=(*gate.entries, replace(sick, report=bare)))
    later = replace(collapsed(), findings=collapsed().findings[1:], probes=healthy().probes)
    return Planted(
        gate=planted(gate, plant),
        report=planted(bare, plant),
        comparison=planted(compare(later, collapsed()), plant),
    )


def _alone(gate: Gate) -> Gate:
    return replace(gate, entries=gate.entries[:1])


def _squeezed(shown: str) -> str:
    return "".join(shown.replace(APART, "").split())


@functools.cache
def _spelled(hostile: str) -> str:
    """Return the hostile text as every format for people shows it, without blanks."""
    return "".join(
        character.encode("unicode_escape", "surrogatepass").decode()
        if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp") and character != "\n"
        else character
        for character in hostile
        if character not in " \n"
    )


def _is_plain(rendered: str) -> None:
    rendered.encode("utf-8")
    found = {character for character in set(rendered) if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp")}
    assert found <= {"\n"}


def _terminal(rendered: str, hostile: str, meek: str) -> None:
    assert commands(rendered)[0] == []
    # one character of what would be a command is spelled out, which is all that may differ
    read = re.sub(r"^(\s*)\\x3a(?=:)", r"\1:", rendered, flags=re.MULTILINE).replace(r"#\x23[", "##[")
    assert _spelled(hostile) in _squeezed(read)


_TAGS = frozenset(
    {"h3", "p", "ul", "ol", "li", "strong", "em", "code", "pre", "span", "details", "summary"}
    | {"table", "thead", "tbody", "tr", "th", "td"}
)


def _page(rendered: str, hostile: str, meek: str) -> None:
    assert commands(rendered)[0] == []
    read = page(rendered)
    assert {tag for tag, _ in read.tags} <= _TAGS
    assert {attributes for _, attributes in read.tags} <= {(), (("class", "language-diff"),)}
    assert read.hidden == []
    assert read.touched == []
    assert _spelled(hostile) in _squeezed(read.text)
    if _spelled(hostile):  # a row has as many cells as its header whatever is in it: a name that is cut in two is not counted
        assert _cells_with(read, hostile) == _cells_with(_meek_page(meek), _MEEK)


_meek_page = functools.cache(page)


def _cells_with(read: Page, planted_text: str) -> int:
    return sum(_spelled(planted_text) in _squeezed(cell) for cell in read.cells)


def _runner(rendered: str, hostile: str, meek: str) -> None:
    found, plain = commands(rendered)
    assert [command.name for command in found] == ["error"] * 3 + ["warning"] * 2
    assert all({"title"} <= set(command.properties) <= {"file", "line", "col", "title"} for command in found)
    assert all(command.properties.get("line", "7") == "7" for command in found)
    assert all(_spelled(hostile) in _squeezed(command.data) for command in found)
    assert plain == ["humouse-doctor: 1 of 4 pass (exit code 4)"]


def _texts(content: object) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    elif isinstance(content, list):
        for part in content:
            yield from _texts(part)
    elif isinstance(content, dict):
        for key, part in content.items():
            yield key
            yield from _texts(part)


def _json(rendered: str, hostile: str, meek: str) -> None:
    assert rendered.isascii()
    assert commands(rendered)[0] == []
    assert f"{hostile}92.2% of the targets lie beyond what a tanh head can emit.{hostile}" in _texts(json.loads(rendered))


@functools.cache
def _meek(render: Callable[[Planted], str], *, codes: bool) -> str:
    return render(_world(_MEEK, codes=codes))


#: The check of each reader: of a rendering, the hostile text, and the same rendering with a harmless text instead.
ORACLES: dict[Family, Callable[[str, str, str], None]] = {
    Family.TERMINAL: _terminal,
    Family.MARKDOWN: _page,
    Family.RUNNER: _runner,
    Family.JSON: _json,
}


@pytest.mark.parametrize("codes", [False, True], ids=["", "codes too"])
@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_text_is_only_read(kind: str, codes: bool) -> None:
    everything, wrong = _world(HOSTILE[kind], codes=codes), list[str]()
    for name, render, family in RENDERERS:
        rendered = render(everything)
        try:
            _is_plain(rendered)
            ORACLES[family](rendered, HOSTILE[kind], _meek(render, codes=codes))
        except AssertionError as error:
            wrong.append(f"{name}: {error}")
    assert wrong == []


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_report_is_the_same_after_json(kind: str) -> None:
    report = _world(HOSTILE[kind], codes=False).report

    assert json_report.parse(json_report.render(report), "x") == report


@pytest.mark.parametrize("limit", [0, 1_500, 6_000, 20_000])
@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_markdown_that_is_cut_is_whole(kind: str, limit: int) -> None:
    rendered = markdown.render(_world(HOSTILE[kind], codes=True).gate, limit=limit)

    assert len(rendered.encode()) <= max(limit, 1_000)
    assert commands(rendered)[0] == []
    read = page(rendered)
    assert {tag for tag, _ in read.tags} <= _TAGS
    assert read.touched == []
    assert read.hidden == []
