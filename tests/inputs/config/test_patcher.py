from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from humouse_doctor.core.remedy import Edit
from humouse_doctor.core.settings import Value
from humouse_doctor.inputs.config import patcher, yaml_text
from humouse_doctor.inputs.config.patcher import PatchRefused, patched
from tests.inputs.config.documents import Document, as_omegaconf_reads, documents, flat

NEW_VALUES: st.SearchStrategy[Value] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**6), 10**6),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(
        ["linear", "null", "true", "1e5", "5e-6", "on", "no", "", "a b", "it's", 'a"b', "é", "# x", "a: b", "{a}", "~"]
    ),
    st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), max_size=12).filter(lambda text: "${" not in text),
)


def refusal(text: str, edit: Edit, prefix: str = "", name: str = "run.yaml") -> str:
    with pytest.raises(PatchRefused) as caught:
        patched(text, name, [edit], prefix)
    message = str(caught.value)
    assert message.startswith(f"{name}: {prefix}{edit.key} ")
    assert len(message.splitlines()) == 1
    return message.removeprefix(f"{name}: {prefix}{edit.key} ")


def edited(text: str, key: str, old: Value, new: Value, prefix: str = "") -> str:
    return patched(text, "run.yaml", [Edit(key=key, old=old, new=new)], prefix)


def added(text: str, key: str, new: Value, prefix: str = "") -> str:
    return patched(text, "run.yaml", [Edit(key=key, old=None, new=new, absent=True)], prefix)


@given(documents(), st.data(), NEW_VALUES)
def test_only_the_characters_of_the_value_change(document: Document, data: st.DataObject, new: Value) -> None:
    path = data.draw(st.sampled_from(sorted(document.values)))
    start, end = document.spans[path]
    after = edited(document.text, path.removeprefix(document.prefix), document.values[path], new, document.prefix)
    assert after.startswith(document.text[:start])
    assert after.endswith(document.text[end:])
    expected = {**document.values, path: new}
    read = as_omegaconf_reads(after)
    assert read == expected
    assert isinstance(read[path], type(new))
    stock_before, stock_after = flat(yaml.safe_load(document.text)), flat(yaml.safe_load(after))
    assert stock_after == {**stock_before, path: new}
    written = after[start : len(after) - len(document.text[end:])]
    assert "\n" not in written
    assert written.strip(" ") == written or start == end


@given(
    documents(), NEW_VALUES, st.sampled_from(["training.warmup_noise_std", "data.cache_dir", "logging.checkpoint_dir", "extra"])
)
def test_a_key_that_is_not_there_gets_a_line_of_its_own_and_nothing_else_changes(
    document: Document, new: Value, key: str
) -> None:
    after = added(document.text, key, new, document.prefix)
    path = f"{document.prefix}{key}"
    assert as_omegaconf_reads(after) == {**document.values, path: new}
    assert flat(yaml.safe_load(after)) == {**flat(yaml.safe_load(document.text)), path: new}
    before_lines, after_lines = document.text.split(document.newline), after.split(document.newline)
    fresh = 2 if key == "logging.checkpoint_dir" else 1
    at = next(index for index, line in enumerate(after_lines) if line.strip().startswith(f"{key.split('.')[-1]}: ")) + 1 - fresh
    assert after_lines[:at] + after_lines[at + fresh :] == before_lines
    if document.newline == "\r\n":
        assert "\n" not in after.replace("\r\n", "")


@given(documents(), NEW_VALUES, NEW_VALUES)
def test_several_edits_are_made_in_one_go_and_can_be_taken_back(document: Document, first: Value, second: Value) -> None:
    paths = ["training.absolute_coordinates", "model.architecture"]
    old = [document.values[f"{document.prefix}{path}"] for path in paths]
    there = [Edit(key=key, old=was, new=new) for key, was, new in zip(paths, old, (first, second), strict=True)]
    back = [Edit(key=edit.key, old=edit.new, new=edit.old) for edit in there]
    after = patched(document.text, "run.yaml", there, document.prefix)
    again = patched(after, "run.yaml", back, document.prefix)
    assert as_omegaconf_reads(again) == document.values


ABSENT = ["training.warmup_noise_std", "training.lr.x", "training.new.a", "training.new.b", "data.cache_dir", "top", "new.a.b"]


@given(documents(), st.data())
def test_edits_made_at_once_are_those_made_one_after_another(document: Document, data: st.DataObject) -> None:
    keys = data.draw(st.lists(st.sampled_from([*sorted(document.values), *ABSENT]), unique=True, min_size=2, max_size=5))
    edits = []
    for path in keys:
        key = path.removeprefix(document.prefix)
        there = f"{document.prefix}{key}" in document.values
        old = document.values.get(f"{document.prefix}{key}")
        edits.append(Edit(key=key, old=old, new=data.draw(NEW_VALUES), absent=not there))
    slow = document.text
    try:
        for edit in edits:
            slow = patched(slow, "run.yaml", [edit], document.prefix)
    except PatchRefused as error:
        with pytest.raises(PatchRefused, match=re.escape(str(error))):
            patched(document.text, "run.yaml", edits, document.prefix)
        return
    assert patched(document.text, "run.yaml", edits, document.prefix) == slow


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a:\n  b: 1", "a:\n  b: 2\n  c: 3\n  d: 4\ne: 5"),
        ("a:\n  b: 1\n", "a:\n  b: 2\n  c: 3\n  d: 4\ne: 5\n"),
        ("a:\r\n  b: 1", "a:\r\n  b: 2\r\n  c: 3\r\n  d: 4\r\ne: 5"),
    ],
)
def test_sections_that_end_at_one_place_get_their_own_lines(before: str, after: str) -> None:
    new = [Edit(key=key, old=None, new=value, absent=True) for key, value in (("e", 5), ("a.c", 3), ("a.d", 4))]
    assert patched(before, "run.yaml", [*new, Edit(key="a.b", old=1, new=2)]) == after


@pytest.mark.parametrize("keys", [("a.b", "a.b"), ("b", "b.c"), ("b.c", "b"), ("b.c", "b.c")])
def test_edits_that_exclude_each_other_are_refused(keys: tuple[str, str]) -> None:
    old = None if keys[0].startswith("b") else 1
    edits = [Edit(key=key, old=old, new=new, absent=old is None) for key, new in zip(keys, (2, 3), strict=True)]
    with pytest.raises(PatchRefused, match="would not read back as intended"):
        patched("a:\n  b: 1\n", "run.yaml", edits)


def test_a_refusal_names_the_edit_at_fault() -> None:
    edits = [Edit(key="a", old=1, new=2), Edit(key="b", old=1, new=float("inf"))]
    with pytest.raises(PatchRefused, match=r"\Arun\.yaml: b would not read back"):
        patched("a: 1\nb: 1\n", "run.yaml", edits)


def test_a_text_is_parsed_as_often_for_many_edits_as_for_one(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = list[int]()
    begin = yaml.reader.Reader.__init__

    def counted(self: yaml.reader.Reader, stream: str) -> None:
        texts.append(len(stream))
        begin(self, stream)

    monkeypatch.setattr(yaml.reader.Reader, "__init__", counted)
    text = "".join(f"k{number}: 1\n" for number in range(20))
    counts = []
    for edits in (1, 20):
        texts.clear()
        yaml_text._kept.cache_clear()
        patched(text, "run.yaml", [Edit(key=f"k{number}", old=1, new=2) for number in range(edits)])
        counts.append(sum(length == len(text) for length in texts))
    assert counts == [2, 2]


def test_no_edits_change_nothing() -> None:
    assert patched("a: 1\n", "run.yaml", []) == "a: 1\n"


@pytest.mark.parametrize(
    ("before", "new", "after"),
    [
        ("5e-6", 1e-5, "1.0e-05"),
        ("tanh", "linear", "linear"),
        ("'tanh'", "linear", "'linear'"),
        ('"tanh"', "linear", '"linear"'),
        ("'tanh'", "it's", "'it''s'"),
        ("tanh", "null", '"null"'),
        ("tanh", "1e5", '"1e5"'),
        ("tanh", "a\nb", '"a\\U0000000ab"'),
        ("'tanh'", None, "null"),
        ("true", False, "false"),
    ],
)
def test_the_new_value_keeps_the_style_of_the_old_one(before: str, new: Value, after: str) -> None:
    old = yaml_text.parse_scalar(before)
    assert edited(f"a:\n  b: {before} # keep\n", "a.b", old, new) == f"a:\n  b: {after} # keep\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a:\n  b:\n", "a:\n  b: 5\n"),
        ("a:\n  b:   # none yet\n", "a:\n  b: 5   # none yet\n"),
        ("a: {b: , c: 1}\n", "a: {b: 5 , c: 1}\n"),
        ('a: {"b":, c: 1}\n', 'a: {"b": 5, c: 1}\n'),
        ("a:\n  b:", "a:\n  b: 5"),
    ],
)
def test_an_empty_value_is_filled_in(before: str, after: str) -> None:
    assert edited(before, "a.b", None, 5) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a:\n  c: 1\n", "a:\n  c: 1\n  b: 5\n"),
        ("a:\n  c: 1", "a:\n  c: 1\n  b: 5"),
        ("a:\r\n  c: 1", "a:\r\n  c: 1\r\n  b: 5"),
        ("a:\n    c: 1 # why\n\n# end\n", "a:\n    c: 1 # why\n    b: 5\n\n# end\n"),
        ("a:\n  c: {d: 1,\n    e: 2}\nf: 1\n", "a:\n  c: {d: 1,\n    e: 2}\n  b: 5\nf: 1\n"),
        ("a:\n  c:\n  - 1\n  - 2\nf: 1\n", "a:\n  c:\n  - 1\n  - 2\n  b: 5\nf: 1\n"),
        ("a:\n  c:\n    - d: 1\n      e: 2\n", "a:\n  c:\n    - d: 1\n      e: 2\n  b: 5\n"),
        ("a:\n  c: |\n    text\n    more\nf: 1\n", "a:\n  c: |\n    text\n    more\n  b: 5\nf: 1\n"),
        ("a:\n  c: 'x\n\n    y' # z\nf: 1\n", "a:\n  c: 'x\n\n    y' # z\n  b: 5\nf: 1\n"),
        ("a:\n  c:\nf: 1\n", "a:\n  c:\n  b: 5\nf: 1\n"),
        ("a:\n  c: []\n...\n", "a:\n  c: []\n  b: 5\n...\n"),
        ("c: 1\n", "c: 1\na:\n  b: 5\n"),
        ("? a\n: c: 1\n? d\n: 2\n", "? a\n: c: 1\n  b: 5\n? d\n: 2\n"),
    ],
)
def test_a_new_line_goes_after_the_last_of_its_siblings(before: str, after: str) -> None:
    assert added(before, "a.b", 5) == after


def test_a_section_that_is_not_there_is_written_with_its_key() -> None:
    assert added("experiment:\n  data:\n    batch_size: 8\n", "training.lr.generator", 1e-5, "experiment.") == (
        "experiment:\n  data:\n    batch_size: 8\n  training:\n    lr:\n      generator: 1.0e-05\n"
    )


def test_a_list_can_be_added() -> None:
    after = added("training:\n  x: 1\n", "training.betas", (0.5, 0.999))
    assert after == "training:\n  x: 1\n  betas: [0.5, 0.999]\n"
    assert yaml.safe_load(after)["training"]["betas"] == [0.5, 0.999]


@pytest.mark.parametrize(
    ("text", "old", "reason"),
    [
        ("a:\n  b: |\n    x\n", "x\n", "is a block scalar"),
        ("a:\n  b: >-\n    x\n", "x", "is a block scalar"),
        ("a:\n  b: &b x\nc: *b\n", "x", "is shared through an anchor or carries a tag"),
        ("c: &b x\na:\n  b: *b\n", "x", "is shared through an anchor or carries a tag"),
        ("a:\n  b: !!str x\n", "x", "is shared through an anchor or carries a tag"),
        ("c: &c {b: x}\na: *c\n", "x", "is shared through an anchor or carries a tag"),
        ("c: &c {b: x}\na:\n  <<: *c\n", "x", "is shared through an anchor or carries a tag"),
        ("a: &a\n  b: x\nc: *a\n", "x", "would not read back as intended if changed in place, or would change another value"),
        (
            "a: &a\n  b: x\nc:\n  <<: *a\n",
            "x",
            "would not read back as intended if changed in place, or would change another value",
        ),
        ("c: x\na:\n  b: ${c}\n", "x", "is an interpolation"),
        ("a:\n  b: x_${c}\n", "x_${c}", "is an interpolation"),
        ("a:\n  b: [x]\n", ("x",), "is a list, not a single value"),
        ("a:\n  b: y\n", "x", "should be 'x' but is 'y'"),
        ("a:\n  b: 1\n", True, "should be true but is 1"),
        ("a:\n  c: 1\n", "x", "should be 'x', but the file does not have this key any more"),
        (
            "a:\n  b: x\nday: 2021-13-45\n",
            "x",
            "would not read back as intended if changed in place, or would change another value",
        ),
        ("a: {b}\n", None, "would not read back as intended if changed in place, or would change another value"),
    ],
)
def test_a_value_that_cannot_be_replaced_safely_is_refused_with_the_override(text: str, old: Value, reason: str) -> None:
    assert refusal(text, Edit(key="a.b", old=old, new=5)) == f"{reason}; use the override a.b=5"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a:\n  b: 1\n", "should be absent but is 1"),
        ("a: {c: 1}\n", "belongs in a section in {...} style, which is not edited in place"),
        ("a: {}\n", "belongs in a section in {...} style, which is not edited in place"),
        ("{c: 1}\n", "belongs in a section in {...} style, which is not edited in place"),
        ("a:\n", "belongs in a:, which is a value or an alias in this file, not a section"),
        ("a: null\n", "belongs in a:, which is a value or an alias in this file, not a section"),
        ("a: ${c}\n", "belongs in a:, which is a value or an alias in this file, not a section"),
        ("a: [1]\n", "belongs in a:, which is a value or an alias in this file, not a section"),
        ("c:\n  d: &d\n    e: 1\na: *d\n", "belongs in a:, which is a value or an alias in this file, not a section"),
        ("c: &c {d: 1}\na:\n  <<: *c\n", "belongs in a section with a YAML alias, which is not edited in place"),
        ("c: &c {d: 1}\na:\n  e: *c\n", "belongs in a section with a YAML alias, which is not edited in place"),
        (
            "c: &c 1\na:\n  e:\n    f: *c\n",
            "would not read back as intended if changed in place, or would change another value",
        ),
        ("a: &a\n  c: 1\nd: *a\n", "would not read back as intended if changed in place, or would change another value"),
        ("a:\n  c: |\n    text", "would not read back as intended if changed in place, or would change another value"),
    ],
)
def test_a_key_that_cannot_be_added_safely_is_refused_with_the_override(text: str, reason: str) -> None:
    assert refusal(text, Edit(key="a.b", old=None, new=5, absent=True)) == f"{reason}; use the override ++a.b=5"


@pytest.mark.parametrize("new", [float("inf"), float("nan")])
def test_a_number_that_is_not_finite_is_refused(new: float) -> None:
    assert refusal("a: 1.0\n", Edit(key="a", old=1.0, new=new)).startswith("would not read back as intended")


def test_an_edit_beside_a_key_that_stock_yaml_cannot_read_is_refused() -> None:
    said = refusal("a:\n  b: 1\n2021-13-45: 2\n", Edit(key="a.b", old=1, new=5))
    assert said.startswith("would not read back as intended")


@pytest.mark.parametrize("new", ["a\nb", "\x1b[2J", "\x00", "x" * 5000])
def test_a_refusal_never_shows_an_override_that_does_not_fit_into_a_line(new: str) -> None:
    assert refusal("a: [1]\n", Edit(key="a", old=(1,), new=new)) == "is a list, not a single value; change it by hand"


@pytest.mark.parametrize("there", ["x" * 5000, "\\U0001F600" * 500])
def test_a_refusal_shows_the_beginning_of_a_long_value(there: str) -> None:
    said = refusal(f'a: "{there}"\n', Edit(key="a", old="y" * 5000, new=1))
    assert said.startswith("should be 'yyy")
    assert said.endswith("...; use the override a=1")
    assert len(said) < 400


def test_the_refusal_for_a_nested_file_names_the_whole_path() -> None:
    reason = refusal("experiment:\n  a: [1]\n", Edit(key="a", old=(1,), new=5), "experiment.")
    assert reason.endswith("use the override experiment.a=5")


def test_the_refusal_for_a_file_of_the_experiment_group_names_the_composed_path(tmp_path: Path) -> None:
    (tmp_path / "experiment").mkdir()
    (tmp_path / "config.yaml").touch()
    reason = refusal("a: [1]\n", Edit(key="a", old=(1,), new=5), name=str(tmp_path / "experiment" / "x.yaml"))
    assert reason.endswith("use the override experiment.a=5")


@pytest.mark.parametrize("prefix", ["", "experiment."])
@given(values=st.lists(NEW_VALUES | st.just((0.5, 0.9)), min_size=3, max_size=3))
def test_the_yaml_form_reads_back_as_the_new_values(prefix: str, values: Sequence[Value]) -> None:
    keys = ["training.lr.generator", "training.betas", "data.dataset_id"]
    edits = [Edit(key=key, old=None, new=value) for key, value in zip(keys, values, strict=True)]
    text = patcher.as_yaml(edits, prefix)
    expected = {
        f"{prefix}{key}": list(value) if isinstance(value, tuple) else value for key, value in zip(keys, values, strict=True)
    }
    assert as_omegaconf_reads(text) == expected
    assert flat(yaml.safe_load(text)) == expected


def test_the_yaml_form_groups_keys_by_section() -> None:
    edits = [
        Edit(key="model.generator.activation_xy", old=None, new="linear"),
        Edit(key="model.architecture", old=None, new="lstm"),
    ]
    assert patcher.as_yaml(edits) == "model:\n  generator:\n    activation_xy: linear\n  architecture: lstm\n"
