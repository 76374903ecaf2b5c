"""Items that nobody can ever be asked are found, and what cannot be decided is said to be so."""

import json
import time

import pytest

from questionnaires import Instrument, load_instrument_text
from questionnaires.reachability import unreached
from tests.questionnaires.hostile import small_form


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


def test_everything_in_the_public_questionnaire_is_reached(opinion: Instrument) -> None:
    start = time.perf_counter()
    assert unreached(opinion) == ()
    assert time.perf_counter() - start < 30
