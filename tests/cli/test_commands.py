from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import typer

from humouse_doctor.cli import commands
from humouse_doctor.cli import output as printing
from humouse_doctor.core.outcome import Trial
from humouse_doctor.inputs.config import reader
from humouse_doctor.probes import registry
from humouse_doctor.probes.spread_ratio import SpreadRatio
from humouse_doctor.stored import outcome
from humouse_doctor.stored.report import parse
from humouse_doctor.verify.bench import Bench, Job
from humouse_doctor.verify.marks import config_values
from tests.conftest import Ended, no_bar
from tests.verify.builders import searched
from tests.verify.runs import write_config, write_data

pytestmark = pytest.mark.usefixtures("few_fits")
Invoke = Callable[..., Ended]

CONTRACT = {
    "schema_version", "tool_version", "verdict", "confidence", "subject", "causes", "findings", "probes", "remedies",
}  # fmt: skip


def parts(run: Path) -> list[str]:
    """Return the run's checkpoint, config and data as command-line arguments."""
    return [
        str(next(run.glob("checkpoints/*.pt"))),
        "--config",
        str(run / ".hydra" / "config.yaml"),
        "--data",
        str(next(run.glob("data/**/*.npz"))),
    ]


def one_line(ended: Ended) -> str:
    lines = ended.err.strip().splitlines()
    assert len(lines) == 1, ended.err
    assert ended.out == ""
    assert "Traceback" not in lines[0]
    return lines[0]


def test_the_first_line_of_a_report_is_the_answer(invoke: Invoke, collapsed_run: Path) -> None:
    ended = invoke("inspect", *parts(collapsed_run))

    assert ended.code == 1
    assert len(ended.out.splitlines()) <= 25
    assert re.match(r"COLLAPSED  .*generator_sick\.pt  \(confidence (high|medium)\)\n", ended.out)
    assert "HD201 out-of-reach-targets" in ended.out
    assert "\x1b" not in ended.out
    assert max(len(line) for line in ended.out.splitlines()[:-1]) <= 80  # but for the command, which is never broken


def test_a_run_folder_is_enough_and_says_what_was_taken(invoke: Invoke, collapsed_run: Path) -> None:
    ended = invoke("inspect", collapsed_run, "--format", "json")

    report = json.loads(ended.out)
    assert ended.code == 1
    assert report["verdict"] == "collapsed"
    assert report["causes"][0]["code"] == "HD201"
    taken = " ".join(report["subject"]["remarks"])
    assert all(part in taken for part in ("config: took", "checkpoint: took", "data: took"))


def test_the_json_report_keeps_its_contract(invoke: Invoke, collapsed_run: Path) -> None:
    report = json.loads(invoke("inspect", *parts(collapsed_run), "-f", "json").out)

    assert set(report) >= CONTRACT
    assert set(report["causes"][0]) >= {"code", "name", "support", "message"}
    assert set(report["findings"][0]) >= {"code", "kind", "severity", "message", "evidence", "location", "remedies"}
    assert set(report["findings"][0]["location"]) >= {"file", "line", "key"}
    assert set(report["probes"][0]) >= {"code", "status", "measurements", "reason"}
    assert set(report["remedies"][0]) >= {"id", "title", "safety", "status", "patch", "code_hint"}
    assert all(remedy["status"] in ("unverified", "refused") for remedy in report["remedies"])
    edit = next(remedy for remedy in report["remedies"] if remedy["patch"])["patch"][0]
    assert set(edit) >= {"key", "old", "new"}


def test_the_same_input_gives_the_same_bytes(invoke: Invoke, collapsed_run: Path) -> None:
    first = invoke("inspect", *parts(collapsed_run), "-f", "json").out
    second = invoke("inspect", *parts(collapsed_run), "-f", "json").out

    assert first == second


@pytest.mark.whole_fits
def test_a_healthy_run_ends_with_zero(invoke: Invoke, healthy_run: Path) -> None:
    ended = invoke("inspect", healthy_run)

    assert ended.code == 0, ended.out
    assert ended.out.startswith("HEALTHY")


@pytest.mark.parametrize("command", [["inspect"], ["suggest-config"]])
def test_a_refused_checkpoint_is_read_where_salvage_is_asked_for(
    invoke: Invoke, collapsed_run: Path, tmp_path: Path, command: list[str]
) -> None:
    weights, *others = parts(collapsed_run)
    torch.save({"generator": torch.load(weights, weights_only=True), "where": Path("a")}, tmp_path / "a.pt")
    refused = invoke(*command, tmp_path / "a.pt", *others, "--quick")
    assert refused.code == 3
    assert "it refers to pathlib." in one_line(refused)

    ended = invoke(*command, tmp_path / "a.pt", *others, "--quick", "--salvage")

    assert ended.code in (0, 1)
    assert ended.out
    if command == ["inspect"]:
        assert "HD008" in ended.out


def _but_its_command(shown: str) -> str:
    """Return a report's text without the command that prints its patch."""
    return re.sub(r"  as (?:a diff, of the code too|overrides:).*?\n\n", "", shown, flags=re.DOTALL)


def test_a_saved_report_is_shown_again(invoke: Invoke, collapsed_run: Path, tmp_path: Path) -> None:
    saved = tmp_path / "report.json"
    written = invoke("inspect", *parts(collapsed_run), "--full", "-o", f"json={saved}")

    shown = invoke("show", saved, "--full")

    assert (written.code, written.err) == (shown.code, f"json report in {saved}\n") == (1, f"json report in {saved}\n")
    assert (_but_its_command(written.out), shown.err) == (_but_its_command(shown.out), "")
    command = f"suggest-config {collapsed_run}"
    assert command in " ".join(written.out.split())
    assert command not in " ".join(shown.out.split())  # no report that is read back hands over a command
    again, own = json.loads(invoke("show", saved, "-f", "json").out), json.loads(saved.read_text())
    assert [line.split()[:2] for line in own["next"]] == [["humouse-doctor", "suggest-config"]]
    assert again == own | {"next": [f"humouse-doctor show {saved} --full"]}


@pytest.mark.parametrize(("level", "code"), [("error", 1), ("warning", 1), ("note", 1), ("never", 0)])
def test_fail_on_decides_the_exit_code(invoke: Invoke, collapsed_run: Path, level: str, code: int) -> None:
    assert invoke("inspect", *parts(collapsed_run), "--quick", "--fail-on", level).code == code


def test_selected_probes_alone_give_no_verdict_of_healthy(invoke: Invoke, healthy_run: Path) -> None:
    ended = invoke("inspect", healthy_run, "--select", "HD102", "--select", "HD108", "-f", "json")

    report = json.loads(ended.out)
    assert [probe["code"] for probe in report["probes"]] == ["HD102", "HD108"]
    assert (report["verdict"], ended.code) == ("undetermined", 3)


def test_ignored_probes_are_left_out(invoke: Invoke, collapsed_run: Path) -> None:
    report = json.loads(invoke("inspect", *parts(collapsed_run), "--ignore", "HD2", "-f", "json").out)

    assert all(probe["code"].startswith("HD1") for probe in report["probes"])


def without_data(run: Path, folder: Path) -> tuple[Path, Path]:
    """Copy a run's checkpoint and config to where neither leads to its data; return both."""
    checkpoint, _, config, *_ = parts(run)
    shutil.copy(checkpoint, folder)
    shutil.copy(config, folder)
    return folder / Path(checkpoint).name, folder / "config.yaml"


def test_without_data_the_verdict_says_that_little_is_known(invoke: Invoke, collapsed_run: Path, tmp_path: Path) -> None:
    checkpoint, config = without_data(collapsed_run, tmp_path)
    ended = invoke("inspect", checkpoint, "--config", config)

    assert ended.out.startswith("AT-RISK")
    assert "(confidence low)" in ended.out
    assert "Symptoms could not be measured: no data given; add --data." in " ".join(ended.out.split())
    assert ended.code == 1


def test_with_nothing_measurable_the_code_is_3(invoke: Invoke, healthy_run: Path, tmp_path: Path) -> None:
    checkpoint, config = without_data(healthy_run, tmp_path)
    ended = invoke("inspect", checkpoint, "--config", config)

    assert ended.out.startswith("UNDETERMINED")
    assert "add --data" in ended.out
    assert ended.code == 3


def test_without_a_config_the_space_is_asked_for(invoke: Invoke, collapsed_run: Path, tmp_path: Path) -> None:
    checkpoint, *_, data = *without_data(collapsed_run, tmp_path)[:1], parts(collapsed_run)[-1]

    bare = invoke("inspect", checkpoint, "--data", data)
    told = invoke("inspect", checkpoint, "--data", data, "--set", "training.absolute_coordinates=true", "--set",
                  "data.normalize_sequences=false", "-v")  # fmt: skip
    head = invoke("inspect", checkpoint, "--data", data, "--set", "training.absolute_coordinates=true", "--set",
                  "data.normalize_sequences=false", "--set", "model.generator.activation_xy=tanh")  # fmt: skip

    assert bare.out.startswith("AT-RISK")
    assert "--set training.absolute_coordinates=true" in " ".join(bare.out.split())
    assert told.out.startswith("AT-RISK")
    assert "--set model.generator.activation_xy=tanh (or linear)" in " ".join(told.out.split())
    assert head.code == 1
    assert head.out.startswith("COLLAPSED")
    assert "inferred" in " ".join(told.out.split())


def test_preflight_needs_no_checkpoint(invoke: Invoke, collapsed_run: Path) -> None:
    _, _, config, _, data = parts(collapsed_run)
    ended = invoke("preflight", config, "--data", data, "-f", "json")

    report = json.loads(ended.out)
    measured = {probe["code"]: probe["measurements"] for probe in report["probes"]}
    assert (report["verdict"], ended.code) == ("at-risk", 1)
    assert report["causes"][0]["code"] == "HD201"
    assert measured["HD201"]["reachable_loss_share"] < 0.05
    assert measured["HD202"]["steps_needed"] > measured["HD202"]["steps_available"] == 4


def test_preflight_without_data_can_still_name_the_latent(invoke: Invoke, collapsed_run: Path) -> None:
    _, _, config, *_ = parts(collapsed_run)
    report = json.loads(invoke("preflight", config, "-f", "json").out)

    assert report["verdict"] == "at-risk"
    assert "HD204" in {cause["code"] for cause in report["causes"]}
    assert "HD201" not in {cause["code"] for cause in report["causes"]}


def test_an_override_changes_this_look_only(invoke: Invoke, collapsed_run: Path) -> None:
    _, _, config, _, data = parts(collapsed_run)
    before = Path(config).read_bytes()

    ended = invoke("preflight", config, "-d", data, "--set", "model.generator.activation_xy=linear", "-f", "json")

    assert json.loads(ended.out)["causes"][0]["code"] == "HD202"
    assert Path(config).read_bytes() == before


def test_a_suggested_diff_applies_and_changes_the_values(invoke: Invoke, collapsed_run: Path, tmp_path: Path,
                                                         monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    run = tmp_path / "run"
    shutil.copytree(collapsed_run, run)
    monkeypatch.chdir(run)

    ended = invoke("suggest-config", ".", "--emit", "diff")
    subprocess.run(["git", "init", "-q"], check=True)
    subprocess.run(["git", "apply", "-"], input=ended.out, text=True, check=True)

    changed = (run / ".hydra" / "config.yaml").read_text()
    assert ended.code == 0
    assert "activation_xy: linear" in changed
    assert "warmup_latent_normalize: false" in changed
    assert "in the code" in ended.err
    assert "not proposed" in ended.err


def test_a_patch_comes_as_overrides_yaml_and_json(invoke: Invoke, collapsed_run: Path) -> None:
    overrides = invoke("suggest-config", collapsed_run, "--emit", "overrides").out.splitlines()
    yaml_text = invoke("suggest-config", collapsed_run, "--emit", "yaml").out
    edits = json.loads(invoke("suggest-config", collapsed_run, "--emit", "json").out)

    assert "experiment.model.generator.activation_xy=linear" in overrides
    assert "++experiment.training.warmup_latent_normalize=false" in overrides
    assert yaml_text.startswith("experiment:\n")
    assert {edit["key"] for edit in edits["patch"]} == {
        "model.generator.activation_xy",
        "training.reconstruction_epochs",
        "training.warmup_latent_normalize",
    }


def test_write_changes_the_config_and_keeps_a_backup(invoke: Invoke, collapsed_run: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(collapsed_run, run)
    config = run / ".hydra" / "config.yaml"
    before = config.read_text()

    refused = invoke("suggest-config", run, "--write", "--emit", "overrides")
    assert (refused.code, config.read_text()) == (2, before)
    assert "the record of a finished run, which no later training reads; patch the config that the next" in refused.err

    ended = invoke("suggest-config", run, "--write", "--emit", "overrides", "--force")

    assert ended.code == 0
    assert "activation_xy: linear" in config.read_text()
    assert [path.read_text() for path in config.parent.glob("config.yaml.*.bak")] == [before]
    assert "its old content is in" in ended.err


def test_nothing_to_suggest_is_said(invoke: Invoke, healthy_run: Path) -> None:
    ended = invoke("suggest-config", healthy_run)

    assert (ended.code, ended.out) == (0, "")
    assert "no config key to change" in ended.err


def test_suggest_config_asks_for_a_config(invoke: Invoke, collapsed_run: Path, tmp_path: Path) -> None:
    checkpoint, *_, data = *without_data(collapsed_run, tmp_path)[:1], parts(collapsed_run)[-1]
    ended = invoke("suggest-config", checkpoint, "-d", data)

    assert ended.code == 2
    assert "--config" in one_line(ended)


def test_a_missing_config_is_told_before_anything_is_read(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "no.pt").write_bytes(b"no checkpoint")

    ended = invoke("suggest-config", tmp_path / "no.pt")

    assert ended.code == 2
    assert "needs a config" in one_line(ended)


def test_a_run_folder_without_a_config_has_nothing_to_change(invoke: Invoke, collapsed_run: Path, tmp_path: Path) -> None:
    shutil.copytree(collapsed_run, tmp_path / "run", ignore=shutil.ignore_patterns(".hydra"))
    ended = invoke("suggest-config", tmp_path / "run", "--set", "model.generator.target_len=24", "--quick")

    assert ended.code == 2
    assert "needs a config" in one_line(ended)


def test_only_the_hints_of_the_remedies_in_the_patch_are_printed(invoke: Invoke, collapsed_run: Path) -> None:
    report = parse(invoke("inspect", collapsed_run, "-f", "json").out, "report")
    ended = invoke("suggest-config", collapsed_run)

    hinted = {remedy.title for remedy in report.remedies if f"in the code: {remedy.title}. " in ended.err}
    assert hinted == {remedy.title for remedy in report.chosen_remedies if remedy.code_hint is not None}
    assert hinted < {remedy.title for remedy in report.remedies if remedy.code_hint is not None}


def test_demo_leaves_another_run_alone(invoke: Invoke, tmp_path: Path) -> None:
    config = tmp_path / ".hydra" / "config.yaml"
    config.parent.mkdir()
    config.write_text("experiment: {}\n")

    ended = invoke("demo", tmp_path)

    assert ended.code == 3
    assert "config.yaml: a run that is not the demo's is here" in one_line(ended)
    assert config.read_text() == "experiment: {}\n"
    assert list(tmp_path.iterdir()) == [config.parent]


def test_a_config_demo_cannot_read_is_left_alone(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / ".hydra" / "config.yaml").mkdir(parents=True)

    ended = invoke("demo", tmp_path)

    assert ended.code == 3
    assert "config.yaml: cannot read" in one_line(ended)


def test_explain_prints_a_page_and_knows_the_nearest_code(invoke: Invoke) -> None:
    assert invoke("explain", "hd201").out.startswith("# HD201 out-of-reach-targets")
    assert invoke("explain", "HD004").out.startswith("# HD004")
    wrong = invoke("explain", "HD299")
    assert wrong.code == 2
    assert "did you mean HD219 (distorted-condition)?" in one_line(wrong)


def test_explain_takes_a_name(invoke: Invoke) -> None:
    assert invoke("explain", "Repeated-Latent").out == invoke("explain", "HD203").out


def test_explain_lays_the_page_out_on_a_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")

    printing.write_page("# HD203 repeated-latent\n\nSee `settled_at`.\n")

    shown = capsys.readouterr().out
    assert "HD203 repeated-latent" in shown
    assert "#" not in shown
    assert "`" not in shown


def test_explain_does_without_rich_where_stdout_is_no_terminal() -> None:
    code = "import sys; from humouse_doctor.cli.main import run; run(); sys.exit('rich' in sys.modules)"
    ended = subprocess.run([sys.executable, "-c", code, "explain", "HD203"], capture_output=True, text=True, check=False)
    assert ended.stdout.startswith("# HD203 repeated-latent\n")
    assert ended.returncode == 0


def test_probes_lists_every_probe(invoke: Invoke) -> None:
    listed = invoke("probes").out.splitlines()

    assert {line.split()[0] for line in listed} >= {probe.code for probe in registry.PROBES}


@pytest.mark.whole_fits
def test_demo_trains_a_collapse_and_finds_it(invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from humouse_doctor.training import demonstration

    monkeypatch.setattr(demonstration, "SEQUENCES", 64)

    demonstration.train_demo(tmp_path / "run", 1, no_bar)
    ended = invoke("demo", tmp_path / "run")  # its own run is written anew

    assert ended.code == 1
    assert ended.out.startswith("COLLAPSED")
    assert (tmp_path / "run" / "checkpoints" / "generator_demo.pt").is_file()


BROKEN = {
    "missing checkpoint": (["inspect", "gone.pt"], 3, "gone.pt"),
    "empty folder": (["inspect", "."], 3, "no generator checkpoint"),
    "missing config": (["preflight", "gone.yaml"], 2, "gone.yaml"),
    "missing data": (["preflight", "good.yaml", "--data", "gone.npz"], 3, "gone.npz"),
    "not yaml": (["preflight", "bad.yaml"], 2, "bad.yaml:2"),
    "no config at all": (["preflight", "other.yaml"], 2, "none of the sections"),
    "unknown key": (["preflight", "good.yaml", "--set", "data.batchsize=3"], 2, "did you mean data.batch_size?"),
    "wrong override": (["preflight", "good.yaml", "--set", "data.batch_size=many"], 2, "a whole number"),
    "no value": (["preflight", "good.yaml", "--set", "data.batch_size"], 2, "key=value"),
    "unknown probe": (["preflight", "good.yaml", "--select", "HD9"], 2, "HD9"),
    "unknown option": (["inspect", "x.pt", "--nonsense"], 2, "--nonsense"),
    "unknown command": (["inspekt"], 2, "inspekt"),
    "unknown format": (["preflight", "good.yaml", "-f", "xml"], 2, "xml"),
    "not a report": (["show", "good.yaml"], 3, "not a report"),
    "no report": (["show", "gone.json"], 3, "gone.json"),
    "newer report": (["show", "newer.json"], 3, "schema"),
    "factory without colon": (["inspect", "tensor.pt", "--model", "nonsense"], 2, "package.module:factory"),
    "bare tensor": (["inspect", "tensor.pt"], 3, "bare tensor"),
    "text as data": (["preflight", "good.yaml", "-d", "good.yaml"], 3, "neither a .npz nor a .npy"),
    "output folder missing": (["preflight", "good.yaml", "-o", "text=no/where.txt"], 3, "nothing was changed"),
    "output without a format": (["preflight", "good.yaml", "-o", "x.odt"], 2, "expected FORMAT=PATH"),
    "output of no format": (["preflight", "good.yaml", "-o", "xml=x.xml"], 2, "FORMAT one of text, json, sarif"),
    "output twice": (["preflight", "good.yaml", "-o", "text=x", "-o", "json=./x"], 2, "twice"),
    "output to stdout": (["preflight", "good.yaml", "-o", "json=-"], 2, "for stdout use --format json"),
    "nothing to compare with": (["preflight", "good.yaml", "--compare", "gone.json"], 3, "gone.json"),
    "compare with no report": (["preflight", "good.yaml", "--compare", "good.yaml"], 3, "not a report"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_bad_input_ends_in_one_line_and_its_exit_code(
    invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("good.yaml").write_text("training: {lr: {generator: 1e-4}, betas: [0.5, 0.9], reconstruction_epochs: 3}\n")
    Path("bad.yaml").write_text("a: [1, 2\n")
    Path("other.yaml").write_text("name: something else\n")
    Path("newer.json").write_text('{"schema_version": "9.0"}')
    torch.save(torch.zeros(3, 4), "tensor.pt")
    Path("good.yaml").touch()
    if name == "empty folder":
        Path("bad.yaml").unlink()
        Path("other.yaml").unlink()
    arguments, code, fragment = BROKEN[name]

    ended = invoke(*arguments)

    assert ended.code == code, ended
    assert fragment in one_line(ended)


def test_a_crashing_probe_is_an_internal_error(invoke: Invoke, collapsed_run: Path,
                                               monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    def crash(self: SpreadRatio, case: object) -> dict[str, float]:
        raise ZeroDivisionError("on purpose")

    monkeypatch.setattr(SpreadRatio, "measure", crash)

    ended = invoke("inspect", *parts(collapsed_run), "-f", "json")

    report = json.loads(ended.out)
    assert ended.code == 4
    assert any(finding["code"] == "HD003" and "on purpose" in finding["message"] for finding in report["findings"])


def test_the_tools_own_mistake_is_said_in_one_line(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    from humouse_doctor.probes import pages

    def crash() -> str:
        raise ZeroDivisionError("on purpose")

    monkeypatch.setattr(pages, "listing", crash)

    ended = invoke("probes")

    assert ended.code == 4
    assert "internal error" in one_line(ended)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), typer.Abort()])
def test_an_interruption_is_no_finding(invoke: Invoke, monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    from humouse_doctor.probes import pages

    def interrupt() -> str:
        raise error

    monkeypatch.setattr(pages, "listing", interrupt)

    assert invoke("probes").code == 130


def test_a_closed_pipe_is_silent(collapsed_run: Path) -> None:
    command = f"{sys.executable} -m humouse_doctor explain HD201 | true; exit ${{PIPESTATUS[0]}}"

    ended = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)

    assert (ended.returncode, ended.stderr) == (0, "")


def test_python_dash_m_runs_the_same_program() -> None:
    ended = subprocess.run([sys.executable, "-m", "humouse_doctor", "probes"], capture_output=True, text=True, check=False)

    assert ended.returncode == 0
    assert "HD201" in ended.stdout


@pytest.mark.parametrize(
    ("environment", "coloured"),
    [({}, False), ({"FORCE_COLOR": "1"}, True), ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
     ({"FORCE_COLOR": "1", "TERM": "dumb"}, False), ({"FORCE_COLOR": "1", "NO_COLOR": ""}, True)],
)  # fmt: skip
def test_colours_follow_the_conventions(environment: dict[str, str], coloured: bool) -> None:
    plain = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "FORCE_COLOR")}
    config = Path(__file__).parents[2] / "examples" / "healthy-slow-gates" / "config.yaml"

    ended = subprocess.run(
        [sys.executable, "-m", "humouse_doctor", "preflight", str(config)],
        capture_output=True,
        text=True,
        env={**plain, "TERM": "xterm", **environment},
        check=False,
    )

    assert ("\x1b[" in ended.stdout) == coloured


def test_a_wide_terminal_is_used_and_a_file_is_80_columns(
    invoke: Invoke, collapsed_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    wide = invoke("inspect", *parts(collapsed_run), "--quick", "--full").out
    monkeypatch.delenv("COLUMNS")
    invoke("inspect", *parts(collapsed_run), "--quick", "-o", f"text={tmp_path / 'report.txt'}")

    assert 80 < max(len(line) for line in wide.splitlines()) <= 100
    assert max(len(line) for line in (tmp_path / "report.txt").read_text().splitlines()) <= 80


def test_hostile_names_reach_the_terminal_as_harmless_text(invoke: Invoke, tmp_path: Path) -> None:
    folder = tmp_path / "a\x1b[31m[red]b"
    folder.mkdir()

    ended = invoke("inspect", folder / "gone.pt")

    assert "\x1b" not in ended.err
    assert "[red]" in one_line(ended)


def test_data_of_another_length_is_a_finding(invoke: Invoke, collapsed_run: Path, tmp_path: Path) -> None:
    checkpoint, _, config, _, data = parts(collapsed_run)
    longer = np.repeat(np.load(data)["sequences"], 2, axis=1)
    np.savez(tmp_path / "longer.npz", sequences=longer)

    report = json.loads(invoke("inspect", checkpoint, "-c", config, "-d", tmp_path / "longer.npz", "-f", "json").out)

    found = next(finding for finding in report["findings"] if finding["code"] == "HD006")
    assert "48" in found["message"]
    assert "24" in found["message"]
    assert report["verdict"] == "collapsed"


def test_weights_and_config_that_disagree_are_a_finding_with_both_values(
    invoke: Invoke, collapsed_run: Path, tmp_path: Path
) -> None:
    checkpoint, _, config, _, data = parts(collapsed_run)
    other = tmp_path / "other.yaml"
    other.write_text(Path(config).read_text().replace("hidden_dim: 32", "hidden_dim: 99"))

    report = json.loads(invoke("inspect", checkpoint, "-c", other, "-d", data, "-f", "json").out)

    found = next(finding for finding in report["findings"] if finding["code"] == "HD004")
    assert "32" in found["message"]
    assert "99" in found["message"]
    assert found["location"]["line"] is not None


def test_a_wrong_value_in_the_config_is_a_finding_at_its_line(invoke: Invoke, collapsed_run: Path, tmp_path: Path) -> None:
    _, _, config, _, data = parts(collapsed_run)
    other = tmp_path / "other.yaml"
    other.write_text(Path(config).read_text().replace("activation_xy: tanh", "activation_xy: relu"))

    report = json.loads(invoke("preflight", other, "-d", data, "-f", "json").out)

    found = next(finding for finding in report["findings"] if finding["code"] == "HD002")
    assert "accepted values: tanh, sigmoid" in found["message"]
    assert other.read_text().splitlines()[found["location"]["line"] - 1].strip() == "activation_xy: relu"


def test_an_override_for_this_look_does_not_spoil_the_patch(invoke: Invoke, collapsed_run: Path) -> None:
    ended = invoke("suggest-config", collapsed_run, "--set", "model.generator.activation_xy=sigmoid", "--quick")
    kept = invoke("suggest-config", collapsed_run, "--set", "training.warmup_latent_normalize=false", "--quick")

    assert ended.code == 0
    assert "-      activation_xy: tanh\n+      activation_xy: linear" in ended.out
    assert "+    warmup_latent_normalize: false" in kept.out


def test_a_value_the_trainer_refuses_is_replaced_by_the_patch(invoke: Invoke, collapsed_run: Path, tmp_path: Path) -> None:
    _, _, config, _, data = parts(collapsed_run)
    other = tmp_path / "other.yaml"
    other.write_text(Path(config).read_text().replace("activation_xy: tanh", "activation_xy: relu"))

    ended = invoke("suggest-config", "-c", other, "-d", data)

    assert ended.code == 0
    assert "-      activation_xy: relu\n+      activation_xy: linear" in ended.out


def test_nan_weights_are_the_headline(invoke: Invoke, collapsed_run: Path, tmp_path: Path) -> None:
    checkpoint, *rest = parts(collapsed_run)
    state = torch.load(checkpoint, weights_only=True)
    state["output.weight"][0, :3] = float("nan")
    torch.save(state, tmp_path / "broken.pt")

    ended = invoke("inspect", tmp_path / "broken.pt", *rest)

    assert ended.code == 1
    assert ended.out.startswith("COLLAPSED")
    assert ended.out.splitlines()[1].startswith("3 of ")


def test_the_tools_own_findings_can_be_ignored(invoke: Invoke, collapsed_run: Path, tmp_path: Path) -> None:
    _, _, config, _, data = parts(collapsed_run)
    other = tmp_path / "other.yaml"
    other.write_text(Path(config).read_text().replace("epochs: 2", "epochs: two"))

    with_it = json.loads(invoke("preflight", other, "-d", data, "-f", "json").out)
    without = json.loads(invoke("preflight", other, "-d", data, "-f", "json", "--ignore", "HD002").out)

    assert "HD002" in {finding["code"] for finding in with_it["findings"]}
    assert "HD002" not in {finding["code"] for finding in without["findings"]}


def test_the_version_is_printed(invoke: Invoke) -> None:
    from humouse_doctor import __version__

    assert invoke("--version") == Ended(0, f"humouse-doctor {__version__}\n", "")


def test_an_output_never_takes_the_place_of_an_input(invoke: Invoke, collapsed_run: Path) -> None:
    checkpoint, _, config, _, data = parts(collapsed_run)
    before = [Path(path).read_bytes() for path in (checkpoint, config, data)]

    for target in (checkpoint, config, data):
        ended = invoke("inspect", checkpoint, "-c", config, "-d", data, "-o", f"text={target}")
        assert ended.code == 2
        assert "would overwrite an input" in one_line(ended)
    assert [Path(path).read_bytes() for path in (checkpoint, config, data)] == before


def test_an_empty_path_is_refused(invoke: Invoke) -> None:
    ended = invoke("inspect", "")

    assert ended.code == 2
    assert "an empty path" in one_line(ended)


def test_a_pipe_is_written_to_and_stays_one(invoke: Invoke, collapsed_run: Path, tmp_path: Path) -> None:
    _, _, config, *_ = parts(collapsed_run)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE, text=True)

    ended = invoke("preflight", config, "-f", "json", "-o", f"text={pipe}")
    text, _ = reader.communicate(timeout=300)

    assert ended.code == 1
    assert text.startswith("AT-RISK")
    assert pipe.is_fifo()
    assert invoke("preflight", config, "-o", "text=/dev/full").code == 3


def test_a_full_stdout_is_no_internal_error() -> None:
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "humouse_doctor", "probes"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )

    assert ended.returncode == 3
    assert ended.stderr.count("\n") == 1


def test_what_a_factory_prints_stays_out_of_the_report(
    invoke: Invoke, collapsed_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "talkative.py").write_text("print('hello')\n\ndef build():\n    raise ValueError('not today')\n")
    monkeypatch.chdir(tmp_path)

    ended = invoke("inspect", *parts(collapsed_run), "--model", "talkative:build")

    assert (ended.code, ended.out) == (2, "")
    assert "not today" in ended.err


def test_verify_says_what_its_trials_show_and_keeps_them(invoke: Invoke, tmp_path: Path) -> None:
    config, data, kept = write_config(tmp_path), write_data(tmp_path), tmp_path / "kept.json"
    asked = (
        "verify",
        config,
        "-d",
        data,
        "--steps",
        8,
        "--seeds",
        1,
        "--workers",
        1,
        "--patch",
        "slow-gates",
        "--outcome",
        kept,
    )

    first, again = invoke(*asked), invoke(*asked)
    as_json = invoke(*asked, "-f", "json")

    assert first.code == 1
    assert first.out.startswith("NOT CURED")
    (arm,) = [line.split() for line in first.out.splitlines() if "slow-gates:" in line]
    assert arm[:3] == ["0", "of", "1"]
    assert arm[3:5] == ["not", "cured"]
    assert [line.partition(":")[0] for line in first.err.splitlines()] == ["... as it is, seed 0", "... slow-gates, seed 0"]
    assert (again.code, again.out, again.err) == (1, first.out, "")  # nothing is left to try
    assert as_json.out == kept.read_text(encoding="utf-8")


def test_verify_writes_its_outcome_where_it_is_told_to(invoke: Invoke, tmp_path: Path) -> None:
    config, data, output = write_config(tmp_path), write_data(tmp_path), tmp_path / "outcome.txt"

    ended = invoke(
        "verify", config, "-d", data, "--steps", 8, "--seeds", 1, "--workers", 1, "--patch", "slow-gates",
        "-f", "json", "-o", f"text={output}",
    )  # fmt: skip

    assert ended.code == 1
    assert json.loads(ended.out)["schema_version"] == "1.1"
    assert output.read_text(encoding="utf-8").startswith("NOT CURED")
    assert ended.err.splitlines()[-1] == f"text report in {output}"


def test_an_interrupted_verify_has_kept_what_was_done(invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config, data, kept = write_config(tmp_path), write_data(tmp_path), tmp_path / "kept.json"
    real = Bench.run

    def interrupted(bench: Bench, job: Job, *rest: Any) -> Trial:
        if job.arm.key:
            raise KeyboardInterrupt
        return real(bench, job, *rest)

    monkeypatch.setattr(Bench, "run", interrupted)

    ended = invoke(
        "verify", config, "-d", data, "--steps", 8, "--seeds", 1, "--workers", 1, "--patch", "slow-gates", "--outcome", kept
    )

    assert (ended.code, ended.out) == (130, "")
    assert "Traceback" not in ended.err
    assert [trial.arm for trial in outcome.read(kept).trials] == [""]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--trainer", "python train.py {overrides}"], "--trainer and --trainer-checkpoint go together"),
        (["--trainer-checkpoint", "x.pt"], "--trainer and --trainer-checkpoint go together"),
        (["--trainer", "python train.py", "--trainer-checkpoint", "x.pt"], "expected {overrides} as a word of its own"),
        (["--budget", "soon"], "--budget soon: expected a duration, e.g. 90s, 5m or 2h"),
        (["--budget", "-5m"], "--budget -5m: expected a duration"),
        (["--budget", "nan"], "--budget nan: expected a duration"),
        (["--patch", "nonsense"], "--patch nonsense: no such file, probe or remedy"),
        (["--set", "training.nonsense=1"], "unknown key 'training.nonsense'"),
        (["--seeds", "0"], "--seeds"),
    ],
)
def test_what_verify_cannot_do_is_said_in_one_line(invoke: Invoke, tmp_path: Path, options: list[str], said: str) -> None:
    config, data = write_config(tmp_path), write_data(tmp_path)

    ended = invoke("verify", config, "-d", data, "--steps", 4, "--seeds", 1, "--workers", 1, *options)

    assert ended.code == 2
    assert said in ended.err.splitlines()[-1]
    assert "Traceback" not in ended.err


@pytest.mark.parametrize("option", ["--outcome", "--save-warmstart", "--output"])
def test_nothing_that_verify_writes_takes_the_place_of_an_input(invoke: Invoke, tmp_path: Path, option: str) -> None:
    config, data = write_config(tmp_path), write_data(tmp_path)
    before = [path.read_bytes() for path in (config, data)]

    for target in (config, data):
        ended = invoke("verify", config, "-d", data, option, f"text={target}" if option == "--output" else target)
        assert ended.code == 2
        assert "would overwrite an input" in one_line(ended)
    assert [path.read_bytes() for path in (config, data)] == before


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("5m", 300), ("2h", 7200), ("300", 300), ("0.5m", 30)])
def test_a_duration_is_read_by_its_unit(text: str, seconds: float) -> None:
    assert commands._seconds("--budget", text) == seconds


@pytest.fixture
def trials(collapsed_run: Path, tmp_path: Path) -> Path:
    """Write the outcome of a search on the collapsed run: a linear head and no whitening cure it, with slow gates."""
    values = config_values(reader.read(collapsed_run / ".hydra" / "config.yaml").settings)
    path = tmp_path / "kept.json"
    path.write_text(outcome.render(replace(searched(), config_values=values)), encoding="utf-8")
    return path


def test_trials_mark_the_remedies_of_a_report_and_give_its_patch(invoke: Invoke, collapsed_run: Path, trials: Path) -> None:
    plain = json.loads(invoke("inspect", *parts(collapsed_run), "-f", "json").out)
    ended = invoke("inspect", *parts(collapsed_run), "-f", "json", "--outcome", trials)

    report = json.loads(ended.out)
    status = {remedy["id"]: remedy["status"] for remedy in report["remedies"]}
    assert ended.code == 1
    assert status["normalised-positions"] == "confirmed"
    assert {remedy["status"] for remedy in plain["remedies"]} <= {"unverified", "refused"}
    assert [finding["code"] for finding in report["findings"]] == [finding["code"] for finding in plain["findings"]]
    assert "healthy with 3 of 3 seeds" in " ".join(
        invoke("inspect", *parts(collapsed_run), "--full", "--outcome", trials).out.split()
    )


def test_suggest_config_gives_the_patch_that_trials_confirmed(invoke: Invoke, collapsed_run: Path, trials: Path) -> None:
    ended = invoke("suggest-config", *parts(collapsed_run), "--emit", "overrides", "--outcome", trials)

    assert ended.out.splitlines() == [
        "experiment.model.generator.activation_xy=linear",
        "++experiment.training.warmup_latent_normalize=false",
    ]
    assert "by trials, normalised-positions + slow-gates: cured, healthy with 3 of 3 seeds" in ended.err
    assert "in the code: normalised-positions + slow-gates. compare with (positions - mean) / std" in ended.err


@pytest.mark.parametrize("command", ["inspect", "suggest-config"])
def test_trials_of_other_values_are_refused(invoke: Invoke, collapsed_run: Path, trials: Path, command: str) -> None:
    ended = invoke(command, *parts(collapsed_run), "--set", "training.reconstruction_epochs=9", "--outcome", trials)

    assert ended.code == 2
    assert "its trials were made with other values than" in one_line(ended)


def test_trials_without_a_config_and_files_that_are_none_are_refused(
    invoke: Invoke, collapsed_run: Path, trials: Path, tmp_path: Path
) -> None:
    checkpoint, *rest = parts(collapsed_run)
    elsewhere, _ = without_data(collapsed_run, tmp_path)

    alone = invoke("inspect", elsewhere, "--set", "model.generator.target_len=24", "--quick", "--outcome", trials)
    foreign = invoke("inspect", checkpoint, *rest, "--quick", "--outcome", collapsed_run / ".hydra" / "config.yaml")
    missing = invoke("inspect", checkpoint, *rest, "--quick", "--outcome", tmp_path / "nothing.json")

    assert (alone.code, foreign.code, missing.code) == (2, 3, 3)
    assert "trials belong to a config: add --config" in one_line(alone)
    assert "not an outcome that verify wrote" in one_line(foreign)
    assert "cannot read the outcome" in one_line(missing)


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("c.yaml", "c.yaml"),
        ("c.yaml --rehearse", "c.yaml --rehearse=60s"),
        ("--rehearse c.yaml", "--rehearse=60s c.yaml"),
        ("c.yaml --rehearse 90s", "c.yaml --rehearse 90s"),
        ("c.yaml --rehearse 1.5m -d x", "c.yaml --rehearse 1.5m -d x"),
        ("c.yaml --rehearse=5m", "c.yaml --rehearse=5m"),
        ("--rehearse 2024", "--rehearse=60s 2024"),
        ("--rehearse --data x", "--rehearse=60s --data x"),
        ("-- --rehearse", "-- --rehearse"),
    ],
)
def test_rehearse_may_stand_without_a_time(given: str, read: str) -> None:
    assert commands.with_time(given.split()) == read.split()


def test_a_rehearsed_preflight_is_measured_and_says_so(invoke: Invoke, tmp_path: Path) -> None:
    config, data = write_config(tmp_path), write_data(tmp_path)

    ended = invoke("preflight", config, "--data", data, "--rehearse", "-f", "json")

    report = parse(ended.out, "x")
    assert (ended.code, report.verdict.value) == (1, "collapsed")
    assert report.rehearsed is not None
    assert report.rehearsed.steps == report.rehearsed.own_steps == 24
    assert report.subject.data == str(data)
    assert re.fullmatch(rf"... {re.escape(str(config))}: collapsed after \d+ s\n", ended.err)
    assert "HD101" in {finding.code for finding in report.findings}


def test_the_patch_of_a_rehearsed_config_is_that_of_its_report(
    invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_config(tmp_path)
    write_data(tmp_path)
    monkeypatch.chdir(tmp_path)  # short names, which no line of the report breaks
    config, data = "run.yaml", "gestures.npz"

    shown = " ".join(invoke("preflight", config, "--data", data, "--rehearse").out.split())
    report = parse(invoke("preflight", config, "--data", data, "--rehearse", "-f", "json").out, "x")
    ended = invoke("suggest-config", "-c", config, "--data", data, "--rehearse")

    assert f"suggest-config --config {config} --data {data} --rehearse=60s" in shown
    assert ended.out == report.diff


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("preflight", "run.yaml", "--rehearse"), "--rehearse trains on the run's own gestures: add --data"),
        (("gate", "run.yaml", "--rehearse"), "--rehearse trains on the run's own gestures: add --data"),
        (("preflight", "run.yaml", "--device", "auto"), "--device auto: only a training runs on a device; add --rehearse"),
        (("gate", "run.yaml", "--rehearse", "--device", "tpu"), "--device tpu: expected cpu, cuda, cuda:1 or auto"),
        (
            ("verify", "run.yaml", "--data", "gestures.npz", "--device", "tpu"),
            "--device tpu: expected cpu, cuda, cuda:1 or auto",
        ),
        (("preflight", "run.yaml", "--rehearse=soon"), "--rehearse soon: expected a duration, e.g. 90s, 5m or 2h"),
        (
            ("suggest-config", "x.pt", "-c", "run.yaml", "--rehearse"),
            "--rehearse is for a config alone; a checkpoint is measured without it",
        ),
    ],
)
def test_a_rehearsal_that_cannot_be_is_one_line(
    invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...], said: str
) -> None:
    write_config(tmp_path)
    monkeypatch.chdir(tmp_path)

    ended = invoke(*command)

    assert ended.code == 2
    assert one_line(ended).endswith(said)
