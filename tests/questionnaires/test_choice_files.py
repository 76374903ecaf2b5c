"""Lists of thousands of places in a file: refused when they do not fit, quick to open and to search when they do."""

import json
from pathlib import Path

import pytest

from questionnaires import InstrumentError, load_instrument_text

ZH, EN = "label::中文 (zh)", "label::English (en)"
FORM = {
    "settings": [{"form_title": "小问卷", "form_id": "small", "version": "1", "default_language": "中文 (zh)"}],
    "survey": [{"type": "integer", "name": "q2", ZH: "二?", EN: "Two?"}],
}
PLACE = {"type": "select_one_from_file places.csv", "name": "place", ZH: "哪里?", EN: "Where?"}


@pytest.mark.parametrize(
    ("content", "cells", "sentence"),
    [
        (None, {}, "the choice file places.csv is not in"),
        ("code,name\n1,a\n", {}, "has no column 'label'"),
        ("code,name\n1,a\n", {"parameters": "value=cod label=name"}, "has no column 'cod'; did you mean 'code'?"),
        ("code,name\n1,a\n1,b\n", {"parameters": "value=code label=name"}, "row 3 of the choice file"),
        ("code,name\n,a\n", {"parameters": "value=code label=name"}, "has no code"),
        (
            "code,name\n1,a\n",
            {"parameters": "value=code label=name", "choice_filter": "levl = '1'"},
            "choice_filter names column 'levl', which places.csv lacks",
        ),
        ("x", {"type": "select_one_from_file ../places.csv"}, "must be a .csv inside the data folder"),
    ],
)
def test_a_choice_file_that_does_not_fit_is_refused(
    tmp_path: Path, content: str | None, cells: dict[str, str], sentence: str
) -> None:
    if content is not None:
        (tmp_path / "places.csv").write_text(content, encoding="utf-8")
    form = {**FORM, "survey": [*FORM["survey"], {**PLACE, **cells}]}
    with pytest.raises(InstrumentError) as caught:
        load_instrument_text(json.dumps(form, ensure_ascii=False), choice_files=tmp_path)
    assert "sheet survey, row 3" in str(caught.value)
    assert sentence in str(caught.value)


def big_frame() -> str:
    lines = ["code,name,name_en,level,parent_code"]
    for d in range(20):
        lines.append(f"{d:02},第{d}区,District {d},district,51")
        for s in range(20):
            lines.append(f"{d:02}{s:02},第{d}-{s}街道,,street,{d:02}")
            lines += [f"{d:02}{s:02}{c:02},和平{d}{s}{c}社区,,community,{d:02}{s:02}" for c in range(12)]
    return "\n".join(lines) + "\n"


def test_a_chain_over_five_thousand_places_opens_level_by_level_and_is_searched(tmp_path: Path) -> None:
    (tmp_path / "places.csv").write_text(big_frame(), encoding="utf-8")
    fields = {"type": "select_one_from_file places.csv", ZH: "?", EN: "?", "parameters": "value=code label=name"}
    rows = [
        {**fields, "name": "district", "choice_filter": "level = 'district'"},
        {**fields, "name": "street", "choice_filter": "parent_code = ${district} and level = 'street'"},
        {**fields, "name": "community", "choice_filter": "level = 'community' and ${street} = parent_code"},
    ]
    text = json.dumps({**FORM, "survey": [*FORM["survey"], *rows]}, ensure_ascii=False)
    form = load_instrument_text(text, choice_files=tmp_path)
    found = form.items["community"].search("第3-4 和平")
    assert len(form.items["community"].choices) == 4800
    assert [choice.name for choice in found] == [f"0304{c:02}" for c in range(12)]
    assert [c.name for c in form.items["community"].offered({"street": "0304"})] == [choice.name for choice in found]
    assert form.items["district"].choices[3].label("en") == "District 3"
    assert form.items["community"].choices[0].label("en") == "和平000社区"


def test_a_filter_that_no_index_answers_is_evaluated_row_by_row(tmp_path: Path) -> None:
    (tmp_path / "places.csv").write_text(big_frame(), encoding="utf-8")
    row = {
        "type": "select_one_from_file places.csv",
        "name": "place",
        ZH: "?",
        EN: "?",
        "parameters": "value=code label=name",
    }
    row["choice_filter"] = "starts-with(code, ${q2}) and level = 'district'"
    text = json.dumps({**FORM, "survey": [*FORM["survey"], row]}, ensure_ascii=False)
    form = load_instrument_text(text, choice_files=tmp_path)
    answers = {"q2": "1"}
    assert [c.name for c in form.items["place"].offered(answers)] == [str(n) for n in range(10, 20)]
    assert form.clean({**answers, "place": "11"}).answers["place"] == "11"
    assert "place" in form.clean({**answers, "place": "03"}).problems
