"""All probes, in code order: a new one is its file, its page, its test and one line here."""

from __future__ import annotations

from humouse_doctor.core.probe import Probe
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
