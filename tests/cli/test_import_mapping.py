"""Answers from elsewhere: a mapping says what columns and codes mean; what does not fit is reported, not guessed."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from questionnaires import load_instrument
from survey_app.cli.imports import ImportResult, import_csv
from survey_app.cli.mapping_draft import draft_mapping
from survey_app.settings import Settings, read_secret
from survey_app.store import Store, StoreError, Wave, checks, instruments, open_store, responses, waves

ROOT = Path(__file__).resolve().parents[2]
LIMESURVEY = """\
"id";"submitdate";"startlanguage";"G01Q01";"D1";"Q7[tv]";"Q7[radio]";"Q7[phone]";"W[1]";"W[2]";"W[3]";"moved";"note"
"12";"2026-09-12 10:23:45";"zh-Hans";"A1";"AO02";"Y";"";"Y";"A3";"A1";"A2";"1998-05-01 00:00:00";"路灯, 坏了"
"13";"2026-09-13 08:00:00";"en";"A1";"AO01";"";"";"";"";"";"";"";""
"14";"";"en";"A1";"AO01";"";"";"";"";"";"";"";""
"""
LIMESURVEY_MAP = """\
separator: ";"
row_key: id
leave_out: {submitdate: [""]}
language: {column: startlanguage, values: {zh-Hans: zh, en: en}}
fieldwork_date: {column: submitdate, format: "%Y-%m-%d %H:%M:%S"}
mode: web
items:
  consent: {column: G01Q01, values: {A1: "yes", A2: "no"}}
  district: {column: D1, values: {AO01: east, AO02: west}}
  media: {columns: {"Q7[tv]": tv, "Q7[radio]": radio, "Q7[phone]": phone}, chosen: "Y"}
  wishes: {columns: ["W[1]", "W[2]", "W[3]"], values: {A1: green, A2: roads, A3: quiet}}
  moved: {column: moved, format: "%Y-%m-%d %H:%M:%S"}
  remark: {column: note}
"""
WENJUANXING = """\
序号,提交答卷时间,所用时间,来自IP,1、您愿意参加吗?,2、您住在哪个区?,3、您的年龄?,4、您从哪里了解城市新闻?,5、您还有什么想说的?
1,2026/9/12 9:05:07,123秒,1.2.3.4(四川),愿意,东区,41,电视┋手机,路灯坏了
2,2026/9/12 9:06:00,98秒,1.2.3.5(四川),愿意,西区,(空),(跳过),(跳过)
"""
WENJUANXING_MAP = """\
encoding: gb18030
row_key: 序号
source: wenjuanxing-2026
skip: [所用时间, 来自IP]
empty: [(空), (跳过)]
mode: {column: 提交答卷时间, values: {}}
items:
  consent: {column: 1、您愿意参加吗?, values: {愿意: "yes", 不愿意: "no"}}
  district: {column: 2、您住在哪个区?, values: {东区: east, 西区: west}}
  age: {column: 3、您的年龄?}
  media: {column: 4、您从哪里了解城市新闻?, separator: ┋, values: {电视: tv, 广播: radio, 手机: phone}}
  remark: {column: 5、您还有什么想说的?}
""".replace(
    "mode: {column: 提交答卷时间, values: {}}", 'fieldwork_date: {column: 提交答卷时间, format: "%Y/%m/%d %H:%M:%S"}'
)
KOBO = """\
start;consent;home/district;home/age;media;media/tv;media/radio;media/phone;wishes;hour;remark;_id;_uuid
2026-09-12T09:05:07.000+08:00;yes;east;41;tv phone;1;0;1;quiet green roads;07:30;=1+1;77;u1
"""
KOBO_MAP = """\
separator: semicolon
row_key: _uuid
skip: [start, _id, media/tv, media/radio, media/phone]
formula_text: keep
fieldwork_date: "2026-09-12"
mode: face_to_face
items:
  consent: {column: consent}
  district: {column: home/district}
  age: {column: home/age}
  media: {column: media}
  wishes: {column: wishes}
  hour: {column: hour, format: "%H:%M"}
  remark: {column: remark}
"""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    home = tmp_path / "home"
    settings = Settings(home=home, data=tmp_path, secret=read_secret(home))
    with open_store(settings, create=True) as opened:
        form = load_instrument(Path(__file__).with_name("elsewhere.yaml"))
        instruments.publish(opened, form)
        made = {"instrument_id": form.id, "instrument_version": form.version}
        title = {"zh": "春季", "en": "Spring"}
        waves.create(
            opened,
            Wave(slug="spring", title=title, city="510100", scheme="nbs", edition="2023", open_link=True, **made),
        )
        yield opened


@pytest.fixture
def bring(store: Store, tmp_path: Path) -> Callable[..., ImportResult]:
    """`bring(csv text, mapping text)` writes both files and imports."""

    def run(table: str | bytes, mapping: str, name: str = "answers") -> ImportResult:
        content = table if isinstance(table, bytes) else table.encode()
        (tmp_path / f"{name}.csv").write_bytes(content)
        (tmp_path / "map.yaml").write_text(mapping, encoding="utf-8")
        return import_csv(
            store, "spring", tmp_path / f"{name}.csv", mapping=tmp_path / "map.yaml", report=lambda rows, *_: iter(rows)
        )

    return run


def stored(store: Store) -> list[dict[str, object]]:
    found = sorted(responses.stream(store, "spring"), key=lambda one: json.dumps(one.answers))
    return [dict(one.answers) for one in found]


def report_of(result: ImportResult) -> list[list[str]]:
    assert result.report is not None
    with result.report.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


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


PLAIN_MAP = """\
row_key: key
items:
  consent: {constant: "yes"}
  district: {column: where, values: {东: east, 西: west}, empty: "?"}
  age: {column: age}
  media: {columns: {tv: tv, radio: radio}, chosen: "1", not_chosen: "0"}
  moved: {column: moved, format: "%d.%m.%Y"}
  remark: {column: remark}
"""
HEADER = "key,where,age,tv,radio,moved,remark\n"


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


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            "column: where",
            "column: whre",
            "names a column 'whre', which answers.csv does not have. Did you mean 'where'?",
        ),
        ("row_key: key\n", "", "has a column 'key', which map.yaml neither uses nor skips"),
        (
            "age: {column: age}",
            "ag: {column: age}",
            "maps an item 'ag', which elsewhere does not ask. Did you mean 'age'?",
        ),
        (
            "东: east",
            "东: eest",
            "names a choice 'eest' at district, values, '东', which it does not offer. Did you mean",
        ),
        ("东: east", '东: ""', "has no choice for '东' at district"),
        ("tv: tv,", "tv: tw,", "names a choice 'tw' at media, columns, 'tv'"),
        ('{constant: "yes"}', '{constant: "maybe"}', "names a choice 'maybe' at consent"),
        ('  consent: {constant: "yes"}\n', "", "gives no answer to 'consent', which elsewhere requires"),
        ("{column: age}", '{column: age, format: "%d"}', "gives a format to age, which is no date"),
        ("%d.%m.%Y", "%Q", "has a format '%Q' at moved that reads no date"),
        ("{column: age}", "{colum: age}", "has an unknown word 'colum' at age. Did you mean 'column'?"),
        ("{column: age}", "{column: age, constant: 4}", "needs one of column, columns or constant at age"),
        ("{column: age}", "{columns: [age, tv]}", "gives several columns to age"),
        ("{column: age}", "41", "holds no 'name: value' lines at age"),
        (', chosen: "1"', "", "needs, under chosen at media"),
        ("row_key: key", "row_key: key\nundecided: [x]", "leaves 1 columns undecided, the first is 'x'"),
        ("row_key: key", "encoding: latin1", "has encoding 'latin1'."),
        ("row_key: key", "separator: ';;'", "has separator ';;'; give one character"),
        ("row_key: key", "source: a", "has a source and no row_key"),
        ("row_key: key", "row_key: key\nrow_key: age", "map.yaml line 2 is not YAML: found duplicate key"),
        ("row_key: key", "row_key: key\nskip: &a [x]\nempty: *a", "line 3 holds an alias or a tag"),
        ("row_key: key", "row_key: !!python/object:os.system key", "line 1 holds an alias or a tag"),
        ("row_key: key", "row_key: [key", "is not YAML"),
        ("row_key: key", "row_key: key\ninvitation: abc", "has one invitation for all rows"),
        ("row_key: key", "row_key: key\nmode: papr", "has mode 'papr'. Did you mean 'paper'?"),
        (
            "row_key: key",
            "row_key: key\nmode: {column: tv, values: {1: papr}}",
            "has mode 'papr'. Did you mean 'paper'?",
        ),
        ("row_key: key", "row_key: key\nlanguage: fr", "has language 'fr'"),
        ("row_key: key", "row_key: key\nfieldwork_date: 12/9/2026", "it must read YYYY-MM-DD"),
        ("row_key: key", "row_key: key\nfieldwork_date: '1026-01-01'", "give a day from 2000-01-01 to today"),
    ],
)
def test_a_mapping_that_does_not_fit_is_refused_before_any_row_is_stored(store, bring, old: str, new: str, words: str):
    assert old in PLAIN_MAP
    with pytest.raises(StoreError) as caught:
        bring(HEADER + "a,东,41,1,0,,\n", PLAIN_MAP.replace(old, new))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert stored(store) == []


@pytest.mark.parametrize(
    ("content", "mapping", "words"),
    [
        ((HEADER + "a,东,41,1,0,,\n").encode("gb18030"), PLAIN_MAP, "line 2 holds byte 0xB6, which is not UTF-8"),
        ((HEADER + "a,东,41,1,0,,\n").encode("utf-8-sig"), "encoding: gb18030\n" + PLAIN_MAP, "declare utf-8"),
        (HEADER.encode() + b"a,\xff,41,1,0,,\n", "encoding: gb18030\n" + PLAIN_MAP, "0xFF, which is not GB18030"),
        ((HEADER + "a,东,41,1,0,,\n").encode("utf-16"), PLAIN_MAP, "is UTF-16; save it as CSV in UTF-8"),
        (HEADER.encode(), PLAIN_MAP, "has a header and no rows"),
        (b"", PLAIN_MAP, "is empty"),
        ((HEADER + 'a,"东,41,1,0,,\n').encode(), PLAIN_MAP, "is no table with a header"),
        (("key," + HEADER + "a,a,东,41,1,0,,\n").encode(), PLAIN_MAP, "has the column 'key' twice"),
    ],
)
def test_a_file_that_cannot_be_read_whole_is_refused_with_line_and_remedy(
    store, bring, content: bytes, mapping: str, words: str
):
    with pytest.raises(StoreError) as caught:
        bring(content, mapping)
    assert words in str(caught.value)
    assert stored(store) == []


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
    (example,) = re.findall(r"```yaml\n(.*?)```", readme, flags=re.DOTALL)
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
