"""Writes from many threads: each answered for itself, none in another's way, all on the disk when answered."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from survey_app import submission
from survey_app.settings import Settings
from survey_app.store import Store, StoreError, Wave, audit, checks, open_store, responses
from survey_app.store.connections import Connection
from survey_app.submission import Accepted, Submission, new_id

YES = {"consent": "yes", "district": "east"}


def noted(store: Store) -> set[str]:
    return {entry["action"] for entry in audit.entries(store, 10_000)}


def test_a_write_that_fails_undoes_itself_and_leaves_its_neighbours_alone(store: Store) -> None:
    def work(number: int) -> int:
        def note(connection: Connection) -> int:
            audit.record(connection, f"try.{number}")
            if number % 3 == 0:
                raise KeyError(number)
            return number

        try:
            return store.write(note)
        except KeyError:
            return -1

    with ThreadPoolExecutor(16) as pool:
        outcomes = list(pool.map(work, range(90)))
    assert outcomes == [number if number % 3 else -1 for number in range(90)]
    assert noted(store) == {f"try.{number}" for number in range(90) if number % 3}
    assert audit.verify(store) == []


def test_a_wrong_statement_is_a_store_error_and_the_next_write_works(store: Store) -> None:
    with pytest.raises(StoreError, match="refused"):
        store.write(lambda connection: connection.run("UPDATE no_such_table SET x = 1"))
    audit.note(store, "after")
    assert noted(store) == {"after"}


def test_a_reader_sees_one_moment_however_long_it_reads(store: Store, wave: Wave) -> None:
    for _ in range(3):
        submission.submit(store, wave, Submission(new_id(), YES))
    reading = responses.stream(store, wave)
    next(reading)
    for _ in range(3):
        submission.submit(store, wave, Submission(new_id(), YES))
    assert len(list(reading)) == 2
    assert len(list(responses.stream(store, wave))) == 6


def test_a_read_cannot_write_on_postgresql_and_is_undone_on_sqlite(store: Store) -> None:
    def sneak(connection: Connection) -> None:
        audit.record(connection, "sneaked")

    try:
        store.read(sneak)
    except StoreError as error:
        assert "read-only" in str(error)
    assert noted(store) == set()


def test_two_stores_on_one_database_write_side_by_side(settings: Settings, store: Store, wave: Wave) -> None:
    with open_store(settings) as other, ThreadPoolExecutor(16) as pool:
        many = [Submission(new_id(), YES) for _ in range(120)]
        pair = [(one, which) for one in many for which in (store, other)]
        outcomes = list(pool.map(lambda job: submission.submit(job[1], wave.slug, job[0]), pair))
        assert {type(outcome) for outcome in outcomes} == {Accepted}
        assert sum(not outcome.repeated for outcome in outcomes) == 120
        assert len(list(responses.stream(other, wave.slug))) == 120
    assert checks.check(store) == []


def test_closing_finishes_what_is_under_way_and_then_refuses(settings: Settings, store: Store, wave: Wave) -> None:
    ids = [new_id() for _ in range(40)]
    started = threading.Barrier(9)
    outcomes: list[object] = []

    def client(number: int) -> None:
        started.wait()
        for id_ in ids[number::8]:
            try:
                outcomes.append((id_, submission.submit(store, wave, Submission(id_, YES))))
            except StoreError:
                outcomes.append((id_, None))

    threads = [threading.Thread(target=client, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    started.wait()
    store.close()
    for thread in threads:
        thread.join()
    with open_store(settings) as again:
        stored = {one.id for one in responses.stream(again, wave.slug)}
    assert len(outcomes) == 40
    assert stored == {id_ for id_, outcome in outcomes if outcome is not None}
    store.close()  # twice is harmless


def test_a_full_disk_is_said_loses_nothing_acknowledged_and_is_survived(store: Store, wave: Wave) -> None:
    if store.settings.database_url is not None:
        # PostgreSQL reports it as an error of the statement; what matters here is that nothing is half stored.
        with pytest.raises(StoreError):
            store.write(lambda c: (audit.record(c, "lost"), c.run("SELECT repeat('x', 2000000000)")))
        assert noted(store) == set()
        return
    pages = store.read(lambda connection: connection.one("PRAGMA page_count")["page_count"])
    store.write(lambda connection: connection.one(f"PRAGMA max_page_count = {pages + 60}"))
    sent = [Submission(new_id(), {**YES, "remark": "x" * 1_900}) for _ in range(150)]

    def send(one: Submission) -> bool:
        try:
            return isinstance(submission.submit(store, wave, one), Accepted)
        except StoreError as error:
            assert "no space is left" in str(error)
            return False

    with ThreadPoolExecutor(8) as pool:
        acked = [one.id for one, good in zip(sent, pool.map(send, sent), strict=True) if good]
    assert 0 < len(acked) < 150
    assert {one.id for one in responses.stream(store, wave)} == set(acked)
    store.write(lambda connection: connection.one("PRAGMA max_page_count = 1000000"))
    assert all(send(one) for one in sent)
    assert len(list(responses.stream(store, wave))) == 150
    assert checks.check(store) == []
