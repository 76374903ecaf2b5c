"""A correction is cleaned as the first answer was: the same day, the same chance, the same language."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

import pytest

from questionnaires import load_instrument_text
from survey_app import submission
from survey_app.store import Store, Wave, instruments, responses, waves
from survey_app.submission import Submission, new_id

FORM = """
settings:
  - {form_title: 抽签, form_id: drawn, version: "1", default_language: 中文 (zh)}
survey:
  - {type: start, name: began}
  - {type: today, name: day}
  - {type: calculate, name: lot, calculation: random()}
  - {type: calculate, name: arm, calculation: "if(${lot} < 0.5, 'a', 'b')"}
  - type: select_one yes_no
    name: met
    "label::中文 (zh)": 开过会吗？
    "label::English (en)": Was there a meeting?
  - {type: calculate, name: said, calculation: "jr:choice-name(${met}, '${met}')"}
  - type: integer
    name: age
    "label::中文 (zh)": 您的年龄？
    "label::English (en)": How old are you?
choices:
  - {list_name: yes_no, name: "yes", "label::中文 (zh)": 开过, "label::English (en)": There was one}
  - {list_name: yes_no, name: "no", "label::中文 (zh)": 没有, "label::English (en)": There was none}
"""


@pytest.fixture
def drawn(store: Store) -> Wave:
    """A wave whose form fills in the day, draws lots and tells an answer in words."""
    instrument = load_instrument_text(FORM)
    instruments.publish(store, instrument)
    given: dict[str, Any] = {
        "title": {"zh": "抽签"},
        "city": "510100",
        "scheme": "nbs",
        "edition": "2023",
        "presets": {},
    }
    made = Wave(slug="drawn", instrument_id="drawn", instrument_version="1", open_link=True, **given)
    waves.create(store, made)
    return made


def stored_answers(store: Store, id: str) -> dict[str, object]:
    row = store.read(lambda connection: responses.find(connection, id))
    assert row is not None
    return dict(json.loads(row["answers"]))


def test_a_correction_changes_only_what_was_corrected(store: Store, drawn: Wave) -> None:
    day = date.today() - timedelta(days=9)
    lots = set()
    for _ in range(4):
        first = Submission(new_id(), {"met": "yes", "age": "41"}, language="en", fieldwork_date=day)
        submission.submit(store, drawn, first)
        before = stored_answers(store, first.id)
        assert (before["began"], before["day"], before["said"]) == (day.isoformat(), day.isoformat(), "There was one")
        again = {"met": "yes", "age": "44"}
        assert submission.revise(store, drawn, first.id, again, editor="ann", reason="typed wrong") == 1
        assert stored_answers(store, first.id) == {**before, "age": 44}
        lots.add(before["lot"])
    assert len(lots) == 4


def test_a_wave_corrects_only_its_own_answers(store: Store, drawn: Wave, wave: Wave) -> None:
    first = Submission(new_id(), {"age": "41"})
    submission.submit(store, drawn, first)
    assert submission.revise(store, wave, first.id, {"consent": "no"}, editor="ann", reason="x") is None
    assert stored_answers(store, first.id)["age"] == 41
