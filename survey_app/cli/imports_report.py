"""What an import refused, as a CSV beside the imported one: row, column, value, why."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from survey_app.cli.mapping_rules import Fault
from survey_app.publish.exports import safe_cell
from survey_app.store import files

HEADER = ("row", "column", "value", "why")
LONGEST_VALUE = 500  # characters of a refused cell that are shown


class Report:
    """Takes faults; `written` is the file's name once there was one."""

    def __init__(self, writer: Any) -> None:
        self._writer = writer
        self.count = 0
        self.written: Path | None = None

    def add(self, number: int, fault: Fault) -> None:
        """One refused cell, or with an empty column a whole row."""
        if self.count == 0:
            self._writer.writerow(HEADER)
        self.count += 1
        cells = (fault.column, fault.value[:LONGEST_VALUE], fault.why)
        self._writer.writerow([number, *(safe_cell(cell) for cell in cells)])


@contextmanager
def open_report(table: Path) -> Iterator[Report]:
    """A report for an imported file: `answers.refused.csv`, or -2, -3 ... where there is one; none without a fault.

    Only its owner reads it, and it appears whole, at the end. Excel reads it: with a byte order mark, and no cell that
    a spreadsheet would run.
    """
    with files.workshop(table) as folder:
        draft = folder / "report.csv"
        number = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(number, "w", encoding="utf-8-sig", newline="") as file:
            report = Report(csv.writer(file))
            yield report
        if report.count:
            report.written = _place(draft, table)


def _place(draft: Path, table: Path) -> Path:
    names = (f"{table.stem}.refused{'' if number == 1 else f'-{number}'}.csv" for number in count(1))
    target = next(path for path in map(table.with_name, names) if not os.path.lexists(path))
    files.place(draft, target)
    return target
