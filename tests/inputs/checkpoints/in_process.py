"""The loader without its process: the same question and answer, read in the test's own interpreter.

It serves tests on honest files. Those on hostile files use real processes; they are in tests/hostile.
"""

from __future__ import annotations

import io
from contextlib import ExitStack
from typing import IO

from humouse_doctor.inputs.checkpoints import protocol, worker
from humouse_doctor.inputs.checkpoints.protocol import Answer, Question


class _Questions(io.BytesIO):
    """The loader's stdin: closing it answers the question written to it."""

    def __init__(self, answers: io.BytesIO) -> None:
        super().__init__()
        self._answers = answers

    def close(self) -> None:
        if not self.closed and self.getvalue():
            question = Question.parse(self.getvalue())
            with ExitStack() as stack:
                place = self._answers.tell()
                self._answers.seek(0, io.SEEK_END)
                try:
                    worker.write_answer(question, worker.opened(question, stack), self._answers)
                except worker.Refused as refusal:
                    protocol.send(Answer(refusal=str(refusal)), self._answers)
                self._answers.seek(place)
        super().close()


class InProcess:
    """A stand-in for the loader's process."""

    def __init__(self) -> None:
        answers = io.BytesIO(protocol.READY)
        self.stdout: IO[bytes] | None = answers
        self.stdin: IO[bytes] | None = _Questions(answers)

    def kill(self) -> None:
        """Do nothing: there is no process."""

    def wait(self) -> int:
        return 0
