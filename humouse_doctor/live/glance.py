"""One glance at a generator that trains: the numbers of a few samples, the verdict if it ended now, and the causes at work."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from humouse_doctor.cases.from_module import Bound, glimpsed
from humouse_doctor.core.case import Case, Need
from humouse_doctor.core.probe import Kind, Probe, ProbeResult
from humouse_doctor.core.report import Cause
from humouse_doctor.core.verdict import Verdict
from humouse_doctor.diagnosis.causes import causes_of, lacks, severity_of
from humouse_doctor.diagnosis.examine import examine
from humouse_doctor.diagnosis.timeline import WATCHED
from humouse_doctor.diagnosis.verdict import verdict_of
from humouse_doctor.probes.registry import current

#: What a glance does not gather: it would take longer than the steps between two glances may.
_LEFT_OUT = (Need.FIT, Need.GRADIENTS)
#: Targets that the samples are compared with, at most.
TARGETS = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """What the probes find at one step; `verdict` is that of a training that ended here, and the causes are best first.

    `case` holds the samples.
    """

    step: int
    case: Case
    verdict: Verdict
    causes: tuple[Cause, ...]
    results: Mapping[str, ProbeResult]

    @property
    def symptoms(self) -> tuple[str, ...]:
        """The codes of the symptoms of too little that were found."""
        return tuple(code for code, result in self.results.items() if lacks(result))

    @property
    def measures(self) -> dict[str, float]:
        """The ratios to the data by their names in words."""
        lowest = dict[str, float]()
        for code, name, word in WATCHED:
            numbers = self.results[code].measurements if code in self.results else {}
            axes = [numbers[key] for key in (f"{name}_x", f"{name}_y") if key in numbers]
            if name in numbers:  # which is of the axis that is behind only where one is
                lowest[word] = min(axes or [numbers[name]])
        return lowest

    @property
    def numbers(self) -> Iterator[tuple[str, str, float]]:
        """Every number of a symptom, as its probe's code, its name and its value."""
        for code, result in self.results.items():
            if current().by_code[code].kind is Kind.SYMPTOM:
                for name, value in result.measurements.items():
                    yield code, name, value


def glance(bound: Bound, step: int, *, samples: int, seed: int) -> Glance:
    """Look at a bound generator as its weights are now; it, its modes, gradients and the random state stay as they are."""
    return judged(glimpsed(bound, samples=samples, seed=seed, most_targets=TARGETS), step)


def judged(case: Case, step: int) -> Glance:
    """Run the probes that need no more than samples, and judge as an inspection does."""
    results = MappingProxyType({result.code: result for result in examine(case, _probes())})
    severities = {code: severity_of(result, results, case) for code, result in results.items()}
    causes = causes_of(case, results, severities)
    return Glance(step=step, case=case, verdict=verdict_of(case, results, causes), causes=causes, results=results)


def _probes() -> tuple[Probe, ...]:
    return tuple(probe for probe in current().probes if not set(probe.needs) & set(_LEFT_OUT))
