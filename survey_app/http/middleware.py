"""Middleware of both processes: allowed hosts, size limit, security headers, hidden paths, courteous error pages.

Nothing here logs an address, a path or a body: a draft's address is a bearer secret.
"""

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from survey_app.text import translator

PLAIN_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
"""Content-Security-Policy of pages that need nothing but their own stylesheet."""

STREAMLIT_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' ws: wss:; worker-src 'self' blob:; "
    "object-src 'none'; form-action 'self'; base-uri 'self'; frame-ancestors 'none'"
)
"""Content-Security-Policy of Streamlit's page: it needs inline styles, and Vega compiles its expressions."""

COMMON_HEADERS = {
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=()",
}

HIDDEN_PATHS = ("/_stcore/metrics", "/_stcore/agent", "/_stcore/script-health-check", "/_stcore/upload_file")
"""Streamlit's own addresses that tell a stranger about the process, or take files, which no page here
asks for and which stay in the memory; they answer 404."""

LARGEST_DISCARDED = 16 * 1024 * 1024
"""Bytes of an oversized body that are read and dropped before the refusal: a browser shows it only then."""

LONG_YEAR = 31_536_000

_STYLE = (
    "body{margin:0;background:#f7f3ec;color:#22302f;font:20px/1.6 'PingFang SC','Microsoft YaHei','Noto Sans CJK SC',"
    "'Noto Sans SC',sans-serif;border-top:5px solid #0b665e;padding:0 16px}main{max-width:32em;margin:8vh auto;"
    "padding:24px;background:#fffefb;border:1px solid #e4dccf;border-radius:18px}"
    "h1{font-size:1.25em;line-height:1.45;margin:0 0 .5em}p{margin:.4em 0}.code{color:#5b6b69;font-size:.8em}"
    "a{display:inline-block;padding:.5em 0;color:#0b665e}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_ERROR_POLICY = f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; frame-ancestors 'none'"

ERROR_SENTENCES = {
    400: "This address cannot be read. Please open the link from your invitation again.",
    403: "This page may only be used from its own site. Please open the link from your invitation again.",
    404: "There is no page at this address. Please check the link on your invitation.",
    405: "This address cannot be used in this way. Please open the link from your invitation again.",
    415: "This form could not be read. Please open the page again and send it from there.",
    429: "Pages came in too fast from here, so this one was not taken. What was saved is kept. "
    "Please wait a moment, go back in your browser and send the page again.",
    413: "More was sent than one page can hold. Please shorten the text and send it again.",
    500: "Something went wrong on our side. What was saved is kept. Please try again in a moment.",
}


class SecurityHeaders:
    """Adds the security headers; the policy is that of the longest path prefix in `policies` that fits."""

    def __init__(self, app: ASGIApp, policies: Mapping[str, str], immutable: Sequence[str] = ("/static/",)) -> None:
        self.app = app
        self.policies = sorted(policies.items(), key=lambda entry: -len(entry[0]))
        self.immutable = tuple(immutable)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on and completes the headers of the answer."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path = scope["path"]
        policy = next((policy for prefix, policy in self.policies if path.startswith(prefix)), PLAIN_POLICY)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in COMMON_HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Content-Security-Policy", policy)
                if scope.get("scheme") == "https":
                    headers.setdefault("Strict-Transport-Security", f"max-age={LONG_YEAR}")
                if not path.startswith(self.immutable):
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self.app(scope, receive, send_with_headers)


class AllowedHosts:
    """Refuses a request whose Host is not ours: 400 for a page, a closed socket for a websocket."""

    def __init__(self, app: ASGIApp, hosts: Sequence[str]) -> None:
        self.app = app
        self.hosts = {host.lower() for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on when its host is allowed."""
        if scope["type"] in {"http", "websocket"} and "*" not in self.hosts:
            host = host_name(Headers(scope=scope).get("host", ""))
            if host not in self.hosts:
                await refuse(400, scope, receive, send)
                return
        await self.app(scope, receive, send)


class HiddenPaths:
    """Answers 404 for addresses that are nobody's business, whatever their letter case, and 400 for what is none."""

    def __init__(self, app: ASGIApp, paths: Sequence[str] = HIDDEN_PATHS) -> None:
        self.app = app
        self.paths = tuple(paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on unless its path is hidden, or leads up, out or nowhere (`..`, NUL, a backslash)."""
        if scope["type"] == "http" and is_unreadable(scope["path"]):
            await refuse(400, scope, receive, send)
            return
        if scope["type"] == "http" and scope["path"].lower().startswith(self.paths):
            await refuse(404, scope, receive, send)
            return
        await self.app(scope, receive, send)


class BodyLimit:
    """Refuses a body larger than `limit` bytes with 413, by its announced length and again while it is read."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self.app = app
        self.limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on while its body stays small."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "0")
        if not announced.isascii() or not announced.isdigit():
            await refuse(400, scope, receive, send)
            return
        if int(announced[:20]) > self.limit:
            await _discard(receive)
            await refuse(413, scope, receive, send)
            return
        read = 0

        async def receive_within_limit() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > self.limit:
                if message.get("more_body"):
                    await _discard(receive)
                raise HTTPException(413)
            return message

        await self.app(scope, receive_within_limit, send)


async def _discard(receive: Receive) -> None:
    """Reads on and keeps nothing, until the body ends or is longer than anybody's patience."""
    dropped = 0
    while dropped < LARGEST_DISCARDED:
        message = await receive()
        dropped += len(message.get("body", b""))
        if not message.get("more_body"):
            return


def is_unreadable(path: str) -> bool:
    """Whether a decoded path holds what no address of ours has."""
    return "\0" in path or "\\" in path or path.startswith("//") or not {".", ".."}.isdisjoint(path.split("/"))


def host_name(host: str) -> str:
    """The name in a Host header without its port, lower case; IPv6 addresses keep their brackets."""
    host = host.strip().lower()
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0]


def is_cross_site(request: Request) -> bool:
    """Whether a browser says that another site made this request; says nothing when the browser sends no such header.

    With Referrer-Policy no-referrer a page's own form sends `Origin: null`, so null is no sign of another site.
    """
    if request.headers.get("sec-fetch-site", "") in {"cross-site", "same-site"}:
        return True
    origin = request.headers.get("origin", "null")
    return origin != "null" and origin.partition("://")[2].lower() != request.headers.get("host", "").lower()


def error_page(status: int, sentence: str | None = None, *, wait: float = 0.0) -> Response:
    """A page that says in both languages what happened and what to do; no traceback, no address, no outside request.

    wait: seconds after which to try again, for the header Retry-After.
    """
    message = sentence or ERROR_SENTENCES.get(status, ERROR_SENTENCES[500 if status >= 500 else 400])
    chinese, english = translator("zh"), translator("en")
    body = (
        '<!DOCTYPE html><html lang="zh-CN"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><title>Sandu 三度</title>'
        f"<style>{_STYLE}</style></head><body><main><h1>{escape(chinese(message))}</h1>"
        f'<p lang="en">{escape(english(message))}</p>{_way_on(status)}<p class="code">{status}</p></main></body></html>'
    )
    headers = {**COMMON_HEADERS, "Content-Security-Policy": _ERROR_POLICY, "Cache-Control": "no-store"}
    if wait > 0:
        headers["Retry-After"] = str(int(wait) + 1)
    return HTMLResponse(body, status_code=status, headers=headers)


def _way_on(status: int) -> str:
    """A link to the start page where nothing was typed that leaving could lose, and the host is ours."""
    label = "To the start page"
    chinese, english = translator("zh")(label), translator("en")(label)
    link = f'<p><a href="/">{escape(chinese)} <span lang="en">{escape(english)}</span></a></p>'
    return link if status in {404, 405} else ""


async def refuse(status: int, scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with an error page, or closes a websocket."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": ""})
        return
    await error_page(status)(scope, receive, send)


async def answer_http_error(_request: Request, error: HTTPException) -> Response:
    """Exception handler for HTTP errors."""
    return error_page(error.status_code)


async def answer_failure(_request: Request, _error: Exception) -> Response:
    """Exception handler for everything unforeseen; the server logs the traceback, the reader sees a sentence."""
    return error_page(500)


async def answer_nobody(_request: Request, _error: ClientDisconnect) -> Response:
    """Exception handler for who is gone before the whole page had come: a telephone without a net, no failure."""
    return Response(status_code=400)


EXCEPTION_HANDLERS: Mapping[Any, Callable[[Any, Any], Any]] = {
    HTTPException: answer_http_error,
    ClientDisconnect: answer_nobody,
    Exception: answer_failure,
}
"""For `exception_handlers=` of an application."""


def middleware_stack(
    *, hosts: Sequence[str], policies: Mapping[str, str], body_limit: int, hidden: Sequence[str] = HIDDEN_PATHS
) -> list[Middleware]:
    """The stack of a process, outermost first: headers, hosts, hidden paths, body limit in bytes."""
    return [
        Middleware(SecurityHeaders, policies=policies),
        Middleware(AllowedHosts, hosts=hosts),
        Middleware(HiddenPaths, paths=hidden),
        Middleware(BodyLimit, limit=body_limit),
    ]
