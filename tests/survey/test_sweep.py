from __future__ import annotations

from pathlib import Path

from humouse_doctor.survey.discover import find
from humouse_doctor.survey.sweep import Sweep
from tests.survey.builders import hydra_run

RECORD = "experiment:\n  training: {{lr: {{generator: {rate}}}, epochs: {epochs}}}\n  where: {where}\n"


def _swept(root: Path) -> tuple[Sweep, list[str]]:
    sweep, names = Sweep(), []
    for run in find(root).runs:
        sweep.add(run)
        names.append(run.path.name)
    return sweep, names


def test_of_hydras_runs_the_overridden_keys_count_with_the_values_that_they_came_to(tmp_path: Path) -> None:
    """One run leaves the rate to its config, which has it all the same; what else differs was not asked for."""
    common = "experiment=paper"
    for number, (rate, given) in enumerate(
        [("1e-3", ["experiment.training.lr.generator=1e-3"]), ("0.1", []), ("0.1", ["+group=b"])]
    ):
        config = RECORD.format(rate=rate, epochs=number, where=tmp_path / str(number))
        hydra_run(tmp_path / str(number), common, *given, config=config)

    sweep, _ = _swept(tmp_path)

    assert sweep.differing() == ("group", "training.lr.generator")
    assert [sweep.settings(place, sweep.differing()) for place in range(3)] == [
        {"group": None, "training.lr.generator": 0.001},
        {"group": None, "training.lr.generator": 0.1},
        {"group": "b", "training.lr.generator": 0.1},
    ]
    assert "training.epochs" in sweep.known()


def test_of_other_runs_all_keys_count_in_which_their_configs_differ(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"v{number}").mkdir()
        (tmp_path / f"v{number}" / "model.ckpt").touch()
        (tmp_path / f"v{number}" / "config.yaml").write_text(f"lr: 0.1\nlayers: {number}\nflag: {str(number == 1).lower()}\n")
    (tmp_path / "v2" / "config.yaml").write_text("layers: [1\n")

    sweep, names = _swept(tmp_path)

    assert sweep.differing() == ("flag", "layers")
    assert [sweep.settings(place, ["layers", "lr"]) for place in range(3)] == [
        {"layers": 0, "lr": 0.1},
        {"layers": 1, "lr": 0.1},
        {"layers": None, "lr": None},  # its config cannot be read
    ]
    assert names == ["v0", "v1", "v2"]


def test_values_are_such_as_a_row_can_hold(tmp_path: Path) -> None:
    values = ("9" * 300, f"[{'x' * 500}]", "y" * 500, ".nan")
    for number, value in enumerate(values):
        hydra_run(tmp_path / str(number), f"experiment.x={value}", config=f"experiment: {{x: {value}}}\n")
    many = "".join(f", k{key}: {{n}}" for key in range(250))
    for number in range(2):
        (tmp_path / f"many{number}").mkdir()
        (tmp_path / f"many{number}" / "a.pt").touch()
        (tmp_path / f"many{number}" / "run.yaml").write_text(f"{{x: 1{many}}}".replace("{n}", str(number)))

    sweep, _ = _swept(tmp_path)
    found = [sweep.settings(place, ["x"])["x"] for place in range(4)]

    assert found[:3] == ["9" * 200, ("x" * 200,), "y" * 200]
    assert str(found[3]) == "nan"
    assert (len(sweep.differing()), sweep.left_out) == (200, 51)


def test_true_and_one_differ(tmp_path: Path) -> None:
    for number, value in enumerate(("true", "1")):
        hydra_run(tmp_path / str(number), f"experiment.x={value}", config=f"experiment: {{x: {value}}}\n")

    assert _swept(tmp_path)[0].differing() == ("x",)
