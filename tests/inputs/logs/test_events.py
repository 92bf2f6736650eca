"""Files of TensorBoard's, made byte by byte: those of its own writer were compared by hand, and have the same scalars."""

from __future__ import annotations

import contextlib
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from humouse_doctor.core.errors import InputError
from humouse_doctor.inputs.logs.events import EVENTS, read_events


def _varint(value: int) -> bytes:
    made = b""
    while value >= 0x80:
        made += bytes([value & 0x7F | 0x80])
        value >>= 7
    return made + bytes([value])


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def simple(tag: str, value: float) -> bytes:
    return _field(1, _field(1, tag.encode()) + _varint(2 << 3 | 5) + struct.pack("<f", value))


def tensor(tag: str, value: float) -> bytes:
    content = _varint(1 << 3) + _varint(1) + _field(4, struct.pack("<f", value))
    return _field(1, _field(1, tag.encode()) + _field(8, content))


def record(step: int, *values: bytes) -> bytes:
    event = _varint(1 << 3 | 1) + struct.pack("<d", 1.7e9) + _varint(2 << 3) + _varint(step) + _field(5, b"".join(values))
    return struct.pack("<Q", len(event)) + b"sums" + event + b"sums"


def _file(folder: Path, data: bytes) -> Path:
    path = folder / f"{EVENTS}1.host"
    path.write_bytes(data)
    return path


def test_scalars_of_both_kinds_are_read_in_order(tmp_path: Path) -> None:
    written = record(1, simple("loss", 0.5), simple("other", 2.0)) + record(300, tensor("loss", 0.25))

    assert read_events(_file(tmp_path, written)) == {"loss": ((1, 0.5), (300, 0.25)), "other": ((1, 2.0),)}


def test_what_is_not_a_finite_number_is_left_out(tmp_path: Path) -> None:
    written = record(1, simple("loss", float("nan"))) + record(2, _field(1, _field(1, b"image") + _field(4, b"png")))

    assert read_events(_file(tmp_path, written)) == {}


def test_a_record_that_is_not_written_to_its_end_is_left_out(tmp_path: Path) -> None:
    whole = record(1, simple("loss", 0.5))

    for cut in range(len(whole)):
        assert read_events(_file(tmp_path, whole + record(2, simple("loss", 0.25))[:cut])) == {"loss": ((1, 0.5),)}


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"\xff" * 64, "a record is longer than the file may be"),
        (struct.pack("<Q", 2) + b"sums" + b"\x0a\x7f" + b"sums", "a field is longer than its message"),
        (struct.pack("<Q", 1) + b"sums" + b"\x0b" + b"sums", "a field has the unknown type 3"),
        (struct.pack("<Q", 10) + b"sums" + b"\xff" * 10 + b"sums", "a number has too many bytes"),
    ],
)
def test_what_is_no_file_of_events_is_one_line(tmp_path: Path, data: bytes, why: str) -> None:
    with pytest.raises(InputError, match=f"cannot read the events: .*{why}"):
        read_events(_file(tmp_path, data))


@given(st.binary(max_size=200))
def test_any_content_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = _file(tmp_path_factory.getbasetemp(), struct.pack("<Q", len(content)) + b"sums" + content + b"sums")
    with contextlib.suppress(InputError):
        read_events(path)
