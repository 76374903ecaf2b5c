"""Settings, schema versions, drivers: what a store says when it cannot be opened, and that migrations are whole."""

from __future__ import annotations

import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from survey_app.settings import Settings, read_secret
from survey_app.store import Store, StoreError, Wave, checks, engines, invitations, open_store, schema, waves
from survey_app.store.tables import metadata


def test_the_environment_is_read_once_into_settings(tmp_path: Path) -> None:
    settings = Settings.from_environment(
        {
            "SANDU_HOME": str(tmp_path / "home"),
            "SANDU_DATA": str(tmp_path / "data"),
            "SANDU_PUBLIC_PORT": "9001",
            "SANDU_CONSOLE_ADDRESS": "https://console.example.org/",
            "SANDU_ALLOWED_HOSTS": "a.example.org, b.example.org",
            "SANDU_LANGUAGE": "en",
        }
    )
    assert settings.home == tmp_path / "home"
    assert (settings.public_port, settings.console_port) == (9001, 8502)
    assert settings.public_address == "http://localhost:9001"
    assert settings.console_address == "https://console.example.org"
    assert settings.allowed_hosts == ("a.example.org", "b.example.org")
    assert (settings.database_url, settings.language) == (None, "en")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SANDU_PUBLIC_PORT", "http"),
        ("SANDU_CONSOLE_PORT", "70000"),
        ("SANDU_DATABASE_URL", "mysql://localhost/x"),
        ("SANDU_PUBLIC_ADDRESS", "survey.example.org"),
        ("SANDU_LANGUAGE", "fr"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(StoreError, match=name):
        Settings.from_environment({"SANDU_HOME": str(tmp_path), name: value})


def test_a_password_in_a_wrong_database_address_is_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as caught:
        Settings.from_environment({"SANDU_HOME": str(tmp_path), "SANDU_DATABASE_URL": "mysql://me:hunter2@h/x"})
    assert "hunter2" not in str(caught.value)


def test_processes_that_start_together_share_one_secret_that_only_the_owner_reads(tmp_path: Path) -> None:
    home = tmp_path / "new" / "home"
    with ThreadPoolExecutor(16) as pool:
        secrets = set(pool.map(lambda _: read_secret(home), range(16)))
    assert len(secrets) == 1
    assert stat.S_IMODE((home / "secret").stat().st_mode) == 0o600
    assert [path.name for path in home.iterdir()] == ["secret"]


def test_a_secret_that_was_cut_short_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"short")
    with pytest.raises(StoreError, match="5 bytes instead of 32"):
        read_secret(tmp_path)


def test_a_home_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="SANDU_HOME"):
        read_secret(tmp_path / "file" / "home")


def test_nothing_is_made_unless_asked_for(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, data=tmp_path, secret=b"s" * 32)
    with pytest.raises(StoreError, match="sandu init"):
        open_store(settings)
    assert list(tmp_path.iterdir()) == []


def test_an_empty_postgresql_database_is_refused_until_its_tables_are_made(
    tmp_path: Path, make_postgres_database: Callable[[], str]
) -> None:
    settings = Settings(home=tmp_path, data=tmp_path, secret=b"s" * 32, database_url=make_postgres_database())
    with pytest.raises(StoreError, match="no tables yet"):
        open_store(settings)
    with open_store(settings, create=True) as store:
        assert checks.check(store) == []


@pytest.mark.parametrize(("revision", "said"), [("0999", "newer than this program's"), ("", "bring it up to date")])
def test_a_database_of_another_schema_is_refused_with_a_sentence_and_left_alone(
    settings: Settings, store: Store, revision: str, said: str
) -> None:
    statement = f"UPDATE alembic_version SET version_num = '{revision}'" if revision else "DELETE FROM alembic_version"
    store.write(lambda connection: connection.run(statement))
    with pytest.raises(StoreError, match=said):
        open_store(settings)
    if revision:
        with pytest.raises(StoreError, match=said):
            open_store(settings, create=True)
        assert store.read(lambda connection: connection.one("SELECT version_num FROM alembic_version")) == {
            "version_num": revision
        }


def test_four_processes_that_create_at_once_make_one_schema(
    tmp_path: Path, make_postgres_database: Callable[[], str]
) -> None:
    for url in (None, make_postgres_database()):
        settings = Settings(home=tmp_path, data=tmp_path, secret=b"s" * 32, database_url=url)
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda _, settings=settings: schema.upgrade(settings), range(4)))
        with open_store(settings) as store:
            assert list(waves.slugs(store)) == []


def test_the_migrations_make_exactly_the_tables_of_the_program(settings: Settings, store: Store) -> None:
    engine = schema._alembic_engine(settings)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_every_migration_is_known_to_the_program_and_in_order() -> None:
    config = Config()
    config.set_main_option("script_location", str(schema.MIGRATIONS))
    script = ScriptDirectory.from_config(config)
    assert tuple(one.revision for one in reversed(list(script.walk_revisions()))) == schema.REVISIONS


def test_the_schema_goes_down_and_up_again(settings: Settings, store: Store, wave: Wave) -> None:
    store.close()
    schema.downgrade(settings, "base")
    with pytest.raises(StoreError, match=r"no tables yet|bring it up to date"):
        open_store(settings)
    with open_store(settings, create=True) as again:
        assert list(waves.slugs(again)) == []


def test_creating_again_keeps_what_is_there(settings: Settings, store: Store, wave: Wave) -> None:
    with open_store(settings, create=True) as again:
        assert len(invitations.cases(again, "spring")) == 40


def test_an_old_sqlite_is_refused_and_postgresql_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "OLDEST_SQLITE", (99, 0, 0))
    with pytest.raises(StoreError, match=r"SQLite 3\.\d+\.\d+ can damage.*PostgreSQL"):
        engines.sqlite_driver()


def test_sqlite_runs_with_the_log_ahead_and_full_syncs(tmp_path: Path) -> None:
    with open_store(Settings(home=tmp_path, data=tmp_path, secret=b"s" * 32), create=True) as store:
        modes = {
            name: store.write(lambda connection, name=name: next(iter(connection.one(f"PRAGMA {name}").values())))
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout", "secure_delete")
        }
    assert modes == {
        "journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 10_000, "secure_delete": 1,
    }  # fmt: skip


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "sandu.sqlite").write_bytes(b"not a database, but long enough to look like one" * 100)
    for create in (False, True):
        with pytest.raises(StoreError, match="is damaged"):
            open_store(Settings(home=tmp_path, data=tmp_path, secret=b"s" * 32), create=create)


def test_a_postgresql_server_that_is_away_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "PATIENCE", 0.5)
    url = f"postgresql://sandu@/x?host={tmp_path}"
    with pytest.raises(StoreError, match="SANDU_DATABASE_URL"):
        open_store(Settings(home=tmp_path, data=tmp_path, secret=b"s" * 32, database_url=url))
