from __future__ import annotations

import json
from pathlib import Path

import pytest

from humouse_doctor.core.report import Verdict
from humouse_doctor.inputs.config import reader
from humouse_doctor.probes.registry import PROBES
from humouse_doctor.training.demonstration import Units

EXAMPLES = Path(__file__).parent.parent / "examples"
FOLDERS = sorted(path.parent for path in EXAMPLES.glob("*/recipe.json"))


def test_there_are_sick_and_healthy_examples() -> None:
    assert {folder.name.partition("-")[0] for folder in FOLDERS} == {Verdict.COLLAPSED.value, Verdict.HEALTHY.value}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_an_example_is_named_after_a_cause_and_its_config_is_sound(folder: Path) -> None:
    verdict, _, rest = folder.name.partition("-")
    recipe = json.loads((folder / "recipe.json").read_text(encoding="utf-8"))
    config = reader.read(folder / "config.yaml")

    assert verdict == "healthy" or rest in {probe.name for probe in PROBES}
    assert config.complaints == ()
    assert config.settings.value("experiment_name") == folder.name
    assert config.settings.value("data.sequence_length") == recipe["length"]
    assert Units(recipe["units"]) in Units
