"""Arms built from remedies, and their parts: the changes of one lever, which hang together."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from types import MappingProxyType

from humouse_doctor.core.outcome import Arm
from humouse_doctor.core.remedy import CodeChange, Edit, Lever, Remedy
from humouse_doctor.inputs.config.trainer_keys import WARMUP_GATES, WARMUP_SPACE

_OF_KEY: Mapping[str, Lever] = MappingProxyType(
    {
        "data.normalize_sequences": Lever.SPACE,
        "model.architecture": Lever.SPACE,
        "model.discriminator.input_dim": Lever.SPACE,
        "model.generator.activation_dt": Lever.HEAD,
        "model.generator.activation_xy": Lever.HEAD,
        "model.generator.latent_dim": Lever.WIDTH,
        "model.generator.num_layers": Lever.SPACE,
        "training.absolute_coordinates": Lever.SPACE,
        "training.lr.generator": Lever.RATE,
        "training.output_space": Lever.SPACE,
        "training.reconstruction_epochs": Lever.STEPS,
        "training.warmup_kl_weight": Lever.KL,
        "training.warmup_latent_normalize": Lever.LATENT,
        "training.warmup_noise_std": Lever.LATENT,
        WARMUP_GATES: Lever.DRIVE,
        WARMUP_SPACE: Lever.SPACE,
    }
)
_OF_CHANGE: Mapping[CodeChange, Lever] = MappingProxyType(
    {
        CodeChange.NORMALISED_POSITIONS: Lever.SPACE,
        CodeChange.LOSS_AS_READ: Lever.SPACE,
        CodeChange.TIME_INPUT: Lever.DRIVE,
        CodeChange.SLOW_GATES: Lever.DRIVE,
    }
)


def part_name(change: Edit | CodeChange) -> str:
    """Return the name of the part that a change belongs to: that of its lever, or its key if it belongs to none."""
    if isinstance(change, CodeChange):
        return _OF_CHANGE[change].value
    lever = _OF_KEY.get(change.key)
    return change.key if lever is None else lever.value


def part_names(arm: Arm) -> tuple[str, ...]:
    """Return the names of the parts of an arm: those with changes of the code first, since these cost most to make."""
    return tuple(dict.fromkeys([*map(part_name, arm.code_changes), *map(part_name, arm.edits)]))


def together(chosen: Sequence[Remedy], prefix: str = "") -> Arm:
    """Return one arm with all of the `chosen` remedies; of two edits of the same key, the later wins."""
    edits: dict[str, Edit] = {}
    changes: dict[CodeChange, None] = {}
    for remedy in chosen:
        edits.update({edit.key: edit for edit in remedy.edits})
        changes.update(dict.fromkeys(remedy.code_changes))
    ids = tuple(remedy.id for remedy in chosen)
    return Arm(title=prefix + (" + ".join(ids)), remedies=ids, edits=tuple(edits.values()), code_changes=tuple(changes))


def with_parts(arm: Arm, names: Collection[str], remedies: Mapping[str, Remedy]) -> Arm:
    """Return `arm` with only the parts called `names`; its title and its remedies are those of the changes left."""
    edits = tuple(edit for edit in arm.edits if part_name(edit) in names)
    changes = tuple(change for change in arm.code_changes if part_name(change) in names)
    left = Arm(title="", edits=edits, code_changes=changes)
    known = [remedies[name] for name in arm.remedies if name in remedies]
    ids = tuple(remedy.id for remedy in known if has_part_of(left, remedy))
    return Arm(title=" + ".join(_title(left, known)), remedies=ids, edits=edits, code_changes=changes)


def has_part_of(arm: Arm, remedy: Remedy) -> bool:
    """Return True if `arm`, from which parts may have been left out, still makes a change of `remedy`."""
    return any(edit in arm.edits for edit in remedy.edits) or any(c in arm.code_changes for c in remedy.code_changes)


def _title(arm: Arm, remedies: Sequence[Remedy]) -> Iterator[str]:
    """Yield the remedies that the arm has as a whole, and its other changes one by one."""
    named: set[Edit | CodeChange] = set()
    for remedy in sorted(remedies, key=lambda one: -len(one.edits) - len(one.code_changes)):
        own: set[Edit | CodeChange] = {*remedy.edits, *remedy.code_changes}
        if own <= {*arm.edits, *arm.code_changes} and not own <= named:
            named |= own
            yield remedy.id
    yield from (f"{change.value} (in the code alone)" for change in arm.code_changes if change not in named)
    yield from (_spelled(edit) for edit in arm.edits if edit not in named)


def _spelled(edit: Edit) -> str:
    value = str(edit.new).lower() if isinstance(edit.new, bool) else edit.new
    return f"{edit.key} = {value}"
