"""The SQLite writer: whole transactions of 32 clients at once, each back only when its answer is on the disk."""

from __future__ import annotations

import json
import random
import statistics
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date
from pathlib import Path

from survey_app.settings import Settings
from survey_app.store import Store, checks, instruments, intake, open_store, waves
from survey_app.store.connections import Connection
from survey_app.store.engines import SqliteDatabase
from survey_app.store.shapes import digest, to_json
from tests.benchmarks import six_pages
from tests.benchmarks.measuring import Figure
from tests.benchmarks.six_pages import CHOICES, PAGES, SLUG

Work = Callable[[Connection], object]
CLIENTS, EACH, ROUNDS = 32, 150, 5


def figures() -> Iterator[Figure]:
    """Answers are checked before the clock runs: what is timed is the writer, from the hand-over to the commit."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings.from_environment({"SANDU_HOME": str(Path(folder) / "home")})
        six_pages.make_wave(settings)
        with open_store(settings) as store:
            assert store.read(lambda connection: connection.one("PRAGMA synchronous")) == {"synchronous": 2}  # FULL
            with closing(bare(Path(folder) / "bare.sqlite")) as floor:
                pairs = [(measured(store), through(floor, bare_jobs())) for _ in range(ROUNDS + 1)][1:]
            wrong = checks.check(store)
    assert not wrong, wrong
    rounds = [ours for ours, _ in pairs]
    rate = statistics.median(rate for rate, _, _ in rounds)
    processor = statistics.median(processor for _, _, processor in rounds)
    yield Figure(f"submissions, {CLIENTS} clients, synchronous=FULL (goal: at least 3,000)", rate, "a second")
    yield Figure(
        "longest wait of any client, worst round (goal: under 250)", 1000 * max(wait for _, wait, _ in rounds), "ms"
    )
    low = statistics.median(one[0] for _, one in pairs)
    yield Figure("   the floor: an answer's row and an audit row, same writer, nothing else", low, "a second")
    yield Figure("   ratio", statistics.median(ours[0] / one[0] for ours, one in pairs), "times")
    yield Figure("   processor per submission, writer and clients together", 1e6 * processor, "microseconds")


def measured(store: Store) -> tuple[float, float, float]:
    """One round of whole submissions; see `through`."""
    jobs = [[handing_in(prepared(store)) for _ in range(EACH)] for _ in range(CLIENTS)]
    return through(store, jobs)


def through(target: Store | SqliteDatabase, jobs: list[list[Work]]) -> tuple[float, float, float]:
    """Writes a second, the longest wait and the processor per write, both in seconds, of all clients' jobs."""
    waits: list[float] = []
    started = threading.Barrier(len(jobs) + 1)

    def client(mine: list[Work]) -> None:
        started.wait()
        for job in mine:
            begin = time.perf_counter()
            target.write(job)
            waits.append(time.perf_counter() - begin)

    threads = [threading.Thread(target=client, args=(mine,)) for mine in jobs]
    for thread in threads:
        thread.start()
    started.wait()
    begin, busy = time.perf_counter(), time.process_time()
    for thread in threads:
        thread.join()
    taken = time.perf_counter() - begin
    return len(waits) / taken, max(waits), (time.process_time() - busy) / len(waits)


def bare(path: Path) -> SqliteDatabase:
    """The same writer over two tables and nothing else."""
    database = SqliteDatabase(path, lambda _: None)
    database.write(lambda c: c.run("CREATE TABLE answer (id TEXT PRIMARY KEY, body TEXT) WITHOUT ROWID"))
    database.write(lambda c: c.run("CREATE TABLE note (entry INTEGER PRIMARY KEY, said TEXT)"))
    return database


def bare_jobs() -> list[list[Work]]:
    """An answer and a note, as many as in a round of whole submissions."""
    body = to_json({name: "5" for items in PAGES.values() for name in items})

    def job(connection: Connection) -> None:
        connection.run("INSERT INTO answer VALUES (:id, :body)", {"id": str(uuid.uuid4()), "body": body})
        connection.run("INSERT INTO note (said) VALUES (:said)", {"said": "accepted"})

    return [[job] * EACH for _ in range(CLIENTS)]


def handing_in(arriving: intake.Arriving) -> Work:
    """The work of one submission's transaction."""
    return lambda connection: intake.decide(connection, arriving)


def prepared(store: Store) -> intake.Arriving:
    """An answer to all 30 items that has passed its checks."""
    wave = waves.get(store, SLUG)
    instrument = instruments.load(store, wave.instrument_id, wave.instrument_version)
    answers = {name: random.choice(list(CHOICES)) for items in PAGES.values() for name in items}
    raw = to_json(answers)
    arriving = intake.Arriving(
        id=str(uuid.uuid4()), token=None, mode="web", door="plain", fieldwork_date=date.today(), durations={},
        wave=wave, instrument=instrument, language="zh", raw=raw, body_hash=digest(raw), answers=json.loads(raw),
        problems={}, bad_page=None, receipt=str(uuid.uuid4()),
    )  # fmt: skip
    assert arriving.content  # as `submission.submit` does, before the transaction
    return arriving
