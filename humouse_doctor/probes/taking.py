"""Load the probes of an entry point: each is checked against the rules for probes, then accepted with its page or left out."""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from humouse_doctor.core.case import Need
from humouse_doctor.core.errors import MachineError
from humouse_doctor.core.probe import Kind, Metric, Probe
from humouse_doctor.core.tool_codes import CODE, OWN_PREFIX, ToolCode
from humouse_doctor.probes.headings import headings
from humouse_doctor.probes.plugins import BrokenPlugin, Plugin

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_METRIC = re.compile(r"[a-z][a-z0-9_]*")
_LONGEST_REASON = 200


class _UnusableError(Exception):
    """The reason a probe cannot be used."""


def taken(distribution: str, entry: EntryPoint, before: Iterable[Plugin]) -> list[Plugin | BrokenPlugin]:
    """Return each probe that `entry` of `distribution` names, or the reason it is left out.

    A probe that clashes with one of those accepted `before` is left out.
    """
    found: list[Plugin | BrokenPlugin] = []
    for offered in _offered(entry):
        others = (*before, *(plugin for plugin in found if isinstance(plugin, Plugin)))
        found.append(_taken(offered, distribution, entry.name, others))
    return found


def _offered(entry: EntryPoint) -> tuple[object, ...]:
    """Return the objects that `entry` names, or the reason why it cannot be imported."""
    try:
        with contextlib.redirect_stdout(sys.stderr):  # stdout is the report's
            found = entry.load()
    except (MachineError, MemoryError):  # the machine's trouble, which all packages would meet
        raise
    except (Exception, SystemExit) as error:
        return (_UnusableError(f"it cannot be imported: {_said(error)}"),)
    return found if isinstance(found, tuple) else (found,)


def _taken(offered: object, distribution: str, entry: str, others: Iterable[Plugin]) -> Plugin | BrokenPlugin:
    try:
        return _plugin(offered, distribution, others)
    except _UnusableError as reason:
        return BrokenPlugin(distribution=distribution, entry=entry, reason=str(reason))


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:_LONGEST_REASON]


def _plugin(found: object, distribution: str, others: Iterable[Plugin]) -> Plugin:
    """Return `found` as a probe with its page; raise `_UnusableError` if it cannot be used."""
    if isinstance(found, _UnusableError):
        raise found
    try:
        probe = found() if isinstance(found, type) and issubclass(found, Probe) else found
        if not isinstance(probe, Probe):
            raise _UnusableError(f"it is {_kind(found)}; expected a Probe, or a tuple of them")
        for trouble in _troubles(probe):
            raise _UnusableError(trouble)
        _require_new(probe, others)
        page, place = _page(probe)
    except (MachineError, MemoryError, _UnusableError):
        raise
    except Exception as error:
        raise _UnusableError(_said(error)) from None
    return Plugin(probe=probe, distribution=distribution, page=page, place=place)


def _kind(found: object) -> str:
    return f"the class {found.__name__}" if isinstance(found, type) else f"of the type {type(found).__name__}"


def _troubles(probe: Probe) -> Iterator[str]:
    """Yield the mistakes in the declarations of `probe`; a missing declaration raises `AttributeError`."""
    code, own = probe.code, type(probe).__name__
    if not isinstance(code, str) or not CODE.fullmatch(code) or code.startswith(OWN_PREFIX):
        yield f"{own}.code is {code!r}; expected 2 to 6 capitals that do not begin with {OWN_PREFIX}, then three digits"
    if not isinstance(probe.name, str) or not _NAME.fullmatch(probe.name):
        yield f"{own}.name is {probe.name!r}; expected small letters and hyphens, as in zero-steps"
    if probe.kind not in (Kind.SYMPTOM, Kind.CAUSE):
        yield f"{own}.kind is {probe.kind!r}; expected Kind.SYMPTOM or Kind.CAUSE"
    if not isinstance(probe.summary, str) or not probe.summary or "\n" in probe.summary:
        yield f"{own}.summary is {probe.summary!r}; expected one line"
    if not isinstance(probe.needs, tuple) or not all(isinstance(need, Need) for need in probe.needs):
        yield f"{own}.needs is {probe.needs!r}; expected a tuple of Need"
    for named in (probe.explains, probe.sometimes):
        if not isinstance(named, tuple) or not all(isinstance(other, str) and CODE.fullmatch(other) for other in named):
            yield f"{own} explains {named!r}; expected a tuple of codes"
    if probe.key is not None and not isinstance(probe.key, str):
        yield f"{own}.key is {probe.key!r}; expected a config's key or None"
    if probe.decides is not None:
        yield f"{own}.decides is {probe.decides!r}; only the tool's own probes decide"
    yield from _metric_troubles(probe.metrics, own)


def _metric_troubles(metrics: object, own: str) -> Iterator[str]:
    if not isinstance(metrics, tuple) or not metrics or not all(isinstance(metric, Metric) for metric in metrics):
        yield f"{own}.metrics is {metrics!r}; expected a tuple of Metric, one at least"
        return
    if len({metric.name for metric in metrics}) != len(metrics):
        yield f"{own}.metrics has a name twice"
    for metric in metrics:
        healthy, tolerable = metric.healthy, metric.tolerable
        if not isinstance(metric.name, str) or not _METRIC.fullmatch(metric.name):
            yield f"the metric {metric.name!r} of {own}: expected a name in small letters and underscores, as in zero_share"
        if not all(isinstance(text, str) for text in (metric.unit, metric.meaning, metric.label)):
            yield f"the metric {metric.name} of {own} has a unit, a meaning or a label that is not text"
        if not tolerable.low <= healthy.low <= healthy.high <= tolerable.high:
            yield f"the metric {metric.name} of {own} is healthy in {healthy}, which is not within the tolerable {tolerable}"
        if metric.deciding:
            yield f"the metric {metric.name} of {own} is deciding; only the tool's own are"


def _page(probe: Probe) -> tuple[str, Path | None]:
    """Return the text and path of the page beside the probe's module; raise `_UnusableError` if it is missing or another's."""
    module = sys.modules[type(probe).__module__]
    name = f"{module.__name__.rpartition('.')[2]}.md"
    place = None
    try:
        if module.__package__:
            from importlib import resources  # few processes have a plug-in with a page

            found = resources.files(module.__package__).joinpath(name)
            text, place = found.read_text(encoding="utf-8"), found if isinstance(found, Path) else None
        else:  # a module of no package, which resources take from Python 3.12 on
            place = Path(str(module.__file__)).with_name(name)
            text = place.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
        raise _UnusableError(f"{probe.code} has no page {name} beside its module {module.__name__}: {reason}") from None
    wanted = [f"# {probe.code} {probe.name}", "", f"*{probe.kind.value}*: {probe.summary}"]
    if text.splitlines()[:3] != wanted:
        raise _UnusableError(f"{name}, the page of {probe.code}, does not begin with {' | '.join(wanted)}")
    return text, place


def _require_new(probe: Probe, others: Iterable[Plugin]) -> None:
    """Raise `_UnusableError` if one of `others`, or of the tool's own, has the same code or name."""
    own = {*(heading.partition(" ")[2] for heading, _ in headings()), *(tool.label for tool in ToolCode)}
    if probe.name in own:
        raise _UnusableError(f"the name {probe.name} of {probe.code} is that of one of the tool's own")
    for other in others:
        if other.probe.code == probe.code or other.probe.name == probe.name:
            which = f"{other.probe.code} {other.probe.name}"
            raise _UnusableError(f"{probe.code} {probe.name} clashes with {which} of {other.distribution}, which comes first")
