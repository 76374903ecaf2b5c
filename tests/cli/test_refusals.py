"""Bad input on the command line: one sentence that names the thing and the remedy, exit code 2, nothing half done."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from survey_app.store import open_store, responses

WAVE = "chengdu-2026-2"
SNAPSHOT = "the newest snapshot's hash"
HEADER = "consent,S1,S2,S3,D5_district,E7"
ROW = "yes,yes,yes,no,510104,8"


def assert_refused(ran, words: str) -> None:
    assert ran.code == 2
    assert ran.out == ""
    assert ran.err.count("\n") == 1, ran.err
    assert words in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["snapshot", "chengdu-2026-3"], "There is no wave 'chengdu-2026-3'. Did you mean 'chengdu-2026-2'?"),
        (["estimate", SNAPSHOT, "--index", "satisfactoin"], "no index 'satisfactoin'. Did you mean 'satisfaction'?"),
        (["estimate", SNAPSHOT, "--index", "satisfaction", "--district", "锦江"], "no district '锦江'"),
        (["estimate", SNAPSHOT, "--index", "satisfaction", "--by", "distrct"], "Did you mean 'district'?"),
        (["estimate", SNAPSHOT, "--index", "satisfaction", "--wave", "chengdu-2025"], "wave 'chengdu-2025'"),
        (["estimate", "zzzzzz", "--index", "satisfaction"], "no snapshot 'zzzzzz'"),
        (["estimate", "/nowhere/responses.zip", "--index", "satisfaction"], "/nowhere/responses.zip"),
        (["estimate", SNAPSHOT], "--index"),
        (["invite", "chengdu-2026-3", "--count", "1"], "There is no wave 'chengdu-2026-3'"),
        (["invite", WAVE, "--count", "0"], "--count"),
        (["invite", WAVE, "--count", "99999"], "99999 invitations were asked for"),
        (["import", WAVE, "/nowhere.csv"], "/nowhere.csv cannot be read"),
        (["frobnicate"], "No such command 'frobnicate'; see sandu --help."),
        (["seal", "now"], "see sandu seal --help."),
        (["estimate", "ab", "--index", "satisfaction"], "give at least 4 characters"),
        (["estimate", SNAPSHOT, "--index", "satisfaction", "--baseline", ""], "no snapshot ''"),
        (["estimate", SNAPSHOT, "--index", "satisfaction", "--by", "mode", "--district", "510104"], "rows by 'mode'"),
        (["invite", WAVE, "--count", "1", "--days", "3000000"], "--days"),
        (["invite", WAVE, "--count", "9" * 20], "--count"),
        (["invite", "chengdu-2026-1", "--count", "1"], "Wave 'chengdu-2026-1' is closed"),
        (["user", "add", "Wang Min"], "'Wang Min'"),
    ],
)
def test_an_unknown_or_impossible_thing_is_named(run, home, arguments: list[str], words: str):
    known = [home.folder(WAVE).name if one == SNAPSHOT else one for one in arguments]
    assert_refused(run(*known), words)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (f"{HEADER},E7\n{ROW},8\n".encode(), "has the column 'E7' twice"),
        (b"consent,S1,S2,S3,E7\nyes,yes,yes,no,8\n", "lacks the column 'D5_district'"),
        (
            f"{HEADER}\n{ROW}\n".encode().replace(b"510104", b"\xbd\xf5\xbd\xad"),
            "line 2 holds byte 0xBD, which is not UTF-8",
        ),
        (f"{HEADER},E77\n{ROW},8\n".encode(), "has a column 'E77', which public-opinion does not ask"),
        (f"{HEADER}\n{ROW},9\n".encode(), "row 2 has 7 cells, the header 6"),
        (f"{HEADER},row_key\n{ROW},a\n{ROW},a\n".encode(), "has row_key 'a' twice"),
        (f"{HEADER},mode\n{ROW},papr\n".encode(), "has mode 'papr'. Did you mean 'paper'?"),
        (f"{HEADER},fieldwork_date\n{ROW},12/9/2026\n".encode(), "must read YYYY-MM-DD"),
        (f'{HEADER}\n"{ROW}\n'.encode(), "is no table with a header"),
        (b"", "is empty, so it is no table with a header"),
        (b"\xef\xbb\xbf\r\n", "is empty, so it is no table with a header"),
        (f"{HEADER}\n".encode(), "has a header and no rows"),
        (f"{HEADER}\n{ROW}\0\n".encode(), "row 2 holds a NUL character"),
        (f"{HEADER}\n{ROW}{'8' * 200_000}\n".encode(), "field larger than field limit"),
        (f"{HEADER},row_key\n{ROW},3\n{ROW},\n".encode(), "has row_key '3' twice"),
        (f"{HEADER},language\n{ROW},fr\n".encode(), "has language 'fr'"),
        (f"{HEADER},fieldwork_date\n{ROW},1026-01-01\n".encode(), "give a day from 2000-01-01 to today"),
        (f"{HEADER},fieldwork_date\n{ROW},9998-01-01\n".encode(), "give a day from 2000-01-01 to today"),
    ],
)
def test_a_file_that_cannot_be_read_whole_is_refused_before_any_row_is_stored(
    run, home, tmp_path: Path, content: bytes, words: str
):
    (tmp_path / "answers.csv").write_bytes(content)
    with open_store(home.settings) as store:
        before = sorted(one.id for one in responses.stream(store, WAVE))
    assert_refused(run("import", WAVE, str(tmp_path / "answers.csv")), words)
    with open_store(home.settings) as store:
        assert sorted(one.id for one in responses.stream(store, WAVE)) == before


def test_windows_newlines_a_mark_at_the_start_and_blank_lines_are_read(run, tmp_path: Path):
    text = f"{HEADER}\r\n{ROW}\r\n\r\n{ROW}\r\n\r\n"
    (tmp_path / "windows.csv").write_bytes(b"\xef\xbb\xbf" + text.encode())
    ran = run("import", WAVE, str(tmp_path / "windows.csv"))
    assert (ran.code, ran.out) == (0, "rows taken: 2, there before: 0, not taken: 0\n")


def test_a_mistyped_server_address_stays_out_of_the_messages(tmp_path: Path):
    ran = command("check", SANDU_HOME=str(tmp_path), SANDU_DATABASE_URL="postgresql://ann:%zzpassphrase@localhost/x")
    assert ran.returncode == 2
    assert ran.stderr.count("\n") == 1, ran.stderr
    assert "SANDU_DATABASE_URL is not an address" in ran.stderr
    assert "passphrase" not in ran.stderr


def test_a_demonstration_in_use_is_not_removed(run, home):
    with open_store(home.settings):
        assert_refused(run("demo", "--reset", "--no-serve"), "is in use by another process")
    with open_store(home.settings) as store:
        assert list(responses.stream(store, WAVE))


def test_a_snapshot_folder_that_lacks_a_file_is_refused(run, home, tmp_path: Path):
    (tmp_path / "manifest.json").write_text('{"wave": "x"}', encoding="utf-8")
    assert_refused(run("estimate", str(tmp_path), "--index", "satisfaction"), "is missing")


def command(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    settings = {name: value for name, value in os.environ.items() if not name.startswith("SANDU_")}
    return subprocess.run(
        [sys.executable, "-m", "survey_app.cli", *arguments],
        env=settings | environment, capture_output=True, text=True, check=False, timeout=120, stdin=subprocess.DEVNULL,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"SANDU_HOME": "/proc/no-such-place"}, "/proc/no-such-place cannot be used"),
        ({"SANDU_PUBLIC_PORT": "99999"}, "SANDU_PUBLIC_PORT is '99999'"),
        ({"SANDU_PUBLIC_PORT": "8600", "SANDU_CONSOLE_PORT": "8600"}, "are both 8600"),
        ({"SANDU_DATA": "/no-such-data"}, "/no-such-data"),
        ({"SANDU_HOME": "/dev/null"}, "/dev/null cannot be used"),
    ],
)
def test_a_demonstration_that_cannot_be_made_here_says_why_in_one_sentence(
    tmp_path: Path, environment: dict[str, str], words: str
):
    ran = command("demo", **{"SANDU_HOME": str(tmp_path / "home"), "SANDU_LANGUAGE": "en"} | environment)
    assert ran.returncode == 2
    sentences = [line for line in ran.stderr.splitlines() if line]
    assert words in sentences[-1]
    assert "Traceback" not in ran.stderr


def test_a_command_on_an_empty_folder_says_how_to_make_a_database(tmp_path: Path):
    ran = command("check", SANDU_HOME=str(tmp_path / "home"))
    assert ran.returncode == 2
    assert "sandu init" in ran.stderr
    assert not (tmp_path / "home" / "sandu.sqlite").exists()


def test_the_command_line_never_loads_streamlit():
    code = "import sys, survey_app.cli.app, survey_app.cli.processes, survey_app.cli.estimates, survey_app.cli.imports;"
    ran = subprocess.run(
        [sys.executable, "-c", code + "print('streamlit' in sys.modules)"],
        capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    assert ran.stdout.strip() == "False"
