from __future__ import annotations

import pytest

from humouse_doctor.core.settings import Origin, Place, Setting, Settings, Value


def settings(value: Value) -> Settings:
    place = Place(file="run.yaml", line=3, column=5)
    return Settings(by_key={"a.b": Setting(key="a.b", value=value, origin=Origin.EXPLICIT, place=place)})


@pytest.mark.parametrize(
    ("value", "number", "integer", "flag", "text"),
    [
        (True, None, None, True, None),
        (3, 3.0, 3, None, None),
        (0.5, 0.5, None, None, None),
        ("3", None, None, None, "3"),
        (None, None, None, None, None),
        ((1, 2), None, None, None, None),
    ],
)
def test_a_value_is_given_only_as_what_it_is(
    value: Value, number: float | None, integer: int | None, flag: bool | None, text: str | None
) -> None:
    found = settings(value)
    assert found.value("a.b") == value
    assert (found.number("a.b"), found.integer("a.b"), found.flag("a.b"), found.text("a.b")) == (number, integer, flag, text)
    assert not isinstance(found.number("a.b"), bool)


def test_an_unknown_key_has_no_value_and_no_place() -> None:
    found = settings(1)
    answers: list[object] = [found.value("x"), found.number("x"), found.integer("x"), found.flag("x"), found.text("x")]
    assert answers == [None] * 5
    assert found.place("x") is None


def test_a_place_is_shown_as_file_and_line() -> None:
    place = settings(1).place("a.b")
    assert str(place) == "run.yaml:3"


def test_settings_are_a_mapping() -> None:
    found = settings(1)
    assert (list(found), len(found), "a.b" in found, "x" in found) == (["a.b"], 1, True, False)
    assert found["a.b"].value == 1
    assert len(Settings()) == 0


def test_another_setting_leaves_the_first_settings_as_they_were() -> None:
    before = Settings(by_key=settings(1).by_key, prefix="experiment.", source="run.yaml")
    after = before.with_setting(Setting(key="a.b", value=2, origin=Origin.OVERRIDE)).with_setting(
        Setting(key="a.c", value=3, origin=Origin.OVERRIDE)
    )
    assert (before.value("a.b"), len(before)) == (1, 1)
    assert (after.value("a.b"), after.value("a.c"), len(after)) == (2, 3, 2)
    assert (after.prefix, after.source) == ("experiment.", "run.yaml")
