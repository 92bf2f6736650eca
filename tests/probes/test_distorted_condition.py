from __future__ import annotations

from dataclasses import replace
from typing import cast

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import humouse_doctor
from humouse_doctor.core.case import Behaviour, Case
from humouse_doctor.core.errors import NotMeasurable
from humouse_doctor.core.probe import Judgement
from humouse_doctor.core.report import Report
from humouse_doctor.networks.behaviour import conditioned, likeness
from humouse_doctor.networks.sampling import Sampler
from tests import builders, reference

_PROBE = builders.probe("HD219")


def _of(as_given: float | None, rescaled: float | None) -> Case:
    targets = builders.strokes(0)
    behaviour = Behaviour(as_conditioned=as_given, reconditioned=rescaled)
    return builders.case(replace(builders.samples(targets, targets), behaviour=behaviour))


@pytest.mark.parametrize(
    ("as_given", "rescaled", "judgement"),
    [
        (0.1, 0.8, Judgement.FOUND),
        (0.3, 0.7, Judgement.BORDERLINE),
        (0.4, 0.7, Judgement.HEALTHY),
        (0.0, 0.3, Judgement.HEALTHY),
        (0.6, 0.9, Judgement.HEALTHY),
        (0.0, 0.0, Judgement.HEALTHY),
        (0.1, None, Judgement.HEALTHY),
    ],
)
def test_conditions_that_draw_much_better_at_another_scale_are_found(
    as_given: float, rescaled: float | None, judgement: Judgement
) -> None:
    assert builders.run("HD219", _of(as_given, rescaled)).judgement is judgement


def test_the_true_reason_is_said_where_it_is_not_measured() -> None:
    case = builders.case(replace(_of(None, None).samples, behaviour=Behaviour(unconditioned="only 3 sequences")))
    assert builders.run("HD219", case).reason == "only 3 sequences"


def test_the_message_does_not_say_which_of_the_two_scales_is_unit_scale() -> None:
    message = _PROBE.message(_of(0.1, 0.8), {"as_given": 0.1, "rescaled": 0.8})
    assert message.endswith("with these conditions at unit scale: they have another scale than in training")


class _Goals(nn.Module):
    """Draws a bend from its latent and a goal from its condition, which it takes for z-scored: (N, 1), (N, 2) -> (N, T, 2)."""

    condition_dim = 2

    def __init__(self) -> None:
        super().__init__()
        self.line = nn.Linear(2, 2, bias=False)
        nn.init.eye_(self.line.weight)

    def forward(self, latent: Tensor, condition: Tensor) -> Tensor:
        time = torch.linspace(0, 1, 12)[None, :, None]
        goal = self.line(condition)[:, None] * time
        return cast(Tensor, goal + 0.3 * latent[:, None] * torch.sin(torch.pi * time))


def _goals(count: int = 200) -> tuple[Tensor, Tensor]:
    """Return z-scored goals (count, 2), and tracks (count, 12, 2) to these."""
    random = torch.Generator().manual_seed(3)
    goals = torch.randn(count, 2, generator=random)
    with torch.no_grad():
        tracks = cast(Tensor, _Goals()(torch.randn(count, 1, generator=random), goals))
    return goals, tracks


@pytest.mark.parametrize("seed", [0, 1])
def test_likeness_agrees_with_its_slow_twin(seed: int) -> None:
    random = np.random.default_rng(seed)
    one, other = random.normal(1, 2, (20, 6, 2)), random.normal(0, 1, (30, 6, 2))
    assert likeness(one, other) == pytest.approx(reference.likeness(one.tolist(), other.tolist()), rel=1e-9)
    assert likeness(other, other) == 1.0


@pytest.mark.parametrize("bad", [np.inf, np.nan])
def test_likeness_is_none_where_nothing_can_be_compared(bad: float) -> None:
    fine = np.random.default_rng(0).normal(0, 1, (20, 6, 2))
    broken = fine.copy()
    broken[3, 2, 1] = bad
    for sides in ((broken, fine), (fine, broken), (fine, np.ones_like(fine))):
        assert likeness(*sides) is None


class _Exploding(_Goals):
    def forward(self, latent: Tensor, condition: Tensor) -> Tensor:
        return super().forward(latent, condition) * torch.exp(condition.abs().amax() // 50)


class _Infinite(_Goals):
    def forward(self, latent: Tensor, condition: Tensor) -> Tensor:
        return super().forward(latent, condition) * torch.inf


def test_what_cannot_be_tried_says_why() -> None:
    goals, tracks = (values.double().numpy() for values in _goals())
    player = Sampler(_Goals(), 1, 2)
    raw = 300 + 80 * goals
    for reason, sampler, targets, conditions in (
        ("the generator takes no conditions", Sampler(_Goals(), 1, 0), tracks, raw),
        ("no targets are known", player, None, raw),
        ("no conditions are known", player, tracks, None),
        ("only 15 sequences could be compared, 16 are needed", player, tracks, raw[:15]),
        ("the targets do not vary", player, np.ones_like(tracks), raw),
        ("as given and at another scale the sequences are not finite", Sampler(_Infinite(), 1, 2), tracks, raw),
    ):
        with pytest.raises(NotMeasurable, match=reason):
            conditioned(sampler, targets, conditions, 0)


def test_sequences_that_are_finite_at_unit_scale_alone_are_the_clearest_case() -> None:
    goals, tracks = (values.double().numpy() for values in _goals())
    as_given, rescaled, _ = conditioned(Sampler(_Exploding(), 1, 2), tracks, 5e3 + 1e3 * goals, 0)
    assert as_given == 0
    assert rescaled is not None
    assert rescaled > 0.9


class _Shaking(_Goals):
    def forward(self, latent: Tensor, condition: Tensor) -> Tensor:
        return super().forward(latent, condition) + 0.3 * latent[:, None] * (-1.0) ** torch.arange(12)[:, None]


def test_sequences_that_shake_at_any_scale_tell_the_right_one_all_the_same() -> None:
    goals, tracks = (values.double().numpy() for values in _goals())
    as_given, rescaled, _ = conditioned(Sampler(_Shaking(), 1, 2), tracks, 300 + 80 * goals, 0)
    assert rescaled is not None
    assert rescaled > 0.7 > 0.02 > as_given


class _Deaf(_Goals):
    """Hardly hears its condition, as if it had been trained on large ones, and is `size` times too large."""

    def __init__(self, size: float, hears: float) -> None:
        super().__init__()
        self.size, self.hears = size, hears

    def forward(self, latent: Tensor, condition: Tensor) -> Tensor:
        return self.size * super().forward(latent, self.hears * condition)


def test_a_scale_at_which_the_conditions_do_nothing_is_not_the_right_one() -> None:
    goals, tracks = (values.double().numpy() for values in _goals())
    as_given, rescaled, _ = conditioned(Sampler(_Deaf(5.0, 0.01), 1, 2), tracks, 100 * goals, 0)
    assert (as_given < 0.4, rescaled) == (True, None)


@pytest.mark.parametrize(("hears", "times"), [(0.1, 10.0), (1.0, 1.0)])
def test_conditions_are_enlarged_only_where_they_do_less_than_latents(hears: float, times: float) -> None:
    goals, tracks = (values.double().numpy() for values in _goals())
    goals = (goals - goals.mean(0)) / goals.std(0)
    small = conditioned(Sampler(_Deaf(1.0, hears), 1, 2), tracks, goals, 0)
    assert small[2] == times
    too_small_altogether = conditioned(Sampler(_Deaf(0.1, 1.0), 1, 2), tracks, goals, 0)
    assert (too_small_altogether[0] < 0.2, too_small_altogether[1:]) == (True, (None, 1.0))


def test_sorted_conditions_of_a_sound_generator_are_drawn_from_all_over() -> None:
    goals = _goals()[0] + 0.2
    goals = goals[goals[:, 0].argsort()]
    with torch.no_grad():
        tracks = _Goals()(torch.randn(len(goals), 1, generator=torch.Generator().manual_seed(5)), goals)
    as_given, *_ = conditioned(Sampler(_Goals(), 1, 2), tracks.double().numpy(), goals.double().numpy(), 0)
    assert as_given > 0.9


def test_raw_conditions_of_a_generator_that_was_given_scaled_ones_are_the_cause_and_scaled_ones_are_healthy() -> None:
    goals, tracks = _goals()

    def said(conditions: Tensor) -> Report:
        return humouse_doctor.inspect(
            generator=_Goals().eval(),
            targets=tracks.double().numpy(),
            conditions=conditions.double().numpy(),
            latent_dim=1,
            settings={},
            samples=128,
            quick=True,
            plugins=False,
        )

    raw = said(300 + 80 * goals)
    assert [cause.code for cause in raw.causes] == ["HD219"]
    assert "at unit scale" in raw.causes[0].message
    assert [remedy.id for remedy in raw.remedies] == ["conditions-as-trained"]
    assert "HD219" not in [cause.code for cause in said(goals * 1.3).causes]


@pytest.mark.parametrize(("unit", "times"), [(1.0, 100.0), (0.3, 316.0)], ids=["z-scored", "within 1"])
def test_scaled_conditions_of_a_generator_that_was_given_raw_ones_are_the_cause(unit: float, times: float) -> None:
    goals, tracks = _goals()
    goals = (goals - goals.mean(0)) / goals.std(0)
    raw = _Goals().eval()
    with torch.no_grad():
        raw.line.weight /= unit * times

    def said(generator: _Goals, conditions: Tensor) -> Report:
        return humouse_doctor.inspect(
            generator=generator,
            targets=tracks.double().numpy(),
            conditions=conditions.double().numpy(),
            latent_dim=1,
            samples=128,
            quick=True,
            plugins=False,
        )

    found = said(raw, goals * unit)
    assert [cause.code for cause in found.causes] == ["HD219"]
    assert f"with these conditions at {times:.0f} times their size: they have" in found.causes[0].message
    assert "HD219" not in [cause.code for cause in said(_Goals().eval(), goals).causes]
