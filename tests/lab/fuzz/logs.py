"""Fuzz the readers of a run's summary, tables of metrics and log, and of the stage that they tell: facts, or one line."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

from humouse_doctor.cases.stage import stage_of
from humouse_doctor.core.case import Case, Subject
from humouse_doctor.core.errors import InputError
from humouse_doctor.core.history import LossCurve, StageKind
from humouse_doctor.core.text import harmless
from humouse_doctor.inputs.config.reader import from_values
from humouse_doctor.inputs.logs.summary import MAX_EPOCH, SUMMARY
from humouse_doctor.inputs.logs.tables import EVALUATIONS, METRICS
from humouse_doctor.inputs.logs.warm_up_log import LOG
from humouse_doctor.service.history import curve_of
from tests.lab.fuzz.target import MAX_LINE, Failure, Outcome, Rules, Target, damaged, require_line

_FILES = {
    LOG: b"[2026-11-28 19:54:48,003][__main__][INFO] - Warm-up epoch 1 | recon_loss=178.515468\n"
    b"Warm-up epoch 2 | recon_loss=177.1 kl=0.03\nWarm-up epoch 3 | recon_loss=nan\nStep 0 | d_loss=0.69\n",
    METRICS: b"epoch,step,d_loss,g_loss,path_eff_real,path_eff_fake\n1,0,0.69,0.65,0.62,0.99\n2,9,0.7,,,\n",
    EVALUATIONS: b"epoch,avg_accuracy,avg_error_rate\n0,0.89,0.106\n1,0.9,0.099\n",
    "lightning.csv": b"epoch,step,train_loss,val_loss\n0,9,4.0,\n,9,,\n1,19,2.0,1.5\n",
    SUMMARY: b'{"final_epoch": 12, "best_sigma_epoch": 0, "g_loss": NaN, "sigma_eval": [{"epoch": 0}]}',
}
_WORDS = [
    b"Warm-up epoch ", b" | recon_loss=", b"epoch", b"g_loss", b"avg_error_rate", b",", b'"', b'""', b"\n", b"\r", b"\r\n",
    b"\x00", b"\xff", b"\xef\xbb\xbf", b"nan", b"inf", b"-inf", b"1e999", b"1e308", b"-1", b"9" * 30, b"9" * 5000, b"1_0",
    b"0x1", b"\xd9\xa1", b"\x1b[2J", b"\xe2\x80\xae", b"{", b"[" * 300, b"}", b"true", b"null", b'"final_epoch": ',
    b'"best_sigma_epoch": ', b"\\ud800", b"x" * 5000, b"::error::x\n",
]  # fmt: skip
_NOTHING = from_values({})
_CASE = Case(subject=Subject(name="x"))


class Logs(Target):
    """The rules: curves of finite numbers, sentences of one line, a stage of a possible epoch; or one line that refuses."""

    def __init__(self, folder: Path, seed: int) -> None:
        super().__init__(folder, seed)
        self.rules = Rules(folder)
        self.checkpoints = [folder / name for name in ("generator_a.pt", "generator_a_best.pt")]
        for path in self.checkpoints:
            path.write_bytes(b"")
        for name, data in _FILES.items():
            (folder / name).write_bytes(data)
        self._read(LOG)  # and import, before watching starts, all that reading and refusing import
        self._read(METRICS)
        harmless("\x1b")

    def once(self) -> Outcome:
        name = self.random.choice(list(_FILES))
        data = damaged(_FILES[name], self.random, _WORDS)
        (self.folder / name).write_bytes(data)
        try:
            with self.rules.held(data):
                words = self._stage(data)
                if name != SUMMARY:
                    words = self._curve(name, data)
        finally:
            (self.folder / name).write_bytes(_FILES[name])
        return Outcome(words)

    def _read(self, name: str) -> tuple[LossCurve | None, tuple[str, ...]]:
        return curve_of(self.folder / name, _CASE)

    def _curve(self, name: str, data: bytes) -> str:
        try:
            curve, said = self._read(name)
        except InputError as error:
            return f"refused {name}: {require_line(str(error), (f'{self.folder / name}: ',), data)}"
        if any(not line.isprintable() or len(line) > MAX_LINE for line in said):
            raise Failure(f"a sentence that is none: {said}"[:300], data)
        if curve is None:
            return f"read {name} without a curve"
        if len(curve.epochs) != len(curve.values) or not curve.values or not all(map(math.isfinite, curve.values)):
            raise Failure("a curve that cannot be drawn", data)
        if not all(0 <= epoch <= MAX_EPOCH for epoch in curve.epochs) or any(
            b <= a for a, b in itertools.pairwise(curve.epochs)
        ):
            raise Failure("epochs out of order", data)
        return f"read {name}"

    def _stage(self, data: bytes) -> str:
        for path in self.checkpoints:
            stage = stage_of(path, _NOTHING)
            if not stage.because.isprintable() or not stage.because:
                raise Failure(f"a stage without a line: {stage.because!r}"[:300], data)
            possible = stage.epoch is None if stage.kind is StageKind.UNKNOWN else stage.epoch in range(MAX_EPOCH + 1)
            if not possible:
                raise Failure(f"{stage.kind.value} of epoch {stage.epoch}", data)
        return f"stage {stage.kind.value}"
