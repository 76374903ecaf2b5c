"""The way back: .xlsx and .yaml that load to the same instrument, an XForm that ODK's own validator accepts."""

import json
import shutil
import subprocess
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from questionnaires import Instrument, load_instrument, load_instrument_text
from questionnaires.sheets import make_row, read_yaml
from questionnaires.workbook import read_xlsx
from questionnaires.xlsform import convert_form, to_xform, to_yaml, write_xlsx
from tests.questionnaires.hostile import small_form

LIBRARY = sorted((Path(__file__).resolve().parents[2] / "questionnaires" / "library").glob("*.yaml"))


@pytest.fixture(scope="session", params=LIBRARY, ids=lambda path: path.stem)
def shipped(request: pytest.FixtureRequest, frame_folder: Path) -> Instrument:
    return load_instrument(request.param, choice_files=frame_folder)


def test_what_ships_survives_excel_and_yaml_with_its_scoring(
    shipped: Instrument, frame_folder: Path, tmp_path: Path
) -> None:
    write_xlsx(shipped, tmp_path / "form.xlsx")
    from_excel = load_instrument(tmp_path / "form.xlsx", choice_files=frame_folder)
    (tmp_path / "form.yaml").write_text(to_yaml(from_excel), encoding="utf-8")
    again = load_instrument(tmp_path / "form.yaml", choice_files=frame_folder)
    assert shipped.content_hash == from_excel.content_hash == again.content_hash
    assert [page.name for page in again.pages] == [page.name for page in shipped.pages]
    assert {name: dict(index.items) for name, index in again.indices.items()} == {
        name: dict(index.items) for name, index in shipped.indices.items()
    }
    assert {name: item.scores() for name, item in again.items.items()} == {
        name: item.scores() for name, item in shipped.items.items()
    }


def test_the_excel_file_is_plain_text_with_a_header_that_stays_in_sight(opinion: Instrument, tmp_path: Path) -> None:
    write_xlsx(opinion, tmp_path / "form.xlsx")
    book = load_workbook(tmp_path / "form.xlsx")
    assert book.sheetnames == ["settings", "survey", "choices", "indices"]
    for page in book.worksheets:
        assert page.freeze_panes == "A2"
        assert {cell.data_type for row in page.iter_rows() for cell in row} <= {"s", "n"}
        assert all(isinstance(cell.value, str | None) for row in page.iter_rows() for cell in row)
    with zipfile.ZipFile(tmp_path / "form.xlsx") as archive:
        assert archive.testzip() is None
        for part in archive.namelist():
            ElementTree.fromstring(archive.read(part))


HIDDEN = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
TRICKY = [
    *(
        "yes",
        "No",
        "~",
        "null",
        "1",
        "010",
        "1e3",
        "=1+1",
        "- a",
        "a: b",
        "a #b",
        "'",
        '"',
        "{a",
        "[",
        "*a",
        "&a",
        "!a",
        "%",
    ),
    *("@", "`", "a\nb", "_x0041_", "__x0041__", "12:30", "2026-05-01", "#REF!", "a\tb", "${q1} = 'yes'", "？", "\\n"),
    *("\u2028", "\ufeff", "\U0001f600", "<b>&amp;"),
]
CELLS = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters=HIDDEN), min_size=1, max_size=20
) | st.sampled_from(TRICKY)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from(["name", "hint", "label::中文 (zh)"]), CELLS, min_size=1), min_size=1))
def test_any_text_survives_both_files(tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, str]]) -> None:
    wanted = [dict(make_row("x", "survey", 2, row.items()).cells) for row in rows]
    wanted = [row for row in wanted if row]
    if not wanted:
        return
    form = load_instrument_text(json.dumps(small_form()))
    object.__setattr__(form, "source", json.dumps({"survey": wanted}))
    path = tmp_path_factory.getbasetemp() / "any.xlsx"
    write_xlsx(form, path)
    assert [dict(row.cells) for row in read_yaml(to_yaml(form), "any")["survey"]] == wanted
    assert [dict(row.cells) for row in read_xlsx(path.read_bytes(), "any")["survey"]] == wanted


def test_the_xform_asks_every_item_and_offers_every_choice(shipped: Instrument) -> None:
    tree = ElementTree.fromstring(to_xform(shipped))
    binds = {bind.get("nodeset", "").rpartition("/")[2] for bind in tree.iter("{http://www.w3.org/2002/xforms}bind")}
    assert set(shipped.items) <= binds
    names = {element.text for element in tree.iter("{http://www.w3.org/2002/xforms}name")}
    listed = [item for item in shipped.items.values() if item.type in ("select_one", "select_multiple")]
    assert {choice.name for item in listed for choice in item.choices} <= names


def odk_validate(*forms: Path) -> subprocess.CompletedProcess[str]:
    """ODK's own validator, which comes inside pyxform."""
    from pyxform.validators.odk_validate import ODK_VALIDATE_PATH

    return subprocess.run(
        ["java", "-Djava.awt.headless=true", "-jar", ODK_VALIDATE_PATH, *map(str, forms)],
        capture_output=True, text=True, check=False, timeout=200, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def test_odk_accepts_what_ships_without_a_warning(shipped: Instrument, tmp_path: Path) -> None:
    xform, warnings = convert_form(shipped)
    assert warnings == []
    if shutil.which("java") is None:
        pytest.skip("Java is not installed, so ODK's validator cannot run; pyxform has accepted the form")
    (tmp_path / "form.xml").write_text(xform, encoding="utf-8")
    ran = odk_validate(tmp_path / "form.xml")
    assert ran.returncode == 0, ran.stderr
    assert "Xform is valid" in ran.stdout + ran.stderr


def test_odk_refuses_a_form_that_is_broken(tmp_path: Path) -> None:
    if shutil.which("java") is None:
        pytest.skip("Java is not installed, so ODK's validator cannot run")
    xform = to_xform(load_instrument_text(json.dumps(small_form())))
    broken = xform.replace("= 'yes'", "= (")
    assert broken != xform
    for name, text in (("sound.xml", xform), ("broken.xml", broken)):
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert odk_validate(tmp_path / "sound.xml").returncode == 0
    assert odk_validate(tmp_path / "broken.xml").returncode != 0
