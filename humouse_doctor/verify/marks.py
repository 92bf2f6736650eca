"""Mark a report's remedies with the results of their trials."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

from humouse_doctor.core.outcome import ArmOutcome, Effect, Outcome
from humouse_doctor.core.remedy import Remedy, RemedyStatus
from humouse_doctor.core.report import Report
from humouse_doctor.core.settings import Settings
from humouse_doctor.core.text import two_digits
from humouse_doctor.diagnosis.sentence import as_sentence
from humouse_doctor.probes.registry import current
from humouse_doctor.remedies.arms import has_part_of

_STATUS = {
    Effect.CURED: RemedyStatus.CONFIRMED,
    Effect.BETTER: RemedyStatus.HELPFUL,
    Effect.NO_EFFECT: RemedyStatus.REFUTED,
    Effect.WORSE: RemedyStatus.REFUTED,
}

_RANK = {RemedyStatus.CONFIRMED: 0, None: 1, RemedyStatus.REFUTED: 2}


def config_values(settings: Settings) -> str:
    """Return a digest of a config's values, independent of its layout: an outcome belongs to these values."""
    values = {key: repr(setting.value) for key, setting in sorted(settings.items())}
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()[:16]


def mark(report: Report, outcome: Outcome) -> Report:
    """Return `report` with its causes and remedies marked by trials, and with the arm that cured as its patch.

    Confirmed causes come first, and refuted ones last.
    """
    report = _with_causes(report, outcome)
    chosen = outcome.arm(outcome.chosen)
    remedies = tuple(_marked(remedy, outcome, chosen) for remedy in report.remedies)
    if chosen is None:
        return replace(report, remedies=remedies)
    cure = Remedy(
        id="confirmed-cure",
        title=chosen.arm.title,
        why=_effect_line(chosen, outcome),
        status=RemedyStatus.CONFIRMED,
        edits=chosen.arm.edits,
        code_hint=" ".join(outcome.hints) or None,
        code_changes=chosen.arm.code_changes,
        trial=_effect_line(chosen, outcome),
    )
    return replace(report, remedies=remedies, cure=cure, patch=chosen.arm.edits)


def _with_causes(report: Report, outcome: Outcome) -> Report:
    status = {
        **dict.fromkeys(outcome.confirmed, RemedyStatus.CONFIRMED),
        **dict.fromkeys(outcome.refuted, RemedyStatus.REFUTED),
    }
    causes = tuple(
        sorted((replace(cause, trial=status.get(cause.code)) for cause in report.causes), key=lambda cause: _RANK[cause.trial])
    )
    if not causes or causes[0].code == report.causes[0].code:
        return replace(report, causes=causes)
    before, now = (as_sentence(first.message) for first in (report.causes[0], causes[0]))
    return replace(report, causes=causes, sentence=report.sentence.replace(before, now))


def _marked(remedy: Remedy, outcome: Outcome, chosen: ArmOutcome | None) -> Remedy:
    if remedy.status is RemedyStatus.REFUSED:
        return remedy
    alone = next(
        (arm for arm in outcome.arms if arm.arm.remedies == (remedy.id,) and arm.arm.edits == remedy.edits and arm.effect), None
    )
    alone_line = None if alone is None else f"alone: {_effect_line(alone, outcome)}"
    if chosen is not None and remedy.id in chosen.arm.remedies and has_part_of(chosen.arm, remedy):
        if chosen.arm.remedies == (remedy.id,):
            return replace(remedy, status=RemedyStatus.CONFIRMED, trial=_effect_line(chosen, outcome))
        others = [name for name in chosen.arm.remedies if name != remedy.id]
        joined = f"cured together with {', '.join(others)}: {_effect_line(chosen, outcome)}"
        return replace(remedy, status=RemedyStatus.CONFIRMED, trial=joined if alone_line is None else f"{alone_line}; {joined}")
    if alone is None or alone.effect is None:
        return remedy
    return replace(remedy, status=_STATUS[alone.effect], trial=alone_line)


def _effect_line(arm: ArmOutcome, outcome: Outcome) -> str:
    """Return an arm's effect in one line."""
    by_name = {change.metric: change for change in arm.changes}
    parts = [
        f"{label} {two_digits(by_name[name].before)} -> {two_digits(by_name[name].after)}"
        for name, label in current().labels.items()
        if name in by_name
    ]
    steps = next((trial.planned for trial in outcome.trials if trial.arm == arm.arm.key), outcome.steps)
    effect = "failed" if arm.effect is None else arm.effect.value
    return f"{effect}, healthy with {arm.healthy_seeds} of {arm.seeds} seeds after {steps:,} steps ({', '.join(parts)})"
