"""YAML text to nodes and plain values, with OmegaConf's number semantics and without running anything."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from humouse_doctor.core.errors import UsageError
from humouse_doctor.core.settings import Value

#: Larger than any training config; a guard against reading a data file as one.
_MAX_BYTES = 4_000_000
#: Values read through aliases count each time, so that a bomb of nested aliases ends here.
_MAX_VALUES = 20_000
_MAX_DEPTH = 64

_BOM = "\ufeff"


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader, except that 5e-6 is a number and a date is text, as OmegaConf reads them."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith((":timestamp", ":float"))]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(
        r"^[-+]?(?:"
        r"(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9][0-9_]*)[eE][-+]?[0-9]+"
        r"|[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*"
        r"|[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*"
        r"|\.(?:inf|Inf|INF)"
        r")$|^\.(?:nan|NaN|NAN)$"
    ),
    list("-+.0123456789"),
)

_SCALARS = {f"tag:yaml.org,2002:{kind}" for kind in ("null", "bool", "int", "float", "str")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """A value at its dotted path, with the node it was read from; `aliased` where an alias or a merge led there."""

    path: str
    value: Value
    node: yaml.Node
    aliased: bool


def read_text(path: Path) -> str:
    """The file's text, with its BOM and line ends as they are; raises `UsageError` where it is not a config."""
    try:
        with path.open("rb") as stream:
            data = stream.read(_MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{path}: cannot read the config: {error.strerror or error}") from None
    if len(data) > _MAX_BYTES:
        raise UsageError(f"{path}: larger than {_MAX_BYTES // 1_000_000} MB, not a training config; expected a YAML file")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not UTF-8 text (byte {error.start}); expected a YAML config") from None


def compose(text: str, name: str) -> yaml.MappingNode:
    """The root mapping of `text`; raises `UsageError` that names file and line."""
    try:
        loader = _Loader(text.removeprefix(_BOM))
        try:
            root = loader.get_single_node()
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{name}:{mark.line + 1}" if mark is not None else name
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise UsageError(f"{where}: not valid YAML: {problem}") from None
    except (RecursionError, ValueError) as error:
        problem = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise UsageError(f"{name}: not a config: {problem}") from None
    if not isinstance(root, yaml.MappingNode):
        kind = "empty" if root is None else "not a mapping"
        raise UsageError(f"{name}: the file is {kind}; expected sections such as data:, model: and training:")
    return root


def leaves(root: yaml.MappingNode, name: str) -> Iterator[Leaf]:
    """Every scalar and every list of scalars below `root`, in file order; merges (`<<`) are followed.

    Raises `UsageError` for a duplicate key, a foreign tag, or nesting beyond the budget.
    """
    budget = [_MAX_VALUES]
    yield from _walk(root, "", name, budget, frozenset(), False)


def _walk(
    node: yaml.MappingNode, prefix: str, name: str, budget: list[int], above: frozenset[int], aliased: bool
) -> Iterator[Leaf]:
    if id(node) in above or len(above) > _MAX_DEPTH:
        raise UsageError(f"{name}:{node.start_mark.line + 1}: nested too deeply, or an alias that contains itself")
    above = above | {id(node)}
    seen: dict[str, int] = {}
    for key_node, child in node.value:
        line = key_node.start_mark.line + 1
        budget[0] -= 1
        if budget[0] < 0:
            raise UsageError(f"{name}: more than {_MAX_VALUES} values, aliases counted; not a training config")
        if key_node.tag == "tag:yaml.org,2002:merge":
            merged = child.value if isinstance(child, yaml.SequenceNode) else [child]
            for part in merged:
                if isinstance(part, yaml.MappingNode):
                    yield from _walk(part, prefix, name, budget, above, True)
            continue
        if not isinstance(key_node, yaml.ScalarNode) or key_node.value == "":
            raise UsageError(f"{name}:{line}: a key that is not plain text")
        key = key_node.value
        if key in seen:
            raise UsageError(f"{name}:{line}: the key '{key}' stands twice, first in line {seen[key]}; keep one")
        seen[key] = line
        through_alias = aliased or child.start_mark.index < key_node.start_mark.index
        path = f"{prefix}{key}"
        if isinstance(child, yaml.MappingNode):
            yield from _walk(child, f"{path}.", name, budget, above, through_alias)
        else:
            yield Leaf(path=path, value=_value(child, name, budget, 0), node=child, aliased=through_alias)


def _value(node: yaml.Node, name: str, budget: list[int], depth: int) -> Value:
    line = node.start_mark.line + 1
    if isinstance(node, yaml.ScalarNode):
        return scalar(node, name)
    if isinstance(node, yaml.SequenceNode):
        budget[0] -= len(node.value)
        if budget[0] < 0 or depth > _MAX_DEPTH:
            raise UsageError(f"{name}:{line}: nested too deeply, or more than {_MAX_VALUES} values")
        return tuple(_value(item, name, budget, depth + 1) for item in node.value)
    return None  # a mapping inside a list (Hydra's `defaults:`): nothing the trainer's own keys use


def scalar(node: yaml.ScalarNode, name: str) -> Value:
    """A scalar node's value; raises `UsageError` for a tag that asks for anything but plain data."""
    if node.tag not in _SCALARS:
        raise UsageError(f"{name}:{node.start_mark.line + 1}: the tag {node.tag} is refused; expected a plain value")
    try:
        value: Value = _Loader("").construct_object(node)
    except (yaml.YAMLError, ValueError):
        raise UsageError(f"{name}:{node.start_mark.line + 1}: '{node.value}' is not a {node.tag[18:]}") from None
    return value


def parse_scalar(text: str) -> Value:
    """The value that `text` has where it stands after `key:`; used for command-line overrides."""
    node = yaml.compose(text, Loader=_Loader)
    if node is None:
        return None
    return _value(node, "--set", [_MAX_VALUES], 0)
