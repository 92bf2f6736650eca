"""Tables of metrics in CSV files, as humouse and Lightning's CSVLogger write them."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from humouse_doctor.core.errors import InputError
from humouse_doctor.core.text import reason
from humouse_doctor.inputs.files import read_bounded
from humouse_doctor.inputs.logs.summary import MAX_EPOCH

#: The names of humouse's tables. Lightning's has the first of these names, too.
METRICS, EVALUATIONS, DIFFUSION_EVALUATIONS = "metrics.csv", "sigma_eval_metrics.csv", "diffusion_eval_metrics.csv"
#: A column of an evaluation: the share of its samples that the detectors classify as real. One of the adversarial stage's rows.
ERROR_RATE, GAN_LOSS = "avg_error_rate", "g_loss"
_MAX_BYTES, _MAX_LINE, _MAX_COLUMNS, _MAX_ROWS = 32 << 20, 64 << 10, 1_000, 500_000
_EPOCH = "epoch"


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsTable:
    """The rows of the last run in a table that have an epoch, in order.

    `columns` holds the chosen columns, NaN where a cell holds no number.
    """

    names: tuple[str, ...]
    epochs: tuple[int, ...]
    columns: Mapping[str, tuple[float, ...]]


def read_table(path: Path, choose: Callable[[tuple[str, ...]], tuple[str, ...]]) -> MetricsTable:
    """Read the columns that `choose` picks from the header's names; raise `InputError` with a one-line message.

    humouse appends to an existing table, so a file may hold several runs. A lower epoch begins a new one; the last is returned.
    """
    try:
        text = read_bounded(path, _MAX_BYTES).decode("utf-8-sig")
        rows = csv.reader(_lines(text))
        header = tuple(name.strip() for name in next(rows, []))
        if len(header) > _MAX_COLUMNS or _EPOCH not in header:
            raise ValueError(f"its header is {','.join(header[:20])[:80]}")
        at = header.index(_EPOCH)
        chosen = {name: header.index(name) for name in choose(header) if name in header}
        epochs: list[int] = []
        values: dict[str, list[float]] = {name: [] for name in chosen}
        for count, cells in enumerate(rows):
            if count >= _MAX_ROWS:
                raise ValueError(f"it has more than {_MAX_ROWS:,} rows")
            epoch = _number(cells[at]) if at < len(cells) else math.nan
            if not 0 <= epoch <= MAX_EPOCH:  # Lightning leaves it out of some rows
                continue
            if epochs and epoch < epochs[-1]:
                epochs, values = [], {name: [] for name in chosen}
            epochs.append(int(epoch))
            for name, place in chosen.items():
                values[name].append(_number(cells[place]) if place < len(cells) else math.nan)
    except (OSError, ValueError, csv.Error) as error:
        raise InputError(
            f"{path}: cannot read it as a table of metrics: {reason(error)}; expected a header with epoch"
        ) from None
    return MetricsTable(names=header, epochs=tuple(epochs), columns={name: tuple(column) for name, column in values.items()})


def _lines(text: str) -> Iterator[str]:
    for line in io.StringIO(text):
        if len(line) > _MAX_LINE:
            raise ValueError(f"it has a line of more than {_MAX_LINE:,} characters")
        yield line


def _number(cell: str) -> float:
    """Return a cell's number, NaN if it holds none or an infinite one."""
    try:
        value = float(cell)
    except ValueError:
        return math.nan
    return value if math.isfinite(value) else math.nan
