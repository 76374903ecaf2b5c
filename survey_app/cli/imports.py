"""`sandu import`: rows of a CSV, submitted one by one under ids that make a second run continue instead of doubling."""

import csv
import hashlib
import io
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from analysis.errors import nearest
from questionnaires import Instrument
from survey_app import submission
from survey_app.store import instruments, waves
from survey_app.store.database import Store
from survey_app.store.errors import StoreError

FACTS = ("row_key", "invitation", "mode", "language", "fieldwork_date")
EARLIEST = date(2000, 1, 1)
MODES = ("web", "phone", "face_to_face", "paper")
Row = tuple[int, submission.Submission]
Report = Callable[[Iterable[Row], str, int], Iterator[Row]]


@dataclass(frozen=True, slots=True)
class ImportResult:
    """How many rows were stored now, were there before, and what was wrong with the others (a sentence each)."""

    accepted: int
    repeated: int
    problems: tuple[str, ...]


def import_csv(store: Store, wave: str, path: Path, *, report: Report) -> ImportResult:
    """Submit every row of a UTF-8 CSV to a wave. Columns: item names, and any of row_key (else the row number),
    invitation (a token; without it the open link), mode, language, fieldwork_date (YYYY-MM-DD).

    Nothing is submitted unless the whole file can be read. Raises StoreError for an unknown wave, a byte that is not
    UTF-8, a duplicated, unknown or missing column, a row with too many or too few cells, a repeated row_key.
    """
    declared = waves.get(store, wave)
    instrument = instruments.load(store, declared.instrument_id, declared.instrument_version)
    content = _bytes(path)
    rows = _rows(_text(path, content), path, instrument)
    source = hashlib.sha256(content).hexdigest()
    prepared = [(number, _submission(row, number, source, path, instrument)) for number, row in rows]
    counts: Counter[str] = Counter()
    problems = []
    for number, form in report(prepared, "Importing", len(prepared)):
        outcome = submission.submit(store, declared, form)
        if isinstance(outcome, submission.Accepted):
            counts["repeated" if outcome.repeated else "accepted"] += 1
        else:
            problems.append(f"{path.name} row {number}: {_sentence(outcome)}")
    return ImportResult(counts["accepted"], counts["repeated"], tuple(problems))


def _sentence(outcome: submission.Outcome) -> str:
    if isinstance(outcome, submission.Quarantined):
        return "kept aside, not counted: " + "; ".join(f"{item}: {why}" for item, why in outcome.problems.items())
    if isinstance(outcome, submission.Refused):
        return f"not taken ({outcome.reason})"
    return "another answer is already stored under this row's id"


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise StoreError(f"The file {path} cannot be read ({error.strerror}); check its name.") from error


def _text(path: Path, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        byte = content[error.start]
        raise StoreError(
            f"{path.name} line {line} holds byte 0x{byte:02X}, which is not UTF-8; save as UTF-8."
        ) from error


def _rows(text: str, path: Path, instrument: Instrument) -> list[tuple[int, dict[str, str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        table = list(reader)
    except csv.Error as error:
        raise StoreError(
            f"{path.name} is no table with a header (line {reader.line_num}: {error}); export it as CSV again."
        ) from error
    numbered = [(number, cells) for number, cells in enumerate(table, start=1) if cells]  # blank lines are no rows
    if not numbered:
        raise StoreError(f"{path.name} is empty, so it is no table with a header; export it as CSV again.")
    (_, header), *body = numbered
    _check_header(header, path, instrument)
    if not body:
        raise StoreError(f"{path.name} has a header and no rows; export it again with the answers.")
    rows = []
    for number, cells in body:
        if any("\0" in cell for cell in cells):
            raise StoreError(f"{path.name} row {number} holds a NUL character; export it as CSV again.")
        if len(cells) != len(header):
            raise StoreError(
                f"{path.name} row {number} has {len(cells)} cells, the header {len(header)}; mend the row."
            )
        rows.append((number, dict(zip(header, cells, strict=True))))
    keys = Counter(_key(row, number) for number, row in rows)
    twice = next((key for key, count in keys.items() if count > 1), None)
    if twice is not None:
        raise StoreError(f"{path.name} has row_key {twice!r} twice; give every row its own key.")
    return rows


def _key(row: Mapping[str, str], number: int) -> str:
    return row.get("row_key") or str(number)


def _check_header(header: list[str], path: Path, instrument: Instrument) -> None:
    twice = next((name for name, count in Counter(header).items() if count > 1), None)
    if twice is not None:
        raise StoreError(f"{path.name} has the column {twice!r} twice; rename or remove one.")
    asked = {name: item for name, item in instrument.items.items() if item.shown and item.type != "note"}
    known = (*asked, *FACTS)
    stray = next((name for name in header if name not in known), None)
    if stray is not None:
        raise StoreError(
            f"{path.name} has a column {stray!r}, which {instrument.id} does not ask. {nearest(stray, known)}"
        )
    missing = next((name for name, item in asked.items() if item.required and name not in header), None)
    if missing is not None:
        raise StoreError(f"{path.name} lacks the column {missing!r}, which {instrument.id} requires; add it.")


def _submission(
    row: Mapping[str, str], number: int, source: str, path: Path, instrument: Instrument
) -> submission.Submission:
    mode = row.get("mode") or "web"
    if mode not in MODES:
        raise StoreError(f"{path.name} row {number} has mode {mode!r}. {nearest(mode, MODES)}")
    language = row.get("language") or instrument.default_language
    if language not in instrument.languages:
        raise StoreError(
            f"{path.name} row {number} has language {language!r}. {nearest(language, instrument.languages)}"
        )
    day = _day(row.get("fieldwork_date", ""), number, path)
    answers = {
        name: value.split() if instrument.items[name].type == "select_multiple" else value
        for name, value in row.items()
        if name not in FACTS and value
    }
    return submission.Submission(
        id=str(uuid.uuid5(uuid.NAMESPACE_OID, f"{source}:{_key(row, number)}")),
        answers=answers,
        language=language,
        mode=mode,
        door="import",
        invitation=row.get("invitation") or None,
        fieldwork_date=day,
    )


def _day(text: str, number: int, path: Path) -> date | None:
    if not text:
        return None
    try:
        day = datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError as error:
        raise StoreError(f"{path.name} row {number} has fieldwork_date {text!r}; it must read YYYY-MM-DD.") from error
    if not EARLIEST <= day <= date.today():
        raise StoreError(f"{path.name} row {number} has fieldwork_date {text}; give a day from {EARLIEST} to today.")
    return day
