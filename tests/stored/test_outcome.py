from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from humouse_doctor.core.errors import InputError
from humouse_doctor.core.outcome import Arm, ArmOutcome, Change, Effect, Outcome, Step, Trial
from humouse_doctor.core.remedy import CodeChange, Edit, Interval
from humouse_doctor.core.settings import Value
from humouse_doctor.stored import outcome as outcome_json
from tests.verify.builders import GATES, SET, searched

TEXT = st.text(st.characters(), max_size=8)  # surrogates and control characters too
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
SCALARS: st.SearchStrategy[Value] = st.none() | st.booleans() | st.integers() | NUMBERS | TEXT
VALUES: st.SearchStrategy[Value] = SCALARS | st.lists(SCALARS, max_size=3).map(tuple)
TEXTS = st.lists(TEXT, max_size=3).map(tuple)
COUNTS = st.integers(0, 10**9)


def tuples(of: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(of, max_size=2).map(tuple)


INTERVALS = st.builds(Interval, low=NUMBERS, high=NUMBERS) | st.none()
ARMS = st.builds(
    Arm,
    title=TEXT,
    remedies=TEXTS,
    edits=tuples(st.builds(Edit, key=st.just("training.warmup_noise_std"), old=VALUES, new=NUMBERS, absent=st.booleans())),
    code_changes=tuples(st.sampled_from(CodeChange)),
)
TRIALS = st.builds(
    Trial,
    arm=TEXT,
    seed=COUNTS,
    planned=COUNTS,
    steps=COUNTS,
    measurements=st.dictionaries(TEXT, NUMBERS, max_size=3).map(MappingProxyType),
    healthy=st.booleans(),
    causes=TEXTS,
    offered=TEXTS,
    losses=tuples(NUMBERS),
    best_constant=NUMBERS | st.none(),
    motionless=NUMBERS | st.none(),
    stopped=TEXT | st.none(),
    failed=TEXT | st.none(),
)
ARM_OUTCOMES = st.builds(
    ArmOutcome,
    arm=ARMS,
    seeds=COUNTS,
    healthy_seeds=COUNTS,
    effect=st.sampled_from([effect for effect in Effect if effect is not Effect.CURED]) | st.none(),
    distance=st.tuples(NUMBERS, NUMBERS),
    gain=INTERVALS,
    changes=tuples(st.builds(Change, metric=TEXT, before=NUMBERS, after=NUMBERS, difference=INTERVALS)),
    notes=TEXTS,
)
OUTCOMES = st.builds(
    Outcome,
    tool_version=TEXT,
    fingerprint=TEXT,
    config=TEXT,
    config_values=TEXT,
    config_prefix=TEXT,
    data=TEXT,
    checkpoint=TEXT | st.none(),
    own_steps=COUNTS | st.none(),
    steps=COUNTS,
    seeds=COUNTS,
    shortened=TEXTS,
    trials=tuples(TRIALS),
    arms=tuples(ARM_OUTCOMES),
    path=tuples(st.builds(Step, arm=TEXT, text=TEXT, kept=st.booleans())),
    chosen=st.none(),
    untried=TEXTS,
    warm_start=TEXTS,
    hints=TEXTS,
)


def written(folder: str | Path, text: str) -> Path:
    path = Path(folder) / "outcome.json"
    path.write_text(text, encoding="utf-8")
    return path


@given(OUTCOMES)
def test_an_outcome_that_is_written_is_read_again(outcome: Outcome) -> None:
    with TemporaryDirectory() as folder:
        assert outcome_json.read(written(folder, outcome_json.render(outcome))) == outcome


def test_the_text_is_plain_ascii_and_says_what_it_is(tmp_path: Path) -> None:
    text = outcome_json.render(searched())

    assert text.isascii()
    assert text.endswith("}\n")
    content = json.loads(text)
    assert list(content)[:2] == ["kind", "schema_version"]
    assert content["chosen"] in [arm["key"] for arm in content["arms"]]
    assert outcome_json.read(written(tmp_path, text)) == searched()


@given(st.integers(0, len(outcome_json.render(searched())) - 2))
def test_a_file_cut_off_anywhere_is_refused(end: int) -> None:
    with TemporaryDirectory() as folder, pytest.raises(InputError, match="not an outcome that verify wrote"):
        outcome_json.read(written(folder, outcome_json.render(searched())[:end]))


def _changed(change: Callable[[dict[str, Any]], object]) -> str:
    content = outcome_json.to_dict(searched())
    change(content)
    return json.dumps(content)


@pytest.mark.parametrize("field", sorted(outcome_json.to_dict(searched())))
def test_a_file_without_one_of_its_fields_is_refused(tmp_path: Path, field: str) -> None:
    with pytest.raises(InputError, match="not an outcome"):
        outcome_json.read(written(tmp_path, _changed(lambda content: content.pop(field))))


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content["arms"][0].update(effect="miraculous"),
        lambda content: content["arms"][0].update(distance=[1.0]),
        lambda content: content["arms"][1]["code_changes"].append("rewrite-everything"),
        lambda content: content["arms"][1]["patch"][0].pop("old"),
        lambda content: content["trials"][0].update(measurements=[1, 2]),
        lambda content: content["trials"][0]["measurements"].update({"HD101.spread_ratio": "wide"}),
        lambda content: content["trials"][0].update(losses=[float("nan")]),
        lambda content: content["trials"][0].pop("seed"),
        lambda content: content.update(trials={"a": 1}),
        lambda content: content.update(seeds=None),
    ],
)
def test_a_file_with_something_else_in_a_fields_place_is_refused(
    tmp_path: Path, change: Callable[[dict[str, Any]], object]
) -> None:
    with pytest.raises(InputError, match="not an outcome") as refused:
        outcome_json.read(written(tmp_path, _changed(change)))

    assert "\n" not in str(refused.value)


def test_an_outcome_of_another_schema_is_refused_with_both_names(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"an outcome of schema '9\.0'; this version reads 1\.1"):
        outcome_json.read(written(tmp_path, _changed(lambda content: content.update(schema_version="9.0"))))


@pytest.mark.parametrize("text", ["", "null", "[]", "3", '"kind"', "{}", '{"kind": 1}', "[" * 10**5])
def test_anything_else_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError, match="not an outcome"):
        outcome_json.read(written(tmp_path, text))


def test_a_file_that_is_not_there_or_no_text_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "bytes.json").write_bytes(b"\xff\xfe\x00")

    for name, words in (("nothing.json", "cannot read"), ("bytes.json", "not an outcome"), (".", "it is a folder")):
        with pytest.raises(InputError, match=words) as refused:
            outcome_json.read(tmp_path / name)
        assert "\n" not in str(refused.value)


def _arm(content: dict[str, Any], key: str) -> dict[str, Any]:
    return next(arm for arm in content["arms"] if arm["key"] == key)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda content: _arm(content, SET.key).update(healthy_seeds=2), "a cure that its own trials do not show"),
        (lambda content: _arm(content, SET.key).update(seeds=0, healthy_seeds=0), "a cure that its own trials do not show"),
        (lambda content: _arm(content, SET.key).update(seeds=4, healthy_seeds=4), "a cure that its own trials do not show"),
        (lambda content: _arm(content, GATES.key).update(effect="cured"), "a cure that its own trials do not show"),
        (lambda content: content.update(trials=content["trials"][:-1]), "a cure that its own trials do not show"),
        (lambda content: content["trials"][-1].update(failed="no disk"), "a cure that its own trials do not show"),
        (lambda content: content.update(chosen=GATES.key), "the arm that it has chosen is not a cure"),
        (lambda content: content.update(chosen="nothing"), "the arm that it has chosen is not a cure"),
        (lambda content: _arm(content, SET.key)["patch"][0].update(key="_target_"), "a key that the trainer does not have"),
        (
            lambda content: _arm(content, SET.key)["patch"][0].update(new="os.system"),
            "it gives model.generator.activation_xy a value that the trainer does not take; accepted values: ",
        ),
    ],
)
def test_what_no_verify_has_found_is_refused(tmp_path: Path, change: Callable[[dict[str, Any]], object], words: str) -> None:
    with pytest.raises(InputError, match="not an outcome that verify wrote: ") as refused:
        outcome_json.read(written(tmp_path, _changed(change)))

    assert words in str(refused.value)
