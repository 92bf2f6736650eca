"""A run so small that all of verify's trials of it take seconds, and what listens to them."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import numpy as np
import torch

from humouse_doctor.core.outcome import Trial
from humouse_doctor.inputs.gestures.synthetic import strokes
from humouse_doctor.probes.plugins import wanted
from humouse_doctor.verify.bench import Job, OnPulse, Pulse

LENGTH = 16
STEPS = 24

CONFIG = """\
# small enough for a test
experiment:
  experiment_name: tiny
  data:
    dataset_id: x
    sequence_length: 16
    batch_size: 16
    normalize_sequences: false
  model:
    architecture: {architecture}
    generator:
      latent_dim: 4
      condition_dim: 0
      hidden_dim: 8
      target_len: 16
      num_layers: 1
      output_dim: 2
      activation_xy: {head}
      activation_dt: linear
  training:
    lr:
      generator: 5.0e-3
    betas: [0.5, 0.9]
    reconstruction_epochs: 6
    absolute_coordinates: true
    output_space: positions
    warmup_encoder_hidden_dim: 8
    warmup_latent_normalize: {whiten}
    warmup_noise_std: {noise}
"""


def write_config(folder: Path, **changes: str) -> Path:
    path = folder / "run.yaml"
    values = {"architecture": "lstm", "head": "tanh", "whiten": "true", "noise": "0.0", **changes}
    path.write_text(CONFIG.format(**values), encoding="utf-8")
    return path


def write_data(folder: Path, count: int = 64) -> Path:
    """Gestures at unit scale."""
    sequences = strokes(count, LENGTH, 0)
    sequences[..., :2] /= np.cumsum(sequences[..., :2], axis=1).std(axis=(0, 1))
    path = folder / "gestures.npz"
    np.savez(path, sequences=sequences)
    return path


@dataclass(slots=True)
class Listener:
    """Notes what is told of trials, and interrupts after as many as asked."""

    interrupt_after: int | None = None
    taken_up: list[tuple[str, int]] = field(default_factory=list)
    pulses: list[Pulse] = field(default_factory=list)
    over: list[Trial] = field(default_factory=list)

    def started(self, job: Job) -> None:
        self.taken_up.append((job.arm.key, job.seed))

    def moved(self, job: Job, pulse: Pulse) -> None:
        self.pulses.append(pulse)

    def ended(self, job: Job, trial: Trial) -> None:
        self.over.append(trial)
        if len(self.over) == self.interrupt_after:
            raise KeyboardInterrupt


@dataclass(frozen=True, slots=True)
class Sleeper:
    """Makes trials that never end, and leaves the id of the process that is at it in `folder`."""

    folder: Path

    def run(self, job: Job, on_pulse: OnPulse) -> Trial:
        (self.folder / f"{job.seed}.tmp").write_text(str(os.getpid()), encoding="utf-8")
        (self.folder / f"{job.seed}.tmp").rename(self.folder / f"{job.seed}.pid")
        time.sleep(600)
        return Trial(arm=job.arm.key, seed=job.seed, planned=job.steps)


def is_running(process: int) -> bool:
    """Whether `process` is there and no zombie, as /proc has it."""
    try:
        return Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@dataclass(frozen=True, slots=True)
class QuickMaker:
    """Makes trials without training: as many pulses as the job has steps, and for seed 13 no trial but an end."""

    def run(self, job: Job, on_pulse: OnPulse) -> Trial:
        if job.seed == 13:
            os._exit(1)
        for step in range(1, job.steps + 1):
            on_pulse(Pulse(step=step, loss=1.0, best_constant=2.0, motionless=3.0))
        deaf = hasattr(signal, "pthread_sigmask") and signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ())
        found = {"process": os.getpid(), "threads": torch.get_num_threads(), "deaf to SIGINT": deaf, "plugins": wanted()}
        measured = MappingProxyType({name: float(value) for name, value in found.items()})
        return Trial(arm=job.arm.key, seed=job.seed, planned=job.steps, steps=job.steps, measurements=measured)
