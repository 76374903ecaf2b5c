"""After the seal nobody can tell which answer came from which invitation: an adversary tries, on both databases.

The adversary (`linking.py`) must find the pairs before the seal, and when a part of the seal is left out, else its
failure afterwards would mean nothing.
"""

from __future__ import annotations

import random
import secrets
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import psycopg
import pytest
import time_machine
from sqlalchemy import insert, update

from questionnaires import Instrument
from survey_app import submission
from survey_app.settings import Settings
from survey_app.store import (
    Case,
    Store,
    Wave,
    checks,
    contacts,
    drafts,
    instruments,
    invitations,
    sealing,
    waves,
)
from survey_app.store.connections import Connection
from survey_app.store.contacts import Contact, Contacts
from survey_app.store.tables import disposition, invitation, paper_entry
from survey_app.submission import Submission, new_id
from tests.store import linking

# z beyond which pairs are found: of the thousands of scores that are tried, the greatest stays below 4 by chance.
SINGLE, LEARNED = 5.5, 4.5
FIRST = date(2026, 9, 7)
DAYS = 3
PSUS, PEOPLE = 4, 36
DISTRICTS = ("east", "west")
YES = {"consent": "yes", "district": "east", "age": "41"}
INTERVIEWERS = ("ann", "bai", "chen")


@pytest.fixture
def people(settings: Settings) -> Iterator[Contacts]:
    if settings.database_url:
        with psycopg.connect(settings.database_url) as connection:
            connection.execute("DROP SCHEMA IF EXISTS contacts CASCADE")
    with contacts.open_contacts(settings) as opened:
        yield opened


@dataclass
class Fieldwork:
    """A wave in the field: who is drawn, who is asked when and by whom, and which answer was whose."""

    store: Store
    wave: Wave
    people: Contacts
    chance: random.Random
    truth: dict[str, str]

    def run(self, nightly: Callable[[], Any]) -> None:
        """Some days of fieldwork, each ended by what is done nightly."""
        plan = self.plan()
        for number in range(DAYS):
            day = FIRST + timedelta(days=number)
            with time_machine.travel(day):
                if number % 2 == 0:
                    self.invite(f"batch {number}", plan)
                for case in plan[number]:
                    self.answer(case)
                nightly()

    def plan(self) -> list[list[Case]]:
        """Who answers on which day: by lot; within a day three psus of four in the order of their cases, one in any."""
        days: list[list[Case]] = [[] for _ in range(DAYS)]
        for case in invitations.cases(self.store, self.wave):
            if self.chance.random() < 0.9:
                self.chance.choice(days).append(case)
        for day in days:
            self.chance.shuffle(day)
            day.sort(key=lambda case: (case.psu, case.case if int(case.psu[-1]) else ""))
        return days

    def invite(self, batch: str, plan: list[list[Case]]) -> None:
        """Before the first and the third day those get a link who will answer until the next batch."""
        soon = [case for day in plan[int(batch[-1]) : int(batch[-1]) + 2] for case in day]
        now = [case.case for case in soon if case.mode == "web" or self.chance.random() < 0.3]
        self.tokens = dict(
            zip(now, invitations.mint(self.store, self.wave, now, FIRST + timedelta(days=30)), strict=True)
        )
        for case in now:
            change = update(invitation).where(invitation.c.case == case).values(batch=batch)
            self.store.write(lambda connection, change=change: connection.run(change))

    def answer(self, case: Case) -> None:
        """One interview: by link, or asked by an interviewer after some attempts."""
        english = self.chance.random() < 0.3
        language = "en" if english else "zh"
        person = Contact(case.case, FIRST + timedelta(days=90), name=f"p{self.chance.random()}", language=language)
        contacts.load(self.people, self.wave, [person])
        answers = {"consent": "yes", "district": case.district, "age": str(self.chance.randint(18, 90))}
        if case.mode == "web":
            begun = submission.open_invitation(self.store, self.wave, self.tokens[case.case])
            door, interviewer = self.chance.choice(["plain", "streamlit"]), None
            id_ = begun.id
        else:
            door, interviewer = "console", self.chance.choice(INTERVIEWERS)
            id_ = self.visit(case, interviewer)
        if self.chance.random() < 0.1:
            answers = {"consent": "no"}
        form = Submission(id_, answers, language=language, door=door, interviewer=interviewer)
        assert isinstance(submission.submit(self.store, self.wave, form), submission.Accepted)
        self.truth[case.case] = id_

    def visit(self, case: Case, interviewer: str) -> str:
        """The case is taken from the call list and tried a few times; the draft that the interview is written in."""
        hold = update(invitation).where(invitation.c.case == case.case).values(interviewer=interviewer, held_until=99)
        begun = {"id": new_id(), "wave": self.wave.slug, "case": case.case, "district": case.district,
                 "mode": case.mode, "language": "zh", "interviewer": interviewer}  # fmt: skip
        tries = self.chance.randint(1, 3)
        rows = [
            {
                **dict.fromkeys(disposition.columns.keys()),
                **{"wave": self.wave.slug, "case": case.case, "attempt": number, "code": "3.13", "mode": case.mode},
                **{"interviewer": interviewer, "on_date": date.today().isoformat(), "note": f"door {number}"},
                "hour": self.chance.randint(9, 20),
            }
            for number in range(1, tries + 1)
        ]
        self.store.write(lambda connection: connection.run(hold))
        self.store.write(lambda connection: connection.run_many(insert(disposition), rows))
        self.store.write(lambda connection: drafts.add(connection, begun))
        return str(begun["id"])


@pytest.fixture
def fieldwork(store: Store, people: Contacts, instrument: Instrument) -> Fieldwork:
    instruments.publish(store, instrument)
    title = {"zh": "秋季", "en": "Autumn"}
    wave = Wave("autumn", title, "510100", "nbs", "2023", instrument.id, instrument.version, presets={"city": "510100"})
    waves.create(store, wave)
    chance = random.Random(20260907)
    cases = []
    for district in DISTRICTS:
        for psu in range(PSUS):
            for number in range(PEOPLE):
                mode = "web" if number % 3 else chance.choice(["phone", "face_to_face"])
                name = f"{district}-{psu}-{chance.randrange(10**9):09d}"
                cases.append(Case(name, district, district, f"{district}-{psu}", 0.1, 0.02, 500.0, "all", mode))
    chance.shuffle(cases)
    invitations.draw(store, wave, cases)
    return Fieldwork(store, wave, people, chance, {})


def attacks(fieldwork: Fieldwork) -> list[linking.Found]:
    stores = (fieldwork.store, fieldwork.people)
    return [linking.attack(*stores, fieldwork.truth, by_day=by_day) for by_day in (False, True)]


def linked(found: linking.Found) -> bool:
    return found.best > SINGLE or found.learned > LEARNED


def test_before_the_seal_the_adversary_finds_the_pairs(fieldwork: Fieldwork) -> None:
    fieldwork.run(nightly=lambda: None)
    across, within = attacks(fieldwork)
    assert linked(across), across
    assert across.right > 2 * across.by_chance, across
    assert linked(within), within


def test_after_the_seal_no_pair_is_found_better_than_chance(fieldwork: Fieldwork, people: Contacts) -> None:
    fieldwork.run(nightly=lambda: submission.seal(fieldwork.store))
    for found in attacks(fieldwork):
        assert not linked(found), found
    assert checks.check(fieldwork.store) == []
    assert {
        person.language for case, person in contacts.all_of(people, "autumn").items() if case in fieldwork.truth
    } == {None}


def nothing(*_: object) -> bool:
    return True


# What is left in the files of SQLite when its tables are not laid down anew is a test of its own.
@pytest.mark.parametrize(
    ("settings", "part"),
    [
        ("sqlite", "tokens and attempts"), ("sqlite", "contacts"),
        ("postgresql", "tokens and attempts"), ("postgresql", "contacts"), ("postgresql", "tables"),
    ],
    indirect=["settings"],
)  # fmt: skip
def test_when_a_part_of_the_seal_is_left_out_pairs_are_found(
    fieldwork: Fieldwork, part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if part == "tokens and attempts":
        monkeypatch.setattr(sealing, "_donors", lambda used: {row["case"]: row for row in used})
    elif part == "contacts":
        monkeypatch.setattr(contacts, "hide_answered", nothing)
    else:
        monkeypatch.setattr(sealing, "lay_down_anew", nothing)
        monkeypatch.setattr(sealing, "_touch", nothing)
    fieldwork.run(nightly=lambda: None)
    submission.seal(fieldwork.store)
    found = attacks(fieldwork)
    assert any(linked(one) for one in found), found


def test_a_seal_in_portions_seals_every_used_invitation_and_killed_between_two_it_is_finished_by_the_next(
    fieldwork: Fieldwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    fieldwork.run(nightly=lambda: None)
    monkeypatch.setattr(sealing, "PORTION", 1)  # one psu each
    portions, seal_one = [], sealing._seal_portion

    class Killed(BaseException):
        pass

    def dies_at_the_third(portion: sealing.Portion, connection: Connection) -> int:
        portions.append(portion)
        if len(portions) == 3:
            raise Killed
        return seal_one(portion, connection)

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(sealing, "_seal_portion", dies_at_the_third)
        submission.seal(fieldwork.store)
    assert len({portion.first for portion in portions}) == 3
    assert checks.check(fieldwork.store) == []
    submission.seal(fieldwork.store)
    used = fieldwork.store.read(lambda c: c.all("SELECT used_on, held_by, interviewer FROM invitation WHERE used"))
    assert len(used) == len(fieldwork.truth)
    assert {value for row in used for value in row.values()} == {None}
    assert not any(linked(one) for one in attacks(fieldwork))


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
@pytest.mark.parametrize("whole", [True, False], ids=["sealed", "without laying down anew"])
def test_the_files_of_sqlite_hold_the_rows_and_nothing_else(
    fieldwork: Fieldwork, whole: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not whole:
        monkeypatch.setattr(sealing, "lay_down_anew", nothing)
    fieldwork.run(nightly=lambda: None)
    submission.seal(fieldwork.store)
    home = fieldwork.store.settings.home
    files = {path.name: path.read_bytes() for path in home.glob("sandu.sqlite*") if not path.name.endswith("-shm")}
    everything = b"".join(files.values())
    attempts = fieldwork.store.read(lambda connection: connection.all(disposition.select()))
    tried = Counter(row["case"] for row in attempts)
    # A case stands in its invitation, in the index of tokens and in its attempts; an id in its answer and two indices.
    clean = all(everything.count(case.encode()) == 2 + tried[case] for case in fieldwork.truth) and all(
        everything.count(id_.encode()) == 3 for id_ in fieldwork.truth.values()
    )
    emptied = not files.get("sandu.sqlite-wal")
    assert (clean, emptied) == (whole, whole)


def test_the_seal_keeps_every_count_and_a_used_link_stays_used(fieldwork: Fieldwork) -> None:
    store = fieldwork.store
    fieldwork.run(nightly=lambda: None)
    sql = ("SELECT district, psu, mode, disposition, batch, expires, token_hash IS NULL AS without, count(*) AS people "
           "FROM invitation GROUP BY 1, 2, 3, 4, 5, 6, 7")  # fmt: skip
    of_attempts = "SELECT i.psu, i.mode, d.attempt, d.code, count(*) AS tries FROM disposition d JOIN invitation i "
    of_attempts += 'ON i.wave = d.wave AND i."case" = d."case" GROUP BY 1, 2, 3, 4'

    def counts() -> list[set[tuple[object, ...]]]:
        return [{tuple(row.values()) for row in store.read(lambda c, q=q: c.all(q))} for q in (sql, of_attempts)]

    before = counts()
    sealed = submission.seal(store)
    assert counts() == before
    assert (sealed.invitations, sealed.complete) == (len(fieldwork.truth), True)
    again = submission.seal(store)
    assert again.invitations == 0
    used = [case for case in fieldwork.tokens if case in fieldwork.truth]
    for case in used[:5]:
        refused = submission.open_invitation(store, fieldwork.wave, fieldwork.tokens[case])
        assert refused == submission.Refused("used")


def test_a_draft_and_a_keyed_sheet_beside_the_answer_of_a_case_are_removed(store: Store, wave: Wave) -> None:
    (token,) = invitations.mint(store, wave, ["c00"])
    begun = submission.open_invitation(store, wave, token)
    submission.save_draft(store, wave, begun.id, "home", {"age": "41"}, language="zh")
    sheet = {**dict.fromkeys(paper_entry.columns.keys()), "wave": wave.slug, "sheet": "7", "entry": 1, "case": "c00"}
    sheet |= {"keyer": "ann", "language": "zh", "answers": "{}", "finished": False}
    store.write(lambda connection: connection.run(insert(paper_entry), sheet))
    form = Submission(new_id(), {"consent": "yes", "district": "east", "age": "41"}, invitation=token)
    outcome = submission.submit(store, wave, form)
    assert drafts.get(store, wave, begun.id) is not None
    sealed = submission.seal(store)
    assert drafts.get(store, wave, begun.id) is None
    assert store.read(lambda connection: connection.all(paper_entry.select())) == []
    assert sealed.alone == 1
    assert submission.erase(store, outcome.receipt) == wave.slug
    assert checks.check(store) == []


@pytest.mark.parametrize("settings", ["postgresql"], indirect=True)  # SQLite keeps long texts beside their row
def test_the_numbers_under_which_postgresql_keeps_long_texts_tell_no_order(store: Store, wave: Wave) -> None:
    with time_machine.travel(date.today() + timedelta(days=9)):
        submission.seal(store)  # a clock that ran ahead once keeps no later answer from being sealed
    words: dict[str, str] = {}
    for number in range(12):
        id_, remark = new_id(), secrets.token_urlsafe(1450)  # nothing in it repeats, so it is not compressed
        words[remark[:64]] = id_
        age = "41" if number % 3 else "7"  # one in three is held, and kept under its id when it is mended
        submission.submit(store, wave, Submission(id_, {**YES, "age": age, "remark": remark}))
        submission.submit(store, wave, Submission(id_, {**YES, "remark": remark}))
    submission.seal(store)
    for table in ("response", "quarantine"):
        with psycopg.connect(store.settings.database_url) as raw:
            (long_texts,) = raw.execute(
                "SELECT reltoastrelid::regclass::text FROM pg_class WHERE oid = %s::regclass", [table]
            ).fetchone()
            chunks = raw.execute(
                f"SELECT chunk_id, chunk_data FROM {long_texts} ORDER BY chunk_id, chunk_seq"
            ).fetchall()
            versions = raw.execute(f"SELECT count(DISTINCT xmin::text) FROM {table}").fetchone()
        order = [id_ for _, text in chunks for start, id_ in words.items() if start.encode() in text]
        assert len(set(order)) == (12 if table == "response" else 4)
        assert order == sorted(order)
        assert versions == (1,)
