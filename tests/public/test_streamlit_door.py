"""The Streamlit door's script: the same pages, drafts and outcomes as the plain door."""

import json
import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from survey_app.public import doors, form
from survey_app.public.visit import new_id
from tests.public.conftest import SCREENING, SHUIJINGFANG, Resident, World

SCRIPT = str(Path(form.__file__))


class Desk:
    """A resident at the Streamlit form."""

    def __init__(self, slug: str, visit: str, language: str = "zh") -> None:
        self.visit, self.language = visit, language
        self.app = AppTest.from_file(SCRIPT, default_timeout=60)
        self.app.query_params.update({"s": slug, "r": visit, "lang": language})
        self.run()

    def run(self) -> "Desk":
        self.app.run()
        assert not self.app.exception, self.app.exception
        return self

    @property
    def page(self) -> str:
        return self._query("p")

    def _query(self, name: str) -> str:
        value = self.app.query_params.get(name, "")
        return value[0] if isinstance(value, list) else value

    @property
    def ending(self) -> str:
        return self._query("end")

    @property
    def words(self) -> str:
        shown = [*self.app.title, *self.app.markdown, *self.app.error, *self.app.caption]
        shown += self.app.get("html")
        return "\n".join(str(element.value) for element in shown)

    def choose(self, **answers: str) -> "Desk":
        for name, value in answers.items():
            self.app.radio(key=f"{self.visit}-{self.language}-{name}").set_value(value)
        return self

    def press(self, button: str = "go-next") -> "Desk":
        self.app.button(key=button if button == "go-search" else f"{button}-{self.page}").click()
        return self.run()

    def until_last_page(self) -> "Desk":
        self.choose(consent="yes").press().choose(**SCREENING).press()
        self.app.text_input(key="find").set_value("水井坊")
        self.press("go-search").choose(**{"found-community": SHUIJINGFANG}).press()
        while self.page != "about_you":
            self.press()
        return self


@pytest.fixture
def desk(world: World) -> Desk:
    return Desk("open", new_id())


def test_a_whole_form_is_stored_once_and_shows_its_receipt(desk: Desk, world: World) -> None:
    desk.until_last_page().choose(D1="female").press()
    assert desk.ending == "complete"
    (row,) = world.rows("response")
    assert (row["door"], row["id"]) == ("streamlit", desk.visit)
    assert json.loads(row["answers"])["D5_community"] == SHUIJINGFANG
    assert world.rows("draft") == []
    assert re.search(r">[A-Z2-7]{5}(-[A-Z2-7]{5}){3}<", desk.words)


def test_looking_writes_nothing_and_nothing_is_preselected(desk: Desk, world: World) -> None:
    assert world.rows("draft") == []
    assert [radio.value for radio in desk.app.radio] == [None]
    assert not desk.app.slider


def test_a_page_with_problems_says_so_beside_its_item_and_writes_nothing(desk: Desk, world: World) -> None:
    desk.press()
    assert any("请告诉我们您是否愿意参加" in error.value for error in desk.app.error)
    assert world.rows("draft") == []


def test_back_and_language_keep_what_was_chosen(desk: Desk) -> None:
    desk.choose(consent="yes").press().choose(S1="yes").press("go-language")
    desk.language = "en"
    assert "Three things first" in desk.words
    assert desk.app.radio(key=f"{desk.visit}-en-S1").value == "yes"
    desk.press("go-back")
    assert desk.app.radio(key=f"{desk.visit}-en-consent").value == "yes"


def test_the_draft_goes_from_door_to_door(resident: Resident) -> None:
    resident.open("/s/open").press(consent="yes").press("back", S1="yes").press()
    desk = Desk("open", resident.id)
    assert desk.app.radio(key=f"{resident.id}-zh-S1").value == "yes"
    desk.choose(S2="yes", S3="no").press()
    resident.open(f"/s/open/{resident.id}/")
    assert resident.page == "address"


def test_a_new_session_takes_up_the_form_where_it_was(desk: Desk) -> None:
    desk.choose(consent="yes").press().choose(**SCREENING).press()
    again = Desk("open", desk.visit)
    assert "您住在哪里" in again.words


def test_levels_of_the_address_open_one_below_the_other(desk: Desk, world: World) -> None:
    desk.choose(consent="yes").press().choose(**SCREENING).press()
    desk.app.selectbox(key=f"{desk.visit}-zh-D5_district").set_value("510104")
    desk.press()
    streets = desk.app.selectbox(key=f"{desk.visit}-zh-D5_street").options
    assert any("锦官驿" in street for street in streets)
    assert not any("草市" in street for street in streets)


@pytest.mark.parametrize(
    ("consent", "screening", "ending"), [("no", {}, "refused"), ("yes", {**SCREENING, "S1": "no"}, "not_eligible")]
)
def test_early_endings_thank_and_are_counted(
    desk: Desk, world: World, consent: str, screening: dict[str, str], ending: str
) -> None:
    desk.choose(consent=consent).press()
    if screening:
        desk.choose(**screening).press()
    assert desk.ending == ending
    assert [row["disposition"] for row in world.rows("response")] == [ending]


def test_the_same_last_press_from_a_second_tab_is_one_row(desk: Desk, world: World) -> None:
    desk.until_last_page()
    other = Desk("open", desk.visit)
    for each in (desk, other):
        each.choose(D1="male").press()
        assert each.ending == "complete"
    assert len(world.rows("response")) == 1


def test_another_body_under_a_sent_id_is_a_conflict(desk: Desk, world: World) -> None:
    desk.until_last_page()
    other = Desk("open", desk.visit)
    desk.choose(D1="male").press()
    other.choose(D1="female").press()
    assert "已经提交过了" in other.words
    assert len(world.rows("response")) == 1


def test_a_new_session_of_a_sent_form_is_thanked(desk: Desk) -> None:
    desk.until_last_page().press()
    again = Desk("open", desk.visit)
    assert "您的回答已经收到" in again.words
    assert not re.search(r">[A-Z2-7]{5}(-[A-Z2-7]{5}){3}<", again.words)


def test_the_browsers_back_after_sending_leads_to_the_thanks_with_the_receipt(desk: Desk) -> None:
    """An empty last page would look as if everything had been lost."""
    desk.until_last_page().press()
    del desk.app.query_params["end"]
    desk.run()
    assert "您的回答已经收到" in desk.words
    assert re.search(r">[A-Z2-7]{5}(-[A-Z2-7]{5}){3}<", desk.words)


@pytest.mark.parametrize(("slug", "words"), [("closed", "已经结束"), ("nowhere", "没有问卷"), ("invited", "凭邀请")])
def test_an_address_that_cannot_be_answered_says_why(world: World, slug: str, words: str) -> None:
    assert words in Desk(slug, new_id()).words


def test_labels_of_an_instrument_are_shown_as_text() -> None:
    from survey_app.pages.widgets import as_text

    assert as_text("![x](http://evil) **b** :red[c] $d$") == (
        "\\!\\[x\\]\\(http\\://evil\\) \\*\\*b\\*\\* \\:red\\[c\\] \\$d\\$"
    )
    assert doors.current() is not None
