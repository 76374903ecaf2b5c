"""A browser tab at a Streamlit form, without the browser: the websocket, its protobuf messages, the widgets' values.

It speaks what Streamlit's own page speaks (`/_stcore/stream`, BackMsg and ForwardMsg of the installed version), so it
measures and breaks what a resident's browser would. It does not fetch the page's files and draws nothing.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

PATIENCE = 60.0  # seconds for one answer of the server
STATE_FIELDS = {
    "radio": "string_value",
    "selectbox": "string_value",
    "text_input": "string_value",
    "text_area": "string_value",
    "checkbox": "bool_value",
    "button": "trigger_value",
}
"""Element kind -> the field of WidgetState in which the browser sends its value."""


class ProtocolError(Exception):
    """The server said something that a form should never say, or went away."""


@dataclass(frozen=True)
class Widget:
    """A widget as it stands on the page: its kind, its element, the delta path where it stands."""

    kind: str
    element: Any

    @property
    def key(self) -> str:
        """The `key=` that the script gave it; ids are "$$ID-<hash>-<key>"."""
        return self.element.id.split("-", 2)[2]

    @property
    def start(self) -> Any:
        """What the browser holds before anybody touches it."""
        if self.kind in {"radio", "selectbox"}:
            if self.element.HasField("raw_value"):
                return self.element.raw_value
            has = self.element.HasField("default") and len(self.element.options) > 0
            return self.element.options[self.element.default] if has else None
        return None if self.kind == "button" else self.element.default


class Tab:
    """One tab at `base`/?`query`. `press` sends what is filled in and waits until the script has ended."""

    def __init__(self, base: str, query: str, *, headers: dict[str, str] | None = None, locale: str = "zh-CN") -> None:
        self.base, self.query = base.rstrip("/"), query
        self._headers, self._locale = headers, locale
        self._socket: websockets.ClientConnection | None = None
        self._session, self._script = "", ""
        self._cache: dict[str, ForwardMsg] = {}
        self._shown: dict[tuple[int, ...], tuple[Widget | None, str]] = {}
        self._old: set[tuple[int, ...]] = set()  # what a run that has not ended has not drawn again
        self._values: dict[str, tuple[str, Any]] = {}  # widget id -> kind, value

    # ---- what a person does

    async def open(self) -> Tab:
        """Connect and see the first page."""
        await self.connect()
        await self._run()
        return self

    async def connect(self) -> None:
        """Open the socket; after a `close` under the same session, as a browser does. Nothing is sent yet."""
        address = urlsplit(self.base)
        known = [self._session] if self._session else []
        self._socket = await websockets.connect(
            f"ws://{address.netloc}/_stcore/stream",
            subprotocols=["streamlit", "PLACEHOLDER_AUTH_TOKEN", *known],  # type: ignore[list-item]
            origin=self.base,  # type: ignore[arg-type]
            additional_headers=self._headers,
            max_size=None,
            open_timeout=PATIENCE,
            ping_interval=None,
            compression=None,
        )

    async def close(self) -> None:
        """Close the socket."""
        if self._socket is not None:
            with suppress(Exception):
                await self._socket.close()

    @property
    def widgets(self) -> dict[str, Widget]:
        """What stands on the page, by key, in order."""
        found = [widget for _, (widget, _) in sorted(self._shown.items()) if widget]
        return {widget.key: widget for widget in found}

    @property
    def words(self) -> str:
        """Every text on the page."""
        return "\n".join(text for _, (_, text) in sorted(self._shown.items()) if text)

    def key_of(self, item: str) -> str:
        """The key of an item's widget on our form, which has the draft's id and the language before it."""
        widgets = self.widgets.items()
        found = next((key for key, one in widgets if one.kind != "button" and key.endswith(f"-{item}")), None)
        if found is None:
            raise ProtocolError(f"there is no {item} on the page {self.query}: {self.words[:300]}")
        return found

    def choose(self, key: str, number: int) -> None:
        """Tap the option of that number (from 0) in a list of radio buttons or a menu."""
        widget = self.widgets[key]
        self._values[widget.element.id] = (widget.kind, widget.element.options[number])

    def write(self, key: str, text: str) -> None:
        """Fill in a field."""
        widget = self.widgets[key]
        self._values[widget.element.id] = (widget.kind, text)

    def held(self, key: str) -> Any:
        """What stands in a field, or is chosen."""
        return self._values[self.widgets[key].element.id][1]

    async def press(self, key: str) -> None:
        """Press a form's button."""
        await self.send(key)
        await self.settle()

    async def send(self, key: str = "", *, times: int = 1) -> None:
        """Send the page with its button pressed, that many times at once, and wait for nothing."""
        message = self._message(self.widgets[key].element.id if key else "")
        for _ in range(times):
            await self._require_socket().send(message)

    async def settle(self) -> None:
        """Read until the script has ended, and every rerun that it asked for."""
        while not await self._read():
            pass

    # ---- what the page's program does

    async def _run(self) -> None:
        await self._require_socket().send(self._message(""))
        await self.settle()

    def _require_socket(self) -> websockets.ClientConnection:
        if self._socket is None:
            raise ProtocolError("the tab is not connected")
        return self._socket

    def _message(self, pressed: str) -> bytes:
        message = BackMsg()
        rerun = message.rerun_script
        rerun.query_string = self.query
        rerun.page_script_hash = self._script
        for identity, (kind, value) in self._values.items():
            state = rerun.widget_states.widgets.add()
            state.id = identity
            if value is not None:
                setattr(state, STATE_FIELDS[kind], value)
        if pressed:
            state = rerun.widget_states.widgets.add()
            state.id, state.trigger_value = pressed, True
        rerun.cached_message_hashes.extend(self._cache)
        context = rerun.context_info
        context.timezone, context.timezone_offset, context.locale = "Asia/Shanghai", -480, self._locale
        context.url, context.color_scheme = f"{self.base}/?{self.query}", "light"
        return message.SerializeToString()

    async def _read(self) -> bool:
        """One message; True when the script has ended for good."""
        raw = await asyncio.wait_for(self._require_socket().recv(), PATIENCE)
        message = ForwardMsg()
        message.ParseFromString(raw)  # type: ignore[arg-type]
        kind = message.WhichOneof("type")
        if kind == "ref_hash":
            known = ForwardMsg()
            known.CopyFrom(self._cache[message.ref_hash])
            known.metadata.CopyFrom(message.metadata)
            message, kind = known, known.WhichOneof("type")
        elif message.metadata.cacheable and message.hash:
            self._cache[message.hash] = message
        if kind == "new_session":
            self._session = message.new_session.initialize.session_id or self._session
            self._script = message.new_session.page_script_hash
            self._old = set(self._shown)
        elif kind == "delta":
            self._draw(tuple(message.metadata.delta_path), message.delta)
        elif kind == "page_info_changed":
            self.query = message.page_info_changed.query_string
        elif kind == "script_finished":
            return self._finished(message.script_finished)
        return False

    def _draw(self, path: tuple[int, ...], delta: Any) -> None:
        if delta.WhichOneof("type") != "new_element":
            return  # a block that comes again keeps what stands in it
        self._shown = {place: one for place, one in self._shown.items() if place[: len(path)] != path}
        self._old.discard(path)
        kind = delta.new_element.WhichOneof("type")
        element = getattr(delta.new_element, kind)
        if kind == "exception":
            raise ProtocolError(f"the page shows {element.type}: {element.message[:200]}")
        widget = Widget(kind, element) if kind in STATE_FIELDS and element.id else None
        if widget and kind != "button" and (element.id not in self._values or getattr(element, "set_value", False)):
            self._values[element.id] = (kind, widget.start)
        text = getattr(element, "body", "") or getattr(element, "label", "")
        self._shown[path] = (widget, text if isinstance(text, str) else "")

    def _finished(self, status: int) -> bool:
        if status == ForwardMsg.FINISHED_WITH_COMPILE_ERROR:
            raise ProtocolError("the script does not compile")
        if status == ForwardMsg.FINISHED_EARLY_FOR_RERUN:
            return False
        # Only now the browser drops what was not drawn again, and forgets the values of widgets no longer shown.
        self._shown = {place: one for place, one in self._shown.items() if place not in self._old}
        shown = {widget.element.id for widget, _ in self._shown.values() if widget}
        self._values = {identity: held for identity, held in self._values.items() if identity in shown}
        return True
