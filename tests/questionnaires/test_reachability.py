"""Items that nobody can ever be asked are found, and what cannot be decided is said to be so."""

import json
import time

import pytest

from questionnaires import Instrument, load_instrument_text
from questionnaires.reachability import unanswerable, unreached
from questionnaires.remarks import Remark, remarks
from tests.questionnaires.hostile import small_form
from tests.questionnaires.test_xlsform import shipped as shipped  # a fixture


def form_with(*rows: dict[str, str]) -> Instrument:
    form = small_form()
    form["survey"] += [{"label": "?", **row} for row in rows]
    return load_instrument_text(json.dumps(form))


@pytest.mark.parametrize(
    ("relevant", "verdict"),
    [
        ("${q1} = 'yes'", None),
        ("${q1} = ''", None),
        ("${q1} = 'yes' and ${q1} = 'no'", True),
        ("${q1} = 'no' and ${q2} > 3", True),  # q2 is asked after yes only
        ("${q1} = 'yes' and ${q2} > 3", None),
        ("${q2} > 3 and ${q2} < 4", False),
        ("false()", True),
        ("today() = '1999-01-01'", False),
        ("string-length(${q1}) > 5", True),
        ("${q2} = 7 and ${q1} = 'yes'", None),
    ],
)
def test_an_item_that_no_answer_leads_to_is_found(relevant: str, verdict: bool | None) -> None:
    form = form_with({"type": "text", "name": "q3", "relevant": relevant})
    found = {one.item: one for one in unreached(form)}
    if verdict is None:
        assert found == {}
    elif "q2" in relevant and verdict:
        assert not found["q3"].certain  # an integer has no end, so this is not decided
        assert found["q3"].deciders == ("q1", "q2")
    else:
        assert (found["q3"].row, found["q3"].certain) == (4, verdict)


def test_a_group_that_is_never_opened_makes_all_its_items_unreachable() -> None:
    form = form_with(
        {"type": "begin_group", "name": "g", "relevant": "${q1} = 'yes' and ${q1} = 'no'"},
        {"type": "text", "name": "q3"},
        {"type": "text", "name": "q4", "relevant": "${q3} = 'a'"},
        {"type": "end_group"},
    )
    assert [(one.item, one.row, one.certain) for one in unreached(form)] == [("q3", 5, True), ("q4", 6, False)]


def test_a_constraint_and_a_required_answer_close_paths() -> None:
    form = form_with(
        {"type": "select_one answer", "name": "q3", "required": "yes", "constraint": ". != 'no'"},
        {"type": "text", "name": "q4", "relevant": "${q3} = 'no'"},
        {"type": "text", "name": "q5", "relevant": "${q3} = ''"},
        {"type": "text", "name": "q6", "relevant": "${q3} = 'yes'"},
    )
    assert [(one.item, one.certain) for one in unreached(form)] == [("q4", True), ("q5", True)]


MEDIA = [{"list_name": "media", "name": f"m{number}", "label": str(number)} for number in range(12)]
N, M = {"type": "integer", "name": "n"}, {"type": "integer", "name": "m"}
D, E = {"type": "date", "name": "d"}, {"type": "date", "name": "e"}
MANY = {"type": "select_multiple media", "name": "s"}
TEN = {"type": "range", "name": "r", "parameters": "start=0 end=10 step=1"}
ADULT = {"type": "integer", "name": "n", "constraint": ". >= -1 and . <= 120"}


def calculate(calculation: str) -> dict[str, str]:
    return {"type": "calculate", "name": "c", "calculation": calculation}


def verdict(*rows: dict[str, str]) -> bool | None:
    """Whether the last row is surely never reached; None: it is reached."""
    form = small_form()
    form["survey"] += [{"label": "?", **row} for row in rows]
    form["choices"] += MEDIA
    found = {one.item: one.certain for one in unreached(load_instrument_text(json.dumps(form)))}
    assert found.keys() <= {rows[-1]["name"]}
    return found.get(rows[-1]["name"])


@pytest.mark.parametrize(
    ("rows", "relevant"),
    [
        ([N, calculate("${n} * 2")], "${c} = 14"),
        ([N, calculate("2026 - ${n}")], "${c} >= 60 and ${c} < 70"),
        ([N, M], "${n} + ${m} = 37"),
        ([{**N, "type": "decimal"}, {**M, "type": "decimal"}, calculate("${n} div (${m} * ${m})")],
         "${c} > 20 and ${c} < 22"),
        ([D], "${d} >= date('2026-03-01') and ${d} <= date('2026-03-31')"),
        ([D, E], "${e} - ${d} > 400 and ${e} - ${d} < 500"),
        ([D, calculate("int((date('2026-06-01') - ${d}) div 365.25)")], "${c} >= 18 and ${c} < 20"),
        ([D, calculate("int((today() - ${d}) div 365.25)")], "${c} >= 60"),
        ([MANY], "selected(${s}, 'm3') and selected(${s}, 'm7')"),
        ([MANY], "count-selected(${s}) >= 9"),
        ([MANY], "selected(${s}, 'm1') and not(selected(${s}, 'm2'))"),
        ([{"type": "text", "name": "t"}], "regex(${t}, '[0-9]{11}')"),
        ([{"type": "text", "name": "t"}], "contains(${t}, 'foo') and contains(${t}, 'bar')"),
        ([{"type": "time", "name": "t"}], "decimal-time(${t}) > 0.5"),
        ([calculate("random()")], "${c} < 0.5"),
        ([{"type": "select_one answer", "name": f"a{n}"} for n in range(20)]
         + [calculate(" + ".join(f"(${{a{n}}} = 'yes')" for n in range(20)))], "${c} = 7"),
        ([TEN], "${r} = 10"),
        ([ADULT], "${n} = 120 or ${n} = -1"),
    ],
)  # fmt: skip
def test_what_somebody_can_be_asked_is_no_alarm(rows: list[dict[str, str]], relevant: str) -> None:
    assert verdict(*rows, {"type": "text", "name": "x", "relevant": relevant}) is None


@pytest.mark.parametrize(
    ("rows", "relevant", "certain"),
    [
        ([TEN], "${r} > 10", True),
        ([TEN], "${r} = 4.5", True),
        ([ADULT], "${n} > 120", True),
        ([ADULT], "${n} < 30 and ${n} >= 60", True),
        ([ADULT, calculate("${n} * 2")], "${c} > 240", True),
        ([N], "${n} < 30 and ${n} >= 60", False),
        ([D], "${d} < date('2020-01-01') and ${d} > date('2021-01-01')", False),
        ([MANY], "selected(${s}, 'm1') and not(selected(${s}, 'm1'))", False),
        ([{"type": "time", "name": "t"}], "${t} > '08:00'", False),  # texts compare as numbers, which they are not
    ],
)  # fmt: skip
def test_contradictions_are_found_and_called_certain_only_where_all_was_tried(
    rows: list[dict[str, str]], relevant: str, certain: bool
) -> None:
    assert verdict(*rows, {"type": "text", "name": "x", "relevant": relevant}) is certain


def test_everything_that_ships_is_reached(shipped: Instrument) -> None:
    start = time.perf_counter()
    assert unreached(shipped) == ()
    assert time.perf_counter() - start < 30


A, Q2 = {"type": "select_one answer", "name": "a"}, {"type": "select_one answer", "name": "b"}


@pytest.mark.parametrize(
    ("rows", "refuses"),
    [
        ([N | {"constraint": ". > 5 and . < 3"}], True),
        ([N | {"constraint": ". > 5 and . < 6"}], True),
        ([N | {"constraint": ". > 5 and . < 7"}], False),
        ([N | {"constraint": ". >= 5 and . <= 5"}], False),
        ([N | {"constraint": ". > 5"}], False),
        ([{"type": "decimal", "name": "x", "constraint": ". > 5 and . < 3"}], True),
        ([{"type": "decimal", "name": "x", "constraint": ". > 5 and . < 6"}], False),
        ([{"type": "range", "name": "x", "constraint": ". > 10"}], True),
        ([{"type": "range", "name": "x", "constraint": ". >= 10"}], False),
        ([{"type": "text", "name": "x", "constraint": "1 = 2"}], True),
        ([{"type": "text", "name": "x", "constraint": "regex(., '[0-9]{17}[0-9X]')"}], False),
        ([{"type": "date", "name": "d", "constraint": ". <= today()"}], False),
        ([A | {"constraint": ". = 'yes' and . = 'no'"}], True),
        ([A | {"constraint": "${q1} = 'yes' and ${q1} = 'no'"}], True),
        ([A, Q2 | {"constraint": ". = ${a}"}], False),
        ([A, Q2 | {"constraint": ". = ${a} and . != ${a}"}], True),
        ([A | {"required": "yes", "constraint": ". = 'no'"}, Q2 | {"constraint": "${a} = 'yes'"}], True),
        ([MANY | {"constraint": "count-selected(.) <= 3"}], False),
    ],
)
def test_a_constraint_that_refuses_every_answer_is_found(rows: list[dict[str, str]], refuses: bool) -> None:
    form = small_form()
    form["choices"] += MEDIA
    form["survey"] += [{"label": "?", **row} for row in rows]
    found = unanswerable(load_instrument_text(json.dumps(form)))
    assert [item.name for item in found] == ([rows[-1]["name"]] if refuses else [])


def test_what_odk_permits_and_is_seldom_meant_is_remarked() -> None:
    form = small_form()
    form["choices"] += MEDIA
    form["survey"] += [
        {"type": "text", "name": "q3", "label": "?", "relevant": "${last} = 'yes'"},
        {"type": "begin_group", "name": "g", "label": "?", "relevant": "${twice} > 4"},
        {"type": "text", "name": "q4", "label": "?"},
        {"type": "text", "name": "q5", "label": "?", "relevant": "${q4} != ''"},
        {"type": "end_group"},
        {"type": "calculate", "name": "twice", "calculation": "2 * ${number}"},
        {"type": "integer", "name": "number", "label": "?"},
        {"type": "select_one answer", "name": "last", "label": "?", "relevant": "${twice} > 4"},
        {"type": "integer", "name": "LAST", "label": "?", "constraint": ". > 3 and . < 2"},
    ]
    assert remarks(load_instrument_text(json.dumps(form))) == (
        Remark("later", "q3", 4, "last", 11),
        Remark("later", "q4", 6, "number", 10),
        Remark("constraint", "LAST", 12),
        Remark("case", "LAST", 12, "last", 11),
        Remark("list", "media"),
    )


def test_nothing_is_remarked_of_what_ships(shipped: Instrument) -> None:
    assert remarks(shipped) == ()
