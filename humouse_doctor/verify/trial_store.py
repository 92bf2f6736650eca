"""Trials kept as they end, so that a verify that was ended goes on where it stopped."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from humouse_doctor.core.outcome import Outcome, Trial
from humouse_doctor.inputs.files import replace_file
from humouse_doctor.stored import outcome as outcome_json
from humouse_doctor.verify.bench import Job


class Kept:
    """The trials of one outcome, in a file where one is named; it is replaced as a whole after each."""

    def __init__(self, path: Path | None, outcome: Outcome) -> None:
        self._path = path
        self.outcome = outcome

    def find(self, job: Job) -> Trial | None:
        """The trial of `job` where it was made before, with as many steps; one that failed is made again."""
        for trial in self.outcome.trials:
            if (trial.arm, trial.seed, trial.planned) == (job.arm.key, job.seed, job.steps) and trial.failed is None:
                return trial
        return None

    def add(self, trial: Trial) -> None:
        """Keep one more trial, in the place of one that failed."""
        others = (one for one in self.outcome.trials if (one.arm, one.seed) != (trial.arm, trial.seed))
        self.write(replace(self.outcome, trials=(*others, trial)))

    def write(self, outcome: Outcome) -> None:
        """Put `outcome` in the place of what was kept."""
        self.outcome = outcome
        if self._path is not None:
            replace_file(self._path, outcome_json.render(outcome).encode(), own=True)
