"""Three outcomes and no fourth, whatever is handed in: no other exception, and nothing stored beside the outcome."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from questionnaires import AnswerError
from survey_app import submission
from survey_app.store import Store, StoreError, Wave, checks, invitations
from survey_app.submission import Accepted, Conflict, Quarantined, Refused, Submission, new_id

YES = {"consent": "yes", "district": "east", "age": "41"}


class Endless(int):
    """More digits than Python writes out; hypothesis could not say which it tried."""

    def __repr__(self) -> str:
        return "10**5000"


ENDLESS = Endless(10**5000)
HALF, NUL, LONG = "\ud800", "a\0b", "长" * 70
words = st.one_of(st.sampled_from(["", "web", "alone", "en", HALF, NUL, LONG, "\u202ex"]), st.text(max_size=9))
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.just(ENDLESS), st.floats(), words, st.binary(max_size=3)
)
values = st.one_of(scalars, st.lists(scalars, max_size=3), st.dictionaries(words, scalars, max_size=1), st.dates())
items = st.sampled_from(["consent", "district", "age", "remark", "city", "disposition"])
codes = st.sampled_from(["yes", "no", "east", "41", "7"])
bodies = st.one_of(
    st.just(YES), st.dictionaries(items, codes), st.dictionaries(st.one_of(items, scalars), values, max_size=4), values
)
modes = st.one_of(st.sampled_from(["web", "phone", "paper"]), words)
doors = st.one_of(st.sampled_from(["plain", "streamlit", "console", "import"]), words)


def rows(store: Store) -> int:
    """Everything that holds an answer."""
    tables = ("response", "quarantine")
    return sum(store.read(lambda c, name=name: c.all(f"SELECT count(*) AS n FROM {name}"))[0]["n"] for name in tables)


@pytest.mark.parametrize("way", ["by a door", "by anybody"])
def test_whatever_is_handed_in_has_one_of_the_outcomes_or_a_declared_refusal(
    store: Store, wave: Wave, way: str
) -> None:
    tokens = invitations.mint(store, wave, [f"c{number:02}" for number in range(6)])
    ids = [new_id() for _ in range(3)] + [submission.open_invitation(store, wave, token).id for token in tokens[:2]]
    known = {"id": st.sampled_from(ids), "answers": bodies}
    asked = {"invitation": st.one_of(st.none(), st.sampled_from(tokens), words), "language": words}
    more: dict[str, st.SearchStrategy[Any]] = {
        "mode": modes,
        "door": doors,
        "durations": st.dictionaries(words, scalars, max_size=2),
        "fieldwork_date": st.one_of(st.none(), st.dates(), st.just(date.today())),
        "interviewer": st.one_of(st.none(), st.just("ann"), words),
        "present": st.one_of(st.none(), st.just("alone"), words),
    }
    whole = st.builds(Submission, **known, **asked, **(more if way == "by anybody" else {}))

    @settings(max_examples=150, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(whole, st.sampled_from([wave, wave, wave, "spring", HALF, NUL, LONG]))
    def hand_in(given: Submission, where: Wave | str) -> None:
        before = rows(store)
        try:
            outcome = submission.submit(store, where, given)
        except (AnswerError, StoreError) as error:
            assert "\n" not in str(error)
            assert rows(store) == before
            return
        assert isinstance(outcome, (Accepted, Conflict, Quarantined, Refused))
        assert rows(store) - before in ((0, 1) if isinstance(outcome, (Accepted, Quarantined)) else (0,))

    hand_in()
    assert checks.check(store) == []


def test_a_time_that_a_wrong_clock_made_costs_no_answer(store: Store, wave: Wave) -> None:
    spent = {"consent": -5, "home": 700.9, "words": float("nan"), "end": "soon"}
    submission.submit(store, wave, Submission(new_id(), YES, durations=spent))
    (row,) = store.read(lambda connection: connection.all("SELECT durations FROM response"))
    assert row["durations"] == '{"home":700}'
