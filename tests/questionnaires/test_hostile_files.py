"""Hostile and unlucky files: one sentence with place and remedy, and nothing large is ever built to find it."""

import json
import tracemalloc
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from questionnaires import InstrumentError, load_instrument, load_instrument_text
from questionnaires.limits import LARGEST_FILE, check_workbook
from tests.questionnaires.hostile import HOSTILE, small_form, workbook

Made = Callable[[], bytes]
MEMORY = 20_000_000
SENTENCES = {
    "an empty file.xlsx": "is not an Excel file",
    "cut off.xlsx": "is not a whole Excel file; copy it again",
    "locked by a password.xlsx": "is locked by a password, or an old .xls; save it as .xlsx without a password",
    "locked parts.xlsx": "is locked by a password",
    "a zip that is no workbook.xlsx": "is not a whole Excel file",
    "a bomb of one part.xlsx": "'xl/worksheets/sheet1.xml' unpacks to 200000000 bytes, more than 8000000",
    "a bomb of many parts.xlsx": "unpacks to 28",
    "a bomb that lies about its size.xlsx": "is not a whole Excel file",
    "a hundred thousand parts.xlsx": "holds far more parts than a workbook has",
    "a million empty rows.xlsx": "copy the filled rows into a new sheet (empty rows that have a format count too)",
    "one row far below.xlsx": "sheet survey reaches to row 1048576",
    "one column far right.xlsx": "sheet survey reaches to cell XFD3",
    "empty cells without end.xlsx": "holds more cells than an instrument has",
    "a document type.xlsx": "is not a whole Excel file",
    "a formula.xlsx": "sheet survey, cell C2: it holds a formula; paste its value as text",
    "an error of Excel.xlsx": "sheet survey, cell C2: it holds an error of Excel",
    "merged cells.xlsx": "sheet survey, cells A2:B2: they are merged; unmerge them",
    "text without a column.xlsx": "sheet survey, row 2: 'lost' stands in column",
    "a misspelt sheet.xlsx": "there is no sheet 'Surveys'; did you mean 'survey'?",
    "entities.xlsx": "sheet 'entities' is not supported; remove it",
    "aliases.yaml": "line 1: the alias *a is not allowed; write the row out",
    "a tag.yaml": "line 1: the tag tag:yaml.org,2002:python/object:os.system is not allowed",
    "a key given twice.yaml": "line 2: 'survey' stands twice in one place; keep one",
    "nested lists.yaml": "line 1: nested too deeply; an instrument is sheets of rows of cells",
    "nested maps.yaml": "line 1: nested too deeply",
    "nested blocks.yaml": "nested too deeply",
    "two million characters.yaml": "has 2000000 characters, and YAML at most 1000000",
    "too many bytes.yaml": f"has 6000000 bytes; an instrument file has at most {LARGEST_FILE}",
    "UTF-16.yaml": "is not UTF-8 but UTF-16; save it as UTF-8",
    "GBK.yaml": "line 2; it seems to be GBK (ANSI in Chinese Windows); save it as UTF-8",
    "a control character.yaml": "line 1 is not YAML: it holds the control character U+0007; remove it",
    "an escaped control character.yaml": "row 2: column 'form_title' holds the control character U+0007",
    "half a character.yaml": "column 'form_title' holds the control character U+D800",
    "text that runs backwards.yaml": "column 'form_title' holds the control character U+202E",
    "a cell too long.yaml": "column 'form_title' has 40000 characters; a cell has at most 32767",
    "an id that is a path.yaml": "sheet settings, row 2: form_id '../../etc/passwd' must start with a letter or digit",
    "an id of two dots.yaml": "form_id 'a..b' must start with a letter or digit",
    "a version that is a path.yaml": "sheet settings, row 2: version '1/2' must start with a letter or digit",
    "a choice file above.yaml": "survey, row 2: choice file '../passwd.csv' must be a .csv inside the data folder",
    "an absolute choice file.yaml": "choice file '/etc/passwd.csv' must be a .csv inside the data folder",
    "a choice file of Windows.yaml": r"choice file 'c:\\passwd.csv' must be a .csv inside the data folder",
}


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_a_hostile_file_is_one_sentence_with_place_and_remedy(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(HOSTILE[name]())
    with pytest.raises(InstrumentError) as caught:
        load_instrument(path)
    sentence = str(caught.value)
    assert SENTENCES[name] in sentence
    assert sentence.startswith(name)
    assert "\n" not in sentence
    assert len(sentence) < 900


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_refusing_builds_nothing_large(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(HOSTILE[name]())
    load_instrument_text(json.dumps(small_form()))  # imports and grammars are not the file's doing
    tracemalloc.start()
    try:
        with pytest.raises(InstrumentError):
            load_instrument(path)
        assert tracemalloc.get_traced_memory()[1] < MEMORY
    finally:
        tracemalloc.stop()


def test_a_folder_a_device_and_a_file_in_a_file_are_no_instruments(tmp_path: Path) -> None:
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "device.yaml").symlink_to("/dev/zero")
    (tmp_path / "file.yaml").write_text("")
    for name, sentence in (("folder.yaml", "is no file"), ("device.yaml", "is no file")):
        with pytest.raises(InstrumentError, match=sentence):
            load_instrument(tmp_path / name)
    with pytest.raises(InstrumentError, match="there is no instrument file"):
        load_instrument(tmp_path / "file.yaml" / "form.yaml")


def test_dates_and_blank_rows_of_excel_are_read_as_written(tmp_path: Path) -> None:
    from datetime import date

    book = workbook(small_form(), book=True)
    book["settings"].cell(1, 9).value, book["settings"].cell(2, 9).value = "sandu::valid_until", date(2027, 12, 31)
    book["survey"].insert_rows(3, 5)
    book.create_sheet("_说明").append(["=1+1", "a remark with a formula"])
    book.create_sheet("封面").append(["anything"])
    book.save(tmp_path / "form.xlsx")
    form = load_instrument(tmp_path / "form.xlsx")
    assert form.settings.valid_until == "2027-12-31"
    assert list(form.items) == ["q1", "q2"]


def test_a_size_that_a_sheet_claims_for_itself_is_not_believed(tmp_path: Path) -> None:
    plain, claimed = BytesIO(workbook(small_form())), BytesIO()
    with zipfile.ZipFile(plain) as old, zipfile.ZipFile(claimed, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.infolist():
            text = old.read(part)
            if part.filename.startswith("xl/worksheets/"):
                start, end = text.index(b"<dimension"), text.index(b"/>", text.index(b"<dimension")) + 2
                text = text[:start] + b'<dimension ref="A1:XFD1048576"/>' + text[end:]
            new.writestr(part.filename, text)
    (tmp_path / "form.xlsx").write_bytes(claimed.getvalue())
    assert list(load_instrument(tmp_path / "form.xlsx").items) == ["q1", "q2"]


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_a_workbook_with_bytes_changed_loads_or_is_refused_by_name(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    content = bytearray(workbook(small_form()))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    del content[data.draw(st.integers(len(content) // 2, len(content))) :]
    path = tmp_path_factory.getbasetemp() / "changed.xlsx"
    path.write_bytes(content)
    try:
        load_instrument(path)
    except InstrumentError as error:
        assert str(error).startswith("changed.xlsx")


WORDS = [
    *("", "yes", "no", "-1", "1e400", "nan", "select_one", "select_one answer", "integer", "begin_group", "${q1}", "."),
    *("${q9} > 1", "(((", "all", "q1", "'", "%s{}", "sandu::weight", "label::x (y)", "名", "=1+1", "a b", "½"),
]


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_form_with_cells_changed_loads_or_is_refused_with_its_place(data: st.DataObject) -> None:
    form = small_form()
    for _ in range(data.draw(st.integers(1, 3))):
        rows = form[data.draw(st.sampled_from(sorted(form)))]
        row = rows[data.draw(st.integers(0, len(rows) - 1))] if rows else {}
        column = data.draw(st.sampled_from([*row, *WORDS[1:]]))
        change = data.draw(st.sampled_from(["set", "remove", "text", "row", "twin"]))
        if change == "remove":
            row.pop(column, None)
        elif change == "row" and rows:
            rows.remove(row)
        elif change == "twin" and rows:
            rows.append(dict(row))
        else:
            row[column] = data.draw(st.sampled_from(WORDS[1:]) if change == "set" else st.text(min_size=1, max_size=8))
    try:
        load_instrument_text(json.dumps(form))
    except InstrumentError as error:
        assert str(error).startswith("instrument")
        assert "sheet" in str(error) or "line" in str(error)
        assert "\n" not in str(error)


def test_a_sound_workbook_passes(tmp_path: Path) -> None:
    scans = check_workbook(workbook(small_form()), "form.xlsx")
    assert all(scan.formula is None and scan.far is None for scan in scans.values())
    book = Workbook()
    assert book.active is not None
    book.active.title = "survey"
    book.save(tmp_path / "blank.xlsx")
    with pytest.raises(InstrumentError, match=r"blank\.xlsx: sheet settings is missing or empty"):
        load_instrument(tmp_path / "blank.xlsx")
