from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

from humouse_doctor.core.case import DataSummary, Subject
from humouse_doctor.core.errors import ExitCode, InputError
from humouse_doctor.core.gating import Age, Entry, Gate, JudgedFinding, Policy, Standing
from humouse_doctor.core.history import History, LossCurve, Snapshot, SnapshotKind, Stage, StageKind
from humouse_doctor.core.pictures import Curve, FittedPath, Pictures
from humouse_doctor.core.probe import Judgement, Kind, ProbeResult, Severity, Status
from humouse_doctor.core.remedy import Edit, Expectation, Interval, Remedy, RemedyStatus, Safety
from humouse_doctor.core.report import Cause, Confidence, Finding, Location, Rehearsed, Report, Verdict
from humouse_doctor.core.settings import Origin, Place, Setting
from humouse_doctor.gate.judging import refused


def result(code: str, judgement: Judgement, **measured: float) -> ProbeResult:
    status = Status.HEALTHY if judgement is Judgement.HEALTHY else Status.FOUND
    return ProbeResult(code=code, status=status, judgement=judgement, measurements=MappingProxyType(measured))


def without(code: str, status: Status, reason: str) -> ProbeResult:
    return ProbeResult(code=code, status=status, measurements=MappingProxyType({}), reason=reason)


FIX_A = Remedy(
    id="normalised-positions",
    title="Linear head on z-scored positions",
    why="targets of unit scale are in reach",
    edits=(
        Edit(key="model.generator.activation_xy", old="tanh", new="linear"),
        Edit(key="training.warmup_latent_normalize", old=True, new=False, absent=True),
    ),
    code_hint="compare with (positions - mean) / std",
    expects=(Expectation(metric="HD101.spread_ratio", interval=Interval(low=0.5, high=2.5)),),
)
FIX_B = Remedy(id="delta-space", title="Compare deltas", why="39% of the deltas are zero", status=RemedyStatus.REFUSED)
DIFF = """\
--- a/conf/x.yaml
+++ b/conf/x.yaml
@@ -5,4 +5,5 @@
 model:
   generator:
-    activation_xy: tanh  # bounded
+    activation_xy: linear  # bounded
 training:
+  warmup_latent_normalize: false
"""
LONGER = Remedy(id="enough-steps", title="Warm up longer", why="it needs more", safety=Safety.SAFE,
                expects=(Expectation(metric="HD103.time_std_ratio", interval=Interval(low=0.5)),))  # fmt: skip


def collapsed(name: str = "runs/generator_x.pt") -> Report:
    """Return a report with every part that a report can have."""
    evidence, location = MappingProxyType({"spread_ratio": 0.002}), Location(file=name)
    return Report(
        tool_version="0.1.0",
        verdict=Verdict.COLLAPSED,
        confidence=Confidence.HIGH,
        sentence="92.2% of the targets lie beyond what a tanh head can emit.",
        subject=Subject(
            name=name,
            checkpoint=name,
            config="conf/x.yaml",
            data="gestures.npz",
            sha256="ab" * 32,
            seed=3,
            remarks=("took the weights under 'state_dict'",),
        ),
        data=DataSummary(
            source="gestures.npz",
            total=100,
            usable=98,
            taken=64,
            length=200,
            dropped=MappingProxyType({"empty": 2}),
            position_mean=(1.0, 2.0),
            position_std=(300.0, 250.0),
        ),
        causes=(
            Cause(
                code="HD201",
                name="out-of-reach-targets",
                support=1.0,
                message="0.3% of the loss is reachable",
                explains=("HD101", "HD103"),
            ),
            Cause(code="HD204", name="latent-whitening", support=None, message="whitened", explains=()),
        ),
        unexplained=("HD107",),
        findings=(
            Finding(
                code="HD101",
                name="spread-ratio",
                kind=Kind.SYMPTOM,
                severity=Severity.ERROR,
                message="0.002 of the spread",
                evidence=evidence,
                location=location,
            ),
            Finding(
                code="HD201",
                name="out-of-reach-targets",
                kind=Kind.CAUSE,
                severity=Severity.ERROR,
                message="0.3% of the loss is reachable",
                evidence=MappingProxyType({}),
                location=Location(file="conf/x.yaml", line=7, key="model.generator.activation_xy"),
                remedies=("normalised-positions", "delta-space"),
            ),
            Finding(
                code="HD204",
                name="latent-whitening",
                kind=Kind.CAUSE,
                severity=Severity.WARNING,
                message="whitened",
                evidence=MappingProxyType({}),
                location=Location(file="conf/x.yaml", key="training.warmup_latent_normalize", origin=Origin.DEFAULT),
                remedies=("enough-steps",),
            ),
            Finding(
                code="HD002",
                name="config-value",
                kind=Kind.TOOL,
                severity=Severity.WARNING,
                message="a wrong value",
                evidence=MappingProxyType({}),
                location=Location(file="conf/x.yaml", line=3, key="data.batch_size"),
            ),
            Finding(
                code="HD107",
                name="direction-collapse",
                kind=Kind.SYMPTOM,
                severity=Severity.WARNING,
                message="one direction",
                evidence=evidence,
                location=location,
            ),
            Finding(
                code="HD208",
                name="warm-up-discarded",
                kind=Kind.CAUSE,
                severity=Severity.NOTE,
                message="no warm-up",
                evidence=MappingProxyType({}),
                location=Location(file=None),
            ),
        ),
        probes=(
            result("HD101", Judgement.FOUND, spread_ratio=0.002, prediction_std=0.5, target_std=260.0),
            result("HD102", Judgement.HEALTHY, saturated_share=0.0, mean_slope=0.63),
            without("HD104", Status.SKIPPED, "no data given; add --data"),
            without("HD105", Status.SKIPPED, "no data given; add --data"),
            without("HD106", Status.CRASHED, "ZeroDivisionError: on purpose"),
            result("HD107", Judgement.BORDERLINE, heading_excess=0.00004, efficiency_ratio=0.2),
            result("HD108", Judgement.HEALTHY, non_finite_weights=0.0, excess_over_start=1.2),
            result("HD201", Judgement.FOUND, out_of_reach_share=0.922, reachable_loss_share=0.003, loss_floor=355.0),
            result("HD202", Judgement.FOUND, steps_needed=76188.0, steps_available=128.0, steps_share=0.0017),
        ),
        remedies=(FIX_A, FIX_B, LONGER),
        patch=FIX_A.edits,
        chosen=(FIX_A.id, LONGER.id),
        settings=(
            Setting(key="data.batch_size", value=32, origin=Origin.EXPLICIT, place=Place(file="conf/x.yaml", line=3, column=5)),
            Setting(key="training.betas", value=(0.5, 0.999), origin=Origin.DEFAULT),
        ),
        config_prefix="experiment.",
        diff=DIFF,
        pictures=pictures(),
    )


def pictures() -> Pictures:
    """Pictures of a motionless point beside strokes of 300 pixels."""
    steps = tuple(range(0, 200, 20))
    share = tuple(step / 180 for step in steps)
    return Pictures(
        space="absolute positions",
        real_paths=tuple(tuple((300.0 * s * (1 + n), 200.0 * s * s - 10.0 * n) for s in share) for n in range(3)),
        generated_paths=tuple(tuple((0.5, 0.25 * n) for _ in share) for n in range(3)),
        steps=steps,
        curves=(
            Curve(name="targets", movement=tuple(360.0 * s for s in share), spread=tuple(250.0 * s for s in share)),
            Curve(name="prior samples", movement=tuple(0.5 * s for s in share), spread=(0.25,) * len(share)),
            Curve(name="fitted latents", movement=tuple(0.75 * s for s in share), spread=(0.5,) * len(share)),
        ),
        edges=(-300.0, -100.0, 0.0, 100.0, 300.0),
        shares=MappingProxyType({"targets": (0.1, 0.4, 0.3, 0.2), "prior samples": (0.0, 0.5, 0.5, 0.0)}),
        reach=(-1.0, 1.0),
        gradient_rms=MappingProxyType({"lstm.weight_ih_l0": 1.5e-7, "lstm.weight_hh_l0": 2e-6, "head.weight": 0.03}),
        ways=MappingProxyType(
            {"recurrent state": tuple(min(1.0, 8 * s) for s in share), "targets": tuple(s**0.5 for s in share)}
        ),
        fits=tuple(
            FittedPath(
                target=tuple((300.0 * s, 40.0 * n * s) for s in share), made=tuple((30.0 * s, 5.0 - 4.0 * n * s) for s in share)
            )
            for n in range(5)
        ),
    )


def gated() -> Gate:
    """Return a gate on a collapsed run with findings of every standing, a healthy run, and an unreadable one."""
    report = collapsed()
    standings = {
        "HD101": (Standing.FAILS, None, Age.NEW),
        "HD201": (Standing.KNOWN, "in the baseline", Age.UNCHANGED),
        "HD204": (Standing.IGNORED, "known until the new head lands (until 2027-01-31)", Age.NEW),
        "HD002": (Standing.NOT_SELECTED, "the policy selects HD1, HD2", Age.NEW),
        "HD107": (Standing.FAILS, "efficiency_ratio was 0.4 and is 0.2, healthy is 0.5 to 2", Age.WORSENED),
        "HD208": (Standing.BELOW, "a note; fail-on is warning", Age.NEW),
    }
    judged = []
    for finding in report.findings:
        standing, reason, age = standings[finding.code]
        judged.append(JudgedFinding(finding=finding, standing=standing, reason=reason, age=age))
    sick = Entry(
        name=report.subject.name,
        report=report,
        findings=tuple(judged),
        exit_code=ExitCode.INTERNAL,
        healed=("HD205:training.warmup_noise_std",),
        notes=("ignore of HD203 expired on 2026-01-01, so the finding counts again: waiting",),
    )
    well = Entry(name="runs/well.pt", report=healthy(), findings=(), exit_code=ExitCode.CLEAN)
    unreadable = refused("runs/cut.pt", InputError("runs/cut.pt: the file is cut short; copy it again"))
    return Gate(
        tool_version="0.1.0",
        entries=(sick, unreadable, well),
        policy=Policy(select=("HD1", "HD2"), source="pyproject.toml"),
        baseline="baseline.json",
        notes=("ignore of HD102 is not used: no such finding any more",),
    )


def healthy() -> Report:
    """Return the smallest report."""
    return Report(
        tool_version="0.1.0",
        verdict=Verdict.HEALTHY,
        confidence=Confidence.HIGH,
        sentence="Generated paths have 0.89 times the spread, 0.71 times the movement and 0.89 times the variety of real ones.",
        subject=Subject(name="generator"),
        data=None,
        causes=(),
        unexplained=(),
        findings=(),
        probes=(),
        remedies=(),
        patch=(),
    )


def sound() -> Report:
    """Return the report with healthy numbers for every deciding probe, which a saved report must have."""
    names = {"HD101": "spread_ratio", "HD103": "time_std_ratio", "HD104": "latent_std_ratio"}
    return replace(healthy(), probes=tuple(result(code, Judgement.HEALTHY, **{name: 0.9}) for code, name in names.items()))


def rehearsed() -> Report:
    """Return the report on a config that was rehearsed for a part of its steps, and is healthy by then."""
    facts = Rehearsed(steps=320, own_steps=1792, sequences=512, usable=3000, seconds=41.2, seed=0)
    return replace(sound(), subject=Subject(name="run.yaml", config="run.yaml"), rehearsed=facts)


def with_history(report: Report) -> Report:
    """Return `report` with a stage and a history that have every part."""
    evaluation, training = (
        Snapshot(
            kind=kind,
            epoch=epoch,
            step=step,
            file=f"epoch_{epoch}/gan_samples.npz",
            verdict=verdict,
            measures=MappingProxyType({"spread": spread, "timing": 0.5}),
        )
        for kind, epoch, step, verdict, spread in (
            (SnapshotKind.EVALUATION, 0, None, Verdict.HEALTHY, 0.9),
            (SnapshotKind.TRAINING, 1, 40, Verdict.COLLAPSED, 0.01),
        )
    )
    ill = replace(evaluation, epoch=2, verdict=Verdict.AT_RISK, measures=MappingProxyType({"spread": 12.5}))
    broken = replace(evaluation, epoch=3, verdict=None, measures=MappingProxyType({}), reason="it is empty")
    curve = LossCurve(
        name="warm-up", file="train_gan.log", epochs=(1, 2), values=(178.5, 176.4), best_constant=178.6, motionless=66.1
    )
    return replace(
        report,
        stage=Stage(kind=StageKind.ADVERSARIAL, epoch=3, start="a warm-up of 5 epochs", because="final_epoch is 3"),
        history=History(
            snapshots=(evaluation, training, ill, broken),
            unread=2,
            fell_ill="epoch 2",
            curves=(curve,),
            observations=("it became unhealthy at epoch 2", "the loss fell by 1.2%"),
        ),
    )
