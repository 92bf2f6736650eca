"""Edits to a config file that change only the characters of the values they name.

The span of a value is replaced, or one line inserted beside its siblings, so comments, quotes, indentation, line ends
and a BOM stay as they are. What cannot be edited that way is refused, with the Hydra override that does the same.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from humouse_doctor.config import reader, yaml_text
from humouse_doctor.config.reader import spell
from humouse_doctor.core.errors import InputError, UsageError
from humouse_doctor.core.files import replace_file, repository
from humouse_doctor.core.remedy import Edit
from humouse_doctor.core.settings import Value

_BOM = "\ufeff"
#: What fits into a line that people read, of a value and of an override.
_MAX_SHOWN, _MAX_OVERRIDE = 120, 300
#: How stock PyYAML fails: at 2021-13-45, a date to it, at what is no hash, at a key such as `!!bool x`.
_MISREAD = (
    UsageError, yaml.YAMLError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError,
)  # fmt: skip
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*\Z")

#: Characters `start:end` of a text and what takes their place; a section and the tree of its new keys.
_Change = tuple[int, int, str]
_Section = tuple[yaml.MappingNode, dict[str, Any]]


class PatchRefused(UsageError):
    """An edit that cannot be made in place without risk; the message carries the override instead."""


def patched(text: str, name: str, edits: Sequence[Edit], prefix: str = "") -> str:
    """`text` with `edits` made; `prefix` stands before every key in the file.

    Raises `PatchRefused` for a stale old value, a block scalar, an anchor, an alias or an interpolation, and where the
    result does not read back as intended: the new values there, all others as they were.
    """
    if not edits:
        return text
    body = text.removeprefix(_BOM)
    root = yaml_text.compose(body, name)
    found = {leaf.path: leaf for leaf in yaml_text.leaves(root, name)}
    after = text[: len(text) - len(body)] + _edited(body, root, found, name, edits, prefix)
    wrong = _misread(text, {path: leaf.value for path, leaf in found.items()}, after, name, edits, prefix)
    if wrong is not None:
        raise _refuse(name, wrong, prefix, "would not read back as intended, or another value with it")
    return after


def require_effect(config: Path, source: str, edits: Sequence[Edit], prefix: str) -> None:
    """Raise `PatchRefused` where an edit of `source` would change nothing of the config at `config`, which brings it in."""
    edit = reader.overruled(config, Path(source), edits, prefix)
    if edit is not None:
        raise _refuse(source, edit, prefix, f"would not count: what {config} brings in later overrules it")


def _refuse(name: str, edit: Edit, prefix: str, reason: str) -> PatchRefused:
    spelled = override(edit, override_prefix(name, prefix))
    fits = spelled.isprintable() and len(spelled) <= _MAX_OVERRIDE  # one that is cut or escaped would be another
    return PatchRefused(
        f"{name}: {prefix}{edit.key} {reason}; {f'use the override {spelled}' if fits else 'change it by hand'}"
    )


def _shown(value: Value) -> str:
    return yaml_text.shown(spell(value), _MAX_SHOWN)


def _edited(
    body: str, root: yaml.MappingNode, found: Mapping[str, yaml_text.Leaf], name: str, edits: Sequence[Edit], prefix: str
) -> str:
    changes, sections = list[_Change](), dict[int, _Section]()
    for edit in edits:
        leaf = found.get(f"{prefix}{edit.key}")
        if leaf is not None:
            changes.append(_replacement(body, leaf, name, edit, prefix))
            continue
        parent, parts = _section(root, name, edit, prefix)
        _, tree = sections.setdefault(id(parent), (parent, {}))
        _grow(tree, parts, edit.new)
    # where sections end at one place, the deepest comes first, and what replaces the last value of all before them
    changes.extend(_lines_for(body, *sections[key]) for key in sorted(sections, key=lambda key: -_column(sections[key][0])))
    pieces, at = list[str](), 0
    for start, end, new in sorted(changes, key=lambda change: change[0]):
        pieces += [body[at:start], new]
        at = end
    return "".join([*pieces, body[at:]])


def _replacement(body: str, leaf: yaml_text.Leaf, name: str, edit: Edit, prefix: str) -> _Change:
    if isinstance(leaf.value, str) and "${" in leaf.value:
        raise _refuse(name, edit, prefix, "is an interpolation")
    if edit.absent or not _same(leaf.value, edit.old):
        was = "absent" if edit.absent else _shown(edit.old)
        raise _refuse(name, edit, prefix, f"should be {was} but is {_shown(leaf.value)}")
    node = leaf.node
    start, end = node.start_mark.index, node.end_mark.index
    if leaf.aliased or body[start : start + 1] in ("&", "!", "*"):
        raise _refuse(name, edit, prefix, "is shared through an anchor or carries a tag")
    if not isinstance(node, yaml.ScalarNode):
        raise _refuse(name, edit, prefix, "is a list, not a single value")
    if node.style in ("|", ">"):
        raise _refuse(name, edit, prefix, "is a block scalar")
    space = " " if start > 0 and body[start - 1] == ":" else ""
    return start, end, space + _literal(edit.new, node.style)


def _section(root: yaml.MappingNode, name: str, edit: Edit, prefix: str) -> tuple[yaml.MappingNode, list[str]]:
    """The section that a key which is not there goes into, and its path below that."""
    if not edit.absent:
        raise _refuse(name, edit, prefix, f"should be {_shown(edit.old)} but is not there any more")
    parts = f"{prefix}{edit.key}".split(".")
    parent = root
    while len(parts) > 1:
        pair = next((pair for pair in parent.value if pair[0].value == parts[0]), None)
        if pair is None:
            break
        key, child = pair
        if not isinstance(child, yaml.MappingNode) or child.start_mark.index < key.start_mark.index:
            raise _refuse(name, edit, prefix, f"would go into {parts[0]}:, which is no plain section here")
        parent, parts = child, parts[1:]
    if parent.flow_style or not parent.value:
        raise _refuse(name, edit, prefix, "would go into a section written in braces")
    last_key, last = parent.value[-1]
    if any(key.tag.endswith(":merge") for key, _ in parent.value) or last.start_mark.index < last_key.start_mark.index:
        raise _refuse(name, edit, prefix, "would go into a section that is shared through an alias")
    return parent, parts


def _column(section: yaml.MappingNode) -> int:
    column: int = section.value[0][0].start_mark.column
    return column


def _lines_for(body: str, section: yaml.MappingNode, tree: dict[str, Any]) -> _Change:
    """Lines for new keys of a section, after the last of their siblings."""
    at = _end_of_last_line(body, section.value[-1][1])
    newline = "\r\n" if body[:at].endswith("\r\n") or (at == len(body) and "\r\n" in body) else "\n"
    lines = [" " * _column(section) + line for line in _dump(tree, 0).split("\n")[:-1]]
    lead = "" if at == 0 or body[at - 1] == "\n" else newline
    tail = newline if at < len(body) or not lead else ""
    return at, at, lead + newline.join(lines) + tail


def _end_of_last_line(body: str, node: yaml.Node) -> int:
    """The index just past the line on which the last scalar below `node` ends."""
    while isinstance(node, yaml.MappingNode | yaml.SequenceNode) and not node.flow_style and node.value:
        node = node.value[-1][1] if isinstance(node, yaml.MappingNode) else node.value[-1]
    end: int = node.end_mark.index
    if isinstance(node, yaml.ScalarNode) and node.style in ("|", ">"):
        return end
    stop = body.find("\n", end)
    return len(body) if stop < 0 else stop + 1


def _same(left: Value, right: Value) -> bool:
    return left == right and isinstance(left, bool) == isinstance(right, bool)


def _misread(text: str, values: dict[str, Any], after: str, name: str, edits: Sequence[Edit], prefix: str) -> Edit | None:
    """The first edit at fault where our loader or stock PyYAML does not see the new values in `after`, all others as before.

    `values` is what our loader sees in `text`.
    """
    for was, read in ((values, _our_values), (None, _stock_values)):
        try:
            was, now = read(text, name) if was is None else was, read(after, name)
        except _MISREAD:
            return edits[0]
        for edit in edits:
            path = f"{prefix}{edit.key}"
            was.pop(path, None)
            if not _same(now.pop(path, None), edit.new):
                return edit
        if was != now:
            return edits[0]
    return None


def _our_values(text: str, name: str) -> dict[str, Any]:
    return {leaf.path: leaf.value for leaf in yaml_text.leaves(yaml_text.compose(text, name), name)}


def _stock_values(text: str, _: str) -> dict[str, Any]:
    values: dict[str, Any] = {}

    def add(node: Any, path: str) -> None:
        if isinstance(node, dict):
            for key, child in node.items():
                add(child, f"{path}.{key}" if path else f"{key}")
        else:
            values[path] = tuple(node) if isinstance(node, list) else node

    add(yaml.safe_load(text.removeprefix(_BOM)), "")
    return values


def _literal(value: Value, style: str | None) -> str:
    """`value` as text that every YAML reader takes for the same; `style` is the quote of the value it replaces."""
    match value:
        case float():
            return _float(value)
        case str():
            if style == "'":
                return "'" + value.replace("'", "''") + "'"
            if style is None and _PLAIN.match(value) and yaml_text.parse_scalar(value) == value:
                return value
            return yaml_text.double_quoted(value)
        case tuple():
            return f"[{', '.join(_literal(part, None) for part in value)}]"
        case _:
            return spell(value)


def _float(value: float) -> str:
    """A float with a dot, since stock PyYAML takes 1e-05 for text."""
    text = repr(value)
    mantissa, exponent, power = text.partition("e")
    if exponent and "." not in mantissa:
        mantissa += ".0"
    return mantissa + exponent + power


def override(edit: Edit, prefix: str = "") -> str:
    """The Hydra override that makes `edit` on the command line; `++` adds a key the config does not have."""
    return f"{'++' if edit.absent else ''}{prefix}{edit.key}={_hydra(edit.new)}"


def _hydra(value: Value) -> str:
    if isinstance(value, str):
        plain = _PLAIN.match(value) and yaml_text.parse_scalar(value) == value
        if plain and value.lower() not in ("true", "false", "null", "nan", "inf"):  # Hydra takes these in any case
            return value
        # a backslash is itself unless a quote follows
        return "'" + re.sub(r"(\\*)('|\Z)", lambda end: end[1] * 2 + ("\\'" if end[2] else ""), value) + "'"
    if isinstance(value, tuple):
        return f"[{','.join(_hydra(part) for part in value)}]"
    return _float(value) if isinstance(value, float) else spell(value)


def override_prefix(source: str | None, prefix: str) -> str:
    """What stands before a key on the command line.

    A file in a Hydra group `experiment` beside its `config.yaml` is reached under `experiment.`, though its own keys
    stand at the top.
    """
    if prefix or source is None:
        return prefix
    folder = Path(source).resolve().parent
    return "experiment." if folder.name == "experiment" and (folder.parent / "config.yaml").is_file() else ""


def as_yaml(edits: Iterable[Edit], prefix: str = "") -> str:
    """The new values alone, as a small YAML file."""
    tree: dict[str, Any] = {}
    for edit in edits:
        _grow(tree, f"{prefix}{edit.key}".split("."), edit.new)
    return _dump(tree, 0)


def _grow(tree: dict[str, Any], path: Sequence[str], value: Value) -> None:
    *above, last = path
    for part in above:
        if not isinstance(tree.get(part), dict):
            tree[part] = {}
        tree = tree[part]
    tree[last] = value


def _dump(tree: Mapping[str, Any], depth: int) -> str:
    lines = []
    for key, value in tree.items():
        indent = "  " * depth
        if isinstance(value, dict):
            lines.append(f"{indent}{key}:\n{_dump(value, depth + 1)}")
        else:
            lines.append(f"{indent}{key}: {_literal(value, None)}\n")
    return "".join(lines)


def unified_diff(before: str, after: str, path: str) -> str:
    """A diff that `git apply` and `patch -p1` take, from the folder `diff_path` is relative to."""
    shown = diff_path(path)
    shown += "\t" if " " in shown else ""
    rows = list(difflib.unified_diff(_lines(before), _lines(after), f"a/{shown}", f"b/{shown}", lineterm="\n"))
    return "".join(row if row.endswith("\n") else f"{row}\n\\ No newline at end of file\n" for row in rows)


def _lines(text: str) -> list[str]:
    """Lines as a diff knows them: split at LF only."""
    return re.findall(r"[^\n]*\n|[^\n]+\Z", text)


def diff_path(path: str) -> str:
    """`path` relative to the current folder, or where it lies elsewhere to its own repository's top, else its name."""
    full = Path(os.path.abspath(path))  # noqa: PTH100  # without `..`, which git refuses, and with symlinks kept
    for top in (Path.cwd(), repository(full.parent)):
        if top is not None and full.is_relative_to(top):
            return full.relative_to(top).as_posix()
    return full.name


def write(path: Path, text: str) -> Path:
    """Replace the config at `path` by `text` in one step, keeping what it was beside it; returns the backup's path.

    Raises `InputError` where the file or its folder does not let it.
    """
    real = Path(os.path.realpath(path))
    backup = real.with_name(real.name + ".bak")
    number = 1
    while os.path.lexists(backup):
        backup = real.with_name(f"{real.name}.bak{number}")
        number += 1
    try:
        before = real.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot read: {error.strerror or error}; nothing was changed") from None
    replace_file(backup, before, like=real)
    try:
        replace_file(real, text.encode("utf-8"), own=True)
    except InputError:
        backup.unlink(missing_ok=True)  # of what was not changed
        raise
    return backup
