from __future__ import annotations

import math
from pathlib import Path

import pytest

from humouse_doctor.core.errors import InputError
from humouse_doctor.inputs.logs import tables
from humouse_doctor.inputs.logs.tables import read_table


def _table(folder: Path, text: str) -> Path:
    path = folder / "metrics.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_chosen_columns_are_read_and_rows_without_an_epoch_left_out(tmp_path: Path) -> None:
    path = _table(tmp_path, "epoch,step,g_loss\n1,0,0.5\n,1,7\n2,9,\n3,10,inf\n4\n")

    table = read_table(path, lambda names: tuple(name for name in names if name.endswith("loss")))

    assert table.names == ("epoch", "step", "g_loss")
    assert table.epochs == (1, 2, 3, 4)
    assert table.columns["g_loss"][0] == 0.5
    assert all(math.isnan(value) for value in table.columns["g_loss"][1:])
    assert list(table.columns) == ["g_loss"]


def test_of_several_runs_in_one_table_the_last_is_returned(tmp_path: Path) -> None:
    table = read_table(_table(tmp_path, "epoch,x\n0,1\n20,2\n0,3\n0,4\n5,5\n"), lambda _: ("x",))

    assert (table.epochs, table.columns["x"]) == ((0, 0, 5), (3, 4, 5))


def test_a_column_that_is_not_there_is_left_out(tmp_path: Path) -> None:
    assert read_table(_table(tmp_path, "epoch\n1\n"), lambda _: ("x",)).columns == {}


@pytest.mark.parametrize("epoch", ["-1", "nan", "1e300", "x", "", "1_000_000_000"])
def test_what_is_no_epoch_makes_no_row(tmp_path: Path, epoch: str) -> None:
    assert read_table(_table(tmp_path, f"epoch,x\n{epoch},1\n"), lambda _: ("x",)).epochs == ()


@pytest.mark.parametrize(
    "data",
    [b"", b"a,b\n1,2\n", b"\xff", b"epoch," + b"x" * 70_000, b"epoch" + b",x" * 2_000, b'epoch\n"' + b"1\n" * 80_000],
    ids=["empty", "another header", "no text", "a long line", "many columns", "a quote that never ends"],
)
def test_any_other_file_is_refused_with_one_line(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "metrics.csv"
    path.write_bytes(data)

    with pytest.raises(InputError) as refused:
        read_table(path, lambda _: ())

    assert str(refused.value).startswith(f"{path}: cannot read it as a table of metrics: ")
    assert str(refused.value).isprintable()


def test_more_rows_than_any_run_logs_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "_MAX_ROWS", 2)

    with pytest.raises(InputError, match="more than 2 rows"):
        read_table(_table(tmp_path, "epoch\n1\n2\n3\n"), lambda _: ())
