from __future__ import annotations

from collections.abc import Mapping

import pytest

from humouse_doctor.cases import budget
from humouse_doctor.core.case import Case, DataSummary, PretrainerContract
from humouse_doctor.core.settings import Value
from tests import builders


def _of(changes: Mapping[str, Value], data: DataSummary | None = None, *, source: str | None = "run.yaml") -> Case:
    values = {"data.batch_size": 16, "training.reconstruction_epochs": 3, **changes}
    return builders.case(known=builders.settings(values, source=source), data=data)


@pytest.mark.parametrize(
    ("changes", "data", "steps"),
    [
        ({}, builders.summary(33), 9.0),
        ({}, builders.summary(40, dropped={"empty": 7, "short": 1}), 6.0),
        ({"data.max_gestures": 16}, builders.summary(33), 3.0),
        ({"data.max_gestures": 900}, builders.summary(33), 9.0),
        ({"data.max_gestures": 32}, None, 6.0),
        ({}, None, None),
        ({}, builders.summary(5, dropped={"empty": 5}), None),
        ({"training.reconstruction_epochs": 0}, builders.summary(33), 0.0),
        ({"training.reconstruction_epochs": 0}, None, 0.0),
        ({"training.reconstruction_epochs": 0, "training.generator_init_path": "p.pt"}, builders.summary(33), None),
    ],
)
def test_steps_are_epochs_times_batches(changes: Mapping[str, Value], data: DataSummary | None, steps: float | None) -> None:
    assert budget.steps_available(_of(changes, data)) == steps


def test_without_a_batch_size_or_epochs_the_trainer_takes_no_steps_are_known() -> None:
    for key in ("data.batch_size", "training.reconstruction_epochs"):
        case = builders.case(known=builders.settings(unknown=(key,)), data=builders.summary())
        assert budget.steps_available(case) is None


def test_without_a_config_no_steps_are_known() -> None:
    stated = {"training.reconstruction_epochs": 9}
    by_default = builders.case(known=builders.settings({}, source=None), data=builders.summary())
    assert budget.steps_available(by_default) is None
    assert budget.steps_available(builders.case(known=builders.settings(stated, source=None), data=builders.summary())) is None


def test_values_given_in_python_count_like_a_configs() -> None:
    stated: dict[str, Value] = {"training.reconstruction_epochs": 9, "data.batch_size": 24}
    case = builders.case(known=builders.settings(stated, source=None), data=builders.summary())
    assert budget.steps_available(case) == 18


def test_a_pretrainers_steps_are_not_the_runs() -> None:
    contract = PretrainerContract(file="p.pt")
    known = builders.settings()
    looked_at = builders.case(known=known, data=builders.summary(), contract=contract, subject_is_pretrainer=True)
    started_from = builders.case(known=known, data=builders.summary(), contract=contract, weights=builders.TRAINED)
    assert budget.steps_available(looked_at) is None
    assert budget.steps_available(started_from) == 6000
