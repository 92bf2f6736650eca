"""Rebuild public reports and ask the tool about them: `python -m tests.lab.reports`."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from tests.lab.reports import results, table
from tests.lab.reports.asking import Row, asked, named
from tests.lab.reports.catalogue import REPORTS, part_of
from tests.lab.reports.report import Part
from tests.lab.zoo.judge import tool_digest


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.lab.reports", description=__doc__)
    parser.add_argument("--only", help="names of reports, with commas between; all by default")
    parser.add_argument("--part", choices=[part.name.lower() for part in Part], help="one part of the reports")
    parser.add_argument("--tables", action="store_true", help="write the tables of the results there are, and do nothing else")
    given = parser.parse_args()
    names = {report.name for report in REPORTS} if given.only is None else set(given.only.split(","))
    unknown = names - {report.name for report in REPORTS}
    if unknown:
        parser.error(f"no such reports: {', '.join(sorted(unknown))}")
    if not given.tables:
        for report in REPORTS:
            if report.name in names and given.part in (None, part_of(report).name.lower()):
                row = asked(report)
                results.write([row], tool_digest())  # at once: a run that is stopped keeps what it has
                print(*_lines(row), sep="\n", flush=True)
    table.PAGE.write_text(table.page(results.read()), encoding="utf-8")


def _lines(row: Row) -> Iterator[str]:
    yield f"{row['name']} ({row['part']}): {row['answer']}; expected {row['expected']}"
    for twin in ("sick", "healed"):
        said = row[twin]
        seconds = " + ".join(f"{value:g} s" for value in said["seconds"].values())
        other = [code for code in said["findings"] if code not in named(said)]
        yield f"  {twin}: {said['verdict']} ({said['confidence']}), causes {named(said)}, others {other}, {seconds}"


if __name__ == "__main__":
    main()
