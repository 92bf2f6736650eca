"""Fuzz the cost model with networks of any size in small files.

Each is refused at once, or runs in about the estimated memory and time. Shapes are bounded by what a small file holds;
sizes that a file only states, such as a recurrent network's sequence length, are not. A network that passes but would take
seconds is counted and not run.
"""

from __future__ import annotations

import math
import time
from pathlib import Path

import numpy as np
import torch

from humouse_doctor.cases.load import load_case
from humouse_doctor.cases.request import Request
from humouse_doctor.core.cost import Look, cost_of, load_of, parameters
from humouse_doctor.core.errors import InputError
from humouse_doctor.core.spec import Architecture, GeneratorSpec
from humouse_doctor.inputs.checkpoints import child
from humouse_doctor.inputs.checkpoints.checkpoint import Checkpoint
from humouse_doctor.networks import identify
from tests.hostile.memory import forget_peak, peak_kib
from tests.hostile.sizes import pretrained
from tests.inputs.checkpoints.in_process import InProcess
from tests.lab.fuzz.target import Failure, Outcome, Target

_MOST_NUMBERS = 1_000_000
_MOST_LAYERS = 1000
#: A network that passes is run if its estimated seconds are at most this.
_RUN_S = 1.0
#: The most bytes of a passing network's latents or predictions, of at most 512 sequences.
_MOST_BYTES = 1 << 30
#: Allowances for a refusal, and for a run beyond its estimate: the file itself, and torch's set-up.
_FREE_S, _FREE_KIB = 3.0, 128 << 10
_FACTOR_S, _FACTOR_KIB = 4.0, 3.0
_FLOAT32 = 4


class Sizes(Target):
    """The rules: one line that names the limit, or a case; bounded memory and processor time in both cases."""

    def __init__(self, folder: Path, seed: int) -> None:
        super().__init__(folder, seed)
        torch.set_num_threads(1)
        self._launch = child.launch
        child.launch = InProcess
        self._data = folder / "data.npy"
        np.save(self._data, np.random.default_rng(0).normal(size=(64, 32, 3)).astype(np.float32))
        self._file = folder / "generator_x.pt"
        self._tried(GeneratorSpec(architecture=Architecture.LSTM, latent_dim=4, condition_dim=0, hidden_dim=8, num_layers=1,
                                  output_dim=2, target_len=32), Look(samples=512))  # fmt: skip

    def close(self) -> None:
        child.launch = self._launch

    def once(self) -> Outcome:
        while parameters(spec := self._spec()) > _MOST_NUMBERS:
            pass
        samples = self._size(100_000, least=8) if self.random.random() < 0.2 else 512
        return Outcome(self._tried(spec, Look(samples=samples, quick=self.random.random() < 0.3)))

    def _size(self, most: int, least: int = 1) -> int:
        """Return a log-uniform size: as often from 1 to 10 as from 1,000 to 10,000."""
        return round(math.exp(self.random.uniform(math.log(least), math.log(most))))

    def _spec(self) -> GeneratorSpec:
        architecture = self.random.choice(list(Architecture))
        absurd = 10 ** self.random.choice((4, 6, 12, 18))
        return GeneratorSpec(
            architecture=architecture,
            latent_dim=self._size(10**6 if self.random.random() < 0.3 else 100),
            condition_dim=self._size(1000) - 1,
            hidden_dim=self._size(500),
            num_layers=self._size(_MOST_LAYERS if self.random.random() < 0.2 else 6),
            output_dim=self._size(10**6 if self.random.random() < 0.3 else 8, least=2),
            target_len=self._size(10**6 if architecture is Architecture.TCN else absurd),
        )

    def _tried(self, spec: GeneratorSpec, look: Look) -> str:
        torch.save(pretrained(spec, torch.ones), self._file)
        name = repr((spec, look)).encode()
        told = cost_of(load_of(spec), look)
        request = Request(
            checkpoint=self._file,
            data=self._data,
            overrides=(
                "training.absolute_coordinates=true",
                "data.normalize_sequences=false",
                "model.generator.activation_xy=tanh",
                "model.generator.activation_dt=softplus",
            ),
            samples=look.samples,
            quick=look.quick,
        )
        beyond = _FLOAT32 * min(look.samples, 512) * max(spec.latent_dim, spec.target_len * spec.output_dim) > _MOST_BYTES
        if told.seconds > _RUN_S or beyond:
            words = self._refused(request, name)
            if words is None and beyond:
                raise Failure("passes with arrays beyond all reason", name)
            return words or f"{spec.architecture.value}: passes, not run"
        before, begun = forget_peak(), time.process_time()
        try:
            load_case(request)
        except InputError as error:
            words = self._refusal(str(error), name)
        except Exception as error:
            raise Failure(f"{type(error).__name__}: {error}"[:300], name) from error
        else:
            words = f"{spec.architecture.value}: run"
        seconds, grown = time.process_time() - begun, peak_kib() - before
        most_s, most_kib = _FREE_S, _FREE_KIB + 8 * (self._file.stat().st_size >> 10)
        if words.endswith("run"):
            most_s, most_kib = most_s + _FACTOR_S * told.seconds, round(most_kib + _FACTOR_KIB * (told.peak_bytes >> 10))
        if seconds > most_s or grown > most_kib:
            raise Failure(f"{words} in {seconds:.1f} s and {grown >> 10} MiB, told {told.seconds:.1f} s and"
                          f" {told.peak_bytes >> 20} MiB", name)  # fmt: skip
        return words

    def _refused(self, request: Request, name: bytes) -> str | None:
        """Return the refusal of `request`, None if it would be built."""
        built = identify.rebuild
        identify.rebuild = _passes
        before, begun = forget_peak(), time.process_time()
        try:
            load_case(request)
        except InputError as error:
            words = self._refusal(str(error), name)
        except _Passed:
            return None
        except Exception as error:
            raise Failure(f"{type(error).__name__}: {error}"[:300], name) from error
        finally:
            identify.rebuild = built
        seconds, grown = time.process_time() - begun, peak_kib() - before
        if seconds > _FREE_S or grown > _FREE_KIB + 8 * (self._file.stat().st_size >> 10):
            raise Failure(f"refused in {seconds:.1f} s and {grown >> 10} MiB", name)
        return words

    def _refusal(self, line: str, name: bytes) -> str:
        if not line.startswith(f"{self._file}: ") or not line.isprintable() or len(line) > 500 or "the limit is" not in line:
            raise Failure(f"a line that is none: {line[:300]!r}", name)
        return "refused: " + next(
            what for what in ("of memory", "of computing", "for one of them", "its weights") if what in line
        )


class _Passed(Exception):
    """Raised where the network would have been built."""


def _passes(path: str, checkpoint: Checkpoint, spec: GeneratorSpec) -> torch.nn.Module:
    raise _Passed
