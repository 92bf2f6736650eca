"""Read the gate's policy from a TOML file; an unknown key, code or metric is an error that suggests the nearest known one."""

from __future__ import annotations

import difflib
import math
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from humouse_doctor.core.errors import InputError, UsageError
from humouse_doctor.core.gating import Ignore, Policy
from humouse_doctor.core.probe import Severity
from humouse_doctor.core.remedy import Interval
from humouse_doctor.core.report import Verdict
from humouse_doctor.core.text import reason
from humouse_doctor.core.tool_codes import ToolCode
from humouse_doctor.inputs.files import is_file, read_bounded, repository
from humouse_doctor.probes.registry import current

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FILE_NAME = "humouse-doctor.toml"
_TABLE = "humouse-doctor"
_KEYS = ("fail-on", "select", "ignore", "thresholds", "require-data", "verdicts")
_IGNORE_KEYS = ("code", "path", "reason", "expires")
_NEVER = "never"
#: Time and memory of Python's TOML reader grow with the square of a dotted key's parts.
_MAX_BYTES, _MAX_DOTS = 500_000, 500
#: Each ignore is compared with every finding of every input.
_MAX_IGNORES = 1_000
_FEW = 16
#: Codes that may not be ignored: a run of which nothing is known would pass.
_NOT_TO_IGNORE = (ToolCode.REFUSED.code, ToolCode.PROBE_CRASHED.code)
_ACCEPTABLE = (Verdict.HEALTHY, Verdict.AT_RISK, Verdict.COLLAPSED)
#: Stricter than `date.fromisoformat`, which accepts more formats from Python 3.11 on.
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _codes() -> tuple[str, ...]:
    """Return every code that a policy may name."""
    return (*current().by_code, *(tool.code for tool in ToolCode))


def find(folder: Path) -> Path | None:
    """Return the policy for `folder`: its own, or else the nearest one above it within the repository.

    Outside of a repository, only the folder's own file counts. Raises `UsageError` for a policy that another user may have
    put there; such a policy counts only if it is named with --policy.
    """
    here = Path(os.path.realpath(folder))
    top = repository(here)
    for place in (here, *here.parents) if top is not None else (here,):
        for path in (place / FILE_NAME, place / "pyproject.toml"):
            if is_file(path) and (path.name == FILE_NAME or _table(path) is not None):
                _require_trusted(path, here, top)
                return path
        if place == top:
            break
    return None


def _require_trusted(path: Path, here: Path, top: Path | None) -> None:
    """Raise `UsageError` if the policy, or the repository that makes it count, belongs to an untrusted user.

    Trusted are this process's user, root, and the owner of the current folder (root in a container may look at a user's
    checkout).
    """
    trusted = {0, here.stat().st_uid, getattr(os, "geteuid", lambda: 0)()}
    owners = {path.lstat().st_uid, path.stat().st_uid}
    if path.parent != here and top is not None:
        owners |= {top.stat().st_uid, (top / ".git").lstat().st_uid}
    if not owners <= trusted:
        raise UsageError(f"{path}: the file or its repository belongs to another user; name it with --policy to use it")


def read(path: Path) -> Policy:
    """Read the policy in `path`; raise `InputError` if it is unreadable, `UsageError` for any mistake in it."""
    table = _table(path)
    if table is None:
        raise UsageError(f"{path}: there is no [tool.{_TABLE}] in it")
    where = str(path)
    _require_known(where, "", table, _KEYS)
    return Policy(
        fail_on=_fail_on(where, table.get("fail-on", Severity.WARNING.value)),
        select=_select(where, table.get("select", [])),
        ignores=tuple(_ignores(where, table.get("ignore", []))),
        thresholds=MappingProxyType(dict(_thresholds(where, table.get("thresholds", {})))),
        require_data=_flag(where, "require-data", table.get("require-data", False)),
        verdicts=_verdicts(where, table.get("verdicts", [])),
        source=where,
    )


def _table(path: Path) -> Mapping[str, Any] | None:
    """Return the policy's table: the whole `humouse-doctor.toml`, or its part of `pyproject.toml`; None if that has none."""
    try:
        text = read_bounded(path, _MAX_BYTES).decode("utf-8-sig")  # Windows editors write a BOM
        line = next((n for n, line in enumerate(text.splitlines(), 1) if line.count(".") > _MAX_DOTS), None)
        if line is not None:
            raise UsageError(
                f"{path}:{line}: more than {_MAX_DOTS} dots in one line; this does not look like a policy, so it was not read"
            )
        content: dict[str, Any] = tomllib.loads(text)
    except OSError as error:
        raise InputError(f"{path}: cannot read the policy: {reason(error)}") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: cannot read the policy: byte {error.start} is not UTF-8; save it as UTF-8") from None
    except (ValueError, RecursionError) as error:  # a number with thousands of digits raises a plain ValueError
        raise UsageError(f"{path}: not valid TOML: {' '.join(str(error).split())}") from None
    if path.name != "pyproject.toml" and "tool" not in content:
        return content
    tool = content.get("tool", {})
    table: Mapping[str, Any] | None = tool.get(_TABLE) if isinstance(tool, dict) else None
    outside = [key for key in content if key in _KEYS]
    if outside and path.name != "pyproject.toml":
        raise UsageError(f"{path}: {outside[0]} is outside of [tool.{_TABLE}] and would have no effect; move it inside")
    if table is not None and not isinstance(table, dict):
        raise UsageError(f"{path}: tool.{_TABLE} is {_kind(table)}; expected a table")
    return table


def _kind(value: object) -> str:
    names = {bool: "true or false", str: "text", int: "a number", float: "a number", list: "a list", dict: "a table"}
    return names.get(type(value), f"a {type(value).__name__}")


def _nearest(word: str, known: Iterable[str]) -> str:
    names = list(known)
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.5)
    if close:
        return f"did you mean {close[0]}?"
    return f"known are {', '.join(names)}" if len(names) < _FEW else "there is none like it"


def _require_known(where: str, inside: str, table: Mapping[str, Any], known: tuple[str, ...]) -> None:
    for key in table:
        if key not in known:
            raise UsageError(f"{where}: unknown key {inside}{key}; {_nearest(key, known)}")


def _texts(where: str, key: str, value: object) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(part, str) for part in value):
        raise UsageError(f"{where}: {key} is {_kind(value)}; expected a list of texts")
    return value


def _flag(where: str, key: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise UsageError(f"{where}: {key} is {_kind(value)}; expected true or false")
    return value


def _fail_on(where: str, value: object) -> Severity | None:
    levels = [*(severity.value for severity in Severity), _NEVER]
    if value not in levels:
        raise UsageError(f"{where}: fail-on is {value!r}; expected {', '.join(levels)}")
    return None if value == _NEVER else Severity(value)


def _verdicts(where: str, value: object) -> tuple[Verdict, ...]:
    known = [verdict.value for verdict in _ACCEPTABLE]
    for name in _texts(where, "verdicts", value):
        if name == Verdict.UNDETERMINED.value:
            raise UsageError(f"{where}: verdicts: undetermined never passes; nothing is known of such a run")
        if name not in known:
            raise UsageError(f"{where}: unknown verdict {name!r}; {_nearest(name, known)}")
    return tuple(Verdict(name) for name in _texts(where, "verdicts", value))


def _select(where: str, value: object) -> tuple[str, ...]:
    chosen = tuple(code.upper() for code in _texts(where, "select", value))
    for prefix in chosen:
        if not prefix or not any(code.startswith(prefix) for code in _codes()):
            raise UsageError(f"{where}: select: no code starts with {prefix!r}; {_nearest(prefix, _codes())}")
    return chosen


def _ignores(where: str, value: object) -> Iterator[Ignore]:
    if not isinstance(value, list) or not all(isinstance(part, dict) for part in value):
        raise UsageError(f"{where}: ignore is {_kind(value)}; expected tables: [[ignore]] with code and reason")
    if len(value) > _MAX_IGNORES:
        raise UsageError(f"{where}: {len(value):,} ignores are more than {_MAX_IGNORES:,}; use patterns")
    for number, entry in enumerate(value, start=1):
        inside = f"ignore {number}: "
        _require_known(where, inside, entry, _IGNORE_KEYS)
        code = entry.get("code")
        if code is None:
            raise UsageError(f"{where}: {inside}it has no code; name the finding to ignore")
        code = str(code).upper()
        if code not in _codes():
            raise UsageError(f"{where}: {inside}unknown code {entry['code']!r}; {_nearest(code, _codes())}")
        if code in _NOT_TO_IGNORE:
            raise UsageError(f"{where}: {inside}{code} cannot be ignored: where it is found, nothing is known of the run")
        reason, path = entry.get("reason"), entry.get("path")
        if not isinstance(reason, str) or not reason.strip():
            raise UsageError(f"{where}: {inside}{code} has no reason; say why this finding is ignored")
        if path is not None and (not isinstance(path, str) or not path):
            raise UsageError(f"{where}: {inside}path is {_kind(path)}; expected a path or a pattern")
        yield Ignore(code=code, reason=" ".join(reason.split()), path=path, expires=_day(where, inside, entry.get("expires")))


def _day(where: str, inside: str, value: object) -> date | None:
    if value is None:
        return None
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    if isinstance(value, str) and _DAY.fullmatch(value):
        with suppress(ValueError):
            return date.fromisoformat(value)
    raise UsageError(f"{where}: {inside}expires is {value!r}; expected a day such as 2027-01-31")


def _thresholds(where: str, value: object) -> Iterator[tuple[str, Interval]]:
    """Yield each threshold by `code.metric`; TOML reads an unquoted dot as a nested table."""
    if not isinstance(value, dict):
        raise UsageError(f"{where}: thresholds is {_kind(value)}; expected a table")
    seen = set()
    for name, bound in _flat(value):
        known = current().metrics
        if name not in known:
            own = [metric for metric in known if metric.partition(".")[0] == name.partition(".")[0]]
            raise UsageError(f"{where}: thresholds: unknown metric {name}; {_nearest(name, own or known)}")
        if name in seen:
            raise UsageError(f"{where}: thresholds: {name} appears twice, quoted and unquoted; keep one")
        seen.add(name)
        yield name, _interval(where, name, bound)


def _flat(table: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    for key, part in table.items():
        if isinstance(part, dict) and part:
            yield from ((f"{key}.{name}", bound) for name, bound in part.items())
        else:
            yield key, part


_BOUND = re.compile(r"\s*(<=|>=)\s*(\S+)\s*")
_BETWEEN = re.compile(r"\s*(\S+)\s+to\s+(\S+)\s*")


def _interval(where: str, name: str, value: object) -> Interval:
    text = value if isinstance(value, str) else ""
    bound, between = _BOUND.fullmatch(text), _BETWEEN.fullmatch(text)
    try:
        if bound is not None:
            number = _number(bound[2])
            return Interval(low=number) if bound[1] == ">=" else Interval(high=number)
        if between is not None and _number(between[1]) <= _number(between[2]):
            return Interval(low=_number(between[1]), high=_number(between[2]))
    except ValueError:
        pass
    raise UsageError(f'{where}: thresholds: {name} is {value!r}; expected ">= 0.4", "<= 4" or "0.4 to 4"')


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number
