"""Config files in many styles, generated so that the place of every value in the text is known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st
from omegaconf import OmegaConf

from humouse_doctor.core.settings import Value

Draw = Callable[[st.SearchStrategy[Any]], Any]

BOM = "\ufeff"


@dataclass(kw_only=True)
class Document:
    """The text, the value at each path, and the span of characters it is written in."""

    text: str = ""
    prefix: str = ""
    newline: str = "\n"
    values: dict[str, Value] = field(default_factory=dict)
    spans: dict[str, tuple[int, int]] = field(default_factory=dict)


_FLAGS = [("true", True), ("false", False), ("on", True), ("No", False)]
_WHOLES = [("0", 0), ("12", 12), ("1_000", 1000), ("0x1F", 31), ("-3", -3)]
_NUMBERS = [("5e-6", 5e-6), ("1.0e-5", 1e-5), ("2", 2), (".5", 0.5), ("1e5", 1e5)]
_TEXTS = [
    ("tanh", "tanh"),
    ("'tanh'", "tanh"),
    ('"tanh"', "tanh"),
    ("'it''s: # not'", "it's: # not"),
    ('"a\\"b\\u00e9"', 'a"bé'),
    ("a/b-c.pt", "a/b-c.pt"),
    ("5e-6x", "5e-6x"),
    ("é日", "é日"),
]
_NULLS: list[tuple[str, Value]] = [("null", None), ("~", None), ("", None)]

_TREE: dict[str, Any] = {
    "data": {"batch_size": _WHOLES, "normalize_sequences": _FLAGS, "dataset_id": _TEXTS},
    "model": {"architecture": _TEXTS, "generator": {"activation_xy": [*_TEXTS, *_NULLS], "hidden_dim": _WHOLES}},
    "training": {
        "absolute_coordinates": _FLAGS,
        "generator_init_path": [*_TEXTS, *_NULLS],
        "lr": {"generator": _NUMBERS, "discriminator": _NUMBERS},
        "reconstruction_epochs": [*_WHOLES, *_NULLS],
    },
}


@st.composite
def documents(draw: Draw) -> Document:
    document = Document(newline=draw(st.sampled_from(["\n", "\r\n"])))
    nested = draw(st.booleans())
    document.prefix = "experiment." if nested else ""
    step = draw(st.integers(1, 4))
    if draw(st.booleans()):
        document.text = BOM
    _lines(document, draw, 0, ["# un commentaire: 'à garder'", "---", "", ""])
    if nested:
        document.text += f"experiment:{_ending(draw)}{document.newline}"
    _section(document, draw, _TREE, document.prefix, step if nested else 0, step)
    if draw(st.booleans()):
        document.text = document.text.removesuffix(document.newline)
    return document


def _section(document: Document, draw: Draw, tree: Mapping[str, Any], prefix: str, indent: int, step: int) -> None:
    for name in draw(st.permutations(list(tree))):
        child = tree[name]
        _lines(document, draw, indent, ["", "# note: {a: 1}", "#", ""])
        document.text += f"{' ' * indent}{name}:"
        if isinstance(child, list):
            _leaf(document, draw, f"{prefix}{name}", child, _ending)
            document.text += document.newline
        elif all(isinstance(leaf, list) for leaf in child.values()) and name != "data" and draw(st.booleans()):
            _flow(document, draw, child, f"{prefix}{name}.")
            document.text += f"{_ending(draw)}{document.newline}"
        else:
            document.text += f"{_ending(draw)}{document.newline}"
            _section(document, draw, child, f"{prefix}{name}.", indent + step, step)


def _flow(document: Document, draw: Draw, tree: Mapping[str, Any], prefix: str) -> None:
    opening = " {"
    for name, leaves in tree.items():
        document.text += f"{opening}{draw(st.sampled_from(['', ' ']))}{name}:"
        _leaf(document, draw, f"{prefix}{name}", leaves, lambda draw: str(draw(st.sampled_from(["", " "]))))
        opening = ","
    document.text += "}"


def _leaf(document: Document, draw: Draw, path: str, leaves: list[tuple[str, Value]], ending: Callable[[Draw], str]) -> None:
    spelled, value = draw(st.sampled_from(leaves))
    document.text += " " * draw(st.integers(1, 3)) if spelled else ""
    document.values[path] = value
    document.spans[path] = len(document.text), len(document.text) + len(spelled)
    document.text += spelled + ending(draw)


def _ending(draw: Draw) -> str:
    return str(draw(st.sampled_from(["", "", "  ", "  # why: 'so'", " #"])))


def _lines(document: Document, draw: Draw, indent: int, choices: list[str]) -> None:
    line = draw(st.sampled_from(choices))
    if line:
        document.text += f"{' ' * (0 if line == '---' else indent)}{line}{document.newline}"


def flat(node: Any, prefix: str = "") -> dict[str, Any]:
    """Return the values of a nested dictionary by dotted path."""
    if not isinstance(node, dict):
        return {prefix: node}
    return {
        name: leaf for key, child in node.items() for name, leaf in flat(child, f"{prefix}.{key}" if prefix else key).items()
    }


def as_omegaconf_reads(text: str) -> dict[str, Any]:
    """Return the values that OmegaConf reads, by dotted path; interpolations stay as they are written."""
    return flat(OmegaConf.to_container(OmegaConf.create(text), resolve=False))
