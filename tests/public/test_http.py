"""What the process answers whatever is asked: headers, hosts, sizes, other sites, errors without a traceback."""

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from survey_app.http.middleware import EXCEPTION_HANDLERS, host_name, middleware_stack
from survey_app.public.application import BODY_LIMIT
from tests.public.conftest import Resident, World


@pytest.mark.parametrize("path", ["/s/open", "/s/nowhere", "/nonsense", "/", "/_stcore/metrics", "/s/open/x/y"])
def test_every_answer_carries_the_security_headers(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store"


def test_the_plain_forms_policy_allows_no_script_at_all(client: TestClient) -> None:
    policy = client.get("/s/open").headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy


def test_another_host_is_refused(client: TestClient) -> None:
    assert client.get("/s/open", headers={"host": "evil.example"}).status_code == 400
    assert client.get("/s/open", headers={"host": "testserver:8501"}).status_code == 200


@pytest.mark.parametrize(
    ("host", "name"), [("A.example:80", "a.example"), ("[::1]:8501", "[::1]"), ("localhost", "localhost"), ("", "")]
)
def test_a_host_is_compared_without_its_port(host: str, name: str) -> None:
    assert host_name(host) == name


@pytest.mark.parametrize(
    "header",
    [
        {"origin": "https://evil.example"},
        {"origin": "http://testserver.evil.example"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site", "origin": "null"},
    ],
)
def test_a_form_sent_by_another_site_is_refused_and_stores_nothing(
    resident: Resident, world: World, header: dict[str, str]
) -> None:
    resident.open("/s/open")
    answer = resident.client.post(resident.action, data={"consent": "yes", "go": "next"}, headers=header)
    assert answer.status_code == 403
    assert world.rows("draft") == []


@pytest.mark.parametrize("header", [{}, {"origin": "null"}, {"origin": "http://testserver"}])
def test_a_form_of_a_browser_old_or_new_is_taken(resident: Resident, header: dict[str, str]) -> None:
    resident.open("/s/open")
    data = {"consent": "yes", "go": "next"}
    answer = resident.client.post(resident.action, data=data, headers=header, follow_redirects=False)
    assert answer.status_code == 303


def test_a_body_too_large_is_refused_announced_or_not(resident: Resident, world: World) -> None:
    resident.open("/s/open")
    body = b"consent=" + b"y" * BODY_LIMIT
    kind = {"content-type": "application/x-www-form-urlencoded"}
    announced = resident.client.post(resident.action, content=body, headers=kind)
    streamed = resident.client.post(
        resident.action, content=iter([body[:9000]] * (BODY_LIMIT // 9000 + 1)), headers=kind
    )
    assert (announced.status_code, streamed.status_code) == (413, 413)
    assert world.rows("draft") == []


@pytest.mark.parametrize(
    "kind", ["", "application/json", "multipart/form-data", "text/plain", "multipart/form-data; boundary=x", "a" * 500]
)
def test_a_body_that_is_no_form_gets_a_page_and_no_traceback(resident: Resident, world: World, kind: str) -> None:
    resident.open("/s/open")
    answer = resident.client.post(resident.action, content=b'{"consent": "yes"}', headers={"content-type": kind})
    assert answer.status_code == 415
    assert "没能读出来" in answer.text
    assert world.rows("draft") == []


@pytest.mark.parametrize("count", [600, 10_000])
def test_too_many_fields_get_a_page_and_no_traceback(resident: Resident, world: World, count: int) -> None:
    resident.open("/s/open")
    answer = resident.client.post(resident.action, data={f"f{number}": "" for number in range(count)})
    assert answer.status_code == 413
    assert "缩短文字" in answer.text
    assert world.rows("draft") == []


def test_a_failure_inside_shows_a_sentence_in_both_languages_and_nothing_of_itself() -> None:
    def fails(_request: Request) -> PlainTextResponse:
        raise RuntimeError("secret detail")

    stack = middleware_stack(hosts=["testserver"], policies={}, body_limit=100)
    app = Starlette(routes=[Route("/", fails)], middleware=stack, exception_handlers=EXCEPTION_HANDLERS)
    answer = TestClient(app, raise_server_exceptions=False).get("/")
    assert answer.status_code == 500
    assert "secret detail" not in answer.text
    assert "已保存的内容不会丢失" in answer.text
    assert "What was saved is kept" in answer.text
    assert answer.headers["x-frame-options"] == "DENY"


@pytest.mark.parametrize("path", ["/_stcore/metrics", "/_STCORE/metrics", "/_stcore/agent/mcp"])
def test_streamlits_own_windows_into_the_process_are_shut(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404


@pytest.mark.parametrize("path", ["/nonsense", "/s/open/not-an-id/"])
def test_a_mistyped_address_is_no_dead_end(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert '<a href="/">去首页 <span lang="en">To the start page</span></a>' in answer.text


@pytest.mark.parametrize("method", ["put", "delete", "patch"])
def test_other_methods_are_refused_politely(client: TestClient, method: str) -> None:
    assert client.request(method, "/").status_code == 405
    assert client.request(method, "/s/open").status_code == 405
