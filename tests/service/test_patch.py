"""What `suggest-config` says of the record of a finished run, and which file it names instead."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from humouse_doctor.cases.request import Request
from humouse_doctor.core.errors import UsageError
from humouse_doctor.core.remedy import Edit
from humouse_doctor.core.report import Report, Verdict
from humouse_doctor.core.settings import Origin, Setting
from humouse_doctor.reporting.forms import Emit
from humouse_doctor.service.patch import Suggestion, suggestion
from tests.gate.builders import found, report

SHA = "ab12" * 16
CHANGE = Edit(key="training.reconstruction_epochs", old=5, new=40)


@pytest.fixture
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The record of a run in a checkout, which is the current folder."""
    monkeypatch.chdir(tmp_path)
    for path, text in {
        "src/train/train_gan.py": "",
        "conf/experiment/paper.yaml": "training:\n  reconstruction_epochs: 5\n",
        "outputs/day/time/.hydra/config.yaml": "experiment:\n  training:\n    reconstruction_epochs: 5\n",
        "outputs/day/time/.hydra/overrides.yaml": "- experiment=paper\n- experiment.data.batch_size=8\n",
        "outputs/day/time/checkpoints/generator_x.pt": "weights",
    }.items():
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(text)
    return Path("outputs/day/time/.hydra/config.yaml")


def diagnosed(config: Path, *, of_weights: bool = True, prefix: str = "experiment.") -> Report:
    checkpoint = "outputs/day/time/checkpoints/generator_x.pt" if of_weights else None
    made = report(Verdict.COLLAPSED, checkpoint=checkpoint, config=str(config))
    made = replace(made, patch=(CHANGE,), config_prefix=prefix)
    return replace(made, subject=replace(made.subject, sha256=SHA if of_weights else None))


def written(made: Report, *, write: bool = True, force: bool = False, source: Path | None = None) -> Suggestion:
    return suggestion(made, Request(source=source), Emit.OVERRIDES, write, force)


@pytest.mark.parametrize("of_weights", [True, False])
def test_the_record_of_a_finished_run_is_not_written_and_its_experiment_is_named(of_weights: bool, record: Path) -> None:
    before = record.read_text()

    with pytest.raises(UsageError, match=r"the record of a finished run.*: --config conf/experiment/paper\.yaml; or insist"):
        written(diagnosed(record, of_weights=of_weights))

    assert record.read_text() == before
    assert len(list(record.parent.iterdir())) == 2


def test_a_patch_of_a_record_is_for_the_next_command_line_or_says_so_too(record: Path) -> None:
    made = written(diagnosed(record), write=False)

    assert made.text == "experiment.training.reconstruction_epochs=40\n"
    assert not any("the record of a finished run" in note for note in made.notes)  # it goes to the next run's command line
    as_yaml = suggestion(diagnosed(record), Request(config=record), Emit.YAML, write=False)
    assert f"{record} is the record of a finished run" in as_yaml.notes[0]


def test_by_force_it_is_written_with_a_backup_that_names_the_weights(record: Path) -> None:
    before = record.read_text()

    written(diagnosed(record), force=True)

    assert "epochs: 40" in record.read_text()
    assert record.with_name(f"config.yaml.{SHA[:12]}.bak").read_text() == before


@pytest.mark.parametrize(
    ("key", "name"),
    [("training.reconstruction_epochs", "config.yaml.bak"), ("model.generator.condition_dim", f"config.yaml.{SHA[:12]}.bak")],
)
def test_what_the_weights_were_not_trained_with_is_no_backup_of_theirs(key: str, name: str, record: Path) -> None:
    made = diagnosed(record)

    written(replace(made, findings=(found("HD004", key=key),)), force=True)

    assert [path.name for path in record.parent.glob("*.bak*")] == [name]


def test_the_record_of_a_run_that_has_left_nothing_is_written(record: Path) -> None:
    Path("outputs/day/time/checkpoints/generator_x.pt").unlink()

    assert "changed" in written(diagnosed(record, of_weights=False)).changed


def test_the_experiments_own_file_is_written(record: Path) -> None:
    file = Path("conf/experiment/paper.yaml")

    written(diagnosed(file, prefix=""))

    assert "epochs: 40" in file.read_text()


@pytest.mark.parametrize("name", ["paper", "../../etc/x", "absent"])
def test_without_a_checkout_or_its_file_only_the_name_is_said(name: str, record: Path) -> None:
    record.with_name("overrides.yaml").write_text(f"- experiment={name}\n")
    if name == "paper":
        Path("src/train/train_gan.py").unlink()

    with pytest.raises(UsageError) as refused:
        written(diagnosed(record))

    said = "the config that the next run starts from" if "/" in name else f"conf/experiment/{name}.yaml in its checkout"
    assert said in str(refused.value)


def test_hydras_own_file_tells_the_experiment_that_is_the_default(record: Path, tmp_path: Path) -> None:
    record.with_name("overrides.yaml").write_text("[]\n")
    record.with_name("hydra.yaml").write_text("hydra:\n  runtime:\n    choices:\n      experiment: paper\n")

    with pytest.raises(UsageError, match=r"--config conf/experiment/paper\.yaml"):
        written(diagnosed(record), source=tmp_path)


def test_what_the_command_line_gave_is_said_to_overrule_the_patch(record: Path) -> None:
    record.with_name("overrides.yaml").write_text("- ++experiment.training.reconstruction_epochs=5\n")
    made = diagnosed(Path("conf/experiment/paper.yaml"), prefix="")

    notes = written(made, write=False).notes

    assert any("command line sets training.reconstruction_epochs: change it there too" in note for note in notes)


def test_a_config_that_was_patched_already_is_said_to_be(record: Path) -> None:
    setting = Setting(key=CHANGE.key, value=5, origin=Origin.RECORDED)
    made = replace(diagnosed(record), patch=(), settings=(setting,), findings=(found("HD004"),))

    assert any("no config key to change: the config was changed after this training" in note for note in written(made).notes)
