"""The database is away, or the disk is full: a sentence, the answers stay on the screen, and it recovers by itself."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from survey_app.settings import Settings
from survey_app.store import checks, open_store, responses
from tests.benchmarks.processes import free_port
from tests.conftest import PostgresServer
from tests.faults.conftest import SLUG, Victims, make_wave, settings_for
from tests.faults.people import DOORS, Person
from tests.loops import finish

pytestmark = pytest.mark.slow
UNSAVED = "没能保存"


async def _answer(person: Person, break_it: Callable[[], None], mend_it: Callable[[], None]) -> None:
    """Two pages, then the trouble begins; the last page is pressed during it and once more after it."""
    await person.arrive()
    await person.press("consent")
    await person.press("home")
    break_it()
    try:
        await person.press("words", remark="路灯坏了")
        assert UNSAVED in person.words
        assert not person.thanked
        assert "Traceback" not in person.words
        assert person.filled_in("remark") == "路灯坏了"
    finally:
        mend_it()
    await person.press_as_shown()
    await person.until_thanked()
    await person.leave()


def _stored(settings: Settings) -> list[str]:
    with open_store(settings) as store:
        assert checks.check(store) == []
        return [str(one.answers["remark"]) for one in responses.stream(store, SLUG)]


@pytest.mark.parametrize("door", DOORS)
def test_a_killed_postgresql_is_said_and_survived(
    door: str,
    postgres_server: PostgresServer,
    make_postgres_database: Callable[[], str],
    tmp_path: Path,
    victims: Victims,
) -> None:
    settings = settings_for(tmp_path / "home", make_postgres_database())
    make_wave(settings)
    port = free_port()
    pid = victims.start(settings, port)
    person = DOORS[door](f"http://localhost:{port}")
    finish(_answer(person, postgres_server.kill, postgres_server.start))
    victims.end(pid)
    assert _stored(settings) == ["路灯坏了"]


@contextmanager
def _no_room(pid: int, log: Path) -> Iterator[None]:
    """Not one byte more may the process add to its largest file; the same errors as of a full disk."""
    soft, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (log.stat().st_size, hard))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("door", DOORS)
def test_a_full_disk_is_said_and_survived(door: str, sqlite_settings: Settings, victims: Victims) -> None:
    port = free_port()
    pid = victims.start(sqlite_settings, port)
    person = DOORS[door](f"http://localhost:{port}")
    log = sqlite_settings.database.with_name("sandu.sqlite-wal")
    room = _no_room(pid, log)
    finish(_answer(person, room.__enter__, lambda: room.__exit__(None, None, None)))
    victims.end(pid)
    assert _stored(sqlite_settings) == ["路灯坏了"]
