"""Results, cases and reports for tests of the diagnosis."""

from __future__ import annotations

from collections.abc import Mapping

from humouse_doctor.cases.request import Loaded
from humouse_doctor.core.case import Case, DataSummary, NetworkFacts, PretrainerContract, Samples
from humouse_doctor.core.probe import Judgement, ProbeResult, Severity, Status
from humouse_doctor.core.report import Report
from humouse_doctor.core.settings import Value
from humouse_doctor.core.spec import Activation, Architecture
from humouse_doctor.diagnosis.diagnose import diagnose
from tests import builders

H, B, F = Judgement.HEALTHY, Judgement.BORDERLINE, Judgement.FOUND

#: The numbers that each probe's message and remedies use.
MEASURED: Mapping[str, Mapping[str, float]] = {
    "HD101": {"spread_ratio": 0.5, "prediction_std": 1.0, "target_std": 2.0},
    "HD102": {"saturated_share": 0.75, "mean_slope": 0.1},
    "HD103": {"time_std_ratio": 0.25, "velocity_std_ratio": 0.1},
    "HD104": {"latent_std_ratio": 0.75, "effective_rank": 2.0, "target_effective_rank": 3.0},
    "HD105": {"skill": 0.1, "motion_skill": 0.01, "fitted_latent_std": 1.0},
    "HD106": {"first_last_ratio": 1e-7, "last_rms": 1.0},
    "HD107": {
        "heading_excess": 0.9,
        "heading_concentration": 0.95,
        "same_way_share": 0.97,
        "path_efficiency": 0.8,
        "target_path_efficiency": 0.8,
    },
    "HD108": {"non_finite_weights": 0.0, "excess_over_start": 3.0},
    "HD201": {"out_of_reach_share": 0.96, "reachable_loss_share": 0.006, "loss_floor": 159.0},
    "HD202": {"steps_needed": 9000.0, "steps_available": 48.0, "steps_share": 0.005, "target_rms": 260.0},
    "HD203": {"input_time_share": 0.0, "settled_at": 0.1},
    "HD204": {"whitening": 1.0, "least_prior_fit_spread": 0.2, "fitted_latent_std": 2.0},
    "HD205": {"noise_std": 1.0},
    "HD206": {"position_std": 40.0, "drift": 9.0},
    "HD207": {"broken_terms": 1.0},
    "HD208": {"epochs": 0.0, "starts_from_checkpoint": 0.0, "reset": 0.0, "loss_weight": 1.0},
    "HD209": {"still_share": 0.7, "padding_share": 0.3},
    "HD210": {"weight_reach": 0.2, "steps_available": 48.0},
    "HD212": {"step_share": 1.7},
    "HD213": {"latent_share": 0.5, "latent_dim": 1.0, "target_effective_rank": 2.0},
}
UNTRAINED: Mapping[str, float] = {"non_finite_weights": 0.0, "excess_over_start": 0.99}
WELL = {"HD101": H, "HD103": H, "HD104": H}
COLLAPSE = {"HD101": F, "HD103": F, "HD104": F, "HD105": F}


def result(code: str, judgement: Judgement | None, measured: Mapping[str, float] | None = None) -> ProbeResult:
    if judgement is None:
        return ProbeResult(code=code, status=Status.SKIPPED, measurements={}, reason=f"{code} was skipped")
    status = Status.HEALTHY if judgement is H else Status.FOUND
    return ProbeResult(code=code, status=status, judgement=judgement, measurements=measured or MEASURED[code])


def crashed(code: str) -> ProbeResult:
    return ProbeResult(code=code, status=Status.CRASHED, measurements={}, reason="ValueError: odd")


def results(judged: Mapping[str, Judgement | None], *more: ProbeResult) -> list[ProbeResult]:
    return sorted([*(result(code, judgement) for code, judgement in judged.items()), *more], key=lambda each: each.code)


def trained(values: Mapping[str, Value] = builders.SOUND) -> Case:
    contract = PretrainerContract(file="p.pt", head="tanh")
    return builders.case(
        builders.healthy_samples(),
        known=builders.settings(values),
        facts=builders.network(Activation.TANH),
        weights=builders.TRAINED,
        data=builders.summary(),
        contract=contract,
    )


def planned(
    head: Activation = Activation.LINEAR,
    architecture: Architecture = Architecture.LSTM,
    *,
    epochs: int = 100,
    samples: Samples | None = None,
    facts: NetworkFacts | None = None,
    data: DataSummary | None = None,
) -> Case:
    known = builders.settings({**builders.SOUND, "training.reconstruction_epochs": epochs})
    targets = builders.strokes(0)
    return builders.case(
        Samples(sequences=targets, loss_targets=targets) if samples is None else samples,
        known=known,
        facts=builders.network(head, architecture=architecture) if facts is None else facts,
        data=builders.summary() if data is None else data,
    )


def report(judged: Mapping[str, Judgement | None], *more: ProbeResult, case: Case | None = None) -> Report:
    return diagnose(Loaded(case=case or trained()), results(judged, *more))


def severities(report: Report) -> dict[str, Severity]:
    return {finding.code: finding.severity for finding in report.findings}


def causes(report: Report) -> list[str]:
    return [cause.code for cause in report.causes]


#: Of each symptom that overshoots, a measurement above what is healthy and one above what is tolerable.
OVERSHOT = {
    "HD101": ("spread_ratio", 5.0, 9.0),
    "HD103": ("time_std_ratio", 6.0, 11.0),
    "HD104": ("latent_std_ratio", 5.0, 9.0),
    "HD105": ("prior_fit_spread", 5.0, 9.0),
}
FITTING: Mapping[str, float] = {"velocity_std_ratio": 1.0, "skill": 0.8}


def too_much(code: str, value: float) -> Report:
    name, *_ = OVERSHOT[code]
    measured = {**MEASURED[code], **{each: FITTING[each] for each in FITTING if each in MEASURED[code]}, name: value}
    return report({each: H for each in WELL if each != code} | {"HD201": F}, result(code, B, measured))
