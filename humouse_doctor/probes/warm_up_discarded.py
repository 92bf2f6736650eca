"""HD208: no warm-up runs, or its result is thrown away."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from humouse_doctor.core.case import Case, Need
from humouse_doctor.core.errors import NotMeasurable
from humouse_doctor.core.probe import Judgement, Kind, Metric, Probe
from humouse_doctor.core.remedy import Remedy
from humouse_doctor.remedies import catalogue


class WarmUpDiscarded(Probe):
    code = "HD208"
    name = "warm-up-discarded"
    kind = Kind.CAUSE
    summary = "No warm-up epochs and no checkpoint to start from, a loss weight of zero, or a reset afterwards."
    briefs = ("training starts from random weights",)
    needs = (Need.CONFIG,)
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric(name="epochs", unit="epochs", meaning="training.reconstruction_epochs"),
        Metric(name="starts_from_checkpoint", unit="flag", meaning="1 where training.generator_init_path is set"),
        Metric(name="reset", unit="flag", meaning="1 where training.reset_generator_after_warmup is on"),
        Metric(name="loss_weight", unit="factor", meaning="training.reconstruction_loss_weight; 0 is replaced by 1"),
    )
    explains = ("HD108",)
    sometimes = ("HD101", "HD103", "HD104", "HD105")
    key = "training.reconstruction_epochs"

    def measure(self, case: Case) -> dict[str, float]:
        if case.subject_is_pretrainer:
            raise NotMeasurable("a pretrainer's checkpoint takes the place of the warm-up")
        settings = case.settings
        epochs = settings.integer("training.reconstruction_epochs")
        if epochs is None:
            raise NotMeasurable("training.reconstruction_epochs is not known")
        weight = settings.number("training.reconstruction_loss_weight")
        return {
            "epochs": float(epochs),
            "starts_from_checkpoint": float(bool(settings.text("training.generator_init_path"))),
            "reset": float(settings.flag("training.reset_generator_after_warmup") is True),
            "loss_weight": 1.0 if weight is None else weight,
        }

    def judge(self, measured: Mapping[str, float]) -> Judgement:
        trained = measured["epochs"] > 0 or measured["starts_from_checkpoint"] > 0
        if measured["reset"] > 0 and measured["epochs"] > 0:
            return Judgement.FOUND
        if not trained:
            return Judgement.FOUND
        return Judgement.BORDERLINE if measured["epochs"] > 0 and measured["loss_weight"] <= 0 else Judgement.HEALTHY

    def message(self, case: Case, measured: Mapping[str, float]) -> str:
        if measured["reset"] > 0 and measured["epochs"] > 0:
            return (
                "training.reset_generator_after_warmup is on: the weights are drawn anew after the warm-up, which is thrown"
                " away"
            )
        if measured["epochs"] == 0:
            return "no warm-up runs (reconstruction_epochs is 0) and no checkpoint is loaded: training starts from random"
        return f"training.reconstruction_loss_weight is {measured['loss_weight']:g}; the trainer then uses 1.0 instead"

    def remedies(self, case: Case, measured: Mapping[str, float]) -> tuple[Remedy, ...]:
        remedy = catalogue.keep_warm_up(case)
        return (remedy,) if remedy.edits else ()
