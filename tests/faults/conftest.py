"""A wave with an open link on either database, ready to be served by real processes that a test may kill."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from questionnaires import load_instrument
from survey_app.settings import Settings, read_secret
from survey_app.store import Case, Wave, instruments, invitations, open_store, waves
from tests.benchmarks import processes

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "data"
SLUG = "faults"
PATIENCE = 60.0  # seconds until what should happen counts as not happening


def make_wave(settings: Settings) -> None:
    """Consent, home, words: three pages; an open link, and ten drawn cases."""
    form = load_instrument(ROOT / "tests" / "store" / "small.yaml")
    with open_store(settings, create=True) as store:
        instruments.publish(store, form)
        wave = {"title": {"zh": "故障", "en": "Faults"}, "city": "510100", "scheme": "nbs", "edition": "2023"}
        wave |= {"open_link": True, "presets": {"city": "510100"}}
        waves.create(store, Wave(slug=SLUG, instrument_id=form.id, instrument_version=form.version, **wave))
        invitations.draw(store, SLUG, [case(number) for number in range(10)])


def case(number: int) -> Case:
    """A drawn person."""
    return Case(
        case=f"c{number}",
        district="east",
        stratum="east",
        psu=f"psu{number // 5}",
        inclusion_probability_psu=0.1,
        inclusion_probability_person=0.02,
        base_weight=500.0,
    )


def settings_for(home: Path, url: str | None) -> Settings:
    """Settings of a data folder, on SQLite or on PostgreSQL."""
    return Settings(home=home, data=DATA, secret=read_secret(home), database_url=url)


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """A wave on either database."""
    make: Callable[[], str] = request.getfixturevalue("make_postgres_database")
    made = settings_for(tmp_path / "home", make() if request.param == "postgresql" else None)
    make_wave(made)
    return made


@pytest.fixture
def sqlite_settings(tmp_path: Path) -> Settings:
    """A wave on SQLite."""
    made = settings_for(tmp_path / "home", None)
    make_wave(made)
    return made


@dataclass
class Victims:
    """Forks residents' processes that die where they are told to; see victim.py."""

    process: subprocess.Popen[str]
    running: set[int]

    def start(self, settings: Settings, port: int, point: str = "") -> int:
        """A process at the port, serving; its id. With a point: the press after `strike` kills it there."""
        environment = {
            "SANDU_HOME": str(settings.home),
            "SANDU_DATABASE_URL": settings.database_url or "",
            "SANDU_PUBLIC_PORT": str(port),
        }
        pid = self._order({"environment": environment, "point": point, "match": str(self.match(settings))})
        self.running.add(pid)
        wait_for(lambda: processes.answers(f"http://localhost:{port}/healthz"))
        return pid

    def strike(self, settings: Settings) -> None:
        """The next press kills."""
        self.match(settings).touch()

    def match(self, settings: Settings) -> Path:
        """The file that says so."""
        return settings.home / "match"

    def end(self, pid: int) -> None:
        """End one that was not told to die."""
        os.kill(pid, signal.SIGKILL)
        self.wait(pid)

    def wait(self, pid: int) -> int:
        """Its exit code, once it has ended; minus the signal that killed it."""
        self.running.discard(pid)
        return self._order({"wait": pid})

    def _order(self, order: dict[str, Any]) -> int:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())


@pytest.fixture(scope="session")
def victims(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Victims]:
    """The process that forks them; what still runs at the end is ended by its id."""
    log = (tmp_path_factory.mktemp("victims") / "log").open("w")
    started = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.victim"],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
    )  # fmt: skip
    made = Victims(started, set())
    yield made
    for pid in made.running:
        os.kill(pid, 9)
    started.communicate(timeout=30)
    log.close()


def wait_for(condition: Callable[[], bool], patience: float = PATIENCE) -> None:
    """Until the condition holds; a failure when it does not within the patience (seconds)."""
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, "what was waited for did not happen"
        select.select([], [], [], 0.01)
