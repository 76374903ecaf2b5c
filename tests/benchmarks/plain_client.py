"""A browser without JavaScript at the plain form: one kept-alive connection, redirects followed, hidden fields sent."""

from __future__ import annotations

import asyncio
import html
import re
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

PATIENCE = 60.0  # seconds for one answer of the server
_FORM = re.compile(r'<form method="post" action="([^"]+)"')
_INPUT = re.compile(r"<input [^>]+>")
_AREA = re.compile(r"(<textarea [^>]+>)([^<]*)</textarea>")
_ATTRIBUTE = re.compile(r' (name|value|type)="([^"]*)"')


@dataclass(frozen=True)
class Answer:
    """What came back: status, headers (names in small letters), text, and all bytes as they came over the wire."""

    status: int
    headers: dict[str, str]
    text: str
    wire: int


class Browser:
    """One person's browser at `base` (http://host:port)."""

    def __init__(self, base: str, *, headers: dict[str, str] | None = None) -> None:
        self.base = base.rstrip("/")
        address = urlsplit(self.base)
        self._host, self._port, self._name = address.hostname or "", address.port or 80, address.netloc
        self._headers = {"Accept-Language": "zh-CN", **(headers or {})}
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self.path, self.page = "", Answer(0, {}, "", 0)

    async def open(self, path: str) -> Answer:
        """Go to an address, and on where it leads."""
        return await self._follow("GET", path)

    async def press(self, answers: dict[str, str], go: str = "next") -> Answer:
        """Send the page that is open: its hidden fields, these answers, this button."""
        return await self._follow("POST", self.action, self.body(answers, go))

    async def send_form(self, path: str, body: str) -> Answer:
        """Send a form's body once more, as a browser does that asks whether to repeat it."""
        return await self._follow("POST", path, body)

    @property
    def action(self) -> str:
        """Where the open page sends its form."""
        found = _FORM.search(self.page.text)
        if found is None:
            raise ValueError(f"there is no form on {self.path}: {self.page.text[:300]}")
        return html.unescape(found[1])

    def body(self, answers: dict[str, str], go: str = "next") -> str:
        """The body of the open page's form with these answers."""
        return urlencode({**self.fields, "go": go, **answers})

    @property
    def fields(self) -> dict[str, str]:
        """What the open page would send as it stands: hidden fields, what is written, what is ticked."""
        fields: dict[str, str] = {}
        for tag in _INPUT.findall(self.page.text):
            found = dict(_ATTRIBUTE.findall(tag))
            if found.get("type") not in {"radio", "checkbox"} or " checked" in tag:
                fields[found.get("name", "")] = html.unescape(found.get("value", ""))
        for tag, text in _AREA.findall(self.page.text):
            fields[dict(_ATTRIBUTE.findall(tag)).get("name", "")] = html.unescape(text)
        return fields

    async def request(self, method: str, path: str, body: str = "") -> Answer:
        """One request on the kept connection; a new one when the server has closed it."""
        return await asyncio.wait_for(self._exchange(method, path, body), PATIENCE)

    async def send(self, method: str, path: str, body: str = "") -> None:
        """Send a request and do not wait for what comes back."""
        if self._streams is not None and self._streams[0].at_eof():
            await self.close()  # the server ends connections on which nothing was said for some seconds
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port)
        writer = self._streams[1]
        headers = {"Host": self._name, **self._headers}
        if method == "POST":
            headers |= {"Content-Type": "application/x-www-form-urlencoded", "Content-Length": str(len(body))}
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", body]
        writer.write("\r\n".join(lines).encode())
        await writer.drain()

    async def close(self) -> None:
        """Close the connection."""
        if self._streams is not None:
            self._streams[1].close()
            with suppress(Exception):
                await self._streams[1].wait_closed()
            self._streams = None

    async def _follow(self, method: str, path: str, body: str = "") -> Answer:
        self.path = path
        self.page = await self.request(method, path, body)
        while self.page.status == 303:
            self.path = self.page.headers["location"].partition("#")[0]
            self.page = await self.request("GET", self.path)
        return self.page

    async def _exchange(self, method: str, path: str, body: str) -> Answer:
        used_before = self._streams is not None
        try:
            await self.send(method, path, body)
            return await self._receive()
        except ConnectionError:
            await self.close()
            if not used_before:
                raise
        except BaseException:
            await self.close()
            raise
        # As browsers do: a kept connection may have been ended by the server just now, so once more on a new one.
        return await self._exchange(method, path, body)

    async def _receive(self) -> Answer:
        assert self._streams is not None
        reader = self._streams[0]
        head = await reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines if line)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        if headers.get("connection", "").lower() == "close":
            await self.close()
        return Answer(int(first.split()[1]), headers, body.decode(), len(head) + len(body))
