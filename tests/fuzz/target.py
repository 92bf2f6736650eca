"""What a target of the fuzzer has to have, and how bytes are damaged."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import NamedTuple


class Failure(Exception):
    """An input that brought about what none may; `data` is the input."""

    def __init__(self, message: str, data: bytes) -> None:
        super().__init__(message)
        self.data = data


class Outcome(NamedTuple):
    """In a few words how an input ended, and the input itself where it is worth a look though no rule was broken."""

    words: str
    worth_a_look: bytes | None = None


class Target(ABC):
    """Makes one input after the other in `folder`, and holds what reads it to the rules."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.random = random.Random(seed)

    @abstractmethod
    def once(self) -> Outcome:
        """Try one input; raises `Failure`."""

    def close(self) -> None:  # noqa: B027  # most targets have started nothing
        """Let go of what was started."""

    def __enter__(self) -> Target:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()


#: Numbers at which readers err, in all widths that files use.
_EDGES = [
    value.to_bytes(width, order, signed=True)
    for width in (1, 2, 4, 8)
    for value in (0, 1, -1, -2, (1 << (8 * width - 1)) - 1, -(1 << (8 * width - 1)))
    for order in ("little", "big")
]  # fmt: skip


def damaged(data: bytes, random: random.Random, words: list[bytes]) -> bytes:
    """`data` with one to eight changes: bits, bytes, edges of numbers, `words`, cuts, repeats and moves."""
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
