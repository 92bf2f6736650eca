"""The examples of a watch, with the real frameworks: a healthy run goes to its end, and a sick one is stopped and named."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples" / "watch"


@pytest.mark.parametrize("name", ["plain_loop", "with_lightning", "with_transformers"])
def test_a_sick_run_is_stopped_and_a_healthy_one_is_not(name: str) -> None:
    """In a process of its own: what a framework imports and sets up stays there."""
    if name != "plain_loop" and find_spec(name.removeprefix("with_")) is None:
        pytest.skip("the extra is not installed")
    quiet = {"HF_HUB_OFFLINE": "1", "PYTHONWARNINGS": "ignore::UserWarning"}
    ended = subprocess.run(
        [sys.executable, EXAMPLES / f"{name}.py"], capture_output=True, text=True, timeout=300, env={**os.environ, **quiet}
    )

    assert ended.returncode == 0, ended.stderr
    well, ill = re.findall(r"^(?:healthy|sick) run ended at step (\d+) of (\d+): (\w+): (.*)$", ended.stdout, re.MULTILINE)
    assert well[:3] == (well[1], well[1], "healthy")
    assert ill[2] == "collapsed"
    assert int(ill[0]) <= int(ill[1]) / 3
    assert "beyond what a tanh head can emit" in ill[3]
    if name == "with_lightning":
        assert "written: metrics.csv, watch.jsonl" in ill[3]
