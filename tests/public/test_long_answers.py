"""Long open answers: all that a form takes gets through, and too much is said in a sentence with the text kept."""

import json
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from questionnaires import load_instrument_text
from survey_app.public import form
from survey_app.public.visit import new_id
from survey_app.store import Wave, instruments, waves
from tests.public.conftest import Resident, World

FULL = "字" * 2000
TEXTS = ("a", "b", "c", "d", "e")
SCRIPT = str(Path(form.__file__))


@pytest.fixture
def written(world: World) -> World:
    """A wave that asks for five long texts on one page and for one number on the next."""
    rows: list[dict[str, str]] = [{"type": "begin_group", "name": "first", "appearance": "field-list", "label": "一"}]
    rows += [{"type": "text", "name": name, "label": name, "appearance": "multiline"} for name in TEXTS]
    rows += [{"type": "end_group"}, {"type": "integer", "name": "n", "label": "n"}]
    head = {"form_title": "长", "form_id": "long", "version": "1"}
    instrument = load_instrument_text(json.dumps({"settings": [head], "survey": rows}, ensure_ascii=False))
    instruments.publish(world.doors.store, instrument)
    given: dict[str, Any] = {"title": {"zh": "长"}, "city": "510100", "scheme": "nbs", "edition": "2023"}
    waves.create(
        world.doors.store,
        Wave(slug="long", instrument_id="long", instrument_version="1", open_link=True, presets={}, **given),
    )
    return world


def test_a_page_of_full_texts_is_taken_and_the_next_page_stays_small(resident: Resident, written: World) -> None:
    resident.open("/s/long").press(**dict.fromkeys(TEXTS, FULL))
    assert resident.status == 200
    assert len(resident.html.encode()) < 15_000
    resident.press(n="3")
    assert 'class="receipt"' in resident.html
    (stored,) = written.rows("response")
    assert json.loads(stored["answers"]) == {**dict.fromkeys(TEXTS, FULL), "n": 3}


def test_a_second_last_tap_after_long_answers_is_thanked_and_stored_once(resident: Resident, written: World) -> None:
    resident.open("/s/long").press(**dict.fromkeys(TEXTS, FULL)).press(n="3")
    action, fields = resident.sent[-1]
    again = resident.client.post(action, data=fields)
    assert (again.status_code, str(again.url).partition("?")[0].rsplit("/", 1)[1]) == (200, "done")
    assert len(written.rows("response")) == 1


def test_ten_thousand_characters_are_refused_in_a_sentence_and_kept(resident: Resident, written: World) -> None:
    resident.open("/s/long").press(a="字" * 10_000)
    assert resident.status == 422
    assert "文字太长了，请不要超过 2000 个字" in resident.html
    assert "字" * 10_000 in resident.html


def test_the_streamlit_door_takes_the_paste_and_says_that_it_is_too_long(written: World) -> None:
    visit = new_id()
    app = AppTest.from_file(SCRIPT, default_timeout=60)
    app.query_params.update({"s": "long", "r": visit, "lang": "zh"})
    app.run()
    area = app.text_area(key=f"{visit}-zh-a")
    assert area.max_chars >= 10_000
    area.set_value("字" * 10_000)
    next(button for button in app.button if str(button.key).startswith("go-next-")).click()
    app.run()
    assert not app.exception, app.exception
    assert any("请不要超过 2000 个字" in error.value for error in app.error)
    assert app.text_area(key=f"{visit}-zh-a").value == "字" * 10_000
