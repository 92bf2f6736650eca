"""Saved reports, outcomes, baselines and policies of anybody: each is refused with one line, or shown in every format."""

from __future__ import annotations

import copy
import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from humouse_doctor.core.gating import Policy
from humouse_doctor.core.probe import Status
from humouse_doctor.gate import baseline
from humouse_doctor.gate.judging import Judge
from humouse_doctor.inputs.config import reader
from humouse_doctor.reporting.forms import Format
from humouse_doctor.reporting.rendering import render
from humouse_doctor.service.commands import Beside, Display, view_of
from humouse_doctor.stored import gate, saved, values
from humouse_doctor.stored import outcome as outcome_json
from humouse_doctor.stored import report as json_report
from humouse_doctor.stored.shapes.outcome import Arm
from humouse_doctor.verify.marks import config_values
from tests.conftest import Ended
from tests.reporting.builders import collapsed, gated, pictures
from tests.verify.builders import searched
from tests.verify.runs import write_config

Invoke = Callable[..., Ended]
Path_ = tuple[str | int, ...]
MAX_S = 60
#: What the page draws; all the rest of it is text.
DRAWN = ("data", "pictures")
#: What may stand where something else belongs; 10**400 is no float, and -1 no count.
VALUES: tuple[Any, ...] = (None, True, -1, 10**400, 1e308, "x", [], {}, [None], {"x": None})
#: A probe that crashed would give an exit code of 4 to each.
REPORT = json_report.to_dict(
    replace(
        collapsed(),
        pictures=pictures(),
        probes=tuple(result for result in collapsed().probes if result.status is not Status.CRASHED),
    )
)
OUTCOME = outcome_json.to_dict(searched())


def places(content: Any, at: Path_ = ()) -> Iterator[Path_]:
    """Where a value stands; of a list only the first entry."""
    if at:
        yield at
    if isinstance(content, dict):
        for key, value in content.items():
            yield from places(value, (*at, key))
    elif isinstance(content, list) and content:
        yield from places(content[0], (*at, 0))


def with_value(content: Any, place: Path_, value: Any) -> Any:
    """Return the content with the value in that place; what lies beside the way there is shared with the original."""
    if not place:
        return value
    changed = copy.copy(content)
    changed[place[0]] = with_value(content.get(place[0]) if isinstance(content, dict) else content[place[0]], place[1:], value)
    return changed


def named(place: Path_) -> str:
    return ".".join(str(step) for step in place)


def require_one_line(ended: Ended, code: int, start: str) -> str:
    assert (ended.code, ended.out) == (code, "")
    (line,) = ended.err.splitlines()
    assert line.startswith(f"humouse-doctor: {start}")
    assert line.isprintable()
    assert len(line) < 600
    return line


@pytest.mark.parametrize("place", list(places(REPORT)), ids=named)
def test_a_report_with_anything_in_a_place_is_refused_or_shown(
    invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: Path_
) -> None:
    """The command reads each; the forms after the first are made of what it has read, without building a command for each."""
    monkeypatch.chdir(tmp_path)
    forms = [form for form in Format if form not in (Format.JSON, Format.HTML) or (form is Format.HTML and place[0] in DRAWN)]
    for value in VALUES:
        Path("x.json").write_text(json.dumps(with_value(REPORT, place, value)), encoding="utf-8")
        start = time.process_time()
        ended = invoke("show", "x.json", "-f", "json")
        assert time.process_time() - start < MAX_S
        if ended.code == 3 and not ended.out:
            require_one_line(ended, 3, "x.json: ")
            continue
        assert (ended.code in (0, 1, 3), ended.err) == (True, ""), value
        assert ended.out
        report = saved.read(Path("x.json"))
        shown = view_of(report, Display(root=str(tmp_path)), Beside())
        for form in forms:
            start = time.process_time()
            assert render(shown, form), (form, value)
            assert time.process_time() - start < MAX_S


@pytest.mark.parametrize("form", [form.value for form in Format])
def test_long_text_is_shown_in_time(invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    monkeypatch.chdir(tmp_path)
    for text in ("\n" * 2_000, " " * 20_000, "x" * 20_000):
        content = REPORT
        for place in (("sentence",), ("findings", 0, "message"), ("remedies", 0, "code_hint"), ("subject", "remarks", 0)):
            content = with_value(content, place, text)
        Path("x.json").write_text(json.dumps(content), encoding="utf-8")
        start = time.process_time()

        ended = invoke("show", "x.json", "-f", form)

        assert time.process_time() - start < MAX_S
        assert (ended.code, ended.err) == (1, "")
    Path("x.json").write_text(json.dumps(with_value(REPORT, ("sentence",), "x" * 20_001)), encoding="utf-8")
    require_one_line(invoke("show", "x.json", "-f", form), 3, "x.json: not a report")


#: Much of one thing within the bounds of all together.
MANY: dict[str, tuple[Path_, Any]] = {
    "probes": (("probes",), [REPORT["probes"][0]] * 101),
    "remarks": (("subject", "remarks"), ["x"] * 1_001),
    "line ends": (("subject", "remarks"), ["\n" * 2_001]),
    "curves": (("pictures", "curves"), [REPORT["pictures"]["curves"][0]] * 101),
    "paths": (("pictures", "real_paths"), [[[0, 0]]] * 101),
    "shares": (("pictures", "shares"), {str(n): REPORT["pictures"]["shares"]["targets"] for n in range(101)}),
    "layers": (("pictures", "gradient_rms"), {str(n): 0.5 for n in range(1_001)}),
    "measurements": (("probes", 0, "measurements"), {str(n): 0.5 for n in range(1_001)}),
}


@pytest.mark.parametrize("name", MANY)
def test_more_than_a_report_has_is_refused(invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    place, value = MANY[name]
    Path("x.json").write_text(json.dumps(with_value(REPORT, place, value)), encoding="utf-8")

    require_one_line(invoke("show", "x.json", "-f", "json"), 3, "x.json: not a report of humouse-doctor")


@pytest.mark.parametrize("value", [0.0, -0.0, 5e-324, 1e-308, 1e308])
def test_gradients_of_any_size_are_drawn(invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: float) -> None:
    monkeypatch.chdir(tmp_path)
    layers = dict.fromkeys(REPORT["pictures"]["gradient_rms"], value)
    content = with_value(REPORT, ("pictures", "gradient_rms"), layers)
    Path("x.json").write_text(json.dumps(content), encoding="utf-8")

    ended = invoke("show", "x.json", "-f", "html")

    assert (ended.code, ended.err) == (1, "")


@pytest.mark.parametrize("place", list(places(OUTCOME)), ids=named)
def test_an_outcome_with_anything_in_a_place_is_refused_or_used(
    invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: Path_
) -> None:
    monkeypatch.chdir(tmp_path)
    config = write_config(tmp_path)
    before = config.read_bytes()
    outcome = {**OUTCOME, "config_values": config_values(reader.read(config).settings)}
    for value in VALUES:
        Path("x.json").write_text(json.dumps(with_value(outcome, place, value)), encoding="utf-8")
        start = time.process_time()
        ended = invoke("suggest-config", "-c", config.name, "--outcome", "x.json", "--emit", "overrides")
        assert time.process_time() - start < MAX_S
        if ended.out == "":
            require_one_line(ended, ended.code, "x.json: ")
            assert ended.code in (2, 3)
        else:
            assert ended.code == 0
            assert "x=" not in ended.out
    assert config.read_bytes() == before


def _baseline(folder: Path) -> dict[str, Any]:
    entry = Judge(policy=Policy(), today=date(2026, 1, 1)).entry("run.yaml", collapsed("run.yaml"))
    baseline.write(folder / "known.json", [entry], "0.1.0")
    content: dict[str, Any] = json.loads((folder / "known.json").read_text(encoding="utf-8"))
    return content


def test_a_baseline_with_anything_in_a_place_is_refused_or_used(
    invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_config(tmp_path)
    known = _baseline(tmp_path)
    for place in places(known):
        for value in VALUES:
            Path("x.json").write_text(json.dumps(with_value(known, place, value)), encoding="utf-8")
            ended = invoke("gate", "run.yaml", "--baseline", "x.json", "-f", "json")
            if ended.out == "":
                require_one_line(ended, 3, "x.json: ")
            else:
                assert (ended.code, ended.err) == (1, ""), (place, value)


#: Content of a file in the place of a report, an outcome or a baseline.
FILES: dict[str, bytes] = {
    "empty": b"",
    "a NaN": json.dumps(with_value(REPORT, ("probes", 0, "measurements", "x"), float("nan"))).encode(),
    "no UTF-8": b"\xff\xfe\x00",
    "nested without end": b"[" * 1_000_000,
    "nested objects": b'{"a":' * 500_000,
    "a number of a million digits": b"9" * 1_000_000,
    "a bomb of objects": b'{"schema_version": "1.3", "kind": 1, "x": [' + b"{}," * 4_000_000 + b"{}]}",
    "larger than any": b" " * (17 << 20),
    "values nested deeply": json.dumps(
        with_value(REPORT, ("settings", 0, "value"), json.loads("[" * 200 + "]" * 200))
    ).encode(),
    "a hundred thousand remarks": json.dumps(with_value(REPORT, ("subject", "remarks"), ["x"] * 250_000)).encode(),
    "a text of megabytes": json.dumps(with_value(REPORT, ("sentence",), "x " * 2_100_000)).encode(),
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("option", ["show", "--compare", "--outcome", "--baseline"])
def test_a_file_that_is_none_is_refused_with_one_line(
    invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: str, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("x.json").write_bytes(FILES[name])
    start = time.process_time()

    ended = _with_file(invoke, tmp_path, option, "x.json")

    assert time.process_time() - start < MAX_S
    require_one_line(ended, 3, "x.json: ")


_HEADS = {
    "show": b'{"schema_version": "1.3", ',
    "--outcome": b'{"schema_version": "1.1", "kind": "humouse-doctor outcome", ',
    "--baseline": b'{"schema_version": "1.0", "kind": "humouse-doctor baseline", ',
}
#: Millions of values where a reader may make an object of each; some msgspec leaves to another reader, for the surrogate.
BOMBS: dict[str, bytes] = {
    "a field that is unknown": b'"x": [' + b"{}," * 4_000_000,
    "lists": b'"x": [' + b"[]," * 4_000_000,
    "a lone surrogate before": b'"y": "\\ud800 ", "x": [' + b"{}," * 4_000_000,
    "entries": b'"runs": [' + b"{}," * 4_000_000,
    "text": b'"x": [' + b'"",' * 4_000_000,
    "keys": b'"x": {' + b'"":0,' * 2_500_000,
}


@pytest.mark.parametrize("name", BOMBS)
@pytest.mark.parametrize("option", _HEADS)
def test_a_bomb_is_refused_before_it_is_made(
    invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: str, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    bomb = _HEADS[option] + BOMBS[name]
    Path("x.json").write_bytes(bomb + (b'"":0}}' if name == "keys" else b"0]}"))
    start = time.process_time()

    ended = _with_file(invoke, tmp_path, option, "x.json")

    assert time.process_time() - start < 1  # 0.1 s where it was made into objects in 6 to 10 s
    require_one_line(ended, 3, "x.json: ")


@pytest.mark.parametrize("number", [b"1e400", b"-1e400", b"NaN", b"Infinity", b"9" * 400, b"true", b'"1"', b"null"])
@pytest.mark.parametrize("name", [b"x", b"\\ud800"], ids=["text", "a lone surrogate"])
def test_a_measured_number_is_a_finite_number(invoke: Invoke, tmp_path: Path, number: bytes, name: bytes) -> None:
    """The second name is for msgspec no text, and read by another reader."""
    path = tmp_path / "x.json"
    content = json.dumps(with_value(REPORT, ("probes", 0, "measurements"), {"NAME": 0.25})).encode()
    path.write_bytes(content.replace(b"NAME", name))
    assert saved.read(path).probes[0].measurements == {json.loads(b'"%b"' % name): 0.25}

    path.write_bytes(content.replace(b"NAME", name).replace(b"0.25", number))

    require_one_line(invoke("show", str(path)), 3, f"{path}: not a report of humouse-doctor (")


def test_a_refused_file_is_told_where_it_is_wrong_and_never_by_a_name_of_its_own(
    invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    key = "\x1b[31m\u202e::error::" + "k" * 9_000
    for place, value, said in (
        (("sentence",), 1, "Expected `str`, got `int` - at `$.sentence`"),
        (("findings", 0, "evidence"), {key: "x"}, "Expected `float`, got `str` - at `$.findings[0].evidence[...]`"),
        (("verdict",), key, r"Invalid enum value '\x1b[31m\u202e::error::kkk"),
        (("schema_version",), key, "a report of schema '"),
    ):
        Path("x.json").write_text(json.dumps(with_value(REPORT, place, value)), encoding="utf-8")

        assert said in require_one_line(invoke("show", "x.json"), 3, "x.json: ")


@pytest.mark.parametrize("beside", [1, 2])
def test_a_decision_on_a_name_that_is_no_utf8_is_read(tmp_path: Path, beside: int) -> None:
    decision = json.loads(gate.render(gated()))
    decision["inputs"] = [{**decision["inputs"][0], "name": name} for name in ("byte\udcff", "other")[:beside]]
    (tmp_path / "x.json").write_text(json.dumps(decision), encoding="utf-8")

    read = saved.read(tmp_path / "x.json", "byte\udcff")

    assert json_report.to_dict(read) == decision["inputs"][0]["report"]


def _with_file(invoke: Invoke, folder: Path, option: str, name: str) -> Ended:
    if option == "show":
        return invoke("show", name)
    write_config(folder)
    if option == "--outcome":
        return invoke("suggest-config", "-c", "run.yaml", option, name)
    return invoke("gate" if option in ("--baseline", "--policy") else "preflight", "run.yaml", option, name)


@pytest.mark.parametrize("option", ["show", "--compare", "--outcome", "--baseline", "--policy"])
@pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
def test_what_is_no_file_is_not_waited_for(
    invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: str, kind: str
) -> None:
    monkeypatch.chdir(tmp_path)
    if kind == "pipe":
        os.mkfifo("x.json")
    elif kind == "device":
        Path("x.json").symlink_to("/dev/zero")
    else:
        Path("x.json").mkdir()

    line = require_one_line(_with_file(invoke, tmp_path, option, "x.json"), 3, "x.json: cannot read the ")

    assert f"it is a {kind}" in line


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (".".join(["a"] * 60_000) + " = 1\n", "larger"),
        ("[" + ".".join(["a"] * 20_000) + "]\n", ":1: more than 500 dots in one line"),
        ("x = {" + ".".join(['"a b"'] * 20_000) + " = 1}\n", ":1: more than 500 dots in one line"),
        ("x = 1\n" * 500_000, "it has more than 500,000 bytes"),
        ('[[ignore]]\ncode = "HD204"\nreason = "x"\n' * 5_000, "5,000 ignores are more than 1,000"),
    ],
    ids=["a key of many parts", "a table of many parts", "quoted parts", "larger than any", "many ignores"],
)
def test_a_policy_that_takes_long_to_read_is_refused(
    invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    write_config(tmp_path)
    for name in ("humouse-doctor.toml", "pyproject.toml"):
        Path(name).write_text(text if name[0] == "h" else text.replace("[[ignore", "[[tool.humouse-doctor.ignore"))
        start = time.process_time()

        ended = invoke("gate", "run.yaml")

        assert time.process_time() - start < MAX_S
        assert ended.code in (2, 3)
        assert said.replace("larger", "more than 500 dots") in require_one_line(ended, ended.code, str(tmp_path / name))
        Path(name).unlink()


def test_a_gates_saved_decision_is_read_like_a_report(invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    decision = json.loads(gate.render(gated()))
    decision["inputs"] = decision["inputs"][:1]
    for value in VALUES:
        decision["inputs"][0]["report"] = value
        Path("x.json").write_text(json.dumps(decision), encoding="utf-8")

        require_one_line(invoke("show", "x.json"), 3, "x.json: not a report of humouse-doctor")


def test_a_cure_that_names_a_file_is_not_taken_over(invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    config = write_config(tmp_path)
    before = config.read_bytes()
    outcome: dict[str, Any] = copy.deepcopy({**OUTCOME, "config_values": config_values(reader.read(config).settings)})
    cure = next(arm for arm in outcome["arms"] if arm["effect"] == "cured")
    cure["patch"].append({"key": "training.generator_init_path", "old": None, "new": "/tmp/x.pt", "absent": True})
    old, cure["key"] = cure["key"], ""
    stored = values.decode(json.dumps(cure), Arm)
    key = outcome_json._read_arm(stored).arm.key  # what the arm is called by its edits
    text = json.dumps({**outcome, "chosen": key}).replace(json.dumps(old), json.dumps(key))
    Path("x.json").write_text(text, encoding="utf-8")

    ended = invoke("suggest-config", "-c", config.name, "--outcome", "x.json", "--write")

    line = require_one_line(ended, 2, "x.json: its cure sets training.generator_init_path")
    assert "set it yourself" in line
    assert config.read_bytes() == before
