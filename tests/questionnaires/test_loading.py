"""What is wrong in a file is refused with sheet, row and nearest right name; .yaml and .xlsx give one instrument."""

import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from questionnaires import Instrument, InstrumentError, load_instrument, load_instrument_text
from questionnaires.loading import structure
from questionnaires.sheets import read_yaml
from questionnaires.xlsform import convert_form

Form = dict[str, list[dict[str, str]]]
ZH, EN = "label::中文 (zh)", "label::English (en)"
FORM: Form = {
    "settings": [{"form_title": "小问卷", "form_id": "small", "version": "1", "default_language": "中文 (zh)"}],
    "survey": [
        {"type": "select_one answer", "name": "q1", ZH: "一?", EN: "One?", "sandu::index": "all", "sandu::weight": "6",
         "sandu::dont_know": "exclude"},
        {"type": "begin_group", "name": "more", ZH: "更多", EN: "More", "appearance": "field-list",
         "relevant": "${q1} = 'yes'"},
        {"type": "integer", "name": "q2", ZH: "二?", EN: "Two?", "constraint": ". > 0"},
        {"type": "text", "name": "q3", ZH: "三?", EN: "Three?", "relevant": "${q2} > 3"},
        {"type": "note", "name": "thanks", ZH: "谢谢", EN: "Thanks"},
        {"type": "end_group"},
        {"type": "calculate", "name": "double", "calculation": "${q2} * 2"},
        {"type": "select_one answer", "name": "q4", ZH: "四?", EN: "Four?", "sandu::index": "all", "sandu::weight": "4",
         "sandu::dont_know": "zero"},
    ],
    "choices": [
        {"list_name": "answer", "name": "yes", ZH: "是", EN: "Yes", "score": "100"},
        {"list_name": "answer", "name": "no", ZH: "否", EN: "No", "score": "0"},
        {"list_name": "answer", "name": "dont_know", ZH: "不知道", EN: "Don't know", "missing": "dont_know"},
    ],
    "indices": [{"name": "all", "weight": "10", ZH: "全部", EN: "All", "min_weight": "0.5", "min_answered": "1"}],
}  # fmt: skip


def changed(sheet: str, row: int, **cells: str | None) -> Form:
    form = copy.deepcopy(FORM)
    for column, cell in cells.items():
        name = column.replace("__", "::")
        if cell is None:
            form[sheet][row - 2].pop(name)
        else:
            form[sheet][row - 2][name] = cell
    return form


def read(form: Form) -> Instrument:
    return load_instrument_text(json.dumps(form, ensure_ascii=False))


def test_the_small_form_is_right_as_it_stands() -> None:
    form = read(FORM)
    assert [(page.name, [item.name for item in page.items]) for page in form.pages] == [
        ("q1", ["q1"]),
        ("more", ["q2"]),
        ("q3", ["q3", "thanks"]),
        ("q4", ["q4"]),
    ]
    assert form.clean({"q1": "yes", "q2": "4", "q4": "no"}).answers == {"q1": "yes", "q2": 4, "double": "8", "q4": "no"}
    assert form.indices["all"].items == {"q1": 6, "q4": 4}
    assert form.pages[2].label("en") == "More"
    posted = form.clean({"q1": "yes", "more": "x", "thanks": "y", "double": "9"})
    assert (posted.answers, posted.dropped) == ({"q1": "yes"}, ("more", "thanks"))


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        (
            changed("survey", 2, sandu__weight="5"),
            "sheet indices, row 2: index 'all' weighs 10, but q1 5 + q4 4 add up to 9",
        ),
        (
            changed("survey", 2, sandu__index="al"),
            "sheet survey, row 2: item 'q1' counts into index 'al', which sheet indices lacks; did you mean 'all'?",
        ),
        (changed("survey", 2, sandu__weight=None), "row 2: item 'q1' needs both sandu::index and sandu::weight"),
        (changed("survey", 2, sandu__weight="heavy"), "row 2: column sandu::weight holds 'heavy', which is no number"),
        (changed("survey", 2, sandu__weight="-1"), "row 2: item 'q1' weighs -1; an item weight is above 0"),
        (changed("survey", 2, sandu__dont_know=None), "row 2: item 'q1' offers don't know; say zero or exclude"),
        (
            changed("survey", 2, sandu__dont_know="skip"),
            "row 2: column sandu::dont_know holds 'skip', one of zero, exclude",
        ),
        (
            changed("survey", 2, sandu__wieght="6"),
            "row 2: there is no column 'sandu::wieght'; did you mean 'sandu::weight'?",
        ),
        (
            changed("survey", 4, relevnt="1"),
            "sheet survey, row 4: there is no column 'relevnt'; did you mean 'relevant'?",
        ),
        (changed("survey", 4, trigger="${q1}"), "row 4: column 'trigger' is not supported; remove it"),
        (changed("survey", 4, type="intger"), "row 4: there is no type 'intger'; did you mean 'integer'?"),
        (changed("survey", 4, type="geopoint"), "row 4: type 'geopoint' is not supported"),
        (
            changed("survey", 2, type="select_one anwser"),
            "row 2: there is no list 'anwser' in sheet choices; did you mean 'answer'?",
        ),
        (changed("survey", 2, type="select_one"), "row 2: type select_one names no list"),
        (
            changed("survey", 2, type="select_one answer twice"),
            "row 2: type 'select_one answer twice' has too many words",
        ),
        (changed("survey", 5, name="q2"), "row 5: name 'q2' is taken by row 4; rename one"),
        (changed("survey", 5, name=None), "row 5: column name is empty; fill it"),
        (changed("survey", 5, name="三"), "row 5: name '三' must start with a letter"),
        (
            changed("survey", 3, relevant="${Q1} = 'yes'"),
            "row 3: column relevant refers to 'Q1', which is no item; did you mean 'q1'?",
        ),
        (
            changed("survey", 3, relevant="${q1} = 'yess'"),
            "row 3: column relevant: item 'q1' has no choice 'yess'; did you mean 'yes'?",
        ),
        (
            changed("survey", 3, relevant="q1 = 'yes'"),
            "row 3: column relevant: 'q1' stands alone; write ${q1} for an item",
        ),
        (changed("survey", 3, relevant=". = 'yes'"), "row 3: column relevant: '.' is the answer itself"),
        (
            changed("survey", 4, constraint=". >== 3 and ("),
            "row 4: column constraint: the expression '. >== 3 and (' cannot be read from character 5",
        ),
        (
            changed("survey", 3, relevant="${double} > 1"),
            "row 3: more -> double -> q2 -> more is a cycle of relevance, calculation or choice_filter; break it",
        ),
        (changed("survey", 4, relevant="${q2} > 1"), "row 4: q2 -> q2 is a cycle"),
        (
            changed("survey", 4, **{EN: None}),
            "row 4: column label::English (en) is empty; every label stands in all languages of the form",
        ),
        (
            changed("survey", 4, **{"hint::Englisch (en)": "?"}),
            "row 4: column hint::Englisch (en) is in no language of the form; did you mean 'English (en)'?",
        ),
        (changed("survey", 4, calculation="1"), "row 4: only a calculate, or a read_only text, has a calculation"),
        (changed("survey", 8, calculation=None), "sheet survey, row 8: Missing calculation."),
        (
            changed("survey", 4, **{"label::中文 (zh)": "你好 ${q9}"}),
            "row 4: column label::中文 (zh) refers to 'q9', which is no item",
        ),
        (changed("survey", 9, sandu__role="marign"), "row 9: column sandu::role holds 'marign'"),
        (changed("survey", 9, sandu__score="${q2}"), "row 9: column sandu::score refers to another item"),
        (
            changed("survey", 4, sandu__index="all", sandu__weight="1"),
            "row 4: item 'q2' counts into an index; say in sandu::score how its answer '.' becomes 0-100",
        ),
        (
            changed("choices", 3, score="120"),
            "sheet choices, row 3: choice 'no' scores 120; a score is between 0 and 100",
        ),
        (changed("choices", 4, score="0"), "row 4: choice 'dont_know' has both a score and missing"),
        (
            changed("choices", 4, missing="dontknow"),
            "row 4: column missing holds 'dontknow', one of dont_know, refused, not_applicable",
        ),
        (changed("choices", 3, name="yes"), "row 3: list 'answer' has 'yes' already in row 2"),
        (changed("choices", 3, scoer="1"), "row 3: there is no column 'scoer'; did you mean 'score'?"),
        (
            changed("indices", 2, parent="al"),
            "sheet indices, row 2: index 'all' has the parent 'al', which is no index; did you mean 'all'?",
        ),
        (changed("indices", 2, parent="all"), "row 2: index 'all' is its own parent"),
        (changed("indices", 2, weight="0"), "row 2: index 'all' has no positive weight"),
        (
            changed("indices", 2, min_weight="50"),
            "row 2: min_weight of index 'all' is 50; it is a share between 0 and 1",
        ),
        (
            changed("indices", 2, min_answered="9"),
            "row 2: min_answered of index 'all' is 9; it is a count of its 2 items",
        ),
        (
            changed("settings", 2, default_language="中文"),
            "sheet settings, row 2: default_language '中文' has no label column; did you mean '中文 (zh)'?",
        ),
        (changed("settings", 2, version=None), "sheet settings, row 2: column version is empty"),
        ({**FORM, "indexes": []}, "there is no sheet 'indexes'; did you mean 'indices'?"),
        ({**FORM, "survey": []}, "sheet survey is missing or empty"),
        ({**FORM, "survey": FORM["survey"][:5]}, "group"),
    ],
)
def test_a_fault_is_refused_with_sheet_row_and_the_nearest_right_name(form: Form, sentence: str) -> None:
    with pytest.raises(InstrumentError) as caught:
        read(form)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("survey: &rows []\nchoices: *rows", "line 2: the alias *rows is not allowed"),
        ("survey:\n  - {type: note, type: text}", "line 2: 'type' stands twice in one place"),
        ("survey: []\nsurvey: []", "line 2: 'survey' stands twice in one place"),
        ("survey: !!python/object:os.system []", "the tag tag:yaml.org,2002:python/object:os.system is not allowed"),
        ("survey: {", "line 1 is not YAML"),
        ("survey: [[[[[[[[[[]]]]]]]]]]", "nested too deeply"),
        ("- a", "holds no sheets"),
        ("", "holds no sheets"),
        ("survey: text", "line 1: sheet survey is no list of rows"),
        ("survey: [text]", "line 1: row 2 of sheet survey is no 'column: text' mapping"),
        ("survey: [{type: [a]}]", "line 1: a cell holds a list"),
        ("survey: [{type: note, hint: well, well}]", "line 1: 'well' has no text; leave the column out, or quote"),
        ("survey: [{type: note, hint: }]", "line 1: 'hint' has no text"),
        ("survey: []\n---\nsurvey: []", "more than one YAML document"),
        ("survey: [{a: \0}]", "is not YAML"),
        ("[" * 5000, "nested too deeply"),
    ],
)
def test_yaml_beyond_plain_sheets_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(InstrumentError) as caught:
        load_instrument_text(text)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_cells_are_text_as_written() -> None:
    (row,) = read_yaml("survey: [{a: yes, b: 010, c: '12:30', d: null, e: 2026-05-01}]", "file")["survey"]
    assert dict(row.cells) == {"a": "yes", "b": "010", "c": "12:30", "d": "null", "e": "2026-05-01"}


def write_xlsx(path: Path, form: Form) -> None:
    book = Workbook()
    book.remove(book.active)
    for sheet, rows in form.items():
        page = book.create_sheet(sheet)
        columns = list(dict.fromkeys(column for row in rows for column in row))
        page.append(columns)
        for row in rows:
            page.append([_typed(row.get(column)) for column in columns])
    book.save(path)


def _typed(cell: str | None) -> Any:
    return float(cell) if cell is not None and re.fullmatch(r"[0-9.]+", cell) else cell


def test_the_same_sheets_in_excel_give_the_same_instrument(tmp_path: Path) -> None:
    write_xlsx(tmp_path / "small.xlsx", FORM)
    from_excel = load_instrument(tmp_path / "small.xlsx")
    assert from_excel.content_hash == read(FORM).content_hash
    assert load_instrument_text(from_excel.source).content_hash == from_excel.content_hash


@pytest.mark.parametrize("ending", ["yaml", "xlsx"])
def test_a_column_that_is_first_filled_far_below_loads_and_is_exported(tmp_path: Path, ending: str) -> None:
    form = copy.deepcopy(FORM)
    labels = {ZH: "某", EN: "some"}
    form["choices"] += [{"list_name": "long", "name": f"c{n}", **labels} for n in range(130)]
    form["choices"].append({"list_name": "long", "name": "none", **labels, "missing": "refused"})
    form["choices"] = form["choices"][:2] + form["choices"][3:] + form["choices"][2:3]  # column missing comes last
    form["survey"] += [{"type": "text", "name": f"t{n}", ZH: "某", EN: "some"} for n in range(120)]
    last = {"type": "select_one long", "name": "far", ZH: "某", EN: "some", "hint::中文 (zh)": "说明"}
    form["survey"].append({**last, "parameters": "randomize=true"})
    path = tmp_path / f"long.{ending}"
    path.write_text(json.dumps(form, ensure_ascii=False), encoding="utf-8")
    if ending == "xlsx":
        write_xlsx(path, form)
    found = load_instrument(path)
    assert found.items["far"].choices[-1].missing == "refused"
    assert found.items["far"].hint("zh") == "说明"
    assert found.items["far"].parameters == {"randomize": "true"}
    assert "c129" in convert_form(found)[0]


def test_a_fault_in_excel_is_named_with_the_row_of_the_sheet(tmp_path: Path) -> None:
    write_xlsx(tmp_path / "small.xlsx", changed("survey", 4, relevnt="1"))
    with pytest.raises(InstrumentError, match=r"small\.xlsx, sheet survey, row 4: there is no column 'relevnt'"):
        load_instrument(tmp_path / "small.xlsx")
    (tmp_path / "broken.xlsx").write_text("no zip")
    with pytest.raises(InstrumentError, match="is not an Excel file"):
        load_instrument(tmp_path / "broken.xlsx")


def test_a_comment_does_not_change_the_content_hash_and_a_comma_does(load: Callable[[str], Instrument]) -> None:
    text = json.dumps(FORM, ensure_ascii=False)
    assert load(text).content_hash == load(f"# a remark\n{text}").content_hash
    assert load(text).content_hash != load(text.replace("一?", "一,?")).content_hash


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("absent.yaml", None, "there is no instrument file"),
        ("public-opinon.yaml", None, "did you mean 'public-opinion.yaml'?"),
        ("form.docx", b"", "is neither .yaml nor .xlsx"),
        ("latin.yaml", "survey: [é]".encode("latin-1"), "is not UTF-8 (byte 9)"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str, content: bytes | None, sentence: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InstrumentError) as caught:
        load_instrument(tmp_path / name)
    assert sentence in str(caught.value)


def test_pyxform_gives_the_shape_we_read() -> None:
    tree = structure(read_yaml(json.dumps(FORM, ensure_ascii=False), "form"), "form")
    first, group = tree["children"][:2]
    assert first["type"] == "select one"
    assert first["label"] == {"中文 (zh)": "一?", "English (en)": "One?"}
    assert group["type"] == "group"
    assert group["control"] == {"appearance": "field-list"}
    assert [child["name"] for child in group["children"]] == ["q2", "q3", "thanks"]
    assert tree["choices"]["answer"][2] == {
        "name": "dont_know",
        "label": {"中文 (zh)": "不知道", "English (en)": "Don't know"},
        "missing": "dont_know",
    }
