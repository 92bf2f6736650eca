"""Arrays of gestures in `.npy` and `.npz` files, read in chunks; nothing in them is ever unpickled."""

from __future__ import annotations

import ast
import errno
import io
import json
import os
import struct
import warnings
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from humouse_doctor.core.arrays import FloatArray, IntArray
from humouse_doctor.core.arrays import numpy as np
from humouse_doctor.core.errors import DoctorError, InputError
from humouse_doctor.core.text import reason
from humouse_doctor.inputs.files import Bounded, open_regular
from humouse_doctor.inputs.gestures.gestures import Gestures, Statistics, draw, gather

#: Bytes read at a time.
_CHUNK_BYTES = 4 << 20
#: No sequence, and no archive's table of contents, is larger.
_MAX_PART_BYTES = 4 << 20
_MAX_META_BYTES = 1 << 20
#: numpy's own bound for an untrusted header.
_MAX_HEADER_BYTES = 10_000
#: A header of Python 2 is not a literal of Python 3; numpy takes ten milliseconds to mend a kB of it, and an array has 0.1 kB.
_MAX_MENDED_BYTES = 1_000
_MAX_MEMBERS = 1_000
#: An archive that inflates to more than this, and by more than this factor, is a bomb.
_MAX_INFLATED_BYTES, _MAX_RATIO = 1 << 30, 100
_MAX_FEATURES = 4096
_ARCHIVE_MAGIC = b"PK\x03\x04"
_STATISTICS = ("sequence_mean", "sequence_std", "feature_mean", "feature_std")
_EXPECTED = "expected an array of gestures, (N, T, >=2): dx, dy and more per step (of any other series: --targets as-is)"
_EXPECTED_SERIES = "expected one array (N, T, D), or (N, T) of one channel, alone or as 'sequences'"
#: Arrays beside the sequences.
_BESIDE = ("features.npy", "lengths.npy")


@dataclass(frozen=True, slots=True)
class _Array:
    """An array's header: the name of its archive member (None in a bare `.npy`), shape and dtype."""

    member: str | None
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def row_bytes(self) -> int:
        size = self.dtype.itemsize
        for extent in self.shape[1:]:
            size *= extent
        return size


def read(path: Path, max_sequences: int, seed: int, *, keep_empty: bool = False, as_is: bool = False) -> Gestures:
    """Read up to `max_sequences` gestures, chosen by `seed`, from an array file; raise `InputError`.

    Sequences of zeros are left out unless `keep_empty`. With `as_is` the sequences are any series, (N, T, D) or (N, T) of one
    channel, and none is left out for being zero.
    """
    try:
        return _read(path, max_sequences, seed, keep_empty or as_is, as_is)
    except (DoctorError, ImportError):  # a missing library is not the file's fault
        raise
    except Exception as error:  # zipfile and zlib raise a dozen kinds for a broken file
        what, expected = ("series", _EXPECTED_SERIES) if as_is else ("gestures", _EXPECTED)
        raise InputError(f"{path}: cannot read it as {what}: {reason(error)}; {expected}") from None


def sizes(path: Path) -> tuple[int, int]:
    """Return the bytes of an array file as stored, and as inflated; raise `InputError` with a one-line message."""
    try:
        with open_regular(path) as stream:
            stored = os.fstat(stream.fileno()).st_size
            if stream.read(4) != _ARCHIVE_MAGIC:
                return stored, stored
        with _archive(path) as archive:
            return stored, sum(info.file_size for info in archive.infolist())
    except Exception as error:  # as in `read`
        raise InputError(f"{path}: cannot read it as gestures: {reason(error)}; {_EXPECTED}") from None


def _read(path: Path, max_sequences: int, seed: int, keep_empty: bool, as_is: bool) -> Gestures:
    arrays = _headers(path)
    chosen = _chosen(path, arrays, _is_series if as_is else _is_gestures)
    chunks, shape = _chunks(path, chosen), chosen.shape
    if len(shape) == 2:  # one channel
        chunks, shape = (chunk[..., None] for chunk in chunks), (*shape, 1)
    sample = draw(chunks, shape, str(path), max_sequences, seed, keep_empty=keep_empty)
    lengths, features = None, None
    for array in arrays:
        name = (array.member or "").removesuffix(".npy")
        if name == "lengths" and array.shape == (chosen.shape[0],) and array.dtype.kind in "iu":
            stated = _rows_at(path, array, sample.numbers).astype(np.float64)  # an unsigned number may exceed int64
            lengths = np.clip(stated, 0, chosen.shape[1]).astype(np.int64)
        if name == "features" and len(array.shape) == 2 and array.shape[0] == chosen.shape[0] and array.dtype.kind == "f":
            if array.shape[1] > _MAX_FEATURES:
                raise ValueError(f"'features' has {array.shape[1]} columns, more than the {_MAX_FEATURES} of any gesture")
            with np.errstate(over="ignore"):  # non-finite conditions are reported where they are used
                features = _rows_at(path, array, sample.numbers).astype(np.float32)
    return gather(
        sample.rows,
        source=str(path),
        total=sample.total,
        usable=sample.usable,
        dropped=sample.dropped,
        lengths=lengths,
        features=features if features is not None and features.shape[1] > 0 else None,
        statistics=_statistics(path),
        as_is=as_is,
    )


def _headers(path: Path) -> list[_Array]:
    with open_regular(path) as stream:
        magic = stream.read(6)
        if magic == np.lib.format.MAGIC_PREFIX:
            stream.seek(0)
            return [_header(path, stream, None, path.stat().st_size)]
    if magic[:4] != _ARCHIVE_MAGIC:
        raise ValueError("it is neither a .npz nor a .npy file, nor does it begin as a mouse session")
    found = []
    with _archive(path) as archive:
        for info in archive.infolist():
            if info.filename.endswith(".npy"):
                with archive.open(info) as member:
                    found.append(_header(path, member, info.filename, info.file_size))
    return found


@contextmanager
def _archive(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open the archive at `path`; raise `ValueError` for a bomb, or for members that numpy does not write."""
    with open_regular(path) as stream, zipfile.ZipFile(Bounded(stream, _MAX_PART_BYTES)) as archive:
        members = archive.infolist()
        names, places = {info.filename for info in members}, {info.header_offset for info in members}
        if len(members) > _MAX_MEMBERS:
            raise ValueError(f"it holds {len(members)} members, more than the {_MAX_MEMBERS} of any array file")
        if min(len(names), len(places)) < len(members):
            raise ValueError("two of its members have the same name or offset")
        for info in members:
            if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise ValueError(
                    f"'{info.filename}' is compressed by a method that numpy does not use; save it with numpy.savez_compressed"
                )
        inflated, packed = sum(info.file_size for info in members), path.stat().st_size
        if inflated > _MAX_INFLATED_BYTES and inflated > _MAX_RATIO * packed:
            raise ValueError(
                f"{packed:,} bytes would inflate to {inflated:,}, more than {_MAX_RATIO} times as many; if that is"
                " intended, save it with numpy.savez"
            )
        yield archive


def _header(path: Path, stream: IO[bytes], member: str | None, size: int) -> _Array:
    version = np.lib.format.read_magic(stream)
    if version not in ((1, 0), (2, 0), (3, 0)):
        raise ValueError(f"'{member or path.name}' is of the unknown version {version} of numpy's format")
    layout = "<H" if version == (1, 0) else "<I"
    packed = stream.read(struct.calcsize(layout))
    length = struct.unpack(layout, packed)[0] if len(packed) == struct.calcsize(layout) else 0
    if length > _MAX_HEADER_BYTES:
        raise ValueError(f"'{member or path.name}' has a header of {length:,} bytes, more than any array needs")
    text = stream.read(length)
    header = io.BytesIO(packed + text)
    try:
        if length > _MAX_MENDED_BYTES:
            ast.literal_eval(text.decode("latin-1" if version < (3, 0) else "utf-8"))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # numpy warns about files from Python 2, which it reads well
            if version == (1, 0):
                shape, fortran, dtype = np.lib.format.read_array_header_1_0(header)
            else:
                shape, fortran, dtype = np.lib.format.read_array_header_2_0(header)
        if any(type(extent) is not int or extent >= 1 << 63 for extent in shape):  # booleans, and extents beyond any index
            raise ValueError("no shape")
    except Exception:  # a dozen kinds, some with a memory address in the message
        raise ValueError(f"'{member or path.name}' has a header that describes no array") from None
    if fortran and sum(extent > 1 for extent in shape) > 1 and len(shape) >= 2:
        raise ValueError(f"'{member or path.name}' is in Fortran order; save it with numpy.ascontiguousarray")
    array = _Array(member, shape, dtype)
    if shape and not dtype.hasobject:
        rows = shape[0]
        if min(shape) < 0 or stream.tell() + rows * array.row_bytes > size:
            raise ValueError(f"'{member or path.name}' holds fewer bytes than its shape needs, {shape}")
    return array


def _is_gestures(array: _Array) -> bool:
    return len(array.shape) == 3 and array.shape[2] >= 2


def _is_series(array: _Array) -> bool:
    return len(array.shape) in (2, 3) and array.member not in _BESIDE


def _chosen(path: Path, arrays: list[_Array], fits: Callable[[_Array], bool]) -> _Array:
    candidates = [array for array in arrays if fits(array)]
    named = [array for array in candidates if array.member in ("sequences.npy", None)] or candidates
    if not named:
        found = ", ".join(f"{(array.member or path.name).removesuffix('.npy')} {array.shape}" for array in arrays)
        raise ValueError(f"it holds {found or 'no array'}")
    if len(named) > 1:
        raise ValueError(f"several arrays could be meant: {', '.join(str(array.member) for array in named)}")
    chosen = named[0]
    if chosen.dtype.kind not in "fiu":
        raise ValueError(f"the array's type is {chosen.dtype}, not numbers")
    if chosen.row_bytes > _MAX_PART_BYTES or chosen.shape[1] < 1:
        raise ValueError(f"its shape {chosen.shape} is not that of gestures")
    return chosen


@contextmanager
def _opened(path: Path, array: _Array) -> Iterator[IO[bytes]]:
    if array.member is None:
        with open_regular(path) as stream:
            _header(path, stream, None, path.stat().st_size)
            yield stream
    else:
        with _archive(path) as archive, archive.open(array.member) as member:
            _header(path, member, array.member, archive.getinfo(array.member).file_size)
            yield member


def _chunks(path: Path, array: _Array) -> Iterator[FloatArray]:
    """Yield the array's rows in order, some MB at a time."""
    rows = max(1, _CHUNK_BYTES // max(1, array.row_bytes))
    with _opened(path, array) as stream:
        for first in range(0, array.shape[0], rows):
            count = min(rows, array.shape[0] - first)
            data = stream.read(count * array.row_bytes)
            if len(data) != count * array.row_bytes:
                raise ValueError("the file ends before its array does")
            yield np.frombuffer(data, dtype=array.dtype).reshape(count, *array.shape[1:])


def _rows_at(path: Path, array: _Array, numbers: IntArray) -> FloatArray:
    """Return the rows of `array` at the sorted `numbers`."""
    parts, first = [], 0
    for chunk in _chunks(path, array):
        inside = numbers[(numbers >= first) & (numbers < first + len(chunk))] - first
        parts.append(chunk[inside])
        first += len(chunk)
    return np.concatenate(parts) if parts else np.empty((0, *array.shape[1:]), dtype=array.dtype)


def statistics_file(cache: Path) -> Path:
    """Return the file that humouse writes beside a cache of real gestures."""
    return cache.with_name(cache.name + ".meta.json")


def _statistics(path: Path) -> Statistics:
    """Return the statistics beside a humouse cache, empty without any; raise `InputError` for a broken file."""
    meta = statistics_file(path)
    try:
        with open_regular(meta) as stream:
            text = stream.read(_MAX_META_BYTES + 1)
        if len(text) > _MAX_META_BYTES:
            raise InputError(f"{meta}: larger than {_MAX_META_BYTES:,} bytes, not a cache's statistics")
        content = json.loads(text.decode())
    except (OSError, ValueError, RecursionError) as error:
        if getattr(error, "errno", None) in (errno.ENOENT, errno.ENAMETOOLONG):  # no name can be that much longer
            return Statistics()
        why = getattr(error, "strerror", None) or type(error).__name__
        raise InputError(f"{meta}: cannot read the cache's statistics: {why}; expected JSON") from None
    if not isinstance(content, dict):
        raise InputError(f"{meta}: not a cache's statistics; expected an object with sequence_mean and sequence_std")
    found = {}
    for name in _STATISTICS:
        values = content.get(name)
        if (
            isinstance(values, list)
            and values
            and all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
        ):
            try:
                array = np.asarray(values, dtype=np.float64)
            except OverflowError:  # a whole number of more than 308 digits
                continue
            if np.isfinite(array).all():
                found[name] = array
    return Statistics(by_name=found)
