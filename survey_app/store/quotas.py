"""Quotas: at most so many complete answers that meet some conditions.

A place is taken in the transaction that stores the answer, and only by a complete one: who refuses or is not eligible
fills no cell. Who meets a full quota is told as soon as the answers known by then say so; the draft ends there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.dialects.postgresql import insert

from questionnaires import Instrument
from questionnaires.casting import Unclean, cast
from questionnaires.program import Step
from survey_app.store import instruments, waves
from survey_app.store.connections import Connection, Row
from survey_app.store.database import Store
from survey_app.store.errors import StoreError
from survey_app.store.shapes import Wave, to_json
from survey_app.store.tables import quota, response

DESIGN = ("district", "mode", "stream")
_SET = insert(quota).on_conflict_do_update(
    index_elements=["wave", "name"],
    set_={name: insert(quota).excluded[name] for name in ("cap", "conditions", "taken")},
)
_COMPLETE = select(response.c.answers, response.c.district, response.c.mode, response.c.stream).where(
    response.c.wave == bindparam("the_wave"), response.c.disposition == "complete"
)
_ALL = select(quota).where(quota.c.wave == bindparam("the_wave")).order_by(quota.c.name)
_FULL = select(quota).where(quota.c.wave == bindparam("the_wave"), quota.c.taken >= quota.c.cap)
# The database looks at the cap again once it holds the row, so the last place is given once.
_TAKE = (
    update(quota)
    .values(taken=quota.c.taken + 1)
    .where(quota.c.wave == bindparam("the_wave"), quota.c.name == bindparam("the_name"), quota.c.taken < quota.c.cap)
)
_GIVE_BACK = (
    update(quota)
    .values(taken=quota.c.taken - 1)
    .where(quota.c.wave == bindparam("the_wave"), quota.c.name == bindparam("the_name"))
)


@dataclass(frozen=True)
class Quota:
    """At most `cap` complete answers that meet the conditions; `taken` of them are stored."""

    name: str
    conditions: Mapping[str, Any]
    cap: int
    taken: int = 0

    @property
    def full(self) -> bool:
        """Whether no place is left."""
        return self.taken >= self.cap


def set_caps(store: Store, wave: Wave | str, wanted: Sequence[Quota]) -> None:
    """Set quotas, all or none; what is stored already is counted, so a quota may be set or changed at any time.

    Raises StoreError for a condition on something that is never known or never has that value, and for a cap below
    the number of complete answers that are stored; nothing is changed then.
    """
    known = waves.get(store, waves.slug_of(wave))
    instrument = instruments.load(store, known.instrument_id, known.instrument_version)
    clean = [
        (one, {field: _wanted(instrument, one.name, field, value) for field, value in one.conditions.items()})
        for one in wanted
    ]

    def work(connection: Connection) -> None:
        if connection.engine.name == "postgresql":
            connection.run("LOCK TABLE response IN SHARE MODE")  # nobody stores an answer while they are counted
        stored = [_facts_of(row) for row in connection.each(_COMPLETE, {"the_wave": known.slug})]
        for one, conditions in clean:
            taken = sum(_meets(facts, conditions) for facts in stored)
            if one.cap < taken:
                raise StoreError(
                    f"Quota {one.name!r} has {taken} answers stored, so its cap cannot be {one.cap}; give {taken}."
                )
            row = {"conditions": to_json(conditions), "cap": one.cap, "taken": taken}
            connection.run(_SET, {**row, "wave": known.slug, "name": one.name})

    store.write(work)


def _facts_of(row: Row) -> Mapping[str, Any]:
    return {**json.loads(row["answers"]), **{name: row[name] for name in DESIGN}}


def _wanted(instrument: Instrument, name: str, field: str, value: Any) -> Any:
    """The value of a condition as a clean answer has it."""
    if field in DESIGN:
        return value
    item = instrument.items.get(field)
    if item is None:
        raise StoreError(
            f"Quota {name!r}: {field!r} is no item of {instrument.id} {instrument.version}. "
            f"Name an item, or one of {', '.join(DESIGN)}."
        )
    clean = cast("text" if item.calculation else item.type, value) if isinstance(value, str) else value
    names = clean if isinstance(clean, list) else [clean]
    if clean is None or isinstance(clean, Unclean) or (item.offer and not item.offer.by_name.keys() >= set(names)):
        raise StoreError(f"Quota {name!r}: {value!r} is no answer to {field!r}. Give one as the instrument names it.")
    return clean


def state(store: Store, wave: Wave | str) -> list[Quota]:
    """Every quota of a wave, ordered by name."""
    rows = store.read(lambda connection: connection.all(_ALL, {"the_wave": waves.slug_of(wave)}))
    return [Quota(row["name"], json.loads(row["conditions"]), row["cap"], row["taken"]) for row in rows]


def take(connection: Connection, wave: str, facts: Mapping[str, Any]) -> bool:
    """Take a place in every quota that the facts meet, or none at all when one of them is full."""
    taken: list[Mapping[str, str]] = []
    for row in connection.all(_ALL, {"the_wave": wave}):  # by name: two that meet the same take them in one order
        if not _meets(facts, json.loads(row["conditions"])):
            continue
        place = {"the_wave": wave, "the_name": row["name"]}
        if connection.run(_TAKE, place) != 1:
            for earlier in taken:
                connection.run(_GIVE_BACK, earlier)
            return False
        taken.append(place)
    return True


def is_full(connection: Connection, wave: str, facts: Callable[[], Mapping[str, Any]]) -> bool:
    """Whether a full quota is met already; takes nothing. `facts` is called only where some quota is full."""
    full = connection.all(_FULL, {"the_wave": wave})
    if not full:
        return False
    known = facts()
    return any(_meets(known, json.loads(row["conditions"])) for row in full)


def known_facts(instrument: Instrument, answers: Mapping[str, Any], submission_id: str) -> dict[str, Any]:
    """What the answers so far say for certain: clean answers, and calculations all of whose items are answered.

    An age band, for one, is worked out of no year of birth too, and then says nothing.
    """
    clean = instrument.clean(answers, submission_id=submission_id).answers
    steps = {step.name: step for step in instrument.program.steps}
    return {name: value for name, value in clean.items() if _is_certain(steps, clean, name)}


def _is_certain(steps: Mapping[str, Step], clean: Mapping[str, Any], name: str) -> bool:
    step = steps[name]
    if step.calculation is None:
        return name in clean
    return all(_is_certain(steps, clean, needed) for needed in step.calculation.references if needed in steps)


def _meets(facts: Mapping[str, Any], conditions: Mapping[str, Any]) -> bool:
    return all(facts.get(name) == wanted for name, wanted in conditions.items())
