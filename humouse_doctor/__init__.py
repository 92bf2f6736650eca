"""Finds out why a sequence generator collapses while it warms up.

`inspect` looks at a checkpoint on disk or at a module in memory and returns a `Report`, `preflight` at a config before it is
trained, and `watch` at a generator while it trains; `load_case` only gathers what the probes would measure. Imports happen on
first use: the program's entry point handles signals only after this module has been imported.
"""

from __future__ import annotations

TYPE_CHECKING = False  # as type checkers know it: importing typing takes longer than all of this
if TYPE_CHECKING:
    from humouse_doctor.core.errors import DoctorError
    from humouse_doctor.live.watch import Collapsed, CollapseWarning, watch
    from humouse_doctor.service.api import inspect, load_case, preflight
    from humouse_doctor.service.python_report import Report

    __version__: str

__all__ = ["CollapseWarning", "Collapsed", "DoctorError", "Report", "inspect", "load_case", "preflight", "watch"]
_LIVE = ("CollapseWarning", "Collapsed", "watch")


def __getattr__(name: str) -> object:
    if name == "__version__":
        from humouse_doctor.core.version import VERSION

        return VERSION
    if name == "Report":
        from humouse_doctor.service.python_report import Report

        return Report
    if name == "DoctorError":
        from humouse_doctor.core.errors import DoctorError

        return DoctorError
    if name in _LIVE:
        from humouse_doctor.live import watch

        return getattr(watch, name)
    if name in __all__:
        from humouse_doctor.service import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
