from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from humouse_doctor.cli import destinations
from humouse_doctor.cli import output as printing
from humouse_doctor.core.errors import InputError, UsageError
from humouse_doctor.reporting import text
from humouse_doctor.reporting.forms import Format
from humouse_doctor.stored import report as json_report
from tests.conftest import Ended
from tests.reporting.builders import collapsed, sound

Invoke = Callable[..., Ended]


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "saved.json"
    path.write_text(json_report.render(collapsed()), encoding="utf-8")
    return path


def test_one_call_writes_every_format(invoke: Invoke, saved: Path, tmp_path: Path) -> None:
    asked = [f"{form.value}={tmp_path / f'report.{form.value}'}" for form in Format]

    ended = invoke("show", saved, "--full", *(part for output in asked for part in ("-o", output)))

    assert ended.out == text.render(collapsed())
    assert ended.err.splitlines() == [f"{form.value} report in {tmp_path / f'report.{form.value}'}" for form in Format]
    assert (tmp_path / "report.text").read_text(encoding="utf-8") == ended.out


@pytest.mark.parametrize("form", list(Format))
def test_the_exit_code_is_the_same_in_every_format(invoke: Invoke, saved: Path, form: Format) -> None:
    assert invoke("show", saved, "-f", form.value).code == 4  # one of its probes has crashed


def _content(form: Format, shown: str) -> str:
    """Return the text that a reader of the format sees, on one line."""
    if form in (Format.JSON, Format.SARIF, Format.GITLAB):
        shown = json.dumps(json.loads(shown), ensure_ascii=False)
    elif form is Format.JUNIT:
        shown = " ".join(
            " ".join([*element.attrib.values(), element.text or ""]) for element in ElementTree.fromstring(shown).iter()
        )
    elif form is Format.HTML:
        shown = unescape(re.sub(r"<[^>]+>", " ", shown))
    elif form is Format.MARKDOWN:
        shown = unescape(re.sub(r"\\([^\w\s])", r"\1", re.sub(r"<[^>]+>", " ", shown)))
    elif form is Format.GITHUB:
        shown = shown.replace("%0A", " ").replace("%25", "%").replace("%3A", ":").replace("%2C", ",")
    return " ".join(shown.split())


@pytest.mark.parametrize("form", list(Format))
def test_every_format_tells_the_same_verdict_causes_and_numbers(invoke: Invoke, saved: Path, form: Format) -> None:
    report = collapsed()

    shown = _content(form, invoke("show", saved, "-f", form.value, "--full").out)

    assert "collapsed" in shown.lower()
    for cause in report.causes:
        assert f"{cause.code}" in shown
        assert cause.message in shown
    assert "0.002 of the spread" in shown  # the worst symptom's number
    assert shown.find("HD201") < shown.find("HD208") or "HD208" not in shown  # what matters comes first


def test_the_step_summary_is_appended_to_and_only_for_github(
    invoke: Invoke, saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))

    invoke("show", saved)
    untouched = summary.read_text()
    invoke("show", saved, "-f", "github")

    assert untouched == "before\n"
    assert summary.read_text(encoding="utf-8").startswith("before\n")
    assert "COLLAPSED" in summary.read_text(encoding="utf-8").upper()


def test_a_step_summary_that_cannot_be_written_is_one_line(
    invoke: Invoke, saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "no" / "summary.md"))

    ended = invoke("show", saved, "-f", "github")

    assert ended.code == 3
    assert "GITHUB_STEP_SUMMARY" in ended.err
    assert ended.err.count("\n") == 1


def test_no_file_is_written_where_one_format_cannot_be(
    invoke: Invoke, saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)

    ended = invoke("show", saved, "-o", f"json={tmp_path / 'a.json'}", "-o", f"html={tmp_path / 'a.html'}")

    assert (ended.code, ended.out) == (2, "")
    assert "humouse-doctor[html]" in ended.err
    assert not (tmp_path / "a.json").exists()
    assert not (tmp_path / "a.html").exists()


def test_what_has_changed_is_told(invoke: Invoke, saved: Path, tmp_path: Path) -> None:
    after = tmp_path / "after.json"
    after.write_text(json_report.render(sound()), encoding="utf-8")

    for form in ("text", "markdown", "html"):
        shown = _content(Format(form), invoke("show", after, "--compare", saved, "-f", form).out)
        assert re.search(r"collapsed( before)?\W+(-> |→ |to )?healthy", shown, re.IGNORECASE), shown


def test_a_gates_decision_is_read_again_by_the_inputs_name(invoke: Invoke, collapsed_run: Path, tmp_path: Path) -> None:
    kept = tmp_path / "gate.json"
    invoke("gate", collapsed_run, "--quick", "-o", f"json={kept}")

    again = invoke("gate", collapsed_run, "--quick", "--compare", kept)
    alone = invoke("show", kept)

    assert json.loads(kept.read_text(encoding="utf-8"))["inputs"][0]["report"]["pictures"]["real_paths"]
    assert "Nothing that is judged has changed." in again.out
    assert alone.out.startswith("COLLAPSED")


def test_comparing_several_inputs_is_refused(invoke: Invoke, saved: Path, tmp_path: Path) -> None:
    ended = invoke("gate", tmp_path / "a.yaml", tmp_path / "b.yaml", "--compare", saved)

    assert ended.code == 2
    assert "--compare is for one input, and 2 are given" in ended.err


def test_an_output_of_a_gate_never_takes_the_place_of_what_it_reads(invoke: Invoke, tmp_path: Path) -> None:
    config, policy = tmp_path / "x.yaml", tmp_path / "policy.toml"
    config.write_text("training: {reconstruction_epochs: 3}\n")
    policy.write_text('fail-on = "error"\n')

    for target in (config, policy):
        written = invoke("gate", config, "--policy", policy, "-o", f"json={target}")
        kept = invoke("gate", config, "--policy", policy, "--write-baseline", target)
        assert (written.code, kept.code) == (2, 2)
    assert policy.read_text() == 'fail-on = "error"\n'


@pytest.mark.parametrize("given", ["json", "=x", "json=", "xml=x", "json=-"])
def test_an_output_is_a_format_and_a_path(given: str) -> None:
    with pytest.raises(UsageError, match="expected"):
        destinations.outputs([given], Format, ())


def test_an_equals_sign_may_stand_in_a_path(tmp_path: Path) -> None:
    (output,) = destinations.outputs([f"json={tmp_path}/lr=0.1.json"], Format, ())

    assert output == destinations.Output(form=Format.JSON, path=tmp_path / "lr=0.1.json")


def test_a_folder_is_no_place_for_a_report(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot write a file there"):
        destinations.outputs([f"json={tmp_path}"], Format, ())


@pytest.mark.parametrize("stated", ["GITHUB_WORKSPACE", "CI_PROJECT_DIR"])
def test_paths_are_shown_from_where_the_pipeline_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stated: str) -> None:
    here = tmp_path / "sub"
    (here / ".git").mkdir(parents=True)
    monkeypatch.chdir(here)

    assert printing.root() == str(here)
    monkeypatch.setenv(stated, str(tmp_path))
    assert printing.root() == str(tmp_path)
    monkeypatch.setenv(stated, "/elsewhere")
    assert printing.root() == str(here)


def test_the_repositorys_top_is_the_root_else_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    monkeypatch.chdir(deep)

    alone = printing.root()
    (tmp_path / ".git").mkdir()

    assert alone == str(deep)
    assert printing.root() == str(tmp_path)


def _completed(words: str) -> list[str]:
    environment: dict[str, Any] = {
        "_HUMOUSE_DOCTOR_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(words.count(" ")),
    }
    code = "import sys; sys.argv[0] = 'humouse-doctor'; from humouse_doctor.__main__ import main; main()"
    ended = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    return ended.stdout.split()


def test_a_shell_completes_commands_formats_and_codes() -> None:
    assert _completed("humouse-doctor ga") == ["gate"]
    assert _completed("humouse-doctor gate --format s") == ["sarif"]
    assert _completed("humouse-doctor explain HD20") == [f"HD20{number}" for number in range(1, 10)]


@pytest.mark.parametrize(
    ("ending", "journal", "said"),
    [
        (
            KeyboardInterrupt(),
            Path("j"),
            "... what is done is kept in j; the same command goes on from there\n",
        ),
        (KeyboardInterrupt(), None, ""),
        (ValueError(), Path("j"), ""),
        (SystemExit(), Path("j"), ""),
    ],
)
def test_an_interrupted_command_says_how_to_go_on(
    ending: BaseException, journal: Path | None, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(type(ending)), printing.kept_in(journal):
        raise ending

    assert capsys.readouterr().err == said
