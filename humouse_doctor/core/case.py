"""A case: everything known about one run, as plain data for the probes to measure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import Enum
from types import MappingProxyType

from humouse_doctor.core.arrays import FloatArray
from humouse_doctor.core.history import Stage, StageKind
from humouse_doctor.core.settings import Settings
from humouse_doctor.core.space import Reading, Space
from humouse_doctor.core.spec import Architecture, Head


class Need(Enum):
    """A kind of data that a probe requires."""

    TARGETS = "targets"
    PREDICTIONS = "predictions"
    RECURRENCE = "recurrent states"
    FIT = "fitted latents"
    GRADIENTS = "gradients"
    WEIGHTS = "weights"
    HEADS = "heads"
    CONFIG = "config"
    SPACE = "loss space"


@dataclass(frozen=True, slots=True, kw_only=True)
class LatentFit:
    """Latents fitted to real targets.

    `targets` and `predictions` are (M, T, D) in the loss's space, or positions (M, T, 2) in the data's unit if the program
    reads another space than its loss compares; `latents` is (M, Z), or (M, T, Z) of noise at every step, in stds of the prior.
    Only the steps before `lengths` (M,) were fitted, all if it is None.
    """

    targets: FloatArray
    predictions: FloatArray
    latents: FloatArray
    lengths: FloatArray | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gradients:
    """The gradient of the loss of prior samples against real targets.

    `rms_by_layer` holds the root mean square of each weight's gradient, in the order of the forward pass.
    """

    rms_by_layer: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightFacts:
    """Facts read from the weights alone.

    `non_finite` counts NaN and Inf, `total` all numbers. `excess_over_start` is the largest ratio of |weight| to the bound
    of PyTorch's uniform initialisation, over the weights whose bound is known (None if there are none), and `least_recurrent`
    that of the recurrent layer where it is least. Of all these weights `size_over_start` is the root mean square over that of
    their start, and `start_bound` that of the bounds. Of `norms` layers that keep running statistics, `stale_norms` have been
    trained while these are still 0 and 1, their start.
    """

    non_finite: int
    total: int
    excess_over_start: float | None = None
    least_recurrent: float | None = None
    size_over_start: float | None = None
    start_bound: float | None = None
    norms: int = 0
    stale_norms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """Results of small experiments with the generator; None for one that could not be made.

    `neighbour_effect` is the RMS change of a sequence when only the others of its batch change, over the standard deviation
    across sequences. `saturated_inputs` is the share of output gates and candidate values of the first recurrent layer that
    its input alone drives to within a hundredth of an end of their range. `live_shares` is the share of each channel's values
    that are not its most common one, or that change with the layer before the head. `silent_layers` counts the layers that get
    nothing but zeros, of a network whose output is the same for every latent. `taught_code_share` is the RMS change by another
    latent of a sequence whose true past is handed in, over that from step to step of the targets, of a network that then makes
    the targets whatever the latent is. `as_conditioned` says how alike sequences and targets are under the conditions given, 1
    at most, and `reconditioned` how alike under these brought to unit scale, or `enlarged` times as large where that is not 1;
    it is None if no other scale counts, and `unconditioned` says why neither is known.
    """

    neighbour_effect: float | None = None
    saturated_inputs: float | None = None
    live_shares: tuple[float, ...] | None = None
    silent_layers: int | None = None
    taught_code_share: float | None = None
    as_conditioned: float | None = None
    reconditioned: float | None = None
    enlarged: float | None = None
    unconditioned: str | None = None

    @property
    def passes_nothing(self) -> bool:
        """True if no value of the output depends on what is before the head, or before a silent layer."""
        return bool(self.silent_layers) or (self.live_shares is not None and not any(self.live_shares))


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """Arrays named by the space they are in; an array that is not available is None, and `Case.absent` gives the reason.

    `sequences` (N, T, K) raw; `lengths` (N,) in steps; `loss_targets` (N, T, D); `predictions` (M, T, D) from prior
    latents; `rnn_input` and `hidden` (m, T, H) of the first and last recurrent layer, for the first m of them. N and M
    may differ.
    """

    sequences: FloatArray | None = None
    lengths: FloatArray | None = None
    loss_targets: FloatArray | None = None
    predictions: FloatArray | None = None
    rnn_input: FloatArray | None = None
    hidden: FloatArray | None = None
    fit: LatentFit | None = None
    gradients: Gradients | None = None
    behaviour: Behaviour | None = None

    @property
    def empty(self) -> bool:
        """True if no array is available."""
        return all(getattr(self, part.name) is None for part in fields(self))


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSummary:
    """The origin of the targets and counts of the data left out.

    `total` sequences were read, `usable` of them could be trained on and `taken` are in the samples. `dropped` counts
    the data left out by reason (points of a session as well as sequences). `position_mean` and
    `position_std` are in the data's unit, over every step of the sequences taken: (2,), or of a series as given (D,).
    """

    source: str
    total: int
    usable: int
    taken: int
    length: int
    dropped: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    position_mean: tuple[float, ...] = (0.0, 0.0)
    position_std: tuple[float, ...] = (0.0, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The subject of a diagnosis: paths as given, the checkpoint's digest, and remarks on the choices made in reading."""

    name: str
    checkpoint: str | None = None
    config: str | None = None
    data: str | None = None
    sha256: str | None = None
    seed: int = 0
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkFacts:
    """Facts about the generator that need no sampling.

    `heads` holds each output channel's activation, or its measured numbers, None for a channel of which neither is known.
    `architecture` is None for a network that is not humouse's. `repeats_latent` is None if only a measurement can decide it.
    """

    label: str
    output_dim: int
    target_len: int | None
    hidden_dim: int | None
    heads: tuple[Head | None, ...]
    architecture: Architecture | None = None
    repeats_latent: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PretrainerContract:
    """Facts about a pretrainer checkpoint and the run that starts from it.

    Of the checkpoint: `file` is its path, `has_statistics` is true where it carries the mean and std of its positions, `head`
    is the activation of its position channels as the checkpoint spells it. Of the run's config: `run_head` is that activation
    as the run's config spells it, None without a config; `run_compares_deltas` and `run_normalises` are true where it compares
    deltas rather than positions, and where it z-scores each sequence. `run_reads` is what the program reads the output as, None
    if unknown.
    """

    file: str
    has_statistics: bool = True
    head: str = "linear"
    run_head: str | None = None
    run_compares_deltas: bool = False
    run_normalises: bool = False
    run_reads: Reading | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One run as the probes see it.

    `space` is what the loss compares and `reading` what the program reads, each None if unknown. `subject_is_pretrainer` is
    True if the checkpoint is the pretrainer's own file, rather than a run's, and `subject_is_samples` if generated sequences
    are given instead of a checkpoint. `added_keys` are the keys that this tool's patch adds to a trainer and that this run's
    trainer has. `contradictions` name the differences between the config and the one that the weights were trained with.
    `stage` is that of the checkpoint, None if there is none. `drew_well_at_first` is True if the samples that the run drew
    itself after its warm-up are healthy, and `thrown_off` if none of their measures was too large and some are by far since.
    """

    subject: Subject
    settings: Settings = field(default_factory=Settings)
    network: NetworkFacts | None = None
    space: Space | None = None
    reading: Reading | None = None
    samples: Samples = field(default_factory=Samples)
    weights: WeightFacts | None = None
    data: DataSummary | None = None
    contract: PretrainerContract | None = None
    subject_is_pretrainer: bool = False
    subject_is_samples: bool = False
    added_keys: frozenset[str] = frozenset()
    contradictions: tuple[str, ...] = ()
    stage: Stage | None = None
    drew_well_at_first: bool = False
    thrown_off: bool = False
    absent: Mapping[Need, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def has_checkpoint(self) -> bool:
        """True for a trained network or its samples, False for a config before training."""
        return self.weights is not None or self.subject_is_samples

    @property
    def warm_up_is_blameless(self) -> bool:
        """True if the run's own samples were healthy after the warm-up, and adversarial epochs have moved the weights since."""
        return self.drew_well_at_first and self.stage is not None and self.stage.kind is StageKind.ADVERSARIAL

    @property
    def grew_since(self) -> bool:
        """True if adversarial epochs have moved the weights, and the run's own samples have become far too large by then."""
        return self.thrown_off and self.stage is not None and self.stage.kind is StageKind.ADVERSARIAL

    @property
    def spaces_differ(self) -> bool:
        """True if the loss compares positions and the program reads deltas, or the other way round."""
        return self.space is not None and self.reading is not None and self.space.absolute != self.reading.space.absolute

    def lacks(self, need: Need) -> str | None:
        """Return the reason why `need` is not met, None if it is met."""
        samples = self.samples
        found = {
            Need.TARGETS: samples.loss_targets,
            Need.PREDICTIONS: samples.predictions,
            Need.RECURRENCE: samples.hidden,
            Need.FIT: samples.fit,
            Need.GRADIENTS: samples.gradients,
            Need.WEIGHTS: self.weights,
            Need.HEADS: self.network,
            Need.CONFIG: self.settings.source,
            Need.SPACE: self.space,
        }[need]
        if found is not None:
            return None
        return self.absent.get(need, f"no {need.value}")
