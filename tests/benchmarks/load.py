"""500 residents at a time: how long a page takes, whether anything is lost or doubled, whether memory stays flat."""

from __future__ import annotations

import asyncio
import random
import statistics
import tempfile
import uuid
from collections.abc import Awaitable, Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

from survey_app.settings import Settings
from survey_app.store import Store, checks, open_store, responses
from tests.benchmarks import interviews, processes, six_pages
from tests.benchmarks.measuring import Figure
from tests.benchmarks.plain_client import Browser
from tests.benchmarks.processes import Server
from tests.benchmarks.six_pages import CHOICES, PAGES, SLUG
from tests.benchmarks.streamlit_client import Tab

OPEN = 500
PLAIN_RATE, STREAMLIT_RATE = 20, 15  # interviews begun per second
MEASURED = 20.0  # seconds
SESSIONS = 400
SOAK, WARM, AT_A_TIME = 5_000, 500, 12
SHELL = ("sh", "-c", 'ulimit -S -n 1024; exec "$@"', "sh")

Answer = Callable[["Crowd", str], Awaitable[str]]


@dataclass
class Crowd:
    """Many residents at one address: seconds they think per page, and what they waited for each press."""

    address: str
    think: float = 0.0
    counting: bool = False
    waits: list[float] = field(default_factory=list)
    sent: set[str] = field(default_factory=set)
    failed: list[str] = field(default_factory=list)

    async def pause(self) -> None:
        """Reading and ticking."""
        if self.think:
            await asyncio.sleep(random.uniform(0.5, 1.5) * self.think)

    async def timed(self, press: Awaitable[object]) -> None:
        """One press, from the tap to the page."""
        begin = perf_counter()
        await press
        if self.counting:
            self.waits.append(perf_counter() - begin)

    async def one(self, answer: Answer) -> None:
        """One resident, from the link to the thanks; the form's id is kept when its receipt was shown."""
        try:
            self.sent.add(await answer(self, f"10.{random.randrange(256)}.{random.randrange(256)}.7"))
        except Exception as error:  # noqa: BLE001  (every failure is a figure)
            self.failed.append(f"{type(error).__name__}: {error}"[:200])


async def plain(crowd: Crowd, network: str) -> str:
    """An interview at the plain door; the form's id."""
    browser = Browser(crowd.address, headers={"X-Forwarded-For": network})
    await browser.open(f"/s/{SLUG}")
    for page in PAGES:
        await crowd.pause()
        await crowd.timed(browser.press({name: random.choice(list(CHOICES)) for name in PAGES[page]}))
    assert browser.path.partition("?")[0].endswith("/done"), browser.page.text[:500]
    await browser.close()
    return browser.path.split("/")[3]


async def streamlit(crowd: Crowd, network: str) -> str:
    """An interview at the Streamlit door; the form's id."""
    tab = await arrive(crowd, network)
    for page in PAGES:
        await crowd.pause()
        for name in PAGES[page]:
            tab.choose(tab.key_of(name), random.randrange(len(CHOICES)))
        await crowd.timed(tab.press(f"go-next-{page}"))
    assert "end=complete" in tab.query, tab.words[:500]
    await tab.close()
    return id_of(tab)


async def bare(crowd: Crowd, _network: str) -> str:
    """An interview at the bare Streamlit form; its draft's id."""
    draft = str(uuid.uuid4())
    tab = await Tab(crowd.address, f"r={draft}").open()
    for page in PAGES:
        await crowd.pause()
        for name in PAGES[page]:
            tab.choose(name, random.randrange(len(CHOICES)))
        await crowd.timed(tab.press("go-next"))
    assert "Thank you" in tab.words, tab.words[:500]
    await tab.close()
    return draft


async def arrive(crowd: Crowd, network: str) -> Tab:
    """A tab with the first page open; a cookie of a proxy in between goes along."""
    headers = {"X-Forwarded-For": network}
    browser = Browser(crowd.address, headers=headers)
    entered = await browser.request("GET", f"/?s={SLUG}")
    await browser.close()
    cookie = entered.headers.get("set-cookie", "").partition(";")[0]
    headers |= {"Cookie": cookie} if cookie else {}
    return await Tab(crowd.address, entered.headers["location"].partition("?")[2], headers=headers).open()


def id_of(tab: Tab) -> str:
    """The form's id in a tab's address."""
    return dict(part.split("=") for part in tab.query.split("&"))["r"]


def figures() -> Iterator[Figure]:
    for name, answer, rate, goal in (
        ("plain page", plain, PLAIN_RATE, 150),
        ("Streamlit click", streamlit, STREAMLIT_RATE, 500),
    ):
        with world() as (settings, store):
            server = processes.public(settings)
            crowd = yield from waited(f"{name} (goal for p95: under {goal} ms)", server, answer, rate)
            yield from kept(crowd, store)
    with tempfile.TemporaryDirectory() as folder:
        floor = interviews.bare(Path(folder))
        yield from waited("the floor, a bare Streamlit form that saves only drafts", floor, bare, STREAMLIT_RATE)
    with world() as (settings, store):
        server = processes.public(settings)
        yield from soaked(server, store)
        server.stop()
    with world() as (settings, store):
        server = processes.public(settings, prefix=SHELL)
        yield from crowded(server, store)
        server.stop()


def waited(what: str, server: Server, answer: Answer, rate: int) -> Generator[Figure, None, Crowd]:
    """How long a press takes with `OPEN` people there; the server is stopped at the end."""
    before, begin, starved = server.cpu, perf_counter(), server.starved
    crowd = asyncio.run(arriving(server, answer, rate))
    cost = (server.cpu - before) / max(1, len(crowd.sent))
    starved = (server.starved - starved) / (perf_counter() - begin)
    server.stop()
    yield Figure(f"{what}, {OPEN} open, {rate} interviews a second: p95", 1000 * percentile(crowd.waits, 0.95), "ms")
    yield Figure(f"   median of {len(crowd.waits)}", 1000 * statistics.median(crowd.waits), "ms")
    yield Figure("   processor that this rate takes of the server's one core", 100 * cost * rate, "%")
    yield Figure("   of the time its main thread stood ready without a core", 100 * starved, "%")
    return crowd


@contextmanager
def world() -> Iterator[tuple[Settings, Store]]:
    """A wave on SQLite."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings.from_environment({"SANDU_HOME": str(Path(folder) / "home")})
        six_pages.make_wave(settings)
        with open_store(settings) as store:
            yield settings, store


async def arriving(server: Server, answer: Answer, rate: int) -> Crowd:
    """One after another at the rate; each stays so long that about `OPEN` are there while it is measured."""
    stay = OPEN / rate
    crowd = Crowd(server.address, think=stay / len(PAGES))
    begin, coming = perf_counter(), []
    count = int(rate * (stay + MEASURED))
    for number in range(count):
        await asyncio.sleep(max(0.0, begin + number / rate - perf_counter()))
        crowd.counting = perf_counter() - begin > stay
        coming.append(asyncio.create_task(crowd.one(answer)))
    crowd.counting = False
    await asyncio.gather(*coming)
    return crowd


def kept(crowd: Crowd, store: Store) -> Iterator[Figure]:
    """What was thanked for and is not there, and what is there twice."""
    stored = [one.id for one in responses.stream(store, SLUG)]
    wrong = checks.check(store)
    assert not wrong, wrong
    yield Figure("   interviews thanked for", len(crowd.sent), "")
    yield Figure("   of these lost (goal: 0)", len(crowd.sent - set(stored)), "")
    yield Figure("   stored more often than thanked for (goal: 0)", len(stored) - len(crowd.sent | set(stored)), "")
    yield Figure("   not answered" + (f": {crowd.failed[0]}" if crowd.failed else " (goal: 0)"), len(crowd.failed), "")


def soaked(server: Server, store: Store) -> Iterator[Figure]:
    """Memory after many interviews at both doors against memory after the first ones."""
    crowd = Crowd(server.address)
    asyncio.run(_in_turn(crowd, WARM))
    before = server.memory
    asyncio.run(_in_turn(crowd, SOAK))
    yield Figure(
        f"memory after {SOAK} more interviews, both doors / before (goal: at most 1.1)", server.memory / before, ""
    )
    yield Figure("   memory", server.memory, "MB")
    yield from kept(crowd, store)


async def _in_turn(crowd: Crowd, count: int) -> None:
    gate = asyncio.Semaphore(AT_A_TIME)

    async def one(number: int) -> None:
        async with gate:
            await crowd.one(plain if number % 2 else streamlit)

    await asyncio.gather(*(one(number) for number in range(count)))


def crowded(server: Server, store: Store) -> Iterator[Figure]:
    """Sessions opened one beside the other although the shell allows 1,024 open files, then all answered."""
    crowd = Crowd(server.address)
    files = asyncio.run(_side_by_side(crowd, server))
    yield Figure(f"{SESSIONS} sessions at once from a shell with ulimit -n 1024: open files", files, "")
    yield from kept(crowd, store)


async def _side_by_side(crowd: Crowd, server: Server) -> int:
    tabs = [await arrive(crowd, "10.1.2.3") for _ in range(SESSIONS)]
    files = processes.open_files(server.pid)
    gate = asyncio.Semaphore(AT_A_TIME)

    async def finish(tab: Tab) -> str:
        for page in PAGES:
            await tab.press(f"go-next-{page}")
        await tab.close()
        return id_of(tab)

    async def one(tab: Tab) -> None:
        async with gate:
            await crowd.one(lambda *_: finish(tab))

    await asyncio.gather(*(one(tab) for tab in tabs))
    return files


def percentile(values: list[float], share: float) -> float:
    """The value that this share of all lies below."""
    return sorted(values)[int(share * len(values))]
