"""A list too long to send is searched at the server, at both doors; what is found can be chosen, nothing else can."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from questionnaires import Instrument, load_instrument
from survey_app.pages.controls import controls
from survey_app.public import form
from survey_app.public.visit import new_id
from survey_app.store import Wave, instruments, waves
from tests.public.conftest import SHUIJINGFANG, Resident, World

SCRIPT = str(Path(form.__file__))


@pytest.fixture(scope="module")
def lists() -> Instrument:
    return load_instrument(Path(__file__).with_name("lists.yaml"))


@pytest.fixture
def published(world: World, lists: Instrument) -> World:
    instruments.publish(world.doors.store, lists)
    given: dict[str, Any] = {"title": {"zh": "名单", "en": "Lists"}, "city": "510100", "scheme": "nbs"}
    given |= {"edition": "2023", "instrument_id": lists.id, "instrument_version": lists.version, "open_link": True}
    waves.create(world.doors.store, Wave(slug="lists", presets={}, **given))
    world.doors.store.cache[("instrument", lists.id, lists.version)] = lists
    return world


@pytest.fixture
def at_list(resident: Resident, published: World) -> Resident:
    return resident.open("/s/lists")


def codes(html: str, name: str = "place") -> list[str]:
    """The choices of an item that a page holds."""
    return re.findall(rf'<input type="(?:radio|checkbox)" name="{name}" value="([^"]+)"', html)


def test_the_list_is_not_in_the_page(at_list: Resident, lists: Instrument) -> None:
    assert len(lists.item("place").choices) == 4785
    assert codes(at_list.html) == []
    assert "<select" not in at_list.html and "<option" not in at_list.html
    assert SHUIJINGFANG not in at_list.html and "水井坊" not in at_list.html
    assert len(at_list.html.encode()) < 15_000
    assert 'name="search-place"' in at_list.html and "必答" in at_list.html


def test_what_is_found_is_chosen_and_stored(at_list: Resident, published: World) -> None:
    at_list.press("search-place", **{"search-place": "水井坊", "why": "近"})
    assert at_list.status == 200
    assert codes(at_list.html) == [SHUIJINGFANG]
    assert " checked" not in at_list.html
    assert 'value="近"' in at_list.html
    assert published.rows("draft") == []
    assert len(at_list.html.encode()) < 15_000
    at_list.press(place=SHUIJINGFANG)
    assert at_list.page == "second"
    at_list.press()
    (stored,) = published.rows("response")
    assert json.loads(stored["answers"]) == {"place": SHUIJINGFANG, "why": "近"}


def test_at_most_twenty_are_shown_and_the_page_says_so(at_list: Resident) -> None:
    at_list.press("search-place", **{"search-place": "新"})
    assert len(codes(at_list.html)) == 20
    assert "最多列出20个" in at_list.html
    assert len(at_list.html.encode()) < 15_000
    at_list.press("search-place", **{"search-place": "水井坊"})
    assert "最多列出" not in at_list.html


def test_nothing_found_and_nothing_written_are_said_in_a_sentence(at_list: Resident, published: World) -> None:
    at_list.press("search-place", **{"search-place": "没有这个地方"})
    assert at_list.status == 200
    assert "名单里没有找到" in at_list.html
    assert 'value="没有这个地方"' in at_list.html
    at_list.press("search-place", **{"search-place": "  "})
    assert "请先写出名称里的几个字" in at_list.html
    assert at_list.page == "first"
    assert published.rows("draft") == []


@pytest.mark.parametrize("code", ["510104", "no-such-place", "x" * 300, "../../etc/passwd"])
def test_a_code_that_the_list_does_not_offer_is_refused(at_list: Resident, published: World, code: str) -> None:
    at_list.press(place=code)
    assert at_list.status == 422
    assert "不在这一题的选项里" in at_list.html
    assert codes(at_list.html) == []
    assert published.rows("draft") == []


def test_the_enter_key_in_the_field_searches_and_next_does_so_once(at_list: Resident) -> None:
    first_button = re.search(r"<button[^>]*>", at_list.html)  # the one that a browser presses at Enter
    assert first_button and 'value="default"' in first_button[0]
    at_list.press("default", **{"search-place": "水井坊"})
    assert codes(at_list.html) == [SHUIJINGFANG]
    assert re.search(rf'value="{SHUIJINGFANG}" autofocus', at_list.html)
    at_list.press("default")
    assert at_list.status == 422  # required, and not chosen
    assert codes(at_list.html) == [SHUIJINGFANG]
    at_list.press("default", place=SHUIJINGFANG)
    assert at_list.page == "second"


def test_what_was_chosen_stays_while_something_else_is_looked_for(at_list: Resident) -> None:
    at_list.press("search-place", **{"search-place": "水井坊"}).press(place=SHUIJINGFANG).press("back")
    assert codes(at_list.html) == [SHUIJINGFANG]
    assert re.search(rf'value="{SHUIJINGFANG}" checked', at_list.html)
    at_list.press("search-place", **{"search-place": "新"})
    assert codes(at_list.html)[0] == SHUIJINGFANG
    assert len(codes(at_list.html)) > 1
    assert at_list.html.count(" checked") == 1


def test_several_of_a_long_list_and_a_choice_that_is_no_answer(at_list: Resident, published: World) -> None:
    at_list.press("search-place", **{"search-place": "水井坊"}).press(place=SHUIJINGFANG)
    assert codes(at_list.html, "schools") == ["dont_know"]
    assert 'name="district"' in at_list.html and "<select" in at_list.html  # 34 places: a menu as before
    at_list.press("search-schools", **{"search-schools": "第12"})
    assert codes(at_list.html, "schools")[:2] == ["s12", "s120"]
    at_list.press("search-schools", schools=["s12"], **{"search-schools": "第7小学"})
    assert codes(at_list.html, "schools") == ["s12", "s7", "dont_know"]
    assert re.search(r'value="s12" checked', at_list.html)
    at_list.press(schools=["s12", "s7"])
    (stored,) = published.rows("response")
    assert json.loads(stored["answers"])["schools"] == ["s12", "s7"]


def test_an_endless_text_is_cut_before_it_is_looked_for(at_list: Resident) -> None:
    at_list.press("search-place", **{"search-place": "水 " * 5_000})
    assert at_list.status == 200
    assert at_list.fields()["search-place"] == ("水 " * 30)


def test_numbers_with_words_are_choices_and_bare_numbers_a_scale() -> None:
    def kind(labels: list[str]) -> str:
        item = load_instrument_of(labels).item("x")
        (drawn,) = controls([item], {}, submission_id="", language="zh")
        return drawn.kind

    assert kind(["1", "2", "3", "4", "5"]) == "scale"
    assert kind(["1分", "2分", "3分", "4分", "5分"]) == "scale"
    assert kind(["很不好", "不好", "一般", "好", "很好"]) == "choices"


def load_instrument_of(labels: list[str]) -> Instrument:
    from questionnaires import load_instrument_text

    rows = [{"list_name": "l", "name": str(number), "label": label} for number, label in enumerate(labels, start=1)]
    sheets = {
        "settings": [{"form_title": "t", "form_id": "t", "version": "1"}],
        "survey": [{"type": "select_one l", "name": "x", "label": "?"}],
        "choices": rows,
    }
    return load_instrument_text(json.dumps(sheets, ensure_ascii=False))


def test_the_streamlit_door_searches_the_same_list(published: World) -> None:
    visit = new_id()
    app = AppTest.from_file(SCRIPT, default_timeout=60)
    app.query_params.update({"s": "lists", "r": visit, "lang": "zh"})
    app.run()
    key = f"{visit}-zh-"
    assert not app.selectbox and not app.radio
    app.text_input(key=f"{key}place-search-text").set_value("没有这个地方")
    press(app, "go-search-place")
    assert any("名单里没有找到" in error.value for error in app.error)
    app.text_input(key=f"{key}place-search-text").set_value("水井坊")
    press(app, "go-search-place")
    radio = app.radio(key=f"{key}place")
    assert (len(radio.options), radio.value) == (1, None)
    assert published.rows("draft") == []
    radio.set_value(SHUIJINGFANG)
    press(app)
    app.text_input(key=f"{key}schools-search-text").set_value("第7小学")
    press(app)  # a new text is looked for before the form goes on
    app.checkbox(key=f"{key}schools-s7").set_value(True)
    press(app)
    (stored,) = published.rows("response")
    assert json.loads(stored["answers"]) == {"place": SHUIJINGFANG, "schools": ["s7"]}


def press(app: AppTest, button: str = "go-next") -> None:
    next(one for one in app.button if str(one.key).startswith(button)).click()
    app.run()
    assert not app.exception, app.exception
