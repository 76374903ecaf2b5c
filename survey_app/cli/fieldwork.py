"""What `sandu reconcile` and `sandu quotas` print and read: the counts of a wave, and its quotas as a CSV."""

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rich import box
from rich.table import Table

from survey_app.cli.screen import in_full, word
from survey_app.settings import Settings
from survey_app.store import reconciliation, units, waves
from survey_app.store.database import Store
from survey_app.store.errors import StoreError
from survey_app.store.quotas import Quota
from survey_app.store.reconciliation import ALL, COUNTS, Line

Grouping = Literal["lines", "district", "mode"]
_ = word
HEADERS = {"excluded": "excluded by rule", "duplicates": "duplicates absorbed"}
CAP, NAME = "cap", "name"


@dataclass(frozen=True, slots=True)
class Account:
    """The counts as lines of text, and a sentence per equation that does not hold."""

    lines: tuple[str, ...]
    sentences: tuple[str, ...]


def reconcile(settings: Settings, store: Store, slug: str, by: Grouping) -> Account:
    """The wave's lines added up, and their sum; the equations are looked at in every single line all the same."""
    wave = waves.get(store, slug)
    found = reconciliation.reconcile(store, wave)
    names = units.names(store, wave.scheme, wave.edition, settings.language)
    kinds = {"lines": 3, "district": 1, "mode": 2}[by]
    table = Table(title=f"{slug}: {_('interviews')}", title_justify="left", box=box.SIMPLE, padding=(0, 1, 0, 0))
    headers = {"lines": ("district", "mode", "stream"), "district": ("district",), "mode": ("mode", "stream")}[by]
    for header in headers:
        table.add_column(_(header), no_wrap=True)
    for count in COUNTS:
        table.add_column(_(HEADERS.get(count, count.replace("_", " "))), justify="right", no_wrap=True)
    for line in reconciliation.grouped(found.lines, by):
        where = _where(line, names.get(line.district or "", line.district or _("not yet known")), by)
        table.add_row(*where, *(str(getattr(line, count)) for count in COUNTS))
    whole = reconciliation.total(found.lines)
    table.add_section()
    table.add_row(_("All"), *[""] * (kinds - 1), *(str(getattr(whole, count)) for count in COUNTS))
    return Account(in_full(table), tuple(reconciliation.sentences(slug, found)))


def _where(line: Line, district: str, by: Grouping) -> tuple[str, ...]:
    kinds = tuple("" if kind == ALL else kind for kind in (line.mode, line.stream))
    return {"lines": (district, *kinds), "district": (district,), "mode": kinds}[by]


def quota_table(held: Iterable[Quota]) -> Table:
    """Every quota with its conditions, what is taken and what is left (complete answers)."""
    table = Table(title=_("Quotas (complete answers)"), title_justify="left")
    for header in ("Quota", "conditions", "taken", "at most", "left"):
        table.add_column(_(header), no_wrap=True, justify="left" if header in {"Quota", "conditions"} else "right")
    for one in held:
        conditions = ", ".join(f"{field}={value}" for field, value in one.conditions.items())
        left = _("full") if one.full else str(one.cap - one.taken)
        table.add_row(one.name, conditions, str(one.taken), str(one.cap), left)
    return table


def read_quotas(path: Path) -> list[Quota]:
    """The quotas of a UTF-8 CSV: a column `cap`, and a column per condition ("district", "mode", "stream", an item).

    An empty cell is no condition. `name` may be a column; else a quota is named by its conditions. Raises StoreError.
    """
    try:
        rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig")), strict=True))
    except OSError as error:
        raise StoreError(f"The file {path} cannot be read ({error.strerror}); check its name.") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise StoreError(f"{path.name} is no CSV in UTF-8 ({error}). Save it anew as CSV, UTF-8.") from None
    if not rows or CAP not in rows[0]:
        raise StoreError(f"{path.name} has no column {CAP!r}. Its first line names the columns, each other is a quota.")
    found = [_quota(path, number, row) for number, row in enumerate(rows, start=2)]
    twice = next((one.name for one in found if sum(other.name == one.name for other in found) > 1), None)
    if twice is not None:
        raise StoreError(f"{path.name} names the quota {twice!r} twice. Leave one of them out.")
    return found


def _quota(path: Path, number: int, row: dict[str, str]) -> Quota:
    cap = (row.get(CAP) or "").strip()
    if not cap.isascii() or not cap.isdecimal() or None in row:
        raise StoreError(f"{path.name}, line {number}: {cap!r} is no whole number of answers. Give one in {CAP!r}.")
    conditions = {field: value.strip() for field, value in row.items() if field not in {CAP, NAME} and value}
    conditions = {field: value for field, value in conditions.items() if value}
    name = (row.get(NAME) or "").strip() or ", ".join(f"{field}={value}" for field, value in conditions.items())
    return Quota(name or ALL, conditions, int(cap))
