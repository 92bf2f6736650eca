"""Build the case of a config before training: the network it describes, and the space its loss compares."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from humouse_doctor.cases.assemble import assemble
from humouse_doctor.cases.request import Notes, Request
from humouse_doctor.cases.spaces import reading_of, space_of
from humouse_doctor.core.case import Case, Need, NetworkFacts, Samples
from humouse_doctor.core.settings import Settings
from humouse_doctor.core.spec import Activation, Architecture, GeneratorSpec, activation_of

if TYPE_CHECKING:
    from humouse_doctor.inputs.gestures.gestures import Gestures

_NO_CHECKPOINT = "no checkpoint was looked at, this is before training"


def before_training(request: Request, settings: Settings, gestures: Gestures | None, notes: Notes) -> Case:
    """Return the case of a config, without the parts that only a checkpoint can provide."""
    network = None
    if settings.source is not None:
        network = as_far_as_known(facts_of(generator_spec(settings), "the config's generator"), settings)
    notes.lack(_NO_CHECKPOINT, Need.PREDICTIONS, Need.RECURRENCE, Need.FIT, Need.GRADIENTS, Need.WEIGHTS)
    architecture = network.architecture if network else None
    space = space_of(settings, gestures, architecture, notes.remarks, source=notes.source)
    reading = reading_of(settings, gestures, architecture, space, notes.source)
    return assemble(request, settings, gestures, notes, network=network, space=space, reading=reading, samples=Samples())


def generator_spec(settings: Settings) -> GeneratorSpec:
    """Return the generator that a config describes; a value that the trainer would reject counts as the default."""

    def size(name: str, default: int) -> int:
        value = settings.integer(f"model.generator.{name}")
        return default if value is None else value

    def head(axis: str, default: Activation) -> Activation:
        setting = settings.get(f"model.generator.activation_{axis}")
        return (None if setting is None else activation_of(setting.value)) or default

    return GeneratorSpec(
        architecture=Architecture((settings.text("model.architecture") or "tcn").lower()),
        latent_dim=size("latent_dim", 64),
        condition_dim=size("condition_dim", 16),
        hidden_dim=size("hidden_dim", 128),
        num_layers=max(1, size("num_layers", 3)),
        output_dim=size("output_dim", 3),
        target_len=size("target_len", 64),
        activation_xy=head("xy", Activation.TANH),
        activation_dt=head("dt", Activation.SOFTPLUS),
    )


def facts_of(spec: GeneratorSpec, label: str) -> NetworkFacts:
    """Return the facts that follow from a generator's spec alone."""
    return NetworkFacts(
        label=label,
        output_dim=spec.output_dim,
        target_len=spec.target_len,
        hidden_dim=spec.hidden_dim,
        heads=spec.heads,
        architecture=spec.architecture,
        repeats_latent=spec.architecture is Architecture.LSTM and not spec.time_input,
    )


def as_far_as_known(facts: NetworkFacts, settings: Settings) -> NetworkFacts:
    """Return `facts` without those whose config value the trainer rejects: they are unknown, not the default."""
    xy, dt = (f"model.generator.activation_{axis}" in settings for axis in ("xy", "dt"))
    known = "model.architecture" in settings
    return replace(
        facts,
        heads=tuple(head if (xy if axis < 2 else dt) else None for axis, head in enumerate(facts.heads)),
        hidden_dim=facts.hidden_dim if "model.generator.hidden_dim" in settings else None,
        target_len=facts.target_len if "model.generator.target_len" in settings else None,
        architecture=facts.architecture if known else None,
        repeats_latent=facts.repeats_latent if known else None,
    )
