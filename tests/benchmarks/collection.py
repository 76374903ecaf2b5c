"""Collection: whole submissions of many clients through the one service, against bare committed inserts."""

import json
import tempfile
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pysqlite3.dbapi2 as sqlite

from questionnaires import load_instrument
from survey_app import submission
from survey_app.settings import Settings
from survey_app.store import Store, Wave, instruments, open_store, waves
from survey_app.submission import Accepted, Submission
from tests.benchmarks.measuring import Figure, seconds

LIBRARY = Path(__file__).parents[2] / "questionnaires" / "library" / "public-opinion.yaml"
CLIENTS, COUNT = 32, 3000
ANSWERS = {
    "consent": "yes",
    "S1": "yes",
    "S2": "yes",
    "S3": "no",
    "D5_district": "510104",
    "D1": "female",
    "D2": "1956",
}


def figures() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings.from_environment({"SANDU_HOME": str(Path(folder) / "home")})
        with open_store(settings, create=True) as store:
            answers = _wave(store)
            _submit(store, answers, 200)  # warm
            ours = COUNT / seconds(lambda: _submit(store, answers, COUNT))
        floor = COUNT / seconds(lambda: _insert(Path(folder) / "bare.sqlite", json.dumps(answers), COUNT))
    yield Figure(
        f"whole submissions, {CLIENTS} clients, {len(answers)} answers each, synchronous=FULL", ours, "a second"
    )
    yield Figure("bare inserts of the same answers, each committed", floor, "a second")
    yield Figure("ratio", ours / floor, "times")


def _wave(store: Store) -> dict[str, str]:
    form = load_instrument(LIBRARY)
    instruments.publish(store, form)
    waves.create(
        store,
        Wave(
            slug="bench", title={"zh": "测速", "en": "Bench"}, city="510100", scheme="nbs", edition="2023",
            instrument_id=form.id, instrument_version=form.version, open_link=True, simulated=True,
            presets={"city": "510100", "fieldwork_year": 2026},
        ),
    )  # fmt: skip
    given = {item.name: item.choices[0].name for item in form.items.values() if item.type == "select_one"}
    return {name: value for name, value in given.items() if not name.startswith("D5_")} | ANSWERS


def _submit(store: Store, answers: dict[str, str], count: int) -> None:
    def one(_: int) -> None:
        assert isinstance(submission.submit(store, "bench", Submission(str(uuid.uuid4()), answers)), Accepted)

    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(one, range(count)))


def _insert(path: Path, body: str, count: int) -> None:
    connection = sqlite.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE response (id TEXT PRIMARY KEY, answers TEXT) WITHOUT ROWID")
    for _ in range(count):
        connection.execute("INSERT INTO response VALUES (?, ?)", (str(uuid.uuid4()), body))
    connection.close()
