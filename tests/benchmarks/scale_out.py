"""Two public processes behind nginx with sticky sessions on PostgreSQL against one: what the processes can bear.

On a machine whose cores the client, nginx and PostgreSQL use as well, the wall clock says little about two processes.
So the processor per interview is measured in each process while both are busy: a process can bear the reciprocal of
it on a core of its own, and of two the busier one is full first.
"""

from __future__ import annotations

import asyncio
import shutil
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import psycopg

from survey_app.settings import Settings
from survey_app.store import Store, open_store
from tests.benchmarks import processes, six_pages
from tests.benchmarks.load import Crowd, kept, plain, streamlit
from tests.benchmarks.measuring import Figure
from tests.benchmarks.processes import Server
from tests.conftest import running_postgres

INTERVIEWS, AT_A_TIME, ROUNDS = 160, 16, 3


@dataclass(frozen=True)
class Run:
    """One run: interviews, seconds of wall clock, seconds of processor of each public process."""

    interviews: int
    wall: float
    cpu: tuple[float, ...]

    @property
    def capacity(self) -> float:
        """Interviews a second when the busiest process has a core to itself and is busy all the time."""
        return self.interviews / max(self.cpu)

    @property
    def rate(self) -> float:
        """Interviews a second on this machine, shared with everything else."""
        return self.interviews / self.wall


def figures() -> Iterator[Figure]:
    with ExitStack() as stack:
        settings, store = stack.enter_context(_world())
        servers = [stack.enter_context(processes.serving(settings, name=f"public{number}")) for number in (1, 2)]
        one = stack.enter_context(proxy(servers[:1], settings.home / "one"))
        two = stack.enter_context(proxy(servers, settings.home / "two"))
        crowd = Crowd(one)
        asyncio.run(_answer(crowd, 40))  # warm, also the second process
        asyncio.run(_answer(_at(crowd, two), 40))
        pairs = [(_run(crowd, servers[:1]), _run(_at(crowd, two), servers)) for _ in range(ROUNDS)]
        ratio = statistics.median(double.capacity / single.capacity for single, double in pairs)
        yield Figure(
            "two processes / one: what they bear, by processor per interview (goal: at least 1.7)", ratio, "times"
        )
        wall = statistics.median(double.rate / single.rate for single, double in pairs)
        yield Figure("   wall clock, client, nginx and PostgreSQL on the same cores", wall, "times")
        shares = [max(double.cpu) / sum(double.cpu) for _, double in pairs]
        yield Figure("   share of the busier of two", statistics.median(shares), "")
        yield Figure("   one process, a core to itself", statistics.median(s.capacity for s, _ in pairs), "a second")
        yield from kept(crowd, store)


def _at(crowd: Crowd, address: str) -> Crowd:
    """The same crowd at another address; who was thanked is noted in one place."""
    return Crowd(address, sent=crowd.sent, failed=crowd.failed)


def _run(crowd: Crowd, servers: list[Server]) -> Run:
    before, begin = [server.cpu for server in servers], perf_counter()
    asyncio.run(_answer(crowd, INTERVIEWS))
    wall = perf_counter() - begin
    return Run(INTERVIEWS, wall, tuple(server.cpu - was for server, was in zip(servers, before, strict=True)))


async def _answer(crowd: Crowd, count: int) -> None:
    gate = asyncio.Semaphore(AT_A_TIME)

    async def one(number: int) -> None:
        async with gate:
            await crowd.one(plain if number % 2 else streamlit)

    await asyncio.gather(*(one(number) for number in range(count)))


@contextmanager
def _world() -> Iterator[tuple[Settings, Store]]:
    with running_postgres() as server, tempfile.TemporaryDirectory() as folder:
        with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
            connection.execute("CREATE DATABASE bench")
        environment = {"SANDU_HOME": str(Path(folder) / "home"), "SANDU_DATABASE_URL": server.url("bench")}
        settings = Settings.from_environment(environment)
        six_pages.make_wave(settings)
        with open_store(settings) as store:
            yield settings, store


@contextmanager
def proxy(servers: list[Server], folder: Path) -> Iterator[str]:
    """nginx in front of these processes; its address."""
    nginx, port = shutil.which("nginx"), processes.free_port()
    assert nginx, "nginx is missing; make bench installs it from the distribution"
    folder.mkdir()
    upstreams = "\n        ".join(f"server 127.0.0.1:{server.port};" for server in servers)
    text = Path(__file__).with_name("nginx.conf").read_text(encoding="utf-8")
    text = text.replace("UPSTREAMS;", upstreams).replace("127.0.0.1:PORT", f"127.0.0.1:{port}")
    (folder / "nginx.conf").write_text(text, encoding="utf-8")
    command = [nginx, "-p", str(folder), "-c", "nginx.conf", "-e", "error.log"]
    running = processes.start(command, port, folder / "log", health="/healthz")
    try:
        yield running.address
    finally:
        running.stop()
