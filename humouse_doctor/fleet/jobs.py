"""Jobs, their ends, and the progress that they report on the way."""

from __future__ import annotations

import contextlib
import copyreg
import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Generic, Protocol, TypeVar

P = TypeVar("P")


@dataclass(frozen=True, slots=True)
class Job(Generic[P]):
    """One piece of work.

    `key` is a hex digest of all that the answer depends on: inputs, config, options and the tool's version. `name` is for
    messages. `payload` can be pickled.
    """

    key: str
    name: str
    payload: P


@dataclass(frozen=True, slots=True)
class Ended:
    """The end of the job `key`: its `answer`, JSON as bytes, or else the reason of its `failure` in one line.

    `seconds` is the wall time of the work itself. `kept` is True for an answer that a journal had already.
    """

    key: str
    name: str
    answer: bytes | None
    failure: str | None
    seconds: float
    kept: bool = False


class Listener(Protocol[P]):
    """Receiver of the jobs' progress."""

    def started(self, job: Job[P]) -> None:
        """Note that a job has started; a job that has to be repeated starts once."""

    def moved(self, job: Job[P], pulse: object) -> None:
        """Note what a job has told."""


def _untold(_: object) -> None:
    """Tell nobody."""


_TELL: ContextVar[Callable[[object], None]] = ContextVar("tell", default=_untold)


def tell(pulse: object) -> None:
    """Report progress from within a job: any object that can be pickled; nobody hears it on a cluster."""
    _TELL.get()(pulse)


@contextlib.contextmanager
def telling(to: Callable[[object], None]) -> Iterator[None]:
    """Call `to` with all that is told within the block."""
    token = _TELL.set(to)
    try:
        yield
    finally:
        _TELL.reset(token)


def shard(jobs: Sequence[Job[P]], k: int, n: int) -> list[Job[P]]:
    """Return the jobs of part `k` of `n`, counted from 1, in their order.

    A job's key alone says which part it is in, so that it stays there when jobs are added; the parts are of nearly one size.
    """
    if not 1 <= k <= n:
        raise ValueError(f"part {k} of {n}")
    return [job for job in jobs if int.from_bytes(hashlib.sha256(job.key.encode()).digest()[:8], "big") % n == k - 1]


def _read_only(content: dict[Any, Any]) -> MappingProxyType[Any, Any]:
    return MappingProxyType(content)


def _reduce_proxy(proxy: MappingProxyType[Any, Any]) -> tuple[Any, tuple[dict[Any, Any]]]:
    return _read_only, (dict(proxy),)


copyreg.pickle(MappingProxyType, _reduce_proxy)  # read-only mappings can then be part of a payload
