"""A run and its report to a row of a survey."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from humouse_doctor.core.errors import ExitCode
from humouse_doctor.core.pictures import Pictures, Points
from humouse_doctor.core.probe import Severity
from humouse_doctor.core.report import Report
from humouse_doctor.core.settings import Value
from humouse_doctor.core.surveying import STATES, UNREADABLE, Row, State
from humouse_doctor.diagnosis.timeline import measures_of
from humouse_doctor.inputs.remote import names
from humouse_doctor.survey.discover import Run

#: Paths of a run, and points of a path, in a picture the size of a word.
_PATHS, _POINTS = 3, 12
_FINDINGS = 12
#: A saved report may hold any number; what is larger, in sizes of a real path, is drawn at the edge.
_FARTHEST = 99.0


def row_of(run: Run, report: Report, settings: Mapping[str, Value]) -> Row:
    """Return the row of a run from its report; `settings` are its values of the survey's keys."""
    code = report.exit_code(None)
    if code is ExitCode.CLEAN and STATES[report.verdict.value] is State.SICK:
        code = ExitCode.FINDINGS
    weighty = [finding for finding in report.findings if finding.severity.rank >= Severity.WARNING.rank]
    named = {finding.code for finding in weighty[:_FINDINGS]}
    return Row(
        run=names.named(str(run.path)),
        config=_given(run),
        data=report.subject.data,
        checkpoint=report.subject.checkpoint,
        verdict=report.verdict.value,
        exit_code=code,
        confidence=report.confidence,
        sentence=report.sentence,
        causes=tuple(f"{cause.code} {cause.name}" for cause in report.causes),
        findings=tuple(replace(finding, remedies=()) for finding in report.findings if finding.code in named),
        numbers=MappingProxyType(
            {name: float(f"{value:.4g}") for name, value in measures_of({one.code: one for one in report.probes}).items()}
        ),
        settings=MappingProxyType(dict(settings)),
        paths=small_paths(report.pictures),
        patched=bool(report.patch) and report.subject.config is not None,
    )


def refused_row(run: Run, message: str, code: ExitCode, settings: Mapping[str, Value]) -> Row:
    """Return the row of a run that could not be read, with the reason."""
    return Row(
        run=names.named(str(run.path)),
        config=_given(run),
        verdict=UNREADABLE,
        exit_code=code,
        sentence=names.named(message),
        settings=MappingProxyType(dict(settings)),
    )


def _given(run: Run) -> str | None:
    return None if run.config is None else names.named(str(run.config))


def small_paths(pictures: Pictures | None) -> tuple[Points, ...]:
    """Return a few generated paths in few points, each from its own start, in units of the largest real path's size."""
    if pictures is None:
        return ()
    real, drawn = (list(filter(None, paths))[:_PATHS] for paths in (pictures.real_paths, pictures.generated_paths))
    unit = max(map(_size, real or drawn), default=0.0)
    return tuple(_small(path, unit) for path in drawn) if unit > 0 and math.isfinite(unit) else ()


def _size(path: Points) -> float:
    return max(max(point[axis] for point in path) - min(point[axis] for point in path) for axis in (0, 1))


def _small(path: Points, unit: float) -> Points:
    last, count = len(path) - 1, min(_POINTS, len(path))
    places = [round(last * number / max(count - 1, 1)) for number in range(count)]
    return tuple((_share(path[place][0] - path[0][0], unit), _share(path[place][1] - path[0][1], unit)) for place in places)


def _share(length: float, unit: float) -> float:
    share = length / unit
    return round(min(max(share, -_FARTHEST), _FARTHEST), 3) if math.isfinite(share) else 0.0
