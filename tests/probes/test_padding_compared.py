from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from humouse_doctor.core.arrays import FloatArray
from humouse_doctor.core.case import Case
from humouse_doctor.core.probe import Judgement
from humouse_doctor.core.space import Space
from humouse_doctor.core.spec import Activation, Architecture
from tests import builders, reference

_PROBE = builders.probe("HD218")


def _padded(lengths: list[int], *, pause: int = 0) -> FloatArray:
    """Deltas (N, 20, 2) that move up to their length, but for a pause of so many steps."""
    deltas = np.random.default_rng(0).normal(0, 1, (len(lengths), 20, 2))
    deltas[:, 1 : 1 + pause] = 0
    deltas[np.arange(20) >= np.array(lengths)[:, None]] = 0
    return deltas


def _of(lengths: list[int], *, pause: int = 0, space: Space = builders.DELTAS) -> Case:
    deltas = _padded(lengths, pause=pause)
    samples = builders.samples(deltas, np.zeros_like(deltas), lengths=np.array(lengths, dtype=np.float64))
    return builders.case(samples, space=space, facts=builders.network(Activation.LINEAR))


@pytest.mark.parametrize(
    ("lengths", "judgement"),
    [([20, 12], Judgement.HEALTHY), ([15, 8], Judgement.BORDERLINE), ([8, 12], Judgement.FOUND), ([3, 4], Judgement.FOUND)],
)
def test_the_share_of_padding_decides(lengths: list[int], judgement: Judgement) -> None:
    assert builders.run("HD218", _of(lengths)).judgement is judgement


@pytest.mark.parametrize("pause", [0, 2])
def test_it_agrees_with_its_slow_twin(pause: int) -> None:
    case = _of([8, 15, 20, 9], pause=pause)
    assert case.samples.sequences is not None
    assert case.samples.lengths is not None
    expected = reference.padding_compared(case.samples.sequences.tolist(), case.samples.lengths.tolist())
    builders.assert_agrees("HD218", case, {**expected, "motion_in_padding": 0.0})


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        (_of([8, 8], pause=5), "of the deltas are exactly zero before the padding as well, see HD209"),
        (_of([8, 8], space=builders.POSITIONS), "where a zero delta is only a pause"),
        (replace(_of([8]), samples=replace(_of([8]).samples, lengths=None)), "how long the sequences are is not known"),
        (
            replace(_of([8]), network=builders.network(Activation.LINEAR, architecture=Architecture.TCN)),
            "its bounds are for recurrent layers alone",
        ),
        (replace(_of([8]), network=None), "whether its layers are recurrent is not known"),
    ],
    ids=["pauses", "positions", "no lengths", "TCN", "no network"],
)
def test_where_a_mask_would_not_help_it_is_skipped(case: Case, reason: str) -> None:
    assert reason in (builders.run("HD218", case).reason or "")


def test_the_message_leaves_the_mask_open_and_the_remedy_claims_no_trial() -> None:
    case = _of([8, 8])
    message = _PROBE.message(case, _PROBE.measure(case))
    assert "60% of the steps are padding, and 0% of the deltas before it are zero: unless the loss leaves" in message
    (remedy,) = _PROBE.remedies(case, {})
    assert (remedy.id, remedy.edits, remedy.code_changes) == ("masked-loss", (), ())
    assert "nothing was tried" in remedy.why


@pytest.mark.parametrize(
    ("before", "motion", "masked"),
    [(0.1, 0.1, False), (0.9, 0.9, True), (1.0, 1.6, True), (1.0, 3.0, False), (3.0, 1.5, False)],
    ids=["still", "masked", "masked, more", "overshooting", "too large throughout"],
)
def test_samples_that_move_on_in_the_padding_as_with_a_mask_tell_of_one(before: float, motion: float, masked: bool) -> None:
    case = _of([8, 8, 10, 20] * 8)
    assert case.samples.loss_targets is not None
    rows = case.samples.loss_targets.tolist()
    drawn = np.random.default_rng(1).normal(0, 1, case.samples.loss_targets.shape)
    drawn *= np.where(np.arange(20) < 8, before, motion)[:, None]
    case = replace(case, samples=replace(case.samples, predictions=drawn))
    expected = reference.motion_in_padding(drawn.tolist(), rows, [8, 8, 10, 20] * 8)
    assert expected == pytest.approx(motion, rel=0.1)
    result, still = builders.run("HD218", case), builders.run("HD209", case)
    assert still.measurements["padding_share"] == pytest.approx(0.425)
    if masked:
        assert f"samples move on in the padding, as with a mask ({expected:.2g}" in (result.reason or "")
        assert still.measurements["still_share"] == 0.0
        said = builders.probe("HD209").message(case, still.measurements)
        assert said.startswith(
            "0% of the deltas before the padding are exactly zero (42% of the steps are padding, left out here)"
        )
    else:
        assert result.measurements["motion_in_padding"] == pytest.approx(expected, rel=1e-5)
        assert still.measurements["still_share"] == pytest.approx(0.425)


def test_lengths_beyond_the_sequences_leave_no_negative_padding() -> None:
    case = _of([25, 30])
    for code in ("HD209", "HD218"):
        assert builders.run(code, case).measurements["padding_share"] == 0
