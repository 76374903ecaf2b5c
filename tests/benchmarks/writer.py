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
from datetime import date
from pathlib import Path

from survey_app.settings import Settings
from survey_app.store import Store, checks, instruments, intake, open_store, waves
from survey_app.store.shapes import digest, to_json
from tests.benchmarks import six_pages
from tests.benchmarks.measuring import Figure
from tests.benchmarks.six_pages import CHOICES, PAGES, SLUG

CLIENTS, EACH, ROUNDS = 32, 150, 5


def figures() -> Iterator[Figure]:
    """Answers are checked before the clock runs: what is timed is the writer, from the hand-over to the commit."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings.from_environment({"SANDU_HOME": str(Path(folder) / "home")})
        six_pages.make_wave(settings)
        with open_store(settings) as store:
            assert store.read(lambda connection: connection.one("PRAGMA synchronous")) == {"synchronous": 2}  # FULL
            rounds = [measured(store) for _ in range(ROUNDS + 1)][1:]
            wrong = checks.check(store)
    assert not wrong, wrong
    rate = statistics.median(rate for rate, _ in rounds)
    yield Figure(f"submissions, {CLIENTS} clients, synchronous=FULL (goal: at least 3,000)", rate, "a second")
    yield Figure("longest wait of any client, worst round (goal: under 250)", 1000 * max(w for _, w in rounds), "ms")


def measured(store: Store) -> tuple[float, float]:
    """Submissions a second and the longest wait in seconds of one round."""
    jobs = [[prepared(store) for _ in range(EACH)] for _ in range(CLIENTS)]
    waits: list[float] = []
    started = threading.Barrier(CLIENTS + 1)

    def client(mine: list[intake.Arriving]) -> None:
        started.wait()
        for arriving in mine:
            begin = time.perf_counter()
            store.write(handing_in(arriving))
            waits.append(time.perf_counter() - begin)

    threads = [threading.Thread(target=client, args=(mine,)) for mine in jobs]
    for thread in threads:
        thread.start()
    started.wait()
    begin = time.perf_counter()
    for thread in threads:
        thread.join()
    return CLIENTS * EACH / (time.perf_counter() - begin), max(waits)


def handing_in(arriving: intake.Arriving) -> Callable[..., object]:
    """The work of one submission's transaction."""
    return lambda connection: intake.decide(connection, arriving)


def prepared(store: Store) -> intake.Arriving:
    """An answer to all 30 items that has passed its checks."""
    wave = waves.get(store, SLUG)
    instrument = instruments.load(store, wave.instrument_id, wave.instrument_version)
    answers = {name: random.choice(list(CHOICES)) for items in PAGES.values() for name in items}
    raw = to_json(answers)
    return intake.Arriving(
        id=str(uuid.uuid4()), token=None, mode="web", door="plain", fieldwork_date=date.today(), durations={},
        wave=wave, instrument=instrument, language="zh", raw=raw, body_hash=digest(raw), answers=json.loads(raw),
        problems={}, bad_page=None, receipt=str(uuid.uuid4()),
    )  # fmt: skip
