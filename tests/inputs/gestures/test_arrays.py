from __future__ import annotations

import io
import json
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from humouse_doctor.core.arrays import FloatArray
from humouse_doctor.core.errors import InputError
from humouse_doctor.inputs.gestures import arrays


def _moving(count: int, steps: int = 6, channels: int = 3, seed: int = 0) -> FloatArray:
    values: FloatArray = np.random.default_rng(seed).normal(size=(count, steps, channels)).astype(np.float32)
    return values


def _npz(path: Path, *, compressed: bool = False, **members: Any) -> Path:
    (np.savez_compressed if compressed else np.savez)(path, **members)
    return path


def _refusal(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        arrays.read(path, 100, 0)
    message = str(caught.value)
    assert "\n" not in message
    assert message.isprintable()
    assert str(path) in message
    return message


def _with_header(path: Path, header: bytes, data: bytes = b"") -> Path:
    path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data)
    return path


@pytest.mark.parametrize("compressed", [False, True])
def test_an_archive_is_read_whole_and_in_order(tmp_path: Path, compressed: bool) -> None:
    made = _moving(20)
    read = arrays.read(_npz(tmp_path / "g.npz", compressed=compressed, sequences=made), 100, 0)
    np.testing.assert_array_equal(read.sequences, made)
    assert (read.summary.total, read.summary.taken, read.summary.length) == (20, 20, 6)
    assert read.summary.source == str(tmp_path / "g.npz")
    assert dict(read.summary.dropped) == {}
    assert read.features is None
    assert read.lengths.tolist() == [6] * 20


@pytest.mark.parametrize("kind", ["f2", "f4", "f8", ">f4", ">f8", "i2", "i8", "u1"])
def test_any_plain_number_type_becomes_float32(tmp_path: Path, kind: str) -> None:
    made = np.abs(_moving(8) * 20).astype(kind)
    np.save(tmp_path / "g.npy", made)
    read = arrays.read(tmp_path / "g.npy", 100, 0)
    assert read.sequences.dtype == np.float32
    np.testing.assert_array_equal(read.sequences, made.astype(np.float32))


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_every_version_of_the_npy_format_is_read(tmp_path: Path, version: tuple[int, int]) -> None:
    made = _moving(4)
    with (tmp_path / "g.npy").open("wb") as stream:
        np.lib.format.write_array(stream, made, version=version)
    np.testing.assert_array_equal(arrays.read(tmp_path / "g.npy", 100, 0).sequences, made)


def test_a_sample_is_repeatable_bounded_and_from_the_whole_file(tmp_path: Path) -> None:
    made = _moving(300)
    path = _npz(tmp_path / "g.npz", sequences=made)
    read, again, other = (arrays.read(path, 16, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(read.sequences, again.sequences)
    assert not np.array_equal(read.sequences, other.sequences)
    assert (read.summary.total, read.summary.usable, read.summary.taken) == (300, 300, 16)
    found = [int(np.flatnonzero((made == row).all(axis=(1, 2)))[0]) for row in read.sequences]
    assert found == sorted(set(found))
    assert found[-1] > 100


def test_small_chunks_read_the_same_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = _moving(50)
    made[7] = 0.0
    path = _npz(tmp_path / "g.npz", sequences=made, features=_moving(50)[:, 0], lengths=np.arange(50))
    whole = arrays.read(path, 12, 3)
    monkeypatch.setattr(arrays, "_CHUNK_BYTES", 200)
    cut = arrays.read(path, 12, 3)
    np.testing.assert_array_equal(whole.sequences, cut.sequences)
    np.testing.assert_array_equal(whole.lengths, cut.lengths)
    assert whole.features is not None
    assert cut.features is not None
    np.testing.assert_array_equal(whole.features, cut.features)


def test_lengths_and_features_belong_to_the_rows_that_were_taken(tmp_path: Path) -> None:
    made = _moving(80)
    made[:5] = 0.0
    features = np.repeat(np.arange(80.0)[:, None], 2, axis=1)
    path = _npz(tmp_path / "g.npz", sequences=made, features=features, lengths=np.arange(80) % 6 + 1)
    read = arrays.read(path, 10, 0)
    numbers = [int(np.flatnonzero((made == row).all(axis=(1, 2)))[0]) for row in read.sequences]
    assert read.features is not None
    assert read.features[:, 0].tolist() == numbers
    assert read.lengths.tolist() == [number % 6 + 1 for number in numbers]


def test_lengths_beyond_the_array_are_cut_to_it(tmp_path: Path) -> None:
    path = _npz(tmp_path / "g.npz", sequences=_moving(3), lengths=np.array([-4, 3, 99]))
    assert arrays.read(path, 10, 0).lengths.tolist() == [0, 3, 6]


def test_lengths_are_read_off_the_zero_tails_where_the_file_has_none(tmp_path: Path) -> None:
    made = _moving(3)
    made[0, 4:] = 0.0
    made[1, 1:3] = 0.0
    made[2, 1:] = 0.0
    assert arrays.read(_npz(tmp_path / "g.npz", sequences=made), 10, 0).lengths.tolist() == [4, 6, 1]


@pytest.mark.parametrize(
    "members",
    [
        {"lengths": np.arange(3)},
        {"lengths": np.arange(20.0)},
        {"features": np.zeros((3, 2))},
        {"features": np.zeros((20, 0))},
        {"features": np.zeros((20, 2), dtype=int)},
        {"features": np.zeros(20)},
    ],
)
def test_lengths_and_features_that_do_not_fit_are_left(tmp_path: Path, members: dict[str, Any]) -> None:
    read = arrays.read(_npz(tmp_path / "g.npz", sequences=_moving(20), **members), 100, 0)
    assert read.features is None
    assert read.lengths.tolist() == [6] * 20


def test_one_foreign_array_of_the_right_rank_is_taken(tmp_path: Path) -> None:
    made = _moving(5)
    path = _npz(tmp_path / "g.npz", gestures=made, labels=np.zeros(5), table=np.zeros((5, 4)))
    np.testing.assert_array_equal(arrays.read(path, 10, 0).sequences, made)


def test_several_foreign_arrays_are_named_rather_than_guessed(tmp_path: Path) -> None:
    message = _refusal(_npz(tmp_path / "g.npz", first=_moving(5), second=_moving(5)))
    assert "several arrays could be meant: first.npy, second.npy" in message


def test_sequences_wins_over_foreign_arrays(tmp_path: Path) -> None:
    made = _moving(5)
    path = _npz(tmp_path / "g.npz", before=_moving(5, seed=1), sequences=made)
    np.testing.assert_array_equal(arrays.read(path, 10, 0).sequences, made)


@pytest.mark.parametrize("shape", [(4,), (4, 3), (4, 3, 1), (4, 3, 2, 2), ()])
def test_an_array_of_another_rank_is_refused_with_its_shape(tmp_path: Path, shape: tuple[int, ...]) -> None:
    np.save(tmp_path / "g.npy", np.ones(shape))
    assert f"it holds g {shape}" in _refusal(tmp_path / "g.npy")


def test_an_archive_without_arrays_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "g.npz", "w") as archive:
        archive.writestr("readme.txt", "nothing")
    assert "it holds no array" in _refusal(tmp_path / "g.npz")


def test_sequences_of_no_steps_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "g.npy", np.ones((4, 0, 2)))
    assert "its shape (4, 0, 2) is not that of gestures" in _refusal(tmp_path / "g.npy")


@pytest.mark.parametrize("members", [{}, {"lengths": np.zeros(0, dtype=int), "features": np.zeros((0, 2))}])
def test_an_array_of_no_sequences_is_refused_as_empty(tmp_path: Path, members: dict[str, Any]) -> None:
    assert "no usable sequence (it is empty)" in _refusal(_npz(tmp_path / "g.npz", sequences=np.ones((0, 4, 2)), **members))


class _Payload:
    def __init__(self, sentinel: Path) -> None:
        self._sentinel = sentinel

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self._sentinel,))


def _object_array(sentinel: Path) -> FloatArray:
    made: Any = np.empty((2, 3, 2), dtype=object)
    made[...] = _Payload(sentinel)
    result: FloatArray = made
    return result


@pytest.mark.parametrize("name", ["g.npy", "g.npz"])
def test_an_object_array_is_refused_and_never_unpickled(tmp_path: Path, name: str) -> None:
    sentinel = tmp_path / "ran"
    made = _object_array(sentinel)
    if name.endswith("npz"):
        _npz(tmp_path / name, sequences=made)
    else:
        np.save(tmp_path / name, made, allow_pickle=True)
    assert "the array's type is object, not numbers" in _refusal(tmp_path / name)
    assert not sentinel.exists()
    np.load(tmp_path / name, allow_pickle=True)["sequences" if name.endswith("npz") else ...]
    assert sentinel.exists(), "the payload would have run, had anything unpickled it"


def test_an_object_array_beside_good_sequences_is_left_alone(tmp_path: Path) -> None:
    sentinel = tmp_path / "ran"
    path = _npz(tmp_path / "g.npz", sequences=_moving(2), lengths=_object_array(sentinel), features=_object_array(sentinel))
    assert arrays.read(path, 10, 0).summary.taken == 2
    assert not sentinel.exists()


@pytest.mark.parametrize("dtype", ["bool", "c8", "U4", "M8[s]", [("x", "f4"), ("y", "f4")]])
def test_an_array_of_something_else_than_real_numbers_is_refused(tmp_path: Path, dtype: Any) -> None:
    np.save(tmp_path / "g.npy", np.zeros((4, 3, 2), dtype=dtype))
    assert "not numbers" in _refusal(tmp_path / "g.npy")


def test_fortran_order_is_refused_with_the_way_out(tmp_path: Path) -> None:
    np.save(tmp_path / "g.npy", np.asfortranarray(_moving(4)))
    assert "'g.npy' is in Fortran order; save it with numpy.ascontiguousarray" in _refusal(tmp_path / "g.npy")


def test_fortran_order_of_a_single_axis_is_no_trouble(tmp_path: Path) -> None:
    made = _moving(1, steps=1, channels=2)
    header = b"{'descr': '<f4', 'fortran_order': True, 'shape': (1, 1, 2)}"
    read = arrays.read(_with_header(tmp_path / "g.npy", header, made.tobytes()), 10, 0)
    np.testing.assert_array_equal(read.sequences, made)


@pytest.mark.parametrize(
    "shape", ["(1000, 3, 2)", "(10**9, 3, 2)", "(4, 10**12, 2)", "(-4, 3, 2)", "(4, -3, -2)", "(2**62, 2**62, 2)"]
)
def test_a_header_that_claims_more_than_the_file_holds_is_refused(tmp_path: Path, shape: str) -> None:
    numbers = repr(eval(shape))
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {numbers}}}".encode()
    assert "cannot read it as gestures" in _refusal(_with_header(tmp_path / "g.npy", header, b"\0" * 96))


@pytest.mark.parametrize(
    "header",
    [
        b"(((",
        b"(" * 5000,
        b"-" * 9000 + b"1",
        b"{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2, 3)",
        b"{'descr': ((), ()), 'fortran_order': False, 'shape': (1,)}",
        b"{'descr': '<f4', 'fortran_order': False, 'shape': (1, True, 3)}",
        b"{1: 2, []: 3}",
        b"\xff\x00\x1b[31m",
        b"{'descr': '\x1b[31m', 'fortran_order': False, 'shape': (1, 2, 3)}",
        b"",
        b" " * 20000,
    ],
)
def test_a_header_that_is_no_header_is_refused_in_one_harmless_line(tmp_path: Path, header: bytes) -> None:
    assert "cannot read it as gestures" in _refusal(_with_header(tmp_path / "g.npy", header, b"\0" * 100))


def test_an_unbelievably_long_sequence_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrays, "_MAX_PART_BYTES", 100)
    np.save(tmp_path / "g.npy", _moving(2, steps=9))
    assert "its shape (2, 9, 3) is not that of gestures" in _refusal(tmp_path / "g.npy")


def test_one_long_sequence_does_not_ask_for_memory_for_thousands(tmp_path: Path) -> None:
    np.save(tmp_path / "g.npy", np.ones((1, 100_000, 2), dtype=np.int8))
    tracemalloc.start()
    try:
        assert arrays.read(tmp_path / "g.npy", 2048, 0).summary.taken == 1
        assert tracemalloc.get_traced_memory()[1] < 20e6
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("name", ["g.npz", "g.npy"])
def test_a_file_cut_anywhere_is_refused(tmp_path: Path, name: str, compressed: bool) -> None:
    path = tmp_path / name
    if name == "g.npy":
        np.save(path, _moving(20))
    else:
        _npz(path, compressed=compressed, sequences=_moving(20))
    whole = path.read_bytes()
    for share in (0.0, 0.01, 0.05, 0.3, 0.5, 0.9, 0.99):
        path.write_bytes(whole[: int(share * len(whole))])
        _refusal(path)


def test_a_damaged_archive_never_ends_in_anything_but_a_refusal(tmp_path: Path) -> None:
    path = _npz(tmp_path / "g.npz", compressed=True, sequences=_moving(12), lengths=np.arange(12))
    whole = path.read_bytes()
    refused = 0
    for place in range(0, len(whole), 2):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x40]) + whole[place + 1 :])
        with suppress(InputError):
            arrays.read(path, 5, 0)
            continue
        refused += 1
    assert refused > len(whole) // 4


def test_an_archive_whose_directory_lies_about_the_size_is_refused(tmp_path: Path) -> None:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": (1000, 3, 2)})
    with zipfile.ZipFile(tmp_path / "g.npz", "w") as archive:
        archive.writestr("sequences.npy", header.getvalue() + bytes(96))
    data = bytearray((tmp_path / "g.npz").read_bytes())
    entry = data.rindex(b"PK\x01\x02")
    data[entry + 24 : entry + 28] = struct.pack("<I", len(header.getvalue()) + 24000)
    (tmp_path / "g.npz").write_bytes(data)
    assert "the file ends before its array does" in _refusal(tmp_path / "g.npz")


def test_broken_and_empty_rows_are_counted_and_left_out(tmp_path: Path) -> None:
    made = _moving(10)
    made[1, 2, 0] = np.nan
    made[3, 0, 1] = np.inf
    made[4] = -np.inf
    made[6] = 0.0
    made[9] = 0.0
    read = arrays.read(_npz(tmp_path / "g.npz", sequences=made), 100, 0)
    np.testing.assert_array_equal(read.sequences, made[[0, 2, 5, 7, 8]])
    assert dict(read.summary.dropped) == {"with NaN, infinite or overly large values": 3, "empty": 2}
    assert (read.summary.total, read.summary.usable, read.summary.taken) == (10, 5, 5)


@pytest.mark.parametrize("value", [1e300, -1e39])
def test_a_number_too_large_for_float32_counts_as_not_finite(tmp_path: Path, value: float) -> None:
    made = _moving(4).astype(np.float64)
    made[2, 1, 1] = value
    np.save(tmp_path / "g.npy", made)
    read = arrays.read(tmp_path / "g.npy", 10, 0)
    assert dict(read.summary.dropped) == {"with NaN, infinite or overly large values": 1}
    assert np.isfinite(read.sequences).all()


def test_a_file_of_nothing_usable_says_why(tmp_path: Path) -> None:
    made = np.zeros((5, 4, 2))
    made[0, 0, 0] = np.nan
    message = _refusal(_npz(tmp_path / "g.npz", sequences=made))
    assert "no usable sequence (1 with NaN, infinite or overly large values, 4 empty)" in message


def test_memory_does_not_grow_with_the_number_of_sequences(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrays, "_CHUNK_BYTES", 64 << 10)

    def peak(count: int) -> int:
        path = tmp_path / f"{count}.npz"
        np.savez(path, sequences=np.ones((count, 32, 3), dtype=np.float32), features=np.ones((count, 8), dtype=np.float32))
        tracemalloc.start()
        try:
            arrays.read(path, 64, 0)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    small, large = peak(1000), peak(20_000)
    assert (tmp_path / "20000.npz").stat().st_size > 8_000_000
    assert large < 1.2 * small


def _cache(folder: Path, meta: str | bytes) -> Path:
    path = _npz(folder / "g.npz", sequences=_moving(4))
    (folder / "g.npz.meta.json").write_bytes(meta.encode() if isinstance(meta, str) else meta)
    return path


def test_the_statistics_beside_a_cache_are_read(tmp_path: Path) -> None:
    content = {"sequence_mean": [1, 2.5, 3], "sequence_std": [1.0, 1.0, 1.0], "feature_mean": [0.0], "feature_std": [2.0]}
    statistics = arrays.read(_cache(tmp_path, json.dumps(content)), 10, 0).statistics
    for name, values in content.items():
        found = statistics.by_name.get(name)
        assert found is not None
        assert found.dtype == np.float64
        assert found.tolist() == values
    assert statistics.by_name.get("something_else") is None


def test_a_cache_whose_name_leaves_no_room_for_statistics_has_none(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 246 + ".npy")
    np.save(path, _moving(3))
    assert dict(arrays.read(path, 10, 0).statistics.by_name) == {}


def test_a_cache_without_statistics_has_none(tmp_path: Path) -> None:
    statistics = arrays.read(_npz(tmp_path / "g.npz", sequences=_moving(4)), 10, 0).statistics
    assert dict(statistics.by_name) == {}


@pytest.mark.parametrize(
    "value",
    ["[]", "null", "3.5", '["a", "b"]', "[1.0, null]", "[NaN, 1.0]", "[1e999, 1.0]", "[1" + "0" * 400 + "]", "[[1.0]]", '"x"'],
)
def test_a_statistic_that_is_no_list_of_numbers_is_left_and_the_others_read(tmp_path: Path, value: str) -> None:
    path = _cache(tmp_path, f'{{"sequence_mean": {value}, "sequence_std": [1.0, 2.0, 3.0]}}')
    statistics = arrays.read(path, 10, 0).statistics
    assert statistics.by_name.get("sequence_mean") is None
    assert statistics.by_name.get("sequence_std") is not None


@pytest.mark.parametrize("meta", ["{", "", b"\xff\xfe", "[" * 100_000, "1" * 5000])
def test_statistics_that_are_not_json_are_refused(tmp_path: Path, meta: str | bytes) -> None:
    path = _cache(tmp_path, meta)
    message = _refusal(path)
    assert "g.npz.meta.json: cannot read the cache's statistics" in message
    assert "expected JSON" in message


@pytest.mark.parametrize("meta", ["[1, 2]", "3", "null"])
def test_statistics_that_are_no_object_are_refused(tmp_path: Path, meta: str) -> None:
    assert "expected an object with sequence_mean and sequence_std" in _refusal(_cache(tmp_path, meta))


def test_an_enormous_file_of_statistics_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrays, "_MAX_META_BYTES", 10)
    path = _cache(tmp_path, '{"sequence_mean": [1.0, 2.0, 3.0]}')
    with pytest.raises(InputError, match=r"g\.npz\.meta\.json: larger than 10 bytes, not a cache's statistics"):
        arrays.read(path, 10, 0)


@pytest.mark.parametrize("content", [b"", b"dx,dy\n1,2\n", b"<html>", b"PK\x05\x06" + bytes(18), b"\x89PNG"])
def test_a_file_of_another_kind_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "g.npz").write_bytes(content)
    assert "neither a .npz nor a .npy file" in _refusal(tmp_path / "g.npz")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert "No such file" in _refusal(tmp_path / "absent.npz")


def test_a_folder_is_refused(tmp_path: Path) -> None:
    assert "it is a folder, not a file" in _refusal(tmp_path)


def test_the_statistics_of_the_positions_are_those_of_the_summed_deltas(tmp_path: Path) -> None:
    made = _moving(7)
    summary = arrays.read(_npz(tmp_path / "g.npz", sequences=made), 10, 0).summary
    x, y = [], []
    for row in made.astype(np.float64):
        at = np.zeros(2)
        for step in row:
            at = at + step[:2]
            x.append(at[0])
            y.append(at[1])
    np.testing.assert_allclose(summary.position_mean, (np.mean(x), np.mean(y)))
    np.testing.assert_allclose(summary.position_std, (np.std(x), np.std(y)))


def _whatever_is_read_holds_together(name: str, data: bytes) -> None:
    """Assert that reading gives consistent gestures, or an error of one line."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(data)
        try:
            found = arrays.read(path, 5, 0)
        except InputError as error:
            message = str(error)
            assert message.startswith(f"{path}: ")
            assert message.isprintable()
            assert len(message) < 600 + len(str(path))
            return
    count, steps, channels = found.sequences.shape
    assert 0 < count <= 5
    assert steps > 0
    assert channels >= 2
    assert np.isfinite(found.sequences).all()
    assert found.lengths.shape == (count,)
    assert ((found.lengths >= 0) & (found.lengths <= steps)).all()
    assert found.features is None or found.features.shape[0] == count


EXTENTS = st.integers(-2, 6) | st.sampled_from([1 << 31, 1 << 62, 1 << 63, 10**400, True, None, 2.0, "3"])
HEADERS = st.fixed_dictionaries(
    {
        "descr": st.sampled_from(
            ["<f4", ">f8", "<f2", "<i8", "|u1", "|b1", "|O", "<U2", "<c8", "|V4", "<M8[s]", "<f16", "f4,f4"]
        )
        | st.text(max_size=5)
        | st.just([("x", "<f4", (2,))]),
        "fortran_order": st.booleans() | st.sampled_from([0, None, "no"]),
        "shape": st.tuples(st.integers(0, 6), st.integers(0, 6), st.integers(0, 4)) | st.lists(EXTENTS, max_size=5).map(tuple),
    },
    optional={"more": st.integers()},
) | st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5), max_size=4)
MEMBERS = st.sampled_from(["sequences.npy", "lengths.npy", "features.npy", "x.npy", "../a.npy", "a\x1b.npy", "readme"])


@st.composite
def _arrays_of_any_header(draw: Callable[[st.SearchStrategy[Any]], Any]) -> bytes:
    version = draw(st.sampled_from([1, 1, 1, 2, 3, 4]))
    header = repr(draw(HEADERS)).encode("utf-8", "backslashreplace")
    values: bytes = draw(st.binary(max_size=30) | st.integers(0, 9).map(lambda seed: _moving(5, 5, 3, seed).tobytes()))
    length: bytes = struct.pack("<H" if version == 1 else "<I", len(header) + draw(st.sampled_from([0, 0, 0, -1, 1])))
    return b"\x93NUMPY" + bytes([version, 0]) + length + header + values


@settings(max_examples=300)
@given(_arrays_of_any_header() | st.binary(max_size=60).map(lambda data: b"\x93NUMPY\x01\x00" + data) | st.binary(max_size=60))
def test_any_header_is_gestures_or_one_line(data: bytes) -> None:
    _whatever_is_read_holds_together("g.npy", data)


@settings(max_examples=200)
@given(
    st.lists(
        st.tuples(MEMBERS, _arrays_of_any_header() | st.binary(max_size=40)), max_size=4, unique_by=lambda member: member[0]
    ),
    st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]),
    st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), max_size=2),
)
def test_any_archive_is_gestures_or_one_line(
    members: list[tuple[str, bytes]], method: int, bent: list[tuple[int, int]]
) -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        for name, data in members:
            archive.writestr(name, data)
    content = bytearray(made.getvalue())
    for place, byte in bent:
        content[place % len(content)] = byte
    _whatever_is_read_holds_together("g.npz", bytes(content))
