"""The residents' process put together: routes, middleware, and the entrance that sorts addresses between the doors."""

from collections.abc import Sequence
from urllib.parse import parse_qs, unquote

from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Receive, Scope, Send

from survey_app.http.middleware import PLAIN_POLICY, STREAMLIT_POLICY, error_page, middleware_stack
from survey_app.pages.visit import Ending
from survey_app.public import doors
from survey_app.public.endings import words
from survey_app.public.plain import addresses, routes
from survey_app.public.plain.views import STYLE_HASH, Look, ending_html
from survey_app.public.visit import enter, is_id
from survey_app.settings import Settings
from survey_app.text import LANGUAGES, preferred_language, translator

BODY_LIMIT = 262_144
"""Bytes; a character of Chinese takes nine, so this holds twelve texts of full length."""
"""Bytes of a request's body; the longest honest page is a tenth of it."""

STREAMLIT_PATHS = ("/_stcore/", "/static/", "/media/", "/component/")
STREAMLIT_FILES = frozenset({"/", "/favicon.png", "/manifest.json"})
FORM_POLICY = PLAIN_POLICY.replace("style-src 'self'", f"style-src 'self' '{STYLE_HASH}'")
POLICIES = {"/": STREAMLIT_POLICY, "/s/": FORM_POLICY, "/assets/": PLAIN_POLICY}


class Entrance:
    """Sorts addresses: the Streamlit form gets its id by a redirect, and what is neither door's gets a 404.

    Streamlit answers any unknown address with its own page; a mistyped link should say so instead.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers the root without a form, and unknown addresses; passes everything else on."""
        answer = await self._answer(scope) if scope["type"] == "http" else None
        await (answer or self.app)(scope, receive, send)

    async def _answer(self, scope: Scope) -> Response | None:
        path = scope["path"]
        if path == "/":
            return await run_in_threadpool(root, Request(scope))
        if path in STREAMLIT_FILES or path.startswith(STREAMLIT_PATHS):
            return None
        query = unquote(scope["query_string"].decode("utf-8", "replace"))
        mended = addresses.as_printed(path + ("?" + query if query else ""))
        if mended and scope["method"] in {"GET", "HEAD"}:
            return RedirectResponse(mended, 303)
        found = {route.matches(scope)[0] for route in routes.ROUTES}
        # Answered here because Streamlit, asked next, redirects and serves its own page for whatever it does not know.
        return None if Match.FULL in found else error_page(405 if Match.PARTIAL in found else 404)


def root(request: Request) -> Response | None:
    """`/`: the list of open surveys; with `?s=` the Streamlit form, which needs an id `?r=` first. None: Streamlit."""
    if request.method not in {"GET", "HEAD"}:
        return error_page(405)
    query = request.query_params
    slug = query.get("s")
    if slug is None:
        return routes.front(request)
    if is_id(query.get("r", "")) and "t" not in query:
        return None
    entered = enter(doors.current(), slug, query.get("t"))
    look = Look(_language(request), query.get("size") == "large")
    if isinstance(entered, Ending):
        html = ending_html(entered, look, addresses.start(slug) if entered.wave else "/")
        return HTMLResponse(html, status_code=words(entered, translator(look.language)).status)
    chosen = query.get("lang")
    language = chosen if chosen in LANGUAGES else None
    return RedirectResponse(addresses.streamlit(slug, entered, query={"lang": language, "size": look.size}), 303)


def middleware(settings: Settings) -> list[Middleware]:
    """The process's middleware, outermost first."""
    stack = middleware_stack(hosts=settings.allowed_hosts, policies=POLICIES, body_limit=BODY_LIMIT)
    return [*stack, Middleware(Entrance)]


def all_routes() -> Sequence[BaseRoute]:
    """The process's own routes; Streamlit's follow them."""
    return routes.ROUTES


def _language(request: Request) -> str:
    chosen = parse_qs(request.url.query).get("lang", [""])[-1]
    return chosen if chosen in LANGUAGES else preferred_language(request.headers.get("accept-language", ""))
