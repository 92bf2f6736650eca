"""Writing and reading of a verify's outcome as JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from humouse_doctor.core.errors import InputError
from humouse_doctor.core.outcome import OUTCOME_VERSION, Arm, ArmOutcome, Change, Effect, Outcome, Step, Trial
from humouse_doctor.core.remedy import CodeChange, Interval
from humouse_doctor.core.settings import Value
from humouse_doctor.core.text import no_command_in_json, reason
from humouse_doctor.inputs.config.trainer_keys import BY_NAME
from humouse_doctor.stored.report import read_edit
from humouse_doctor.stored.values import (
    MALFORMED,
    described,
    flag,
    items,
    load,
    number,
    optional,
    pair,
    require_bounded,
    table,
    text,
    whole,
)

_KIND = "humouse-doctor outcome"
_MAX_TRIALS = 10_000


def render(outcome: Outcome) -> str:
    """Return the outcome as JSON text that ends in a newline."""
    return no_command_in_json(json.dumps(to_dict(outcome), indent=1, ensure_ascii=True, allow_nan=False) + "\n")


def to_dict(outcome: Outcome) -> dict[str, Any]:
    """Return the outcome as plain data, in the order of the file."""
    return {
        "kind": _KIND,
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
        "untried": list(outcome.untried),
        "warm_start": list(outcome.warm_start),
        "hints": list(outcome.hints),
        "path": [{"arm": step.arm, "text": step.text, "kept": step.kept} for step in outcome.path],
        "arms": [_arm_outcome(arm) for arm in outcome.arms],
        "trials": [_trial(trial) for trial in outcome.trials],
    }


def _arm_outcome(outcome: ArmOutcome) -> dict[str, Any]:
    arm = outcome.arm
    return {
        "title": arm.title,
        "key": arm.key,
        "remedies": list(arm.remedies),
        "patch": [{"key": e.key, "old": _plain(e.old), "new": _plain(e.new), "absent": e.absent} for e in arm.edits],
        "code_changes": [change.value for change in arm.code_changes],
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


def _trial(trial: Trial) -> dict[str, Any]:
    return {
        "arm": trial.arm,
        "seed": trial.seed,
        "planned": trial.planned,
        "steps": trial.steps,
        "measurements": dict(trial.measurements),
        "healthy": trial.healthy,
        "causes": list(trial.causes),
        "offered": list(trial.offered),
        "losses": list(trial.losses),
        "best_constant": trial.best_constant,
        "motionless": trial.motionless,
        "stopped": trial.stopped,
        "failed": trial.failed,
    }


def _pair(interval: Interval | None) -> list[float] | None:
    return None if interval is None else [interval.low, interval.high]


def _plain(value: Value) -> Any:
    return [_plain(part) for part in value] if isinstance(value, tuple) else value


def read(path: Path) -> Outcome:
    """Read an outcome; raise `InputError` for any other file, and for a cure that the file's trials do not support."""
    try:
        content = load(path)
        require_bounded(content)
        if content["kind"] != _KIND:
            raise InputError(f"{path}: not an outcome that verify wrote")
        if content["schema_version"] != OUTCOME_VERSION:
            raise InputError(
                f"{path}: an outcome of schema {described(content['schema_version'])}; this version reads {OUTCOME_VERSION}"
            )
        outcome = _outcome(content)
    except OSError as error:
        raise InputError(f"{path}: cannot read the outcome: {reason(error)}") from None
    except MALFORMED as error:
        raise InputError(f"{path}: not an outcome that verify wrote ({type(error).__name__})") from None
    for trouble in _contradictions(outcome):
        raise InputError(f"{path}: not an outcome that verify wrote: {trouble}")
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
        yield "what it has chosen is no cure"


def _outcome(content: Mapping[str, Any]) -> Outcome:
    return Outcome(
        tool_version=text(content["tool_version"]),
        fingerprint=text(content["fingerprint"]),
        config=text(content["config"]),
        config_values=text(content["config_values"]),
        config_prefix=text(content["config_prefix"]),
        data=text(content["data"]),
        checkpoint=optional(text, content["checkpoint"]),
        own_steps=optional(whole, content["own_steps"]),
        steps=whole(content["steps"]),
        seeds=whole(content["seeds"]),
        shortened=items(text, content["shortened"]),
        chosen=optional(text, content["chosen"]),
        untried=items(text, content["untried"]),
        warm_start=items(text, content["warm_start"]),
        hints=items(text, content["hints"]),
        path=items(_read_step, content["path"]),
        arms=items(_read_arm, content["arms"]),
        trials=items(_read_trial, content["trials"], _MAX_TRIALS),
    )


def _read_step(entry: Mapping[str, Any]) -> Step:
    return Step(arm=text(entry["arm"]), text=text(entry["text"]), kept=flag(entry["kept"]))


def _read_arm(entry: Mapping[str, Any]) -> ArmOutcome:
    return ArmOutcome(
        arm=Arm(
            title=text(entry["title"]),
            remedies=items(text, entry["remedies"]),
            edits=items(read_edit, entry["patch"]),
            code_changes=items(CodeChange, entry["code_changes"]),
        ),
        seeds=whole(entry["seeds"]),
        healthy_seeds=whole(entry["healthy_seeds"]),
        effect=optional(Effect, entry["effect"]),
        distance=pair(entry["distance"]),
        gain=optional(_interval, entry["gain"]),
        changes=items(_read_change, entry["changes"]),
        expected=items(text, entry["expected"]),
        notes=items(text, entry["notes"]),
    )


def _read_change(entry: Mapping[str, Any]) -> Change:
    return Change(
        metric=text(entry["metric"]),
        before=number(entry["before"]),
        after=number(entry["after"]),
        difference=optional(_interval, entry["difference"]),
    )


def _read_trial(entry: Mapping[str, Any]) -> Trial:
    return Trial(
        arm=text(entry["arm"]),
        seed=whole(entry["seed"]),
        planned=whole(entry["planned"]),
        steps=whole(entry["steps"]),
        measurements=table(number, entry["measurements"]),
        healthy=flag(entry["healthy"]),
        causes=items(text, entry["causes"]),
        offered=items(text, entry["offered"]),
        losses=items(number, entry["losses"]),
        best_constant=optional(number, entry["best_constant"]),
        motionless=optional(number, entry["motionless"]),
        stopped=optional(text, entry["stopped"]),
        failed=optional(text, entry["failed"]),
    )


def _interval(value: Any) -> Interval:
    low, high = pair(value)
    return Interval(low=low, high=high)
