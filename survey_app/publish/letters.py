"""Letters that invite: one A4 sheet each, in the language of its reader, with the link as a QR code and in letters.

HTML made for printing: no script, no picture and no font from elsewhere, so that opening it tells nobody anything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import segno
from babel.dates import format_date
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from questionnaires import Instrument
from questionnaires.choices import text_in
from survey_app.store.contacts import Contact
from survey_app.store.shapes import Wave
from survey_app.text import LANGUAGE_TAGS, LANGUAGES, translator

TEMPLATE = Path(__file__).with_name("letters.html")
LOCALES = {"zh": "zh_CN", "en": "en_GB"}
GROUP = 5  # letters of a code that stand together


@dataclass(frozen=True)
class Letter:
    """What differs from sheet to sheet. language: zh or en; contact: None where only the case is known."""

    case: str
    token: str
    language: str
    contact: Contact | None = None


@dataclass(frozen=True)
class Mailing:
    """What all letters of a batch share. address: of the residents' process; last_day: on which a link opens a form."""

    wave: Wave
    instrument: Instrument
    address: str
    last_day: date
    written_on: date

    def link(self, token: str) -> str:
        """The address that opens the form."""
        return f"{self.address}/s/{self.wave.slug}?t={token}"

    def office(self, language: str) -> str:
        """Who signs."""
        return text_in(self.wave.office or self.instrument.settings.issuing_body, language)


def language_of(contact: Contact | None, instrument: Instrument) -> str:
    """A person's language where letters are written in it, else the instrument's own, else Chinese."""
    wanted = [contact.language if contact else None, instrument.default_language]
    return next((one for one in wanted if one in LANGUAGES), LANGUAGES[0])


def letters_html(mailing: Mailing, letters: Iterable[Letter]) -> str:
    """Every letter on a sheet of its own, as one HTML page."""
    template = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    sheets = [_sheet(mailing, letter) for letter in letters]
    title = text_in(mailing.wave.title, LANGUAGES[0])
    return template.from_string(TEMPLATE.read_text(encoding="utf-8")).render(title=title, sheets=sheets)


def qr_svg(link: str) -> Markup:
    """A link as a QR code, inline SVG without a size of its own; a quarter of it may be stained (level Q)."""
    code = segno.make(link, error="q", micro=False)
    return Markup(code.svg_inline(border=4, omitsize=True, svgclass="qr"))  # noqa: S704  (made here, of modules only)


def typed(token: str) -> list[str]:
    """A code in groups, as it is printed to be typed."""
    cut = len(token) // GROUP - 1
    return [token[place * GROUP : (place + 1) * GROUP] for place in range(cut)] + [token[cut * GROUP :]]


def _sheet(mailing: Mailing, letter: Letter) -> Mapping[str, object]:
    language = letter.language
    settings = mailing.instrument.settings
    name = (letter.contact.name if letter.contact else None) or ""
    place = re.sub(r"^https?://", "", f"{mailing.address}/s/{mailing.wave.slug}?t=")
    return {
        "_": translator(language),
        "lang": LANGUAGE_TAGS[language],
        "case": letter.case,
        "name": name,
        "where": (letter.contact.address if letter.contact else None) or "",
        "office": mailing.office(language),
        "phone": mailing.wave.office_phone or "",
        "title": text_in(mailing.wave.title, language),
        "purpose": text_in(settings.purpose, language).rstrip("。. "),
        "days": settings.retention_days,
        "facts": _facts(mailing.instrument, language, translator(language)),
        "last_day": format_date(mailing.last_day, "long", LOCALES[language]),
        "written_on": format_date(mailing.written_on, "long", LOCALES[language]),
        "qr": qr_svg(mailing.link(letter.token)),
        "place": place,
        "code": "-".join(typed(letter.token)),
        "simulated": mailing.wave.simulated,
    }


def _facts(instrument: Instrument, language: str, _: Callable[[str], str]) -> list[str]:
    """Form number, approval and validity, as official statistics print them; those that the instrument has."""
    settings = instrument.settings
    approval = text_in(settings.approval_number, language) if settings.approval_number else ""
    known = {_("Form"): settings.form_number, _("Approval"): approval, _("Valid until"): settings.valid_until}
    return [f"{name} {value}" for name, value in known.items() if value]
