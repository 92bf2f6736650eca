"""Run trials with the user's own program: fill each arm's overrides into a command, and inspect its checkpoint."""

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

from humouse_doctor.cases.load import load_case
from humouse_doctor.cases.request import Request
from humouse_doctor.core.errors import DoctorError, InputError, UsageError
from humouse_doctor.core.outcome import Trial
from humouse_doctor.core.remedy import Edit
from humouse_doctor.core.text import reason
from humouse_doctor.diagnosis.diagnose import diagnose
from humouse_doctor.diagnosis.examine import examine
from humouse_doctor.inputs.config import patcher, reader
from humouse_doctor.verify.bench import Bench, Job, OnPulse
from humouse_doctor.verify.effects import called_healthy

_OVERRIDES = "{overrides}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A training command as typed in a shell, with `{overrides}` where the arm's overrides go.

    `text` and `checkpoint`, the file the command writes, may contain `{arm}` and `{seed}`; `logs` is the folder for its
    output. The command runs without a shell and is killed, with all its children, after `timeout_s` seconds.
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
    """A bench whose trials are run by the user's program."""

    bench: Bench
    command: Command

    def run(self, job: Job, on_pulse: OnPulse) -> Trial:
        """Run the command and inspect its checkpoint; any failure becomes a failed trial with its reason."""
        del on_pulse  # another program's output says nothing about its progress
        needs = [change.value for change in job.arm.code_changes]
        if needs:
            return _failed(job, f"needs a change of the trainer's code, which no override can make: {', '.join(needs)}")
        try:
            return self._inspected(job, self._train(job))
        except DoctorError as error:
            return _failed(job, str(error))

    def _train(self, job: Job) -> Path:
        """Run the command and return its checkpoint; raise `DoctorError` if there is none."""
        name = _file_name(job)
        checkpoint = Path(_filled(self.command.checkpoint, name, job.seed))
        log = self.command.logs / f"{name}.log"
        words = list(self._words(job, name))
        before = time.time()
        try:
            self.command.logs.mkdir(parents=True, exist_ok=True)
            log.unlink(missing_ok=True)  # never write through an existing link
            with log.open("xb") as stream:
                stream.write(command_line(words))
                stream.flush()
                code = _exit_code(words, stream.fileno(), self.command.timeout_s)
        except OSError as error:
            raise InputError(f"{log}: cannot write the trainer's output: {reason(error)}") from None
        if code is None:
            limit = f"{self.command.timeout_s:g} s"
            raise InputError(f"the trainer did not end within {limit} and was killed; its output is in {log}")
        if code != 0:
            raise InputError(f"the trainer ended with {_exit_words(code)}; its output is in {log}")
        if not checkpoint.exists():
            raise InputError(f"the trainer left no {checkpoint}; its output is in {log}")
        if checkpoint.stat().st_mtime < before - 2:  # file systems round timestamps
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
        loaded = load_case(request, gestures=self.bench.gestures, config=config, source=self.bench.source)
        results = examine(loaded.case)
        report = diagnose(loaded, results)
        return Trial(
            arm=job.arm.key,
            seed=job.seed,
            planned=job.steps,
            steps=job.steps,
            measurements=MappingProxyType({f"{r.code}.{name}": v for r in results for name, v in r.measurements.items()}),
            healthy=called_healthy(results, report),
            causes=tuple(cause.code for cause in report.causes),
            offered=tuple(remedy.id for remedy in (*report.chosen_remedies, *report.remedies)),
            patch=tuple(remedy.id for remedy in report.chosen_remedies),
        )


def command_line(words: list[str]) -> bytes:
    """Return the command quoted for a shell, as one line; it begins the log of its output."""
    return os.fsencode(f"$ {shlex.join(words)}".replace("\n", "\\n")) + b"\n"


def _failed(job: Job, reason: str) -> Trial:
    return Trial(arm=job.arm.key, seed=job.seed, planned=job.steps, failed=reason)


def _file_name(job: Job) -> str:
    """Return a name for the arm's files: its title in letters, digits and dashes, and a digest unique to the arm."""
    arm = re.sub(r"[^A-Za-z0-9]+", "-", job.arm.title).strip("-")[:40].strip("-")
    digest = f"-{hashlib.sha256(job.arm.key.encode()).hexdigest()[:6]}" if job.arm.key else ""
    return f"{arm or 'arm'}{digest}-seed{job.seed}"


def _filled(word: str, name: str, seed: int) -> str:
    return word.replace("{arm}", name).replace("{seed}", str(seed))


def _exit_words(code: int) -> str:
    """Describe an exit code; a negative one is a signal's number."""
    return f"exit code {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"


def _exit_code(words: list[str], output: int, timeout_s: float) -> int | None:
    """Run the command and return its exit code, None on a timeout.

    On a timeout or an interruption, all processes it started are killed.
    """
    try:
        process = subprocess.Popen(  # noqa: S603  # nosec B603  # running the command the user gave is what the option is for
            words, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    except OSError as error:
        raise UsageError(f"--trainer: cannot run {words[0]}: {reason(error)}") from None
    try:
        return process.wait(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        return None
    finally:
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
