"""All probes, in code order: a new one is its file, its page, its test and one line here.

What a probe is known by elsewhere (labels, what decides, which metrics there are) is declared on it and looked up here.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from humouse_doctor.core.probe import Decides, Metric, Probe
from humouse_doctor.core.report import Report
from humouse_doctor.probes.direction_collapse import DirectionCollapse
from humouse_doctor.probes.flat_output import FlatOutput
from humouse_doctor.probes.head_saturation import HeadSaturation
from humouse_doctor.probes.latent_insensitive import LatentInsensitive
from humouse_doctor.probes.latent_noise import LatentNoise
from humouse_doctor.probes.latent_whitening import LatentWhitening
from humouse_doctor.probes.no_skill import NoSkill
from humouse_doctor.probes.normalised_drift import NormalisedDrift
from humouse_doctor.probes.out_of_reach_targets import OutOfReachTargets
from humouse_doctor.probes.pretrainer_contract import PretrainerContract
from humouse_doctor.probes.repeated_latent import RepeatedLatent
from humouse_doctor.probes.short_warm_up import ShortWarmUp
from humouse_doctor.probes.spread_ratio import SpreadRatio
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
)

#: Every probe by its code.
BY_CODE: Mapping[str, Probe] = MappingProxyType({probe.code: probe for probe in PROBES})
#: Every metric by `code.metric`, in the order of the probes.
METRICS: Mapping[str, Metric] = MappingProxyType(
    {f"{probe.code}.{metric.name}": metric for probe in PROBES for metric in probe.metrics}
)
#: The metrics that tables of trials show, by `code.metric`, with the word for each.
LABELS: Mapping[str, str] = MappingProxyType({name: metric.label for name, metric in METRICS.items() if metric.label})
#: Without these no checkpoint is called healthy, ...
DECIDING = tuple(probe.code for probe in PROBES if probe.decides is Decides.ALWAYS)
#: ... without these and those no trial is, ...
DECIDING_IN_TRIALS = tuple(probe.code for probe in PROBES if probe.decides in (Decides.ALWAYS, Decides.IN_TRIALS))
#: ... and without these no config.
BEFORE_TRAINING = tuple(probe.code for probe in PROBES if probe.decides is Decides.BEFORE_TRAINING)
#: It stands for either of the latter where a run starts from a pretrainer's weights.
_WARM_START = PretrainerContract.code


def unmeasured(report: Report) -> str:
    """Say which deciding probes of `report` did not measure; empty where enough did."""
    measured = {result.code for result in report.probes if result.judgement is not None}
    missing = [code for code in DECIDING if code not in measured]
    if missing and report.subject.checkpoint is None:
        known = report.data is not None and not measured.isdisjoint((*BEFORE_TRAINING, _WARM_START))
        return "" if known else f"{' and '.join(BEFORE_TRAINING)} were not measured"
    return f"{', '.join(missing)} not measured" if missing else ""
