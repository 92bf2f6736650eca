from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import pytest

from humouse_doctor.inputs.checkpoints import protocol
from humouse_doctor.inputs.checkpoints.container import Kind
from humouse_doctor.inputs.checkpoints.protocol import Answer, BadFrame, Content, Question


def sent(answer: Answer) -> bytes:
    stream = io.BytesIO()
    protocol.send(answer, stream)
    return stream.getvalue()


def frame(data: bytes = b"", **header: Any) -> bytes:
    whole = {
        "tensors": [],
        "statistics": {},
        "config": {},
        "stated": {},
        "remarks": [],
        "foreign": [],
        "refusal": None,
        **header,
    }
    text = json.dumps(whole).encode()
    return len(text).to_bytes(8, "little") + text + data


def test_a_question_reads_as_it_was_written() -> None:
    question = Question(
        kind=Kind.LEGACY,
        files=("a\nb", "\udcff"),
        states=((1, 2), (3, 4)),
        content=Content.GESTURES,
        salvage=True,
        max_bytes=1,
        memory_bytes=2,
        cpu_s=3,
    )
    assert question.text().count(b"\n") == 1
    assert Question.parse(question.text()) == question


@pytest.mark.parametrize("dtype", protocol.DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (2, 3), (1, 1, 1, 4)])
def test_arrays_come_through_as_they_are(dtype: str, shape: tuple[int, ...]) -> None:
    array = np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(dtype)
    found = protocol.receive(io.BytesIO(sent(Answer(arrays={"a": array, "b": array.T}))), 1 << 20).arrays
    for name, expected in (("a", array), ("b", array.T)):
        assert found[name].dtype == expected.dtype
        np.testing.assert_array_equal(found[name], expected)


def test_what_goes_with_the_arrays_comes_through() -> None:
    answer = Answer(
        statistics={"position_mean": (1.5, -2.0), "position_std": (1e-300, 2.0)},
        stated={"lambda_kl": 1.0},
        config={"a": None, "b": True, "c": 3, "d": 1e300, "e": "text"},
        remarks=("one", "two"),
        foreign=("os.system",),
        refusal="no",
    )
    assert protocol.receive(io.BytesIO(sent(answer)), 0) == answer


def test_text_is_made_harmless() -> None:
    answer = protocol.receive(io.BytesIO(frame(remarks=["a\x1b[31m\n\u202e\ud800" + "x" * 5000], config={"a": "\x07"})), 0)
    assert answer.remarks[0].startswith("a\\x1b[31m\\n\\u202e\\ud800xxx")
    assert answer.remarks[0].isprintable()
    assert len(answer.remarks[0]) < 1100
    assert answer.config == {"a": "\\x07"}


def test_a_byte_that_is_no_bool_becomes_one() -> None:
    (array,) = protocol.receive(io.BytesIO(frame(b"\x00\x01\x02\xff", tensors=[["a", "bool", [4]]])), 4).arrays.values()
    assert array.tolist() == [False, True, True, True]
    assert set(array.view(np.uint8)) == {0, 1}


TENSORS: dict[str, object] = {
    "no list": {},
    "a tensor that is no list": [3],
    "two parts": [["a", "float32"]],
    "a name that is a number": [[1, "float32", [1]]],
    "a name too long": [["a" * 20_000, "float32", [1]]],
    "a name twice": [["a", "float32", [1]], ["a", "float32", [1]]],
    "objects": [["a", "object", [1]]],
    "an unknown dtype": [["a", "float128x", [1]]],
    "a dtype that is a list": [["a", ["float32"], [1]]],
    "a shape that is a number": [["a", "float32", 4]],
    "a size that is a float": [["a", "float32", [1.0]]],
    "a size that is a truth": [["a", "float32", [True]]],
    "a size below nothing": [["a", "float32", [-1]]],
    "more than the budget": [["a", "float32", [26]]],
    "more than the budget together": [["a", "float32", [20]], ["b", "float32", [20]]],
    "beyond all memory": [["a", "float32", [2**62, 2**62]]],
    "beyond all memory beside nothing": [["a", "float32", [0, 2**62]]],
    "too many dimensions": [["a", "float32", [1] * 65]],
    "too many": [[str(number), "float32", [0]] for number in range(protocol.MAX_TENSORS + 1)],
}


@pytest.mark.parametrize("kind", list(TENSORS))
def test_tensors_that_make_no_sense_are_no_answer(kind: str) -> None:
    with pytest.raises(BadFrame):
        protocol.receive(io.BytesIO(frame(bytes(1 << 10), tensors=TENSORS[kind])), 100)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"1234567",
        b"\xff" * 8,
        (5).to_bytes(8, "little") + b"abc",
        (4).to_bytes(8, "little") + b"\xff\xfe{}",
        (2).to_bytes(8, "little") + b"[]",
        (200_000).to_bytes(8, "little") + b"[" * 200_000,
        (20_000).to_bytes(8, "little") + b"9" * 20_000,
        frame() + b"more",
        frame(b"123", tensors=[["a", "float32", [1]]]),
        frame(statistics=[]),
        frame(statistics={"a": [1.0, 1.0]}),
        frame(statistics={"position_mean": "ab"}),
        frame(statistics={"position_mean": []}),
        frame(statistics={"position_mean": [1, 1]}),
        frame(statistics={"position_mean": [1.0] * 3}),
        frame(statistics={"position_mean": [1.0, float("nan")]}),
        frame(statistics={"position_std": [float("inf"), 1.0]}),
        frame(statistics={"position_std": [0.0, 1.0]}),
        frame(config=[]),
        frame(config={"a": []}),
        frame(config={str(number): 1 for number in range(5000)}),
        frame(remarks="text"),
        frame(remarks=[1]),
        frame(remarks=["a"] * 1000),
        frame(foreign=["a"] * 10_000),
        frame(refusal=3),
    ],
    ids=range(27),
)
def test_anything_else_is_no_answer(data: bytes) -> None:
    with pytest.raises(BadFrame):
        protocol.receive(io.BytesIO(data), 100)
