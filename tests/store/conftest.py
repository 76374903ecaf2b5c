"""One contract, two databases: every test that asks for `store` or `settings` runs on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from questionnaires import Instrument, load_instrument
from survey_app.settings import Settings, read_secret
from survey_app.store import Case, Store, Wave, instruments, invitations, open_store, schema, waves
from survey_app.store.tables import metadata

DATA = Path(__file__).resolve().parents[2] / "data"


@pytest.fixture(scope="session")
def shared_postgres_url(make_postgres_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> str:
    """A database with all tables, emptied before each test: a database of its own each would be a thousand files."""
    url = make_postgres_database()
    schema.upgrade(Settings(home=tmp_path_factory.mktemp("home"), data=DATA, secret=b"s" * 32, database_url=url))
    return url


@pytest.fixture
def empty_postgres_url(shared_postgres_url: str) -> str:
    """The shared database without rows, at the present schema."""
    names = ", ".join(f'"{table.name}"' for table in metadata.sorted_tables)
    with psycopg.connect(shared_postgres_url) as connection:
        connection.execute(f"TRUNCATE {names} RESTART IDENTITY")
        connection.execute("DROP SCHEMA IF EXISTS contacts CASCADE")
        connection.execute("DELETE FROM alembic_version")
        connection.execute("INSERT INTO alembic_version VALUES (%s)", [schema.REVISIONS[-1]])
    return shared_postgres_url


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """Settings of a database with all tables and no rows."""
    home = tmp_path / "home"
    url = request.getfixturevalue("empty_postgres_url") if request.param == "postgresql" else None
    made = Settings(home=home, data=DATA, secret=read_secret(home), database_url=url)
    if url is None:
        schema.upgrade(made)
    return made


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    """An open store."""
    with open_store(settings) as opened:
        yield opened


@pytest.fixture(scope="session")
def instrument() -> Instrument:
    """Consent, district, age, a remark: see small.yaml."""
    return load_instrument(Path(__file__).with_name("small.yaml"))


@pytest.fixture
def wave(store: Store, instrument: Instrument) -> Wave:
    """A wave with an open link and 40 drawn cases in two districts, c00 to c39."""
    instruments.publish(store, instrument)
    made = Wave(
        slug="spring",
        title={"zh": "春季", "en": "Spring"},
        city="510100",
        scheme="nbs",
        edition="2023",
        instrument_id=instrument.id,
        instrument_version=instrument.version,
        open_link=True,
        presets={"city": "510100"},
    )
    waves.create(store, made)
    drawn = [
        Case(
            case=f"c{number:02}",
            district="east" if number < 20 else "west",
            stratum="east" if number < 20 else "west",
            psu=f"psu{number // 5}",
            inclusion_probability_psu=0.1,
            inclusion_probability_person=0.02,
            base_weight=500.0,
        )
        for number in range(40)
    ]
    invitations.draw(store, made, drawn)
    return made
