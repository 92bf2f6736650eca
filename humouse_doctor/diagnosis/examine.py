"""Case x probes -> results: the one place that decides what is skipped, and that catches a crashing probe."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from types import MappingProxyType

from humouse_doctor.core.arrays import numpy as np
from humouse_doctor.core.case import Case
from humouse_doctor.core.errors import MachineError, NotMeasurable, UsageError
from humouse_doctor.core.probe import Judgement, Probe, ProbeResult, Status
from humouse_doctor.core.text import full_reason
from humouse_doctor.core.tool_codes import ToolCode
from humouse_doctor.probes.registry import PROBES


def examine(case: Case, probes: Iterable[Probe] = PROBES) -> tuple[ProbeResult, ...]:
    """Run `probes` on `case`; what a probe needs and the case lacks makes it skipped, with the reason."""
    return tuple(_run(probe, case) for probe in probes)


def _run(probe: Probe, case: Case) -> ProbeResult:
    def ended(status: Status, reason: str) -> ProbeResult:
        return ProbeResult(code=probe.code, status=status, measurements=MappingProxyType({}), reason=reason)

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
    return ProbeResult(
        code=probe.code,
        status=Status.HEALTHY if judgement is Judgement.HEALTHY else Status.FOUND,
        judgement=judgement,
        measurements=MappingProxyType({name: float(f"{value:.6g}") for name, value in measured.items()}),
    )


def selected(select: Sequence[str], ignore: Sequence[str]) -> tuple[Probe, ...]:
    """Return the probes whose code starts with one of `select` (all, where empty) and none of `ignore`.

    Raises `UsageError` for a code or prefix that fits nothing.
    """
    codes = [probe.code for probe in PROBES] + [tool.code for tool in ToolCode]
    for prefix in (*select, *ignore):
        if not any(code.startswith(prefix.upper()) for code in codes):
            close = difflib.get_close_matches(prefix.upper(), codes, n=1)
            hint = f"did you mean {close[0]}?" if close else "see humouse-doctor probes"
            raise UsageError(f"no probe's code starts with '{prefix}'; {hint}")
    return tuple(probe for probe in PROBES if wanted(probe.code, select, ignore))


def wanted(code: str, select: Sequence[str], ignore: Sequence[str]) -> bool:
    """Return whether `code`, a probe's or one of the tool's own, is selected and not ignored."""
    chosen = tuple(prefix.upper() for prefix in select) or ("",)
    left = tuple(prefix.upper() for prefix in ignore)
    return code.startswith(chosen) and not (left and code.startswith(left))
