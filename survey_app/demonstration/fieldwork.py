"""What interviewers find in the demonstration's open wave: cases to call and to visit, invented contacts, three sheets.

Nothing here is an answer: no estimate and no snapshot changes with it.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from questionnaires import Instrument
from survey_app.store import (
    assignments,
    call_list,
    contacts,
    dispositions,
    instruments,
    invitations,
    paper,
    responses,
    units,
    waves,
)
from survey_app.store.database import Store
from survey_app.store.paper import Entry
from survey_app.store.shapes import Case, Wave

OWN = {dispositions.PHONE: 12, dispositions.FACE_TO_FACE: 8}
"""How many cases of each mode the interviewer is given."""
KEPT = timedelta(days=90)


def begin_fieldwork(store: Store, slug: str, *, interviewer: str, organiser: str) -> None:
    """Contacts for every case that can still be called or visited, some of them assigned, and three sheets of paper."""
    wave = waves.get(store, slug)
    still = [case for case in invitations.cases(store, wave) if case.disposition is None]
    _give_contacts(store, wave, [case for case in still if case.mode in dispositions.MODES])
    now = datetime.now()
    if not call_list.own_cases(store, wave, interviewer, now=now):
        for mode, count in OWN.items():
            assignments.assign(store, wave, interviewer, mode=mode, count=count, by=organiser, now=now)
    sheets = [case.case for case in still if case.mode == "web"][:3]
    known = paper.all_sheets(store, wave)
    if len(sheets) == 3 and not known:
        _key_in(store, wave, sheets, first=interviewer, second=organiser)


def _give_contacts(store: Store, wave: Wave, cases: list[Case]) -> None:
    """Names, numbers and addresses that cannot be anybody's: no number begins with 000, no road bears such a name."""
    places = units.names(store, wave.scheme, wave.edition)
    people = [
        contacts.Contact(
            case.case,
            keep_until=date.today() + KEPT,
            name=f"模拟住户{number:04}",
            phone=f"000-0000-{number:04}",
            address=f"{places.get(case.district, '')}{places.get(case.psu, '')}模拟路{number}号",
            language="zh",
        )
        for number, case in enumerate(cases, start=1)
    ]
    with contacts.open_contacts(store.settings) as opened:
        contacts.load(opened, wave, people)


def _key_in(store: Store, wave: Wave, sheets: list[str], *, first: str, second: str) -> None:
    """One sheet that waits for its second entry, one whose two entries differ, one that is keyed in half."""
    instrument = instruments.load(store, wave.instrument_id, wave.instrument_version)
    once, twice, half = sheets
    answers = _as_keyed(instrument, wave, _volunteer(store, wave))
    for sheet, keyer, given in (
        (once, first, answers),
        (twice, first, answers),
        (twice, second, _misread(instrument, answers)),
    ):
        paper.finish(store, paper.begin(store, wave, _entry(wave, sheet, keyer)), given)
    page = instrument.pages[0]
    names = {item.name for item in page.items}
    begun = {name: value for name, value in answers.items() if name in names}
    mine = paper.begin(store, wave, _entry(wave, half, first))
    paper.save(store, mine, page=page.name, names=names, answers=begun, language=mine.language)


def _entry(wave: Wave, sheet: str, keyer: str) -> Entry:
    return Entry(wave.slug, sheet, keyer, "zh", date.today())


def _volunteer(store: Store, wave: Wave) -> Mapping[str, Any]:
    """The answers of a simulated volunteer, always the same one."""
    whole = (one for one in responses.stream(store, wave) if one.stream == "opt-in" and one.disposition == "complete")
    return min(whole, key=lambda one: one.id).answers


def _as_keyed(instrument: Instrument, wave: Wave, answers: Mapping[str, Any]) -> dict[str, Any]:
    """Answers as a form would send them."""
    asked = [item for item in instrument.items.values() if item.shown and not item.read_only and item.type != "note"]
    given = {item.name: answers.get(item.name) for item in asked if item.name not in wave.presets}
    return {
        name: [str(part) for part in value] if isinstance(value, list | tuple) else str(value)
        for name, value in given.items()
        if value is not None
    }


def _misread(instrument: Instrument, answers: Mapping[str, Any]) -> dict[str, Any]:
    """The same answers, two of them another choice than was meant."""
    changed = dict(answers)
    scored = [item for item in instrument.items.values() if item.index and item.name in answers and item.offer]
    for item in scored[1:9:6]:
        others = [choice.name for choice in item.offered(answers) if choice.name != answers[item.name]]
        changed[item.name] = others[0]
    return changed
