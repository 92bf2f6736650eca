"""The outcome of a verify as JSON and back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from humouse_doctor.core.errors import InputError
from humouse_doctor.core.outcome import OUTCOME_VERSION, Arm, ArmOutcome, Change, Effect, Outcome, Step, Trial
from humouse_doctor.core.remedy import CodeChange, Edit, Interval
from humouse_doctor.core.settings import Value
from humouse_doctor.reporting.plain import no_command_in_json

_KIND = "humouse-doctor outcome"


def render(outcome: Outcome) -> str:
    """The outcome as JSON text, ending in a newline."""
    return no_command_in_json(json.dumps(to_dict(outcome), indent=1, ensure_ascii=True, allow_nan=False) + "\n")


def to_dict(outcome: Outcome) -> dict[str, Any]:
    """The outcome as plain data, in the order it is written."""
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
    """An outcome from its file; raises `InputError` for anything else."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot read the outcome: {getattr(error, 'strerror', None) or error}") from None
    try:
        content = json.loads(text, parse_constant=_refuse_constant)
        if content["kind"] != _KIND:
            raise InputError(f"{path}: not an outcome that verify wrote")
        if content["schema_version"] != OUTCOME_VERSION:
            raise InputError(
                f"{path}: an outcome of schema {content['schema_version']!r}; this version reads {OUTCOME_VERSION}"
            )
        return _outcome(content)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        raise InputError(f"{path}: not an outcome that verify wrote ({type(error).__name__})") from None


def _refuse_constant(name: str) -> float:
    raise ValueError(name)


def _outcome(content: Mapping[str, Any]) -> Outcome:
    return Outcome(
        tool_version=str(content["tool_version"]),
        fingerprint=str(content["fingerprint"]),
        config=str(content["config"]),
        config_values=str(content["config_values"]),
        config_prefix=str(content["config_prefix"]),
        data=str(content["data"]),
        checkpoint=_text(content["checkpoint"]),
        own_steps=None if content["own_steps"] is None else int(content["own_steps"]),
        steps=int(content["steps"]),
        seeds=int(content["seeds"]),
        shortened=_texts(content["shortened"]),
        chosen=_text(content["chosen"]),
        untried=_texts(content["untried"]),
        warm_start=_texts(content["warm_start"]),
        hints=_texts(content["hints"]),
        path=tuple(Step(arm=str(step["arm"]), text=str(step["text"]), kept=step["kept"] is True) for step in content["path"]),
        arms=tuple(_read_arm(arm) for arm in content["arms"]),
        trials=tuple(_read_trial(trial) for trial in content["trials"]),
    )


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _texts(values: Iterable[Any]) -> tuple[str, ...]:
    return tuple(str(value) for value in values)


def _read_arm(entry: Mapping[str, Any]) -> ArmOutcome:
    before, after = entry["distance"]
    return ArmOutcome(
        arm=Arm(
            title=str(entry["title"]),
            remedies=_texts(entry["remedies"]),
            edits=tuple(
                Edit(key=e["key"], old=_value(e["old"]), new=_value(e["new"]), absent=e["absent"]) for e in entry["patch"]
            ),
            code_changes=tuple(CodeChange(change) for change in entry["code_changes"]),
        ),
        seeds=int(entry["seeds"]),
        healthy_seeds=int(entry["healthy_seeds"]),
        effect=None if entry["effect"] is None else Effect(entry["effect"]),
        distance=(float(before), float(after)),
        gain=_interval(entry["gain"]),
        changes=tuple(
            Change(
                metric=c["metric"], before=float(c["before"]), after=float(c["after"]), difference=_interval(c["difference"])
            )
            for c in entry["changes"]
        ),
        expected=_texts(entry["expected"]),
        notes=_texts(entry["notes"]),
    )


def _read_trial(entry: Mapping[str, Any]) -> Trial:
    return Trial(
        arm=str(entry["arm"]),
        seed=int(entry["seed"]),
        planned=int(entry["planned"]),
        steps=int(entry["steps"]),
        measurements=MappingProxyType({name: float(value) for name, value in entry["measurements"].items()}),
        healthy=entry["healthy"] is True,
        causes=_texts(entry["causes"]),
        offered=_texts(entry["offered"]),
        losses=tuple(float(loss) for loss in entry["losses"]),
        best_constant=None if entry["best_constant"] is None else float(entry["best_constant"]),
        motionless=None if entry["motionless"] is None else float(entry["motionless"]),
        stopped=_text(entry["stopped"]),
        failed=_text(entry["failed"]),
    )


def _interval(pair: list[float] | None) -> Interval | None:
    return None if pair is None else Interval(low=float(pair[0]), high=float(pair[1]))


def _value(raw: Any) -> Value:
    return tuple(_value(part) for part in raw) if isinstance(raw, list) else raw
