"""Paths for a reader of the report: relative to the folder that a pipeline shows."""

from __future__ import annotations

import os
from pathlib import PurePath
from urllib.parse import quote

from humouse_doctor.core.text import is_url


def display_path(path: str, root: str) -> str:
    """Return `path` relative to `root` if it lies below it, else unchanged; `root` is an absolute folder, empty for none.

    A relative `path` starts at the current folder, which need not be `root`. A URL stays as it is.
    """
    if is_url(path):
        return path
    if root and path:
        full = PurePath(os.path.abspath(path))  # noqa: PTH100  # keeps symlinks, which resolve() follows
        if full.is_relative_to(root):
            return full.relative_to(root).as_posix()
    return PurePath(path).as_posix()


def uri(path: str, root: str) -> str:
    """Return `path` as a URI: relative to `root` if it is below it, else absolute with `file://`.

    A relative URI is meant to be resolved from `root`. A URL is spelled as a file's name: whoever wrote a report could else
    lead its readers elsewhere.
    """
    seen = display_path(path, root)
    if root and path and not PurePath(seen).is_absolute() and not PurePath(os.path.abspath(path)).is_relative_to(root):  # noqa: PTH100
        seen = PurePath(os.path.abspath(path)).as_posix()  # noqa: PTH100
    if not PurePath(seen).is_absolute():
        return quote(_bytes(seen))
    return f"file://{'' if seen.startswith('/') else '/'}{quote(_bytes(seen))}"


def _bytes(path: str) -> bytes:
    """Return the bytes of a file's name, in which surrogates stand for bytes that are not UTF-8."""
    try:
        return path.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # a surrogate for no byte, which no file name has
        return path.encode("utf-8", "backslashreplace")
