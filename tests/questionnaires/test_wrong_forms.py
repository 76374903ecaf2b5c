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
        (
            3,
            "label::image",
            "a.png",
            "column 'label::image' shows pictures or sound, which no form here has; remove it",
        ),
        (3, "media::audio::English", "a.mp3", "column 'media::audio::English' shows pictures or sound"),
        (3, "trigger", "${a}", "column 'trigger' is not supported; remove it, and write what follows"),
        (0, "parameters", "randomize=true Randomize=false", "says randomize twice, 'true' and 'false'; keep one"),
        (0, "appearance", "minimal likert", "appearances 'minimal' and 'likert' contradict each other; keep one"),
        (0, "appearance", "columns columns-3", "appearances 'columns' and 'columns-3' contradict each other"),
        (3, "appearance", "multiline numbers", "appearances 'multiline' and 'numbers' contradict each other"),
        (3, "name", "x" * 65, "row 5: name 'xxxxxxxxxxxxxxxxxxxx...' has 65 characters, at most 64; shorten it"),
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
        (
            "style",
            "page",
            "there is no style 'page', only pages, theme-grid, theme-formhub, no-text-transform; did you",
        ),
        ("instance_name", "x", "column 'instance_name' is for ODK's own server and app, and nothing here reads it"),
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


@pytest.mark.parametrize("kind", ["text", "select_one yn", "rank yn", "acknowledge", "note"])
def test_a_question_without_words(kind: str) -> None:
    sheets = form()
    sheets["survey"].append({"type": kind, "name": "z", "hint": "help"})
    word = kind.split()[0]
    what = "note" if kind == "note" else "question"
    assert refused(sheets) == (
        f"instrument, sheet survey, row 6: {word} 'z' has no label; write the {what} in column label"
    )


def test_pictures_of_choices_and_languages_that_are_none() -> None:
    sheets = form()
    sheets["choices"][1]["image"] = "no.png"
    assert "sheet choices, row 3: column 'image' shows pictures or sound, which no form here has" in refused(sheets)
    sheets = form()
    for row in (*sheets["survey"], *sheets["choices"]):
        row["label::image"] = row.pop("label")
    assert "row 2: column 'label::image' shows pictures" in refused(sheets)
    for row in (*sheets["survey"], *sheets["choices"]):
        row["label::Simplified Chinese"] = row.pop("label::image")
    assert "language 'Simplified Chinese' is long; write it with its code, such as label::English (en)" in refused(
        sheets
    )


def test_an_index_without_a_name_for_readers_and_names_that_are_too_long() -> None:
    sheets: dict[str, Any] = {**form(), "indices": [{key: INDEX[key] for key in ("name", "weight")}]}
    sheets["survey"][0] |= {"sandu::index": "all", "sandu::weight": "2", "sandu::score": "100 * (. = 'yes')"}
    assert refused(sheets).endswith("sheet indices, row 2: index 'all' has no label; write the name that readers see")
    sheets["choices"][0]["name"] = "y" * 65
    assert "sheet choices, row 2: name 'yyyyyyyyyyyyyyyyyyyy...' has 65 characters" in refused(sheets)


def test_two_words_of_one_layout_and_the_styles_of_odk_pass() -> None:
    sheets = form()
    sheets["survey"][0] |= {"appearance": "minimal autocomplete quick", "parameters": "randomize=true seed=3"}
    sheets["settings"][0]["style"] = "theme-grid pages"
    load_instrument_text(json.dumps(sheets))


@pytest.mark.parametrize(
    ("text", "said", "remedy"),
    [
        ("survey:\n- label: one: two\n", "line 2 is not YAML: mapping values are not allowed here in '- label: one",
         "a text that holds ': ' stands in quotation marks"),
        ("survey:\n- {label: one: two}\n", "in '- {label: one: two}'", "stands in quotation marks, and } ends the row"),
        ("survey:\n\t- label: x\n", "line 2 is not YAML", "indent with blanks"),
        ("survey:\n- label: @x\n", "in '- label: @x'", "begins with @, %, ` or a tab in quotation marks"),
        ("survey:\n- label: \"a\\qb\"\n", "unknown escape character 'q'", "put the text in single quotation marks"),
        ("survey:\n- {label: \"one}\n", "unexpected end of stream", "is opened and never closed; close it"),
        ("survey: [\n", "is not YAML", "is opened and never closed; close it"),
        ("survey:\n  - type: x\n   name: a\n", "line 3 is not YAML", "their cells stand below one another"),
    ],
)  # fmt: skip
def test_what_is_no_yaml_is_quoted_with_what_to_do(text: str, said: str, remedy: str) -> None:
    with pytest.raises(InstrumentError) as caught:
        load_instrument_text(text)
    assert said in str(caught.value)
    assert remedy in str(caught.value)
