from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from humouse_doctor.cases.load import load_case
from humouse_doctor.cases.request import Request
from humouse_doctor.core.arrays import FloatArray
from humouse_doctor.core.case import Need
from humouse_doctor.core.errors import ExitCode, InputError
from humouse_doctor.core.report import Report, Verdict
from humouse_doctor.diagnosis.diagnose import diagnose
from humouse_doctor.diagnosis.examine import examine

STEPS = 40


def wandering(seed: int, count: int = 96) -> FloatArray:
    """Return deltas (count, STEPS, 2) of paths in all directions that turn on their way and pause at times."""
    random = np.random.default_rng(seed)
    heading = random.uniform(0, 2 * np.pi, (count, 1)) + np.cumsum(random.normal(0, 0.35, (count, STEPS)), axis=1)
    speed = 8 * random.uniform(0.5, 1.5, (count, 1)) * np.sin(np.linspace(0.1, 3, STEPS)) ** 2
    return np.asarray(np.stack([np.cos(heading), np.sin(heading)], axis=-1) * speed[..., None], dtype=np.float32)


def _straight(deltas: FloatArray) -> FloatArray:
    return np.asarray(np.repeat(deltas.mean(axis=1, keepdims=True) * 1.3, STEPS, axis=1))


KINDS: dict[str, tuple[Callable[[FloatArray], FloatArray], Verdict]] = {
    "of other people": (lambda deltas: deltas, Verdict.HEALTHY),
    "constant": (lambda deltas: np.zeros_like(deltas), Verdict.COLLAPSED),
    "tiny": (lambda deltas: deltas * 0.01, Verdict.COLLAPSED),
    "all the same": (lambda deltas: deltas[:1] + 0 * deltas, Verdict.COLLAPSED),
    "exploding": (lambda deltas: deltas * 100, Verdict.AT_RISK),
    "shaking": (
        lambda deltas: deltas + np.diff(np.random.default_rng(9).normal(0, 60, (96, STEPS + 1, 2)), axis=1),
        Verdict.AT_RISK,
    ),
    "straight": (_straight, Verdict.COLLAPSED),
}


def _report(folder: Path, samples: Path, *overrides: str) -> Report:
    np.savez(folder / "real.npz", sequences=wandering(0))
    loaded = load_case(Request(checkpoint=samples, data=folder / "real.npz", overrides=overrides))
    return diagnose(loaded, examine(loaded.case))


@pytest.mark.parametrize("kind", KINDS)
def test_samples_are_judged_like_what_a_checkpoint_draws(tmp_path: Path, kind: str) -> None:
    change, verdict = KINDS[kind]
    np.savez(tmp_path / "drawn.npz", sequences=change(wandering(1)))

    report = _report(tmp_path, tmp_path / "drawn.npz")

    assert report.verdict is verdict, report.sentence
    assert report.causes == ()
    assert all(result.reason for result in report.probes if result.code.startswith("HD2"))


def test_a_tensor_an_array_and_a_table_give_one_report(tmp_path: Path) -> None:
    drawn = wandering(1)
    np.save(tmp_path / "drawn.npy", drawn)
    torch.save(torch.from_numpy(drawn), tmp_path / "drawn.pt")
    lines = [f"{row},{x!r},{y!r}" for row, sequence in enumerate(drawn.tolist()) for x, y in sequence]
    (tmp_path / "drawn.csv").write_text("sequence,dx,dy\n" + "\n".join(lines), encoding="utf-8")

    first, *others = (_report(tmp_path, tmp_path / f"drawn.{suffix}") for suffix in ("npy", "pt", "csv"))

    assert first.verdict is Verdict.HEALTHY
    assert any("read as deltas; --reads changes this" in remark for remark in first.subject.remarks)
    assert any("read as its columns say" in remark for remark in others[-1].subject.remarks)
    assert [other.probes for other in others] == [first.probes] * 2


def test_positions_are_taken_as_such_where_it_is_said(tmp_path: Path) -> None:
    np.save(tmp_path / "drawn.npy", np.cumsum(wandering(1), axis=1) + 300)

    assert _report(tmp_path, tmp_path / "drawn.npy").verdict is not Verdict.HEALTHY
    assert _report(tmp_path, tmp_path / "drawn.npy", "training.output_space=positions").verdict is Verdict.HEALTHY


def test_samples_that_hold_nan_are_never_healthy(tmp_path: Path) -> None:
    drawn = wandering(1)
    drawn[0, 3, 1] = np.nan
    np.save(tmp_path / "drawn.npy", drawn)

    report = _report(tmp_path, tmp_path / "drawn.npy")

    assert (report.verdict, report.exit_code()) == (Verdict.UNDETERMINED, ExitCode.INPUT)
    assert "1 of 96 samples with NaN, infinite or overly large values" in report.sentence


def test_samples_of_another_length_are_compared_as_far_as_both_go(tmp_path: Path) -> None:
    np.save(tmp_path / "drawn.npy", wandering(1)[:, :30])
    np.savez(tmp_path / "real.npz", sequences=wandering(0))
    loaded = load_case(Request(checkpoint=tmp_path / "drawn.npy", data=tmp_path / "real.npz"))

    samples = loaded.case.samples
    assert samples.predictions is not None
    assert samples.loss_targets is not None
    assert samples.predictions.shape[1] == samples.loss_targets.shape[1] == 30
    assert [found.message for found in loaded.tool_findings] == [
        "the data has 40 steps and the samples have 30; the first 30 were compared"
    ]


def test_without_real_sequences_nothing_is_said_of_samples(tmp_path: Path) -> None:
    np.save(tmp_path / "drawn.npy", wandering(1))
    loaded = load_case(Request(checkpoint=tmp_path / "drawn.npy"))

    assert diagnose(loaded, examine(loaded.case)).verdict is Verdict.UNDETERMINED
    assert loaded.case.lacks(Need.WEIGHTS) == "samples were looked at, not the weights that drew them"


def test_a_tensor_that_is_no_sequences_is_refused_as_the_checkpoint_that_it_is_not(tmp_path: Path) -> None:
    torch.save(torch.ones(3, 4), tmp_path / "x.pt")

    with pytest.raises(InputError, match="holds a bare tensor; expected a humouse generator checkpoint"):
        load_case(Request(checkpoint=tmp_path / "x.pt"))
