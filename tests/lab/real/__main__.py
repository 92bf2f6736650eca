"""Make runs with humouse's own trainer, and compare its samples with what humouse-doctor says.

Usage: `python -m tests.lab.real CHECKOUT --gestures FILE --out FOLDER [--python PYTHON] [--only NAMES]`. CHECKOUT is a clone
of humouse in a scratch folder; nothing of it is kept here. PYTHON has what humouse imports (pandas, scikit-learn, scipy,
matplotlib, hydra-core, torch). A run that is there already is not made again.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from humouse_doctor.core.arrays import FloatArray
from tests.lab.real import stand_ins
from tests.lab.real.runs import RUNS, SMALL, Run


def make(run: Run, checkout: Path, gestures: Path, out: Path, python: str) -> Path:
    """Make `run` in a folder of its own and return that folder."""
    folder = (out / run.name).resolve()
    code = code_of(run, checkout, out)
    if (folder / "done").exists():
        return folder
    if run.commit is not None or run.cure_of is not None:
        commit = run.commit or "HEAD"
        if not code.exists():
            subprocess.run(
                ["git", "-C", str(checkout), "worktree", "add", "-f", "--detach", str(code.resolve()), commit], check=True
            )
            if run.cure_of is not None:
                cure(out / run.cure_of, code)
    stand_ins.write(code)
    folder.mkdir(parents=True, exist_ok=True)
    words = [
        python, str(code.resolve() / "src" / "train" / "train_gan.py"), f"experiment={run.experiment}", *SMALL,
        f"experiment.experiment_name={run.name}", f"experiment.data.cache_dir={folder}/data",
        f"experiment.logging.checkpoint_dir={folder}/checkpoints",
        f"experiment.training.replay_buffer_path={folder}/buffer.pt", *run.overrides, f"hydra.run.dir={folder}",
    ]  # fmt: skip
    environment = {
        **os.environ,
        "GESTURES": str(gestures.resolve()),
        "PYTHONPATH": str(code.resolve() / "src"),
        "OMP_NUM_THREADS": "1",
    }
    with (folder / "output.txt").open("wb") as log:
        subprocess.run(words, cwd=code, env=environment, stdout=log, stderr=subprocess.STDOUT, check=True)
    (folder / "done").touch()
    return folder


def code_of(run: Run, checkout: Path, out: Path) -> Path:
    """Return the folder of the code that makes `run`: the checkout itself, or a working tree of its own."""
    if run.cure_of is not None:
        return out / f"code-{run.name}"
    return checkout if run.commit is None else out / f"code-{run.commit}"


def cure(ill: Path, code: Path) -> None:
    """Apply the diff that `suggest-config` makes of the run in `ill` to the working tree in `code`."""
    (data,) = ill.glob("data/**/gestures_*.npz")
    words = [sys.executable, "-m", "humouse_doctor", "suggest-config", str(ill), "--source", str(code), "--data", str(data)]
    diff = subprocess.run(words, stdout=subprocess.PIPE, check=True).stdout
    subprocess.run(["git", "-C", str(code), "apply", "-"], input=diff, check=True)


def as_drawn(folder: Path, epoch: int, gestures: FloatArray) -> Mapping[str, float]:
    """Return spread, movement and efficiency of the program's own samples at `epoch`, over those of `gestures` (N, T, 3)."""
    (path,) = folder.glob(f"checkpoints/**/sigma_eval/epoch_{epoch:03d}/gan_samples.npz")
    drawn, real = (np.cumsum(values[..., :2], axis=1) for values in (np.load(path)["sequences"], gestures))
    steps = min(drawn.shape[1], real.shape[1])
    drawn, real = drawn[:, :steps], real[:, :steps]

    def movement(paths: FloatArray) -> float:
        return float(paths.std(axis=1).mean())

    def efficiency(paths: FloatArray) -> float:
        moves = np.diff(paths, axis=1)
        way = np.hypot(moves[..., 0], moves[..., 1]).sum(axis=1)
        away = np.hypot(*(paths[:, -1] - paths[:, 0]).T)
        return float((away[way > 0] / way[way > 0]).mean()) if (way > 0).any() else 0.0

    return {
        "spread": float(drawn.std(axis=(0, 1)).mean() / real.std(axis=(0, 1)).mean()),
        "movement": movement(drawn) / movement(real),
        "efficiency": efficiency(drawn),
        "real efficiency": efficiency(real),
    }


def inspected(folder: Path, source: Path, more: tuple[str, ...] = ()) -> Mapping[str, object]:
    """Return the report on the run in `folder`, as JSON."""
    words = [sys.executable, "-m", "humouse_doctor", "inspect", str(folder), "--source", str(source), "-f", "json", *more]
    told = subprocess.run(words, capture_output=True, text=True, check=False)
    if not told.stdout:
        raise SystemExit(told.stderr)
    report: Mapping[str, object] = json.loads(told.stdout)
    return report


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("checkout", type=Path)
    parser.add_argument("--gestures", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    wanted = options.only.split(",") if options.only else [run.name for run in RUNS]
    for run in RUNS:
        if run.name not in wanted:
            continue
        folder = make(run, options.checkout, options.gestures, options.out, options.python)
        (cache,) = folder.glob("data/**/gestures_*.npz")
        sequences = np.load(cache)["sequences"]
        code = code_of(run, options.checkout, options.out)
        report = inspected(folder, code, ("--data", str(cache)))
        measured = {
            f"{probe['code']}.{name}": value
            for probe in report["probes"]  # type: ignore[attr-defined]  # the report's JSON
            for name, value in probe["measurements"].items()
        }
        causes = [cause["code"] for cause in report["causes"]]  # type: ignore[attr-defined]  # the report's JSON
        print(f"{run.name}: {report['verdict']}, {', '.join(causes) or 'no cause'}")
        for epoch in (0, 1):
            truth = as_drawn(folder, epoch, sequences)
            print(f"  drawn, epoch {epoch}: " + ", ".join(f"{name} {value:.3f}" for name, value in truth.items()))
        names = ("HD101.spread_ratio", "HD103.time_std_ratio", "HD109.path_efficiency", "HD109.target_path_efficiency")
        print("  inspected: " + ", ".join(f"{name} {measured[name]:.3f}" for name in names if name in measured), flush=True)


if __name__ == "__main__":
    main()
