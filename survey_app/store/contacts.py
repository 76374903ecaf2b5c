"""Who is behind a drawn case: name, telephone, address, email, language. Nothing here knows of answers.

Whoever shows or hands out a contact asks `permissions.can(actor, "contacts.view", wave)` first.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import bindparam, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from survey_app.store.connections import Connection, Row
from survey_app.store.contacts_opening import Contacts, contacts_exist, open_contacts
from survey_app.store.contacts_tables import contact
from survey_app.store.rewriting import lay_down_anew
from survey_app.store.shapes import Wave, from_date
from survey_app.store.waves import slug_of

__all__ = ["Contact", "Contacts", "contacts_exist", "forget", "forget_past", "load", "of", "open_contacts", "past"]

PERSONAL = ("name", "phone", "address", "email", "language")
_IN_WAVE = contact.c.wave == bindparam("the_wave")
_THE_CASE = contact.c.case == bindparam("the_case")
_NEW = insert(contact)
_PUT = _NEW.on_conflict_do_update(
    index_elements=["wave", "case"],
    set_={name: getattr(_NEW.excluded, name) for name in (*PERSONAL, "keep_until")},
)
_ONE = select(contact).where(_IN_WAVE, _THE_CASE)
_ALL = select(contact).where(_IN_WAVE).order_by(contact.c.case)
_FORGET_ALL = delete(contact).where(_IN_WAVE)
_FORGET = delete(contact).where(_IN_WAVE, _THE_CASE)
_PAST = (
    select(contact.c.wave, func.count().label("count"))
    .where(contact.c.keep_until < bindparam("the_day"))
    .group_by(contact.c.wave)
    .order_by(contact.c.wave)
)
_FORGET_PAST = delete(contact).where(contact.c.keep_until < bindparam("the_day"))
_SPEAKING = select(contact.c.wave, contact.c.case).where(contact.c.language.is_not(None))
_HIDE_LANGUAGE = update(contact).values(language=None).where(_IN_WAVE, _THE_CASE)
# Written as they stand: all rows without a language then share one version, whenever they lost it.
_TOUCH_HIDDEN = update(contact).values(language=None).where(_IN_WAVE, contact.c.language.is_(None))


@dataclass(frozen=True)
class Contact:
    """How to reach a drawn person. language: of letters and calls, None where not known. keep_until: the last day."""

    case: str
    keep_until: date
    name: str | None = field(default=None, repr=False)
    phone: str | None = field(default=None, repr=False)
    address: str | None = field(default=None, repr=False)
    email: str | None = field(default=None, repr=False)
    language: str | None = None


def load(contacts: Contacts, wave: Wave | str, people: Iterable[Contact]) -> int:
    """Store contacts, each in the place of what was stored for its case; how many."""
    rows = [{**_row(person), "wave": slug_of(wave)} for person in people]
    contacts.write(lambda connection: connection.run_many(_PUT, rows))
    return len(rows)


def of(contacts: Contacts, wave: Wave | str, case: str) -> Contact | None:
    """The contact of one case, or None when there is none."""
    values = {"the_wave": slug_of(wave), "the_case": case}
    row = contacts.read(lambda connection: connection.one(_ONE, values))
    return _contact(row) if row else None


def all_of(contacts: Contacts, wave: Wave | str) -> dict[str, Contact]:
    """Every contact of a wave by case."""
    rows = contacts.read(lambda connection: connection.all(_ALL, {"the_wave": slug_of(wave)}))
    return {row["case"]: _contact(row) for row in rows}


def forget(contacts: Contacts, wave: Wave | str, cases: Sequence[str] | None = None) -> int:
    """Erase the contacts of some cases, or of the whole wave, from the files too; how many there were."""
    slug = slug_of(wave)

    def work(connection: Connection) -> int:
        if cases is None:
            return connection.run(_FORGET_ALL, {"the_wave": slug})
        return sum(connection.run(_FORGET, {"the_wave": slug, "the_case": case}) for case in cases)

    count = contacts.write(work)
    lay_down_anew(contacts.database, ["contact"])
    return count


def past(contacts: Contacts, day: date) -> dict[str, int]:
    """How many contacts may not be kept on that day any more, by wave."""
    rows = contacts.read(lambda connection: connection.all(_PAST, {"the_day": day.isoformat()}))
    return {row["wave"]: int(row["count"]) for row in rows}


def forget_past(contacts: Contacts, day: date) -> int:
    """Erase the contacts that may not be kept on that day any more; how many."""
    count = contacts.write(lambda connection: connection.run(_FORGET_PAST, {"the_day": day.isoformat()}))
    lay_down_anew(contacts.database, ["contact"])
    return count


def with_language(contacts: Contacts) -> dict[str, set[str]]:
    """The cases of each wave whose contact has a language."""
    found: dict[str, set[str]] = defaultdict(set)
    for row in contacts.read(lambda connection: connection.all(_SPEAKING)):
        found[row["wave"]].add(row["case"])
    return dict(found)


def hide_answered(contacts: Contacts, answered: Mapping[str, Collection[str]]) -> bool:
    """Forget the language of cases that have answered: an answer has one too (see `sealing`).

    answered: cases by wave. False when somebody held the file so long that old pages are still in it.
    """

    def work(connection: Connection) -> None:
        for wave in sorted(slug for slug, cases in answered.items() if cases):
            values = [{"the_wave": wave, "the_case": case} for case in sorted(answered[wave])]
            connection.run_many(_HIDE_LANGUAGE, values)
            connection.run(_TOUCH_HIDDEN, {"the_wave": wave})

    contacts.write(work)
    return lay_down_anew(contacts.database, ["contact"])


def _row(person: Contact) -> Row:
    personal = {name: getattr(person, name) or None for name in PERSONAL}
    return {"case": person.case, "keep_until": from_date(person.keep_until), **personal}


def _contact(row: Row) -> Contact:
    personal = {name: row[name] for name in PERSONAL}
    return Contact(row["case"], date.fromisoformat(row["keep_until"]), **personal)
