"""Checkpoint files to plain tensors: always `weights_only=True`, and never a fallback to anything else."""

from __future__ import annotations

import hashlib
import pickle
import re
import stat
import struct
import warnings
import zipfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from humouse_doctor.core.arrays import FloatArray
from humouse_doctor.core.arrays import numpy as np
from humouse_doctor.core.errors import InputError
from humouse_doctor.generator.inert import STAND_INS, InertArray

_EXPECTED = "expected a humouse generator checkpoint (generator_<name>.pt or the pretrainer's)"
_LEGACY_MAGIC = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19"
_MAX_BYTES = 8 << 30
_MAX_DEPTH = 4
_MAX_PREFIXES = 8
_DTYPES = (
    torch.float16, torch.bfloat16, torch.float32, torch.float64,
    torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.bool,
)  # fmt: skip

#: Where people keep a generator's weights inside a larger file; the first that is there is taken.
_WRAPPERS = (
    "state_dict", "generator", "G", "netG", "model_state_dict", "generator_state_dict", "netG_state_dict", "model",
    "g_ema", "generator_ema", "G_ema", "ema", "shadow",
)  # fmt: skip
_AVERAGED = ("g_ema", "generator_ema", "G_ema", "ema")
_PREFIXES = ("module.", "_orig_mod.")
_SUBNETWORKS = ("generator.", "netG.", "G.", "gen.", "model.", "net.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """Tensors by name, all wrappers and prefixes taken off.

    `position_mean` and `position_std` (2,) and `config` come from a pretrainer's file; `remarks` say what was taken.
    """

    tensors: Mapping[str, Tensor]
    sha256: str
    remarks: tuple[str, ...] = ()
    position_mean: FloatArray | None = None
    position_std: FloatArray | None = None
    config: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def is_pretrainer(self) -> bool:
        """Whether the output layer was rescaled to pixels after training, as the pretrainer does."""
        return self.position_mean is not None and self.position_std is not None


def load(path: Path, names: Collection[str] = ()) -> Checkpoint:
    """Read a generator's checkpoint; raises `InputError` with one line for anything else.

    `names` are those of a network of the user's own: where all of them are there, no prefix of theirs is taken off.
    """
    content = load_content(path)
    if isinstance(content, Tensor):
        raise InputError(f"{path}: holds a bare tensor; {_EXPECTED}")
    if not isinstance(content, dict):
        raise InputError(f"{path}: holds a {type(content).__name__}; {_EXPECTED}")
    if isinstance(dict.get(content, "sequences"), Tensor):
        raise InputError(f"{path}: is a replay buffer, not a checkpoint; give it as --data")
    remarks: list[str] = []
    tensors = _plain_names(_unwrap(path, content, remarks, 0), remarks, names)
    for name, tensor in tensors.items():
        _require_plain(path, name, tensor)
    settings = dict.get(content, "config")
    return Checkpoint(
        tensors=MappingProxyType(tensors),
        sha256=_digest(path),
        remarks=tuple(remarks),
        position_mean=_pair(path, content, "position_mean"),
        position_std=_pair(path, content, "position_std"),
        config=MappingProxyType(_texts(settings) if isinstance(settings, dict) else {}),
    )


def _texts(settings: dict[Any, Any]) -> dict[str, object]:
    # A pickled OrderedDict can carry an attribute `items` of its own.
    return {name: value for name, value in dict.items(settings) if isinstance(name, str)}


def _require_plain(path: Path, name: str, tensor: Tensor) -> None:
    """Raise `InputError` for a tensor that is no plain block of numbers: touching one may fail or fill the memory."""
    dense = tensor.layout is torch.strided and not (tensor.is_meta or tensor.is_nested)
    if not dense or tensor.dtype not in _DTYPES:
        raise InputError(f"{path}: tensor '{_shown(name)}' is not dense and real; {_EXPECTED}")
    if tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
        raise InputError(f"{path}: tensor '{_shown(name)}' claims more numbers than the file holds; refused")


def load_gesture_array(path: Path) -> tuple[FloatArray, FloatArray | None]:
    """Gestures (N, T, >=2) and features (N, F) or None from a replay buffer or a bare tensor; raises `InputError`."""
    content = load_content(path)
    features = None
    if isinstance(content, dict):
        features = dict.get(content, "features")
        content = dict.get(content, "sequences")
    if not isinstance(content, Tensor) or content.dim() != 3:
        raise InputError(f"{path}: holds no gestures; expected a tensor (N, T, >=2), alone or under 'sequences'")
    _require_plain(path, "sequences", content)
    if content.size(2) < 2:
        raise InputError(f"{path}: holds no gestures; expected a tensor (N, T, >=2), alone or under 'sequences'")
    sequences = content.detach().float().numpy()
    if not isinstance(features, Tensor) or features.dim() != 2:
        return sequences, None
    _require_plain(path, "features", features)
    return sequences, features.detach().float().numpy() if len(features) == len(sequences) else None


def load_content(path: Path) -> Any:
    """What `torch.save` or safetensors wrote, read without running any of it; raises `InputError`."""
    kind = _kind(path)
    if kind == "safetensors":
        return _load_safetensors(path)
    try:
        with (
            warnings.catch_warnings(),
            torch.serialization.safe_globals(STAND_INS),  # type: ignore[arg-type]  # tuples with a name are accepted
            torch.sparse.check_sparse_tensor_invariants(),  # type: ignore[no-untyped-call]  # unannotated in torch
        ):
            warnings.simplefilter("ignore")
            with path.open("rb") as stream:  # not the path: torch takes its ending for its format
                return torch.load(stream, map_location="cpu", weights_only=True, mmap=False)
    except Exception as error:  # torch lets a dozen kinds through for a broken file, KeyError and MemoryError among them
        raise InputError(f"{path}: {_refusal(error)}") from None


def _refusal(error: Exception) -> str:
    """Why torch did not load it, without torch's advice to load it unsafely."""
    text = " ".join(str(error).split())
    foreign = re.search(r"GLOBAL ([\w.]+)", text)
    if isinstance(error, pickle.UnpicklingError) and foreign:
        return (
            f"refused, reading it would run code: it refers to {foreign.group(1)}; save the state_dict alone,"
            " with torch.save(generator.state_dict(), ...)"
        )
    if isinstance(error, ValueError) and "refused" in text:
        return text
    return f"broken or not a checkpoint ({type(error).__name__}); {_EXPECTED}"


def _kind(path: Path) -> str:
    """What the file is by its first bytes; raises `InputError` for what is certainly no checkpoint."""
    try:
        if path.is_dir():
            if (path / ".metadata").exists():
                raise InputError(
                    f"{path}: a distributed checkpoint folder, which runs code when read; convert it where it is trusted"
                    " with torch.distributed.checkpoint.format_utils.dcp_to_torch_save"
                )
            raise InputError(f"{path}: a folder; {_EXPECTED}")
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise InputError(f"{path}: not a regular file; {_EXPECTED}")
        size = status.st_size
        with path.open("rb") as stream:
            head = stream.read(64)
    except OSError as error:
        raise InputError(f"{path}: cannot read the checkpoint: {error.strerror or error}") from None
    if size == 0:
        raise InputError(f"{path}: the file is empty; {_EXPECTED}")
    if size > _MAX_BYTES:
        raise InputError(f"{path}: {size / (1 << 30):.0f} GiB is more than any generator here; refused")
    if head.startswith(b"PK\x03\x04"):
        _check_archive(path)
        return "zip"
    if head.startswith(_LEGACY_MAGIC):
        return "legacy"
    if len(head) >= 9 and head[8:9] == b"{" and 0 < struct.unpack("<Q", head[:8])[0] <= size:
        return "safetensors"
    if head.startswith(b"version https://git-lfs"):
        raise InputError(f"{path}: a Git LFS pointer, not the file itself; run git lfs pull")
    if head.startswith(b"\x80"):
        raise InputError(f"{path}: a plain pickle, not written by torch.save; refused, reading it would run code")
    known = {b"\x93NUMPY": "a NumPy array", b"\x1f\x8b": "gzip data", b"\x89PNG": "an image", b"<": "HTML or XML"}
    what = next((name for magic, name in known.items() if head.startswith(magic)), "neither torch.save nor safetensors")
    raise InputError(f"{path}: {what}; {_EXPECTED}")


def _check_archive(path: Path) -> None:
    """Look at the archive's directory and checksums, which torch itself does not."""
    try:
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
            names = [info.filename for info in infos]
            if len(set(names)) != len(names):
                raise InputError(f"{path}: two members have the same name, so that readers would differ; refused")
            tails = {name.partition("/")[2] for name in names}
            if any(name.endswith(".npy") for name in names):
                raise InputError(f"{path}: an archive of NumPy arrays, not a checkpoint; gestures are given as --data")
            if "archive_format" in tails or "models/model.json" in tails:
                raise InputError(f"{path}: an exported program (.pt2), which is not opened; save the state_dict instead")
            if "constants.pkl" in tails or any(tail.startswith("code/") for tail in tails):
                raise InputError(f"{path}: a TorchScript archive, which is not opened; save the state_dict instead")
            if "data.pkl" not in tails:
                raise InputError(f"{path}: a zip archive without data.pkl; {_EXPECTED}")
            if any(info.flag_bits & 1 or info.compress_type != zipfile.ZIP_STORED for info in infos):
                raise InputError(f"{path}: its members are compressed or encrypted, as torch.save never does; refused")
            if sum(info.file_size for info in infos) > path.stat().st_size:
                raise InputError(f"{path}: its members claim more bytes than the file has; refused")
            broken = archive.testzip()
    except InputError:
        raise
    except Exception as error:  # EOFError, struct.error and more come out of a damaged directory
        raise InputError(f"{path}: broken archive, cut off or damaged ({type(error).__name__}); copy it again") from None
    if broken is not None:
        raise InputError(f"{path}: damaged, the checksum of '{_shown(broken)}' does not fit; copy it again")


def _load_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        from safetensors import SafetensorError
        from safetensors.torch import load_file
    except ImportError:
        raise InputError(f"{path}: a safetensors file; install humouse-doctor[safetensors] to read it") from None
    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise InputError(f"{path}: broken safetensors file: {' '.join(str(error).split())[:200]}") from None


def _unwrap(path: Path, content: dict[Any, Any], remarks: list[str], depth: int) -> dict[str, Tensor]:
    """The state dict inside `content`, and a remark on every choice made on the way."""
    tensors = {name: value for name, value in dict.items(content) if isinstance(value, Tensor)}
    if tensors and all(isinstance(name, str) for name in tensors) and any("." in name for name in tensors):
        return dict(tensors)
    present = [name for name in _WRAPPERS if isinstance(dict.get(content, name), dict)]
    if not present or depth >= _MAX_DEPTH:
        names = ", ".join(_shown(str(name)) for name in list(dict.keys(content))[:6]) or "nothing"
        raise InputError(f"{path}: no generator's weights in it (it holds {names}); {_EXPECTED}")
    chosen = present[0]
    averaged = [name for name in present if name in _AVERAGED]
    if chosen in averaged:
        remarks.append(f"took the averaged (EMA) weights under '{chosen}', there are no others")
    elif averaged:
        remarks.append(f"took the weights under '{chosen}'; the averaged (EMA) ones under '{averaged[0]}' were left")
    else:
        remarks.append(f"took the weights under '{chosen}'")
    return _unwrap(path, dict.__getitem__(content, chosen), remarks, depth + 1)


def _plain_names(tensors: dict[str, Tensor], remarks: list[str], wanted: Collection[str]) -> dict[str, Tensor]:
    """Names as the generator itself has them: wrappers' prefixes off, one sub-network chosen, old spectral-norm names.

    With the names `wanted`, they are left alone as soon as all of these are among them.
    """
    for _ in range(_MAX_PREFIXES):
        tensors = {name: tensor for name, tensor in tensors.items() if name != "n_averaged"}
        if wanted and all(name in tensors for name in wanted):
            return tensors
        wrapper = next((prefix for prefix in _PREFIXES if all(name.startswith(prefix) for name in tensors)), None)
        prefix = wrapper or next((prefix for prefix in _SUBNETWORKS if any(n.startswith(prefix) for n in tensors)), None)
        if prefix is None:
            break
        inside = {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
        if wrapper is None:
            remarks.append(f"took the sub-network '{prefix.rstrip('.')}' ({len(inside)} of {len(tensors)} tensors)")
        tensors = inside
    renamed = {}
    for name, tensor in tensors.items():
        plain = re.sub(r"parametrizations\.weight\.original$", "weight_orig", name)
        renamed[re.sub(r"parametrizations\.weight\.0\._([uv])$", r"weight_\1", plain)] = tensor
    return renamed


def _pair(path: Path, content: dict[Any, Any], name: str) -> FloatArray | None:
    """Position statistics as two numbers; one number serves for both axes."""
    raw = dict.get(content, name)
    if raw is None:
        return None
    if isinstance(raw, Tensor):
        _require_plain(path, name, raw)
        raw = raw.detach().double().numpy()
    value = raw.value if isinstance(raw, InertArray) else raw if isinstance(raw, np.ndarray) else None
    if value is None or value.size not in (1, 2):
        raise InputError(f"{path}: '{name}' is not one or two numbers; expected what the pretrainer writes")
    pair: FloatArray = value.reshape(-1).repeat(3 - value.size)
    if not bool(abs(pair).max() < float("inf")) or (name == "position_std" and not bool((pair > 0).all())):
        raise InputError(f"{path}: '{name}' is {pair.tolist()}; expected finite numbers, a std above zero")
    return pair


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def _shown(name: str) -> str:
    """A name from the file as harmless text."""
    return name.encode("unicode_escape").decode("ascii")[:80]
