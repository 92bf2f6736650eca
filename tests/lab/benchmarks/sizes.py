"""Compare the cost model with measurements: `python -m tests.lab.benchmarks.sizes [attacks]`. No test asserts them.

Each network runs in a process of its own, one at a time. Honest networks come first: peak memory above an empty run's, and
processor time, beside the model's estimates. With `attacks`, the cost of refusing each of `tests.hostile.sizes` follows.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch

from humouse_doctor.core.cost import Look, cost_of, load_of, parameters
from humouse_doctor.core.spec import GeneratorSpec
from tests.hostile.sizes import ATTACKS, pretrained, sized

#: The memory limit of a child, so that a wrong estimate cannot bring the machine down.
_MOST_BYTES, _MOST_S = 9 << 30, 90
_MEASURED = """
import resource
from humouse_doctor.cli.main import run
code = run()
used = resource.getrusage(resource.RUSAGE_SELF)
print("MEASURED", code, used.ru_maxrss, used.ru_utime + used.ru_stime)
"""

HONEST: tuple[tuple[GeneratorSpec, bool], ...] = (
    (sized("lstm", steps=200, hidden=64, layers=2), False),
    (sized("lstm", steps=1000, hidden=128, layers=2, latent=64), True),
    (sized("lstm", steps=4000), True),
    (sized("lstm", steps=64, outputs=1000), False),
    (sized("lstm", steps=32, latent=100_000), True),
    (sized("seq2seq", steps=200, hidden=64), True),
    (sized("tcn", steps=200, hidden=128, layers=3, latent=64), False),
    (sized("tcn", steps=20_000, latent=2), True),
)


def _limits() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MOST_BYTES, _MOST_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (_MOST_S, _MOST_S + 2))


def inspected(spec: GeneratorSpec, folder: Path, *, quick: bool) -> tuple[int, int, float, str]:
    """Return exit code, peak bytes, processor seconds and last line of one `inspect` in the current tree."""
    path, data = folder / "generator_x.pt", folder / "data.npy"
    torch.save(pretrained(spec, lambda shape: torch.randn(shape) * 0.1), path)
    steps = min(spec.target_len, 64)
    np.save(data, np.random.default_rng(0).normal(size=(128, steps, 3)).astype(np.float32))
    said = ("training.absolute_coordinates=true", "data.normalize_sequences=true", "model.generator.activation_xy=tanh",
            "model.generator.activation_dt=softplus")  # fmt: skip
    arguments = ["inspect", str(path), "--data", str(data), *(word for one in said for word in ("--set", one))]
    ended = subprocess.run(
        [sys.executable, "-c", _MEASURED, *arguments, *(["--quick"] if quick else [])],
        capture_output=True, text=True, check=False, preexec_fn=_limits, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    found = ended.stdout.rpartition("MEASURED ")[2].split()
    lines = ended.stderr.strip().splitlines()
    if len(found) != 3:
        return ended.returncode, 0, 0.0, lines[-1] if lines else ""
    return int(found[0]), int(found[1]) << 10, float(found[2]), lines[-1] if lines else ""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        empty = inspected(sized("lstm", steps=8), Path(folder), quick=True)
        print(f"{'an empty run':64} {empty[1] >> 20:6} MiB {empty[2]:6.1f} s", flush=True)
        for spec, quick in HONEST:
            # 128 targets, as many as the gradient takes
            told = cost_of(load_of(spec), Look(samples=512, quick=quick))
            memory = told.peak_bytes + 2 * 4 * parameters(spec)
            _, peak, seconds, _ = inspected(spec, Path(folder), quick=quick)
            sizes = f"T={spec.target_len} H={spec.hidden_dim} L={spec.num_layers} Z={spec.latent_dim} D={spec.output_dim}"
            name = f"{spec.architecture.value} {sizes}{' --quick' if quick else ''}"
            more, more_s = max(1, peak - empty[1]), seconds - empty[2]
            print(f"{name:64} {more >> 20:6} MiB {more_s:6.1f} s, told {memory >> 20:6} MiB {told.seconds:6.1f} s:"
                  f" {memory / more:5.2f}x {told.seconds / max(more_s, 0.1):5.2f}x", flush=True)  # fmt: skip
        for name, attack in ATTACKS.items() if sys.argv[1:] == ["attacks"] else ():
            code, peak, seconds, said = inspected(attack.spec, Path(folder), quick=False)
            print(f"{name:20} exit {code} {peak >> 20:6} MiB {seconds:6.1f} s  {said[:150]}", flush=True)


if __name__ == "__main__":
    main()
