from __future__ import annotations

import pytest

from tests.lab.zoo import healthy, results, tables, watched


def test_the_tables_people_read_are_those_of_the_results() -> None:
    for path, text in tables.made(results.read(results.PATH)).items():
        if path.read_text(encoding="utf-8") != text:
            pytest.fail(f"{path.name} is not what the results say; write it anew with python -m tests.lab.zoo --tables")


def test_the_results_hold_the_corpus_that_was_asked_for() -> None:
    rows = results.read(results.PATH)
    sick = [row for row in rows if row["truth"] != "healthy"]

    assert len(rows) >= 240
    assert sum(row["length"] >= 200 for row in rows) >= 24
    assert {row["part"] for row in rows} >= {"calibration", "held-out"}
    assert all(row["trained"]["verdict"] for row in sick)
    shared = {row["length"] for row in rows if row["part"] == "calibration"} & {
        row["length"] for row in rows if row["part"] == "held-out"
    }
    assert not shared


def test_the_table_of_watched_trainings_is_that_of_its_results() -> None:
    assert watched.PAGE.read_text(encoding="utf-8") == watched.page(watched.read())


def test_the_table_of_healthy_runs_is_that_of_its_results() -> None:
    assert healthy.PAGE.read_text(encoding="utf-8") == healthy.page(healthy.read())
