"""Inert stand-ins for the NumPy names a pretrainer checkpoint refers to.

Allow-listing NumPy's own functions would let a crafted file crash the process (an object dtype over raw bytes). The names
are mapped to the classes here instead, which only hold numbers and check that the bytes fit the shape.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from humouse_doctor.core.arrays import FloatArray

_NUMERIC = {f"{kind}{size}" for kind, sizes in (("f", (2, 4, 8)), ("i", (1, 2, 4, 8)), ("u", (1, 2, 4, 8))) for size in sizes}
_MAX_BYTES = 1 << 20


class InertDtype:
    """A stand-in for `numpy.dtype`: a numeric code such as `f4` and a byte order."""

    def __init__(self, code: object, *_: object) -> None:
        if not isinstance(code, str) or code not in _NUMERIC:
            shown = repr(code[:20]) if isinstance(code, str) else "unknown"
            raise ValueError(f"an array of type {shown} is refused; only plain numbers are read")
        self.code = code
        self.order = "<"

    def __setstate__(self, state: object) -> None:
        if not isinstance(state, tuple) or len(state) < 2 or state[1] not in ("<", ">", "|", "="):
            raise ValueError("an array type with an unknown state is refused")
        self.order = "<" if state[1] in ("|", "=") else str(state[1])


class InertArray:
    """A stand-in for `numpy.ndarray`: empty until its state is set, then checked numbers."""

    #: An attribute of the class, so that an array exists without a value if a pickle creates it without a call.
    value: FloatArray | None = None

    def __init__(self, *_: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        if not isinstance(state, tuple) or len(state) != 5:
            raise ValueError("an array with an unknown state is refused")
        _, shape, dtype, fortran, data = state
        self.value = _numbers(shape, dtype, bool(fortran), data)


def _reconstruct(*_: object) -> InertArray:
    return InertArray()


def _scalar(dtype: object, data: object = None) -> InertArray:
    array = InertArray()
    array.value = _numbers((), dtype, False, data)
    return array


def _numbers(shape: object, dtype: object, fortran: bool, data: object) -> FloatArray:
    if not isinstance(dtype, InertDtype) or not isinstance(data, bytes) or len(data) > _MAX_BYTES:
        raise ValueError("an array that is not a few plain numbers is refused")
    if not isinstance(shape, tuple) or not all(isinstance(extent, int) and extent >= 0 for extent in shape):
        raise ValueError("an array with an impossible shape is refused")
    kind = np.dtype(f"{dtype.order}{dtype.code}")
    count = 1
    for extent in shape:
        count *= extent
    if count * kind.itemsize != len(data):
        raise ValueError("an array whose bytes do not fit its shape is refused")
    values = np.frombuffer(data, dtype=kind).astype(np.float64)
    return values.reshape(shape, order="F" if fortran else "C")


#: For `torch.serialization.safe_globals`: each stand-in with the name it replaces, in NumPy 1 and 2.
STAND_INS: list[tuple[Callable[..., Any], str]] = [
    (InertArray, "numpy.ndarray"),
    (InertDtype, "numpy.dtype"),
    *(
        (stand_in, f"numpy.{package}.multiarray.{name}")
        for package in ("core", "_core")
        for stand_in, name in ((_reconstruct, "_reconstruct"), (_scalar, "scalar"))
    ),
]
