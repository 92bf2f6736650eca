"""Watch a generator while it trains: look at it every so many optimiser steps, and say so once it will end in a collapse."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from humouse_doctor.cases.from_module import Bound, bind, bind_run, observed
from humouse_doctor.cases.request import Request
from humouse_doctor.core.arrays import FloatArray
from humouse_doctor.core.cost import Look
from humouse_doctor.core.errors import InputError, UsageError
from humouse_doctor.core.settings import Value
from humouse_doctor.core.text import full_reason
from humouse_doctor.core.verdict import Verdict
from humouse_doctor.core.version import VERSION
from humouse_doctor.core.watching import WATCH_FILE, Beginning, Ending, Moment
from humouse_doctor.diagnosis.diagnose import diagnose
from humouse_doctor.diagnosis.examine import examine
from humouse_doctor.diagnosis.losses import knowing_nothing
from humouse_doctor.diagnosis.outlook import Outlook, margins_in, margins_of
from humouse_doctor.diagnosis.plugins import with_broken
from humouse_doctor.inputs.config.reader import spell
from humouse_doctor.live.figure import Image, image_of
from humouse_doctor.live.glance import Glance, glance
from humouse_doctor.networks.priors import Draw
from humouse_doctor.probes.registry import current
from humouse_doctor.service.python_report import Report
from humouse_doctor.stored.watch import line_of, read

#: What a watch calls with the step and the numbers of a glance, by names like `doctor/HD101.spread_ratio`.
Log = Callable[[int, Mapping[str, float]], object]
#: What a watch calls with the step and an image (H, W, 3) of real paths beside generated ones.
Sketch = Callable[[int, Image], object]
#: Optimisers whose step is at most about the learning rate, for which the probes can estimate how far a training gets.
_ADAMS = ("adam", "adamw", "nadam", "radam", "adamax")
#: The attribute of an optimiser that holds the hooks of its watches by their generators.
_HANDLES = "_humouse_doctor_watches"
#: Samples of a whole diagnosis.
_REPORTED = 512


class Collapsed(RuntimeError):
    """A training that will end in a collapse; `report` has the diagnosis at that step, None if it could not be made."""

    def __init__(self, message: str, report: Report | None) -> None:
        super().__init__(message)
        self.report = report


class CollapseWarning(UserWarning):
    """Says once that a watched training will end in a collapse."""


def watch(
    generator: nn.Module,
    optimizer: Optimizer | Sequence[Optimizer] | None = None,
    *,
    targets: FloatArray | Tensor | None = None,
    settings: Mapping[str, Value] | None = None,
    config: str | Path | None = None,
    data: str | Path | None = None,
    source: str | Path | None = None,
    conditions: FloatArray | Tensor | None = None,
    latent_dim: int | None = None,
    codes: FloatArray | Tensor | None = None,
    sampler: Draw | None = None,
    part: str | int | None = None,
    every: int = 50,
    steps: int | None = None,
    start: int = 0,
    samples: int = 64,
    seed: int = 0,
    stop: bool = False,
    history: str | Path | None = None,
    log: Log | None = None,
    draw: Sketch | None = None,
) -> Watch:
    """Watch `generator` while `optimizer` trains it: every so many of its steps draw a few samples and judge them.

    Either `targets` (N, T, D), or (N, T) of one channel, are what the loss compares, with the config's values in `settings`; or
    `config` and `data` are the run's files, by which the space of its loss is known and the one that its program reads. The
    config may be the run's folder, and the data is then looked for where it says. The other parameters that describe the
    generator are those of `inspect`. Without an optimiser, call `Watch.look` yourself. A generator that was compiled or wrapped
    for data-parallel training is looked at as the module within; of several processes only the first looks.

    `steps` are those of the whole training, else found in the settings if they tell; after the last one the watch closes
    itself. `start` is the first step of a resumed training. `samples` are drawn at each glance, from the same latents each
    time. Weights, modes, buffers, gradients and random states are left as they were, so that the losses do not change. With
    `history`, a folder or a file, each glance is appended to `watch.jsonl` there; `log` gets the step and the numbers, and
    `draw` the step and an image (H, W, 3) of bytes, real paths on the left and generated ones on the right.

    A collapse is said once, by a `CollapseWarning`, and `Watch.should_stop` is then true; with `stop` it raises `Collapsed` out
    of `optimizer.step()`. Nothing else that goes wrong after the start ends a training: it is one warning, and the watch ends.
    Raises `DoctorError` in one line if the arguments do not fit the generator.
    """
    network = _within(generator)
    if (targets is None) == (config is None):
        raise UsageError("watch takes either targets, with settings, or a config with data")
    if every < 1 or samples < 2:
        raise UsageError(f"every is {every} and samples {samples}; expected at least 1 and 2")
    if start < 0 or (steps is not None and steps <= start):
        raise UsageError(f"start is {start} and steps {steps}; expected a start from 0 on, and more steps than that")
    if stop and torch.distributed.is_available() and torch.distributed.is_initialized():
        raise UsageError(
            "stop=True would end one process of several, and the others would wait; use should_stop in all of them"
        )
    if isinstance(optimizer, list | tuple):
        optimizer = trainer_of(network, [one for one in optimizer if isinstance(one, Optimizer)])
        if optimizer is None:
            raise UsageError("none of the optimisers has a parameter of the generator")
    if optimizer is not None and not isinstance(optimizer, Optimizer):
        raise UsageError(f"optimizer is a {type(optimizer).__name__}; expected a torch.optim.Optimizer, or some of them")
    look = Look(samples=_REPORTED)  # what cannot be afforded at the end is refused before the training
    given = dict(settings or {})
    if config is not None:
        if conditions is not None or latent_dim is not None:
            raise UsageError("conditions and latent_dim go with targets; a config and its data tell them")
        request = Request(
            config=Path(config),
            data=None if data is None else Path(data),
            source=None if source is None else Path(source),
            overrides=tuple(f"{key}={spell(value)}" for key, value in given.items()),
            seed=seed,
        )
        bound = bind_run(network, request, codes=codes, sampler=sampler, part=part, look=look)
    else:
        if data is not None or source is not None:
            raise UsageError("data and source go with a config; give the targets that the loss compares, or a config")
        if optimizer is not None:
            rate = rate_of(network, optimizer)
            if rate is not None and not {"lr", "training.lr.generator"} & set(given):
                given["training.lr.generator"] = rate
        bound = bind(
            network,
            given,
            _array(targets),
            _array(conditions),
            latent_dim=latent_dim,
            codes=codes,
            sampler=sampler,
            part=part,
            look=look,
        )
        if bound.notes.findings:  # of targets that the caller has prepared, each shape is meant
            raise UsageError(f"the targets do not fit the generator: {bound.notes.findings[0].message}")
    watching = Watch(
        bound, every=every, steps=steps, start=start, samples=samples, seed=seed, stop=stop, history=history, log=log, draw=draw
    )
    if optimizer is not None:
        watching.attach(optimizer)
    return watching


class Watch:
    """A watch over one generator, made by `watch`; also a context manager, which closes it at the end of its block."""

    def __init__(
        self,
        bound: Bound,
        *,
        every: int,
        steps: int | None,
        start: int,
        samples: int,
        seed: int,
        stop: bool,
        history: str | Path | None,
        log: Log | None,
        draw: Sketch | None,
    ) -> None:
        self.step = start
        self.every = every
        self._bound, self._samples, self._seed, self._stop = bound, samples, seed, stop
        self._log, self._draw = log, draw
        self._outlook = Outlook.of(bound.case, steps, start)
        self._inside = False
        self._loss: float | Tensor | None = None
        self._moment: Moment | None = None
        self._last: Glance | None = None
        self._said = False
        self._answer: Report | None = None
        self._quiet, self._ended = not _is_first(), False
        self._handle: torch.utils.hooks.RemovableHandle | None = None
        self._history = None if history is None or self._quiet else _file_of(Path(history))
        self._remember(start)
        self._write(self._beginning())

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None:
            self.close()
        else:
            self.detach()

    def __repr__(self) -> str:
        return f"<Watch at step {self.step}: {self.verdict.value}>"

    @property
    def verdict(self) -> Verdict:
        """The verdict on the end of this training, at its pace so far; undetermined while it is too early to say."""
        return Verdict.UNDETERMINED if self._moment is None else self._moment.outlook

    @property
    def should_stop(self) -> bool:
        """True once this training will not get out of its collapse, at its pace so far."""
        return self.verdict is Verdict.COLLAPSED

    @property
    def moment(self) -> Moment | None:
        """The last glance, None before the first."""
        return self._moment

    def attach(self, optimizer: Optimizer) -> None:
        """Count the steps of an optimiser, and glance after every so many; a watch attached to it before is detached.

        Raises `UsageError` for a watch that has ended: what it has seen is over.
        """
        if self._ended:
            raise UsageError(f"this watch ended at step {self.step:,}; make a new one with humouse_doctor.watch")
        optimizer, network = _inner(optimizer), self._bound.network
        if _trained(optimizer).isdisjoint(map(id, network.parameters())):
            _warn("the optimiser has none of the watched generator's parameters: that is right for an EMA's copy alone")
        if self._handle is not None:
            self._handle.remove()
        watches: dict[int, torch.utils.hooks.RemovableHandle] = getattr(optimizer, _HANDLES, {})
        setattr(optimizer, _HANDLES, watches)
        if id(network) in watches:
            watches[id(network)].remove()
        watches[id(network)] = self._handle = optimizer.register_step_post_hook(self._stepped)

    def detach(self) -> None:
        """Stop looking, and remove the hook from the optimiser; called within its step, leave a hook that does nothing."""
        self._quiet = self._ended = True
        if self._handle is not None and not self._inside:  # torch goes through the hooks: none may be removed by one of them
            self._handle.remove()
            self._handle = None

    def record(self, loss: float | Tensor) -> None:
        """Keep the training's loss, which the next glance notes beside its numbers."""
        self._loss = loss.detach() if isinstance(loss, Tensor) else loss

    def look(self, step: int | None = None) -> Moment | None:
        """Glance at the generator now, at `step` or at the counted one; None once the watch has ended.

        Raises `Collapsed` if the watch was told to stop, else nothing.
        """
        if self._quiet:
            return None
        if step is not None:
            self.step = step
        try:
            found = glance(self._bound, self.step, samples=self._samples, seed=self._seed)
            self._last = found
            self._moment = moment = self._moment_of(found)
            self._write(moment)
            self._tell(found)
        except Exception as error:  # a training is never broken by what watches it
            self._give_up(error)
            return None
        if self.should_stop and not self._said:
            self._said = True
            self._say()
        return self._moment

    def report(self, samples: int = _REPORTED) -> Report:
        """Return the whole diagnosis of the generator as it is now, with fitted latents; raises `DoctorError` in one line."""
        loaded = observed(
            self._bound, samples=samples, seed=self._seed, quick=False, name=f"the generator at step {self.step:,}"
        )
        return Report.of(diagnose(with_broken(loaded), examine(loaded.case)))

    def close(self) -> Report | None:
        """End the watch with a last look, and return the whole diagnosis as of its end; None if it was detached or broke."""
        if self._quiet:
            return self._answer
        try:
            if self._moment is None or self._moment.step < self.step:
                self._stop = False
                self.look()
            self._answer = answer = self.report()
            ending = Ending(step=self.step, verdict=answer.verdict, sentence=answer.sentence)
            self._write(ending)
        except Exception as error:  # as of a glance
            self._give_up(error)
        self.detach()
        return self._answer

    def _remember(self, start: int) -> None:
        """Let the outlook of a resumed training know what was seen before its first step, by the history."""
        if self._history is None or start <= 0 or not self._history.exists():
            return
        try:
            seen = read(self._history).moments
        except InputError as error:
            _warn(f"{error}; what was seen before step {start:,} is not known")
            return
        for moment in seen:
            if moment.step <= start:
                self._outlook.after(moment.step, moment.now, margins_in(moment.measures), moment.causes)

    def _stepped(self, optimizer: Optimizer, *_: Any) -> None:
        if self._quiet or _was_skipped(optimizer):
            return
        self.step += 1
        self._inside = True
        try:
            if self.step % self.every == 0:
                self.look()
            if self.step == self._outlook.steps:
                self.close()
        finally:
            self._inside = False

    def _moment_of(self, found: Glance) -> Moment:
        loss = None
        with suppress(TypeError, ValueError, RuntimeError):  # what is not one number is no loss
            loss = None if self._loss is None else float(self._loss)
        causes = tuple(cause.code for cause in found.causes)
        self._loss = None
        return Moment(
            step=found.step,
            now=found.verdict,
            outlook=self._outlook.after(found.step, found.verdict, margins_of(found.results), causes),
            causes=causes,
            measures=MappingProxyType(found.measures),
            loss=loss,
        )

    def _tell(self, found: Glance) -> None:
        if self._log is not None:
            numbers = {f"doctor/{code}.{name}": value for code, name, value in found.numbers}
            try:
                self._log(found.step, {**numbers, "doctor/collapsed": float(self.should_stop)})
            except Exception as error:  # the caller's own code
                self._log = None
                _warn(f"the log given to humouse_doctor.watch failed and is not called again: {full_reason(error)}")
        image = None if self._draw is None else image_of(found.case)
        if self._draw is not None and image is not None:
            try:
                self._draw(found.step, image)
            except Exception as error:  # as above
                self._draw = None
                _warn(f"the draw given to humouse_doctor.watch failed and is not called again: {full_reason(error)}")

    def _write(self, part: Beginning | Moment | Ending) -> None:
        if self._history is None:
            return
        try:
            self._history.parent.mkdir(parents=True, exist_ok=True)
            with self._history.open("ab") as stream:
                stream.write(line_of(part))
        except OSError as error:
            _warn(f"{self._history}: cannot write the watch, and it goes on without: {full_reason(error)}")
            self._history = None

    def _beginning(self) -> Beginning:
        constant, motionless = knowing_nothing(self._bound.case)
        assert self._bound.case.network is not None
        return Beginning(
            tool_version=VERSION,
            generator=self._bound.case.network.label,
            steps=self._outlook.steps,
            every=self.every,
            start=self.step,
            best_constant=constant,
            motionless=motionless,
        )

    def _say(self) -> None:
        message = self._message()
        if self._stop:
            report = None
            try:
                report = self.report()
                ending = Ending(step=self.step, verdict=report.verdict, sentence=report.sentence)
            except Exception:  # the training is told to stop all the same
                ending = Ending(step=self.step, verdict=Verdict.COLLAPSED, sentence=message)
            self._write(ending)
            self.detach()
            raise Collapsed(f"{message}; .report has the diagnosis", report)
        _warn(f"{message}; Watch.report() has the diagnosis", CollapseWarning)

    def _message(self) -> str:
        assert self._last is not None
        of = "" if self._outlook.steps is None else f" of {self._outlook.steps:,}"
        seen = [
            current().by_code[result.code].brief(result.measurements)
            for result in self._last.results.values()
            if result.code in self._last.symptoms
        ]
        causes = [f"{cause.code} {cause.name}" for cause in self._last.causes]
        why = f"; the likeliest cause: {causes[0]}" if causes else "; no cause found yet"
        return (
            f"step {self.step:,}{of}: the generator has collapsed, and at this pace it stays so:"
            f" {', '.join(filter(None, seen)) or 'no symptom has words'}{why}"
        )

    def _give_up(self, error: Exception) -> None:
        self.detach()
        _warn(f"the watch of the generator ended at step {self.step:,}, and the training goes on without: {full_reason(error)}")


def _warn(message: str, kind: type[Warning] = RuntimeWarning) -> None:
    with suppress(Warning):  # where warnings are errors, this one is none: the training goes on
        warnings.warn(f"humouse-doctor: {message}", kind, stacklevel=2)


def found_in(module: nn.Module, generator: str | Callable[[Any], nn.Module]) -> nn.Module:
    """Return the generator within a module, by its dotted name or by a function; raise `UsageError` if there is none."""
    found: object = None
    if callable(generator):
        found = generator(module)
    else:
        with suppress(AttributeError):
            found = module.get_submodule(generator)
    if isinstance(found, nn.Module):
        return found
    raise UsageError(
        f"{type(module).__name__} has no module called {generator!r}; give its dotted name, as model.generator, or a function"
        " that returns it"
    )


def _within(generator: nn.Module) -> nn.Module:
    """Return the module that a compiled or data-parallel wrapper calls."""
    for name in ("module", "_orig_mod"):
        inner = getattr(generator, name, None)
        wrapped = type(generator).__name__ in ("DistributedDataParallel", "DataParallel", "OptimizedModule")
        if wrapped and isinstance(inner, nn.Module):
            return _within(inner)
    return generator


def _inner(optimizer: Optimizer) -> Optimizer:
    """Return the optimiser that a wrapper, such as accelerate's, steps."""
    inner = getattr(optimizer, "optimizer", None)
    return _inner(inner) if isinstance(inner, Optimizer) else optimizer


def _is_first() -> bool:
    """Return True in the only process of a training, and in the first of several."""
    distributed = torch.distributed
    return not (distributed.is_available() and distributed.is_initialized()) or distributed.get_rank() == 0


def rate_of(network: nn.Module, optimizer: Optimizer) -> float | None:
    """Return the learning rate that an Adam moves the network's parameters with, None for another optimiser.

    Of one that a schedule changes it is the rate that the schedule began with.
    """
    optimizer = _inner(optimizer)
    if type(optimizer).__name__.lower() not in _ADAMS:
        return None
    own = {id(parameter) for parameter in network.parameters()}
    for group in optimizer.param_groups:
        if any(id(parameter) in own for parameter in group["params"]):
            return float(group.get("initial_lr", group["lr"])) or None
    return None


def steps_made(optimizer: Optimizer | None) -> int:
    """Return the steps that an optimiser's state has counted, 0 for one that counts none."""
    counted = () if optimizer is None else (one.get("step", 0) for one in _inner(optimizer).state.values())
    return max((int(one) for one in counted), default=0)


def any_says(stop: bool, device: torch.device | str = "cpu") -> bool:
    """Return True if `stop` is true in any process of a training; each of them has to call this."""
    distributed = torch.distributed
    if not (distributed.is_available() and distributed.is_initialized()) or distributed.get_world_size() == 1:
        return stop
    said = torch.tensor([float(stop)], device=device)
    distributed.all_reduce(said, op=distributed.ReduceOp.MAX)
    return bool(said.item())


def trainer_of(network: nn.Module, optimizers: Sequence[Optimizer]) -> Optimizer | None:
    """Return the first optimiser that has a parameter of the network."""
    own = {id(parameter) for parameter in network.parameters()}
    return next((one for one in optimizers if own & _trained(one)), None)


def _trained(optimizer: Optimizer) -> set[int]:
    return {id(parameter) for group in optimizer.param_groups for parameter in group["params"]}


def _was_skipped(optimizer: Optimizer) -> bool:
    """Return True if a fused optimiser left its step out, since AMP's scaler had found infinite gradients."""
    found = getattr(optimizer, "found_inf", None)
    return isinstance(found, Tensor) and bool(found.item())


def _array(values: FloatArray | Tensor | None) -> FloatArray | None:
    return values.detach().to("cpu", torch.float64).numpy() if isinstance(values, Tensor) else values


def _file_of(history: Path) -> Path:
    """Return the file of a history given as a file or as a folder."""
    return history if history.suffix == ".jsonl" else history / WATCH_FILE
