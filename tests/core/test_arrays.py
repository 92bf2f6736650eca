from __future__ import annotations

import subprocess
import sys

import numpy
import pytest

from humouse_doctor.core import arrays


def test_a_name_of_the_stand_in_is_numpys_own() -> None:
    assert arrays.numpy.cumsum is numpy.cumsum
    assert arrays.numpy.linalg.norm([3.0, 4.0]) == 5.0


def test_a_name_numpy_does_not_have_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        getattr(arrays.numpy, "no_such_name")  # noqa: B009


@pytest.mark.parametrize(
    "module", ["core.arrays", "core.space", "core.spec", "core.settings", "core.text", "inputs.files", "inputs.config.reader"]
)
def test_numpy_is_not_imported_before_it_is_used(module: str) -> None:
    code = f"import sys, humouse_doctor.{module}; print(sorted({{'numpy', 'torch'}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
