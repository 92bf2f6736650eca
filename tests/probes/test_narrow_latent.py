from __future__ import annotations

from dataclasses import replace

import pytest

from humouse_doctor.core.arrays import FloatArray
from humouse_doctor.core.arrays import numpy as np
from humouse_doctor.core.case import Behaviour, Case
from humouse_doctor.core.probe import Judgement
from humouse_doctor.probes.latent_insensitive import effective_rank
from tests import builders, reference

_PROBE = builders.probe("HD213")


def _of(size: int, targets: FloatArray | None = None, *, source: str | None = builders.CONFIG) -> Case:
    known = builders.settings({**builders.SOUND, "model.generator.latent_dim": size}, source=source)
    drawn = _plane(200) if targets is None else targets
    return builders.case(builders.samples(drawn, drawn), known=known)


def _plane(count: int) -> FloatArray:
    """Straight paths to ends that lie in a plane: two directions."""
    ends = np.random.default_rng(0).normal(size=(count, 1, 2))
    return np.linspace(0, 1, 12)[None, :, None] * ends


@pytest.mark.parametrize(("size", "judgement"), [(16, Judgement.HEALTHY), (2, Judgement.HEALTHY), (1, Judgement.FOUND)])
def test_the_numbers_in_the_latent_against_the_directions_of_the_targets_decide(size: int, judgement: Judgement) -> None:
    result = builders.run("HD213", _of(size))
    assert result.judgement is judgement
    assert result.measurements["latent_dim"] == size


def test_conditions_that_are_handed_over_count_too() -> None:
    case = _of(1)
    given = replace(case, samples=replace(case.samples, behaviour=Behaviour(as_conditioned=0.9, reconditioned=0.9)))
    assert builders.run("HD213", replace(given, samples=case.samples)).judgement is Judgement.FOUND
    assert builders.run("HD213", given).judgement is Judgement.HEALTHY


def test_one_number_may_do_for_targets_along_one_line() -> None:
    line = _plane(200) * np.array([1.0, 0.0])
    assert builders.run("HD213", _of(1, line)).judgement is not Judgement.FOUND


def test_it_agrees_with_its_slow_twin() -> None:
    targets = builders.strokes(0)[:12, :9]
    rank = reference.participation_ratio(targets.tolist())
    twin = {"latent_share": 3 / rank, "latent_dim": 3.0, "target_effective_rank": rank}
    builders.assert_agrees("HD213", _of(3, targets), twin)


def test_deltas_are_summed_before_their_directions_are_counted() -> None:
    positions = _plane(200) + np.random.default_rng(1).normal(size=(200, 12, 2)) * 0.1
    deltas = np.diff(positions, axis=1, prepend=0.0)
    assert effective_rank(deltas) > 5
    case = replace(_of(1, deltas), space=builders.DELTAS)
    assert builders.run("HD213", case).measurements["target_effective_rank"] == pytest.approx(2.1, abs=0.3)


def test_a_size_that_is_only_a_default_is_not_known() -> None:
    case = _of(1)
    assert builders.run("HD213", replace(case, settings=builders.settings({}, source=None))).reason == (
        "the size of the latent is not known"
    )


def test_the_message_counts_and_the_remedy_widens() -> None:
    case = _of(1)
    measured = _PROBE.measure(case)
    assert _PROBE.message(case, measured) == (
        "the latent has 1 number, and the targets vary in about 2.0 directions: it cannot tell all of them apart"
    )
    (remedy,) = _PROBE.remedies(case, measured)
    assert [(edit.key, edit.new) for edit in remedy.edits] == [("model.generator.latent_dim", 16)]


def test_a_latent_of_nearly_as_many_numbers_as_directions_collapses_nothing() -> None:
    factors = np.random.default_rng(0).normal(size=(400, 5))
    targets = (factors @ np.eye(5, 24)).reshape(400, 12, 2)  # five directions of one size
    assert builders.run("HD213", _of(4, targets)).judgement is Judgement.HEALTHY
    assert builders.run("HD213", _of(3, targets)).judgement is Judgement.FOUND
