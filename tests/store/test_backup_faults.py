"""Backups and restores that are killed or run out of space: nothing looks like a backup that is none."""

from __future__ import annotations

import os
import resource
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from survey_app.settings import Settings
from survey_app.store import Store, Wave, backup, checks, open_store, responses
from survey_app.store.backup_reading import verify
from survey_app.store.backup_restore import restore
from tests.store.test_integrity import play

ROOT = Path(__file__).resolve().parents[2]
# Dies when the named function is called for the n-th time, before or after it did its work.
DIES = """
import importlib, os, signal
from survey_app.cli import main
module, name, calls, moment = os.environ["AT"].split()
module, left = importlib.import_module(module), [int(calls)]
work = getattr(module, name)
def dying(*arguments, **named):
    left[0] -= 1
    if left[0] == 0 and moment == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    result = work(*arguments, **named)
    if left[0] == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return result
setattr(module, name, dying)
main()
"""
READING, MAKING = "survey_app.store.backup_reading", "survey_app.store.backup"


def sandu(settings: Settings, *arguments: object, at: str = "", **options: object) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SANDU_")}
    environment |= {"SANDU_HOME": str(settings.home), "SANDU_LANGUAGE": "en", "AT": at}
    if settings.database_url:
        environment["SANDU_DATABASE_URL"] = settings.database_url
    start = ["-c", DIES] if at else ["-m", "survey_app.cli"]
    return subprocess.run(
        [sys.executable, *start, *map(str, arguments)],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=120, **options,
    )  # fmt: skip


@pytest.mark.slow
def test_a_backup_killed_at_any_point_leaves_nothing_that_looks_like_one(
    store: Store, wave: Wave, tmp_path: Path
) -> None:
    play(store, wave)
    safe = tmp_path / "safe"
    safe.mkdir()
    for point in (
        f"{MAKING} _copy_databases 1 before", f"{MAKING} _copy_databases 1 after", f"{MAKING} _add 1 after",
        f"{MAKING} _add 2 before", f"{MAKING} reading 1 before", f"{READING} _extract 1 after",
        "survey_app.store.files place 1 before", "survey_app.store.files sync 2 before",
    ):  # fmt: skip
        ran = sandu(store.settings, "backup", safe / "one.zip", at=point)
        assert ran.returncode == -signal.SIGKILL, (point, ran.stderr)
        assert not (safe / "one.zip").exists(), point
        left = list(safe.iterdir())
        assert len(left) == 1, point  # what the one before left was swept away
        assert left[0].name.startswith("."), point
        assert stat.S_IMODE(left[0].stat().st_mode) == 0o700, point
    ran = sandu(store.settings, "backup", safe / "one.zip", at="survey_app.store.files place 1 after")
    assert ran.returncode == -signal.SIGKILL
    verify(safe / "one.zip")  # it got its name when it was whole
    ran = sandu(store.settings, "backup", safe / "two.zip")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert sorted(path.name for path in safe.iterdir()) == ["one.zip", "two.zip"]
    assert verify(safe / "two.zip").responses == len(list(responses.stream(store, wave, with_excluded=True)))
    assert checks.check(store) == []


@pytest.mark.slow
def test_a_restore_killed_at_any_point_leaves_a_place_as_empty_as_it_was(
    store: Store, wave: Wave, tmp_path: Path, make_postgres_database: Callable[[], str]
) -> None:
    play(store, wave)
    backup.make(store.settings, tmp_path / "one.zip")
    count = len(list(responses.stream(store, wave)))
    url = make_postgres_database() if store.settings.database_url else None
    target = Settings(home=tmp_path / "in" / "home", data=tmp_path, secret=b"", database_url=url)
    points = [f"{READING} _extract 1 before", f"{READING} _extract 2 after", f"{READING} _check 1 after"]
    points += ["survey_app.store.backup_restore _settle 1 before", "survey_app.store.schema _run 1 after"]
    if url:
        points += ["survey_app.store.backup_rows _continue_numbers 5 before", "survey_app.store.schema _run 2 before"]
    for point in points:
        ran = sandu(target, "restore", tmp_path / "one.zip", "--into", target.home, at=point)
        assert ran.returncode == -signal.SIGKILL, (point, ran.stderr)
        assert not target.home.exists(), point
        if url:
            with psycopg.connect(url) as connection:
                assert connection.execute("SELECT FROM pg_tables WHERE schemaname = 'public'").fetchall() == [], point
    ran = sandu(target, "restore", tmp_path / "one.zip", "--into", target.home)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.endswith("Everything is in order.\n")
    assert [path.name for path in (tmp_path / "in").iterdir()] == ["home"]
    environment = {"SANDU_HOME": str(target.home), **({"SANDU_DATABASE_URL": url} if url else {})}
    with open_store(Settings.from_environment(environment)) as again:
        assert len(list(responses.stream(again, wave))) == count


def limited(size: int) -> Callable[[], None]:
    """No file may grow beyond so many bytes: what a full disk does, without one."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


@pytest.mark.parametrize("size", [8_192, 60_000, 1_000_000])
def test_a_full_disk_is_one_sentence_and_nothing_is_left(store: Store, wave: Wave, tmp_path: Path, size: int) -> None:
    play(store, wave)
    frozen = store.settings.snapshots / "spring"
    frozen.mkdir(parents=True)
    (frozen / "data.parquet").write_bytes(os.urandom(2_000_000))
    safe = tmp_path / "safe"
    safe.mkdir()
    ran = sandu(store.settings, "backup", safe / "one.zip", preexec_fn=limited(size))
    assert ran.returncode == 2
    assert ran.stderr.count("\n") == 1, ran.stderr
    assert "nothing was kept" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert list(safe.iterdir()) == []
    assert checks.check(store) == []
    # as soon as there is space it works, and a restore onto a full disk is refused as well
    backup.make(store.settings, safe / "one.zip")
    home = tmp_path / "again"
    ran = sandu(
        Settings(home=home, data=tmp_path, secret=b""), "restore", safe / "one.zip", "--into", home,
        preexec_fn=limited(size),
    )  # fmt: skip
    assert (ran.returncode, ran.stderr.count("\n"), "Traceback" in ran.stderr) == (2, 1, False), ran.stderr
    assert not home.exists()
    restore(safe / "one.zip", home, {"SANDU_HOME": str(home)})


@pytest.mark.skipif(os.geteuid() != 0, reason="a small disk can only be mounted as root")
def test_a_disk_that_is_really_full(store: Store, wave: Wave, tmp_path: Path) -> None:
    play(store, wave)
    (tmp_path / "small").mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", tmp_path / "small"], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("mounting is not allowed here")
    try:
        ran = sandu(store.settings, "backup", tmp_path / "small" / "one.zip")
        assert (ran.returncode, ran.stderr.count("\n")) == (2, 1), ran.stderr
        assert "space" in ran.stderr
        assert list((tmp_path / "small").iterdir()) == []
    finally:
        subprocess.run(["umount", tmp_path / "small"], check=True)
