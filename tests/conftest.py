"""A real PostgreSQL for the tests: the distribution's binaries, an unprivileged user, a socket of its own."""

from __future__ import annotations

import os
import pwd
import select
import shutil
import signal
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from playwright.sync_api import Browser, sync_playwright

HOW_TO_INSTALL = (
    "PostgreSQL's server is missing. Install it from the distribution (Debian, Ubuntu: apt-get install postgresql), "
    "or run `make test` as root, which does so."
)


@dataclass(frozen=True)
class PostgresServer:
    """A running server; `control` starts and stops it."""

    binaries: Path
    folder: Path
    user: str | None

    def url(self, database: str) -> str:
        return f"postgresql://sandu@/{database}?host={quote(str(self.folder), safe='')}"

    def control(self, *arguments: str) -> None:
        """Run pg_ctl on this server's data."""
        self.run("pg_ctl", "-D", str(self.folder / "data"), "-l", str(self.folder / "log"), "-w", *arguments)

    def start(self) -> None:
        """Start it, or start it again."""
        options = f"-c listen_addresses='' -c unix_socket_directories='{self.folder}' -c max_connections=60"
        self.control("start", "-o", options)

    def kill(self) -> None:
        """kill -9 of the server, by its own id; back when all its processes are gone and it can be started again."""
        server = int((self.folder / "data" / "postmaster.pid").read_text().split()[0])
        children = Path(f"/proc/{server}/task/{server}/children").read_text().split()
        os.kill(server, signal.SIGKILL)
        while any(Path(f"/proc/{process}").exists() for process in [str(server), *children]):
            select.select([], [], [], 0.01)

    def run(self, program: str, *arguments: str) -> None:
        """Run one of the server's programs as its user; what it prints is shown when it fails."""
        account = pwd.getpwnam(self.user) if self.user else None
        done = subprocess.run(
            [self.binaries / program, *arguments],
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], "HOME": str(self.folder), "LC_ALL": "C.UTF-8"},
            user=account.pw_uid if account else None,
            group=account.pw_gid if account else None,
            extra_groups=[] if account else None,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            log = self.folder / "log"
            pytest.fail(f"{program} failed: {done.stderr}\n{log.read_text() if log.exists() else ''}")


def _binaries() -> Path | None:
    on_path = shutil.which("initdb")
    found = [Path(on_path).resolve().parent] if on_path else []
    versions = Path("/usr/lib/postgresql")
    found += sorted(versions.glob("*/bin"), key=lambda folder: int(folder.parent.name), reverse=True)
    return next((folder for folder in found if (folder / "initdb").exists() and (folder / "pg_ctl").exists()), None)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One server per test process, reachable through a unix socket only, thrown away at the end."""
    binaries = _binaries()
    if binaries is None:
        if os.environ.get("CI") == "true":
            pytest.fail(HOW_TO_INSTALL)
        pytest.skip(HOW_TO_INSTALL)
    with running_postgres(binaries) as server:
        yield server


@contextmanager
def running_postgres(binaries: Path | None = None) -> Iterator[PostgresServer]:
    """A server in a folder of its own, for as long as the block lasts."""
    found = binaries or _binaries()
    assert found, HOW_TO_INSTALL
    # A socket's path may have 107 bytes, which pytest's own folders exceed.
    folder = Path(tempfile.mkdtemp(prefix="sandu-pg-"))
    user = "nobody" if os.geteuid() == 0 else None  # the server refuses to run as root
    if user:
        shutil.chown(folder, user)
    server = PostgresServer(found, folder, user)
    try:
        server.run(
            "initdb", "-D", str(folder / "data"), "-U", "sandu", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8",
            "--data-checksums", "--no-sync",
        )  # fmt: skip
        server.start()
        try:
            yield server
        finally:
            server.control("stop", "-m", "immediate")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def make_postgres_database(postgres_server: PostgresServer) -> Callable[[], str]:
    """A function: makes an empty database and returns its address."""

    def make() -> str:
        name = f"test_{uuid.uuid4().hex}"
        with psycopg.connect(postgres_server.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return postgres_server.url(name)

    return make


CHROMIUM_MISSING = (
    "Chromium is missing. Install it from the distribution (Debian, Ubuntu: apt-get install chromium), "
    "or run `make test` as root, which does so."
)
CHROMIUM_FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The distribution's Chromium, headless; a missing one fails under CI=true."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None and os.environ.get("CI") == "true":
        pytest.fail(CHROMIUM_MISSING)
    if path is None:
        pytest.skip(CHROMIUM_MISSING)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        yield started
        started.close()
