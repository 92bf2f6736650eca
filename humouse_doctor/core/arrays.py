"""numpy, imported on its first use so that help, pages and lists start without it, and the array types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as numpy
    from numpy.typing import NDArray

    AnyArray = NDArray[Any]
    FloatArray = NDArray[numpy.floating[Any]]
    IntArray = NDArray[numpy.integer[Any]]
    BoolArray = NDArray[numpy.bool_]
else:

    class _Numpy:
        """Stand in for the module until one of its names is used."""

        def __getattr__(self, name: str) -> Any:
            import numpy  # on the first use

            value = getattr(numpy, name)
            setattr(self, name, value)
            return value

    numpy = _Numpy()
    AnyArray = FloatArray = IntArray = BoolArray = Any
