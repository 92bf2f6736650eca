"""What a person meets every day: bare calls, the next command, the screen, and messages that name the right command."""

from __future__ import annotations

import io
import json
import os
import re
import shlex
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from humouse_doctor.cli import commands, destinations
from humouse_doctor.cli import output as printing
from humouse_doctor.cli import progress as bars
from humouse_doctor.core.errors import UsageError
from humouse_doctor.core.outcome import Arm
from humouse_doctor.core.remedy import Remedy
from humouse_doctor.inputs.config import reader
from humouse_doctor.inputs.config.trainer_keys import meant_by
from humouse_doctor.reporting.forms import Format, PlainFormat
from humouse_doctor.stored import outcome
from humouse_doctor.stored import report as json_report
from humouse_doctor.training import demonstration
from humouse_doctor.verify import verification
from humouse_doctor.verify.bench import Job, Pulse
from humouse_doctor.verify.marks import config_values
from tests.cli.test_commands import one_line, parts, trials, without_data
from tests.conftest import Ended
from tests.reporting.builders import collapsed
from tests.verify.builders import searched

pytestmark = pytest.mark.usefixtures("few_fits")
Invoke = Callable[..., Ended]
__all__ = ["trials"]  # a fixture


@pytest.fixture
def own_run(collapsed_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Copy the sick run to a folder whose name needs quotes, and make its parent the current folder."""
    shutil.copytree(collapsed_run, tmp_path / "my run")
    monkeypatch.chdir(tmp_path)
    return Path("my run")


def pasted(invoke: Invoke, shown: str) -> Ended:
    """Run the last line of a screen as a shell would."""
    program, *words = shlex.split(shown.splitlines()[-1])
    assert program == "humouse-doctor"
    return invoke(*words)


def test_a_bare_call_prints_the_help_with_no_word_cut(invoke: Invoke) -> None:
    bare, asked = invoke(), invoke("--help")

    assert (bare.code, bare.err) == (2, "")
    assert bare.out == asked.out
    assert re.match(r"Usage: .*humouse-doctor \[OPTIONS\] COMMAND \[ARGS\]\.\.\.\n", asked.out)  # as help2man needs it
    assert re.fullmatch(r"humouse-doctor \d+\.\d+\.\d+\n", invoke("--version").out)  # as above
    assert len(bare.out.splitlines()) > 20
    assert "..." not in bare.out.partition("Commands:")[2]


def test_without_a_path_the_current_folder_is_looked_at(invoke: Invoke, own_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(own_run)

    assert invoke("inspect", "--quick", "-q").out == "COLLAPSED  checkpoints/generator_sick.pt  HD201 out-of-reach-targets\n"
    assert invoke("preflight", "-q").out == "AT-RISK  .hydra/config.yaml  HD201 out-of-reach-targets\n"
    assert invoke("suggest-config", "--quick").out.partition("\n")[2].startswith("--- a/.hydra/config.yaml\n")
    assert invoke("gate", "--quick").out.splitlines()[1].endswith("  .")


def test_the_next_command_works_as_it_is_printed(invoke: Invoke, own_run: Path) -> None:
    sick = invoke("inspect", own_run, "--quick")
    before = invoke("preflight", own_run)

    assert sick.out.splitlines()[-1] == "humouse-doctor suggest-config 'my run' --emit overrides"
    assert "experiment.training.reconstruction_epochs=128\n" in pasted(invoke, sick.out).out
    assert pasted(invoke, before.out).code == 0


def test_a_gate_that_fails_ends_with_a_command_that_works(invoke: Invoke, own_run: Path, healthy_run: Path) -> None:
    config = own_run / ".hydra" / "config.yaml"
    sick, unsound, well = (invoke("gate", *given, "--quick") for given in ([own_run, healthy_run], [config], [healthy_run]))

    assert sick.out.splitlines()[-2:] == [
        "Next, the patch as overrides, for my run",
        "humouse-doctor suggest-config 'my run' --emit overrides",
    ]
    assert "experiment.training.reconstruction_epochs=128\n" in pasted(invoke, sick.out).out
    assert pasted(invoke, unsound.out).code == 0
    assert "Next" not in well.out


@pytest.mark.whole_fits
def test_the_next_command_of_a_healthy_run_is_its_gate(invoke: Invoke, healthy_run: Path) -> None:
    ended = invoke("inspect", healthy_run)

    assert len(ended.out.splitlines()) <= 25
    assert ended.out.splitlines()[-1] == shlex.join(["humouse-doctor", "gate", str(healthy_run)])


def test_the_next_command_shows_more_where_too_little_is_known(invoke: Invoke, healthy_run: Path, tmp_path: Path) -> None:
    checkpoint, config = without_data(healthy_run, tmp_path)

    ended = invoke("inspect", checkpoint, "-c", config)

    assert ended.out.splitlines()[-1] == shlex.join(
        ["humouse-doctor", "inspect", str(checkpoint), "--config", str(config), "--full"]
    )
    assert pasted(invoke, ended.out).out.count("\n") > 25


def test_a_path_that_looks_like_an_option_is_none_in_the_next_command(
    invoke: Invoke, healthy_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(parts(healthy_run)[0], "-x.pt")

    ended = invoke("inspect", "--quick", "--set", "model.generator.target_len=24", "--", "-x.pt")

    assert ended.out.splitlines()[-1] == "humouse-doctor inspect ./-x.pt --set model.generator.target_len=24 --full"


def test_a_line_a_screen_its_remarks_and_everything(invoke: Invoke, own_run: Path) -> None:
    line, screen, remarks, full = (
        invoke("inspect", own_run, "--quick", *option) for option in (["-q"], [], ["-v"], ["--full"])
    )

    assert line.out.count("\n") == 1
    assert screen.out.count("\n") <= 25
    assert "- data: took" not in screen.out
    assert "- data: took" in remarks.out
    assert "\nAll remedies\n" in full.out
    assert {ended.code for ended in (line, screen, remarks, full)} == {1}
    assert "exclude each other" in one_line(invoke("inspect", own_run, "-q", "--full"))


def test_a_file_of_text_holds_everything(invoke: Invoke, own_run: Path) -> None:
    invoke("preflight", own_run, "-q", "-o", "report.txt")

    assert "\nAll remedies\n" in Path("report.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize(("when", "coloured"), [("always", True), ("never", False), ("auto", True)])
def test_colours_are_given_by_the_option(
    invoke: Invoke, own_run: Path, monkeypatch: pytest.MonkeyPatch, when: str, coloured: bool
) -> None:
    monkeypatch.setenv("FORCE_COLOR" if when != "always" else "NO_COLOR", "1")
    monkeypatch.delenv("NO_COLOR" if when != "always" else "FORCE_COLOR", raising=False)
    monkeypatch.setenv("TERM", "dumb" if when == "always" else "xterm")
    before = dict(os.environ)

    assert ("\x1b[" in invoke("preflight", own_run, "--color", when).out) is coloured
    assert dict(os.environ) == before


def test_a_checkpoint_alone_finds_the_record_above_it_and_the_data(invoke: Invoke, own_run: Path) -> None:
    ended = invoke("inspect", own_run / "checkpoints" / "generator_sick.pt", "--quick", "-f", "json")

    subject = json.loads(ended.out)["subject"]
    assert subject["config"] == "my run/.hydra/config.yaml"
    assert subject["data"].endswith(".npz")
    assert "config: took my run/.hydra/config.yaml, of the run that the checkpoint lies in" in subject["remarks"]


def test_a_record_of_another_experiment_is_left(invoke: Invoke, own_run: Path) -> None:
    other = own_run / "checkpoints" / "generator_other.pt"
    shutil.copy(own_run / "checkpoints" / "generator_sick.pt", other)

    known = ["--set", "model.generator.target_len=24"]
    subject = json.loads(invoke("inspect", other, "--quick", "-f", "json", *known).out)["subject"]

    assert subject["config"] is None
    assert "config: left my run/.hydra/config.yaml, which is of sick; give --config" in subject["remarks"]


def test_a_config_gives_the_data_of_a_checkpoint(invoke: Invoke, own_run: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "x.pt"
    shutil.copy(own_run / "checkpoints" / "generator_sick.pt", elsewhere)

    for config in (own_run / ".hydra" / "config.yaml", own_run):
        subject = json.loads(invoke("inspect", elsewhere, "-c", config, "--quick", "-f", "json").out)["subject"]
        assert subject["data"].startswith("my run/data/")


def test_files_in_the_place_of_others_are_told_which_command_takes_them(invoke: Invoke, own_run: Path, tmp_path: Path) -> None:
    cache = next(own_run.glob("data/**/*.npz"))
    saved = tmp_path / "report.json"
    saved.write_text(json_report.render(collapsed()), encoding="utf-8")
    checkpoint, config = own_run / "checkpoints" / "generator_sick.pt", own_run / ".hydra" / "config.yaml"

    said = {
        invoke("inspect", cache): f"humouse-doctor inspect CHECKPOINT --data '{cache}'",
        invoke("inspect", config): f"humouse-doctor preflight '{config}'",
        invoke("preflight", checkpoint): f"humouse-doctor inspect '{checkpoint}'",
        invoke("preflight", cache): f"give it with --data '{cache}'",
        invoke("inspect", saved): f"humouse-doctor show {saved}",
        invoke("preflight", "-"): "save it as a file first",
    }

    for ended, right in said.items():
        assert ended.code == 2
        assert right in one_line(ended)


def test_sequences_without_real_ones_say_how_they_are_used_as_data(invoke: Invoke, own_run: Path) -> None:
    np.save("gestures.npy", np.random.default_rng(0).normal(size=(16, 24, 3)).astype(np.float32))

    ended = invoke("inspect", "gestures.npy")

    assert ended.code == 3
    assert "humouse-doctor inspect CHECKPOINT --data gestures.npy" in " ".join(ended.out.split())


def test_what_verify_writes_is_what_its_help_says(invoke: Invoke, own_run: Path) -> None:
    ended = invoke("verify", own_run / ".hydra" / "config.yaml", "-d", "x.npz", "-o", "sarif=out.sarif")

    assert ended.code == 2
    assert "FORMAT one of text, json, html (or a PATH with its suffix)" in one_line(ended)
    assert "<text|json|html>" in invoke("verify", "--help").out


def test_verify_misses_the_extra_of_its_page_before_it_trains(
    invoke: Invoke, own_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)

    ended = invoke("verify", own_run / ".hydra" / "config.yaml", "-d", "x.npz", "-o", "out.html")

    assert (ended.code, ended.out) == (2, "")
    assert "an HTML page needs jinja2: pip install 'humouse-doctor[html]'" in one_line(ended)


def test_show_takes_an_outcome(invoke: Invoke, tmp_path: Path) -> None:
    kept = tmp_path / "kept.json"
    kept.write_text(outcome.render(searched()), encoding="utf-8")

    shown = invoke("show", kept)

    assert shown.code == searched().exit_code()
    assert shown.out.startswith("CURED")
    assert invoke("show", kept, "-f", "json").out == kept.read_text(encoding="utf-8")
    assert "<h1>" in invoke("show", kept, "-f", "html").out
    assert "trials have no sarif format; use text, json or html" in one_line(invoke("show", kept, "-f", "sarif"))
    assert "not a report, but an outcome" in one_line(invoke("inspect", "x.pt", "--compare", kept))


def test_show_marks_the_remedies_that_trials_confirmed(
    invoke: Invoke, collapsed_run: Path, trials: Path, tmp_path: Path
) -> None:
    saved = tmp_path / "report.json"
    saved.write_text(invoke("inspect", collapsed_run, "--quick", "-f", "json").out, encoding="utf-8")

    report = json.loads(invoke("show", saved, "--outcome", trials, "-f", "json").out)

    assert "confirmed" in {remedy["status"] for remedy in report["remedies"]}
    assert "confirmed" not in {remedy["status"] for remedy in json.loads(saved.read_text())["remedies"]}


def test_show_reads_stdin(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    class Stdin:
        buffer = io.BytesIO(json_report.render(collapsed()).encode())

    monkeypatch.setattr(sys, "stdin", Stdin())

    assert invoke("show", "-").out.startswith("COLLAPSED  runs/generator_x.pt")


def test_suggest_config_takes_a_saved_report(invoke: Invoke, own_run: Path) -> None:
    report = invoke("inspect", own_run, "--quick", "-f", "json").out
    Path("report.json").write_text(report, encoding="utf-8")

    for emit in ("diff", "overrides", "yaml", "json"):
        assert (
            invoke("suggest-config", "report.json", "--emit", emit).out
            == invoke("suggest-config", own_run, "--quick", "--emit", emit).out
        )
    assert "need its run" in one_line(invoke("suggest-config", "report.json", "--write"))
    shutil.rmtree(own_run)
    assert "is not here, so no diff is made" in one_line(invoke("suggest-config", "report.json"))
    assert invoke("suggest-config", "report.json", "--emit", "overrides").code == 0


def test_a_saved_report_changes_no_key_that_is_not_the_trainers(invoke: Invoke, own_run: Path) -> None:
    report = json.loads(invoke("inspect", own_run, "--quick", "-f", "json").out)
    report["patch"][0]["key"] = "hydra.run.dir"
    Path("report.json").write_text(json.dumps(report), encoding="utf-8")

    assert "not a key of the training config" in one_line(invoke("suggest-config", "report.json"))


def test_a_patch_as_json_has_what_changes_in_the_code(invoke: Invoke, own_run: Path) -> None:
    found = json.loads(invoke("suggest-config", own_run, "--quick", "--emit", "json").out)

    assert {"remedy", "changes", "hint"} == set(found["code"][0])
    assert "normalised-positions" in {entry["remedy"] for entry in found["code"]}


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("5min", 300), ("90sec", 90), ("2 hours", 7200), ("1hour", 3600), ("10 minutes", 600), ("1.5h", 5400), (".5m", 30)],
)
def test_a_duration_is_taken_in_words(text: str, seconds: float) -> None:
    assert commands._seconds("--budget", text) == seconds


@pytest.mark.parametrize("text", ["5 parsecs", "min", "1e99", "0", "-1m", "5mm", "nan", ""])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="expected a duration"):
        commands._seconds("--budget", text)


def test_rehearse_takes_a_time_in_words() -> None:
    assert commands.with_time(["c.yaml", "--rehearse", "5min"]) == ["c.yaml", "--rehearse", "5min"]


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("out.html", "html"),
        ("out.JSON", "json"),
        ("a.md", "markdown"),
        ("a.sarif", "sarif"),
        ("a.xml", "junit"),
        ("a.txt", "text"),
    ],
)
def test_a_suffix_tells_the_format_of_a_file(tmp_path: Path, name: str, form: str) -> None:
    (written,) = destinations.outputs([str(tmp_path / name)], Format, ())

    assert written == destinations.Output(form=Format(form), path=tmp_path / name)


@pytest.mark.parametrize("given", ["out", "out.odt", "-", "no=out.html"])
def test_a_suffix_that_tells_no_format_is_refused(given: str) -> None:
    with pytest.raises(UsageError, match="expected FORMAT=PATH"):
        destinations.outputs([given], Format, ())
    with pytest.raises(UsageError, match="FORMAT one of text, json, html"):
        destinations.outputs(["out.sarif"], PlainFormat, ())


@pytest.mark.parametrize("asked", ["HD2O1", "hd2o1", "HD20I", "HDZ01"])
def test_letters_that_look_like_digits_are_read_as_digits(invoke: Invoke, asked: str) -> None:
    assert "did you mean HD201 (out-of-reach-targets)?" in one_line(invoke("explain", asked))
    assert "did you mean HD201?" in one_line(invoke("preflight", "x.yaml", "--select", asked))


@pytest.mark.parametrize(
    ("typed", "keys"),
    [
        ("lr", ["training.lr.generator"]),
        ("learning_rate", ["training.lr.generator"]),
        ("epochs", ["training.reconstruction_epochs"]),
        ("n_epochs", ["training.reconstruction_epochs"]),
        ("steps", ["training.reconstruction_epochs"]),
        ("batch_size", ["data.batch_size"]),
        ("batch", ["data.batch_size"]),
        ("hidden", ["model.generator.hidden_dim", "training.warmup_encoder_hidden_dim"]),
        ("data.batchsize", ["data.batch_size"]),
        ("reconstruction_epoch", ["training.reconstruction_epochs"]),
        ("nonsense", []),
    ],
)
def test_a_key_that_people_type_leads_to_the_trainers(typed: str, keys: list[str]) -> None:
    assert list(meant_by(typed)) == keys


def test_a_key_that_people_type_is_answered_in_one_line(invoke: Invoke, own_run: Path) -> None:
    ended = invoke("preflight", own_run, "--set", "rate=0.001")

    assert ended.code == 2
    assert one_line(ended).endswith("unknown key 'rate'; did you mean training.lr.generator?")


def test_a_patch_of_no_meaning_is_refused_before_any_trial(invoke: Invoke, own_run: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept.json"
    ended = invoke(
        "verify", own_run / ".hydra" / "config.yaml", "-d", next(own_run.glob("data/**/*.npz")), "--steps", 4, "--seeds", 1,
        "--workers", 1, "--patch", "nonsense", "--outcome", kept,
    )  # fmt: skip

    assert ended.code == 2
    assert not kept.exists()
    assert "seed 0" not in ended.err


def test_demo_keeps_its_run_and_what_it_advises_works(invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(demonstration, "SEQUENCES", 64)

    first = invoke("demo")
    again = invoke("demo", "-q")

    patch, page = first.out.splitlines()[-2:]
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8").partition("```text\n")[2].partition("```")[0]
    for shown in (first.out, readme):  # the README's demo has more sequences, so other numbers
        assert re.search(r"\ACOLLAPSED  humouse-doctor-demo/checkpoints/generator_demo.pt  \(confidence \w+\)\n", shown)
        assert "\nCauses, the likeliest first, by lines of humouse-doctor-demo/.hydra/config.yaml\n" in shown
        assert re.search(r"^  HD201 out-of-reach-targets +\d\.\d% of the loss is in reach +line 21$", shown, re.MULTILINE)
        assert "\n  model.generator.activation_xy: 'tanh' -> 'linear'\n" in shown
        heading = "Next, the patch as overrides  (all that was measured: --full)"
        assert shown.endswith(f"\n\n{heading}\n{patch}\n{page}\n")
    assert (first.code, first.err) == (1, "demo: keeps its run in humouse-doctor-demo\n")
    assert again.err == "demo: replaces the demo run in humouse-doctor-demo\n"
    assert patch == "humouse-doctor suggest-config humouse-doctor-demo --emit overrides"
    assert page == "humouse-doctor inspect humouse-doctor-demo --output report.html"
    assert len(first.out.splitlines()) <= 25
    assert "model.generator.activation_xy=linear\n" in pasted(invoke, patch).out
    assert pasted(invoke, page).err == "html report in report.html\n"
    assert Path("report.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def _terminal(width: int) -> Console:
    return Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None, legacy_windows=False)


def _shown(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", console.file.getvalue())


def test_the_bar_of_a_training_begins_without_a_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    console = _terminal(80)
    monkeypatch.setattr(bars, "Console", lambda **_: console)

    with bars.Bar(4, "training demo") as tick:
        tick(4, 1.25)

    assert "nan" not in _shown(console)
    assert "starting" in _shown(console)
    assert "loss 1.25" in _shown(console)


def test_no_name_of_a_running_trial_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    console = _terminal(80)
    monkeypatch.setattr(bars, "Console", lambda **_: console)
    arm = Arm(title="normalised-positions + slow-gates + longer-warm-up-28x + undistorted-latent")
    job = Job(arm=arm, seed=2, steps=400)

    with bars.Trials(600.0) as shown:
        shown.started(job)
        shown.moved(job, Pulse(step=40, loss=0.5, best_constant=1.0, motionless=1.0))

    drawn = _shown(console)
    assert "..." not in drawn
    assert "…" not in drawn
    assert "left" in drawn
    assert all(part in drawn for part in ("undistorted-lat", "step 40 of 400"))
    assert max(map(len, drawn.splitlines())) <= 80


def test_a_log_gets_a_line_of_progress_every_some_seconds(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    say = printing.Spoken()

    for passed, text in ((0.0, "at once"), (1.0, "soon"), (4.0, "late"), (1.0, "soon again"), (9.0, "later")):
        clock[0] += passed
        say(text)

    assert capsys.readouterr().err == "... late\n... later\n"


def test_a_gate_tells_the_message_of_its_first_cause(invoke: Invoke, own_run: Path) -> None:
    shown = " ".join(invoke("gate", own_run, "--quick").out.split())

    assert "error HD201 out-of-reach-targets 9" in shown
    assert shown.count("of the loss is reachable, whatever the training does") == 1


def test_of_a_report_without_a_config_what_would_change_in_one_is_named(invoke: Invoke, tmp_path: Path) -> None:
    report = collapsed()
    titled = Remedy(id="longer", title="Warm up 10 times as long", why="it has not settled")
    report = replace(
        report,
        subject=replace(report.subject, config=None),
        remedies=(*report.remedies, titled),
        chosen=("longer",),
        patch=(),
        diff="",
    )
    (tmp_path / "bare.json").write_text(json_report.render(report), encoding="utf-8")

    ended = invoke("suggest-config", tmp_path / "bare.json")

    assert ended.out == ""
    assert "in the config, which was not given: Warm up 10 times as long" in ended.err.splitlines()
    assert "no config key to change" not in ended.err


def test_from_the_diagnosis_to_the_cure_every_command_is_pasted(
    invoke: Invoke, own_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A search is printed where a patch is, keeps its trials in a file of its own, and what comes after it reads that file."""
    full = " ".join(invoke("inspect", own_run, "--quick", "--full").out.split())
    noted = invoke("suggest-config", own_run, "--quick").err.splitlines()[-1]
    printed = noted.rpartition("cure: ")[2]
    search = shlex.split(printed)
    other = invoke("suggest-config", own_run, "--quick", "--set", "training.lr.generator=0.5").err.splitlines()[-1]

    assert "--set training.lr.generator=0.5 --search" in other  # or it would be the search of another run
    assert f"tried in short trainings: {printed}" in full
    assert search[1:4] == ["verify", "my run/.hydra/config.yaml", "--data"]
    assert search[5:] == ["--search", "--budget", "10m", "--outcome", "my-run-trials.json"]

    monkeypatch.setattr(verification, "verify", _cures)
    cured = invoke(*search[1:])
    shown = invoke("show", "my-run-trials.json")

    last = (
        f"humouse-doctor suggest-config --config 'my run/.hydra/config.yaml' --data '{search[4]}'"
        " --outcome my-run-trials.json --emit overrides"
    )
    assert cured.out.splitlines()[-1] == shown.out.splitlines()[-1] == last
    assert "by trials, normalised-positions + slow-gates: cured" in pasted(invoke, last).err
    shutil.rmtree(own_run)
    assert invoke("show", "my-run-trials.json").out.splitlines()[-1] == "humouse-doctor show my-run-trials.json --full"


def test_verify_writes_a_page_where_its_help_says_so(invoke: Invoke, own_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification, "verify", _cures)
    data = next(own_run.glob("data/**/*.npz"))

    ended = invoke(
        "verify",
        own_run / ".hydra" / "config.yaml",
        "-d",
        data,
        "-q",
        "--outcome",
        "o.json",
        "-o",
        "html=a.out",
        "-o",
        "b.html",
    )

    assert ended.code == 0
    assert Path("a.out").read_bytes() == Path("b.html").read_bytes()
    assert Path("b.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_json_states_the_next_command_and_the_changes_of_the_code(invoke: Invoke, own_run: Path) -> None:
    found = json.loads(invoke("inspect", own_run, "--quick", "-f", "json").out)

    assert found["next"] == ["humouse-doctor suggest-config 'my run' --emit overrides"]
    changes = {remedy["id"]: remedy["code_changes"] for remedy in found["remedies"]}
    assert changes["normalised-positions"] == ["normalised-positions"]
    assert all(remedy["code_hint"] for remedy in found["remedies"] if remedy["code_changes"])


def _cures(request: verification.VerifyRequest, *_: object) -> verification.VerifyResult:
    """Store trials that cure the run of `request`, without training one."""
    assert request.outcome is not None
    values = config_values(reader.read(request.config).settings)
    found = replace(searched(), config=str(request.config), data=str(request.data), checkpoint=None, config_values=values)
    request.outcome.write_text(outcome.render(found), encoding="utf-8")
    return verification.VerifyResult(outcome=found, report=collapsed())


def test_what_is_not_there_or_no_config_is_named_with_what_to_give(invoke: Invoke, own_run: Path) -> None:
    shutil.copy(own_run / "checkpoints" / "generator_sick.pt", "alone.pt")

    gone, alone, folder = (
        invoke("suggest-config", "nonsuch"),
        invoke("suggest-config", "alone.pt"),
        invoke("verify", own_run, "-d", "x.npz"),
    )

    assert (gone.code, alone.code, folder.code) == (3, 2, 2)
    assert one_line(gone).endswith(
        "nonsuch: no such file or folder; give a run's folder, a checkpoint, or a saved report (.json)"
    )
    assert "alone.pt: no run has left its config around it; suggest-config needs a config to change" in one_line(alone)
    assert one_line(folder).endswith("my run: a folder, where verify takes its config: my run/.hydra/config.yaml")
