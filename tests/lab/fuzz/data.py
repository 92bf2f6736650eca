"""Fuzz the reader of gestures with damaged arrays, caches, statistics and sessions.

Archives are damaged as a whole, or in one member whose checksum is then corrected. The result is compared with what numpy
reads from the same file.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import shutil
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from humouse_doctor.core.arrays import AnyArray
from humouse_doctor.core.errors import InputError
from humouse_doctor.core.settings import Settings
from humouse_doctor.inputs.gestures.gestures import Gestures
from humouse_doctor.inputs.gestures.sources import read_gestures
from tests.hostile.data import HEADER, bytes_of, events, meta_of, moving, npy
from tests.lab.fuzz.target import Failure, Outcome, Rules, Target, damaged, require_line

_MOST = 16
#: Squares of smaller numbers have a finite sum in float32, in any order.
_SURELY_HELD = 1e15

#: Spellings of an array's type, order and shape in a header.
_TYPES = [
    "'<f4'", "'<f8'", "'>f4'", "'<f2'", "'<i8'", "'|u1'", "'|O'", "'|V8'", "'<U4'", "'<M8[ns]'", "'<c8'", "'|b1'", "'<f16'",
    "'f4,f4'", "'(3,)f4'", "'<f4' * 3", "[('x', '<f4')]", "[('x', '<f4', (3,))]", "[('x', '|O')]", "[]", "None", "0", "''",
    "('<f4', (2, 2))", "('<f4', {})", "{'names': [], 'formats': []}", "__import__('os').getpid()", "'<f0'", "'<f999999999'",
    "'m8[0s]'", "'datetime64[1/0s]'", "u'<f4'", "b'<f4'", "'<f\\x00'", "'\\ud800'", "'<f4\\n'", "...", "lambda: 0",
]  # fmt: skip
_ORDERS = ["False", "True", "0", "1", "None", "'False'", "[]", "2**99", "..."]
_SHAPES = [
    "(4, 3, 2)", "(4, 3, 3)", "(4,)", "()", "(-4, 3, 2)", "(4, -3, -2)", "(0, 3, 2)", "(4, 0, 2)", "(4, 3, 0)", "[4, 3, 2]",
    "(True, 3, 2)", "(4.0, 3, 2)", "(4L, 3L, 2L)", "(1 << 62, 3, 2)", "(9223372036854775808, 3, 2)", "(99999999999, 9, 2)",
    "(4, 3, 2, 1)", "(1,) * 40", "(" + "1, " * 70 + ")", "None", "'(4, 3, 2)'", "{4, 3, 2}", "(4, 3, 1 + 1)", "(4, 3, 1j)",
    "(4, 3, -0)", "(" + "9" * 5000 + ", 3, 2)", "(" * 90 + "4" + ")" * 90, "(2147483648, 2147483648, 2147483648)",
]  # fmt: skip
#: Words for damage, with a meaning for numpy, zipfile, json or the reader of sessions.
_WORDS = [
    *(word.encode() for word in [*_TYPES, *_ORDERS, *_SHAPES]), b"\x93NUMPY\x01\x00", b"\x93NUMPY\x03\x00", b"v\x00",
    b"PK\x01\x02", b"PK\x03\x04", b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07", b"PK\x07\x08", b"\x0c\x00", b"\x0e\x00",
    b"\x01\x00\x18\x00", b"sequences.npy", b"lengths.npy", b"features.npy", b"../x.npy", b"\xff\xfe", b"'descr': ",
    b"\x00\x08", b"{", b"[" * 200, b"}", b"\\ud800", b"1e999", b"NaN", b"-Infinity", b"9" * 400, b"null", b"true",
    b'"sequence_std": [0]', b",", b"\n", b"\r", b"\r\n", b"65535", b"Scroll", b"1_0", b"nan", b"inf", b"1e308", b"-1e308",
    b"0x1", b"\xd9\xa1", b"\x1b[2J", b"1e-45", b"\x7f\x80\x00\x00", b"\x00\x00\x80\x7f", b"\xff\xff\x7f\x7f",
    b"\x01\x00\x00\x00", HEADER.encode() + b"\n", b"x" * 5000,
]  # fmt: skip

Members = dict[str, bytes]


class Data(Target):
    """The rules: consistent gestures that equal the file's, or one line."""

    def __init__(self, folder: Path, seed: int) -> None:
        super().__init__(folder, seed)
        self.place = folder / "a"
        self.rules = Rules(folder)
        self.arrays, self.archives, self.sessions = _arrays(), _archives(), _sessions()
        self.statistics = {f"{name}_{what}": [1.0, 2.5, 3.0] for name in ("sequence", "feature") for what in ("mean", "std")}
        for data in [b"", *self.arrays, npy(b"{'descr': '|O'}"), npy(b"{'shape': (4L,)}")]:
            self._rehearse("array.npy", data)
        for members, (method, _) in itertools.product(self.archives, _METHODS):
            self._rehearse("array.npz", _zipped(members, method))
        for data in self.sessions:
            self._rehearse("session", data)

    def once(self) -> Outcome:
        makers = {
            "array.npy": (self._array, 4), "header.npy": (self._header, 3), "array.npz": (self._archive, 6),
            "cache.npz": (self._cache, 2), "session": (self._session, 3), "folder": (self._session, 1),
        }  # fmt: skip
        (name,) = self.random.choices(list(makers), [weight for _, weight in makers.values()])
        data = makers[name][0]()
        path = self._written(name, data)
        starts = (f"{path}: ", f"{meta_of(path)}: ", f"{path / 'session_0'}: ")  # the message names the file at fault
        with self.rules.held(data):
            try:
                found = read_gestures(path, Settings(), _MOST, 0)
            except InputError as error:
                return Outcome(f"refused {name}: {require_line(str(error), starts, data)}")
        for wrong in itertools.chain(_broken(found, path), _untrue(found, path)):
            raise Failure(f"{name}: {wrong}", data)
        return Outcome(f"read {name}")

    def _rehearse(self, name: str, data: bytes) -> None:
        """Import, before watching starts, everything that reading such a file imports."""
        with contextlib.suppress(InputError):
            read_gestures(self._written(name, data), Settings(), _MOST, 0)

    def _written(self, name: str, data: bytes) -> Path:
        """Write the file into a folder that holds only the files belonging to it."""
        shutil.rmtree(self.place, ignore_errors=True)
        self.place.mkdir()
        path = self.place / name
        match name:
            case "cache.npz":
                path.write_bytes(_zipped(self.archives[0], zipfile.ZIP_STORED))
                meta_of(path).write_bytes(data)
            case "folder":
                path.mkdir()
                (path / "session_0").write_bytes(data)
                (path / "session_1").write_bytes(self.sessions[0])
            case _:
                path.write_bytes(data)
        return path

    def _array(self) -> bytes:
        return damaged(self.random.choice(self.arrays), self.random, _WORDS)

    def _header(self) -> bytes:
        """Return a header made of random words, and often of the right shape."""
        entries = [f"'descr': {self.random.choice(_TYPES)}", f"'fortran_order': {self.random.choice(_ORDERS[:3])}",
                   f"'shape': {self.random.choice(_SHAPES)}"]  # fmt: skip
        for place, usual in enumerate(("'descr': '<f4'", "'fortran_order': False", "'shape': (4, 3, 2)")):
            if self.random.random() < 0.5:
                entries[place] = usual
        text = ("{" + ", ".join(entries) + self.random.choice(("}", ", }", "}\n", ", 'x': 1}"))).encode()
        if self.random.random() < 0.2:
            text = damaged(text, self.random, _WORDS)
        return npy(text[:60_000], moving(4, 3, 2).tobytes(), self.random.choice((1, 1, 2, 3)))

    def _archive(self) -> bytes:
        members = dict(self.random.choice(self.archives))
        method = self.random.choices([method for method, _ in _METHODS], [weight for _, weight in _METHODS])[0]
        if self.random.random() < 0.3:
            return damaged(_zipped(members, method), self.random, _WORDS)
        chosen = self.random.choice(list(members))
        match self.random.randrange(4):
            case 0:
                members[self.random.choice(("sequences.npy", "x.npy", "\x1b[2J.npy", "a/../b.npy", "l\u00e4.npy"))] = (
                    members.pop(chosen)
                )
            case 1:
                members[chosen] = self._header()
            case _:
                members[chosen] = damaged(members[chosen], self.random, _WORDS)
        return _zipped(members, method)

    def _cache(self) -> bytes:
        text = json.dumps(self.statistics).encode()
        return damaged(text, self.random, _WORDS)

    def _session(self) -> bytes:
        data = self.random.choice(self.sessions)
        if self.random.random() < 0.7:  # after its first line, which makes it a session
            return HEADER.encode() + b"\n" + damaged(data.partition(b"\n")[2], self.random, _WORDS)
        return damaged(data, self.random, _WORDS)


_METHODS = ((zipfile.ZIP_STORED, 5), (zipfile.ZIP_DEFLATED, 5), (zipfile.ZIP_BZIP2, 1))


def _zipped(members: Members, method: int) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data, method)  # without the time of day: a seed's inputs are the same
    return made.getvalue()


def _arrays() -> list[bytes]:
    found = [
        bytes_of((np.abs(moving(4, 3, 2)) * 20).astype(kind)) for kind in ("<f4", ">f8", "<f2", "<i2", ">i8", "|u1", "<f8")
    ]
    holed = moving(6, 4, 3)
    holed[0], holed[1, 2:], holed[2, 1, 1] = 0.0, 0.0, np.nan
    return [*found, bytes_of(holed), bytes_of(moving(40, 2, 2)), bytes_of(np.asfortranarray(moving(4, 3, 2)))]


def _archives() -> list[Members]:
    gestures = {"sequences.npy": bytes_of(moving(6, 4, 3))}
    lengths = {"lengths.npy": bytes_of(np.arange(6))}
    features = {"features.npy": bytes_of(moving(6, 1, 5)[:, 0])}
    unsigned = {"lengths.npy": bytes_of(np.arange(6, dtype=np.uint64))}
    return [
        {**gestures, **lengths, **features},
        gestures,
        {**features, **gestures, **unsigned},
        {"other.npy": bytes_of(moving(40, 2, 2))},
    ]


def _sessions() -> list[bytes]:
    lines = events(40)
    pause = events(20, start=9.0)
    return [("\n".join([HEADER, *rows]) + "\n").encode() for rows in (lines, [*lines, *pause], [])]


def _broken(found: Gestures, path: Path) -> Iterator[str]:
    """Return an inconsistency in gestures, whatever they were read from; None if there is none."""
    rows, summary = found.sequences, found.summary
    if not (
        rows.ndim == 3 and rows.dtype == np.float32 and 0 < len(rows) <= _MOST and rows.shape[1] > 0 and rows.shape[2] >= 2
    ):
        yield f"sequences {rows.shape} of {rows.dtype}"
    if not np.isfinite(rows).all() or not rows.any(axis=(1, 2)).all():
        yield "sequences that are empty or not finite"
    if found.lengths.shape != rows.shape[:1] or found.lengths.dtype.kind != "i":
        yield f"lengths {found.lengths.shape} of {found.lengths.dtype}"
    elif found.lengths.min() < 0 or found.lengths.max() > rows.shape[1]:
        yield f"lengths of {found.lengths.min()} to {found.lengths.max()}"
    if found.features is not None and (found.features.ndim != 2 or len(found.features) != len(rows)):
        yield f"features {found.features.shape}"
    if not all(np.isfinite(values).all() for values in found.statistics.by_name.values()):
        yield "statistics that are not finite"
    if not np.isfinite([*summary.position_mean, *summary.position_std]).all():
        yield "positions that are not finite"
    if not summary.total >= summary.usable >= summary.taken == len(rows) or summary.source != str(path):
        yield f"a summary of other data: {summary}"


def _untrue(found: Gestures, path: Path) -> Iterator[str]:
    """Return a difference from what numpy reads from an array file, None if there is none."""
    if path.suffix not in (".npy", ".npz") or found.resampled:
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # numpy warns of files written by Python 2
            loaded = np.load(path, allow_pickle=False)
            candidates = [loaded] if isinstance(loaded, np.ndarray) else [loaded[name] for name in _numbers(path)]
    except (ValueError, OSError, zipfile.BadZipFile, zlib.error, KeyError, NotImplementedError) as error:
        if "Cannot parse header" not in str(error):  # 4L, of Python 2, is a number for our reader but not for numpy
            yield f"numpy cannot read it: {error}"
        return
    if not any(_are_of(found, array) for array in candidates if array.ndim == 3):
        yield "numpy reads other numbers"


def _numbers(path: Path) -> list[str]:
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if name.endswith(".npy")]
    return ["sequences.npy"] if "sequences.npy" in names else names


def _are_of(found: Gestures, array: AnyArray) -> bool:
    """Return True if all usable rows were taken, in order; for a sample, if all of it are rows of the file."""
    with np.errstate(over="ignore"):
        rows = array.astype(np.float32)
    if found.summary.total != len(rows) or found.sequences.shape[1:] != rows.shape[1:]:
        return False
    taken = [row.tobytes() for row in found.sequences]
    if found.summary.usable > _MOST:
        return set(taken) <= {row.tobytes() for row in rows}
    for row in rows:
        useless = not np.isfinite(row).all() or not row.any()
        if taken and not useless and row.tobytes() == taken[0]:
            del taken[0]
        elif not useless and np.abs(row).max() < _SURELY_HELD:
            return False
    return not taken
