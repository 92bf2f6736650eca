"""Work that a worker finds by its name."""

from __future__ import annotations

import json
import time

_ANSWER = b'{"a": "' + b"x" * 2_000 + b'"}'


def nothing(_: int) -> bytes:
    return _ANSWER


def slept(number: int) -> bytes:
    """Take a hundredth of a second, as a look at a run takes one or two."""
    time.sleep(0.01)
    return json.dumps({"number": number, "square": number * number}).encode()
