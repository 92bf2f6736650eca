"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from humouse_doctor.cli import output as printing
from humouse_doctor.core.errors import UsageError
from humouse_doctor.core.text import is_url
from humouse_doctor.reporting.forms import FailOn, Format, PlainFormat, Reads, Targets, When
from humouse_doctor.reporting.layout import Detail


def complete_code(incomplete: str) -> list[str]:
    """Return the codes that a shell may complete `incomplete` to."""
    from humouse_doctor.probes.pages import completions  # only a shell's completion calls this

    return completions(incomplete)


def complete_topic(incomplete: str) -> list[str]:
    """Return the codes and names that a shell may complete `incomplete` to."""
    from humouse_doctor.probes.pages import topics  # as above

    return topics(incomplete)


def path(given: str | Path) -> Path:
    """Return the path that a command reads: the one given, or a local copy of the file at a URL."""
    if not is_url(str(given)):
        return Path(given)
    from humouse_doctor.inputs.remote import copies  # few paths are URLs
    from humouse_doctor.inputs.remote.place import shown  # as above

    printing.progress(f"fetching {shown(str(given))}")
    return copies.local(given)


def path_of_run(given: str | Path) -> Path:
    """Return the path of a run that a command reads: the one given, or a local copy of the file or folder at a URL."""
    if not is_url(str(given)):
        return Path(given)
    from humouse_doctor.inputs.remote.place import shown  # few paths are URLs
    from humouse_doctor.survey.discover import fetched  # as above

    found, notes = fetched(given, printing.progress)
    for text in notes:
        printing.note(f"{shown(str(given))}: {text}")
    return found


path_of_run.__name__ = path.__name__
#: The types of a path that is read, and of one that may be a run's folder; help calls them by the function's name.
READ: dict[str, Any] = {"parser": path}
READ_RUN: dict[str, Any] = {"parser": path_of_run}

Config = Annotated[Path | None, typer.Option("--config", "-c", **READ, help="The run's config (YAML), plain or resolved.")]
Data = Annotated[
    Path | None,
    typer.Option("--data", "-d", **READ, help="Real gestures: .npz, .npy, .pt (N, T, >=2) or mouse sessions (file, folder)."),
]
Set = Annotated[list[str] | None, typer.Option("--set", help="key=value: override a config value for this call only.")]
Source = Annotated[
    Path | None,
    typer.Option(
        "--source", help="The trainer's checkout: its code says how it reads the output. Default: the run's checkout."
    ),
]
ReadsOption = Annotated[
    Reads | None, typer.Option("--reads", help="How the program reads the output if its loss compares positions.")
]
TargetsOption = Annotated[
    Targets,
    typer.Option(
        "--targets", help="as-is: the data are any series (N, T, D) or (N, T), as the loss compares it, every channel."
    ),
]
Part = Annotated[
    str | None, typer.Option("--part", help="With --model: the part of a returned tuple or dict that holds the sequences.")
]
SamplesOption = Annotated[int, typer.Option("--samples", min=8, max=100_000, help="Sequences to generate.")]
MaxSequences = Annotated[int, typer.Option("--max-sequences", min=8, max=1_000_000, help="Most gestures to use.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Seed for sampling and for the choice of gestures.")]
FormatOption = Annotated[Format, typer.Option("--format", "-f", help="Format of the report on stdout.")]
PlainFormatOption = Annotated[PlainFormat, typer.Option("--format", "-f", help="Format of the outcome on stdout.")]
Files = Annotated[
    list[str] | None,
    typer.Option("--output", "-o", metavar="[FORMAT=]PATH", help="Also write a file, e.g. report.html. Can be repeated."),
]
PlainFiles = Annotated[
    list[str] | None,
    typer.Option("--output", "-o", metavar="[FORMAT=]PATH", help="Also write a file, e.g. trials.html. Can be repeated."),
]
Compare = Annotated[
    Path | None,
    typer.Option("--compare", parser=path, metavar="REPORT.json", help="Show what has changed since this report."),
]
Select = Annotated[
    list[str] | None, typer.Option("--select", help="Only these probes: codes or prefixes.", autocompletion=complete_code)
]
Ignore = Annotated[
    list[str] | None, typer.Option("--ignore", help="All but these probes: codes or prefixes.", autocompletion=complete_code)
]
FailOnOption = Annotated[FailOn, typer.Option("--fail-on", help="The least severe finding that gives exit code 1.")]
OutcomeOption = Annotated[
    Path | None,
    typer.Option("--outcome", **READ, help="The file that verify wrote: its trials mark remedies as confirmed or refuted."),
]
Quick = Annotated[
    bool,
    typer.Option("--quick", help="Leave out latent fitting (about 1 s; more for long latents, noisy or autoregressive nets)."),
]
Model = Annotated[
    str | None,
    typer.Option("--model", help="package.module:factory building your own generator. This imports and runs that code."),
]


Rehearse = Annotated[
    str | None,
    typer.Option(
        "--rehearse",
        metavar="[TIME]",
        help="Train configs on their own data for so long, 60s if not given, and measure the result (needs --data).",
    ),
]


DeviceOption = Annotated[
    str, typer.Option("--device", help="Device that trains: cpu, cuda, cuda:1, or auto for a GPU where there is one.")
]
Workers = Annotated[
    int | None, typer.Option("--workers", min=0, help="Worker processes; 0: one per core. Default: as many as pay.")
]
ClusterOption = Annotated[
    str | None,
    typer.Option(
        "--cluster",
        metavar="ADDRESS",
        help="Run on the workers of this Dask scheduler; local starts one, env takes DASK_SCHEDULER_ADDRESS.",
    ),
]
JournalOption = Annotated[
    Path | None,
    typer.Option("--journal", metavar="FILE", help="Keep each result here as it ends; the same command goes on from there."),
]


def _leave_out(context: typer.Context, asked: bool) -> bool:
    if asked:
        from humouse_doctor.probes.plugins import using  # few commands are asked to leave them out

        context.with_resource(using(plugins=False))  # until the command has ended
    return asked


Full = Annotated[bool, typer.Option("--full", help="Print all of the report: findings, remedies, measurements, files.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print one line: verdict, run, first cause.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Also print the files looked at, with remarks.")]


def detail_of(*, full: bool, quiet: bool, verbose: bool) -> Detail:
    """Return how much the options ask for; raise `UsageError` if they contradict each other."""
    if full + quiet + verbose > 1:
        raise UsageError("--full, --quiet and --verbose exclude each other: give one of them")
    return Detail.FULL if full else Detail.LINE if quiet else Detail.REMARKS if verbose else Detail.SCREEN


def _set_colours(context: typer.Context, when: When) -> When:
    """Set what the environment says of colours, until the command has ended: all that prints goes by it."""
    if when is not When.AUTO:
        context.with_resource(printing.environment_of_colours(when is When.ALWAYS))
    return when


Color = Annotated[
    When, typer.Option("--color", callback=_set_colours, help="Colours: auto goes by the terminal, NO_COLOR and FORCE_COLOR.")
]
NoPlugins = Annotated[
    bool, typer.Option("--no-plugins", callback=_leave_out, help="Leave out the probes that other installed packages add.")
]
Salvage = Annotated[
    bool, typer.Option("--salvage", help="Read a refused checkpoint's tensors; none of the code it refers to is run.")
]
