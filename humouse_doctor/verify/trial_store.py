"""Store trials as they end, so that an interrupted verify can continue."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from humouse_doctor.core.outcome import Outcome, Trial
from humouse_doctor.inputs.files import replace_file
from humouse_doctor.stored import outcome as outcome_json
from humouse_doctor.verify.bench import Job


class TrialStore:
    """The trials of one outcome, in memory and, if a path is given, in a file that is replaced as a whole after each trial."""

    def __init__(self, path: Path | None, outcome: Outcome) -> None:
        self._path = path
        self.outcome = outcome

    def find(self, job: Job) -> Trial | None:
        """Return the stored trial of `job` with as many steps, None if there is none or it failed."""
        for trial in self.outcome.trials:
            if (trial.arm, trial.seed, trial.planned) == (job.arm.key, job.seed, job.steps) and trial.failed is None:
                return trial
        return None

    def add(self, trial: Trial) -> None:
        """Add a trial; it replaces one of the same arm and seed."""
        others = (one for one in self.outcome.trials if (one.arm, one.seed) != (trial.arm, trial.seed))
        self.write(replace(self.outcome, trials=(*others, trial)))

    def write(self, outcome: Outcome) -> None:
        """Replace the stored outcome by `outcome`."""
        self.outcome = outcome
        if self._path is not None:
            replace_file(self._path, outcome_json.render(outcome).encode(), own=True)
