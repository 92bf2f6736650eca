"""Text from files and configs made harmless for a terminal."""

from __future__ import annotations

import unicodedata


def harmless(text: str) -> str:
    """`text` without control characters, direction marks or lone surrogates; they are spelled out instead."""
    return "".join(_spelled(character) for character in text)


def _spelled(character: str) -> str:
    if character == "\n" or (" " <= character <= "~"):
        return character
    if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp"):
        return character.encode("unicode_escape", "surrogatepass").decode("ascii")
    return character
