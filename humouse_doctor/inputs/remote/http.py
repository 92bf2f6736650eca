"""Files by HTTP and HTTPS: opened by Python's own library, with redirects that lead to no weaker or more private place."""

from __future__ import annotations

import base64
import contextlib
import ipaddress
import socket
from collections.abc import Iterator
from http.client import HTTPException, HTTPMessage, HTTPResponse
from typing import IO
from urllib import error, request
from urllib.parse import SplitResult, unquote, urlsplit

from humouse_doctor.core.errors import InputError
from humouse_doctor.core.text import shortened
from humouse_doctor.core.version import VERSION
from humouse_doctor.inputs.remote.place import HTTP, Absent, Answer, Place

#: Seconds without a byte after which a server is given up.
SILENCE_S = 30.0


class _Redirects(request.HTTPRedirectHandler):
    """Follows a redirect from one place, or refuses it."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def http_error_302(
        self, req: request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage
    ) -> HTTPResponse | None:
        """Follow the redirect that a server answers with; raise `InputError` for one that is refused."""
        why = _why_not(self._place.url, urlsplit(headers.get("location") or headers.get("uri") or ""))
        if why:
            fp.close()
            raise InputError(f"{self._place.shown}: it is redirected {why}; refused")
        return super().http_error_302(req, fp, code, msg, headers)

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302


@contextlib.contextmanager
def opened(place: Place) -> Iterator[Answer]:
    """Open a file; raise `InputError`, or what the library raises.

    User and password are sent if the URL has them, and not to a server that it is redirected to.
    """
    opener = request.OpenerDirector()  # without what the usual one has for files and FTP
    for handler in (
        request.ProxyHandler(),
        request.HTTPHandler(),
        request.HTTPSHandler(),
        request.HTTPDefaultErrorHandler(),
        request.HTTPErrorProcessor(),
        _Redirects(place),
    ):
        opener.add_handler(handler)
    headers = {"User-Agent": f"humouse-doctor/{VERSION}", "Accept-Encoding": "identity"}
    asked = request.Request(place.bare, headers=headers)  # noqa: S310  # a place is of few schemes
    if place.url.username is not None:
        user = f"{unquote(place.url.username)}:{unquote(place.url.password or '')}"
        asked.add_unredirected_header("Authorization", f"Basic {base64.b64encode(user.encode()).decode()}")
    try:
        response = opener.open(asked, timeout=SILENCE_S)
    except error.HTTPError as answer:
        with answer:
            raise _refusal(place, answer.code) from None
    except HTTPException as broken:  # its text may hold the URL
        raise InputError(f"{place.shown}: cannot be fetched: no proper answer by HTTP ({type(broken).__name__})") from None
    assert isinstance(response, HTTPResponse)
    with response:
        coding = response.headers.get("Content-Encoding", "identity")
        if coding != "identity":
            raise InputError(f"{place.shown}: it is sent as {shortened(coding, 20)}, which was not asked for; refused")
        tag = response.headers.get("ETag")
        yield Answer(stream=response, size=response.length, tag=None if tag is None or tag.startswith("W/") else tag)


def _refusal(place: Place, code: int) -> InputError:
    """Return the error for a server's answer that is no file."""
    if code in (404, 410):
        return Absent(f"{place.shown}: there is no such file (HTTP {code})")
    if code in (401, 403):
        return Absent(f"{place.shown}: access is denied (HTTP {code}); check the name, and the user or signature in the URL")
    if 300 <= code < 400:
        return InputError(f"{place.shown}: cannot be fetched: it is redirected in a circle, or nowhere (HTTP {code})")
    return InputError(f"{place.shown}: cannot be fetched: the server answers HTTP {code}")


def _why_not(first: SplitResult, target: SplitResult) -> str:
    """Return where a redirect leads if it is not followed there; empty if it is."""
    if target.scheme and target.scheme not in HTTP:
        return f"to a place by {shortened(target.scheme, 20)}"
    if first.scheme == "https" and target.scheme == "http":
        return "from https to http"
    if target.hostname is not None and _is_private(target.hostname) and not _is_private(first.hostname or ""):
        return "to a private address"
    return ""


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Return the address that a host is given by, in any form that the system takes; raise `ValueError` for a name."""
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))  # 127.1 and 0x7f000001 too
    except OSError:
        return ipaddress.ip_address(host.partition("%")[0])


def _is_private(host: str) -> bool:
    """Return True for an address, or a name of this machine, that the public network does not lead to."""
    try:
        return not _address(host).is_global
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
