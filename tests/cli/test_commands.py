"""The commands do what they say, and the numbers they print are the numbers of the analysis."""

import csv
import zipfile
from pathlib import Path

import pytest

from analysis import format_interval, format_number, format_signed, format_signed_interval, open_snapshot
from survey_app import submission
from survey_app.publish.catalogue import read_snapshot
from survey_app.publish.exports import write_zip
from survey_app.store import accounts, open_store, responses

WAVE, EARLIER = "chengdu-2026-2", "chengdu-2026-1"


def cells(out: str) -> dict[str, list[str]]:
    """The rows of a printed table by their first cell."""
    found = {}
    for line in out.splitlines():
        if line.startswith("│"):
            row = [cell.strip() for cell in line.strip("│").split("│")]
            found[row[0]] = row[1:]
    return found


def test_estimate_prints_the_text_of_the_analysis_per_district_in_official_order(run, home):
    folder = home.folder(WAVE)
    ran = run("estimate", folder.name, "--index", "satisfaction", "--by", "district")
    assert (ran.code, ran.err) == (0, "")
    table = cells(ran.out)
    frame = open_snapshot(folder).index("satisfaction", by="district", whole=True).to_frame()
    assert list(table) == ["whole", *(code for code in frame["district"] if code != "whole")]
    for row in frame.to_dict("records"):
        _, estimate, interval, count = table[row["district"]]
        assert estimate == format_number(row["estimate"])
        assert interval == format_interval(row["low"], row["high"])
        assert count == str(row["n"])
    assert table["510104"][0] == "锦江区 Jinjiang District"
    assert "simulated / 模拟数据" in ran.out


def test_estimate_from_the_downloaded_zip_prints_the_same_text(run, home, tmp_path: Path):
    folder = home.folder(WAVE)
    with (tmp_path / "responses.zip").open("wb") as target:
        write_zip(read_snapshot(folder), "responses", target)
    assert zipfile.is_zipfile(tmp_path / "responses.zip")
    by_folder = run("estimate", str(folder), "--index", "awareness")
    by_zip = run("estimate", str(tmp_path / "responses.zip"), "--index", "awareness")
    assert cells(by_zip.out) == cells(by_folder.out)


def test_estimate_of_one_district_takes_its_code_or_either_name(run, home):
    printed = [
        cells(run("estimate", home.folder(WAVE).name, "--index", "participation", "--district", name).out)
        for name in ("510131", "蒲江县", "Pujiang County")
    ]
    assert printed[0].keys() == {"510131"}
    assert printed[0] == printed[1] == printed[2]


def test_estimate_with_a_baseline_prints_the_change_since_then(run, home):
    ran = run("estimate", home.folder(WAVE).name, "--index", "satisfaction", "--baseline", home.folder(EARLIER).name)
    sample = open_snapshot(home.folder(WAVE), baseline=home.folder(EARLIER))
    change = sample.index("satisfaction", by="district").change(over="wave").to_frame()
    table = cells(ran.out)
    for row in change.to_dict("records"):
        assert table[row["domain"]][1:3] == [
            format_signed(row["difference"]),
            format_signed_interval(row["low"], row["high"]),
        ]


def test_snapshot_prints_a_folder_that_estimate_reads(run, home):
    ran = run("snapshot", WAVE)
    assert ran.code == 0
    folder = Path(ran.out.strip())
    assert folder.parent == home.settings.snapshots / WAVE
    assert run("estimate", str(folder), "--index", "satisfaction", "--by", "sex").code == 0


def test_invite_prints_links_that_open_a_form_once(run, home):
    ran = run("invite", WAVE, "--count", "2")
    links = ran.out.split()
    assert len(set(links)) == 2
    with open_store(home.settings) as store:
        for link in links:
            address, token = link.split("?t=")
            assert address == f"{home.settings.public_address}/s/{WAVE}"
            assert isinstance(submission.open_invitation(store, WAVE, token), submission.Draft)


def test_user_add_makes_an_account_with_the_password_of_standard_input(run, home):
    assert run("user", "add", "wang.min", "--role", "organiser", stdin="correct horse battery\n").code == 0
    with open_store(home.settings) as store:
        account = accounts.verify(store, "wang.min", "correct horse battery")
    assert account is not None
    assert account.role == "organiser"


def test_seal_and_check_find_everything_in_order(run):
    assert run("seal").out.startswith("Sealed. Answers that stand alone in their community, mode and outcome: ")
    ran = run("check")
    assert (ran.code, ran.out) == (0, "Everything is in order.\n")


def test_init_makes_a_store_of_its_own(run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SANDU_HOME", str(tmp_path / "fresh"))
    assert run("init").code == 0
    assert (tmp_path / "fresh" / "sandu.sqlite").exists()
    assert run("init").code == 0


def write_csv(path: Path, header: list[str], *rows: list[str]) -> str:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return str(path)


HEADER = ["row_key", "consent", "S1", "S2", "S3", "D5_district", "E7", "mode", "fieldwork_date"]
GOOD = ["1", "yes", "yes", "yes", "no", "510104", "8", "paper", "2026-09-12"]


def test_import_submits_rows_and_again_doubles_none(run, home, tmp_path: Path):
    file = write_csv(tmp_path / "paper.csv", HEADER, GOOD, ["2", *GOOD[1:6], "", *GOOD[7:]])

    def stored() -> int:
        with open_store(home.settings) as store:
            return sum(1 for _ in responses.stream(store, WAVE))

    before = stored()
    assert "rows taken: 2, there before: 0, not taken: 0" in run("import", WAVE, file).out
    assert stored() == before + 2
    again = run("import", WAVE, file)
    assert (again.code, again.out) == (0, "rows taken: 0, there before: 2, not taken: 0\n")
    assert stored() == before + 2


def test_import_keeps_a_bad_row_aside_and_says_which(run, tmp_path: Path):
    file = write_csv(tmp_path / "paper.csv", HEADER, ["a", *GOOD[1:]], ["b", *GOOD[1:6], "11", *GOOD[7:]])
    ran = run("import", WAVE, file)
    assert ran.code == 1
    assert "paper.csv row 3: kept aside, not counted: E7: " in ran.out
    assert "rows taken: 1, there before: 0, not taken: 1" in ran.out
