"""The command line: parse, call one service, print, exit. Torch is not imported before it is needed."""

from __future__ import annotations

import os
import sys
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from humouse_doctor.core.errors import DoctorError, ExitCode, InputError, UsageError
from humouse_doctor.reporting.forms import Emit

if TYPE_CHECKING:
    from rich.progress import TaskID

    from humouse_doctor.core.outcome import Outcome, Trial
    from humouse_doctor.core.probe import Severity
    from humouse_doctor.verify.bench import Job, Pulse

app = typer.Typer(
    name="humouse-doctor",
    help="Finds out why a sequence generator collapses while it warms up, and which config change would cure it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help: rich's costs more than all the rest of the start
    context_settings={"help_option_names": ["-h", "--help"]},
)


#: What a shell expects of a program that Ctrl-C has ended.
_INTERRUPTED = 130


class Format(str, Enum):
    """How a report is written."""

    TEXT = "text"
    JSON = "json"


class FailOn(str, Enum):
    """The least severe finding that makes the exit code 1."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"
    NEVER = "never"

    @property
    def severity(self) -> Severity | None:
        """The severity, None for never."""
        from humouse_doctor.core.probe import Severity

        return None if self is FailOn.NEVER else Severity(self.value)


Config = Annotated[Path | None, typer.Option("--config", "-c", help="The run's config (YAML), plain or resolved.")]
Data = Annotated[
    Path | None,
    typer.Option("--data", "-d", help="Gestures: .npz, .npy, .pt (N, T, >=2), a mouse session or a folder of them."),
]
Set = Annotated[list[str] | None, typer.Option("--set", help="key=value: another config value for this look only.")]
SamplesOption = Annotated[int, typer.Option("--samples", min=8, max=100_000, help="Sequences to generate.")]
MaxSequences = Annotated[int, typer.Option("--max-sequences", min=8, max=1_000_000, help="Gestures to keep.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Seeds sampling and the choice of gestures.")]
FormatOption = Annotated[Format, typer.Option("--format", "-f", help="How the report is written.")]
Output = Annotated[Path | None, typer.Option("--output", "-o", help="Write the report there instead of to stdout.")]
Select = Annotated[list[str] | None, typer.Option("--select", help="Only these probes: codes or prefixes.")]
Ignore = Annotated[list[str] | None, typer.Option("--ignore", help="All but these probes: codes or prefixes.")]
FailOnOption = Annotated[FailOn, typer.Option("--fail-on", help="The least severe finding that gives exit code 1.")]
OutcomeOption = Annotated[
    Path | None, typer.Option("--outcome", help="What verify has kept: marks remedies as confirmed or refuted by trials.")
]
Quick = Annotated[bool, typer.Option("--quick", help="Leave out latent fitting (1-4 s, more for autoregressive nets).")]
Model = Annotated[
    str | None,
    typer.Option("--model", help="package.module:factory building your own generator. This imports and runs that code."),
]

Salvage = Annotated[
    bool, typer.Option("--salvage", help="Read a refused checkpoint's tensors; none of the code it refers to is run.")
]


def _version(asked: bool) -> None:
    if asked:
        from humouse_doctor import __version__

        _write(f"humouse-doctor {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Find out why a sequence generator collapses while it warms up, and which config change would cure it."""


@app.command()
def inspect(
    checkpoint: Annotated[Path, typer.Argument(help="A generator's checkpoint, or a run's folder.")],
    config: Config = None,
    data: Data = None,
    set_: Set = None,
    samples: SamplesOption = 512,
    max_sequences: MaxSequences = 2048,
    seed: Seed = 0,
    quick: Quick = False,
    model: Model = None,
    salvage: Salvage = False,
    outcome: OutcomeOption = None,
    format_: FormatOption = Format.TEXT,
    output: Output = None,
    select: Select = None,
    ignore: Ignore = None,
    fail_on: FailOnOption = FailOn.WARNING,
) -> None:
    """Say what is wrong with a trained generator, with numbers, and why."""
    from humouse_doctor.loading import Request
    from humouse_doctor.service import report_on

    _check_paths(output, checkpoint, config, data)
    request = Request(
        checkpoint=checkpoint,
        config=config,
        data=data,
        overrides=tuple(set_ or ()),
        samples=samples,
        max_sequences=max_sequences,
        seed=seed,
        quick=quick,
        model=model,
        salvage=salvage,
    )
    report = report_on(request, select or (), ignore or (), _progress, outcome)
    _finish(report, format_, output, fail_on)


@app.command()
def preflight(
    config: Annotated[Path, typer.Argument(help="The run's config (YAML).")],
    data: Data = None,
    set_: Set = None,
    max_sequences: MaxSequences = 2048,
    seed: Seed = 0,
    format_: FormatOption = Format.TEXT,
    output: Output = None,
    select: Select = None,
    ignore: Ignore = None,
    fail_on: FailOnOption = FailOn.WARNING,
) -> None:
    """Say what would go wrong before a step is trained: config and data, no checkpoint."""
    from humouse_doctor.loading import Request
    from humouse_doctor.service import report_on

    _check_paths(output, config, data)
    request = Request(config=config, data=data, overrides=tuple(set_ or ()), max_sequences=max_sequences, seed=seed)
    report = report_on(request, select or (), ignore or (), _progress)
    _finish(report, format_, output, fail_on)


@app.command("suggest-config")
def suggest_config(
    checkpoint: Annotated[Path | None, typer.Argument(help="A generator's checkpoint, or a run's folder.")] = None,
    config: Config = None,
    data: Data = None,
    set_: Set = None,
    emit: Annotated[Emit, typer.Option("--emit", help="The form of the patch.")] = Emit.DIFF,
    write: Annotated[bool, typer.Option("--write", help="Change the config in place; a backup is kept.")] = False,
    samples: SamplesOption = 512,
    max_sequences: MaxSequences = 2048,
    seed: Seed = 0,
    quick: Quick = False,
    model: Model = None,
    salvage: Salvage = False,
    outcome: OutcomeOption = None,
) -> None:
    """Print the config patch that follows from the diagnosis; code changes it needs go to stderr."""
    from humouse_doctor.core.remedy import RemedyStatus
    from humouse_doctor.loading import Request
    from humouse_doctor.service import suggest

    request = Request(
        checkpoint=checkpoint,
        config=config,
        data=data,
        overrides=tuple(set_ or ()),
        samples=samples,
        max_sequences=max_sequences,
        seed=seed,
        quick=quick,
        model=model,
        salvage=salvage,
    )
    suggestion = suggest(request, emit, write, _progress, outcome)
    report = suggestion.report
    _write(suggestion.text)
    _note(f"{report.verdict.value}: {report.sentence}")
    for remedy in report.chosen_remedies:
        if remedy.code_hint is not None:
            _note(f"in the code, for {remedy.title}: {remedy.code_hint}")
        if remedy.trial is not None:
            _note(f"by trials, {remedy.title}: {remedy.trial}")
    for remedy in report.remedies:
        if remedy.status is RemedyStatus.REFUSED:
            _note(f"not proposed, {remedy.title}: {remedy.why}")
    if suggestion.written is not None:
        _note(f"changed {suggestion.written[0]}; what it was is in {suggestion.written[1]}")
    elif not report.patch:
        _note("no config key to change")
    raise typer.Exit(report.exit_code(None))


@app.command()
def verify(
    config: Annotated[Path, typer.Argument(help="The run's config (YAML).")],
    data: Annotated[Path, typer.Option("--data", "-d", help="Gestures, as for inspect.")],
    checkpoint: Annotated[Path | None, typer.Option("--checkpoint", help="A checkpoint to take the diagnosis from.")] = None,
    set_: Set = None,
    patch: Annotated[
        list[str] | None,
        typer.Option("--patch", help="A diff, overrides or YAML file, a probe's code or a remedy's id; else the diagnosis'."),
    ] = None,
    search: Annotated[bool, typer.Option("--search", help="Find the smallest set of remedies that cures.")] = False,
    steps: Annotated[int | None, typer.Option("--steps", min=1, help="Steps of the run as it is; else by --budget.")] = None,
    budget: Annotated[str, typer.Option("--budget", help="How long all of it may take, e.g. 90s, 5m, 2h.")] = "10m",
    seeds: Annotated[int, typer.Option("--seeds", min=1, max=20, help="Seeds each arm is trained with.")] = 3,
    max_arms: Annotated[int, typer.Option("--max-arms", min=1, help="Arms a search may try.")] = 24,
    max_sequences: MaxSequences = 2048,
    workers: Annotated[int, typer.Option("--workers", min=0, help="Trials at a time; 0 takes all cores.")] = 0,
    outcome: Annotated[
        Path | None, typer.Option("--outcome", help="Keep every trial here (JSON), and go on from it after an interruption.")
    ] = None,
    save_warmstart: Annotated[
        Path | None, typer.Option("--save-warmstart", help="Write the best arm humouse can load as a pretrainer checkpoint.")
    ] = None,
    trainer: Annotated[
        str | None, typer.Option("--trainer", help="Your own training command, with {overrides} (and {arm}, {seed}).")
    ] = None,
    trainer_checkpoint: Annotated[
        str | None, typer.Option("--trainer-checkpoint", help="The checkpoint it leaves; {arm} and {seed} may stand in it.")
    ] = None,
    trainer_timeout: Annotated[str, typer.Option("--trainer-timeout", help="When a hanging command is killed.")] = "1h",
    format_: FormatOption = Format.TEXT,
    output: Output = None,
) -> None:
    """Prove it: short paired trainings with and without each remedy, and the same probes on what comes out."""
    from humouse_doctor.verify.trainer import Command
    from humouse_doctor.verify.verification import Order
    from humouse_doctor.verify.verification import verify as run_verify

    _check_paths(output, config, data, checkpoint)
    for written in (outcome, save_warmstart):
        _check_paths(written, config, data, checkpoint)
    if (trainer is None) != (trainer_checkpoint is None):
        raise UsageError("--trainer and --trainer-checkpoint go together: the command, and the file it leaves")
    command = None
    if trainer is not None and trainer_checkpoint is not None:
        command = Command(
            text=trainer,
            checkpoint=trainer_checkpoint,
            logs=Path("verify-logs"),
            timeout_s=_seconds("--trainer-timeout", trainer_timeout),
        )
    order = Order(
        config=config,
        data=data,
        checkpoint=checkpoint,
        overrides=tuple(set_ or ()),
        patches=tuple(patch or ()),
        steps=steps,
        budget_s=_seconds("--budget", budget),
        seeds=seeds,
        search=search,
        max_arms=max_arms,
        max_sequences=max_sequences,
        outcome=outcome,
        warm_start=save_warmstart,
        trainer=command,
        workers=workers,
    )
    with _Trials() as shown:
        verified = run_verify(order, shown, _progress)
    _finish_outcome(verified.outcome, format_, output)


def _seconds(option: str, text: str) -> float:
    """A duration such as 90s, 5m, 2h or 300; raises `UsageError`."""
    units = {"s": 1.0, "m": 60.0, "h": 3600.0}
    number, unit = (text[:-1], units[text[-1]]) if text[-1:] in units else (text, 1.0)
    try:
        seconds = float(number) * unit
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 1e9:
        raise UsageError(f"{option} {text}: expected a duration, e.g. 90s, 5m or 2h")
    return seconds


@app.command()
def show(
    report: Annotated[Path, typer.Argument(help="A report saved with --format json.")],
    format_: FormatOption = Format.TEXT,
    fail_on: FailOnOption = FailOn.WARNING,
) -> None:
    """Show a saved report again, with the exit code it would have given."""
    from humouse_doctor.reporting import json_report

    try:
        text = report.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{report}: cannot read the report: {getattr(error, 'strerror', None) or error}") from None
    _finish(json_report.parse(text, str(report)), format_, None, fail_on)


@app.command()
def explain(code: Annotated[str, typer.Argument(help="A probe's code, e.g. HD201.")]) -> None:
    """Print a probe's page: what it measures, where its thresholds come from, what to do."""
    from humouse_doctor.probes.pages import page

    _write(page(code.upper()))


@app.command()
def probes() -> None:
    """List all probes."""
    from humouse_doctor.probes.pages import listing

    _write(listing())


@app.command()
def demo(
    directory: Annotated[Path | None, typer.Argument(help="Where to write the run; a temporary folder otherwise.")] = None,
    seed: Seed = 0,
    format_: FormatOption = Format.TEXT,
    fail_on: FailOnOption = FailOn.WARNING,
) -> None:
    """Train a small warm-up that collapses (synthetic gestures, some seconds) and inspect it."""
    from humouse_doctor.demonstration import run_demo

    report = run_demo(directory, seed, _progress, _Bar)
    _finish(report, format_, None, fail_on)


class _Bar:
    """A progress bar on stderr, where that is a terminal."""

    def __init__(self, total: int, label: str) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("loss {task.fields[loss]:.4g}"))
        self._progress = Progress(*columns, TimeRemainingColumn(), console=console, disable=not console.is_terminal)
        self._task = self._progress.add_task(label, total=total, loss=float("nan"))

    def __enter__(self) -> _Bar:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def __call__(self, step: int, loss: float) -> None:
        self._progress.update(self._task, completed=step, loss=loss)


class _Trials:
    """A progress bar per trial on stderr, where that is a terminal; else a line for each that ends."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(bar_width=20), TextColumn("{task.fields[said]}"))
        self._bars = console.is_terminal
        self._progress = Progress(*columns, TimeRemainingColumn(), console=console, disable=not self._bars)
        self._tasks: dict[Job, TaskID] = {}

    def __enter__(self) -> _Trials:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def started(self, job: Job) -> None:
        """Show a bar for `job`."""
        from humouse_doctor.reporting.plain import harmless

        label = f"{harmless(job.arm.title)[:48]}, seed {job.seed}"
        self._tasks[job] = self._progress.add_task(label, total=job.steps, said="")

    def moved(self, job: Job, pulse: Pulse) -> None:
        """Move its bar on, with the loss against the predictors that know nothing."""
        said = f"loss {pulse.loss:.4g} (constant {pulse.best_constant:.4g}, motionless {pulse.motionless:.4g})"
        self._progress.update(self._tasks[job], completed=pulse.step, said=said)

    def ended(self, job: Job, trial: Trial) -> None:
        """Say in a few words what came of it."""
        said = trial.failed or trial.stopped or ("healthy" if trial.healthy else f"{', '.join(trial.causes) or 'not healthy'}")
        self._progress.update(self._tasks[job], completed=trial.steps, said=said)
        if not self._bars:
            _note(f"... {job.arm.title}, seed {job.seed}: {said}")


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        _note(f"... {text}")


def _note(text: str) -> None:
    from humouse_doctor.reporting.plain import harmless

    sys.stderr.write(harmless(text) + "\n")


def _write(text: str) -> None:
    """Print to stdout; a reader that has gone away (`| head`) is no reason for another exit code."""
    try:
        sys.stdout.write(text if text.endswith("\n") or not text else text + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise InputError(f"stdout: cannot write the report: {error.strerror or error}") from None


def _check_paths(output: Path | None, *inputs: Path | None) -> None:
    """Refuse an empty path, and an output that would overwrite what is looked at or has no folder, before any work."""
    given = [path for path in inputs if path is not None]
    if any(str(path) == "." for path in given) and "" in sys.argv:
        raise UsageError("an empty path was given; expected a file or a run's folder (. for this one)")
    if output is None or str(output) == "-":
        return
    if any(output.exists() and path.exists() and output.samefile(path) for path in given):
        raise UsageError(f"{output}: --output would overwrite what is looked at; choose another file")
    if output.is_dir() or not output.absolute().parent.is_dir():
        raise InputError(f"{output}: no file can be written there; nothing was changed")


def _finish(report: object, format_: Format, output: Path | None, fail_on: FailOn) -> NoReturn:
    from humouse_doctor.core.report import Report
    from humouse_doctor.reporting import json_report, text

    assert isinstance(report, Report)
    if format_ is Format.JSON:
        rendered = json_report.render(report)
    else:
        colour = output is None and _colours()
        rendered = text.render(report, width=_width(output), colour=colour)
    _deliver(rendered, output, f"{report.verdict.value}: {report.sentence}")
    raise typer.Exit(report.exit_code(fail_on.severity))


def _finish_outcome(outcome: Outcome, format_: Format, output: Path | None) -> NoReturn:
    from humouse_doctor.reporting import outcome_json, outcome_text

    if format_ is Format.JSON:
        rendered = outcome_json.render(outcome)
    else:
        colour = output is None and _colours()
        rendered = outcome_text.render(outcome, width=_width(output), colour=colour)
    _deliver(rendered, output, outcome_text.sentence(outcome))
    raise typer.Exit(outcome.exit_code())


def _deliver(rendered: str, output: Path | None, told: str) -> None:
    """Write to stdout, a device or a file; where a file takes the report, stderr says `told`."""
    from humouse_doctor.core.files import replace_file

    if output is None or str(output) == "-":
        _write(rendered)
    elif output.exists() and not output.is_file():
        _write_to_device(output, rendered)
    else:
        replace_file(output, rendered.encode("utf-8", "backslashreplace"), like=output)
        _note(f"{told} Report in {output}")


def _write_to_device(output: Path, text: str) -> None:
    """Write to a pipe or a device as it is; renaming a file over it would take its place."""
    try:
        with output.open("w", encoding="utf-8", errors="backslashreplace") as stream:
            stream.write(text)
    except OSError as error:
        raise InputError(f"{output}: cannot write: {error.strerror or error}") from None


def _colours() -> bool:
    """Whether stdout is to have colours: NO_COLOR beats FORCE_COLOR, which beats what the stream is."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return bool(os.environ.get("FORCE_COLOR")) or sys.stdout.isatty()


def _width(output: Path | None) -> int:
    import shutil

    if output is None and sys.stdout.isatty():
        return max(60, min(shutil.get_terminal_size().columns, 110))
    return int(os.environ["COLUMNS"]) if os.environ.get("COLUMNS", "").isdigit() and os.environ["COLUMNS"] != "0" else 80


def run() -> int:
    """Run the command line; every way it can end has its exit code, and none shows a traceback."""
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")
        sys.stderr.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # the same class as stdout
    try:
        code = int(app(standalone_mode=False) or ExitCode.CLEAN)  # click returns the code of an Exit here
        if code == _INTERRUPTED:
            _note("humouse-doctor: interrupted")
        return code
    except DoctorError as error:
        _note(f"humouse-doctor: {error}")
        return int(error.exit_code)
    except typer.Abort:
        _note("humouse-doctor: interrupted")
        return _INTERRUPTED
    except KeyboardInterrupt:
        _note("humouse-doctor: interrupted")
        return _INTERRUPTED
    except Exception as error:
        shown = getattr(error, "format_message", None)
        if shown is not None:
            _note(f"humouse-doctor: {shown()}")
            return int(ExitCode.USAGE)
        _note(f"humouse-doctor: internal error, please report it: {type(error).__name__}: {error}")
        return int(ExitCode.INTERNAL)
