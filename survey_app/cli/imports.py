"""`sandu import`: rows of a CSV, submitted one by one under ids that make a second run continue instead of doubling.

The file is read twice: once to the end, so that nothing is submitted from a file that cannot be read whole, then row
by row. Neither reading holds more than a few rows in memory.
"""

from __future__ import annotations

import hashlib
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path

from analysis.errors import nearest
from questionnaires import AnswerError, Instrument
from survey_app import submission
from survey_app.cli.imports_reading import Keys, Row, Table, open_table
from survey_app.cli.imports_report import Report, open_report
from survey_app.cli.mapping import MODES, SEVERAL, ColumnMapping, asked, load_mapping
from survey_app.cli.mapping_rules import Cell, Fault, Rule, UnreadableError, gather, read_day
from survey_app.cli.screen import word
from survey_app.store import instruments, waves
from survey_app.store.database import Store
from survey_app.store.errors import StoreError
from survey_app.store.shapes import Wave

FACTS = ("row_key", "invitation", "mode", "language", "fieldwork_date")
COUNTED = ("accepted", "repeated", "refused", "left out")
SHOWN = 20  # problems that are printed; the report has them all
CLIENTS, AT_ONCE = 8, 64  # threads that submit, rows under way
Progress = Callable[[Iterable[Row], str, int], Iterator[Row]]


@dataclass(frozen=True, slots=True)
class ImportResult:
    """How many rows were stored now, were there before, were refused or kept aside, were left out by the mapping.

    problems: the first sentences; report: the file that has them all, None when nothing was refused.
    """

    accepted: int
    repeated: int
    refused: int
    left_out: int
    problems: tuple[str, ...]
    report: Path | None


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A row on its way: with a form to submit, with faults, or, with neither, left out by the mapping."""

    number: int
    row: dict[str, str] = field(default_factory=dict)
    form: submission.Submission | None = None
    faults: tuple[Fault, ...] = ()


@dataclass
class _Import:
    """One run. counts: accepted, repeated, refused, left out."""

    store: Store
    wave: Wave
    instrument: Instrument
    mapping: ColumnMapping
    table: Table
    keys: Keys
    counts: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)


def import_csv(store: Store, wave: str, path: Path, *, mapping: Path | None = None, report: Progress) -> ImportResult:
    """Submit every row of a CSV to a wave.

    mapping: the file that says what the columns mean; without it the columns are item names, and any of row_key (else
    the row's number), invitation (a token; without it the open link), mode, language, fieldwork_date (YYYY-MM-DD), and
    the first row that does not fit refuses the file before any is submitted. With a mapping, rows that do not fit are
    reported and the others taken. Raises StoreError for a file that cannot be read whole.
    """
    declared = waves.get(store, wave)
    instrument = instruments.load(store, declared.instrument_id, declared.instrument_version)
    given = load_mapping(mapping, instrument) if mapping else None
    encoding, separator = (given.encoding, given.separator) if given else ("utf-8", ",")
    with open_table(path, encoding, separator) as table, closing(Keys()) as keys, open_report(path) as refusals:
        if given:
            _check_columns(table, given, mapping or path)
        run = _Import(store, declared, instrument, given or _as_named(table, instrument), table, keys)
        source, rows = _examine(run)
        _take_all(run, report(table.rows(), "Importing", rows), source, refusals)
    accepted, repeated, refused, left_out = (run.counts[name] for name in COUNTED)
    return ImportResult(accepted, repeated, refused, left_out, tuple(run.problems), refusals.written)


def summary(result: ImportResult) -> tuple[list[str], bool]:
    """The lines to print, and whether every row was taken."""
    counts = [
        f"{word('rows taken:')} {result.accepted}",
        f"{word('there before:')} {result.repeated}",
        f"{word('not taken:')} {result.refused}",
        *([f"{word('left out:')} {result.left_out}"] if result.left_out else []),
    ]
    more = [f"{word('All of them:')} {result.report}"] if result.report else []
    return [*result.problems, *more, ", ".join(counts)], result.refused == 0


def _as_named(table: Table, instrument: Instrument) -> ColumnMapping:
    """The mapping of a file whose columns are called as here."""
    items = asked(instrument)
    known = (*items, *FACTS)
    stray = next((name for name in table.header if name not in known), None)
    if stray is not None:
        raise StoreError(
            f"{table.name} has a column {stray!r}, which {instrument.id} does not ask. {nearest(stray, known)}"
        )
    missing = next((name for name, item in items.items() if item.required and name not in table.header), None)
    if missing is not None:
        raise StoreError(f"{table.name} lacks the column {missing!r}, which {instrument.id} requires; add it.")
    rules = {
        name: Cell(name, several=items[name].type in SEVERAL, keep_formulas=True)
        for name in table.header
        if name in items
    }
    facts: dict[str, Rule] = {name: Cell(name, keep_formulas=True) for name in FACTS[1:] if name in table.header}
    return ColumnMapping(
        rules, facts=facts, row_key="row_key" if "row_key" in table.header else None, numbered=True, strict=True
    )


def _check_columns(table: Table, mapping: ColumnMapping, named: Path) -> None:
    """Every column of the file is used or skipped by name, and every column of the mapping is in the file."""
    absent = next((name for name in sorted(mapping.used) if name not in table.header), None)
    if absent is not None:
        raise StoreError(
            f"{named.name} names a column {absent!r}, which {table.name} does not have. {nearest(absent, table.header)}"
        )
    stray = next((name for name in table.header if name not in mapping.used | mapping.skip), None)
    if stray is not None:
        raise StoreError(
            f"{table.name} has a column {stray!r}, which {named.name} neither uses nor skips; "
            "give it to an item, or name it under skip."
        )


def _examine(run: _Import) -> tuple[str, int]:
    """Read to the end: what the ids hang on, and the number of rows. Strict: the first faulty row refuses the file."""
    digest = hashlib.sha256()
    rows = 0
    for number, cells in run.table.rows(digest):
        rows += 1
        flaw = run.table.flaw(cells)
        if flaw is None:
            row = run.table.cells(cells)
            key = _key(run.mapping, row, number)
            if key and not run.keys.add(key, number):
                flaw = f"has row_key {key!r} twice; give every row its own key"
            elif run.mapping.strict:
                flaw = next((fault.why for fault in _form(run, number, row, "")[1]), None)
        if flaw and run.mapping.strict:
            raise StoreError(f"{run.table.name} row {number} {flaw.rstrip('.')}.")
    if not rows:
        raise StoreError(f"{run.table.name} has a header and no rows; export it again with the answers.")
    return run.mapping.source or digest.hexdigest(), rows


def _key(mapping: ColumnMapping, row: dict[str, str], number: int) -> str:
    """A row's own key; its number where none is declared, "" where it is declared and empty."""
    if mapping.row_key is None:
        return str(number)
    return row[mapping.row_key].strip() or (str(number) if mapping.numbered else "")


def _take_all(run: _Import, rows: Iterator[Row], source: str, refusals: Report) -> None:
    """Several rows at a time share one wait for the disk; with invitations, which two rows may hold, one by one."""
    with ThreadPoolExecutor(1 if "invitation" in run.mapping.facts else CLIENTS) as pool:
        while some := list(islice(rows, AT_ONCE)):
            prepared = [_prepare(run, number, cells, source) for number, cells in some]
            for one, outcome in zip(prepared, pool.map(partial(_submit, run), prepared), strict=True):
                _account(run, one, outcome, refusals)


def _prepare(run: _Import, number: int, cells: list[str], source: str) -> _Prepared:
    flaw = run.table.flaw(cells)
    if flaw is not None:
        whole = run.table.separator.join(cells).replace("\0", "\N{SYMBOL FOR NULL}")
        return _Prepared(number, faults=(Fault("", whole, flaw),))
    row = run.table.cells(cells)
    if any(row[column].strip() in passed_over for column, passed_over in run.mapping.leave_out.items()):
        return _Prepared(number, row)
    form, faults = _form(run, number, row, source)
    faults = [*_key_faults(run, row, number), *faults]
    return _Prepared(number, row, None if faults else form, tuple(faults))


def _submit(run: _Import, one: _Prepared) -> submission.Outcome | AnswerError | None:
    if one.form is None:
        return None
    try:
        return submission.submit(run.store, run.wave, one.form)
    except AnswerError as error:
        return error


def _account(run: _Import, one: _Prepared, outcome: submission.Outcome | AnswerError | None, refusals: Report) -> None:
    if isinstance(outcome, submission.Accepted):
        run.counts["repeated" if outcome.repeated else "accepted"] += 1
    elif isinstance(outcome, AnswerError):
        _refuse(run, one.number, [Fault("", "", f"cannot be taken: {outcome}")], refusals)
    elif outcome is not None:
        _refuse(run, one.number, list(_faults_of(run, one.row, outcome)), refusals)
    elif one.faults:
        _refuse(run, one.number, list(one.faults), refusals)
    else:
        run.counts["left out"] += 1


def _refuse(run: _Import, number: int, faults: list[Fault], refusals: Report) -> None:
    run.counts["refused"] += 1
    for fault in faults:
        refusals.add(number, fault)
    if len(run.problems) < SHOWN:
        run.problems.append(f"{run.table.name} row {number}: {'; '.join(fault.why for fault in faults)}")


def _key_faults(run: _Import, row: dict[str, str], number: int) -> Iterator[Fault]:
    column = run.mapping.row_key or ""
    key = _key(run.mapping, row, number)
    if not key:
        yield Fault(column, "", f"has no row key in column {column!r}; without it a second run would double the row")
        return
    first = run.keys.repeated(key)
    if first is not None:
        other = "a later row has too" if first == number else f"row {first} has too"
        yield Fault(column, key, f"has row key {key!r}, which {other}; neither is taken, keep the right one")


def _form(
    run: _Import, number: int, row: dict[str, str], source: str
) -> tuple[submission.Submission | None, list[Fault]]:
    """A row as a submission, or what is wrong with it."""
    facts, faults = gather({name: rule for name, rule in run.mapping.facts.items() if name != "fieldwork_date"}, row)
    answers, wrong = gather(run.mapping.items, row)
    faults += wrong
    day = None
    try:
        day = read_day(run.mapping.facts.get("fieldwork_date"), row)
    except UnreadableError as error:
        faults.append(error.fault)
    mode, language = str(facts.get("mode") or MODES[0]), str(facts.get("language") or run.instrument.default_language)
    for name, value, known in (("mode", mode, MODES), ("language", language, run.instrument.languages)):
        if value not in known:
            faults.append(
                Fault(run.mapping.facts[name].columns[0], value, f"has {name} {value!r}. {nearest(value, known)}")
            )
    if faults:
        return None, faults
    form = submission.Submission(
        id=str(uuid.uuid5(uuid.NAMESPACE_OID, f"{source}:{_key(run.mapping, row, number)}")),
        answers=answers,
        language=language,
        mode=mode,
        door="import",
        invitation=str(facts["invitation"]) if facts.get("invitation") else None,
        fieldwork_date=day,
    )
    return form, []


def _faults_of(run: _Import, row: dict[str, str], outcome: submission.Outcome) -> Iterator[Fault]:
    """Why an answer that could be read was not taken."""
    if isinstance(outcome, submission.Quarantined):
        for item, why in outcome.problems.items():
            rule = run.mapping.items.get(item)
            columns = rule.columns if rule else ()
            shown = " ".join(row[column] for column in columns)
            yield Fault(", ".join(columns), shown, f"kept aside, not counted: {item}: {why}")
    elif isinstance(outcome, submission.Refused):
        yield Fault("", "", f"not taken ({outcome.reason})")
    else:
        yield Fault("", "", "not taken: another answer is already stored under this row's key")
