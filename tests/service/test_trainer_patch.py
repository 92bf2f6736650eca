"""The diff for config and trainer, made from a config before training and applied with git."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from humouse_doctor.cases.request import Request
from humouse_doctor.core.remedy import CodeChange, Remedy
from humouse_doctor.inputs.config import reader
from humouse_doctor.inputs.config.patcher import PatchRefused
from humouse_doctor.inputs.config.trainer_keys import ADDED
from humouse_doctor.inputs.source import trainer
from humouse_doctor.reporting.forms import Emit
from humouse_doctor.service.commands import suggest
from humouse_doctor.service.patch import Suggestion, suggestion
from tests.inputs.source.builders import TRAINER, checkout
from tests.verify.runs import write_config, write_data

_OVERRIDES = """\
- experiment=tiny
- +experiment.data.user_filter=null
- experiment.training.reconstruction_epochs=6
- experiment.training.lr.generator=0.005
"""


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Return the record of a run in a checkout whose trainer sums the output."""
    checkout(tmp_path)
    group = tmp_path / "conf" / "experiment"
    group.mkdir(parents=True)
    text = write_config(tmp_path).read_text(encoding="utf-8").replace("    output_space: positions\n", "")
    record = tmp_path / "outputs" / "day" / "time" / ".hydra" / "config.yaml"
    record.parent.mkdir(parents=True)
    record.write_text(text, encoding="utf-8")
    record.with_name("overrides.yaml").write_text(_OVERRIDES, encoding="utf-8")
    body = text.split("experiment:\n")[1]
    (group / "tiny.yaml").write_text("".join(f"{line[2:]}\n" for line in body.splitlines()), encoding="utf-8")
    write_data(tmp_path)
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    return record


def _suggested(config: Path, folder: Path, source: Path | None = None) -> Suggestion:
    request = Request(config=config, data=write_data(folder), source=source)
    return suggest(request, Emit.DIFF, write=False)


def _apply(text: str, folder: Path) -> None:
    subprocess.run(["git", "-C", str(folder), "apply", "-"], input=text.encode(), check=True)


def test_one_diff_changes_config_and_trainer_and_the_loop_closes(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the diff the experiment has the keys, the trainer knows them, and the same advice is not given again."""
    monkeypatch.chdir(tmp_path)

    found = _suggested(run, tmp_path)

    assert [line for line in found.text.splitlines() if line.startswith("+++ ")] == [
        "+++ b/conf/experiment/tiny.yaml",
        "+++ b/src/train/config_schemas.py",
        "+++ b/src/train/train_gan.py",
    ]
    _apply(found.text, tmp_path)
    experiment = tmp_path / "conf" / "experiment" / "tiny.yaml"
    settings = reader.read(experiment).settings
    assert [settings.value(key) for key in ADDED] == ["read", "slow"]
    assert settings.value("model.generator.activation_xy") == "linear"
    assert trainer.read(tmp_path / trainer.TRAINER).added == frozenset(ADDED)
    again = _suggested(experiment, tmp_path)
    assert "HD211" not in {finding.code for finding in again.report.findings}
    assert not any("warmup" in key for key in (edit.key for edit in again.report.patch))
    assert not any(remedy.code_changes for remedy in again.report.chosen_remedies)


def test_the_commands_that_follow_are_named(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the run was started with is repeated, but for a key that the diff sets in the config."""
    monkeypatch.chdir(tmp_path)

    found = _suggested(run, tmp_path)

    epochs = "experiment.training.reconstruction_epochs=6"
    said = "experiment=tiny +experiment.data.user_filter=null"
    changed = any(edit.key == "training.reconstruction_epochs" for edit in found.report.patch)
    repeated = f"{said}{'' if changed else f' {epochs}'} experiment.training.lr.generator=0.005"
    assert f"then train again: python src/train/train_gan.py {repeated}" in found.notes
    assert "apply the diff, saved as FILE: git apply -p1 FILE" in found.notes
    assert any(note.startswith("then look at the new run: humouse-doctor inspect FOLDER") for note in found.notes)
    assert not any(note.startswith("in the code: ") for note in found.notes)


def test_what_the_diff_cannot_make_of_a_cure_is_said(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    made = _suggested(run, tmp_path).report
    cure = Remedy(
        id="confirmed-cure",
        title="loss-as-read + time-input",
        why="",
        code_hint="compare the sum; concatenate the time",
        code_changes=(CodeChange.LOSS_AS_READ, CodeChange.SLOW_GATES, CodeChange.TIME_INPUT),
    )

    found = suggestion(
        replace(made, cure=cure), Request(config=run), Emit.DIFF, write=False, facts=trainer.read(tmp_path / trainer.TRAINER)
    )

    assert "warmup_space" in found.text
    left = "the time as an input of the first LSTM"
    assert f"NOT in the diff, and to be made by hand for loss-as-read + time-input: {left}" in found.notes
    assert "in the code: loss-as-read + time-input. compare the sum; concatenate the time" in found.notes


def test_a_config_outside_of_the_checkout_gets_its_part_as_overrides(run: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path.parent / f"{tmp_path.name}-elsewhere"
    elsewhere.mkdir()
    config = elsewhere / "run.yaml"
    config.write_bytes(run.read_bytes())

    found = _suggested(config, tmp_path, tmp_path)

    assert "+++ b/src/train/train_gan.py" in found.text
    assert ".yaml" not in found.text
    (note,) = (note for note in found.notes if note.startswith("the config is not in the checkout"))
    assert "+experiment.training.warmup_space=read" in note
    assert "experiment.model.generator.activation_xy=linear" in note


def test_a_trainer_without_the_places_is_left_as_it_is_and_the_code_is_printed(run: Path, tmp_path: Path) -> None:
    path = tmp_path / trainer.TRAINER
    text = TRAINER.replace("READ", "_sums").replace("made = generator(target)", "made = target")
    path.write_text(text, encoding="utf-8")

    found = _suggested(run, tmp_path)

    assert "+++ b/src" not in found.text
    assert "warmup_space" not in found.text
    (note,) = (note for note in found.notes if note.startswith("the trainer's code is not changed"))
    assert f"{trainer.TRAINER.as_posix()}:" in note
    assert any(note.startswith("    ") and "torch.cumsum" in note for note in found.notes)
    assert any(note.startswith("in the code: Compare what the program reads") for note in found.notes)


def test_keys_that_the_trainer_does_not_know_are_found(run: Path, tmp_path: Path) -> None:
    """The config says how the loss compares, and the trainer does not do it: the space stays that of its own loss."""
    text = run.read_text(encoding="utf-8").replace("activation_xy: tanh", "activation_xy: linear")
    run.write_text(f"{text}    warmup_space: read\n", encoding="utf-8")

    found = _suggested(run, tmp_path)

    (finding,) = (finding for finding in found.report.findings if "does not know the key" in finding.message)
    assert "training.warmup_space is read" in finding.message
    assert "HD211" in {finding.code for finding in found.report.findings}


def test_only_plain_overrides_are_repeated_in_a_command(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A record may be anybody's, and Hydra has overrides that run code or write elsewhere."""
    monkeypatch.chdir(tmp_path)
    hostile = (
        "hydra.run.dir=/tmp/x", "+hydra.callbacks.x._target_=os.system", "--config-dir=/tmp/evil", "-m",
        "experiment.data._target_=os.system", "experiment.seed=${oc.env:HOME}", "experiment=../../x", "a b",
        "experiment.seed=1;ls",
    )  # fmt: skip
    lines = _OVERRIDES + "".join(f"- '{line}'\n" for line in hostile)
    run.with_name("overrides.yaml").write_text(lines, encoding="utf-8")

    found = _suggested(run, tmp_path)

    (command,) = (note for note in found.notes if note.startswith("then train again"))
    assert not any(line in command for line in hostile)
    assert "+experiment.data.user_filter=null" in command
    assert any(note.startswith(f"{len(hostile)} more of the run's overrides are not plain values") for note in found.notes)


def test_without_the_experiments_file_the_command_has_the_cure(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "conf" / "experiment" / "tiny.yaml").unlink()

    found = _suggested(run, tmp_path)

    (command,) = (note for note in found.notes if note.startswith("then train again"))
    assert "+experiment.training.warmup_space=read" in command
    assert "experiment.model.generator.activation_xy=linear" in command
    assert any(note.startswith("the experiment's own config was not found") for note in found.notes)


def test_an_experiment_that_links_out_of_the_checkout_is_not_in_the_diff(run: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path.parent / f"{tmp_path.name}-shared.yaml"
    experiment = tmp_path / "conf" / "experiment" / "tiny.yaml"
    experiment.rename(elsewhere)
    experiment.symlink_to(elsewhere)

    found = _suggested(run, tmp_path)

    assert ".yaml" not in found.text
    assert "+++ b/src/train/train_gan.py" in found.text


def test_a_diff_for_one_checkout_is_not_made_in_another(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / "other"
    checkout(other)
    monkeypatch.chdir(other)

    with pytest.raises(PatchRefused, match="it would change another file"):
        _suggested(run, tmp_path, tmp_path)


def test_names_in_the_diff_are_those_of_the_checkout(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path / "src" / "train")

    found = _suggested(run, tmp_path, Path("train_gan.py"))

    assert "+++ b/src/train/train_gan.py" in found.text
    _apply(found.text, tmp_path)


def test_a_head_that_stops_the_patched_trainer_is_found(run: Path, tmp_path: Path) -> None:
    """The tanh head of the run cannot take a scale over: no weights of it can have been trained so."""
    _apply(_suggested(run, tmp_path).text, tmp_path)
    text = run.read_text(encoding="utf-8")
    run.write_text(f"{text}    warmup_space: read\n", encoding="utf-8")

    found = _suggested(run, tmp_path)

    assert any("with which the trainer stops here" in finding.message for finding in found.report.findings)
