"""The changes a trial can try on a run, as remedies by id, and arms put together from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from humouse_doctor.core.case import Case
from humouse_doctor.core.outcome import Arm
from humouse_doctor.core.remedy import CodeChange, Edit, Remedy, RemedyStatus
from humouse_doctor.core.spec import Architecture
from humouse_doctor.remedies import catalogue

#: What a longer warm-up is tried with.
_FACTORS = (4, 16)
#: Remedies that answer the same question differently, so that a set holds one of them.
_ONE_OF = (
    frozenset({"normalised-positions", "delta-space", "raw-deltas", "seq2seq"}),
    frozenset({"slow-gates", "time-input"}),
    frozenset({"slower-rate", "faster-rate"}),
)


def candidates(case: Case) -> Mapping[str, Remedy]:
    """Every remedy that a trial of this run can try, by id, the ones that leave the most as it is first."""
    architecture = case.network.architecture if case.network else None
    found: list[Remedy] = [catalogue.undistorted_latent(case)] if architecture is not Architecture.SEQ2SEQ else []
    if architecture in (Architecture.LSTM, Architecture.SEQ2SEQ):
        found.append(catalogue.slow_gates(case))
    if architecture is not Architecture.SEQ2SEQ:
        found.append(catalogue.normalised_positions(case))
    if architecture is Architecture.LSTM:
        found.append(catalogue.time_input(case))
    found.extend(catalogue.longer(case, factor) for factor in _FACTORS)
    if architecture is not Architecture.SEQ2SEQ:
        found.extend((catalogue.delta_space(case, *catalogue.delta_fit(case)), catalogue.raw_deltas(case)))
        found.append(catalogue.seq2seq(case))
    found.extend(catalogue.other_rate(case, factor) for factor in (0.1, 10.0))
    return MappingProxyType({remedy.id: remedy for remedy in found if can_be_tried(remedy)})


def can_be_tried(remedy: Remedy) -> bool:
    """Whether a trial can make all of what the remedy asks for.

    A warm start and what only matters after the warm-up cannot be told by training a fresh generator.
    """
    if remedy.status is RemedyStatus.REFUSED or remedy.id in ("warm-start", "honour-contract", "keep-warm-up"):
        return False
    return bool(remedy.edits or remedy.code_changes) and (remedy.code_hint is None or bool(remedy.code_changes))


def together(chosen: Sequence[Remedy], prefix: str = "") -> Arm:
    """One arm with all of `chosen`; of two edits of one key the later holds."""
    edits: dict[str, Edit] = {}
    changes: dict[CodeChange, None] = {}
    for remedy in chosen:
        edits.update({edit.key: edit for edit in remedy.edits})
        changes.update(dict.fromkeys(remedy.code_changes))
    ids = tuple(remedy.id for remedy in chosen)
    return Arm(title=prefix + (" + ".join(ids)), remedies=ids, edits=tuple(edits.values()), code_changes=tuple(changes))


def goes_with(new: str, chosen: Sequence[str]) -> bool:
    """Whether the remedy `new` makes sense beside those `chosen`."""
    if new in chosen:
        return False
    return not any(new in group and group & set(chosen) for group in _ONE_OF)


def without(arm: Arm, part: Edit | CodeChange) -> Arm:
    """The arm without one of its edits or changes."""
    name = part.key if isinstance(part, Edit) else part.value
    return Arm(
        title=f"{arm.title} - {name}",
        remedies=arm.remedies,
        edits=tuple(edit for edit in arm.edits if edit != part),
        code_changes=tuple(change for change in arm.code_changes if change != part),
    )
