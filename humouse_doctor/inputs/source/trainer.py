"""Facts about spaces from the text of a trainer; nothing of it is imported or run."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from humouse_doctor.core.errors import InputError, UsageError
from humouse_doctor.core.settings import Place
from humouse_doctor.core.text import reason
from humouse_doctor.inputs.config.trainer_keys import ADDED
from humouse_doctor.inputs.files import is_file, is_folder, read_bounded, shortest
from humouse_doctor.inputs.remote import names

#: The trainer's path in a checkout of humouse, whose file has 120 kB.
TRAINER = Path("src", "train", "train_gan.py")
_MAX_BYTES = 1 << 20
#: How far up from a run's file its checkout is looked for: multirun/<day>/<time>/<job>/.hydra/config.yaml is six folders below.
_LEVELS = 7
#: humouse's functions that show what the output is read as, the first that is there, and the one that warms up.
_READERS = ("_run_sigma_evaluation", "_training_loop")
WARM_UP = "_reconstruction_warmup"
#: Words in the conditions that choose the space, and the architecture that has spaces of its own.
_ABSOLUTE, _OTHER = "absolute", "seq2seq"

_Function = ast.FunctionDef | ast.AsyncFunctionDef


class OutputKind(Enum):
    """A kind of sequence; its value says what a trainer does to the output of `lstm` and `tcn` if it reads it as that kind."""

    DELTAS = "sums"
    POSITIONS = "takes differences of"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainerFacts:
    """The behaviour of a trainer with `training.absolute_coordinates: true` and architecture `lstm` or `tcn`.

    `reads` is the kind of sequence that the program reads the output as after the warm-up. `compares` is the kind that the
    warm-up's loss compares. Each comes with the line of the code that shows it, and is None if the code does not show it.
    `added` are the config keys that this tool's patch adds and that this trainer already has.
    """

    file: str
    reads: OutputKind | None = None
    reads_at: Place | None = None
    compares: OutputKind | None = None
    compares_at: Place | None = None
    added: frozenset[str] = frozenset()


def find(folder: Path) -> Path:
    """Return the trainer in a checkout, or `folder` itself if it is a file; raise `UsageError` if there is none."""
    if is_file(folder):
        return folder
    if is_file(folder / TRAINER):
        return folder / TRAINER
    what = "no such folder" if not is_folder(folder) else f"no {TRAINER.as_posix()} in it"
    raise UsageError(f"{folder}: {what}; give the checkout of the trainer, or its file")


def checkout_of(trainer: Path) -> Path | None:
    """Return the checkout that a trainer's file lies in, None for a file elsewhere."""
    full = trainer.absolute()
    return full.parents[len(TRAINER.parts) - 1] if full.parts[-len(TRAINER.parts) :] == TRAINER.parts else None


def around(run: Path) -> Path | None:
    """Return the trainer of the checkout in which `run` lies, None if it lies in none."""
    full = run.absolute()
    found = (above / TRAINER for above in (full, *names.parents(full))[: _LEVELS + 1])
    return next((shortest(path) for path in found if is_file(path)), None)


def parsed(path: Path) -> tuple[str, ast.Module]:
    """Return a trainer's text, and its syntax tree; raise `InputError` if it cannot be read, or is not Python."""
    try:
        text = read_bounded(path, _MAX_BYTES)
    except OSError as error:
        raise InputError(f"{path}: cannot read the trainer: {reason(error)}") from None
    try:
        return text.decode("utf-8"), ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        raise InputError(f"{path}: the trainer is not Python{line} ({type(error).__name__})") from None


def read(path: Path) -> TrainerFacts:
    """Return the facts in a trainer's text; raise `InputError` if it cannot be read, or is not Python."""
    _, tree = parsed(path)
    functions = {node.name: node for node in ast.walk(tree) if isinstance(node, _Function)}
    kinds = conversion_kinds(tree)
    reads, read_line = _read_as(functions, kinds)
    compares, compared_line = _compared_as(functions, kinds)
    return TrainerFacts(
        file=str(path),
        reads=reads,
        reads_at=None if read_line is None else Place(file=str(path), line=read_line),
        compares=compares,
        compares_at=None if compared_line is None else Place(file=str(path), line=compared_line),
        added=frozenset(key for key in ADDED if key.rpartition(".")[2] in _texts(tree)),
    )


def _texts(tree: ast.AST) -> frozenset[str]:
    """Return all string constants in the code; the config keys that it reads are among them."""
    return frozenset(node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str))


def conversion_kinds(tree: ast.AST) -> Mapping[str, OutputKind]:
    """Return the kind of sequence that each converting function takes, by the function's name."""
    functions = {node.name: node for node in ast.walk(tree) if isinstance(node, _Function)}
    return {name: kind for name, node in functions.items() if (kind := _conversion(node)) is not None}


def _conversion(function: _Function) -> OutputKind | None:
    """Return the kind of sequence that `function` takes: deltas if it sums over time, positions if it takes differences."""
    called = {_name(node.func) for node in ast.walk(function) if isinstance(node, ast.Call)}
    if len(function.body) > 5:
        return None
    if "cumsum" in called:
        return OutputKind.DELTAS
    shifted = (
        isinstance(node, ast.BinOp)
        and isinstance(node.op, ast.Sub)
        and isinstance(node.left, ast.Subscript)
        and isinstance(node.right, ast.Subscript)
        for node in ast.walk(function)
    )
    return OutputKind.POSITIONS if "diff" in called or any(shifted) else None


def _read_as(functions: Mapping[str, _Function], kinds: Mapping[str, OutputKind]) -> tuple[OutputKind, int] | tuple[None, None]:
    """Return the kind of sequence that the output is converted from, by the first function that samples, with the line."""
    for name in _READERS:
        function = functions.get(name)
        if function is None:
            continue
        outputs = set(_outputs(function))
        found = [
            (kind, call.lineno)
            for branch in ast.walk(function)
            if isinstance(branch, ast.If) and mentions(branch.test, _ABSOLUTE)
            for call, kind in conversions(branch.body, kinds)
            if any(isinstance(part, ast.Name) and part.id in outputs for part in ast.walk(call))
        ]
        for wanted in OutputKind:  # a sum of the output decides; its differences may be those of another architecture
            for kind, line in found:
                if kind is wanted:
                    return kind, line
    return None, None


def _compared_as(
    functions: Mapping[str, _Function], kinds: Mapping[str, OutputKind]
) -> tuple[OutputKind, int] | tuple[None, None]:
    """Return what the warm-up compares: positions if it sums its targets, else deltas."""
    function = functions.get(WARM_UP)
    if function is None:
        return None, None
    for branch in ast.walk(function):
        if isinstance(branch, ast.If) and mentions(branch.test, _ABSOLUTE):
            for call, kind in conversions(branch.body, kinds):
                if kind is OutputKind.DELTAS:
                    return OutputKind.POSITIONS, call.lineno
    return OutputKind.DELTAS, function.lineno


def _outputs(function: _Function) -> Iterator[str]:
    """Yield the variables that are assigned a generator's output."""
    for node in ast.walk(function):
        if not isinstance(node, ast.Assign):
            continue
        made = any(isinstance(part, ast.Call) and _name(part.func) == "generator" for part in ast.walk(node.value))
        if made:
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))


def conversions(body: Sequence[ast.stmt], kinds: Mapping[str, OutputKind]) -> Iterator[tuple[ast.Call, OutputKind]]:
    """Yield the calls in `body` that convert sequences, except those made only for the other architecture."""
    todo: list[ast.AST] = list(reversed(body))
    while todo:
        node = todo.pop()
        if isinstance(node, ast.If) and mentions(node.test, _OTHER):
            todo.extend(reversed(node.orelse))
            continue
        if isinstance(node, ast.Call):
            name = _name(node.func)
            kind = OutputKind.DELTAS if name == "cumsum" else kinds.get(name)
            if kind is not None:
                yield node, kind
        todo.extend(reversed(list(ast.iter_child_nodes(node))))


def mentions(test: ast.expr, word: str) -> bool:
    """Return True if a condition has `word` in one of its names, and does not negate it."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return False
    return any(word in _name(part) for part in ast.walk(test))


def _name(node: ast.AST) -> str:
    """Return a name, or the last part of a dotted one; empty for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    return node.attr if isinstance(node, ast.Attribute) else ""
