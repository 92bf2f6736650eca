"""All probes, in code order: a new one of this package is its file, its page, its test and one line here.

Each probe declares its metrics, their labels, and whether it decides; other modules look these up here.
Probes of installed packages come after the package's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from humouse_doctor.core.probe import Decides, Metric, Probe
from humouse_doctor.core.report import Report
from humouse_doctor.probes import plugins
from humouse_doctor.probes.batch_mixed import BatchMixed
from humouse_doctor.probes.codes_off_prior import CodesOffPrior
from humouse_doctor.probes.collapsed_posterior import CollapsedPosterior
from humouse_doctor.probes.direction_collapse import DirectionCollapse
from humouse_doctor.probes.distorted_condition import DistortedCondition
from humouse_doctor.probes.flat_output import FlatOutput
from humouse_doctor.probes.gates_saturated import GatesSaturated
from humouse_doctor.probes.head_saturation import HeadSaturation
from humouse_doctor.probes.latent_insensitive import LatentInsensitive
from humouse_doctor.probes.latent_noise import LatentNoise
from humouse_doctor.probes.latent_whitening import LatentWhitening
from humouse_doctor.probes.narrow_latent import NarrowLatent
from humouse_doctor.probes.no_skill import NoSkill
from humouse_doctor.probes.normalised_drift import NormalisedDrift
from humouse_doctor.probes.out_of_reach_targets import OutOfReachTargets
from humouse_doctor.probes.padding_compared import PaddingCompared
from humouse_doctor.probes.pretrainer_contract import PretrainerContract
from humouse_doctor.probes.rate_too_high import RateTooHigh
from humouse_doctor.probes.repeated_latent import RepeatedLatent
from humouse_doctor.probes.samples_straight import SamplesStraight
from humouse_doctor.probes.short_warm_up import ShortWarmUp
from humouse_doctor.probes.shrunk_weights import ShrunkWeights
from humouse_doctor.probes.space_disagreement import SpaceDisagreement
from humouse_doctor.probes.spread_ratio import SpreadRatio
from humouse_doctor.probes.stale_statistics import StaleStatistics
from humouse_doctor.probes.still_targets import StillTargets
from humouse_doctor.probes.target_scale import TargetScale
from humouse_doctor.probes.untrained import NonFiniteOrUntrained
from humouse_doctor.probes.vanishing_gradient import VanishingGradient
from humouse_doctor.probes.warm_up_discarded import WarmUpDiscarded

PROBES: tuple[Probe, ...] = (
    SpreadRatio(),
    HeadSaturation(),
    FlatOutput(),
    LatentInsensitive(),
    NoSkill(),
    VanishingGradient(),
    DirectionCollapse(),
    NonFiniteOrUntrained(),
    SamplesStraight(),
    OutOfReachTargets(),
    TargetScale(),
    RepeatedLatent(),
    LatentWhitening(),
    LatentNoise(),
    NormalisedDrift(),
    PretrainerContract(),
    WarmUpDiscarded(),
    StillTargets(),
    ShortWarmUp(),
    SpaceDisagreement(),
    RateTooHigh(),
    NarrowLatent(),
    CollapsedPosterior(),
    StaleStatistics(),
    BatchMixed(),
    GatesSaturated(),
    PaddingCompared(),
    DistortedCondition(),
    CodesOffPrior(),
    ShrunkWeights(),
)

#: It replaces either of those that decide before training if a run starts from a pretrainer's weights.
_WARM_START = PretrainerContract.code


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """Probes, and what is declared on them.

    `by_code` holds every probe by its code and `metrics` every metric by `code.metric`, both in the order of `probes`;
    `labels` the words for the metrics that tables of trials show. Without the codes in `deciding` no checkpoint is called
    healthy, without those in `deciding_in_trials` no trial is, and without those in `before_training` no config.
    """

    probes: tuple[Probe, ...]
    by_code: Mapping[str, Probe]
    metrics: Mapping[str, Metric]
    labels: Mapping[str, str]
    deciding: tuple[str, ...]
    deciding_in_trials: tuple[str, ...]
    before_training: tuple[str, ...]

    @classmethod
    def of(cls, probes: tuple[Probe, ...]) -> Registry:
        """Return the registry of `probes`, whose codes are unique."""
        metrics = {f"{probe.code}.{metric.name}": metric for probe in probes for metric in probe.metrics}
        return cls(
            probes=probes,
            by_code=MappingProxyType({probe.code: probe for probe in probes}),
            metrics=MappingProxyType(metrics),
            labels=MappingProxyType({name: metric.label for name, metric in metrics.items() if metric.label}),
            deciding=_codes(probes, Decides.ALWAYS),
            deciding_in_trials=_codes(probes, Decides.ALWAYS, Decides.IN_TRIALS),
            before_training=_codes(probes, Decides.BEFORE_TRAINING),
        )


def _codes(probes: tuple[Probe, ...], *when: Decides) -> tuple[str, ...]:
    return tuple(probe.code for probe in probes if probe.decides in when)


def current() -> Registry:
    """Return the registry in use: with the probes of installed packages unless `plugins.using` leaves them out."""
    return _registry(plugins.installed())


@cache
def _registry(found: plugins.Plugins) -> Registry:
    return Registry.of((*PROBES, *(plugin.probe for plugin in found.whole)))


def unmeasured(report: Report) -> str:
    """Say which deciding probes of `report` did not measure; empty where enough did."""
    known = current()
    measured = {result.code for result in report.probes if result.judgement is not None}
    missing = [code for code in known.deciding if code not in measured]
    if missing and report.before_training:
        enough = report.data is not None and not measured.isdisjoint((*known.before_training, _WARM_START))
        return "" if enough else f"{' and '.join(known.before_training)} were not measured"
    return f"{', '.join(missing)} not measured" if missing else ""
