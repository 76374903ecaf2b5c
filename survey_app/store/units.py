"""Administrative units, keyed by (scheme, edition, code)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import bindparam, delete, insert, select

from survey_app.store.connections import Connection, Row
from survey_app.store.database import Store
from survey_app.store.shapes import Unit
from survey_app.store.tables import unit

_ADD = insert(unit)
_CLEAR = delete(unit).where(unit.c.scheme == bindparam("the_scheme"), unit.c.edition == bindparam("the_edition"))
_ALL = (
    select(unit)
    .where(unit.c.scheme == bindparam("the_scheme"), unit.c.edition == bindparam("the_edition"))
    .order_by(unit.c.position, unit.c.code)
)
_CHILDREN = (
    select(unit)
    .where(
        unit.c.scheme == bindparam("the_scheme"),
        unit.c.edition == bindparam("the_edition"),
        unit.c.parent_code == bindparam("the_parent"),
    )
    .order_by(unit.c.position, unit.c.code)
)


def load(store: Store, rows: Iterable[Mapping[str, Any]]) -> int:
    """Store units; a (scheme, edition) that is among the rows is replaced as a whole. How many were stored.

    rows: scheme, edition, code, name, name_en (or none), level, parent_code (or none), order (official order; else
    the order of the rows).
    """
    new = [_row(number, row) for number, row in enumerate(rows)]

    def work(connection: Connection) -> None:
        for scheme, edition in {(row["scheme"], row["edition"]) for row in new}:
            connection.run(_CLEAR, {"the_scheme": scheme, "the_edition": edition})
        connection.run_many(_ADD, new)

    store.write(work)
    return len(new)


def children(store: Store, scheme: str, edition: str, parent_code: str) -> list[Unit]:
    """The units directly below one, in official order."""
    values = {"the_scheme": scheme, "the_edition": edition, "the_parent": parent_code}
    return [_unit(row) for row in store.read(lambda connection: connection.all(_CHILDREN, values))]


def within(store: Store, scheme: str, edition: str) -> list[Unit]:
    """Every unit of a list, in official order."""
    values = {"the_scheme": scheme, "the_edition": edition}
    return [_unit(row) for row in store.read(lambda connection: connection.all(_ALL, values))]


def names(store: Store, scheme: str, edition: str, language: str = "zh") -> dict[str, str]:
    """Unit code -> name in the language (the Chinese one where there is no English), in official order."""
    found = within(store, scheme, edition)
    return {one.code: (one.name_en or one.name) if language == "en" else one.name for one in found}


def _row(number: int, row: Mapping[str, Any]) -> Row:
    return {
        "scheme": row["scheme"],
        "edition": row["edition"],
        "code": row["code"],
        "name": row["name"],
        "name_en": row.get("name_en") or None,
        "level": row["level"],
        "parent_code": row.get("parent_code") or None,
        "position": int(row.get("order") or number),
    }


def _unit(row: Row) -> Unit:
    return Unit(**{name: row[name] for name in ("code", "name", "name_en", "level", "parent_code")})
