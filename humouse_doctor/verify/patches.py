"""Turn an argument of `--patch` into an arm: a probe's code, a remedy's id, a diff, an overrides file or a YAML file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from humouse_doctor.core.case import Case
from humouse_doctor.core.errors import UsageError
from humouse_doctor.core.outcome import Arm
from humouse_doctor.core.remedy import Edit
from humouse_doctor.core.report import Report
from humouse_doctor.core.settings import Settings, Value
from humouse_doctor.inputs.config import diffs, patcher, reader, yaml_text
from humouse_doctor.inputs.config.trainer_keys import BY_NAME
from humouse_doctor.inputs.files import is_file
from humouse_doctor.probes.registry import current
from humouse_doctor.remedies.arms import together
from humouse_doctor.remedies.candidates import can_be_tried, candidates


def arm_of(patch: str, case: Case, report: Report, overrides: Sequence[str]) -> Arm:
    """Return the arm that `patch` names; raise `UsageError` if it names nothing that can be tried on this run."""
    if is_file(Path(patch)):
        arm = Arm(title=patch, edits=_edits(_values_of(Path(patch), case, overrides), case))
        if not arm.key:
            raise UsageError(f"--patch {patch}: it changes nothing in this run")
        return arm
    by_id = {**candidates(case), **{remedy.id: remedy for remedy in report.remedies}}
    if patch in by_id:
        if not can_be_tried(by_id[patch]):
            raise UsageError(f"--patch {patch}: {by_id[patch].title}: this cannot be tried here ({by_id[patch].why})")
        return together([by_id[patch]])
    finding = next((one for one in report.findings if one.code == patch.upper()), None)
    if finding is not None:
        for name in finding.remedies:
            if can_be_tried(by_id[name]):
                return together([by_id[name]])
    known = patch.upper() in current().by_code
    what = "that probe found nothing here that has a remedy to try" if known else "no such file, probe or remedy"
    raise UsageError(f"--patch {patch}: {what}; expected a file or one of {', '.join(by_id)}")


def _values_of(path: Path, case: Case, overrides: Sequence[str]) -> dict[str, Value]:
    """Return the values by key in the file at `path`: a diff of the config, overrides, or YAML."""
    text = yaml_text.read_text(path)
    # split at LF alone, as git does: other line ends are part of a value
    lines = [line for line in text.split("\n") if line.strip() and not line.lstrip().startswith("#")]
    if any(diffs.HUNK.match(line) for line in lines):
        assert case.settings.source is not None
        config = Path(case.settings.source)
        patched = _patched(yaml_text.read_text(config), text, path)
        try:
            new = reader.read(config, overrides, patched)
        except UsageError as error:
            raise UsageError(f"--patch {path}: the config with this patch cannot be used: {error}") from None
        settings = _without_complaints(path, new, reader.read(config, overrides))
        return {key: setting.value for key, setting in settings.items()}
    if lines and all(re.match(r"^\+*[\w.]+=", line) for line in lines):
        shown = [line.strip().lstrip("+") for line in lines]
        try:
            settings = reader.read(None, [patcher.from_hydra(line) for line in shown]).settings
        except UsageError as error:
            raise UsageError(f"--patch {path}: {str(error).removeprefix('--set ')}") from None
        names = {line.partition("=")[0].removeprefix("experiment.") for line in shown}
        return {key: settings.value(key) for key in names}
    found = _without_complaints(path, reader.read(path), None)
    return {key: setting.value for key, setting in found.items() if key in found.in_file}


def _without_complaints(path: Path, new: reader.ReadConfig, old: reader.ReadConfig | None) -> Settings:
    """Return a patch's settings; raise `UsageError` for a value the trainer rejects, unless the config had it before."""
    known = {complaint.message for complaint in old.complaints} if old else set()
    for complaint in new.complaints:
        if complaint.message not in known:
            raise UsageError(f"--patch {path}: {complaint.message}")
    return new.settings


def _edits(values: dict[str, Value], case: Case) -> tuple[Edit, ...]:
    """Return the edits that give the run these `values`, without those that change nothing."""
    settings = case.settings
    changed = {key: new for key, new in values.items() if key in BY_NAME and settings.value(key) != new}
    return tuple(
        Edit(key=key, old=settings.value(key), new=new, absent=key not in settings.in_file) for key, new in changed.items()
    )


def _patched(before: str, diff: str, path: Path) -> str:
    """Return `before` with a unified diff of one file applied, which must fit exactly; raise `UsageError`."""
    old, new, at = before.split("\n"), list[str](), 0
    try:
        for line, sign, text in tuple(diffs.rows(diff)):
            start, content = line - 1, text.removesuffix("\n")
            if not at <= start <= len(old):
                raise ValueError(f"the diff's hunk at line {line} overlaps another or lies outside")
            new.extend(old[at:start])
            at = start
            if sign != "+":
                if at >= len(old) or old[at].rstrip("\r") != content.rstrip("\r"):
                    raise ValueError(f"the diff does not fit the config at line {line}")
                at += 1
            if sign == " ":
                new.append(old[at - 1])
            elif sign == "+":
                new.append(content)
    except ValueError as error:
        raise UsageError(f"{path}: {error}; make the diff again") from None
    return "\n".join([*new, *old[at:]])
