"""Render a gate's decision as one offline page: the verdict, pictures, causes, changes, and all numbers.

The template environment, not each place of a template, passes everything through `harmless` and jinja's escaping.
"""

from __future__ import annotations

import base64
import hashlib
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.resources import files
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from humouse_doctor.core.comparison import Comparison
from humouse_doctor.core.errors import UsageError
from humouse_doctor.core.gating import Entry, Gate, JudgedFinding, Policy, Standing
from humouse_doctor.core.history import History
from humouse_doctor.core.outcome import Outcome
from humouse_doctor.core.probe import Judgement, Kind, Metric, ProbeResult, Severity, Status
from humouse_doctor.core.remedy import ANY
from humouse_doctor.core.report import Cause, Report, Verdict
from humouse_doctor.core.text import counted, harmless, no_command_in_markup
from humouse_doctor.core.view import GateView, RunView, TrialsView
from humouse_doctor.inputs.config import patcher
from humouse_doctor.inputs.config.reader import spell
from humouse_doctor.probes import pages
from humouse_doctor.probes.registry import current
from humouse_doctor.reporting.html import graph, plots
from humouse_doctor.reporting.html.badges import GATES, REMEDIES, SEVERITIES, VERDICTS, Badge, interval, judged
from humouse_doctor.reporting.html.changes import ComparisonSection, compared
from humouse_doctor.reporting.html.plots import Plot
from humouse_doctor.reporting.html.trials import TrialsSection, trials_section
from humouse_doctor.reporting.layout import Layout
from humouse_doctor.reporting.ranges import Range, range_of
from humouse_doctor.reporting.rows import (
    brief,
    by_hand,
    failing_words,
    format_number,
    next_of_gate,
    severity_of,
    steps_of_patch,
    support_of,
    unit_of,
    without_cause,
)
from humouse_doctor.reporting.text import change, stage_is_unknown

if TYPE_CHECKING:
    from jinja2 import Environment

#: The number of inputs with pictures, the worst first, so that a page of many inputs stays small.
_PICTURED = 8
_LONGEST_NAME = 120
_MOST_CURVES = 4
#: The end of a part of a path or of a key, behind which a line may break.
_JOINT = re.compile(r"/(?=[\w.])|(?<=\w)[._](?=[^\W\d_])")
#: An option of a command, in which no line breaks.
_OPTION = re.compile(r"(?<!\S)--[a-z-]{1,24}(?![^\s=])")


def render_view(view: RunView | GateView | TrialsView, _: Layout) -> str:
    """Return the view's decision as a page, with its trials and its changes; of trials alone, their page."""
    if isinstance(view, TrialsView):
        return rendered("page.html", ("page.css",), ("page.js",), _page_of_trials(view))
    if isinstance(view, GateView):
        return render(view.gate, comparison=view.comparison, following=view.following, about=view.about)
    return render(view.gate, outcome=view.outcome, comparison=view.comparison, following=view.following)


def render(
    gate: Gate,
    *,
    outcome: Outcome | None = None,
    comparison: Comparison | None = None,
    following: Sequence[str] = (),
    about: str = "",
) -> str:
    """Return the page as HTML, with trials if `outcome` is given and changes since another run if `comparison` is given.

    The first of `following` is the command to type next, about the input of the name `about`; one that shows the same report in
    full is left out.
    Raises `UsageError` if the libraries it needs are not installed.
    """
    return rendered("page.html", ("page.css",), ("page.js",), _page(gate, outcome, comparison, following, about))


def rendered(template: str, styles: Sequence[str], scripts: Sequence[str], page: object) -> str:
    """Return a template's page, in which its styles and scripts are all that it needs.

    Raises `UsageError` if the libraries it needs are not installed.
    """
    environment = template_environment()
    folder = files("humouse_doctor.reporting.html") / "templates"
    style, script = (
        "\n".join((folder / name).read_text(encoding="utf-8").strip() for name in names) for names in (styles, scripts)
    )
    text = environment.get_template(template).render(
        style=_as_markup(f"\n{style}\n"),
        script=_as_markup(f"\n{script}\n"),
        style_hash=_digest(f"\n{style}\n"),
        script_hash=_digest(f"\n{script}\n"),
        page=page,
    )
    return no_command_in_markup(text) + "\n"


def template_environment() -> Environment:
    """Return the environment of the page's templates, compiled beforehand if they match the installed jinja.

    Compiling takes ten times as long as the rest of a page. Another version of jinja compiles for itself, as its runtime
    may differ. Raises `UsageError` if jinja is not installed.
    """
    try:  # an extra that few install
        from jinja2 import ChoiceLoader, Environment, ModuleLoader, PackageLoader, StrictUndefined
    except ModuleNotFoundError as error:
        raise UsageError(f"an HTML page needs {error.name}: pip install 'humouse-doctor[html]'") from None
    compiled = files("humouse_doctor.reporting.html") / "templates" / f"jinja-{version('jinja2')}"
    environment = Environment(
        loader=ChoiceLoader([ModuleLoader(str(compiled)), PackageLoader("humouse_doctor.reporting.html", "templates")]),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_harmless,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        breakable=_breakable, change=change, count=counted, harmless=harmless, interval=interval, number=format_number,
        short=plots.short, shorten=shorten, spell=spell, markup=_as_markup,
    )  # fmt: skip
    return environment


def _harmless(value: Any) -> Any:
    """Make the value of a template's expression harmless, before it is escaped."""
    return harmless(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


def _breakable(text: str) -> Any:
    """Return text as markup, in which lines may break behind the parts of paths and keys; copies of it do not show where."""
    from markupsafe import Markup, escape  # it comes with jinja

    joined = _JOINT.sub(r"\g<0><wbr>", str(escape(harmless(text))))
    whole = _OPTION.sub(r'<span class="nowrap">\g<0></span>', joined)
    return Markup(whole)  # noqa: S704  # nosec B704  # escaped above


def _as_markup(text: str) -> Any:
    from markupsafe import Markup  # it comes with jinja

    return Markup(text)  # noqa: S704  # nosec B704  # the package's own files, and what `plots` has escaped


def _digest(text: str) -> str:
    """Return the digest by which a content security policy allows a style or script."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")


def shorten(text: str) -> str:
    """Return a name without its middle if it is long."""
    half = _LONGEST_NAME // 2
    return text if len(text) <= _LONGEST_NAME else f"{text[: half - 2]} … {text[-half:]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The data of the page's template."""

    title: str
    badge: Badge
    heading: str
    sentence: str
    facts: tuple[str, ...]
    next_words: str
    next_command: str
    sections: tuple[Section, ...]
    notes: tuple[str, ...]
    policy: tuple[str, ...]
    comparison: ComparisonSection | None
    trials: TrialsSection | None
    tool_version: str
    exit_code: int

    @property
    def single(self) -> bool:
        """True if there is only one input, whose verdict is the page's."""
        return len(self.sections) == 1


def _page(gate: Gate, outcome: Outcome | None, comparison: Comparison | None, following: Sequence[str], about: str) -> Page:
    command = next((command for command in following[:1] if not command.endswith(" --full")), "")
    sections = tuple(_section(number, entry, gate.policy) for number, entry in enumerate(gate.entries, start=1))
    facts: list[str] = []
    if len(sections) == 1:
        entry, badge = sections[0].entry, sections[0].badge
        heading, said = entry.name, entry.sentence
        facts += [] if entry.report is None else [f"confidence {entry.report.confidence.value}"]
        if entry.report is not None and entry.report.stage is not None and not stage_is_unknown(entry.report):
            facts.append(f"stage: {entry.report.stage.words}")
        facts += [] if entry.report is None or not entry.report.basis else [entry.report.basis]
        if gate.policy.source or gate.baseline:
            facts.append("the gate passes" if entry.passed else "the gate does not pass")
    else:
        passed = sum(entry.passed for entry in gate.entries)
        badge = GATES[gate.exit_code]
        heading, said = f"{len(sections)} runs", f"{passed} of {len(sections)} inputs pass."
        worst = sections[0].entry
        said += "" if worst.passed else f" The first to look at is {shorten(worst.name)}: {worst.sentence}"
    return Page(
        title=f"{badge.word}: {shorten(heading)}",
        badge=badge,
        heading=heading,
        sentence=said,
        facts=tuple(facts),
        next_words=next_of_gate(gate, following, about),
        next_command=command,
        sections=sections,
        notes=gate.notes,
        policy=tuple(_policy(gate)),
        comparison=None if comparison is None else compared(comparison),
        trials=None if outcome is None else trials_section(outcome),
        tool_version=gate.tool_version,
        exit_code=int(gate.exit_code),
    )


def _page_of_trials(view: TrialsView) -> Page:
    trials = trials_section(view.outcome)
    return Page(
        title=f"{trials.badge.word}: {shorten(view.outcome.config)}",
        badge=trials.badge,
        heading=view.outcome.config,
        sentence=trials.sentence,
        facts=(),
        next_words="Next",
        next_command=next(iter(view.following), ""),
        sections=(),
        notes=(),
        policy=(),
        comparison=None,
        trials=trials,
        tool_version=view.outcome.tool_version,
        exit_code=int(view.exit_code),
    )


def _policy(gate: Gate) -> Iterator[str]:
    policy = gate.policy
    if policy.source:
        yield f"policy {policy.source}"
    yield "no finding fails by its severity" if policy.fail_on is None else f"fails on {policy.fail_on.value} or worse"
    if policy.select:
        yield f"looks at {', '.join(policy.select)}"
    if gate.baseline:
        yield f"baseline {gate.baseline}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingRow:
    """A finding as the gate sees it; `badge` is its severity, or its standing where the gate lets it through."""

    judged: JudgedFinding
    badge: Badge
    kind: str
    remark: str
    why: str
    place: str
    evidence: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """A cause with the setting behind it: its line, value and origin.

    `said` is its message, or a few words where the page's sentence is that message.
    """

    cause: Cause
    row: FindingRow
    said: str
    support: str
    setting: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeMetric:
    """One metric of a probe."""

    name: str
    unit: str
    meaning: str
    value: str
    healthy: str
    policy: str
    range: Range | None
    badge: Badge | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeSection:
    """A probe's result: the metrics that judge and the others; `said` says why it has no numbers, `address` is its page's."""

    code: str
    name: str
    address: str
    badge: Badge
    judging: tuple[ProbeMetric, ...]
    others: tuple[ProbeMetric, ...]
    said: str

    @property
    def rows(self) -> int:
        """The number of table rows it takes."""
        return len(self.judging) + bool(self.others or self.said)


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One input."""

    id: str
    entry: Entry
    badge: Badge
    gate: Badge
    failing: str
    pair: tuple[Plot, ...]
    plots: tuple[Plot, ...]
    magnified: Plot | None
    note: str
    history: tuple[Plot, ...]
    reasons: tuple[Reason, ...]
    without_cause: tuple[str, ...]
    diff: tuple[tuple[str, str], ...]
    diff_copies: bool
    overrides: str
    steps: str
    by_hand: tuple[str, ...]
    hints: tuple[tuple[str, str], ...]
    search: str | None
    rows: tuple[FindingRow, ...]
    probes: tuple[ProbeSection, ...]
    explained: Plot | None
    remedy_badges: Mapping[str, Badge]


def _section(number: int, entry: Entry, policy: Policy) -> Section:
    report, name = entry.report, f"run{number}"
    causes = () if report is None else [cause.code for cause in report.causes]
    pair, drawn, magnified, note = _pictures(name, report) if number <= _PICTURED else ((), (), None, _not_pictured())
    overrides = "" if report is None else _overrides(report)
    return Section(
        id=name,
        entry=entry,
        badge=VERDICTS[entry.verdict],
        gate=GATES[entry.exit_code],
        failing=failing_words(entry) or "none",
        pair=pair,
        plots=drawn,
        magnified=magnified,
        note=note,
        history=() if report is None or number > _PICTURED else _history(name, report.history),
        reasons=() if report is None else tuple(_reasons(report, entry)),
        without_cause=() if report is None else without_cause(report),
        diff=() if report is None else tuple(_diff_lines(report.diff)),
        diff_copies=report is not None and harmless(report.diff) == report.diff,
        overrides=overrides if harmless(overrides) == overrides else "",
        steps="" if report is None else steps_of_patch(report),
        by_hand=() if report is None else by_hand(report),
        hints=() if report is None else tuple((r.title, r.code_hint) for r in report.chosen_remedies if r.code_hint),
        search=None if report is None else report.search,
        rows=tuple(_row(report, judged) for judged in entry.findings if judged.finding.code not in causes),
        probes=() if report is None else tuple(_probed(report, result, policy) for result in report.probes),
        explained=None if report is None else graph.explained(f"{name}-explained", "Causes and what they explain", report),
        remedy_badges={} if report is None else {remedy.id: REMEDIES[remedy.status] for remedy in report.remedies},
    )


def _not_pictured() -> str:
    return f"Pictures are drawn for the {_PICTURED} worst inputs; inspect this one by itself to see its own."


def _pictures(name: str, report: Report | None) -> tuple[tuple[Plot, ...], tuple[Plot, ...], Plot | None, str]:
    """Return real paths and generated ones, the other plots, the smaller paths magnified, and a remark on what is not drawn."""
    pictures = None if report is None else report.pictures
    if report is None or pictures is None:
        return (), (), None, "Nothing can be drawn: neither targets nor predictions are known in the loss's space."
    cell = plots.extent(pictures.real_paths, pictures.generated_paths)
    pair = []
    if plots.drawable(pictures.real_paths):
        pair.append(plots.paths(f"{name}-real", "Real paths", pictures.real_paths, "targets", cell))
    if plots.drawable(pictures.generated_paths):
        pair.append(plots.paths(f"{name}-generated", "Generated paths", pictures.generated_paths, "prior", cell))
    rest = (
        plots.curves(f"{name}-movement", "Movement: distance from the start at each step (rms)", pictures, "movement"),
        plots.curves(f"{name}-spread", "Variety: std across paths at each step", pictures, "spread"),
        plots.histogram(f"{name}-values", "Values that the loss compares", pictures),
        plots.gradients(f"{name}-gradient", "Gradient by layer (log scale)", pictures),
        plots.ways(f"{name}-ways", "Share of all movement done over the steps", pictures),
        plots.fitted(f"{name}-fits", "Real paths and the nearest the generator can draw", pictures),
    )
    magnified = plots.magnified(f"{name}-magnified", pictures)
    note = "" if plots.drawable(pictures.generated_paths) else "There are no generated paths: "
    if note:
        note += "this is before training." if report.before_training else "the generator could not be run."
    return tuple(pair), tuple(plot for plot in rest if plot is not None), magnified, note


def _history(name: str, history: History | None) -> tuple[Plot, ...]:
    """Return the pictures of a run over its epochs."""
    if history is None:
        return ()
    made = [
        plots.timeline(f"{name}-timeline", "What it drew itself, over the data", history),
        plots.timeline(f"{name}-watch", "What a watch saw, over the data", history, watched=True),
    ]
    for place, curve in enumerate(history.curves[:_MOST_CURVES]):
        title = {"warm-up": "Loss of the warm-up", "watch": "Loss at the watch's looks"}.get(curve.name, f"Loss {curve.name}")
        made.append(plots.loss_curve(f"{name}-loss{place}", title, curve))
    return tuple(plot for plot in made if plot is not None)


def _reasons(report: Report, entry: Entry) -> Iterator[Reason]:
    judged_by_code = {judged.finding.code: judged for judged in entry.findings}
    settings = {setting.key: setting for setting in report.settings}
    for cause in report.causes:
        judged = judged_by_code[cause.code]
        setting = settings.get(judged.finding.location.key or "")
        told = cause.message.casefold() in report.sentence.casefold()
        yield Reason(
            cause=cause,
            row=_row(report, judged),
            said=(brief(judged.finding) if told else "") or cause.message,
            support=support_of(cause, measured=not report.before_training),
            setting=""
            if setting is None
            else f"{report.config_prefix}{setting.key} = {spell(setting.value)} ({setting.origin.value})",
        )


def _evidence(code: str, numbers: Mapping[str, float]) -> tuple[tuple[str, str, str], ...]:
    """Return each number's name, value and meaning."""
    metrics = current().metrics
    meanings = {name: metrics[f"{code}.{name}"].meaning for name in numbers if f"{code}.{name}" in metrics}
    return tuple(
        (name, format_number(value, unit_of(f"{code}.{name}")), meanings.get(name, "")) for name, value in numbers.items()
    )


def _row(report: Report | None, judged: JudgedFinding) -> FindingRow:
    finding, remark = judged.finding, ""
    let_through = judged.standing not in (Standing.FAILS, Standing.BELOW)
    if report is not None and finding.code in report.unexplained:
        remark = "no cause found for it"
    elif report is not None and finding.kind is Kind.CAUSE and finding.severity is Severity.NOTE:
        unclear = report.verdict is Verdict.UNDETERMINED
        remark = "true of the config" if unclear else "true of the config, but not a cause of what was measured here"
    return FindingRow(
        judged=judged,
        badge=Badge(word=judged.standing.value, symbol="○", style="quiet") if let_through else SEVERITIES[finding.severity],
        kind=f"{finding.kind.value}, {finding.severity.value}" if let_through else finding.kind.value,
        remark=remark,
        why=_why(judged),
        place=str(finding.location),
        evidence=_evidence(finding.code, finding.evidence),
    )


def _why(judged: JudgedFinding) -> str:
    if judged.reason is None or judged.reason == judged.standing.value or judged.standing is Standing.BELOW:
        return ""  # the page's foot says from which severity on a finding fails
    return f"worse than in the baseline: {judged.reason}" if judged.standing is Standing.FAILS else judged.reason


def _diff_lines(diff: str) -> Iterator[tuple[str, str]]:
    """Yield each line with its CSS class; the line's first character gives the same information."""
    for line in diff.split("\n")[: -1 if diff.endswith("\n") else None] if diff else ():
        if line.startswith(("+++", "---")):
            yield "head", line
        else:
            yield {"+": "add", "-": "del", "@": "hunk"}.get(line[:1], "same"), line


def _overrides(report: Report) -> str:
    """Return the patch as shell-quoted arguments of one command, one per line; empty if one cannot be spelled safely.

    A file of a Hydra group `experiment` is reached under `experiment.`, although its own keys are at the top.
    """
    grouped = (
        report.subject.config is not None
        and PurePosixPath(report.subject.config.replace("\\", "/")).parent.name == "experiment"
    )
    prefix = report.config_prefix or ("experiment." if grouped else "")
    try:
        return " \\\n".join(shlex.quote(patcher.override_line(edit, prefix)) for edit in report.patch)
    except patcher.PatchRefused:
        return ""


def _probed(report: Report, result: ProbeResult, policy: Policy) -> ProbeSection:
    probe, severity = current().by_code.get(result.code), severity_of(report, result.code)
    metrics = [metric for metric in (probe.metrics if probe else ()) if metric.name in result.measurements]
    known = {metric.name for metric in metrics}
    metrics += [Metric(name=name, unit="", meaning="") for name in result.measurements if name not in known]
    badge = Badge(word=result.status.value, symbol="○" if result.status is Status.SKIPPED else "✕", style="quiet")
    if result.status is Status.CRASHED:
        badge = Badge(word="crashed", symbol="✕", style="bad")
    elif result.judgement is not None:
        badge = judged(result.judgement, severity)
    return ProbeSection(
        code=result.code,
        name=probe.name if probe else "",
        address=pages.address(result.code) or "",
        badge=badge,
        judging=tuple(_measured(result, metric, policy, severity) for metric in metrics if metric.healthy != ANY),
        others=tuple(_measured(result, metric, policy, severity) for metric in metrics if metric.healthy == ANY),
        said=result.reason or "",
    )


def _measured(result: ProbeResult, metric: Metric, policy: Policy, severity: Severity | None) -> ProbeMetric:
    value = result.measurements[metric.name]
    judgement = None
    if metric.healthy != ANY and result.judgement is not None:
        # a probe may judge a number healthy that is outside its interval
        judgement = min(metric.judge(value), result.judgement, key=list(Judgement).index)
    asked = policy.thresholds.get(f"{result.code}.{metric.name}")
    return ProbeMetric(
        name=metric.name,
        unit=metric.unit,
        meaning=metric.meaning,
        value=format_number(value, metric.unit),
        healthy="" if metric.healthy == ANY else interval(metric.healthy),
        policy="" if asked is None else interval(asked),
        range=range_of(metric, value),
        badge=None if judgement is None else judged(judgement, severity),
    )
