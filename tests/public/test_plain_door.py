"""The plain door over a real store: what a resident meets, page by page, without JavaScript."""

import base64
import gzip
import hashlib
import json
import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from starlette.testclient import TestClient

from survey_app.store import invitations
from tests.public.conftest import SCREENING, SHUIJINGFANG, Resident, World

UUID4 = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"


def test_a_get_writes_nothing_and_goes_on_to_a_fresh_random_address(client: TestClient, world: World) -> None:
    first = client.get("/s/open", follow_redirects=False)
    second = client.get("/s/open", follow_redirects=False)
    assert first.status_code == 303
    assert re.fullmatch(rf"/s/open/{UUID4}/consent", first.headers["location"])
    assert first.headers["location"] != second.headers["location"]
    # One redirect and no second: each costs a slow phone a round trip of 400 ms.
    assert client.get(first.headers["location"], follow_redirects=False).status_code == 200
    assert world.rows("draft") == []


def test_the_first_page_weighs_less_than_fifteen_kilobytes_with_its_stylesheet(client: TestClient) -> None:
    """The style stands in the page itself, so nothing else has to come before it is seen; later pages load the file."""
    page = client.get("/s/open")
    inline = re.search(r"<style>(.*?)</style>", page.text, re.S)
    sheet = re.search(r'rel="prefetch" href="(/assets/[^"]+\.css)"', page.text)
    assert inline and sheet and 'rel="stylesheet"' not in page.text
    style = client.get(sheet[1])
    assert style.headers["cache-control"].endswith("immutable")
    assert style.text == inline[1]
    named = base64.b64encode(hashlib.sha256(inline[1].encode()).digest()).decode()
    assert f"'sha256-{named}'" in page.headers["content-security-policy"]
    assert len(gzip.compress(page.content)) + len(gzip.compress(style.content)) < 15_000


def test_a_later_page_links_the_stylesheet(resident: Resident) -> None:
    html = resident.open("/s/open").press(consent="yes").html
    assert "<style>" not in html
    assert re.search(r'rel="stylesheet" href="/assets/', html)


def test_a_page_names_no_script_and_no_other_site(client: TestClient) -> None:
    html = client.get("/s/open").text
    assert "<script" not in html
    assert not re.findall(r'(?:href|src|action)="(?:https?:)?//', html)


def test_a_whole_form_is_stored_once_and_ends_with_a_receipt(resident: Resident, world: World) -> None:
    resident.open("/s/open").until_last_page().press(D1="female", D2="1956")
    assert "/done" in resident.url
    assert re.search(r'class="receipt">[A-Z2-7]{5}(-[A-Z2-7]{5}){3}<', resident.html)
    (row,) = world.rows("response")
    answers = json.loads(row["answers"])
    assert answers["D5_district"] == "510104"
    assert answers["D5_community"] == SHUIJINGFANG
    assert answers["D2"] == 1956
    assert (row["stream"], row["door"], row["language"]) == ("opt-in", "plain", "zh")
    assert world.rows("draft") == []


def test_the_receipt_is_for_the_browser_that_sent_the_form(resident: Resident) -> None:
    resident.open("/s/open").until_last_page().press()
    code = re.search(r'class="receipt">([^<]+)<', resident.html)
    assert code
    resident.client.cookies.clear()
    resident.open(resident.url)
    assert resident.status == 200
    assert code[1] not in resident.html
    assert "不再显示" in resident.html


def test_a_double_tap_on_the_last_button_gives_one_row_and_the_same_receipt(resident: Resident, world: World) -> None:
    resident.open("/s/open").until_last_page().press(D1="male")
    first = re.search(r'class="receipt">([^<]+)<', resident.html)
    action, fields = resident.sent[-1]
    again = resident.client.post(action, data=fields)
    second = re.search(r'class="receipt">([^<]+)<', again.text)
    assert first and second and first[1] == second[1]
    assert len(world.rows("response")) == 1
    assert world.rows("draft") == []


def test_two_last_taps_at_the_same_moment_give_one_row(resident: Resident, world: World) -> None:
    resident.open("/s/open").until_last_page()
    fields = {**resident.fields(), "go": "next", "D1": "male"}
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: resident.client.post(resident.action, data=fields), range(2)))
    assert [answer.status_code for answer in answers] == [200, 200]
    assert len(world.rows("response")) == 1


def test_a_double_tap_on_a_refusal_of_consent_is_one_row_too(resident: Resident, world: World) -> None:
    resident.open("/s/open").press(consent="no")
    action, fields = resident.sent[-1]
    again = resident.client.post(action, data=fields)
    assert "您选择了不参加" in resident.html
    assert "您选择了不参加" in again.text
    assert [row["disposition"] for row in world.rows("response")] == ["refused"]


def test_who_is_not_eligible_is_thanked_and_asked_no_more(resident: Resident, world: World) -> None:
    resident.open("/s/open").press(consent="yes").press(**{**SCREENING, "S1": "no"})
    assert "另一部分居民" in resident.html
    assert [row["disposition"] for row in world.rows("response")] == ["not_eligible"]


def test_every_post_that_goes_on_answers_with_303(resident: Resident) -> None:
    resident.open("/s/open")
    answer = resident.client.post(
        resident.action, data={**resident.fields(), "consent": "yes", "go": "next"}, follow_redirects=False
    )
    assert answer.status_code == 303
    assert answer.headers["location"].endswith("/screening")


def test_a_page_with_problems_is_shown_again_and_writes_nothing(resident: Resident, world: World) -> None:
    resident.open("/s/open").press()
    assert resident.status == 422
    assert world.rows("draft") == []
    described = re.search(r'<fieldset class="item bad" id="item-consent" aria-describedby="([^"]+)"', resident.html)
    assert described
    for name in described[1].split():
        assert f'id="{name}"' in resident.html
    assert 'role="alert"' in resident.html
    assert '<a href="#consent">' in resident.html


def test_a_bad_number_keeps_what_was_typed_beside_its_sentence(resident: Resident, world: World) -> None:
    resident.open("/s/open").until_last_page().press(D2="一九五六")
    assert resident.status == 422
    assert 'value="一九五六"' in resident.html
    assert 'aria-describedby="D2-problem' in resident.html
    assert world.rows("response") == []


def test_the_back_button_keeps_answers_and_does_not_check_them(resident: Resident) -> None:
    resident.open("/s/open").press(consent="yes").press("back", S1="yes")
    assert resident.page == "consent"
    assert re.search(r'name="consent" value="yes"[^>]* checked', resident.html)
    resident.press()
    assert re.search(r'name="S1" value="yes"[^>]* checked', resident.html)


def test_nothing_is_preselected(resident: Resident) -> None:
    resident.open("/s/open").press(consent="yes").press(**SCREENING).press(**{"found-community": SHUIJINGFANG})
    while True:
        assert " checked" not in resident.html, resident.page
        assert 'type="range"' not in resident.html
        if resident.page == "about_you":
            break
        resident.press()


@pytest.mark.parametrize(("accepted", "word"), [("en-GB,en;q=0.9", "Next"), ("zh-CN", "下一页"), ("fr", "下一页")])
def test_the_first_language_is_the_browsers_or_else_chinese(client: TestClient, accepted: str, word: str) -> None:
    assert f">{word}</button>" in client.get("/s/open", headers={"accept-language": accepted}).text


def test_switching_the_language_keeps_what_is_chosen_on_the_page(resident: Resident) -> None:
    resident.open("/s/open").press(consent="yes").press("language-en", S1="yes")
    assert resident.page == "screening"
    assert '<html lang="en">' in resident.html
    assert re.search(r'name="S1" value="yes"[^>]* checked', resident.html)
    resident.press("next", **SCREENING)
    assert "Where you live" in resident.html


def test_large_type_stays_from_page_to_page_without_a_cookie(resident: Resident) -> None:
    resident.open("/s/open").press("size-large").press(consent="yes")
    assert '<html lang="zh-CN" class="large">' in resident.html
    assert resident.page == "screening"
    assert not resident.client.cookies
    resident.press("size-normal")
    assert 'class="large"' not in resident.html


def test_a_community_is_found_by_its_name_and_fills_all_three_levels(resident: Resident, world: World) -> None:
    resident.open("/s/open").press(consent="yes").press(**SCREENING).press("search", **{"find-community": "水井坊"})
    assert resident.status == 200
    assert f'name="found-community" value="{SHUIJINGFANG}"' in resident.html
    resident.press(**{"find-community": "水井坊", "found-community": SHUIJINGFANG})
    (draft,) = world.rows("draft")
    kept = json.loads(draft["answers"])
    assert {kept[name] for name in ("D5_district", "D5_street", "D5_community")} == {
        "510104",
        "510104017",
        SHUIJINGFANG,
    }
    assert resident.page == "knowledge"
    assert "已选择：锦江区 · 锦官驿街道 · 水井坊" in resident.press("back").html


def test_a_name_typed_and_sent_with_next_is_looked_up_too(resident: Resident) -> None:
    resident.open("/s/open").press(consent="yes").press(**SCREENING).press("default", **{"find-community": "水井坊"})
    assert f'value="{SHUIJINGFANG}"' in resident.html
    resident.press("search", **{"find-community": "没有这样的地方"})
    assert "没有找到这个名称" in resident.html


def test_a_name_that_was_not_found_does_not_hold_up_who_goes_on_by_the_levels(resident: Resident) -> None:
    resident.open("/s/open").press(consent="yes").press(**SCREENING).press("search", **{"find-community": "无此地"})
    resident.press(D5_district="510104")
    assert 'name="D5_street"' in resident.html
    assert resident.press().page == "knowledge"


def test_communities_that_were_found_stay_when_none_was_tapped(resident: Resident) -> None:
    resident.open("/s/open").press(consent="yes").press(**SCREENING).press("search", **{"find-community": "水井坊"})
    resident.press()
    assert resident.status == 422
    assert f'value="{SHUIJINGFANG}"' in resident.html
    assert "请查找并点选您的社区" in resident.html


def test_down_the_levels_each_shows_only_what_lies_in_the_one_above(resident: Resident, world: World) -> None:
    resident.open("/s/open").press(consent="yes").press(**SCREENING).press(D5_district="510104")
    assert '<option value="510104017">' in resident.html
    assert '<option value="510105002">' not in resident.html
    resident.press(D5_street="510104017")
    assert f'<option value="{SHUIJINGFANG}">' in resident.html
    resident.press(D5_community=SHUIJINGFANG)
    assert json.loads(world.rows("draft")[0]["answers"])["D5_community"] == SHUIJINGFANG


def test_a_level_may_be_left_out(resident: Resident) -> None:
    resident.open("/s/open").press(consent="yes").press(**SCREENING).press(D5_district="510104")
    assert resident.page == "address"
    assert 'name="D5_street"' in resident.html
    assert 'name="D5_community"' not in resident.html
    assert resident.press().page == "knowledge"
    resident.press("back").press(D5_street="510104017")
    assert resident.page == "address"
    assert 'name="D5_community"' in resident.html
    assert resident.press().page == "knowledge"


def test_another_district_drops_the_street_that_was_chosen_before(resident: Resident, world: World) -> None:
    resident.open("/s/open").press(consent="yes").press(**SCREENING).press(**{"found-community": SHUIJINGFANG})
    visit = resident.id
    resident.open(f"/s/open/{visit}/address").press(D5_district="510105")
    kept = json.loads(world.rows("draft")[0]["answers"])
    assert kept["D5_district"] == "510105"
    assert "D5_street" not in kept
    assert "D5_community" not in kept
    assert '<option value="510105002">' in resident.html


def test_an_invitation_is_exchanged_at_once_and_leaves_the_address(resident: Resident, world: World) -> None:
    token = world.tokens[0]
    resident.open(f"/s/invited?t={token}")
    assert token not in resident.url
    assert token not in resident.html
    visit = resident.id
    resident.press(consent="yes")
    assert resident.open(f"/s/invited?t={token}").id == visit
    assert resident.page == "screening"


def test_an_invited_answer_carries_the_design_and_spends_the_invitation(resident: Resident, world: World) -> None:
    token = world.tokens[0]
    resident.open(f"/s/invited?t={token}").until_last_page().press(D1="male")
    (row,) = world.rows("response")
    assert (row["stream"], row["psu"], row["base_weight"]) == ("probability", SHUIJINGFANG, 1000.0)
    resident.open(f"/s/invited?t={token}")
    assert resident.status == 410
    assert "已经填写过了" in resident.html


def test_a_double_tap_on_an_invited_form_gives_the_same_receipt(resident: Resident, world: World) -> None:
    resident.open(f"/s/invited?t={world.tokens[0]}").until_last_page().press(D1="male")
    first = re.search(r'class="receipt">([^<]+)<', resident.html)
    action, fields = resident.sent[-1]
    again = re.search(r'class="receipt">([^<]+)<', resident.client.post(action, data=fields).text)
    assert first and again and first[1] == again[1]
    assert len(world.rows("response")) == 1


@pytest.mark.parametrize("start", ["/s/open", "/s/invited?t={}"])
def test_the_browsers_back_button_after_sending_leads_to_the_thanks(
    resident: Resident, world: World, start: str
) -> None:
    resident.open(start.format(world.tokens[0])).until_last_page()
    last, visit = resident.action, resident.id
    resident.press(D1="male")
    for address in (last, f"{last.rpartition('/')[0]}/", f"{last.rpartition('/')[0]}/consent"):
        resident.open(address)
        assert f"{visit}/done" in resident.url
        assert 'class="receipt"' in resident.html


def test_nobody_is_thanked_for_what_was_not_sent(resident: Resident) -> None:
    resident.open("/s/open").press(consent="yes")
    assert resident.open(f"/s/open/{resident.id}/done").page == "screening"
    assert resident.open("/s/open/11111111-1111-4111-8111-111111111111/done?end=refused").page == "consent"


def test_a_draft_is_taken_up_where_it_was_left(resident: Resident) -> None:
    resident.open("/s/open").press(consent="yes").press(**SCREENING)
    assert resident.open(f"/s/open/{resident.id}/").page == "address"


def test_presets_posted_by_hand_change_nothing(resident: Resident, world: World) -> None:
    resident.open("/s/open").press(consent="yes", city="530100").press(**SCREENING, city="530100")
    assert '<option value="510104">' in resident.html
    assert '<option value="530102">' not in resident.html
    resident.press(D5_district="530102", city="530100")
    assert resident.status == 422
    assert "city" not in json.loads(world.rows("draft")[0]["answers"])


@pytest.mark.parametrize(
    ("path", "status", "sentence"),
    [
        ("/s/nowhere", 404, "没有问卷"),
        ("/s/UPPER", 404, "没有问卷"),
        ("/s/closed", 410, "已经结束"),
        ("/s/over", 410, "已经结束"),
        ("/s/later", 403, "还没有开始"),
        ("/s/invited", 403, "凭邀请"),
        ("/s/invited?t=AAAAAAAAAAAAAAAAAAAAAA", 404, "没有找到这份邀请"),
        ("/s/open/not-an-id/", 404, "没有页面"),
        ("/s/open/00000000-0000-1000-8000-000000000000/", 404, "没有页面"),
        ("/s/invited/11111111-1111-4111-8111-111111111111/", 403, "凭邀请"),
        ("/nonsense", 404, "没有页面"),
    ],
)
def test_an_address_that_cannot_be_answered_says_why(
    resident: Resident, world: World, path: str, status: int, sentence: str
) -> None:
    resident.open(path)
    assert (resident.status, sentence in resident.html) == (status, True), resident.html
    assert "Traceback" not in resident.html
    assert world.rows("draft") == []


def test_an_expired_invitation_asks_for_a_new_one(resident: Resident, world: World) -> None:
    from datetime import date, timedelta

    yesterday = date.today() - timedelta(days=1)
    (token,) = invitations.mint(world.doors.store, "invited", ["case-2"], yesterday)
    resident.open(f"/s/invited?t={token}")
    assert resident.status == 410
    assert "已经过期" in resident.html


def test_another_form_under_a_sent_id_is_a_conflict_that_offers_a_new_form(resident: Resident, world: World) -> None:
    resident.open("/s/open").until_last_page().press(D1="male")
    action, fields = resident.sent[-1]
    other = resident.client.post(action, data={**fields, "D1": "female"})
    assert other.status_code == 409
    assert 'href="/s/open?lang=zh"' in other.text
    assert len(world.rows("response")) == 1


def test_a_conflict_where_only_invited_people_answer_offers_no_form_that_there_is_not(
    resident: Resident, world: World
) -> None:
    resident.open(f"/s/invited?t={world.tokens[0]}").until_last_page().press(D1="male")
    action, fields = resident.sent[-1]
    other = resident.client.post(action, data={**fields, "D1": "female"})
    assert other.status_code == 409
    assert "开始一份新的问卷" not in other.text
    assert "他自己的那份邀请" in other.text


def test_answers_out_of_range_posted_by_hand_get_a_sentence_and_store_nothing(resident: Resident, world: World) -> None:
    resident.open("/s/open").press(consent="perhaps")
    assert resident.status == 422
    resident.open("/s/open").until_last_page().press(D2="3000")
    assert resident.status == 422
    assert world.rows("response") == []


def test_the_browsers_back_shows_the_page_before_and_the_address_of_the_visit_goes_on(resident: Resident) -> None:
    first = resident.open("/s/open?lang=zh").url
    assert first.endswith("/consent?lang=zh")
    second = resident.press(consent="yes").page
    assert resident.open(first).page == "consent"  # what Back asks for: nothing is kept by the browser
    assert resident.fields()["consent"] == ["yes"]
    assert resident.open(first.partition("/consent")[0] + "/").page == second


def test_a_page_that_jumps_ahead_without_a_draft_goes_back_to_the_start(resident: Resident, world: World) -> None:
    visit = "11111111-1111-4111-8111-111111111111"
    assert resident.open(f"/s/open/{visit}/about_you").page == "consent"
    answer = resident.client.post(f"/s/open/{visit}/about_you", data={"D1": "male", "go": "next"})
    assert answer.url.path == f"/s/open/{visit}/consent"
    assert world.rows("draft") == world.rows("response") == world.rows("quarantine") == []


@pytest.mark.parametrize("copy", ["{", "[]", '{"consent": 1}', '{"consent": {"a": 1}}', "null", "x" * 40_000])
def test_a_mangled_copy_of_earlier_answers_is_left_aside(resident: Resident, world: World, copy: str) -> None:
    resident.open("/s/open")
    action = resident.action.replace("/consent", "/screening")
    answer = resident.client.post(action, data={"copy": copy, **SCREENING, "go": "next"})
    assert answer.status_code == 200
    assert world.rows("draft") == world.rows("response") == []


def test_texts_of_a_resident_come_back_as_text(resident: Resident) -> None:
    resident.open("/s/open").press(consent="yes").press(**SCREENING)
    resident.press("search", **{"find-community": '"><script>alert(1)</script>'})
    assert "<script" not in resident.html
    assert "&lt;script&gt;" in resident.html
    assert "<script" not in resident.open('/s/open/%3Cscript%3E/x"onload=').html


def test_the_simulated_badge_stands_on_every_page_of_a_simulated_wave(resident: Resident) -> None:
    resident.open("/s/open")
    for _ in range(3):
        assert "模拟数据 / simulated" in resident.html
        resident.press(consent="yes", **SCREENING)
    assert "模拟数据" not in resident.open("/s/closed").html


def test_the_first_page_carries_the_header_block_and_its_progress(resident: Resident) -> None:
    resident.open("/s/open")
    for word in ("表号", "制定机关", "批准文号", "有效期至"):
        assert word in resident.html
    assert "第1页，共9页" in resident.html
    assert "Page 1 of 9" in resident.open("/s/open?lang=en").html


def test_the_english_form_has_no_chinese_but_the_names_of_small_places(resident: Resident) -> None:
    resident.open("/s/open?lang=en").press(consent="yes").press(**SCREENING)
    pages = [resident.open(f"/s/open/{resident.id}/consent?lang=en").html]
    pages.append(resident.open(f"/s/open/{resident.id}/address?lang=en").html)
    assert ">Jinjiang District</option>" in pages[-1]
    while resident.press(D5_district="510104").page != "about_you":
        pages.append(resident.html)
    pages.append(resident.html)
    assert "If officers come to inspect and show no enforcement ID, one may refuse the inspection.&#34; Is" in "".join(
        pages
    )
    allowed = ("中文", "模拟数据 / simulated", "for example: 水井坊")
    for html in pages:
        text = re.sub(r"<option[^>]*>[^<]*</option>", "", html) if 'name="D5_street"' in html else html
        for words in allowed:
            text = text.replace(words, "")
        assert not re.findall(r"[^<>]*[\u3000-\u9fff\uff00-\uffef][^<>]*", text)


def test_the_root_lists_the_surveys_that_anyone_may_answer_now(client: TestClient) -> None:
    html = client.get("/").text
    assert re.findall(r'href="/s/([a-z]+)\?', html) == ["open"]
    assert client.get("/healthz").text == "ok"


def test_each_door_links_to_the_other_with_the_draft(resident: Resident) -> None:
    resident.open("/s/open").press(consent="yes")
    assert f"/?s=open&amp;r={resident.id}&amp;p=screening" in resident.html


def test_the_streamlit_address_gets_its_id_by_a_redirect_and_leaves_the_token_behind(
    client: TestClient, world: World
) -> None:
    fresh = client.get("/?s=open", follow_redirects=False)
    assert fresh.status_code == 303
    assert re.fullmatch(rf"/\?s=open&r={UUID4}", fresh.headers["location"])
    assert client.get("/?s=open&r=mangled", follow_redirects=False).status_code == 303
    exchanged = client.get(f"/?s=invited&t={world.tokens[1]}", follow_redirects=False)
    assert world.tokens[1] not in exchanged.headers["location"]
    assert client.get("/?s=closed").status_code == 410
    assert client.get("/?s=nowhere").status_code == 404


def test_the_style_hides_nothing_from_a_browser_of_2010_and_prints(client: TestClient) -> None:
    """Newer properties refine what floats and blocks already lay out; a form is printed without its buttons."""
    sheet = re.search(r"<style>(.*?)</style>", client.get("/s/open").text, re.S)
    assert sheet
    for newer in ("grid", "var(", ":has(", ":is(", "@layer", "@container", "clamp("):
        assert newer not in sheet[1], newer
    assert re.search(r"@media print\{[^}]*\.actions[^}]*display:none", sheet[1])


def test_labels_hints_and_problems_are_tied_to_their_fields(resident: Resident) -> None:
    html = resident.open("/s/open").press(consent="yes").press().html
    assert resident.status == 422
    ids = set(re.findall(r' id="([^"]+)"', html))
    named = set(re.findall(r'(?:aria-describedby| for)="([^"]+)"', html)) | set(re.findall(r'href="#([^"]+)"', html))
    assert {name for each in named for name in each.split()} <= ids
    for name in ("S1", "S2", "S3"):
        assert re.search(rf'<fieldset [^>]*aria-describedby="[^"]*{name}-problem', html)

    html = Resident(resident.client).open("/s/open/resume").press("", code="x").html
    assert '<label class="label" for="code">' in html
    assert 'aria-describedby="code-hint code-problem" aria-invalid="true"' in html
