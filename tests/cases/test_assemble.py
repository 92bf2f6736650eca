from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from humouse_doctor.cases.load import load_case
from humouse_doctor.cases.request import Request
from humouse_doctor.core.probe import Status
from humouse_doctor.core.tool_codes import ToolCode
from humouse_doctor.diagnosis.examine import examine
from humouse_doctor.inputs.gestures.synthetic import strokes
from tests.cases.builders import LENGTH, write_checkpoint, write_config


@pytest.mark.parametrize("in_data", [8, 24])
def test_what_is_compared_has_the_steps_that_both_have(tmp_path: Path, in_data: int) -> None:
    data = tmp_path / "other.npz"
    np.savez(data, sequences=strokes(24, in_data, 0))
    request = Request(checkpoint=write_checkpoint(tmp_path), config=write_config(tmp_path), data=data, samples=24)

    loaded = load_case(request)

    samples, common = loaded.case.samples, min(in_data, LENGTH)
    assert ToolCode.DATA_MISMATCH in {finding.code for finding in loaded.tool_findings}
    assert samples.predictions is not None
    assert samples.loss_targets is not None
    assert samples.fit is not None
    arrays = (samples.predictions, samples.loss_targets, samples.fit.predictions, samples.fit.targets)
    assert {array.shape[1] for array in arrays} == {common}
    assert all(result.status is not Status.CRASHED for result in examine(loaded.case))
