"""A server on this machine whose answers to HTTP are as good, or as bad, as the path asks for."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

#: The bytes of each good file.
FILES: dict[str, bytes] = {}
#: Headers and bodies that are not what they say; a path without a body closes the connection after its headers.
ODD: dict[str, tuple[int, dict[str, str], bytes]] = {
    "/denied.pt": (403, {}, b"no"),
    "/broken.pt": (500, {}, b"no"),
    "/to-file.pt": (302, {"Location": "file:///etc/passwd"}, b""),
    "/to-file-by-uri.pt": (302, {"URI": "file:///etc/passwd"}, b""),
    "/to-ftp.pt": (307, {"Location": "ftp://127.0.0.1/x.pt"}, b""),
    "/round.pt": (302, {"Location": "/round.pt"}, b""),
    "/to-good.pt": (302, {"Location": "/good.pt"}, b""),
    "/short.pt": (200, {"Content-Length": "4096"}, b"few"),
    "/vast.pt": (200, {"Content-Length": str(1 << 50)}, b"few"),
    "/packed.pt": (200, {"Content-Encoding": "gzip"}, b"\x1f\x8b"),
}


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        code, headers, body = ODD.get(path, (200, {}, FILES.get(path, b"")))
        if path not in ODD and path not in FILES and path not in ("/endless.pt", "/silent.pt", "/user.pt"):
            code = 404
        if path in FILES:
            headers = {"ETag": f'"{len(body)}"', "Content-Length": str(len(body))}
        if path == "/user.pt":
            body = self.headers.get("Authorization", "").encode()
        if path == "/silent.pt":
            self.server.closing.wait(5)  # type: ignore[attr-defined]
            return
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        with contextlib.suppress(OSError):  # the reader may have heard enough
            self.wfile.write(body)
            while path == "/endless.pt":
                self.wfile.write(bytes(1 << 16))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its name in the base class
        pass


@contextlib.contextmanager
def serving() -> Iterator[str]:
    """Serve for the block; the value is the beginning of its URLs."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads, server.closing = True, threading.Event()  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.closing.set()  # type: ignore[attr-defined]
        server.shutdown()
        server.server_close()
        thread.join()
