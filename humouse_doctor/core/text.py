"""Text from files and configs made harmless for a terminal."""

from __future__ import annotations

import re
import unicodedata

#: Where GitHub's runner takes a line of a log for a command: `::` after blanks alone, and `##[` anywhere (`ActionCommand.cs`
#: of actions/runner, its `TryParseV2` and `TryParse`).
_COMMAND = re.compile(r"^([^\S\n]*):(?=:)|(?<=#)#(?=\[)", re.MULTILINE)


def harmless(text: str) -> str:
    """`text` without control characters, direction marks or lone surrogates; they are spelled out instead."""
    return "".join(_spelled(character) for character in text)


def harmless_line(text: str) -> str:
    """The same on one line: a name with a line feed in it must not begin a line of its own."""
    return harmless(text).replace("\n", " ")


def no_command(text: str) -> str:
    """Lines of a log of which none is a command to a pipeline: one character of what would be one is spelled out."""
    return _COMMAND.sub(lambda found: f"{found[1]}\\x3a" if found[1] is not None else "\\x23", text)


def no_command_in_json(text: str) -> str:
    """The same for JSON, which says what it said: `##[` can only be within a string, and `::` begins no line."""
    return text.replace("##[", "#\\u0023[")


def no_command_in_markup(text: str) -> str:
    """The same for HTML and XML."""
    return _COMMAND.sub(lambda found: f"{found[1]}&#58;" if found[1] is not None else "&#35;", text)


def _spelled(character: str) -> str:
    if character == "\n" or (" " <= character <= "~"):
        return character
    if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp"):
        return character.encode("unicode_escape", "surrogatepass").decode("ascii")
    return character
