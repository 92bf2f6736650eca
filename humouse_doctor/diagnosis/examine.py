"""A case and probes to results: the one place that skips probes, and that catches a crashing one."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from types import MappingProxyType

from humouse_doctor.core.arrays import numpy as np
from humouse_doctor.core.case import Case
from humouse_doctor.core.errors import MachineError, NotMeasurable, UsageError
from humouse_doctor.core.probe import Judgement, Kind, Probe, ProbeResult, Status
from humouse_doctor.core.remedy import Remedy
from humouse_doctor.core.text import full_reason
from humouse_doctor.core.tool_codes import OWN_PREFIX, ToolCode, nearest_code
from humouse_doctor.probes.registry import current


def examine(case: Case, probes: Iterable[Probe] | None = None) -> tuple[ProbeResult, ...]:
    """Run `probes` (all if None) on `case`; a probe whose needs the case lacks is skipped, with the reason."""
    return tuple(_run(probe, case) for probe in (current().probes if probes is None else probes))


def _run(probe: Probe, case: Case) -> ProbeResult:
    def ended(status: Status, reason: str) -> ProbeResult:
        return ProbeResult(code=probe.code, status=status, measurements=MappingProxyType({}), reason=reason)

    if case.subject_is_samples and probe.kind is Kind.CAUSE:
        return ended(Status.SKIPPED, "samples show symptoms, and no cause; inspect the checkpoint that drew them")
    for need in probe.needs:
        reason = case.lacks(need)
        if reason is not None:
            return ended(Status.SKIPPED, reason)
    try:
        # without arrays numpy need not be imported, which takes longer than the look
        with nullcontext() if case.samples.empty else np.errstate(over="raise", divide="raise", invalid="raise"):
            measured = probe.measure(case)
        broken = [name for name, value in measured.items() if not math.isfinite(value)]
        if broken:
            return ended(Status.SKIPPED, f"{', '.join(broken)} came out NaN or infinite")
        judgement = probe.judge(measured)
    except NotMeasurable as reason:
        return ended(Status.SKIPPED, str(reason))
    except FloatingPointError:
        return ended(Status.SKIPPED, "the numbers are too large, or too far apart, for its arithmetic")
    except (MachineError, ImportError, MemoryError):  # the machine's trouble, which all probes would meet
        raise
    except Exception as error:  # a probe's own mistake must not take the others with it
        return ended(Status.CRASHED, full_reason(error))
    result = ProbeResult(
        code=probe.code,
        status=Status.HEALTHY if judgement is Judgement.HEALTHY else Status.FOUND,
        judgement=judgement,
        measurements=MappingProxyType({name: float(f"{value:.6g}") for name, value in measured.items()}),
    )
    mistake = None if probe.code.startswith(OWN_PREFIX) else _mistake(probe, case, result)
    return result if mistake is None else ended(Status.CRASHED, mistake)


def _mistake(probe: Probe, case: Case, result: ProbeResult) -> str | None:
    """Return the first mistake in a plug-in's judgement, message and remedies, None if there is none.

    A mistake found here does not crash the diagnosis later.
    """
    numbers = result.measurements
    if not isinstance(result.judgement, Judgement):
        return f"judge gave {result.judgement!r}; expected a Judgement"
    unknown = [name for name in numbers if all(name != metric.name for metric in probe.metrics)]
    if unknown:
        return f"it measured {unknown[0]!r}, which is not one of its metrics"
    try:
        probe.overshoots(numbers)
        if not isinstance(probe.message(case, numbers), str):
            return "its message is not text"
        if not all(isinstance(remedy, Remedy) for remedy in probe.remedies(case, numbers)):
            return "its remedies are not a tuple of Remedy"
    except (MachineError, ImportError, MemoryError):
        raise
    except Exception as error:
        return full_reason(error)
    return None


def selected(select: Sequence[str], ignore: Sequence[str]) -> tuple[Probe, ...]:
    """Return the probes whose code starts with one of `select` (all if it is empty) and none of `ignore`.

    Raises `UsageError` for a code or prefix that matches no probe.
    """
    codes = [probe.code for probe in current().probes] + [tool.code for tool in ToolCode]
    for prefix in (*select, *ignore):
        if not any(code.startswith(prefix.upper()) for code in codes):
            close = nearest_code(prefix, codes)
            hint = f"did you mean {close}?" if close is not None else "see humouse-doctor probes"
            raise UsageError(f"no probe's code starts with '{prefix}'; {hint}")
    return tuple(probe for probe in current().probes if wanted(probe.code, select, ignore))


def wanted(code: str, select: Sequence[str], ignore: Sequence[str]) -> bool:
    """Return True if `code`, a probe's or the tool's own, is selected and not ignored."""
    chosen = tuple(prefix.upper() for prefix in select) or ("",)
    left = tuple(prefix.upper() for prefix in ignore)
    return code.startswith(chosen) and not (left and code.startswith(left))
