"""Sheets of paper as they are keyed in: twice, by two people, and compared before anything counts."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from typing import Any

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.dialects.postgresql import insert

from survey_app.store import audit, invitations, waves
from survey_app.store.bodies import plain
from survey_app.store.connections import Connection, Row
from survey_app.store.database import Store
from survey_app.store.errors import WordedError
from survey_app.store.shapes import Wave, from_date, to_date, to_json
from survey_app.store.tables import audit as audit_table
from survey_app.store.tables import paper_entry

ENTRIES = 2  # how often a sheet is keyed in, where its wave does not say
SETTLED = "paper.settled"
_SHEET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

_IN_WAVE = paper_entry.c.wave == bindparam("the_wave")
_THE_SHEET = paper_entry.c.sheet == bindparam("the_sheet")
_OF_SHEET = select(paper_entry).where(_IN_WAVE, _THE_SHEET).order_by(paper_entry.c.entry)
_ALL = select(paper_entry).where(_IN_WAVE).order_by(paper_entry.c.sheet, paper_entry.c.entry)
_SAME_CASE = select(paper_entry.c.sheet).where(
    _IN_WAVE, paper_entry.c.case == bindparam("the_case"), paper_entry.c.sheet != bindparam("the_sheet")
)
_ADD = insert(paper_entry).on_conflict_do_nothing()
_MINE = (
    _IN_WAVE,
    _THE_SHEET,
    paper_entry.c.keyer == bindparam("the_keyer"),
    paper_entry.c.finished.is_(False),
)
_HOLD = select(paper_entry).where(*_MINE).with_for_update()
_SAVE = (
    update(paper_entry)
    .values(answers=bindparam("new_answers"), page=bindparam("new_page"), language=bindparam("new_language"))
    .where(*_MINE)
)
_FINISH = update(paper_entry).values(answers=bindparam("new_answers"), finished=True).where(*_MINE)
_REMOVE = delete(paper_entry).where(_IN_WAVE, _THE_SHEET)
_SETTLED = select(audit_table.c.detail).where(
    audit_table.c.action == SETTLED, audit_table.c.wave == bindparam("the_wave")
)


@dataclass(frozen=True)
class Entry:
    """A sheet as one person keys it in. entry: 1 or 2; case: the drawn person, None for a sheet of the open link."""

    wave: str
    sheet: str
    keyer: str
    language: str
    fieldwork_date: date
    case: str | None = None
    entry: int = 1
    answers: Mapping[str, Any] = field(default_factory=dict)
    page: str | None = None
    finished: bool = False


@dataclass(frozen=True)
class Settled:
    """What came of comparing a sheet's entries: by keyer, how many of the compared items were not as settled.

    compared, differing: items; reasons: item -> why the entries differed, as `by` judged.
    """

    sheet: str
    by: str
    wrong: Mapping[str, int]
    compared: int = 0
    differing: int = 0
    reasons: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Quality:
    """How exactly somebody keys in. differing: share of compared items on which the two entries differed (0-100);
    wrong: share on which this person's was not the settled one (0-100); None before anything was compared."""

    keyer: str
    sheets: int
    compared: int
    differing: float | None
    wrong: float | None


def needed(wave: Wave) -> int:
    """How often a sheet of the wave is keyed in: 2, or 1 where its definition says so."""
    return int(wave.fieldwork.get("paper_entries", ENTRIES))


def begin(store: Store, wave: Wave, new: Entry) -> Entry:
    """Begin to key a sheet in, or go on with one's own entry.

    Raises StoreError for a malformed number, a sheet that is no case of a wave without an open link, one that has
    answered, a second entry by the same person, a third entry, and a wave that takes no answers.
    """
    if not _SHEET.fullmatch(new.sheet):
        raise WordedError(
            "'{sheet}' is no sheet number. Use letters, digits, dot, hyphen; 64 at most.", sheet=new.sheet[:40]
        )
    check_day(wave, new.fieldwork_date)
    named = {"sheet": new.sheet}

    def work(connection: Connection) -> Entry:
        before = _of_sheet(connection, wave.slug, new.sheet)
        mine = next((one for one in before if one.keyer == new.keyer), None)
        if mine is not None and not mine.finished:
            return mine
        if mine is not None:
            raise WordedError("You have keyed in sheet '{sheet}' already. Another person makes the second.", **named)
        if len(before) >= needed(wave):
            raise WordedError("Sheet '{sheet}' has all its entries. Check the number on the paper.", **named)
        begun = replace(new, entry=len(before) + 1, case=_case_of(connection, wave, new))
        if before and begun.case != before[0].case:
            raise WordedError("Sheet '{sheet}' was begun for another case. Check both numbers on the paper.", **named)
        if connection.run(_ADD, _row(begun)) != 1:  # PostgreSQL: two people began at the same moment
            raise WordedError("Somebody else began sheet '{sheet}' at this very moment. Begin again.", **named)
        return begun

    return store.write(work)


def check_day(wave: Wave, day: date) -> None:
    """StoreError for a day on which nobody of the wave can have been asked."""
    if day > date.today() or (wave.opens and day < wave.opens):
        raise WordedError("{day} is not within the fieldwork of this wave. Check the date.", day=day)


def save(store: Store, mine: Entry, *, page: str, names: set[str], answers: Mapping[str, Any], language: str) -> Entry:
    """Merge one page into an entry; items of the page that are absent are removed. StoreError when it is finished."""

    def work(connection: Connection) -> Entry:
        row = _hold(connection, mine)
        kept = {name: value for name, value in json.loads(row["answers"]).items() if name not in names}
        changed = replace(_entry(row), answers=plain({**kept, **answers}), page=page, language=language)
        connection.run(_SAVE, {**_key(mine), **_new(changed), "new_page": page, "new_language": language})
        return changed

    return store.write(work)


def finish(store: Store, mine: Entry, answers: Mapping[str, Any]) -> Entry:
    """End an entry with all its answers; nobody can change it then."""

    def work(connection: Connection) -> Entry:
        changed = replace(_entry(_hold(connection, mine)), answers=plain(answers), finished=True)
        connection.run(_FINISH, {**_key(mine), **_new(changed)})
        return changed

    return store.write(work)


def of_sheet(store: Store, wave: Wave | str, sheet: str) -> list[Entry]:
    """The entries of a sheet, the first first."""
    return store.read(lambda connection: _of_sheet(connection, waves.slug_of(wave), sheet))


def all_sheets(store: Store, wave: Wave | str) -> dict[str, list[Entry]]:
    """Every sheet that is not submitted yet with its entries."""
    found: dict[str, list[Entry]] = defaultdict(list)
    for row in store.read(lambda connection: connection.all(_ALL, {"the_wave": waves.slug_of(wave)})):
        found[row["sheet"]].append(_entry(row))
    return dict(found)


def discard(store: Store, wave: Wave | str, sheet: str, *, by: str) -> int:
    """Throw a sheet's entries away, so that it is keyed in anew; how many there were."""

    def work(connection: Connection) -> int:
        slug = waves.slug_of(wave)
        count = connection.run(_REMOVE, {"the_wave": slug, "the_sheet": sheet})
        audit.record(connection, "paper.discarded", actor=by, wave=slug, entries=count)
        return count

    return store.write(work)


def settle(connection: Connection, wave: str, settled: Settled) -> None:
    """Within the transaction that stores the answer: its entries go, and what the comparison showed is kept."""
    connection.run(_REMOVE, {"the_wave": wave, "the_sheet": settled.sheet})
    shown = {name: value for name, value in asdict(settled).items() if name not in {"sheet", "by"}}
    audit.record(connection, SETTLED, actor=settled.by, wave=wave, **shown)


def quality(store: Store, wave: Wave | str) -> list[Quality]:
    """How exactly each person keys in, over the sheets of a wave that were submitted; ordered by account."""
    rows = store.read(lambda connection: connection.all(_SETTLED, {"the_wave": waves.slug_of(wave)}))
    told = [json.loads(row["detail"]) for row in rows]
    return [_quality(keyer, told) for keyer in sorted({keyer for each in told for keyer in each["wrong"]})]


def _quality(keyer: str, told: list[dict[str, Any]]) -> Quality:
    mine = [each for each in told if keyer in each["wrong"]]
    compared = sum(each["compared"] for each in mine)
    differing, wrong = sum(each["differing"] for each in mine), sum(each["wrong"][keyer] for each in mine)
    shares = (100.0 * differing / compared, 100.0 * wrong / compared) if compared else (None, None)
    return Quality(keyer, len(mine), compared, *shares)


def _case_of(connection: Connection, wave: Wave, new: Entry) -> str | None:
    """The case that a sheet is for: the one given, else the one whose number the sheet bears."""
    reason = waves.refusal(connection, wave.slug, date.today())
    if reason:
        raise WordedError("This wave takes no answers now: nothing can be keyed in. Ask who runs the fieldwork.")
    row = invitations.by_case(connection, wave.slug, new.case or new.sheet)
    if row is None:
        if new.case or not wave.open_link:
            raise WordedError("'{case}' is no case of this wave. Check the number.", case=new.case or new.sheet)
        return None
    case = str(row["case"])
    other = connection.one(_SAME_CASE, {"the_wave": wave.slug, "the_case": case, "the_sheet": new.sheet})
    if row["used"]:
        raise WordedError("Case '{case}' has been answered already. Put the sheet aside.", case=case)
    if other:
        raise WordedError("Case '{case}' is being keyed in as sheet '{sheet}'. Put this one aside.", case=case, **other)
    return case


def _of_sheet(connection: Connection, wave: str, sheet: str) -> list[Entry]:
    return [_entry(row) for row in connection.all(_OF_SHEET, {"the_wave": wave, "the_sheet": sheet})]


def _hold(connection: Connection, mine: Entry) -> Row:
    row = connection.one(_HOLD, _key(mine))
    if row is None:
        raise WordedError("Your entry of sheet '{sheet}' is finished or thrown away. Begin again.", sheet=mine.sheet)
    return row


def _key(mine: Entry) -> Row:
    return {"the_wave": mine.wave, "the_sheet": mine.sheet, "the_keyer": mine.keyer}


def _new(changed: Entry) -> Row:
    return {"new_answers": to_json(dict(changed.answers))}


def _row(entry: Entry) -> Row:
    dated = {"fieldwork_date": from_date(entry.fieldwork_date), "answers": to_json(dict(entry.answers))}
    return {**asdict(entry), **dated}


def _entry(row: Row) -> Entry:
    dated = {"fieldwork_date": to_date(row["fieldwork_date"]), "answers": json.loads(row["answers"])}
    return Entry(**{**row, **dated, "finished": bool(row["finished"])})
