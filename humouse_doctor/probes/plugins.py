"""Probes of installed packages: each one offered is accepted whole, or left out with the reason.

An entry point of the group `humouse_doctor.probes` names a `Probe` subclass, an instance, or a tuple of them. Installed
packages are trusted like this one. Entry points of the current folder do not count.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.metadata import Distribution

    from humouse_doctor.core.probe import Probe

GROUP = "humouse_doctor.probes"
#: Endings of the folders that hold the metadata of an installed package.
_METADATA = (".dist-info", ".egg-info", "EGG-INFO")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugin:
    """One probe of an installed package: `page` is its page's text, `place` the page's path (None inside an archive)."""

    probe: Probe
    distribution: str
    page: str
    place: Path | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenPlugin:
    """An offer of an installed package that cannot be used, with the reason in a few words."""

    distribution: str
    entry: str
    reason: str

    def __str__(self) -> str:
        return f"{self.entry} of the package {self.distribution} is left out: {self.reason}"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plugins:
    """All probes that installed packages offer, ordered by distribution and entry point."""

    whole: tuple[Plugin, ...] = ()
    broken: tuple[BrokenPlugin, ...] = ()


_NONE = Plugins()
_WANTED: ContextVar[bool] = ContextVar("plugins", default=True)


@contextlib.contextmanager
def using(*, plugins: bool) -> Iterator[None]:
    """Include the probes of installed packages within the block, or leave them out."""
    token = _WANTED.set(plugins)
    try:
        yield
    finally:
        _WANTED.reset(token)


def wanted() -> bool:
    """Return True if this thread judges with the probes of installed packages too."""
    return _WANTED.get()


def installed() -> Plugins:
    """Return the included probes of installed packages; they are imported on the first call, once per process."""
    return _loaded() if wanted() else _NONE


@cache
def _loaded() -> Plugins:
    offers = [(_name(found), entry) for found in _distributions() for entry in found.entry_points.select(group=GROUP)]
    if not offers:
        return _NONE
    from humouse_doctor.probes.taking import taken  # knows what a probe is, which help and lists need not

    whole: list[Plugin] = []
    broken: list[BrokenPlugin] = []
    for name, entry in sorted(offers, key=lambda offer: (offer[0], offer[1].name)):
        for found in taken(name, entry, whole):
            if isinstance(found, Plugin):
                whole.append(found)
            else:
                broken.append(found)
    return Plugins(whole=tuple(sorted(whole, key=lambda plugin: plugin.probe.code)), broken=tuple(broken))


def _distributions() -> Iterator[Distribution]:
    """Yield the installed packages that may offer probes; of two with one name only the first on the path, as in Python."""
    folders = [folder for folder in _trusted_path() if _offers(folder)]
    if not folders:
        return
    from importlib import metadata  # takes longer than the look itself, and than many a command

    seen = set()
    for found in metadata.distributions(path=folders):
        name = _name(found)
        if name not in seen:
            seen.add(name)
            yield found


def _name(distribution: Distribution) -> str:
    return re.sub(r"[-_.]+", "-", str(distribution.metadata["Name"])).lower()


def _trusted_path() -> Iterator[str]:
    """Yield the folders that modules are imported from, without the current one."""
    for folder in dict.fromkeys(sys.path):
        with contextlib.suppress(OSError, ValueError):
            if Path(folder).is_absolute() and not Path(folder).samefile(os.curdir):
                yield folder


def _offers(folder: str) -> bool:
    """Return True if `folder` may hold a package that offers probes; an archive may."""
    try:
        with os.scandir(folder) as entries:
            described = [entry.path for entry in entries if entry.name.endswith(_METADATA)]
    except NotADirectoryError:
        return True
    except OSError:
        return False
    for path in described:
        with contextlib.suppress(OSError), open(os.path.join(path, "entry_points.txt"), "rb") as stream:  # noqa: PTH118, PTH123
            if GROUP.encode() in stream.read():  # a Path for each would double the time
                return True
    return False
