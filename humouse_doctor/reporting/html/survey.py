"""Render a survey as one offline page: settings that separate sick from healthy runs, families of one cause, and a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from humouse_doctor.core.pictures import Points
from humouse_doctor.core.surveying import Branch, Family, Row, Separation, Share, State, Survey
from humouse_doctor.core.view import SurveyView
from humouse_doctor.reporting import survey_rows as cells
from humouse_doctor.reporting.html import svg
from humouse_doctor.reporting.html.badges import VERDICTS, Badge
from humouse_doctor.reporting.html.page import rendered, shorten
from humouse_doctor.reporting.layout import Layout
from humouse_doctor.survey.answers import deciding_words

#: The width and height of a run's picture, and its half without the margin.
_SIDE, _REACH = 44.0, 20.0
_BAR, _BAR_HEIGHT = 160.0, 14.0
#: The most columns of settings, and bars on top.
_COLUMNS, _BARS = 12, 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """Text of a cell, and the number that it is sorted by: empty where there is no value, None to sort by the text."""

    text: str
    sort: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """One run in the table; `said` is its sentence if there is no cause to name."""

    badge: Badge
    state: str
    name: str
    picture: str
    cause: str
    said: str
    numbers: tuple[Cell, ...]
    settings: tuple[Cell, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """The share of sick runs with one value, as a bar with its interval, and in words."""

    value: str
    shapes: str
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A setting that separates."""

    key: str
    also: tuple[str, ...]
    chance: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kin:
    """A family of sick runs."""

    name: str
    runs: int
    shared: tuple[tuple[str, str], ...]
    example: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The data of the page's template."""

    title: str
    badge: Badge
    heading: str
    sentence: str
    association: str
    unclear: tuple[str, ...]
    best_by: str
    settings: tuple[Setting, ...]
    tree: tuple[Branch, ...]
    families: tuple[Kin, ...]
    best: tuple[tuple[str, str, str], ...]
    words: tuple[str, ...]
    keys: tuple[str, ...]
    rows: tuple[RunRow, ...]
    states: tuple[tuple[str, int], ...]
    notes: tuple[str, ...]
    following: tuple[str, ...]
    tool_version: str
    exit_code: int


def render_view(view: SurveyView, _: Layout) -> str:
    """Return the survey as a page; raise `UsageError` if the libraries it needs are not installed."""
    return rendered("survey.html", ("page.css", "survey.css"), ("page.js", "survey.js"), _page(view))


def _page(view: SurveyView) -> Page:
    survey = view.survey
    keys = tuple(dict.fromkeys((*cells.columns(survey), *survey.compared)))[:_COLUMNS]
    badge = _badge(survey)
    heading = survey.folder or "runs"
    return Page(
        title=f"{badge.word}: {shorten(heading)}",
        badge=badge,
        heading=heading,
        sentence=cells.head(survey),
        association=cells.ASSOCIATION,
        unclear=cells.unclear(survey),
        best_by=cells.BEST_BY,
        settings=tuple(_setting(one) for one in cells.clear(survey)[:_BARS]),
        tree=cells.branches(survey),
        families=tuple(_kin(one, survey) for one in survey.families),
        best=tuple(
            (cells.name_of(row, survey), cells.factor(row), cells.settings(row, cells.columns(survey))) for row in survey.best
        ),
        words=deciding_words(),
        keys=tuple(map(cells.last_word, keys)),
        rows=tuple(_row(row, survey, keys) for row in survey.listed),
        states=tuple((state.value, count) for state in State if (count := sum(row.state is state for row in survey.listed))),
        notes=survey.notes,
        following=view.following,
        tool_version=survey.tool_version,
        exit_code=int(survey.exit_code),
    )


def _badge(survey: Survey) -> Badge:
    sick, unknown = survey.count(State.SICK), survey.count(State.UNKNOWN)
    if sick:
        return Badge(word=f"{sick} of {len(survey.rows)} sick", symbol="✕", style="bad")
    if unknown:
        return Badge(word=f"{unknown} unknown", symbol="?", style="unsure")
    return Badge(word="all healthy", symbol="✓", style="good")


def _setting(one: Separation) -> Setting:
    return Setting(key=one.key, also=one.also, chance=cells.chance(one), bars=tuple(map(_bar, one.shares)))


def _bar(share: Share) -> Bar:
    part = share.sick / share.known if share.known else 0.0
    middle = _BAR_HEIGHT / 2
    shapes = svg.area(_box(_BAR), "track", opacity=1) + (svg.area(_box(_BAR * part), "prior", opacity=1) if part else "")
    shapes += svg.line(((_BAR * share.low, middle), (_BAR * share.high, middle)), "ink", width=1.5)
    return Bar(value=share.value, shapes=shapes, said=cells.share(share))


def _box(width: float) -> tuple[svg.Place, ...]:
    return (0.0, 0.0), (width, 0.0), (width, _BAR_HEIGHT), (0.0, _BAR_HEIGHT)


def _kin(one: Family, survey: Survey) -> Kin:
    return Kin(
        name=cells.family_of(one.cause),
        runs=one.runs,
        shared=tuple(one.shared.items()),
        example=cells.name_of(one.example, survey),
    )


def _row(row: Row, survey: Survey, keys: Sequence[str]) -> RunRow:
    return RunRow(
        badge=VERDICTS[row.verdict],
        state=row.state.value,
        name=cells.name_of(row, survey),
        picture="".join(_picture(row.paths)),
        cause=row.cause,
        said="" if row.cause or row.state is State.HEALTHY else cells.sentence(row),
        numbers=tuple(_number(row, word) for word in deciding_words()),
        settings=tuple(Cell(text=cells.value(row, key), sort=_sort_key(row, key)) for key in keys),
    )


def _number(row: Row, word: str) -> Cell:
    return Cell(text=cells.number(row, word), sort=f"{row.numbers[word]:g}" if word in row.numbers else "")


def _sort_key(row: Row, key: str) -> str | None:
    value = row.settings.get(key)
    if value is None:
        return ""
    return f"{value:g}" if isinstance(value, int | float) and not isinstance(value, bool) else None


def _picture(paths: Sequence[Points]) -> Iterator[str]:
    """Yield paths from their common start in the middle; the largest real path would fill the picture."""
    for path in paths:
        yield svg.line([_place(*point) for point in path], "prior", width=1.4)
    if paths:
        yield svg.dot((_SIDE / 2, _SIDE / 2), "targets", radius=2)


def _place(x: float, y: float) -> svg.Place:
    return _SIDE / 2 + _REACH * x, _SIDE / 2 + _REACH * y
