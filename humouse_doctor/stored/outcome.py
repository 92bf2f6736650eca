"""Writing and reading of a verify's outcome as JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from humouse_doctor.core.errors import InputError
from humouse_doctor.core.outcome import OUTCOME_KIND, OUTCOME_VERSION, Arm, ArmOutcome, Change, Effect, Outcome, Step, Trial
from humouse_doctor.core.remedy import Interval
from humouse_doctor.core.text import no_command_in_json, reason
from humouse_doctor.inputs.config.trainer_keys import BY_NAME
from humouse_doctor.stored.report import plain, read_edit

if TYPE_CHECKING:
    from humouse_doctor.stored.shapes import outcome as shapes


def render(outcome: Outcome) -> str:
    """Return the outcome as JSON text that ends in a newline."""
    return no_command_in_json(json.dumps(to_dict(outcome), indent=1, ensure_ascii=True, allow_nan=False) + "\n")


def to_dict(outcome: Outcome) -> dict[str, Any]:
    """Return the outcome as plain data, in the order of the file."""
    return {
        "kind": OUTCOME_KIND,
        "schema_version": OUTCOME_VERSION,
        "tool_version": outcome.tool_version,
        "fingerprint": outcome.fingerprint,
        "config": outcome.config,
        "config_values": outcome.config_values,
        "config_prefix": outcome.config_prefix,
        "data": outcome.data,
        "checkpoint": outcome.checkpoint,
        "own_steps": outcome.own_steps,
        "steps": outcome.steps,
        "seeds": outcome.seeds,
        "shortened": list(outcome.shortened),
        "chosen": outcome.chosen,
        "needed": list(outcome.needed),
        "confirmed": list(outcome.confirmed),
        "refuted": list(outcome.refuted),
        "untried": list(outcome.untried),
        "warm_start": list(outcome.warm_start),
        "hints": list(outcome.hints),
        "path": plain(outcome.path),
        "arms": [_arm_outcome(arm) for arm in outcome.arms],
        "trials": plain(outcome.trials),
    }


def render_trial(trial: Trial) -> bytes:
    """Return one trial as JSON."""
    return json.dumps(plain(trial), allow_nan=False).encode()


def parse_trial(answer: bytes) -> Trial:
    """Return the trial in JSON that another process has written; raise `InputError` for anything else."""
    from humouse_doctor.stored import values  # msgspec, which only reading needs
    from humouse_doctor.stored.shapes import outcome as shapes  # as above

    try:
        return values.same(values.decode(answer.decode(), shapes.Trial), Trial)
    except values.MALFORMED as error:
        raise InputError(f"a trial's process has not answered with a trial ({reason(error)})") from None


def _arm_outcome(outcome: ArmOutcome) -> dict[str, Any]:
    arm = outcome.arm
    return {
        "title": arm.title,
        "key": arm.key,
        "remedies": list(arm.remedies),
        "patch": plain(arm.edits),
        "code_changes": plain(arm.code_changes),
        "seeds": outcome.seeds,
        "healthy_seeds": outcome.healthy_seeds,
        "effect": None if outcome.effect is None else outcome.effect.value,
        "distance": list(outcome.distance),
        "gain": _pair(outcome.gain),
        "changes": [
            {"metric": c.metric, "before": c.before, "after": c.after, "difference": _pair(c.difference)}
            for c in outcome.changes
        ],
        "expected": list(outcome.expected),
        "notes": list(outcome.notes),
    }


def _pair(interval: Interval | None) -> list[float] | None:
    return None if interval is None else [interval.low, interval.high]


def read(path: Path) -> Outcome:
    """Read an outcome; raise `InputError` for any other file, and for a cure that the file's trials do not support."""
    from humouse_doctor.stored import values  # msgspec, which only reading needs

    try:
        text = values.load(path)
    except OSError as error:
        raise InputError(f"{path}: cannot read the outcome: {reason(error)}") from None
    except values.MALFORMED as error:
        raise InputError(f"{path}: not an outcome that verify wrote ({reason(error)})") from None
    return parse(text, str(path))


def parse(text: str, name: str) -> Outcome:
    """Return the outcome in a file's text; raise `InputError` as `read` does."""
    from humouse_doctor.stored import values  # as above
    from humouse_doctor.stored.shapes import outcome as shapes

    try:
        values.require_bounded(text)
        stored = values.decode_file(text, shapes.Outcome, name, "an outcome", OUTCOME_VERSION, OUTCOME_KIND)
        outcome = _outcome(stored)
    except values.MALFORMED as error:
        raise InputError(f"{name}: not an outcome that verify wrote ({reason(error)})") from None
    for trouble in _contradictions(outcome):
        raise InputError(f"{name}: not an outcome that verify wrote: {trouble}")
    return outcome


def _contradictions(outcome: Outcome) -> Iterator[str]:
    """Yield what verify never writes: a cure without healthy trials, or an edit that the trainer would not accept."""
    healthy = Counter(trial.arm for trial in outcome.trials if trial.healthy and trial.failed is None)
    for one in outcome.arms:
        for edit in one.arm.edits:
            key = BY_NAME.get(edit.key)
            if key is None:
                yield "it changes a key that the trainer does not have"
            elif complaint := key.complaint(edit.new):
                yield f"it gives {edit.key} a value that the trainer does not take; {complaint}"
        if one.effect is Effect.CURED and not 0 < one.seeds == one.healthy_seeds <= healthy[one.arm.key]:
            yield "it has a cure that its own trials do not show"
    chosen = outcome.arm(outcome.chosen)
    if outcome.chosen is not None and (chosen is None or chosen.effect is not Effect.CURED):
        yield "the arm that it has chosen is not a cure"


def _outcome(stored: shapes.Outcome) -> Outcome:
    from humouse_doctor.stored.values import same  # msgspec, which only reading needs

    return Outcome(
        tool_version=stored.tool_version,
        fingerprint=stored.fingerprint,
        config=stored.config,
        config_values=stored.config_values,
        config_prefix=stored.config_prefix,
        data=stored.data,
        checkpoint=stored.checkpoint,
        own_steps=stored.own_steps,
        steps=stored.steps,
        seeds=stored.seeds,
        shortened=stored.shortened,
        chosen=stored.chosen,
        needed=stored.needed,
        confirmed=stored.confirmed,
        refuted=stored.refuted,
        untried=stored.untried,
        warm_start=stored.warm_start,
        hints=stored.hints,
        path=same(stored.path, tuple[Step, ...]),
        arms=tuple(map(_read_arm, stored.arms)),
        trials=same(stored.trials, tuple[Trial, ...]),
    )


def _read_arm(stored: shapes.Arm) -> ArmOutcome:
    return ArmOutcome(
        arm=Arm(
            title=stored.title,
            remedies=stored.remedies,
            edits=tuple(map(read_edit, stored.patch)),
            code_changes=stored.code_changes,
        ),
        seeds=stored.seeds,
        healthy_seeds=stored.healthy_seeds,
        effect=stored.effect,
        distance=stored.distance,
        gain=_interval(stored.gain),
        changes=tuple(map(_read_change, stored.changes)),
        expected=stored.expected,
        notes=stored.notes,
    )


def _read_change(stored: shapes.Change) -> Change:
    return Change(metric=stored.metric, before=stored.before, after=stored.after, difference=_interval(stored.difference))


def _interval(bounds: tuple[float, float] | None) -> Interval | None:
    return None if bounds is None else Interval(low=bounds[0], high=bounds[1])
