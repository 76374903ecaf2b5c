"""Signing in to the console: the login page, the session cookie and the gate before everything else.

The cookie holds a random token; the row it names lives in the store, so that a session can be ended from the server.
The gate stands before Streamlit: media, components, uploads and the websocket handshake are refused without a session.
"""

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup
from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from survey_app.http.middleware import is_cross_site
from survey_app.http.throttle import Throttle
from survey_app.store import accounts, sessions
from survey_app.store.database import Store
from survey_app.store.shapes import Account
from survey_app.text import LANGUAGE_NAMES, LANGUAGE_TAGS, LANGUAGES, preferred_language, translator

COOKIE = "sandu_console"
"""Cookies ignore ports: the name keeps the console's session apart from the public process on the same host."""

_OPEN_PATHS = frozenset({"/login", "/healthz", "/favicon.png", "/favicon.ico"})
_STATIC = "/static/"  # Streamlit's own compiled front end: the same files for everyone, nothing of ours
_BODY_LIMIT = 8 * 1024
_NAME_LIMIT, _PASSWORD_LIMIT = 200, 1024
_TEMPLATES = Path(__file__).parent / "templates"
_PAGES = Environment(loader=FileSystemLoader(_TEMPLATES), autoescape=True)
_STYLE = (_TEMPLATES / "login.css").read_text(encoding="utf-8")
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


def token_of(headers_cookie: str) -> str:
    """The session token in a Cookie header, or the empty string."""
    try:
        morsel = SimpleCookie(headers_cookie).get(COOKIE)
    except CookieError:
        return ""
    return morsel.value if morsel else ""


def is_open(path: str) -> bool:
    """True for the few paths that need no session: the login page, the health check, Streamlit's static files."""
    if path in _OPEN_PATHS:
        return True
    plain = "\\" not in path and "//" not in path and "%" not in path and "\0" not in path
    return path.startswith(_STATIC) and plain and ".." not in path.split("/")


class SessionGate:
    """ASGI middleware: without a session a reader goes to /login, anything else gets 401 or a refused handshake."""

    def __init__(self, app: ASGIApp, *, account_of: Callable[[str], Account | None]) -> None:
        self._app = app
        self._account_of = account_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on when its path is open or its cookie names a living session."""
        if scope["type"] not in {"http", "websocket"} or (scope["type"] == "http" and is_open(scope["path"])):
            await self._app(scope, receive, send)
            return
        token = token_of(HTTPConnection(scope).headers.get("cookie", ""))
        account = await run_in_threadpool(self._account_of, token) if token else None
        if account is not None:
            scope.setdefault("state", {})["account"] = account
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})
        else:
            await _refusal(scope)(scope, receive, send)


@dataclass(frozen=True)
class Login:
    """The routes /login and /logout over one store."""

    store: Store
    throttle: Throttle = field(default_factory=Throttle)

    def routes(self) -> list[Route]:
        """The two routes, to stand before Streamlit's."""
        return [
            Route("/login", self.login, methods=["GET", "POST"]),
            Route("/logout", self.logout, methods=["GET", "POST"]),
        ]

    async def login(self, request: Request) -> Response:
        """Show the form; on POST check name and password, open a session and set the cookie."""
        if request.method != "POST":
            return _page(request, target=request.query_params.get("next", "/"))
        form = await _form(request)
        if form is None or is_cross_site(request):
            return _page(request, problem="form", status=400)
        name, password = form.get("name", "")[:_NAME_LIMIT], form.get("password", "")
        target, address = form.get("next", "/"), request.client.host if request.client else ""
        wait = self.throttle.wait(name, address)
        if wait > 0:
            return _page(request, problem="wait", target=target, name=name, wait=wait, status=429)
        account = await run_in_threadpool(self._verified, name, password)
        if account is None:
            self.throttle.failed(name, address)
            return _page(request, problem="wrong", target=target, name=name, status=403)
        self.throttle.succeeded(name, address)
        token = await run_in_threadpool(self._fresh_session, account, token_of(request.headers.get("cookie", "")))
        response = RedirectResponse(_local(target, request.query_params.get("lang")), 303, headers=_HEADERS)
        response.set_cookie(
            COOKIE, token, httponly=True, samesite="lax", path="/", secure=request.url.scheme == "https"
        )
        return response

    async def logout(self, request: Request) -> Response:
        """End the session on the server, forget the cookie, go back to the login page."""
        if is_cross_site(request):
            return RedirectResponse("/", 303, headers=_HEADERS)
        token = token_of(request.headers.get("cookie", ""))
        if token:
            await run_in_threadpool(sessions.close, self.store, token)
        response = RedirectResponse("/login?out=1" + _language_suffix(request), 303, headers=_HEADERS)
        response.delete_cookie(COOKIE, path="/", httponly=True, samesite="lax")
        return response

    def _verified(self, name: str, password: str) -> Account | None:
        """The account, or None; an overlong password costs no hash of megabytes."""
        if not name or not password or len(password) > _PASSWORD_LIMIT:
            return accounts.verify(self.store, name or "-", "-")
        return accounts.verify(self.store, name, password)

    def _fresh_session(self, account: Account, old_token: str) -> str:
        """A new token at every sign-in (ASVS 7.2.4); the one the browser still had is ended."""
        if old_token:
            sessions.close(self.store, old_token)
        return sessions.open(self.store, account.name)


def _refusal(scope: Scope) -> Response:
    request = Request(scope)
    if request.method not in {"GET", "HEAD"}:
        return PlainTextResponse("\n".join(_both()), 401, headers={"Cache-Control": "no-store"})
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    language = request.query_params.get("lang", "")
    suffix = f"&lang={language}" if language in LANGUAGES else ""
    return RedirectResponse(
        f"/login?next={quote(_local(path), safe='')}{suffix}", 303, headers={"Cache-Control": "no-store"}
    )


def _both() -> list[str]:
    """The refusal in both languages: a script's request says nothing about its reader."""
    sentences = []
    for language in LANGUAGES:
        _ = translator(language)
        sentences.append(_("Please sign in first."))
    return sentences


def _page(
    request: Request, *, problem: str = "", status: int = 200, target: str = "/", name: str = "", wait: float = 0.0
) -> Response:
    language = _language(request)
    html = _PAGES.get_template("login.html").render(
        text=_texts(language, problem, wait),
        style=Markup(_STYLE),  # noqa: S704  (our own file, not a visitor's text)
        language=language,
        other="en" if language == "zh" else "zh",
        names=LANGUAGE_NAMES,
        tags=LANGUAGE_TAGS,
        target=_local(target),
        target_query=quote(_local(target), safe=""),
        name=name,
        problem=problem,
        signed_out="out" in request.query_params and not problem,
    )
    headers = {**_HEADERS, "Retry-After": str(int(wait) + 1)} if wait > 0 else _HEADERS
    return HTMLResponse(html, status, headers=headers)


def _texts(language: str, problem: str, wait: float) -> Mapping[str, str]:
    """Every sentence of the login page."""
    _ = translator(language)
    minutes = max(1, round(wait / 60 + 0.49))
    problems = {
        "": "",
        "form": _("This form could not be read. Please open the page again and sign in from here."),
        "wrong": _("Name and password do not match. Please check both; capital letters count in the password."),
        "wait": _("Too many attempts in a short time. For safety, please try again in {minutes} minutes.").format(
            minutes=minutes
        ),
    }
    return {
        "title": _("Sign in"),
        "product": _("Sandu · Three degrees"),
        "subtitle": _("Awareness, participation and satisfaction: the analyst's console"),
        "name": _("Account name"),
        "password": _("Password"),
        "submit": _("Sign in"),
        "help": _("No account, or password forgotten? Ask your administrator: sandu user add NAME"),
        "private": _("For staff of the survey only. Every download is recorded."),
        "signed_out": _("You are signed out."),
        "problem": problems[problem],
    }


async def _form(request: Request) -> Mapping[str, str] | None:
    """The posted fields, or None when the body is too large or is no form."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _BODY_LIMIT:
            return None
    try:
        fields = parse_qs(body.decode("utf-8"), keep_blank_values=True, max_num_fields=10)
    except (UnicodeDecodeError, ValueError):
        return None
    return {name: values[0] for name, values in fields.items()}


def _local(target: str, language: str | None = None) -> str:
    """`target` when it is a path on this server, else "/"; never another host, never the login page itself."""
    parts = urlsplit(target) if target.isprintable() else None
    odd = parts is None or parts.scheme or parts.netloc or not target.startswith("/") or target[1:2] in {"/", "\\"}
    if odd or parts is None or parts.path in {"/login", "/logout"}:
        target = "/"
    if language in LANGUAGES and "lang=" not in target:
        target += ("&" if "?" in target else "?") + f"lang={language}"
    return target


def _language(request: Request) -> str:
    """The language asked for in the address, else the browser's, else Chinese."""
    asked = request.query_params.get("lang", "")
    if asked in LANGUAGES:
        return asked
    return preferred_language(request.headers.get("accept-language", ""))


def _language_suffix(request: Request) -> str:
    language = request.query_params.get("lang", "")
    return f"&lang={language}" if language in LANGUAGES else ""
