"""A generator's architecture, sizes and heads, as plain data."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum


class Architecture(str, Enum):
    """The generator families that can be rebuilt from their weights."""

    LSTM = "lstm"
    TCN = "tcn"
    SEQ2SEQ = "seq2seq"


class Activation(str, Enum):
    """The function a head applies to its pre-activation; `LINEAR` leaves it unchanged."""

    TANH = "tanh"
    SIGMOID = "sigmoid"
    SOFTPLUS = "softplus"
    LINEAR = "linear"

    @property
    def bounds(self) -> tuple[float, float]:
        """The open interval of values the activation can reach."""
        return _BOUNDS[self]

    @property
    def gain(self) -> float:
        """The factor from the pre-activation to the value; that of a bounded one is not told apart from 1."""
        return 1.0

    @property
    def centre(self) -> float:
        """The value that targets are compared with for their scale."""
        return 0.0


_INFINITY = float("inf")
_BOUNDS = {
    Activation.TANH: (-1.0, 1.0),
    Activation.SIGMOID: (0.0, 1.0),
    Activation.SOFTPLUS: (0.0, _INFINITY),
    Activation.LINEAR: (-_INFINITY, _INFINITY),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredHead:
    """A head of a caller's own network that is no known activation, as the numbers that were measured.

    `bounds` is the interval of values it can emit, with infinite sides where it has none. At a pre-activation of zero it emits
    `centre`, and changes by `gain` times what the pre-activation does.
    """

    bounds: tuple[float, float]
    gain: float
    centre: float

    @property
    def value(self) -> str:
        """The head in words, as an activation has its name."""
        low, high = self.bounds
        if math.isinf(low) and math.isinf(high):
            return f"linear, times {self.gain:.3g}"
        if math.isinf(high):
            return f"at least {low:.4g}"
        return f"at most {high:.4g}" if math.isinf(low) else f"{low:.4g} to {high:.4g}"


#: What one output channel does with its pre-activation.
Head = Activation | MeasuredHead

#: The spellings of an activation that the trainer accepts, and the meaning of each.
ACTIVATION_NAMES: dict[str, Activation] = {
    "tanh": Activation.TANH,
    "sigmoid": Activation.SIGMOID,
    "softplus": Activation.SOFTPLUS,
    "linear": Activation.LINEAR,
    "none": Activation.LINEAR,
    "identity": Activation.LINEAR,
    "null": Activation.LINEAR,
}


def activation_of(value: object) -> Activation | None:
    """Return the activation that a config's value spells, in any case and with None for `null`; None if it spells none."""
    return ACTIVATION_NAMES.get("null" if value is None else str(value).lower())


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratorSpec:
    """Everything needed to build a generator into which a checkpoint's weights load strictly.

    Sizes are counts of units; `target_len` is in steps. `seq2seq` has no head activation: both are linear there. With
    `time_input` the first layer of an `lstm` takes the time as one more input, which humouse's own does not.
    """

    architecture: Architecture
    latent_dim: int
    condition_dim: int
    hidden_dim: int
    num_layers: int
    output_dim: int
    target_len: int
    activation_xy: Activation = Activation.TANH
    activation_dt: Activation = Activation.SOFTPLUS
    spectral_norm: bool = False
    time_input: bool = False

    @property
    def heads(self) -> tuple[Activation, ...]:
        """The activation of each output channel, (D,): x and y first, time after them."""
        if self.architecture is Architecture.SEQ2SEQ:
            return (Activation.LINEAR,) * self.output_dim
        position = min(2, self.output_dim)
        return (self.activation_xy,) * position + (self.activation_dt,) * (self.output_dim - position)
