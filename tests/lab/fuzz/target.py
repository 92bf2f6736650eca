"""Define the fuzzer's targets, the rules they share, and damage to bytes."""

from __future__ import annotations

import random
import re
import signal
import time
import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

from tests.hostile.forks import Watch
from tests.hostile.memory import forget_peak, peak_kib

#: The longest message, not counting its path.
MAX_LINE = 700
#: Of computing; and by the clock, which other programs may take most of.
_MAX_S, _HANGS_S = 5.0, 60
_MAX_KIB = 512 << 10


class Failure(Exception):
    """An input that broke a rule; `data` is the input."""

    def __init__(self, message: str, data: bytes) -> None:
        super().__init__(message)
        self.data = data


class Outcome(NamedTuple):
    """A short description of how an input ended; the input is included if it is worth a look though it broke no rule."""

    words: str
    worth_a_look: bytes | None = None


class Target(ABC):
    """A source of inputs in `folder`, and the rules for reading them."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.random = random.Random(seed)

    @abstractmethod
    def once(self) -> Outcome:
        """Try one input; raises `Failure`."""

    def close(self) -> None:  # noqa: B027  # most targets have started nothing
        """Release what was started."""

    def __enter__(self) -> Target:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()


class _Hangs(BaseException):
    """A timeout, of a class that no `except Exception` catches as an error of the file."""


class Rules:
    """Limits on reading one input in this process: seconds, memory, no warning, no file, nothing executed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.watch = Watch()

    @contextmanager
    def held(self, data: bytes) -> Iterator[None]:
        """Raise `Failure` if reading `data` within the block breaks a rule or raises anything else."""
        there, peak, start = self._files(), forget_peak(), time.process_time()
        self.watch.seen.clear()
        before = signal.signal(signal.SIGALRM, _ring)
        signal.alarm(_HANGS_S)
        try:
            with warnings.catch_warnings(record=True) as warned, self.watch.looking():
                warnings.simplefilter("always")
                yield
        except Failure:
            raise
        except (Exception, _Hangs) as error:
            raise Failure(f"{type(error).__name__}: {error}"[:300], data) from error
        finally:
            signal.alarm(0)
            signal.signal(signal.SIGALRM, before)
        if self._files() != there:
            raise Failure("a file was made or removed", data)
        # numpy parses a header into a tree, which executes nothing; executing is the event `exec`
        done = [event for event in self.watch.seen if not event.startswith("compile ")]
        if done:
            raise Failure(f"this process did more than look: {done[:3]}", data)
        if warned:
            raise Failure(f"a warning: {warned[0].message}", data)
        seconds, grown = time.process_time() - start, peak_kib() - peak
        if seconds > _MAX_S or grown > _MAX_KIB:
            raise Failure(f"{seconds:.1f} s and {grown >> 10} MiB more", data)

    def _files(self) -> set[Path]:
        return set(self.folder.rglob("*"))


def _ring(*_: object) -> None:
    raise _Hangs(f"more than {_HANGS_S} s")


def require_line(line: str, starts: tuple[str, ...], data: bytes) -> str:
    """Raise `Failure` if `line` is not a proper message; return its first words without parts that depend on the file."""
    start = next((start for start in starts if line.startswith(start)), None)
    if start is None or not line.isprintable() or len(line) >= MAX_LINE + len(start):
        raise Failure(f"a line that is none, of {len(line):,} characters: {line[:300]!r}", data)
    rest = re.sub(r"^[\d: ]+", "", line.removeprefix(start))
    return re.sub(r"'.*'|\S*[\d.=_]\S*|\(.*\)|\[.*\]", "...", rest)[:50]


#: Numbers that readers often mishandle, in all widths that files use.
_EDGES = [
    value.to_bytes(width, order, signed=True)
    for width in (1, 2, 4, 8)
    for value in (0, 1, -1, -2, (1 << (8 * width - 1)) - 1, -(1 << (8 * width - 1)))
    for order in ("little", "big")
]  # fmt: skip


def damaged(data: bytes, random: random.Random, words: list[bytes]) -> bytes:
    """Return `data` with one to eight changes: bits, bytes, boundary numbers, `words`, cuts, repeats and moves."""
    found = bytearray(data)
    for _ in range(random.choice((1, 1, 1, 2, 3, 8))):
        place = random.randrange(len(found) + 1)
        length = random.choice((1, 2, 4, 8, 16, 64))
        match random.randrange(8):
            case 0 if place < len(found):
                found[place] ^= 1 << random.randrange(8)
            case 1 if place < len(found):
                found[place] = random.randrange(256)
            case 2:
                edge = random.choice(_EDGES)
                found[place : place + len(edge)] = edge
            case 3:
                word = random.choice(words)
                found[place : place + random.choice((0, len(word)))] = word
            case 4:
                del found[place : place + length]
            case 5:
                found[place:place] = found[place : place + length] * random.choice((1, 2, 50))
            case 6:
                other = random.randrange(len(found) + 1)
                found[place : place + length] = found[other : other + length]
            case _:
                found[place:place] = bytes(random.randrange(256) for _ in range(random.choice((1, 4))))
    if random.randrange(50) == 0:
        del found[random.randrange(len(found) + 1) :]
    return bytes(found)


def reworded(text: str, random: random.Random, words: list[str]) -> str:
    """Return `text` with one to four changes that leave it text: `words`, cuts, repeats and moves."""
    for _ in range(random.choice((1, 1, 2, 4))):
        place, other = random.randrange(len(text) + 1), random.randrange(len(text) + 1)
        length = random.choice((1, 2, 4, 16))
        match random.randrange(4):
            case 0:
                text = text[:place] + random.choice(words) + text[place + random.choice((0, 0, length)) :]
            case 1:
                text = text[:place] + text[place + length :]
            case 2:
                text = text[:place] + text[other : other + length] + text[place:]
            case _:
                text = text[:place] + text[other : other + length] + text[place + length :]
    return text
