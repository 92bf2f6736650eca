"""Build the case of a trained generator: one from a checkpoint, or one that a trial has just trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from torch import nn

from humouse_doctor.cases.assemble import assemble
from humouse_doctor.cases.belonging import FOLLOWS_DATA
from humouse_doctor.cases.from_config import as_far_as_known, facts_of
from humouse_doctor.cases.loader_notes import note_foreign_code, note_old_torch
from humouse_doctor.cases.request import Loaded, Notes, Request, ToolFinding
from humouse_doctor.cases.spaces import compares_as_read, conditions_of, held_in_float32, reading_of, space_as_is, space_of
from humouse_doctor.core.arrays import FloatArray
from humouse_doctor.core.case import Case, Need, NetworkFacts, Samples, WeightFacts
from humouse_doctor.core.cost import Look, require_affordable
from humouse_doctor.core.settings import Settings
from humouse_doctor.core.space import PIXELS, Reading, Space
from humouse_doctor.core.spec import Architecture, GeneratorSpec
from humouse_doctor.core.tool_codes import ToolCode
from humouse_doctor.inputs.checkpoints.checkpoint import Checkpoint
from humouse_doctor.inputs.gestures.gestures import Gestures
from humouse_doctor.networks import identify, observe
from humouse_doctor.networks.identify import Disagreement
from humouse_doctor.networks.observe import Own
from humouse_doctor.networks.output_layer import can_scale_output, unscale_output
from humouse_doctor.networks.sampling import Sampler

_TOO_LARGE = "the targets are too large for float32, in which a trainer compares them"
_DT = "model.generator.activation_dt"
#: Values that the caller could give of keys that nothing tells.
_EXAMPLES = {
    "model.generator.activation_xy": "tanh (or linear)",
    _DT: "softplus (or linear)",
    "data.normalize_features": "true (or false)",
}
_NON_FINITE = "the weights hold NaN or infinite values"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Generator:
    """A generator with the checkpoint's weights; `settings` are the run's, completed from the weights.

    `unknown_heads` are keys of the activations that it was built without.
    """

    network: nn.Module
    facts: NetworkFacts
    player: Sampler
    settings: Settings
    unknown_heads: tuple[str, ...] = ()


def of_loaded(
    request: Request,
    path: Path,
    checkpoint: Checkpoint,
    own: Own | None,
    settings: Settings,
    gestures: Gestures | None,
    notes: Notes,
) -> Case:
    """Return the case to diagnose of the generator in `checkpoint`, read from `path`; `own` is the user's network, if any.

    Raises `InputError` or `UsageError` with a one-line message.
    """
    note_old_torch(notes)
    note_foreign_code(path, checkpoint, notes)
    notes.remarks.extend(checkpoint.remarks)
    look = Look(samples=request.samples, targets=gestures is not None, quick=request.quick)
    if own is None:
        generator = _identified(path, checkpoint, settings, gestures, look, notes)
    else:
        generator = _filled(own, path, checkpoint, settings, gestures, look, notes, as_is=request.as_is)
    facts, player = generator.facts, generator.player
    tensors = observe.tensors_of(generator.network)
    weights = identify.weight_facts(generator.network, tensors, called=player.recurrent)  # as they run, in float32
    if request.as_is:
        space: Space | None = space_as_is(generator.settings)
    else:
        space = space_of(generator.settings, gestures, facts.architecture, notes.remarks, checkpoint, notes.source)
    reading = None
    if not checkpoint.is_pretrainer and not request.as_is:  # its weights are read by whichever run starts from them
        reading = reading_of(generator.settings, gestures, facts.architecture, space, notes.source)
    if _holds_scale(generator, checkpoint, space, reading, notes) and space is not None and space.position_std is not None:
        assert space.position_mean is not None
        unscale_output(generator.network, space.position_std, space.position_mean)
        notes.remarks.append("the warm-up ended by scaling the output layer to the data's unit; this scaling is undone")
    conditions = conditions_of(generator.settings, gestures, player.condition_dim, notes.remarks)
    unknown = _unknown_keys(generator, gestures)
    fitted_in = None if unknown else space  # what an unknown activation makes of the output is not worth fitting
    samples = _observed(request, gestures, notes, facts, player, fitted_in, reading, weights, conditions)
    return assemble(
        request,
        generator.settings,
        gestures,
        notes,
        network=facts,
        space=space,
        reading=reading,
        samples=_without_guesses(samples, unknown, notes),
        run=settings,
        weights=weights,
        checkpoint=checkpoint,
    )


def _holds_scale(
    generator: _Generator, checkpoint: Checkpoint, space: Space | None, reading: Reading | None, notes: Notes
) -> bool:
    """Return True if the warm-up compared z-scored positions and then moved their scale into the output layer."""
    if checkpoint.is_pretrainer or space is None or reading is None or not reading.space.absolute or space.position_std is None:
        return False
    own = generator.facts.architecture in (Architecture.LSTM, Architecture.TCN) and can_scale_output(generator.network)
    return own and compares_as_read(generator.settings, notes.source)


def _filled(
    own: Own,
    path: Path,
    checkpoint: Checkpoint,
    settings: Settings,
    gestures: Gestures | None,
    look: Look,
    notes: Notes,
    *,
    as_is: bool,
) -> _Generator:
    """Load the weights into the user's own network, and find its facts by running it."""
    identify.load_strictly(str(path), own.network, checkpoint.tensors)
    own.network.eval()
    if gestures is not None and not gestures.resampled:
        own = replace(own, wanted=(gestures.sequences.shape[1], gestures.sequences.shape[2]))
    facts, player = observe.facts_by_behaviour(own, settings, notes.remarks, look, str(path))
    timed = gestures is not None and gestures.sequences.shape[2] == 3
    if timed and facts.output_dim == 3 and not as_is:
        notes.remarks.append(
            "channel 2, counted from 0, is taken for the time of a step and not compared; --targets as-is does"
        )
    return _Generator(network=own.network, facts=facts, player=player, settings=observe.with_latent(settings, player))


def _identified(
    path: Path, checkpoint: Checkpoint, settings: Settings, gestures: Gestures | None, look: Look, notes: Notes
) -> _Generator:
    """Identify one of the trainer's generators by its weights, and rebuild it with them."""
    data_length = None if gestures is None or gestures.resampled else gestures.summary.length
    found = identify.identify(str(path), checkpoint, settings, data_length)
    notes.findings.extend(_mismatch(path, disagreement, found.settings) for disagreement in found.disagreements)
    notes.contradictions.extend(
        f"{one.key} is {one.in_config} and {one.in_weights} in the weights"
        for one in found.disagreements
        if one.key != FOLLOWS_DATA
    )
    if found.inferred:
        notes.remarks.append(f"inferred: {'; '.join(found.inferred)}")
    if found.spec.time_input:
        notes.remarks.append(
            "the first recurrent layer has one more input than humouse's: it is given the time, from 0 at the first step"
            " to 1 at the last"
        )
    require_affordable(found.spec, look, str(path))
    network = identify.rebuild(str(path), checkpoint, found.spec)
    return _Generator(
        network=network,
        facts=as_far_as_known(_facts(found.spec), found.settings),
        player=observe.sampler_of(network, found.spec),
        settings=found.settings,
        unknown_heads=found.unknown_heads,
    )


def _unknown_keys(generator: _Generator, gestures: Gestures | None) -> tuple[str, ...]:
    """Return the keys that the output depends on and whose values are unknown: those of heads, and of the conditions' scale."""
    has_features = gestures is not None and gestures.features is not None
    scale = "data.normalize_features"
    scaled = generator.player.condition_dim and has_features and scale not in generator.settings
    return (*generator.unknown_heads, scale) if scaled else generator.unknown_heads


def _without_guesses(samples: Samples, unknown: Sequence[str], notes: Notes) -> Samples:
    """Return `samples` without the parts that depend on the `unknown` keys, and note the reason."""
    if not unknown:
        return samples
    given = " ".join(f"--set {key}={_EXAMPLES[key]}" for key in unknown)
    reason = f"{' and '.join(unknown)} {'is' if len(unknown) == 1 else 'are'} not known; add --config, or {given}"
    if set(unknown) == {_DT}:  # paths have no part of it
        notes.lack(reason, Need.FIT, Need.GRADIENTS)
        return samples
    notes.lack(reason, Need.FIT, Need.GRADIENTS, Need.PREDICTIONS)
    return replace(samples, predictions=None)


def of_trial(
    request: Request,
    settings: Settings,
    gestures: Gestures,
    network: nn.Module,
    spec: GeneratorSpec,
    space: Space,
    reading: Reading | None,
    conditions: FloatArray | None,
) -> Loaded:
    """Return the case of a generator that a trial has just trained in `space`, with conditions (N, C)."""
    notes = Notes()
    facts = _facts(spec)
    weights = identify.weight_facts(network, observe.tensors_of(network))
    player = observe.sampler_of(network, spec)
    samples = _observed(request, gestures, notes, facts, player, space, reading, weights, conditions)
    return notes.loaded(
        assemble(
            request, settings, gestures, notes, network=facts, space=space, reading=reading, samples=samples, weights=weights
        )
    )


def _facts(spec: GeneratorSpec) -> NetworkFacts:
    return facts_of(spec, f"{spec.architecture.value} generator")


def _observed(
    request: Request,
    gestures: Gestures | None,
    notes: Notes,
    facts: NetworkFacts,
    player: Sampler,
    space: Space | None,
    reading: Reading | None,
    weights: WeightFacts,
    conditions: FloatArray | None,
) -> Samples:
    """Return samples of a trained generator, with the targets that its loss compares if these are known.

    Latents are fitted in the space that is read.
    """
    targets = None if gestures is None or space is None else space.targets(gestures.sequences, facts.output_dim)
    if targets is not None:
        targets = targets[:, : facts.target_len]
    held = targets is None or held_in_float32(targets)
    read_as = read_targets = None
    if gestures is not None and space is not None and reading is not None and space.absolute != reading.space.absolute:
        read_as, read_targets = reading.space, PIXELS.targets(gestures.sequences[:, : facts.target_len], 2)
        held = held and held_in_float32(read_targets)
    samples = observe.observe(
        player,
        fit_as=read_as,
        fit_targets=read_targets,
        lengths=None if gestures is None else observe.compared_lengths(facts, gestures.lengths),
        targets=targets if held and weights.non_finite == 0 else None,
        conditions=conditions,
        count=request.samples,
        seed=request.seed,
        quick=request.quick,
        absent=notes.absent,
        progress=notes.progress,
    )
    if not held:
        notes.lack(_TOO_LARGE, Need.FIT, Need.GRADIENTS)
    if weights.non_finite:
        notes.lack(_NON_FINITE, Need.FIT, Need.GRADIENTS)
    return samples


def _mismatch(path: Path, disagreement: Disagreement, settings: Settings) -> ToolFinding:
    return ToolFinding(
        code=ToolCode.DISAGREEMENT,
        message=f"{disagreement.key} is {disagreement.in_weights} in {path.name} and {disagreement.in_config} in the config",
        serious=True,
        key=disagreement.key,
        place=settings.place(disagreement.key),
    )
