"""What the store hands out and takes in: frozen values, and how JSON, dates and tokens are written."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

Margin = Mapping[str, Any]


@dataclass(frozen=True)
class Wave:
    """One round of fieldwork.

    title          by language: {"zh": ..., "en": ...}
    city           unit code; scheme and edition say of which list of units
    state          "open" | "closed"; opens and closes are the first and last day on which answers are taken
    open_link      whether people without an invitation may answer (stream "opt-in")
    presets        answers that the wave fixes, item name -> value; nobody can send others
    weighting      the recipe that snapshots carry as weighting.yaml
    margins        rows: scheme, edition, unit_code, variable, category, count (persons), source, date
    previous       slug of the wave before, for change
    fieldwork      rules of the field: attempts (contact attempts a case gets at most, 6), paper_entries (how often a
                   sheet of paper is keyed in, 2 or 1)
    office         who signs letters, by language, and its telephone; else the instrument's issuing body, and none
    """

    slug: str
    title: Mapping[str, str]
    city: str
    scheme: str
    edition: str
    instrument_id: str
    instrument_version: str
    state: str = "open"
    opens: date | None = None
    closes: date | None = None
    open_link: bool = False
    simulated: bool = False
    presets: Mapping[str, Any] = field(default_factory=dict)
    weighting: Mapping[str, Any] = field(default_factory=dict)
    margins: tuple[Margin, ...] = ()
    previous: str | None = None
    fieldwork: Mapping[str, Any] = field(default_factory=dict)
    office: Mapping[str, str] = field(default_factory=dict)
    office_phone: str | None = None


@dataclass(frozen=True)
class Case:
    """A drawn person: where, with what probabilities (0-1) and weight, and what came of it.

    disposition: None until an answer came, then "complete" | "refused" | "not_eligible".
    """

    case: str
    district: str
    stratum: str
    psu: str
    inclusion_probability_psu: float
    inclusion_probability_person: float
    base_weight: float
    weighting_class: str | None = None
    mode: str = "web"
    disposition: str | None = None


@dataclass(frozen=True)
class Draft:
    """An interview under way. `page` is the page saved last, None before the first; durations are ms per page."""

    id: str
    wave: str
    answers: Mapping[str, Any]
    page: str | None
    language: str
    invited: bool
    durations: Mapping[str, int]
    updated_on: date
    mode: str = "web"
    interviewer: str | None = None


@dataclass(frozen=True)
class Response:
    """A stored answer. stream "probability" has stratum, psu and base_weight, "opt-in" has none of them.

    excluded: the rule by which it does not count, or None. durations are milliseconds a page. interviewer: the account
    that asked or keyed it in, and present: who else was there; both None where nobody asked.
    """

    id: str
    wave: str
    stream: str
    mode: str
    door: str
    language: str
    district: str | None
    stratum: str | None
    psu: str | None
    base_weight: float | None
    answers: Mapping[str, Any]
    disposition: str
    arrived_on: date
    fieldwork_date: date
    durations: Mapping[str, int]
    instrument_id: str
    instrument_version: str
    content_hash: str
    excluded: str | None = None
    interviewer: str | None = None
    present: str | None = None


@dataclass(frozen=True)
class Unit:
    """An administrative unit: level as its list names it, parent by code."""

    code: str
    name: str
    name_en: str | None
    level: str
    parent_code: str | None


@dataclass(frozen=True)
class Account:
    """Somebody who may sign in to the console."""

    name: str
    role: str
    display_name: str
    disabled: bool = False


@dataclass(frozen=True)
class Accepted:
    """Stored. `receipt` is the code to show; `repeated`: the same was here before, and it is still one answer."""

    receipt: str
    repeated: bool = False


@dataclass(frozen=True)
class Conflict:
    """Something else was already sent under this id: offer a new form."""


@dataclass(frozen=True)
class Quarantined:
    """Kept raw, not counted: item -> sentence, and the first page that has such an item."""

    problems: Mapping[str, str]
    page: str | None


@dataclass(frozen=True)
class Refused:
    """Nothing was stored. reason: "closed" | "not open" | "used" | "expired" | "unknown" | "quota"."""

    reason: str


# Made once: json.dumps with options of its own makes an encoder at each call.
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False)


def to_json(value: Any) -> str:
    """Canonical JSON in ASCII: the same value is the same text, whatever characters a person typed."""
    return _ENCODER.encode(value)


def digest(text: str) -> str:
    """SHA-256, 64 hexadecimal characters; of any text, half characters (lone surrogates) included."""
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def to_date(text: str | None) -> date | None:
    """A stored date."""
    return date.fromisoformat(text) if text else None


def from_date(day: date | None) -> str | None:
    """A date as it is stored."""
    return day.isoformat() if day else None


def today() -> str:
    """The server's date, as it is stored."""
    return date.today().isoformat()
