"""Read a generator's checkpoint as tensors by name: the file is checked here and read in a separate process.

Torch is imported only after that process has started, so that both imports run side by side.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

from humouse_doctor.core.arrays import FloatArray
from humouse_doctor.core.arrays import numpy as np
from humouse_doctor.core.errors import InputError
from humouse_doctor.inputs.checkpoints import container
from humouse_doctor.inputs.checkpoints.child import Loader
from humouse_doctor.inputs.checkpoints.container import Container, Kind
from humouse_doctor.inputs.checkpoints.protocol import BARE_SEQUENCES, Content, Plain
from humouse_doctor.inputs.files import open_regular

if TYPE_CHECKING:
    from torch import Tensor

#: The value for a tensor's name: the tensor, or its shape.
_Named = TypeVar("_Named")

_NO_GESTURES = "holds no gestures; expected a tensor (N, T, >=2), alone or under 'sequences'"
#: Beyond this, a file that says what it holds is asked before it is read; below, reading it is quicker.
_LARGE_BYTES = 64 << 20
_MAX_PREFIXES = 8
_NO_NAMES: Mapping[str, tuple[int, ...]] = MappingProxyType({})
_PREFIXES = ("module.", "_orig_mod.")
_SUBNETWORKS = ("generator.", "netG.", "G.", "gen.", "model.", "net.")


#: Raises `InputError` for a file, by its path, whose tensors' shapes, by name, are not those of a generator.
Accept = Callable[[str, Mapping[str, tuple[int, ...]]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """Tensors by name, without wrappers and prefixes.

    `position_mean` and `position_std` (2,) and `config` come from a pretrainer's file; `stated` are the settings that a
    framework such as Lightning saved beside the weights. `has_encoder` is True if an encoder's tensors are among those left
    out. `remarks` describe the choices made in reading. `foreign` names the code that the file refers to, none of which was
    run.
    """

    tensors: Mapping[str, Tensor]
    sha256: str
    remarks: tuple[str, ...] = ()
    position_mean: FloatArray | None = None
    position_std: FloatArray | None = None
    config: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    stated: Mapping[str, Plain] = field(default_factory=lambda: MappingProxyType({}))
    has_encoder: bool = False
    foreign: tuple[str, ...] = ()

    @property
    def is_pretrainer(self) -> bool:
        """True if the output layer was rescaled to pixels after training, as the pretrainer does."""
        return self.position_mean is not None and self.position_std is not None


class BareSequences(InputError):
    """Raised for a file that holds a tensor of sequences instead of a checkpoint."""


def load(
    path: Path,
    names: Mapping[str, tuple[int, ...]] = _NO_NAMES,
    *,
    salvage: bool = False,
    accept: Accept = lambda _path, _shapes: None,
) -> Checkpoint:
    """Read a generator's checkpoint; raise `InputError` with a one-line message for anything else.

    `names` are the tensors of a user's own network with their shapes: the prefix is removed under which they stand in the
    file. With `salvage`,
    objects of foreign classes are read as plain data, so that a pickled module yields its tensors. `accept` gets the
    shapes that a large file states, by name, and raises `InputError` if the file need not be read.
    """
    with Loader() as loader:
        looked_at = container.look(path)
        if not names and looked_at.size > _LARGE_BYTES and looked_at.kind in (Kind.SAFETENSORS, Kind.SHARDS):
            _require_accepted(path, looked_at, accept)
        try:
            answer = loader.read(path, looked_at, Content.GENERATOR, salvage=salvage)
        except InputError as error:
            raise (BareSequences if BARE_SEQUENCES in str(error) else InputError)(str(error)) from None
    import torch  # the loader's process has started by now, or even ended

    remarks = [*looked_at.remarks, *answer.remarks]
    found = {name: torch.from_numpy(array) for name, array in answer.arrays.items()}
    pairs = {name: np.array(values, dtype=np.float64) for name, values in answer.statistics.items()}
    tensors = _under_prefix(found, remarks, names) if names else _plain_names(found, remarks)
    taken = {id(tensor) for tensor in tensors.values()}
    others = [name for name, tensor in found.items() if id(tensor) not in taken]
    return Checkpoint(
        tensors=MappingProxyType(tensors),
        sha256=looked_at.sha256,
        remarks=tuple(remarks),
        position_mean=pairs.get("position_mean"),
        position_std=pairs.get("position_std"),
        config=answer.config,
        stated=answer.stated,
        has_encoder=any(part.startswith("enc") for name in others for part in name.split(".")),
        foreign=answer.foreign,
    )


def _require_accepted(path: Path, looked_at: Container, accept: Accept) -> None:
    """Call `accept` with the shapes in the headers: a file of other tensors, however large, is refused without reading them."""
    shapes: dict[str, tuple[int, ...]] = {}
    for file in looked_at.files:
        with open_regular(file) as stream:
            header = json.loads(stream.read(int.from_bytes(stream.read(8), "little")))
        shapes.update((name, tuple(entry["shape"])) for name, entry in header.items() if name != "__metadata__")
    if any("." in name for name in shapes):  # else the loader says what is missing
        accept(str(path), _plain_names(shapes, []))


def load_gesture_array(path: Path) -> tuple[FloatArray, FloatArray | None]:
    """Read gestures (N, T, >=2) and features (N, F) or None from a replay buffer or a bare tensor; raise `InputError`."""
    with Loader() as loader:
        looked_at = container.look(path)
        answer = loader.read(path, looked_at, Content.GESTURES, salvage=False)
    sequences, features = answer.arrays.get("sequences"), answer.arrays.get("features")
    if sequences is None or sequences.ndim != 3 or sequences.shape[2] < 2:
        raise InputError(f"{path}: {_NO_GESTURES}")
    if features is not None and (features.ndim != 2 or len(features) != len(sequences)):
        features = None
    with np.errstate(over="ignore"):  # values beyond float32 become infinite
        single = sequences.astype(np.float32, copy=False)
        return single, None if features is None else features.astype(np.float32, copy=False)


def _plain_names(tensors: dict[str, _Named], remarks: list[str]) -> dict[str, _Named]:
    """Return the tensors with the generator's own names: no prefixes, one sub-network, old spectral-norm names."""
    for _ in range(_MAX_PREFIXES):
        tensors = {name: tensor for name, tensor in tensors.items() if name != "n_averaged"}
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


def _under_prefix(
    tensors: Mapping[str, Tensor], remarks: list[str], wanted: Mapping[str, tuple[int, ...]]
) -> dict[str, Tensor]:
    """Return the tensors under the prefix where the `wanted` ones stand, without it: all of them and no others, if possible.

    Of several such prefixes a generator's usual one comes first, else the first in the file. Where none has them all in their
    shapes, that with the most of them is taken, so that a message names what it lacks.
    """
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items() if name != "n_averaged"}
    prefixes = [""] + [name[: -len(own)] for name in shapes for own in _tails(name) if own in wanted]
    inside = {
        prefix: {name.removeprefix(prefix): shape for name, shape in shapes.items() if name.startswith(prefix)}
        for prefix in dict.fromkeys(prefixes)
    }
    whole = [prefix for prefix, found in inside.items() if found == dict(wanted)]
    usual = [prefix for prefix in ("", *_PREFIXES, *_SUBNETWORKS) if prefix in whole]
    chosen = (usual or whole or sorted(inside, key=lambda prefix: -len(inside[prefix].keys() & wanted.keys())))[0]
    if chosen and not (chosen in _PREFIXES and len(inside[chosen]) == len(shapes)):
        said = f"took '{chosen.rstrip('.')}' ({len(inside[chosen])} of {len(shapes)} tensors), named like the network's"
        others = [prefix.rstrip(".") for prefix in whole if prefix != chosen]
        remarks.append(f"{said}; so are those of {', '.join(others)}" if others else said)
    return {name: tensors[chosen + name] for name in inside[chosen]}


def _tails(name: str) -> Iterator[str]:
    """Yield what is left of a tensor's name after each of its prefixes."""
    for _ in range(_MAX_PREFIXES):
        _, dot, name = name.partition(".")
        if not dot:
            return
        yield name
