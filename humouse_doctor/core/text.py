"""The one escaper and the one shortener for text from files, configs and exceptions, and guards against log commands."""

from __future__ import annotations

import re
import unicodedata

#: Categories of characters that are spelled out: controls, formats such as direction marks, surrogates, separators of lines.
_ESCAPED = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
#: All characters but those of ASCII that stay as they are.
_LOOKED_AT = re.compile(r"[^\n -~]")
#: Places that make GitHub's runner take a line for a command: `::` after blanks alone, and `##[` anywhere (`ActionCommand.cs`
#: of actions/runner, its `TryParseV2` and `TryParse`).
_COMMAND = re.compile(r"^([^\S\n]*):(?=:)|(?<=#)#(?=\[)", re.MULTILINE)

#: The beginning of a URL; a drive of Windows has one letter.
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")


def is_url(text: str) -> bool:
    """Return True if `text` is a URL rather than a path."""
    return _SCHEME.match(text) is not None


def harmless(text: str) -> str:
    """Return `text` with control characters, direction marks and lone surrogates spelled out; line feeds stay."""
    return _LOOKED_AT.sub(lambda found: _spelled(found[0]), text)


def harmless_line(text: str) -> str:
    """Return `text` as `harmless` does, with a space for each line feed: a name must not begin a line of its own."""
    return harmless(text).replace("\n", " ")


def spelled_line(text: str) -> str:
    """Return a name or a value on one line: what is not printable is spelled out, tabs too; blanks become one space."""
    return " ".join(harmless(text).split())


def one_line(text: str) -> str:
    """Return prose on one line: any run of white space becomes one space, and the rest is made harmless."""
    return harmless(" ".join(text.split()))


def shortened(text: str, most: int = 80) -> str:
    """Return a name or a value on one line of at most `most` characters, with line feeds spelled out too.

    What is cut ends with `...`. However long `text` is, only its first `most` characters are looked at.
    """
    line = harmless(text[: most + 1]).replace("\n", "\\n")
    return line if len(line) <= most else f"{line[: most - 3]}..."


def reason(error: BaseException, most: int = 200) -> str:
    """Return why `error` was raised, on one line of at most `most` characters.

    This is the system's own reason without the file's name, else the text of `error`, else the name of its class.
    """
    return shortened(one_line(str(getattr(error, "strerror", None) or error)), most) or type(error).__name__


def counted(number: int, thing: str) -> str:
    """Return a number of things, as `1 run`, `2 runs` or `1,000 entries`."""
    many = f"{thing[:-1]}ies" if thing.endswith("y") else f"{thing}s"
    return f"{number:,} {thing if number == 1 else many}"


def two_digits(value: float) -> str:
    """Return a number with two digits, and never as 0 unless it is."""
    if 0 < abs(value) < 0.005:  # two digits would say 0
        return f"{value:.1g}"
    return f"{value:.2f}" if abs(value) < 100 else f"{value:.3g}"


def full_reason(error: BaseException) -> str:
    """Return the class of `error` and its text, on one line: for errors of code that is not the tool's own."""
    text = shortened(one_line(str(error)), 200)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def no_command(text: str) -> str:
    """Return lines of a log with one character spelled out of each command that a pipeline would run."""
    return _COMMAND.sub(lambda found: f"{found[1]}\\x3a" if found[1] is not None else "\\x23", text)


def no_command_in_json(text: str) -> str:
    """Return JSON text of the same content in which a pipeline finds no command.

    `##[` can only be within a string, and `::` begins no line.
    """
    return text.replace("##[", "#\\u0023[")


def no_command_in_markup(text: str) -> str:
    """Return HTML or XML of the same content in which a pipeline finds no command."""
    return _COMMAND.sub(lambda found: f"{found[1]}&#58;" if found[1] is not None else "&#35;", text)


def _spelled(character: str) -> str:
    if character == "\n" or (" " <= character <= "~"):
        return character
    if unicodedata.category(character) in _ESCAPED:
        return character.encode("unicode_escape", "surrogatepass").decode("ascii")
    return character
