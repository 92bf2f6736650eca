from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
import torch

from humouse_doctor.cases.load import load_case
from humouse_doctor.cases.request import Request
from humouse_doctor.core.errors import InputError
from humouse_doctor.core.tool_codes import ToolCode
from tests.cases.builders import write_checkpoint, write_config


def test_an_old_torch_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "__version__", "2.9.1+cpu")
    request = Request(checkpoint=write_checkpoint(tmp_path), config=write_config(tmp_path), samples=8)

    assert ToolCode.OLD_TORCH in {finding.code for finding in load_case(request).tool_findings}


def test_a_salvaged_checkpoint_is_a_finding_that_names_its_code(tmp_path: Path) -> None:
    path = write_checkpoint(tmp_path)
    torch.save({"model": torch.load(path, weights_only=True), "path": Path("a"), "kept": Fraction(1, 2)}, path)
    request = Request(checkpoint=path, config=write_config(tmp_path), samples=8)
    with pytest.raises(InputError, match="--salvage"):
        load_case(request)

    (finding,) = load_case(replace(request, salvage=True)).tool_findings

    assert finding.code is ToolCode.FOREIGN_CODE
    assert finding.serious
    assert finding.message.startswith(f"{path.name} refers to foreign code: fractions.Fraction, pathlib.")
