"""Interviews by telephone and face to face in the console: the list, the case, the pages, what is recorded."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from html import unescape
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from questionnaires import load_instrument
from survey_app import submission
from survey_app.console import call_list as list_view
from survey_app.console import interviewers as progress_view
from survey_app.console.visit import Visit
from survey_app.settings import Settings, read_secret
from survey_app.store import (
    Account,
    Case,
    Store,
    Wave,
    accounts,
    attempts,
    call_list,
    contacts,
    drafts,
    instruments,
    invitations,
    open_store,
    responses,
    schema,
    waves,
)

KEPT = r"Person f1|555-f1|AAPOR|Li|Wang|east|psu0|f1|English|li|wang"
TOLD = ("title", "markdown", "caption", "error", "success", "info", "warning")
SMALL = Path(__file__).resolve().parents[1] / "store" / "small.yaml"
DATA = Path(__file__).resolve().parents[2] / "data"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = Settings(home=tmp_path, data=DATA, secret=read_secret(tmp_path))
    schema.upgrade(made)
    return made


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    with open_store(settings) as opened:
        yield opened


@pytest.fixture
def wave(store: Store, settings: Settings) -> Wave:
    """Two cases to be called, one to be visited, with contact data, and three accounts."""
    instrument = load_instrument(SMALL)
    instruments.publish(store, instrument)
    made = Wave(
        "spring", {"zh": "春季调查", "en": "Spring survey"}, "510100", "nbs", "2023", instrument.id, instrument.version,
        presets={"city": "510100"},
    )  # fmt: skip
    waves.create(store, made)
    design = ("east", "east", "psu0", 0.1, 0.02, 500.0)
    invitations.draw(store, made, [Case("p1", *design, mode="phone"), Case("p2", *design, mode="phone")])
    invitations.draw(store, made, [Case("f1", *design, mode="face_to_face")])
    for name in ("li", "wang"):
        accounts.create(store, name, "long enough", role="interviewer", display_name=name.title())
    with contacts.open_contacts(settings) as opened:
        keep = date.today() + timedelta(days=90)
        people = [
            contacts.Contact(case, keep, name=f"Person {case}", phone=f"555-{case}") for case in ("p1", "p2", "f1")
        ]
        contacts.load(opened, made, people)
    return made


@pytest.fixture
def li(store: Store, settings: Settings, wave: Wave) -> Visit:
    return Visit(settings, store, Account("li", "interviewer", "Li"), "en", wave, None)


def run(view, what):
    view.show(what)


class Screen:
    """A person at a view of the console."""

    def __init__(self, view, visit: Visit, **query: str) -> None:
        self.test = AppTest.from_function(run, args=(view, visit), default_timeout=60)
        self.test.query_params.update(query)
        self.go()

    def go(self) -> Screen:
        self.test.run()
        assert not self.test.exception, self.test.exception
        return self

    @property
    def words(self) -> str:
        """What a reader sees, tags and Streamlit's colours removed."""
        body = " ".join(element.proto.body for element in self.test.get("html"))
        plain = re.sub(r"<(style|script)>.*?</\1>|<[^>]+>", " ", body, flags=re.DOTALL)
        told = [element for kind in TOLD for element in self.test.get(kind)]
        words = [*unescape(plain).split(), *(str(each.value).replace(":gray-badge", "") for each in told)]
        return " ".join(words)

    def press(self, key: str) -> Screen:
        self.test.button(key=key).click()
        return self.go()

    def choose(self, prefix: str, **answers: str) -> Screen:
        for name, value in answers.items():
            self.test.radio(key=f"{prefix}-{name}").set_value(value)
        return self


def draft_id(store: Store, wave: Wave, case: str) -> str:
    return store.read(lambda connection: drafts.of_case(connection, wave.slug, case))["id"]


def taken(li: Visit, mode: str) -> Screen:
    """A screen with a case of that mode in hand."""
    screen = Screen(list_view, li)
    screen.test.get_by_key("case_mode").set_value(mode)
    return screen.go().press("next-case")


def test_the_list_names_no_person_and_no_case_before_one_is_taken(li: Visit) -> None:
    words = Screen(list_view, li).words
    assert "to try now 3" in words
    assert "Person" not in words
    assert not re.search(r"\b[pf][12]\b", words)


def test_the_next_case_shows_who_it_is_and_which_attempt(li: Visit, store: Store, wave: Wave) -> None:
    screen = taken(li, "face_to_face")
    assert "Case f1" in screen.words
    assert "attempt 1 of 6" in screen.words
    assert "Person f1" in screen.words
    assert "555-f1" in screen.words
    assert call_list.held(store, wave, "li")["case"] == "f1"


def test_another_interviewer_sees_neither_the_case_in_hand_nor_its_person(li: Visit, store: Store, wave: Wave) -> None:
    taken(li, "face_to_face")
    wang = Screen(list_view, Visit(li.settings, store, Account("wang", "interviewer", "Wang"), "en", wave, None))
    assert "to try now 2" in wang.words
    assert "f1" not in wang.words


def test_a_whole_interview_by_telephone_is_saved_page_by_page_and_stored_once(
    li: Visit, store: Store, wave: Wave
) -> None:
    screen = taken(li, "phone")
    case = call_list.held(store, wave, "li")["case"]
    screen.press("begin")
    assert "Read aloud:" in screen.words
    id = draft_id(store, wave, case)
    screen.choose(f"{id}-en", consent="yes").press("go-next-consent")
    assert drafts.get(store, wave, id).answers == {"consent": "yes"}
    screen.choose(f"{id}-en", district="west")
    screen.test.text_input(key=f"{id}-en-age").set_value("41")
    screen.press("go-next-home").press("go-next-words")
    assert "recorded as complete (1.1)" in screen.words
    (stored,) = responses.stream(store, wave)
    assert (stored.mode, stored.interviewer, stored.language, stored.door, stored.present) == (
        "phone", "li", "en", "console", None,
    )  # fmt: skip
    assert stored.answers["age"] == 41
    assert [one.code for one in attempts.of_case(store, wave, case)] == ["1.1"]
    assert "to try now 2" in screen.press("go-on").words


def test_a_face_to_face_interview_asks_at_the_end_who_was_present(li: Visit, store: Store, wave: Wave) -> None:
    screen = taken(li, "face_to_face").press("begin")
    id = draft_id(store, wave, "f1")
    screen.choose(f"{id}-en", consent="yes").press("go-next-consent").choose(f"{id}-en", district="west")
    screen.press("go-next-home").press("go-next-words")
    assert "Who was present?" in screen.words
    assert list(responses.stream(store, wave)) == []
    assert "Say who was present" in screen.press("hand-in").words
    for code in ("family", "official"):
        screen.test.checkbox(key=f"present-{code}-f1").check()
    screen.press("hand-in")
    (stored,) = responses.stream(store, wave)
    assert (stored.mode, stored.present) == ("face_to_face", "family official")


def test_a_new_session_goes_on_at_the_page_in_the_address(li: Visit, store: Store, wave: Wave) -> None:
    screen = taken(li, "phone").press("begin")
    case = call_list.held(store, wave, "li")["case"]
    id = draft_id(store, wave, case)
    screen.choose(f"{id}-en", consent="yes").press("go-next-consent")
    again = Screen(list_view, li, asking="home")
    assert again.test.radio(key=f"{id}-en-district").value is None
    without = Screen(list_view, li)
    assert "Go on with the interview" in [button.label for button in without.test.button]
    assert without.press("begin").test.radio(key=f"{id}-en-district").value is None


def lose(li: Visit, wave: Wave) -> str:
    """The case that li has in hand, from now on wang's."""
    case = call_list.held(li.store, wave, "li")["case"]
    late = datetime.now() + timedelta(days=1)
    while call_list.held(li.store, wave, "li"):
        call_list.take_next(li.store, wave, "wang", now=late)
        taken_case = call_list.held(li.store, wave, "wang")["case"]
        if taken_case != case:
            attempts.record(li.store, wave, taken_case, attempts.Result("2.31"), by="wang", now=late)
    return str(case)


def test_a_page_whose_case_went_into_other_hands_stays_with_its_words_and_stores_nothing(
    li: Visit, store: Store, wave: Wave
) -> None:
    screen = taken(li, "phone").press("begin")
    id = draft_id(store, wave, call_list.held(store, wave, "li")["case"])
    screen.choose(f"{id}-en", consent="yes").press("go-next-consent")
    lose(li, wave)
    screen.test.text_input(key=f"{id}-en-age").set_value("41")
    screen.choose(f"{id}-en", district="west").press("go-next-home")
    for words in (screen.words, screen.press("go-next-home").words):
        assert "not in your hands any more" in words
        assert "What was typed on this page was not stored" in words
        assert screen.test.text_input(key=f"{id}-en-age").value == "41"
    assert drafts.get(store, wave, id).answers == {"consent": "yes"}
    assert "to try now" in screen.press("go-on-lost").words


def test_a_page_of_a_person_who_has_answered_meanwhile_says_so(li: Visit, store: Store, wave: Wave) -> None:
    screen = taken(li, "phone").press("begin")
    case = call_list.held(store, wave, "li")["case"]
    id = draft_id(store, wave, case)
    screen.choose(f"{id}-en", consent="yes")
    submission.submit(store, wave, submission.Submission(id, {"consent": "no"}))
    assert "has answered meanwhile" in screen.press("go-next-consent").words
    assert screen.test.radio(key=f"{id}-en-consent").value == "yes"


def test_what_stands_in_one_window_is_never_done_to_the_case_that_was_taken_in_another(
    li: Visit, store: Store, wave: Wave
) -> None:
    first = taken(li, "phone")
    case = call_list.held(store, wave, "li")["case"]
    Screen(list_view, li).press("put-back")
    other = taken(li, "face_to_face")
    assert "Case f1" in other.words
    first.test.text_area(key=f"note-spring-{case}").set_value("only in the evening")
    first.press("begin")
    assert "not in your hands any more" in first.words
    assert [area.value for area in first.test.text_area] == ["only in the evening"]
    assert store.read(lambda connection: drafts.of_case(connection, "spring", "f1")) is None
    assert "Case f1" in first.press("go-on-lost").words
    assert call_list.held(store, wave, "li")["case"] == "f1"


def test_what_a_resident_typed_by_the_link_is_not_shown_and_said_to_be_there(
    li: Visit, store: Store, wave: Wave
) -> None:
    screen = taken(li, "face_to_face")
    (token,) = invitations.mint(store, wave, ["f1"])
    own = submission.open_invitation(store, wave, token)
    submission.save_draft(store, wave, own.id, "consent", {"consent": "yes"}, language="en")
    assert "What was typed there is not shown to you" in screen.go().words
    screen.press("begin")
    id = draft_id(store, wave, "f1")
    assert id != own.id
    assert screen.test.radio(key=f"{id}-en-consent").value is None


def test_the_language_of_the_interview_is_its_own(li: Visit, store: Store, wave: Wave) -> None:
    screen = taken(li, "phone").press("begin")
    id = draft_id(store, wave, call_list.held(store, wave, "li")["case"])
    screen.press("go-language-zh")
    assert "您愿意参加吗" in screen.words
    screen.choose(f"{id}-zh", consent="no").press("go-next-consent")
    assert "The refusal is stored" in screen.words
    (stored,) = responses.stream(store, wave)
    assert (stored.language, stored.disposition) == ("zh", "refused")
    assert attempts.groups(store, wave)["R"] == 1


def test_breaking_off_records_the_result_keeps_the_draft_and_frees_the_case(
    li: Visit, store: Store, wave: Wave
) -> None:
    screen = taken(li, "face_to_face").press("begin")
    id = draft_id(store, wave, "f1")
    screen.choose(f"{id}-en", consent="yes").press("go-next-consent")
    screen.test.selectbox(key="code-spring-f1").set_value("2.12")
    screen.go().press("record")
    assert [one.code for one in attempts.of_case(store, wave, "f1")] == ["2.12"]
    assert drafts.get(store, wave, id).answers == {"consent": "yes"}
    assert call_list.held(store, wave, "li") is None
    assert "to try now 2" in screen.words


def test_a_result_with_an_agreed_time_is_kept_and_told_to_its_interviewer(li: Visit, store: Store, wave: Wave) -> None:
    screen = taken(li, "face_to_face")
    screen.test.selectbox(key="code-spring-f1").set_value("2.25")
    screen.go().test.checkbox(key="agreed-spring-f1").check()
    screen.go().test.text_area(key="note-spring-f1").set_value("after work")
    screen.press("record")
    (attempt,) = attempts.of_case(store, wave, "f1")
    assert (attempt.code, attempt.note) == ("2.25", "after work")
    assert attempt.callback_until - attempt.callback_from == 2 * 3600
    assert "f1 face to face east 1 Not available now; come again" in screen.words
    assert "18:00–20:00" in screen.words


def test_a_time_that_went_by_at_midnight_is_refused_and_not_moved_to_another_day(
    li: Visit, store: Store, wave: Wave, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = datetime.combine(date.today() + timedelta(days=1), time(23, 58))

    class Clock(datetime):
        @classmethod
        def now(cls, tz=None):
            return at

    monkeypatch.setattr(list_view, "datetime", Clock)
    screen = taken(li, "face_to_face")
    screen.test.selectbox(key="code-spring-f1").set_value("2.25")
    screen.go().test.checkbox(key="agreed-spring-f1").check()
    screen.go().test.date_input(key="day-spring-f1").set_value(at.date())
    screen.test.time_input(key="until-spring-f1").set_value(time(23, 59))
    screen.go()
    at += timedelta(minutes=5)
    assert "not in the past" in screen.press("record").words
    assert attempts.of_case(store, wave, "f1") == []


def test_nothing_is_recorded_without_a_result_and_a_case_can_be_put_back(li: Visit, store: Store, wave: Wave) -> None:
    screen = taken(li, "face_to_face")
    assert screen.test.button(key="record").disabled
    screen.press("put-back")
    assert attempts.of_case(store, wave, "f1") == []
    assert call_list.held(store, wave, "li") is None


def test_the_next_case_does_not_open_at_once_because_the_last_interview_did(
    li: Visit, store: Store, wave: Wave
) -> None:
    screen = taken(li, "phone").press("begin")
    case = call_list.held(store, wave, "li")["case"]
    screen.test.selectbox(key=f"code-spring-{case}").set_value("2.11")
    screen.go().press("record").press("next-case")
    assert "Begin the interview" in [button.label for button in screen.test.button]


def test_who_runs_the_fieldwork_assigns_and_takes_back(li: Visit, store: Store, wave: Wave) -> None:
    chief = Visit(li.settings, store, Account("chief", "organiser", "Chief"), "en", wave, None)
    screen = Screen(progress_view, chief)
    screen.test.number_input(key="assign_count").set_value(1)
    screen.press("assign-0")
    assert [each.key for each in screen.test.button if str(each.key).startswith("assign")] == ["assign-1"]
    assert "1 cases are assigned to Li." in screen.words
    assert [each.interviewer for each in call_list.open_cases(store, wave, now=datetime.now())].count("li") == 1
    screen.press("take-back")
    assert "1 cases of Li are back on the list." in screen.words
    assert "Person p" not in screen.words


def test_in_chinese_every_word_of_the_views_is_chinese(li: Visit, store: Store, wave: Wave) -> None:
    zh = Visit(li.settings, store, li.account, "zh", wave, None)
    screen = taken(zh, "face_to_face")
    for words in (screen.words, screen.press("begin").words, Screen(progress_view, zh).words):
        rest = re.sub(KEPT, "", words)
        assert not re.search(r"[A-Za-z]{3,}", rest), re.findall(r"[A-Za-z]{3,}", rest)
