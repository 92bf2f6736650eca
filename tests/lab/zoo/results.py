"""The corpus with its answers as one JSON file, one line per run."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.lab.zoo.contexts import CONTEXTS as FIXED
from tests.lab.zoo.figures import Row, groups, plain, random_cure, summary
from tests.lab.zoo.fresh import FRESH
from tests.lab.zoo.judge import Answer, Judgement
from tests.lab.zoo.later import LATER
from tests.lab.zoo.rehearsing import Answered
from tests.lab.zoo.searching import SEARCH_VERSION, of_this_version
from tests.lab.zoo.selection import Lattice, Run
from tests.lab.zoo.truth import Label, Numbers
from tests.lab.zoo.warmup import TRAINER_VERSION

#: All contexts of which the results file may have runs.
CONTEXTS = (*FIXED, *FRESH, *LATER)
PATH = Path(__file__).with_name("results.json")
#: As many as the tool's own search tries.
TRIES = 5
_DIGITS = 4


def row(
    run: Run,
    lattice: Lattice,
    judgement: Judgement,
    *,
    patch: str,
    fix_a: str,
) -> Row:
    """Return one run as plain data; `patch` and `fix_a` are its labels after those changes."""
    others = [
        label for genome, label in lattice.labels.items() if genome != run.genome and genome.steps.rank >= run.genome.steps.rank
    ]
    healthy = sum(label is Label.HEALTHY for label in others)
    return {
        "context": run.context.name,
        "part": run.context.part.value,
        "kind": run.context.kind.value,
        "length": run.context.length,
        "genome": run.genome.name,
        "truth": run.ailment.value,
        "skill": run.numbers.skill,
        "moves": run.numbers.moves,
        "varies": run.numbers.varies,
        **({"bends": run.numbers.bends} if run.context.sums else {}),
        **({"excess": run.numbers.excess} if run.genome.condition.channels else {}),
        "cures": [sorted(factor.value for factor in cure) for cure in run.cures],
        **answers(judgement),
        "rehearsed": None,
        "patch": patch,
        "fix_a": fix_a,
        "random": random_cure(healthy, len(others), TRIES),
        "search": None,
    }


def answers(judgement: Judgement) -> dict[str, Any]:
    """Return what the tool said of a run as plain data."""
    return {
        "trained": _plain(judgement.trained),
        "preflight": None if judgement.preflight is None else _short(judgement.preflight),
    }


def run_of(one: Row) -> Run:
    """Return the run of a row; its cures are not known without the lattice."""
    context = next(context for context in CONTEXTS if context.name == one["context"])
    genome = next(genome for genome in context.genomes if genome.name == one["genome"])
    found = {name: one[name] for name in ("skill", "moves", "varies", "bends", "excess") if name in one}
    numbers = Numbers(**{name: math.nan if value is None else value for name, value in found.items()})
    return Run(context=context, genome=genome, numbers=numbers, cures=())


def _short(answer: Answer) -> dict[str, Any]:
    return {
        "verdict": answer.verdict,
        "confidence": answer.confidence,
        "causes": list(answer.causes),
        "seconds": answer.seconds,
    }


def rehearsal(answered: Answered) -> dict[str, Any]:
    """Return a rehearsal's answer as plain data."""
    return {
        "verdict": answered.verdict,
        "causes": list(answered.causes),
        "steps": answered.steps,
        "own_steps": answered.own_steps,
        "seconds": answered.seconds,
    }


def _plain(answer: Answer) -> dict[str, Any]:
    return {
        **_short(answer),
        "symptoms": list(answer.symptoms),
        "remedies": list(answer.remedies),
        "measurements": {code: dict(numbers) for code, numbers in answer.measurements.items()},
    }


def write(path: Path, rows: Sequence[Row], tool: str) -> None:
    """Write all runs and their figures; the names of the measurements are written once, at the head."""
    names: dict[str, list[str]] = {}
    for one in rows:
        for code, numbers in one["trained"]["measurements"].items():
            names.setdefault(code, [])
            names[code] += [name for name in numbers if name not in names[code]]
    head = {
        "trainer_version": TRAINER_VERSION,
        "tool": tool,
        "metrics": dict(sorted(names.items())),
        "figures": {name: plain(summary(some)) for name, some in groups(rows).items()},
    }
    lines = ",\n".join(_dumped(_packed(one, names)) for one in rows)
    path.write_text(f'{{"head": {_dumped(head)},\n"runs": [\n{lines}\n]}}\n')


def read(path: Path) -> list[Row]:
    """Return the runs in a results file."""
    stored = json.loads(path.read_text())
    names = stored["head"]["metrics"]
    return [_unpacked(one, names) for one in stored["runs"]]


def tool_of(path: Path) -> str:
    """Return the digest of the tool that judged a results file's runs."""
    found: str = json.loads(path.read_text())["head"]["tool"]
    return found


def merged(before: Sequence[Row], now: Sequence[Row], *, keep_others: bool) -> list[Row]:
    """Return the rows that were judged now, with the searches (of this version) and rehearsals from before where none are new.

    With `keep_others` the rows of contexts that were not judged now stay.
    """
    known = {(row["context"], row["genome"]): row for row in before}
    judged = {row["context"] for row in now}
    rows = []
    for row in now:
        old = known.get((row["context"], row["genome"]), {"search": None, "rehearsed": None})
        search, rehearsed = of_this_version(row) or of_this_version(old), row["rehearsed"] or old.get("rehearsed")
        rows.append({**row, "search": search, "search_version": SEARCH_VERSION, "rehearsed": rehearsed})
    return [*(row for row in before if keep_others and row["context"] not in judged), *rows]


def _packed(one: Row, names: Mapping[str, Sequence[str]]) -> Row:
    measured = one["trained"]["measurements"]
    values = {code: [numbers.get(name) for name in names[code]] for code, numbers in measured.items()}
    return {**one, "trained": {**one["trained"], "measurements": values}}


def _unpacked(one: Row, names: Mapping[str, Sequence[str]]) -> Row:
    measured = {
        # A metric that came after a row is named behind those that the row has.
        code: {name: value for name, value in zip(names[code], values, strict=False) if value is not None}
        for code, values in one["trained"]["measurements"].items()
    }
    return {**one, "trained": {**one["trained"], "measurements": measured}}


def _dumped(value: object) -> str:
    return json.dumps(_rounded(value), ensure_ascii=False, separators=(",", ":"))


def _rounded(value: object) -> object:
    """Return the data with four significant digits, and null for non-finite numbers."""
    if isinstance(value, float):
        return float(f"{value:.{_DIGITS}g}") if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _rounded(one) for key, one in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, str):
        return [_rounded(one) for one in value]
    return value
