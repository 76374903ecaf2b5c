"""A resident at either door who does what people do when nothing comes back: press once more."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

from websockets.exceptions import WebSocketException

from tests.benchmarks.plain_client import Browser
from tests.benchmarks.streamlit_client import Tab
from tests.faults.conftest import SLUG

PAGES: dict[str, dict[str, str]] = {
    "consent": {"consent": "yes"},
    "home": {"district": "east", "age": "41"},
    "words": {"remark": "安静"},
}
GONE = (ConnectionError, EOFError, OSError, WebSocketException, asyncio.TimeoutError)
"""What a client sees when the server dies under it."""
UNTIL_PRESSED_AGAIN = 15.0
"""Seconds after which a person presses once more: a server that learns late of a dead socket ends its session's run."""
THANKS = "您的回答已经收到"
CHOICES = {"consent": ["yes", "no"], "district": ["east", "west"]}


@dataclass
class Person(ABC):
    """Fills in the three pages; `at`: the page that is open."""

    base: str
    at: str = ""

    @abstractmethod
    async def arrive(self, token: str | None = None) -> Person:
        """Open the form's link."""

    @abstractmethod
    async def follow(self, other: Person) -> Person:
        """Open the address that stands in somebody else's browser."""

    @abstractmethod
    async def press(self, page: str, **answers: str) -> None:
        """Fill in the page that is open and press its button. Raises one of GONE when nothing comes back."""

    @abstractmethod
    async def again(self) -> None:
        """After nothing came back: press the same button once more."""

    @abstractmethod
    async def press_as_shown(self) -> None:
        """Press the button of the page as it stands there, and fill in nothing."""

    @abstractmethod
    def filled_in(self, item: str) -> str:
        """What stands in the field of an item."""

    @property
    @abstractmethod
    def id(self) -> str:
        """The form's id."""

    @property
    @abstractmethod
    def words(self) -> str:
        """What is on the screen."""

    @property
    @abstractmethod
    def thanked(self) -> bool:
        """Whether the thank-you page is shown."""

    async def until_thanked(self) -> None:
        """Wait for the thank-you page; at once where one press has one answer."""
        assert self.thanked, self.words

    @abstractmethod
    async def leave(self) -> None:
        """Close the browser."""


class Plain(Person):
    """At the plain door."""

    async def arrive(self, token: str | None = None) -> Plain:
        self.browser = Browser(self.base)
        await self.browser.open(f"/s/{SLUG}" + (f"?t={token}" if token else ""))
        return self

    async def follow(self, other: Person) -> Plain:
        assert isinstance(other, Plain)
        self.browser = Browser(self.base)
        await self.browser.open(other.browser.path)
        return self

    async def press(self, page: str, **answers: str) -> None:
        assert self.browser.action.partition("?")[0].endswith(f"/{page}"), self.browser.action
        self.last = (self.browser.action, self.browser.body(PAGES[page] | answers))
        await self.again()

    async def again(self) -> None:
        path, body = self.last
        await self.browser.close()  # the server ends a connection after some quiet seconds, maybe just now
        await self.browser.send_form(path, body)

    async def press_as_shown(self) -> None:
        self.last = (self.browser.action, self.browser.body({}))
        await self.again()

    def filled_in(self, item: str) -> str:
        return self.browser.fields.get(item, "")

    @property
    def id(self) -> str:
        return self.browser.path.split("/")[3]

    @property
    def words(self) -> str:
        return self.browser.page.text

    @property
    def thanked(self) -> bool:
        return THANKS in self.browser.page.text

    async def leave(self) -> None:
        await self.browser.close()


class Streamlit(Person):
    """At the Streamlit door."""

    async def arrive(self, token: str | None = None) -> Streamlit:
        browser = Browser(self.base)
        entered = await browser.request("GET", f"/?s={SLUG}" + (f"&t={token}" if token else ""))
        await browser.close()
        self.tab = await Tab(self.base, entered.headers["location"].partition("?")[2]).open()
        return self

    async def follow(self, other: Person) -> Streamlit:
        assert isinstance(other, Streamlit)
        self.tab = await Tab(self.base, other.tab.query).open()
        return self

    def fill(self, page: str, **answers: str) -> None:
        """Fill in the page and press nothing."""
        for item, answer in (PAGES[page] | answers).items():
            if item in CHOICES:
                self.tab.choose(self.tab.key_of(item), CHOICES[item].index(answer))
            else:
                self.tab.write(self.tab.key_of(item), answer)
        self.button = f"go-next-{page}"

    async def press(self, page: str, **answers: str) -> None:
        self.fill(page, **answers)
        await self.tab.press(self.button)

    async def again(self) -> None:
        for _ in range(3):
            try:
                async with asyncio.timeout(UNTIL_PRESSED_AGAIN):
                    await self._reconnect_and_press()
                return
            except TimeoutError:
                continue
        raise AssertionError(f"nothing happens after three presses: {self.words[:500]}")

    async def _reconnect_and_press(self) -> None:
        await self.tab.close()
        await self.tab.connect()
        await self.tab.press(self.button)
        while self.button in self.tab.widgets:  # what the server had to say before the wire was cut comes first
            await self.tab.settle()

    async def press_as_shown(self) -> None:
        await self.tab.press(self.button)

    def filled_in(self, item: str) -> str:
        return str(self.tab.held(self.tab.key_of(item)))

    async def until_thanked(self) -> None:
        try:
            async with asyncio.timeout(UNTIL_PRESSED_AGAIN):
                while not self.thanked:
                    await self.tab.settle()
        except TimeoutError:
            await self.again()
        assert self.thanked, self.words

    @property
    def id(self) -> str:
        return dict(part.split("=") for part in self.tab.query.split("&"))["r"]

    @property
    def words(self) -> str:
        return self.tab.words

    @property
    def thanked(self) -> bool:
        return THANKS in self.tab.words

    async def leave(self) -> None:
        await self.tab.close()


DOORS: dict[str, Callable[[str], Person]] = {"plain": Plain, "streamlit": Streamlit}
