from __future__ import annotations

import io
import os
import pickle
import struct
import zipfile
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from humouse_doctor.core.errors import InputError
from humouse_doctor.inputs.checkpoints import checkpoint, container, worker
from tests.inputs.checkpoints.files import Reduced, archive_of, network, rewrite, save, weights


def _one_line(error: InputError, path: Path) -> str:
    message = str(error)
    assert str(path) in message
    assert "\n" not in message
    assert message.isprintable()
    assert "weights_only" not in message
    assert len(message) < 500 + len(str(path))
    return message


def _refusal(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        checkpoint.load(path)
    return _one_line(caught.value, path)


def _touch(sentinel: Path) -> list[Reduced]:
    return [
        Reduced(os.system, (f"touch {sentinel}",)),
        Reduced(eval, (f"open({str(sentinel)!r}, 'w').close()",)),
        Reduced(exec, (f"open({str(sentinel)!r}, 'w').close()",)),
        Reduced(Path.touch, (sentinel,)),
    ]


@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize("archive", [True, False])
@pytest.mark.parametrize("place", ["alone", "beside weights", "in the config"])
def test_a_payload_is_refused_and_never_runs(tmp_path: Path, number: int, archive: bool, place: str) -> None:
    sentinel = tmp_path / "ran"
    payload = _touch(sentinel)[number]
    content: object = {
        "alone": payload,
        "beside weights": {**weights(), "z.z": payload},
        "in the config": {"state_dict": weights(), "config": {"latent_dim": payload}},
    }[place]
    torch.save(content, tmp_path / "a.pt", _use_new_zipfile_serialization=archive)
    message = _refusal(tmp_path / "a.pt")
    assert "refused, reading it would run code: it refers to " in message
    assert "torch.save(generator.state_dict(), ...)" in message
    assert not sentinel.exists()


def test_the_payloads_would_run_if_anything_unpickled_them(tmp_path: Path) -> None:
    for payload in _touch(tmp_path / "ran"):
        pickle.loads(pickle.dumps(payload))
        assert (tmp_path / "ran").exists()
        (tmp_path / "ran").unlink()


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (nn.Linear(2, 2), "torch.nn.modules.linear.Linear"),
        ({"state_dict": {}, "history": defaultdict(list)}, "collections.defaultdict"),
        ({"state_dict": {}, "where": Path("a")}, "pathlib."),
    ],
)
def test_a_foreign_class_is_refused_by_its_name(tmp_path: Path, content: object, name: str) -> None:
    message = _refusal(save(tmp_path / "a.pt", content))
    assert "it refers to " in message
    assert name in message
    assert "--salvage" in message


def test_the_environment_cannot_switch_the_refusal_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    save(tmp_path / "a.pt", _touch(tmp_path / "ran")[0])
    assert "would run code" in _refusal(tmp_path / "a.pt")
    assert not (tmp_path / "ran").exists()


RECONSTRUCT = np.empty(0).__reduce__()[0]
OBJECTS = np.dtype("O")


def _state(dtype: Any, data: Any, shape: Any = (1,)) -> tuple[Any, ...]:
    return (RECONSTRUCT, (np.ndarray, (0,), b"b"), (1, shape, dtype, False, data))


CRAFTED = {
    "objects over raw bytes": _state(OBJECTS, b"\x01" * 8),
    "an array called with objects": (np.ndarray, ((1,), OBJECTS, b"\x01" * 8)),
    "an array called with numbers": (np.ndarray, ((2,), np.dtype("f8"), b"\x01" * 16)),
    "memory nobody filled": (RECONSTRUCT, (np.ndarray, (64,), b"d")),
    "bytes too few for the shape": _state(np.dtype("f8"), b"\x01" * 8, (2,)),
    "bytes too many for the shape": _state(np.dtype("f8"), b"\x01" * 24, (2,)),
    "a negative shape": _state(np.dtype("f8"), b"\x01" * 16, (-2,)),
    "a shape of words": _state(np.dtype("f8"), b"\x01" * 16, ("a",)),
    "a shape that is a list": _state(np.dtype("f8"), b"\x01" * 16, [2]),
    "a shape beyond all memory": _state(np.dtype("f8"), b"\x01" * 16, (2**40, 2**40)),
    "a type that is a word": _state("f8", b"\x01" * 16, (2,)),
    "numbers that are a list": _state(np.dtype("f8"), [1.0, 2.0], (2,)),
    "more bytes than statistics have": _state(np.dtype("u1"), bytes((1 << 20) + 1), ((1 << 20) + 1,)),
    "a state of three": (RECONSTRUCT, (np.ndarray, (0,), b"b"), (1, (2,), np.dtype("f8"))),
    "a state that is a number": (RECONSTRUCT, (np.ndarray, (0,), b"b"), 5),
    "a record": _state(np.dtype([("x", "f4"), ("y", "f4")]), b"\x01" * 8),
    "text": _state(np.dtype("U2"), b"\x01" * 8),
    "dates": _state(np.dtype("M8[s]"), b"\x01" * 8),
    "complex numbers": _state(np.dtype("c16"), b"\x01" * 16),
    "a type that is a list": (np.dtype, ([("x", "f4")],)),
    "a type of a very long name": (np.dtype, ("f4," * 5000,)),
    "a type with a mad order": (np.dtype, ("f8", False, True), (3, "X", None, None, None, -1, -1, 0)),
    "a type with no state to speak of": (np.dtype, ("f8", False, True), 5),
    "a scalar of objects": (np.float64(1).__reduce__()[0], (OBJECTS, b"\x01" * 8)),
    "a scalar without a number": (np.float64(1).__reduce__()[0], (np.dtype("f8"),)),
}


@pytest.mark.parametrize("kind", list(CRAFTED))
def test_a_crafted_numpy_pickle_is_refused(tmp_path: Path, kind: str) -> None:
    content = {"state_dict": weights(), "position_mean": Reduced(*CRAFTED[kind]), "position_std": np.ones(2)}
    _refusal(save(tmp_path / "a.pt", content))


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("objects over raw bytes", "'O8'"),
        ("text", "'U2'"),
        ("a shape of words", "shape"),
        ("bytes too few for the shape", "bytes do not fit its shape"),
        ("bytes too many for the shape", "bytes do not fit its shape"),
        ("a shape beyond all memory", "bytes do not fit its shape"),
        ("more bytes than statistics have", "not a few plain numbers"),
    ],
)
def test_a_refused_array_says_what_is_wrong_with_it(tmp_path: Path, kind: str, why: str) -> None:
    message = _refusal(save(tmp_path / "a.pt", {"state_dict": weights(), "position_mean": Reduced(*CRAFTED[kind])}))
    assert "is refused" in message
    assert why in message


def test_an_array_made_without_a_call_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "a.pt", {"state_dict": weights(), "position_mean": "HERE", "position_std": 1.0})
    word = b"X\x04\x00\x00\x00HERE"
    rewrite(path, lambda data: data.replace(word, b"cnumpy\nndarray\n)\x81"))
    assert "'position_mean' is not one or two numbers" in _refusal(path)


def test_a_type_made_without_a_call_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "a.pt", {"state_dict": weights(), "position_mean": Reduced(*_state("HERE", b"\x01" * 8))})
    word = b"X\x04\x00\x00\x00HERE"
    rewrite(path, lambda data: data.replace(word, b"cnumpy\ndtype\n)\x81"))
    _refusal(path)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("position_mean", np.ones(3)),
        ("position_mean", torch.ones(0)),
        ("position_mean", [1.0, 2.0]),
        ("position_mean", 1.5),
        ("position_mean", "1.5"),
        ("position_mean", torch.ones(3)),
        ("position_mean", np.array([np.nan, 1.0])),
        ("position_mean", np.array([np.inf, 1.0])),
        ("position_std", np.array([0.0, 1.0])),
        ("position_std", np.array([-1.0, 1.0])),
        ("position_std", torch.ones(2, device="meta")),
        ("position_std", torch.ones(2, dtype=torch.complex64)),
        ("position_std", torch.ones(2).to_sparse()),
        ("position_std", torch.ones(1).expand(10**6, 10**6)),
    ],
)
def test_statistics_that_are_no_statistics_are_refused_by_name(tmp_path: Path, name: str, value: object) -> None:
    content = {"state_dict": weights(), "position_mean": np.ones(2), "position_std": np.ones(2), name: value}
    assert f"'{name}'" in _refusal(save(tmp_path / "a.pt", content))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (torch.ones(3, 4), "holds a bare tensor"),
        ([1, 2], "holds a list"),
        (7, "holds a int"),
        ("text", "holds a str"),
        (None, "holds a NoneType"),
        ({}, "it holds nothing"),
        ({"epoch": 1, "loss": 2.0}, "it holds epoch, loss"),
        ({"weight": torch.ones(2)}, "it holds weight"),
        ({1: torch.ones(2), "a.b": torch.ones(2)}, "it holds 1, a.b"),
        ({"state_dict": {}}, "it holds nothing"),
        (Counter({"a": 1}), "it holds a"),
        ({"sequences": torch.ones(5, 4, 3), "features": torch.ones(5, 2)}, "is a replay buffer"),
        ({f"key{i}": i for i in range(99)}, "key5)"),
        ({"esc\x1b[31m\n\ud800\u202e": 1, "k" * 5000: 2}, r"esc\x1b[31m\n\ud800\u202e"),
    ],
)
def test_something_else_than_weights_is_refused_with_what_it_is(tmp_path: Path, content: object, words: str) -> None:
    assert words in _refusal(save(tmp_path / "a.pt", content))


def test_weights_wrapped_too_deep_are_not_looked_for(tmp_path: Path) -> None:
    content: dict[str, Any] = weights()
    for _ in range(5):
        content = {"model": content}
    assert "no generator's weights in it" in _refusal(save(tmp_path / "a.pt", content))


@pytest.mark.parametrize(
    ("extra", "refused"), [([[] for _ in range(2000)], True), ([None] * 2000, True), ([[] for _ in range(200)], False)]
)
def test_more_objects_than_any_checkpoint_has_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, extra: list[object], refused: bool
) -> None:
    monkeypatch.setattr(worker, "_MAX_WALK_ITEMS", 1000)  # to reach what it is takes a slow processor too long
    path = save(tmp_path / "a.pt", {"model": weights(), "extra": extra})
    if refused:
        assert "it holds more than 1,000 objects; refused" in _refusal(path)
    else:
        checkpoint.load(path)


def test_a_dictionary_that_holds_itself_is_refused(tmp_path: Path) -> None:
    content: dict[str, Any] = {}
    content["model"] = content
    assert "no generator's weights in it" in _refusal(save(tmp_path / "a.pt", content))


ODD_TENSORS: dict[str, Callable[[], Tensor]] = {
    "coordinates": lambda: torch.eye(2).to_sparse(),
    "compressed rows": lambda: torch.eye(2).to_sparse_csr(),
    "complex": lambda: torch.ones(2, 2, dtype=torch.complex64),
    "without memory": lambda: torch.ones(2, 2, device="meta"),
    "enormous without memory": lambda: torch.empty(2**50, device="meta"),
    "powers of two": lambda: torch.ones(2, 2).to(torch.float8_e8m0fnu),
    "unsigned sixteen bits": lambda: torch.ones(2, 2).to(torch.uint16),
    "nested": lambda: torch.nested.nested_tensor([torch.ones(2), torch.ones(3)]),
    "quantised": lambda: torch.quantize_per_tensor(torch.ones(2, 2), 0.1, 0, torch.qint8),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", list(ODD_TENSORS))
def test_a_tensor_that_is_no_plain_block_of_numbers_is_refused(tmp_path: Path, kind: str) -> None:
    message = _refusal(save(tmp_path / "a.pt", {**weights(), "bad\n.w": ODD_TENSORS[kind]()}))
    assert "tensor 'bad\\n.w' is not a dense tensor of real numbers" in message


def test_a_tensor_of_a_type_of_bits_is_refused(tmp_path: Path) -> None:
    bits = torch.zeros(2, dtype=torch.uint8).view(torch.float4_e2m1fn_x2)
    assert "is not a dense tensor of real numbers" in _refusal(save(tmp_path / "a.pt", {**weights(), "bad.w": bits}))


def test_a_small_file_that_claims_an_enormous_tensor_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "a.pt", {**weights(), "big.w": torch.ones(1).expand(10**6, 10**6)})
    assert path.stat().st_size < 20_000
    assert "tensor 'big.w' claims more numbers than the file holds; refused" in _refusal(path)


def test_a_sparse_tensor_with_an_index_outside_is_refused_wherever_it_stands(tmp_path: Path) -> None:
    tensor = torch.sparse_coo_tensor(torch.tensor([[99]]), torch.ones(1), (2,), check_invariants=False)
    with pytest.raises(InputError):
        checkpoint.load(save(tmp_path / "a.pt", {**weights(), "anything": tensor}))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert "cannot read the checkpoint: No such file or directory" in _refusal(tmp_path / "absent.pt")


def test_a_folder_is_refused(tmp_path: Path) -> None:
    assert f"{tmp_path}: a folder" in _refusal(tmp_path)


def test_a_distributed_checkpoint_is_refused_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / ".metadata").write_bytes(pickle.dumps(Reduced(os.system, (f"touch {tmp_path / 'ran'}",))))
    assert "python -m torch.distributed.checkpoint.format_utils dcp_to_torch " in _refusal(tmp_path)
    assert not (tmp_path / "ran").exists()


def test_a_pipe_is_refused_without_waiting_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "not a regular file" in _refusal(tmp_path / "pipe")


def _npz() -> bytes:
    stream = io.BytesIO()
    np.savez(stream, sequences=np.ones((2, 3, 2)))
    return stream.getvalue()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "the file is empty"),
        (b"x", "neither torch.save nor safetensors"),
        (b"hello, world", "neither torch.save nor safetensors"),
        (bytes(4096), "neither torch.save nor safetensors"),
        (b"<!DOCTYPE html><html>", "HTML or XML"),
        (b"\x89PNG\r\n\x1a\n", "an image"),
        (b"\x1f\x8b\x08", "gzip data"),
        (b"\x93NUMPY\x01\x00", "a NumPy array"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n", "a Git LFS pointer, not the file itself"),
        (pickle.dumps({"a": 1}), "a plain pickle, not written by torch.save"),
        (pickle.dumps({"a": 1}, protocol=2), "a plain pickle, not written by torch.save"),
        (_npz(), "an archive of NumPy arrays"),
        (b"PK\x03\x04", "broken archive"),
    ],
)
def test_a_file_of_another_kind_is_refused_with_what_it_is(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "a.pt").write_bytes(content)
    assert words in _refusal(tmp_path / "a.pt")


def test_a_plain_pickle_never_runs(tmp_path: Path) -> None:
    for payload in _touch(tmp_path / "ran"):
        for protocol in range(2, 6):
            (tmp_path / "a.pt").write_bytes(pickle.dumps(payload, protocol=protocol))
            _refusal(tmp_path / "a.pt")
    assert not (tmp_path / "ran").exists()


def test_a_file_larger_than_any_generator_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(container, "_MAX_BYTES", 100)
    assert "is more than any generator here" in _refusal(save(tmp_path / "a.pt", weights()))


@pytest.mark.parametrize(
    ("members", "words"),
    [
        (["a/readme.txt"], "a zip archive without data.pkl"),
        (["a/data.pkl", "a/constants.pkl"], "a TorchScript archive"),
        (["a/data.pkl", "a/code/__torch__.py"], "a TorchScript archive"),
        (["a/archive_format", "a/data/weights/0"], "an exported program"),
        (["a/models/model.json"], "an exported program"),
    ],
)
def test_an_archive_of_another_kind_is_refused_with_what_it_is(tmp_path: Path, members: list[str], words: str) -> None:
    with zipfile.ZipFile(tmp_path / "a.pt", "w") as archive:
        for member in members:
            archive.writestr(member, b"x")
    assert words in _refusal(tmp_path / "a.pt")


def test_two_members_of_one_name_are_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "a.pt", weights())
    with zipfile.ZipFile(path, "a") as archive:
        name = next(name for name in archive.namelist() if name.endswith("data.pkl"))
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr(name, pickle.dumps({}, protocol=2))
    assert "two members of the archive have the same name" in _refusal(path)


def test_compressed_members_are_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "a.pt", weights())
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    assert "compressed or encrypted" in _refusal(path)


def _change_directory(path: Path, offset: int, value: bytes) -> Path:
    """Overwrite one field in every entry of the archive's central directory."""
    data = bytearray(path.read_bytes())
    entry = data.find(b"PK\x01\x02")
    while entry >= 0:
        data[entry + offset : entry + offset + len(value)] = value
        entry = data.find(b"PK\x01\x02", entry + 4)
    path.write_bytes(data)
    return path


def test_encrypted_members_are_refused(tmp_path: Path) -> None:
    assert "compressed or encrypted" in _refusal(_change_directory(save(tmp_path / "a.pt", weights()), 8, b"\x01\x00"))


def test_members_that_claim_more_bytes_than_the_file_has_are_refused(tmp_path: Path) -> None:
    path = archive_of(tmp_path / "a.pt", pickle.dumps({}, protocol=2))
    assert "members of the archive claim more bytes than the file has" in _refusal(
        _change_directory(path, 24, struct.pack("<I", 1 << 30))
    )


def test_a_flipped_bit_in_a_weight_is_noticed(tmp_path: Path) -> None:
    path = save(tmp_path / "a.pt", network().state_dict())
    data = bytearray(path.read_bytes())
    place = data.find(weights()["output.weight"].numpy().tobytes())
    assert place > 0
    data[place] ^= 1
    path.write_bytes(data)
    assert torch.load(path, weights_only=True), "torch itself reads on"
    assert "damaged, the checksum of '" in _refusal(path)


@pytest.mark.parametrize("archive", [True, False])
def test_a_file_cut_anywhere_is_refused(tmp_path: Path, archive: bool) -> None:
    torch.save(weights(), tmp_path / "a.pt", _use_new_zipfile_serialization=archive)
    whole = (tmp_path / "a.pt").read_bytes()
    for share in (0.0, 0.001, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99):
        (tmp_path / "a.pt").write_bytes(whole[: int(share * len(whole))])
        _refusal(tmp_path / "a.pt")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("archive", [True, False])
def test_damage_anywhere_ends_in_a_refusal_or_in_a_checkpoint(tmp_path: Path, archive: bool) -> None:
    content = {"state_dict": {"a.b": torch.ones(3, 4)}, "config": {"latent_dim": 3}, "position_mean": np.ones(2)}
    path = tmp_path / "a.pt"
    torch.save(content, path, _use_new_zipfile_serialization=archive)
    whole = path.read_bytes()
    random = np.random.default_rng(0)
    refused = 0
    for place in range(0, len(whole), 5):
        flipped = whole[place] ^ (1 << int(random.integers(8)))
        path.write_bytes(whole[:place] + bytes([flipped]) + whole[place + 1 :])
        with suppress(InputError):
            checkpoint.load(path)
            continue
        refused += 1
    assert refused > len(whole) // 5 // 4


@pytest.mark.parametrize(
    "pickled",
    [
        b"",
        b"\x80\x02",
        b"\x80\x02}",
        b"\x80\x02U\x03abcQ.",
        b"\x80\x02ctorch\nfloat32\n)R.",
        b"\x80\x02U\x01a)R.",
        b"\x80\x02]" + b"a" * 10 + b".",
        b"\xff\xfe\x00",
        pickle.dumps({"a": 1}, protocol=4),
        b"\x80\x02" + b"]" * 50 + b".",
    ],
)
def test_a_pickle_that_makes_no_sense_is_refused(tmp_path: Path, pickled: bytes) -> None:
    _refusal(archive_of(tmp_path / "a.pt", pickled))


def test_a_real_torchscript_file_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.pt", "w") as archive:
        for name in ("data.pkl", "constants.pkl", "code/__torch__.py", "version"):
            archive.writestr(f"a/{name}", b"3\n")
    message = _refusal(tmp_path / "a.pt")
    assert "save its state_dict" in message


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-2],
        lambda data: data + b"more",
        lambda data: data.replace(b'"F32"', b'"X32"'),
        lambda data: data.replace(b"[0,8]", b"[0,9]"),
        lambda data: data.replace(b'{"a.b"', b'{{a.b"'),
    ],
)
def test_broken_safetensors_are_refused(tmp_path: Path, damage: Any) -> None:
    pytest.importorskip("safetensors")
    header = b'{"a.b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}'
    data = len(header).to_bytes(8, "little") + header + bytes(8)
    (tmp_path / "a.safetensors").write_bytes(data)
    assert list(checkpoint.load(tmp_path / "a.safetensors").tensors) == ["a.b"]
    (tmp_path / "a.safetensors").write_bytes(damage(data))
    assert "broken safetensors file" in _refusal(tmp_path / "a.safetensors")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "content",
    [
        [1, 2],
        {"a.b": torch.ones(2, 2)},
        torch.ones(4, 5),
        torch.ones(4, 5, 1),
        {"sequences": torch.ones(4, 5)},
        {"sequences": [[1.0]]},
        torch.ones(4, 5, 2, device="meta"),
        torch.ones(4, 5, 2, dtype=torch.complex64),
        torch.ones(4, 5, 2).to_sparse(),
        torch.ones(1).expand(10**5, 10**5, 2),
        {"sequences": torch.ones(4, 5, 2), "features": torch.ones(4, 5).to_sparse()},
        {"sequences": torch.ones(4, 5, 2), "features": torch.ones(4, 5, device="meta")},
    ],
    ids=lambda content: str(content)[:40],
)
def test_what_holds_no_gestures_is_refused_as_data(tmp_path: Path, content: object) -> None:
    path = save(tmp_path / "a.pt", content)
    with pytest.raises(InputError) as caught:
        checkpoint.load_gesture_array(path)
    _one_line(caught.value, path)
