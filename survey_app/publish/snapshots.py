"""Freezes a wave: everything a number depends on, in one folder named by the hash of its content.

The folder appears whole or not at all: it is written under a hidden name beside its place and renamed. The same answers
give the same hash, whenever and however often they are frozen.
"""

import csv
import hashlib
import io
import json
import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd
from ruamel.yaml import YAML

from analysis import open_snapshot
from questionnaires import Instrument
from questionnaires.codebook import codebook_rows
from survey_app import submission
from survey_app.publish.snapshot_tables import case_frame, response_frame, with_ledger, with_weighting_variables
from survey_app.settings import Settings
from survey_app.store import attempts, files, instruments, invitations, publications, responses, units, waves
from survey_app.store.database import Store
from survey_app.store.errors import StoreError
from survey_app.store.shapes import Wave

MANIFEST = "manifest.json"
MAKING = ".making-"
MARGIN_COLUMNS = (
    "wave", "scheme", "edition", "unit_code", "variable", "category", "count", "source", "date",
)  # fmt: skip
UNIT_COLUMNS = ("code", "name", "name_en", "level", "parent_code", "order")
SIMULATED_NOTE = "simulated / 模拟数据: these answers come from a documented model, not from residents"


def write_snapshot(store: Store, settings: Settings, wave: str) -> Path:
    """Freeze the counted responses of a wave; returns the folder `$SANDU_HOME/snapshots/<wave>/<hash16>/`.

    The day's responses are sealed first. A wave that has not changed since its last snapshot gives the same folder.
    Raises StoreError for an unknown wave, a wave without responses or a folder that cannot be written, DesignError when
    the weighting recipe does not hold (an empty cell of a margin, no convergence).
    """
    declared = waves.get(store, wave)
    submission.seal(store)
    instrument = instruments.load(store, declared.instrument_id, declared.instrument_version)
    with alone_making(settings.snapshots / wave) as folder:
        publications.settle(store, wave)
        counts = _write_content(store, settings, declared, instrument=instrument, folder=folder)
        written = hashes(folder)
        content_hash = hash_of(written)
        manifest = _manifest(declared, instrument, counts=counts, files=written)
        write_manifest(folder, manifest)
        final = _put_in_place(folder, folder.parent / content_hash)
        publications.record_snapshot(store, wave, content_hash, manifest)
    return final


def hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of every file of a snapshot but the manifest."""
    return {path.name: _sha256(path) for path in sorted(folder.iterdir()) if path.name != MANIFEST}


def hash_of(written: Mapping[str, str]) -> str:
    """The name of a snapshot: a hash over the hashes of its files."""
    return hashlib.sha256(json.dumps(dict(written), sort_keys=True).encode()).hexdigest()[:16]


def write_manifest(folder: Path, manifest: Mapping[str, Any]) -> None:
    """The last file of a snapshot; then all of it is brought to the disk."""
    _write_text(folder / MANIFEST, json.dumps(manifest, ensure_ascii=False, indent=2) + "\n")
    for path in (*folder.iterdir(), folder):
        files.sync(path)


def _write_content(
    store: Store, settings: Settings, wave: Wave, *, instrument: Instrument, folder: Path
) -> dict[str, int]:
    """Every file but the manifest; returns the rows of each table."""
    seed = snapshot_seed(wave.slug)
    with store.at_one_moment() as moment:  # a case is complete in the sample if and only if its answer is there
        stream = list(responses.stream(moment, wave.slug))
        drawn, outcomes = invitations.cases(moment, wave.slug), attempts.outcomes(moment, wave.slug)
    probability = response_frame(
        [one for one in stream if one.stream == "probability"], instrument, seed=seed, design=True
    )
    if probability.empty:
        raise StoreError(f"Wave {wave.slug} has no counted response of the probability sample yet; collect some first.")
    probability = with_weighting_variables(with_ledger(probability, instrument, _ledger(settings, wave)), seed=seed)
    opt_in = response_frame([one for one in stream if one.stream == "opt-in"], instrument, seed=seed + 1, design=False)
    cases = case_frame(drawn, wave.slug, outcomes)
    _write_text(folder / "instrument.yaml", instrument.source)
    _write_csv(folder / "codebook.csv", codebook_rows(instrument))
    _write_csv(folder / "units.csv", _unit_rows(store, wave), UNIT_COLUMNS)
    _write_csv(folder / "margins.csv", [{"wave": wave.slug, **row} for row in wave.margins], MARGIN_COLUMNS)
    _write_yaml(folder / "weighting.yaml", {key: wave.weighting[key] for key in ("design", "labels", "steps")})
    tables = {"responses": probability, "opt_in": opt_in, "sample": cases}
    for name, frame in tables.items():
        frame.to_parquet(folder / f"{name}.parquet", index=False)
    _write_text(folder / MANIFEST, json.dumps({"wave": wave.slug}))  # until the final one: the recipe needs the name
    write_weighted(folder, probability)
    return {name: len(frame) for name, frame in tables.items()}


def write_weighted(folder: Path, responses: pd.DataFrame) -> None:
    """Work the weights out by the recipe that lies in the folder, and write the responses with them.

    The file of responses already lies there without them. Raises DesignError where the recipe does not hold.
    """
    weights = open_snapshot(folder).weights
    responses.insert(5, "weight", pd.Series(weights, index=responses.index, dtype="float64"))
    responses.to_parquet(folder / "responses.parquet", index=False)


def snapshot_seed(wave: str) -> int:
    """The seed of a wave's row order and of drawn weighting variables: fixed by its name, kept in the manifest."""
    return int.from_bytes(hashlib.sha256(wave.encode()).digest()[:4], "big")


def _manifest(
    wave: Wave, instrument: Instrument, *, counts: Mapping[str, int], files: Mapping[str, str]
) -> dict[str, Any]:
    return {
        "wave": wave.slug,
        "title": dict(wave.title),
        "simulated": wave.simulated,
        "note": SIMULATED_NOTE if wave.simulated else "",
        "rows": dict(counts),
        "files": dict(files),
        "instrument": {
            "id": instrument.id,
            "version": instrument.version,
            "hash": instrument.content_hash,
        },
        "code_version": version("sandu"),
        "seed": snapshot_seed(wave.slug),
        "size_assumption": wave.weighting.get("labels", {}).get("size_assumption", ""),
        "made_on": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _ledger(settings: Settings, wave: Wave) -> dict[str, dict[str, str]]:
    """The wave's ledger of communities by code; empty when the wave names none."""
    name = wave.weighting.get("ledger")
    if not name:
        return {}
    path = settings.data / str(name)
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return {row["code"]: row for row in csv.DictReader(file)}
    except (OSError, KeyError) as error:
        raise StoreError(f"The ledger {path} cannot be read ({error}); put it back or mend its column code.") from error


def _unit_rows(store: Store, wave: Wave) -> list[dict[str, Any]]:
    """The wave's city and everything below it, in official order."""
    kept: dict[str, dict[str, Any]] = {}
    for unit in units.within(store, wave.scheme, wave.edition):
        if unit.code == wave.city or unit.parent_code in kept:
            row = {name: getattr(unit, name) or "" for name in UNIT_COLUMNS[:-1]}
            kept[unit.code] = row | {"order": len(kept)}
    return list(kept.values())


@contextmanager
def alone_making(parent: Path) -> Iterator[Path]:
    """A fresh hidden folder beside the final place; gone afterwards unless it was renamed.

    Nobody else makes a snapshot of the wave or erases an answer from one meanwhile, so what lies there under the names
    of unfinished ones was left by a killed process, and goes.
    """
    try:
        with files.alone(parent):
            for left in parent.glob(f"{MAKING}*"):
                shutil.rmtree(left)
            folder = parent / f"{MAKING}{secrets.token_hex(8)}"
            folder.mkdir(mode=0o700)
            try:
                yield folder
            finally:
                shutil.rmtree(folder, ignore_errors=True)
    except OSError as error:
        raise StoreError(
            f"The snapshot cannot be written in {parent} ({error.strerror}); "
            "free space there, and see that the folder is writable."
        ) from error


def _put_in_place(folder: Path, final: Path) -> Path:
    """Rename the finished folder to its final name; the same content is kept as it stands."""
    if not final.exists():
        folder.rename(final)
        files.sync(final.parent)
    return final


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _write_csv(path: Path, rows: Sequence[Mapping[str, Any]], columns: Sequence[str] | None = None) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        names = list(columns or rows[0])
        writer = csv.DictWriter(file, fieldnames=names, lineterminator="\n", extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)


def _write_yaml(path: Path, content: Mapping[str, Any]) -> None:
    out = io.StringIO()
    writer = YAML(typ="safe", pure=True)
    writer.default_flow_style = None
    writer.allow_unicode = True
    writer.representer.sort_base_mapping_type_on_output = False
    writer.dump(dict(content), out)
    _write_text(path, out.getvalue())
