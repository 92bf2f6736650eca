"""Check that there is memory for the large libraries before they are imported.

Without enough memory they would end the process with an exit code of their own.
"""

from __future__ import annotations

import mmap
import sys
from collections.abc import Mapping, Sequence

from humouse_doctor.core.errors import MachineError

TYPE_CHECKING = False  # importlib.abc costs every start some milliseconds
if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from types import ModuleType

#: MiB of addresses that the libraries take at least until they are of use.
_NEEDED_MIB: Mapping[str, int] = {"numpy": 128, "torch": 1024}


class Room:
    """An import hook that finds no module, but refuses a library for which the memory limit leaves no room."""

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Raise `MachineError` if there is no room; after an `ImportError` a library might go on without the other one."""
        del path, target
        needed = _NEEDED_MIB.get(fullname)
        if needed is not None:
            try:
                mmap.mmap(-1, needed << 20).close()
            except OSError:
                raise MachineError(
                    f"{fullname} cannot be loaded: it needs {needed:,} MiB, more than the limit on memory leaves; "
                    "raise the limit (ulimit -v)"
                ) from None
        return None


def require_room() -> None:
    """Check the free memory before every later import of a large library, if this process has a memory limit."""
    try:
        import resource  # not on Windows, which has no such limits
    except ImportError:
        return
    if resource.getrlimit(resource.RLIMIT_AS)[0] != resource.RLIM_INFINITY:
        sys.meta_path.insert(0, Room())
