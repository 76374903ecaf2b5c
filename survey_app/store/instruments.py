"""Published instruments: a version never changes once it is stored."""

from __future__ import annotations

from sqlalchemy import bindparam, select
from sqlalchemy.dialects.postgresql import insert

from questionnaires import Instrument, load_instrument_text
from survey_app.store.connections import Connection
from survey_app.store.database import Store
from survey_app.store.errors import StoreError
from survey_app.store.shapes import today
from survey_app.store.tables import instrument_version

_ADD = insert(instrument_version).on_conflict_do_nothing()
_FIND = select(instrument_version).where(
    instrument_version.c.id == bindparam("the_id"), instrument_version.c.version == bindparam("the_version")
)
_VERSIONS = select(instrument_version.c.id, instrument_version.c.version, instrument_version.c.published_on).order_by(
    instrument_version.c.id, instrument_version.c.version
)


def publish(store: Store, instrument: Instrument) -> None:
    """Store an instrument; storing the same again changes nothing.

    Raises StoreError when the version is already published with other content.
    """
    key = {"the_id": instrument.id, "the_version": instrument.version}

    def work(connection: Connection) -> None:
        row = {
            "id": instrument.id,
            "version": instrument.version,
            "content_hash": instrument.content_hash,
            "source": instrument.source,
            "published_on": today(),
        }
        connection.run(_ADD, row)
        stored = connection.one(_FIND, key)
        if stored is None or stored["content_hash"] != instrument.content_hash:
            raise StoreError(
                f"Instrument {instrument.id!r} version {instrument.version!r} is already published with other content. "
                "Give the changed file a new version."
            )

    store.write(work)


def load(store: Store, instrument_id: str, version: str) -> Instrument:
    """A published instrument, kept in memory. Raises StoreError when there is none of that id and version."""
    key = ("instrument", instrument_id, version)
    known = store.cache.get(key)
    if known is None:
        with store.loading:  # parsing takes a second; of many that ask at once, one does it
            known = store.cache.get(key) or _read(store, instrument_id, version)
            store.cache[key] = known
    return known  # type: ignore[no-any-return]


def versions(store: Store) -> list[tuple[str, str, str]]:
    """(id, version, date of publication) of every published instrument."""
    return [(row["id"], row["version"], row["published_on"]) for row in store.read(lambda c: c.all(_VERSIONS))]


def _read(store: Store, instrument_id: str, version: str) -> Instrument:
    row = store.read(lambda connection: connection.one(_FIND, {"the_id": instrument_id, "the_version": version}))
    if row is None:
        known = ", ".join(f"{one} {other}" for one, other, _ in versions(store)) or "none"
        raise StoreError(f"No instrument {instrument_id!r} version {version!r} is published. Published are: {known}.")
    instrument = load_instrument_text(row["source"], choice_files=store.settings.data)
    if instrument.content_hash != row["content_hash"]:
        raise StoreError(
            f"Instrument {instrument_id!r} version {version!r} is not what was published: its stored text was altered. "
            "Restore the database from a backup."
        )
    return instrument
