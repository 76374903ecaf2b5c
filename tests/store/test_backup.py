"""Backups: taken while answers come in, whole or not there at all, restored to either database."""

from __future__ import annotations

import random
import stat
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from pathlib import Path

import psycopg
import pytest

from survey_app import submission
from survey_app.settings import Settings
from survey_app.store import (
    Store,
    StoreError,
    Wave,
    backup,
    checks,
    contacts,
    invitations,
    open_store,
    responses,
    schema,
)
from survey_app.store.backup_reading import verify
from survey_app.store.backup_restore import restore
from survey_app.store.contacts import Contact
from survey_app.store.tables import metadata
from survey_app.submission import Accepted, Submission, new_id
from tests.store.test_integrity import play

YES = {"consent": "yes", "district": "east", "age": "41"}


def every_row(store: Store) -> dict[str, list[str]]:
    """What stands in every table, as text that both engines give alike."""
    found = {}
    for table in metadata.sorted_tables:
        rows = store.read(lambda connection, table=table: connection.all(table.select()))
        flags = {column.name for column in table.columns if str(column.type) == "BOOLEAN"}
        found[table.name] = sorted(
            repr({name: bool(value) if name in flags else value for name, value in row.items()}) for row in rows
        )
    return found


def in_place(home: Path, url: str | None) -> dict[str, str]:
    return {"SANDU_HOME": str(home), **({"SANDU_DATABASE_URL": url} if url else {})}


def restored(file: Path, home: Path, url: str | None = None) -> Store:
    environment = in_place(home, url)
    restore(file, home, environment)
    return open_store(Settings.from_environment(environment))


@pytest.mark.parametrize("target", ["sqlite", "postgresql"])
def test_a_backup_restores_every_row_of_every_table_to_either_database(
    store: Store, wave: Wave, tmp_path: Path, target: str, make_postgres_database: Callable[[], str]
) -> None:
    play(store, wave)
    submission.submit(store, wave, Submission(new_id(), {**YES, "remark": "路灯🏮 坏了\n'\"\\\t\x01"}))
    assert checks.check(store) == []
    made = backup.make(store.settings, tmp_path / "one.zip")
    before = every_row(store)
    url = make_postgres_database() if target == "postgresql" else None
    with restored(tmp_path / "one.zip", tmp_path / "again", url) as again:
        assert every_row(again) == before
        assert again.settings.secret == store.settings.secret
        assert checks.check(again) == []
        # numbers that the database gives out go on behind the largest that came, and a receipt still erases
        outcome = submission.submit(again, wave, Submission(new_id(), YES))
        assert submission.erase(again, outcome.receipt) == "spring"
        assert checks.check(again) == []
    assert made.responses == len(before["response"])
    assert verify(tmp_path / "one.zip") == made


@pytest.mark.parametrize("target", ["sqlite", "postgresql"])
def test_contacts_travel_along_and_come_back_in_a_store_of_their_own(
    store: Store, wave: Wave, tmp_path: Path, target: str, make_postgres_database: Callable[[], str]
) -> None:
    source = store.settings
    if source.database_url:  # a database of its own: the shared one is emptied of answers only
        source = replace(source, database_url=make_postgres_database())
        schema.upgrade(source)
    people = [Contact(f"c{number:02}", date(2027, 1, 1), name=f"李{number}", phone="028 1234") for number in range(30)]
    with contacts.open_contacts(source) as opened:
        contacts.load(opened, wave, people)
    made = backup.make(source, tmp_path / "one.zip")
    assert made.counts["contacts.sqlite"]["contact"] == 30
    url = make_postgres_database() if target == "postgresql" else None
    with restored(tmp_path / "one.zip", tmp_path / "again", url) as again:
        assert checks.check(again) == []
        with contacts.open_contacts(again.settings) as opened:
            assert list(contacts.all_of(opened, wave).values()) == people
    if url:
        assert sorted(path.name for path in (tmp_path / "again").iterdir()) == ["secret"]
        with psycopg.connect(url) as connection:
            found = connection.execute("SELECT schemaname FROM pg_tables WHERE tablename = 'contact'").fetchall()
            assert found == [("contacts",)]


def test_only_the_owner_reads_a_backup_and_nothing_lies_beside_it(store: Store, wave: Wave, tmp_path: Path) -> None:
    folder = tmp_path / "safe"
    folder.mkdir()
    backup.make(store.settings, folder / "one.zip")
    assert stat.S_IMODE((folder / "one.zip").stat().st_mode) == 0o600
    assert [path.name for path in folder.iterdir()] == ["one.zip"]
    restore(folder / "one.zip", tmp_path / "again", in_place(tmp_path / "again", None))
    private = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "again").iterdir()}
    assert private == {"secret": 0o600, "sandu.sqlite": 0o600}


def test_snapshots_travel_along_unless_they_are_left_out(store: Store, tmp_path: Path) -> None:
    frozen = store.settings.snapshots / "spring" / "abc"
    frozen.mkdir(parents=True)
    (frozen / "manifest.json").write_text("{}", encoding="utf-8")
    backup.make(store.settings, tmp_path / "with.zip")
    backup.make(store.settings, tmp_path / "without.zip", snapshots=False)
    for name, there in (("with", True), ("without", False)):
        restore(tmp_path / f"{name}.zip", tmp_path / name, in_place(tmp_path / name, None))
        assert (tmp_path / name / "snapshots" / "spring" / "abc" / "manifest.json").exists() == there


def test_a_backup_taken_during_a_thousand_submissions_holds_every_one_acknowledged_before_it_began(
    store: Store, wave: Wave, tmp_path: Path
) -> None:
    tokens = invitations.mint(store, wave, [f"c{number:02}" for number in range(40)])
    many = [Submission(new_id(), YES, invitation=token) for token in tokens]
    many += [Submission(new_id(), {**YES, "age": str(18 + number % 80)}) for number in range(960)]
    random.Random(3).shuffle(many)
    acknowledged: list[str] = []
    news = threading.Condition()

    def send(one: Submission) -> None:
        assert isinstance(submission.submit(store, wave, one), Accepted)
        with news:
            acknowledged.append(one.id)
            news.notify()

    taken: list[tuple[Path, set[str]]] = []
    with ThreadPoolExecutor(8) as pool:
        sent = [pool.submit(send, one) for one in many]
        for number, wanted in enumerate((50, 400, 800)):
            with news:
                assert news.wait_for(lambda wanted=wanted: len(acknowledged) >= wanted, timeout=120)
                before = set(acknowledged)
            backup.make(store.settings, tmp_path / f"{number}.zip")
            taken.append((tmp_path / f"{number}.zip", before))
        for one in sent:
            one.result()
    assert len(taken[0][1]) < 1000
    for file, before in taken:
        with restored(file, tmp_path / file.stem) as again:
            there = {one.id for one in responses.stream(again, wave)}
            assert before <= there
            assert checks.check(again) == []
            for (
                one
            ) in many:  # everybody sends again: what was there is repeated, what was not is taken, nothing doubles
                outcome = submission.submit(again, wave, one)
                assert isinstance(outcome, Accepted)
                assert outcome.repeated == (one.id in there)
            assert len(list(responses.stream(again, wave))) == 1000
            assert checks.check(again) == []


def test_a_backup_is_never_written_over_a_file(store: Store, tmp_path: Path) -> None:
    (tmp_path / "one.zip").write_text("something else", encoding="utf-8")
    with pytest.raises(StoreError, match=r"one\.zip exists already"):
        backup.make(store.settings, tmp_path / "one.zip")
    assert (tmp_path / "one.zip").read_text(encoding="utf-8") == "something else"
    (tmp_path / "link.zip").symlink_to(tmp_path / "nowhere")
    with pytest.raises(StoreError, match=r"link\.zip exists already"):
        backup.make(store.settings, tmp_path / "link.zip")
    with pytest.raises(StoreError, match="Nothing can be written beside"):
        backup.make(store.settings, tmp_path / "no" / "such" / "one.zip")


def test_the_database_of_an_older_schema_is_backed_up_and_restored_at_the_present_one(
    store: Store, wave: Wave, tmp_path: Path, make_postgres_database: Callable[[], str]
) -> None:
    """What the refusal of an old schema tells people to do first."""
    play(store, wave)
    kept = {one.id for one in responses.stream(store, wave)}
    schema.downgrade(store.settings, "0001")
    with pytest.raises(StoreError, match="Make a backup"):
        open_store(store.settings)
    assert backup.make(store.settings, tmp_path / "old.zip").revision == "0001"
    schema.upgrade(store.settings)
    for name, url in (("a", None), ("b", make_postgres_database())):
        with restored(tmp_path / "old.zip", tmp_path / name, url) as again:
            assert {one.id for one in responses.stream(again, wave)} == kept
            assert checks.check(again) == []
