"""A patch of a trainer's text: it adds config keys for the space that the warm-up compares and for the gates of its LSTM.

With the keys' defaults the trainer does what it did. Nothing is imported or run, and nothing is written here.
"""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from humouse_doctor.core.settings import Place
from humouse_doctor.inputs.config.trainer_keys import ADDED, WARMUP_GATES, WARMUP_SPACE
from humouse_doctor.inputs.files import is_file
from humouse_doctor.inputs.source.trainer import (
    WARM_UP,
    OutputKind,
    TrainerFacts,
    conversion_kinds,
    conversions,
    mentions,
    parsed,
)

#: The file beside the trainer with the fields of its configuration.
_FIELDS = "config_schemas.py"
#: The key of humouse's after which the new ones are added: the reader of the config and its fields both have it.
_NEIGHBOUR = "warmup_latent_normalize"
_SPACE, _GATES = (key.rpartition(".")[2] for key in (WARMUP_SPACE, WARMUP_GATES))

_T = TypeVar("_T")

_GATES_FUNCTION = '''\
def _start_gates_slow(generator, steps):
    """Chrono initialisation (Tallec and Ollivier, 2018): LSTM gates that forget over up to `steps` time steps."""
    with torch.no_grad():
        for layer in generator.modules():
            if not isinstance(layer, torch.nn.LSTM):
                continue
            for name, bias in layer.named_parameters():
                if name.startswith("bias_ih"):
                    size = layer.hidden_size
                    forget = torch.log(torch.empty_like(bias[:size]).uniform_(1.0, max(2.0, steps - 1.0)))
                    bias[: 2 * size] = torch.cat([-forget, forget])
                elif name.startswith("bias_hh"):
                    bias[: 2 * layer.hidden_size] = 0.0


'''
_SCALE_FUNCTIONS = '''\
def _scale_of_positions(dataset, device):
    """Return mean and std, (1, 1, 2) each, of the positions of all real sequences, in the unit of the dataset."""
    real = [sequence[..., :2] for sequence, _, label in dataset.samples if label.item() > 0.5]
    positions = torch.stack(real).double().cumsum(dim=1)
    mean, std = positions.mean(dim=(0, 1)), positions.std(dim=(0, 1)).clamp_min(1e-6)
    return (part.float().view(1, 1, 2).to(device) for part in (mean, std))


def _output_layer(generator):
    return generator.output if hasattr(generator, "output") else generator.proj


def _require_scalable(generator):
    """Raise ValueError if the output layer cannot take over a scale."""
    linear = isinstance(getattr(generator, "activation_xy", None), torch.nn.Identity)
    if not linear or "weight" not in _output_layer(generator)._parameters:
        raise ValueError("training.warmup_space: read needs activation_xy: linear, and no spectral norm")


def _scale_output(generator, std, mean=None):
    """Let the output layer multiply what it makes by `std`, and add `mean`."""
    layer = _output_layer(generator)
    with torch.no_grad():
        layer.weight[:2] *= std.view(2, *[1] * (layer.weight.dim() - 1))
        layer.bias[:2] *= std.view(2)
        if mean is not None:
            layer.bias[:2] += mean.view(2)


'''


class NoAnchor(Exception):
    """Raised if a place in the trainer is not found exactly once; the message names it, and `code` is what to add there."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class Patched:
    """A file of the trainer with its text before and after; `name` is its path in the checkout, with `/`."""

    path: Path
    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Insertion:
    """Code to insert after a line, counted from 1, with the indentation of its block."""

    after: int
    indent: int
    code: str


def patch(facts: TrainerFacts, keys: Collection[str] = ADDED) -> tuple[Patched, ...]:
    """Return the files of the trainer at `facts.file` with those of `keys` added that it lacks.

    Raises `NoAnchor` if a place for the code is not there exactly once, and `InputError` for a file that cannot be read.
    """
    file = Path(facts.file)
    text, tree = parsed(file)
    named = ((WARMUP_SPACE, _SPACE), (WARMUP_GATES, _GATES))
    wanted = [name for key, name in named if key in keys and key not in facts.added]
    changes = [*_read_keys(file, tree, wanted), *_warm_up(file, tree, facts, wanted)]
    beside = file.with_name(_FIELDS)
    fields, where, other = _fields(file, tree, wanted), file, text
    if not fields and is_file(beside):
        other, of_fields = parsed(beside)
        fields, where = _fields(beside, of_fields, wanted), beside
    if not fields:
        raise NoAnchor(f"{where}: no field {_NEIGHBOUR} in a class", _field_lines(wanted))
    root = file.parents[2] if len(file.parents) > 2 and file.parts[-3:-1] == ("src", "train") else file.parent
    if where == file:
        return (_patched(file, root, text, [*changes, *fields]),)
    return _patched(where, root, other, fields), _patched(file, root, text, changes)


def _patched(path: Path, root: Path, text: str, changes: Sequence[_Insertion]) -> Patched:
    after = _inserted(text, changes)
    ast.parse(after)  # what is offered can be run
    return Patched(path=path, name=path.relative_to(root).as_posix(), before=text, after=after)


def _inserted(text: str, changes: Sequence[_Insertion]) -> str:
    """Return `text` with the insertions made; its line ends are kept."""
    lines = text.splitlines(keepends=True)
    end = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
    for change in sorted(changes, key=lambda one: one.after, reverse=True):
        if 0 < change.after <= len(lines) and not lines[change.after - 1].endswith(("\n", "\r")):
            lines[change.after - 1] += end
        code = textwrap.indent(change.code, " " * change.indent)
        lines[change.after : change.after] = [f"{line}{end}" for line in code.splitlines()]
    return "".join(lines)


def _field_lines(wanted: Sequence[str]) -> str:
    return "".join(f'{name}: str = "{_default(name)}"\n' for name in wanted)


def _default(name: str) -> str:
    return "loss" if name == _SPACE else "default"


def _fields(file: Path, tree: ast.Module, wanted: Sequence[str]) -> list[_Insertion]:
    """Return the insertion of the new fields, none if no class in this file has the field that they go beside."""
    found = [
        node
        for part in ast.walk(tree)
        if isinstance(part, ast.ClassDef)
        for node in part.body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == _NEIGHBOUR
    ]
    if not found:
        return []
    node = _one(found, file, f"field {_NEIGHBOUR} in a class", _field_lines(wanted))
    return [_Insertion(after=_last(node), indent=node.col_offset, code=_field_lines(wanted))]


def _read_keys(file: Path, tree: ast.Module, wanted: Sequence[str]) -> Iterator[_Insertion]:
    """Yield the insertion that reads the new keys, beside the key that the trainer already reads."""
    code = "".join(f'{name}=training_section.get("{name}", "{_default(name)}"),\n' for name in wanted)
    found = [
        keyword
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg == _NEIGHBOUR and isinstance(keyword.value, ast.Call) and isinstance(keyword.value.func, ast.Attribute)
    ]
    keyword = _one(found, file, f"argument {_NEIGHBOUR}=", code)
    assert isinstance(keyword.value, ast.Call)
    assert isinstance(keyword.value.func, ast.Attribute)
    code = code.replace("training_section", ast.unparse(keyword.value.func.value))
    yield _Insertion(after=_last(keyword), indent=keyword.col_offset, code=code)


def _warm_up(file: Path, tree: ast.Module, facts: TrainerFacts, wanted: Sequence[str]) -> Iterator[_Insertion]:
    """Yield the insertions into the warm-up's function, and the functions that they call."""
    named = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == WARM_UP]
    function = _one(named, file, f"function {WARM_UP}", _GATES_FUNCTION)
    given = [argument.arg for argument in (*function.args.args, *function.args.kwonlyargs)]
    config, generator = given[0] if given else "", next((name for name in given if name == "generator"), "")
    if not config or not generator or not {"dataset", "device"} <= set(given):
        raise NoAnchor(f"{_at(file, function)}: {WARM_UP} does not take a generator, a dataset and a device", _GATES_FUNCTION)
    before = function.lineno - 1 - len(function.decorator_list)
    training, first = f"{config}.training", function.body[0]
    if _GATES in wanted:
        yield _Insertion(after=before, indent=0, code=_GATES_FUNCTION)
        starts = f'if {training}.{_GATES} == "slow" and {training}.reconstruction_epochs > 0:\n'
        fresh = f"    if not {training}.generator_init_path:\n"
        code = f"{starts}{fresh}        _start_gates_slow({generator}, {config}.model.generator.target_len)\n"
        documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
        place = _last(first) if documented else first.lineno - 1
        yield _Insertion(after=place, indent=first.col_offset, code=code)
    if _SPACE in wanted:
        yield _Insertion(after=before, indent=0, code=_SCALE_FUNCTIONS)
        yield from _comparison(file, tree, function, facts, training)


def _comparison(
    file: Path, tree: ast.Module, function: ast.FunctionDef, facts: TrainerFacts, training: str
) -> Iterator[_Insertion]:
    """Yield the insertions that compare z-scored positions with what the program reads the output as."""
    sums = facts.reads is not OutputKind.POSITIONS
    targets = [
        (branch, node)
        for branch in ast.walk(function)
        if isinstance(branch, ast.If) and mentions(branch.test, "absolute")
        for node in branch.body
        if isinstance(node, ast.Assign) and _converts(node, tree) is OutputKind.DELTAS
    ]
    scaled = "if compare_as_read:\n    {name} = ({name} - position_mean) / position_std\n"
    branch, target = _one(targets, file, "sum of the targets", scaled.format(name="target"), function)
    outside = next(part for part in function.body if part.lineno <= branch.lineno <= _last(part))
    prepared = (
        f'compare_as_read = bool({ast.unparse(branch.test)}) and {training}.{_SPACE} == "read"\n'
        "if compare_as_read:\n"
        "    _require_scalable(generator)\n"
        "    position_mean, position_std = _scale_of_positions(dataset, device)\n\n"
    )
    yield _Insertion(after=outside.lineno - 1, indent=outside.col_offset, code=prepared)
    yield _Insertion(after=_last(target), indent=target.col_offset, code=scaled.format(name=ast.unparse(target.targets[0])))
    made = [node for node in ast.walk(function) if isinstance(node, ast.Assign) and _generates(node)]
    loops = [part for part in function.body if isinstance(part, ast.For)]
    trained = [(loop, node) for node in made for loop in loops if loop.lineno <= node.lineno <= _last(loop)]
    summed = "if compare_as_read:\n    {name} = torch.cumsum({name}[..., :2], dim=1)"
    code = f"{summed.format(name='reconstructed')} - position_mean / position_std\n"
    loop, output = _one(trained, file, "call of the generator in the warm-up's loop", code, function)
    if sums:
        code = f"{summed.format(name=ast.unparse(output.targets[0]))} - position_mean / position_std\n"
        yield _Insertion(after=_last(output), indent=output.col_offset, code=code)
    mean = "" if sums else ", position_mean"
    code = f"if compare_as_read:\n    _scale_output(generator, position_std{mean})\n"
    yield _Insertion(after=_last(loop), indent=loop.col_offset, code=code)
    for node in made if sums else ():
        if node is not output:  # what is saved is differences of positions
            code = f"{summed.format(name=ast.unparse(node.targets[0]))}\n"
            yield _Insertion(after=_last(node), indent=node.col_offset, code=code)


def _converts(node: ast.Assign, tree: ast.Module) -> OutputKind | None:
    found = [kind for _, kind in conversions([node], conversion_kinds(tree))]
    return found[0] if len(found) == 1 and isinstance(node.targets[0], ast.Name) else None


def _generates(node: ast.Assign) -> bool:
    value = node.value
    called = isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "generator"
    return called and isinstance(node.targets[0], ast.Name)


def _one(found: Sequence[_T], file: Path, what: str, code: str, near: ast.stmt | None = None) -> _T:
    """Return the only one of `found`; raise `NoAnchor` for none or several, with the code to paste."""
    if len(found) == 1:
        return found[0]
    count = "no" if not found else f"{len(found)} places with the"
    raise NoAnchor(f"{_at(file, near)}: {count} {what}", code)


def _at(file: Path, node: ast.stmt | None) -> Place | Path:
    return file if node is None else Place(file=str(file), line=node.lineno)


def _last(node: ast.stmt | ast.keyword) -> int:
    assert node.end_lineno is not None
    return node.end_lineno
