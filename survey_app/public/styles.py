"""Looks of the Streamlit door that its theme settings cannot reach, and the few bits of HTML it shows."""

import re
from base64 import b64encode
from collections.abc import Iterable
from functools import cache
from html import escape
from pathlib import Path

STATIC = Path(__file__).parent / "plain" / "static"
CSS_FILE = Path(__file__).with_name("form.css")


@cache
def icon() -> str:
    """The mark in the browser's tab, as an address that holds it: read once, not with every page."""
    return f"data:image/svg+xml;base64,{b64encode((STATIC / 'icon.svg').read_bytes()).decode()}"


@cache
def css(*, large: bool) -> str:
    """The stylesheet as a style element; in large type everything grows by a quarter."""
    size = "html{font-size:24px}" if large else ""
    return f"<style>{CSS_FILE.read_text(encoding='utf-8')}{size}</style>"


def lines(pairs: list[tuple[str, str]], colon: str) -> str:
    """The form's header block."""
    inner = "".join(f"<div>{escape(name)}{escape(colon)}<b>{escape(value)}</b></div>" for name, value in pairs)
    return f'<div class="sandu-sender">{inner}</div>'


def receipt(code: str, *, large: bool = False) -> str:
    """A code to copy; not st.code, which stays empty until its highlighter has been fetched."""
    return f'<div class="sandu-receipt{" sandu-large" if large else ""}">{escape(code)}</div>'


def small(sentences: Iterable[str]) -> str:
    """Small print, a paragraph each."""
    return "".join(f'<p class="sandu-small">{escape(sentence)}</p>' for sentence in sentences)


def link(address: str, label: str) -> str:
    """A link that stays in this window."""
    return f'<p class="sandu-link"><a href="{escape(address)}" target="_self">{escape(label)}</a></p>'


def after(step: int, tag: str, *, into: str = "") -> str:
    """What a page needs that Streamlit does not do: its language named to screen readers, and the right part in sight.

    Streamlit says "en" of every page and keeps the place where the old one was left: its top comes into sight, or the
    widget with the key `into` (the button of a search, with what was found below). `step` makes the script anew.
    """
    language = f"document.documentElement.lang = '{escape(tag)}'"
    scroll = "document.querySelector('[data-testid=stMain]')?.scrollTo(0, 0)"
    if into:
        # as Streamlit makes a class of a key
        name = "st-key-" + re.sub(r"[^a-zA-Z0-9_-]", "-", into)
        scroll = f"document.getElementsByClassName('{name}')[0]?.scrollIntoView({{block: 'center'}})"
    return f"<script>{language}; {scroll} /* {int(step)} */</script>"
