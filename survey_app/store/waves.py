"""Waves: rounds of fieldwork."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Sequence
from datetime import date

from sqlalchemy import bindparam, insert, select, update

from survey_app.store.connections import Connection, Row
from survey_app.store.database import Store
from survey_app.store.errors import StoreError
from survey_app.store.shapes import Wave, from_date, to_date, to_json
from survey_app.store.tables import instrument_version, wave

_ADD = insert(wave)
_FIND = select(wave).where(wave.c.slug == bindparam("the_slug"))
_NOW = select(wave.c.slug, wave.c.state, wave.c.opens, wave.c.closes).where(wave.c.slug == bindparam("the_slug"))
_SLUGS = select(wave.c.slug).order_by(wave.c.slug)
_STATE = update(wave).values(state=bindparam("new_state")).where(wave.c.slug == bindparam("the_slug"))
_INSTRUMENT = select(instrument_version.c.id).where(
    instrument_version.c.id == bindparam("the_id"), instrument_version.c.version == bindparam("the_version")
)
# What a wave is beyond its state never changes, so it is read once.
FIXED = (
    "title", "city", "scheme", "edition", "open_link", "simulated", "presets", "weighting", "margins", "previous",
    "fieldwork", "office", "office_phone",
)  # fmt: skip
# Rules of the field that a wave may set: the least and the greatest value of each.
FIELDWORK = {"attempts": (1, 30), "paper_entries": (1, 2)}


def create(store: Store, new: Wave) -> None:
    """Store a wave. Raises StoreError for a slug that is taken or malformed, or an instrument that is not published."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,63}", new.slug):
        raise StoreError(f"A wave cannot be named {new.slug!r}. Use small letters a-z, digits and hyphens, 64 at most.")
    if new.opens and new.closes and new.opens > new.closes:
        raise StoreError(f"Wave {new.slug!r} closes on {new.closes}, before it opens on {new.opens}.")
    _check_fieldwork(new)
    row = {
        "slug": new.slug,
        "instrument_id": new.instrument_id,
        "instrument_version": new.instrument_version,
        "state": new.state,
        "opens": from_date(new.opens),
        "closes": from_date(new.closes),
        "definition": to_json({name: _plain(getattr(new, name)) for name in FIXED}),
    }

    def work(connection: Connection) -> None:
        if connection.one(_FIND, {"the_slug": new.slug}):
            raise StoreError(f"There is already a wave {new.slug!r}. Choose another name.")
        key = {"the_id": new.instrument_id, "the_version": new.instrument_version}
        if connection.one(_INSTRUMENT, key) is None:
            raise StoreError(
                f"Wave {new.slug!r} needs instrument {new.instrument_id!r} version {new.instrument_version!r}, "
                "which is not published. Publish it first."
            )
        connection.run(_ADD, row)

    store.write(work)


def get(store: Store, slug: str) -> Wave:
    """The wave, its state as of now. Raises StoreError when there is none, naming the nearest."""
    found = find(store, slug)
    if found is None:
        raise StoreError(f"There is no wave {slug!r}. {_nearest(slugs(store), slug)}")
    return found


def find(store: Store, slug: str) -> Wave | None:
    """The wave, its state as of now, or None. Raises StoreError only where the store cannot be read."""
    known = store.cache.get(("wave", slug))
    row = store.read(lambda connection: connection.one(_NOW if known else _FIND, {"the_slug": slug}))
    if row is None:
        return None
    if known is None:
        known = _from_row(row)
        store.cache[("wave", slug)] = known
    return _as_of_now(known, row)


def slugs(store: Store) -> Sequence[str]:
    """The name of every wave, in order."""
    return [row["slug"] for row in store.read(lambda connection: connection.all(_SLUGS))]


def list(store: Store) -> Sequence[Wave]:
    """Every wave, ordered by slug."""
    return [get(store, slug) for slug in slugs(store)]


def close(store: Store, slug: str) -> None:
    """End the fieldwork: nothing is taken any more, except repeats of what is already stored."""
    _set_state(store, slug, "closed")


def reopen(store: Store, slug: str) -> None:
    """Take answers again."""
    _set_state(store, slug, "open")


def closed_because(state: str, opens: date | None, closes: date | None, day: date) -> str | None:
    """Why a wave takes no answers on that day, "closed" or "not open", or None when it does."""
    if state == "closed" or (closes is not None and day > closes):
        return "closed"
    if opens is not None and day < opens:
        return "not open"
    return None


def refusal(connection: Connection, slug: str, day: date) -> str | None:
    """`closed_because`, read within a transaction."""
    row = connection.one(_NOW, {"the_slug": slug})
    if row is None:
        return "closed"
    return closed_because(row["state"], to_date(row["opens"]), to_date(row["closes"]), day)


def resolve(store: Store, given: Wave | str) -> Wave:
    """The wave, given itself or its slug. Its state may be an earlier one: `refusal` reads that in the transaction."""
    if not isinstance(given, str):
        return given
    return store.cache.get(("wave", given)) or get(store, given)


def slug_of(given: Wave | str) -> str:
    """The slug, given the wave or the slug."""
    return given if isinstance(given, str) else given.slug


def _check_fieldwork(new: Wave) -> None:
    for name, value in new.fieldwork.items():
        if name not in FIELDWORK:
            raise StoreError(f"Wave {new.slug!r}: fieldwork has no rule {name!r}. Rules are: {', '.join(FIELDWORK)}.")
        low, high = FIELDWORK[name]
        if not isinstance(value, int) or not low <= value <= high:
            raise StoreError(f"Wave {new.slug!r}: fieldwork {name} is {value!r}. Give a whole number, {low} to {high}.")


def _set_state(store: Store, slug: str, state: str) -> None:
    get(store, slug)
    store.write(lambda connection: connection.run(_STATE, {"the_slug": slug, "new_state": state}))


def _plain(value: object) -> object:
    if isinstance(value, tuple):
        return [dict(row) for row in value]
    return dict(value) if hasattr(value, "keys") else value  # type: ignore[call-overload]


def _from_row(row: Row) -> Wave:
    fixed = json.loads(row["definition"])
    fixed["margins"] = tuple(fixed["margins"])
    return Wave(
        slug=row["slug"],
        instrument_id=row["instrument_id"],
        instrument_version=row["instrument_version"],
        **fixed,
    )


def _as_of_now(known: Wave, row: Row) -> Wave:
    fields = {**known.__dict__, "state": row["state"], "opens": to_date(row["opens"]), "closes": to_date(row["closes"])}
    return Wave(**fields)


def _nearest(names: Sequence[str], wanted: str) -> str:
    near = difflib.get_close_matches(wanted, names, n=1, cutoff=0.3)
    if near:
        return f"Did you mean {near[0]!r}?"
    return f"Waves are: {', '.join(names)}." if names else "No wave was created yet."
