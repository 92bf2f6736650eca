"""The sequences in what a network returns: a tensor, or a part of a tuple, a dict or a dataclass."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from torch import Tensor

from humouse_doctor.core.errors import UsageError

_TRANSPOSE = "transpose it to (N, T, D), e.g. by forward(z).transpose(1, 2)"
#: Parts of parts that are looked into, and the parts that a message lists.
_DEPTH, _MAX_LISTED = 3, 6
#: Sequences of fewer steps show no movement, so that as many steps and more channels are the wrong way round.
_FEW_STEPS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """Where the sequences stand in what a network returns.

    `part` is the name of a part, such as `0`, `recon` or `1.recon`, empty for all of it. `flat` is True for one channel as
    (N, T).
    """

    part: str = ""
    flat: bool = False

    def of(self, returned: object) -> Tensor:
        """Return the sequences (N, T, D); raise `UsageError` if they are not there."""
        found = next((tensor for name, tensor in _parts(returned) if name == self.part), None)
        if found is None:
            raise UsageError(f"the generator returns {_listed(returned)}, and before it had a part {self.part or 'alone'}")
        return found.unsqueeze(-1) if self.flat and found.dim() == 2 else found


def find(returned: object, rows: int, wanted: tuple[int, int] | None, part: str | None) -> Output:
    """Find the sequences of `rows` latents in what a network returned: the named `part`, else the first that fits.

    `wanted` is (T, D) of the targets, None if unknown: a part of that shape is preferred, and (N, T) is accepted only for
    D = 1. Raises `UsageError` if there is none.
    """
    found = dict(_parts(returned))
    if part is not None:
        if part not in found:
            raise UsageError(f"the generator returns {_listed(returned)}: there is no part '{part}'")
        found = {part: found[part]}
    fitting = {name: tensor for name, tensor in found.items() if _fits(tensor, rows, wanted)}
    if not fitting:
        asked = "" if part is None else f" as its part '{part}'"
        raise UsageError(f"the generator returns {_listed(returned)}{asked}; expected a tensor (N, T, D), alone or as a part")
    exact = [name for name, tensor in fitting.items() if wanted is not None and _shape(tensor) == wanted]
    name = (exact or list(fitting))[0]
    return Output(part=name, flat=fitting[name].dim() == 2)


def _fits(tensor: Tensor, rows: int, wanted: tuple[int, int] | None) -> bool:
    if tensor.dim() not in (2, 3) or tensor.size(0) != rows or tensor.numel() == 0 or not tensor.is_floating_point():
        return False
    return tensor.dim() == 3 or _shape(tensor) == wanted


def _shape(tensor: Tensor) -> tuple[int, int]:
    return (tensor.size(1), tensor.size(2)) if tensor.dim() == 3 else (tensor.size(1), 1)


def _parts(returned: object, name: str = "", depth: int = _DEPTH) -> Iterator[tuple[str, Tensor]]:
    """Yield the tensors in what a network returned, each with the name of its part."""
    if isinstance(returned, Tensor):
        yield name, returned
        return
    if depth == 0:
        return
    inside: Mapping[object, object] = {}
    if isinstance(returned, Mapping):
        inside = returned
    elif isinstance(returned, tuple | list):
        inside = dict(zip(getattr(returned, "_fields", range(len(returned))), returned, strict=True))
    elif dataclasses.is_dataclass(returned) and not isinstance(returned, type):
        inside = {field.name: getattr(returned, field.name) for field in dataclasses.fields(returned)}
    for key, value in inside.items():
        yield from _parts(value, f"{name}.{key}" if name else str(key), depth - 1)


def _listed(returned: object) -> str:
    """Return what a network returned in words: its shape, or its parts."""
    if isinstance(returned, Tensor):
        return f"{tuple(returned.shape)}"
    parts = [f"{name} {tuple(tensor.shape)}" for name, tensor in _parts(returned)]
    more = ", ..." if len(parts) > _MAX_LISTED else ""
    inside = f" of {', '.join(parts[:_MAX_LISTED])}{more}" if parts else " without tensors"
    return f"a {type(returned).__name__}{inside}"


def require_steps_first(
    made: tuple[int, int], wanted: tuple[int, int] | None, layer: tuple[int, int] | None, *, convolved: bool = False
) -> None:
    """Raise `UsageError` if sequences come as (N, D, T).

    `made` and `wanted` are the last two sizes of the output and of the targets, None without any. `layer` is (T, D) as the
    network's last layer has them, None if unknown. Only a layer that is `convolved` knows for sure which are its channels: a
    linear one may run along the steps of sequences that are turned for it.
    """
    turned = made[::-1]
    swapped = wanted is not None and (
        turned == wanted or (made[0] == wanted[1] and made[0] != wanted[0] and made[1] != wanted[1])
    )
    shown = f"the generator makes (N, {made[0]}, {made[1]})"
    if wanted is not None and made != wanted and swapped:
        both = f"{shown} and the targets are (N, {wanted[0]}, {wanted[1]})"
        if layer == made:
            raise UsageError(f"{both}: the targets stand as (N, D, T); transpose them, so that they are (N, T, D)")
        raise UsageError(f"{both}: its output stands as (N, D, T); {_TRANSPOSE}")
    if convolved and layer == turned != made:
        also = ", and the targets likewise" if wanted == made else ""
        raise UsageError(f"{shown} by a last layer of {made[0]} channels: that is (N, D, T); {_TRANSPOSE}{also}")
    if made[0] < _FEW_STEPS <= made[1]:
        raise UsageError(f"{shown}: no movement can be seen in {made[0]} steps; if this is (N, D, T), {_TRANSPOSE}")
