"""A config changed after the weights were trained is said first, and they are judged by what they were trained with."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml

from humouse_doctor.cases.load import load_case
from humouse_doctor.cases.request import Loaded, Request
from humouse_doctor.core.history import StageKind
from humouse_doctor.core.settings import Origin
from humouse_doctor.core.tool_codes import ToolCode
from humouse_doctor.inputs.config import patcher
from tests.cases.builders import write_checkpoint, write_config, write_data

EPOCHS = "training.reconstruction_epochs"


@pytest.fixture
def record(tmp_path: Path) -> Path:
    """A run's folder as Hydra and humouse leave it, all of it an hour old: its record."""
    folder = tmp_path / "run" / ".hydra"
    folder.mkdir(parents=True)
    (folder.parent / "checkpoints").mkdir()
    config = write_config(folder)
    inner = yaml.safe_load(config.read_text())
    config.write_text(yaml.safe_dump({"experiment": {"experiment_name": "x", **inner}}))
    (folder / "hydra.yaml").write_text("hydra: {}\n")
    (folder / "overrides.yaml").write_text("- experiment=train_gan\n- experiment.training.reconstruction_epochs=2\n")
    write_checkpoint(folder.parent / "checkpoints")
    age(*folder.iterdir(), *(folder.parent / "checkpoints").iterdir())
    return config


def age(*paths: Path, seconds: float = 3600.0) -> None:
    for path in paths:
        then = path.stat().st_mtime - seconds
        os.utime(path, (then, then))


def weights_of(record: Path) -> Path:
    return record.parent.parent / "checkpoints" / "generator_x.pt"


def change(config: Path, key: str = "reconstruction_epochs: 2", new: str = "reconstruction_epochs: 28") -> None:
    text = config.read_text()
    assert key in text
    config.write_text(text.replace(key, new))


def looked_at(weights: Path, config: Path, *overrides: str) -> Loaded:
    return load_case(Request(checkpoint=weights, config=config, samples=8, quick=True, overrides=overrides))


def contradicted(loaded: Loaded) -> bool:
    found = [finding for finding in loaded.tool_findings if finding.code is ToolCode.DISAGREEMENT]
    assert bool(found) == bool(loaded.case.contradictions)
    return bool(found)


def test_a_record_as_hydra_left_it_is_believed(record: Path) -> None:
    loaded = looked_at(weights_of(record), record)

    assert not contradicted(loaded)
    assert not [remark for remark in loaded.case.subject.remarks if "changed" in remark]


def test_the_overrides_of_the_command_line_outlive_a_change_of_the_record(record: Path) -> None:
    change(record)
    age(record)  # as if copied: no time tells

    loaded = looked_at(weights_of(record), record)

    (said,) = loaded.case.contradictions
    setting = loaded.case.settings[EPOCHS]
    assert said == "training.reconstruction_epochs is 28 and was 2"
    assert (setting.value, setting.origin) == (2, Origin.RECORDED)
    assert "overrides.yaml" in loaded.tool_findings[0].message


def test_the_log_of_the_run_outlives_a_change_of_the_record(record: Path) -> None:
    record.with_name("overrides.yaml").write_text("[]\n")
    change(record)
    age(record)
    log = record.parent.parent / "train_gan.log"
    log.write_text("[x] - Starting reconstruction warm-up for 7 epoch(s)\n[x] - Starting seq2seq warm-up for 2 epoch(s)\n")

    loaded = looked_at(weights_of(record), record)

    assert loaded.case.settings[EPOCHS].value == 2
    assert contradicted(loaded)


@pytest.mark.parametrize("where", ["record", "config"])
def test_the_patch_that_was_written_is_known_by_its_backup_wherever_it_is_copied(
    where: str, record: Path, tmp_path: Path
) -> None:
    weights, config = weights_of(record), record
    if where == "config":  # no record tells
        weights = write_checkpoint(tmp_path)
        config = write_config(tmp_path)
    sha = looked_at(weights, config).case.subject.sha256
    text = config.read_text()
    patcher.write(config, text.replace("reconstruction_epochs: 2", "reconstruction_epochs: 28"), sha)
    again = patcher.write(config, config.read_text().replace("0.5", "0.4"), sha)
    for path in (config, weights, *config.parent.glob("*.bak*")):
        os.utime(path, (1e9, 1e9))
    record.with_name("overrides.yaml").unlink()

    loaded = looked_at(weights, config)

    assert again.exists()
    assert loaded.case.settings[EPOCHS].value == 2
    assert loaded.case.settings.value("training.betas") == (0.5, 0.9)
    assert contradicted(loaded)


def test_other_weights_are_not_judged_by_the_backup(tmp_path: Path) -> None:
    weights, config = write_checkpoint(tmp_path), write_config(tmp_path)
    patcher.write(config, config.read_text().replace("epochs: 2", "epochs: 28"), "0" * 64)

    loaded = looked_at(weights, config)

    assert loaded.case.settings[EPOCHS].value == 28
    assert not contradicted(loaded)


def test_the_other_checkpoint_of_a_run_is_judged_by_the_backup_of_its_record(record: Path) -> None:
    record.with_name("overrides.yaml").write_text("[]\n")
    age(record.with_name("overrides.yaml"))
    patcher.write(record, record.read_text().replace("epochs: 2", "epochs: 28"), "0" * 64)

    loaded = looked_at(weights_of(record), record)

    assert loaded.case.settings[EPOCHS].value == 2
    assert contradicted(loaded)


def test_weights_are_judged_by_the_record_around_them_rather_than_by_another_config(record: Path, tmp_path: Path) -> None:
    config = write_config(tmp_path, more=", warmup_noise_std: 0.5, epochs: 9")

    loaded = looked_at(weights_of(record), config)

    assert loaded.case.contradictions == ("training.warmup_noise_std is 0.5 and was 0.0",)
    assert loaded.case.settings.value("training.warmup_noise_std") == 0.0


def test_what_the_command_line_gave_is_no_change_of_the_file_that_the_run_came_from(record: Path, tmp_path: Path) -> None:
    change(record, "reconstruction_epochs: 2", "reconstruction_epochs: 9")
    record.with_name("overrides.yaml").write_text("- experiment.training.reconstruction_epochs=9\n")

    loaded = looked_at(weights_of(record), write_config(tmp_path))

    assert loaded.case.settings[EPOCHS].value == 9
    assert "config: with the values from the run's command line: training.reconstruction_epochs" in loaded.case.subject.remarks
    assert not contradicted(loaded)


def test_the_files_of_a_run_are_found_by_its_record_rather_than_by_another_config(record: Path, tmp_path: Path) -> None:
    config = write_config(tmp_path)
    config.write_text(f"experiment_name: other\n{config.read_text()}")
    write_data(record.parent.parent).rename(record.parent.parent / "gestures_seq16_x.npz")
    change(record, "dataset_id: x", "dataset_id: .\n    cache_dir: .")

    loaded = load_case(Request(checkpoint=record.parent.parent, config=config, samples=8, quick=True))

    assert loaded.case.data is not None
    assert not [finding for finding in loaded.tool_findings if "experiment_name" in finding.message]


def test_a_record_of_another_experiment_in_a_shared_folder_is_not_taken(record: Path, tmp_path: Path) -> None:
    weights = weights_of(record).rename(weights_of(record).with_name("generator_y.pt"))
    config = write_config(tmp_path, more=", warmup_noise_std: 0.5")

    assert looked_at(weights, config).case.settings.value("training.warmup_noise_std") == 0.5


def test_spelled_otherwise_is_not_changed(record: Path) -> None:
    record.with_name("overrides.yaml").write_text(
        "- experiment.model.generator.activation_xy=None\n- +experiment.training.warmup_noise_std=0\n"
        "- experiment.model.architecture=LSTM\n- experiment.data.batch_size=[]\n- 3\n- ~experiment.training.betas\n"
    )

    assert not contradicted(looked_at(weights_of(record), record))


def test_the_stage_is_that_of_the_warm_up_the_weights_had(record: Path) -> None:
    change(record, new="reconstruction_epochs: 0")
    (weights_of(record).parent / "gan_summary.json").write_text('{"final_epoch": 0, "best_sigma_epoch": 0}')

    stage = looked_at(weights_of(record), record).case.stage

    assert stage is not None
    assert stage.kind is StageKind.WARM_UP


def test_an_override_of_this_look_stays(record: Path) -> None:
    change(record)

    loaded = looked_at(weights_of(record), record, f"{EPOCHS}=9")

    assert loaded.case.settings[EPOCHS].value == 9
    assert not contradicted(loaded)


@pytest.mark.parametrize(("hours", "said"), [(0, False), (1, True)])
def test_a_config_that_is_only_younger_is_remarked_on(hours: int, said: bool, tmp_path: Path) -> None:
    weights, config = write_checkpoint(tmp_path), write_config(tmp_path)
    age(weights, seconds=3600.0 * hours)

    loaded = looked_at(weights, config)

    assert any("by the times of its files" in remark for remark in loaded.case.subject.remarks) is said
    assert not contradicted(loaded)


def test_a_younger_record_is_compared_with_the_files_beside_it(record: Path) -> None:
    age(weights_of(record), seconds=7200.0)  # the whole .hydra was copied later
    assert not any(
        "by the times of its files" in remark for remark in looked_at(weights_of(record), record).case.subject.remarks
    )

    record.touch()
    assert any("by the times of its files" in remark for remark in looked_at(weights_of(record), record).case.subject.remarks)


@pytest.mark.parametrize("text", ["a: [", "- *x", "\x00", "x: 1", "- experiment.training.reconstruction_epochs=[1"])
def test_a_broken_file_of_overrides_tells_nothing(text: str, record: Path) -> None:
    record.with_name("overrides.yaml").write_text(text)

    assert not contradicted(looked_at(weights_of(record), record))


def test_sizes_that_the_weights_contradict_are_said_first(tmp_path: Path) -> None:
    weights, config = write_checkpoint(tmp_path), write_config(tmp_path)
    change(config, "hidden_dim: 6", "hidden_dim: 7")

    assert looked_at(weights, config).case.contradictions == ("model.generator.hidden_dim is 7 and 6 in the weights",)


def test_files_that_are_none_or_too_large_tell_nothing_and_are_not_waited_for(record: Path) -> None:
    record.with_name("overrides.yaml").unlink()
    os.mkfifo(record.with_name("overrides.yaml"))
    log = record.parent.parent / "train_gan.log"
    log.write_text("Starting reconstruction warm-up for 7 epoch(s)")
    with log.open("ab") as stream:
        stream.truncate(33 << 20)
    sha = looked_at(weights_of(record), record).case.subject.sha256
    assert sha is not None
    record.with_name(f"config.yaml.{sha[:12]}.bak").mkdir()

    assert not contradicted(looked_at(weights_of(record), record))


def test_a_backup_that_is_no_config_is_not_compared_and_that_is_said(record: Path) -> None:
    sha = looked_at(weights_of(record), record).case.subject.sha256
    assert sha is not None
    record.with_name(f"config.yaml.{sha[:12]}.bak").write_text("a: [")

    loaded = looked_at(weights_of(record), record)

    assert any("not compared with the weights' config" in remark for remark in loaded.case.subject.remarks)
    assert not contradicted(loaded)
