"""Addresses of views: the first view of an account stands at "/", and one that it may not see leads there."""

import re
from urllib.parse import parse_qsl, urlencode

from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from survey_app import permissions
from survey_app.store.shapes import Account

VIEWS = {
    "overview": "results.view",
    "district": "results.view",
    "items": "results.view",
    "waves": "results.view",
    "fieldwork": "fieldwork.view",
    "downloads": "codebook.download",
    "interviews": "interview.conduct",
    "paper": "paper.key",
    "differences": "paper.settle",
    "interviewers": "cases.assign",
}
"""The address of every view in the order of the navigation -> what `permissions.can` is asked."""

MISSING = "missing"
"""The parameter that tells the first view that another was asked for in vain."""

_NAME = re.compile(r"/([A-Za-z][A-Za-z0-9-]*)/?")
_ROUTES = frozenset({"login", "logout", "healthz"})


class Landing:
    """ASGI middleware behind the session gate: Streamlit would call its own first page unknown, in English."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, unless it asks for a page by a name that this account has no page under."""
        account = scope.get("state", {}).get("account") if scope["type"] == "http" else None
        target = elsewhere(scope["path"], scope["query_string"], account) if isinstance(account, Account) else None
        if target is None or scope["method"] not in {"GET", "HEAD"}:
            await self._app(scope, receive, send)
        else:
            await RedirectResponse(target, 303, headers={"Cache-Control": "no-store"})(scope, receive, send)


def open_to(account: Account) -> list[str]:
    """The addresses of the views that an account may see."""
    return [path for path, action in VIEWS.items() if permissions.can(account, action)]


def elsewhere(path: str, query: bytes, account: Account) -> str | None:
    """Where a request for a page by name is sent instead; None where the name is that of one of the account's pages."""
    name = _NAME.fullmatch(path)
    if name is None or name[1] in _ROUTES:
        return None
    offered = open_to(account)
    if name[1] in offered[1:]:
        return None
    kept = [pair for pair in parse_qsl(query.decode("latin-1")) if pair[0] != MISSING]
    asked = kept if offered and name[1] == offered[0] else [*kept, (MISSING, "1")]
    return "/" + (f"?{urlencode(asked)}" if asked else "")
