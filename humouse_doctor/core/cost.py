"""The cost model: memory and seconds of one core that a network takes, estimated before anything is built or run.

Sizes come from untrusted files, and a few kB can state a length of a million steps. The model errs by a factor of up to
about three (`python -m tests.lab.benchmarks.sizes` compares it with measurements), which is enough to tell honest sizes
from absurd ones. Its constants were measured on one core of an AMD EPYC with AVX2, torch 2.13, `OMP_NUM_THREADS=1`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from humouse_doctor.core.errors import DoctorError, InputError
from humouse_doctor.core.spec import Architecture, GeneratorSpec

#: Sequences that are generated in one pass, at most.
BATCH = 256
#: Prior samples whose loss is differentiated, at most.
GRADIENT_SAMPLES = 128
#: The fitting budget: 48 targets, and six rounds without a gradient or 60 steps of Adam at 0.1, from the prior's mean, separate
#: the kinds of run.
FIT_TARGETS = 48
FIT_ROUNDS, FIT_STEPS = 6, 60
#: The numbers of a latent, and those of the Jacobians of all targets, up to which no gradient is taken.
_RESPONSE_LATENT, _RESPONSE_NUMBERS = 128, 1 << 23

#: A network up to these sizes is accepted whatever it costs: twice the sizes of humouse's largest runs.
_LARGEST = {
    "latent_dim": 2048,
    "condition_dim": 2048,
    "hidden_dim": 2048,
    "num_layers": 8,
    "output_dim": 16,
    "target_len": 1000,
}
#: The memory and time that a network may take beyond those of the sizes above.
#: A file of 7 kB with T = 1e5 took 4.2 GB, 10,000 outputs 1.9 GB.
_MOST_BEYOND_BYTES = 512 << 20
_MOST_BEYOND_S = 60.0
#: The memory of one pass, which limits its number of sequences: 256 with T = 200 and 512 hidden units.
_PASS_BYTES = 1 << 30
#: The memory of all weights: a TCN's first layer for T = 1,000, 1,024 channels and a latent of 512 has 2.1 GB.
_MOST_WEIGHTS_BYTES = 4 << 30
#: The memory of a trial: four copies of its weights (with gradients and Adam's two moments) and one batch's activations.
_MOST_TRAINING_BYTES = 8 << 30
#: The time of one step of a trial; all trials together have 10 minutes by default.
_MOST_STEP_S = 600.0

#: Seconds per FLOP of a matrix product: 43-48 GFLOP/s at 1024 x 1024, and 27-55 in generators of 64 to 512 hidden units.
_FLOP_S = 1 / 40e9
#: Seconds of the gates, per layer, hidden unit and step: 0.06 s for 256 x 500 steps of 8 units.
_UNIT_S = 6e-8
#: Seconds of an output channel's head and loss, per step: a default inspection of 32 steps of 10,000 channels took 20 s.
_CHANNEL_S = 6e-9
#: Seconds of a latent's number, drawn, joined with the condition and fitted: 4 s for 512 latents of 109,585, 48 of them fitted.
_INPUT_S = 6e-9
#: Seconds of one layer's call for one step, of any size: 60 layers over 32 steps took 0.11 s fused and 0.40 s step by step.
_FUSED_CALL_S = 6e-5
_STEPWISE_CALL_S = 2e-4
#: A backward pass takes twice the forward pass more; step by step, 60 layers took 2.0 s for one and 0.4 s for the other.
_BACKWARD, _STEPWISE_BACKWARD = 3.0, 5.0
_FLOAT32, _FLOAT64 = 4, 8
_OUT_OF_MEMORY = ("can't allocate memory", "not enough memory", "out of memory", "outofmemory")


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """The load of one sequence on a network.

    `forward` and `graph` count the float32 numbers of a pass without and with a graph. `states` counts those of the
    recurrent layers' input and output that probes use. `row_s` is the time of one sequence, `call_s` that of a pass
    whatever its number of sequences, and `backward` the ratio of a pass with a graph to one without.
    """

    parameters: int
    inputs: int
    steps: int
    channels: int
    forward: int
    graph: int
    states: int
    row_s: float
    call_s: float
    backward: float = _BACKWARD

    @property
    def row_bytes(self) -> int:
        """Memory of one sequence in a pass without a graph, including the probes' copies of its states."""
        return _FLOAT32 * (self.forward + self.states) + 3 * _FLOAT64 * self.states // 2

    @property
    def graph_bytes(self) -> int:
        """Memory of one sequence in a differentiated pass."""
        return _FLOAT32 * self.graph

    @property
    def rows(self) -> int:
        """Number of sequences generated in one pass."""
        return _rows(self.row_bytes, BATCH)

    def rows_differentiated(self, count: int) -> int:
        """Return how many of `count` sequences are differentiated in one pass."""
        return _rows(self.graph_bytes, count)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """The work to be done with a network.

    `samples` are drawn. With `targets` the loss is differentiated, and latents are fitted unless `quick`.
    """

    samples: int
    targets: bool = True
    quick: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Peak memory in bytes beside the weights, and seconds of one core."""

    peak_bytes: int
    seconds: float


def parameters(spec: GeneratorSpec) -> int:
    """Return the number of parameters of the generator."""
    inputs, hidden, layers = _inputs(spec), spec.hidden_dim, spec.num_layers
    match spec.architecture:
        case Architecture.LSTM:
            first, each = hidden * (inputs + 1) + 4 * hidden * spec.time_input, 8 * hidden * (hidden + 1)
        case Architecture.TCN:
            first = hidden * spec.target_len * (inputs + 1) + 5 * hidden * hidden + hidden
            each = 5 * hidden * hidden + 3 * hidden
        case Architecture.SEQ2SEQ:
            first = 2 * hidden * layers * (inputs + 1) + hidden * (inputs + spec.output_dim + 1)
            each = 8 * hidden * (hidden + 1)
    return first + layers * each + spec.output_dim * (hidden + 1)


def load_of(spec: GeneratorSpec) -> Load:
    """Return the load of one sequence on the generator that `spec` describes."""
    inputs, hidden, layers, steps, channels = _inputs(spec), spec.hidden_dim, spec.num_layers, spec.target_len, spec.output_dim
    states = 2 * hidden * steps
    backward = _BACKWARD
    match spec.architecture:
        case Architecture.LSTM:
            flop = 2 * hidden * inputs + steps * (16 * hidden * hidden * layers + 2 * hidden * channels)
            forward, graph = 3 * hidden, (12 + 8 * layers) * hidden  # 3.0 and 18 to 24 (1 and 2 layers) were measured
            call_s = _FUSED_CALL_S * steps * layers
        case Architecture.TCN:
            states = 0
            flop = steps * (2 * hidden * inputs + 10 * hidden * hidden * (layers + 1) + 2 * hidden * channels)
            forward, graph = 8 * hidden, (6 + 4 * layers) * hidden
            call_s = 5 * _FUSED_CALL_S * (layers + 1)
        case Architecture.SEQ2SEQ:
            own = 2 * hidden * (inputs + 2 * channels)
            flop = 4 * hidden * layers * inputs + steps * (16 * hidden * hidden * layers + own)
            forward, graph = hidden, (12 + 23 * layers) * hidden + 3 * (inputs + channels)  # 23 were measured at 60 layers
            call_s, backward = _STEPWISE_CALL_S * steps * (layers + 1), _STEPWISE_BACKWARD
    return Load(
        parameters=parameters(spec),
        inputs=inputs,
        steps=steps,
        channels=channels,
        forward=2 * inputs + steps * (forward + 3 * channels),
        graph=2 * inputs + steps * (graph + 4 * channels),
        states=states,
        row_s=_FLOP_S * flop + _INPUT_S * inputs + steps * (_UNIT_S * hidden * (layers + 1) + _CHANNEL_S * channels),
        call_s=call_s,
        backward=backward,
    )


def load_of_look(
    *, parameters: int, inputs: int, steps: int, channels: int, forward: int, graph: int, states: int, products: int, calls: int
) -> Load:
    """Return the load of one sequence on a user's own network, from counts of one pass; `calls` are calls of modules."""
    return Load(
        parameters=parameters,
        inputs=inputs,
        steps=steps,
        channels=channels,
        forward=2 * inputs + forward + 3 * steps * channels,
        graph=2 * inputs + graph + 4 * steps * channels,
        states=states,
        row_s=2 * _FLOP_S * products + _INPUT_S * inputs + _UNIT_S * forward / 3,
        call_s=_FUSED_CALL_S * calls,
    )


def cost_of(load: Load, look: Look) -> Cost:
    """Return the cost of `look`; passes are made as small as necessary, down to single sequences."""
    held = look.samples * _held_bytes(load) + _FLOAT32 * load.inputs * min(look.samples, BATCH)
    phases = [min(look.samples, load.rows) * load.row_bytes]
    seconds = look.samples * load.row_s + _passes(look.samples, load.rows) * load.call_s
    if look.targets:
        rows = load.rows_differentiated(GRADIENT_SAMPLES)
        phases.append(rows * load.graph_bytes)
        seconds += load.backward * (GRADIENT_SAMPLES * load.row_s + _passes(GRADIENT_SAMPLES, rows) * load.call_s)
    if look.targets and not look.quick:
        rows = load.rows_differentiated(FIT_TARGETS)
        # the latents, their gradient, Adam's moments and temporaries; and the Jacobians, as they are, weighted, in a product:
        # as many as there may be, since how many inputs are a latent's and how long targets are is not known here
        fitted = 6 * _FLOAT32 * FIT_TARGETS * load.inputs
        jacobians = min(load.inputs, _RESPONSE_LATENT) * FIT_TARGETS * load.steps * load.channels
        fitted += 3 * _FLOAT32 * min(jacobians, _RESPONSE_NUMBERS)
        phases.append(rows * load.graph_bytes + fitted)
        # for Adam, which may have to do it: the rounds without a gradient take at most two thirds of this
        seconds += FIT_STEPS * load.backward * (FIT_TARGETS * load.row_s + _passes(FIT_TARGETS, rows) * load.call_s)
    return Cost(peak_bytes=held + max(phases), seconds=seconds)


def response_numbers(latent: int, targets: int, steps: int, channels: int) -> int:
    """Return the numbers in the Jacobians of so many targets' sequences, 0 where latents are fitted without them."""
    numbers = latent * targets * steps * channels
    return numbers if latent <= _RESPONSE_LATENT and numbers <= _RESPONSE_NUMBERS else 0


def require_affordable(spec: GeneratorSpec, look: Look, source: str, *, by_config: bool = False) -> Load:
    """Return the load of one sequence on the generator that `spec` describes, if `look` is affordable.

    Raises `InputError` otherwise, in one line: what is too large, by how much, and which option lowers it, if one does.
    `by_config` is True for sizes from a config, of a network that is not trained yet.
    """
    load = load_of(spec)
    _require_weights(load, source, f" ({_sizes(spec)})")
    honest = load_of(_clipped(spec))
    trouble = _trouble(load, honest, look)
    if trouble is None:
        return load
    ways = [] if by_config else list(_ways(look, lambda other: _trouble(load, honest, other)))
    shorter = _clipped(spec, "target_len")
    if shorter != spec and spec.architecture is not Architecture.TCN and _trouble(load_of(shorter), honest, look) is None:
        ways.append(
            "a smaller model.generator.target_len"
            if by_config
            else "--set model.generator.target_len=N where that is not its length"
        )
    raise InputError(f"{source}: {_doing(look, load)} ({_sizes(spec)}) {trouble}{_advice(ways)}")


def require_affordable_load(load: Load, look: Look, source: str) -> None:
    """Raise `InputError` if `look` is not affordable for a network of which only a pass has been measured, as `load`."""
    _require_weights(load, source, "")
    share = min(1.0, _LARGEST["target_len"] / max(1, load.steps))
    honest = replace(
        load,
        inputs=min(load.inputs, _LARGEST["latent_dim"]),
        steps=min(load.steps, _LARGEST["target_len"]),
        channels=min(load.channels, _LARGEST["output_dim"]),
        row_s=share * load.row_s,
        call_s=share * load.call_s,
    )
    trouble = _trouble(load, honest, look)
    if trouble is not None:
        ways = _ways(look, lambda other: _trouble(load, honest, other))
        raise InputError(f"{source}: {_doing(look, load)} {trouble}{_advice(ways)}")


def require_latents(inputs: int, look: Look, source: str) -> None:
    """Raise `InputError` if the latents alone are too large, before the first pass of a network of unknown load."""
    blank = Load(parameters=0, inputs=inputs, steps=1, channels=2, forward=2 * inputs, graph=2 * inputs, states=0,
                 row_s=0.0, call_s=0.0)  # fmt: skip
    require_affordable_load(blank, look, f"{source} takes {inputs:,} inputs")


def require_trainable(
    spec: GeneratorSpec, source: str, *, batch_size: int, encoder_hidden: int, table_rows: int | None
) -> None:
    """Raise `InputError` if a warm-up of `spec` is not affordable, before anything of it is built.

    `table_rows` is the length of a table of latents, None for an encoder of `encoder_hidden` units instead.
    """

    def training(batch: int) -> Cost:
        load = load_of(spec)
        graph, seconds, weights = load.graph, load.backward * (batch * load.row_s + load.call_s), load.parameters
        if spec.architecture is Architecture.SEQ2SEQ:  # one pass with the true outputs, not step by step
            seconds = _BACKWARD * (batch * load.row_s + _FUSED_CALL_S * load.steps * spec.num_layers)
        if table_rows is not None:
            weights += table_rows * spec.latent_dim
        else:
            graph += 20 * encoder_hidden * load.steps
            encoder = 4 * encoder_hidden * (encoder_hidden + spec.output_dim + 2) + 2 * spec.latent_dim * (encoder_hidden + 1)
            weights += encoder
            seconds += _BACKWARD * batch * load.steps * (2 * _FLOP_S * encoder + _UNIT_S * encoder_hidden)
        kept = 4 * _FLOAT32 * weights
        return Cost(peak_bytes=kept + _FLOAT32 * batch * graph, seconds=seconds + weights * 1e-9)

    def trouble(cost: Cost) -> str | None:
        return _beyond(cost, _MOST_TRAINING_BYTES, _MOST_STEP_S)

    found = trouble(training(batch_size))
    if found is not None:
        helps = next((batch for batch in _fewer(batch_size, 1) if trouble(training(batch)) is None), None)
        ways = [] if helps is None else [f"--set data.batch_size={helps}"]
        what = f"a step of training with {batch_size:,} sequences of {spec.target_len:,} steps ({_sizes(spec)})"
        raise InputError(f"{source}: {what} {found}{_advice(ways)}")


def ran_out_of_memory(error: BaseException) -> bool:
    """Return True if `error` is how Python, NumPy or torch report a lack of memory."""
    said = f"{type(error).__name__}: {error}".lower()
    return isinstance(error, MemoryError) or any(words in said for words in _OUT_OF_MEMORY)


@contextmanager
def memory_asked(source: str) -> Iterator[None]:
    """Raise `InputError` with a one-line message if the block runs out of memory."""
    try:
        yield
    except DoctorError:
        raise
    except Exception as error:
        if not ran_out_of_memory(error):
            raise
        raise InputError(f"{source}: its sizes take more memory than there is") from error


def _inputs(spec: GeneratorSpec) -> int:
    return spec.latent_dim + spec.condition_dim


def _rows(each: int, most: int) -> int:
    return max(1, min(most, _PASS_BYTES // max(1, each)))


def _passes(count: int, rows: int) -> int:
    return math.ceil(count / rows)


def _held_bytes(load: Load) -> int:
    """Return the memory of one sequence from sampling to the report: latent, two predictions, the probes' positions."""
    predicted = load.steps * (2 * _FLOAT32 * load.channels + 3 * _FLOAT64 * 2)
    return _FLOAT32 * load.inputs + predicted


def _clipped(spec: GeneratorSpec, *names: str) -> GeneratorSpec:
    """Return `spec` with sizes limited to the largest honest ones: all of them, or those in `names`."""
    return replace(spec, **{name: min(getattr(spec, name), _LARGEST[name]) for name in names or _LARGEST})


def _trouble(load: Load, honest: Load, look: Look) -> str | None:
    """Return why `look` is too much for `load`, None if it is not. The cost at honest sizes is always allowed."""
    allowed = cost_of(honest, look)
    single = max(load.row_bytes, load.graph_bytes if look.targets else 0)
    if single > _PASS_BYTES:
        return f"needs {_amount(single)} for one of them; the limit is {_amount(_PASS_BYTES)}"
    held = look.samples * _held_bytes(load) + _FLOAT32 * load.inputs * min(look.samples, BATCH)
    honestly = look.samples * _held_bytes(honest) + _FLOAT32 * honest.inputs * min(look.samples, BATCH)
    if held > _MOST_BEYOND_BYTES + honestly:
        return f"would take about {_amount(held)} of memory; the limit is {_amount(_MOST_BEYOND_BYTES + honestly)}"
    return _beyond(cost_of(load, look), None, _MOST_BEYOND_S + allowed.seconds)


def _beyond(cost: Cost, most_bytes: int | None, most_s: float) -> str | None:
    if most_bytes is not None and cost.peak_bytes > most_bytes:
        return f"would take about {_amount(cost.peak_bytes)} of memory; the limit is {_amount(most_bytes)}"
    if cost.seconds > most_s:
        return f"would take about {_time(cost.seconds)} of computing; the limit is {_time(most_s)}"
    return None


def _require_weights(load: Load, source: str, sizes: str) -> None:
    size = _FLOAT32 * load.parameters
    if size > _MOST_WEIGHTS_BYTES:
        raise InputError(f"{source}: its weights{sizes} take {_amount(size)}; the limit is {_amount(_MOST_WEIGHTS_BYTES)}")


def _ways(look: Look, trouble: Callable[[Look], str | None]) -> Iterable[str]:
    """Yield the options that make `look` affordable with the least loss; nothing if none does."""
    quick = [replace(look, quick=True)] if look.targets and not look.quick else []
    fewer = [replace(one, samples=count) for one in (look, *quick) for count in _fewer(look.samples, 8)]
    helps = next((one for one in (*quick, *fewer) if trouble(one) is None), None)
    if helps is not None:
        words = ["--quick"] if helps.quick and not look.quick else []
        yield " ".join([*words, *([f"--samples {helps.samples}"] if helps.samples < look.samples else [])])


def _fewer(count: int, least: int) -> Iterable[int]:
    """Yield `count` halved again and again, down to `least`."""
    while count > least:
        count = max(least, count // 2)
        yield count


def _doing(look: Look, load: Load) -> str:
    more = ""
    if look.targets:
        more = " and taking its gradient" if look.quick else ", taking its gradient and fitting latents"
    return f"sampling {look.samples:,} sequences of {load.steps:,} steps{more}"


def _sizes(spec: GeneratorSpec) -> str:
    return (
        f"{spec.architecture.value}, {_inputs(spec):,} inputs, {spec.num_layers:,} layers of {spec.hidden_dim:,} units,"
        f" {spec.output_dim:,} outputs"
    )


def _advice(ways: Iterable[str]) -> str:
    found = list(ways)
    return f"; try {', or '.join(found)}" if found else ""


def _amount(size: int) -> str:
    """Return a size in words, with two digits so that a size above a limit never reads as the limit."""
    gib = size / (1 << 30)
    return f"{size / (1 << 20):,.0f} MiB" if gib < 1 else f"{gib:,.1f} GiB" if gib < 1e6 else f"{gib:.1e} GiB"


def _time(seconds: float) -> str:
    if seconds < 300:
        return f"{seconds:,.0f} s"
    hours = seconds / 3600
    return f"{seconds / 60:,.0f} min" if hours < 5 else f"{hours:,.0f} h" if hours < 1e6 else f"{hours:.1e} h"
