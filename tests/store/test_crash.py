"""Real processes, killed with SIGKILL: nothing acknowledged is lost, nothing is half there, nothing is doubled."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from survey_app import submission
from survey_app.settings import Settings
from survey_app.store import Store, StoreError, Wave, checks, drafts, invitations, open_store, responses, schema
from survey_app.store.tables import audit, tally
from survey_app.submission import Accepted, Submission, new_id
from tests.conftest import PostgresServer
from tests.store.crash import ANSWERS

ROOT = Path(__file__).resolve().parents[2]


def process(settings: Settings, how: str, wave: str = "spring", id_: str = "") -> subprocess.Popen[bytes]:
    command = ["-m", "tests.store.crash", how, settings.home, settings.data, settings.database_url or "", wave, id_]
    return subprocess.Popen([sys.executable, *map(str, command)], cwd=ROOT, stdout=subprocess.PIPE)


def killed(running: subprocess.Popen[bytes]) -> bool:
    running.communicate(timeout=120)
    return running.returncode == -signal.SIGKILL


def test_a_process_killed_between_insert_and_commit_leaves_no_trace(store: Store, wave: Wave) -> None:
    (token,) = invitations.mint(store, wave, ["c00"])
    draft = submission.open_invitation(store, wave, token)
    before = store.read(lambda connection: (connection.all(audit.select()), connection.all(tally.select())))
    assert killed(process(store.settings, "before", id_=draft.id))
    after = store.read(lambda connection: (connection.all(audit.select()), connection.all(tally.select())))
    assert list(responses.stream(store, wave)) == []
    assert drafts.get(store, wave, draft.id) == draft
    assert after == before
    outcome = submission.submit(store, wave, Submission(draft.id, ANSWERS))
    assert isinstance(outcome, Accepted)
    assert not outcome.repeated
    assert [one.psu for one in responses.stream(store, wave)] == ["psu0"]
    assert checks.check(store) == []


def test_a_process_killed_after_commit_and_before_the_answer_is_repeated_harmlessly(store: Store, wave: Wave) -> None:
    id_ = new_id()
    assert killed(process(store.settings, "after", id_=id_))
    outcome = submission.submit(store, wave, Submission(id_, ANSWERS))
    assert isinstance(outcome, Accepted)
    assert outcome.repeated
    assert len(list(responses.stream(store, wave))) == 1
    assert checks.check(store) == []


@pytest.mark.slow
def test_kills_under_load_lose_no_acknowledged_answer_and_double_none(store: Store, wave: Wave) -> None:
    sent: set[str] = set()
    acked: set[str] = set()
    for round_ in range(8):
        running = process(store.settings, "many")
        lines = []
        while len(lines) < 60 + 17 * round_:
            lines.append(running.stdout.readline().decode())
        running.kill()
        # Not communicate(): it reads past the lines that readline has in its buffer already.
        lines += running.stdout.read().decode().splitlines()
        running.wait(timeout=120)
        # The last line may have been cut by the kill.
        sent |= {line.split()[1] for line in lines if line.startswith("sent") and len(line.split()[-1]) == 36}
        acked |= {line.split()[1] for line in lines if line.startswith("acked") and len(line.split()[-1]) == 36}
        stored = {one.id for one in responses.stream(store, wave)}
        assert acked <= stored
        assert stored <= sent
    for id_ in sent:
        submission.submit(store, wave, Submission(id_, ANSWERS))
    assert sorted(one.id for one in responses.stream(store, wave)) == sorted(sent)
    assert checks.check(store) == []


def test_a_migration_killed_in_the_middle_leaves_the_old_schema(
    request: pytest.FixtureRequest, tmp_path: Path, make_postgres_database: Callable[[], str]
) -> None:
    for url in (None, make_postgres_database()):
        settings = Settings(home=tmp_path / "home", data=tmp_path, secret=b"s" * 32, database_url=url)
        settings.home.mkdir(exist_ok=True)
        (settings.home / "secret").write_bytes(settings.secret)
        assert killed(process(settings, "migrate"))
        with pytest.raises(StoreError, match="no tables yet"):
            open_store(settings)
        with open_store(settings, create=True) as store:
            assert checks.check(store) == []


def test_the_server_of_the_database_restarts_in_the_middle_of_a_survey(
    settings: Settings, store: Store, wave: Wave, request: pytest.FixtureRequest
) -> None:
    if settings.database_url is None:
        schema.upgrade(settings)  # nothing to restart: SQLite lives in the process, which the tests above kill
        assert checks.check(store) == []
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    acked: list[str] = []
    stop = threading.Event()
    news = threading.Condition()

    def client(_: int) -> None:
        while not stop.is_set():
            one = Submission(new_id(), ANSWERS)
            done = False
            while not done and not stop.is_set():
                try:
                    done = isinstance(submission.submit(store, wave, one), Accepted)
                except StoreError as error:
                    assert "Nothing was saved" in str(error)
                else:
                    with news:
                        acked.append(one.id)
                        news.notify()

    def wait_for_more(count: int) -> None:
        with news:
            wanted = len(acked) + count
            assert news.wait_for(lambda: len(acked) >= wanted, timeout=120)

    with ThreadPoolExecutor(4) as pool:
        running = [pool.submit(client, number) for number in range(4)]
        try:
            wait_for_more(50)
            server.control("restart", "-m", "immediate")
            wait_for_more(50)
        finally:
            stop.set()
    for one in running:
        one.result()
    stored = {one.id for one in responses.stream(store, wave)}
    assert set(acked) <= stored
    assert len(acked) == len(set(acked))
    assert checks.check(store) == []
