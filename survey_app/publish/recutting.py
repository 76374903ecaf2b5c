"""Erasing an answer at its owner's wish, from the store and from every snapshot of its wave.

A snapshot holds no ids, so the row is found by what it says: every item, the design, the mode, the language, the time
on the pages. Rows that agree in all of it are the same row to whoever reads the snapshot, and one of them goes. The
others stay as they were frozen, with the sex and age that was drawn for them; the weights are worked out anew by the
recipe in the folder. A snapshot that cannot be weighted without the row, or has none left, goes and nothing takes its
place.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.errors import DesignError
from questionnaires import Instrument, load_instrument_text
from survey_app.publish.catalogue import read_snapshot
from survey_app.publish.snapshot_tables import AGE_BAND, AGE_BAND3, SEX, response_frame
from survey_app.publish.snapshots import alone_making, hash_of, hashes, write_manifest, write_weighted
from survey_app.settings import Settings
from survey_app.store import erasure, files, publications
from survey_app.store.connections import Connection
from survey_app.store.database import Store
from survey_app.store.erasure import Held
from survey_app.store.errors import StoreError
from survey_app.store.publications import Recut
from survey_app.store.retention import REWRITTEN
from survey_app.store.rewriting import lay_down_anew

TABLES = {"probability": "responses.parquet", "opt-in": "opt_in.parquet"}
DRAWN = {SEX, AGE_BAND, AGE_BAND3}  # drawn where they were not given, so they do not tell whose row it is


@dataclass(frozen=True)
class Erased:
    """What an erasure did. complete: False when old pages are still in the database file: seal again."""

    wave: str
    snapshots: tuple[Recut, ...]
    complete: bool = True


def erase(store: Store, settings: Settings, receipt: str) -> Erased | None:
    """Remove the answer of a receipt code from the store, and cut every snapshot that holds it anew without it.

    None for a code that belongs to no answer. Raises StoreError where a snapshot cannot be read or written; nothing is
    erased then. Killed half-way, nothing is erased, or the change of folders is finished by whatever works on the
    wave's snapshots next.
    """
    found = erasure.held(store, receipt)
    if found is None:
        return None
    folder = settings.snapshots / found.wave
    with alone_making(folder) as making:
        publications.settle(store, found.wave)
        recut = [_staged(one, made) for one in _folders(folder) if (made := _without(one, found, making / one.name))]

        def register(connection: Connection) -> None:
            for one in recut:
                publications.replace(connection, found.wave, one)

        slug = erasure.erase(store, receipt, also=register)
        publications.settle(store, found.wave)
    if slug is None:
        return None
    return Erased(slug, tuple(recut), lay_down_anew(store.database, REWRITTEN))


def _folders(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.iterdir()) if path.is_dir() and not path.name.startswith(".")]


def _staged(old: Path, made: tuple[Path, Recut]) -> Recut:
    """Put what was prepared where `publications.settle` looks for it."""
    prepared, recut = made
    prepared.rename(publications.staging(old.parent, old.name))
    files.sync(old.parent)
    return recut


def _without(old: Path, found: Held, new: Path) -> tuple[Path, Recut] | None:
    """A copy of a snapshot without the answer in the folder `new`, or None where it does not hold it."""
    name = TABLES[found.versions[0].stream]
    table, instrument = _read(old, name)
    place = next((row for one in found.versions if (row := _row(table, one, instrument)) is not None), None)
    if place is None:
        return None
    left = table.drop(index=place).reset_index(drop=True)
    new.mkdir(mode=0o700)
    if left.empty and name == TABLES["probability"]:
        return new, Recut(old.name, None, {}, "no answer of the drawn sample is left in it")
    shutil.copytree(old, new, dirs_exist_ok=True)
    try:
        _write(new, name, left)
    except DesignError as error:
        shutil.rmtree(new)
        new.mkdir(mode=0o700)
        return new, Recut(old.name, None, {}, f"it cannot be weighted without the answer: {error}")
    manifest = _manifest(old, new, name, rows=len(left))
    return new, Recut(old.name, hash_of(manifest["files"]), manifest)


def _read(folder: Path, name: str) -> tuple[pd.DataFrame, Instrument]:
    try:
        table = pd.read_parquet(folder / name)
        return table, load_instrument_text((folder / "instrument.yaml").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:  # pyarrow's and the instrument's errors are ValueErrors
        raise StoreError(
            f"The snapshot {folder} cannot be read ({error}), so nobody can tell whether it holds the answer. "
            "Remove the folder, or put it back from a backup, and erase again; nothing was erased."
        ) from error


def _row(table: pd.DataFrame, response: Any, instrument: Instrument) -> Any | None:
    """The first row that says all that the response says; None where there is none."""
    wanted = response_frame([response], instrument, seed=0, design=response.stream == "probability")
    if wanted.empty:
        return None
    same = pd.Series(True, index=table.index)
    for name in (name for name in wanted.columns if name in table.columns and name not in DRAWN):
        same &= _equal(table[name], wanted[name].iloc[0])
    return next(iter(table.index[same]), None)


def _equal(column: pd.Series, value: Any) -> pd.Series:
    if pd.isna(value):
        return column.isna()
    return column.eq(value).fillna(False).astype(bool)


def _write(folder: Path, name: str, table: pd.DataFrame) -> None:
    if name != TABLES["probability"]:
        table.to_parquet(folder / name, index=False)
        return
    unweighted = table.drop(columns="weight")
    unweighted.to_parquet(folder / name, index=False)
    (folder / "manifest.json").write_text(json.dumps({"wave": str(table["wave"].iloc[0])}), encoding="utf-8")
    write_weighted(folder, unweighted)


def _manifest(old: Path, new: Path, name: str, *, rows: int) -> Mapping[str, Any]:
    """The old one with the new counts and hashes, and what was done: the moment of freezing stays."""
    before: dict[str, Any] = dict(read_snapshot(old).manifest)
    removed = before.get("recut", {}).get("rows_removed", 0) + 1
    said = {"because": "erasure", "rows_removed": removed, "replaces": old.name, "on": date.today().isoformat()}
    counts = {**before.get("rows", {}), name.removesuffix(".parquet"): rows}
    manifest = {**before, "rows": counts, "files": hashes(new), "code_version": version("sandu"), "recut": said}
    write_manifest(new, manifest)
    return manifest
