"""Rehearse a config: train its own warm-up for as long as there is time, and put the probes to what comes out.

There is one training, with one seed, in this process. If half of the time is over and it has not ended, the probes look at the
generator as it is by then: that tells how long a look takes, and later if the training was still on its way to health.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from humouse_doctor.cases import run_folder
from humouse_doctor.cases.load import load_case
from humouse_doctor.cases.request import Loaded, Notes, Progress, Request
from humouse_doctor.core.errors import UsageError
from humouse_doctor.core.outcome import AS_IT_IS
from humouse_doctor.core.probe import Kind, Metric, ProbeResult, Severity
from humouse_doctor.core.report import Confidence, Rehearsed, Report, Verdict
from humouse_doctor.core.text import full_reason
from humouse_doctor.diagnosis.diagnose import diagnose
from humouse_doctor.diagnosis.examine import examine, wanted
from humouse_doctor.diagnosis.plugins import with_broken
from humouse_doctor.inputs.gestures.sources import read_gestures
from humouse_doctor.inputs.source.trainer import TrainerFacts
from humouse_doctor.probes.registry import current
from humouse_doctor.probes.shared.measures import best_constant_loss, motionless_loss
from humouse_doctor.training.device import chosen
from humouse_doctor.training.plan import own_steps
from humouse_doctor.training.warm_up import Trained, train
from humouse_doctor.verify.bench import Bench, OnPulse, Pulse, by_name, ignore_pulse

#: The training is looked at after this share of its time, and the last look is given this many times the seconds of that one.
_LOOK_AT, _LAST_LOOK = 0.45, 1.15
#: A training of fewer steps says nothing.
_FEWEST_STEPS = 8
#: A ratio that grew by less than this factor from the first look to the last, or a share by less than that, has not moved.
_GROWN, _RISEN = 1.15, 0.03
#: How far the run's own steps can move a recurrent weight, over the bound of its random start.
_REACH = "HD210.weight_reach"
#: Seconds between two reports of progress.
_PULSE_S = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """The probes' results on the generator after `steps` steps."""

    steps: int
    loaded: Loaded
    results: tuple[ProbeResult, ...]

    @property
    def off(self) -> dict[str, float]:
        """The deciding numbers that are not healthy, by `code.metric`."""
        deciding = {name: metric for name, metric in current().metrics.items() if metric.deciding}
        measured = by_name(self.results)
        return {
            name: measured[name] for name, one in deciding.items() if name in measured and measured[name] not in one.healthy
        }


def rehearsed(
    request: Request,
    started: float,
    *,
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    progress: Progress = lambda _: None,
    on_pulse: OnPulse = ignore_pulse,
    clock: Callable[[], float] = time.monotonic,
) -> tuple[Report, TrainerFacts | None]:
    """Return the report on a config's own warm-up, trained for what is left of `request.rehearse_s` since `started`.

    `started` is a value of `clock`, in seconds. A config whose warm-up has no steps is judged by rules alone. The facts of the
    trainer come with the report, None if its source was not read. Raises `DoctorError` in one line, `UsageError` without data
    or if the time is too short.
    """
    assert request.rehearse_s is not None
    device = chosen(request.device)
    ends = started + request.rehearse_s
    notes = Notes(progress=progress)
    request, config = run_folder.resolve(request, notes)
    if request.data is None or request.config is None:
        raise UsageError("--rehearse trains on the run's own gestures: add --data")
    progress(f"reading gestures from {request.data}")
    gestures = read_gestures(request.data, config.settings, request.max_sequences, request.seed)
    loaded = with_broken(load_case(request, progress, gestures, config))
    own = own_steps(config.settings, gestures)
    if own:
        bench = Bench(
            config=request.config,
            overrides=request.overrides,
            read=config,
            gestures=gestures,
            base_steps=own,
            pretrainer=loaded.case.subject_is_pretrainer,
            samples=request.samples,
            device=device,
            source=loaded.source,
        )
        first, last, stopped = _trained(bench, request, ends, on_pulse, progress, clock)
    else:
        first, last, stopped = None, _Look(steps=0, loaded=loaded, results=examine(loaded.case)), ""
    case = last.loaded.case
    remarks = dict.fromkeys((*notes.remarks, *loaded.case.subject.remarks, *case.subject.remarks))
    report = diagnose(
        Loaded(
            case=replace(
                case,
                subject=replace(loaded.case.subject, remarks=tuple(remarks)),
                added_keys=loaded.case.added_keys,
            ),
            tool_findings=tuple(
                found for found in (*notes.findings, *loaded.tool_findings) if wanted(found.code.code, select, ignore)
            ),
        ),
        tuple(result for result in last.results if wanted(result.code, select, ignore)),
    )
    most = config.settings.integer("data.max_gestures")
    taken, usable = gestures.summary.taken, gestures.summary.usable
    facts = Rehearsed(
        steps=last.steps,
        own_steps=own or 0,
        sequences=taken,
        usable=usable if most is None else max(taken, min(most, usable)),
        seconds=round(clock() - started, 1),
        seed=request.seed,
        stopped=stopped,
    )
    return _concluded(replace(report, rehearsed=facts), first, last), loaded.source


def _trained(
    bench: Bench, request: Request, ends: float, on_pulse: OnPulse, progress: Progress, clock: Callable[[], float]
) -> tuple[_Look | None, _Look, str]:
    """Train until `ends`; return an earlier look if there was one, the last one, and the reason for an early stop."""
    bench.require_room(AS_IT_IS)
    job = replace(bench.job(AS_IT_IS, request.seed), steps=bench.base_steps)
    rehearsal = bench.rehearsal(job)

    def look(trained: Trained) -> _Look:
        seen = bench.examined(job, rehearsal, trained, request)
        seen = replace(seen, case=replace(seen.case, subject=replace(seen.case.subject, remarks=rehearsal.remarks)))
        return _Look(steps=len(trained.losses), loaded=seen, results=examine(seen.case))

    watch = _Watch(
        planned=job.steps,
        begun=clock(),
        ends=ends,
        constant=best_constant_loss(rehearsal.targets),
        motionless=motionless_loss(rehearsal.targets),
        examined=look,
        on_pulse=on_pulse,
        clock=clock,
    )
    progress(f"training {job.steps:,} steps, for as long as there is time")
    try:
        trained = train(rehearsal.warm_up, rehearsal.targets, rehearsal.conditions, watch.tick, watch.look)
        steps = len(trained.losses)
        if steps < min(_FEWEST_STEPS, job.steps) and not watch.stopped:
            raise UsageError(
                f"--rehearse: only {steps} of {job.steps:,} steps fit into {request.rehearse_s:,.0f} s; give it more time,"
                " e.g. --rehearse=5m"
            )
        if watch.first is not None and watch.first.steps == steps:
            return None, watch.first, watch.stopped
        return watch.first, look(trained), watch.stopped
    except (RuntimeError, FloatingPointError) as error:
        raise UsageError(f"{bench.config}: its warm-up cannot be trained: {full_reason(error)}") from None


@dataclass(slots=True, kw_only=True)
class _Watch:
    """Looks at a training once in the middle of its time, and ends it so that a second look is over at `ends`."""

    planned: int
    begun: float
    ends: float
    constant: float
    motionless: float
    examined: Callable[[Trained], _Look]
    on_pulse: OnPulse
    clock: Callable[[], float]
    first: _Look | None = None
    stopped: str = ""
    _last_pulse: float = -math.inf
    _stop_at: float = math.inf

    def look(self, so_far: Callable[[], Trained]) -> None:
        """Look at the generator if it is time to."""
        now = self.clock()
        if self.first is None and now >= self.begun + _LOOK_AT * (self.ends - self.begun):
            self.first = self.examined(so_far())
            self._stop_at = self.ends - _LAST_LOOK * (self.clock() - now)

    def tick(self, step: int, loss: float) -> bool:
        """Report progress; return True to end the training."""
        now = self.clock()
        if now - self._last_pulse >= _PULSE_S or step == self.planned:
            self._last_pulse = now
            self.on_pulse(
                Pulse(step=step, loss=loss, best_constant=self.constant, motionless=self.motionless, planned=self.planned)
            )
        if not math.isfinite(loss):
            self.stopped = f"the loss became NaN or infinite at step {step:,}"
        return bool(self.stopped) or now >= self._stop_at


def _concluded(report: Report, first: _Look | None, last: _Look) -> Report:
    """Return the report with the verdict that a training of this length allows.

    A cut training that is not healthy, and was or may have been on its way to health, says nothing about its end.
    """
    facts = report.rehearsed
    assert facts is not None
    if not facts.cut:
        return report
    said = None if report.verdict in (Verdict.HEALTHY, Verdict.UNDETERMINED) else _unsettled(first, last, facts)
    if said is None:
        return replace(report, confidence=Confidence.MEDIUM if report.confidence is Confidence.HIGH else report.confidence)
    more = math.ceil(1.2 * facts.seconds * facts.own_steps / facts.steps / 60)
    return replace(
        report,
        verdict=Verdict.UNDETERMINED,
        confidence=Confidence.LOW,
        sentence=f"Still in training when time ran out after {facts.steps:,} of {facts.own_steps:,} steps: {said}; all of them"
        f" would take about {more} min: --rehearse={more}m.",
        causes=(),
        unexplained=(),
        remedies=(),
        patch=(),
        chosen=(),
        findings=tuple(
            finding if finding.kind is Kind.TOOL else replace(finding, severity=Severity.NOTE, remedies=())
            for finding in report.findings
        ),
    )


def _unsettled(first: _Look | None, last: _Look, facts: Rehearsed) -> str | None:
    """Return why a cut training that is not healthy could still be at its last step, None if it could not."""
    if first is not None and _on_its_way(first, last, facts):
        before = by_name(first.results)
        moves = (f"{current().labels.get(name, name)} {before[name]:.2g} -> {value:.2g}" for name, value in last.off.items())
        return f"what is not healthy was still improving from step {first.steps:,} to {last.steps:,}: {', '.join(moves)}"
    reach = by_name(last.results).get(_REACH)
    if reach is not None and (by_now := reach * facts.steps / facts.own_steps) < 1 <= reach:
        return f"by then a weight can have moved by {by_now:.2f} of the bound it was drawn from, which is too little to tell"
    return None if first is not None else "it was looked at only once, which does not tell a slow training from a collapsed one"


def _on_its_way(first: _Look, last: _Look, facts: Rehearsed) -> bool:
    """Return True if all that is not healthy could be by the last step, at twice its pace between the two looks."""
    before = by_name(first.results)
    spans = 2 * (facts.own_steps - last.steps) / (last.steps - first.steps)
    off = last.off
    return bool(off) and all(
        name in before and _reaches(current().metrics[name], before[name], value, spans) for name, value in off.items()
    )


def _reaches(metric: Metric, before: float, value: float, spans: float) -> bool:
    """Return True if a number has moved towards health, and would be there after so many such moves more."""
    bound = metric.healthy.low if value < metric.healthy.low else metric.healthy.high
    if metric.unit != "ratio":
        moved, least, missing = value - before, _RISEN, bound - value
    elif min(before, value) > 0:
        moved, least, missing = math.log(value / before), math.log(_GROWN), math.log(bound / value)
    else:
        return False
    towards = math.copysign(1.0, missing) * moved
    return towards >= least and towards * spans >= abs(missing)
