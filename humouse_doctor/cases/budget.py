"""Estimate how far a training can get, from its learning rate and its steps."""

from __future__ import annotations

import math

from humouse_doctor.core.case import Case
from humouse_doctor.core.errors import NotMeasurable
from humouse_doctor.core.settings import Origin

#: One step of Adam moves a weight by up to the learning rate, and no weight starts further than this from zero.
_MOST_RATE = 1.0
#: Step counts above this are written as a power of ten.
_COUNTABLE = 1e12


def learning_rate(case: Case) -> float:
    """Return the generator's learning rate; raise `NotMeasurable` if the config gives none, or an impossible one."""
    trouble = rate_trouble(case)
    if trouble is not None:
        raise NotMeasurable(trouble)
    rate = case.settings.number("training.lr.generator")
    assert rate is not None
    return rate


def rate_trouble(case: Case) -> str | None:
    """Return why the number of steps cannot show how far this learning rate gets, None if it can."""
    rate = case.settings.number("training.lr.generator")
    if rate is None:
        return "the learning rate is not known: the config lacks training.lr.generator"
    if rate <= 0:
        return f"at a learning rate of {rate:g} nothing is trained"
    if rate >= _MOST_RATE:
        return f"at a learning rate of {rate:g} one step moves every weight further than its whole random start"
    return None


def in_words(steps: float) -> str:
    """Format a number of steps for a message."""
    return f"{steps:,.0f}" if steps < _COUNTABLE else f"{steps:.1e}"


def counted_on(case: Case) -> str:
    """Return where the steps were counted, for messages: on the data given, which may be a part of the run's own."""
    limit = case.settings.integer("data.max_gestures")
    if case.data is None or (limit is not None and limit <= case.data.usable):
        return ""
    return f" (counted on the {case.data.usable:,} sequences of these data)"


def steps_available(case: Case) -> float | None:
    """Return the warm-up's optimiser steps, epochs x ceil(sequences / batch size), None if one of these is unknown.

    They are also unknown for a pretrainer's checkpoint, and for a run that starts from a checkpoint without a warm-up:
    another program trained these weights.
    """
    epochs = _stated(case, "training.reconstruction_epochs")
    if epochs is None or case.subject_is_pretrainer:
        return None
    if epochs == 0:
        return None if case.settings.text("training.generator_init_path") else 0.0
    each = steps_of_epoch(case)
    return None if each is None else float(epochs * each)


def steps_of_epoch(case: Case) -> int | None:
    """Return the optimiser steps of one epoch, ceil(sequences / batch size), None if one of these is unknown."""
    batch = _stated(case, "data.batch_size")
    sequences = case.settings.integer("data.max_gestures")
    if case.data is not None:
        sequences = case.data.usable if sequences is None else min(sequences, case.data.usable)
    if not batch or not sequences or sequences < 1:
        return None
    return math.ceil(sequences / batch)


def steps_trouble(case: Case) -> str:
    """Return why the steps of the warm-up are not known, with the keys that are missing."""
    said = "how many steps the warm-up has is not known"
    if case.subject_is_pretrainer or (_stated(case, "training.reconstruction_epochs") == 0):
        return said
    missing = [key for key in ("training.reconstruction_epochs", "data.batch_size") if not _stated(case, key)]
    if not missing and case.data is None:
        return f"{said}, without data"
    return f"{said}: {' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing" if missing else said


def require_warm_up(case: Case) -> None:
    """Raise `NotMeasurable` if the config says that no warm-up runs: none of its causes can then have been at work."""
    if _stated(case, "training.reconstruction_epochs") == 0:
        raise NotMeasurable("no warm-up runs (training.reconstruction_epochs is 0)")


def _stated(case: Case, key: str) -> int | None:
    """Return a whole number that the config states or leaves to its default; without a config, None."""
    setting = case.settings.get(key)
    if setting is None or (case.settings.source is None and setting.origin is Origin.DEFAULT):
        return None
    return case.settings.integer(key)
