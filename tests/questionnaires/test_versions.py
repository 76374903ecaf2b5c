"""Two versions of one instrument: what changed, in words, and which indices stay comparable."""

import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import pytest

from questionnaires import Instrument, InstrumentError, load_instrument_text
from questionnaires.versions import Difference, diff

TEXT = (Path(__file__).resolve().parents[2] / "questionnaires" / "library" / "public-opinion.yaml").read_text("utf-8")
Rows = list[dict[str, str]]
Load = Callable[[str], Instrument]


def changed(load: Load, opinion: Instrument, *changes: tuple[str, str]) -> Difference:
    text = TEXT.replace('version: "1"', 'version: "2"')
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    return diff(opinion, load(text))


def verdicts(found: Difference) -> dict[str, bool]:
    return {index.name: index.comparable for index in found.indices}


def broken(found: Difference) -> set[str]:
    return {index.name for index in found.indices if not index.comparable}


def form(*, survey: Callable[[Rows], None] | None = None, **sheets: Callable[[Rows], None]) -> Instrument:
    """The form below with its sheets changed, as version 2 when anything is."""
    made = deepcopy(FORM)
    for name, change in {**({"survey": survey} if survey else {}), **sheets}.items():
        change(made[name])
    if survey or sheets:
        made["settings"][0]["version"] = "2"
    return load_instrument_text(json.dumps(made))


def at(rows: Rows, name: str) -> dict[str, str]:
    return next(row for row in rows if row.get("name") == name)


FORM: dict[str, Rows] = {
    "settings": [{"form_title": "小", "form_id": "small", "version": "1"}],
    "survey": [
        {"type": "select_one yes_no", "name": "lives", "label": "Lives here?"},
        {"type": "begin_group", "name": "part", "label": "Part", "relevant": "${lives} = 'yes'"},
        {"type": "select_one scale", "name": "a", "label": "A?", "sandu::index": "x", "sandu::weight": "6",
         "sandu::dont_know": "exclude"},
        {"type": "select_one scale", "name": "b", "label": "B?", "sandu::index": "x", "sandu::weight": "4",
         "sandu::dont_know": "exclude"},
        {"type": "end_group"},
        {"type": "range", "name": "r", "label": "R?", "parameters": "start=1 end=5 step=1", "sandu::index": "y",
         "sandu::weight": "10", "sandu::score": "100 * (. - 1) div 9"},
        {"type": "integer", "name": "n", "label": "N?", "constraint": ". >= 0 and . <= 9"},
        {"type": "hidden", "name": "target", "default": "3"},
        {"type": "calculate", "name": "c", "calculation": "100 * min(${n} div ${target}, 1)", "sandu::index": "z",
         "sandu::weight": "10", "sandu::score": "."},
    ],
    "choices": [
        {"list_name": "yes_no", "name": "yes", "label": "Yes"},
        {"list_name": "yes_no", "name": "no", "label": "No"},
        {"list_name": "scale", "name": "good", "label": "Good", "score": "100"},
        {"list_name": "scale", "name": "poor", "label": "Poor", "score": "0"},
        {"list_name": "scale", "name": "dk", "label": "Don't know", "missing": "dont_know"},
    ],
    "indices": [
        {"name": "all", "weight": "30", "label": "All"},
        {"name": "x", "parent": "all", "weight": "10", "label": "X"},
        {"name": "y", "parent": "all", "weight": "10", "label": "Y"},
        {"name": "z", "parent": "all", "weight": "10", "label": "Z"},
    ],
}  # fmt: skip


def swap(rows: Rows, one: int, other: int) -> None:
    rows[one], rows[other] = rows[other], rows[one]


def reweigh(rows: Rows) -> None:
    at(rows, "a")["sandu::weight"], at(rows, "b")["sandu::weight"] = "4", "6"


def in_group(rows: Rows) -> None:
    rows.insert(2, {"type": "begin_group", "name": "inner", "label": "Inner"})
    rows.insert(5, {"type": "end_group"})


@pytest.mark.parametrize(
    ("survey", "broken_by", "beside", "sentence"),
    [
        (lambda rows: at(rows, "a").update(label="A!"), "", "x", 'a: wording of label: "A?" -> "A!"'),
        (reweigh, "x", "", "a: scoring, sandu::weight: 6 -> 4"),
        (lambda rows: at(rows, "a").update({"sandu::dont_know": "zero"}), "x", "",
         "a: scoring, sandu::dont_know: exclude -> zero"),
        (lambda rows: at(rows, "a").update({"sandu::reverse": "half"}), "", "x", "a: sandu::reverse: (empty) -> half"),
        (lambda rows: at(rows, "a").update(required="yes"), "", "x", "a: required: (empty) -> yes"),
        (lambda rows: at(rows, "a").update(relevant="${n} > 3"), "x", "",
         "a: when it is asked, relevant: (empty) -> ${n} > 3"),
        (lambda rows: at(rows, "part").update(relevant="${lives} != 'no'"), "x", "",
         "part: when it is asked, relevant: ${lives} = 'yes' -> ${lives} != 'no'"),
        (lambda rows: at(rows, "part").update(relevant='${lives}="yes"'), "", "x",
         "part: relevant is written another way and means the same: ${lives} = 'yes' -> ${lives}=\"yes\""),
        # an end of a group that moves takes an item out of its condition
        (lambda rows: swap(rows, 3, 4), "x", "", "b: moved from group part to (empty)"),
        (in_group, "", "x", "a: moved from group part to inner < part"),
        (lambda rows: swap(rows, 2, 3), "", "x", "the form: order: a b -> b a"),
        (lambda rows: at(rows, "r").update(parameters="start=1 end=10 step=1"), "y", "",
         "r: what is offered, parameters: start=1 end=5 step=1 -> start=1 end=10 step=1"),
        (lambda rows: at(rows, "n").update(constraint=". >= 0 and . <= 99"), "z", "",
         "n: which answers are accepted, constraint: . >= 0 and . <= 9 -> . >= 0 and . <= 99"),
        (lambda rows: at(rows, "n").update(constraint=".>=0 and .<=9"), "", "z",
         "n: constraint is written another way and means the same: . >= 0 and . <= 9 -> .>=0 and .<=9"),
        (lambda rows: at(rows, "target").update(default="4"), "z", "", "target: default: 3 -> 4"),
        (lambda rows: at(rows, "a").update(choice_filter="name != 'poor' or ${lives} = 'yes'"), "x", "",
         "a: what is offered, choice_filter: (empty) -> name != 'poor' or ${lives} = 'yes'"),
        (lambda rows: at(rows, "lives").update(label="Home?"), "", "x",
         'lives: wording of label: "Lives here?" -> "Home?"'),
        (lambda rows: rows.append({"type": "text", "name": "more", "label": "More?"}), "", "", "more is new"),
    ],
)  # fmt: skip
def test_each_change_breaks_what_it_breaks_and_is_told_beside_what_it_may_move(
    survey: Callable[[Rows], None], broken_by: str, beside: str, sentence: str
) -> None:
    found = diff(form(), form(survey=survey))
    assert sentence in found.sentences("en")
    above = {"all"} if broken_by else set()
    assert broken(found) == {*broken_by.split(), *above}
    told = {index.name for index in found.indices if index.beside}
    assert told >= {*beside.split()}
    assert told <= {*beside.split(), *broken_by.split(), "all"}


def test_an_item_that_leaves_an_index_breaks_it() -> None:
    def leave(rows: Rows) -> None:
        del at(rows, "b")["sandu::index"], at(rows, "b")["sandu::weight"], at(rows, "b")["sandu::dont_know"]
        at(rows, "a")["sandu::weight"] = "10"

    assert broken(diff(form(), form(survey=leave))) == {"x", "all"}


def test_weights_that_keep_their_shares_break_the_index_above_only() -> None:
    def twice(rows: Rows) -> None:
        at(rows, "a")["sandu::weight"], at(rows, "b")["sandu::weight"] = "12", "8"

    def index_twice(rows: Rows) -> None:
        at(rows, "x")["weight"], at(rows, "all")["weight"] = "20", "40"

    assert broken(diff(form(), form(survey=twice, indices=index_twice))) == {"all"}


def test_a_new_language_is_one_change_told_beside_every_index() -> None:
    def translate(rows: Rows) -> None:
        for row in rows:
            if "label" in row:
                row["label::English (en)"] = row.pop("label")
                row["label::Français (fr)"] = "?"

    english = form(survey=translate, choices=translate, indices=translate)
    named = diff(form(), english)
    assert named.sentences("en")[:2] == ["there is a new language: fr", "the form: version: 1 -> 2"]
    assert len(named.changes) == 2
    assert broken(named) == set()
    assert all([change.kind for change in index.beside] == ["language added"] for index in named.indices)
    assert diff(english, form()).sentences("zh")[0] == "去掉一种语言：fr"


def test_contents_that_differ_under_one_version_are_said_to_need_another() -> None:
    same = form(settings=lambda rows: None, survey=lambda rows: at(rows, "a").update(label="A!"))
    object.__setattr__(same, "version", "1")
    said = "the contents differ and the version is the same (1): give the later file a version of its own"
    assert diff(form(), same).sentences("en")[0] == said
    assert diff(same, same).changes == ()


def test_another_file_of_choices_and_what_came_into_it_are_told(tmp_path: Path) -> None:
    (tmp_path / "old.csv").write_text("code,name\n1,East\n2,West\n", encoding="utf-8")
    names = "".join(f"{number},Place {number}\n" for number in range(1, 13))
    (tmp_path / "new.csv").write_text(f"code,name\n{names}", encoding="utf-8")
    made = deepcopy(FORM)
    place = {"type": "select_one_from_file old.csv", "name": "p", "label": "P?", "parameters": "value=code label=name"}
    made["survey"].insert(0, place)
    at(made["survey"], "part")["relevant"] = "${lives} = 'yes' and ${p} != '1'"
    old = load_instrument_text(json.dumps(made), choice_files=tmp_path)
    place["type"] = "select_one_from_file new.csv"
    made["settings"][0]["version"] = "2"
    new = load_instrument_text(json.dumps(made), choice_files=tmp_path)
    found = diff(old, new)
    for sentence in (
        "p: what is offered, type: select_one_from_file old.csv -> select_one_from_file new.csv",
        "p: choices: (empty) -> +3 +4 +5 +6 +7 +8 +9 +10 ... (10)",
        'p 1: wording of label default: "East" -> "Place 1"',
    ):
        assert sentence in found.sentences("en")
    assert broken(found) == set()  # more places send nobody elsewhere who was there before
    assert broken(diff(new, old)) == {"x", "all"}


def test_a_version_beside_itself_has_no_change_and_every_index_comparable(opinion: Instrument) -> None:
    found = diff(opinion, opinion)
    assert found.changes == ()
    assert set(verdicts(found)) == set(opinion.indices)
    assert all(verdicts(found).values())
    assert found.sentences("en")[0] == "Both versions have the same content."
    assert found.sentences("zh")[:2] == ["两个版本内容完全相同。", f"指数 {found.indices[0].name} 前后可比"]


def test_a_new_wording_is_told_beside_the_index_and_breaks_nothing(load: Load, opinion: Instrument) -> None:
    found = changed(load, opinion, ("Which day is National Constitution Day?", "When is National Constitution Day?"))
    assert all(verdicts(found).values())
    assert found.sentences("en")[:2] == [
        "the form: version: 1 -> 2",
        'K1: wording of label::English (en): "Which day is National Constitution Day?" -> '
        '"When is National Constitution Day?"',
    ]
    assert found.sentences("zh")[1].startswith("K1 的文字改了（label::English (en)）：“Which day")
    beside = {index.name for index in found.indices if index.beside}
    assert beside == {"A1", "awareness"}


@pytest.mark.parametrize(
    ("changes", "sentence", "broken"),
    [
        (
            [("sandu::key: legal_adviser", "sandu::key: adviser")],
            "V1: scoring, sandu::key: legal_adviser -> adviser",
            {"A2", "awareness"},
        ),
        (
            [("name: satisfied,", "name: rather_satisfied,")],
            "E1, E2, E3, E4, E5, E6: choices: -satisfied -> +rather_satisfied",
            {"C1", "C2", "C3", "C4", "C5", "satisfaction"},
        ),
        (
            [('sandu::weight: "3.75"', 'sandu::weight: "4.75"'), ('sandu::weight: "3.75"', 'sandu::weight: "2.75"')],
            "K1: scoring, sandu::weight: 3.75 -> 4.75",
            {"A1", "awareness"},
        ),
    ],
)
def test_what_changes_a_score_breaks_its_index_and_those_above(
    load: Load, opinion: Instrument, changes: list[tuple[str, str]], sentence: str, broken: set[str]
) -> None:
    found = changed(load, opinion, *changes)
    assert sentence in found.sentences("en")
    assert {name for name, comparable in verdicts(found).items() if not comparable} == broken


def test_who_is_asked_breaks_the_indices_whose_base_it_is(load: Load, opinion: Instrument) -> None:
    old = "Law in daily life\n    appearance: field-list\n    relevant: ${eligible} = 'yes'"
    found = changed(load, opinion, (old, old.replace("= 'yes'", "!= 'no'")))
    assert "knowledge: when it is asked, relevant: ${eligible} = 'yes' -> ${eligible} != 'no'" in found.sentences("en")
    assert broken(found) == {"A1", "awareness"}
    followed = changed(load, opinion, ("relevant: ${B3_need} = 'yes'", "relevant: ${B3_need} != 'no'"))
    assert broken(followed) == {"B3", "participation"}


def test_a_new_rule_of_admission_breaks_every_index(load: Load, opinion: Instrument) -> None:
    found = changed(load, opinion, ("${S2} = 'yes' and ", ""))
    assert broken(found) == set(opinion.indices)
    assert all("eligible" in {change.name for change in index.breaks} for index in found.indices)


def test_a_filter_question_moves_the_base_by_its_answers_and_perhaps_by_its_words(
    load: Load, opinion: Instrument
) -> None:
    words = changed(load, opinion, ("did you need legal help with anything?", "did you need legal advice?"))
    assert broken(words) == set()
    assert {index.name for index in words.indices if index.beside} == {"B3", "participation"}
    answers = changed(
        load, opinion, ("select_one yes_no_forgotten\n    name: B3_need", "select_one did\n    name: B3_need")
    )
    assert broken(answers) == set()  # the same names of choices, other words
    fewer = changed(
        load, opinion, ("select_one yes_no_forgotten\n    name: B3_need", "select_one yes_no\n    name: B3_need")
    )
    assert broken(fewer) == {"B3", "participation"}


def test_an_item_added_to_an_index_breaks_it_and_one_outside_does_not(load: Load, opinion: Instrument) -> None:
    note = '  - {type: note, name: %s, "label::中文 (zh)": 谢, "label::English (en)": Thanks}\nchoices:'
    assert all(verdicts(changed(load, opinion, ("\nchoices:", "\n" + note % "thanks_again"))).values())
    item = note.replace("note", "select_one sat5").replace("Thanks}", "Thanks, sandu::index: C2, sandu::weight: 2, "
                                                           "sandu::dont_know: exclude}") % "E2b"  # fmt: skip
    place = TEXT.index("name: E2\n")
    weight = TEXT[place:].split("sandu::weight: ")[1].split("\n")[0]
    old = TEXT[place : place + TEXT[place:].index(f"sandu::weight: {weight}") + len(f"sandu::weight: {weight}")]
    found = changed(load, opinion, ("\nchoices:", "\n" + item), (old, old.replace(f"weight: {weight}", 'weight: "3"')))
    assert "E2b is new" in found.sentences("en")
    assert {name for name, comparable in verdicts(found).items() if not comparable} == {"C2", "satisfaction"}


def test_two_instruments_are_no_two_versions(load: Load, opinion: Instrument) -> None:
    other = load(TEXT.replace("form_id: public-opinion", "form_id: another"))
    with pytest.raises(InstrumentError, match="public-opinion 1 and another 1 are two instruments"):
        diff(opinion, other)
