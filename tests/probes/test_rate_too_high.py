from __future__ import annotations

from dataclasses import replace

import pytest

from humouse_doctor.core.case import Case, WeightFacts
from humouse_doctor.core.probe import Judgement
from humouse_doctor.core.spec import Activation, Architecture
from tests import builders, reference

_PROBE = builders.probe("HD212")


def _of(rate: float | None, *, hidden: int = 25, moved: float | None = None) -> Case:
    values = {key: value for key, value in builders.SOUND.items() if key != "training.lr.generator"}
    known = builders.settings(values if rate is None else {**values, "training.lr.generator": rate})
    facts = builders.network(Activation.LINEAR, hidden_dim=hidden)
    case = builders.case(known=known, facts=facts, data=builders.summary())
    return replace(case, weights=None if moved is None else WeightFacts(non_finite=0, total=9, excess_over_start=moved))


@pytest.mark.parametrize(
    ("rate", "judgement"),
    [
        (1e-3, Judgement.HEALTHY),
        (0.03, Judgement.HEALTHY),
        (0.06, Judgement.BORDERLINE),
        (0.1, Judgement.FOUND),
        (3.0, Judgement.FOUND),
    ],
)
def test_the_length_of_one_step_decides(rate: float, judgement: Judgement) -> None:
    assert builders.run("HD212", _of(rate)).judgement is judgement


@pytest.mark.parametrize("rate", [1e-4, 0.3])
@pytest.mark.parametrize("hidden", [4, 100])
def test_it_agrees_with_its_slow_twin(rate: float, hidden: int) -> None:
    builders.assert_agrees("HD212", _of(rate, hidden=hidden), {"step_share": reference.step_share(rate, hidden)})


@pytest.mark.parametrize(
    ("moved", "judgement"), [(3.0, Judgement.HEALTHY), (18.0, Judgement.BORDERLINE), (50.0, Judgement.FOUND)]
)
def test_without_a_rate_the_weights_decide(moved: float, judgement: Judgement) -> None:
    assert builders.run("HD212", _of(None, moved=moved)).judgement is judgement


def test_weights_that_moved_far_at_a_moderate_rate_are_evidence_and_no_finding() -> None:
    result = builders.run("HD212", _of(1e-3, moved=50.0))
    assert result.judgement is Judgement.HEALTHY
    assert result.measurements["excess_over_start"] == 50.0


def test_a_pretrainers_file_is_not_judged_by_the_rate_of_the_run_that_starts_from_it() -> None:
    case = _of(0.3, moved=2.0)
    assert builders.run("HD212", case).judgement is Judgement.FOUND
    pretrained = replace(case, subject_is_pretrainer=True)
    assert builders.run("HD212", pretrained).judgement is Judgement.HEALTHY


def test_what_is_not_known_is_skipped_with_its_reason() -> None:
    assert builders.run("HD212", _of(None)).reason == "neither a learning rate nor trained weights are known"
    tcn = replace(_of(0.3), network=builders.network(Activation.LINEAR, architecture=Architecture.TCN))
    assert builders.run("HD212", tcn).reason == "before training its estimate is for recurrent layers alone"
    reasons = [builders.run("HD212", _attention(rate, size)).reason or "" for rate, size in ((None, 7.0), (0.1, None))]
    assert ["learning rate" in reasons[0], "whose random start is known" in reasons[1]] == [True, True]


def _attention(rate: float | None, size: float | None) -> Case:
    """A network without recurrent layers, whose weights started within 0.2 and are now `size` times as large."""
    facts = replace(builders.network(Activation.LINEAR, architecture=None), hidden_dim=None)
    weights = WeightFacts(non_finite=0, total=9, size_over_start=size, start_bound=None if size is None else 0.2)
    return replace(_of(rate), network=facts, weights=weights)


@pytest.mark.parametrize(
    ("rate", "size", "judgement"),
    [
        (0.1, 7.0, Judgement.FOUND),
        (0.1, 4.2, Judgement.BORDERLINE),
        (0.06, 7.0, Judgement.BORDERLINE),
        (0.1, 2.3, Judgement.HEALTHY),
        (1e-3, 7.0, Judgement.HEALTHY),
    ],
)
def test_without_recurrent_layers_a_rate_is_too_high_where_it_has_driven_the_weights_off(
    rate: float, size: float, judgement: Judgement
) -> None:
    result = builders.run("HD212", _attention(rate, size))
    assert result.judgement is judgement
    assert result.measurements == {"step_share": pytest.approx(reference.step_share(rate, 25)), "size_over_start": size}


def test_its_message_says_what_the_steps_have_made_of_the_weights() -> None:
    case = _attention(0.1, 7.0)
    assert _PROBE.message(case, _PROBE.measure(case)) == (
        "at lr 0.1 one step of Adam moves a weight by 0.5 of the bound of its start, and the weights are now 7 times as"
        " large as PyTorch's random start: the steps have driven them off"
    )


def test_the_message_and_the_remedy_name_both_rates() -> None:
    case = _of(0.1, moved=8.0)
    measured = _PROBE.measure(case)
    assert _PROBE.message(case, measured) == (
        "at lr 0.1 one step of Adam moves a recurrent weight by 0.5 of the bound it was drawn from: such steps do not settle"
        " (the largest weight is now 8 times as large as any at the start)"
    )
    (remedy,) = _PROBE.remedies(case, measured)
    assert [(edit.key, edit.old, edit.new) for edit in remedy.edits] == [("training.lr.generator", 0.1, 0.001)]
    wide = _of(0.008, hidden=3600)
    (slower,) = _PROBE.remedies(wide, _PROBE.measure(wide))
    assert [edit.new for edit in slower.edits] == [0.0008]
    alone = _of(None, moved=60.0)
    assert "60 times as large as any was at the random start" in _PROBE.message(alone, _PROBE.measure(alone))
