"""`sandu contacts`, `sandu invite`: who is behind a case, and links for mail houses, SMS houses and letters."""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from analysis.errors import nearest
from questionnaires import Instrument
from survey_app.cli.office_files import read_table, refuse_cell
from survey_app.publish.exports import safe_cell
from survey_app.publish.letters import Letter, Mailing, language_of, letters_html
from survey_app.settings import Settings
from survey_app.store import audit, contacts, instruments, invitations, waves
from survey_app.store.contacts import Contact
from survey_app.store.database import Store
from survey_app.store.errors import StoreError
from survey_app.store.files import place, require_absent, workshop
from survey_app.store.shapes import Case, Wave

PERSONAL = ("name", "phone", "address", "email", "language")
HANDED_OUT = ("name", "phone", "email")
LONGEST = 300  # characters of a name or an address
KEPT_AFTER = 30  # days after the wave's last day, when nothing else is said
BATCH = re.compile(r"[\w.-]{1,64}")
TELEPHONE = re.compile(r"\+?[0-9][0-9 ]*")  # a spreadsheet makes a number of it at worst


@dataclass(frozen=True)
class Order:
    """What a batch of invitations is to be. count: None for everybody who waits; fields: contact columns of the CSV."""

    batch: str
    days: int = 30
    count: int | None = None
    districts: tuple[str, ...] = ()
    again: bool = False
    csv: Path | None = None
    letters: Path | None = None
    fields: tuple[str, ...] = ()


@dataclass(frozen=True)
class Batch:
    """What went out: the links, in random order, and until when they open a form."""

    links: tuple[str, ...]
    last_day: date


def load_contacts(store: Store, slug: str, path: Path, keep_until: date | None) -> int:
    """Store the contacts of a CSV, all or none; how many. Raises StoreError naming row and column."""
    wave = waves.get(store, slug)
    if keep_until is None:
        if wave.closes is None:
            raise StoreError(f"Wave {slug!r} has no last day; say with --keep-until how long contacts may be kept.")
        keep_until = wave.closes + timedelta(days=KEPT_AFTER)
    if keep_until < date.today():
        raise StoreError(f"{keep_until} is past: contacts may not be kept any more. Give a later --keep-until.")
    people = _read_contacts(store, wave, path, keep_until)
    with contacts.open_contacts(store.settings) as book:
        contacts.load(book, wave, people)
    audit.note(store, "contacts.loaded", wave=slug, contacts=len(people))
    return len(people)


def _read_contacts(store: Store, wave: Wave, path: Path, keep_until: date) -> list[Contact]:
    languages = instruments.load(store, wave.instrument_id, wave.instrument_version).languages
    drawn = {case.case for case in invitations.cases(store, wave)}
    answered = invitations.answered(store, wave)
    seen: dict[str, int] = {}
    people = []
    for number, row in read_table(path, ("case",), PERSONAL):
        case = row["case"]
        if case not in drawn:
            raise refuse_cell(path, number, "case", f"{case!r} is not drawn in wave {wave.slug!r}; draw it first.")
        if case in seen:
            raise refuse_cell(path, number, "case", f"{case!r} stands in row {seen[case]} already.")
        seen[case] = number
        for column in PERSONAL:
            if len(row.get(column, "")) > LONGEST or not row.get(column, "").isprintable():
                raise refuse_cell(path, number, column, f"more than {LONGEST} characters, or a line break; mend it.")
        language = row.get("language") or None
        if language is not None and language not in languages:
            raise refuse_cell(path, number, "language", f"{language!r} is not asked. {nearest(language, languages)}")
        known = {name: row.get(name) or None for name in PERSONAL}
        # What an answer holds too is not learned again of somebody who has answered (see `store.sealing`).
        known["language"] = None if case in answered else language
        people.append(Contact(case, keep_until, **known))
    return people


def forget_contacts(store: Store, slug: str, cases: Sequence[str], *, answered: bool) -> int:
    """Erase contacts of a wave: of some cases, of those that have answered, or all; how many there were."""
    wave = waves.get(store, slug)
    if not contacts.contacts_exist(store.settings):
        return 0
    chosen = sorted(invitations.answered(store, wave)) if answered else list(cases) or None
    with contacts.open_contacts(store.settings) as book:
        count = contacts.forget(book, wave, chosen)
    audit.note(store, "contacts.forgotten", wave=slug, contacts=count)
    return count


def send(store: Store, slug: str, order: Order) -> Batch:
    """Mint the invitations of a batch and write its files; no file, no invitation. Raises StoreError."""
    wave = _open_wave(store, slug, order)
    chosen = _chosen(store, wave, order)
    last_day = min(date.today() + timedelta(days=order.days), wave.closes or date.max)
    instrument = instruments.load(store, wave.instrument_id, wave.instrument_version)
    mailing = Mailing(wave, instrument, store.settings.public_address, last_day, date.today())
    people = _contacts(store.settings, wave, order)
    letters = [_letter(case, people.get(case.case), instrument) for case in chosen]
    with _written(mailing, letters, order):
        cases, tokens = [one.case for one in letters], [one.token for one in letters]
        invitations.mint(store, wave, cases, last_day, batch=order.batch, tokens=tokens)
        ways = [name for name, path in (("csv", order.csv), ("letters", order.letters)) if path is not None]
        facts = {"batch": order.batch, "count": len(letters), "ways": ways, "fields": list(order.fields)}
        audit.note(store, "invitations.sent", wave=slug, sent=facts)
    return Batch(tuple(mailing.link(one.token) for one in letters), last_day)


def _letter(case: Case, person: Contact | None, instrument: Instrument) -> Letter:
    return Letter(case.case, invitations.new_token(), language_of(person, instrument), person)


def _open_wave(store: Store, slug: str, order: Order) -> Wave:
    wave = waves.get(store, slug)
    if waves.closed_because(wave.state, None, wave.closes, date.today()):
        raise StoreError(f"Wave {slug!r} is closed, so its invitations would open nothing. Name an open wave.")
    stray = next((name for name in order.fields if name not in HANDED_OUT), None)
    if stray is not None:
        raise StoreError(f"{stray!r} is not handed out with links. {nearest(stray, HANDED_OUT)}")
    if not BATCH.fullmatch(order.batch):
        raise StoreError(f"{order.batch!r} is no name of a batch. Use letters, digits, - _ and ., at most 64.")
    address = store.settings.public_address
    if not wave.simulated and re.match(r"https?://(localhost|127\.|\[?::1)", address):
        raise StoreError(
            f"Links would begin with {address}, which opens on no other machine. Set SANDU_PUBLIC_ADDRESS first."
        )
    return wave


def _chosen(store: Store, wave: Wave, order: Order) -> list[Case]:
    """Web cases that wait, in random order; with `again` those who got nothing yet before the others."""
    first = invitations.waiting(store, wave)
    if order.again:
        known = {case.case for case in first}
        first += [case for case in invitations.waiting(store, wave, again=True) if case.case not in known]
    districts = {case.district for case in first}
    for district in order.districts:
        if district not in districts:
            raise StoreError(f"Nobody in district {district!r} of wave {wave.slug!r} waits for an invitation.")
    chosen = [case for case in first if not order.districts or case.district in order.districts]
    if order.count is not None and len(chosen) < order.count:
        raise StoreError(
            f"{order.count} invitations were asked for, and {len(chosen)} web cases of wave {wave.slug!r} wait for one."
        )
    if not chosen:
        raise StoreError(
            f"Nobody in wave {wave.slug!r} waits for a first invitation. Remind those who have one with --again."
        )
    return chosen[: order.count]


def _contacts(settings: Settings, wave: Wave, order: Order) -> Mapping[str, Contact]:
    """The contacts that the files need; the contact store is not opened for links alone."""
    if (order.csv is None and order.letters is None) or not contacts.contacts_exist(settings):
        if order.fields:
            raise StoreError(f"There are no contacts of wave {wave.slug!r}; load them with sandu contacts load.")
        return {}
    with contacts.open_contacts(settings) as book:
        return contacts.all_of(book, wave)


@contextmanager
def _written(mailing: Mailing, letters: Sequence[Letter], order: Order) -> Iterator[None]:
    """Write the batch's files before the block and name them after it: what is refused leaves none."""
    wanted = {order.csv: links_csv(mailing, letters, order.fields), order.letters: ""}
    if order.letters is not None:
        wanted[order.letters] = letters_html(mailing, letters)
    targets = {path.absolute(): text for path, text in wanted.items() if path is not None}
    if not targets:
        yield
        return
    for target in targets:
        require_absent(target)
    with workshop(next(iter(targets))) as folder:
        ready = {}
        for number, (target, text) in enumerate(targets.items()):
            ready[target] = folder / str(number)
            descriptor = os.open(ready[target], os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
                file.write(text)
        yield
        for target, path in ready.items():
            place(path, target)


def links_csv(mailing: Mailing, letters: Sequence[Letter], fields: Sequence[str]) -> str:
    """One row per link, for a mail or SMS house: UTF-8 with a mark, and no cell that a spreadsheet would run."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(["case", "language", *fields, "link"])
    for letter in letters:
        personal = [getattr(letter.contact, name, None) or "" for name in fields]
        cells = [letter.case, letter.language, *personal, mailing.link(letter.token)]
        writer.writerow([cell if TELEPHONE.fullmatch(cell) else safe_cell(cell) for cell in cells])
    return "\ufeff" + out.getvalue()
