"""Quotas: at most so many answers that meet some conditions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.dialects.postgresql import insert

from survey_app.store.connections import Connection, Row
from survey_app.store.database import Store
from survey_app.store.shapes import Wave, to_json
from survey_app.store.tables import quota
from survey_app.store.waves import slug_of

_SET = insert(quota).on_conflict_do_update(
    index_elements=["wave", "name"],
    set_={"cap": insert(quota).excluded.cap, "conditions": insert(quota).excluded.conditions},
)
_HOLD = select(quota).where(quota.c.wave == bindparam("the_wave")).order_by(quota.c.name).with_for_update()
_ALL = select(quota).where(quota.c.wave == bindparam("the_wave")).order_by(quota.c.name)
_TAKE = (
    update(quota)
    .values(taken=quota.c.taken + 1)
    .where(quota.c.wave == bindparam("the_wave"), quota.c.name == bindparam("the_name"))
)


def set_cap(store: Store, wave: Wave | str, name: str, *, conditions: Mapping[str, Any], cap: int) -> None:
    """At most `cap` answers whose fields equal the conditions ("district", "mode", "stream" or an item's name)."""
    row = {"wave": slug_of(wave), "name": name, "conditions": to_json(dict(conditions)), "cap": cap, "taken": 0}
    store.write(lambda connection: connection.run(_SET, row))


def state(store: Store, wave: Wave | str) -> list[Row]:
    """name, conditions, cap and how many places are taken."""
    rows = store.read(lambda connection: connection.all(_ALL, {"the_wave": slug_of(wave)}))
    return [{**row, "conditions": json.loads(row["conditions"])} for row in rows]


def take(connection: Connection, wave: str, facts: Mapping[str, Any]) -> bool:
    """Take a place in every quota that the facts meet, or none at all when one of them is full."""
    met = [row for row in connection.all(_ALL, {"the_wave": wave}) if _meets(facts, row)]
    if not met:
        return True  # waves without quotas do not queue on them
    names = {row["name"] for row in met}
    held = [row for row in connection.all(_HOLD, {"the_wave": wave}) if row["name"] in names]
    if any(row["taken"] >= row["cap"] for row in held):
        return False
    for row in held:
        connection.run(_TAKE, {"the_wave": wave, "the_name": row["name"]})
    return True


def _meets(facts: Mapping[str, Any], row: Row) -> bool:
    return all(facts.get(name) == wanted for name, wanted in json.loads(row["conditions"]).items())
