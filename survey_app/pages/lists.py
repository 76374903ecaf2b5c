"""A list too long to send is searched at the server; only what is chosen or found goes to the browser.

It is searched by the same means as a community's name in the address, and what is found is shown in the same way.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from questionnaires.choices import Choice
from questionnaires.items import Item
from survey_app.pages import address
from survey_app.pages.address import MATCHES, Match

MOST_SENT = 100
"""Up to this many choices, a list goes to the browser whole."""

GO = "search-"
"""A search button sends this and the item's name; the field beside it has the same name. No item's holds a hyphen."""


def typed_field(name: str) -> str:
    """The field in which something of an item's list is looked for."""
    return f"{GO}{name}"


def searched_field(name: str) -> str:
    """The hidden field that says what was looked for before."""
    return f"searched-{name}"


@dataclass(frozen=True)
class Lookup:
    """A long list on a page: what is chosen of it, what was typed (None: nothing yet), and what that found."""

    kept: tuple[Match, ...]
    text: str | None
    found: tuple[Match, ...]

    @property
    def matches(self) -> tuple[Match, ...]:
        """All that is shown of the list."""
        return (*self.kept, *self.found)

    @property
    def full(self) -> bool:
        """Whether there may be more than is shown."""
        return len(self.found) == MATCHES


def is_long(item: Item, offered: Sequence[Choice]) -> bool:
    """Whether so much is offered that it is searched; the levels of an address have a search of their own."""
    return (
        len(offered) > MOST_SENT
        and item.type in ("select_one", "select_one_from_file", "select_multiple")
        and not address.is_level(item)
    )


def look_up(
    item: Item,
    offered: Sequence[Choice],
    text: str | None,
    *,
    chosen: Sequence[str],
    answers: Mapping[str, Any],
    language: str,
) -> Lookup:
    """What is shown of a long list; choices that are no answer (don't know) are shown always and so never found."""
    names = {choice.name: choice for choice in offered if choice.missing is None}
    hits = item.search(text or "", limit=len(item.choices), answers=answers)
    found = [choice for choice in hits if choice.name in names and choice.name not in chosen]
    kept = [names[name] for name in chosen if name in names]
    return Lookup(_matches(item, kept, language), text, _matches(item, found[:MATCHES], language))


def _matches(item: Item, choices: Sequence[Choice], language: str) -> tuple[Match, ...]:
    return tuple(address.match((item,), choice, language) for choice in choices)
