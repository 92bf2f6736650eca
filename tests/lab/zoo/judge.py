"""Ask the tool about a run, written as humouse would leave it or given in memory, and record its answers."""

from __future__ import annotations

import hashlib
import json
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

import humouse_doctor
from humouse_doctor import inspect
from humouse_doctor.cases.request import Request
from humouse_doctor.core.probe import Kind as ProbeKind
from humouse_doctor.core.probe import Status
from humouse_doctor.core.report import Report
from humouse_doctor.core.settings import Value
from humouse_doctor.inputs.config.trainer_keys import BY_NAME
from humouse_doctor.probes.registry import PROBES
from humouse_doctor.service.commands import report_on
from tests.lab.zoo.contexts import Context, Kind
from tests.lab.zoo.crew import each
from tests.lab.zoo.genome import (
    Batch,
    Codes,
    Condition,
    Decay,
    Drive,
    Factor,
    Genome,
    HeadKind,
    Kl,
    Latent,
    Level,
    Padding,
    Rate,
    Space,
    Statistics,
    Steps,
    Width,
)
from tests.lab.zoo.networks import Conditioned, generator, humouse_spec, is_humouse, trainable
from tests.lab.zoo.targets import Targets, targets_of
from tests.lab.zoo.training import Cache, Job, write_whole

#: Raise this with every change of how a run is passed to the tool, or of which parts of its answer are stored.
JUDGE_VERSION = 3

_LONGER = "longer-warm-up-"
_SYMPTOMS = frozenset(probe.code for probe in PROBES if probe.kind is ProbeKind.SYMPTOM)

#: The factors that each of the tool's causes names; those whose cure no trial of the tool can try have no lever there.
CAUSE_FACTORS: Mapping[str, frozenset[Factor]] = {
    **{probe.code: frozenset(Factor(lever.value) for lever in probe.levers) for probe in PROBES if probe.levers},
    "HD215": frozenset({Factor.STATISTICS}),
    "HD216": frozenset({Factor.BATCH}),
    "HD217": frozenset({Factor.CONDITION}),
    "HD218": frozenset({Factor.PADDING}),
    "HD219": frozenset({Factor.CONDITION}),
    "HD220": frozenset({Factor.CODES}),
    "HD221": frozenset({Factor.DECAY}),
}

#: The levels that each of the tool's remedies changes.
REMEDY_LEVELS: Mapping[str, Mapping[Factor, Level]] = {
    "normalised-positions": {Factor.SPACE: Space.Z, Factor.HEAD: HeadKind.LINEAR, Factor.LATENT: Latent.CLEAN},
    "undistorted-latent": {Factor.LATENT: Latent.CLEAN},
    "slow-gates": {Factor.DRIVE: Drive.SLOW},
    "time-input": {Factor.DRIVE: Drive.TIME},
    "linear-head": {Factor.HEAD: HeadKind.LINEAR, Factor.LATENT: Latent.CLEAN},
    "enough-steps": {Factor.STEPS: Steps.FULL},
    "wider-latent": {Factor.WIDTH: Width.OWN},
    "usual-rate": {Factor.RATE: Rate.GOOD},
    "lighter-kl": {Factor.KL: Kl.DEFAULT},
    "no-decay": {Factor.DECAY: Decay.NONE},
    "masked-loss": {Factor.PADDING: Padding.MASKED},
    "conditions-as-trained": {Factor.CONDITION: Condition.SCALED},
    "scaled-inputs": {Factor.CONDITION: Condition.SCALED},
    "fresh-statistics": {Factor.STATISTICS: Statistics.RUNNING},
    "separate-sequences": {Factor.BATCH: Batch.APART},
    "codes-as-drawn": {Factor.CODES: Codes.PRIOR},
    "delta-space": {Factor.SPACE: Space.DPX},
    "raw-deltas": {Factor.SPACE: Space.PX},
    "loss-as-read": {
        Factor.SPACE: Space.READ,
        Factor.HEAD: HeadKind.LINEAR,
        Factor.LATENT: Latent.CLEAN,
        Factor.DRIVE: Drive.SLOW,
    },
}

#: "Fix A", for any run.
FIX_A = REMEDY_LEVELS["normalised-positions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The content of one report as plain data: codes, best first, and the probes' numbers by code and name."""

    verdict: str
    confidence: str
    causes: tuple[str, ...]
    symptoms: tuple[str, ...]
    remedies: tuple[str, ...]
    measurements: Mapping[str, Mapping[str, float]]
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """The answers about one run: of the trained generator, and of its config alone if it has one."""

    trained: Answer
    preflight: Answer | None


def answer(report: Report, seconds: float) -> Answer:
    """Extract the compared parts of a report."""
    return Answer(
        verdict=report.verdict.value,
        confidence=report.confidence.value,
        causes=tuple(cause.code for cause in report.causes),
        symptoms=tuple(r.code for r in report.probes if r.code in _SYMPTOMS and r.status is Status.FOUND),
        remedies=tuple(remedy.id for remedy in report.chosen_remedies),
        measurements={r.code: dict(r.measurements) for r in report.probes if r.measurements},
        seconds=seconds,
    )


def settings_of(context: Context, genome: Genome) -> dict[str, Value]:
    """Return the config values of a run, all written out."""
    spec_kind = {Kind.TCN: "tcn", Kind.SEQ2SEQ: "seq2seq"}.get(context.kind, "lstm")
    first_version = context.kind is Kind.LSTM_V1
    reads: dict[str, Value] = {"training.output_space": "positions"}
    if context.sums:
        reads = {
            "training.output_space": "deltas",
            "training.warmup_gates": "slow" if genome.drive is Drive.SLOW else "default",
            "training.warmup_space": "read" if genome.space is Space.READ else "loss",
        }
    kl: dict[str, Value] = {}
    if is_humouse(context, genome):  # of another's network a weight would say that its loss has such a term
        kl = {"training.warmup_kl_weight": 10.0 if genome.kl is Kl.HEAVY else 0.1}
    return {
        "experiment_name": "zoo",
        "seed": context.seed,
        "data.dataset_id": context.source.value,
        "data.cache_dir": "data/processed",
        "data.sequence_length": context.length,
        "data.batch_size": context.batch,
        "data.normalize_sequences": genome.space in (Space.DZ, Space.AZ),
        "data.normalize_features": False,
        "data.canonicalize_path": False,
        "data.canonicalize_duration": False,
        "model.architecture": spec_kind,
        "model.generator.latent_dim": context.latent_size(genome),
        "model.generator.condition_dim": genome.condition.channels,
        "model.generator.hidden_dim": context.hidden,
        "model.generator.target_len": context.length,
        "model.generator.num_layers": 2 if context.kind in (Kind.LSTM2, Kind.TCN) else 1,
        "model.generator.output_dim": 3 if first_version else 2,
        "model.generator.activation_xy": genome.head.value,
        "model.generator.activation_dt": "softplus" if first_version else "linear",
        "training.lr.generator": context.learning_rate(genome),
        "training.betas": (0.5, 0.999),
        "training.reconstruction_epochs": context.steps(genome.steps) // context.epoch,
        "training.reconstruction_loss_weight": 1.0,
        "training.absolute_coordinates": genome.space not in (Space.DPX, Space.DZ),
        **reads,
        "training.warmup_latent_normalize": genome.latent.whitens,
        "training.warmup_noise_std": genome.latent.noise_std,
        **kl,
        "training.warmup_encoder_hidden_dim": context.encoder_hidden,
        "training.warmup_encoder_layers": 1,
        "training.warmup_encoder_dropout": 0.0,
        "training.reset_generator_after_warmup": False,
        "logging.checkpoint_dir": "checkpoints",
    }


def config_text(settings: Mapping[str, Value]) -> str:
    """Return the settings as a run's resolved YAML, under `experiment:`."""
    lines = ["experiment:"]
    open_sections: list[str] = []
    for key, value in settings.items():
        *sections, name = key.split(".")
        shared = 0
        while shared < min(len(sections), len(open_sections)) and sections[shared] == open_sections[shared]:
            shared += 1
        lines += [f"{'  ' * (depth + 1)}{sections[depth]}:" for depth in range(shared, len(sections))]
        open_sections = sections
        # JSON's values are YAML's, except for 1e-05, which YAML takes for text.
        spelled = f"{value:.10f}" if isinstance(value, float) else json.dumps(value)
        lines.append(f"{'  ' * (len(sections) + 1)}{name}: {spelled}")
    return "\n".join(lines) + "\n"


def write_run(folder: Path, job: Job, genome: Genome, weights: Mapping[str, Tensor]) -> Request:
    """Write one of humouse's own runs into `folder`, as humouse would leave it; return the request for the tool.

    The pretrainer leaves no config, but a checkpoint of its own shape, rescaled to pixels.
    """
    context = job.context
    targets = targets_of(context, genome, job.raw())
    data = folder / f"gestures_seq{context.length}_feat-none.npz"
    np.savez(data, sequences=targets.written, features=targets.given)
    flat = targets.written.reshape(-1, 3).astype(np.float64)
    statistics = {
        f"{name}_{kind}": getattr(values, kind)(0).tolist()
        for name, values in (("sequence", flat), ("feature", targets.given.astype(np.float64)))
        for kind in ("mean", "std")
    }
    data.with_name(data.name + ".meta.json").write_text(json.dumps(statistics))
    own = {name.removeprefix("network."): tensor for name, tensor in weights.items()}
    checkpoint = folder / "generator_zoo.pt"
    if context.kind is Kind.TABLE:
        torch.save(_pretrained(context, genome, own, targets), checkpoint)
        return Request(checkpoint=checkpoint, data=data, seed=0)
    torch.save(own, checkpoint)
    config = folder / "config.yaml"
    config.write_text(config_text(settings_of(context, genome)))
    return Request(checkpoint=checkpoint, config=config, data=data, seed=0)


def _pretrained(context: Context, genome: Genome, weights: Mapping[str, Tensor], targets: Targets) -> dict[str, object]:
    std, mean = (torch.from_numpy(values).float() for values in (targets.std, targets.mean))
    state = dict(weights)
    state["output.weight"] = state["output.weight"] * std[:, None]
    state["output.bias"] = state["output.bias"] * std + mean
    spec = humouse_spec(context, genome)
    fields: dict[str, object] = {
        "latent_dim": spec.latent_dim,
        "condition_dim": spec.condition_dim,
        "hidden_dim": spec.hidden_dim,
        "num_layers": spec.num_layers,
        "output_dim": spec.output_dim,
        "target_len": spec.target_len,
        "activation_xy": spec.activation_xy.value,
        "activation_dt": spec.activation_dt.value,
    }
    return {"state_dict": state, "config": fields, "position_mean": targets.mean, "position_std": targets.std}


def restored(job: Job, genome: Genome, weights: Mapping[str, Tensor]) -> nn.Module:
    """Return a trained generator in memory, (N, Z) -> (N, T, D)."""
    with torch.random.fork_rng(devices=[]):
        network = generator(job.context, genome)
    network.load_state_dict(dict(weights))
    return network.eval()


def judge(job: Job, genome: Genome, weights: Mapping[str, Tensor]) -> Judgement:
    """Ask the tool about one run."""
    context = job.context
    if not is_humouse(context, genome):
        network = restored(job, genome, weights)
        targets = targets_of(context, genome, job.raw())
        conditions = None
        if genome.condition.channels:
            network, conditions = Conditioned(network), targets.given
        told = settings_of(context, genome).items()
        settings = {key: value for key, value in told if key in BY_NAME and key != "model.architecture"}
        start = time.perf_counter()
        report = inspect(
            generator=network,
            settings=settings,
            targets=targets.values,
            conditions=conditions,
            latent_dim=context.latent_size(genome),
        )
        return Judgement(trained=answer(report, time.perf_counter() - start), preflight=None)
    with tempfile.TemporaryDirectory(prefix="zoo-") as folder:
        request = write_run(Path(folder), job, genome, weights)
        start = time.perf_counter()
        trained = answer(report_on(request), time.perf_counter() - start)
        if request.config is None:
            return Judgement(trained=trained, preflight=None)
        start = time.perf_counter()
        before = report_on(Request(config=request.config, data=request.data, seed=0))
        return Judgement(trained=trained, preflight=answer(before, time.perf_counter() - start))


@lru_cache(maxsize=1)
def tool_digest() -> str:
    """Return a digest of the tool's sources and of how it is asked."""
    folder = Path(humouse_doctor.__file__).parent
    digest = hashlib.sha256(f"judge {JUDGE_VERSION}".encode())
    for path in sorted(folder.rglob("*.py")):
        digest.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()[:12]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One run to judge, and the cache for its answer."""

    job: Job
    genome: Genome
    folder: Path
    tool: str

    @property
    def path(self) -> Path:
        """The file for the answer; it differs between versions of the tool."""
        return self.folder / "judged" / self.tool / f"{self.job.key}-{self.genome.steps.value}.json"


def judge_all(questions: Iterable[Question], workers: int, say: Callable[[str], None]) -> list[Judgement]:
    """Ask the tool about each run without a stored answer; return the answers in order."""
    asked = list(questions)
    left = [question for question in asked if not question.path.exists()]
    say(f"runs to judge: {len(left)}")
    for folder in {question.path.parent for question in asked}:
        folder.mkdir(parents=True, exist_ok=True)
    each(left, _ask, min(workers, max(1, len(left))), say)
    return [_read(question.path) for question in asked]


def _ask(question: Question) -> str:
    weights = Cache(question.folder).weights(question.job.key, question.genome.steps)
    found = judge(question.job, question.genome, weights)
    write_whole(question.path, json.dumps(asdict(found)).encode())
    causes = " ".join(found.trained.causes)
    return f"{question.job.context.name}/{question.genome.name}: {found.trained.verdict} {causes}"


def _read(path: Path) -> Judgement:
    stored = json.loads(path.read_text())
    before = stored["preflight"]
    return Judgement(trained=_answer(stored["trained"]), preflight=None if before is None else _answer(before))


def _answer(stored: dict[str, Any]) -> Answer:
    plain: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in stored.items()}
    return Answer(**plain)


def patched(context: Context, genome: Genome, remedies: Iterable[str]) -> tuple[Context, Genome] | None:
    """Return the run after some remedies, where each factor is moved by the first remedy that names it.

    A longer warm-up has exactly the steps that its remedy asks for, as the full length of a context of its own. Returns None if
    no remedy moves anything, or if one changes the architecture; a remedy that leaves everything as it is counts as none.
    """
    remedies = tuple(remedies)
    if "seq2seq" in remedies:
        return None
    levels: dict[Factor, Level] = {}
    times = 1
    for remedy in remedies:
        if remedy.startswith(_LONGER):
            times = max(times, int(remedy.removeprefix(_LONGER).removesuffix("x")))
        for factor, level in REMEDY_LEVELS.get(remedy, {}).items():
            if factor is not Factor.DRIVE or context.kind not in (Kind.TCN, Kind.NORMED):
                levels.setdefault(factor, level)
    moved = genome.moved(levels)
    if times > 1:
        context = replace(context, full_steps=context.steps(genome.steps) * times)
        moved = moved.moved({Factor.STEPS: Steps.FULL})
    return (context, moved) if (times > 1 or moved != genome) and trainable(context, moved) else None
