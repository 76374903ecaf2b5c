"""A valid form of everything, spoilt at random: its cells, rows, columns and sheets, its text, its bytes."""

import zipfile
from collections.abc import Callable
from io import BytesIO
from typing import Any

from hypothesis import strategies as st

from questionnaires.sheets import read_yaml
from tests.questionnaires.hostile import Form, workbook
from tests.questionnaires.ways import CASCADE, GROUPS, SHUFFLED

Draw = Callable[[st.SearchStrategy[Any]], Any]
SCORED = """settings:
  - {form_title: 表, form_id: small, version: '1', default_language: 中文 (zh), "sandu::retention_days": 30}
choices:
  - {list_name: scale, name: good, "label::中文 (zh)": 好, "label::English (en)": Good, score: 100}
  - {list_name: scale, name: poor, "label::中文 (zh)": 差, "label::English (en)": Poor, score: 0}
  - {list_name: scale, name: unsure, "label::中文 (zh)": 说不清, "label::English (en)": Unsure, missing: dont_know}
survey:
  - {type: begin_group, name: page, "label::中文 (zh)": 页, "label::English (en)": Page, appearance: field-list}
  - {type: select_one scale, name: clean, "label::中文 (zh)": 净？, "label::English (en)": Clean?,
     "sandu::index": all, "sandu::weight": 6, "sandu::dont_know": exclude, "sandu::reverse": half}
  - {type: end_group}
  - {type: range, name: mark, "label::中文 (zh)": 分？, "label::English (en)": Mark?, parameters: start=1 end=5 step=1,
     "sandu::index": all, "sandu::weight": 4, "sandu::score": 100 * (. - 1) div 4}
  - {type: select_multiple scale or_other, name: others, "label::中文 (zh)": 哪些？, "label::English (en)": Which?}
indices:
  - {name: top, weight: 10, "label::中文 (zh)": 总, "label::English (en)": Top}
  - {name: all, parent: top, weight: 10, "label::中文 (zh)": 全, "label::English (en)": All, min_weight: 0.5}
"""
TEXTS = {"scored": SCORED, "groups": GROUPS, "cascade": CASCADE, "shuffled": SHUFFLED}
WORDS = [
    *("yes", "no", "-1", "0", "1e400", "nan", "9" * 30, "½", "'", '"', "%s{}", "=1+1", "名", "\n", "x" * 300),
    *("select_one", "select_one scale", "select_one nothing", "select_one_from_file ", "select_one_from_file a.csv"),
    *("select_multiple scale or_other", "rank scale", "range", "begin group", "begin_repeat", "end_group", "calculate"),
    *("begin_group", "end group", "note", "hidden", "or_other", "integer ", "text text", "acknowledge", "image"),
    *(
        "${clean}",
        "${lives} = 'yes'",
        "${nothing}",
        ".",
        "..",
        "${}",
        "${",
        "(((",
        "regex(., '(')",
        "1 = ",
        "all",
        "top",
    ),
    *("selected(${large}, 'b1')", "if(true(), 1)", "jr:choice-name(${city}, '${city}')", "once(1)", "position(..)"),
    *("field-list", "table-list", "label", "list-nolabel", "columns-0", "minimal likert", "w1", "randomize=true"),
    *("seed=${clean}", "start=5 end=1", "start=0 end=1 step=0", "start=0 end=1e9", "a=b=c", "value=,label=", "half"),
    *(
        "label",
        "label::",
        "::",
        "label::x (y)",
        "label::English (en)",
        "label:English",
        "bind::relevant",
        "media::image",
    ),
    *(
        "sandu::weight",
        "sandu::score",
        "sandu::index",
        "list_name",
        "type",
        "name",
        "__proto__",
        "body::accuracyThreshold",
    ),
]
SHEETS = ["survey", "choices", "settings", "indices", "Survey", "_notes", "external_choices", "entities", "名"]


def spoilt_form(draw: Draw) -> Form:
    """One of the forms with one to three changes to its cells, rows, columns or sheets."""
    sheets = read_yaml(draw(st.sampled_from(list(TEXTS.values()))), "form")
    form = {name: [dict(row.cells) for row in rows] for name, rows in sheets.items()}
    for _ in range(draw(st.integers(1, 3))):
        name = draw(st.sampled_from(sorted(form))) if form else "survey"
        _CHANGES[draw(st.sampled_from(sorted(_CHANGES)))](draw, form, name)
    return form


def _pick(draw: Draw, rows: list[dict[str, str]]) -> dict[str, str]:
    return rows[draw(st.integers(0, len(rows) - 1))] if rows else {}


def _word(draw: Draw) -> str:
    return draw(st.one_of(st.sampled_from(WORDS), st.text(min_size=1, max_size=6)))


def _drop_cell(draw: Draw, form: Form, sheet: str) -> None:
    row = _pick(draw, form[sheet])
    if row:
        row.pop(draw(st.sampled_from(sorted(row))))


def _replace_cell(draw: Draw, form: Form, sheet: str) -> None:
    row = _pick(draw, form[sheet])
    if row:
        row[draw(st.sampled_from(sorted(row)))] = _word(draw)


def _insert_cell(draw: Draw, form: Form, sheet: str) -> None:
    columns = sorted({column for row in form[sheet] for column in row})
    column = draw(st.sampled_from(columns)) if columns and draw(st.booleans()) else _word(draw)
    _pick(draw, form[sheet])[column] = _word(draw)


def _swap_cells(draw: Draw, form: Form, sheet: str) -> None:
    one, other = _pick(draw, form[sheet]), _pick(draw, form[draw(st.sampled_from(sorted(form)))])
    if one and other:
        here, there = draw(st.sampled_from(sorted(one))), draw(st.sampled_from(sorted(other)))
        one[here], other[there] = other[there], one[here]


def _drop_row(draw: Draw, form: Form, sheet: str) -> None:
    if form[sheet]:
        form[sheet].pop(draw(st.integers(0, len(form[sheet]) - 1)))


def _move_row(draw: Draw, form: Form, sheet: str) -> None:
    if form[sheet]:
        row = form[sheet].pop(draw(st.integers(0, len(form[sheet]) - 1)))
        target = form[draw(st.sampled_from(sorted(form)))]
        target.insert(draw(st.integers(0, len(target))), row)


def _double_row(draw: Draw, form: Form, sheet: str) -> None:
    form[sheet].append(dict(_pick(draw, form[sheet])))


def _drop_column(draw: Draw, form: Form, sheet: str) -> None:
    column = draw(st.sampled_from(sorted({column for row in form[sheet] for column in row} or {"name"})))
    for row in form[sheet]:
        row.pop(column, None)


def _rename_column(draw: Draw, form: Form, sheet: str) -> None:
    column, word = draw(st.sampled_from(sorted({c for row in form[sheet] for c in row} or {"name"}))), _word(draw)
    form[sheet] = [{word if c == column else c: text for c, text in row.items()} for row in form[sheet]]


def _drop_sheet(draw: Draw, form: Form, sheet: str) -> None:
    form.pop(sheet)
    form.setdefault("survey", [])


def _rename_sheet(draw: Draw, form: Form, sheet: str) -> None:
    form[draw(st.sampled_from(SHEETS))] = form.pop(sheet)
    form.setdefault("survey", [])


_CHANGES: dict[str, Callable[[Draw, Form, str], None]] = {
    "drop cell": _drop_cell,
    "replace cell": _replace_cell,
    "insert cell": _insert_cell,
    "swap cells": _swap_cells,
    "drop row": _drop_row,
    "move row": _move_row,
    "double row": _double_row,
    "drop column": _drop_column,
    "rename column": _rename_column,
    "drop sheet": _drop_sheet,
    "rename sheet": _rename_sheet,
}


def spoilt_bytes(draw: Draw, data: bytes) -> bytes:
    """Bytes of it changed, doubled, moved or cut out."""
    found = bytearray(data)
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, max(len(found) - 1, 0)))
        end = min(start + draw(st.integers(0, 40)), len(found))
        piece = found[start:end]
        what = draw(st.sampled_from(["change", "cut", "double", "insert"]))
        if what == "change":
            piece = bytes(draw(st.binary(min_size=len(piece), max_size=len(piece))))
        elif what == "cut":
            piece = b""
        elif what == "double":
            piece = piece * draw(st.integers(2, 5))
        else:
            piece = piece + draw(st.sampled_from(SYNTAX))
        found[start:end] = piece
    return bytes(found)


SYNTAX = [
    *(b"<", b">", b"&", b"&a;", b"</row>", b"<row/>", b'<c r="A1"/>', b'r="A0"', b'r="ZZZZ9"', b't="s"', b't="n"'),
    *(b"<v>99</v>", b"<v>-1</v>", b"<v>1e999</v>", b"<f>1</f>", b"<!--", b"<![CDATA[", b"<?xml?>", b"_x0000_"),
    *(
        b"\n",
        b"- ",
        b": ",
        b"{",
        b"}",
        b"[",
        b"]",
        b"*a ",
        b"&a ",
        b"!!int ",
        b"'",
        b'"',
        b"#",
        b"---\n",
        b"|\n",
        b"? ",
    ),
    *(b"\xff", b"\x00", b"\xe2\x80\xae", b"\xef\xbb\xbf", b"\\ud800", b"%YAML 9.9\n", b"\t", b"<<: ", b"\xc2\x85"),
]


def spoilt_workbook(draw: Draw) -> bytes:
    """A sound .xlsx with the XML of one of its parts changed, or without the part, or with the part twice."""
    sheets = read_yaml(draw(st.sampled_from(list(TEXTS.values()))), "form")
    sound = workbook({name: [dict(row.cells) for row in rows] for name, rows in sheets.items()})
    made = BytesIO()
    with zipfile.ZipFile(BytesIO(sound)) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        names = old.namelist()
        spoilt, other = draw(st.sampled_from(names)), draw(st.sampled_from(names))
        what = draw(st.sampled_from(["bytes", "bytes", "bytes", "gone", "other"]))
        for name in names:
            text = old.read(name)
            if name != spoilt:
                new.writestr(name, text)
            elif what != "gone":
                new.writestr(name, old.read(other) if what == "other" else spoilt_bytes(draw, text))
    return made.getvalue()
