"""Wrong forms that other tools take in silence: each is refused with sheet, row and what to do."""

import json
from typing import Any

import pytest

from questionnaires import InstrumentError, load_instrument_text

Cells = dict[str, str]
INDEX = {"name": "all", "weight": "2", "label": "全部"}


def form() -> dict[str, list[Cells]]:
    return {
        "settings": [{"form_title": "表", "form_id": "f", "version": "1"}],
        "survey": [
            {"type": "select_one yn", "name": "a", "label": "一"},
            {"type": "integer", "name": "n", "label": "数"},
            {"type": "date", "name": "d", "label": "日"},
            {"type": "text", "name": "t", "label": "文"},
        ],
        "choices": [{"list_name": "yn", "name": name, "label": label} for name, label in (("yes", "是"), ("no", "否"))],
    }


def refused(sheets: dict[str, list[Cells]]) -> str:
    with pytest.raises(InstrumentError) as caught:
        load_instrument_text(json.dumps(sheets, ensure_ascii=False))
    return str(caught.value)


def group(**cells: str) -> list[Cells]:
    head = {"type": "begin_group", "name": "g", "label": "组", **cells}
    return [head, {"type": "text", "name": "z", "label": "z"}, {"type": "end_group"}]


def test_the_form_is_sound() -> None:
    load_instrument_text(json.dumps(form()))


MEANS_NOTHING = [
    *(
        {"type": "calculate", "calculation": "1", column: cell}
        for column, cell in (("required", "yes"), ("constraint", ". > 1"))
    ),
    *({"type": "note", "label": "z", column: cell} for column, cell in (("required", "yes"), ("constraint", ". > 1"))),
    {"type": "hidden", "required": "yes"},
    {"type": "integer", "label": "z", "choice_filter": "name = 'yes'"},
    {"type": "text", "label": "z", "sandu::reverse": "half"},
    {"type": "text", "label": "z", "sandu::dont_know": "zero"},
    {"type": "note", "label": "z", "sandu::role": "probe"},
]


@pytest.mark.parametrize("cells", MEANS_NOTHING, ids=str)
def test_a_cell_that_means_nothing_for_the_type(cells: Cells) -> None:
    sheets = form()
    sheets["survey"].append({**cells, "name": "z"})
    column = list(cells)[-1]
    assert (
        refused(sheets)
        == f"instrument, sheet survey, row 6: column {column} means nothing for type {cells['type']}; remove it"
    )


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        ("required", "yes"),
        ("constraint", ". > 1"),
        ("sandu::sensitive", "yes"),
        ("sandu::role", "probe"),
        ("sandu::index", "all"),
    ],
)
def test_a_cell_that_means_nothing_for_a_group(column: str, cell: str) -> None:
    sheets = form()
    sheets["survey"] += group(**{column: cell})
    assert refused(sheets).endswith(f"row 6: column {column} means nothing for type begin_group; remove it")


def test_what_tools_write_into_every_row_passes() -> None:
    sheets = form()
    sheets["survey"] += group(required="false")
    sheets["survey"][-1] |= {"name": "g", "label": "组", "required": "no"}
    load_instrument_text(json.dumps(sheets))


@pytest.mark.parametrize(
    ("row", "column", "cell", "sentence"),
    [
        (
            3,
            "required_message",
            "x",
            "column required_message means nothing without required; write that too, or remove it",
        ),
        (3, "constraint_message", "x", "column constraint_message means nothing without constraint"),
        (1, "sandu::score", ". * 10", "column sandu::score means nothing without sandu::index"),
        (0, "sandu::key", "adviser", "column sandu::key means nothing without sandu::index"),
        (1, "relevant", "${a} = 3", "column relevant: item 'a' has no choice 3; compare with the name of a choice"),
        (1, "relevant", "'yess' = ${a}", "item 'a' has no choice 'yess'; did you mean 'yes'?"),
        (1, "relevant", "${a} = '是'", "item 'a' has no choice '是'; add it to the list, or name another"),
        (3, "relevant", "${n} = 'three'", "item 'n' is never 'three'; compare it with a number, such as 3"),
        (3, "relevant", "'three' != ${n}", "item 'n' is never 'three'"),
        (3, "relevant", "${n} > 'three'", "item 'n' is never 'three'"),
        (
            3,
            "relevant",
            "${d} < '2026-13-01'",
            "item 'd' is never '2026-13-01'; compare it with a date, such as '2026-05-01'",
        ),
        (3, "relevant", "selected(${n}, 'yes')", "item 'n' is never 'yes'"),
        (0, "parameters", "randomize=true seed=abc", "Write seed=${item}, or a number"),
        (0, "parameters", "randomize=true nonsense", "Write name=value, with a blank between two"),
        (0, "type", "select_one_from_file a", "Name a .csv"),
        (3, "name", "meta", "Rename it"),
        (3, "label::English (en)", "Text", "row 2: column label names no language; write it in label::English (en)"),
        (3, "wrong", "x", "there is no column 'wrong'; remove it"),
        (3, "type", "嗯", "there is no type '嗯'; the types that there are stand in"),
        (0, "type", "select_one q", "there is no list 'q' in sheet choices; add it there"),
    ],
)
def test_a_cell_that_is_wrong(row: int, column: str, cell: str, sentence: str) -> None:
    sheets = form()
    sheets["survey"][row][column] = cell
    said = refused(sheets)
    assert said.startswith("instrument, sheet survey")
    assert sentence in said


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        (group()[:2], "row 6: group 'g' is never closed; add a row end_group behind it"),
        (group()[1:], "row 7: this end_group closes no group; remove it, or add the row begin_group"),
        ([group()[0], group()[2]], "row 6: group 'g' holds nothing; remove it, or move its items into it"),
        ([*group()[:2], {"type": "end_group", "name": "h"}], "row 8: this end_group is named 'h', and closes 'g'"),
        (
            [*group()[:2], {"type": "end_group", "relevant": "${n} > 1"}],
            "row 8: column relevant means nothing for end_group",
        ),
    ],
)
def test_a_group_that_is_wrong(rows: list[Cells], sentence: str) -> None:
    sheets = form()
    sheets["survey"] += rows
    assert sentence in refused(sheets)


@pytest.mark.parametrize(
    ("column", "cell", "sentence"),
    [
        ("sandu::valid_until", "someday", "is 'someday'; it is a day, such as 2027-12-31"),
        ("sandu::valid_until", "2027-02-30", "is '2027-02-30'; it is a day"),
        ("default_language", "fr", "default_language 'fr' has no label column; add it"),
        ("sandu::title::x (y)", "t", "is in no language of the form; remove it"),
    ],
)
def test_a_setting_that_is_wrong(column: str, cell: str, sentence: str) -> None:
    sheets = form()
    sheets["settings"][0][column] = cell
    assert sentence in refused(sheets)


@pytest.mark.parametrize(
    ("item", "scores", "sentence"),
    [
        ({"sandu::score": "50"}, ("100", "0"), "item 'a' has sandu::score, and its choices have scores; keep one"),
        (
            {"sandu::dont_know": "zero"},
            ("100", "0"),
            "and no choice has that in column missing; fill it or remove this",
        ),
        ({"sandu::weight": "3"}, ("100", "0"), "index 'all' weighs 2, but a 3 add up to 3; make them equal"),
        ({"sandu::index": "al"}, ("100", "0"), "did you mean 'all'?"),
        ({"sandu::index": "x"}, ("100", "0"), "counts into index 'x', which sheet indices lacks; add it there"),
        ({}, ("", ""), "none of its choices has a score; fill column score"),
    ],
)
def test_scoring_that_is_wrong(item: Cells, scores: tuple[str, str], sentence: str) -> None:
    sheets: dict[str, Any] = {**form(), "indices": [INDEX]}
    sheets["survey"][0] |= {"sandu::index": "all", "sandu::weight": "2", **item}
    for choice, score in zip(sheets["choices"], scores, strict=True):
        choice.update({"score": score} if score else {})
    assert sentence in refused(sheets)
