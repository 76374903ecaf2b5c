"""A small real demonstration: Chengdu's 20 districts, three people per psu, two frozen waves, one analyst."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from survey_app.demonstration import make_demonstration
from survey_app.demonstration.making import Demonstration
from survey_app.publish.catalogue import Snapshot, newest
from survey_app.settings import Settings, read_secret
from survey_app.store import Account, Store, open_store

DATA = Path(__file__).resolve().parents[2] / "data"
WAVES = ("chengdu-2026-1", "chengdu-2026-2")


@pytest.fixture(scope="session")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> Demonstration:
    """Made once per test process; tests read it and add only sessions and audit rows."""
    home = tmp_path_factory.mktemp("console-home")
    settings = Settings(home=home, data=DATA, secret=read_secret(home))
    return make_demonstration(settings, people=3, opt_in=20)


@pytest.fixture(scope="session")
def store(demonstration: Demonstration) -> Iterator[Store]:
    """The demonstration's open store."""
    with open_store(demonstration.settings) as opened:
        yield opened


@pytest.fixture(scope="session")
def snapshot(demonstration: Demonstration) -> Snapshot:
    """The later wave's snapshot."""
    found = newest(demonstration.settings.home, WAVES[1])
    assert found is not None
    return found


@pytest.fixture
def analyst() -> Account:
    """The signed-in analyst."""
    return Account(name="analyst", role="analyst", display_name="Analyst")
