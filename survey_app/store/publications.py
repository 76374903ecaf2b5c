"""The register of snapshots: which folders were cut from this store, what they hold, and which had to go.

An answer that is erased leaves the snapshots too. The folders that take the place of the old ones are staged under
hidden names; the transaction that erases the answer marks the old ones as gone; then the folders change places. Whoever
is killed in between leaves either everything as it was or a change of places that `settle` finishes.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.dialects.postgresql import insert

from survey_app.store import audit, files
from survey_app.store.connections import Connection, Row
from survey_app.store.database import Store
from survey_app.store.errors import StoreError
from survey_app.store.shapes import Wave, to_json, today
from survey_app.store.tables import snapshot
from survey_app.store.waves import slug_of

STAGED = ".recut-"
GONE = "gone"
_ADD = insert(snapshot).on_conflict_do_nothing()
_ALL = select(snapshot).where(snapshot.c.wave == bindparam("the_wave")).order_by(snapshot.c.made_on, snapshot.c.hash)
_SAME = (snapshot.c.wave == bindparam("the_wave"), snapshot.c.hash == bindparam("the_hash"))
_ONE = select(snapshot).where(*_SAME)
_MARK = update(snapshot).values(manifest=bindparam("new_manifest")).where(*_SAME)


@dataclass(frozen=True)
class Recut:
    """A snapshot that gives way to one without an answer. by: the new one's hash; None: nothing takes its place, and
    why. manifest: the new one's."""

    hash: str
    by: str | None
    manifest: Mapping[str, Any]
    why: str = ""


def record_snapshot(store: Store, wave: Wave | str, hash: str, manifest: Mapping[str, Any]) -> None:
    """Note a snapshot under its hash; noting the same again changes nothing."""
    row = _row(slug_of(wave), hash, manifest)

    def work(connection: Connection) -> None:
        if connection.run(_ADD, row) == 1:
            audit.record(connection, "snapshot.made", wave=row["wave"], hash=hash)

    store.write(work)


def snapshots(store: Store, wave: Wave | str) -> list[Row]:
    """hash, made_on and manifest of every snapshot noted for a wave, oldest first; of one that had to go the manifest
    says so under "gone"."""
    rows = store.read(lambda connection: connection.all(_ALL, {"the_wave": slug_of(wave)}))
    return [{**row, "manifest": json.loads(row["manifest"])} for row in rows]


def replace(connection: Connection, slug: str, one: Recut) -> None:
    """Mark a snapshot as gone and note the one in its place, within the transaction that erases the answer.

    Its row stays: a release may have been made from it.
    """
    connection.run(_ADD, _row(slug, one.hash, {}))
    known = connection.one(_ONE, {"the_wave": slug, "the_hash": one.hash})
    manifest = json.loads(known["manifest"]) if known else {}
    gone = {**manifest, GONE: {"on": today(), "because": "erasure", "by": one.by}}
    connection.run(_MARK, {"the_wave": slug, "the_hash": one.hash, "new_manifest": to_json(gone)})
    if one.by is not None:
        connection.run(_ADD, _row(slug, one.by, one.manifest))
    audit.record(connection, "snapshot.recut", wave=slug, hash=one.hash, by=one.by)


def _row(slug: str, hash: str, manifest: Mapping[str, Any]) -> Row:
    return {"wave": slug, "hash": hash, "made_on": today(), "manifest": to_json(dict(manifest))}


def staging(folder: Path, hash: str) -> Path:
    """Where the snapshot is prepared that takes the place of `hash`, or an empty folder where nothing does."""
    return folder / f"{STAGED}{hash}"


def unfinished(store: Store) -> list[Path]:
    """Folders staged by an erasure that was cut short; none of one that is under way."""
    return [
        path
        for path in sorted(store.settings.snapshots.glob(f"*/{STAGED}*"))
        if not files.somebody_in(path.parent) and path.is_dir()
    ]


def settle(store: Store, slug: str) -> None:
    """Let staged snapshots change places with those that are marked as gone, and drop what was staged in vain.

    The caller is alone in the folder (`files.alone`).
    """
    folder = store.settings.snapshots / slug
    try:
        for staged in sorted(folder.glob(f"{STAGED}*")):
            _settle(store, slug, staged)
    except OSError as error:
        raise StoreError(
            f"The answer is erased, but its snapshots in {folder} could not change places ({error.strerror}). "
            "Make the folder writable, then run `sandu retention`, which finishes it."
        ) from error


def _settle(store: Store, slug: str, staged: Path) -> None:
    hash = staged.name.removeprefix(STAGED)
    row = store.read(lambda connection: connection.one(_ONE, {"the_wave": slug, "the_hash": hash}))
    gone = json.loads(row["manifest"]).get(GONE) if row else None
    if gone is not None:
        # The staged one goes last from its place: as long as it lies there, the change is known to be unfinished.
        old, new = staged.parent / hash, staged.parent / str(gone["by"])
        if old.exists():
            shutil.rmtree(old)
        if gone["by"] is not None and not new.exists():
            staged.rename(new)
        files.sync(staged.parent)
    shutil.rmtree(staged, ignore_errors=True)
