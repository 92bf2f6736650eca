from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from omegaconf import OmegaConf

from humouse_doctor.core.errors import UsageError
from humouse_doctor.core.settings import Value
from humouse_doctor.inputs.config import yaml_text
from tests.lab.fuzz.configs import configs, damaged_config

# fmt: off
SCALARS = (
    "5e-6", "1e5", "1e-4", "5e-06", "1e+5", "12e03", "1.0e-5", "1.5e5", ".5e-3", ".5e3", ".5", "-.5", "+.5", "-.5e-3",
    "1.", "5.", "1.e5", "-1e5", "1E5", "1e", "1_e5", "1_0.5", "1_000", "1__", "_1", "0_", "010", "0o10", "08", "09",
    "0x1F", "0b11", "-0", "+1", "1:30", "1:30.5", "-1:30", "190:20:30", "2021-01-01", "2021-01-01T10:00:00", "nan",
    "inf", ".nan", ".NaN", "+.nan", ".inf", "-.inf", "+.inf", "1e400", "on", "off", "On", "yes", "no", "TRUE", "true",
    "y", "n", "null", "Null", "~", "???", "e5", "tanh", "'on'", '"5e-6"', "''", '"a\\tb"', "${a.b}", "1.2.3",
    "127.0.0.1", "._5", "!!float 1", "!!str 5", "",
)
# fmt: on


@given(data=st.data())
def test_the_stock_values_of_a_document_are_those_that_safe_load_reads(data: st.DataObject) -> None:
    text = damaged_config(data.draw(st.randoms(use_true_random=False)), configs()).decode("utf-8", "replace")
    try:
        document = yaml_text.document(text, "run.yaml")
    except UsageError:
        return
    try:
        stock = repr(yaml.safe_load(text.removeprefix("\ufeff")))
    except Exception as error:
        with pytest.raises(type(error)):
            document.stock()
        return
    assert repr(document.stock()) == stock  # a NaN is not itself


def test_the_stock_value_of_a_scalar_is_the_one_that_safe_load_reads() -> None:
    for scalar in SCALARS:
        text = f"a: {scalar}\nb: &x\n  - {scalar}\n  - 1\nc: *x\n"
        assert repr(yaml_text.document(text, "run.yaml").stock()) == repr(yaml.safe_load(text))


def values(text: str) -> dict[str, Value]:
    return {leaf.path: leaf.value for leaf in yaml_text.leaves(yaml_text.compose(text, "run.yaml"), "run.yaml")}


def refusal(text: str) -> str:
    with pytest.raises(UsageError) as caught:
        values(text)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith("run.yaml:")
    return message


def as_omegaconf_reads(text: str) -> object:
    container = OmegaConf.to_container(OmegaConf.create(f"a: {text}\n"), resolve=False)
    assert isinstance(container, dict)
    return container["a"]


@pytest.mark.parametrize("text", SCALARS)
def test_a_scalar_is_read_as_omegaconf_reads_it(text: str) -> None:
    assert repr(values(f"a: {text}\n")["a"]) == repr(as_omegaconf_reads(text))


# fmt: off
#: Text that YAML, OmegaConf or a reader in a hurry may take for something else, as a value and as a key.
ODD = (
    "yes", "no", "Yes", "NO", "y", "n", "on", "off", "ON", "true", "FALSE", "~", "null", "Null", "NULL", "nUll", "'~'",
    "0", "00", "01", "07", "08", "0o7", "0x1F", "0X1F", "0b1", "0_0", "1_000", "1_", "_1", "1__0", "+1", "-1", "-0", "12:30",
    "12:30:00", "1:60", "1:1.5", "1.", "1.0", "-0.0", ".5", "+.5", "-.5", ".5e3", ".5e+3", "1e3", "1e+3", "1.e3", "1.0e+3",
    "1e400", "1_000.5", ".nan", ".inf", "-.inf", "nan", "2001-01-01", "2001-01-01 10:00:00", "2001-01-01T10:00:00Z",
    "0b", "0b_", "0x_", "=", "==", "<<", "'<<'", "<<x", "'='", "'yes'", '"on"', '"01"', "''", '""', '"\\x41"', '"\\ufeff"',
    "é", "日本", "\u00a0", "\u200ba", "\u2028", "\U0001f600", "\x7f", "\ufeff", "\ufeffa", "a\ufeff", "a b", "a.b", "a/b",
    "!!str 5", "!!str on", "!!int 5", "!!int '5'", "!!int x", "!!bool on", "!!bool x", "!!float 1", "!!null ''", "!!set x",
    "!!timestamp 2001-01-01", "!!binary aGk=", "! 5", "!x 5", "!", "!<tag:yaml.org,2002:int> 5", "&z 1", "*z", "@a", "%a",
    "${a}", "${oc.env:HOME}", "???", "?x", "- x", "|", "#", "a #b", "a: b", "[a]", "[]", "{}", "{a: 1}", "{~: 1}", "{on: 1}",
    "{b: 1, b: 2}", "9" * 500,
)
PLACES = (
    "a: {}\n", "a:\n  - {}\n", "a: {{b: {}}}\n", "\ufeffa: {}\n",
    "a:\n  {}: 1\n", "? {}\n: 1\n", "{}:\n  b: 1\n", "a: [{{{}: 1}}]\n", "\ufeff{}: 1\n",
    "a: 1\n\ufeff{}: 1\n", "a: &x {{b: 1}}\nc: {{<<: *x, {}: 2}}\n",
)
#: What OmegaConf reads and this does not: bytes, keys of no character, numbers longer than any, a mark that hides in a
#: key, a file of no section.
STRICTER = (
    "!!binary is not allowed", "a key is empty", "cannot be read as int", "two byte order marks",
    "the file is ",
)
# fmt: on


@pytest.mark.parametrize("place", PLACES)
def test_odd_values_and_keys_are_read_as_omegaconf_reads_them_or_refused(place: str) -> None:
    for text in (place.format(odd) for odd in ODD):
        theirs = whole_as_omegaconf_reads(text)
        try:
            ours = values(text)
        except UsageError:
            said = refusal(text).replace("the tag tag:yaml.org,2002:binary", "!!binary")
            assert theirs is None or any(known in said for known in STRICTER), text
        else:
            assert repr(ours) == repr(theirs), text


def whole_as_omegaconf_reads(text: str) -> dict[str, Value] | None:
    """Return every value by its path, None for a text that OmegaConf refuses."""

    def flat(node: dict[object, object], prefix: str) -> dict[str, Value]:
        found: dict[str, Value] = {}
        for key, child in node.items():
            path = yaml_text.below(prefix, key)
            found |= flat(child, f"{path}.") if isinstance(child, dict) else {path: plain(child)}
        return found

    def plain(node: object) -> Value:
        if isinstance(node, list):
            return tuple(plain(child) for child in node)
        return None if isinstance(node, dict) else cast(Value, node)

    try:
        read = OmegaConf.to_container(OmegaConf.create(text), resolve=False)
    except Exception:  # of PyYAML's, of OmegaConf's and of Python's own families
        return None
    return flat(cast("dict[object, object]", read), "") if isinstance(read, dict) else None


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("on: 1\n'on': 2\n", ["'True'", "on"]),
        ("a: {01: 1, '1': 2}\n", ["a.'1'", "a.1"]),
    ],
)
def test_a_key_that_is_no_text_is_another_than_the_text_it_is_written_as(text: str, paths: list[str]) -> None:
    assert list(values(text)) == paths


@pytest.mark.parametrize("keys", [("01", "1"), ("on", "yes"), ("1", "1.0"), ("true", "1"), ("0x1F", "31")])
def test_keys_that_are_one_to_omegaconf_stand_twice(keys: tuple[str, str]) -> None:
    assert f"the key '{keys[1]}' appears twice, first in line 1" in refusal(f"{keys[0]}: 1\n{keys[1]}: 2\n")


@pytest.mark.parametrize("text", ["~: 1\n", "a: {null: 1}\n", "a: [{Null: 1}]\n"])
def test_a_key_that_is_null_is_refused(text: str) -> None:
    assert "means null, which OmegaConf does not accept as a key; quote it" in refusal(text)


@pytest.mark.parametrize("text", ["a: [{b: 1, b: 2}]\n", "a: [[{b: {c: 1, c: 1}}]]\n"])
def test_a_key_that_stands_twice_within_a_list_is_refused(text: str) -> None:
    assert "appears twice, first in line 1; keep one" in refusal(text)


@pytest.mark.parametrize("text", ["\ufeff\ufeffa: 1\n", "\ufeff\ufeff# x\na: 1\n", "\ufeff\ufeff\ufeff", "\ufeff\ufeff[1]"])
def test_two_byte_order_marks_are_refused(text: str) -> None:
    assert refusal(text).startswith("run.yaml:1: two byte order marks")
    with pytest.raises(UsageError, match=r"run\.yaml:1: two byte order marks"):
        yaml_text.require_plain(text, "run.yaml")


@given(st.floats(), st.sampled_from(["{!r}", "{:e}", "{:g}", "{:.3f}", "+{:E}", "{:_.2f}"]))
def test_any_written_float_is_read_as_omegaconf_reads_it(number: float, form: str) -> None:
    text = form.format(number)
    assert repr(values(f"a: {text}\n")["a"]) == repr(as_omegaconf_reads(text))


@given(
    st.text(alphabet="0123456789._eE+-:x", min_size=1, max_size=9).filter(lambda text: text[0] not in "-:" and text[-1] != ":")
)
def test_whatever_looks_like_a_number_is_read_as_omegaconf_reads_it(text: str) -> None:
    try:
        theirs = as_omegaconf_reads(text)
    except ValueError:  # PyYAML gives up on 0x_
        assert "cannot be read as int" in refusal(f"a: {text}\n")
        return
    assert repr(values(f"a: {text}\n")["a"]) == repr(theirs)


def test_nested_sections_and_lists_become_dotted_paths_with_positions() -> None:
    root = yaml_text.compose("a:\n  b: 1\n  c: [1, [2, x]]\nd:\n", "run.yaml")
    leaves = list(yaml_text.leaves(root, "run.yaml"))
    assert [(leaf.path, leaf.value) for leaf in leaves] == [("a.b", 1), ("a.c", (1, (2, "x"))), ("d", None)]
    assert [leaf.node.start_mark.line for leaf in leaves] == [1, 2, 3]
    assert not any(leaf.aliased for leaf in leaves)


def test_a_mapping_inside_a_list_has_no_value_of_its_own() -> None:
    assert values("defaults:\n  - experiment: x\n  - _self_\n") == {"defaults": (None, "_self_")}


def test_a_key_spelled_with_a_dot_is_not_taken_for_a_path() -> None:
    assert values("training.absolute_coordinates: true\n") == {"'training.absolute_coordinates'": True}


def test_an_alias_brings_the_value_and_is_marked() -> None:
    root = yaml_text.compose("a: &x 5\nb: *x\nc: &y {d: 1}\ne: *y\n", "run.yaml")
    found = {leaf.path: (leaf.value, leaf.aliased) for leaf in yaml_text.leaves(root, "run.yaml")}
    assert found == {"a": (5, False), "b": (5, True), "c.d": (1, False), "e.d": (1, True)}


MERGES = [
    "x: &x {a: 1, c: 3}\ny:\n  <<: *x\n  a: 2\n",
    "x: &x {a: 1, c: 3}\ny:\n  a: 2\n  <<: *x\n",
    "x: &x {a: 1}\nz: &z {a: 2, b: 5}\ny:\n  <<: [*x, *z]\n",
    "x: &x {lr: {g: 1}}\ny:\n  <<: *x\n  lr: {d: 2}\n",
    "x: &x {a: 1}\nz: &z\n  <<: *x\n  b: 2\ny:\n  <<: *z\n  c: 3\n",
]


@pytest.mark.parametrize("text", MERGES)
def test_a_merge_gives_what_pyyaml_and_omegaconf_make_of_it(text: str) -> None:
    def flat(node: object, prefix: str = "") -> dict[str, object]:
        if not isinstance(node, dict):
            return {prefix: node}
        return {
            name: leaf
            for key, child in node.items()
            for name, leaf in flat(child, f"{prefix}.{key}" if prefix else key).items()
        }

    assert values(text) == flat(yaml.safe_load(text)) == flat(OmegaConf.to_container(OmegaConf.create(text)))


def test_what_a_merge_brought_is_marked_as_shared() -> None:
    root = yaml_text.compose(MERGES[0], "run.yaml")
    marked = {leaf.path for leaf in yaml_text.leaves(root, "run.yaml") if leaf.aliased}
    assert marked == {"y.c"}


@pytest.mark.parametrize("text", ["a: 1\n<<: 5\n", "a: {<<: [5]}\n"])
def test_a_merge_of_something_that_is_no_section_is_refused(text: str) -> None:
    assert "<< merges a value that is not a section" in refusal(text)


def test_a_duplicate_key_is_refused_with_both_lines() -> None:
    assert refusal("a:\n  b: 1\n  c: 2\n  b: 3\n") == "run.yaml:4: the key 'b' appears twice, first in line 2; keep one"


@pytest.mark.parametrize("value", ['["touch pwned"]', "{a: 1}", '"touch pwned"', "[[1]]"])
@pytest.mark.parametrize("indent", ["a: ", "a:\n  b: ", "a:\n  - ", "a:\n  - - "])
def test_a_python_tag_is_refused_and_never_run(
    value: str, indent: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    message = refusal(f"{indent}!!python/object/apply:os.system {value}\n")
    assert "the tag tag:yaml.org,2002:python/object/apply:os.system is not allowed; expected a plain value" in message
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["a: !!binary aGk=\n", "a: !!timestamp 2021-01-01\n", "a: !mine 5\n", "!!set {a}\n", "a: =\n"])
def test_any_other_foreign_tag_is_refused(text: str) -> None:
    assert "is not allowed; expected a plain value" in refusal(text)


@pytest.mark.parametrize(
    ("text", "kind"), [('!!int ""', "int"), ('!!float ""', "float"), ("!!bool maybe", "bool"), ("0b_", "int")]
)
def test_a_value_that_contradicts_its_tag_is_refused(text: str, kind: str) -> None:
    assert refusal(f"x: 1\na: {text}\n").startswith("run.yaml:2: '")
    assert refusal(f"x: 1\na: {text}\n").endswith(f"cannot be read as {kind}")


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("a: [1\n", 2, "expected ',' or ']'"),
        ("a: 1\n\tb: 2\n", 2, "found character '\\t'"),
        ("a: 1\n---\nb: 2\n", 2, "found another document"),
        ("a: *nowhere\n", 1, "undefined alias"),
        ("%YAML 9.9\n---\na: 1\n", 1, "incompatible YAML document"),
    ],
)
def test_broken_yaml_is_refused_with_its_line(text: str, line: int, problem: str) -> None:
    message = refusal(text)
    assert message.startswith(f"run.yaml:{line}: not valid YAML: ")
    assert problem in message


@pytest.mark.parametrize("text", ["a: \x00\n", 'a: "\\U00110000"\n', 'a: "\\UFFFFFFFF"\n'])
def test_characters_that_are_none_are_refused(text: str) -> None:
    assert "not valid YAML: " in refusal(text)


@pytest.mark.parametrize(
    ("text", "kind"), [("", "empty"), ("# nothing\n", "empty"), ("hello\n", "not a mapping"), ("- 1\n", "not a mapping")]
)
def test_a_file_without_sections_is_refused(text: str, kind: str) -> None:
    assert refusal(text) == f"run.yaml: the file is {kind}; expected sections such as data:, model: and training:"


@pytest.mark.parametrize("text", ["? [a]\n: 1\n", "? {a: 1}\n: 1\n", "'': 1\n"])
def test_a_key_that_is_not_plain_text_is_refused(text: str) -> None:
    assert refusal(text) == "run.yaml:1: a key is empty, a list or a section; expected plain text"


BOMB = "a0: &a0 {x: 1, y: 2, z: 3}\n" + "".join(
    f"a{level}: &a{level} {{x: *a{level - 1}, y: *a{level - 1}, z: *a{level - 1}}}\n" for level in range(1, 30)
)
LIST_BOMB = "a0: &a0 [1, 2, 3]\n" + "".join(f"a{level}: &a{level} [*a{level - 1}, *a{level - 1}]\n" for level in range(1, 30))
MERGE_BOMB = "a0: &a0 {x: 1}\n" + "".join(
    f"a{level}: &a{level} {{<<: [*a{level - 1}, *a{level - 1}]}}\n" for level in range(1, 30)
)


@pytest.mark.parametrize("text", [BOMB, LIST_BOMB, MERGE_BOMB])
def test_a_bomb_of_aliases_ends_at_the_budget(text: str) -> None:
    assert "more than 10000 values" in refusal(text)


@pytest.mark.parametrize(
    "text", ["a: &a\n  b: *a\n", "a: &a [*a]\n", "a: &a\n  <<: *a\n", "[" * 5000, "a: " + "[" * 80 + "]" * 80 + "\n"]
)
def test_endless_nesting_is_refused(text: str) -> None:
    assert "nested too deeply" in refusal(text)


def test_deep_sections_are_refused_past_the_limit() -> None:
    deep = "".join(f"{' ' * level}a:\n" for level in range(80)) + " " * 80 + "b: 1\n"
    assert "nested too deeply" in refusal(deep)


def test_a_file_is_read_with_its_bom_and_line_ends(tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\r\nb: \xc3\xa9\r\n")
    text = yaml_text.read_text(path)
    assert text == "\ufeffa: 1\r\nb: é\r\n"
    assert values(text) == {"a": 1, "b": "é"}


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_another_encoding_is_refused(encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_bytes("a: é\n".encode(encoding))
    with pytest.raises(UsageError, match=r"run\.yaml: not UTF-8 text \(byte \d\); expected a YAML config"):
        yaml_text.read_text(path)


def test_utf_16_without_its_mark_is_refused() -> None:
    assert "unacceptable character #x0000" in refusal(b"a\x00:\x00 \x001\x00".decode())


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.yaml: cannot read the config: No such file or directory"):
        yaml_text.read_text(tmp_path / "none.yaml")
    with pytest.raises(UsageError, match="cannot read the config: "):
        yaml_text.read_text(tmp_path)


def test_a_file_too_large_for_a_config_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "data.yaml"
    path.write_bytes(b"#" * 500_001)
    with pytest.raises(UsageError, match="larger than 500 kB, not a training config"):
        yaml_text.read_text(path)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5e-6", 5e-6),
        ("", None),
        ("# only this", None),
        ("[0.5, 0.9]", (0.5, 0.9)),
        ("tanh", "tanh"),
        ("on", True),
        ("'on'", "on"),
    ],
)
def test_an_override_has_the_value_it_would_have_in_the_file(text: str, value: Value) -> None:
    assert yaml_text.parse_scalar(text) == value


@pytest.mark.parametrize(
    "text", ["[1", "{", "*a", '"x', "[" * 5000, '"\\UFFFFFFFF"', "a: b", "{a: 1}", "a\n---\nb", "!!python/none x"]
)
def test_an_override_that_is_no_value_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(UsageError, match=r"\A--set[^\n]*\Z"):
        yaml_text.parse_scalar(text)


def test_a_text_is_composed_once_whoever_reads_it_and_a_complaint_names_the_readers_own_file() -> None:
    text = "training:\n  lr: 1\n  lr: 2\n"
    one, other = yaml_text.compose(text, "one.yaml"), yaml_text.compose(text, "other.yaml")

    assert one is other
    for name in ("one.yaml", "other.yaml"):
        with pytest.raises(UsageError, match=rf"^{name}:3: the key 'lr' appears twice"):
            list(yaml_text.leaves(other, name))
    long = f"# {'x' * 20_000}\n{text}"
    assert yaml_text.compose(long, "one.yaml") is not yaml_text.compose(long, "one.yaml")
