"""Cells of a survey's rows, for every format that shows a table."""

from __future__ import annotations

from humouse_doctor.core.surveying import Branch, Row, Separation, Share, State, Survey
from humouse_doctor.core.text import counted
from humouse_doctor.reporting.rows import format_number
from humouse_doctor.survey.answers import LEVEL, Together, deciding_words, distance, spelled, together

#: What a share of sick runs by a setting is, and is not.
ASSOCIATION = "an association, not a cause"
#: Which number a healthy run is called best by.
BEST_BY = "with every deciding number within this factor of the data's"


def name_of(row: Row, survey: Survey) -> str:
    """Return a run's path below the folder of all runs."""
    return row.run.removeprefix(survey.folder)


def sentence(row: Row) -> str:
    """Return what is said of a run, without its path at the beginning."""
    return row.sentence.removeprefix(f"{row.run}: ")


def number(row: Row, word: str) -> str:
    """Return a ratio to the data, `-` where it was not measured."""
    return format_number(row.numbers[word], "ratio") if word in row.numbers else "-"


def numbers(row: Row) -> tuple[str, ...]:
    """Return the deciding numbers: spread, movement, variety."""
    return tuple(number(row, word) for word in deciding_words())


def value(row: Row, key: str) -> str:
    """Return a run's value of a key."""
    return spelled(row.settings.get(key))


def settings(row: Row, keys: tuple[str, ...]) -> str:
    """Return a run's values of keys, each key by its last word."""
    return ", ".join(f"{last_word(key)}={value(row, key)}" for key in keys if row.settings.get(key) is not None)


def last_word(key: str) -> str:
    """Return the end of a key that tells it from others as a rule: `lr.generator` of `training.lr.generator`."""
    return key.removeprefix("model.generator.") if key.startswith("model.generator.") else key.split(".", 1)[-1]


def factor(row: Row) -> str:
    """Return how close a run is to the data in the number that is furthest from it."""
    return f"{distance(row):.2f} times"


def share(one: Share) -> str:
    """Return a share of sick runs with its interval, in percent."""
    percent = one.sick / one.known if one.known else 0.0
    return f"{one.sick} of {one.known} sick, {percent:.0%} ({one.low:.0%} to {one.high:.0%})"


def chance(one: Separation | Together) -> str:
    """Return how often chance alone makes one of the settings, or some together, look as clear, in words."""
    digits = 2 if one.corrected < 0.001 else 1 if one.corrected < 0.1 else 0
    often = "<0.01%" if one.corrected < 1e-4 else f"{one.corrected:.{digits}%}"
    return f"as clear by chance in {often} of surveys"


def clear(survey: Survey) -> tuple[Separation, ...]:
    """Return the separations that are clear after their correction."""
    return tuple(one for one in survey.separations if one.corrected <= LEVEL)


def head(survey: Survey) -> str:
    """Return in one sentence how many runs are in which state."""
    verdicts = [row.verdict for row in survey.rows]
    sick, unknown = survey.count(State.SICK), survey.count(State.UNKNOWN)
    parts = [f"{counted(len(verdicts), 'run')}: {sick} sick"]
    if sick:
        parts[0] += f" ({verdicts.count('collapsed')} collapsed, {verdicts.count('at-risk')} at risk)"
    parts.append(f"{survey.count(State.HEALTHY)} healthy")
    if unknown:
        parts.append(f"{unknown} unknown")
    return ", ".join(parts) + "."


def unclear(survey: Survey) -> tuple[str, ...]:
    """Return why no setting is said to separate, in sentences; empty where one does."""
    if survey.untested:
        return (f"{survey.untested[:1].upper()}{survey.untested[1:]}.",)
    if clear(survey) or not survey.separations:
        return ()
    nearest, several = survey.separations[0], together(survey)
    none = f"No setting by itself separates sick from healthy runs beyond chance. Nearest is {nearest.key}: {chance(nearest)}."
    return (none,) if several is None else (_together(several), none)


def _together(found: Together) -> str:
    """Return what the runs of a state have in common, in a sentence."""
    having = " and ".join(f"{key} {value}" for key, value in found.settings)
    return (
        f"All {counted(found.count, f'{found.state.value} run')} have {having}, as have {found.having - found.count} that are"
        f" not {found.state.value}: {chance(found)}."
    )


def branches(survey: Survey) -> tuple[Branch, ...]:
    """Return the ends of the tree; none where it has one condition, since the shares of that setting say as much."""
    return survey.tree if any(len(branch.conditions) > 1 for branch in survey.tree) else ()


def tree(branch: Branch) -> str:
    """Return an end of the tree in words, with the ends of its keys."""
    named = (condition.partition(" ") for condition in branch.conditions)
    conditions = " and ".join(f"{last_word(key)} {rest}" for key, _, rest in named)
    return f"{branch.sick} of {branch.known} sick with {conditions}"


def family_of(cause: str) -> str:
    """Return the name of a family of sick runs."""
    return cause or "no cause found"


def columns(survey: Survey) -> tuple[str, ...]:
    """Return the keys that a narrow table has room to show: those that separate, else all, those nearest to it first."""
    conditions = [condition for branch in survey.tree for condition in branch.conditions]
    parted = [key for key in survey.compared if any(condition.startswith(f"{key} ") for condition in conditions)]
    separating = tuple(dict.fromkeys((*(one.key for one in clear(survey)), *parted)))
    return separating or tuple(dict.fromkeys((*(one.key for one in survey.separations), *survey.compared)))
