"""Pickles written by hand, opcode by opcode in protocol 2, so that they reach the list of what may be called."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

PROTOCOL = b"\x80\x02"
STOP = b"."
EMPTY = b"()"


def word(text: str) -> bytes:
    data = text.encode("utf-8", "surrogatepass")
    return b"X" + struct.pack("<I", len(data)) + data


def number(value: int) -> bytes:
    if -(1 << 31) <= value < 1 << 31:
        return b"J" + struct.pack("<i", value)
    data = value.to_bytes((value.bit_length() + 8) // 8, "little", signed=True)
    return b"\x8a" + bytes([len(data)]) + data


def name(path: str) -> bytes:
    module, _, last = path.rpartition(".")
    return b"c" + f"{module}\n{last}\n".encode()


def tuple_of(*items: bytes) -> bytes:
    return b"(" + b"".join(items) + b"t"


def list_of(*items: bytes) -> bytes:
    return b"](" + b"".join(items) + b"e"


def dict_of(**items: bytes) -> bytes:
    return pairs(*((word(key), value) for key, value in items.items()))


def pairs(*items: tuple[bytes, bytes]) -> bytes:
    return b"}(" + b"".join(key + value for key, value in items) + b"u"


def call(path: str, *arguments: bytes) -> bytes:
    return name(path) + tuple_of(*arguments) + b"R"


def new(path: str, *arguments: bytes) -> bytes:
    return name(path) + tuple_of(*arguments) + b"\x81"


def built(thing: bytes, state: bytes) -> bytes:
    return thing + state + b"b"


def storage(key: str, numel: int, kind: str = "torch.FloatStorage", device: str = "cpu") -> bytes:
    return tuple_of(word("storage"), name(kind), word(key), word(device), number(numel)) + b"Q"


def tensor(
    held: bytes, shape: tuple[int, ...], stride: tuple[int, ...] | None = None, offset: int = 0, hooks: bytes | None = None
) -> bytes:
    steps = stride if stride is not None else tuple(_product(shape[place + 1 :]) for place in range(len(shape)))
    return call(
        "torch._utils._rebuild_tensor_v2",
        held,
        number(offset),
        tuple_of(*map(number, shape)),
        tuple_of(*map(number, steps)),
        b"\x89",
        call("collections.OrderedDict") if hooks is None else hooks,
    )


def _product(sizes: tuple[int, ...]) -> int:
    found = 1
    for size in sizes:
        found *= size
    return found


def archive(path: Path, value: bytes, records: dict[str, bytes] | None = None, **members: bytes) -> Path:
    """An archive as `torch.save` lays it out, around the pickle of `value`; `records` are storages by key."""
    found = {"data.pkl": PROTOCOL + value + STOP, "byteorder": b"little", "version": b"3\n", **members}
    with zipfile.ZipFile(path, "w") as made:
        for member, data in found.items():
            made.writestr(f"archive/{member}", data)
        for key, data in (records or {}).items():
            made.writestr(f"archive/data/{key}", data)
    return path
