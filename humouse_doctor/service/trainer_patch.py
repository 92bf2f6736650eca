"""One diff for a run's config and its trainer, which `git apply` takes in the checkout, and the commands that follow it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from humouse_doctor.core.errors import InputError
from humouse_doctor.core.remedy import CodeChange, Edit
from humouse_doctor.core.report import Report
from humouse_doctor.core.settings import Value
from humouse_doctor.inputs.config import hydra_record, patcher, reader, yaml_text
from humouse_doctor.inputs.config.trainer_keys import BY_NAME, WARMUP_GATES, WARMUP_SPACE
from humouse_doctor.inputs.files import shortest
from humouse_doctor.inputs.source import patching, trainer
from humouse_doctor.inputs.source.trainer import OutputKind, TrainerFacts

#: The key, with its value, by which a patched trainer makes a change.
_KEYS = {
    CodeChange.NORMALISED_POSITIONS: (WARMUP_SPACE, "read"),
    CodeChange.LOSS_AS_READ: (WARMUP_SPACE, "read"),
    CodeChange.SLOW_GATES: (WARMUP_GATES, "slow"),
}
#: What a trainer has to read its output as for a change to make sense.
_READS = {CodeChange.NORMALISED_POSITIONS: OutputKind.POSITIONS, CodeChange.LOSS_AS_READ: OutputKind.DELTAS}


@dataclass(frozen=True, slots=True, kw_only=True)
class JointPatch:
    """A diff of files in a checkout, empty if the trainer could not be patched, and notes on it, one line each.

    `made` are the code changes that the diff makes.
    """

    text: str
    made: frozenset[CodeChange]
    notes: tuple[str, ...]


def joint_patch(report: Report, facts: TrainerFacts | None) -> JointPatch | None:
    """Return the diff that makes the report's patch and its changes of the code; None if no such change has a key.

    Raises `UsageError` where an edit of the config cannot be made in place.
    """
    asked = [change for remedy in report.chosen_remedies for change in remedy.code_changes if change in _KEYS]
    if facts is None or not asked or any(_READS.get(change, facts.reads) is not facts.reads for change in asked):
        return None
    checkout = trainer.checkout_of(Path(facts.file))
    assert report.subject.config is not None
    config = _config_to_patch(Path(report.subject.config), checkout)
    keys = dict(_KEYS[change] for change in asked)
    try:
        patched = patching.patch(facts, keys)
    except (patching.NoAnchor, InputError) as refused:
        return JointPatch(text="", made=frozenset(), notes=tuple(_not_patched(refused)))
    values = {**{edit.key: edit.new for edit in report.patch}, **keys}
    text = "".join(patcher.diff_of(one.before, one.after, one.name) for one in patched)
    notes = [] if checkout is None else [f"apply the diff, saved as FILE: {_in(checkout)}git apply FILE"]
    if config is None or checkout is None:
        given = " ".join(shlex.quote(line) for line in _overrides(report, values))
        notes.append(f"the config is not in the checkout, so it is not in the diff; as overrides: {given}")
    else:
        text = _diff_of_config(config, checkout, values) + text
        notes.append(f"the diff changes {', '.join([shortest(config).name, *(Path(one.name).name for one in patched)])}")
    notes.extend(_next(report, checkout, values))
    return JointPatch(text=text, made=frozenset(asked), notes=tuple(notes))


def _config_to_patch(config: Path, checkout: Path | None) -> Path | None:
    """Return the config that the next run starts from, None if it does not lie in the checkout."""
    if checkout is None:
        return None
    if hydra_record.is_record(config):
        return hydra_record.experiment_file(config, checkout)
    return config if config.resolve().is_relative_to(checkout.resolve()) else None


def _diff_of_config(config: Path, checkout: Path, values: Mapping[str, Value]) -> str:
    settings = reader.read(config).settings
    source = config if settings.source is None else Path(settings.source)
    edits = []
    for key, new in values.items():
        stands = settings.in_file.get(key)
        old = BY_NAME[key].default if stands is None else stands.value
        if old != new or isinstance(old, bool) is not isinstance(new, bool):
            edits.append(Edit(key=key, old=old, new=new, absent=stands is None))
    before = yaml_text.read_text(source)
    after = patcher.patched(before, str(source), edits, settings.prefix)
    patcher.require_effect(config, str(source), edits, settings.prefix)
    return patcher.diff_of(before, after, source.resolve().relative_to(checkout.resolve()).as_posix())


def _overrides(report: Report, values: Mapping[str, Value]) -> Iterator[str]:
    """Yield the values as overrides for humouse's command line."""
    present = {edit.key for edit in report.patch if not edit.absent}
    for key, new in values.items():
        edit = Edit(key=key, old=None, new=new, absent=key not in present)
        yield patcher.override_line(edit, "experiment.")


def _not_patched(refused: patching.NoAnchor | InputError) -> Iterator[str]:
    yield f"the trainer's code is not changed: {refused}"
    if isinstance(refused, patching.NoAnchor):
        yield "the code to add there:"
        yield from (f"    {line}" for line in refused.code.rstrip("\n").split("\n"))


def _next(report: Report, checkout: Path | None, values: Mapping[str, Value]) -> Iterator[str]:
    """Yield the commands that train again and look at the result, where the run's record tells how it was started."""
    record = Path(report.subject.config or "")
    if checkout is None or not hydra_record.is_record(record):
        return
    given = [line for line in hydra_record.command_line(record) if not _sets(line, values)]
    command = shlex.join(["python", trainer.TRAINER.as_posix(), *given])
    yield f"then train again: {_in(checkout)}{command}"
    yield "then look at the new run: humouse-doctor inspect FOLDER, with the folder that Hydra gives it (outputs/DAY/TIME)"


def _sets(line: str, values: Mapping[str, Value]) -> bool:
    """Return True if an override sets one of the keys, which the diff sets."""
    return line.partition("=")[0].lstrip("+~").removeprefix("experiment.") in values


def _in(folder: Path) -> str:
    """Return the beginning of a command that runs in `folder`: empty for the current one."""
    return "" if folder.resolve() == Path.cwd().resolve() else f"cd {shlex.quote(str(shortest(folder)))} && "
