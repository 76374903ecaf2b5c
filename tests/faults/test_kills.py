"""kill -9 at each point between a press and its answer, at both doors, on both databases: 200 deaths.

Nothing that a resident was told is saved may be lost, and nobody may count twice. The same deaths without a fixed id
make doubles, so the test can see them.
"""

from __future__ import annotations

import signal

import pytest

from survey_app.settings import Settings
from survey_app.store import Store, checks, drafts, open_store, responses
from tests.benchmarks.processes import free_port
from tests.faults.conftest import SLUG, Victims
from tests.faults.people import DOORS, GONE, PAGES, Person, Plain
from tests.faults.victim import POINTS
from tests.loops import finish

DEATHS_EACH = 10


@pytest.mark.slow
@pytest.mark.parametrize("door", ["plain", "streamlit"])
def test_two_hundred_kills_lose_nothing_and_double_nothing(door: str, settings: Settings, victims: Victims) -> None:
    with open_store(settings) as store:
        finish(_die_often(door, store, victims))
        assert len(list(responses.stream(store, SLUG))) == len(POINTS) * DEATHS_EACH
        assert checks.check(store) == []


async def _die_often(door: str, store: Store, victims: Victims) -> None:
    """Of every ten deaths at a point six come while the whole form is handed in, four while its second page is.

    The process in which one resident presses again is the one that dies under the next.
    """
    port, waiting = free_port(), None
    for number in range(len(POINTS) * DEATHS_EACH):
        pid = victims.start(store.settings, port, POINTS[number // DEATHS_EACH])
        if waiting is not None:
            await _press_again(store, waiting)
        waiting = await DOORS[door](f"http://localhost:{port}").arrive()
        await _go_to(waiting, "words" if number % DEATHS_EACH < 6 else "home")
        victims.strike(store.settings)
        with pytest.raises(GONE):
            await waiting.press(waiting.at)
        assert victims.wait(pid) == -signal.SIGKILL
    pid = victims.start(store.settings, port)
    assert waiting is not None
    await _press_again(store, waiting)
    victims.end(pid)


async def _go_to(person: Person, page: str) -> None:
    for name in PAGES:
        person.at = name
        if name == page:
            return
        await person.press(name)


async def _press_again(store: Store, person: Person) -> None:
    """What was answered for is there, as a draft or already as an answer; the same button once more, and the rest."""
    before = list(PAGES)[: list(PAGES).index(person.at)]
    acknowledged = {name: value for page in before for name, value in PAGES[page].items()}
    draft = drafts.get(store, SLUG, person.id)
    stored = [one for one in responses.stream(store, SLUG) if one.id == person.id]
    assert (draft is None) != (not stored)
    kept = draft.answers if draft else stored[0].answers
    assert acknowledged.items() <= {name: str(value) for name, value in kept.items()}.items()
    await person.again()
    if person.at == "home":
        await person.press("words")
    await person.until_thanked()
    await person.leave()


@pytest.mark.slow
def test_the_same_kills_without_a_fixed_id_make_doubles(sqlite_settings: Settings, victims: Victims) -> None:
    async def die() -> None:
        port = free_port()
        for _ in range(3):
            pid = victims.start(sqlite_settings, port, "before_answer")
            person = await Plain(f"http://localhost:{port}").arrive()
            await _go_to(person, "words")
            victims.strike(sqlite_settings)
            with pytest.raises(GONE):
                await person.press("words")
            victims.wait(pid)
            pid = victims.start(sqlite_settings, port)
            again = await Plain(f"http://localhost:{port}").arrive()  # a fresh id, as if the server made it
            for page in PAGES:
                await again.press(page)
            assert again.thanked
            victims.end(pid)

    finish(die())
    with open_store(sqlite_settings) as store:
        assert len(list(responses.stream(store, SLUG))) == 6
