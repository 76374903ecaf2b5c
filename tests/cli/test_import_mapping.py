"""Answers from elsewhere: a mapping says what columns and codes mean; what does not fit is reported, not guessed."""

from __future__ import annotations

import csv
import os
import re
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from survey_app.cli.mapping_draft import draft_mapping
from survey_app.store import StoreError, checks, responses
from tests.cli.mappings import (
    HEADER,
    KOBO,
    KOBO_MAP,
    LIMESURVEY,
    LIMESURVEY_MAP,
    PLAIN_MAP,
    WENJUANXING,
    WENJUANXING_MAP,
    report_of,
    stored,
)

ROOT = Path(__file__).resolve().parents[2]


def test_an_export_of_limesurvey_is_taken_with_its_codes_columns_dates_and_languages(store, bring):
    result = bring(LIMESURVEY, LIMESURVEY_MAP)
    assert (result.accepted, result.refused, result.left_out, result.report) == (2, 0, 1, None)
    assert stored(store) == [
        {"consent": "yes", "district": "east", "disposition": "complete"},
        {
            "consent": "yes", "district": "west", "media": ["tv", "phone"], "wishes": ["quiet", "green", "roads"],
            "moved": "1998-05-01", "remark": "路灯, 坏了", "disposition": "complete",
        },
    ]  # fmt: skip
    facts = {(one.language, str(one.fieldwork_date), one.mode, one.door) for one in responses.stream(store, "spring")}
    assert facts == {("zh", "2026-09-12", "web", "import"), ("en", "2026-09-13", "web", "import")}


def test_an_export_of_wenjuanxing_in_gb18030_is_taken_and_a_longer_one_of_the_same_source_doubles_nothing(store, bring):
    assert bring(WENJUANXING.encode("gb18030"), WENJUANXING_MAP).accepted == 2
    assert stored(store) == [
        {
            "consent": "yes", "district": "east", "age": 41, "media": ["tv", "phone"], "remark": "路灯坏了",
            "disposition": "complete",
        },
        {"consent": "yes", "district": "west", "disposition": "complete"},
    ]  # fmt: skip
    longer = WENJUANXING + "3,2026/9/13 9:06:00,98秒,1.2.3.5(四川),愿意,西区,33,广播,没有\n"
    again = bring(longer.encode("gb18030"), WENJUANXING_MAP, name="later")
    assert (again.accepted, again.repeated, again.refused) == (1, 2, 0)
    changed = longer.replace("东区,41", "东区,42")
    conflict = bring(changed.encode("gb18030"), WENJUANXING_MAP, name="changed")
    assert (conflict.accepted, conflict.repeated, conflict.refused) == (0, 2, 1)
    assert report_of(conflict)[1:] == [
        ["2", "", "", "not taken: another answer is already stored under this row's key"]
    ]
    assert len(stored(store)) == 3
    assert checks.check(store) == []


def test_an_export_of_kobotoolbox_is_taken_with_group_names_and_choices_in_one_cell(store, bring):
    assert bring("\ufeff" + KOBO, KOBO_MAP).accepted == 1
    assert stored(store) == [
        {
            "consent": "yes", "district": "east", "age": 41, "media": ["tv", "phone"],
            "wishes": ["quiet", "green", "roads"], "hour": "07:30", "remark": "=1+1", "disposition": "complete",
        }
    ]  # fmt: skip
    assert {one.mode for one in responses.stream(store, "spring")} == {"face_to_face"}


def test_what_is_refused_stands_in_the_report_with_row_column_value_and_why_and_the_others_are_taken(store, bring):
    rows = [
        "a,东,41,1,0,01.05.1998,好",
        "b,北,41,1,0,01.05.1998,好",
        "c,西,41,x,0,31.02.1998,=cmd|' /C calc'!A0",
        "d,西,41,1",
        "e,西,7,0,0,,好",
        "f,?,41,,,,好",
        "g,西,41,1,0,,#NAME?",
        "h,西,41,1,0,,好\0",
        ",西,41,1,0,,好",
        "i,西,41,1,0,,-5",
        "i,东,41,1,0,,",
        "j,东,41,1,0,,\ufeff好",
        f"k,东,41,1,0,,{'长' * 100_000}",
        '"l",西,41,1,0,,"第一行\n第二行"',
    ]
    result = bring(HEADER + "\n".join(rows) + "\n", PLAIN_MAP)
    assert (result.accepted, result.repeated, result.refused) == (2, 0, 12)
    header, *lines = report_of(result)
    assert header == ["row", "column", "value", "why"]
    told = [(row, column, value[:20], why) for row, column, value, why in lines]
    assert told[:6] == [
        ("3", "where", "北", "has '北' in column 'where', which is not mapped"),
        ("4", "tv", "x", "has 'x' in column 'tv', which is neither under chosen nor under not_chosen"),
        ("4", "moved", "31.02.1998", "has '31.02.1998' in column 'moved', which is not written as %d.%m.%Y"),
        (
            "4", "remark", "'=cmd|' /C calc'!A0",
            "begins with '=' in column 'remark', as a formula does; "
            "look at it, then take such texts with formula_text: keep",
        ),
        ("5", "", "d,西,41,1", "has 4 cells, the header 7; mend the row"),
        ("6", "age", "7", told[5][3]),
    ]  # fmt: skip
    assert told[5][3].startswith("kept aside, not counted: age: ")
    assert [line[:2] for line in told[6:]] == [
        ("7", "where"), ("8", "remark"), ("9", ""), ("10", "key"), ("11", "key"), ("12", "key"),
        ("13", ""), ("14", "remark"),
    ]  # fmt: skip
    whys = [line[3] for line in told[6:]]
    for why, words in zip(
        whys,
        ("kept aside, not counted: district", "spreadsheet error #NAME?", "NUL character in column 'remark'",
         "no row key in column 'key'", "row key 'i', which a later row has too", "row key 'i', which row 11 has too",
         "byte order mark in column 'remark'", "kept aside, not counted: remark"),
        strict=True,
    ):  # fmt: skip
        assert words in why
    assert result.report.name == "answers.refused.csv"
    assert stat.S_IMODE(result.report.stat().st_mode) == 0o600
    assert [one.get("remark") for one in stored(store)] == ["好", "第一行\n第二行"]
    assert checks.check(store) == []


def test_a_second_run_continues_and_its_report_leaves_the_first_alone(store, bring):
    table = HEADER + "a,东,41,1,0,,\nb,北,41,1,0,,\n"
    first = bring(table, PLAIN_MAP)
    mended = PLAIN_MAP.replace("西: west", "西: west, 北: east")
    second = bring(table, PLAIN_MAP)
    third = bring(table, mended)
    assert [(one.accepted, one.repeated, one.refused) for one in (first, second, third)] == [
        (1, 0, 1), (0, 1, 1), (1, 1, 0),
    ]  # fmt: skip
    assert first.report.name == "answers.refused.csv"
    assert second.report.name == "answers.refused-2.csv"
    assert third.report is None
    assert len(stored(store)) == 2


def test_a_first_mapping_is_drawn_up_by_exact_names_and_labels_and_refused_until_it_is_finished(store, bring, tmp_path):
    content = WENJUANXING.replace(
        "2,2026/9/12 9:06:00,98秒,1.2.3.5(四川),愿意,西区", "2,2026/9/12 9:06:00,9秒,1.2.3.5,愿意,南区"
    )
    (tmp_path / "answers.csv").write_bytes(content.encode("gb18030"))
    lines = draft_mapping(store, "spring", tmp_path / "answers.csv")
    draft = (tmp_path / "answers.mapping.yaml").read_text(encoding="utf-8")
    assert str(tmp_path / "answers.mapping.yaml") in lines[0]
    with pytest.raises(StoreError, match="leaves 4 columns undecided, the first is '序号'"):
        bring(content.encode("gb18030"), draft)
    finished = draft.replace("skip: []", 'skip: ["序号", "提交答卷时间", "所用时间", "来自IP"]')
    finished = finished[: finished.index("undecided:")] + finished[finished.index("items:") :]
    with pytest.raises(StoreError, match="has no choice for '南区' at district"):
        bring(content.encode("gb18030"), finished)
    finished = finished.replace('"南区": ""', '"南区": "west"')
    for cell in ("(跳过)",):
        with pytest.raises(StoreError, match="has no choice for"):
            bring(content.encode("gb18030"), finished)
        finished = finished.replace(f'      "{cell}": ""  # one of: tv, radio, phone\n', "")
    finished = finished.replace("empty: []", 'empty: ["(空)", "(跳过)"]')
    assert bring(content.encode("gb18030"), finished).accepted == 2
    assert stored(store)[0] == {
        "consent": "yes", "district": "east", "age": 41, "media": ["tv", "phone"], "remark": "路灯坏了",
        "disposition": "complete",
    }  # fmt: skip
    with pytest.raises(StoreError, match="exists already"):
        draft_mapping(store, "spring", tmp_path / "answers.csv")


def test_a_first_mapping_of_a_kobotoolbox_export_needs_only_its_own_columns_decided(store, bring, tmp_path):
    (tmp_path / "answers.csv").write_text(KOBO.replace("=1+1", "好"), encoding="utf-8")
    draft_mapping(store, "spring", tmp_path / "answers.csv")
    draft = (tmp_path / "answers.mapping.yaml").read_text(encoding="utf-8")
    left = ["start", "_id", "_uuid", "media/tv", "media/radio", "media/phone"]
    assert draft.count("\n  - ") == len(left)
    finished = draft.replace("skip: []\nundecided:", "skip:")
    assert bring(KOBO.replace("=1+1", "好"), finished).accepted == 1
    assert stored(store)[0]["wishes"] == ["quiet", "green", "roads"]


def test_columns_of_one_choice_each_are_found_by_their_names(store, bring, tmp_path):
    table = "consent,district,media[tv],media[phone]\nyes,east,1,0\nyes,west,0,\n"
    (tmp_path / "answers.csv").write_text(table, encoding="utf-8")
    draft_mapping(store, "spring", tmp_path / "answers.csv")
    draft = (tmp_path / "answers.mapping.yaml").read_text(encoding="utf-8")
    assert bring(table, draft).accepted == 2
    assert [one.get("media") for one in stored(store)] == [["tv"], None]


def test_the_example_of_the_readme_takes_the_file_that_it_describes(store, bring):
    readme = (ROOT / "survey_app" / "README.md").read_text(encoding="utf-8")
    examples = re.findall(r"```yaml\n(.*?)```", readme, flags=re.DOTALL)
    example = next(one for one in examples if "row_key:" in one)
    columns = (
        "序号,来自IP,所用时间,状态,提交答卷时间,2、您住在哪个区?,年龄,渠道,Q7[tv],Q7[radio],W[1],W[2],W[3],搬来日期"
    )
    done = "1,1.2.3.4,9秒,完成,2026/9/12 9:05:07,西区,(空),电视┋手机,N,Y,A2,A3,A1,01.05.1998"
    gone = "2,1.2.3.4,9秒,未完成,2026/9/12 9:05:07,西区,(空),,,,,,,"
    result = bring(f"{columns}\n{done}\n{gone}\n".encode("gb18030"), example)
    assert (result.accepted, result.refused, result.left_out) == (1, 0, 1)
    assert stored(store) == [
        {
            "consent": "yes", "district": "west", "media": ["tv", "phone"], "news": ["radio"],
            "wishes": ["roads", "quiet", "green"], "moved": "1998-05-01", "disposition": "complete",
        }
    ]  # fmt: skip


DIES = """
import itertools, os, signal
from survey_app import submission
from survey_app.cli import main
submit, calls = submission.submit, itertools.count(1)
def dying(*arguments):
    mine = next(calls) == int(os.environ["CALLS"])
    if mine and os.environ["MOMENT"] == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    outcome = submit(*arguments)
    if mine:
        os.kill(os.getpid(), signal.SIGKILL)
    return outcome
submission.submit = dying
main()
"""


@pytest.mark.slow
def test_an_import_killed_anywhere_is_finished_by_the_next_run_and_doubles_nothing(store, tmp_path):
    rows = 600
    with (tmp_path / "many.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER.strip().split(","))
        for number in range(rows):
            where = "东" if number % 7 else "北"  # one in seven is refused
            writer.writerow([f"r{number}", where, 18 + number % 60, 1, 0, "", f"第{number}号"])
    (tmp_path / "map.yaml").write_text(PLAIN_MAP, encoding="utf-8")
    environment = {
        **os.environ,
        "SANDU_HOME": str(store.settings.home),
        "SANDU_LANGUAGE": "en",
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-c", DIES, "import", "spring", "many.csv", "--map", "map.yaml"]
    taken = rows - len(range(0, rows, 7))
    before: list[object] = []
    for calls, moment in ((1, "before"), (1, "after"), (200, "before"), (490, "after")):
        named = {**environment, "CALLS": str(calls), "MOMENT": moment}
        running = subprocess.run(command, cwd=tmp_path, env=named, capture_output=True, check=False)
        assert running.returncode == -signal.SIGKILL
        there = [one.answers["remark"] for one in responses.stream(store, "spring")]
        assert len(there) == len(set(there))
        assert set(before) <= set(there)
        assert calls - 9 <= len(there) < taken  # eight others were under way
        before = there
        assert not list(tmp_path.glob("many.refused*"))
        assert checks.check(store) == []
    command[1:3] = ["-m", "survey_app.cli"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    there = sorted(one.answers["remark"] for one in responses.stream(store, "spring"))
    assert there == sorted(f"第{number}号" for number in range(rows) if number % 7)
    assert len((tmp_path / "many.refused.csv").read_text(encoding="utf-8-sig").splitlines()) == 1 + rows - taken
    assert checks.check(store) == []
    assert not list(tmp_path.glob(".*"))
