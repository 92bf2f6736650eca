"""All rebuilt reports."""

from __future__ import annotations

from tests.lab.reports import heads, latents, norms, scales, training
from tests.lab.reports.report import Part, Report, held_back

REPORTS: tuple[Report, ...] = (*heads.REPORTS, *latents.REPORTS, *norms.REPORTS, *training.REPORTS, *scales.REPORTS)

_HELD = held_back(REPORTS)


def part_of(report: Report) -> Part:
    if report.known:
        return Part.KNOWN
    return Part.HELD if report.name in _HELD else Part.BUILDING
