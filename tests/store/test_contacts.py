"""The contact store: a file or a schema of its own, private, erasable, and never opened by taking an answer."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from datetime import date

import psycopg
import pytest

from survey_app.settings import Settings
from survey_app.store import StoreError, contacts, contacts_opening
from survey_app.store.contacts import Contact, Contacts
from survey_app.store.contacts_tables import metadata

UNTIL = date(2026, 12, 31)
WANG = Contact("c01", UNTIL, name="王秀英", phone="13900000001", address="锦江区春熙路1号", language="zh")
SMITH = Contact("c02", UNTIL, name="J. Smith", email="smith@example.org", language="en")


@pytest.fixture
def people(settings: Settings) -> Iterator[Contacts]:
    if settings.database_url:
        with psycopg.connect(settings.database_url) as connection:
            connection.execute("DROP SCHEMA IF EXISTS contacts CASCADE")
    assert not contacts.contacts_exist(settings)
    with contacts.open_contacts(settings) as opened:
        yield opened


def test_contacts_come_back_as_they_were_loaded_and_a_second_load_replaces_them(people: Contacts) -> None:
    assert contacts.load(people, "spring", [WANG, SMITH]) == 2
    moved = Contact("c02", UNTIL, name="J. Smith", address="Chenghua", language="en")
    assert contacts.load(people, "spring", [moved]) == 1
    assert contacts.of(people, "spring", "c01") == WANG
    assert contacts.all_of(people, "spring") == {"c01": WANG, "c02": moved}
    assert contacts.of(people, "autumn", "c01") is None


def test_a_contact_in_a_message_tells_no_name_and_no_number() -> None:
    assert "王" not in repr(WANG)
    assert "139" not in repr(WANG)


def test_the_file_and_its_log_are_for_their_owner_only(people: Contacts, settings: Settings) -> None:
    contacts.load(people, "spring", [WANG])
    for path in settings.home.glob("contacts.sqlite*"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path.name
    assert contacts.contacts_exist(settings)


def test_contacts_are_in_no_table_of_the_answers_and_the_other_way_round(people: Contacts, settings: Settings) -> None:
    contacts.load(people, "spring", [WANG])
    if settings.database_url:
        with psycopg.connect(settings.database_url) as connection:
            rows = connection.execute("SELECT table_name FROM information_schema.tables WHERE table_schema='contacts'")
            assert {name for (name,) in rows} == {"contact", "alembic_version"}
            assert connection.execute("SELECT to_regclass('public.contact')").fetchone() == (None,)
    else:
        everything = b"".join(path.read_bytes() for path in settings.home.glob("sandu.sqlite*"))
        assert "王秀英".encode() not in everything
    with pytest.raises(StoreError):
        people.read(lambda connection: connection.all("SELECT * FROM invitation"))


def test_forgetting_removes_one_case_a_wave_or_what_is_past_its_day_from_the_files_too(
    people: Contacts, settings: Settings
) -> None:
    old = Contact("c09", date(2026, 1, 1), name="旧联系人")
    contacts.load(people, "spring", [WANG, SMITH, old])
    contacts.load(people, "autumn", [WANG])
    assert contacts.forget(people, "spring", ["c02", "nobody"]) == 1
    assert contacts.past(people, date(2026, 1, 1)) == {}
    assert contacts.past(people, date(2026, 1, 2)) == {"spring": 1}
    assert contacts.forget_past(people, date(2026, 1, 2)) == 1
    assert list(contacts.all_of(people, "spring")) == ["c01"]
    assert contacts.forget(people, "spring") == 1
    assert list(contacts.all_of(people, "autumn")) == ["c01"]
    if not settings.database_url:
        bytes_left = b"".join(path.read_bytes() for path in settings.home.glob("contacts.sqlite*"))
        assert "旧联系人".encode() not in bytes_left
        assert b"Smith" not in bytes_left


def test_the_schema_of_a_migration_is_the_schema_of_the_tables(people: Contacts) -> None:
    (table,) = metadata.sorted_tables
    row = people.read(lambda connection: connection.all("SELECT * FROM contact WHERE 1 = 0"))
    assert row == []
    contacts.load(people, "spring", [WANG])
    (row,) = people.read(lambda connection: connection.all("SELECT * FROM contact"))
    assert list(row) == [column.name for column in table.columns]


def test_a_store_of_a_later_version_is_refused_and_left_alone(people: Contacts, settings: Settings) -> None:
    contacts.load(people, "spring", [WANG])
    people.write(lambda connection: connection.run("UPDATE alembic_version SET version_num = '0099'"))
    with pytest.raises(StoreError, match="schema 0099, which is newer"):
        contacts.open_contacts(settings)
    assert contacts.of(people, "spring", "c01") == WANG


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
def test_an_unusable_place_is_named(settings: Settings) -> None:
    contacts_opening.contacts_file(settings).mkdir()
    with pytest.raises(StoreError, match=r"contacts\.sqlite cannot be used"):
        contacts.open_contacts(settings)
