"""The websocket of Streamlit's page: opened by our own pages only, and never faster than the server can answer.

Each message makes the server run a script. Streamlit takes them in as fast as they come, and meanwhile nobody else is
served: ten thousand of one visitor held all residents up for half a minute.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from survey_app.http.middleware import refuse
from survey_app.http.throttle import Flow

MESSAGES = Flow(40, 10.0)
"""Messages of one socket: a person presses a button every few seconds, a page that reconnects sends two or three."""


class SocketGate:
    """Refuses a websocket that another site's page opens; holds back, not away, what one socket sends too fast."""

    def __init__(
        self,
        app: ASGIApp,
        flow: Flow = MESSAGES,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._app, self._flow, self._clock, self._pause = app, flow, clock, pause

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the connection on; of a websocket each message in its turn."""
        if scope["type"] != "websocket":
            await self._app(scope, receive, send)
        elif is_foreign(Headers(scope=scope)):
            await receive()
            await refuse(403, scope, receive, send)
        else:
            await self._app(scope, self._paced(receive), send)

    def _paced(self, receive: Receive) -> Receive:
        """`receive` as a vessel that empties at the flow's rate; what does not fit waits, and others are served."""
        empty_at = self._clock()

        async def in_turn() -> Message:
            nonlocal empty_at
            message = await receive()
            if message["type"] == "websocket.receive":
                now = self._clock()
                empty_at = max(empty_at, now) + 1 / self._flow.a_second
                await self._pause(max(0.0, empty_at - now - self._flow.at_once / self._flow.a_second))
            return message

        return in_turn


def is_foreign(headers: Headers) -> bool:
    """Whether a browser opens the socket for another site's page; a program that is no browser names no Origin."""
    origin = headers.get("origin")
    return origin is not None and origin.partition("://")[2].lower() != headers.get("host", "").lower()
