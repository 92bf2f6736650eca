"""Remedies that a trial can try on a run, and the choice of one for each lever."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from humouse_doctor.cases import budget
from humouse_doctor.core.case import Case
from humouse_doctor.core.remedy import Remedy, RemedyStatus
from humouse_doctor.core.spec import Architecture
from humouse_doctor.remedies import catalogue

#: Factors by which a longer warm-up is tried.
_FACTORS = (4, 16)
#: Groups of alternative remedies; a set holds at most one of each group.
_ONE_OF = (
    frozenset({"normalised-positions", "loss-as-read", "linear-head", "delta-space", "raw-deltas", "seq2seq"}),
    frozenset({"slow-gates", "time-input"}),
    frozenset({"slower-rate", "faster-rate", "usual-rate"}),
)
_LONGER = "longer-warm-up-"


def candidates(case: Case) -> Mapping[str, Remedy]:
    """Return every remedy that a trial of this run can try, by id; of alternatives the one to try first comes first."""
    architecture = case.network.architecture if case.network else None
    seq2seq = architecture is Architecture.SEQ2SEQ
    found: list[Remedy] = [catalogue.lighter_kl(case)] if seq2seq else [catalogue.undistorted_latent(case)]
    if architecture in (Architecture.LSTM, Architecture.SEQ2SEQ):
        found.append(catalogue.slow_gates(case))
    if not seq2seq:
        found.append(catalogue.loss_as_read(case) if catalogue.sums_output(case) else catalogue.unit_scale(case))
    found.extend(catalogue.longer(case, factor) for factor in _FACTORS)
    if not seq2seq:
        found.extend((catalogue.delta_space(case, *catalogue.delta_fit(case)), catalogue.raw_deltas(case)))
        found.append(catalogue.seq2seq(case))
    found.extend((catalogue.usual_rate(case), *(catalogue.other_rate(case, factor) for factor in (0.1, 10.0))))
    found.append(catalogue.wider_latent(case))
    if architecture is Architecture.LSTM:
        found.append(catalogue.time_input(case))  # last, since no config key and no diff of this tool makes it
    return MappingProxyType({remedy.id: remedy for remedy in found if can_be_tried(remedy)})


def _factor(case: Case) -> int:
    """Return the factor by which a warm-up is longer that has enough steps."""
    steps = budget.steps_available(case)
    if not steps:
        return _FACTORS[0]
    return max(1, min(_FACTORS[-1], math.ceil(catalogue.ENOUGH_STEPS / steps)))


def _takes_usual_rate(case: Case) -> bool:
    """Return True if the bundle sets the usual learning rate: the run's own is far too high, or low in a short warm-up."""
    rate = case.settings.number("training.lr.generator") or 0.0
    recurrent = case.network is not None and case.network.architecture in (Architecture.LSTM, Architecture.SEQ2SEQ)
    low = 0 < rate < catalogue.USUAL_RATE and recurrent and _factor(case) > 1
    return rate > 10 * catalogue.USUAL_RATE or 0 < rate < catalogue.USUAL_RATE / 10 or low


def bundle(case: Case) -> tuple[Remedy, ...]:
    """Return the remedies with the best level of every lever together: of alternatives the first.

    The warm-up is longer only if it has too few steps, and the learning rate another only if it is far from the usual one, or
    lower in a warm-up that is too short: a higher rate then costs less than more steps. Another architecture is no level of a
    lever: `seq2seq` is tried alone.
    """
    offered = candidates(case)
    quicker = _takes_usual_rate(case)
    rate = case.settings.number("training.lr.generator") or catalogue.USUAL_RATE
    factor = math.ceil(_factor(case) * min(1.0, rate / catalogue.USUAL_RATE)) if quicker else _factor(case)
    left_out = {"slower-rate", "faster-rate", "seq2seq", *(() if quicker else ("usual-rate",)), *filter(_is_longer, offered)}
    chosen = {name: remedy for name, remedy in offered.items() if name not in left_out}
    longer = catalogue.longer(case, factor)
    if factor > 1 and can_be_tried(longer):
        chosen[longer.id] = longer
    found: list[str] = []
    for name in chosen:
        if goes_with(name, found):
            found.append(name)
    return tuple(chosen[name] for name in found)


def swapped(chosen: Sequence[str], new: str) -> tuple[str, ...]:
    """Return the remedies with `new` in the place of its alternatives, or after the others if there are none."""
    return (*(name for name in chosen if goes_with(new, (name,))), new)


def can_be_tried(remedy: Remedy) -> bool:
    """Return True if a trial can make the whole change that the remedy asks for.

    Training a fresh generator says nothing about a warm start, or about changes that matter only after the warm-up.
    """
    if remedy.status is RemedyStatus.REFUSED or remedy.id in ("warm-start", "honour-contract", "keep-warm-up"):
        return False
    return bool(remedy.edits or remedy.code_changes) and (remedy.code_hint is None or bool(remedy.code_changes))


def goes_with(new: str, chosen: Iterable[str]) -> bool:
    """Return True if the remedy `new` makes sense together with those `chosen`."""
    others = set(chosen)
    if new in others or (_is_longer(new) and any(map(_is_longer, others))):
        return False
    return not any(new in group and group & others for group in _ONE_OF)


def _is_longer(name: str) -> bool:
    return name.startswith(_LONGER) or name == "enough-steps"
