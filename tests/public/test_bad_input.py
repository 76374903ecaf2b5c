"""What bad input gets at the plain door: a page in both languages or a cleaned answer, never a traceback."""

import json
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from starlette.exceptions import HTTPException
from starlette.testclient import TestClient

from survey_app.http.middleware import is_unreadable
from survey_app.http.throttle import Flow, PostBrake, PostLimits
from survey_app.public.plain.reading import MOST_FIELDS, parse, tidy
from survey_app.public.visit import new_id
from tests.public.conftest import SCREENING, Resident, World

FORM = {"content-type": "application/x-www-form-urlencoded"}
REMARK = "Q18"


@given(st.binary(max_size=2000))
@example(b"a=%zz&%=&=&&a=%ED%A0%80&a=%00%07&\xff=\xff")
@example(b"&" * (MOST_FIELDS + 5))
def test_any_body_is_read_as_clean_text_or_refused_as_too_much(body: bytes) -> None:
    try:
        fields = parse(body)
    except HTTPException as refused:
        assert refused.status_code == 413
        assert body.count(b"&") >= MOST_FIELDS
        return
    for text in [*fields, *(value for values in fields.values() for value in values)]:
        text.encode("utf-8")
        assert tidy(text) == text
        assert not any(ord(letter) < 32 and letter not in "\t\n\r" for letter in text)


@given(st.lists(st.tuples(st.text(max_size=20), st.text(max_size=60)), max_size=30))
def test_what_a_browser_encodes_comes_back_in_its_order(pairs: list[tuple[str, str]]) -> None:
    pairs = [(tidy(name), tidy(value)) for name, value in pairs]
    body = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs)
    found = parse(body.encode())
    for name in {name for name, _ in pairs}:
        assert found[name] == [value for other, value in pairs if other == name]
    assert set(found) == {name for name, _ in pairs}


@given(st.text(st.sampled_from("ab/.\\\0%é ")))
@example("/s/../etc")
@example("//host/x")
def test_no_readable_path_leads_up_or_out(path: str) -> None:
    if not is_unreadable(path):
        assert "\0" not in path and "\\" not in path
        assert not path.startswith("//")
        assert ".." not in path.split("/")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/s/%00", 400), ("/s/..%2f", 400), ("/s/..%2f..%2fetc%2fpasswd", 400), ("/s/%5c%5chost", 400), ("/s/%ff", 404),
        ("/s/%zz", 404), ("/s/open/..%00/", 400), ("/s/" + "x" * 5000, 404), ("/s/%E2%80%AE", 404), ("/s", 404),
        ("/s/open/not-an-id/", 404), ("/assets/..%2fstyle.css", 400), ("/S/open/x", 404),
    ],
)  # fmt: skip
def test_an_address_that_is_none_gets_a_page_in_both_languages(client: TestClient, path: str, status: int) -> None:
    answer = client.get(path)
    assert answer.status_code == status
    assert ("请" in answer.text and "Please" in answer.text) or "没有" in answer.text


@pytest.mark.parametrize("tail", ["", "/", "/consent/"])
def test_a_post_to_an_address_that_takes_none_is_refused_with_a_page(
    client: TestClient, world: World, tail: str
) -> None:
    answer = client.post(f"/s/open/{new_id()}{tail}", data={"consent": "yes"}, follow_redirects=False)
    assert answer.status_code in {404, 405}
    assert "请" in answer.text
    assert world.rows("draft") == []


def test_what_is_not_on_the_page_is_left_aside_and_forged_choices_are_named(resident: Resident, world: World) -> None:
    resident.open("/s/open").press(consent="yes", D1="female", Q99="x", disposition="complete", base_weight="9")
    (row,) = world.rows("draft")
    assert set(json.loads(row["answers"])) == {"consent"}
    resident.press(**{**SCREENING, "S1": "yes'); DROP TABLE draft;--"})
    assert resident.status == 422
    assert 'id="S1-problem"' in resident.html
    (row,) = world.rows("draft")
    assert set(json.loads(row["answers"])) == {"consent"}


def test_of_a_field_sent_twice_the_last_counts(resident: Resident, world: World) -> None:
    resident.open("/s/open")
    resident.client.post(resident.action, content=b"consent=no&consent=yes&go=back&go=next", headers=FORM)
    (row,) = world.rows("draft")
    assert json.loads(row["answers"]) == {"consent": "yes"}


def test_strange_text_is_kept_without_its_control_characters_and_shown_as_text(
    resident: Resident, world: World
) -> None:
    resident.open("/s/open").press(consent="yes").press(**SCREENING)
    typed = "好\0\x07\x1b[31m \u202egnp\u202c \U0001f468\u200d\U0001f469 e\u0301 <b>&amp;\ufdd0"
    resident.press("stay", **{"find-community": typed})
    shown = resident.press("search", **{"find-community": typed}).html
    assert "\0" not in shown and "\x1b" not in shown
    assert "&lt;b&gt;&amp;amp;" in shown and "\u202egnp" in shown and "é" in shown


def test_ten_megabytes_are_read_dropped_and_refused_while_a_neighbour_goes_on(
    resident: Resident, client: TestClient, world: World
) -> None:
    resident.open("/s/open")
    body = b"consent=" + b"y" * 10_000_000
    announced = client.post(resident.action, content=body, headers=FORM)
    chunked = client.post(resident.action, content=iter([body[:1_000_000]] * 10), headers=FORM)
    for answer in (announced, chunked):
        assert answer.status_code == 413
        assert "请缩短文字" in answer.text and "shorten the text" in answer.text
    assert world.rows("draft") == []
    assert resident.press(consent="yes").page == "screening"


def test_a_chunked_body_without_length_is_taken_like_any_other(resident: Resident, world: World) -> None:
    resident.open("/s/open")
    answer = resident.client.post(resident.action, content=iter([b"conse", b"nt=yes&", b"go=next"]), headers=FORM)
    assert answer.status_code == 200
    assert len(world.rows("draft")) == 1


def test_an_answer_to_an_older_version_of_the_page_is_read_by_the_version_of_the_wave(
    resident: Resident, world: World
) -> None:
    resident.open("/s/open")
    page = resident.action.partition("?")[0].rpartition("/")[0]
    answer = resident.client.post(f"{page}/page-of-last-year", data={"Q_old": "1"}, follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith(page)
    assert world.rows("draft") == []


def test_a_thousand_posts_in_a_loop_meet_a_courteous_page_and_nobody_else_does(
    resident: Resident, client: TestClient, world: World
) -> None:
    resident.open("/s/open")
    answers = [client.post(resident.action, data={"go": "next"}, follow_redirects=False) for _ in range(1000)]
    braked = [answer for answer in answers if answer.status_code == 429]
    assert len(braked) > 500
    assert int(braked[-1].headers["retry-after"]) >= 1
    assert "提交得太快" in braked[-1].text and "Please wait a moment" in braked[-1].text
    neighbour = Resident(client).open("/s/open").press(consent="yes")
    assert neighbour.page == "screening"
    assert "testclient" not in str(world.rows("draft")) + str(world.rows("audit"))


def test_forms_begun_in_a_loop_are_braked_too(client: TestClient, world: World) -> None:
    tight = PostBrake(PostLimits(begun=Flow(20, 0.001)), clock=lambda: 1.0)
    object.__setattr__(world.doors, "posts", tight)
    codes = [client.post(f"/s/open/{new_id()}/consent", data={"consent": "yes"}).status_code for _ in range(30)]
    assert codes == [200] * 20 + [429] * 10
    assert len(world.rows("draft")) == 20


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(st.binary(max_size=400))
@example(b"language=xx&at=-1&copy=[[[&go=language-xx&found-community=999")
@example(b"consent=yes&go=size-huge&copy=" + b"%7B" * 100)
def test_any_body_posted_to_a_page_gets_a_page(client: TestClient, body: bytes) -> None:
    answer = client.post(f"/s/open/{new_id()}/consent", content=body, headers=FORM)
    assert answer.status_code in {200, 413, 422}
    assert "Traceback" not in answer.text
