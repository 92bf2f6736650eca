"""Small cases, samples and settings for tests of everything that needs no torch."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import strategies as st

from humouse_doctor.core.arrays import FloatArray
from humouse_doctor.core.case import (
    Case,
    DataSummary,
    Gradients,
    LatentFit,
    Need,
    NetworkFacts,
    PretrainerContract,
    Samples,
    Subject,
    WeightFacts,
)
from humouse_doctor.core.errors import NotMeasurable
from humouse_doctor.core.probe import Metric, Probe, ProbeResult
from humouse_doctor.core.settings import Origin, Place, Setting, Settings, Value
from humouse_doctor.core.space import Space
from humouse_doctor.core.spec import Activation, Architecture
from humouse_doctor.diagnosis.examine import examine
from humouse_doctor.inputs.config.trainer_keys import BY_NAME, KEYS
from humouse_doctor.probes.registry import PROBES

POSITIONS = Space(absolute=True)
DELTAS = Space(absolute=False)
CONFIG = "run.yaml"
CHECKPOINT = "generator.pt"

#: A config with which nothing is wrong.
SOUND: Mapping[str, Value] = {
    "data.batch_size": 16,
    "data.normalize_sequences": False,
    "model.architecture": "lstm",
    "model.generator.activation_xy": "linear",
    "model.generator.hidden_dim": 8,
    "training.absolute_coordinates": True,
    "training.lr.generator": 1e-3,
    "training.reconstruction_epochs": 2000,
    "training.warmup_latent_normalize": False,
}


def frozen(values: FloatArray) -> FloatArray:
    """Return `values` as an array that raises when it is written to."""
    copy = np.array(values)
    copy.flags.writeable = False
    return copy


def settings(
    values: Mapping[str, Value] = SOUND,
    *,
    source: str | None = CONFIG,
    prefix: str = "",
    unknown: tuple[str, ...] = (),
) -> Settings:
    """Return settings with `values` over the trainer's defaults; `unknown` keys have no usable value."""
    found = {key.name: Setting(key=key.name, value=key.default, origin=Origin.DEFAULT) for key in KEYS if not key.required}
    for line, (key, value) in enumerate(values.items(), start=1):
        assert key in BY_NAME
        place = None if source is None else Place(file=source, line=line)
        found[key] = Setting(key=key, value=value, origin=Origin.EXPLICIT, place=place)
    in_file = {} if source is None else {key: found[key] for key in values}
    return Settings({key: setting for key, setting in found.items() if key not in unknown}, prefix, source, in_file)


def network(
    head: Activation | None = Activation.LINEAR,
    *,
    architecture: Architecture | None = Architecture.LSTM,
    hidden_dim: int | None = 8,
    target_len: int | None = 20,
    repeats_latent: bool | None = True,
) -> NetworkFacts:
    """Return the facts of a generator with two channels and one kind of head."""
    return NetworkFacts(
        label="lstm generator",
        output_dim=2,
        target_len=target_len,
        hidden_dim=hidden_dim,
        heads=(head, head),
        architecture=architecture,
        repeats_latent=repeats_latent,
    )


@functools.lru_cache(maxsize=64)
def strokes(seed: int, rows: int = 48, steps: int = 20) -> FloatArray:
    """Paths of unit scale in all directions with bell-shaped speeds, (rows, steps, 2)."""
    random = np.random.default_rng(seed)
    angles = random.uniform(0, 2 * np.pi, rows)
    sizes = random.uniform(0.5, 1.5, rows)
    speeds = np.sin(np.linspace(0, np.pi, steps)) ** 2 * sizes[:, None]  # (rows, steps)
    deltas = speeds[..., None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)[:, None]
    paths = np.cumsum(deltas + random.normal(0, 0.02, deltas.shape), axis=1)
    return frozen(paths / paths.std())


def constant(value: float, rows: int = 16, steps: int = 20) -> FloatArray:
    """`value` everywhere, (rows, steps, 2)."""
    return frozen(np.full((rows, steps, 2), value))


def fit(targets: FloatArray, predictions: FloatArray, latent_std: float = 1.0) -> LatentFit:
    """A fit whose latents have exactly the standard deviation asked for."""
    latents = np.array([[-latent_std], [latent_std]])
    return LatentFit(targets=frozen(targets), predictions=frozen(predictions), latents=frozen(latents))


def moving_states(rows: int = 4, steps: int = 20) -> FloatArray:
    """Return recurrent states that move at a constant speed, (rows, steps, 3)."""
    return frozen(np.linspace(0, 1, steps)[None, :, None] * np.arange(1, 4) + np.arange(rows)[:, None, None])


def settling_states(after: int, rows: int = 4, steps: int = 20) -> FloatArray:
    """Recurrent states that stop at step `after`, (rows, steps, 3)."""
    return frozen(np.minimum(np.arange(steps), after)[None, :, None] * np.arange(1.0, 4.0) + np.zeros((rows, 1, 1)))


def repeated(rows: int = 4, steps: int = 20) -> FloatArray:
    """One vector per sequence, the same at every step, (rows, steps, 3)."""
    return frozen(np.random.default_rng(3).normal(size=(rows, 1, 3)) + np.zeros((1, steps, 1)))


def samples(
    targets: FloatArray,
    predictions: FloatArray,
    *,
    lengths: FloatArray | None = None,
    hidden: FloatArray | None = None,
    rnn_input: FloatArray | None = None,
    latent_fit: LatentFit | None = None,
    gradients: Mapping[str, float] | None = None,
) -> Samples:
    """Return samples with targets, predictions, and the other parts that a test needs."""
    return Samples(
        sequences=frozen(targets),
        lengths=lengths,
        loss_targets=frozen(targets),
        predictions=frozen(predictions),
        hidden=hidden,
        rnn_input=rnn_input,
        fit=latent_fit,
        gradients=None if gradients is None else Gradients(rms_by_layer=gradients),
    )


def summary(total: int = 48, *, dropped: Mapping[str, int] | None = None) -> DataSummary:
    """Data of `total` sequences."""
    return DataSummary(
        source="gestures.npz",
        total=total,
        usable=total - sum((dropped or {}).values()),
        taken=total,
        length=20,
        dropped=dropped or {},
        position_mean=(1.5, -2.5),
        position_std=(260.0, 130.0),
    )


def case(
    found: Samples | None = None,
    *,
    known: Settings | None = None,
    facts: NetworkFacts | None = None,
    space: Space | None = POSITIONS,
    weights: WeightFacts | None = None,
    data: DataSummary | None = None,
    contract: PretrainerContract | None = None,
    subject_is_pretrainer: bool = False,
    absent: Mapping[Need, str] | None = None,
) -> Case:
    """Return a case of the given parts and nothing else."""
    return Case(
        subject=Subject(name="run", checkpoint=None if weights is None else CHECKPOINT, config=CONFIG),
        settings=Settings() if known is None else known,
        network=facts,
        space=space,
        samples=Samples() if found is None else found,
        weights=weights,
        data=data,
        contract=contract,
        subject_is_pretrainer=subject_is_pretrainer,
        absent=absent or {},
    )


TRAINED = WeightFacts(non_finite=0, total=100, excess_over_start=3.0)
UNTRAINED = WeightFacts(non_finite=0, total=100, excess_over_start=0.999)


def healthy_samples() -> Samples:
    """Return the samples of a generator that has learnt its targets."""
    targets, drawn = strokes(0, rows=64), strokes(1, rows=64)
    noise = np.random.default_rng(2).normal(0, 0.05, targets.shape)
    return samples(
        targets,
        drawn,
        hidden=moving_states(),
        rnn_input=moving_states(),
        latent_fit=fit(targets, targets + noise),
        gradients={"first": 0.5, "last": 1.0},
    )


def collapsed_samples(scale: float = 260.0) -> Samples:
    """Return the samples of a flat generator whose targets are in pixels."""
    targets = strokes(0, rows=64) * scale
    drawn = np.random.default_rng(1).normal(0, 1e-3, (32, 1, 2)) + np.zeros((1, 20, 1))
    return samples(
        targets,
        drawn,
        hidden=settling_states(3),
        rnn_input=repeated(),
        latent_fit=fit(targets, drawn[:1] + 0 * targets),
        gradients={"first": 0.5, "last": 1.0},
    )


def healthy_case() -> Case:
    """Return a healthy trained run."""
    return case(healthy_samples(), known=settings(), facts=network(), weights=TRAINED, data=summary(64))


def collapsed_case() -> Case:
    """Return the run this tool was made for: a tanh head on positions in pixels, whitened latents, five epochs."""
    values = {**SOUND, "training.reconstruction_epochs": 5, "model.generator.activation_xy": "tanh"}
    del values["training.warmup_latent_normalize"]
    return case(collapsed_samples(), known=settings(values), facts=network(Activation.TANH), weights=TRAINED, data=summary(64))


def probe(code: str) -> Probe:
    """Return the probe with this code."""
    return next(each for each in PROBES if each.code == code)


def run(code: str, of: Case) -> ProbeResult:
    """Return the result of one probe, as `examine` returns it."""
    (result,) = examine(of, [probe(code)])
    return result


def borderline_low(metric: Metric) -> float:
    """Return a value that is too low to be healthy, but still tolerable."""
    return (metric.healthy.low + metric.tolerable.low) / 2


def borderline_high(metric: Metric) -> float:
    """Return a value that is too high to be healthy, but still tolerable."""
    return (metric.healthy.high + metric.tolerable.high) / 2


def assert_agrees(code: str, of: Case, twin: Mapping[str, float] | None) -> None:
    """Assert that the probe measures the numbers of its slow twin, or nothing if the twin is None."""
    try:
        measured = probe(code).measure(of)
    except NotMeasurable:
        assert twin is None
        return
    assert twin is not None
    assert set(measured) == set(twin)
    for name, value in twin.items():
        assert math.isfinite(measured[name])
        assert measured[name] == pytest.approx(value, rel=1e-7, abs=1e-9), name


def small_arrays(rows: tuple[int, int] = (1, 4), steps: tuple[int, int] = (1, 8)) -> st.SearchStrategy[FloatArray]:
    """Draw sequences (N, T, 2) of multiples of 0.25, with many ties, zeros and constant axes."""

    def of_shape(count: int, length: int, moving: tuple[bool, bool]) -> st.SearchStrategy[FloatArray]:
        size = count * length * 2
        values = st.lists(st.integers(-8, 8), min_size=size, max_size=size)
        return values.map(lambda found: frozen(np.reshape(found, (count, length, 2)) * np.array(moving) / 4.0))

    shapes = st.tuples(st.integers(*rows), st.integers(*steps), st.tuples(st.booleans(), st.booleans()))
    return shapes.flatmap(lambda shape: of_shape(*shape))


def enough_arrays(steps: tuple[int, int] = (1, 8)) -> st.SearchStrategy[FloatArray]:
    """Draw `small_arrays` with each sequence repeated, so that there are as many as a deciding probe needs."""
    return small_arrays(steps=steps).map(lambda found: frozen(np.resize(found, (16, *found.shape[1:]))))
