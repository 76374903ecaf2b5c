"""The register of snapshots: which folders were cut from this store, and what they hold."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.dialects.postgresql import insert

from survey_app.store import audit
from survey_app.store.connections import Connection, Row
from survey_app.store.database import Store
from survey_app.store.shapes import Wave, to_json, today
from survey_app.store.tables import snapshot
from survey_app.store.waves import slug_of

_ADD = insert(snapshot).on_conflict_do_nothing()
_ALL = select(snapshot).where(snapshot.c.wave == bindparam("the_wave")).order_by(snapshot.c.made_on, snapshot.c.hash)


def record_snapshot(store: Store, wave: Wave | str, hash: str, manifest: Mapping[str, Any]) -> None:
    """Note a snapshot under its hash; noting the same again changes nothing."""
    row = {"wave": slug_of(wave), "hash": hash, "made_on": today(), "manifest": to_json(dict(manifest))}

    def work(connection: Connection) -> None:
        if connection.run(_ADD, row) == 1:
            audit.record(connection, "snapshot.made", wave=row["wave"], hash=hash)

    store.write(work)


def snapshots(store: Store, wave: Wave | str) -> list[Row]:
    """hash, made_on and manifest of every snapshot noted for a wave, oldest first."""
    rows = store.read(lambda connection: connection.all(_ALL, {"the_wave": slug_of(wave)}))
    return [{**row, "manifest": json.loads(row["manifest"])} for row in rows]
