"""The choice of a patch: a set of remedies whose parts neither undo nor repeat each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from humouse_doctor.core.case import Case
from humouse_doctor.core.probe import ProbeResult
from humouse_doctor.core.remedy import Remedy, RemedyStatus
from humouse_doctor.core.spec import Architecture
from humouse_doctor.remedies import catalogue
from humouse_doctor.remedies.candidates import goes_with

#: The factor of a longer warm-up where no cause is known.
_LONGER = 4


def choose(by_cause: Mapping[str, Sequence[Remedy]], case: Case) -> tuple[Remedy, ...]:
    """Return the remedies of the patch: of each cause the first that can be used and adds something.

    A remedy is left out if it has been refused, if it changes nothing in this run, or if an alternative to it or all of its
    changes are in the patch already. Steps that only an old scale needs are left out beside a remedy of the scale.
    """
    chosen: dict[str, Remedy] = {}
    for offered in by_cause.values():
        usable = [remedy for remedy in offered if remedy.status is not RemedyStatus.REFUSED and _changes(remedy, case)]
        if usable and goes_with(usable[0].id, chosen) and not _contained(usable[0], chosen.values()):
            chosen[usable[0].id] = usable[0]
    return tuple(chosen.values())


def _changes(remedy: Remedy, case: Case) -> bool:
    """Return True if the remedy changes something; without a config no edit can be written, and none is missed."""
    return bool(remedy.edits or remedy.code_changes or remedy.code_hint) or case.settings.source is None


def _contained(remedy: Remedy, others: Iterable[Remedy]) -> bool:
    """Return True if `others` make every change of the remedy."""
    made = {part for other in others for part in (*other.edits, *other.code_changes)}
    parts = {*remedy.edits, *remedy.code_changes}
    return bool(parts) and parts <= made


def companions(chosen: Sequence[Remedy], case: Case, by_code: Mapping[str, ProbeResult]) -> tuple[Remedy, ...]:
    """Return the remedies that a sick run's patch gets although no cause asks for them.

    The state of a repeated latent settles late even if nothing else is wrong. In the zoo's calibration part, slow gates instead
    of plain ones made 12 more runs healthy, and no healthy one collapsed (see docs/accuracy.md). If no cause is named, more
    steps are the cheapest experiment.
    """
    found = []
    if not chosen and case.settings.integer("training.reconstruction_epochs"):
        found.append(catalogue.longer(case, _LONGER))
    repeated = by_code.get("HD203")
    if repeated is not None and repeated.measurements.get("input_time_share") == 0.0 and _starts_fast(case):
        slow = catalogue.slow_gates(case)
        if goes_with(slow.id, {remedy.id for remedy in chosen}) and not _contained(slow, chosen):
            found.append(slow)
    return tuple(found)


def _starts_fast(case: Case) -> bool:
    """Return True for an LSTM whose trainer does not start its gates slow."""
    lstm = case.network is not None and case.network.architecture is Architecture.LSTM
    return lstm and not catalogue.gates_start_slow(case)
