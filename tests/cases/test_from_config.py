from __future__ import annotations

from pathlib import Path

import numpy as np

from humouse_doctor.cases import budget
from humouse_doctor.cases.load import load_case
from humouse_doctor.cases.request import Request
from humouse_doctor.inputs.gestures.synthetic import strokes
from tests.cases.builders import write_checkpoint, write_config, write_data


def test_values_the_trainer_does_not_take_are_unknown_not_its_defaults(tmp_path: Path) -> None:
    config = write_config(tmp_path, head="relu", architecture="cnn")

    loaded = load_case(Request(config=config))

    assert loaded.case.network is not None
    assert loaded.case.network.architecture is None
    assert loaded.case.network.heads == (None, None)
    assert {finding.key for finding in loaded.tool_findings} == {
        "model.architecture",
        "model.generator.activation_xy",
    }


def test_a_head_the_trainer_does_not_know_is_unknown(tmp_path: Path) -> None:
    config = write_config(tmp_path, head="relu")
    request = Request(checkpoint=write_checkpoint(tmp_path), config=config, data=write_data(tmp_path), samples=8)

    assert load_case(request).case.network is not None
    assert load_case(request).case.network.heads == (None, None)  # type: ignore[union-attr]  # asserted above
    before = load_case(Request(config=config)).case.network
    assert before is not None
    assert before.heads == (None, None)


def test_steps_are_those_of_all_the_data_however_small_the_sample_of_it(tmp_path: Path) -> None:
    config, data = write_config(tmp_path), tmp_path / "many.npz"
    np.savez(data, sequences=strokes(1000, 8, 0))
    whole, sample = (load_case(Request(config=config, data=data, max_sequences=most)).case for most in (1000, 17))

    assert sample.data is not None
    assert (sample.data.taken, sample.data.usable) == (17, 1000)
    assert (budget.steps_available(sample) or 0) > 1
    assert budget.steps_available(sample) == budget.steps_available(whole)
    assert budget.counted_on(sample) == budget.counted_on(whole) == " (counted on the 1,000 sequences of these data)"
