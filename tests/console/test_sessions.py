"""Signing in: who is let through, who is not, and what a guesser meets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from survey_app.demonstration.making import Demonstration
from survey_app.http.downloads import Downloads
from survey_app.http.sessions import COOKIE, Login, SessionGate, is_open
from survey_app.http.throttle import Limits, Throttle
from survey_app.publish.catalogue import Snapshot
from survey_app.store import Store, accounts, audit, sessions

CLOSED = [
    "/", "/overview", "/district", "/items", "/waves", "/fieldwork", "/downloads", "/logout/x", "/login/x", "/LOGIN",
    "/media/0123456789abcdef0123456789abcdef.csv", "/component/x/index.html", "/_stcore/health", "/_stcore/host-config",
    "/_stcore/stream", "/_stcore/upload_file/s/f", "/_stcore/bidi-components/x", "/app/static/x",
    "/downloads/w/abcd/responses.zip", "/static/../media/x", "/static/..%2fmedia/x", "/static//evil", "/static/a\\b",
    "/staticx", "/healthz/x", "/manifest.json",
]  # fmt: skip


class Clock:
    """A clock that the test turns."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def throttle(clock: Clock) -> Throttle:
    return Throttle(Limits(pair=3, address=6, name=8, window=900), clock)


@pytest.fixture
def client(store: Store, demonstration: Demonstration, throttle: Throttle) -> Iterator[TestClient]:
    """The console's own routes behind the gate; whatever else is asked for answers as Streamlit would: with content."""

    async def inside(_request: Request) -> PlainTextResponse:
        return PlainTextResponse("inside")

    async def socket(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text("inside")
        await websocket.close()

    def account_of(token: str) -> object:
        return sessions.get(store, token)

    every = ["GET", "POST", "PUT", "DELETE", "PATCH"]
    routes = [
        *Login(store, throttle).routes(),
        *Downloads(store, demonstration.settings.home).routes(),
        WebSocketRoute("/_stcore/stream", socket),
        Route("/{path:path}", inside, methods=every),
    ]
    app = Starlette(routes=routes, middleware=[Middleware(SessionGate, account_of=account_of)])
    with TestClient(app, follow_redirects=False) as opened:
        yield opened


def sign_in(client: TestClient, password: str, name: str = "analyst", **more: str) -> int:
    return client.post("/login", data={"name": name, "password": password, **more}).status_code


@pytest.mark.parametrize("path", CLOSED)
def test_without_a_session_every_path_sends_a_reader_to_the_login_page(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/login?next=")
    assert answer.headers["cache-control"] == "no-store"
    assert "inside" not in answer.text


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize("path", ["/", "/_stcore/upload_file/s/f", "/media/x", "/downloads/w/abcd/responses.zip"])
def test_without_a_session_nothing_can_be_sent(client: TestClient, method: str, path: str) -> None:
    answer = client.request(method, path)
    assert answer.status_code == 401
    assert answer.text == "请先登录。\nPlease sign in first."


def test_without_a_session_the_websocket_handshake_is_refused(client: TestClient) -> None:
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/_stcore/stream"):
        pass


@pytest.mark.parametrize(
    "cookie", ["", "x", "a" * 5000, '"', "\udcff".encode("utf-8", "surrogateescape").decode("latin-1")]
)
def test_a_made_up_cookie_opens_nothing(client: TestClient, cookie: str) -> None:
    answer = client.get("/overview", headers={"cookie": f"{COOKIE}={cookie}".encode("latin-1")})
    assert answer.status_code == 303


@pytest.mark.parametrize("path", ["/login", "/healthz", "/static/js/index.abc.js", "/favicon.png"])
def test_the_login_page_the_health_check_and_streamlit_s_static_files_need_no_session(path: str) -> None:
    assert is_open(path)


def test_the_right_password_opens_the_console_and_its_websocket(
    client: TestClient, demonstration: Demonstration
) -> None:
    assert sign_in(client, demonstration.password) == 303
    assert client.get("/overview").text == "inside"
    with client.websocket_connect("/_stcore/stream") as socket:
        assert socket.receive_text() == "inside"


def test_the_cookie_is_httponly_samesite_and_holds_no_name(client: TestClient, demonstration: Demonstration) -> None:
    answer = client.post("/login", data={"name": "analyst", "password": demonstration.password})
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"{COOKIE}=")
    assert "httponly" in cookie.lower()
    assert "samesite=lax" in cookie.lower()
    assert "analyst" not in cookie
    assert len(client.cookies[COOKIE]) >= 22


def test_over_https_the_cookie_is_secure(client: TestClient, demonstration: Demonstration) -> None:
    data = {"name": "analyst", "password": demonstration.password}
    answer = client.post("https://testserver/login", data=data)
    assert "secure" in answer.headers["set-cookie"].lower()


def test_signing_out_ends_the_session_on_the_server(client: TestClient, demonstration: Demonstration) -> None:
    sign_in(client, demonstration.password)
    token = client.cookies[COOKIE]
    assert client.get("/logout").status_code == 303
    answer = client.get("/overview", headers={"cookie": f"{COOKIE}={token}"})
    assert answer.status_code == 303


def test_a_session_ended_from_the_server_is_closed_at_the_next_request(
    client: TestClient, store: Store, demonstration: Demonstration
) -> None:
    sign_in(client, demonstration.password)
    sessions.close(store, client.cookies[COOKIE])
    assert client.get("/overview").status_code == 303


def test_a_new_sign_in_gets_a_new_token_and_ends_the_old_one(
    client: TestClient, store: Store, demonstration: Demonstration
) -> None:
    sign_in(client, demonstration.password)
    first = client.cookies[COOKIE]
    sign_in(client, demonstration.password)
    assert client.cookies[COOKIE] != first
    assert sessions.get(store, first) is None


def test_another_site_cannot_sign_a_visitor_out(client: TestClient, demonstration: Demonstration) -> None:
    sign_in(client, demonstration.password)
    client.get("/logout", headers={"sec-fetch-site": "cross-site"})
    assert client.get("/overview").text == "inside"


def test_another_site_cannot_sign_a_visitor_in(client: TestClient, demonstration: Demonstration) -> None:
    data = {"name": "analyst", "password": demonstration.password}
    answer = client.post("/login", data=data, headers={"origin": "https://evil.example"})
    assert answer.status_code == 400
    assert COOKIE not in client.cookies


def test_after_signing_in_a_visitor_lands_on_the_page_asked_for(
    client: TestClient, demonstration: Demonstration
) -> None:
    asked = client.get("/district?district=510104&lang=en")
    target = parse_qs(urlsplit(asked.headers["location"]).query)["next"][0]
    answer = client.post("/login", data={"name": "analyst", "password": demonstration.password, "next": target})
    assert answer.headers["location"] == "/district?district=510104&lang=en"


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "/login",
        "/logout",
        "/a\nb",
        "",
    ],
)
def test_signing_in_never_leads_to_another_site_or_back_to_the_form(
    client: TestClient, demonstration: Demonstration, target: str
) -> None:
    answer = client.post("/login", data={"name": "analyst", "password": demonstration.password, "next": target})
    assert answer.headers["location"] == "/"


def test_a_wrong_password_and_an_unknown_name_get_the_same_page(client: TestClient) -> None:
    wrong = client.post("/login?lang=en", data={"name": "analyst", "password": "wrong"})
    unknown = client.post("/login?lang=en", data={"name": "analysx", "password": "wrong"})
    assert wrong.status_code == unknown.status_code == 403
    assert wrong.text.replace("analyst", "analysx") == unknown.text.replace("analyst", "analysx")
    assert "Name and password do not match" in wrong.text


def test_after_three_wrong_guesses_even_the_right_password_has_to_wait(
    client: TestClient, demonstration: Demonstration, clock: Clock
) -> None:
    assert [sign_in(client, "wrong") for _ in range(3)] == [403, 403, 403]
    answer = client.post("/login?lang=en", data={"name": "analyst", "password": demonstration.password})
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) <= 901
    assert "please try again in 15 minutes" in answer.text
    clock.now += 901
    assert sign_in(client, demonstration.password) == 303


def test_the_wait_is_told_in_chinese_too(client: TestClient) -> None:
    for _ in range(3):
        sign_in(client, "wrong")
    answer = client.post("/login?lang=zh", data={"name": "analyst", "password": "wrong"})
    assert "15 分钟后再试" in answer.text


def test_guessing_many_names_from_one_address_is_braked(client: TestClient) -> None:
    codes = [sign_in(client, "wrong", name=f"guess{number}") for number in range(7)]
    assert codes == [403] * 6 + [429]


def test_guessing_one_name_from_many_addresses_is_braked(throttle: Throttle) -> None:
    for number in range(8):
        assert throttle.wait("analyst", f"10.0.0.{number}") == 0
        throttle.failed("analyst", f"10.0.0.{number}")
    assert throttle.wait("Analyst ", "10.9.9.9") > 0
    assert throttle.wait("somebody", "10.9.9.9") == 0


def test_a_success_forgets_a_visitor_s_own_typing_errors(throttle: Throttle) -> None:
    throttle.failed("analyst", "10.0.0.1")
    throttle.failed("analyst", "10.0.0.1")
    throttle.succeeded("analyst", "10.0.0.1")
    throttle.failed("analyst", "10.0.0.1")
    throttle.failed("analyst", "10.0.0.1")
    assert throttle.wait("analyst", "10.0.0.1") == 0


def test_the_throttle_stays_small_and_keeps_no_address() -> None:
    throttle = Throttle()
    for number in range(6000):
        throttle.failed(f"n{number}", f"a{number}")
    assert len(throttle._failures._values) <= 10_000
    assert b"a5999" not in b"".join(throttle._failures._values)


@pytest.mark.parametrize(
    "body",
    [b"x" * 9000, b"\xff\xfe", b"&".join(b"a=%d" % number for number in range(50))],
    ids=["large", "bytes", "many"],
)
def test_a_body_that_is_no_login_form_gets_a_kind_page(client: TestClient, body: bytes) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    answer = client.post("/login?lang=en", content=body, headers=headers)
    assert answer.status_code == 400
    assert "This form could not be read" in answer.text


def test_an_overlong_password_is_refused_like_any_wrong_one(client: TestClient) -> None:
    assert sign_in(client, "x" * 5000) == 403


def test_what_a_visitor_typed_comes_back_as_text_and_not_as_markup(client: TestClient) -> None:
    answer = client.post("/login", data={"name": '"><script>alert(1)</script>', "password": "wrong"})
    assert "<script>" not in answer.text
    assert "&lt;script&gt;" in answer.text


def test_the_login_page_is_in_the_browser_s_language_and_offers_the_other(client: TestClient) -> None:
    chinese = client.get("/login", headers={"accept-language": "zh-CN,zh;q=0.9,en;q=0.8"}).text
    english = client.get("/login", headers={"accept-language": "en-GB"}).text
    assert '<html lang="zh-CN">' in chinese
    assert ">English</a>" in chinese
    assert '<html lang="en">' in english
    assert ">中文</a>" in english


def test_the_login_page_loads_nothing_from_anywhere_and_runs_no_script(client: TestClient) -> None:
    answer = client.get("/login")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert not re.search(r"<script|https?://|\ssrc=", answer.text)
    assert answer.headers["cache-control"] == "no-store"


def test_each_download_arrives_uncached_and_leaves_an_audit_row(
    client: TestClient, store: Store, demonstration: Demonstration, snapshot: Snapshot
) -> None:
    sign_in(client, demonstration.password)
    for kind in ("responses", "codebook", "district-indices"):
        answer = client.get(f"/downloads/{snapshot.wave}/{snapshot.hash}/{kind}.zip")
        assert answer.status_code == 200
        assert answer.content.startswith(b"PK")
        assert answer.headers["cache-control"] == "no-store"
        assert f"{snapshot.wave}-{snapshot.hash}-{kind}-simulated.zip" in answer.headers["content-disposition"]
        row = audit.entries(store)[0]
        assert (row["action"], row["actor"], row["wave"]) == ("download", "analyst", snapshot.wave)
        assert row["detail"]["kind"] == kind
        assert len(row["detail"]["sha256"]) == 64


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("/downloads/chengdu-2026-2/ffffffffffff/codebook.zip", "ffffffffffff"),
        ("/downloads/chengdu-2027-9/{hash}/codebook.zip", "{hash}"),
        ("/downloads/chengdu-2026-2/ab/codebook.zip", "'ab'"),
    ],
)
def test_an_unknown_snapshot_gets_404_and_a_sentence_in_both_languages(
    client: TestClient, demonstration: Demonstration, snapshot: Snapshot, path: str, named: str
) -> None:
    sign_in(client, demonstration.password)
    answer = client.get(path.format(hash=snapshot.hash))
    assert answer.status_code == 404
    assert named.format(hash=snapshot.hash) in answer.text
    assert "无法生成此下载" in answer.text


def test_an_unknown_kind_of_download_is_refused(
    client: TestClient, demonstration: Demonstration, snapshot: Snapshot
) -> None:
    sign_in(client, demonstration.password)
    assert client.get(f"/downloads/{snapshot.wave}/{snapshot.hash}/everything.zip").status_code == 403


def test_an_organiser_gets_indices_but_not_the_rows(client: TestClient, store: Store, snapshot: Snapshot) -> None:
    name, password = "organiser-of-downloads", "a long enough password"
    if accounts.get(store, name) is None:
        accounts.create(store, name, password, role="organiser")
    assert sign_in(client, password, name=name) == 303
    address = f"/downloads/{snapshot.wave}/{snapshot.hash}"
    assert client.get(f"{address}/codebook.zip").status_code == 200
    refused = client.get(f"{address}/responses.zip")
    assert refused.status_code == 403
    assert "没有下载该文件的权限" in refused.text
