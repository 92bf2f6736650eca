"""Files of fsspec's file systems, which find their credentials themselves."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from fsspec.core import url_to_fs

from humouse_doctor.core.errors import UsageError
from humouse_doctor.inputs.remote.place import PACKAGES, Answer, Place, a_folder


@contextlib.contextmanager
def opened(place: Place) -> Iterator[Answer]:
    """Open a file; raise `UsageError` for a folder and without the scheme's package, or what the file system raises."""
    scheme = place.url.scheme
    try:
        system, path = url_to_fs(place.url.geturl())
    except ImportError:
        package = PACKAGES[scheme]
        raise UsageError(f"{place.shown}: {scheme}:// needs a package that is not installed: pip install {package}") from None
    system.invalidate_cache()
    found = system.info(path)
    if found.get("type") == "directory":
        raise a_folder(place.shown)
    size = found.get("size")
    with system.open(path, "rb") as stream:
        yield Answer(stream=stream, size=size if isinstance(size, int) else None, tag=str(system.ukey(path)))
