"""Checkpoints as they come in from outside: of many programs, broken, or made to do harm; each with what may come of it.

`weights` stand beside the trap wherever they can, so that the trap alone decides. The facts on what torch 2.13 does with
each were tried first; the files are written here.
"""

from __future__ import annotations

import collections
import dataclasses
import enum
import io
import json
import os
import pickle
import struct
import types
import zipfile
from argparse import Namespace
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from tests.hostile import pickles as p
from tests.hostile.archives import write_many
from tests.inputs.checkpoints.files import Reduced, network, prefixed, weights
from tests.inputs.checkpoints.test_checkpoint_refusals import CRAFTED

#: In place of words: there is a report.
USABLE = "(a report)"
Write = Callable[[Path], Path | None]


class Case(NamedTuple):
    """A file to be written to a path, and words of the line that refuses it, or `USABLE`."""

    family: str
    name: str
    write: Write
    says: str
    salvage: bool = False

    @property
    def usable(self) -> bool:
        """Whether there is a report on it."""
        return self.says == USABLE


@dataclasses.dataclass
class Training:
    """A program's own class, as it may lie in a checkpoint."""

    epoch: int = 3


class Colour(enum.Enum):
    RED = 1


def cases() -> list[Case]:
    """All of them; a family's names differ."""
    return [
        *_of("wild", _wild()),
        *_of("salvaged", _salvaged(), salvage=True),
        *_of("other", _other()),
        *_of("broken", _broken()),
        *_of("archive", _archives()),
        *_of("code", _code()),
        *_of("code salvaged", _code_salvaged(), salvage=True),
        *_of("numpy", _numpy()),
        *_of("bomb", _bombs()),
        *_of("bomb salvaged", _bombs_salvaged(), salvage=True),
        *_of("tensor", _tensors()),
        *_of("name", _names()),
        *_of("safetensors", _safetensors()),
        *_of("shards", _shards()),
    ]


def _of(family: str, found: dict[str, tuple[Write, str]], *, salvage: bool = False) -> list[Case]:
    return [Case(family, name, write, says, salvage) for name, (write, says) in found.items()]


def saved(content: object, *, legacy: bool = False, **options: Any) -> Write:
    return lambda path: torch.save(content, path, _use_new_zipfile_serialization=not legacy, **options)


def raw(data: bytes) -> Write:
    def write(path: Path) -> None:
        path.write_bytes(data)

    return write


def beside(value: bytes, records: dict[str, bytes] | None = None) -> Write:
    """A pickled value beside weights that are good."""

    def write(path: Path) -> None:
        tensors = dict(weights())
        keys = {name: str(place) for place, name in enumerate(tensors)}
        held = {keys[name]: tensor.numpy().tobytes() for name, tensor in tensors.items()}
        good = (
            (p.word(name), p.tensor(p.storage(keys[name], tensor.numel()), tuple(tensor.shape)))
            for name, tensor in tensors.items()
        )
        p.archive(path, p.dict_of(state_dict=p.pairs(*good), extra=value), {**held, **(records or {})})

    return write


def among(value: bytes, records: dict[str, bytes] | None = None) -> Write:
    """A tensor among weights, where it has to be looked at."""
    return lambda path: p.archive(path, p.pairs((p.word("bad.w"), value)), records)


def bytes_of(write: Write) -> bytes:
    """What `write` writes."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.pt"
        write(path)
        return path.read_bytes()


def changed(write: Write, change: Callable[[bytes], bytes]) -> Write:
    def changing(path: Path) -> None:
        write(path)
        path.write_bytes(change(path.read_bytes()))

    return changing


def remembered(write: Write) -> Write:
    """What takes long to make is made once, and is the same bytes again."""
    made: list[bytes] = []

    def writing(path: Path) -> None:
        if made:
            path.write_bytes(made[0])
            return
        write(path)
        made.append(path.read_bytes())

    return writing


def rezipped(write: Write, change: Callable[[dict[str, bytes]], dict[str, bytes]], method: int = zipfile.ZIP_STORED) -> Write:
    """An archive with other members, all checksums right."""

    def changing(path: Path) -> None:
        write(path)
        with zipfile.ZipFile(path) as made:
            members = {info.filename: made.read(info) for info in made.infolist()}
        with zipfile.ZipFile(path, "w", method) as made:
            for member, data in change(members).items():
                made.writestr(member, data)

    return changing


def _pretrainer(mean: object, std: object) -> dict[str, object]:
    return {"state_dict": weights(), "config": {"latent_dim": 3}, "position_mean": mean, "position_std": std}


def _lightning(parameters: object) -> dict[str, object]:
    inner = {**prefixed("discriminator.", {"classifier.weight": torch.ones(1, 4)}), **prefixed("generator.", weights())}
    return {
        "epoch": 1,
        "global_step": 10,
        "pytorch-lightning_version": "2.6.6",
        "state_dict": OrderedDict(inner),
        "loops": {},
        "callbacks": {},
        "optimizer_states": [],
        "lr_schedulers": [],
        "hparams_name": "kwargs",
        "hyper_parameters": parameters,
    }


def _optimizer() -> dict[str, Any]:
    """Return what `torch.optim.Adam` has for its state after one step; the class itself imports a compiler for seconds."""
    shapes = [parameter.shape for parameter in network().parameters()]
    state = {
        number: {"step": torch.tensor(1.0), "exp_avg": torch.full(shape, 0.1), "exp_avg_sq": torch.full(shape, 1e-3)}
        for number, shape in enumerate(shapes)
    }
    group = {
        "lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0, "amsgrad": False, "maximize": False, "foreach": None,
        "capturable": False, "differentiable": False, "fused": None, "decoupled_weight_decay": False,
        "params": list(range(len(shapes))),
    }  # fmt: skip
    return {"state": state, "param_groups": [group]}


def _several_nets(path: Path) -> None:
    other = {"classifier.weight": torch.ones(1, 4), "classifier.bias": torch.ones(1)}
    saved({"model": {"generator": weights(), "discriminator": other}, "optimizer": _optimizer()})(path)


def _with_optimizer(path: Path) -> None:
    saved({"model": weights(), "optimizer": _optimizer(), "scaler": {"scale": 1.0}, "rng": torch.get_rng_state()})(path)


def _wild() -> dict[str, tuple[Write, str]]:
    half = {name: tensor.bfloat16() for name, tensor in weights().items()}
    wrapped = {
        key: (saved({"epoch": 1, key: weights()}), USABLE)
        for key in ("state_dict", "generator", "G", "netG", "model", "g_ema", "g", "params", "params_ema", "g_state")
    }
    return {
        **wrapped,
        "bare": (saved(weights()), USABLE),
        "legacy": (saved(weights(), legacy=True), USABLE),
        "parallel": (saved(prefixed("module.", weights())), USABLE),
        "parallel and compiled": (saved(prefixed("module._orig_mod.", weights())), USABLE),
        "averaged model": (saved(AveragedModel(network()).state_dict()), USABLE),
        "ema shadow": (saved({"ema": {"decay": 0.9, "shadow": weights()}}), USABLE),
        "several nets": (_several_nets, USABLE),
        "with optimizer, scheduler and scaler": (_with_optimizer, USABLE),
        "lightning": (saved(_lightning({"lr": 1e-3})), USABLE),
        "lightning with a namespace": (saved(_lightning(Namespace(lr=1e-3))), "argparse.Namespace"),
        "pretrainer": (saved(_pretrainer(np.ones(2, np.float32), np.ones(2, np.float32))), USABLE),
        "pretrainer with scalars": (saved(_pretrainer(np.float64(1), np.float32(2))), USABLE),
        "pretrainer of numpy 1": (
            rezipped(
                saved(_pretrainer(np.ones(2), np.ones(2))),
                lambda members: {
                    name: data.replace(b"numpy._core.multiarray", b"numpy.core.multiarray") for name, data in members.items()
                },
            ),
            USABLE,
        ),
        "brain floats": (saved(half), USABLE),
        "half floats": (saved({name: tensor.half() for name, tensor in weights().items()}), USABLE),
        "eight-bit floats": (saved({name: tensor.to(torch.float8_e5m2) for name, tensor in weights().items()}), USABLE),
        "safetensors": (lambda path: save_file(weights(), path), USABLE),
        "safetensors of brain floats": (lambda path: save_file(half, path), USABLE),
        "parameters": (saved(dict(network().named_parameters())), USABLE),
        "without checksums": (_without_checksums, USABLE),
        "spectral norm of a layer": (
            saved(nn.Sequential(nn.utils.parametrizations.spectral_norm(nn.Linear(3, 4))).state_dict()),
            "an unknown network",
        ),
        "a discriminator": (saved(prefixed("", {"critic_head.weight": torch.ones(2, 2)})), "is a discriminator"),
        "weights that are not finite": (saved({name: tensor * float("nan") for name, tensor in weights().items()}), USABLE),
        "a whole module": (saved(network()), "--salvage"),
        "a whole module, legacy": (saved(network(), legacy=True), "--salvage"),
        "defaultdict": (saved({"model": weights(), "losses": defaultdict(list)}), "collections.defaultdict"),
        "a dataclass": (saved({"model": weights(), "training": Training()}), "Training"),
        "an enum": (saved({"model": weights(), "colour": Colour.RED}), "Colour"),
        "a path": (saved({"model": weights(), "where": Path("a")}), "pathlib."),
        "a fraction": (saved({"model": weights(), "share": Fraction(1, 3)}), "fractions.Fraction"),
        "a replay buffer": (saved({"sequences": torch.ones(4, 5, 3), "features": torch.ones(4, 2)}), "is a replay buffer"),
        "a bare tensor": (saved(torch.ones(64, 3)), "holds a bare tensor"),
        "a list": (saved([weights()]), "holds a list"),
        "a number": (saved(3), "holds a int"),
        "no weights": (saved({"epoch": 3}), "no generator's weights"),
        "protocol 3": (saved(weights(), pickle_protocol=3), USABLE),
        "protocol 4": (saved(weights(), pickle_protocol=4), "pickle protocol 4"),
        "protocol 5": (saved(weights(), pickle_protocol=5), "pickle protocol 4"),
    }


def _without_checksums(path: Path) -> None:
    torch.serialization.set_crc32_options(False)
    try:
        torch.save(weights(), path)
    finally:
        torch.serialization.set_crc32_options(True)


def _salvaged() -> dict[str, tuple[Write, str]]:
    deep = nn.DataParallel(network())
    return {
        "a whole module": (saved(network()), USABLE),
        "a whole module, legacy": (saved(network(), legacy=True), USABLE),
        "a parallel module": (saved(deep), USABLE),
        "modules by name": (saved({"G": network(), "D": nn.Linear(2, 2), "G_ema": network(seed=1)}), USABLE),
        "lightning with a namespace": (saved(_lightning(Namespace(lr=1e-3))), USABLE),
        "defaultdict": (saved({"model": weights(), "losses": defaultdict(list, {"a": [1.0]})}), USABLE),
        "defaultdict, legacy": (saved({"model": weights(), "losses": defaultdict(list, {"a": [1.0]})}, legacy=True), USABLE),
        "a dataclass": (saved({"model": weights(), "training": Training()}), USABLE),
        "an enum": (saved({"model": weights(), "colour": Colour.RED}), USABLE),
        "a path": (saved({"model": weights(), "where": Path("a")}), USABLE),
        "deque and simple namespace": (
            saved({"model": weights(), "last": collections.deque([1, 2]), "n": types.SimpleNamespace(a=1)}),
            USABLE,
        ),
        "a lambda's module": (saved({"model": weights(), "f": os.path.join}), USABLE),
        "good weights": (saved(weights()), USABLE),
        "protocol 4": (saved(network(), pickle_protocol=4), "pickle protocol 4"),
    }


def _other() -> dict[str, tuple[Write, str]]:
    def named(names: list[str]) -> Write:
        def write(path: Path) -> None:
            with zipfile.ZipFile(path, "w") as made:
                for name in names:
                    made.writestr(name, b"3\n")

        return write

    stream = io.BytesIO()
    np.savez(stream, sequences=np.ones((2, 3, 2)))
    plain = {
        f"a plain pickle of protocol {protocol}": (raw(pickle.dumps({"a": 1}, protocol=protocol)), "a plain pickle")
        for protocol in (2, 3, 4, 5)
    }
    return {
        **plain,
        "a plain pickle of protocol 0": (raw(pickle.dumps({"a": 1}, protocol=0)), "neither torch.save nor safetensors"),
        "torchscript": (named(["a/data.pkl", "a/constants.pkl", "a/code/__torch__.py", "a/version"]), "torch.jit.load("),
        "pt2": (named(["a/archive_format", "a/models/model.json", "a/data/weights/0"]), "torch.export.load("),
        "npz": (raw(stream.getvalue()), "--data"),
        "npy": (raw(b"\x93NUMPY\x01\x00" + bytes(100)), "a NumPy array"),
        "keras": (named(["config.json", "metadata.json", "model.weights.h5"]), "a Keras archive"),
        "hdf5": (raw(b"\x89HDF\r\n\x1a\n" + bytes(100)), "HDF5"),
        "onnx": (raw(b"\x08\x08\x12\x07pytorch\x1a\x052.1.0" + bytes(50)), "an ONNX graph"),
        "tensorflow index": (raw(bytes(40) + b"\x57\xfb\x80\x8b\x24\x75\x47\xdb"), "a TensorFlow checkpoint"),
        "gguf": (raw(b"GGUF\x03\x00\x00\x00" + bytes(50)), "a GGUF file"),
        "gzip": (raw(b"\x1f\x8b\x08" + bytes(50)), "gunzip"),
        "xz": (raw(b"\xfd7zXZ\x00" + bytes(50)), "unxz"),
        "bzip2": (raw(b"BZh9" + bytes(50)), "bunzip2"),
        "zstd": (raw(b"\x28\xb5\x2f\xfd" + bytes(50)), "unzstd"),
        "tar": (raw(b"sys_info".ljust(257, b"\0") + b"ustar\x0000" + bytes(600)), "a tar archive"),
        "git lfs pointer": (raw(b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n"), "git lfs pull"),
        "html": (raw(b"<!DOCTYPE html><html>"), "HTML or XML"),
        "json": (raw(b'{"epoch": 3}'), "not an index of safetensors shards"),
        "png": (raw(b"\x89PNG\r\n\x1a\n" + bytes(50)), "an image"),
        "text": (raw(b"hello, world\n"), "neither torch.save nor safetensors"),
        "one byte": (raw(b"x"), "neither torch.save nor safetensors"),
        "zeros": (raw(bytes(4096)), "neither torch.save nor safetensors"),
        "noise": (raw(np.random.default_rng(3).bytes(5000)), "neither torch.save nor safetensors"),
        "empty": (raw(b""), "the file is empty"),
        "a zip of documents": (named(["readme.txt"]), "without data.pkl"),
        "missing": (lambda path: None, "No such file"),
        "a pipe": (lambda path: os.mkfifo(path), "not a regular file"),
        "a link in a circle": (lambda path: path.symlink_to(path), "cannot read the checkpoint"),
        "endless zeros": (lambda path: path.symlink_to("/dev/zero"), "not a regular file"),
        "dcp folder": (_dcp, "format_utils dcp_to_torch"),
        "saved model folder": (_saved_model, "a TensorFlow SavedModel"),
    }


def _dcp(path: Path) -> None:
    path.mkdir()
    (path / ".metadata").write_bytes(pickle.dumps(Reduced(os.system, ("touch ran",))))
    (path / "__0_0.distcp").write_bytes(bytes(64))


def _saved_model(path: Path) -> None:
    path.mkdir()
    (path / "saved_model.pb").write_bytes(bytes(64))


def _broken() -> dict[str, tuple[Write, str]]:
    def cut(share: float) -> Callable[[bytes], bytes]:
        return lambda data: data[: int(share * len(data))]

    def flip(mark: bytes) -> Callable[[bytes], bytes]:
        def change(data: bytes) -> bytes:
            place = data.index(mark) + len(mark) // 2
            return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]

        return change

    weight = weights()["output.weight"].numpy().tobytes()
    good, old = saved(weights()), saved(weights(), legacy=True)
    only = ("data.pkl",)
    found: dict[str, tuple[Write, str]] = {}
    for share in (0.01, 0.1, 0.5, 0.9, 0.99):
        found[f"cut at {share:.0%}"] = (changed(good, cut(share)), "broken archive")
        found[f"legacy cut at {share:.0%}"] = (changed(old, cut(share)), "broken or not a checkpoint")
    for name, pickled in {
        "nothing": b"", "a protocol alone": p.PROTOCOL, "no stop": p.PROTOCOL + b"}", "marks alone": p.PROTOCOL + b"(" * 99,
        "a stop alone": p.PROTOCOL + b".", "unknown storage": p.PROTOCOL + p.word("abc") + b"Q.", "junk": b"\xff\xfe\x00",
        "a dtype called": p.PROTOCOL + p.call("torch.float32") + b".", "a text called": p.PROTOCOL + p.word("a") + b")R.",
        "an unset memo": p.PROTOCOL + b"h\x05.", "text of 4 GiB": p.PROTOCOL + b"X\xff\xff\xff\xffabc.",
        "a mark of nothing": p.PROTOCOL + b"u.", "too much popped": p.PROTOCOL + b"ttt.", "INST": b"(iposix\nsystem\n.",
        "a half global": p.PROTOCOL + b"cbuiltins\n", "bytes that are no text": p.PROTOCOL + b"X\x02\0\0\0\xff\xfe.",
    }.items():  # fmt: skip
        found[f"a pickle of {name}"] = (
            lambda path, pickled=pickled: p.archive(path, b"", **{"data.pkl": pickled}),  # type: ignore[misc]
            "broken, or not written by torch.save" if name in ("junk", "INST") else "broken or not a checkpoint",
        )
    found |= {
        "followed by bytes": (changed(good, lambda data: data + bytes(100)), "the file goes on after the end of the archive"),
        "led by bytes": (changed(good, lambda data: bytes(100) + data), "neither torch.save nor safetensors"),
        "a flipped bit in a weight": (changed(good, flip(weight)), "the checksum of"),
        "a flipped bit in the pickle": (changed(good, flip(b"pre.weight")), "the checksum of"),
        "a storage missing": (
            rezipped(good, lambda members: {name: data for name, data in members.items() if not name.endswith("data/0")}),
            "broken or not a checkpoint",
        ),
        "a storage too short": (
            rezipped(good, lambda m: {n: data[:4] if n.endswith("data/0") else data for n, data in m.items()}),
            "broken or not a checkpoint",
        ),
        "the pickle alone": (
            rezipped(good, lambda m: {n: data for n, data in m.items() if n.endswith(only)}),
            "broken or not a checkpoint",
        ),
        "a version of the far future": (
            rezipped(good, lambda m: {n: b"999999\n" if n.endswith("/version") else data for n, data in m.items()}),
            "broken or not a checkpoint",
        ),
        "middle-endian": (
            rezipped(good, lambda m: {n: b"middle" if n.endswith("byteorder") else data for n, data in m.items()}),
            "broken or not a checkpoint",
        ),
    }
    return found


def _archives() -> dict[str, tuple[Write, str]]:
    good = saved(weights())

    def twice(spelled: Callable[[str], str]) -> Write:
        def write(path: Path) -> None:
            good(path)
            with zipfile.ZipFile(path, "a") as made:
                name = next(name for name in made.namelist() if name.endswith("data.pkl"))
                info = zipfile.ZipInfo(spelled(name))
                made.NameToInfo.pop(name)  # so that zipfile has nothing to warn of
                made.writestr(info, p.PROTOCOL + b"}.")

        return write

    def in_directory(offset: int, value: bytes, *, last: bool = False) -> Write:
        def change(data: bytes) -> bytes:
            found = bytearray(data)
            entry = found.rfind(b"PK\x01\x02") if last else found.find(b"PK\x01\x02")
            while entry >= 0:
                found[entry + offset : entry + offset + len(value)] = value
                entry = found.find(b"PK\x01\x02", entry + 4)
            return bytes(found)

        return changed(good, change)

    def in_end(offset: int, value: bytes) -> Write:
        def change(data: bytes) -> bytes:
            end = data.rfind(b"PK\x05\x06")
            return data[: end + offset] + value + data[end + offset + len(value) :]

        return changed(rezipped(good, dict), change)  # by zipfile, which writes no second end of 64 bits

    def joined(data: bytes) -> bytes:
        """Two archives and one end, which names the first one's directory and lies behind the second one's."""
        end, weight = data.rfind(b"PK\x05\x06"), weights()["output.weight"].numpy().tobytes()
        return data[:end].replace(weight, bytes(len(weight))) + data

    def two_ends(data: bytes) -> bytes:
        """Two directories, each with its end of 64 bits, of which the first is pointed at."""
        end = data.rfind(b"PK\x05\x06")
        place = int.from_bytes(data[end - 28 : end - 20], "little")
        second = data[place : end - 28] + struct.pack("<Q", end - 20)
        return data[: end - 20] + second + data[end - 20 :]

    def place_twice(path: Path) -> None:
        good(path)
        with zipfile.ZipFile(path, "a") as made:
            info = zipfile.ZipInfo(made.namelist()[0].partition("/")[0] + "/more")
            info.extra = struct.pack("<4H", 1, 0, 1, 0)
            made.writestr(info, b"x")

    def many(path: Path) -> None:
        write_many(path, [("archive/data.pkl", p.PROTOCOL + b"}."), *((f"archive/{place}", b"") for place in range(70_000))])

    return {
        "the pickle twice": (twice(lambda name: name), "two members of the archive have the same name"),
        "the pickle twice, once in capitals": (twice(str.upper), "two members of the archive have the same name"),
        "two top folders": (
            rezipped(good, lambda m: {**m, "other/data.pkl": p.PROTOCOL + b"}."}),
            "several folders",
        ),
        "a member that leads out": (rezipped(good, lambda m: {**m, "../../out": b"x"}), "several folders"),
        "a member at the root": (rezipped(good, lambda m: {**m, "/etc/out": b"x"}), "several folders"),
        "compressed": (rezipped(good, dict, zipfile.ZIP_DEFLATED), "compressed or encrypted"),
        "a compressed bomb": (
            remembered(rezipped(good, lambda m: {**m, "a/data/99": bytes(200 << 20)}, zipfile.ZIP_DEFLATED)),
            "compressed or encrypted",
        ),
        "encrypted": (in_directory(8, b"\x01\x08"), "compressed or encrypted"),
        "sizes of a GiB": (in_directory(24, struct.pack("<I", 1 << 30)), "claim more bytes"),
        "two sizes": (in_directory(24, struct.pack("<I", 1)), "two different sizes"),
        "all at one place": (in_directory(42, struct.pack("<I", 0)), "members of the archive overlap"),
        "joined to another": (changed(rezipped(good, dict), joined), "points to another directory"),
        "two ends of 64 bits": (changed(good, two_ends), "more than one end record"),
        "fewer members than there are": (in_end(8, b"\x02\x00\x02\x00"), "points to another directory"),
        "a comment": (changed(in_end(20, b"\x01\x00"), lambda data: data + b"x"), "goes on after the end of the archive"),
        "members marked as folders": (in_directory(38, b"\x10"), "marked as a folder"),
        "a member named as a folder": (rezipped(good, lambda m: {**m, "a/data/9/": b"x"}), "marked as a folder"),
        "a place stated twice": (place_twice, "gives its offset twice"),
        "a place behind the end": (in_directory(42, struct.pack("<I", 1 << 30), last=True), "claim more bytes"),
        "a directory of 4 GiB": (in_end(12, b"\xfe\xff\xff\xff"), "broken archive"),
        "a directory behind the end": (in_end(16, b"\xfe\xff\xff\x7f"), "points to another directory"),
        "another number of members": (in_end(8, b"\xff\x7f\xff\x7f"), "points to another directory"),
        "a comment with another end in it": (
            changed(in_end(20, b"\x16\x00"), lambda data: data + b"PK\x05\x06" + bytes(18)),
            "points to another directory",
        ),
        "seventy thousand members": (remembered(many), "members are more than any checkpoint has"),
        "names of other bytes": (
            changed(good, lambda data: data.replace(b"/data/1", b"/data/\xff")),
            "broken archive, cut off or damaged (UnicodeDecodeError)",
        ),
        "names of other bytes that are not said to be text": (
            changed(rezipped(good, dict), lambda data: data.replace(b"/data/1", b"/data/\xff")),
            "broken or not a checkpoint",
        ),
        "no members": (raw(b"PK\x03\x04" + bytes(20) + b"PK\x05\x06" + bytes(18)), "points to another directory"),
        "a head alone": (raw(b"PK\x03\x04"), "broken archive"),
    }


#: What a file may ask to be called, and with what.
CALLS: dict[str, tuple[str, tuple[bytes, ...]]] = {
    "os.system": ("os.system", (p.word("touch RAN"),)),
    "posix.system": ("posix.system", (p.word("touch RAN"),)),
    "nt.system": ("nt.system", (p.word("touch RAN"),)),
    "sys.exit": ("sys.exit", (p.number(0),)),
    "eval": ("builtins.eval", (p.word("open('RAN', 'w')"),)),
    "exec": ("builtins.exec", (p.word("open('RAN', 'w')"),)),
    "eval of Python 2": ("__builtin__.eval", (p.word("open('RAN', 'w')"),)),
    "compile": ("builtins.compile", (p.word("1"), p.word("a"), p.word("eval"))),
    "open": ("builtins.open", (p.word("RAN"), p.word("w"))),
    "getattr": ("builtins.getattr", (p.name("torch.Tensor"), p.word("__class__"))),
    "__import__": ("builtins.__import__", (p.word("antigravity"),)),
    "import_module": ("importlib.import_module", (p.word("antigravity"),)),
    "Popen": ("subprocess.Popen", (p.list_of(p.word("touch"), p.word("RAN")),)),
    "check_output": ("subprocess.check_output", (p.list_of(p.word("touch"), p.word("RAN")),)),
    "getoutput of Python 2": ("commands.getoutput", (p.word("touch RAN"),)),
    "spawn": ("pty.spawn", (p.word("touch RAN"),)),
    "pickle.loads": ("pickle.loads", (p.call("_codecs.encode", p.word("cos\nsystem\n."), p.word("latin1")),)),
    "marshal.loads": ("marshal.loads", (p.call("_codecs.encode", p.word("x"), p.word("latin1")),)),
    "torch.load": ("torch.load", (p.word("a.pt"),)),
    "torch.serialization.load": ("torch.serialization.load", (p.word("a.pt"),)),
    "torch.jit.load": ("torch.jit.load", (p.word("a.pt"),)),
    "torch.hub.load": ("torch.hub.load", (p.word("someone/repo"), p.word("model"))),
    "load_from_bytes": ("torch.storage._load_from_bytes", (p.call("_codecs.encode", p.word("x"), p.word("latin1")),)),
    "load_inline": ("torch.utils.cpp_extension.load_inline", (p.word("a"), p.word("int main(){}"))),
    "runpy": ("runpy.run_path", (p.word("a.py"),)),
    "runstring": ("numpy.testing._private.utils.runstring", (p.word("open('RAN','w')"), b"}")),
    "CDLL": ("ctypes.CDLL", (p.word("libc.so.6"),)),
    "create_connection": ("socket.create_connection", (p.tuple_of(p.word("127.0.0.1"), p.number(9)),)),
    "urlopen": ("urllib.request.urlopen", (p.word("http://127.0.0.1:9/"),)),
    "webbrowser": ("webbrowser.open", (p.word("http://127.0.0.1:9/"),)),
    "rmtree": ("shutil.rmtree", (p.word("RAN"),)),
    "touch": ("pathlib.Path.touch", (p.call("pathlib.Path", p.word("RAN")),)),
    "attrgetter": ("operator.attrgetter", (p.word("__class__.__base__"),)),
    "partial": ("functools.partial", (p.name("builtins.eval"), p.word("1"))),
    "FunctionType": ("types.FunctionType", (p.number(1), b"}")),
    "timeit": ("timeit.timeit", (p.word("open('RAN','w')"),)),
    "breakpoint": ("builtins.breakpoint", ()),
    "input": ("builtins.input", (p.word("password? "),)),
    "_reconstructor": ("copyreg._reconstructor", (p.name("builtins.object"), p.name("builtins.object"), b"N")),
    "memmap": ("numpy.memmap", (p.word("RAN"), p.word("uint8"), p.word("w+"))),
    "array from a buffer": ("numpy.frombuffer", (p.word("x"),)),
    "sleep": ("time.sleep", (p.number(1000),)),
    "kill": ("signal.raise_signal", (p.number(9),)),
}
_BLOCKED = ("os.system", "posix.system", "nt.system", "sys.exit")


def _code() -> dict[str, tuple[Write, str]]:
    found: dict[str, tuple[Write, str]] = {}
    for label, (path, arguments) in CALLS.items():
        found[f"{label} beside weights"] = (
            beside(p.call(path, *arguments)),
            "refused, reading it would run code: it refers to",
        )
    evil = p.name("builtins.eval")
    for label, value in {
        "alone": p.call("builtins.eval", p.word("open('RAN', 'w')")),
        "as an object": p.new("builtins.eval", p.word("1")),
        "as a state": p.built(p.call("collections.OrderedDict"), p.dict_of(items=evil)),
        "as a tensor's hook": p.tensor(p.storage("0", 1), (1,), hooks=p.pairs((p.number(0), evil))),
        "as a dictionary's key": p.pairs((evil, p.number(1))),
        "in a rebuilt type": p.call("torch._tensor._rebuild_from_type_v2", evil, p.name("torch.Tensor"), b")", b"}"),
    }.items():
        found[f"eval {label}"] = (among(value, {"0": bytes(4)}), "it refers to builtins.eval")
    found["eval in the legacy format"] = (
        saved({**weights(), "z.z": Reduced(eval, ("open('RAN', 'w')",))}, legacy=True),
        "it refers to builtins.eval",
    )
    found["system in the legacy format"] = (
        saved({**weights(), "z.z": Reduced(os.system, ("touch RAN",))}, legacy=True),
        "it refers to posix.system",
    )
    called = "broken, or not written by torch.save (its pickle has operation"
    found |= {
        "a name of protocol 4": (among(p.word("builtins") + p.word("eval") + b"\x93" + p.word("1") + b"\x85R"), called),
        "INST": (among(b"(" + p.word("touch RAN") + b"iposix\nsystem\n"), called),
        "OBJ": (among(b"(" + p.call("collections.OrderedDict") + b"o"), called),
        "EXT1": (among(b"\x82\x01"), called),
        "a persistent name in text": (among(b"Pstorage\n"), called),
        "a persistent module": (
            among(p.tuple_of(p.word("module"), p.name("torch.Tensor"), p.word("a"), p.word("b")) + b"Q"),
            "broken or not a checkpoint",
        ),
        "a codec that expands": (
            beside(p.call("_codecs.encode", p.word("x" * 10), p.word("zlib_codec"))),
            "tried something that no checkpoint needs",
        ),
        "a codec that is slow": (
            beside(p.call("_codecs.encode", p.word("x" * 200_000), p.word("idna"))),
            "tried something that no checkpoint needs",
        ),
        "a codec that is not there": (
            beside(p.call("_codecs.encode", p.word("x"), p.word("no_such_codec"))),
            "tried something that no checkpoint needs",
        ),
        "a codec that reads ROT13": (
            beside(p.call("_codecs.encode", p.word("x"), p.word("rot13"))),
            "tried something that no checkpoint needs",
        ),
        "a storage called by size": (beside(p.call("torch.storage.UntypedStorage", p.number(1 << 40))), "exhausted the loader"),
        "a tensor called by size": (beside(p.call("torch.Tensor", p.number(1 << 40))), "exhausted the loader"),
        "a wrapper subclass": (
            beside(
                p.call(
                    "torch._utils._rebuild_wrapper_subclass",
                    p.name("torch.Tensor"),
                    p.name("torch.float32"),
                    p.tuple_of(p.number(1 << 40)),
                    p.tuple_of(p.number(1)),
                    p.number(0),
                    p.call("torch.serialization._get_layout", p.word("torch.strided")),
                    p.call("torch.device", p.word("cpu")),
                    b"\x89",
                )
            ),
            "broken or not a checkpoint (TypeError)",
        ),
        "an array to a device": (
            beside(
                p.call(
                    "torch._utils._rebuild_device_tensor_from_numpy",
                    p.call("numpy._core.multiarray._reconstruct"),
                    p.name("torch.float32"),
                    p.word("cpu"),
                    b"\x89",
                )
            ),
            "broken or not a checkpoint (TypeError)",
        ),
    }
    return found


def _code_salvaged() -> dict[str, tuple[Write, str]]:
    found: dict[str, tuple[Write, str]] = {}
    for label, (path, arguments) in CALLS.items():
        blocked = label in _BLOCKED
        found[f"{label} beside weights"] = (
            beside(p.call(path, *arguments)),
            "--salvage cannot read it either" if blocked else USABLE,
        )
    evil = p.name("builtins.eval")
    found |= {
        "eval alone": (among(p.call("builtins.eval", p.word("open('RAN', 'w')"))), "no generator's weights"),
        "eval as the whole": (lambda path: p.archive(path, p.call("builtins.eval", p.word("1"))), "holds a foreign object"),
        "eval as a tensor's hook": (
            among(p.tensor(p.storage("0", 1), (1,), hooks=p.pairs((p.number(0), evil))), {"0": bytes(4)}),
            "an unknown network",
        ),
        "eval filled as a dictionary": (
            beside(p.call("builtins.eval", p.word("1")) + b"(" + p.word("a") + p.number(1) + b"u"),
            USABLE,
        ),
        "eval filled as a list": (beside(p.call("builtins.eval", p.word("1")) + b"(" + p.number(1) + b"e"), USABLE),
        "eval filled both ways": (
            beside(p.call("builtins.eval", p.word("1")) + b"(" + p.number(1) + b"e(" + p.word("a") + p.number(1) + b"u"),
            "it refers to builtins.eval",
        ),
        "eval in the legacy format": (
            saved({"model": weights(), "z": Reduced(eval, ("open('RAN', 'w')",))}, legacy=True),
            USABLE,
        ),
        "a method of a stand-in": (beside(p.call("builtins.getattr", p.new("a.b"), p.word("__setstate__"))), USABLE),
        "a stand-in in a rebuilt type": (
            beside(p.call("torch._tensor._rebuild_from_type_v2", p.name("a.B"), p.name("a.C"), b")", p.dict_of(state=evil))),
            "it refers to a.B, a.C, builtins.eval",
        ),
        "names out of nowhere": (beside(p.list_of(*(p.new(f"nowhere.C{n}") for n in range(300)))), USABLE),
    }
    return found


_SHAPE, _BYTES, _FEW = "impossible shape", "bytes do not fit its shape", "an array that is not a few plain numbers"
_STATE, _PAIR = "with an unknown state is refused", "'position_mean' is not one or two numbers"
_ARRAYS = {
    "objects over raw bytes": "of type 'O8'",
    "an array called with objects": "of type 'O8'",
    "an array called with numbers": _PAIR,
    "memory nobody filled": _PAIR,
    "bytes too few for the shape": _BYTES,
    "bytes too many for the shape": _BYTES,
    "a negative shape": _SHAPE,
    "a shape of words": _SHAPE,
    "a shape that is a list": _SHAPE,
    "a shape beyond all memory": _BYTES,
    "a type that is a word": _FEW,
    "numbers that are a list": _FEW,
    "more bytes than statistics have": _FEW,
    "a state of three": _STATE,
    "a state that is a number": _STATE,
    "a record": "of type 'V8'",
    "text": "of type 'U2'",
    "dates": "of type 'M8'",
    "complex numbers": "of type 'c16'",
    "a type that is a list": "of type unknown",
    "a type of a very long name": "of type 'f4,f4,f4,",
    "a type with a mad order": _STATE,
    "a type with no state to speak of": _STATE,
    "a scalar of objects": "of type 'O8'",
    "a scalar without a number": _FEW,
}


def _numpy() -> dict[str, tuple[Write, str]]:
    found: dict[str, tuple[Write, str]] = {
        kind: (saved({"state_dict": weights(), "position_mean": Reduced(*made), "position_std": np.ones(2)}), _ARRAYS[kind])
        for kind, made in CRAFTED.items()
    }
    word = b"X\x04\x00\x00\x00HERE"

    def in_place(code: bytes) -> Write:
        return rezipped(
            saved({"state_dict": weights(), "position_mean": "HERE", "position_std": 1.0}),
            lambda members: {name: data.replace(word, code) for name, data in members.items()},
        )

    attributes = p.dict_of(value=p.list_of(p.number(1), p.number(2)))
    return found | {
        "an array made without a call": (in_place(b"cnumpy\nndarray\n)\x81"), _PAIR),
        "an array with a value hung on it": (
            in_place(
                p.call(
                    "torch._tensor._rebuild_from_type_v2",
                    p.name("numpy._core.multiarray._reconstruct"),
                    p.name("numpy.ndarray"),
                    b")",
                    attributes,
                )
            ),
            _STATE,
        ),
        "a list for a mean": (saved({"state_dict": weights(), "position_mean": [1.0, 2.0]}), "is not one or two numbers"),
        "a mean that is not finite": (saved(_pretrainer(np.array([np.nan, 1.0]), np.ones(2))), "expected finite numbers"),
        "a std of zero": (saved(_pretrainer(np.ones(2), np.zeros(2))), "a std above zero"),
        "a mean of a million": (saved(_pretrainer(torch.ones(1_000_000), np.ones(2))), "is not one or two numbers"),
    }


def _nested(opening: bytes, closing: bytes, depth: int) -> bytes:
    return opening * depth + closing * depth


def _bombs() -> dict[str, tuple[Write, str]]:
    shared = b"]" + b"q\x00"
    for level in range(30):
        shared += b"](" + b"h" + bytes([level]) + b"h" + bytes([level]) + b"e" + b"q" + bytes([level + 1])
    flood = b"}(" + b"".join(p.number(place * ((1 << 61) - 1)) + b"N" for place in range(60_000)) + b"u"
    itself = b"}q\x00(" + p.word("model") + b"h\x00u"
    hundred_mib = p.call("builtins.bytearray", p.number(100 << 20))
    return {
        "a bytearray of a TiB": (beside(p.call("builtins.bytearray", p.number(1 << 40))), "exhausted the loader"),
        "bytearrays of 10 GiB": (beside(p.list_of(*[hundred_mib] * 100)), "exhausted the loader"),
        "a storage of a TiB": (
            beside(p.tensor(p.storage("99", 1 << 38), (1,)), {"99": bytes(4)}),
            "broken or not a checkpoint",
        ),
        "lists 200,000 deep": (beside(_nested(b"](", b"e", 200_000)), "levels deep"),
        "tuples 200,000 deep": (beside(b")" + b"\x85" * 200_000), "levels deep"),
        "dictionaries 100,000 deep": (beside(b"}" + b"".join([p.word("a") + b"}"] * 100_000) + b"s" * 100_000), "levels deep"),
        "a key 300,000 tuples deep": (
            beside(p.pairs((b")" + b"\x85" * 300_000, b"N"))),
            "crashed or exhausted the loader (SIG",
        ),
        "a list that doubles thirty times": (beside(p.tuple_of(shared)), USABLE),
        "a dictionary in itself": (lambda path: p.archive(path, itself), "no generator's weights"),
        "a list in itself": (beside(b"]q\x00h\x00a"), USABLE),
        "keys that collide": (beside(flood), "exhausted the loader (SIGXCPU"),
        "a number of 2,000 bits": (beside(b"\x8a\xff" + bytes(254) + b"\x01"), USABLE),
        # far from the seconds of computing that a loader has, which a busy machine stretches fourfold
        "200,000 Nones": (beside(b"](" + b"N" * 200_000 + b"e"), USABLE),
        "100,000 lists": (beside(b"](" + b"]" * 100_000 + b"e"), USABLE),
        "a memo of four thousand million": (beside(b"Nr\xff\xff\xff\xff"), USABLE),
        "a counter of a text": (beside(p.call("collections.Counter", p.word("ab" * 200_000))), USABLE),
        "a size of sizes": (beside(p.call("torch.Size", p.list_of(*[p.number(1 << 31)] * 1000))), USABLE),
        "ten thousand views of one weight": (
            lambda path: p.archive(
                path,
                p.pairs(*((p.word(f"a.{n}"), p.tensor(p.storage("0", 1 << 18), (1 << 18,))) for n in range(10_000))),
                {"0": bytes(1 << 20)},
            ),
            "far more than the file has",
        ),
        "ten thousand names": (
            lambda path: p.archive(
                path, p.pairs(*((p.word(f"a.{n}"), p.tensor(p.storage("0", 1), (1,))) for n in range(10_001))), {"0": bytes(4)}
            ),
            "more than any generator has",
        ),
        "a legacy storage of a TiB": (
            changed(saved({"a.b": torch.ones(7)}, legacy=True), lambda data: data.replace(b"K\x07", b"J\xff\xff\xff\x7f")),
            "exhausted the loader",
        ),
    }


def _bombs_salvaged() -> dict[str, tuple[Write, str]]:
    def module(inside: bytes) -> bytes:
        return p.built(p.new("a.M"), p.dict_of(_parameters=b"}", _buffers=b"}", _modules=inside))

    nested = p.new("a.M") + (b"}(" + p.word("_modules") + b"}(" + p.word("x") + p.new("a.M")) * 5_000 + b"uub" * 5_000
    itself = p.new("a.M") + b"q\x00" + p.dict_of(_modules=p.dict_of(x=b"h\x00")) + b"b"
    return {
        "a module in itself": (lambda path: p.archive(path, itself), "it holds nothing"),
        "modules 5,000 deep": (lambda path: p.archive(path, nested), "levels deep"),
        "modules without anything": (lambda path: p.archive(path, module(b"}")), "it holds nothing"),
        "a module whose parts are no modules": (
            lambda path: p.archive(path, module(p.dict_of(a=p.number(1)))),
            "it holds nothing",
        ),
        "twenty thousand foreign names": (
            beside(p.list_of(*(p.name(f"nowhere.C{n}") for n in range(20_000)))),
            "20,000 foreign names",
        ),
        "dictionaries of fifty classes": (
            beside(p.list_of(*(p.new(f"nowhere.D{n}") + b"(" + p.word("a") + b"Nu" for n in range(50)))),
            USABLE,
        ),
        "bytearrays of 10 GiB and a foreign name": (
            beside(p.list_of(p.name("a.b"), *[p.call("builtins.bytearray", p.number(100 << 20))] * 100)),
            "exhausted the loader",
        ),
    }


def _tensors() -> dict[str, tuple[Write, str]]:
    four = {"0": struct.pack("<4f", 1, 2, 3, 4)}
    plain = "is not a dense tensor of real numbers"
    outside = "broken or not a checkpoint"

    def traps(content: Tensor) -> Write:
        return saved({**weights(), "bad.w": content})

    hung = p.dict_of(numel=p.name("collections.OrderedDict"), element_size=p.name("torch.Size"), detach=p.name("torch.Size"))
    rank = (1,) * 100
    made: dict[str, tuple[Write, str]] = {
        "a million by a million": (traps(torch.ones(1).expand(10**6, 10**6)), "claims more numbers"),
        "overlapping rows": (among(p.tensor(p.storage("0", 4), (2, 3), (1, 1)), four), "claims more numbers"),
        "overlapping rows that fit": (among(p.tensor(p.storage("0", 4), (2, 2), (1, 1)), four), "an unknown network"),
        "a step back": (among(p.tensor(p.storage("0", 4), (2,), (-1,)), four), outside),
        "an offset behind the end": (among(p.tensor(p.storage("0", 4), (2,), (1,), 3), four), outside),
        "a negative offset": (among(p.tensor(p.storage("0", 4), (2,), (1,), -1), four), outside),
        "a negative size": (among(p.tensor(p.storage("0", 4), (-2,), (1,)), four), outside),
        "a step of 2^62": (among(p.tensor(p.storage("0", 4), (2,), (1 << 62,)), four), outside),
        "sizes that overflow": (among(p.tensor(p.storage("0", 4), (1 << 32, 1 << 32), (0, 0)), four), outside),
        "nothing, 2^62 times": (among(p.tensor(p.storage("0", 4), (0, 1 << 62), (1, 1)), four), "an impossibly large shape"),
        "a hundred dimensions": (among(p.tensor(p.storage("0", 4), rank, rank), four), "an impossibly large shape"),
        "more numbers than the record": (among(p.tensor(p.storage("0", 400), (400,)), four), outside),
        "fewer than nothing": (among(p.tensor(p.storage("0", -4), (1,)), four), outside),
        "another type than the record": (among(p.tensor(p.storage("0", 4, "torch.DoubleStorage"), (4,)), four), outside),
        "a record that leads out": (among(p.tensor(p.storage("../../etc/passwd", 4), (4,)), four), outside),
        "on a device that is none": (among(p.tensor(p.storage("0", 4, device="cuda:99"), (4,)), four), "an unknown network"),
        "on a device of a mad name": (
            among(p.tensor(p.storage("0", 4, device="\x1b[31m\n"), (4,)), four),
            "an unknown network",
        ),
        "one storage as two types": (
            among(p.list_of(p.tensor(p.storage("0", 4), (4,)), p.tensor(p.storage("0", 2, "torch.DoubleStorage"), (2,))), four),
            "no generator's weights",
        ),
        "methods hung on it": (
            among(
                p.call(
                    "torch._tensor._rebuild_from_type_v2",
                    p.name("torch._utils._rebuild_tensor_v2"),
                    p.name("torch.Tensor"),
                    p.tuple_of(
                        p.storage("0", 4),
                        p.number(0),
                        p.tuple_of(p.number(4)),
                        p.tuple_of(p.number(1)),
                        b"\x89",
                        p.call("collections.OrderedDict"),
                    ),
                    hung,
                ),
                four,
            ),
            "an unknown network",
        ),
        "a storage set anew": (
            among(
                p.built(
                    p.tensor(p.storage("0", 4), (4,)),
                    p.tuple_of(p.storage("0", 4), p.number(2), p.tuple_of(p.number(4)), p.tuple_of(p.number(1))),
                ),
                four,
            ),
            outside,
        ),
        "a parameter of a parameter": (
            among(p.call("torch._utils._rebuild_parameter", p.tensor(p.storage("0", 4), (4,)), b"\x88", b"}"), four),
            "an unknown network",
        ),
        "without memory": (traps(torch.empty(2**50, device="meta")), plain),
        "a meta tensor by hand": (
            among(
                p.call(
                    "torch._utils._rebuild_meta_tensor_no_storage",
                    p.name("torch.float32"),
                    p.tuple_of(p.number(1 << 50)),
                    p.tuple_of(p.number(1)),
                    b"\x89",
                )
            ),
            plain,
        ),
        "an index outside": (
            traps(torch.sparse_coo_tensor(torch.tensor([[99]]), torch.ones(1), (2,), check_invariants=False)),
            "broken or not a checkpoint",
        ),
        "sparse": (traps(torch.eye(2).to_sparse()), plain),
        "complex": (traps(torch.ones(2, 2, dtype=torch.complex64)), plain),
        "conjugate": (traps(torch.ones(2, dtype=torch.complex64).conj()), plain),
        "negative view": (traps(torch.ones(2, dtype=torch.complex64).conj().imag), "has unknown bad.w"),
        "powers of two": (traps(torch.ones(2).to(torch.float8_e8m0fnu)), plain),
        "four bits": (traps(torch.zeros(2, dtype=torch.uint8).view(torch.float4_e2m1fn_x2)), plain),
        "a bool of two": (
            among(p.tensor(p.storage("0", 4, "torch.BoolStorage"), (4,)), {"0": b"\x00\x01\x02\xff"}),
            "an unknown network",
        ),
        "of no numbers": (saved({**weights(), "pre.weight": torch.ones(0, 5)}), "a layer has no units"),
        "of another rank": (saved({**weights(), "pre.weight": torch.ones(2, 2, 2)}), "its weights have other ranks"),
        "sizes that promise 2^40 units": (
            saved({**weights(), "pre.weight": torch.ones(1, 0).expand(1 << 40, 0)}),
            "an impossibly large shape",
        ),
    }
    with np.errstate(all="ignore"):
        quantised = _quietly(lambda: torch.quantize_per_tensor(torch.ones(2, 2), 0.1, 0, torch.qint8))
        rows = _quietly(lambda: torch.eye(2).to_sparse_csr())
        nested = _quietly(lambda: torch.nested.nested_tensor([torch.ones(2), torch.ones(3)]))
    return made | {
        "quantised": (traps(quantised), plain),
        "compressed rows": (traps(rows), plain),
        "nested": (traps(nested), plain),
    }


def _quietly(make: Callable[[], Tensor]) -> Tensor:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return make()


WORDS = {
    "a line break": "a\nb",
    "colours": "a\x1b[31mred\x1b[0m",
    "a terminal's title": "\x1b]0;owned\x07",
    "markup": "<script>alert(1)</script>",
    "a table's bar": "a|b`c`",
    "a NUL": "a\x00b",
    "a lone surrogate": "a\ud800b",
    "right to left": "a\u202egnp.exe",
    "an annotation": "x\n::error::owned",
    "5,000 characters": "k" * 5000,
    "20,000 characters": "k" * 20_000,
    "four thousand prefixes": "G." * 4000 + "x",
    "brackets of markup": "[bold]a[/bold]",
    "nothing": "",
    "dots": "..",
}


ODD_KEYS: dict[object, object] = {None: torch.ones(2), 5: 1, ("a",): 2, b"x": 3, 1.5: 4, True: 5}


def _names() -> dict[str, tuple[Write, str]]:
    found: dict[str, tuple[Write, str]] = {}
    told = {
        "20,000 characters": "a tensor's name has 20,000 characters",
        "four thousand prefixes": "an unknown network",
        "nothing": "has unknown ''",
    }
    for label, text in WORDS.items():
        found[f"{label} as a tensor's name"] = (saved({**weights(), text: torch.ones(2)}), told.get(label, "has unknown "))
        found[f"{label} as a key"] = (saved({text: 1}), "no generator's weights")
    found |= {
        "a head of 5,000 characters": (
            saved({"state_dict": weights(), "config": {"activation_xy": "k" * 5000}}),
            "its own config has",
        ),
        "colours in a config": (
            saved({"state_dict": weights(), "config": {"activation_xy": "\x1b[31m\n", "latent_dim": "\ud800"}}),
            "its own config has",
        ),
        "a number of 2,000 bits in a config": (
            saved({"state_dict": weights(), "config": {"latent_dim": 2**2000}}),
            "its own config has",
        ),
        "a config in itself": (
            lambda path: p.archive(
                path,
                b"}q\x00(" + p.word("config") + b"h\x00" + p.word("a.b") + p.tensor(p.storage("0", 1), (1,)) + b"u",
                {"0": bytes(4)},
            ),
            "an unknown network",
        ),
        "a global of colours": (beside(b"c\x1b[31m\nev\x1bil\n)R"), "it refers to"),
        "a global of 100,000 characters": (beside(b"c" + b"a" * 100_000 + b"\nb\n)R"), "exhausted the loader (SIGXCPU"),
        "keys that are no text": (
            saved(ODD_KEYS),
            "no generator's weights",
        ),
        "text and other keys": (saved(dict([*weights().items(), *ODD_KEYS.items()])), "no generator's weights"),
        "items hidden": (
            saved({"state_dict": Reduced(OrderedDict, (), {"items": 1, "keys": 2}, None, iter(weights().items()))}),
            USABLE,
        ),
        "metadata that is text": (saved(Reduced(OrderedDict, (), {"_metadata": "x"}, None, iter(weights().items()))), USABLE),
    }
    return found


def _safe(header: bytes | dict[str, Any], data: bytes = bytes(8), length: int | None = None) -> Write:
    text = json.dumps(header).encode() if isinstance(header, dict) else header
    return raw((len(text) if length is None else length).to_bytes(8, "little") + text + data)


def _safetensors() -> dict[str, tuple[Write, str]]:
    def entry(**other: object) -> dict[str, object]:
        return {"dtype": "F32", "shape": [2], "data_offsets": [0, 8], **other}

    why = "broken safetensors file"
    return {
        "well": (_safe({"a.b": entry()}), "an unknown network"),
        "with metadata": (_safe({"__metadata__": {"format": "pt"}, "a.b": entry()}), "an unknown network"),
        "leading spaces": (_safe(b"   " + json.dumps({"a.b": entry()}).encode()), "an unknown network"),
        "a header longer than the file": (_safe({"a.b": entry()}, length=1 << 20), "neither torch.save nor safetensors"),
        "a header of 9 MiB": (_safe(b"{" + b" " * (9 << 20) + b"}", b""), why),
        "a header a byte short": (_safe({"a.b": entry()}, length=len(json.dumps({"a.b": entry()})) - 1), why),
        "a header that is no JSON": (_safe(b"{{a.b}}"), why),
        "a header that is no UTF-8": (_safe(b'{"\xff\xfe": 1}'), why),
        "a header 100,000 deep": (_safe(b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"), why),
        "a number of a million digits": (
            _safe(b'{"a.b":{"dtype":"F32","shape":[' + b"9" * 1_000_000 + b'],"data_offsets":[0,8]}}'),
            why,
        ),
        "a name twice": (
            _safe(
                b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}'
            ),
            why,
        ),
        "tensors that overlap": (_safe({"a.b": entry(), "c.d": entry()}), "overlap"),
        "a gap": (_safe({"a.b": entry(data_offsets=[8, 16])}, bytes(16)), "between"),
        "bytes after the last": (_safe({"a.b": entry()}, bytes(12)), why),
        "cut off": (_safe({"a.b": entry()}, bytes(7)), why),
        "negative offsets": (_safe({"a.b": entry(data_offsets=[-8, 0])}), why),
        "offsets the wrong way round": (_safe({"a.b": entry(data_offsets=[8, 0])}), why),
        "three offsets": (_safe({"a.b": entry(data_offsets=[0, 4, 8])}), why),
        "offsets of words": (_safe({"a.b": entry(data_offsets=["0", "8"])}), why),
        "offsets of 2^70": (_safe({"a.b": entry(data_offsets=[0, 1 << 70], shape=[1 << 68])}), why),
        "a shape that does not fit": (_safe({"a.b": entry(shape=[3])}), why),
        "a shape that overflows": (_safe({"a.b": entry(shape=[1 << 32, 1 << 32])}), why),
        "a shape of floats": (_safe({"a.b": entry(shape=[2.0])}), why),
        "a shape of truths": (_safe({"a.b": entry(shape=[True, 2])}), why),
        "a thousand dimensions": (_safe({"a.b": entry(shape=[1] * 1000 + [2])}), why),
        "an unknown dtype": (_safe({"a.b": entry(dtype="X32")}), why),
        "a dtype that is a list": (_safe({"a.b": entry(dtype=["F32"])}), why),
        "metadata of numbers": (_safe({"__metadata__": {"a": 1}, "a.b": entry()}), why),
        "another key": (_safe({"a.b": entry(more=1)}), why),
        "no tensors": (_safe({}, b""), "it holds nothing"),
        "four bits": (_safe({"a.b": entry(dtype="F4", shape=[16])}), "has the unsupported type"),
        "a bool of two": (_safe({"a.b": entry(dtype="BOOL", shape=[8])}, b"\x02" * 8), "an unknown network"),
        "complex": (_safe({"a.b": entry(dtype="C64", shape=[1])}), "is not a dense tensor of real numbers"),
        "a mad name": (_safe({"a.\x1b[31m\n": entry()}), "an unknown network (a.\\x1b[31m\\n"),
        "a lone surrogate": (_safe(b'{"a.\\ud800":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}'), why),
    }


def _indexed(weight_map: object, files: dict[str, Write] | None = None) -> Write:
    def write(path: Path) -> None:
        for name, make in (files or {}).items():
            make(path.parent / name)
        path.write_text(json.dumps({"metadata": {"total_size": 1}, "weight_map": weight_map}), encoding="utf-8")

    return write


def _shards() -> dict[str, tuple[Write, str]]:
    first = dict(list(weights().items())[:4])
    second = dict(list(weights().items())[4:])
    parts = {"m-1-of-2.safetensors": first, "m-2-of-2.safetensors": second}
    index = {name: file for file, tensors in parts.items() for name in tensors}

    def part(tensors: dict[str, Tensor]) -> Write:
        return lambda path: save_file(tensors, path)

    def link(target: str) -> Write:
        return lambda path: path.symlink_to(target)

    both = {name: part(tensors) for name, tensors in parts.items()}
    return {
        "two": (_indexed(index, both), USABLE),
        "one missing": (_indexed(index, {"m-1-of-2.safetensors": part(first)}), "is not in its folder"),
        "one that leads out": (_indexed({"a.b": "../m.safetensors"}), "refused"),
        "one at the root": (_indexed({"a.b": "/etc/passwd"}), "refused"),
        "one that is hidden": (_indexed({"a.b": ".safetensors"}), "refused"),
        "one with a backslash": (_indexed({"a.b": "..\\m.safetensors"}), "refused"),
        "one of a mad name": (_indexed({"a.b": "\x1b[31m\n.safetensors"}), "refused"),
        "one that is a link out": (_indexed({"a.b": "m.safetensors"}, {"m.safetensors": link("/etc/passwd")}), "leads out"),
        "one that is a number": (_indexed({"a.b": 3}), "refused"),
        "one that is a pickle": (
            _indexed({"a.b": "m.safetensors"}, {"m.safetensors": saved(weights())}),
            "not a safetensors file",
        ),
        "one that is broken": (
            _indexed({"a.b": "m.safetensors"}, {"m.safetensors": _safe({"a.b": {"dtype": "F32"}})}),
            "broken safetensors file",
        ),
        "a tensor in both": (
            _indexed(
                {"a.b": "m.safetensors", "c.d": "n.safetensors"}, {"m.safetensors": part(first), "n.safetensors": part(first)}
            ),
            "two shards contain",
        ),
        "of torch.save": (_indexed({"a.b": "pytorch_model-1.bin"}), "torch.save shards"),
        "a hundred thousand": (
            _indexed({f"a.{n}": f"m{n}.safetensors" for n in range(100_000)}),
            "more than any checkpoint has",
        ),
        "none": (_indexed({}), "not an index of safetensors shards"),
        "a map that is a list": (_indexed([]), "not an index of safetensors shards"),
        "JSON 100,000 deep": (
            raw(b'{"weight_map":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
            "not an index of safetensors shards",
        ),
        "JSON cut off": (raw(b'{"weight_map":{"a'), "not an index of safetensors shards"),
    }
