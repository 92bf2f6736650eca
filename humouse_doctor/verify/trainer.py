"""Trials by the user's own program: each arm's overrides filled into a command, and the checkpoint it leaves inspected."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shlex
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from humouse_doctor.cases.loading import Request, load_case
from humouse_doctor.core.errors import DoctorError, InputError, UsageError
from humouse_doctor.core.outcome import Trial
from humouse_doctor.core.remedy import Edit
from humouse_doctor.diagnosis.diagnose import diagnose
from humouse_doctor.diagnosis.examine import examine
from humouse_doctor.inputs.config import patcher, reader
from humouse_doctor.verify.bench import Bench, Job, Tick
from humouse_doctor.verify.effects import is_healthy

_OVERRIDES = "{overrides}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A training command as on a shell's line, with `{overrides}` where the arm's overrides go.

    `{arm}` and `{seed}` may stand in it and in `checkpoint`, the file it leaves; `logs` is the folder its output is kept
    in. It runs without a shell and is killed, with all it started, after `timeout_s`.
    """

    text: str
    checkpoint: str
    logs: Path
    timeout_s: float = 3600.0

    def __post_init__(self) -> None:
        try:
            words = shlex.split(self.text)
        except ValueError as error:
            raise UsageError(f"--trainer {self.text}: {error}") from None
        if _OVERRIDES not in words:
            raise UsageError(f"--trainer {self.text}: expected {_OVERRIDES} as a word of its own, where the arm's overrides go")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainerBench:
    """A bench whose trials the user's program makes."""

    bench: Bench
    command: Command

    def run(self, job: Job, tick: Tick) -> Trial:
        """Run the command and inspect what it left; whatever goes wrong is a trial that failed, with its reason."""
        del tick  # what another program prints is no progress that could be shown
        needs = [change.value for change in job.arm.code_changes]
        if needs:
            return _failed(job, f"needs a change of the trainer's code, which no override makes: {', '.join(needs)}")
        try:
            return self._inspected(job, self._train(job))
        except DoctorError as error:
            return _failed(job, str(error))

    def _train(self, job: Job) -> Path:
        """The checkpoint that the command left; raises `DoctorError` where it did not."""
        name = _file_name(job)
        checkpoint = Path(_filled(self.command.checkpoint, name, job.seed))
        log = self.command.logs / f"{name}.log"
        words = list(self._words(job, name))
        before = time.time()
        try:
            self.command.logs.mkdir(parents=True, exist_ok=True)
            log.unlink(missing_ok=True)  # a link there, or another name of an input, is not written through
            with log.open("xb") as stream:
                stream.write(command_line(words))
                stream.flush()
                code = _ended(words, stream.fileno(), self.command.timeout_s)
        except OSError as error:
            raise InputError(f"{log}: cannot write the trainer's output: {error.strerror or error}") from None
        if code is None:
            limit = f"{self.command.timeout_s:g} s"
            raise InputError(f"the trainer did not end within {limit} and was killed; its output is in {log}")
        if code != 0:
            raise InputError(f"the trainer ended with {_said(code)}; its output is in {log}")
        if not checkpoint.exists():
            raise InputError(f"the trainer left no {checkpoint}; its output is in {log}")
        if checkpoint.stat().st_mtime < before - 2:  # file systems round their times
            raise InputError(f"the trainer left {checkpoint} as it was before; its output is in {log}")
        return checkpoint

    def _words(self, job: Job, name: str) -> Iterator[str]:
        settings = self.bench.read.settings
        prefix = patcher.override_prefix(str(self.bench.config), settings.prefix)
        for word in shlex.split(self.command.text):
            if word == _OVERRIDES:
                given = (text.partition("=")[0].strip().removeprefix("experiment.") for text in self.bench.overrides)
                asked = (Edit(key=key, old=None, new=settings.value(key), absent=key not in settings.in_file) for key in given)
                yield from (patcher.override(edit, prefix) for edit in (*asked, *job.arm.edits))
            else:
                yield _filled(word, name, job.seed)

    def _inspected(self, job: Job, checkpoint: Path) -> Trial:
        request = Request(checkpoint=checkpoint, config=self.bench.config, samples=self.bench.samples)
        config = reader.edited(self.bench.read, job.arm.edits)
        loaded = load_case(request, gestures=self.bench.gestures, config=config)
        results = examine(loaded.case)
        report = diagnose(loaded, results)
        return Trial(
            arm=job.arm.key,
            seed=job.seed,
            planned=job.steps,
            steps=job.steps,
            measurements=MappingProxyType({f"{r.code}.{name}": v for r in results for name, v in r.measurements.items()}),
            healthy=is_healthy(results),
            causes=tuple(cause.code for cause in report.causes),
            offered=tuple(remedy.id for remedy in report.chosen_remedies + report.remedies),
        )


def command_line(words: list[str]) -> bytes:
    """The command as a shell would take it, on the one line of its own that begins a log."""
    return os.fsencode(f"$ {shlex.join(words)}".replace("\n", "\\n")) + b"\n"


def _failed(job: Job, reason: str) -> Trial:
    return Trial(arm=job.arm.key, seed=job.seed, planned=job.steps, failed=reason)


def _file_name(job: Job) -> str:
    """A name for the arm's files: its own in letters, digits and dashes, and a digest that no other arm has."""
    arm = re.sub(r"[^A-Za-z0-9]+", "-", job.arm.title).strip("-")[:40].strip("-")
    digest = f"-{hashlib.sha256(job.arm.key.encode()).hexdigest()[:6]}" if job.arm.key else ""
    return f"{arm or 'arm'}{digest}-seed{job.seed}"


def _filled(word: str, name: str, seed: int) -> str:
    return word.replace("{arm}", name).replace("{seed}", str(seed))


def _said(code: int) -> str:
    """An exit code in words; a negative one is a signal's number."""
    return f"exit code {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"


def _ended(words: list[str], output: int, timeout_s: float) -> int | None:
    """The command's exit code, None where it ran out of time; all it started is killed then, and on an interruption."""
    try:
        process = subprocess.Popen(  # noqa: S603  # nosec B603  # running the command the user gave is what the option is for
            words, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    except OSError as error:
        raise UsageError(f"--trainer: cannot run {words[0]}: {error.strerror or error}") from None
    try:
        return process.wait(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        return None
    finally:
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
