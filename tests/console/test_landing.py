"""A view asked for by its name: the first one stands at "/", one that the account may not see leads there."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send

from survey_app.console.landing import Landing, elsewhere
from survey_app.store import Account


def account(role: str, *, disabled: bool = False) -> Account:
    return Account("li", role, "Li", disabled)


@pytest.mark.parametrize(
    ("role", "path", "target"),
    [
        ("interviewer", "/interviews", "/"),
        ("interviewer", "/interviews/", "/"),
        ("interviewer", "/paper", None),
        ("interviewer", "/overview", "/?missing=1"),
        ("interviewer", "/differences", "/?missing=1"),
        ("organiser", "/overview", "/"),
        ("organiser", "/interviews", None),
        ("analyst", "/interviews", "/?missing=1"),
        ("analyst", "/no-such-page", "/?missing=1"),
        ("nobody", "/overview", "/?missing=1"),
        ("analyst", "/", None),
        ("analyst", "/healthz", None),
        ("analyst", "/logout", None),
        ("analyst", "/_stcore/health", None),
        ("analyst", "/static/index.js", None),
        ("analyst", "/downloads/spring/abc/answers.zip", None),
        ("analyst", "//elsewhere.example", None),
    ],
)
def test_where_a_name_leads(role: str, path: str, target: str | None) -> None:
    assert elsewhere(path, b"", account(role)) == target


def test_wave_and_language_go_along_and_the_mark_does_not_pile_up() -> None:
    query = b"wave=spring&lang=zh&missing=1"
    assert elsewhere("/interviews", query, account("interviewer")) == "/?wave=spring&lang=zh"
    assert elsewhere("/items", query, account("interviewer")) == "/?wave=spring&lang=zh&missing=1"


def test_only_a_signed_in_reader_who_asks_for_a_page_is_sent_on() -> None:
    class SignedIn:
        """What the session gate leaves for those behind it."""

        def __init__(self, app: ASGIApp) -> None:
            self.app = app

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "http" and b"cookie" in dict(scope["headers"]):
                scope.setdefault("state", {})["account"] = account("interviewer")
            await self.app(scope, receive, send)

    async def inside(_: Request) -> PlainTextResponse:
        return PlainTextResponse("inside")

    routes = [Route("/{name}", inside, methods=["GET", "POST"])]
    client = TestClient(
        Starlette(routes=routes, middleware=[Middleware(SignedIn), Middleware(Landing)]), follow_redirects=False
    )
    assert client.get("/overview").text == "inside"
    client.headers["cookie"] = "sandu_console=x"
    assert client.post("/overview").text == "inside"
    answer = client.get("/overview?lang=zh")
    assert (answer.status_code, answer.headers["location"]) == (303, "/?lang=zh&missing=1")
