"""Measure timings as ratios, side by side in one run: `python -m tests.lab.benchmarks`. No test asserts them.

Each pair of commands runs in turn, A B A B ..., after a warm-up; the median of the pairs' ratios is printed.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from humouse_doctor.core.spec import Activation, Architecture, GeneratorSpec
from humouse_doctor.inputs.gestures.synthetic import strokes
from humouse_doctor.networks.architectures import build

PAIRS = 7
LENGTH, COUNT, SAMPLES = 200, 2048, 512
CONFIG = """\
data: {sequence_length: 200, batch_size: 128, normalize_sequences: false}
model: {architecture: lstm, generator: {latent_dim: 100, condition_dim: 0, hidden_dim: 128, target_len: 200,
  num_layers: 2, output_dim: 2, activation_xy: linear, activation_dt: none}}
training: {lr: {generator: 2e-4}, betas: [0.5, 0.999], reconstruction_epochs: 5, absolute_coordinates: true}
"""
BARE = """
import sys, numpy as np, torch
from humouse_doctor.core.spec import *
from humouse_doctor.networks.architectures import build
torch.set_flush_denormal(True)
state = torch.load(sys.argv[1], weights_only=True)
data = np.load(sys.argv[2])["sequences"]
spec = GeneratorSpec(architecture=Architecture.LSTM, latent_dim=100, condition_dim=0, hidden_dim=128, num_layers=2,
    output_dim=2, target_len=200, activation_xy=Activation.LINEAR, activation_dt=Activation.LINEAR)
network = build(spec)
network.load_state_dict(state)
target = torch.from_numpy(data[:512, :, :2]).cumsum(1)
torch.nn.functional.l1_loss(network(torch.randn(512, 100), torch.zeros(512, 0)), target).backward()
"""
READ = """
import sys
from pathlib import Path
from humouse_doctor.inputs.gestures.arrays import read
read(Path(sys.argv[1]), 2048, 0)
"""
LOADER = """
import sys
from pathlib import Path
from humouse_doctor.inputs.checkpoints import checkpoint
checkpoint.load(Path(sys.argv[1]))
"""
IN_PROCESS = """
import sys, torch
with open(sys.argv[1], "rb") as stream:
    torch.load(stream, map_location="cpu", weights_only=True)
"""
SUM = """
import sys, numpy as np
loaded = np.load(sys.argv[1])
(loaded if isinstance(loaded, np.ndarray) else loaded["sequences"]).sum()
"""


def seconds(command: list[str]) -> float:
    """Return the wall seconds of a command; raise `RuntimeError` if it could not do its work."""
    start = time.perf_counter()
    ended = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False, text=True)
    if ended.returncode not in (0, 1):  # 1 is that of findings
        raise RuntimeError(f"{command}: {ended.stderr}")
    if "Traceback" in ended.stderr:
        raise RuntimeError(ended.stderr)
    return time.perf_counter() - start


def ratio(label: str, left: list[str], right: list[str], bound: str) -> None:
    seconds(left), seconds(right)
    pairs = [seconds(left) / seconds(right) for _ in range(PAIRS)]
    low, middle, high = min(pairs), statistics.median(pairs), max(pairs)
    print(f"{label:58} {middle:6.2f}x  ({low:.2f} to {high:.2f}; aim {bound})", flush=True)


def peak_mib(command: list[str]) -> float:
    code = (
        "import resource, subprocess, sys; subprocess.run(sys.argv[1:]);"
        " print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    ended = subprocess.run([sys.executable, "-c", code, *command], capture_output=True, text=True, check=True)
    return int(ended.stdout.split()[-1]) / 1024


def main() -> None:
    torch.manual_seed(0)
    python, tool = sys.executable, [sys.executable, "-m", "humouse_doctor"]
    start = [python, "-c", "import typer, rich"]
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        (here / "config.yaml").write_text(CONFIG)
        config = str(here / "config.yaml")
        for name, arguments in (("--help", ["--help"]), ("explain", ["explain", "HD201"]), ("probes", ["probes"]),
                                ("preflight on a config alone", ["preflight", config])):  # fmt: skip
            ratio(f"{name} / python -c 'import typer, rich'", [*tool, *arguments], start, "<= 1.5")
        gate = [*tool, "gate"]
        many = [str(shutil.copy(config, here / f"config-{number}.yaml")) for number in range(50)]
        ratio("gate on 50 configs / on one", [*gate, *many], [*gate, config], "<= 3")
        spec = GeneratorSpec(architecture=Architecture.LSTM, latent_dim=100, condition_dim=0, hidden_dim=128,
                             num_layers=2, output_dim=2, target_len=LENGTH, activation_xy=Activation.LINEAR,
                             activation_dt=Activation.LINEAR)  # fmt: skip
        checkpoint, data = str(here / "generator_x.pt"), str(here / "gestures.npz")
        torch.save(build(spec).state_dict(), checkpoint)
        sequences = strokes(COUNT, LENGTH, 0)
        np.savez_compressed(data, sequences=sequences)
        ratio("the same with data", [*gate, "--data", data, *many], [*gate, "--data", data, config], "stated only")
        inspect = [*tool, "inspect", checkpoint, "--config", config, "--data", data]
        bare = [python, "-c", BARE, checkpoint, data]
        ratio(f"inspect --quick, {COUNT} sequences / bare script", [*inspect, "--quick"], bare, "<= 1.5")
        ratio("inspect with latent fitting / bare script", inspect, bare, "<= 1.4")
        large = str(here / "generator_large.pt")
        torch.save({f"a.{number}": torch.randn(1 << 20) for number in range(64)}, large)
        for name, path in (("a checkpoint of 1 MB", checkpoint), ("a checkpoint of 256 MB", large)):
            ratio(f"{name} by the loader's process / torch.load", [python, "-c", LOADER, path],
                  [python, "-c", IN_PROCESS, path], "stated only")  # fmt: skip
        big = str(here / "big.npy")
        np.save(big, np.tile(sequences, (100, 1, 1)))
        ratio(f"one pass over {100 * COUNT} sequences / numpy.sum", [python, "-c", READ, big], [python, "-c", SUM, big],
              "<= 2")  # fmt: skip
        small = str(here / "small.npy")
        np.save(small, sequences)
        one, hundred = peak_mib([python, "-c", READ, small]), peak_mib([python, "-c", READ, big])
        print(f"{'peak memory of that pass, 100x / 1x sequences':58} {hundred / one:6.2f}x  ({one:.0f} and {hundred:.0f} MiB)")


if __name__ == "__main__":
    main()
