"""`sandu instrument publish` and `sandu wave create FILE`: what is asked, and a round of fieldwork as a file says it.

A wave's file is YAML: slug, title (zh, en), city, scheme, edition, instrument (id, version), and if wanted opens and
closes (days), open_link, presets, weighting, margins and quotas (names of CSV files beside it or under SANDU_DATA),
previous, fieldwork, office (zh, en: who signs letters), office_phone, simulated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from analysis.errors import nearest
from analysis.recipes import check_steps
from questionnaires import Instrument, load_instrument
from survey_app.cli.fieldwork import read_quotas
from survey_app.cli.office_files import read_table
from survey_app.cli.samples import units_below
from survey_app.cli.yaml_files import read_yaml
from survey_app.demonstration.waves import margin_rows
from survey_app.store import audit, bodies, instruments, quotas, waves
from survey_app.store.database import Store
from survey_app.store.errors import StoreError
from survey_app.store.shapes import Wave

REQUIRED = ("slug", "title", "city", "scheme", "edition", "instrument")
OPTIONAL = (
    *("opens", "closes", "open_link", "presets", "weighting", "margins", "quotas", "previous", "fieldwork"),
    *("office", "office_phone", "simulated"),
)
MARGIN = ("scheme", "edition", "unit_code", "variable", "category", "count", "source", "date")
MARGIN_NOTES = ("count_low", "count_high", "assumption", "wave")
DESIGN = {"stratum": "stratum", "psu": "psu", "weight": "base_weight"}


def publish_instrument(store: Store, path: Path) -> Instrument:
    """Publish an instrument from its file; the same again changes nothing, other content needs a new version."""
    instrument = load_instrument(path, choice_files=store.settings.data)
    known = {(id_, version) for id_, version, _ in instruments.versions(store)}
    instruments.publish(store, instrument)
    if (instrument.id, instrument.version) not in known:
        audit.note(store, "instrument.published", instrument=instrument.id, version=instrument.version)
    return instrument


def create_wave(store: Store, path: Path) -> Wave:
    """Create a wave and its quotas from its file. Raises StoreError for anything in it that does not hold."""
    found = read_yaml(path)
    if not isinstance(found, dict):
        raise StoreError(f"{path.name} holds no mapping; write it as lines of name: value.")
    declared = _Declared(path, found)
    wave = declared.wave(store)
    held = read_quotas(declared.beside("quotas", store)) if "quotas" in declared.found else []
    waves.create(store, wave)
    try:
        quotas.set_caps(store, wave.slug, held)
    except StoreError as error:
        raise StoreError(
            f"Wave {wave.slug!r} was created, but without quotas: {error} Then set them with sandu quotas."
        ) from error
    audit.note(store, "wave.created", wave=wave.slug)
    return wave


@dataclass(frozen=True)
class _Declared:
    """The file as read; every complaint names the file and the entry."""

    path: Path
    found: Mapping[str, Any]

    def wave(self, store: Store) -> Wave:
        self._check_names(self.found, REQUIRED, OPTIONAL, "the file")
        instrument = self._instrument(store)
        previous = self._text("previous") if "previous" in self.found else None
        if previous is not None:
            waves.get(store, previous)
        phone = self._text("office_phone") if "office_phone" in self.found else None
        wave = Wave(
            slug=self._text("slug"),
            title=self._by_language("title"),
            city=self._text("city"),
            scheme=self._text("scheme"),
            edition=self._text("edition"),
            instrument_id=instrument.id,
            instrument_version=instrument.version,
            opens=self._day("opens"),
            closes=self._day("closes"),
            open_link=self._yes("open_link"),
            simulated=self._yes("simulated"),
            presets=self._presets(instrument),
            weighting=self._weighting(),
            previous=previous,
            fieldwork=self._mapping("fieldwork"),
            office=self._by_language("office") if "office" in self.found else {},
            office_phone=phone,
        )
        inside = units_below(store, wave)
        margins = self._margins(store, wave, {wave.city, *inside})
        return Wave(**{**wave.__dict__, "margins": tuple(margins)})

    def error(self, entry: str, why: str) -> StoreError:
        return StoreError(f"{self.path.name}, {entry}: {why}")

    def beside(self, entry: str, store: Store) -> Path:
        """A file that the entry names, beside this one or in the data folder."""
        name = self._text(entry)
        for folder in (self.path.parent, store.settings.data):
            if (folder / name).is_file():
                return folder / name
        raise self.error(entry, f"there is no file {name!r} beside it or under {store.settings.data}.")

    def _check_names(self, found: Any, required: tuple[str, ...], optional: tuple[str, ...], place: str) -> None:
        known = (*required, *optional)
        stray = next((name for name in found if name not in known), None)
        if stray is not None:
            raise self.error(place, f"{stray!r} is no entry. {nearest(str(stray), known)}")
        missing = next((name for name in required if name not in found), None)
        if missing is not None:
            raise self.error(place, f"the entry {missing!r} is missing; add it.")

    def _text(self, entry: str) -> str:
        value = self.found[entry]
        if not isinstance(value, str) or not value.strip():
            raise self.error(entry, f"{value!r} is no text; put it in quotation marks.")
        return value.strip()

    def _mapping(self, entry: str) -> Mapping[str, Any]:
        value = self.found.get(entry, {})
        if not isinstance(value, dict):
            raise self.error(entry, f"{value!r} is no mapping; write it as {{name: value}}.")
        return value

    def _by_language(self, entry: str) -> Mapping[str, str]:
        texts = self._mapping(entry)
        self._check_names(texts, ("zh", "en"), (), entry)
        if not all(isinstance(text, str) and text.strip() for text in texts.values()):
            raise self.error(entry, "zh and en each need a text.")
        return texts

    def _day(self, entry: str) -> date | None:
        value = self.found.get(entry)
        if value is None:
            return None
        if not isinstance(value, date) or isinstance(value, datetime):
            raise self.error(entry, f"{value!r} is no day; write it as 2026-09-30.")
        return value

    def _yes(self, entry: str) -> bool:
        value = self.found.get(entry, False)
        if not isinstance(value, bool):
            raise self.error(entry, f"{value!r} is neither true nor false.")
        return value

    def _instrument(self, store: Store) -> Instrument:
        named = self._mapping("instrument")
        self._check_names(named, ("id", "version"), (), "instrument")
        for name in ("id", "version"):
            if not isinstance(named[name], str):
                raise self.error("instrument", f"{name} {named[name]!r} is no text; put it in quotation marks.")
        return instruments.load(store, named["id"], named["version"])

    def _presets(self, instrument: Instrument) -> Mapping[str, Any]:
        presets = self._mapping("presets")
        self._check_names(presets, tuple(sorted(bodies.preset_names(instrument))), (), "presets")
        odd = next((name for name, value in presets.items() if not isinstance(value, str | int | float)), None)
        if odd is not None:
            raise self.error("presets", f"{odd} is neither text nor a number.")
        return presets

    def _weighting(self) -> Mapping[str, Any]:
        weighting = dict(self._mapping("weighting"))
        self._check_names(weighting, (), ("design", "steps", "labels", "ledger"), "weighting")
        check_steps(f"{self.path.name}, weighting", weighting)
        return {"design": DESIGN, "steps": [], "labels": {}, **weighting}

    def _margins(self, store: Store, wave: Wave, inside: set[str]) -> list[Mapping[str, Any]]:
        if "margins" not in self.found:
            if wave.weighting["steps"]:
                raise self.error("weighting", "its steps need margins; name their file under margins.")
            return []
        path = self.beside("margins", store)
        lines = read_table(path, MARGIN, MARGIN_NOTES)
        for number, row in lines:
            _check_margin(path, number, row)
        rows = [
            row for _, row in lines
            if (row["scheme"], row["edition"]) == (wave.scheme, wave.edition) and row["unit_code"] in inside
        ]  # fmt: skip
        if not rows:
            raise self.error("margins", f"{path.name} has no row of {wave.scheme} {wave.edition} in {wave.city!r}.")
        if {row["variable"] for row in rows} == {"sex*age_band"}:  # one fine table: what is raked to are its sums
            return list(margin_rows(rows, wave.city))
        return [{**{name: row[name] for name in MARGIN}, "count": int(row["count"])} for row in rows]


def _check_margin(path: Path, number: int, row: Mapping[str, str]) -> None:
    empty = next((name for name in MARGIN if not row[name]), None)
    if empty is not None:
        raise StoreError(f"{path.name} row {number}, column {empty!r}: empty; a margin needs its source and date too.")
    if not row["count"].isascii() or not row["count"].isdecimal():
        raise StoreError(f"{path.name} row {number}, column 'count': {row['count']!r} is no whole number of persons.")
