"""What a run drew itself at its evaluations, beside what its checkpoint draws here: its health by epoch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from humouse_doctor.cases import run_folder
from humouse_doctor.cases.load import load_case
from humouse_doctor.cases.request import Request
from humouse_doctor.core.arrays import numpy as np
from humouse_doctor.core.case import Case
from humouse_doctor.core.errors import InputError
from humouse_doctor.core.report import Report, Verdict
from humouse_doctor.diagnosis.diagnose import diagnose
from humouse_doctor.diagnosis.examine import examine
from humouse_doctor.inputs.gestures.gestures import Gestures, gather

#: The most evaluations looked at, spread over the epochs there are.
_MAX_LOOKS = 20
_DECIDING = (("HD101", "spread_ratio", "spread"), ("HD103", "time_std_ratio", "movement"))


def with_own_samples(report: Report, run: Path, case: Case) -> Report:
    """Return `report` with remarks on the samples that the run in the folder `run` drew itself, if there are any."""
    found = run_folder.own_samples(run, case.settings)
    sequences, data = case.samples.sequences, case.data
    if not found or sequences is None or data is None:
        return report
    gestures = gather(
        sequences.astype(np.float32), source=data.source, total=data.total, usable=data.usable, dropped=data.dropped
    )
    epochs = list(found)
    picked = sorted({epochs[round(place)] for place in np.linspace(0, len(epochs) - 1, min(_MAX_LOOKS, len(epochs)))})
    remarks = tuple(_remarks({epoch: found[epoch] for epoch in picked}, gestures, report.verdict))
    return replace(report, subject=replace(report.subject, remarks=(*report.subject.remarks, *remarks)))


def _remarks(found: dict[int, Path], gestures: Gestures, verdict: Verdict) -> Iterator[str]:
    """Yield a remark on each evaluation, and one on the last that disagrees with the checkpoint's `verdict`."""
    last, fell_ill = None, None
    for epoch, path in found.items():
        try:
            loaded = load_case(Request(checkpoint=path), gestures=gestures)
        except InputError as error:
            yield f"its own samples of epoch {epoch} were not looked at: {error}"
            continue
        report = diagnose(loaded, examine(loaded.case))
        by_code = {result.code: result.measurements for result in report.probes}
        numbers = (f"{word} {by_code[code][name]:.3g}" for code, name, word in _DECIDING if name in by_code[code])
        yield f"its own samples of epoch {epoch} are {report.verdict.value} ({', '.join(numbers)}): {path}"
        if fell_ill is None and last is Verdict.HEALTHY and report.verdict is not Verdict.HEALTHY:
            fell_ill = epoch
        last = report.verdict
    if fell_ill is not None:
        yield f"by its own samples it fell ill at epoch {fell_ill}"
    if last is not None and (last is Verdict.HEALTHY) != (verdict is Verdict.HEALTHY):
        yield f"what it drew itself counts more: its last samples are {last.value}, and the checkpoint is {verdict.value} here"
