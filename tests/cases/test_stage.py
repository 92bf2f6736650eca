from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from humouse_doctor.cases.load import load_case
from humouse_doctor.cases.request import Request
from humouse_doctor.cases.stage import siblings, stage_of
from humouse_doctor.core.history import Stage, StageKind
from humouse_doctor.core.settings import Settings, Value
from humouse_doctor.inputs.config.reader import from_values
from tests.builders import settings
from tests.cases.builders import write_checkpoint, write_config, write_pretrainer

NOTHING = from_values({})
WARMED: dict[str, Value] = {"training.reconstruction_epochs": 5}


def _touch(folder: Path, name: str, age: int = 0) -> Path:
    (folder / name).write_bytes(b"")
    os.utime(folder / name, (1_000_000 - age, 1_000_000 - age))
    return folder / name


def _summary(folder: Path, **values: object) -> None:
    (folder / "gan_summary.json").write_text(json.dumps(values), encoding="utf-8")


def _evaluations(folder: Path, *errors: float) -> None:
    rows = "".join(f"{epoch},{error}\n" for epoch, error in enumerate(errors))
    (folder / "sigma_eval_metrics.csv").write_text(f"epoch,avg_error_rate\n{rows}", encoding="utf-8")


def _says(path: Path, read: Settings = NOTHING) -> tuple[StageKind, int | None]:
    stage = stage_of(path, read)
    return stage.kind, stage.epoch


def test_the_last_file_is_from_the_last_epoch_and_the_best_one_from_the_best(tmp_path: Path) -> None:
    last, best = _touch(tmp_path, "generator_a.pt"), _touch(tmp_path, "generator_a_best.pt")
    _summary(tmp_path, final_epoch=12, best_sigma_epoch=0)

    assert str(stage_of(last, settings(WARMED))) == (
        "after 12 adversarial epochs, which began from a warm-up of 5 epochs (gan_summary.json: final_epoch is 12)"
    )
    assert str(stage_of(best, settings(WARMED))) == (
        "after the warm-up, before the first adversarial epoch (gan_summary.json: best_sigma_epoch is 0)"
    )
    assert list(siblings(last, NOTHING)) == [f"beside it, not inspected: generator_a_best.pt, {stage_of(best, NOTHING)}"]


def test_without_a_summary_the_evaluations_tell(tmp_path: Path) -> None:
    last, best = _touch(tmp_path, "generator_a.pt"), _touch(tmp_path, "generator_a_best.pt")
    _evaluations(tmp_path, 0.2, 0.3, 0.1, 0.1 - 1e-9)

    assert _says(best) == (StageKind.ADVERSARIAL, 2)  # an epoch that is hardly better is not taken for the best
    assert _says(last) == (StageKind.ADVERSARIAL, 3)


def test_without_evaluations_the_metrics_tell_of_the_last_file_alone(tmp_path: Path) -> None:
    last, best = _touch(tmp_path, "generator_a.pt"), _touch(tmp_path, "generator_a_best.pt")
    (tmp_path / "metrics.csv").write_text("epoch,step,g_loss\n1,0,0.5\n7,9,0.4\n", encoding="utf-8")

    assert _says(last) == (StageKind.ADVERSARIAL, 7)
    assert _says(best) == (StageKind.UNKNOWN, None)
    assert "it may be the pure warm-up" in stage_of(best, NOTHING).because


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (WARMED, StageKind.WARM_UP),
        ({**WARMED, "training.reset_generator_after_warmup": True}, StageKind.UNTRAINED),
        ({"training.generator_init_path": "a.pt"}, StageKind.WARM_START),
        ({"training.reconstruction_epochs": 0}, StageKind.UNTRAINED),
    ],
)
def test_what_comes_before_the_first_epoch_is_as_the_config_says(
    tmp_path: Path, values: dict[str, Value], kind: StageKind
) -> None:
    _summary(tmp_path, final_epoch=0)

    assert _says(_touch(tmp_path, "generator_a.pt"), settings(values)) == (kind, 0)


def test_files_of_a_later_run_in_the_same_folder_say_nothing(tmp_path: Path) -> None:
    old, new = _touch(tmp_path, "generator_a.pt", age=900), _touch(tmp_path, "generator_b.pt")
    _summary(tmp_path, final_epoch=3)
    _touch(tmp_path, "generator_b_best.pt", age=1800)

    assert _says(new) == (StageKind.ADVERSARIAL, 3)
    assert _says(old) == (StageKind.UNKNOWN, None)
    assert "those of a later run, generator_b.pt" in stage_of(old, NOTHING).because


def test_of_files_with_one_time_none_is_taken_for_a_later_run(tmp_path: Path) -> None:
    """A clone or an unpacked archive has one time for all its files."""
    generators = [_touch(tmp_path, f"generator_{name}.pt") for name in "ab"]
    _summary(tmp_path, final_epoch=3)

    for path, other in zip(generators, reversed(generators), strict=True):
        assert _says(path) == (StageKind.UNKNOWN, None)
        assert stage_of(path, NOTHING).because == f"the files beside it may be those of another run, {other.name}"


def test_a_warm_start_saved_beside_a_run_has_overwritten_nothing(tmp_path: Path) -> None:
    _summary(tmp_path, final_epoch=3)
    os.utime(tmp_path / "gan_summary.json", (1_000_000 - 900, 1_000_000 - 900))
    last, _ = _touch(tmp_path, "generator_a.pt", age=900), _touch(tmp_path, "generator_warm.pt")

    assert _says(last) == (StageKind.ADVERSARIAL, 3)


def test_a_summary_and_tables_of_an_earlier_run_say_nothing(tmp_path: Path) -> None:
    last, best = _touch(tmp_path, "generator_a.pt"), _touch(tmp_path, "generator_a_best.pt")
    _summary(tmp_path, final_epoch=3, best_sigma_epoch=2)
    _evaluations(tmp_path, 0.2, 0.1)
    (tmp_path / "metrics.csv").write_text("epoch,g_loss\n9,1\n", encoding="utf-8")
    for name in ("gan_summary.json", "sigma_eval_metrics.csv", "metrics.csv"):
        os.utime(tmp_path / name, (1_000_000 - 900, 1_000_000 - 900))

    for path, count in ((last, 3), (best, 2)):
        assert _says(path) == (StageKind.UNKNOWN, None)
        assert stage_of(path, NOTHING).because.count("an earlier run's") == count


def test_only_the_last_run_in_a_table_counts(tmp_path: Path) -> None:
    """humouse appends to its tables."""
    last, best = _touch(tmp_path, "generator_a.pt"), _touch(tmp_path, "generator_a_best.pt")
    rows = "0,0.4\n10,0.1\n20,0.3\n0,0.3\n5,0.2\n"
    (tmp_path / "sigma_eval_metrics.csv").write_text(f"epoch,avg_error_rate\n{rows}", encoding="utf-8")

    assert (_says(last)[1], _says(best)[1]) == (5, 5)


def test_of_two_tables_the_one_that_reaches_further_tells(tmp_path: Path) -> None:
    last = _touch(tmp_path, "generator_a.pt")
    (tmp_path / "sigma_eval_metrics.csv").write_text("epoch,avg_error_rate\n0,0.4\n5,0.3\n", encoding="utf-8")
    (tmp_path / "metrics.csv").write_text("epoch,g_loss\n1,1\n7,1\n", encoding="utf-8")

    for age in (0, 120):  # in a real run the last evaluation alone took more than a minute
        os.utime(tmp_path / "metrics.csv", (1_000_000 - age, 1_000_000 - age))
        assert str(stage_of(last, NOTHING)) == "after 7 adversarial epochs (metrics.csv ends with epoch 7)"


def test_a_file_that_cannot_be_read_is_named_and_another_one_used(tmp_path: Path) -> None:
    best = _touch(tmp_path, "generator_a_best.pt")
    (tmp_path / "gan_summary.json").write_bytes(b"\xff")
    assert "gan_summary.json: cannot read" in stage_of(best, NOTHING).because
    assert stage_of(best, NOTHING).because.isprintable()

    (tmp_path / "sigma_eval_metrics.csv").write_bytes(b"x\n1\n")
    assert stage_of(best, NOTHING).because.count(": cannot read") == 2

    _evaluations(tmp_path, 0.2, 0.1)
    assert _says(best) == (StageKind.ADVERSARIAL, 1)


def test_a_name_that_humouse_does_not_give_says_nothing(tmp_path: Path) -> None:
    _summary(tmp_path, final_epoch=3)

    assert _says(_touch(tmp_path, "last.ckpt")) == (StageKind.UNKNOWN, None)


def test_a_case_has_the_stage_of_its_checkpoint_and_other_subjects_have_none(tmp_path: Path) -> None:
    config = write_config(tmp_path)
    pretrained = load_case(Request(checkpoint=write_pretrainer(tmp_path), samples=2, quick=True)).case
    warmed = load_case(Request(checkpoint=write_checkpoint(tmp_path), config=config, samples=2, quick=True)).case

    assert pretrained.stage == Stage(kind=StageKind.PRETRAINER, because="it contains the mean and std of its positions")
    assert warmed.stage is not None
    assert warmed.stage.start == "a warm-up of 2 epochs"
    assert load_case(Request(config=config)).case.stage is None


def test_the_best_file_of_a_run_is_named_after_its_experiment(tmp_path: Path) -> None:
    write_config(tmp_path)
    (tmp_path / "config.yaml").write_text((tmp_path / "config.yaml").read_text() + "experiment_name: x\n")
    write_checkpoint(tmp_path).rename(tmp_path / "generator_x_best.pt")

    assert load_case(Request(checkpoint=tmp_path, samples=2, quick=True)).tool_findings == ()
