"""A real SQLite store with the published questionnaire and five waves, the doors over it, and a resident's hands."""

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from questionnaires import Instrument, load_instrument
from survey_app.http.middleware import EXCEPTION_HANDLERS
from survey_app.public import doors
from survey_app.public.application import all_routes, middleware
from survey_app.public.doors import Doors
from survey_app.settings import Settings
from survey_app.store import Case, Wave, instruments, invitations, open_store, waves
from tests.benchmarks import processes

ROOT = Path(__file__).resolve().parents[2]
PRESETS = {"city": "510100", "fieldwork_year": 2026}
SCREENING = {"S1": "yes", "S2": "yes", "S3": "no"}
SHUIJINGFANG = "510104017001"


@dataclass
class World:
    """The opened store and tokens of fresh invitations to the wave `invited`."""

    doors: Doors
    tokens: list[str]

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Every row of a table, as the database holds it."""
        import pysqlite3.dbapi2 as sqlite  # the driver the store uses

        connection = sqlite.connect(self.doors.settings.database)
        connection.row_factory = sqlite.Row
        try:
            return [dict(row) for row in connection.execute(f"SELECT * FROM {table}")]
        finally:
            connection.close()


@pytest.fixture(scope="session")
def instrument() -> Instrument:
    return load_instrument(ROOT / "questionnaires" / "library" / "public-opinion.yaml")


@pytest.fixture(scope="session")
def prepared_home(tmp_path_factory: pytest.TempPathFactory, instrument: Instrument) -> Path:
    """A data folder with the questionnaire published and the waves made; each test works on a copy of its own."""
    home = tmp_path_factory.mktemp("prepared") / "home"
    store = open_store(_settings(home), create=True)
    instruments.publish(store, instrument)
    today = date.today()
    for slug, given in {
        "open": {"open_link": True, "simulated": True},
        "invited": {},
        "closed": {"open_link": True, "state": "closed"},
        "later": {"open_link": True, "opens": today + timedelta(days=2)},
        "over": {"open_link": True, "closes": today - timedelta(days=1)},
    }.items():
        wave = {"title": {"zh": "居民调查", "en": "Residents' survey"}, "city": "510100", "scheme": "nbs"}
        wave |= {"edition": "2023", "instrument_id": instrument.id, "instrument_version": instrument.version}
        waves.create(store, Wave(slug=slug, presets=PRESETS, **wave, **given))
    invitations.draw(store, "invited", [_case(number) for number in range(3)])
    store.close()
    return home


@pytest.fixture(scope="module")
def server(prepared_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[processes.Server]:
    """The residents' process as it runs, on a copy of the prepared folder."""
    home = tmp_path_factory.mktemp("running") / "home"
    shutil.copytree(prepared_home, home)
    running = processes.public(Settings.from_environment({"SANDU_HOME": str(home)}))
    yield running
    running.stop()


@pytest.fixture
def world(tmp_path: Path, prepared_home: Path, instrument: Instrument) -> Iterator[World]:
    home = tmp_path / "home"
    shutil.copytree(prepared_home, home)
    settings = _settings(home)
    store = open_store(settings)
    # Reading the questionnaire again for each test would take most of the tests' time.
    store.cache[("instrument", instrument.id, instrument.version)] = instrument
    tokens = invitations.mint(store, "invited", ["case-0", "case-1"], date.today() + timedelta(days=30))
    opened = Doors(settings, store)
    doors.use(opened)
    yield World(opened, list(tokens))
    store.close()


def _settings(home: Path) -> Settings:
    return Settings.from_environment({"SANDU_HOME": str(home), "SANDU_ALLOWED_HOSTS": "testserver"})


def _case(number: int) -> Case:
    return Case(
        case=f"case-{number}",
        district="510104",
        stratum="510104",
        psu=SHUIJINGFANG,
        inclusion_probability_psu=0.1,
        inclusion_probability_person=0.01,
        base_weight=1000.0,
    )


@pytest.fixture
def client(world: World) -> Iterator[TestClient]:
    app = Starlette(
        routes=list(all_routes()),
        middleware=middleware(world.doors.settings),
        exception_handlers=EXCEPTION_HANDLERS,
    )
    with TestClient(app, raise_server_exceptions=False, headers={"accept-language": "zh-CN"}) as client:
        yield client


@dataclass
class Resident:
    """Fills in the plain form as a browser would: hidden fields, choices and buttons of the page that is open."""

    client: TestClient
    html: str = ""
    url: str = ""
    status: int = 0
    sent: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def open(self, path: str, **more: Any) -> "Resident":
        answer = self.client.get(path, **more)
        self.html, self.url, self.status = answer.text, str(answer.url), answer.status_code
        return self

    @property
    def action(self) -> str:
        found = re.search(r'<form method="post" action="([^"]+)"', self.html)
        assert found, self.html
        return found[1].replace("&amp;", "&")

    @property
    def page(self) -> str:
        return self.action.partition("?")[0].rsplit("/", 1)[1]

    @property
    def id(self) -> str:
        return self.action.split("/")[3]

    def fields(self) -> dict[str, Any]:
        """What the page sends untouched: hidden fields, checked boxes, selected options, typed texts."""
        fields: dict[str, Any] = {}
        for tag in re.findall(r"<input [^>]+>", self.html):
            name, value = _attribute(tag, "name"), _attribute(tag, "value")
            if 'type="radio"' in tag or 'type="checkbox"' in tag:
                if " checked" in tag:
                    fields.setdefault(name, []).append(value)
            else:
                fields[name] = value
        for name, options in re.findall(r'<select [^>]*name="([^"]+)"[^>]*>(.*?)</select>', self.html, re.S):
            chosen = re.search(r'<option value="([^"]*)" selected', options)
            fields[name] = chosen[1] if chosen else ""
        return fields

    def press(self, go: str = "next", **answers: Any) -> "Resident":
        action, fields = self.action, {**self.fields(), "go": go, **answers}
        self.sent.append((action, fields))
        answer = self.client.post(action, data=fields)
        self.html, self.url, self.status = answer.text, str(answer.url), answer.status_code
        return self

    def until_last_page(self, **about: Any) -> "Resident":
        """Consent, screening and address answered, the rest skipped, as far as the last page."""
        self.press(consent="yes").press(**SCREENING).press(**{"found-community": SHUIJINGFANG})
        while self.page != "about_you":
            self.press()
        return self


def _attribute(tag: str, name: str) -> str:
    found = re.search(rf' {name}="([^"]*)"', tag)
    value = found[1] if found else ""
    return (
        value.replace("&#34;", '"')
        .replace("&#39;", "'")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
    )


@pytest.fixture
def resident(client: TestClient) -> Resident:
    return Resident(client)
