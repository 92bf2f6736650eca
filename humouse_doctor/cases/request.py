"""Requests for a case, the loaded case, and the notes taken while loading it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from humouse_doctor.core.case import Case, Need
from humouse_doctor.core.settings import Place
from humouse_doctor.core.tool_codes import ToolCode
from humouse_doctor.inputs.source.trainer import TrainerFacts

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Paths as given on the command line, None where not given, and how much to measure.

    `source` is a checkout of the trainer, or its file, read as text; None for the one around the run. `samples` prior latents
    are drawn, at most `max_sequences` gestures are kept; `quick` skips latent fitting; `model` is `package.module:factory` for
    a generator of the user's own, whose code is then imported and run; with `salvage`, objects of foreign classes in a
    checkpoint are read as plain data instead of refused. With `rehearse_s` a config without a checkpoint is trained for so many
    seconds of wall time on `device`, named as for `--device`. `as_is` takes the data for the loss's targets, whatever their
    channels are; `part` names the part of what the user's own generator returns.
    """

    checkpoint: Path | None = None
    config: Path | None = None
    data: Path | None = None
    source: Path | None = None
    overrides: tuple[str, ...] = ()
    samples: int = 512
    max_sequences: int = 2048
    seed: int = 0
    quick: bool = False
    model: str | None = None
    salvage: bool = False
    rehearse_s: float | None = None
    device: str = "cpu"
    as_is: bool = False
    part: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolFinding:
    """A problem with an input; `serious` makes it a warning, otherwise it is a note."""

    code: ToolCode
    message: str
    serious: bool
    key: str | None = None
    place: Place | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A case, with the problems and surprises found while loading it, and the facts of the trainer if its source was read."""

    case: Case
    tool_findings: tuple[ToolFinding, ...] = ()
    source: TrainerFacts | None = None


def _unheard(_: str) -> None:
    """Ignore progress."""


@dataclass(slots=True, kw_only=True)
class Notes:
    """Notes taken while a case is loaded: remarks, findings, the reasons for unmet needs, and the facts of the trainer.

    `contradictions` name the differences between the config and the one that the weights were trained with.
    """

    progress: Progress = _unheard
    remarks: list[str] = field(default_factory=list)
    findings: list[ToolFinding] = field(default_factory=list)
    absent: dict[Need, str] = field(default_factory=dict)
    contradictions: list[str] = field(default_factory=list)
    source: TrainerFacts | None = None

    def lack(self, reason: str, *needs: Need) -> None:
        """Note the reason why `needs` are not met; it replaces any earlier one."""
        self.absent.update(dict.fromkeys(needs, reason))

    def loaded(self, case: Case) -> Loaded:
        """Return `case` with the findings noted on the way to it."""
        return Loaded(case=case, tool_findings=tuple(self.findings), source=self.source)
