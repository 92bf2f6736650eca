from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from humouse_doctor.cases.request import Loaded
from humouse_doctor.core.case import Case
from humouse_doctor.core.probe import Judgement, Severity, Status
from humouse_doctor.core.remedy import CodeChange, RemedyStatus
from humouse_doctor.core.report import Verdict
from humouse_doctor.core.settings import Place
from humouse_doctor.core.space import PIXELS, Reading, Space
from humouse_doctor.core.spec import Architecture
from humouse_doctor.diagnosis.diagnose import diagnose
from humouse_doctor.diagnosis.examine import examine
from humouse_doctor.remedies import catalogue
from tests import builders

_PROBE = builders.probe("HD211")
_SUMS = Reading(space=builders.DELTAS, because="the trainer sums it", place=Place(file="train_gan.py", line=7))


def _read(case: Case, reading: Reading | None = _SUMS) -> Case:
    return replace(case, reading=reading)


def _paths(scale: float = 1.0) -> Case:
    return builders.case(builders.samples(builders.strokes(0) * 100, builders.strokes(1) * scale))


def test_a_program_that_reads_what_its_loss_compares_is_healthy() -> None:
    result = builders.run("HD211", _read(_paths(), Reading(space=PIXELS, because="it draws positions")))

    assert (result.judgement, result.measurements) == (Judgement.HEALTHY, {"spaces_differ": 0.0})


def test_a_loss_that_converts_the_output_as_the_program_does_is_healthy() -> None:
    assert builders.run("HD211", _read(_paths(), replace(_SUMS, compared=True))).judgement is Judgement.HEALTHY


def test_what_nobody_knows_is_skipped_with_the_option_that_says_it() -> None:
    result = builders.run("HD211", _read(_paths(), None))

    assert result.status is Status.SKIPPED
    assert result.reason is not None
    assert "--reads deltas" in result.reason


def test_a_program_that_sums_what_its_loss_compares_as_positions_is_found_with_both_spreads() -> None:
    case = _read(_paths(scale=1.0))
    result = builders.run("HD211", case)

    real = np.cumsum(builders.strokes(0) * 100, axis=1).std(axis=(0, 1)).mean()
    read = np.cumsum(builders.strokes(1), axis=1).std(axis=(0, 1)).mean()
    assert result.judgement is Judgement.FOUND
    # the builder's sequences are its targets, so the real paths are summed from them
    assert result.measurements["spread_as_read"] == pytest.approx(read / real, rel=1e-4)
    assert result.measurements["spread_as_compared"] == pytest.approx(0.01, rel=0.2)
    assert result.measurements["perfect_spread_ratio"] == pytest.approx(1.0)
    said = _PROBE.message(case, result.measurements)
    assert "compares absolute positions" in said
    assert "reads the output as deltas (the trainer sums it)" in said
    assert "as the loss compares them, samples spread 0.010 times as far as targets; as the program reads them, " in said


def test_before_training_it_says_what_a_perfect_generator_would_draw() -> None:
    whole = _paths()
    case = _read(replace(whole, samples=replace(whole.samples, predictions=None)))

    assert "would spread 1.0 times as far as real ones" in _PROBE.message(case, builders.run("HD211", case).measurements)


def test_without_data_the_disagreement_alone_is_told_and_an_assumption_is_called_one() -> None:
    case = _read(builders.case(), replace(_SUMS, assumed=True))
    result = builders.run("HD211", case)

    assert result.measurements == {"spaces_differ": 1.0}
    assert "(assumed: the trainer sums it)" in _PROBE.message(case, result.measurements)


def _generator(space: Space, scale: float) -> Case:
    """A case of real paths and of samples that are their deltas, times `scale`."""
    deltas = np.diff(builders.strokes(0), axis=1, prepend=0.0)
    drawn = np.diff(builders.strokes(1), axis=1, prepend=0.0) * scale
    samples = replace(builders.samples(builders.strokes(0), drawn), sequences=builders.frozen(deltas))
    return builders.case(samples, space=space, facts=builders.network(), weights=builders.TRAINED, known=builders.settings())


def test_symptoms_are_judged_by_the_paths_that_the_program_draws() -> None:
    """Deltas of real paths are no positions; a program that sums them draws real paths, and one that does not draws points."""
    case = _generator(Space(absolute=True), 1.0)

    alike, summed = builders.run("HD101", case), builders.run("HD101", _read(case))

    assert alike.judgement is Judgement.FOUND
    assert summed.judgement is Judgement.HEALTHY
    for code in ("HD103", "HD104"):
        assert builders.run(code, case).judgement is Judgement.FOUND
        assert builders.run(code, _read(case)).judgement is Judgement.HEALTHY


def test_a_run_is_ill_by_what_it_draws_and_healthy_by_nothing_else() -> None:
    case = _read(_generator(Space(absolute=True), 0.01))
    report = diagnose(Loaded(case=case), examine(case))

    assert report.verdict is Verdict.COLLAPSED
    assert report.causes[0].code == "HD211"
    (finding,) = (found for found in report.findings if found.code == "HD211")
    assert finding.severity is Severity.ERROR


def test_what_makes_it_worse_is_refused_and_the_loss_as_read_comes_first() -> None:
    case = _read(_generator(Space(absolute=True), 0.01))

    first, *others = _PROBE.remedies(case, {"spaces_differ": 1.0})

    assert (first.id, first.code_changes) == ("loss-as-read", (CodeChange.LOSS_AS_READ, CodeChange.SLOW_GATES))
    assert "train_gan.py:7" in (first.code_hint or "")
    assert {one.id: one.status for one in others}["normalised-positions"] is RemedyStatus.REFUSED
    assert case.network is not None
    assert case.network.architecture is Architecture.LSTM


@pytest.mark.parametrize(("sums", "first", "refused"), [(True, "loss-as-read", True), (False, "normalised-positions", False)])
def test_a_run_on_deltas_is_offered_what_its_program_would_read(sums: bool, first: str, refused: bool) -> None:
    """Deltas are read as deltas by every program: what it does with positions decides on the cure."""
    reading = Reading(space=builders.DELTAS, because="training.absolute_coordinates is false", sums_positions=sums)
    case = replace(_read(_generator(Space(absolute=True), 0.01)), space=builders.DELTAS, reading=reading)

    offered = catalogue.scale_remedies(case)

    assert not case.spaces_differ
    assert offered[0].id == first
    assert ("normalised-positions" in {one.id for one in offered if one.status is RemedyStatus.REFUSED}) is refused


def test_without_a_warm_up_there_is_no_loss_to_disagree() -> None:
    known = builders.settings({**builders.SOUND, "training.reconstruction_epochs": 0})
    result = builders.run("HD211", _read(replace(_paths(), settings=known)))

    assert (result.status, result.reason) == (Status.SKIPPED, "no warm-up runs (training.reconstruction_epochs is 0)")


def test_the_spread_as_read_is_that_of_the_symptom_where_sequences_are_padded_too() -> None:
    case = _read(_generator(Space(absolute=True), 0.5))
    case = replace(case, samples=replace(case.samples, lengths=np.full(48, 12.0)))
    cause, symptom = (builders.run(code, case).measurements for code in ("HD211", "HD101"))
    assert cause["spread_as_read"] == pytest.approx(symptom["prediction_std"] / symptom["target_std"], rel=1e-4)
