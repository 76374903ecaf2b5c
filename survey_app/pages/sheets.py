"""A sheet of paper from the first keystroke to the one submission: keyed in, compared, settled.

Nothing counts before both entries agree, or before somebody who runs the fieldwork has settled where they differ.
"""

import hashlib
import hmac
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from questionnaires import Instrument
from survey_app import submission
from survey_app.pages.visit import Ending, Visit
from survey_app.store import instruments, paper
from survey_app.store.bodies import preset_names
from survey_app.store.database import Store
from survey_app.store.errors import WordedError
from survey_app.store.paper import Entry, Settled
from survey_app.store.shapes import Draft, Wave

DATE = "fieldwork-date"
"""The day of the interview among the things that are compared; no item can have this name."""
REASONS = ("mistyped", "misread", "skipped", "illegible", "contradictory", "other")


@dataclass(frozen=True)
class Difference:
    """Something that the two entries of a sheet do not agree on: an item's name (or DATE), and what each has."""

    name: str
    first: Any
    second: Any


@dataclass(frozen=True)
class Choice:
    """What is right where entries differ, and why they do: one of REASONS. value None: nothing was answered."""

    value: Any
    reason: str


@dataclass(frozen=True)
class Finished:
    """Where a sheet stands: "waiting" for its second entry, "differs", "submitted", or "refused" with the reason."""

    state: str
    reason: str = ""
    receipt: str | None = None
    differences: int = 0


@dataclass(frozen=True)
class Sheets:
    """Keeps the pages of one entry; handing it in ends the entry."""

    store: Store
    entry: Entry

    def save(
        self, visit: Visit, page: str, answers: Mapping[str, Any], *, language: str, duration_ms: int | None
    ) -> Visit | Ending:
        """One page as it stands on the paper; how long the keying took is not kept."""
        names = {item.name for item in visit.instrument.page(page).items}
        saved = paper.save(self.store, self.entry, page=page, names=names, answers=answers, language=language)
        return replace(visit, draft=_as_draft(visit.wave, saved), language=saved.language)

    def submit(
        self, visit: Visit, answers: Mapping[str, Any], *, durations: Mapping[str, int], door: str
    ) -> Ending | submission.Quarantined:
        """End the entry, unless the instrument does not take it: then what is wrong."""
        clean = visit.instrument.clean(answers, visit.language, today=self.entry.fieldwork_date)
        if clean.problems:
            return submission.Quarantined(dict(clean.problems), clean.first_bad_page)
        own = {name: value for name, value in answers.items() if name not in preset_names(visit.instrument)}
        paper.finish(self.store, self.entry, own)
        return Ending("complete", visit.wave)


def visit_of(store: Store, wave: Wave, entry: Entry) -> Visit:
    """An entry as a visit: its pages in the order of the file, as they are printed."""
    instrument = instruments.load(store, wave.instrument_id, wave.instrument_version)
    return Visit(wave, instrument, "", _as_draft(wave, entry), entry.language)


def _as_draft(wave: Wave, entry: Entry) -> Draft:
    return Draft(
        id="",
        wave=wave.slug,
        answers=entry.answers,
        page=entry.page,
        language=entry.language,
        invited=entry.case is not None,
        durations={},
        updated_on=date.today(),
        mode="paper",
        interviewer=entry.keyer,
    )


def go_on(store: Store, wave: Wave, sheet: str) -> Finished:
    """What follows once an entry is finished: wait for the other, hand the sheet in, or settle where they differ."""
    entries = paper.of_sheet(store, wave, sheet)
    if not entries:
        return Finished("submitted")
    if len(entries) < paper.needed(wave) or not all(each.finished for each in entries):
        return Finished("waiting")
    found = differences(store, wave, entries)
    if found:
        return Finished("differs", differences=len(found))
    return _submit(store, wave, entries, {}, by=entries[-1].keyer)


def differences(store: Store, wave: Wave, entries: list[Entry]) -> list[Difference]:
    """Where a sheet's two entries do not agree, in the order of the form; none for a sheet keyed in once."""
    if len(entries) < 2:
        return []
    first, second = entries
    instrument = instruments.load(store, wave.instrument_id, wave.instrument_version)
    found = [
        Difference(name, first.answers.get(name), second.answers.get(name))
        for name in _compared(instrument, entries)
        if _keyed(instrument, first, name) != _keyed(instrument, second, name)
    ]
    dates = (first.fieldwork_date.isoformat(), second.fieldwork_date.isoformat())
    return found if dates[0] == dates[1] else [Difference(DATE, *dates), *found]


def settle(store: Store, wave: Wave, sheet: str, choices: Mapping[str, Choice], *, by: str) -> Finished:
    """Hand a sheet in with what was chosen where its entries differ.

    Raises StoreError for a difference without a choice or a reason, a day outside the fieldwork, and a sheet that is
    not ready. Where the instrument does not take the answers, nothing is stored and the reason says which item.
    """
    entries = paper.of_sheet(store, wave, sheet)
    if len(entries) < paper.needed(wave) or not all(each.finished for each in entries):
        raise WordedError("Sheet '{sheet}' is not keyed in twice. Wait for its second entry.", sheet=sheet)
    open_names = [each.name for each in differences(store, wave, entries) if each.name not in choices]
    if open_names:
        raise WordedError("Nothing is chosen for {items}. Choose what is right.", items=", ".join(open_names))
    bad = sorted(name for name, each in choices.items() if each.reason not in REASONS)
    if bad:
        raise WordedError("No reason is given for {items}. Say why the entries differ.", items=", ".join(bad))
    if DATE in choices:
        paper.check_day(wave, date.fromisoformat(choices[DATE].value))
    return _submit(store, wave, entries, choices, by=by)


def _submit(store: Store, wave: Wave, entries: list[Entry], choices: Mapping[str, Choice], *, by: str) -> Finished:
    first = _settled(entries[0], choices)
    instrument = instruments.load(store, wave.instrument_id, wave.instrument_version)
    clean = instrument.clean({**first.answers, **wave.presets}, first.language, today=first.fieldwork_date)
    if clean.problems:
        return Finished("refused", "; ".join(f"{name}: {text}" for name, text in clean.problems.items()))
    opened = _draft(store, wave, first)
    if isinstance(opened, submission.Refused):
        return Finished("refused", opened.reason)
    compared = _compared(instrument, entries) if len(entries) > 1 else []
    outcome = submission.submit(
        store,
        wave,
        submission.Submission(
            id=opened,
            answers=first.answers,
            language=first.language,
            mode="paper",
            door="console",
            fieldwork_date=first.fieldwork_date,
            interviewer=first.keyer,
            sheet=Settled(
                sheet=first.sheet,
                by=by,
                wrong={each.keyer: _wrong(instrument, each, first, compared) for each in entries},
                compared=len(compared),
                differing=sum(len({_keyed(instrument, each, name) for each in entries}) > 1 for name in compared),
                reasons={name: choice.reason for name, choice in choices.items()},
            ),
        ),
    )
    if isinstance(outcome, submission.Accepted):
        return Finished("submitted", receipt=outcome.receipt)
    return Finished("refused", outcome.reason if isinstance(outcome, submission.Refused) else "conflict")


def _settled(entry: Entry, choices: Mapping[str, Choice]) -> Entry:
    """The entry with what was chosen in the place of what it had."""
    chosen = {name: choice.value for name, choice in choices.items() if name != DATE}
    kept = {name: value for name, value in entry.answers.items() if name not in chosen}
    answers = {**kept, **{name: value for name, value in chosen.items() if value not in (None, "", [])}}
    day = date.fromisoformat(choices[DATE].value) if DATE in choices else entry.fieldwork_date
    return replace(entry, answers=answers, fieldwork_date=day)


def _draft(store: Store, wave: Wave, entry: Entry) -> str | submission.Refused:
    """The id to submit under: the case's draft, or for a sheet of the open link one that the sheet always gets."""
    if entry.case is not None:
        opened = submission.open_case(
            store, wave, entry.case, interviewer=entry.keyer, language=entry.language, paper=True
        )
        return opened if isinstance(opened, submission.Refused) else opened.id
    key = f"sheet:{wave.slug}:{entry.sheet}".encode()
    return str(uuid.UUID(bytes=hmac.new(store.settings.secret, key, hashlib.sha256).digest()[:16], version=4))


def _compared(instrument: Instrument, entries: list[Entry]) -> list[str]:
    """The items that anybody keyed in, in the order of the form."""
    return [name for name in instrument.items if any(name in each.answers for each in entries)]


def _keyed(instrument: Instrument, entry: Entry, name: str) -> str | tuple[str, ...] | None:
    """What an entry has, so that the same answer is the same value: crosses have no order."""
    value = entry.answers.get(name)
    if not isinstance(value, list):
        return value
    return tuple(sorted(value) if instrument.items[name].type == "select_multiple" else value)


def _wrong(instrument: Instrument, entry: Entry, settled: Entry, compared: list[str]) -> int:
    return sum(_keyed(instrument, entry, name) != _keyed(instrument, settled, name) for name in compared)
