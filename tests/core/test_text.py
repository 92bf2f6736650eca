"""The escaper, the shortener and the words for an exception."""

from __future__ import annotations

import unicodedata

import pytest

from humouse_doctor.core import text
from humouse_doctor.core.text import full_reason, harmless, one_line, reason, shortened


def test_only_what_a_terminal_would_obey_is_spelled_out() -> None:
    for number in (*range(0x300), 0x200B, 0x202E, 0x2028, 0x2029, 0xD800, 0xFEFF, 0x1F642, 0xE0001):
        character = chr(number)
        obeyed = unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp") and character != "\n"
        assert (harmless(f"a{character}b") == f"a{character}b") is not obeyed, hex(number)
        assert not obeyed or harmless(f"a{character}b").isascii(), hex(number)


def test_plain_text_is_returned_without_a_look_at_each_character(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: str) -> str:
        raise AssertionError("looked at a character")

    monkeypatch.setattr(text, "_spelled", refuse)
    plain = "model.generator.target_len is 64 " * 1000
    assert harmless(plain) is plain


def test_prose_is_put_on_one_line() -> None:
    assert one_line("  two\r\n\tlines \x1b[2J ") == "two lines \\x1b[2J"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("a" * 10, "a" * 10),
        ("a" * 11, "aaaaaaa..."),
        ("a\nb\r", "a\\nb\\r"),
        ("\u202e" * 10, "\\u202e\\..."),
        ("é漢" * 5, "é漢" * 5),
        ("", ""),
    ],
)
def test_a_name_is_cut_to_its_place(given: str, expected: str) -> None:
    assert shortened(given, 10) == expected


def test_a_very_long_name_is_not_looked_at_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []

    def harmless(given: str) -> str:
        seen.append(len(given))
        return given

    monkeypatch.setattr(text, "harmless", harmless)
    assert len(shortened("é" * 1_000_000)) == 80
    assert seen == [81]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (OSError(2, "No such file or directory", "a.pt"), "No such file or directory"),
        (ValueError("one\n two\x1b"), "one two\\x1b"),
        (ValueError(), "ValueError"),
        (ValueError("x" * 500), "x" * 197 + "..."),
        (OSError("without a number"), "without a number"),
    ],
)
def test_an_exception_in_words(error: Exception, expected: str) -> None:
    assert reason(error) == expected


def test_errors_of_foreign_code_name_their_class_and_file() -> None:
    assert full_reason(KeyError("a\nb")) == "KeyError: 'a\\nb'"
    assert full_reason(OSError(2, "No such file", "weights.pt")) == "FileNotFoundError: [Errno 2] No such file: 'weights.pt'"
    assert full_reason(RuntimeError(" ")) == "RuntimeError"
