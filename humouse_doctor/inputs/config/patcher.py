"""Edits of a config file that change only the characters of the values they name.

The span of a value is replaced, or a line is inserted beside its siblings. Comments, quotes, indentation, line ends and a
BOM stay unchanged. Other edits are refused, with the Hydra override of the same effect.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from humouse_doctor.core.errors import InputError, UsageError
from humouse_doctor.core.remedy import Edit
from humouse_doctor.core.settings import Value
from humouse_doctor.core.text import reason, shortened
from humouse_doctor.inputs.config import reader, yaml_text
from humouse_doctor.inputs.config.backups import free_backup_of
from humouse_doctor.inputs.config.reader import in_message, spell
from humouse_doctor.inputs.config.trainer_keys import BY_NAME
from humouse_doctor.inputs.files import replace_file, repository
from humouse_doctor.inputs.remote import names

_BOM = "\ufeff"
#: Characters of an override that fit into a line that people read.
_MAX_OVERRIDE = 300
#: Errors of stock PyYAML: for 2021-13-45 as a date, for an unhashable key, for a key such as `!!bool x`.
_MISREAD = (
    UsageError, yaml.YAMLError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError,
)  # fmt: skip
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*\Z")
#: The sections in which a config may hold the trainer's keys.
_PREFIXES = ("", "experiment.")
#: Git's escapes in a quoted name (`cq_lookup` of its quote.c); other bytes that are not printable ASCII are octal.
_ESCAPES = {ord(char): f"\\{letter}" for char, letter in zip('\a\b\t\n\v\f\r"\\', 'abtnvfr"\\', strict=True)}

#: Characters `start:end` of a text with their replacement; a section with the tree of its new keys.
_Change = tuple[int, int, str]
_Section = tuple[yaml.MappingNode, dict[str, Any]]


class PatchRefused(UsageError):
    """An edit that cannot be made in place without risk; the message carries the override instead."""


def patched(text: str, name: str, edits: Sequence[Edit], prefix: str = "") -> str:
    """Return `text` with `edits` made; Every key in the file begins with `prefix`.

    Raises `PatchRefused` for a stale old value, a block scalar, an anchor, an alias or an interpolation, and if the result does
    not read back as intended: with the new values, and all others unchanged.
    """
    if not edits:
        return text
    for edit in edits:
        if _is_reference(edit.new):
            raise _refuse(
                name, edit, prefix, f"cannot be set to {in_message(edit.new)}, which Hydra would resolve as a reference"
            )
    body = text.removeprefix(_BOM)
    document = yaml_text.document(body, name)
    found = {leaf.path: leaf for leaf in yaml_text.leaves(document.root, name)}
    after = text[: len(text) - len(body)] + _edited(body, document.root, found, name, edits, prefix)
    wrong = _misread(document, {path: leaf.value for path, leaf in found.items()}, after, name, edits, prefix)
    if wrong is not None:
        raise _refuse(name, wrong, prefix, "would not read back as intended if changed in place, or would change another value")
    return after


def require_effect(config: Path, source: str, edits: Sequence[Edit], prefix: str) -> None:
    """Raise `PatchRefused` if an edit of `source` would not change the config at `config`, which includes it."""
    edit = reader.overruled(config, Path(source), edits, prefix)
    if edit is not None:
        raise _refuse(source, edit, prefix, f"would have no effect: a value that {config} includes later overrules it")


def _refuse(name: str, edit: Edit, prefix: str, reason: str) -> PatchRefused:
    spelled = override(edit, override_prefix(name, prefix))
    # a cut or escaped override would be a different one
    fits = spelled.isprintable() and len(spelled) <= _MAX_OVERRIDE and not _is_reference(edit.new)
    return PatchRefused(
        f"{name}: {prefix}{edit.key} {reason}; {f'use the override {spelled}' if fits else 'change it by hand'}"
    )


def _is_reference(value: Value) -> bool:
    """Return True if OmegaConf would not take `value` literally: an interpolation or a missing value."""
    if isinstance(value, tuple):
        return any(_is_reference(part) for part in value)
    return isinstance(value, str) and ("${" in value or value == "???")


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
    # of sections that end at one place the deepest comes first, and a replacement of the last value before them
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
        was = "absent" if edit.absent else in_message(edit.old)
        raise _refuse(name, edit, prefix, f"should be {was} but is {in_message(leaf.value)}")
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
    """Return the section to which a missing key is added, and the key's path below it."""
    if not edit.absent:
        raise _refuse(name, edit, prefix, f"should be {in_message(edit.old)}, but the file does not have this key any more")
    parts = f"{prefix}{edit.key}".split(".")
    parent = root
    while len(parts) > 1:
        pair = next((pair for pair in parent.value if pair[0].value == parts[0]), None)
        if pair is None:
            break
        key, child = pair
        if not isinstance(child, yaml.MappingNode) or child.start_mark.index < key.start_mark.index:
            raise _refuse(
                name, edit, prefix, f"belongs in {parts[0]}:, which is a value or an alias in this file, not a section"
            )
        parent, parts = child, parts[1:]
    if parent.flow_style or not parent.value:
        raise _refuse(name, edit, prefix, "belongs in a section in {...} style, which is not edited in place")
    last_key, last = parent.value[-1]
    if any(key.tag.endswith(":merge") for key, _ in parent.value) or last.start_mark.index < last_key.start_mark.index:
        raise _refuse(name, edit, prefix, "belongs in a section with a YAML alias, which is not edited in place")
    return parent, parts


def _column(section: yaml.MappingNode) -> int:
    column: int = section.value[0][0].start_mark.column
    return column


def _lines_for(body: str, section: yaml.MappingNode, tree: dict[str, Any]) -> _Change:
    """Return the change that adds new keys to a section, after their last sibling."""
    at = _end_of_last_line(body, section.value[-1][1])
    newline = "\r\n" if body[:at].endswith("\r\n") or (at == len(body) and "\r\n" in body) else "\n"
    lines = [" " * _column(section) + line for line in _dump(tree, 0).split("\n")[:-1]]
    lead = "" if at == 0 or body[at - 1] == "\n" else newline
    tail = newline if at < len(body) or not lead else ""
    return at, at, lead + newline.join(lines) + tail


def _end_of_last_line(body: str, node: yaml.Node) -> int:
    """Return the index just past the line on which the last scalar below `node` ends."""
    while isinstance(node, yaml.MappingNode | yaml.SequenceNode) and not node.flow_style and node.value:
        node = node.value[-1][1] if isinstance(node, yaml.MappingNode) else node.value[-1]
    end: int = node.end_mark.index
    if isinstance(node, yaml.ScalarNode) and node.style in ("|", ">"):
        return end
    stop = body.find("\n", end)
    return len(body) if stop < 0 else stop + 1


def _same(left: Value, right: Value) -> bool:
    return left == right and isinstance(left, bool) == isinstance(right, bool)


def _misread(
    before: yaml_text.Document, values: dict[str, Any], after: str, name: str, edits: Sequence[Edit], prefix: str
) -> Edit | None:
    """Return the first edit that our loader or stock PyYAML misreads in `after`, None if all is as intended.

    Both must read the new values there, and all others as `before`. `values` are those that our loader reads there.
    """
    try:
        read = yaml_text.document(after, name)
        ours = {leaf.path: leaf.value for leaf in yaml_text.leaves(read.root, name)}
    except _MISREAD:
        return edits[0]
    wrong = _first_wrong(values, ours, edits, prefix)
    if wrong is not None:
        return wrong
    try:
        return _first_wrong(_flat(before.stock()), _flat(read.stock()), edits, prefix)
    except _MISREAD:
        return edits[0]


def _first_wrong(was: dict[str, Any], now: dict[str, Any], edits: Sequence[Edit], prefix: str) -> Edit | None:
    """Return the first edit that `now` does not have, or whose new value is not all that is new; None if there is none."""
    for edit in edits:
        path = f"{prefix}{edit.key}"
        was.pop(path, None)
        if not _same(now.pop(path, None), edit.new):
            return edit
    return edits[0] if was != now else None


def _flat(content: Any) -> dict[str, Any]:
    values: dict[str, Any] = {}

    def add(node: Any, path: str) -> None:
        if isinstance(node, dict):
            for key, child in node.items():
                add(child, f"{path}.{key}" if path else f"{key}")
        else:
            values[path] = tuple(node) if isinstance(node, list) else node

    add(content, "")
    return values


def _literal(value: Value, style: str | None) -> str:
    """Return `value` as text that every YAML reader reads alike; `style` is the quote of the replaced value."""
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
    """Return a float with a dot, since stock PyYAML reads 1e-05 as text."""
    text = repr(value)
    mantissa, exponent, power = text.partition("e")
    if exponent and "." not in mantissa:
        mantissa += ".0"
    return mantissa + exponent + power


def override(edit: Edit, prefix: str = "") -> str:
    """Return the Hydra override that makes `edit` on the command line; `++` adds a missing key."""
    return f"{'++' if edit.absent else ''}{prefix}{edit.key}={_hydra(edit.new)}"


def override_line(edit: Edit, prefix: str = "") -> str:
    """Return the Hydra override as a line for people and other programs.

    Raises `PatchRefused` for a key that is not the trainer's, and for a value that a line cannot hold or Hydra would resolve.
    """
    line = override(edit, prefix)
    if edit.key not in BY_NAME or prefix not in _PREFIXES:
        shown = shortened(f"{prefix}{edit.key}", yaml_text.MAX_VALUE)
        raise PatchRefused(f"{shown}: not a key of the training config, and Hydra has keys that run code; no override is made")
    if _is_reference(edit.new) or not line.isprintable():
        raise PatchRefused(f"{prefix}{edit.key}: no line of overrides can hold {in_message(edit.new)}; change it by hand")
    return line


def _hydra(value: Value) -> str:
    if isinstance(value, str):
        plain = _PLAIN.match(value) and yaml_text.parse_scalar(value) == value
        if plain and value.lower() not in ("true", "false", "null", "nan", "inf"):  # Hydra reads these in upper or lower case
            return value
        # only a backslash before a quote is an escape
        return "'" + re.sub(r"(\\*)('|\Z)", lambda end: end[1] * 2 + ("\\'" if end[2] else ""), value) + "'"
    if isinstance(value, tuple):
        return f"[{','.join(_hydra(part) for part in value)}]"
    return _float(value) if isinstance(value, float) else spell(value)


def from_hydra(line: str) -> str:
    """Convert a line from `override` for `reader.read`: YAML has no backslash escapes within single quotes."""
    key, _, value = line.partition("=")
    if len(value) < 2 or value[0] != "'" or value[-1] != "'":
        return line
    text = re.sub(r"(\\+)('|\Z)", lambda end: end[1][: len(end[1]) // 2] + end[2], value[1:-1])
    return f"{key}={spell(text)}" if _hydra(text) == value else line


def override_prefix(source: str | None, prefix: str) -> str:
    """Return the prefix of a key on the command line.

    Keys of a file in a Hydra group `experiment` beside its `config.yaml` have the prefix `experiment.` there, though they are
    at the top of the file.
    """
    if prefix or source is None:
        return prefix
    folder = Path(source).resolve().parent
    return "experiment." if folder.name == "experiment" and (folder.parent / "config.yaml").is_file() else ""


def as_yaml(edits: Iterable[Edit], prefix: str = "") -> str:
    """Return only the new values, as a small YAML file."""
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
    """Return a diff of the file at `path` for `git apply` or `patch -p1` in the folder from `diff_place`.

    Raises `PatchRefused` for a path that no file can have.
    """
    return diff_of(before, after, diff_place(path)[1])


def diff_of(before: str, after: str, name: str) -> str:
    """Return a diff of a file that is called `name`, with `/`, in the folder where it is applied.

    Raises `PatchRefused` for a name that no file can have.
    """
    rows = list(difflib.unified_diff(_lines(before), _lines(after), _header("a", name), _header("b", name), lineterm="\n"))
    return "".join(row if row.endswith("\n") else f"{row}\n\\ No newline at end of file\n" for row in rows)


def _lines(text: str) -> list[str]:
    """Split `text` into lines as a diff does, at LF only."""
    return re.findall(r"[^\n]*\n|[^\n]+\Z", text)


def _header(side: str, name: str) -> str:
    """Return a file's name in a diff as git writes it: in quotes unless printable ASCII, and with a tab if it has a space.

    Unlike in git, quotes also enclose a name that ends with a space, which `patch` would drop, and one with `##[`, which
    GitHub's runner would take for a command in a log.
    """
    try:
        raw = os.fsencode(f"{side}/{name}")
    except UnicodeEncodeError:
        raise PatchRefused(f"{shortened(name)}: no file has such a name; no diff is made") from None
    spelled = "".join(_ESCAPES.get(byte) or (chr(byte) if 0x20 <= byte < 0x7F else f"\\{byte:03o}") for byte in raw)
    spelled = spelled.replace("##[", "\\043#[")
    if len(spelled) > len(raw) or spelled.endswith(" "):
        spelled = f'"{spelled}"'
    return f"{spelled}\t" if " " in spelled else spelled


def diff_place(path: str) -> tuple[Path, str]:
    """Return the absolute folder in which a diff of the file at `path` applies, and the file's name there, with `/`.

    This is the current folder if the file lies below it, else the top of the file's repository, else the file's folder. The
    diff of a remote file is for wherever the original lies.
    """
    if names.is_copy(Path(path)):
        return Path(path).parent, Path(path).name
    if ".." in Path(path).parts:  # `link/..` is not the folder of the link
        full = Path(os.path.realpath(Path(path).parent)) / Path(path).name
    else:
        full = Path(os.path.abspath(path))  # noqa: PTH100  # with symlinks kept
    for top in (Path.cwd(), repository(full.parent)):
        if top is not None and full.is_relative_to(top):
            return top, full.relative_to(top).as_posix()
    return full.parent, full.name


def require_own_file(path: str) -> None:
    """Raise `PatchRefused` if `git apply` or `patch -p1` in the current folder would change another file than `path`.

    A diff names its file relative to the folder from `diff_place`; the current folder may have a file of the same name. Of a
    remote file it may be the original.
    """
    if names.is_copy(Path(path)):
        return
    folder, name = diff_place(path)
    require_no_other(Path(path), name, folder)


def require_no_other(path: Path, name: str, folder: Path) -> None:
    """Raise `PatchRefused` if a diff that calls the file at `path` by `name` would change another file in the current folder.

    `folder` is where the diff applies.
    """
    here = Path.cwd()
    for taken in (name, _guessed_by_git(name, here)):
        other = here / taken
        if os.path.lexists(other) and not _same_file(other, path):
            raise PatchRefused(
                f"{path}: no diff: applied in {here}, it would change another file, {taken};"
                f" {f'go to {folder} first, or ' if folder != here else ''}use --write or --emit overrides"
            )


def _guessed_by_git(name: str, here: Path) -> str:
    """Return the file that `git apply` changes for `a/{name}` in a repository's folder `here` (`guess_p_value` of apply.c).

    If the name, or the part after its first folder, begins with the path from the repository's top, git drops that path.
    """
    top = repository(here) or here
    way = "" if top == here else f"{here.relative_to(top).as_posix()}/"
    depth = way.count("/")
    old, new = (depth if f"{side}/{name}".startswith(way) else depth + 1 if name.startswith(way) else 0 for side in ("a", "b"))
    dropped = new if way and new and old in (0, new) else 1
    return "/".join(f"a/{name}".split("/")[dropped:])


def _same_file(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False


def write(path: Path, text: str, weights: str | None = None) -> Path:
    """Replace the config at `path` by `text` atomically, with a backup beside it; return the backup's path.

    `weights` is the SHA-256 of a checkpoint that was trained with the config as it is: the backup's name then has it.
    Raises `InputError` if the file cannot be read or written.
    """
    real = Path(os.path.realpath(path))
    backup = free_backup_of(real, weights)
    try:
        before = real.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot read: {reason(error)}; nothing was changed") from None
    replace_file(backup, before, like=real)
    try:
        replace_file(real, text.encode("utf-8"), own=True)
    except InputError:
        backup.unlink(missing_ok=True)  # since nothing was changed
        raise
    return backup
