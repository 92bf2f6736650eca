"""Fuzz the loader with damaged checkpoints: the parent's checks, a process per file, its limits and its hook.

Archives are damaged as a whole, or in one member whose checksum is then corrected: the first kind seldom gets further than
the directory, the second reaches the unpickler. So do pickles made of their own operations in another order.
"""

from __future__ import annotations

import codecs
import io
import itertools
import pickletools
import re
import time
import zipfile
from argparse import Namespace
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save

from humouse_doctor.core.errors import InputError
from humouse_doctor.inputs.checkpoints import checkpoint, child
from tests.hostile import pickles as p
from tests.hostile.checkpoints import CALLS
from tests.hostile.forks import Forks, Watch
from tests.inputs.checkpoints.files import network, weights
from tests.lab.fuzz.target import Failure, Outcome, Target, damaged

_MAX_S = 10.0
_MAX_KIB = 2 << 20
_MAX_LINE = 700

#: Words for damage: names and operations that mean something to an unpickler.
_WORDS = [
    *(p.name(path) for path, _ in CALLS.values()),
    *(p.call(path, *arguments) for path, arguments in CALLS.values()),
    *(p.name(path) for path in (
        "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor_v3", "torch._utils._rebuild_parameter",
        "torch._utils._rebuild_sparse_tensor", "torch._utils._rebuild_qtensor", "torch._utils._rebuild_nested_tensor",
        "torch._utils._rebuild_meta_tensor_no_storage", "torch._utils._rebuild_wrapper_subclass",
        "torch._utils._rebuild_device_tensor_from_numpy", "torch._tensor._rebuild_from_type_v2", "torch.nn.parameter.Parameter",
        "torch.Tensor", "torch.Size", "torch.device", "torch.FloatStorage", "torch.storage.UntypedStorage",
        "torch.storage.TypedStorage", "torch.serialization._get_layout", "torch.float32", "torch.per_tensor_affine",
        "collections.OrderedDict", "collections.Counter", "builtins.bytearray", "builtins.set", "builtins.complex",
        "_codecs.encode", "numpy.ndarray", "numpy.dtype", "numpy._core.multiarray._reconstruct",
        "numpy._core.multiarray.scalar",
    )),
    *(bytes([code]) for code in b"(.0N)]}tR\x81bseuaQ\x85\x86\x87\x88\x89\x8a\x93"),
    p.number(1 << 31), p.number(1 << 62), p.number(-1), b"h\x00", b"h\x01", b"q\x00", b"q\x01", b"r\xff\xff\xff\xff",
    b'"F32"', b'"BF16"', b'"F4"', b"[0,8]", b"[" * 50, b"9" * 30, b"\\ud800", b'{"', b"PK\x01\x02", b"PK\x05\x06", b"archive/",
]  # fmt: skip


class Checkpoints(Target):
    """The rules of `tests.hostile`: a checkpoint or one line, and neither process does anything else."""

    def __init__(self, folder: Path, seed: int) -> None:
        super().__init__(folder, seed)
        (folder / "loaders").mkdir()
        self.forks = Forks(folder / "loaders")
        self.watch = Watch()
        self.seeds = list(_seeds())
        for codec in ("cp437", "unicode_escape"):  # imported at the first name that needs them
            codecs.lookup(codec)
        self._launch = child.launch
        child.launch = self._forked
        for data, _ in self.seeds:
            self._read(data, salvage=True)

    def close(self) -> None:
        child.launch = self._launch
        self.forks.close()

    def _forked(self) -> child.Process:
        with self.watch.looking_away():
            return self.forks.launch()

    def once(self) -> Outcome:
        data, inner = self.random.choice(self.seeds)
        made = self._remade(data, inner)
        salvage = self.random.random() < 0.3
        self.watch.seen.clear()
        before = time.process_time()
        with self.watch.looking():
            outcome = self._read(made, salvage)
        if self.watch.seen:
            raise Failure(f"this process did more than look: {self.watch.seen[:3]}", made)
        ended = self.forks.ended[-1]
        seconds = time.process_time() - before + ended.cpu_s
        if seconds > _MAX_S or ended.peak_kib > _MAX_KIB:
            raise Failure(f"{seconds:.1f} s and {ended.peak_kib >> 10} MiB", made)
        if [path for path in self.folder.iterdir() if path.name not in ("loaders", "a.pt")] or list(
            self.forks.folder.iterdir()
        ):
            raise Failure("a file was made", made)
        return Outcome(outcome, made if "(SIG" in outcome and "SIGXCPU" not in outcome else None)

    def _remade(self, data: bytes, inner: bool) -> bytes:
        if not inner or self.random.random() < 0.15:
            return damaged(data, self.random, _WORDS)
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = {info.filename: archive.read(info) for info in archive.infolist()}
        chosen = self.random.choice([*members, *[name for name in members if name.endswith("data.pkl")] * 20])
        shuffle = chosen.endswith("data.pkl") and self.random.random() < 0.4
        members[chosen] = self._shuffled(members[chosen]) if shuffle else damaged(members[chosen], self.random, _WORDS)
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w") as archive:
            for name, member in members.items():
                archive.writestr(zipfile.ZipInfo(name), member)
        return made.getvalue()

    def _shuffled(self, pickled: bytes) -> bytes:
        """Return the pickle with whole operations left out, repeated, exchanged or inserted."""
        places = [place or 0 for _, _, place in pickletools.genops(pickled)] + [len(pickled)]
        pieces = [pickled[start:end] for start, end in itertools.pairwise(places)]
        for _ in range(self.random.choice((1, 1, 2, 4))):
            place, other = self.random.randrange(len(pieces)), self.random.randrange(len(pieces))
            match self.random.randrange(4):
                case 0:
                    pieces[place] = self.random.choice(_WORDS)
                case 1:
                    pieces.insert(place, self.random.choice(_WORDS))
                case 2:
                    pieces[place] = pieces[other]
                case _:
                    pieces[place], pieces[other] = pieces[other], pieces[place]
        return b"".join(pieces)

    def _read(self, data: bytes, salvage: bool) -> str:
        path = self.folder / "a.pt"
        with self.watch.looking_away():
            path.write_bytes(data)
        try:
            found = checkpoint.load(path, salvage=salvage)
        except InputError as error:
            line = str(error)
            fits = line.startswith(f"{path}: ") and line.isprintable() and len(line) < _MAX_LINE + len(str(path))
            if not fits or "add_safe_globals" in line:
                raise Failure(f"a line that is none: {line[:300]!r}", data) from None
            if "did not start" in line:
                raise Failure(line, data) from None
            return "refused: " + _in_short(line.removeprefix(f"{path}: "))
        except Exception as error:
            raise Failure(f"{type(error).__name__}: {error}", data) from error
        for tensor in found.tensors.values():
            tensor.double().sum()  # every number in it can be reached
        return "read"


def _in_short(line: str) -> str:
    """Return a refusal without the parts that depend on the file."""
    return re.sub(r"'.*'|\b[\d,]+\b|\d+ more|it refers to .*|names .*", "...", line)[:80]


def _seeds() -> list[tuple[bytes, bool]]:
    """Return small files of every kind, each with a flag for archives."""
    tensors = {name: tensor[:1] if tensor.dim() else tensor for name, tensor in list(weights().items())[:3]}
    pretrainer = {
        "state_dict": tensors,
        "config": {"latent_dim": 3, "activation_xy": "linear", "rate": 0.5, "none": None},
        "position_mean": np.ones(2, np.float32),
        "position_std": np.float64(2),
    }
    odd: dict[str, Any] = {
        "a.b": torch.nn.Parameter(torch.ones(2)),
        "c.d": torch.ones(2, dtype=torch.bfloat16),
        "rows": torch.eye(2).to_sparse(),
        "view": torch.arange(6.0).reshape(2, 3).T,
        "bytes": b"\xff\x00",
        "size": torch.Size([1, 2]),
        "set": {1, 2},
        "tuple": (1, "a", None, True, 2**40),
    }
    foreign = {"model": tensors, "hparams": Namespace(lr=1.0), "losses": defaultdict(list, a=[1.0])}
    contents = [tensors, pretrainer, odd, foreign, network(), {"sequences": torch.ones(1, 2, 2)}, {"model": {"G": tensors}}]
    found = [(save({name: tensor.contiguous() for name, tensor in tensors.items()}), False), (save({"a.b": odd["c.d"]}), False)]
    for content in contents:
        for modern in (True, False):
            stream = io.BytesIO()
            torch.save(content, stream, _use_new_zipfile_serialization=modern)
            found.append((stream.getvalue(), modern))
    return found
