"""Parsing of YAML text into nodes and plain values, with OmegaConf's reading of numbers and without running anything."""

from __future__ import annotations

import functools
import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from humouse_doctor.core.errors import UsageError
from humouse_doctor.core.settings import Value
from humouse_doctor.core.text import reason, shortened
from humouse_doctor.inputs.files import open_regular

#: More bytes than any training config has, so that a data file is not read as one.
_MAX_BYTES = 500_000
#: Values reached through aliases count each time, so that this also stops a bomb of nested aliases.
_MAX_VALUES = 10_000
#: Hydra takes milliseconds to read an interpolation, so each counts as this many values.
_PER_INTERPOLATION = 20
#: Characters of all values and their paths; a long key counts once for each value below it.
_MAX_TEXT = 5_000_000
_MAX_DEPTH = 64
#: No trainer could use a longer number, and reading one takes time that grows with its length.
_MAX_NUMBER = 400
#: Characters of a text whose nodes are kept for the next who reads it; they take some hundred times as much memory.
_KEPT_CHARACTERS = 20_000
#: Characters of a value out of a file that a message has room for.
MAX_VALUE = 120

_BOM = "\ufeff"


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader, except that 5e-6 is a number and a date is text, as in OmegaConf.

    It stops at more or deeper nodes than a config has, before they cost time or exhaust the stack.
    """

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._nodes = self._depth = 0
        self.events: list[yaml.Event] = []

    def get_event(self) -> yaml.Event:
        """Return the next event, and keep it for `Document.stock`."""
        event: yaml.Event = super().get_event()  # type: ignore[no-untyped-call]  # unannotated in PyYAML's stubs
        self.events.append(event)
        return event

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Compose the next node; raise `ComposerError` beyond the bounds."""
        self._nodes += 1
        self._depth += 1
        if self._depth > _MAX_DEPTH or self._nodes > 2 * _MAX_VALUES:
            problem = "nested too deeply" if self._depth > _MAX_DEPTH else f"more than {_MAX_VALUES} values"
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(None, None, problem, mark)
        node: yaml.Node | None = super().compose_node(parent, index)
        self._depth -= 1
        return node


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
# Numbers that PyYAML takes for text; .5e3 and -.5 stay text, as in OmegaConf.
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?[0-9]+(?:_[0-9]+)*(?:\.[0-9_]*)?[eE][-+]?[0-9]+$"),
    list("-+0123456789"),
)

_PLAIN_TAGS = {f"tag:yaml.org,2002:{kind}" for kind in ("null", "bool", "int", "float", "str", "map", "seq")}

#: A lone = as a key is text.
_TEXT_KEY_TAGS = ("tag:yaml.org,2002:str", "tag:yaml.org,2002:value")

#: PyYAML's own errors, and those it lets through: for deep nesting, and for escapes such as \UFFFFFFFF.
_MISREAD = (yaml.YAMLError, RecursionError, ValueError, OverflowError)


class _Replay(yaml.SafeLoader):
    """PyYAML's safe loader, of a text whose events are known: to scan a text is most of reading it."""

    def __init__(self, events: Sequence[yaml.Event]) -> None:
        yaml.composer.Composer.__init__(self)
        yaml.constructor.SafeConstructor.__init__(self)
        yaml.resolver.Resolver.__init__(self)
        self._left = deque(events)

    def check_event(self, *choices: Any) -> bool:
        """Return True if an event is left, and the next is one of `choices` if there are any."""
        return bool(self._left) and (not choices or isinstance(self._left[0], choices))

    def peek_event(self) -> yaml.Event:
        """Return the next event and leave it there."""
        return self._left[0]

    def get_event(self) -> yaml.Event:
        """Return the next event."""
        return self._left.popleft()


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A text's root mapping as this package's loader composes it, and the events it is composed of."""

    root: yaml.MappingNode
    events: tuple[yaml.Event, ...]

    def stock(self) -> Any:
        """Return the values as `yaml.safe_load` reads them; raise what it raises."""
        return _Replay(self.events).get_single_data()


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """A value at its dotted path, with the node it was read from.

    `aliased` is True if an alias or a merge led there.
    """

    path: str
    value: Value
    node: yaml.Node
    aliased: bool


def read_text(path: Path) -> str:
    """Return the file's text with its BOM and line ends; raise `UsageError` if it cannot be a config."""
    try:
        with open_regular(path) as stream:
            data = stream.read(_MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{path}: cannot read the config: {reason(error)}") from None
    if len(data) > _MAX_BYTES:
        raise UsageError(f"{path}: larger than {_MAX_BYTES // 1000} kB, not a training config; expected a YAML file")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not UTF-8 text (byte {error.start}); expected a YAML config") from None


def compose(text: str, name: str) -> yaml.MappingNode:
    """Return the root mapping of `text`; raise `UsageError` with file and line."""
    return document(text, name).root


def document(text: str, name: str) -> Document:
    """Return `text` as a document; raise `UsageError` with file and line unless its root is a mapping."""
    root, events = _root(text, name)
    if not isinstance(root, yaml.MappingNode):
        kind = "empty" if root is None else "not a mapping"
        raise UsageError(f"{name}: the file is {kind}; expected sections such as data:, model: and training:")
    return Document(root=root, events=events)


def _root(text: str, name: str) -> tuple[yaml.Node | None, tuple[yaml.Event, ...]]:
    if text.startswith(2 * _BOM):
        raise UsageError(f"{name}:1: two byte order marks, and YAML reads the second as part of the first key; keep one")
    try:
        return _composed(text) if len(text) > _KEPT_CHARACTERS else _kept(text)
    except _MISREAD as error:
        raise UsageError(f"{name}{_line(error, text)}: not valid YAML: {_problem(error)}") from None


def _composed(text: str) -> tuple[yaml.Node | None, tuple[yaml.Event, ...]]:
    loader = _Loader(text)  # skips one mark, which counts in the indices of later nodes
    try:
        root: yaml.Node | None = loader.get_single_node()
    finally:
        loader.dispose()
    return root, tuple(loader.events)


#: A command reads a config again to compare it, to patch it and to look at the patch, and the runs of a sweep have one text.
#: Nobody changes the nodes.
_kept = functools.lru_cache(maxsize=8)(_composed)


def _line(error: Exception, text: str) -> str:
    """Return `:line` of the error, empty if unknown."""
    mark = getattr(error, "problem_mark", None)
    if mark is not None:
        return f":{mark.line + 1}"
    if isinstance(error, yaml.reader.ReaderError):
        return f":{text.count(chr(10), 0, error.position) + 1}"
    return ""


def _problem(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "nested too deeply"
    return shortened(str(getattr(error, "problem", None) or str(error).splitlines()[0]), 200)


def leaves(root: yaml.MappingNode, name: str) -> Iterator[Leaf]:
    """Yield every scalar and every list of scalars below `root`; merges (`<<`) are followed.

    Raises `UsageError` for a duplicate key, a null key, a foreign tag, or content beyond the budget.
    """
    budget = [_MAX_VALUES, _MAX_TEXT]
    yield from _walk(root, "", name, budget, frozenset(), False)


def below(prefix: str, key: object) -> str:
    """Return the dotted path of `key` in the section at `prefix`, which ends with a dot.

    A key that is not text to OmegaConf (`on` is True, `01` is 1), or that contains a dot, is quoted.
    """
    return f"{prefix}{key}" if isinstance(key, str) and "." not in key else f"{prefix}'{key}'"


def require_plain(text: str, name: str) -> int:
    """Return the number of values in `text`, YAML of any shape; raise `UsageError` unless it is plain data within bounds."""
    root, _ = _root(text, name)
    budget = [_MAX_VALUES, _MAX_TEXT]
    if isinstance(root, yaml.MappingNode):
        for _ in _walk(root, "", name, budget, frozenset(), False):
            pass
    elif root is not None:
        _value(root, name, budget, 0)
    return _MAX_VALUES - budget[0]


def _walk(
    node: yaml.MappingNode, prefix: str, name: str, budget: list[int], above: frozenset[int], aliased: bool
) -> Iterator[Leaf]:
    for key, (key_node, child, merged) in _entries(node, name, budget, above).items():
        through_alias = aliased or merged or child.start_mark.index < key_node.start_mark.index
        path = below(prefix, key)
        if isinstance(child, yaml.MappingNode):
            yield from _walk(child, f"{path}.", name, budget, above | {id(node)}, through_alias)
        else:
            _spend(budget, child, name, text=len(path))
            yield Leaf(path=path, value=_value(child, name, budget, 0), node=child, aliased=through_alias)


def _entries(
    node: yaml.MappingNode, name: str, budget: list[int], above: frozenset[int]
) -> dict[Value, tuple[yaml.Node, yaml.Node, bool]]:
    """Return, by key: its node, its value's node, and True if it was merged.

    Own keys win over merged ones, and the first merge wins over later ones.
    """
    if id(node) in above or len(above) > _MAX_DEPTH:
        raise UsageError(f"{name}:{node.start_mark.line + 1}: nested too deeply, or an alias that contains itself")
    _refuse_foreign_tag(node, name)
    seen: dict[Value, int] = {}
    own: dict[Value, tuple[yaml.Node, yaml.Node, bool]] = {}
    merged: dict[Value, tuple[yaml.Node, yaml.Node, bool]] = {}
    for key_node, child in node.value:
        line = key_node.start_mark.line + 1
        _spend(budget, key_node, name, values=1 + _interpolations(key_node))
        key = _key(key_node, name)
        if key in seen:
            spelled = shortened(key_node.value)
            raise UsageError(f"{name}:{line}: the key '{spelled}' appears twice, first in line {seen[key]}; keep one")
        seen[key] = line
        if key is not None:
            own[key] = key_node, child, False
            continue
        for part in child.value if isinstance(child, yaml.SequenceNode) else [child]:
            if not isinstance(part, yaml.MappingNode):
                raise UsageError(f"{name}:{line}: << merges a value that is not a section; expected an alias of a section")
            for shared, (where, value, _) in _entries(part, name, budget, above | {id(node)}).items():
                merged.setdefault(shared, (where, value, True))
    return {**merged, **own}


def _key(node: yaml.Node, name: str) -> Value:
    """Return a key as OmegaConf reads it: text, a number, or a boolean; None for a merge. Raises `UsageError` for others."""
    if not isinstance(node, yaml.ScalarNode) or node.value == "":
        raise UsageError(f"{name}:{node.start_mark.line + 1}: a key is empty, a list or a section; expected plain text")
    if node.tag in _TEXT_KEY_TAGS:
        return str(node.value)
    if node.tag == "tag:yaml.org,2002:merge":
        return None
    key = scalar(node, name)
    if key is None:
        line = node.start_mark.line + 1
        raise UsageError(
            f"{name}:{line}: the key {shortened(node.value)} means null, which OmegaConf does not accept as a key; quote it"
        )
    return key


def _value(node: yaml.Node, name: str, budget: list[int], depth: int) -> Value:
    if isinstance(node, yaml.ScalarNode):
        _spend(budget, node, name, values=_interpolations(node), text=len(node.value))
        return scalar(node, name)
    _refuse_foreign_tag(node, name)
    if depth > _MAX_DEPTH:
        raise UsageError(f"{name}:{node.start_mark.line + 1}: nested too deeply")
    if isinstance(node, yaml.SequenceNode):
        _spend(budget, node, name, values=len(node.value))
        return tuple(_value(item, name, budget, depth + 1) for item in node.value)
    # A mapping inside a list (as in Hydra's `defaults:`) holds none of the trainer's keys. It counts nevertheless, since
    # other readers of the file would follow it.
    assert isinstance(node, yaml.MappingNode)
    for _, child, _ in _entries(node, name, budget, frozenset()).values():
        _value(child, name, budget, depth + 1)
    return None


def _interpolations(node: yaml.Node) -> int:
    """Return the number of values that a scalar's interpolations count as."""
    return _PER_INTERPOLATION * node.value.count("${") if isinstance(node, yaml.ScalarNode) else 0


def _spend(budget: list[int], node: yaml.Node, name: str, values: int = 0, text: int = 0) -> None:
    budget[0] -= values
    budget[1] -= text
    if min(budget) < 0:
        most = f"more than {_MAX_VALUES} values or {_MAX_TEXT // 1_000_000} MB of text and paths"
        counted = f"aliases counted and an interpolation as {_PER_INTERPOLATION}"
        raise UsageError(f"{name}:{node.start_mark.line + 1}: {most}, {counted}; not a training config")


def _refuse_foreign_tag(node: yaml.Node, name: str) -> None:
    if node.tag not in _PLAIN_TAGS:
        raise UsageError(
            f"{name}:{node.start_mark.line + 1}: the tag {shortened(node.tag)} is not allowed; expected a plain value"
        )


def scalar(node: yaml.ScalarNode, name: str) -> Value:
    """Return a scalar node's value; raise `UsageError` for a tag of anything but plain data."""
    _refuse_foreign_tag(node, name)
    kind = node.tag.rpartition(":")[2]
    try:
        if kind in ("int", "float") and len(node.value) > _MAX_NUMBER:
            raise ValueError("too long")
        value: Value = yaml.constructor.SafeConstructor().construct_object(node)  # made much faster than a loader
    # PyYAML indexes the empty text of `!!int ""`, and multiplies 1:1:1.5 beyond the range of a float
    except (yaml.YAMLError, ValueError, LookupError, OverflowError):
        raise UsageError(f"{name}:{node.start_mark.line + 1}: '{shortened(node.value)}' cannot be read as {kind}") from None
    return value


def double_quoted(text: str) -> str:
    """Return `text` as a YAML string on one line, whatever characters it has."""
    inner = "".join(char if char.isprintable() and char not in '"\\' else f"\\U{ord(char):08x}" for char in text)
    return f'"{inner}"'


def parse_scalar(text: str, name: str = "--set") -> Value:
    """Return the value of `text` as if it stood after `key:`, for command-line overrides.

    Raises `UsageError`, which begins with `name`, for text that is not a value.
    """
    try:
        node = yaml.compose(text, Loader=_Loader)
    except _MISREAD as error:
        raise UsageError(f"{name}: not a YAML value: {_problem(error)}") from None
    if node is None:
        return None
    if isinstance(node, yaml.MappingNode):
        raise UsageError(f"{name}: a whole section; expected a single value or a list")
    return _value(node, name, [_MAX_VALUES, _MAX_TEXT], 0)
