"""Render a survey as Markdown for GitHub: counts, settings that separate sick runs from healthy ones, families, a table."""

from __future__ import annotations

from humouse_doctor.core.surveying import Row, Separation, Survey
from humouse_doctor.core.view import SurveyView
from humouse_doctor.reporting import survey_rows as cells
from humouse_doctor.reporting.layout import Layout
from humouse_doctor.reporting.markdown_text import bullets, code, prose, table
from humouse_doctor.survey.answers import deciding_words

_MOST_ROWS = 100


def render_view(view: SurveyView, _: Layout) -> str:
    """Return the survey; of a long table the worst runs are shown."""
    survey = view.survey
    parts = [
        f"### humouse-doctor: {prose(cells.head(survey))}\n",
        bullets(prose(note) for note in survey.notes),
        _settings(survey),
        _families(survey),
        _best(survey),
        _table(survey),
    ]
    return "\n".join(part for part in parts if part)


def _settings(survey: Survey) -> str:
    unclear = cells.unclear(survey)
    shown = cells.clear(survey)
    if not shown:
        return bullets(map(prose, unclear))
    said = f"#### Settings that go with sick runs\n\n*{prose(cells.ASSOCIATION)}*\n\n"
    ends = (
        f"{' and '.join(map(code, branch.conditions))}: {branch.sick} of {branch.known} sick"
        for branch in cells.branches(survey)
    )
    return said + "\n".join(_separation(one) for one in shown) + f"\n{bullets(ends)}"


def _separation(one: Separation) -> str:
    also = f" (with {', '.join(map(code, one.also))})" if one.also else ""
    rows = (
        (code(share.value), f"{share.sick} of {share.known}", f"{share.low:.0%} to {share.high:.0%}") for share in one.shares
    )
    return f"{code(one.key)}{also}: {prose(cells.chance(one))}\n\n{table(('value', 'sick', '95 % interval'), rows)}"


def _families(survey: Survey) -> str:
    if not survey.families:
        return ""
    rows = (
        (
            prose(cells.family_of(one.cause)),
            str(one.runs),
            ", ".join(code(f"{key}: {value}") for key, value in one.shared.items()),
        )
        for one in survey.families
    )
    return f"#### Sick runs by their first cause\n\n{table(('cause', 'runs', 'all of them have'), rows)}"


def _best(survey: Survey) -> str:
    if not survey.best:
        return ""
    lines = (f"{code(row.run)}: {cells.factor(row)}" for row in survey.best)
    return f"#### Best healthy runs, {prose(cells.BEST_BY)}\n\n{bullets(lines)}"


def _table(survey: Survey) -> str:
    shown, keys = survey.listed[:_MOST_ROWS], cells.columns(survey)
    left = len(survey.listed) - len(shown)
    header = ("run", "verdict", "first cause", *deciding_words(), *map(code, keys))
    said = f"#### Runs, worst first\n\n{table(header, (_cells(row, survey, keys) for row in shown))}"
    return said + (f"\n*{left} more runs are in the JSON report.*\n" if left else "")


def _cells(row: Row, survey: Survey, keys: tuple[str, ...]) -> tuple[str, ...]:
    cause = prose(row.cause or "-")
    return (
        code(cells.name_of(row, survey)),
        row.verdict,
        cause,
        *cells.numbers(row),
        *(prose(cells.value(row, key)) for key in keys),
    )
