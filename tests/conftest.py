from __future__ import annotations

import functools
import gc
import importlib
import os
import pkgutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

# Bytecode is kept, whatever the environment says: without it every worker rewrites all assertions anew, and every process
# that a test starts compiles the package.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# Small tensors are slower on several threads than on one, and every core has a worker's tests to run; the commands that
# tests start are told so too.
os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"))


def pytest_collectstart(collector: pytest.Collector) -> None:
    """Prepare a process that collects tests: the one that gives them out to workers needs none of this."""
    gc.disable()  # what is collected stays, and would be looked through again and again
    _prepare()


def pytest_collection_finish(session: pytest.Session) -> None:
    gc.enable()
    gc.freeze()


@functools.cache
def _prepare() -> None:
    import torch
    from hypothesis import HealthCheck, settings

    import humouse_doctor

    # The inputs are the same at every run, so that the second fifty would be tried again and again: tests/lab/fuzz seeks more.
    slow = [HealthCheck.too_slow]
    settings.register_profile("repeatable", derandomize=True, deadline=None, max_examples=50, suppress_health_check=slow)
    settings.load_profile("repeatable")
    torch.set_num_threads(1)
    # Hypothesis takes constants from all modules that are there: with all, a test's inputs are the same in any worker.
    for module in pkgutil.walk_packages(humouse_doctor.__path__, "humouse_doctor."):
        if not module.name.endswith(("__main__", ".live.lightning", ".live.transformers")):  # their frameworks take 10 s each
            importlib.import_module(module.name)


@pytest.fixture(autouse=True)
def _loader_without_its_process(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read checkpoints in the test's own process, unless the test is marked `loader_process`: a start takes seconds."""
    from humouse_doctor.inputs.checkpoints import child
    from tests.inputs.checkpoints.in_process import InProcess

    if request.node.get_closest_marker("loader_process") is None:
        monkeypatch.setattr(child, "launch", InProcess)


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    if not pluginmanager.hasplugin("xdist"):  # what pyproject.toml asks of it then goes for nothing
        for option in ("--numprocesses", "--maxprocesses", "--dist"):
            parser.addoption(option, help="of pytest-xdist, which is not here")
    parser.addoption("--update-goldens", action="store_true", help="write the golden files anew instead of comparing")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    return Golden(Path(__file__).parent / "golden", update=bool(request.config.getoption("--update-goldens")))


class Golden:
    """A comparison of text with a file of tests/golden, which can also write the file."""

    def __init__(self, folder: Path, *, update: bool) -> None:
        self._folder, self._update = folder, update

    def __call__(self, name: str, text: str) -> None:
        path = self._folder / name
        if self._update:
            path.write_text(text, encoding="utf-8")
        assert text == path.read_text(encoding="utf-8")


class Ended(NamedTuple):
    """The end of a command: its exit code, stdout and stderr."""

    code: int
    out: str
    err: str


@pytest.fixture
def invoke(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ended]:
    """Run the command line in this process, as the console script does."""
    from tests import command_line

    def run(*arguments: object) -> Ended:
        capsys.readouterr()
        code = command_line.run(*arguments)
        out, err = capsys.readouterr()
        return Ended(code, out, err)

    return run


@pytest.fixture
def few_fits(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fit latents in few steps, most of a small run's time, where a test is not about what the fit comes to.

    A test of a module that does so is marked `whole_fits` if it is.
    """
    if request.node.get_closest_marker("whole_fits") is None:
        fit_little(monkeypatch)


def fit_little(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do what `few_fits` does, for fixtures of a whole module."""
    from humouse_doctor.networks import observe, sampling

    monkeypatch.setattr(observe, "fit_latents", functools.partial(sampling.fit_latents, steps=4, rounds=1))


@contextmanager
def no_bar(_: int, __: str) -> Iterator[Callable[[int, float], None]]:
    yield lambda _step, _loss: None


def small_run(name: str, folder: Path, **changes: object) -> Path:
    """Train a run of a second or less into `folder`."""
    from humouse_doctor.training.demonstration import Recipe, Units, config_text, train_run

    options: dict[str, Any] = {"length": 24, "head": "tanh", "rate": "2.0e-4", "epochs": 2, "absolute": True, **changes}
    units, gates = options.pop("units", Units.PIXELS), bool(options.pop("slow_gates", False))
    text = config_text(name, **options)
    length = options["length"]
    train_run(Recipe(name=name, config=text, sequences=64, length=length, units=units, slow_gates=gates), folder, 0, no_bar)
    return folder


def once(name: str, factory: pytest.TempPathFactory, make: Callable[[Path], object]) -> Path:
    """Return a folder that one worker has made for all of them; nobody may write into it."""
    from filelock import FileLock

    base = factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / name
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            begun = folder.with_name(f"{name}.begun")
            make(begun)
            begun.rename(folder)
    return folder


@pytest.fixture(scope="session")
def collapsed_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on absolute pixels with a tanh head; do not write into it."""
    return once("collapsed", tmp_path_factory, functools.partial(small_run, "sick"))


@pytest.fixture(scope="session")
def healthy_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run at unit scale, long enough and with slow gates; do not write into it."""
    from humouse_doctor.training.demonstration import Units

    make = functools.partial(
        small_run,
        "well",
        head="linear",
        rate="5.0e-3",
        epochs=150,
        more="    warmup_latent_normalize: false\n",
        units=Units.SCREEN_FRACTIONS,
        slow_gates=True,
    )
    return once("healthy", tmp_path_factory, make)
