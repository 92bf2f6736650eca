"""Trials and outcomes as they would come from trainings, without any."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from humouse_doctor.core.outcome import AS_IT_IS, Arm, ArmOutcome, Change, Effect, Outcome, Step, Trial
from humouse_doctor.core.remedy import CodeChange, Edit, Interval
from tests.builders import probe


def _healthy(name: str) -> Interval:
    code, _, metric = name.partition(".")
    return probe(code).metric(metric).healthy


#: The metrics that decide, with their healthy intervals; ratios are compared by their logarithm.
RATIOS = {
    name: _healthy(name)
    for name in (
        "HD101.spread_ratio",
        "HD103.time_std_ratio",
        "HD103.velocity_std_ratio",
        "HD104.latent_std_ratio",
        "HD105.prior_fit_spread",
    )
}
SHARES = {"HD105.skill": _healthy("HD105.skill")}
WELL = {**dict.fromkeys(RATIOS, 1.0), "HD105.skill": 0.6}
FLAT = {**dict.fromkeys(RATIOS, 0.001), "HD105.skill": 0.0}


def trial(
    arm: Arm = AS_IT_IS,
    seed: int = 0,
    measured: Mapping[str, float] = FLAT,
    *,
    healthy: bool = False,
    causes: tuple[str, ...] = (),
    offered: tuple[str, ...] = (),
    failed: str | None = None,
    stopped: str | None = None,
) -> Trial:
    return Trial(
        arm=arm.key,
        seed=seed,
        planned=24,
        steps=0 if failed else 24,
        measurements=MappingProxyType({} if failed else dict(measured)),
        healthy=healthy,
        causes=causes,
        offered=offered,
        losses=() if failed else (1.5, 0.75),
        best_constant=1.25,
        motionless=2.0,
        failed=failed,
        stopped=stopped,
    )


HEAD = Edit(key="model.generator.activation_xy", old="tanh", new="linear")
WHITENING = Edit(key="training.warmup_latent_normalize", old=True, new=False, absent=True)
SET = Arm(
    title="normalised-positions + slow-gates",
    remedies=("normalised-positions", "slow-gates"),
    edits=(HEAD, WHITENING),
    code_changes=(CodeChange.NORMALISED_POSITIONS, CodeChange.SLOW_GATES),
)
GATES = Arm(title="slow-gates", remedies=("slow-gates",), code_changes=(CodeChange.SLOW_GATES,))
LONGER = Arm(
    title="longer-warm-up-4x",
    remedies=("longer-warm-up-4x",),
    edits=(Edit(key="training.reconstruction_epochs", old=5, new=20),),
)


def changes(before: float, after: float, interval: Interval | None) -> tuple[Change, ...]:
    names = ("HD101.spread_ratio", "HD103.time_std_ratio", "HD105.skill", "HD105.motion_skill")
    return tuple(Change(metric=name, before=before, after=after, difference=interval) for name in names)


def arm_outcome(arm: Arm, effect: Effect | None, *, seeds: int = 3, after: float = 0.9, distance: float = 0.1) -> ArmOutcome:
    sure = Interval(low=0.75, high=1.0) if seeds > 1 else None
    return ArmOutcome(
        arm=arm,
        seeds=seeds,
        healthy_seeds=seeds if effect is Effect.CURED else 0,
        effect=effect,
        distance=(0.9, distance),
        gain=sure,
        changes=changes(0.01, after, sure),
    )


def base_outcome(*, seeds: int = 3, healthy: int = 0) -> ArmOutcome:
    return ArmOutcome(
        arm=AS_IT_IS,
        seeds=seeds,
        healthy_seeds=healthy,
        effect=None,
        distance=(0.9, 0.9),
        gain=Interval(low=0.0, high=0.0) if seeds > 1 else None,
        changes=changes(0.01, 0.01, Interval(low=0.0, high=0.0) if seeds > 1 else None),
    )


def outcome(*arms: ArmOutcome, chosen: Arm | None = None, seeds: int = 3, path: tuple[Step, ...] = ()) -> Outcome:
    return Outcome(
        tool_version="0.1.0",
        fingerprint="0123456789abcdef",
        config="conf/run.yaml",
        config_values="fedcba9876543210",
        config_prefix="experiment.",
        data="gestures.npz",
        checkpoint=None,
        own_steps=128,
        steps=64,
        seeds=seeds,
        shortened=("64 of the warm-up's 128 steps", "2,048 of 9,000 sequences"),
        trials=(
            trial(),
            trial(seed=1, failed="no disk"),
            trial(seed=2, stopped="stopped as futile after 32 of 64 steps"),
            *(trial(one.arm, seed, healthy=True) for one in arms for seed in range(one.healthy_seeds)),
        ),
        arms=arms,
        path=path,
        chosen=None if chosen is None else chosen.key,
        hints=("compare with (positions - mean) / std",) if chosen is not None and chosen.code_changes else (),
    )


def searched() -> Outcome:
    """A search that found a set of two, after a needless third was taken out."""
    return outcome(
        base_outcome(),
        arm_outcome(SET, Effect.CURED, distance=0.0),
        arm_outcome(GATES, Effect.BETTER, after=0.2, distance=0.6),
        arm_outcome(LONGER, Effect.NO_EFFECT, after=0.01, distance=0.9),
        chosen=SET,
        path=(
            Step(arm="", text="as it is: spread 0.01, movement 0.01, motion skill 0.01", kept=True),
            Step(arm=GATES.key, text="+ slow-gates: spread 0.01 -> 0.2, movement 0.01 -> 0.2", kept=True),
            Step(arm=LONGER.key, text="+ longer-warm-up-4x: spread 0.2 -> 0.2", kept=False),
            Step(arm=SET.key, text="= normalised-positions + slow-gates: healthy with 3 of 3 seeds", kept=True),
        ),
    )
