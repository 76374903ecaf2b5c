"""Addresses of the plain door, and of the Streamlit door for the same visit."""

import re
import unicodedata
from collections.abc import Mapping
from urllib.parse import urlencode

_PRINTED = re.compile(r"/s/[a-z0-9][a-z0-9-]{0,63}(/resume|/?(\?t=[a-z0-9-]{1,64})?)")
_LONGEST_TYPED = 200
_READ = re.compile(r"/s/[a-z0-9-]+(/resume|/?(\?t=[a-zA-Z0-9 -]*)?)")


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


def as_printed(typed: str) -> str | None:
    """The address that a letter prints, or the page for codes that another device shows, for one typed from there.

    Typed in capitals, on a Chinese keyboard (？ for ?), with a full stop or a stroke at its end.
    None where nothing needs mending, or what was typed is no such address.
    """
    if len(typed) > _LONGEST_TYPED:
        return None
    mended = unicodedata.normalize("NFKC", typed).casefold().rstrip(" .\u3002")
    mended = mended.removesuffix("/") if mended.endswith("/resume/") else mended
    return mended if mended != typed and _PRINTED.fullmatch(mended) and not _READ.fullmatch(typed) else None
