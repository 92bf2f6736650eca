"""The remedies' pages, which `explain` prints: made of the catalogue's own words on a plain run of humouse."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from humouse_doctor.core.case import Case, Subject
from humouse_doctor.core.remedy import Remedy, Safety
from humouse_doctor.core.settings import Origin, Setting, Settings, Value
from humouse_doctor.inputs.config.reader import spell
from humouse_doctor.inputs.config.trainer_keys import ADDED, KEYS
from humouse_doctor.remedies import catalogue
from humouse_doctor.remedies.candidates import can_be_tried

#: The run that a page takes its config edits from: one with everything in it that a remedy changes.
_PLAIN: Mapping[str, Value] = MappingProxyType(
    {
        "data.normalize_sequences": True,
        "model.architecture": "lstm",
        "model.generator.activation_xy": "tanh",
        "model.generator.latent_dim": 2,
        "training.absolute_coordinates": True,
        "training.lr.generator": 0.1,
        "training.reconstruction_epochs": 5,
        "training.reset_generator_after_warmup": True,
        "training.warmup_kl_weight": 1.0,
        "training.warmup_noise_std": 1.0,
    }
)
#: The causes that a change of the compared space is offered for.
_SCALE = ("HD201", "HD202", "HD209", "HD211")
_SPACE = ("HD201", "HD202", "HD206", "HD209", "HD211")
_LONGER = re.compile(r"longer-warm-up-([2-9]|[1-9]\d{1,3})x")
#: Names that other texts give to remedies.
ALSO: Mapping[str, str] = MappingProxyType({"fix-a": "normalised-positions", "fix-b": "delta-space"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """A remedy: its maker, and the codes of the causes that offer it.

    `title` and `why` take the place of the maker's own where these have numbers of a run; `evidence` comes after `why`.
    """

    make: Callable[[Case], Remedy]
    codes: tuple[str, ...] = ()
    title: str = ""
    why: str = ""
    evidence: str = ""


@functools.cache
def known() -> Mapping[str, _Known]:
    """Return every remedy by its id, in the order of the ids."""
    found = {
        "codes-as-drawn": _Known(make=lambda _: catalogue.codes_as_drawn(), codes=("HD220",)),
        "conditions-as-trained": _Known(make=lambda _: catalogue.conditions_as_trained(), codes=("HD219",)),
        "delta-space": _Known(
            make=lambda case: catalogue.delta_space(case, 1.0, 0.0),
            codes=_SCALE,
            why=f"it is refused where the head reaches less than {catalogue.FIT_REACHABLE:.0%} of the loss on deltas, or where"
            f" {catalogue.FIT_STILL:.0%} of the deltas are exactly zero, so that a warm-up starts out by standing still",
        ),
        "enough-steps": _Known(
            make=lambda case: catalogue.enough_steps(case, 400, 100),
            codes=("HD202",),
            title="Warm up for as many epochs as the output layer needs",
            why="the output layer needs more steps to the targets' scale than it has; in the zoo's calibration part, more steps"
            " alone cured none of the runs for which this came first",
        ),
        "faster-rate": _Known(
            make=lambda case: catalogue.other_rate(case, 10),
            title="Ten times the learning rate",
            why="each step moves the weights by about the rate, so that the same steps get ten times as far; the adversarial"
            " training after the warm-up takes the same rate",
        ),
        "fresh-statistics": _Known(make=lambda _: catalogue.fresh_statistics(), codes=("HD215",)),
        "honour-contract": _Known(
            make=catalogue.honour_contract,
            codes=("HD207",),
            why="a pretrainer's checkpoint emits positions in pixels through a linear head",
        ),
        "keep-warm-up": _Known(make=catalogue.keep_warm_up, codes=("HD208",)),
        "less-teaching": _Known(make=lambda _: catalogue.less_teaching(), codes=("HD214",)),
        "lighter-kl": _Known(make=catalogue.lighter_kl, codes=("HD214",), title="A lighter KL term"),
        "linear-head": _Known(
            make=catalogue.linear_head,
            codes=_SPACE,
            why="where the targets have a mean near 0 and a std near 1, z-scoring them would change nothing, and a head without"
            " bounds is enough",
        ),
        "living-head": _Known(make=lambda _: catalogue.living_head(), codes=("HD201",)),
        "loss-as-read": _Known(make=catalogue.loss_as_read, codes=_SPACE),
        "masked-loss": _Known(make=lambda _: catalogue.masked_loss(), codes=("HD218",)),
        "moved-weights": _Known(make=lambda _: catalogue.moved_weights(), codes=("HD210",)),
        "no-decay": _Known(make=lambda _: catalogue.no_decay(), codes=("HD221",)),
        "normalised-positions": _Known(make=catalogue.normalised_positions, codes=_SPACE),
        "raw-deltas": _Known(make=catalogue.raw_deltas, codes=("HD206",)),
        "scaled-inputs": _Known(make=lambda _: catalogue.scaled_inputs(), codes=("HD217",)),
        "separate-sequences": _Known(make=catalogue.separate_sequences, codes=("HD216",)),
        "seq2seq": _Known(make=catalogue.seq2seq, codes=_SCALE),
        "slow-gates": _Known(
            make=catalogue.slow_gates,
            codes=("HD203",),
            evidence="In the zoo's calibration part 204 runs with plain gates have a twin that differs in the gates alone: with"
            " slow gates 12 more are healthy, and no healthy one collapsed. So the patch of any LSTM that is given one latent"
            " at every step has it",
        ),
        "slower-rate": _Known(
            make=lambda case: catalogue.other_rate(case, 0.1), codes=("HD212",), title="A tenth of the learning rate"
        ),
        "statistics-of-the-data": _Known(make=catalogue.statistics_of_the_data, codes=("HD215",)),
        "time-input": _Known(make=catalogue.time_input, codes=("HD203",)),
        "undistorted-latent": _Known(make=catalogue.undistorted_latent, codes=("HD204", "HD205")),
        "usual-rate": _Known(make=catalogue.usual_rate, codes=("HD210", "HD212"), title="Adam's default learning rate"),
        "warm-start": _Known(make=catalogue.warm_start, codes=_SCALE),
        "wider-latent": _Known(make=catalogue.wider_latent, codes=("HD213",), title="A latent of more numbers"),
    }
    for factor in (4, 16):
        found[f"longer-warm-up-{factor}x"] = _longer(factor)
    return MappingProxyType(dict(sorted(found.items())))


def _longer(factor: int) -> _Known:
    return _Known(
        make=functools.partial(catalogue.longer, factor=factor), codes=("HD210",), title=f"Warm up {factor} times as long"
    )


def named(asked: str) -> str | None:
    """Return the name of the remedy that is called `asked`, None if there is none; a longer warm-up has any factor."""
    name = ALSO.get(asked, asked)
    return name if name in known() or _LONGER.fullmatch(name) else None


def page(name: str, names: Mapping[str, str]) -> str:
    """Return the page of the remedy called `name`, as Markdown; `names` has the probes' names by code."""
    longer = _LONGER.fullmatch(name)
    entry = known()[name] if longer is None else _longer(int(longer[1]))
    remedy = entry.make(_plain())
    meant = "the training means the same" if remedy.safety is Safety.SAFE else "what is trained, or drawn, means another thing"
    safe = f"{remedy.safety.value.capitalize()}: {meant}."
    tried = f"Where it applies to your run, short trainings try it: `humouse-doctor verify CONFIG --data DATA --patch {name}`"
    untried = "No trial of `verify` makes this change: make it, and inspect what comes out."
    metrics = (f"- {one.metric}, which should then be {one.interval}" for one in remedy.expects)
    offered = (f"- {code} {names[code]}: `humouse-doctor explain {code}`" for code in entry.codes)
    parts = (
        f"# {name}",
        f"*remedy*: {entry.title or remedy.title}",
        "## Changes",
        *_changes(entry, remedy),
        safe,
        "## Evidence",
        _sentence(entry.why or remedy.why),
        *((_sentence(entry.evidence),) if entry.evidence else ()),
        "\n".join(metrics),
        tried if can_be_tried(remedy) else untried,
        *(("## Offered for", "\n".join(offered)) if entry.codes else ()),
    )
    return "\n\n".join(filter(None, parts)) + "\n"


def _changes(entry: _Known, remedy: Remedy) -> Iterator[str]:
    """Yield what the remedy changes of a config, by an example, and of the code."""
    if remedy.edits:
        changes = (f"- `{edit.key}`: {spell(edit.old)} -> {spell(edit.new)}" for edit in remedy.edits)
        yield "In a config, for example:"
        yield "\n".join(changes)
    if remedy.code_hint is not None:
        yield f"In the code: {_sentence(remedy.code_hint)}"
    later = entry.make(_plain(frozenset(ADDED)))
    if remedy.code_hint is not None and later.code_hint is None:
        keys = " and ".join(f"`{edit.key}: {spell(edit.new)}`" for edit in later.edits if edit.key in ADDED)
        yield f"The diff of `suggest-config` makes this change to a checkout of humouse; a config then asks for it by {keys}."


def _sentence(text: str) -> str:
    """Return `text` as a sentence."""
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


def _plain(added: frozenset[str] = frozenset()) -> Case:
    """Return the case of a plain run of humouse before training, whose trainer has the keys `added`."""
    values = {key.name: key.default for key in KEYS if not key.required} | dict(_PLAIN)
    by_key = {key: Setting(key=key, value=value, origin=Origin.EXPLICIT) for key, value in values.items()}
    in_file = {key: by_key[key] for key in _PLAIN}
    return Case(subject=Subject(name="a run"), settings=Settings(by_key, "", "config.yaml", in_file), added_keys=added)
