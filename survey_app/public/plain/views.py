"""HTML of the plain door: Jinja2 templates with every value escaped."""

import base64
import hashlib
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup, escape

from survey_app.pages import address
from survey_app.pages.controls import Control, asked, blocks, controls
from survey_app.pages.journey import Show, write_copy
from survey_app.pages.visit import Ending, Visit
from survey_app.public.endings import words
from survey_app.public.plain import addresses
from survey_app.public.sender import day, form_line, sender
from survey_app.store.shapes import Wave
from survey_app.submission import ResumeCode
from survey_app.text import LANGUAGE_NAMES, LANGUAGE_TAGS, LANGUAGES, translator

FOLDER = Path(__file__).parent
STATIC = FOLDER / "static"
DEVICE = "other-device"
"""Stands in the place of a page's name in the address that shows the resume code."""


def fingerprint(name: str, content: bytes) -> str:
    """The address of a static file, which changes with its content so that browsers may keep it for ever."""
    return f"/assets/{hashlib.sha256(content).hexdigest()[:12]}/{name}"


def _squeezed(style: str) -> str:
    """A stylesheet without its comments and the blanks that only people need."""
    style = re.sub(r"\s+", " ", re.sub(r"/\*.*?\*/", "", style, flags=re.DOTALL))
    return re.sub(r"(?<=[:,]) | ?([{};]) ?", r"\1", style).replace(";}", "}").strip()


# A first page carries the stylesheet in itself: on a slow net one more request is 400 ms more until it is seen.
STYLE = Markup(_squeezed((STATIC / "style.css").read_text(encoding="utf-8")))  # noqa: S704  (our own file)
STYLESHEET = fingerprint("style.css", STYLE.encode())
STYLE_HASH = "sha256-" + base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
ICON = fingerprint("icon.svg", (STATIC / "icon.svg").read_bytes())


def paragraphs(text: str) -> Markup:
    """Text as HTML: each line a paragraph when there are several, everything escaped."""
    # A text folded over lines in its file has a space after the full stop, where Chinese has none.
    lines = [line.strip() for line in text.replace("\u3002 ", "\u3002\n").splitlines() if line.strip()]
    if len(lines) < 2:
        return escape(text.strip())
    return Markup("").join(Markup("<p>{}</p>").format(line) for line in lines)


_TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(FOLDER / "templates"),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=jinja2.StrictUndefined,
    auto_reload=False,
)
_TEMPLATES.filters["paragraphs"] = paragraphs


@dataclass(frozen=True)
class Look:
    """How a page is to be shown: its language and whether in large type."""

    language: str
    large: bool = False

    @property
    def size(self) -> str | None:
        """The query value that keeps the type size."""
        return "large" if self.large else None


@dataclass(frozen=True)
class AddressBlock:
    """The address as one question: search field, communities found, levels to choose from, names of its items."""

    levels: tuple[Control, ...]
    names: frozenset[str]
    first: str
    shown: str
    chosen: str
    searchable: bool
    search: str
    matches: tuple[address.Match, ...]

    @property
    def bad(self) -> bool:
        """Whether one of the levels has a problem."""
        return any(level.problem for level in self.levels)

    @property
    def required(self) -> bool:
        """Whether the widest level must be answered."""
        return self.levels[0].item.required


def page_html(visit: Visit, show: Show, look: Look) -> str:
    """One page of the form."""
    page, language = show.page, visit.language
    items = asked(page, show.answers, visit.id)
    drawn = controls(
        items, show.answers, submission_id=visit.id, language=language, problems=show.problems, typed=show.typed
    )
    number, ahead = visit.instrument.progress(show.answers, page, submission_id=visit.id)
    first = visit.instrument.next_page(visit.answers, submission_id=visit.id) is page
    slug = visit.wave.slug
    return _render(
        "page.html",
        visit.wave,
        Look(language, look.large),
        action=addresses.form(slug, visit.id, page.name, {"size": look.size}),
        at=str(int(time.time() * 1000)),
        copy=write_copy(visit),
        blocks=blocks(drawn),
        sought=show.sought,
        most=address.MATCHES,
        problems=[control for control in drawn if control.problem],
        unsaved=show.unsaved,
        address=_address_block(visit, drawn, show),
        number=number,
        total=number + ahead,
        first=first,
        last=ahead == 0,
        heading=page.label(language, show.answers, visit.id),
        sender=sender(visit.instrument, language),
        form_line=form_line(visit.instrument, language),
        resume=addresses.resume(slug, {"lang": language, "size": look.size}) if visit.draft is None else "",
        other_door=addresses.streamlit(slug, visit.id, page.name, {"lang": language, "size": look.size}),
    )


def device_html(visit: Visit, look: Look, code: ResumeCode, address: str) -> str:
    """The page that shows a draft's resume code, and where to enter it."""
    slug, query = visit.wave.slug, {"lang": look.language, "size": look.size}
    return _render(
        "device.html",
        visit.wave,
        look,
        here=addresses.form(slug, visit.id, DEVICE),
        address=address + addresses.resume(slug),
        code=code.text,
        until=day(code.until.isoformat(), look.language),
        back=addresses.form(slug, visit.id, query=query),
    )


def resume_html(wave: Wave, look: Look, typed: str = "", problem: str = "") -> str:
    """The page that asks for a resume code."""
    kept = _pairs({"size": look.size, "lang": look.language})
    here = addresses.resume(wave.slug)
    return _render("resume.html", wave, look, here=here, kept_query=kept, typed=typed, problem=problem)


def ending_html(ending: Ending, look: Look, here: str) -> str:
    """The page that ends a visit. `here` is its own address without query, for the language switch."""
    said = words(ending, translator(look.language))
    action = None
    query = {"lang": look.language, "size": look.size}
    if said.again and ending.wave:
        action = (addresses.start(ending.wave.slug, query), said.again)
    return _render(
        "ending.html",
        ending.wave,
        look,
        here=here,
        heading=said.heading,
        sentences=said.sentences,
        good=said.good,
        receipt=ending.receipt,
        action=action,
        resume=addresses.resume(ending.wave.slug, query) if ending.kind == "needs_invitation" and ending.wave else "",
    )


def front_html(waves: Sequence[Wave], look: Look) -> str:
    """The page at the root: the surveys that anyone may answer."""
    offered = [
        {
            "title": title_of(wave, look.language),
            "simulated": wave.simulated,
            "plain": addresses.start(wave.slug, {"lang": look.language, "size": look.size}),
            "streamlit": addresses.streamlit(wave.slug, query={"lang": look.language, "size": look.size}),
        }
        for wave in waves
    ]
    heading = translator(look.language)("Welcome")
    return _render("front.html", None, look, here="/", heading=heading, waves=offered)


def title_of(wave: Wave | None, language: str) -> str:
    """The wave's title in a language, or else in the first it has."""
    if wave is None:
        return translator(language)("Resident survey")
    return wave.title.get(language) or next(iter(wave.title.values()), wave.slug)


def _render(template: str, wave: Wave | None, look: Look, **context: Any) -> str:
    other = next(code for code in LANGUAGES if code != look.language)
    sizes = {"size": None if look.large else "large", "lang": look.language}
    return _TEMPLATES.get_template(template).render(
        _=translator(look.language),
        language=look.language,
        tag=LANGUAGE_TAGS[look.language],
        other=other,
        other_tag=LANGUAGE_TAGS[other],
        other_name=LANGUAGE_NAMES[other],
        large=look.large,
        size_query=_pairs(sizes),
        language_query=_pairs({"size": look.size, "lang": other}),
        title=title_of(wave, look.language),
        simulated=wave is not None and wave.simulated,
        stylesheet=STYLESHEET,
        style=STYLE if template == "page.html" and context["first"] else "",
        icon=ICON,
        **context,
    )


def _pairs(values: Mapping[str, str | None]) -> str:
    return "&".join(f"{name}={value}" for name, value in values.items() if value)


def _address_block(visit: Visit, drawn: Sequence[Control], show: Show) -> AddressBlock | None:
    levels = address.chain(visit.instrument)
    here = address.levels_on(levels, show.page.items)
    if not here:
        return None
    reachable = [level.name for level in address.reachable(here, show.answers)]
    return AddressBlock(
        levels=tuple(control for control in drawn if control.name in reachable),
        names=frozenset(level.name for level in here),
        first=here[0].name,
        shown=" ".join(reachable),
        chosen=address.in_words(levels, show.answers, visit.language),
        searchable=here[0] is levels[0],
        search=show.search,
        matches=show.matches,
    )
