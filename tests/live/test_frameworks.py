"""The examples of a watch, with the real frameworks: a healthy run goes to its end, and a sick one is stopped and named."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests import forked

EXAMPLES = Path(__file__).parents[2] / "examples" / "watch"
#: In the order in which they run: most of what Lightning imports, transformers has imported by then.
NAMES = ["plain_loop", "with_transformers", "with_lightning"]


def is_there(name: str) -> bool:
    return name == "plain_loop" or find_spec(name.removeprefix("with_")) is not None


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> dict[str, forked.Ended]:
    """Run all in one process of their own: what a framework imports, which takes seconds, and sets up stays there."""
    there = [name for name in NAMES if is_there(name)]
    quiet = {"HF_HUB_OFFLINE": "1", "PYTHONWARNINGS": "ignore::UserWarning"}
    programs = [EXAMPLES / f"{name}.py" for name in there]
    return dict(zip(there, forked.run(programs, tmp_path_factory.mktemp("ended"), quiet), strict=True))


@pytest.mark.parametrize("name", NAMES)
def test_a_sick_run_is_stopped_and_a_healthy_one_is_not(name: str, ended: dict[str, forked.Ended]) -> None:
    if name not in ended:
        pytest.skip("the extra is not installed")
    code, out, err = ended[name]

    assert code == 0, err
    well, ill = re.findall(r"^(?:healthy|sick) run ended at step (\d+) of (\d+): (\w+): (.*)$", out, re.MULTILINE)
    assert well[:3] == (well[1], well[1], "healthy")
    assert ill[2] == "collapsed"
    assert int(ill[0]) <= int(ill[1]) / 3
    assert "beyond what a tanh head can emit" in ill[3]
    if name == "with_lightning":
        assert "written: metrics.csv, watch.jsonl" in ill[3]
