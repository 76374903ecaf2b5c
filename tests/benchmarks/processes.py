"""Real processes to be measured or killed: the residents' process, started as `sandu serve` starts it, and its cost."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from survey_app.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 90.0  # seconds until a process that does not answer counts as broken
TICKS = os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Server:
    """A process that listens on a port of this machine."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    @property
    def address(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def cpu(self) -> float:
        """Seconds of processor that it has used, all threads."""
        return cpu_seconds(self.pid)

    @property
    def starved(self) -> float:
        """Seconds that its main thread was ready to run and had no core: other work on the machine."""
        return int(Path(f"/proc/{self.pid}/schedstat").read_text().split()[1]) / 1e9

    @property
    def memory(self) -> float:
        """Megabytes that it holds."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(30)

    def stop(self) -> None:
        """SIGTERM, and wait until it is gone."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.kill()


def cpu_seconds(pid: int) -> float:
    """Seconds of processor that a process has used, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def start(command: Sequence[str], port: int, log: Path, *, health: str, **more: str) -> Server:
    """Start a process and wait until `health` (a path) answers 200. `more`: environment variables."""
    environment = {**os.environ, **more, "PYTHONPATH": str(ROOT)}
    with log.open("ab") as file:
        process = subprocess.Popen(command, env=environment, stdout=file, stderr=file, cwd=log.parent)
    server = Server(process, port, log)
    deadline = time.monotonic() + PATIENCE
    while not answers(f"{server.address}{health}"):
        if process.poll() is not None or time.monotonic() > deadline:
            server.stop()
            raise RuntimeError(f"{command} did not start: {log.read_text()}")
        select.select([], [], [], 0.05)
    return server


def public(settings: Settings, *, port: int | None = None, name: str = "public", prefix: Sequence[str] = ()) -> Server:
    """The residents' process over a data folder. `prefix`: a command to run it under."""
    chosen = port or free_port()
    more = {
        "SANDU_HOME": str(settings.home),
        "SANDU_PUBLIC_PORT": str(chosen),
        "SANDU_DATABASE_URL": settings.database_url or "",
        "SANDU_ALLOWED_HOSTS": "localhost,127.0.0.1",
    }
    command = [*prefix, sys.executable, "-m", "survey_app.public"]
    return start(command, chosen, settings.home / f"{name}.log", health="/healthz", **more)


@contextmanager
def serving(settings: Settings, **more: str) -> Iterator[Server]:
    """The residents' process for as long as the block lasts."""
    server = public(settings, **more)
    try:
        yield server
    finally:
        server.stop()


def answers(address: str) -> bool:
    """Whether an address answers 200."""
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def open_files(pid: int) -> int:
    """How many files a process has open."""
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
