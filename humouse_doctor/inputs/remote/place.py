"""URLs of remote files, their names without what is secret, and what comes back when one is opened."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import SplitResult, unquote, urlsplit

from humouse_doctor.core.errors import InputError, UsageError
from humouse_doctor.core.text import shortened

#: The schemes that are spoken without fsspec, and the package that each of fsspec's file systems needs; empty for none.
HTTP = ("http", "https")
PACKAGES = {
    "abfs": "adlfs",
    "az": "adlfs",
    "gcs": "gcsfs",
    "gs": "gcsfs",
    "hf": "huggingface_hub",
    "memory": "",
    "s3": "s3fs",
}
#: Stands for a query in a name that is shown: it may hold a signature or a token.
HIDDEN = "?..."
#: Shorter parts of a query than this are no secrets, and words of a message may hold them.
_SHORTEST_SECRET = 4
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://[^\s'\"<>]+")


class Absent(InputError):
    """There is no such file, or none for everybody."""


class IsFolder(UsageError):
    """It is a folder where a file is expected."""


class Stream(Protocol):
    """The bytes of a remote file, in order."""

    def read(self, size: int, /) -> bytes:
        """Return the next bytes, at most `size`; none at the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A remote file that was opened.

    `size` in bytes, and `tag`, which stands for the content, are None where they are not said.
    """

    stream: Stream
    size: int | None
    tag: str | None


@dataclass(frozen=True, slots=True)
class Place:
    """A URL of one file that may be fetched."""

    url: SplitResult

    @classmethod
    def of(cls, text: str) -> Place:
        """Return the place of a file's URL; raise `UsageError` for one that cannot be used."""
        place = cls._of(text)
        if not place.url.path.strip("/") or place.url.path.endswith("/"):
            raise a_folder(place)
        return place

    @classmethod
    def of_folder(cls, text: str) -> Place:
        """Return the place of a folder's URL; raise `UsageError` for one that cannot be listed."""
        place = cls._of(text)
        if place.url.scheme in HTTP:
            raise a_folder(place)
        if place.url.query:
            raise UsageError(f"{place.shown}: the URL of a folder has no query; leave it out")
        return cls(place.url._replace(path=place.url.path.rstrip("/"), fragment=""))

    @classmethod
    def _of(cls, text: str) -> Place:
        name = shown(text)
        try:
            url = urlsplit(text)
            server = None if url.port == 0 else url.hostname
        except ValueError:
            server = None
        if server is None or "::" in text or " " in text or not text.isprintable():
            raise UsageError(f"{name}: not a URL of a file; expected e.g. https://HOST/PATH")
        if url.scheme not in (*HTTP, *PACKAGES):
            known = ", ".join(sorted((*HTTP, *PACKAGES)))
            raise UsageError(f"{name}: no files are fetched by {shortened(url.scheme, 20)}; give a path, or a URL by {known}")
        return cls(url)

    @property
    def shown(self) -> str:
        """The URL without what is secret."""
        return shown(self.url.geturl())

    @property
    def bare(self) -> str:
        """The URL without user and password, and without a fragment."""
        return self.url._replace(netloc=_without_user(self.url.scheme, self.url.netloc), fragment="").geturl()

    @property
    def file(self) -> Path:
        """The last two parts of the URL as names that any file may have; a config's folder tells what it is."""
        parts = [part for part in unquote(f"server/{self.url.path}").split("/") if part]
        return Path(*(re.sub(r"[^A-Za-z0-9._-]", "_", part)[-100:] if part.strip(".") else "_" for part in parts[-2:]))

    def with_end(self, end: str) -> Place:
        """Return the place of the file whose name has `end` added."""
        return Place(self.url._replace(path=self.url.path + end))

    def below(self, relative: str) -> Place:
        """Return the place of a file by its path below this folder, with what would end a URL's path spelled out."""
        return self.with_end(f"/{relative.replace('#', '%23').replace('?', '%3F')}")

    def without_secrets(self, text: str) -> str:
        """Return a message of another library on one line, without the parts of any URL that are not shown."""
        text = _URL.sub(lambda found: shown(found[0]), text)
        for secret in self._secrets():
            text = text.replace(secret, "...")
        return shortened(" ".join(text.split()), 200)

    def _secrets(self) -> Sequence[str]:
        """Return the parts of the URL that are not shown, as they stand and decoded, the longest first."""
        values = [pair.rpartition("=")[2] for pair in self.url.query.split("&")]
        found = [self.url.netloc.rpartition("@")[0], self.url.password or "", self.url.query, *values]
        spelled = {text for part in found for text in (part, unquote(part)) if len(text) >= _SHORTEST_SECRET}
        return sorted(spelled, key=len, reverse=True)


def a_folder(place: Place) -> IsFolder:
    """Return the error for a remote folder."""
    if place.url.scheme in HTTP:
        return IsFolder(f"{place.shown}: a folder cannot be listed by HTTP; name the run's files one by one")
    return IsFolder(
        f"{place.shown}: a folder, where a file is expected; inspect, suggest-config, preflight, survey and gate take folders"
    )


def shown(text: str) -> str:
    """Return a URL without user, password and fragment, and with `HIDDEN` for its query."""
    scheme, _, rest = text.partition("://")
    rest, mark, _ = re.split("#", rest, maxsplit=1)[0].partition("?")
    server, slash, path = rest.partition("/")
    return shortened(f"{scheme}://{_without_user(scheme, server)}{slash}{path}{HIDDEN if mark else ''}", 300)


def _without_user(scheme: str, server: str) -> str:
    """Return a server without user and password; Azure's schemes have the container before the @."""
    user, _, host = server.rpartition("@")
    return server if scheme.lower() in ("abfs", "az") and ":" not in user else host
