"""Addresses of the plain door, and of the Streamlit door for the same visit."""

from collections.abc import Mapping
from urllib.parse import urlencode


def start(slug: str, query: Mapping[str, str | None] | None = None) -> str:
    """Where a visit begins."""
    return f"/s/{slug}" + _query(query or {})


def form(
    slug: str, visit_id: str, page: str = "", query: Mapping[str, str | None] | None = None, *, item: str = ""
) -> str:
    """A page of a visit; without a page the one to go on with. `item` scrolls to an item."""
    return f"/s/{slug}/{visit_id}/{page}" + _query(query or {}) + (f"#item-{item}" if item else "")


def resume(slug: str, query: Mapping[str, str | None] | None = None) -> str:
    """Where a code from another device is entered."""
    return f"/s/{slug}/resume" + _query(query or {})


def streamlit(slug: str, visit_id: str = "", page: str = "", query: Mapping[str, str | None] | None = None) -> str:
    """The Streamlit door; without an id the process mints one."""
    return "/" + _query({"s": slug, "r": visit_id, "p": page, **(query or {})})


def _query(values: Mapping[str, str | None]) -> str:
    given = {name: value for name, value in values.items() if value}
    return "?" + urlencode(given) if given else ""
