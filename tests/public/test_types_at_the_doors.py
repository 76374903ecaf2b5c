"""Every type of level L1 at both doors: drawn, sent, wrong, sent again, stored."""

import json
import re
from datetime import date, time
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from questionnaires import Instrument, load_instrument
from survey_app.public import form
from survey_app.public.visit import new_id
from survey_app.store import Wave, instruments, waves
from tests.public.conftest import Resident, World

TYPES = Path(__file__).parent / "types.yaml"
SCRIPT = str(Path(form.__file__))


@pytest.fixture(scope="module")
def types() -> Instrument:
    return load_instrument(TYPES)


@pytest.fixture
def published(world: World, types: Instrument) -> World:
    instruments.publish(world.doors.store, types)
    given: dict[str, Any] = {"title": {"zh": "题型", "en": "Types"}, "city": "510100", "scheme": "nbs"}
    given |= {"edition": "2023", "instrument_id": types.id, "instrument_version": types.version, "open_link": True}
    waves.create(world.doors.store, Wave(slug="types", presets={}, **given))
    return world


RIGHT: dict[str, dict[str, Any]] = {
    "numbers": {
        "born": "１９５６年３月５日",
        "likely": "4",
        "percent": "35",
        "began_at": "08:30",
        "met_at": "2026-05-01T19:00",
        "plain": "李<b>",
    },
    "order": {"order": ["2:roads", "1:parks", "3:schools"]},
    "why": {"why": "近"},
    "matrix": {"m_roads": "good", "m_parks": "poor"},
    "other": {"topics": ["roads", "other"]},
    "topics_other": {"topics_other": "桥"},
    "last": {"read": "OK", "fixed": "改了"},
}
STORED = {
    "began": "",
    "born": "1956-03-05",
    "likely": 4,
    "percent": 35,
    "began_at": "08:30",
    "met_at": "2026-05-01T19:00",
    "plain": "李<b>",
    "order": ["parks", "roads", "schools"],
    "why": "近",
    "m_roads": "good",
    "m_parks": "poor",
    "topics": ["roads", "other"],
    "topics_other": "桥",
    "fixed": "不能改",
    "read": "OK",
}


def walk(resident: Resident) -> Resident:
    resident.open("/s/types")
    while "/done" not in resident.url:
        resident.press(**RIGHT[resident.page])
        assert resident.status == 200, resident.html
    return resident


def test_every_type_is_stored_clean_from_the_plain_door(resident: Resident, published: World) -> None:
    walk(resident)
    (stored,) = published.rows("response")
    answers = json.loads(stored["answers"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", answers["began"])
    assert answers | {"began": ""} == STORED


def test_a_day_however_written_is_kept_in_the_one_form_that_every_door_shows(
    resident: Resident, published: World
) -> None:
    resident.open("/s/types").press(born="1956.3.5", began_at="8：05", met_at="2026年5月1日 8:30")
    written = {"born": "1956-03-05", "began_at": "08:05", "met_at": "2026-05-01T08:30"}
    (draft,) = published.rows("draft")
    assert json.loads(draft["answers"]) == written
    assert json.loads(resident.fields()["copy"]) == written
    resident.press("back")
    assert 'name="born" value="1956-03-05"' in resident.html
    resident.press(born="5.3.1956")
    assert resident.status == 422
    assert 'name="born" value="5.3.1956"' in resident.html


def test_a_place_given_twice_is_named_and_what_was_chosen_stays(resident: Resident, published: World) -> None:
    resident.open("/s/types").press(**RIGHT["numbers"])
    resident.press(order=["1:roads", "1:parks", "3:schools"])
    assert resident.status == 422
    assert "第 1 位给了不止一项" in resident.html
    for value in ("1:roads", "1:parks", "3:schools"):
        assert f'<option value="{value}" selected>' in resident.html


def test_a_range_is_numbers_to_tap_or_a_field_and_never_a_slider(resident: Resident, published: World) -> None:
    html = resident.open("/s/types").html
    assert len(re.findall(r'type="radio" name="likely"', html)) == 6
    assert " checked" not in html
    assert re.search(r'name="percent" value=""[^>]* inputmode="numeric"', html)
    assert "从0到100" in html
    assert 'type="range"' not in html
    resident.press(likely="7", percent="101")
    assert resident.html.count("请填 0 到 5 之间的整数") == 2
    assert "请从这些数里选一个来填：0、5、10……100。" in resident.html


def test_the_kinds_of_fields_and_the_guidance_on_demand(resident: Resident, published: World) -> None:
    html = resident.open("/s/types").html
    assert 'name="began_at" value="" autocomplete="off" type="time"' in html
    assert 'type="datetime-local"' in html
    assert re.search(r"<details[^>]*><summary>这道题的说明</summary>可以写小名。</details>", html)


def test_a_label_tells_the_answer_escaped(resident: Resident, published: World) -> None:
    resident.open("/s/types").press(**RIGHT["numbers"])
    assert "李&lt;b&gt;，请排个顺序" in resident.html
    assert "<b>，" not in resident.html


def test_a_matrix_is_a_table_whose_rows_are_named(resident: Resident, published: World) -> None:
    resident.open("/s/types").press(**RIGHT["numbers"]).press(**RIGHT["order"]).press(**RIGHT["why"])
    assert resident.page == "matrix"
    assert len(re.findall(r'<th scope="col"', resident.html)) == 2
    assert len(re.findall(r'<th scope="row"', resident.html)) == 2
    assert 'aria-label="路面？ 好"' in resident.html
    resident.press()
    assert resident.status == 422
    assert '<tr role="row" class="bad" id="item-m_roads">' in resident.html
    assert '<a href="#m_roads">' in resident.html and 'id="m_roads"' in resident.html


def test_what_is_read_only_is_told_and_takes_no_answer(resident: Resident, published: World) -> None:
    walk(resident)
    action, fields = resident.sent[-1]
    assert action.partition("?")[0].endswith("/last")
    assert fields["fixed"] == "改了"  # by hand; the page has no such field
    (stored,) = published.rows("response")
    assert json.loads(stored["answers"])["fixed"] == "不能改"


def test_both_languages_have_every_word(resident: Resident, published: World) -> None:
    resident.open("/s/types?lang=en").press(**RIGHT["numbers"])
    assert "Choose its place" in resident.html
    assert "Place 3" in resident.html


def test_every_type_is_stored_clean_from_the_streamlit_door(published: World) -> None:
    visit = new_id()
    app = AppTest.from_file(SCRIPT, default_timeout=60)
    app.query_params.update({"s": "types", "r": visit, "lang": "zh"})
    app.run()
    key = f"{visit}-zh-"
    app.date_input(key=f"{key}born").set_value(date(1956, 3, 5))
    app.radio(key=f"{key}likely").set_value("4")
    app.text_input(key=f"{key}percent").set_value("35")
    app.time_input(key=f"{key}began_at").set_value(time(8, 30))
    app.text_input(key=f"{key}met_at").set_value("2026-05-01 19:00")
    app.text_input(key=f"{key}plain").set_value("李<b>")
    press(app)
    for name, place in {"roads": 2, "parks": 1, "schools": 3}.items():
        app.selectbox(key=f"{key}order-{name}").set_value(f"{place}:{name}")
    press(app)
    app.text_area(key=f"{key}why").set_value("近")
    press(app)
    app.radio(key=f"{key}m_roads").set_value("good")
    app.radio(key=f"{key}m_parks").set_value("poor")
    press(app)
    app.checkbox(key=f"{key}topics-roads").set_value(True)
    app.checkbox(key=f"{key}topics-other").set_value(True)
    press(app)
    app.text_input(key=f"{key}topics_other").set_value("桥")
    press(app)
    assert "不能改" in "\n".join(str(element.value) for element in app.markdown)
    app.checkbox(key=f"{key}read").set_value(True)
    press(app)
    (stored,) = published.rows("response")
    assert json.loads(stored["answers"]) | {"began": ""} == STORED


def test_the_first_page_has_the_form_s_title_and_its_own_heading(resident: Resident, published: World) -> None:
    html = resident.open("/s/types").html
    assert "<h1>题型</h1>" in html
    assert "<h2>数字和时间</h2>" in html
    app = AppTest.from_file(SCRIPT, default_timeout=60)
    app.query_params.update({"s": "types", "r": new_id(), "lang": "zh"})
    app.run()
    assert ([each.value for each in app.title], [each.value for each in app.subheader]) == (["题型"], ["数字和时间"])


def press(app: AppTest) -> None:
    next(button for button in app.button if str(button.key).startswith("go-next-")).click()
    app.run()
    assert not app.exception, app.exception
    assert not app.error, [error.value for error in app.error]
