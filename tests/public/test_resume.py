"""Going on with a form on another device, by its short code, at both doors; a full quota and a loop at both."""

import re
from datetime import date, timedelta

import pytest
import time_machine
from starlette.testclient import TestClient

from survey_app import submission
from survey_app.http.throttle import Flow, Limits, PostBrake, PostLimits, Throttle
from survey_app.public.visit import new_id
from survey_app.store import quotas
from survey_app.store.quotas import Quota
from tests.public.conftest import SCREENING, SHUIJINGFANG, Resident, World
from tests.public.test_streamlit_door import Desk

CODE = re.compile(r'class="receipt large">([0-9A-Z]{4}-[0-9A-Z]{4})<')


def code_of(resident: Resident) -> str:
    found = CODE.search(resident.html)
    assert found, resident.html
    return found[1]


@pytest.fixture
def other(client: TestClient) -> Resident:
    """The other device."""
    return Resident(client)


def enter(device: Resident, code: str, slug: str = "open") -> Resident:
    return device.open(f"/s/{slug}/resume").press("", code=code)


def test_every_page_offers_a_code_and_the_code_leads_to_the_same_draft(
    resident: Resident, other: Resident, world: World
) -> None:
    resident.open("/s/open").press(consent="yes")
    page = resident.page
    resident.press("device", S1="yes")
    assert resident.url.endswith("/other-device")
    enter(other, code_of(resident).lower().replace("-", " "))
    assert (other.id, other.page) == (resident.url.split("/")[5], page)
    assert 'name="S1" value="yes" id="S1" checked' in other.html
    assert len(world.rows("draft")) == 1


def test_a_code_may_be_asked_for_on_the_very_first_page(resident: Resident, other: Resident) -> None:
    resident.open("/s/open").press("device")
    assert enter(other, code_of(resident)).page == "consent"


def test_a_page_that_was_left_half_answered_is_the_one_to_go_on_with(resident: Resident, other: Resident) -> None:
    resident.open("/s/open").press(consent="yes").press(**SCREENING).press(**{"found-community": SHUIJINGFANG})
    page = resident.page
    enter(other, code_of(resident.press("device")))
    assert other.page == page  # though nothing on it is required


def test_the_page_with_the_code_can_be_opened_again_and_without_a_code_leads_to_the_form(resident: Resident) -> None:
    resident.open("/s/open").press("device", consent="yes")
    code = code_of(resident)
    assert code_of(resident.open(resident.url)) == code
    fresh = Resident(resident.client).open("/s/open").press(consent="yes")
    fresh.open(f"/s/open/{fresh.id}/other-device")
    assert fresh.page == "screening"


def test_a_wrong_code_gets_one_sentence_whatever_is_wrong_with_it(
    resident: Resident, other: Resident, world: World
) -> None:
    resident.open("/s/open").press("device", consent="yes")
    code = code_of(resident)
    pages = [enter(other, wrong) for wrong in ("0000-0000", "x", "", code[:-1])]
    sentences = {re.search(r'id="code-problem"[^>]*>([^<]+)<', page.html)[1] for page in pages}  # type: ignore[index]
    assert len(sentences) == 1
    with time_machine.travel(date.today() + timedelta(days=8)):
        assert enter(other, code).status == 422
    assert len(world.rows("draft")) == 1


def test_guesses_are_limited_for_a_client_and_for_a_wave_and_leave_no_address(
    resident: Resident, other: Resident, world: World
) -> None:
    resident.open("/s/open").press("device", consent="yes")
    code = code_of(resident)
    object.__setattr__(world.doors, "codes", Throttle(Limits(pair=5, address=5, name=8)))
    assert [enter(other, f"0000-000{number}").status for number in range(6)] == [422] * 5 + [429]
    assert "一刻钟" in other.html
    assert int(other.client.post("/s/open/resume", data={"code": "x"}).headers["retry-after"]) > 0
    assert enter(other, code).status == 429  # who guesses does not get in by the right one either
    assert world.doors.codes.wait("open", "198.51.100.0/24") == 0
    for number in range(3):
        world.doors.codes.failed("open", f"10.{number}.0.0/24")
    assert world.doors.codes.wait("open", "198.51.100.0/24") > 0
    for table in ("draft", "audit", "tally"):
        assert "testclient" not in str(world.rows(table))


def test_a_code_sent_from_another_site_is_refused(client: TestClient) -> None:
    answer = client.post("/s/open/resume", data={"code": "x"}, headers={"origin": "https://evil.example"})
    assert answer.status_code == 403


def test_two_devices_merge_their_pages_and_the_last_submission_wins_once(
    resident: Resident, other: Resident, world: World
) -> None:
    resident.open("/s/open").until_last_page().press("device", D1="female")
    enter(other, code_of(resident))
    assert other.page == "about_you"
    resident.open(other.url).press(D1="female")
    assert "/done" in resident.url
    other.press(D1="male")
    assert other.status == 409
    assert "已经提交过了" in other.html
    same = Resident(other.client).open(resident.url)
    assert same.status == 200
    assert len(world.rows("response")) == 1
    assert enter(Resident(other.client), "0000-0000").status == 422


def test_the_code_dies_with_the_form(resident: Resident, other: Resident) -> None:
    resident.open("/s/open").until_last_page().press("device")
    code = code_of(resident)
    resident.open(re.search(r'class="button" href="([^"]+)"', resident.html)[1].replace("&amp;", "&")).press()  # type: ignore[index]
    assert "/done" in resident.url
    assert enter(other, code).status == 422


def test_an_invited_resident_without_the_link_at_hand_is_shown_the_way(resident: Resident, world: World) -> None:
    resident.open(f"/s/invited?t={world.tokens[0]}").press("device", consent="yes")
    code = code_of(resident)
    lost = Resident(resident.client).open("/s/invited")
    assert lost.status == 403 and "/s/invited/resume" in lost.html
    assert enter(lost, code, "invited").id == resident.url.split("/")[5]


@pytest.mark.parametrize("slug", ["closed", "later", "nowhere"])
def test_a_wave_that_takes_no_answers_takes_no_code(client: TestClient, slug: str) -> None:
    assert client.get(f"/s/{slug}/resume").status_code >= 400
    assert 'class="field code"' not in client.get(f"/s/{slug}/resume").text


def test_a_full_quota_is_told_courteously_and_keeps_nothing(resident: Resident, world: World) -> None:
    quotas.set_caps(world.doors.store, "open", [Quota("510104", {"district": "510104"}, 0)])
    resident.open("/s/open").press(consent="yes").press(**SCREENING).press(**{"found-community": "510104017001"})
    assert resident.status == 410
    assert "人数已经够了" in resident.html and "没有保存任何内容" in resident.html
    assert world.rows("draft") == world.rows("response") == []


def test_both_doors_give_and_take_codes(resident: Resident, world: World) -> None:
    resident.open("/s/open").press(consent="yes").press("device", S1="yes")
    desk = Desk("open", new_id())
    desk.app.text_input(key="resume-code").set_value("0000 0000")
    desk.app.button(key="go-resume").click()
    assert "逐个字母核对" in desk.run().words
    desk.app.text_input(key="resume-code").set_value(code_of(resident).lower())
    desk.app.button(key="go-resume").click()
    assert desk.run().page == "screening"
    assert desk.app.radio(key=f"{resident.url.split('/')[5]}-zh-S1").value == "yes"


def test_the_streamlit_door_saves_the_page_and_shows_the_code_until_the_next_button(world: World) -> None:
    desk = Desk("open", new_id()).choose(consent="yes").press().choose(S1="yes")
    desk.press("go-device")
    code = re.search(r'sandu-large">([0-9A-Z]{4}-[0-9A-Z]{4})<', desk.words)
    assert code and "/s/open/resume" in desk.words
    assert submission.resume(world.doors.store, "open", code[1]) == desk.visit
    assert code[1] not in desk.choose(**SCREENING).press().words


def test_a_full_quota_is_told_at_the_streamlit_door_too(world: World) -> None:
    quotas.set_caps(world.doors.store, "open", [Quota("510104", {"district": "510104"}, 0)])
    desk = Desk("open", new_id()).choose(consent="yes").press().choose(**SCREENING).press()
    desk.app.text_input(key="find").set_value("水井坊")
    desk.press("go-search").choose(**{"found-community": SHUIJINGFANG}).press()
    assert "人数已经够了" in desk.words
    assert world.rows("draft") == world.rows("response") == []


def test_presses_in_a_loop_are_braked_at_the_streamlit_door_too(world: World) -> None:
    object.__setattr__(world.doors, "posts", PostBrake(PostLimits(form=Flow(2, 0.001)), clock=lambda: 1.0))
    desk = Desk("open", new_id()).choose(consent="yes").press().choose(**SCREENING).press()
    page = desk.page
    desk.press()
    assert desk.page == page
    assert "提交得太快" in str([warning.value for warning in desk.app.warning])
