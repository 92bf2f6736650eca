from __future__ import annotations

from collections.abc import Mapping

import pytest

from humouse_doctor.core.case import Case, PretrainerContract
from humouse_doctor.core.probe import Judgement, Status
from humouse_doctor.core.settings import Value
from tests import builders

_PROBE = builders.probe("HD208")
_NONE: Mapping[str, Value] = {"training.reconstruction_epochs": 0}
_RESET: Mapping[str, Value] = {"training.reset_generator_after_warmup": True}
_START: Mapping[str, Value] = {"training.generator_init_path": "p.pt"}
_WEIGHTLESS: Mapping[str, Value] = {"training.reconstruction_loss_weight": 0.0}


def _of(*changes: Mapping[str, Value]) -> Case:
    values = dict(builders.SOUND)
    for change in changes:
        values.update(change)
    return builders.case(known=builders.settings(values))


@pytest.mark.parametrize(
    ("changes", "judgement"),
    [
        ((), Judgement.HEALTHY),
        ((_NONE,), Judgement.FOUND),
        ((_NONE, _START), Judgement.HEALTHY),
        ((_NONE, _START, _RESET), Judgement.HEALTHY),
        ((_RESET,), Judgement.FOUND),
        ((_RESET, _START), Judgement.FOUND),
        ((_WEIGHTLESS,), Judgement.BORDERLINE),
        ((_NONE, _START, _WEIGHTLESS), Judgement.HEALTHY),
    ],
)
def test_a_warm_up_must_run_and_be_kept(changes: tuple[Mapping[str, Value], ...], judgement: Judgement) -> None:
    assert builders.run("HD208", _of(*changes)).judgement is judgement


def test_where_the_file_is_silent_no_warm_up_runs() -> None:
    result = builders.run("HD208", builders.case(known=builders.settings({})))
    assert (result.judgement, result.measurements["epochs"]) == (Judgement.FOUND, 0)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_NONE, "reconstruction_epochs is 0"),
        (_RESET, "reset_generator_after_warmup is on"),
        (_WEIGHTLESS, "reconstruction_loss_weight is 0; the trainer then uses 1.0"),
    ],
)
def test_the_message_names_the_setting(change: Mapping[str, Value], words: str) -> None:
    case = _of(change)
    assert words in _PROBE.message(case, _PROBE.measure(case))


def test_epochs_the_trainer_does_not_take_are_skipped_rather_than_counted_as_none() -> None:
    case = builders.case(known=builders.settings(unknown=("training.reconstruction_epochs",)))
    result = builders.run("HD208", case)
    assert (result.status, result.reason) == (Status.SKIPPED, "training.reconstruction_epochs is not known")


def test_a_loss_weight_that_is_not_known_counts_as_one() -> None:
    case = builders.case(known=builders.settings(unknown=("training.reconstruction_loss_weight",)))
    assert builders.run("HD208", case).measurements["loss_weight"] == 1


def test_a_pretrainers_checkpoint_takes_the_warm_ups_place() -> None:
    contract = PretrainerContract(file="p.pt")
    case = builders.case(known=builders.settings(), contract=contract, subject_is_pretrainer=True)
    assert builders.run("HD208", case).reason == "a pretrainer's checkpoint takes the place of the warm-up"


def test_without_a_config_it_is_skipped() -> None:
    assert builders.run("HD208", builders.case()).reason == "no config"


def test_its_remedy_is_to_keep_the_warm_up() -> None:
    assert [remedy.id for remedy in _PROBE.remedies(_of(_NONE), {})] == ["keep-warm-up"]
