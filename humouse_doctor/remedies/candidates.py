"""Remedies that a trial can try on a run, and arms built from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from humouse_doctor.core.case import Case
from humouse_doctor.core.outcome import Arm
from humouse_doctor.core.remedy import CodeChange, Edit, Remedy, RemedyStatus
from humouse_doctor.core.spec import Architecture
from humouse_doctor.inputs.config.reader import spell
from humouse_doctor.remedies import catalogue

#: Factors by which a longer warm-up is tried.
_FACTORS = (4, 16)
#: Groups of alternative remedies; a set holds at most one of each group.
_ONE_OF = (
    frozenset({"normalised-positions", "loss-as-read", "delta-space", "raw-deltas", "seq2seq"}),
    frozenset({"slow-gates", "time-input"}),
    frozenset({"slower-rate", "faster-rate"}),
)


def candidates(case: Case) -> Mapping[str, Remedy]:
    """Return every remedy that a trial of this run can try, by id, the least invasive first."""
    architecture = case.network.architecture if case.network else None
    found: list[Remedy] = [catalogue.undistorted_latent(case)] if architecture is not Architecture.SEQ2SEQ else []
    if architecture in (Architecture.LSTM, Architecture.SEQ2SEQ):
        found.append(catalogue.slow_gates(case))
    if architecture is not Architecture.SEQ2SEQ:
        found.append(catalogue.loss_as_read(case) if catalogue.sums_output(case) else catalogue.normalised_positions(case))
    if architecture is Architecture.LSTM:
        found.append(catalogue.time_input(case))
    found.extend(catalogue.longer(case, factor) for factor in _FACTORS)
    if architecture is not Architecture.SEQ2SEQ:
        found.extend((catalogue.delta_space(case, *catalogue.delta_fit(case)), catalogue.raw_deltas(case)))
        found.append(catalogue.seq2seq(case))
    found.extend(catalogue.other_rate(case, factor) for factor in (0.1, 10.0))
    return MappingProxyType({remedy.id: remedy for remedy in found if can_be_tried(remedy)})


def can_be_tried(remedy: Remedy) -> bool:
    """Return True if a trial can make the whole change that the remedy asks for.

    Training a fresh generator says nothing about a warm start, or about changes that matter only after the warm-up.
    """
    if remedy.status is RemedyStatus.REFUSED or remedy.id in ("warm-start", "honour-contract", "keep-warm-up"):
        return False
    return bool(remedy.edits or remedy.code_changes) and (remedy.code_hint is None or bool(remedy.code_changes))


def together(chosen: Sequence[Remedy], prefix: str = "") -> Arm:
    """Return one arm with all of the `chosen` remedies; of two edits of the same key, the later wins."""
    edits: dict[str, Edit] = {}
    changes: dict[CodeChange, None] = {}
    for remedy in chosen:
        edits.update({edit.key: edit for edit in remedy.edits})
        changes.update(dict.fromkeys(remedy.code_changes))
    ids = tuple(remedy.id for remedy in chosen)
    return Arm(title=prefix + (" + ".join(ids)), remedies=ids, edits=tuple(edits.values()), code_changes=tuple(changes))


def goes_with(new: str, chosen: Sequence[str]) -> bool:
    """Return True if the remedy `new` makes sense together with those `chosen`."""
    if new in chosen:
        return False
    return not any(new in group and group & set(chosen) for group in _ONE_OF)


def without(arm: Arm, part: Edit | CodeChange) -> Arm:
    """Return the arm without one of its edits or code changes; its title names every part that is left."""
    edits = tuple(edit for edit in arm.edits if edit != part)
    changes = tuple(change for change in arm.code_changes if change != part)
    left = [*(change.value for change in changes), *(f"{edit.key}={spell(edit.new)}" for edit in edits)]
    return Arm(title=" + ".join(left), remedies=arm.remedies, edits=edits, code_changes=changes)
