"""Data as it comes in from outside: arrays, caches and sessions, broken or made to do harm; each with what may come of it.

Good gestures stand beside the trap wherever they can, so that the trap alone decides.
"""

from __future__ import annotations

import io
import json
import os
import pickle
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from humouse_doctor.core.arrays import AnyArray, FloatArray
from tests.hostile.archives import write_many

Write = Callable[[Path], object]

HEADER = "record timestamp,client timestamp,button,state,x,y"
#: What a planted pickle makes, if it is ever loaded.
SENTINEL = "ran"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Data to be written to a path, and words of the line that refuses it; where it has to be read, of the report."""

    family: str
    name: str
    write: Write
    says: str
    usable: bool = False
    suffix: str = ""


def cases() -> list[Case]:
    """All of them; a family's names differ."""
    return [
        *_of("npy", _npy(), ".npy"),
        *_of("npy header", _npy_headers(), ".npy"),
        *_of("npy values", _npy_values(), ".npy"),
        *_of("npz", _npz(), ".npz"),
        *_of("npz beside", _npz_beside(), ".npz"),
        *_of("meta", _meta(), ".npz"),
        *_of("session", _sessions(), ""),
        *_of("folder", _folders(), ""),
        *_of("place", _places(), ".npz"),
    ]


def used(write: Write, says: str = "") -> tuple[Write, str, bool]:
    """A case to be reported on, with these words somewhere in the report."""
    return write, says, True


def refused(write: Write, says: str) -> tuple[Write, str, bool]:
    """A case to be refused with these words."""
    return write, says, False


Found = dict[str, tuple[Write, str, bool]]


def _of(family: str, found: Found, suffix: str) -> list[Case]:
    return [
        Case(family=family, name=name, write=write, says=says, usable=usable, suffix=suffix)
        for name, (write, says, usable) in found.items()
    ]


def moving(count: int = 32, steps: int = 12, channels: int = 3) -> FloatArray:
    """Gestures as they should be, (N, T, K)."""
    values: FloatArray = np.random.default_rng(0).normal(size=(count, steps, channels)).astype(np.float32)
    return values


def saved(array: AnyArray) -> Write:
    def write(path: Path) -> None:
        with path.open("wb") as stream:
            np.lib.format.write_array(stream, np.asarray(array), version=(2, 0))

    return write


def raw(data: bytes) -> Write:
    return lambda path: path.write_bytes(data)


def npy(header: bytes, data: bytes = b"", version: int = 1) -> bytes:
    """A `.npy` file with a header of one's own."""
    length = struct.pack("<H" if version == 1 else "<I", len(header))
    return b"\x93NUMPY" + bytes([version, 0]) + length + header + data


def described(shape: str, kind: str = "'<f4'", data: bytes = b"", order: str = "False") -> Write:
    text = f"{{'descr': {kind}, 'fortran_order': {order}, 'shape': {shape}, }}\n"
    return raw(npy(text.encode(), data))


def bytes_of(array: AnyArray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


class _Planted:
    """Runs a command wherever it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {SENTINEL}",)


def _pickled(path: Path) -> None:
    array = np.empty((4, 3, 2), dtype=object)
    array[:] = _Planted()
    with path.open("wb") as stream:
        np.lib.format.write_array(stream, array, allow_pickle=True)


def _npy() -> Found:
    whole = bytes_of(moving())
    structured = np.zeros((4, 3, 2), dtype=[("dx", "f4"), ("dy", "f4")])
    return {
        "a pickle that would run": refused(_pickled, "the array's type is object, not numbers"),
        "a bare pickle": refused(raw(pickle.dumps(_Planted())), "neither a .npz nor a .npy file"),
        "structured": refused(saved(structured), "not numbers"),
        "big-endian": used(saved(moving().astype(">f8"))),
        "half floats": used(saved(moving().astype(np.float16))),
        "long doubles": used(saved(moving().astype(np.longdouble))),
        "bytes": used(saved(np.arange(720, dtype=np.uint8).reshape(20, 12, 3))),
        "complex": refused(saved(moving().astype(complex)), "type is complex128, not numbers"),
        "booleans": refused(saved(moving() > 0), "type is bool, not numbers"),
        "dates": refused(saved(np.zeros((4, 3, 2), dtype="M8[s]")), "not numbers"),
        "spans of time": refused(saved(np.zeros((4, 3, 2), dtype="m8[s]")), "not numbers"),
        "text": refused(saved(np.full((4, 3, 2), "1.0")), "not numbers"),
        "void": refused(saved(np.zeros((4, 3, 2), dtype="V8")), "not numbers"),
        "no gesture": refused(saved(moving(0)), "no usable sequence (it is empty)"),
        "no step": refused(saved(np.zeros((4, 0, 3))), "is not that of gestures"),
        "one channel": refused(saved(np.ones((4, 3, 1))), "it holds a (4, 3, 1)"),
        "no channel": refused(saved(np.ones((4, 3, 0))), "it holds a (4, 3, 0)"),
        "a row": refused(saved(np.ones(64)), "it holds a (64,)"),
        "a number": refused(saved(np.ones(())), "it holds a ()"),
        "four axes": refused(saved(np.ones((2, 2, 2, 2))), "it holds a (2, 2, 2, 2)"),
        "thirty-two axes": refused(saved(np.ones((1,) * 32)), "it holds a (1, 1, 1"),
        "Fortran order": refused(saved(np.asfortranarray(moving())), "save it with numpy.ascontiguousarray"),
        "one gesture": used(saved(moving(1))),
        "one step": used(saved(moving(32, 1))),
        "one number": used(saved(np.ones((1, 1, 2)))),
        "ten thousand channels": used(saved(moving(4, 2, 10_000))),
        "long gestures without number": refused(saved(np.ones((2100, 4200, 2), np.float16)), "give a smaller --max-sequences"),
        "a gesture of megabytes": refused(saved(np.ones((1, 3 << 20, 2))), "is not that of gestures"),
        "bytes behind": used(raw(whole + b"\x00" * 999)),
        "nothing": refused(raw(b""), "neither a .npz nor a .npy file"),
        **{
            f"cut after {end}": refused(raw(whole[:end]), says)
            for end, says in {
                3: "neither a .npz nor a .npy file",
                6: "reading magic string",
                7: "reading magic string",
                9: "has a header that describes no array",
                60: "has a header that describes no array",
                128: "holds fewer bytes",
                129: "holds fewer bytes",
                len(whole) - 1: "holds fewer bytes",
            }.items()
        },
    }


def _npy_headers() -> Found:
    row = "{'descr': '<f4', 'fortran_order': False, 'shape': (4, 3, 2), }"
    four = np.ones((4, 3, 2), np.float32).tobytes()

    def header(text: str | bytes, version: int = 1) -> Write:
        return raw(npy(text if isinstance(text, bytes) else text.encode(), four, version))

    def many(opening: str, closing: str = "", count: int = 9_000) -> Write:
        return header(opening * count + "1" + closing * count)

    return {
        "as it should be": used(header(row)),
        "a list": refused(header("['<f4', False, (4, 3, 2)]"), "has a header that describes no array"),
        "an expression": refused(
            header(f"__import__('os').system('touch {SENTINEL}')"), "has a header that describes no array"
        ),
        "a key too many": refused(header(row.replace("}", "'x': 1}")), "has a header that describes no array"),
        "a key twice": used(header(row.replace("}", "'shape': (4, 3, 2)}"))),
        "an endless power": refused(header(row.replace("(4", "(9**9**9**9")), "has a header that describes no array"),
        "parentheses": refused(many("(", ")", 4_500), "has a header that describes no array"),
        "lists in lists": refused(many("[", "]", 4_500), "has a header that describes no array"),
        "minus signs": refused(many("-"), "has a header that describes no array"),
        "sums": refused(many("1+"), "has a header of 18,001 bytes"),
        "attributes": refused(header("a" + ".a" * 4_500), "has a header that describes no array"),
        "ten megabytes": refused(header(row + " " * (10 << 20), 2), "has a header of 10,485,8"),
        "a length of gigabytes": refused(
            raw(b"\x93NUMPY\x02\x00\xff\xff\xff\xff" + b" " * 99), "has a header of 4,294,967,295"
        ),
        "NULs": refused(header(b"\x00" * 64), "has a header that describes no array"),
        "not ASCII": refused(header(b"\xff\xfe\xfd"), "has a header that describes no array"),
        "not UTF-8": refused(header(b"\xff\xfe\xfd", 3), "has a header that describes no array"),
        "terminal escapes": refused(header("{'\x1b[2J\\x1b]0;owned\\x07': 1}"), "has a header that describes no array"),
        "version 9": refused(header(row, 9), "unknown version (9, 0)"),
        "version 0": refused(header(row, 0), "unknown version (0, 0)"),
        "no header": refused(header(""), "has a header that describes no array"),
        "no shape": refused(described("None"), "has a header that describes no array"),
        "a negative extent": refused(described("(-4, 3, 2)", data=four), "holds fewer bytes"),
        "two negative extents": refused(described("(4, -3, -2)", data=four), "holds fewer bytes"),
        "2**62 gestures": refused(described(f"({1 << 62}, 3, 2)", data=four), "holds fewer bytes"),
        "2**200 gestures": refused(described(f"({1 << 200}, 3, 2)", data=four), "has a header that describes no array"),
        "2**31 channels": refused(described(f"(4, 3, {1 << 31})", data=four), "holds fewer bytes"),
        "no gesture of 2**62 steps": refused(described(f"(0, {1 << 62}, 3)", data=four), "is not that of gestures"),
        "four thousand digits": refused(described(f"({'9' * 4000}, 3, 2)", data=four), "has a header that describes no array"),
        "nine thousand digits": refused(described(f"({'9' * 9000}, 3, 2)", data=four), "has a header that describes no array"),
        "hexadecimal digits": refused(described(f"(0x{'f' * 9000}, 3, 2)", data=four), "has a header that describes no array"),
        "a shape of booleans": refused(described("(True, True, True)", data=four), "has a header that describes no array"),
        "a boolean for the gestures": refused(described("(True, 3, 2)", data=four), "has a header that describes no array"),
        "a shape of text": refused(described("('4', '3', '2')", data=four), "has a header that describes no array"),
        "a shape of floats": refused(described("(4.0, 3.0, 2.0)", data=four), "has a header that describes no array"),
        "an order in words": refused(described("(4, 3, 2)", order="'no'", data=four), "has a header that describes no array"),
        "an unknown type": refused(described("(4, 3, 2)", "'<q9'", four), "has a header that describes no array"),
        "a type of code": refused(described("(4, 3, 2)", "'os.system'", four), "has a header that describes no array"),
        "objects without a pickle": refused(described("(4, 3, 2)", "'|O'", four), "type is object"),
        "types in types": refused(
            described("(4, 3, 2)", "[('a', " * 500 + "'<f4'" + ")]" * 500, four), "has a header that describes no array"
        ),
        "a type of sub-arrays": refused(
            described("(4, 3, 2)", f"[('a', '<f4', ({1 << 30},))]", four), "has a header that describes no array"
        ),
        "a type of no bytes": refused(described("(4, 3, 2)", "'S0'"), "not numbers"),
        "a type of gigabytes": refused(described("(4, 3, 2)", f"'V{1 << 30}'", four), "holds fewer bytes"),
        "the header of Python 2": used(described("(4L, 3L, 2L)", data=four)),
    }


def _npy_values() -> Found:
    good = moving()

    def partly(value: float, kind: str = "f8") -> AnyArray:
        values = good.astype(kind)
        values[::2, 3, 1] = value
        return values

    def all_of(value: float, kind: str = "f8") -> Write:
        return saved(np.full((8, 12, 3), value, dtype=kind))

    left_out = "16 with NaN, infinite or overly large values"
    return {
        "NaN": refused(all_of(np.nan), "no usable sequence (8 with NaN"),
        "infinity": refused(all_of(-np.inf), "no usable sequence (8 with NaN"),
        "1e308": refused(all_of(1e308), "no usable sequence (8 with NaN"),
        "beyond a half float": refused(all_of(np.inf, "f2"), "no usable sequence (8 with NaN"),
        "zero": refused(all_of(0.0), "no usable sequence (8 empty)"),
        "minus zero": refused(all_of(-0.0), "no usable sequence (8 empty)"),
        "1e-310": refused(all_of(1e-310), "no usable sequence (8 empty)"),
        "a signalling NaN": refused(described("(1, 1, 2)", data=b"\x01\x00\xa0\x7f" * 2), "no usable sequence (1 with NaN"),
        "some NaN": used(saved(partly(np.nan)), left_out),
        "some infinite": used(saved(partly(np.inf)), left_out),
        "some 1e308": used(saved(partly(1e308)), left_out),
        "some 1e19": used(saved(partly(1e19))),
        "1e18": used(all_of(1e18)),
        "1e-40": used(all_of(1e-40)),
        "spread of 1e-40": used(saved(good.astype("f8") * 1e-40)),
        "spread of 1e18": used(saved(good.astype("f8") * 1e18)),
        "one value": used(all_of(3.0)),
        "the largest whole number": refused(all_of(np.iinfo(np.int64).max, "i8"), "(8 with NaN, infinite or overly large"),
        "the smallest whole number": refused(all_of(np.iinfo(np.int64).min, "i8"), "(8 with NaN, infinite or overly large"),
        "the largest without a sign": refused(all_of(np.iinfo(np.uint64).max, "u8"), "(8 with NaN, infinite or overly large"),
        "one step in a thousand": used(saved(np.eye(1, 12_000).reshape(1, 4_000, 3))),
        "up and down": used(saved(np.tile([1e9, -1e9], 8 * 6 * 2).reshape(8, 12, 2))),
    }


def zipped(*members: tuple[str, bytes], method: int = zipfile.ZIP_STORED) -> Write:
    def write(path: Path) -> None:
        with zipfile.ZipFile(path, "w", method) as made:
            for name, data in members:
                made.writestr(zipfile.ZipInfo(name), data, method)

    return write


def changed(write: Write, change: Callable[[bytes], bytes]) -> Write:
    def changing(path: Path) -> None:
        write(path)
        path.write_bytes(change(path.read_bytes()))

    return changing


def replaced(write: Write, old: bytes, new: bytes) -> Write:
    return changed(write, lambda data: data.replace(old, new))


def _cut(write: Write, eighths: int) -> Write:
    return changed(write, lambda data: data[: len(data) * eighths // 8])


def _flagged(data: bytes) -> bytes:
    """The same archive with every member marked as encrypted."""
    out = bytearray(data)
    for magic, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.find(magic)
        while at >= 0:
            out[at + place] |= 1
            at = data.find(magic, at + 4)
    return bytes(out)


def _stated(write: Write, place: int, value: int) -> Write:
    """The same archive with another number in its table of contents: 16 for the checksum, 20 and 24 for the sizes."""

    def change(data: bytes) -> bytes:
        at = data.index(b"PK\x01\x02") + place
        return data[:at] + struct.pack("<I", value) + data[at + 4 :]

    return changed(write, change)


def _bomb(gestures: int, names: Iterable[str] = ("sequences.npy",)) -> Write:
    """Zeros that inflate to so many gestures of 2,560 bytes, as a program that knows the trick would pack them."""

    def write(path: Path) -> None:
        text = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({gestures}, 64, 10), }}\n"
        head = npy(text.encode())
        size = gestures * 2560
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        block = bytes(1 << 20)
        packed = [
            packer.compress(head),
            *(packer.compress(block) for _ in range(min(size, 64 << 20) >> 20)),
            packer.compress(bytes(size % (1 << 20))),
            packer.flush(),
        ]
        data = b"".join(packed)
        checksum = zlib.crc32(bytes(size), zlib.crc32(head)) if size <= 64 << 20 else 0
        with path.open("wb") as stream:
            directory = []
            for name in names:
                sizes = struct.pack("<IIIHH", checksum, len(data), min(size + len(head), 0xFFFFFFF0), len(name), 0)
                directory.append(
                    b"PK\x01\x02" + struct.pack("<HHHHHH", 20, 20, 0, 8, 0, 33) + sizes
                    + struct.pack("<HHHII", 0, 0, 0, 0, stream.tell()) + name.encode()
                )  # fmt: skip
                stream.write(b"PK\x03\x04" + struct.pack("<HHHHH", 20, 0, 8, 0, 33) + sizes + name.encode() + data)
            start, held = stream.tell(), b"".join(directory)
            stream.write(
                held + b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, len(directory), len(directory), len(held), start, 0)
            )

    return write


def _overlapping(path: Path) -> None:
    """Two names of one member's bytes."""
    zipped(("sequences.npy", bytes_of(moving())))(path)
    data = path.read_bytes()
    at, end = data.index(b"PK\x01\x02"), data.index(b"PK\x05\x06")
    entry = data[at:end].replace(b"sequences.npy", b"otherwise.npy")
    tail = struct.pack("<HHHHIIH", 0, 0, 2, 2, 2 * (end - at), at, 0)
    path.write_bytes(data[:end] + entry + b"PK\x05\x06" + tail)


def _zip64(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as made, made.open("sequences.npy", "w", force_zip64=True) as member:
        member.write(bytes_of(moving()))


def _same_names(path: Path) -> None:
    zipped(("sequences.npy", bytes_of(moving())), ("sequencez.npy", bytes_of(moving(9))))(path)
    path.write_bytes(path.read_bytes().replace(b"sequencez", b"sequences"))


def _commented(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as made:
        made.writestr("sequences.npy", bytes_of(moving()))
        made.comment = b"PK\x05\x06" * 16_383


def _large_directory(path: Path) -> None:
    zipped(("sequences.npy", bytes_of(moving())))(path)
    data = path.read_bytes()
    at, end = data.index(b"PK\x01\x02"), data.index(b"PK\x05\x06")
    claimed = 512 << 20
    with path.open("wb") as stream:
        stream.write(data[:at])
        stream.seek(claimed, os.SEEK_CUR)
        stream.write(b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 1, 1, claimed, at, 0))
    assert end > at


def _npz() -> Found:
    good = ("sequences.npy", bytes_of(moving()))
    plain, packed = zipped(good), zipped(good, method=zipfile.ZIP_DEFLATED)
    objects = io.BytesIO()
    np.lib.format.write_array(objects, np.array([[[_Planted(), _Planted()]]], dtype=object), allow_pickle=True)
    python_2 = "{'descr': '<f4', 'fortran_order': False, 'shape': (" + "1L," * 3_200 + "), }"

    def named(name: str) -> Write:
        return zipped((name, good[1]))

    return {
        "as it should be": used(packed),
        "a pickle that would run": refused(zipped(("sequences.npy", objects.getvalue())), "type is object"),
        "a pickle that would run beside": used(zipped(good, ("features.npy", objects.getvalue()))),
        "a bomb": refused(_bomb(1_000_000), "more than 100 times as many"),
        "a bomb in many members": refused(
            _bomb(300_000, ["sequences.npy", *(f"x{n}.npy" for n in range(40))]), "more than 100 times as many"
        ),
        "a small bomb": refused(_bomb(20_000), "no usable sequence (20000 empty)"),
        "an archive in an archive": refused(zipped(("a.npz", bytes(99))), "it holds no array"),
        "overlapping members": refused(_overlapping, "two of its members have the same name or offset"),
        "one name twice": refused(_same_names, "two of its members have the same name or offset"),
        "marked as encrypted": refused(changed(plain, _flagged), "encrypted"),
        "a wrong checksum": refused(_stated(plain, 16, 1), "CRC"),
        "a wrong checksum, packed": refused(_stated(packed, 16, 1), "CRC"),
        "damaged": refused(changed(packed, lambda data: data[:400] + b"\xff" * 40 + data[440:]), "CRC"),
        "damaged where it begins": refused(
            changed(packed, lambda data: data[:43] + b"\xff" * 40 + data[83:]), "invalid block type"
        ),
        "a size that is too small": refused(_stated(packed, 24, 200), "CRC"),
        "a size that is too large": refused(_stated(zipped((good[0], good[1][:600])), 24, 5_000), "ends before its array does"),
        "a packed size of gigabytes": used(_stated(packed, 20, 0xFFFFFFF0)),
        "zip64": used(_zip64),
        "bzip2": refused(zipped(good, method=zipfile.ZIP_BZIP2), "compressed by a method that numpy does not use"),
        "lzma": refused(zipped(good, method=zipfile.ZIP_LZMA), "compressed by a method that numpy does not use"),
        "an unknown method": refused(
            changed(plain, lambda data: data.replace(b"\x14\x00\x00\x00\x00\x00", b"\x14\x00\x00\x00\x63\x00")),
            "compressed by a method that numpy does not use",
        ),
        "a thousand members": refused(zipped(good, *((f"x{n}", b"") for n in range(1_000))), "it holds 1001 members"),
        "a hundred thousand members": refused(
            lambda path: write_many(path, ((f"x{n}", b"") for n in range(100_000))), "one entry in it is larger"
        ),
        "a directory of half a gigabyte": refused(_large_directory, "one entry in it is larger than"),
        "members with headers of Python 2": refused(
            zipped(*((f"x{n}.npy", npy(python_2.encode(), bytes(4))) for n in range(90))), "'x0.npy' has a header that"
        ),
        "a name that leads up": used(named("../../sequences.npy")),
        "an absolute name": used(named("/etc/passwd.npy")),
        "a name with a backslash": used(named("..\\a.npy")),
        "terminal escapes in a name": refused(
            zipped(("\x1b[2J\x1b]0;owned\x07.npy", good[1]), ("b\nc.npy", good[1])), "several arrays could be meant"
        ),
        "a name of 60 kB": refused(zipped(("x" * 60_000 + ".npy", bytes_of(np.ones(3)))), "it holds xxxx"),
        "no member": refused(zipped(), "neither a .npz nor a .npy file"),
        "no array": refused(zipped(("readme", b"hello")), "it holds no array"),
        "an array that is none": refused(zipped(("sequences.npy", b"hello")), "magic string"),
        "two that could be meant": refused(zipped(("a.npy", good[1]), ("b.npy", good[1])), "several arrays could be meant: a"),
        "bytes before": refused(changed(plain, lambda data: bytes(99) + data), "neither a .npz nor a .npy file"),
        "a member's bytes before": used(changed(plain, lambda data: b"PK\x03\x04" + bytes(99) + data)),
        "bytes behind": used(changed(plain, lambda data: data + b"\x00" * 999)),
        "a comment of 64 kB": refused(_commented, "not a zip file"),
        "another archive behind": used(changed(plain, lambda data: data + data)),
        "no directory": refused(changed(plain, lambda data: data[: data.index(b"PK\x01\x02")]), "not a zip file"),
        **{f"cut at {part} of 8": refused(_cut(packed, part), "not a zip file") for part in range(1, 8)},
        "cut in the directory": refused(changed(plain, lambda data: data[:-30]), "not a zip file"),
    }  # fmt: skip


def _npz_beside() -> Found:
    def with_(**beside: AnyArray) -> Write:
        return zipped(*((f"{name}.npy", bytes_of(array)) for name, array in {"sequences": moving(), **beside}.items()))

    return {
        "lengths below zero": used(with_(lengths=np.full(32, -5))),
        "lengths of zero": used(with_(lengths=np.zeros(32, np.int64))),
        "lengths beyond the gestures": used(with_(lengths=np.full(32, 1 << 62))),
        "lengths without a sign": used(with_(lengths=np.full(32, (1 << 64) - 1, np.uint64))),
        "lengths of bytes": used(with_(lengths=np.full(32, 200, np.uint8))),
        "lengths of another shape": used(with_(lengths=np.ones((32, 2), np.int64))),
        "lengths of fewer": used(with_(lengths=np.ones(3, np.int64))),
        "lengths with a point": used(with_(lengths=np.full(32, np.nan))),
        "lengths in words": used(with_(lengths=np.full(32, "ten"))),
        "features of NaN": used(with_(features=np.full((32, 4), np.nan))),
        "features of 1e308": used(with_(features=np.full((32, 4), 1e308))),
        "features in words": used(with_(features=np.full((32, 4), "x"))),
        "no features": used(with_(features=np.ones((32, 0)))),
        "features of others": used(with_(features=np.ones((31, 4)))),
        "ten thousand features": refused(with_(features=np.ones((32, 10_000))), "'features' has 10000 columns"),
        "complex features": used(with_(features=np.ones((32, 4), complex))),
        "features that are cut off": refused(
            zipped(("sequences.npy", bytes_of(moving())), ("features.npy", bytes_of(np.ones((32, 4)))[:-8])),
            "holds fewer bytes",
        ),
    }


def _meta() -> Found:
    def beside(text: str | bytes) -> Write:
        def write(path: Path) -> None:
            zipped(("sequences.npy", bytes_of(moving())))(path)
            meta_of(path).write_bytes(text if isinstance(text, bytes) else text.encode())

        return write

    def said(mean: object, std: object) -> Write:
        return beside(json.dumps({"sequence_mean": mean, "sequence_std": std}))

    def made(make: Callable[[Path], object]) -> Write:
        def write(path: Path) -> None:
            zipped(("sequences.npy", bytes_of(moving())))(path)
            make(meta_of(path))

        return write

    unusable = "no sequence statistics that can be used"
    return {
        "as it should be": used(said([0, 0, 0], [1, 1, 1])),
        "NaN": used(said([float("nan")] * 3, [1, 1, 1]), unusable),
        "infinity": used(said([0, 0, 0], [float("inf")] * 3), unusable),
        "too few": used(said([0], [1]), unusable),
        "too many": used(said([0.0] * 9, [1.0] * 9)),
        "no number": used(said([], []), unusable),
        "text": used(said(["0"] * 3, ["1"] * 3), unusable),
        "booleans": used(said([False] * 3, [True] * 3), unusable),
        "lists in lists": used(said([[0, 0, 0]], [[1, 1, 1]]), unusable),
        "objects": used(said({"x": 0}, {"x": 1}), unusable),
        "a std of zero": used(said([0, 0, 0], [1, 0, 1]), unusable),
        "a negative std": used(said([0, 0, 0], [1, -1, 1]), unusable),
        "a std of 1e-320": used(said([0, 0, 0], [1e-320] * 3), unusable),
        "a std of 1e-300": used(said([0, 0, 0], [1e-300] * 3), unusable),
        "a std of 1e308": used(said([0, 0, 0], [1e308] * 3), unusable),
        "a mean of 1e308": used(said([1e308] * 3, [1, 1, 1]), unusable),
        "a mean of -1e308": used(said([-1e308] * 3, [1e-5] * 3), unusable),
        "400 digits": used(beside('{"sequence_mean": [0, 0, 0], "sequence_std": [1, 1, 1' + "0" * 400 + "]}"), unusable),
        "ten thousand digits": refused(
            beside('{"sequence_mean": [' + "9" * 10_000 + "]}"), "cannot read the cache's statistics"
        ),
        "100,000 deep": refused(beside("[" * 100_000), "cannot read the cache's statistics"),
        "objects 100,000 deep": refused(beside('{"a":' * 100_000), "cannot read the cache's statistics"),
        "two megabytes": refused(beside(" " * (2 << 20) + "{}"), "larger than 1,048,576 bytes"),
        "a hundred thousand numbers": used(said([0] * 100_000, [1] * 100_000)),
        "not UTF-8": refused(beside(b'{"a": "\xff"}'), "cannot read the cache's statistics"),
        "UTF-16": refused(beside("{}".encode("utf-16")), "cannot read the cache's statistics"),
        "a NUL": refused(beside(b"\x00"), "cannot read the cache's statistics"),
        "a list": refused(beside("[1, 2]"), "expected an object"),
        "null": refused(beside("null"), "expected an object"),
        "nothing": refused(beside(""), "cannot read the cache's statistics"),
        "a lone surrogate": used(beside('{"\\ud800": "\\udc00"}'), unusable),
        "a pipe": refused(made(os.mkfifo), "it is a pipe, not a file"),
        "a folder": refused(made(Path.mkdir), "it is a folder, not a file"),
        "a device": refused(made(lambda path: path.symlink_to("/dev/zero")), "it is a device, not a file"),
        "a link to itself": refused(made(lambda path: path.symlink_to(path)), "symbolic links"),
        "a link to nothing": used(made(lambda path: path.symlink_to("nowhere")), unusable),
    }


def meta_of(path: Path) -> Path:
    return path.with_name(path.name + ".meta.json")


def events(count: int = 120, start: float = 0.0, form: str = "{at:.3f},{at:.3f},NoButton,Move,{x},{y}") -> list[str]:
    """Lines of a cursor that moves, in gestures of 60 points."""
    lines = []
    for place in range(count):
        at = start + place * 0.01 + place // 60 * 0.5
        lines.append(form.format(at=at, x=100 + 3 * place, y=200 + place % 7))
    return lines


def _sessions() -> Found:
    good = events()

    def session(lines: Iterable[str], end: str = "\n", header: str = HEADER, encoding: str = "utf-8") -> Write:
        return raw((end.join([header, *lines]) + end).encode(encoding))

    def among(line: str) -> Write:
        return session([*good[:30], line, *good[30:]])

    def of(form: str) -> Write:
        return session(events(form="{at:.3f}," + form))

    malformed, none = "malformed lines", "no usable sequence"
    return {
        "as it should be": used(session(good)),
        "with \\r\\n": used(session(good, "\r\n")),
        "with \\r": refused(session(good, "\r"), "expected the columns"),
        "mixed line ends": used(raw((HEADER + "\r\n" + "\n".join(good).replace("\n", "\r\n", 60)).encode())),
        "a NUL in a line": used(among("0.3,0.3,NoButton,Move,1\x00,2"), f"1 {malformed}"),
        "NULs": used(among("\x00" * 3_000), f"1 {malformed}"),
        "a line of 20 MB": used(among("x" * (20 << 20)), f"1 {malformed}"),
        "a line of a million columns": used(among("," * 1_000_000), f"1 {malformed}"),
        "a gigabyte of nothing": used(_sparse, f"1 {malformed}"),
        "decimal commas": refused(of("{at:.3f},NoButton,Move,1,5,2,5"), f"{none} (120 {malformed})"),
        "Arabic digits": refused(of("{at:.3f},NoButton,Move,١٢,{y}"), f"{none} (120 {malformed})"),
        "full-width digits": refused(of("\uff11,NoButton,Move,{x},{y}"), f"{none} (120 {malformed})"),
        "underscores": refused(of("{at:.3f},NoButton,Move,1_000,{y}"), f"{none} (120 {malformed})"),
        "underscores in the time": refused(of("0_{at:.3f},NoButton,Move,{x},{y}"), f"{none} (120 {malformed})"),
        "hexadecimal digits": refused(of("{at:.3f},NoButton,Move,0x10,{y}"), f"{none} (120 {malformed})"),
        "nan": refused(of("{at:.3f},NoButton,Move,nan,{y}"), f"{none} (120 {malformed})"),
        "a time that is nan": refused(of("nan,NoButton,Move,{x},{y}"), f"{none} (120 {malformed})"),
        "inf": refused(of("{at:.3f},NoButton,Move,{x},-inf"), f"{none} (120 {malformed})"),
        "1e308": refused(of("{at:.3f},NoButton,Move,{x},1e308"), f"{none} (120 {malformed})"),
        "a time of 1e308": refused(of("1e308,NoButton,Move,{x},{y}"), f"{none} (120 {malformed})"),
        "4,000 digits": used(among("0.3,0.3,NoButton,Move," + "9" * 4_000 + ",2"), f"1 {malformed}"),
        "quotes": refused(of('"{at:.3f}","NoButton","Move","{x}","{y}"'), f"{none} (120 {malformed})"),
        "spaces": used(of(" {at:.3f} , NoButton , Move , {x} , {y} ")),
        "backwards": refused(session(reversed(good)), f"{none} (120 gestures of fewer than 5 points)"),
        "one stamp": refused(of("1.0,NoButton,Move,{x},{y}"), "1 gestures of fewer than 5 points"),
        "huge gaps": refused(session(events(form="{at},{x}00000,NoButton,Move,{x},{y}")), f"{none} (120 gestures of fewer"),
        "times of 1e-300": refused(of("{at}e-300,NoButton,Move,{x},{y}"), "gestures that do not move"),
        "jumps across the largest screen": used(of("{at:.3f},NoButton,Move,{x}99,-99{y}")),
        "standing still": refused(of("{at:.3f},NoButton,Move,5,5"), "2 gestures that do not move"),
        "glitches": refused(of("{at:.3f},NoButton,Move,65535,65535"), f"{none} (120 glitches at 65535)"),
        "scrolling": refused(of("{at:.3f},Scroll,Down,{x},{y}"), f"{none} (120 scroll events)"),
        "the header alone": refused(raw(HEADER.encode()), f"{none} (it is empty)"),
        "the header a hundred times": refused(session([HEADER] * 100), f"{none} (100 {malformed})"),
        "a header with one column more": refused(session(good, header=HEADER + ",z"), "expected the columns"),
        "the header of something else": refused(session(good, header="time,x,y"), "nor does it begin as a mouse session"),
        "no header": refused(raw("\n".join(good).encode()), "nor does it begin as a mouse session"),
        "a BOM": refused(session(good, encoding="utf-8-sig"), "nor does it begin as a mouse session"),
        "UTF-16": refused(session(good, encoding="utf-16"), "nor does it begin as a mouse session"),
        "terminal escapes": used(among("\x1b[2J\x1b]0;owned\x07,,,,,"), f"1 {malformed}"),
        "escapes in the header": refused(session(good, header=HEADER + "\x1b[2J"), "expected the columns"),
        "cut in a line": used(raw("\n".join([HEADER, *good])[:-7].encode())),
        "a moment of half a million points": used(_crowded),
    }  # fmt: skip


def _sparse(path: Path) -> None:
    path.write_text("\n".join([HEADER, *events(), ""]))
    os.truncate(path, 1 << 30)


def _crowded(path: Path) -> None:
    with path.open("w") as stream:
        stream.write(HEADER + "\n")
        stream.writelines(f"0,{place / 1e6:.7f},NoButton,Move,{place % 1000},5\n" for place in range(500_000))


def write_session(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([HEADER, *events(), ""]))


def _folders() -> Found:
    def holding(make: Callable[[Path], object], *, sound: bool = True) -> Write:
        def write(path: Path) -> None:
            path.mkdir()
            if sound:
                write_session(path / "user1" / "session_1")
            make(path)

        return write

    def deep(path: Path) -> None:
        here = os.open(path, os.O_RDONLY)
        name = "a_name_of_20_letters"  # the path is longer than any that can be opened, and can still be removed
        for _ in range(300):
            os.mkdir(name, dir_fd=here)
            below = os.open(name, os.O_RDONLY, dir_fd=here)
            os.close(here)
            here = below
        os.close(here)

    def empty(path: Path) -> None:
        for place in range(3_000):
            (path / f"session_{place}").touch()

    def others(path: Path) -> None:
        (path / "pipe").symlink_to("/dev/zero")
        saved(moving())(path / "a.npy")
        (path / "\x1b[2J\n").touch()
        (path / os.fsdecode(b"\xff\xfe")).touch()

    def names(path: Path) -> None:
        write_session(path / os.fsdecode(b"session_\xff\x1b[2J\n"))

    def cut(path: Path) -> None:
        (path / "session_2").write_text(HEADER[:-3])
        (path / "session_3").write_text(HEADER)

    def columns(path: Path) -> None:
        (path / "session_\x1b[2J\n").write_text(HEADER + ",z\n")

    none = "no mouse session in this folder"
    return {
        "as it should be": used(holding(lambda _: None)),
        "nothing": refused(holding(lambda _: None, sound=False), none),
        "a loop of links": used(holding(lambda path: (path / "user1" / "again").symlink_to(path))),
        "a loop of links alone": refused(holding(lambda path: (path / "again").symlink_to(path), sound=False), none),
        "a link to itself": used(holding(lambda path: (path / "me").symlink_to("me"))),
        "a link to everything": refused(holding(lambda path: (path / "root").symlink_to("/"), sound=False), none),
        "a pipe": used(holding(lambda path: os.mkfifo(path / "session_2"))),
        "a pipe alone": refused(holding(lambda path: os.mkfifo(path / "session_2"), sound=False), none),
        "thousands of empty files": used(holding(empty)),
        "three hundred deep": used(holding(deep)),
        "three hundred deep alone": refused(holding(deep, sound=False), none),
        "devices, arrays and odd names": used(holding(others)),
        "a name that is no text": used(holding(names)),
        "sessions cut off": used(holding(cut)),
        "a session with other columns": refused(holding(columns), "expected the columns"),
    }


def _places() -> Found:
    def self_link(path: Path) -> None:
        path.symlink_to(path)

    def socket_at(path: Path) -> None:
        import socket

        with socket.socket(socket.AF_UNIX) as made:
            made.bind(str(path))

    return {
        "a pipe": refused(os.mkfifo, "it is a pipe, not a file"),
        "a socket": refused(socket_at, "it is a socket, not a file"),
        "a link to itself": refused(self_link, "there is no such file"),
        "a link to nothing": refused(lambda path: path.symlink_to("nowhere"), "there is no such file"),
        "a device": refused(lambda path: path.symlink_to("/dev/zero"), "it is a device, not a file"),
        "a file of the kernel's": refused(lambda path: path.symlink_to("/proc/self/maps"), "neither a .npz nor a .npy file"),
        "nothing": refused(lambda _: None, "there is no such file"),
        "a gigabyte of nothing": refused(lambda path: _hole(path, 1 << 30), "neither a .npz nor a .npy file"),
    }


def _hole(path: Path, size: int) -> None:
    path.touch()
    os.truncate(path, size)
