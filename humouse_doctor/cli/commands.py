"""The commands: parse, call one service, write its view, exit.

Each command imports its service, and what else it alone needs, when it is called, so that `--help` and shell completion import
none of them.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from typer.core import TyperCommand

from humouse_doctor.cli import destinations
from humouse_doctor.cli import output as printing
from humouse_doctor.cli.options import (
    READ,
    READ_RUN,
    ClusterOption,
    Color,
    Compare,
    Config,
    Data,
    DeviceOption,
    FailOnOption,
    Files,
    FormatOption,
    Full,
    Ignore,
    JournalOption,
    MaxSequences,
    Model,
    NoPlugins,
    OutcomeOption,
    Part,
    PlainFiles,
    PlainFormatOption,
    Quick,
    Quiet,
    ReadsOption,
    Rehearse,
    Salvage,
    SamplesOption,
    Seed,
    Select,
    Set,
    Source,
    TargetsOption,
    Verbose,
    Workers,
    complete_topic,
    detail_of,
)
from humouse_doctor.core.errors import ExitCode, UsageError
from humouse_doctor.core.text import is_url
from humouse_doctor.core.tool_codes import ToolCode
from humouse_doctor.core.version import VERSION
from humouse_doctor.reporting.forms import (
    BUDGET,
    PICTURED,
    Emit,
    FailOn,
    Format,
    Only,
    PlainFormat,
    Reads,
    SurveyFormat,
    Targets,
    When,
)
from humouse_doctor.reporting.layout import Detail

if TYPE_CHECKING:
    from humouse_doctor.cases.request import Request
    from humouse_doctor.cli.progress import Rehearsals
    from humouse_doctor.core.view import View

#: The folder that is looked at where none is given.
_HERE = Path()
#: The units of a duration, and the seconds of each by its first letter.
_UNIT = "(s|secs?|seconds?|m|mins?|minutes?|h|hours?)"
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0}
#: The time of a --rehearse without one.
_REHEARSE = "60s"

app = typer.Typer(
    name="humouse-doctor",
    help="Finds out why a sequence generator collapses while it warms up, and which config change would cure it.",
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help: rich's costs more than all the rest of the start
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _finish(
    view: View,
    form: Format | SurveyFormat,
    files: Sequence[destinations.Output[Format] | destinations.Output[SurveyFormat]],
    detail: Detail = Detail.FULL,
) -> NoReturn:
    """Write the view to stdout and to the files, and exit with its code."""
    from humouse_doctor.cli.delivery import deliver

    deliver(view, form, files, detail)
    raise typer.Exit(view.exit_code)


def _request(
    config: Path | None,
    data: Path | None,
    set_: list[str] | None,
    max_sequences: int,
    seed: int,
    samples: int = 512,
    quick: bool = False,
    *,
    source: Path | None,
    reads: Reads | None,
    checkpoint: Path | None = None,
    model: str | None = None,
    salvage: bool = False,
    rehearse: str | None = None,
    device: str = "cpu",
    targets: Targets = Targets.GESTURES,
    part: str | None = None,
) -> Request:
    """Return the request for the options of inspect, preflight, suggest-config and gate; raise `UsageError` in one line."""
    from humouse_doctor.cases.request import Request

    if device != "cpu" and rehearse is None:
        raise UsageError(f"--device {device}: only a training runs on a device; add --rehearse")
    if device != "cpu":
        from humouse_doctor.training.device import chosen  # torch

        device = chosen(device)
    return Request(
        checkpoint=checkpoint,
        config=config,
        data=data,
        source=source,
        overrides=_overrides(set_, reads),
        samples=samples,
        max_sequences=max_sequences,
        seed=seed,
        quick=quick,
        model=model,
        salvage=salvage,
        rehearse_s=None if rehearse is None else _seconds("--rehearse", rehearse),
        device=device,
        as_is=targets is Targets.AS_IS,
        part=part,
    )


def _overrides(set_: list[str] | None, reads: Reads | None) -> tuple[str, ...]:
    """Return the overrides from `--set` and `--reads`."""
    return (*(set_ or ()), *(() if reads is None else (f"training.output_space={reads.value}",)))


def _version(asked: bool) -> None:
    if asked:
        printing.write(f"humouse-doctor {VERSION}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def main(
    context: typer.Context,
    _asked: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Find out why a sequence generator collapses while it warms up, and which config change would cure it."""
    if context.invoked_subcommand is None:
        printing.write(context.get_help())
        raise typer.Exit(ExitCode.USAGE)


@app.command(short_help="Say what is wrong with a trained generator, and why.")
def inspect(
    checkpoint: Annotated[
        Path, typer.Argument(**READ_RUN, help="A generator's checkpoint, a run's folder, or a file of its samples.")
    ] = _HERE,
    config: Config = None,
    data: Data = None,
    set_: Set = None,
    source: Source = None,
    reads: ReadsOption = None,
    samples: SamplesOption = 512,
    max_sequences: MaxSequences = 2048,
    seed: Seed = 0,
    quick: Quick = False,
    model: Model = None,
    targets: TargetsOption = Targets.GESTURES,
    part: Part = None,
    salvage: Salvage = False,
    outcome: OutcomeOption = None,
    compare: Compare = None,
    format_: FormatOption = Format.TEXT,
    output: Files = None,
    select: Select = None,
    ignore: Ignore = None,
    fail_on: FailOnOption = FailOn.WARNING,
    full: Full = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    _color: Color = When.AUTO,
    _no_plugins: NoPlugins = False,
) -> None:
    """Say what is wrong with a trained generator, with numbers, and why."""
    from humouse_doctor.service import commands as service

    detail = detail_of(full=full, quiet=quiet, verbose=verbose)
    files = destinations.outputs(output or (), Format, (checkpoint, config, data, outcome, compare))
    request = _request(
        config,
        data,
        set_,
        max_sequences,
        seed,
        samples,
        quick,
        source=source,
        reads=reads,
        checkpoint=checkpoint,
        model=model,
        salvage=salvage,
        targets=targets,
        part=part,
    )
    display = service.Display(fail_on=fail_on, compare=compare, outcome=outcome, root=printing.root())
    _finish(service.inspect_run(request, display, select or (), ignore or (), printing.progress), format_, files, detail)


class _Rehearsing(TyperCommand):
    """A command whose option --rehearse may stand without a value, which Typer has no word for."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse `args`, with the default time given to each bare --rehearse."""
        return super().parse_args(ctx, with_time(args))


def with_time(args: Sequence[str]) -> list[str]:
    """Return the arguments with `--rehearse=60s` in place of each `--rehearse` that no duration with a unit follows."""
    own = args.index("--") if "--" in args else len(args)
    bare = [
        word == "--rehearse" and at < own and not re.fullmatch(rf"\d+(\.\d+)?{_UNIT}", (*args, "")[at + 1])
        for at, word in enumerate(args)
    ]
    return [f"{word}={_REHEARSE}" if alone else word for word, alone in zip(args, bare, strict=True)]


@app.command(cls=_Rehearsing, short_help="Say what would go wrong before a step is trained.")
def preflight(
    config: Annotated[Path, typer.Argument(**READ_RUN, help="The run's config (YAML), or the run's folder.")] = _HERE,
    data: Data = None,
    set_: Set = None,
    source: Source = None,
    reads: ReadsOption = None,
    rehearse: Rehearse = None,
    device: DeviceOption = "cpu",
    max_sequences: MaxSequences = 2048,
    seed: Seed = 0,
    targets: TargetsOption = Targets.GESTURES,
    compare: Compare = None,
    format_: FormatOption = Format.TEXT,
    output: Files = None,
    select: Select = None,
    ignore: Ignore = None,
    fail_on: FailOnOption = FailOn.WARNING,
    full: Full = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    _color: Color = When.AUTO,
    _no_plugins: NoPlugins = False,
) -> None:
    """Say what would go wrong before a step is trained: config and data, no checkpoint.

    By rules alone it takes a second; with --rehearse it is measured.
    """
    from humouse_doctor.service import commands as service

    detail = detail_of(full=full, quiet=quiet, verbose=verbose)
    files = destinations.outputs(output or (), Format, (config, data, compare))
    request = _request(
        config, data, set_, max_sequences, seed, source=source, reads=reads, rehearse=rehearse, device=device, targets=targets
    )
    display = service.Display(fail_on=fail_on, compare=compare, root=printing.root())
    with _rehearsals(request) as shown:
        view = service.inspect_run(request, display, select or (), ignore or (), printing.progress, shown)
    _finish(view, format_, files, detail)


@contextlib.contextmanager
def _rehearsals(request: Request) -> Iterator[Rehearsals | None]:
    """Show the progress of rehearsals, if any are asked for."""
    if request.rehearse_s is None:
        yield None
        return
    from humouse_doctor.cli.progress import Rehearsals  # rich

    with Rehearsals(request.rehearse_s) as shown:
        yield shown


@app.command("suggest-config", cls=_Rehearsing, short_help="Print the patch that follows from the diagnosis.")
def suggest_config(
    checkpoint: Annotated[
        Path | None, typer.Argument(**READ_RUN, help="A checkpoint, a run's folder, or a saved report (.json, - for stdin).")
    ] = None,
    config: Config = None,
    data: Data = None,
    set_: Set = None,
    source: Source = None,
    reads: ReadsOption = None,
    rehearse: Rehearse = None,
    device: DeviceOption = "cpu",
    emit: Annotated[Emit, typer.Option("--emit", help="Format of the patch.")] = Emit.DIFF,
    write: Annotated[bool, typer.Option("--write", help="Change the config in place; a backup is kept.")] = False,
    force: Annotated[bool, typer.Option("--force", help="With --write: change even the record of a finished run.")] = False,
    samples: SamplesOption = 512,
    max_sequences: MaxSequences = 2048,
    seed: Seed = 0,
    quick: Quick = False,
    model: Model = None,
    targets: TargetsOption = Targets.GESTURES,
    part: Part = None,
    salvage: Salvage = False,
    outcome: OutcomeOption = None,
    _color: Color = When.AUTO,
    _no_plugins: NoPlugins = False,
) -> None:
    """Print the patch that follows from the diagnosis: of the config, and in a checkout of humouse of its trainer.

    What else has to change in the code goes to stderr.
    """
    from humouse_doctor.service import commands as service

    checkpoint = _HERE if checkpoint is None and config is None else checkpoint
    request = _request(
        config,
        data,
        set_,
        max_sequences,
        seed,
        samples,
        quick,
        source=source,
        reads=reads,
        checkpoint=checkpoint,
        model=model,
        salvage=salvage,
        rehearse=rehearse,
        device=device,
        targets=targets,
        part=part,
    )
    _note_broken()  # of what is found only the patch is printed
    suggestion = service.suggest(request, emit, write, printing.progress, outcome, force=force)
    if suggestion.changed:
        printing.note(suggestion.changed)
    printing.write(suggestion.text)
    for line in suggestion.notes:
        printing.note(line)
    raise typer.Exit(suggestion.report.exit_code(None))


@app.command(short_help="Prove it: short trainings with and without each remedy.")
def verify(
    config: Annotated[Path, typer.Argument(**READ, help="The run's config (YAML).")],
    data: Annotated[Path, typer.Option("--data", "-d", **READ, help="Gestures, as for inspect.")],
    checkpoint: Annotated[
        Path | None, typer.Option("--checkpoint", **READ, help="A checkpoint whose diagnosis offers the remedies.")
    ] = None,
    set_: Set = None,
    source: Source = None,
    reads: ReadsOption = None,
    patch: Annotated[
        list[str] | None,
        typer.Option(
            "--patch", help="A diff, overrides or YAML file, a probe's code or a remedy's id. Default: the diagnosis."
        ),
    ] = None,
    search: Annotated[bool, typer.Option("--search", help="Find the smallest set of remedies that cures.")] = False,
    steps: Annotated[
        int | None, typer.Option("--steps", min=1, help="Training steps of the run as it is. Default: what --budget allows.")
    ] = None,
    budget: Annotated[str, typer.Option("--budget", help="Time for all trials, e.g. 90s, 5m, 2h.")] = BUDGET,
    seeds: Annotated[int, typer.Option("--seeds", min=1, max=20, help="Seeds for each arm.")] = 3,
    max_arms: Annotated[int, typer.Option("--max-arms", min=1, help="Most arms that a search tries.")] = 24,
    max_sequences: MaxSequences = 2048,
    targets: TargetsOption = Targets.GESTURES,
    workers: Annotated[int, typer.Option("--workers", min=0, help="Trials run at a time; 0 uses all cores.")] = 0,
    cluster: ClusterOption = None,
    device: DeviceOption = "cpu",
    outcome: Annotated[
        Path | None, typer.Option("--outcome", help="Store every trial here (JSON); an interrupted verify continues from it.")
    ] = None,
    save_warmstart: Annotated[
        Path | None, typer.Option("--save-warmstart", help="Write the weights of the best arm that humouse can start from.")
    ] = None,
    trainer: Annotated[
        str | None,
        typer.Option("--trainer", help="Your trainer's command, with {overrides} and perhaps {arm}, {seed}."),
    ] = None,
    trainer_checkpoint: Annotated[
        str | None, typer.Option("--trainer-checkpoint", help="The checkpoint it writes; may contain {arm} and {seed}.")
    ] = None,
    trainer_timeout: Annotated[
        str, typer.Option("--trainer-timeout", help="Time after which a training command is killed.")
    ] = "1h",
    format_: PlainFormatOption = PlainFormat.TEXT,
    output: PlainFiles = None,
    full: Full = False,
    quiet: Quiet = False,
    _color: Color = When.AUTO,
    _no_plugins: NoPlugins = False,
) -> None:
    """Prove it: short paired trainings with and without each remedy, and the same probes on what comes out."""
    from humouse_doctor.cli.progress import Trials  # rich
    from humouse_doctor.service import verify as service

    detail = detail_of(full=full, quiet=quiet, verbose=False)
    if targets is Targets.AS_IS:
        raise UsageError(
            f"{data}: --targets as-is is for a generator of your own, or samples: verify trains humouse's warm-up, on gestures"
        )
    inputs: tuple[Path | None, ...] = (config, data, checkpoint, *(Path(given) for given in patch or ()))
    files = destinations.outputs(output or (), PlainFormat, inputs)
    if PlainFormat.HTML in (format_, *(file.form for file in files)):
        from humouse_doctor.reporting.html.page import template_environment  # an extra, missed before the trainings

        template_environment()
    for written in (outcome, save_warmstart, None if save_warmstart is None else service.diff_beside(save_warmstart)):
        destinations.require_kept_apart(written, inputs, files)
        inputs = (*inputs, written)
    if (trainer is None) != (trainer_checkpoint is None):
        raise UsageError("--trainer and --trainer-checkpoint go together: the command, and the file it leaves")
    command = None
    if trainer is not None and trainer_checkpoint is not None:
        command = service.Command(
            text=trainer,
            checkpoint=trainer_checkpoint,
            logs=Path("verify-logs"),
            timeout_s=_seconds("--trainer-timeout", trainer_timeout),
        )
    request = service.VerifyRequest(
        config=config,
        data=data,
        checkpoint=checkpoint,
        source=source,
        overrides=_overrides(set_, reads),
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
        cluster=cluster,
        device=device,
    )
    _note_broken()
    with Trials(None if steps is not None else request.budget_s) as shown:
        view = service.verify(request, shown, printing.progress)
    outputs = [destinations.Output(form=Format(file.form.value), path=file.path) for file in files]
    _finish(view, Format(format_.value), outputs, detail)


def _note_broken() -> None:
    """Print on stderr which packages' probes are left out, and why."""
    from humouse_doctor.probes import plugins

    for broken in plugins.installed().broken:
        printing.note(f"{ToolCode.PLUGIN_BROKEN.code} {ToolCode.PLUGIN_BROKEN.label}: {broken}")


def _seconds(option: str, text: str) -> float:
    """Return the seconds of a duration such as 90s, 5m, 5min, 2h or 300; raise `UsageError` for other text."""
    read = re.fullmatch(rf"(\d+\.?\d*|\.\d+) ?{_UNIT}?", text.strip())
    seconds = 0.0 if read is None else float(read[1]) * _SECONDS[(read[2] or "s")[0]]
    if not 0 < seconds < 1e9:
        raise UsageError(f"{option} {text}: expected a duration, e.g. 90s, 5m or 2h")
    return seconds


@app.command(cls=_Rehearsing, short_help="Pass or fail runs by a policy, with one exit code.")
def gate(
    inputs: Annotated[
        list[str] | None, typer.Argument(metavar="[PATH]...", help="Runs' folders, checkpoints or configs. Default: .")
    ] = None,
    config: Config = None,
    data: Data = None,
    set_: Set = None,
    source: Source = None,
    reads: ReadsOption = None,
    rehearse: Rehearse = None,
    device: DeviceOption = "cpu",
    policy: Annotated[
        Path | None,
        typer.Option(
            "--policy", **READ, help="A TOML file; else the folder's or repository's humouse-doctor.toml or pyproject.toml."
        ),
    ] = None,
    fail_on: Annotated[
        FailOn | None, typer.Option("--fail-on", help="The least severe finding that fails; overrides the policy.")
    ] = None,
    require_data: Annotated[bool, typer.Option("--require-data", help="Fail inputs that were inspected without data.")] = False,
    baseline: Annotated[
        Path | None, typer.Option("--baseline", **READ, help="Known findings: only new or worsened ones fail.")
    ] = None,
    write_baseline: Annotated[
        Path | None,
        typer.Option("--write-baseline", help="Write the current findings here as known, without ignored ones."),
    ] = None,
    samples: SamplesOption = 512,
    max_sequences: MaxSequences = 2048,
    seed: Seed = 0,
    quick: Quick = False,
    targets: TargetsOption = Targets.GESTURES,
    compare: Compare = None,
    workers: Workers = None,
    cluster: ClusterOption = None,
    journal: JournalOption = None,
    format_: FormatOption = Format.TEXT,
    output: Files = None,
    _color: Color = When.AUTO,
    _no_plugins: NoPlugins = False,
) -> None:
    """Pass or fail runs by a policy: one exit code for all, worst first."""
    from humouse_doctor.service import gate as service

    inputs = inputs or [str(_HERE)]
    paths = [Path(given) for given in inputs if not is_url(given)]  # a file that cannot be fetched fails alone
    taken = (*paths, config, data, policy, baseline, compare)
    files = destinations.outputs(output or (), Format, taken)
    destinations.require_kept_apart(write_baseline, tuple(path for path in taken if path != baseline), files)
    destinations.require_kept_apart(journal, (*taken, write_baseline), files)
    if compare is not None and len(set(inputs)) > 1:
        raise UsageError(f"--compare is for one input, and {len(set(inputs))} are given")
    asked = service.GateRequest(
        inputs=tuple(inputs),
        request=_request(
            config,
            data,
            set_,
            max_sequences,
            seed,
            samples,
            quick,
            source=source,
            reads=reads,
            rehearse=rehearse,
            device=device,
            targets=targets,
        ),
        today=date.today(),  # a policy's day ends where the people are
        folder=Path.cwd(),
        policy=policy,
        fail_on=fail_on,
        require_data=require_data,
        baseline=baseline,
        write_baseline=write_baseline,
        outputs=tuple(file.path for file in files),
        workers=workers,
        cluster=cluster,
        journal=journal,
        pictures=not PICTURED.isdisjoint((format_, *(file.form for file in files))),
    )
    with printing.kept_in(journal), _rehearsals(asked.request) as shown:
        view = service.gate_view(asked, compare, printing.root(), printing.Spoken(), shown)
    _finish(view, format_, files)


@app.command(short_help="Look at all runs below a folder, and say what they have in common.")
def survey(
    paths: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ROOT]...", help="Folders with runs; with --merge, files of rows. Default: ."),
    ] = None,
    config: Config = None,
    data: Data = None,
    set_: Set = None,
    source: Source = None,
    reads: ReadsOption = None,
    where: Annotated[
        list[str] | None, typer.Option("--where", metavar="KEY=VALUE", help="Only runs with this value. Can be repeated.")
    ] = None,
    only: Annotated[Only | None, typer.Option("--only", help="List these runs alone; what is counted stays.")] = None,
    shard: Annotated[
        str | None, typer.Option("--shard", metavar="K/N", help="Look at part K of N of the runs; --merge joins the parts.")
    ] = None,
    merge: Annotated[bool, typer.Option("--merge", help="Join the rows in files that --format jsonl has written.")] = False,
    workers: Workers = None,
    cluster: ClusterOption = None,
    journal: JournalOption = None,
    samples: SamplesOption = 512,
    max_sequences: MaxSequences = 2048,
    seed: Seed = 0,
    quick: Annotated[
        bool, typer.Option("--quick/--no-quick", help="Leave out latent fitting, which decides no verdict.")
    ] = True,
    salvage: Salvage = False,
    format_: Annotated[
        SurveyFormat, typer.Option("--format", "-f", help="Format of the survey on stdout.")
    ] = SurveyFormat.TEXT,
    output: Files = None,
    full: Annotated[bool, typer.Option("--full", help="Print all runs and settings, with reasons.")] = False,
    _color: Color = When.AUTO,
    _no_plugins: NoPlugins = False,
) -> None:
    """Look at all runs below a folder: which are sick, what they have in common, and which setting goes with it."""
    from humouse_doctor.service import survey as service

    given = tuple(paths or [str(_HERE)])
    if merge and (paths is None or shard is not None or journal is not None):
        raise UsageError("--merge reads files of rows, and looks at no run: give the files, without --shard and --journal")
    here = [Path(path) for path in given if not is_url(path)]
    files = destinations.outputs(output or (), SurveyFormat, (*here, config, data, journal))
    destinations.require_kept_apart(journal, (*here, config, data), files)
    asked = service.SurveyRequest(
        paths=given,
        request=_request(config, data, set_, max_sequences, seed, samples, quick, source=source, reads=reads, salvage=salvage),
        merge=merge,
        where=tuple(where or ()),
        only=None if only is None else only.value,
        shard=None if shard is None else _shard(shard),
        workers=workers,
        cluster=cluster,
        journal=journal,
        outputs=tuple(file.path for file in files),
    )
    with printing.kept_in(journal):
        view = service.survey_view(asked, printing.root(), printing.Spoken())
    _finish(view, format_, files, Detail.FULL if full else Detail.SCREEN)


def _shard(text: str) -> tuple[int, int]:
    """Return K and N of `K/N`; raise `UsageError` for other text."""
    read = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text.strip())
    part, parts = (0, 0) if read is None else (int(read[1]), int(read[2]))
    if not 1 <= part <= parts:
        raise UsageError(f"--shard {text}: expected K/N, part K of N, counted from 1, e.g. 3/16")
    return part, parts


@app.command(short_help="Show a saved report again, in any format.")
def show(
    report: Annotated[
        Path, typer.Argument(**READ, help="A report saved with --format json, or an outcome of verify; - is stdin.")
    ],
    compare: Compare = None,
    outcome: OutcomeOption = None,
    format_: FormatOption = Format.TEXT,
    output: Files = None,
    fail_on: FailOnOption = FailOn.WARNING,
    full: Full = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    _color: Color = When.AUTO,
    _no_plugins: NoPlugins = False,
) -> None:
    """Show a saved report again, in any format, with the exit code it would have given."""
    from humouse_doctor.service import show as service

    detail = detail_of(full=full, quiet=quiet, verbose=verbose)
    files = destinations.outputs(output or (), Format, (report, outcome, compare))
    display = service.Display(fail_on=fail_on, compare=compare, outcome=outcome, root=printing.root())
    _finish(service.show_saved(report, display), format_, files, detail)


@app.command(short_help="Follow a watched training while it goes on.")
def tail(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The watch.jsonl of a training, or a folder with it.")],
    once: Annotated[bool, typer.Option("--once", help="Show what there is, and do not wait for more.")] = False,
    every: Annotated[float, typer.Option(metavar="SECONDS", min=0.1, help="Seconds between two looks at the file.")] = 1.0,
    _color: Color = When.AUTO,
) -> None:
    """Follow a training that humouse_doctor.watch looks at, until it ends: a screen on a terminal, a line per look elsewhere.

    One that has not begun yet is waited for.

    The exit code is 0 for a training that ended, or is so far, healthy or too early to say, and 1 otherwise.
    """
    from humouse_doctor.cli.following import follow, wait_for
    from humouse_doctor.service.tail import Followed

    raise typer.Exit(follow(Followed(run) if once else wait_for(run, every), once=once, every=every))


@app.command(short_help="Print the page of a probe or a remedy: what it means, what to do.")
def explain(
    code: Annotated[
        str,
        typer.Argument(
            metavar="CODE|NAME",
            help="A probe, e.g. HD203 or repeated-latent, or a remedy, e.g. slow-gates.",
            autocompletion=complete_topic,
        ),
    ],
    _color: Color = When.AUTO,
    _no_plugins: NoPlugins = False,
) -> None:
    """Print a probe's page (what it measures, where its thresholds come from, what to do), or a remedy's."""
    from humouse_doctor.probes import pages

    _note_broken()
    printing.write_page(pages.explained(code))


@app.command()
def probes(_color: Color = When.AUTO, _no_plugins: NoPlugins = False) -> None:
    """List all probes."""
    from humouse_doctor.probes import pages

    _note_broken()
    printing.write(pages.listing())


@app.command(short_help="Train a small run that collapses, and inspect it.")
def demo(
    directory: Annotated[Path | None, typer.Argument(help="Where to keep the run. Default: humouse-doctor-demo, here.")] = None,
    seed: Seed = 0,
    format_: FormatOption = Format.TEXT,
    output: Files = None,
    fail_on: FailOnOption = FailOn.WARNING,
    full: Full = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    _color: Color = When.AUTO,
) -> None:
    """Train a small warm-up that collapses (synthetic gestures, some seconds) and inspect it."""
    from humouse_doctor.cli.progress import Bar  # rich
    from humouse_doctor.service import demo as service

    detail = detail_of(full=full, quiet=quiet, verbose=verbose)
    files = destinations.outputs(output or (), Format, ())
    display = service.Display(fail_on=fail_on, root=printing.root())
    _finish(service.demo(directory, seed, display, Bar, printing.progress, printing.note), format_, files, detail)
