"""One interview of 30 items on 6 pages, a draft saved per page: processor per interview at each door."""

from __future__ import annotations

import asyncio
import random
import statistics
import sys
import tempfile
import uuid
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

from survey_app.settings import Settings
from tests.benchmarks import processes, six_pages
from tests.benchmarks.measuring import Figure
from tests.benchmarks.plain_client import Browser
from tests.benchmarks.processes import Server
from tests.benchmarks.six_pages import CHOICES, PAGES, SLUG
from tests.benchmarks.streamlit_client import Tab

AT_A_TIME, INTERVIEWS, ROUNDS = 4, 24, 5
FORM = Path(__file__).with_name("bare_form.py")
FORM_SETTINGS = {
    "runner.postScriptGC": "false", "server.fileWatcherType": "none", "server.headless": "true",
    "browser.gatherUsageStats": "false", "runner.magicEnabled": "false", "logger.level": "warning",
}  # fmt: skip
"""The settings that make a bare form hold a load: the comparison is with a good one, not with the defaults."""


def figures() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings.from_environment({"SANDU_HOME": str(Path(folder) / "home")})
        six_pages.make_wave(settings)
        ours, floor = processes.public(settings), bare(Path(folder))
        try:
            yield from _costs(ours, floor)
        finally:
            ours.stop(), floor.stop()


def bare(folder: Path) -> Server:
    """The bare form as a process of its own."""
    port = processes.free_port()
    options = [f"--{name}={value}" for name, value in {**FORM_SETTINGS, "server.port": str(port)}.items()]
    command = [sys.executable, "-m", "streamlit", "run", str(FORM), *options]
    database = str(folder / "bare.sqlite")
    return processes.start(command, port, folder / "bare.log", health="/_stcore/health", BARE_DATABASE=database)


def _costs(ours: Server, floor: Server) -> Iterator[Figure]:
    rounds = []
    for number in range(ROUNDS + 1):
        streamlit = cost(ours, lambda: at_streamlit(ours.address))
        plain = cost(ours, lambda: at_plain(ours.address))
        bare_ = cost(floor, lambda: at_bare(floor.address))
        if number > 0:  # the first round warms up
            rounds.append((streamlit, plain, bare_))
    for what, place in (("our Streamlit door", 0), ("our plain door", 1), ("bare Streamlit form, only drafts", 2)):
        yield Figure(f"{what}: processor per interview", 1000 * statistics.median(r[place] for r in rounds), "ms")
    to_bare = statistics.median(a / c for a, _, c in rounds)
    to_streamlit = statistics.median(b / a for a, b, _ in rounds)
    yield Figure("our Streamlit door / bare form (goal: at most 1.5)", to_bare, "")
    yield Figure("our plain door / our Streamlit door (goal: at most 0.5)", to_streamlit, "")


def cost(server: Server, interview: Callable[[], Awaitable[None]], count: int = INTERVIEWS) -> float:
    """Seconds of the server's processor for one interview, with `AT_A_TIME` people answering."""
    before = server.cpu
    asyncio.run(_many(interview, count))
    return (server.cpu - before) / count


async def _many(interview: Callable[[], Awaitable[None]], count: int) -> None:
    gate = asyncio.Semaphore(AT_A_TIME)

    async def one() -> None:
        async with gate:
            await interview()

    await asyncio.gather(*(one() for _ in range(count)))


async def at_streamlit(address: str) -> None:
    """A whole interview at our Streamlit door, from the short link on."""
    browser = Browser(address)
    entered = await browser.request("GET", f"/?s={SLUG}")
    await browser.close()
    tab = await Tab(address, entered.headers["location"].partition("?")[2]).open()
    for page in PAGES:
        for name in PAGES[page]:
            tab.choose(tab.key_of(name), random.randrange(len(CHOICES)))
        await tab.press(f"go-next-{page}")
    assert "end=complete" in tab.query, tab.words
    await tab.close()


async def at_plain(address: str) -> None:
    """A whole interview at our plain door, from the short link on."""
    browser = Browser(address)
    await browser.open(f"/s/{SLUG}")
    for page in PAGES:
        await browser.press({name: random.choice(list(CHOICES)) for name in PAGES[page]})
    assert browser.path.partition("?")[0].endswith("/done"), browser.page.text
    await browser.close()


async def at_bare(address: str) -> None:
    """A whole interview at the bare form."""
    tab = await Tab(address, f"r={uuid.uuid4()}").open()
    for page in PAGES:
        for name in PAGES[page]:
            tab.choose(name, random.randrange(len(CHOICES)))
        await tab.press("go-next")
    assert "Thank you" in tab.words, tab.words
    await tab.close()
