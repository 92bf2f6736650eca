"""Runs of extreme numbers, from files to every format: an answer or one line; no crash, no warning, no unfounded healthy."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import humouse_doctor
from humouse_doctor.cases.spaces import conditions_of, held_in_float32
from humouse_doctor.core.arrays import FloatArray
from humouse_doctor.core.errors import UsageError
from humouse_doctor.core.report import Verdict
from humouse_doctor.inputs.config import reader
from humouse_doctor.inputs.gestures.gestures import Statistics, gather
from humouse_doctor.reporting.forms import Format
from tests.conftest import Ended
from tests.schemas import require_report

#: The probes on which a healthy verdict rests.
DECIDING = ("HD101", "HD103", "HD104")

Invoke = Callable[..., Ended]
Weights = dict[str, Tensor]
Change = Callable[[Weights], Weights]


def _every(change: Callable[[Tensor], Tensor]) -> Change:
    return lambda weights: {name: change(tensor) for name, tensor in weights.items()}


def _first(change: Callable[[Tensor], Tensor]) -> Change:
    return lambda weights: {name: change(t) if place == 0 else t for place, (name, t) in enumerate(weights.items())}


def _last(change: Callable[[Tensor], Tensor]) -> Change:
    return lambda weights: {name: change(t) if name == "output.weight" else t for name, t in weights.items()}


def _spoilt(tensor: Tensor, number: float) -> Tensor:
    return tensor.flatten().index_fill(0, torch.tensor([0]), number).reshape(tensor.shape)


#: Changes of weights to extreme values or types, by name.
CHECKPOINTS: dict[str, Change] = {
    "float16": _every(lambda t: t.half()),
    "bfloat16": _every(lambda t: t.bfloat16()),
    "float64": _every(lambda t: t.double()),
    "float8_e4m3fn": _every(lambda t: t.to(torch.float8_e4m3fn)),
    "float8_e5m2": _every(lambda t: t.to(torch.float8_e5m2)),
    "int8": _every(lambda t: t.round().to(torch.int8)),
    "int8 of one layer": _last(lambda t: t.round().to(torch.int8)),
    "bool": _every(lambda t: t > 0),
    "complex64": _every(lambda t: t.to(torch.complex64)),
    "all NaN": _every(lambda t: t * torch.nan),
    "one NaN": _first(lambda t: _spoilt(t, torch.nan)),
    "one infinity": _last(lambda t: _spoilt(t, torch.inf)),
    "a NaN of float16": _first(lambda t: _spoilt(t, torch.nan).half()),
    "a NaN of float8": _first(lambda t: _spoilt(t, torch.nan).to(torch.float8_e4m3fn)),
    "all infinite": _every(lambda t: t.abs() * torch.inf),
    "all zero": _every(lambda t: t * 0),
    "all 1e30": _every(lambda t: t * 0 + 1e30),
    "times 1e30": _every(lambda t: t * 1e30),
    "all 1e-40": _every(lambda t: t * 0 + 1e-40),
    "times 1e-40": _every(lambda t: t * 1e-40),
    "an output of 1e30": _last(lambda t: t * 1e30),
    "an output of 3e38": _last(lambda t: t.sign() * 3e38),
    "an output of 1e-40": _last(lambda t: t * 1e-40),
    "1e300, more than float32 holds": _last(lambda t: t.double() * 1e300),
    "1e-300, less than float32 holds": _every(lambda t: t.double() * 1e-300),
    "an empty tensor": _last(lambda t: t[:0]),
    "all empty": _every(lambda t: t[:0]),
    "one number": _every(lambda t: t.flatten()[0]),
}


def _deltas(scale: float = 1.0, rows: int = 64, steps: int = 24) -> FloatArray:
    random = np.random.default_rng(0)
    angles, speeds = random.uniform(0, 2 * np.pi, rows), np.sin(np.linspace(0, np.pi, steps)) ** 2
    headings = np.stack([np.cos(angles), np.sin(angles)], axis=1)  # (N, 2)
    return np.asarray(scale * 0.05 * speeds[None, :, None] * headings[:, None])


#: Weights that are the healthy run's own, in another type.
SAME = ("float16", "bfloat16", "float64", "float8_e4m3fn", "float8_e5m2")
#: Weights that no generator is loaded from.
REFUSED = ("int8", "int8 of one layer", "bool", "complex64", "an empty tensor", "all empty", "one number")
#: Weights that are no numbers, as stored or in the float32 they run in.
NO_NUMBERS = (
    "all NaN", "one NaN", "one infinity", "a NaN of float16", "a NaN of float8", "all infinite",
    "1e300, more than float32 holds",
)  # fmt: skip
#: Weights with which the generator gives the same motionless path for every latent.
MOTIONLESS = ("all zero", "all 1e-40", "times 1e-40", "1e-300, less than float32 holds", "an output of 1e-40")

#: Data by name, as raw deltas.
DATA: dict[str, Callable[[], FloatArray]] = {
    "constant deltas": lambda: _deltas() * 0 + 0.1,
    "zeros": lambda: _deltas() * 0,
    "one move and then nothing": lambda: np.concatenate([_deltas()[:, :1] * 0 + 0.5, _deltas()[:, 1:] * 0], axis=1),
    "one axis": lambda: _deltas() * np.array([1.0, 0.0]),
    "one axis constant": lambda: _deltas() * np.array([1.0, 0.0]) + np.array([0.0, 1e-3]),
    "one sequence": lambda: _deltas()[:1],
    "fifteen sequences": lambda: _deltas()[:15],
    "one step": lambda: _deltas()[:, 12:13],
    "two steps": lambda: _deltas()[:, 11:13],
    "one sequence of one step": lambda: _deltas()[:1, 12:13],
    "no sequence": lambda: _deltas()[:0],
    "no step": lambda: _deltas()[:, :0],
    "of 1e30": lambda: _deltas(1e30),
    "of 1e30 in float32": lambda: _deltas(1e30).astype(np.float32),
    "of 1e18": lambda: _deltas(1e18),
    "of 1e-30": lambda: _deltas(1e-30),
    "of 1e-18": lambda: _deltas(1e-18),
    "of 1e300": lambda: _deltas(1e300),
    "of 1e-300": lambda: _deltas(1e-300),
    "denormal": lambda: _deltas(1e-43).astype(np.float32),
    "of float16": lambda: _deltas().astype(np.float16),
    "near the most of float16": lambda: np.asarray((_deltas(1e6)).astype(np.float16)),
    "of int8": lambda: _deltas(1e3).astype(np.int8),
    "of int64, huge": lambda: _deltas(1e18).astype(np.int64),
    "of complex64": lambda: _deltas().astype(np.complex64),
    "all NaN": lambda: _deltas() * np.nan,
    "half NaN": lambda: np.where(np.arange(64)[:, None, None] % 2 == 0, _deltas(), np.nan),
    "all infinite": lambda: np.full((64, 24, 2), np.inf),
    "scales far apart": lambda: _deltas() * np.array([1e15, 1e-15]),
}


#: Data of which every symptom can be measured, and with which this run is well or only moves too much.
MEASURABLE = ("of float16", "half NaN", "one axis")
UNREADABLE = (
    "zeros", "no sequence", "no step", "of 1e30", "of 1e30 in float32", "of 1e300", "of 1e-300", "of complex64", "all NaN",
    "all infinite",
)  # fmt: skip
#: Data that tells too little, whatever is measured.
TELLS_NOTHING = (
    "constant deltas", "one move and then nothing", "one sequence", "fifteen sequences", "one step", "two steps",
    "one sequence of one step",
)  # fmt: skip


@pytest.fixture
def run(healthy_run: Path, tmp_path: Path) -> Path:
    """Return a copy of a healthy run that a test may write to."""
    return Path(shutil.copytree(healthy_run, tmp_path / "run"))


def _checkpoint(run: Path) -> Path:
    (found,) = (run / "checkpoints").glob("generator_*.pt")
    return found


def _rewrite(run: Path, change: Change) -> None:
    path = _checkpoint(run)
    content = torch.load(path, weights_only=True)
    nested = next((key for key, value in content.items() if isinstance(value, dict)), None)
    torch.save({**content, nested: change(content[nested])} if nested is not None else change(content), path)


def _assert_no_lie(text: str) -> None:
    """Assert that a text has no NaN or infinity, and no number too long to read."""
    assert not re.search(r"(?<![\w/.-])[-+]?(nan|inf|Infinity)(?![\w/.-])", text), text
    assert not re.search(r"\d{25}", re.sub(r"[0-9a-f]{40,}", "", text)), text


def _refuse(name: str) -> float:
    raise AssertionError(f"{name} stands in the report")


def _assert_honest(ended: Ended, deciding: tuple[str, ...] = DECIDING) -> dict[str, Any] | None:
    """Return the report as data if there is one, after checking its claims."""
    assert ended.code in (0, 1, 3), ended
    assert "Traceback" not in ended.out + ended.err
    assert "Warning" not in ended.err
    if not ended.out:
        assert ended.code == 3
        lines = [line for line in ended.err.splitlines() if not line.startswith("...")]
        assert len(lines) == 1, ended.err
        return None

    report: dict[str, Any] = json.loads(ended.out, parse_constant=_refuse)
    require_report(report)
    statuses = {probe["code"]: probe["status"] for probe in report["probes"]}
    assert "crashed" not in statuses.values()
    if report["verdict"] == "healthy":
        graver = {finding["code"] for finding in report["findings"] if finding["severity"] == "error"}
        assert all(statuses[code] in ("healthy", "found") for code in deciding)  # too much of it is found, and no collapse
        assert graver.isdisjoint(deciding)
    else:
        assert ended.code != 0
    return report


def _inspect(invoke: Invoke, run: Path, *more: object) -> dict[str, Any] | None:
    return _assert_honest(invoke("inspect", run, "--format", "json", "--samples", 32, *more))


def _statuses(report: dict[str, Any]) -> dict[str, str]:
    return {probe["code"]: probe["status"] for probe in report["probes"]}


@pytest.mark.usefixtures("few_fits")
@pytest.mark.parametrize("name", CHECKPOINTS)
def test_weights_of_any_type_and_size_get_an_answer_or_one_line(name: str, run: Path, invoke: Invoke) -> None:
    _rewrite(run, CHECKPOINTS[name])
    report = _inspect(invoke, run)
    assert (report is None) == (name in REFUSED)
    if report is None:
        return
    assert (report["verdict"] == "healthy") == (name in SAME)
    statuses = _statuses(report)
    if name in NO_NUMBERS:
        assert "weights are NaN or infinite" in report["sentence"]
        assert statuses["HD108"] == "found"
        assert {statuses[code] for code in (*DECIDING, "HD105", "HD106")} == {"skipped"}
    if name in MOTIONLESS:
        assert {statuses[code] for code in (*DECIDING, "HD105")} == {"found"}


@pytest.mark.usefixtures("few_fits")
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.whole_fits] if name in MEASURABLE else []) for name in DATA]
)
def test_data_of_any_numbers_get_an_answer_or_one_line(name: str, run: Path, invoke: Invoke, tmp_path: Path) -> None:
    np.save(tmp_path / "data.npy", DATA[name]())
    report = _inspect(invoke, run, "--data", tmp_path / "data.npy")
    assert (report is None) == (name in UNREADABLE)
    if report is None:
        return
    assert (report["verdict"] == "healthy") == (name in MEASURABLE)
    if name in TELLS_NOTHING:
        assert report["verdict"] == "undetermined"


@pytest.mark.parametrize("name", [name for name in DATA if name not in UNREADABLE])
@pytest.mark.parametrize("normalise", [False, True], ids=["raw", "z-scored"])
def test_a_config_is_judged_by_data_of_any_numbers(
    name: str, normalise: bool, run: Path, invoke: Invoke, tmp_path: Path
) -> None:
    np.save(tmp_path / "data.npy", DATA[name]())
    given = (run / ".hydra" / "config.yaml", "--data", tmp_path / "data.npy", f"--set=data.normalize_sequences={normalise}")
    report = _assert_honest(invoke("preflight", *given, "--format", "json"), deciding=("HD202",))
    assert report is not None
    assert name not in TELLS_NOTHING or report["verdict"] != "healthy"


@pytest.mark.usefixtures("few_fits")
@pytest.mark.parametrize("name", [name for name in DATA if name not in UNREADABLE])
@pytest.mark.parametrize("rate", ["0", "1e-300", "1e300"])
def test_a_patch_for_extreme_numbers_holds_only_numbers(
    name: str, rate: str, run: Path, invoke: Invoke, tmp_path: Path
) -> None:
    np.save(tmp_path / "data.npy", DATA[name]())
    given = ("--data", tmp_path / "data.npy", "--set", f"training.lr.generator={rate}", "--samples", 32, "--quick")
    ended = invoke("suggest-config", run, *given, "--emit", "overrides")
    assert ended.code in (0, 1, 3), ended.err
    assert "Traceback" not in ended.err
    _assert_no_lie(ended.out + ended.err)


#: Weights and data that the formats are to show.
SHOWN = (
    ("all NaN", None),
    ("1e300, more than float32 holds", "of 1e18"),
    ("times 1e30", "of 1e-18"),
    ("an output of 1e30", "denormal"),
    ("all zero", "one sequence of one step"),
    ("float8_e4m3fn", "fifteen sequences"),
)


@pytest.fixture(scope="module")
def saved(healthy_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str | None, Invoke], Path]:
    """Return the saved report on a run of such weights and data, inspected once for all formats."""
    folder = tmp_path_factory.mktemp("saved")

    def report(weights: str, data: str | None, invoke: Invoke) -> Path:
        path = folder / f"{weights}.json"
        if not path.exists():
            run = Path(shutil.copytree(healthy_run, folder / weights))
            _rewrite(run, CHECKPOINTS[weights])
            more: list[object] = []
            if data is not None:
                np.save(run / "data.npy", DATA[data]())
                more = ["--data", run / "data.npy"]
            ended = invoke("inspect", run, "--output", f"json={path}", "--samples", 32, *more)
            assert ended.code in (1, 3), ended.err
            assert "Traceback" not in ended.out + ended.err
            _assert_no_lie(ended.out)
        return path

    return report


@pytest.mark.parametrize(("weights", "data"), SHOWN)
@pytest.mark.parametrize("form", [form.value for form in Format])
def test_every_format_shows_extreme_numbers_without_a_lie(
    weights: str, data: str | None, form: str, saved: Callable[[str, str | None, Invoke], Path], invoke: Invoke
) -> None:
    ended = invoke("show", saved(weights, data, invoke), "--format", form)
    assert ended.code in (1, 3), ended.err
    assert "Traceback" not in ended.out + ended.err
    if form in ("json", "sarif", "gitlab"):
        json.loads(ended.out, parse_constant=_refuse)
    _assert_no_lie(re.sub(r"<style.*?</style>|<script.*?</script>", "", ended.out, flags=re.DOTALL))


@pytest.mark.usefixtures("few_fits")
@pytest.mark.parametrize("std", ["2e-38", "5e-324", "1e38", "0", "1e300"])
@pytest.mark.parametrize("scale", [1e18, 1.0, 1e-18])
@pytest.mark.parametrize("command", ["inspect", "preflight"])
def test_statistics_that_stretch_targets_beyond_float32_get_an_answer(
    command: str, scale: float, std: str, run: Path, invoke: Invoke, tmp_path: Path
) -> None:
    np.savez(tmp_path / "data.npz", sequences=_deltas(scale).astype(np.float32))
    (tmp_path / "data.npz.meta.json").write_text(f'{{"sequence_mean": [0, 0], "sequence_std": [{std}, 1]}}')
    given = ("--data", tmp_path / "data.npz", "--set", "data.normalize_sequences=true", "--format", "json")
    deciding = DECIDING if command == "inspect" else ("HD202",)
    report = _assert_honest(invoke(command, run, *given), deciding)
    assert report is not None
    if command == "inspect" and std == "2e-38" and scale == 1e18:
        reasons = {probe["code"]: probe["reason"] for probe in report["probes"]}
        assert "too large for float32" in reasons["HD105"]
        assert "too large for float32" in reasons["HD106"]


@pytest.mark.usefixtures("few_fits")
@pytest.mark.parametrize("std", [0.0, 1e-45, 1e-30, 1e30, 3e38, np.nan, np.inf])
@pytest.mark.parametrize("mean", [0.0, 3e38, np.nan])
def test_a_pretrainers_statistics_of_any_numbers_get_an_answer_or_one_line(
    mean: float, std: float, run: Path, invoke: Invoke
) -> None:
    path = _checkpoint(run)
    content = torch.load(path, weights_only=True)
    weights = next((value for value in content.values() if isinstance(value, dict)), content)
    statistics = {"position_mean": torch.tensor([mean, 0.0]), "position_std": torch.tensor([std, 1.0])}
    torch.save({"model": weights, **statistics}, path)
    report = _assert_honest(
        invoke("inspect", path, "--config", run / ".hydra" / "config.yaml", "--format", "json", "--samples", 32)
    )
    cancels = mean in (0.0, std) and std in (1e30, 3e38)  # both sides are divided by it, and the run's paths are healthy
    assert report is None or report["verdict"] != "healthy" or cancels


class Repeats(nn.Module):
    """A generator that returns the given paths, whatever the latent."""

    latent_dim = 4

    def __init__(self, paths: FloatArray) -> None:
        super().__init__()
        self.paths = nn.Parameter(torch.from_numpy(np.array(paths)))

    def forward(self, z: Tensor) -> Tensor:
        return self.paths[torch.arange(len(z)) % len(self.paths)]


def _paths(scale: float, rows: int = 64, steps: int = 24) -> FloatArray:
    paths = np.cumsum(_deltas(rows=rows), axis=1)[:, -steps:]
    return np.asarray(paths / paths.std() * scale)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("scale", [1e-30, 1e-3, 1.0, 1e3, 1e30, 1e300])
def test_in_memory_a_generator_as_its_targets_is_healthy_at_any_scale_that_its_type_holds(
    dtype: type[np.floating[Any]], scale: float
) -> None:
    targets = _paths(scale)
    with np.errstate(over="ignore"):
        generator = Repeats(targets.astype(dtype))
    if scale == 1e300:
        with pytest.raises(UsageError, match="overly large values"):
            humouse_doctor.inspect(generator=generator, targets=targets, samples=64, quick=True)
        return
    report = humouse_doctor.inspect(generator=generator, targets=targets, samples=64, quick=True)
    held = float(np.finfo(dtype).tiny) < scale < float(np.finfo(dtype).max) / 10
    assert (report.verdict is Verdict.HEALTHY) == held, report.sentence


@pytest.mark.parametrize(("rows", "steps"), [(1, 24), (15, 24), (64, 1), (64, 3), (1, 1)])
def test_in_memory_too_few_sequences_or_steps_are_undetermined(rows: int, steps: int) -> None:
    targets = _paths(1.0, rows, steps)
    report = humouse_doctor.inspect(generator=Repeats(targets), targets=targets, samples=64, quick=True)
    assert report.verdict is Verdict.UNDETERMINED


@pytest.mark.parametrize("broken", [np.nan, np.inf, 1e300, 1e39])
def test_conditions_that_float32_does_not_hold_are_refused_in_one_line(broken: float) -> None:
    targets = _paths(1.0)
    with pytest.raises(UsageError, match="conditions have shape"):
        humouse_doctor.inspect(generator=Repeats(targets), targets=targets, conditions=np.full((64, 1), broken))


def test_features_of_any_numbers_are_taken_or_said_to_be_zero() -> None:
    values = np.array([[0.0], [1.0], [np.nan], [np.inf], [1e300], [3e38], [5e-324], [-1e39]])
    deltas = _deltas(rows=8)
    given = gather(deltas, source="x", total=8, usable=8, dropped={}, features=values)
    for std in (2e-38, 1.0, 1e38):
        statistics = Statistics(by_name={"feature_mean": np.zeros(1), "feature_std": np.array([std])})
        remarks: list[str] = []
        found = conditions_of(reader.from_values({}), replace(given, statistics=statistics), 1, remarks)
        assert found is not None
        assert held_in_float32(found)
        assert "4 of the data's features are NaN, infinite or overly large: replaced by zero" in remarks
        assert len(remarks) == (2 if std == 2e-38 else 1)


@pytest.mark.usefixtures("few_fits")
@pytest.mark.parametrize(
    "override",
    [
        "training.lr.generator=0",
        "training.lr.generator=1e-300",
        "training.lr.generator=1e30",
        "training.lr.generator=1e300",
        "training.betas=[1.0,0.9]",
        "training.betas=[-1,0.5]",
        "training.betas=[0.5,1e300]",
        "training.warmup_noise_std=1e300",
        "training.warmup_kl_weight=1e300",
        "data.batch_size=1",
        "training.absolute_coordinates=false",
    ],
)
@pytest.mark.parametrize("name", ["as it is", "constant deltas", "one axis", "one sequence of one step", "of 1e18"])
def test_trials_of_extreme_numbers_end_with_an_outcome_or_one_line(
    name: str, override: str, run: Path, invoke: Invoke, tmp_path: Path
) -> None:
    deltas = (_deltas() if name == "as it is" else DATA[name]())[:, ::2]  # half of the steps are trained in half the time
    np.save(tmp_path / "data.npy", deltas)
    given = (run / ".hydra" / "config.yaml", "--data", tmp_path / "data.npy", "--steps", 5, "--seeds", 1, "--workers", 1)
    length = f"model.generator.target_len={deltas.shape[1]}"
    ended = invoke("verify", *given, "--patch", "slow-gates", "--set", override, "--set", length, "--format", "json")
    assert "Traceback" not in ended.out + ended.err
    assert ended.code in (0, 1, 3) if ended.out else ended.code in (2, 3), ended.err
    if ended.out:
        outcome = json.loads(ended.out, parse_constant=_refuse)
        assert all(not trial["healthy"] for trial in outcome["trials"]) or name == "as it is"
