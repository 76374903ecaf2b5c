"""Paper in the console: keyed in by two people, differences settled by who runs the fieldwork; who may see what."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from questionnaires import load_instrument
from survey_app import permissions
from survey_app.console import differences, keying, views
from survey_app.console.visit import Visit
from survey_app.settings import Settings, read_secret
from survey_app.store import (
    Account,
    Case,
    Store,
    Wave,
    instruments,
    invitations,
    open_store,
    paper,
    responses,
    schema,
    waves,
)
from tests.console.test_interviews import DATA, SMALL, Screen

DAY = date.today() - timedelta(days=2)
FIELD = ["interviews", "paper"]
RESULTS = ["overview", "district", "items", "waves", "fieldwork", "downloads"]
SEEN = {
    "administrator": [*RESULTS, *FIELD, "differences", "interviewers"],
    "organiser": [*RESULTS, *FIELD, "differences", "interviewers"],
    "analyst": RESULTS,
    "interviewer": FIELD,
    "nobody": [],
}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    settings = Settings(home=tmp_path, data=DATA, secret=read_secret(tmp_path))
    schema.upgrade(settings)
    with open_store(settings) as opened:
        yield opened


@pytest.fixture
def wave(store: Store) -> Wave:
    instrument = load_instrument(SMALL)
    instruments.publish(store, instrument)
    made = Wave(
        "spring", {"zh": "春季调查", "en": "Spring survey"}, "510100", "nbs", "2023", instrument.id, instrument.version
    )
    waves.create(store, made)
    invitations.draw(store, made, [Case("c01", "east", "east", "psu0", 0.1, 0.02, 500.0, mode="paper")])
    return made


def person(store: Store, wave: Wave, name: str, role: str = "interviewer", language: str = "en") -> Visit:
    return Visit(store.settings, store, Account(name, role, name.title()), language, wave, None)


def key_in(store: Store, wave: Wave, name: str, *, age: str = "41", day: date = DAY) -> Screen:
    """One person keys sheet c01 in from the first screen to the last."""
    screen = Screen(keying, person(store, wave, name))
    screen.test.text_input(key="sheet-number").set_value("c01")
    screen.test.date_input(key="sheet-day").set_value(day)
    screen.test.selectbox(key="sheet-language").set_value("en")
    screen.press("key-in")
    entry = next((one for one in paper.of_sheet(store, wave, "c01") if one.keyer == name), None)
    if entry is None or entry.finished:
        return screen
    prefix = f"paper-spring-c01-{name}-en"
    screen.choose(prefix, consent="yes").press("go-next-consent").choose(prefix, district="east")
    screen.test.text_input(key=f"{prefix}-age").set_value(age)
    return screen.press("go-next-home").press("go-next-words")


def test_a_sheet_keyed_in_twice_alike_counts_once_and_says_so(store: Store, wave: Wave) -> None:
    assert "It counts after another person's entry agrees" in key_in(store, wave, "li").words
    assert list(responses.stream(store, wave)) == []
    assert "Sheet c01 is stored and counts." in key_in(store, wave, "wang").words
    (stored,) = responses.stream(store, wave)
    assert (stored.mode, stored.fieldwork_date, stored.language) == ("paper", DAY, "en")


def test_the_same_person_is_told_that_another_makes_the_second_entry(store: Store, wave: Wave) -> None:
    key_in(store, wave, "li")
    assert "Another person makes the second" in key_in(store, wave, "li").words
    zh = Screen(keying, person(store, wave, "li", language="zh"))
    zh.test.text_input(key="sheet-number").set_value("c01")
    zh.test.date_input(key="sheet-day").set_value(DAY)
    assert "第二次须由另一个人录入" in zh.press("key-in").words


def test_the_second_keyer_begins_with_an_empty_form(store: Store, wave: Wave) -> None:
    key_in(store, wave, "li")
    screen = Screen(keying, person(store, wave, "wang"))
    screen.test.text_input(key="sheet-number").set_value("c01")
    screen.test.date_input(key="sheet-day").set_value(DAY)
    screen.press("key-in")
    assert [radio.value for radio in screen.test.radio] == [None]
    assert "41" not in screen.words


def test_a_sheet_that_was_left_is_gone_on_with_in_a_new_session(store: Store, wave: Wave) -> None:
    screen = Screen(keying, person(store, wave, "li"))
    screen.test.text_input(key="sheet-number").set_value("c01")
    screen.test.date_input(key="sheet-day").set_value(DAY)
    screen.test.selectbox(key="sheet-language").set_value("en")
    screen.press("key-in").choose("paper-spring-c01-li-en", consent="yes").press("go-next-consent")
    again = Screen(keying, person(store, wave, "li"), sheet="c01", keying="home")
    assert again.test.radio(key="paper-spring-c01-li-en-district").value is None
    assert "your unfinished sheets c01" in again.press("leave-sheet").words


def test_another_person_s_open_entry_cannot_be_opened_by_its_address(store: Store, wave: Wave) -> None:
    screen = Screen(keying, person(store, wave, "li"))
    screen.test.text_input(key="sheet-number").set_value("c01")
    screen.test.date_input(key="sheet-day").set_value(DAY)
    screen.press("key-in")
    other = Screen(keying, person(store, wave, "wang"), sheet="c01", keying="home")
    assert not other.test.radio
    assert other.test.text_input(key="sheet-number").value == ""


def test_without_number_or_day_nothing_begins(store: Store, wave: Wave) -> None:
    screen = Screen(keying, person(store, wave, "li")).press("key-in")
    assert "Give the number of the sheet and the day" in screen.words
    assert paper.all_sheets(store, wave) == {}


def test_differences_stand_side_by_side_and_are_settled_with_a_reason_each(store: Store, wave: Wave) -> None:
    key_in(store, wave, "li", age="41")
    said = key_in(store, wave, "wang", age="47", day=DAY + timedelta(days=1)).words
    assert "the two entries differ in 2 places" in said
    chief = Screen(differences, person(store, wave, "chief", "organiser"))
    options = chief.test.radio(key="right-spring-c01-age").options
    assert [option.replace("\\", "") for option in options] == ["li: 41", "wang: 47", "Neither; the paper says:"]
    assert chief.test.button(key="settle").disabled
    chief.test.radio(key="right-spring-c01-fieldwork-date").set_value("second")
    chief.test.selectbox(key="reason-spring-c01-fieldwork-date").set_value("misread")
    chief.test.radio(key="right-spring-c01-age").set_value("other")
    chief.go()
    assert "1 of 2 differences are settled" in chief.words
    chief.test.text_input(key="other-spring-c01-age-age").set_value("44")
    chief.test.selectbox(key="reason-spring-c01-age").set_value("illegible")
    chief.go().press("settle")
    (stored,) = responses.stream(store, wave)
    assert (stored.answers["age"], stored.fieldwork_date) == (44, DAY + timedelta(days=1))
    assert "Sheet c01 is stored and counts." in chief.words
    assert "li 1 3 33.3 33.3" in chief.words


def test_a_settled_value_that_the_form_does_not_take_is_named(store: Store, wave: Wave) -> None:
    key_in(store, wave, "li", age="41")
    key_in(store, wave, "wang", age="47")
    chief = Screen(differences, person(store, wave, "chief", "organiser"))
    chief.test.radio(key="right-spring-c01-age").set_value("other")
    chief.go().test.text_input(key="other-spring-c01-age-age").set_value("7")
    chief.test.selectbox(key="reason-spring-c01-age").set_value("illegible")
    chief.go().press("settle")
    assert "The sheet was not stored: age" in chief.words
    assert list(responses.stream(store, wave)) == []


def test_a_sheet_keyed_in_under_a_wrong_number_is_thrown_away(store: Store, wave: Wave) -> None:
    key_in(store, wave, "li")
    chief = Screen(differences, person(store, wave, "chief", "organiser"))
    chief.test.selectbox(key="discard_sheet").set_value("c01")
    chief.go().press("discard")
    assert paper.all_sheets(store, wave) == {}


@pytest.mark.parametrize("role", list(SEEN))
def test_each_role_is_offered_its_views_and_no_others(role: str) -> None:
    assert [view.path for view in views.offered("en", Account("a", role, "A"))] == SEEN[role]
    assert views.offered("en", Account("a", role, "A", disabled=True)) == []


def test_every_view_asks_for_a_permission_that_is_declared() -> None:
    assert {view.action for view in views.every("en")} <= permissions.ALLOWED.keys()
