"""Test the fuzzer itself: every target still makes inputs that are read and refused, and reports broken rules."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from humouse_doctor.cli import output
from humouse_doctor.core import cost
from humouse_doctor.core import text as plain
from humouse_doctor.core.report import Report
from humouse_doctor.diagnosis import losses
from humouse_doctor.inputs.config import patcher
from humouse_doctor.inputs.gestures.gestures import Gestures
from humouse_doctor.inputs.gestures.sources import read_gestures
from humouse_doctor.reporting import paths, terminal
from humouse_doctor.service import commands as service
from humouse_doctor.stored import report
from tests.hostile.data import bytes_of, moving
from tests.lab.fuzz import data
from tests.lab.fuzz.__main__ import TARGETS, main
from tests.lab.fuzz.patches import Patches, _applied
from tests.lab.fuzz.target import Failure, Rules, Target, require_line

#: The number of inputs per target, few since the fuzzer itself has a minute beside the tests, and outcomes that must occur.
INPUTS = {"checkpoints": (10, ("refused",)), "data": (60, ("read", "refused")), "configs": (10, ("preflight", "refused")),
          "sizes": (4, ("refused",)), "logs": (60, ("read train_gan.log", "refused metrics.csv", "stage ")),
          "patches": (50, ("patched", "refused", "file refused", "file gives edits")),
          "stored": (50, ("read gate", "refused well", "refused outcome")),
          "names": (10, ("held", "held, overrides refused")),
          "environment": (40, ("as without gate", "refused"))}  # fmt: skip

#: The number of inputs among which a planted fault shows, of targets for which one input takes long, or few show it.
ENOUGH = {"stored": 100, "sizes": 8, "configs": 10, "environment": 10, "names": 10}


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_reads_and_refuses(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    inputs, endings = INPUTS[name]
    here = Path.cwd()

    code = main([name, "--inputs", str(inputs), "--seconds", "600", "--keep", str(tmp_path / "kept")])

    out = capsys.readouterr().out
    assert (code, Path.cwd()) == (0, here), out
    assert f"{inputs}  inputs for {name} " in out
    assert "0 of them broke the rules" in out
    for ending in endings:
        assert f"  {ending}" in out
    assert not (tmp_path / "kept").exists()


def test_the_same_seed_gives_the_same_inputs(tmp_path: Path) -> None:
    made = []
    for folder, seed in (("a", 1), ("b", 1), ("c", 2)):
        (tmp_path / folder).mkdir()
        target = data.Data(tmp_path / folder, seed)
        made.append([target._archive() for _ in range(5)])
    assert made[0] == made[1] != made[2]


def _raising(*_: object) -> object:
    raise ZeroDivisionError("planted")


def _patching_more(text: str, *_: object) -> str:
    return f"{text}\nplanted: 1\n"


@pytest.mark.parametrize(
    ("name", "planted", "reported"),
    [
        ("data", (data, "read_gestures", _raising), "ZeroDivisionError: planted"),
        ("configs", (service, "load_case", _raising), "ZeroDivisionError: planted"),
        ("configs", (Report, "exit_code", lambda *_: 0), "exit code 0 for at-risk"),
        ("logs", (losses, "_rounded", lambda _: float("nan")), "a curve that cannot be drawn"),
        ("sizes", (cost, "_trouble", lambda *_: None), "passes with arrays beyond all reason"),
        ("stored", (report, "_missing", _raising), "ZeroDivisionError: planted"),
        ("stored", (report, "_contradictions", lambda _: ()), "health that nothing was measured for"),
        ("environment", (output, "colours", _raising), "code 4 where "),
        ("patches", (patcher, "_edited", _raising), "ZeroDivisionError: planted"),
        ("patches", (patcher, "patched", _patching_more), "the patched text reads otherwise"),
        ("names", (patcher, "_header", lambda side, name: f"{side}/{name}"), "the diff names "),
        ("names", (patcher, "override_line", patcher.override), "a line of overrides reads otherwise"),
        ("names", (paths, "quote", lambda raw: raw.decode("utf-8", "backslashreplace")), "a URI leads to "),
        ("names", (terminal, "harmless_line", plain.harmless), "the text report has "),
    ],
)
def test_a_planted_fault_is_reported_and_kept_and_ends_with_one(
    name: str,
    planted: tuple[object, str, Callable[..., object]],
    reported: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    make = TARGETS[name]

    def begun(folder: Path, seed: int) -> Target:
        target = make(folder, seed)
        monkeypatch.setattr(*planted)
        return target

    monkeypatch.setitem(TARGETS, name, begun)

    code = main([name, "--inputs", str(ENOUGH.get(name, 30)), "--seconds", "600", "--keep", str(tmp_path / "kept")])

    out = capsys.readouterr().out
    assert code == 1
    assert f"BROKE THE RULES: {reported}" in out
    kept = sorted((tmp_path / "kept").iterdir())
    assert kept
    assert all(path.name.startswith(f"{name}-0-") and str(path) in out for path in kept)


def test_all_targets_share_the_time(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delitem(TARGETS, "checkpoints")  # starting it takes seconds

    assert main(["all", "--seconds", "0.6", "--inputs", "3", "--keep", str(tmp_path)]) == 0

    out = capsys.readouterr().out
    assert [f"inputs for {name} in 0 s" in out for name in TARGETS] == [True] * len(TARGETS)


def _importing(_: Path) -> None:
    import this  # noqa: F401


@pytest.mark.parametrize(
    ("done", "told"),
    [
        (_raising, "ZeroDivisionError: planted"),
        (lambda folder: (folder / "x").touch(), "a file was made"),
        (lambda _: __import__("warnings").warn("planted", stacklevel=1), "a warning: planted"),
        (lambda _: os.system("true"), "did more than look"),
        (lambda _: exec("1"), "did more than look"),
        (_importing, "did more than look"),
    ],
)
def test_a_broken_rule_is_told(done: Callable[[Path], object], told: str, tmp_path: Path) -> None:
    rules = Rules(tmp_path)
    with pytest.raises(Failure, match=told) as caught, rules.held(b"input"):
        done(tmp_path)
    assert caught.value.data == b"input"


def _hanging() -> None:
    while True:
        with contextlib.suppress(Exception):
            sum(range(1000))


def test_what_hangs_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.lab.fuzz.target._HANGS_S", 1)
    with pytest.raises(Failure, match="more than 1 s"), Rules(tmp_path).held(b""):
        _hanging()


@pytest.mark.parametrize("line", ["other: x", "a: x\ny", "a: \x1b[2J", "a: " + "x" * 1000])
def test_a_line_that_is_none_is_told(line: str) -> None:
    with pytest.raises(Failure, match="a line that is none"):
        require_line(line, ("a: ",), b"")


@pytest.mark.parametrize("end", ["", "\n"])
@pytest.mark.parametrize("other", ["", "\n"])
def test_the_slow_twin_applies_what_difflib_makes(end: str, other: str) -> None:
    before = "\n".join(str(number) for number in range(20)) + end
    after = before.removesuffix(end).replace("3\n", "3\n3b\n", 1).replace("12\n", "").replace("19", "x") + other
    assert _applied(before, patcher.unified_diff(before, after, "x")) == after


def _until_it_fails(target: Target) -> None:
    for _ in range(300):
        target.once()


def test_gestures_of_another_file_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = data.Data(tmp_path, 0)
    other = tmp_path / "other.npy"
    other.write_bytes(bytes_of(moving(5, 3, 2)))
    monkeypatch.setattr(data, "read_gestures", lambda _, settings, most, seed: read_gestures(other, settings, most, seed))
    with pytest.raises(Failure, match="a summary of other data"):
        _until_it_fails(target)


def test_other_numbers_than_those_of_the_file_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def reading_twice_as_much(path: Path, *arguments: Any) -> Gestures:
        found = read_gestures(path, *arguments)
        return replace(found, sequences=2 * found.sequences)

    target = data.Data(tmp_path, 0)
    monkeypatch.setattr(data, "read_gestures", reading_twice_as_much)
    with pytest.raises(Failure, match="numpy reads other numbers"):
        _until_it_fails(target)


def test_another_value_changed_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    patched = patcher.patched
    target = Patches(tmp_path, 0)
    monkeypatch.setattr(patcher, "patched", lambda *arguments: patched(*arguments).replace("latent_dim: 4", "latent_dim: 5"))
    with pytest.raises(Failure, match="reads otherwise"):
        _until_it_fails(target)
