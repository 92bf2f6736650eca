from __future__ import annotations

import base64
import hashlib
import re
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from jinja2 import Environment

from humouse_doctor.core.errors import UsageError
from humouse_doctor.core.gating import Gate, Policy
from humouse_doctor.core.outcome import AS_IT_IS, Effect
from humouse_doctor.core.pictures import Curve, Pictures
from humouse_doctor.core.remedy import Edit, Interval
from humouse_doctor.core.report import Report, Verdict
from humouse_doctor.core.text import harmless
from humouse_doctor.core.view import TrialsView
from humouse_doctor.gate.comparing import compare
from humouse_doctor.gate.judging import judged_alone
from humouse_doctor.inputs.config import patcher
from humouse_doctor.probes import pages
from humouse_doctor.probes.registry import PROBES
from humouse_doctor.reporting.html import page as html
from humouse_doctor.reporting.html.trials import trials_section
from humouse_doctor.reporting.layout import Layout
from humouse_doctor.reporting.outcome_text import healthiest_first, sentence
from humouse_doctor.reporting.rows import measured
from tests.reporting.builders import DIFF, collapsed, gated, healthy, pictures, rehearsed
from tests.reporting.compile_page import COMPILED, compile_into
from tests.reporting.test_hostile import HOSTILE, planted
from tests.verify.builders import GATES, SET, arm_outcome, base_outcome, outcome, searched, trial

_VOID = frozenset({"meta", "link", "br"})
_CODE = re.compile(r"HD\d{3}(\.\w+)?\Z")


@dataclass
class Page(HTMLParser):
    """A parsed page: its tags with their attributes, its words, and the text below each id."""

    source: str
    tags: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    below: dict[str, str] = field(default_factory=dict)
    raw: dict[str, str] = field(default_factory=dict)
    open: list[tuple[str, str | None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.source.replace("<wbr>", ""))  # what is one word may break, and is one word
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        assert len(dict(attrs)) == len(attrs)
        if tag not in _VOID:
            self.open.append((tag, dict(attrs).get("id")))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        inside = self.open[-1][0] if self.open else ""
        if inside in ("style", "script"):
            self.raw[inside] = data
            return
        self.words.append(data)
        for _, name in self.open:
            if name is not None:
                self.below[name] = self.below.get(name, "") + data

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]

    def ids(self) -> list[str]:
        return [attributes["id"] or "" for _, attributes in self.tags if "id" in attributes]


def alone(report: Report) -> Gate:
    return judged_alone(report, Policy(), "0.1.0")


def read(report: Report) -> Page:
    return Page(html.render(alone(report)))


def busy() -> Report:
    """Return a report with pictures of the largest size."""
    steps = tuple(range(100))
    walk = np.random.default_rng(0).normal(0, 40, (32, 100, 2)).cumsum(axis=1)
    paths = tuple(tuple((float(f"{x:.4g}"), float(f"{y:.4g}")) for x, y in path) for path in walk)
    curve = tuple(float(step) * 7.123 for step in steps)
    drawn = Pictures(
        space="absolute positions",
        real_paths=paths[:16],
        generated_paths=paths[16:],
        steps=steps,
        curves=tuple(Curve(name=name, movement=curve, spread=curve) for name in ("targets", "prior samples", "fitted latents")),
        edges=tuple(float(edge) for edge in range(41)),
        shares=MappingProxyType({"targets": (0.025,) * 40, "prior samples": (0.025,) * 40}),
        gradient_rms=MappingProxyType({f"layers.{number}.weight": 10.0**-number for number in range(12)}),
    )
    return replace(collapsed(), pictures=drawn)


def test_the_page_says_what_the_text_says() -> None:
    report = collapsed()

    page = read(report)

    assert page.text.count("collapsed") >= 1
    assert report.sentence in page.text
    for cause in report.causes:
        assert f"{cause.code} {cause.name}" in page.text
        assert cause.message in page.text
    for finding in report.findings:
        assert finding.code in page.below["run1-findings"] or finding.code in page.text
    for row in measured(report):
        assert row.metric in page.text
        assert row.value in page.text
    for remedy in report.remedies:
        assert f"{remedy.status.value} {remedy.title}" in page.text
    assert "ab" * 32 in page.text
    assert "conf/x.yaml:7" in page.text


@pytest.mark.parametrize(
    ("verdict", "word", "symbol"),
    [
        (Verdict.HEALTHY, "healthy", "✓"),
        (Verdict.AT_RISK, "at risk", "▲"),
        (Verdict.COLLAPSED, "collapsed", "✕"),
        (Verdict.UNDETERMINED, "undetermined", "?"),
    ],
)
def test_the_verdict_is_a_word_and_a_symbol_in_the_only_h1(verdict: Verdict, word: str, symbol: str) -> None:
    source = html.render(alone(replace(healthy(), verdict=verdict)))

    assert source.count("<h1>") == 1
    heading = source[source.index("<h1>") : source.index("</h1>")]
    assert re.search(f">{re.escape(symbol)}</span>{word}</span>", heading)


def test_the_page_needs_nothing_but_itself() -> None:
    page = Page(html.render(gated(), outcome=searched(), comparison=compare(collapsed(), healthy())))

    loaded = [value for _, attributes in page.tags for name, value in attributes.items() if name in ("src", "href")]
    assert loaded
    assert all(value is not None and value.startswith(("#", "data:")) for value in loaded)
    assert not re.search(r"url\(|@import|https?:", page.raw["style"] + page.raw["script"])
    assert not any(name.startswith("on") or name == "style" for _, attributes in page.tags for name in attributes)


def test_the_policy_lets_only_the_pages_own_style_and_script_run() -> None:
    page = read(collapsed())

    policy = next(meta["content"] or "" for meta in page.named("meta") if meta.get("http-equiv") == "Content-Security-Policy")
    for kind in ("style", "script"):
        digest = base64.b64encode(hashlib.sha256(page.raw[kind].encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_every_id_is_there_once_and_every_reference_leads_somewhere() -> None:
    page = Page(html.render(gated(), outcome=searched(), comparison=compare(collapsed(), healthy())))

    ids = page.ids()
    assert len(ids) == len(set(ids))
    references = {
        name
        for _, attributes in page.tags
        for key in ("aria-labelledby", "href", "data-copies")
        for name in (attributes.get(key) or "").split()
        if not name.startswith("data:")
    }
    assert {name.removeprefix("#") for name in references} <= set(ids)


def test_every_plot_says_its_numbers() -> None:
    page = read(collapsed())

    assert "3 paths, the largest 900 across" in page.below["run1-real-numbers"]
    assert "3 of them move less than a thousandth of a cell and show as dots" in page.below["run1-generated-numbers"]
    assert page.below["run1-movement-numbers"] == (
        "At the last step: targets 360, prior samples 0.5, fitted latents 0.75."
    )  # fmt: skip
    assert "fitted latents 0.5" in page.below["run1-spread-numbers"]
    assert "the head reaches -1 to 1" in page.below["run1-values-numbers"]
    assert "the smallest is 1.5e-07, the largest 0.03" in page.below["run1-gradient-numbers"]
    drawn = [svg for svg in page.named("svg") if "aria-labelledby" in svg]
    assert page.below["run1-ways-numbers"] == "recurrent state: 98% by step 40 of 180; targets: 98% by step 180 of 180."
    assert page.below["run1-fits-numbers"] == (
        "5 real paths; targets the largest 300 across, fitted latents the largest 30 across."
    )  # fmt: skip
    assert page.below["run1-explained-numbers"] == (
        "HD201 explains HD101; HD204 explains no symptom that was found; no cause explains HD107."
    )  # fmt: skip
    assert len(drawn) == 9
    assert all(svg["role"] == "img" for svg in drawn)


def test_real_and_generated_paths_are_drawn_in_one_scale() -> None:
    page = read(collapsed())

    real, generated = (page.below[f"run1-{name}-numbers"] for name in ("real", "generated"))
    assert re.search(r"in cells of [\d,]+", real)
    assert re.findall(r"in cells of ([\d,]+)", real) == re.findall(r"in cells of ([\d,]+)", generated)


def test_a_path_that_does_not_move_is_a_dot() -> None:
    still = replace(pictures(), generated_paths=(((5.0, 5.0),) * 10,) * 4)

    source = html.render(alone(replace(collapsed(), pictures=still)))

    figure = source[source.index("run1-generated-title") : source.index("run1-movement-title")]
    assert figure.count('<circle cx="') == 4
    assert figure.count('class="f-prior"') == 4


def test_paths_much_smaller_than_the_targets_are_magnified_as_well() -> None:
    tiny = tuple(tuple((x / 100, y / 100) for x, y in path) for path in pictures().real_paths)

    page = read(replace(collapsed(), pictures=replace(pictures(), generated_paths=tiny)))

    assert "Generated paths, 100 times as large" in page.text
    assert "the largest 9 across" in page.below["run1-magnified-numbers"]
    page = read(replace(collapsed(), pictures=replace(pictures(), real_paths=tiny, generated_paths=pictures().real_paths)))
    assert "Real paths, 100 times as large" in page.text
    assert "the largest 9 across" in page.below["run1-magnified-numbers"]


def test_before_training_the_missing_paths_are_explained() -> None:
    drawn = replace(pictures(), generated_paths=(), curves=pictures().curves[:1])
    report = replace(collapsed(), pictures=drawn, subject=replace(collapsed().subject, checkpoint=None))

    page = read(report)

    assert "There are no generated paths: this is before training." in page.text
    assert "run1-generated-title" not in page.ids()


def test_pictures_without_numbers_are_left_out() -> None:
    bare = Pictures(space="deltas", steps=(0,), curves=(Curve(name="targets", movement=(0.0,), spread=(float("nan"),)),))

    page = read(replace(collapsed(), pictures=bare))

    assert "run1-movement-title" in page.ids()
    assert "run1-spread-title" not in page.ids()
    assert "run1-values-title" not in page.ids()


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -1e308, 1e30])
def test_numbers_that_a_saved_report_may_hold_are_drawn_or_left_out(number: float) -> None:
    steps = (0, 1)
    drawn = Pictures(
        space="deltas",
        real_paths=((), ((0.0, 0.0), (1.0, 1.0))),
        generated_paths=(((0.0, number), (1.0, 1.0)),),
        steps=steps,
        curves=(Curve(name="targets", movement=(0.0, number, 1.0), spread=(abs(number),)),),
        edges=(0.0, 1.0, number),
        shares=MappingProxyType({"targets": (number, 1.0)}),
        reach=(-1.0, number),
        gradient_rms=MappingProxyType({"a": number, "b": 1.0}),
    )
    trials = outcome(base_outcome())
    trials = replace(trials, trials=(replace(trial(), motionless=number), replace(trial(), seed=1, losses=(1.0, number))))
    report = replace(collapsed(), pictures=drawn)

    page = Page(html.render(alone(report), outcome=trials, comparison=compare(report, report)))

    assert page.below["run1-real-numbers"].startswith("1 path, the largest 1 across")
    assert ("run1-generated-title" in page.ids()) is (number == 1e30)
    assert not re.search(r"\b(nan|inf)\b", " ".join(str(attributes.get("d")) for attributes in page.named("path")))


def test_many_layers_are_cut_in_the_middle() -> None:
    drawn = replace(pictures(), gradient_rms=MappingProxyType({f"layer.{number}": 0.5 for number in range(50)}))

    source = html.render(alone(replace(collapsed(), pictures=drawn)))

    assert "layer.0 0.5" in source
    assert "layer.49 0.5" in source
    assert "(18 layers more)" in source
    assert "layer.20 " not in source


def test_the_diff_is_whole_and_marked() -> None:
    source = html.render(alone(collapsed()))

    assert Page(source).below["run1-diff"] == DIFF
    assert '<span class="add">+    activation_xy: linear  # bounded\n</span>' in source
    assert '<span class="del">-    activation_xy: tanh  # bounded\n</span>' in source


def test_overrides_are_those_of_the_patcher_with_the_prefix() -> None:
    report = collapsed()

    copied = read(report).below["run1-overrides"]

    assert copied.split(" \\\n") == [patcher.override(edit, "experiment.") for edit in report.patch]


def test_overrides_of_a_group_file_go_below_its_group() -> None:
    report = collapsed()
    report = replace(report, config_prefix="", subject=replace(report.subject, config="conf/experiment/x.yaml"))

    assert read(report).below["run1-overrides"].startswith("experiment.model.generator.activation_xy=linear")


def test_overrides_are_quoted_for_a_shell() -> None:
    report = replace(collapsed(), patch=(Edit(key="training.generator_init_path", old="x", new="y; rm -rf ~"),))

    assert read(report).below["run1-overrides"] == """'experiment.training.generator_init_path='"'"'y; rm -rf ~'"'"''"""


def test_what_is_spelled_out_cannot_be_copied() -> None:
    report = replace(
        collapsed(), diff=f"{DIFF}+a: \u202ex\n", patch=(Edit(key="training.generator_init_path", old=1, new="x\u202ey"),),
        search="humouse-doctor verify",
    )  # fmt: skip

    page = read(report)

    assert {button.get("data-copies") for button in page.named("button")} == {None, "run1-search"}
    assert "suggest-config" in page.text
    assert "run1-overrides" not in page.ids()


def test_code_hints_are_shown() -> None:
    said = "The patch's part in the code: Linear head on z-scored positions compare with (positions - mean) / std"
    assert said in read(collapsed()).text


def test_settings_are_shown_with_where_they_came_from() -> None:
    text = read(collapsed()).text

    assert "data.batch_size 32 explicit conf/x.yaml:3" in text
    assert "training.betas [0.5, 0.999] default" in text


def test_a_finding_has_one_word_its_severity_or_what_lets_it_through_with_the_reason() -> None:
    text = Page(html.render(gated())).text

    assert "✕ error HD101 spread-ratio symptom new" in text
    assert "● note HD208 warm-up-discarded cause new" in text
    assert "○ in the baseline HD201" in text
    assert "○ ignored HD204" in text
    assert "○ not selected HD002 config-value tool, warning new" in text
    assert "below fail-on" not in text
    assert "fail-on is warning" not in text
    assert "known until the new head lands (until 2027-01-31)" in text
    assert "worse than in the baseline: efficiency_ratio was 0.4 and is 0.2" in text
    assert "healed HD205:training.warmup_noise_std: in the baseline, and not found any more" in text
    assert "ignore of HD203 expired on 2026-01-01" in text
    assert "ignore of HD102 is not used" in text


def test_of_several_inputs_the_passing_ones_are_closed() -> None:
    page = Page(html.render(gated()))

    inputs = [(details["id"], "open" in details) for details in page.named("details") if "id" in details]
    assert inputs == [("run1", True), ("run2", True), ("run3", False)]
    summary = page.text[page.text.index("All inputs, the worst first") :]
    assert summary.index("runs/generator_x.pt") < summary.index("runs/cut.pt") < summary.index("runs/well.pt")
    assert "1 of 3 inputs pass." in page.text
    assert "exit code 4" in page.text


def test_only_the_worst_of_many_inputs_have_pictures() -> None:
    entry = alone(collapsed()).entries[0]

    page = Page(html.render(replace(gated(), entries=(entry,) * 10)))

    assert "run8-real-title" in page.ids()
    assert "run9-real-title" not in page.ids()
    assert page.text.count("Pictures are drawn for the 8 worst inputs") == 2


def test_a_policys_threshold_stands_beside_the_healthy_interval() -> None:
    policy = Policy(thresholds=MappingProxyType({"HD101.spread_ratio": Interval(low=0.9)}))

    page = Page(html.render(judged_alone(collapsed(), policy, "0.1.0")))

    assert "0.5 to 4 policy: ≥ 0.9" in page.text


def test_trials_are_shown_with_their_losses_and_arms() -> None:
    base, gates = trial(), replace(trial(GATES, healthy=True), losses=(1.0, 0.25))
    shown = replace(
        outcome(base_outcome(), arm_outcome(GATES, Effect.CURED), chosen=GATES),
        trials=(base, replace(base, seed=1, losses=(1.5, 1.25)), gates),
    )

    page = Page(html.render(alone(collapsed()), outcome=shown))

    told = page.below["trials-loss-numbers"]
    assert f"{AS_IT_IS.title} ends at 0.80 (0.60 to 1.00), 2 seeds" in told
    assert "slow-gates ends at 0.20, 1 seed" in told
    assert "A motionless cursor has 1.60." in told
    assert "Cured in 3 of 3 trials by slow-gates." in page.text
    assert "0.80 (0.60 to 1.00)" in page.text


def test_arms_stand_as_on_the_screen_the_healthiest_first() -> None:
    shuffled = replace(searched(), arms=tuple(reversed(searched().arms)))

    rows = [row.arm.arm.key for row in trials_section(shuffled).rows]

    assert rows == [one.arm.key for one in healthiest_first(shuffled)]
    assert rows[:2] == [AS_IT_IS.key, searched().chosen]


def test_trials_without_losses_have_no_plot() -> None:
    bare = outcome(base_outcome(), arm_outcome(SET, Effect.NO_EFFECT))
    bare = replace(bare, trials=tuple(replace(one, losses=()) for one in bare.trials))

    page = Page(html.render(gated(), outcome=bare))

    assert "trials-loss-title" not in page.ids()
    assert "No cure in 1 arm" in page.text


def test_two_runs_stand_side_by_side() -> None:
    after = replace(healthy(), pictures=pictures(), probes=collapsed().probes[1:])

    page = Page(html.render(alone(after), comparison=compare(collapsed(), after)))

    assert "Collapsed → healthy" in page.text
    assert {"before-generated-title", "after-generated-title", "before-real-title"} <= set(page.ids())
    assert "All pictures are in one scale." in page.text
    assert "HD101.spread_ratio" in page.text
    assert "not measured now" in page.text
    assert "Gone" in page.text


def test_runs_in_other_units_have_scales_of_their_own() -> None:
    small = tuple(tuple((x / 500, y / 500) for x, y in path) for path in pictures().real_paths)
    after = replace(collapsed(), pictures=replace(pictures(), real_paths=small))

    page = Page(html.render(alone(after), comparison=compare(collapsed(), after)))

    assert "The real paths of one run are 500 times as large as the other's" in page.text


def test_a_comparison_of_equal_runs_says_so() -> None:
    page = Page(html.render(alone(collapsed()), comparison=compare(collapsed(), collapsed())))

    assert "Nothing that is judged has changed." in page.text


def test_the_same_report_gives_the_same_page() -> None:
    def made() -> str:
        return html.render(gated(), outcome=searched(), comparison=compare(collapsed(), healthy()))

    assert made() == made()


def test_a_report_with_the_largest_pictures_stays_small() -> None:
    report = busy()

    page = html.render(alone(report), outcome=searched(), comparison=compare(report, report))

    assert len(page.encode()) < 500_000


def test_the_page_is_made_without_torch_and_matplotlib() -> None:
    code = (
        "import sys; from humouse_doctor.reporting.html import page; from tests.reporting.builders import gated;"
        " page.render(gated()); sys.exit(bool({'torch', 'matplotlib'} & set(sys.modules)))"
    )

    ended = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)

    assert (ended.returncode, ended.stderr) == (0, "")


def test_a_missing_library_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)

    with pytest.raises(UsageError, match=r"an HTML page needs jinja2: pip install 'humouse-doctor\[html\]'"):
        html.render(alone(healthy()))


def test_the_templates_are_compiled_as_they_are_now(tmp_path: Path) -> None:
    assert COMPILED.is_dir(), "no templates for this jinja: python -m tests.reporting.compile_page"
    compile_into(tmp_path)

    made, kept = ({path.name: path.read_text() for path in folder.glob("*.py")} for folder in (tmp_path, COMPILED))
    assert len(made) == 3
    assert made == kept, "the templates have changed: python -m tests.reporting.compile_page"


def test_no_template_is_compiled_for_a_page_but_by_another_jinja(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[str | None] = []
    real = Environment.compile

    def counted(self: Environment, source: str, name: str | None = None, *rest: Any) -> Any:
        compiled.append(name)
        return real(self, source, name, *rest)

    monkeypatch.setattr(Environment, "compile", counted)
    plain = html.render(gated(), outcome=searched())
    assert compiled == []

    monkeypatch.setattr(html, "version", lambda name: "3.0")
    assert html.render(gated(), outcome=searched()) == plain
    assert compiled == ["page.html", "parts.html"]


def _tags(page: Page) -> Iterator[tuple[str, tuple[str, ...]]]:
    for tag, attributes in page.tags:
        yield tag, tuple(sorted(attributes))


#: All hostile texts at once, and those that are so in another way.
_PLANTED = {
    "all": " ".join(text for kind, text in HOSTILE.items() if kind not in ("long", "nothing")),
    "long": HOSTILE["long"],
    "nothing": "",
}


@pytest.mark.parametrize("codes", [False, True], ids=["", "codes too"])
@pytest.mark.parametrize("kind", _PLANTED)
def test_hostile_text_is_only_read(kind: str, codes: bool) -> None:
    hostile = _PLANTED[kind]

    def plant(name: str) -> str:
        return name if _CODE.match(name) and not codes else f"{hostile}{name}{hostile}"

    after = replace(collapsed(), findings=collapsed().findings[1:])
    everything = (gated(), searched(), compare(collapsed(), after))
    gate, trials, comparison = planted(everything, plant)

    source = html.render(gate, outcome=trials, comparison=comparison)

    source.encode("utf-8")
    assert not {mark for mark in source if unicodedata.category(mark) in ("Cc", "Cf", "Cs", "Zl", "Zp")} - {"\n"}
    page, plain = Page(source), Page(html.render(everything[0], outcome=everything[1], comparison=everything[2]))
    assert {*_tags(page)} <= {*_tags(plain), ("p", ("class",))}
    assert " ".join(harmless(hostile).split()) in page.text


def test_a_cause_that_is_told_above_has_its_few_words_and_numbers_and_no_card_repeats_it() -> None:
    report, first = collapsed(), collapsed().causes[0]
    evidence = MappingProxyType({"reachable_loss_share": 0.003})
    findings = tuple(replace(one, evidence=evidence) if one.code == first.code else one for one in report.findings)
    told = replace(report, findings=findings, sentence=f"{first.message}.")

    page = read(told)

    assert f"{first.code} out-of-reach-targets 0.3% of the loss is in reach" in page.text
    assert "reachable_loss_share0.003" in page.below["run1-cause1"].replace(" ", "")
    assert first.message not in page.below["run1-cause1"]
    assert page.source.count(f"<b>{first.name}</b>") == 1
    assert first.message in read(replace(told, sentence="Another sentence.")).below["run1-cause1"]


def test_the_command_to_type_next_is_at_the_top_and_the_trials_command_is_whole() -> None:
    report = replace(collapsed(), search="humouse-doctor verify conf/x.yaml --data 'my data.npz' --search")

    page = Page(html.render(alone(report), following=("humouse-doctor suggest-config runs/x", "humouse-doctor inspect y")))

    assert page.below["next"] == "humouse-doctor suggest-config runs/x"
    assert page.text.index("Next, the patch as a diff") < page.text.index("Causes")
    assert page.below["run1-search"] == report.search
    assert {"next", "run1-search"} <= {button.get("data-copies") for button in page.named("button")}
    assert "next" not in Page(html.render(alone(report), following=("humouse-doctor show x.json --full",))).ids()
    unknown = read(replace(report, search=None))
    assert "Not tried yet." in unknown.text
    assert "humouse-doctor verify" not in unknown.text


def test_the_links_at_the_top_lead_to_what_there_is() -> None:
    bare = replace(healthy(), pictures=None)
    unpatched = replace(collapsed(), patch=(), diff="")

    assert "run1-patch" not in read(bare).ids()
    for report in (bare, unpatched, collapsed()):
        page = read(report)
        links = [link["href"] or "" for link in page.named("a") if (link.get("href") or "").startswith("#run1")]
        assert {link[1:] for link in links} <= set(page.ids())
    linked = read(bare).named("a")
    assert not {"#run1-patch", "#run1-causes", "#run1-pictures"} & {link["href"] for link in linked}
    assert "Causes Changes Pictures" in read(unpatched).text


def test_probes_and_remedies_are_folded_their_codes_lead_on_and_a_metric_says_what_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plain = Page(html.render(alone(collapsed())))
    monkeypatch.setattr(pages, "address", lambda code: f"https://docs.example/{code}.html")
    linked = Page(html.render(alone(collapsed())))

    folded = [attributes for attributes in plain.named("details") if attributes.get("class") in ("more", "measured")]
    assert len(folded) > 2
    assert not any("open" in attributes for attributes in folded)
    links = [attributes.get("href") for attributes in plain.named("a")]
    assert {"#run1-HD201", "#run1-HD101"} <= set(links)
    assert "humouse-doctor explain HD201" in plain.text
    assert not any(str(link).startswith("http") for link in links)
    assert "https://docs.example/HD201.html" in [attributes.get("href") for attributes in linked.named("a")]
    meanings = {metric.meaning for probe in PROBES for metric in probe.metrics}
    assert meanings & {attributes.get("title") for attributes in plain.named("span")}


def test_what_came_of_trials_stands_in_the_head_of_a_run_and_what_fails_in_the_foot() -> None:
    gate = replace(alone(collapsed()), policy=Policy(fail_on=None))

    page = Page(html.render(gate, outcome=searched()))

    head, _, foot = page.text.partition("Causes, the likeliest first")
    assert sentence(searched()) in head
    assert "no finding fails by its severity" in foot
    assert "never" not in foot.partition("exit code")[2]


def test_a_gates_page_names_its_first_cause_and_the_command_to_type() -> None:
    command = "humouse-doctor suggest-config runs/generator_x.pt"
    page = Page(html.render(gated(), following=(command,), about=gated().entries[0].name))

    worst = gated().entries[0]
    assert worst.leading is not None
    assert f"The first to look at is {worst.name}: {worst.sentence}" in page.text
    assert f"{worst.leading.finding.code} {worst.leading.finding.name} and 1 more" in page.text
    assert page.below["next"] == command
    assert f"Next, the patch as a diff, for {worst.name}" in page.text


@pytest.mark.parametrize("following", [(), ("humouse-doctor suggest-config runs/x",)])
def test_trials_alone_are_a_page(following: tuple[str, ...]) -> None:
    outcome = searched()
    source = html.render_view(TrialsView(outcome=outcome, following=following), Layout())

    page = Page(source)

    assert f"✓ cured {outcome.config} {sentence(outcome)}" in page.text
    assert page.text.count(sentence(outcome)) == 1
    assert "trials-loss-title" in page.ids()
    assert "What cures, confirmed by these trials: experiment.model.generator.activation_xy: 'tanh' -> 'linear'" in page.text
    assert "All inputs" not in page.text
    assert page.below.get("next", "") == "".join(following)


def test_keys_and_paths_break_between_their_parts_and_nowhere_in_a_number() -> None:
    edit = replace(collapsed().patch[0], key="training.warmup_latent_normalize", old=0.25, new="a<b/c.d&e_f'")

    source = html.render(alone(replace(collapsed(), patch=(edit,), config_prefix="")))

    assert "<code>training.<wbr>warmup_<wbr>latent_<wbr>normalize: 0.25 -&gt; &#39;a&lt;b/<wbr>c.<wbr>d&amp;e_<wbr>f" in source


def test_what_the_verdict_on_a_config_rests_on_is_on_the_page() -> None:
    report = rehearsed()

    assert str(report.rehearsed) in html.render(alone(report))
    assert "By rules alone: " in html.render(alone(replace(report, rehearsed=None)))
    assert "By rules alone: " not in html.render(alone(collapsed()))


def test_a_search_that_the_budget_cut_is_inconclusive_and_its_causes_are_told() -> None:
    cut = trials_section(replace(searched(), chosen=None, untried=("a: no time was left in --budget",)))
    whole = trials_section(replace(searched(), needed=("drive",), confirmed=("HD203",), refuted=("HD201",)))

    assert (cut.badge.word, cut.causes) == ("inconclusive", ())
    assert whole.badge.word == "cured"
    assert whole.causes == (
        "Left out, each of these broke the cure (one seed): what drives the state (slow gates, or the time as an input).",
        "Causes confirmed: HD203 repeated-latent.",
        "Causes refuted, since the cure changes nothing that they are about: HD201 out-of-reach-targets.",
    )
