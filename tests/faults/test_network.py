"""The network fails before or after the server has taken a press in; five presses; two people; two devices."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from survey_app.settings import Settings
from survey_app.store import Store, checks, drafts, invitations, open_store, responses
from tests.benchmarks.plain_client import Browser
from tests.benchmarks.processes import free_port
from tests.faults.conftest import SLUG, Victims, wait_for
from tests.faults.people import DOORS, GONE, PAGES, Plain, Streamlit
from tests.faults.proxy import Wire
from tests.loops import finish

pytestmark = pytest.mark.slow


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    with open_store(settings) as opened:
        yield opened


@pytest.fixture
def wire(settings: Settings, victims: Victims) -> Iterator[Wire]:
    """To a running process."""
    port = free_port()
    pid = victims.start(settings, port)
    laid = Wire(port)
    yield laid
    laid.close()
    victims.end(pid)


def count(store: Store) -> int:
    """Answers stored."""
    return len(list(responses.stream(store, SLUG)))


def has_arrived(store: Store, id: str, page: str) -> bool:
    """Whether the page is saved, or with the last one the whole form."""
    draft = drafts.get(store, SLUG, id)
    return count(store) == 1 if page == "words" else draft is not None and draft.page == page


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("cut", ["before", "after"])
@pytest.mark.parametrize("at", ["home", "words"])
def test_a_cut_network_costs_nothing_but_a_second_press(door: str, cut: str, at: str, wire: Wire, store: Store) -> None:
    async def answer() -> None:
        person = await DOORS[door](wire.address).arrive()
        for page in PAGES:
            if page != at:
                await person.press(page)
                continue
            wire.cut = cut
            pressing = asyncio.create_task(person.press(page))
            if cut == "after":  # it arrives, only its answer does not
                await asyncio.to_thread(wait_for, lambda: has_arrived(store, person.id, at))
                wire.sever()
            with pytest.raises(GONE):
                await pressing
            wire.cut = ""
            await person.again()
        await person.until_thanked()
        await person.leave()

    finish(answer())
    assert count(store) == 1
    assert checks.check(store) == []


@pytest.mark.parametrize("times", [2, 5])
def test_a_double_and_a_fifth_click_at_the_plain_door_are_one_answer(times: int, wire: Wire, store: Store) -> None:
    async def answer() -> None:
        person = await Plain(wire.address).arrive()
        await person.press("consent")
        await person.press("home")
        path, body = person.browser.action, person.browser.body(PAGES["words"])
        fingers = [Browser(wire.address) for _ in range(times)]
        ends = await asyncio.gather(*(finger.send_form(path, body) for finger in fingers))
        assert [end.status for end in ends] == [200] * times
        assert all(finger.path.partition("?")[0].endswith("/done") for finger in fingers)
        for finger in fingers:
            await finger.close()

    finish(answer())
    assert count(store) == 1
    assert checks.check(store) == []


@pytest.mark.parametrize("times", [2, 5])
def test_a_double_and_a_fifth_click_at_the_streamlit_door_are_one_answer(times: int, wire: Wire, store: Store) -> None:
    async def answer() -> None:
        person = await Streamlit(wire.address).arrive()
        await person.press("consent")
        await person.press("home")
        person.fill("words")
        await person.tab.send("go-next-words", times=times)
        await person.until_thanked()
        await person.leave()

    finish(answer())
    assert count(store) == 1
    assert checks.check(store) == []


@pytest.mark.parametrize("door", DOORS)
def test_a_shared_address_swallows_no_neighbours_answer(door: str, wire: Wire, store: Store) -> None:
    async def answer() -> None:
        first = await DOORS[door](wire.address).arrive()
        await first.press("consent")
        await first.press("home")
        neighbour = await DOORS[door](wire.address).follow(first)
        await first.press("words")
        assert first.thanked
        await neighbour.press("words", remark="太吵")
        assert not neighbour.thanked
        assert "已经提交过了" in neighbour.words  # a form was sent from this address; start a new one
        fresh = await DOORS[door](wire.address).arrive()
        for page, more in (("consent", {}), ("home", {}), ("words", {"remark": "太吵"})):
            await fresh.press(page, **more)
        assert fresh.thanked
        for person in (first, neighbour, fresh):
            await person.leave()

    finish(answer())
    assert sorted(str(one.answers["remark"]) for one in responses.stream(store, SLUG)) == ["太吵", "安静"]
    assert checks.check(store) == []


@pytest.mark.parametrize("doors", [("plain", "plain"), ("plain", "streamlit"), ("streamlit", "streamlit")])
def test_two_devices_on_one_invitation_are_one_answer(doors: tuple[str, str], wire: Wire, store: Store) -> None:
    (token,) = invitations.mint(store, SLUG, ["c3"])

    async def answer() -> None:
        phone, desk = [await DOORS[door](wire.address).arrive(token) for door in doors]
        assert phone.id == desk.id
        await phone.press("consent")
        await phone.press("home")
        desk_again = await DOORS[doors[1]](wire.address).arrive(token)  # goes on where the telephone is
        await desk_again.press("words")
        assert desk_again.thanked
        await phone.press("words")
        assert phone.thanked  # the very same answers: the same thanks
        late = await Plain(wire.address).arrive(token)
        assert "已经" in late.words
        for person in (phone, desk, desk_again, late):
            await person.leave()

    finish(answer())
    assert [one.psu for one in responses.stream(store, SLUG)] == ["psu0"]
    assert checks.check(store) == []
