"""What an operator meets at night: a lost secret, a damaged file, a full disk, a command read in a log."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest
import time_machine
from sqlalchemy import update

from survey_app.settings import Settings
from survey_app.store import contacts, open_store, responses
from survey_app.store.tables import response
from tests.cli.conftest import Home
from tests.cli.test_refusals import command

PUBLIC_OPINION = Path(__file__).resolve().parents[2] / "questionnaires" / "library" / "public-opinion.yaml"


@pytest.fixture
def copy(home: Home, tmp_path: Path) -> Path:
    """A data folder of its own."""
    return Path(shutil.copytree(home.settings.home, tmp_path / "home"))


def said(*arguments: str, home: Path) -> str:
    """The one sentence with which a command refuses."""
    ran = command(*arguments, SANDU_HOME=str(home), SANDU_LANGUAGE="en")
    assert (ran.returncode, ran.stdout, ran.stderr.count("\n")) == (2, "", 1), ran
    return ran.stderr


def test_a_database_that_lost_its_secret_does_not_get_another(copy: Path) -> None:
    (copy / "secret").unlink()
    assert "secret is missing" in said("check", home=copy)
    assert not (copy / "secret").exists()


def test_a_damaged_database_names_the_backup(copy: Path) -> None:
    (copy / "sandu.sqlite").write_bytes(os.urandom(20_000))
    for name in ("-wal", "-shm"):
        Path(f"{copy / 'sandu.sqlite'}{name}").unlink(missing_ok=True)
    for arguments in (["check"], ["seal"], ["backup", str(copy.parent / "b.zip")]):
        assert "restore the newest backup into a new folder." in said(*arguments, home=copy)


def test_what_is_refused_at_night_is_said_in_the_operators_language(tmp_path: Path) -> None:
    for language, words in (("zh", "没有数据库"), ("en", "There is no database")):
        ran = command("check", SANDU_HOME=str(tmp_path / "home"), SANDU_LANGUAGE=language)
        assert (ran.returncode, ran.stderr.count("\n")) == (2, 1)
        assert ran.stderr.startswith(words)
        assert str(tmp_path / "home" / "sandu.sqlite") in ran.stderr


def test_a_clock_that_jumped_ahead_deletes_nothing_until_somebody_looked_at_it(copy: Path, run, monkeypatch) -> None:
    monkeypatch.setenv("SANDU_HOME", str(copy))

    def answers() -> int:
        with open_store(Settings.from_environment({"SANDU_HOME": str(copy)})) as store:
            return sum(1 for _ in responses.stream(store, "chengdu-2026-2"))

    before = answers()
    for day in (4000, 4001):  # the second night too: the jump stays in the audit
        with time_machine.travel(date.today() + timedelta(days=day), tick=False):
            assert run("seal").code == 0
            ran = run("retention")
            assert (ran.code, ran.err.count("\n")) == (2, 1)
            assert f"The days jump from {date.today() - timedelta(days=day)} to" in ran.err
        assert answers() == before
    with time_machine.travel(date.today() + timedelta(days=4002), tick=False):
        assert run("retention", "--clock-is-right").code == 0
        assert answers() == 0
    with time_machine.travel(date.today() + timedelta(days=4003), tick=False):
        assert run("retention").code == 0


def test_what_holds_answers_is_read_by_its_owner_only(tmp_path: Path) -> None:
    settings = Settings.from_environment({"SANDU_HOME": str(tmp_path / "home")})
    with open_store(settings, create=True), contacts.open_contacts(settings):
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in settings.home.iterdir()}
    assert {"sandu.sqlite", "sandu.sqlite-wal", "contacts.sqlite", "secret"} <= modes.keys()
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE(settings.home.stat().st_mode) == 0o700


def test_a_finding_is_printed_as_its_sentence(copy: Path) -> None:
    with open_store(Settings.from_environment({"SANDU_HOME": str(copy)})) as store:
        store.write(lambda connection: connection.run(update(response).values(raw="{}")))
    ran = command("check", SANDU_HOME=str(copy), SANDU_LANGUAGE="en")
    assert ran.returncode == 1
    assert "Finding(" not in ran.stdout
    assert all(line.startswith("Response ") and line.endswith(".") for line in ran.stdout.splitlines())


def test_no_number_is_cut_where_the_output_goes_to_a_log(home: Home) -> None:
    folder = home.folder("chengdu-2026-2")
    ran = command("estimate", str(folder), "--index", "satisfaction", SANDU_HOME=str(home.settings.home), COLUMNS="40")
    assert ran.returncode == 0
    assert "…" not in ran.stdout
    assert "蒲江县 Pujiang County" in ran.stdout


@pytest.mark.parametrize("kind", ["xlsx", "yaml", "xform", "codebook", "paper"])
def test_an_export_onto_a_full_disk_leaves_no_half_and_one_sentence(tmp_path: Path, kind: str) -> None:
    """The limit on a file's size, set once the instrument is read, stands for the full disk: the same failing write."""
    ending = {"xlsx": "xlsx", "yaml": "yaml", "xform": "xml", "codebook": "csv", "paper": "html"}[kind]
    target = tmp_path / f"form.{ending}"
    words = ["instrument", "export", str(PUBLIC_OPINION), "--to", kind, "--output", str(target)]
    code = f"""
import os, resource, signal, sys
os.environ['SANDU_LANGUAGE'] = 'en'
from survey_app.cli import instruments, main
load = instruments.load_instrument
def load_then_fill(path):
    form = load(path)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
    return form
instruments.load_instrument = load_then_fill
sys.argv = ['sandu', *{words!r}]
main()
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120)
    assert (ran.returncode, ran.stdout, ran.stderr.count("\n")) == (2, "", 1), ran
    assert "No space is left beside" in ran.stderr
    assert list(tmp_path.iterdir()) == []
