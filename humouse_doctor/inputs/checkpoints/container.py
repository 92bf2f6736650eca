"""Find the kind of a checkpoint's file and check its layout, without torch and without decompressing anything.

The check is needed because the formats' own readers accept duplicate names, damaged tensors and overlapping members: torch 2.13
was tested with each, and accepts them all.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO

from humouse_doctor.core.errors import InputError
from humouse_doctor.core.text import reason, shortened
from humouse_doctor.inputs.files import Bounded, open_regular

CHANGED = "changed while it was read; try again"
EXPECTED = "expected a humouse generator checkpoint (generator_<name>.pt or the pretrainer's)"
_MAX_BYTES = 8 << 30
_MAX_DIRECTORY_BYTES = 8 << 20
_MAX_MEMBERS = 65_536
_MAX_HEADER_BYTES = 8 << 20
_MAX_INDEX_BYTES = 16 << 20
_MAX_SHARDS = 1024
_CHUNK_BYTES = 1 << 20
_LEGACY_MAGIC = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19"
#: The records at an archive's end: the one that every archive has, and the 64-bit ones before it, which torch always writes.
_END, _LOCATOR, _END_64 = struct.Struct("<4s4H2IH"), struct.Struct("<4sIQI"), struct.Struct("<4sQ2H2I4Q")
_IS_FOLDER = 0x10
_SIZES_64 = 1
_SHARD_NAME = re.compile(r"[\w.-]+\.safetensors")
_AMBIGUOUS = "two programs could read different data from it; refused, save it again with torch.save"

#: Bits of one number in a safetensors file, by its dtype's name.
_SAFETENSORS_BITS = {
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8, "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8,
    "U16": 16, "I16": 16, "F16": 16, "BF16": 16, "U32": 32, "I32": 32, "F32": 32, "U64": 64, "I64": 64, "F64": 64,
    "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "C64": 64,
}  # fmt: skip

#: First bytes of files that people give by mistake, and the advice for each.
_OTHERS = (
    (b"version https://git-lfs", "a Git LFS pointer, not the file itself; run git lfs pull"),
    (b"\x93NUMPY", "a NumPy array; weights are read from torch.save or safetensors, gestures are given as --data"),
    (b"\x1f\x8b", "gzip data; unpack it with gunzip"),
    (b"BZh", "bzip2 data; unpack it with bunzip2"),
    (b"\xfd7zXZ", "xz data; unpack it with unxz"),
    (b"\x28\xb5\x2f\xfd", "zstd data; unpack it with unzstd"),
    (b"7z\xbc\xaf", "a 7z archive; unpack it"),
    (b"\x89PNG", f"an image; {EXPECTED}"),
    (b"GGUF", f"a GGUF file; {EXPECTED}"),
    (b"\x89HDF\r\n\x1a\n", "HDF5, as Keras writes it; only PyTorch weights are read: give those of a PyTorch network"),
    (b"<", f"HTML or XML; {EXPECTED}"),
)  # fmt: skip
#: A version of the format, then the producer's name or the graph.
_ONNX = re.compile(rb"\x08[\x01-\x20][\x12\x3a]")
_TENSORFLOW_INDEX_END = b"\x57\xfb\x80\x8b\x24\x75\x47\xdb"


class Kind(Enum):
    """The layout of a checkpoint's bytes."""

    ARCHIVE = "archive"
    LEGACY = "legacy"
    SAFETENSORS = "safetensors"
    SHARDS = "shards"


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """A checkpoint whose layout was checked.

    `files` hold the tensors, together `size` bytes; `sha256` is the digest of all bytes read. `states` holds the state of
    each file when it was opened (`state_of`).
    """

    kind: Kind
    files: tuple[Path, ...]
    size: int
    sha256: str
    states: Mapping[Path, tuple[int, ...]]
    remarks: tuple[str, ...] = ()

    def require_unchanged(self) -> None:
        """Raise `InputError` if a file is no longer the one that was checked."""
        for path, state in self.states.items():
            try:
                now = state_of(path.stat())
            except OSError:
                now = ()
            if now != state:
                raise InputError(f"{path}: {CHANGED}")


def look(path: Path) -> Container:
    """Check a file's layout; its content, never its name, decides its kind. Raises `InputError` for an unsafe file."""
    try:
        return _look(path)
    except OSError as error:
        raise InputError(f"{path}: cannot read the checkpoint: {reason(error)}") from None


def _look(path: Path) -> Container:
    digest = hashlib.sha256()
    shards: list[Path] = []
    remarks: tuple[str, ...] = ()
    with _opened(path) as stream:
        state, size, head = _beginning(path, stream)
        if head.startswith(b"PK\x03\x04"):
            kind, remarks = Kind.ARCHIVE, _check_archive(path, stream, size)
        elif head.startswith(_LEGACY_MAGIC):
            kind = Kind.LEGACY
        elif _says_safetensors(head, size):
            kind = Kind.SAFETENSORS
            _check_safetensors(path, stream, size)
        elif head.lstrip()[:1] == b"{":
            kind, shards = Kind.SHARDS, _shards(path, stream, size)
        else:
            raise InputError(f"{path}: {_other_kind(path, stream, size, head)}")
        _add(digest, stream)
    states = {path: state}
    if shards:
        size = 0
    for shard in shards:
        try:
            states[shard], length = _look_at_shard(shard, digest)
        except InputError as error:
            raise InputError(f"{path}: its shard {str(error).removeprefix(f'{shard.parent}/')}") from None
        size += length
        _require_size(path, size)
    return Container(
        kind=kind,
        files=tuple(shards) or (path,),
        size=size,
        sha256=digest.hexdigest(),
        states=MappingProxyType(states),
        remarks=remarks,
    )


def _opened(path: Path) -> BinaryIO:
    """Open a regular file; a pipe or a device is refused without being opened."""
    try:
        mode = path.stat().st_mode
    except ValueError:  # a NUL in the name
        raise InputError(f"{shortened(str(path))}: cannot read the checkpoint: no file has such a name") from None
    if stat.S_ISDIR(mode):
        raise InputError(f"{path}: {_folder_kind(path)}")
    if not stat.S_ISREG(mode):
        raise InputError(f"{path}: not a regular file; {EXPECTED}")
    return open_regular(path)


def _beginning(path: Path, stream: BinaryIO) -> tuple[tuple[int, ...], int, bytes]:
    """Return state, size and first bytes of a file; raise `InputError` if it is empty or too large."""
    status = os.fstat(stream.fileno())
    if status.st_size == 0:
        raise InputError(f"{path}: the file is empty; {EXPECTED}")
    _require_size(path, status.st_size)
    return state_of(status), status.st_size, stream.read(512)


def state_of(status: os.stat_result) -> tuple[int, ...]:
    """Return a file's identity, size and times, which change when it is replaced or rewritten."""
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _require_size(path: Path, size: int) -> None:
    if size > _MAX_BYTES:
        raise InputError(f"{path}: {size / (1 << 30):.0f} GiB is more than any generator here; refused")


def _folder_kind(path: Path) -> str:
    if (path / ".metadata").exists():
        return (
            "a distributed checkpoint folder, which can run code when read; if you trust it, convert it:"
            f" python -m torch.distributed.checkpoint.format_utils dcp_to_torch {path.name!a} generator.pt"
        )
    if (path / "saved_model.pb").exists():
        return "a TensorFlow SavedModel; only PyTorch weights are read: give those of a PyTorch network"
    return f"a folder; {EXPECTED}"


def _other_kind(path: Path, stream: BinaryIO, size: int, head: bytes) -> str:
    """Return what the file is instead of a checkpoint, judged by its first or last bytes, and what to do."""
    if head.startswith(b"\x80") and len(head) > 1 and head[1] <= 5:
        return (
            "a plain pickle, not written by torch.save; refused, since reading it can run code; if you trust it, convert it:"
            f' torch.save(pickle.load(open({path.name!a}, "rb")), "generator.pt")'
        )
    for magic, what in _OTHERS:
        if head.startswith(magic):
            return what
    if head[257:262] == b"ustar":
        return (
            "a tar archive, as torch wrote it before 0.2; if you trust it, convert it:"
            f' torch.save(torch.load({path.name!a}, weights_only=False), "generator.pt")'
        )
    if _ONNX.match(head):
        return "an ONNX graph, not weights; save the PyTorch generator it was exported from"
    stream.seek(max(0, size - 8))
    if stream.read(8) == _TENSORFLOW_INDEX_END:
        return "a TensorFlow checkpoint; only PyTorch weights are read: give those of a PyTorch network"
    return f"neither torch.save nor safetensors; {EXPECTED}"


def _check_archive(path: Path, stream: BinaryIO, size: int) -> tuple[str, ...]:
    """Check an archive's directory and checksums, which torch does not check; return remarks on missing checksums."""
    try:
        with zipfile.ZipFile(Bounded(stream, _MAX_DIRECTORY_BYTES)) as archive:
            infos = archive.infolist()
            _require_one_directory(path, stream, size, len(infos))
            _require_honest_directory(path, size, infos)
            _refuse_other_archives(path, [info.filename for info in infos])
            if not any(info.CRC for info in infos):  # set_crc32_options(False), or one made by hand
                return ("the file has no checksums, so damage to a weight would not be noticed",)
            broken = next((info.filename for info in infos if not _is_intact(archive, info)), None)
    except InputError:
        raise
    except Exception as error:  # EOFError, struct.error and more come out of a damaged directory
        raise InputError(f"{path}: broken archive, cut off or damaged ({type(error).__name__}); copy it again") from None
    if broken is not None:
        raise InputError(f"{path}: damaged, the checksum of '{shortened(broken)}' is wrong; copy the file again")
    return ()


def _is_intact(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bool:
    found = 0
    try:
        with archive.open(info) as member:
            while chunk := member.read(_CHUNK_BYTES):
                found = zlib.crc32(chunk, found)
    except zipfile.BadZipFile:  # zipfile checks the checksum and the name itself
        return False
    return found == info.CRC


def _require_one_directory(path: Path, stream: BinaryIO, size: int, members: int) -> None:
    """Raise `InputError` unless the archive ends with one set of end records that point to the directory right before them.

    If they point to another directory, torch reads that one, while `zipfile` reads the one right before them.
    """
    stream.seek(max(0, size - _END_64.size - _LOCATOR.size - _END.size))
    tail = stream.read()
    signature, *_, count, length, place, comment = _END.unpack(tail[-_END.size :])
    if signature != b"PK\x05\x06" or comment:
        raise InputError(f"{path}: the file goes on after the end of the archive; copy it again")
    ends = size - _END.size
    if tail[-_END.size - _LOCATOR.size :].startswith(b"PK\x06\x07"):
        ends -= _END_64.size + _LOCATOR.size
        _, _, where, _ = _LOCATOR.unpack(tail[_END_64.size : -_END.size])
        signature, *_, count, length, place = _END_64.unpack(tail[: _END_64.size])
        if signature != b"PK\x06\x06" or where != ends:
            raise InputError(f"{path}: the archive has more than one end record; {_AMBIGUOUS}")
    if place + length != ends or count != members:
        raise InputError(f"{path}: the archive's end record points to another directory than the one before it; {_AMBIGUOUS}")


def _require_honest_directory(path: Path, size: int, infos: list[zipfile.ZipInfo]) -> None:
    """Raise `InputError` if two readers could see different members, or if members claim more bytes than there are."""
    if len(infos) > _MAX_MEMBERS:
        raise InputError(f"{path}: {len(infos):,} members are more than any checkpoint has; refused")
    # torch finds members without regard to case, Python with it
    if len({info.filename.lower() for info in infos}) != len(infos):
        raise InputError(f"{path}: two members of the archive have the same name; {_AMBIGUOUS}")
    if any(info.flag_bits & 1 or info.compress_type != zipfile.ZIP_STORED for info in infos):
        raise InputError(f"{path}: members of the archive are compressed or encrypted, unlike those of torch.save; refused")
    if sum(info.file_size for info in infos) > size:
        raise InputError(f"{path}: members of the archive claim more bytes than the file has; refused")
    if any(info.compress_size != info.file_size for info in infos):
        raise InputError(f"{path}: a member of the archive states two different sizes; {_AMBIGUOUS}")
    # torch reads nothing of a member marked as a folder, and returns uninitialised memory
    if any(info.file_size and (info.orig_filename.endswith("/") or info.external_attr & _IS_FOLDER) for info in infos):
        raise InputError(f"{path}: a member of the archive is marked as a folder but has content; {_AMBIGUOUS}")
    if any(_extra_kinds(info.extra).count(_SIZES_64) > 1 for info in infos):
        raise InputError(f"{path}: a member of the archive gives its offset twice; {_AMBIGUOUS}")
    ends = 0
    for info in sorted(infos, key=lambda info: info.header_offset):
        if info.header_offset < ends:
            raise InputError(f"{path}: members of the archive overlap; {_AMBIGUOUS}")
        ends = info.header_offset + 30 + info.compress_size
    if ends > size:
        raise InputError(f"{path}: members of the archive claim more bytes than the file has; refused")


def _extra_kinds(extra: bytes) -> list[int]:
    """Return the kinds of the extra fields of a directory entry."""
    kinds = []
    while len(extra) >= 4:
        kind, length = struct.unpack_from("<2H", extra)
        kinds.append(kind)
        extra = extra[4 + length :]
    return kinds


def _refuse_other_archives(path: Path, names: list[str]) -> None:
    """Raise `InputError` for a zip archive that was not written by `torch.save`."""
    tails = {name.partition("/")[2] for name in names}
    file = ascii(path.name)
    if any(name.endswith(".npy") for name in names):
        raise InputError(f"{path}: an archive of NumPy arrays, not a checkpoint; if it holds gestures, give it as --data")
    if "archive_format" in tails or "models/model.json" in tails:
        raise InputError(
            f"{path}: an exported program (.pt2), which this tool does not open; if you trust it, save its state_dict:"
            f' torch.save(torch.export.load({file}).state_dict, "generator.pt")'
        )
    if "constants.pkl" in tails or any(tail.startswith("code/") for tail in tails):
        raise InputError(
            f"{path}: a TorchScript archive, which this tool does not open; if you trust it, save its state_dict:"
            f' torch.save(torch.jit.load({file}).state_dict(), "generator.pt")'
        )
    if "model.weights.h5" in names:
        raise InputError(f"{path}: a Keras archive; only PyTorch weights are read: give those of a PyTorch network")
    if "data.pkl" not in tails:
        raise InputError(f"{path}: a zip archive without data.pkl; {EXPECTED}")
    if len({name.partition("/")[0] for name in names}) > 1:
        raise InputError(f"{path}: members of the archive are in several folders; {_AMBIGUOUS}")


def _says_safetensors(head: bytes, size: int) -> bool:
    """Return True if the first eight bytes are a plausible length, followed by the start of a header."""
    return len(head) > 8 and head[8:].lstrip(b" ")[:1] == b"{" and 0 < int.from_bytes(head[:8], "little") <= size - 8


def _look_at_shard(path: Path, digest: hashlib._Hash) -> tuple[tuple[int, ...], int]:
    with _opened(path) as stream:
        state, size, head = _beginning(path, stream)
        if not _says_safetensors(head, size):
            raise InputError(f"{path}: not a safetensors file")
        _check_safetensors(path, stream, size)
        _add(digest, stream)
    return state, size


def _check_safetensors(path: Path, stream: BinaryIO, size: int) -> None:
    """Raise `InputError` unless the header is small, well-formed, and its tensors fill the data without gap or overlap."""

    def broken(why: str) -> InputError:
        return InputError(f"{path}: broken safetensors file: {why}; copy it again")

    stream.seek(0)
    length = int.from_bytes(stream.read(8), "little")
    if length > _MAX_HEADER_BYTES:
        raise broken(f"its header would have {length:,} bytes")
    header = _json_object(stream.read(length))
    if header is None:
        raise broken("its header is not a JSON object, or has a key twice")
    spans = []
    for name, entry in header.items():
        if name == "__metadata__":
            if not isinstance(entry, dict) or not all(isinstance(value, str) for value in entry.values()):
                raise broken("its metadata is not text")
            continue
        span = _span(entry)
        if span is None:
            raise broken(f"the dtype, shape and offsets of '{shortened(name)}' are invalid or do not agree")
        spans.append(span)
    ends = 0
    for start, end in sorted(spans):
        if start != ends:
            raise broken("its tensors overlap" if start < ends else "there are bytes between its tensors")
        ends = end
    if ends != size - 8 - length:
        raise broken(f"its tensors need {ends:,} bytes, and the file has {size - 8 - length:,}")


def _span(entry: object) -> tuple[int, int] | None:
    """Return a tensor's first byte and its end, None if dtype, shape and offsets do not agree."""
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        return None
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or dtype not in _SAFETENSORS_BITS:
        return None
    if not _are_sizes(shape) or not _are_sizes(offsets) or len(offsets) != 2 or len(shape) > 64:
        return None
    count = 1
    for extent in shape:
        count *= extent
        if count > _MAX_BYTES:
            return None
    start, end = offsets
    return (start, end) if (end - start) * 8 == count * _SAFETENSORS_BITS[dtype] else None


def _are_sizes(values: object) -> bool:
    return isinstance(values, list) and all(type(value) is int and 0 <= value < 1 << 63 for value in values)


def _json_object(text: bytes) -> Mapping[str, object] | None:
    """Return a JSON object without repeated keys, None for anything else."""

    def unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise ValueError("a key appears twice")
        return found

    try:
        value = json.loads(text.decode("utf-8"), object_pairs_hook=unique)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _shards(path: Path, stream: BinaryIO, size: int) -> list[Path]:
    """Return the shards that an index names, all in its folder; raise `InputError` for other JSON or a shard elsewhere."""
    if size > _MAX_INDEX_BYTES:
        raise InputError(f"{path}: JSON of {size / (1 << 20):.0f} MiB, more than any index of shards; {EXPECTED}")
    stream.seek(0)
    index = _json_object(stream.read(size))
    weights = None if index is None else index.get("weight_map")
    if not isinstance(weights, dict) or not weights:
        raise InputError(f"{path}: JSON, but not an index of safetensors shards; {EXPECTED}")
    names = sorted({name if isinstance(name, str) else "" for name in weights.values()})
    if len(names) > _MAX_SHARDS:
        raise InputError(f"{path}: names {len(names):,} shards, more than any checkpoint has; refused")
    folders = {path.resolve().parent, path.parent.resolve()}  # in a hub's cache, index and shards are links side by side
    for name in names:
        if name.endswith(".bin"):
            raise InputError(
                f"{path}: an index of torch.save shards, which are not supported; convert the shards to safetensors"
            )
        if not _SHARD_NAME.fullmatch(name) or name.startswith("."):
            raise InputError(
                f"{path}: refused: it names the shard '{shortened(name)}'; expected a .safetensors file in its own folder"
            )
        if not (path.parent / name).is_file():
            raise InputError(f"{path}: its shard {name} is not in its folder; copy all shards there")
        if (path.parent / name).resolve().parent not in folders:
            raise InputError(f"{path}: its shard {name} is a link that leads out of the folder; refused")
    return [path.parent / name for name in names]


def _add(digest: hashlib._Hash, stream: BinaryIO) -> None:
    stream.seek(0)
    while chunk := stream.read(_CHUNK_BYTES):
        digest.update(chunk)
