"""Opening a snapshot: a folder as it was frozen, or the zip of responses an analyst downloaded; both give the same
Sample.
"""

import hashlib
import json
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.design import Design, check_columns
from analysis.errors import DesignError, nearest
from analysis.recipes import (
    WAVE,
    apply_step,
    check_steps,
    columns_needed,
    columns_of_numbers,
    columns_of_switches,
    steps_of,
)
from analysis.sample import Sample
from analysis.scoring import LEDGER, SCORE, scored_items
from analysis.textfiles import as_numbers, decode, read_csv_text

UNIT_COLUMNS = ("code", "name", "level", "parent_code")
NUMBERS = ("base_weight", "weight", "minutes")
READ = {"responses.parquet", "responses.csv", "instrument.yaml", "margins.csv", "units.csv", "weighting.yaml"}


@dataclass(frozen=True)
class Files:
    """The files of a snapshot, wherever they lie."""

    place: str
    contents: Mapping[str, bytes]

    def read(self, name: str) -> bytes:
        """One file's bytes; DesignError names the file and the place where it is missing."""
        if name not in self.contents:
            raise DesignError(f"{self.place}: the file {name!r} is missing; take the snapshot or the download anew.")
        return self.contents[name]

    def text(self, name: str) -> str:
        """One file as text."""
        return decode(self.read(name), f"{self.place}/{name}")

    def table(self, name: str, required: Sequence[str]) -> pd.DataFrame:
        """One CSV file, every cell as text, an empty cell as missing."""
        return read_csv_text(self.text(name), f"{self.place}/{name}", required)


@dataclass(frozen=True)
class Opened:
    """A snapshot as read: rows, instrument, recipe and the margins that the recipe names, by its steps."""

    files: Files
    rows: pd.DataFrame
    instrument: Any
    recipe: Mapping[str, Any]
    manifest: Mapping[str, Any]
    units: pd.DataFrame

    @property
    def wave(self) -> str:
        """The slug of the wave."""
        return str(
            self.manifest.get("wave") or (self.rows[WAVE].iloc[0] if WAVE in self.rows and len(self.rows) else "")
        )


def open_snapshot(source: str | Path, *, baseline: str | Path | None = None) -> Sample:
    """The responses of a wave as a weighted Sample, ready for `index`, `mean` and the rest.

    source: the snapshot's folder, or the zip of the responses download. baseline: an earlier wave's; the two are
    stacked under Design(wave="wave"), so that `change(over="wave")` knows which psus they share.
    The weighting recipe of the snapshot is applied. Raises DesignError for a missing file or column, a file that its
    manifest does not vouch for, a header that occurs twice, a byte that is not UTF-8, an answer that the instrument
    does not offer, and for margins that cannot be met, each with its place.
    """
    opened = [_open(one) for one in ([source] if baseline is None else [baseline, source])]
    newest = opened[-1]
    if baseline is not None and opened[0].wave == newest.wave:
        raise DesignError(
            f"Both snapshots are of the wave {newest.wave!r}: give the snapshot of an earlier wave as baseline."
        )
    design = _design(newest)
    rows = newest.rows
    if baseline is not None:
        if opened[0].recipe.get("design") != newest.recipe.get("design"):
            raise DesignError("The two waves declare different designs in weighting.yaml: analyse them one by one.")
        design = replace(design, wave=WAVE)
        rows = pd.concat([one.rows for one in opened], ignore_index=True)
    labels = newest.recipe.get("labels") or {}
    sample = Sample(
        data=rows,
        design=design,
        instrument=newest.instrument,
        manifest=newest.manifest,
        units=newest.units,
        notes=tuple(str(one) for one in labels.values()),
    )
    for position in range(len(steps_of(newest.recipe))):
        sample = apply_step(sample, opened, position)
    return sample


def _open(source: str | Path) -> Opened:
    from questionnaires import load_instrument_text

    files = _files(Path(source))
    recipe = _yaml(files, "weighting.yaml")
    _check_recipe(files, recipe)
    # the manifest holds the hashes of the other files and is written last
    manifest = _manifest(files) if "manifest.json" in files.contents else {}
    instrument = load_instrument_text(files.text("instrument.yaml"))
    units = files.table("units.csv", UNIT_COLUMNS)
    opened = Opened(files, pd.DataFrame(), instrument, recipe, manifest, units)
    required = [*_design(opened).columns, *_needed(instrument), *columns_needed(recipe, units)]
    if "responses.parquet" in files.contents:
        rows = _parquet(files)
        check_columns(required, list(rows.columns), f"{files.place}/responses.parquet: the snapshot")
    else:
        rows = _typed(files.table("responses.csv", required), opened)
    _check_answers(rows, instrument, f"{files.place}: the table of responses")
    if WAVE not in rows.columns:
        rows = rows.assign(**{WAVE: opened.wave})
    return replace(opened, rows=rows)


def _parquet(files: Files) -> pd.DataFrame:
    import pyarrow as pa

    try:
        return pd.read_parquet(BytesIO(files.read("responses.parquet")))
    except (pa.ArrowException, OSError) as error:
        raise DesignError(f"{files.place}/responses.parquet cannot be read: take the snapshot anew.") from error


def _check_answers(rows: pd.DataFrame, instrument: Any, place: str) -> None:
    """Refuse an answer to a scored item that the instrument does not offer: it would count as no answer."""
    for item in scored_items(instrument):
        names = {choice.name for choice in item.choices}
        for answer in rows[item.name].dropna().unique() if names else ():
            text = f"{answer:g}" if isinstance(answer, float) else str(answer)
            if text not in names:
                raise DesignError(
                    f"{place} holds the answer {answer!r} to {item.name!r}, which the instrument does not offer. "
                    f"{nearest(answer, names)}"
                )


def _files(path: Path) -> Files:
    if path.is_dir():
        return Files(path.name, {one.name: one.read_bytes() for one in sorted(path.iterdir()) if one.is_file()})
    if not path.exists():
        raise DesignError(
            f"There is no snapshot {str(path)!r}: give the snapshot's folder, or the zip of a responses download."
        )
    if not zipfile.is_zipfile(path):
        raise DesignError(f"{path.name} is neither a snapshot's folder nor a zip file: give one of these.")
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if not name.endswith("/")]
            return Files(path.name, {Path(name).name: archive.read(name) for name in names})
    # zipfile says RuntimeError of an encrypted entry, NotImplementedError of a compression it does not know
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError) as error:
        raise DesignError(f"{path.name} is damaged ({error}): take the download anew.") from error


def _manifest(files: Files) -> Mapping[str, Any]:
    """The manifest, after holding the files that numbers come from to the hashes in it."""
    try:
        read = json.loads(files.text("manifest.json"))
    except json.JSONDecodeError as error:
        raise DesignError(
            f"{files.place}/manifest.json is not valid JSON ({error}): take the snapshot anew."
        ) from error
    # a download writes its CSV files anew: its manifest holds the hashes of those beside the snapshot's own
    part = read.get("download", read) if isinstance(read, dict) else None
    hashes = part.get("files", {}) if isinstance(part, dict) else None
    if not isinstance(hashes, dict):
        raise DesignError(f"{files.place}/manifest.json holds no mapping: take the snapshot anew.")
    for name in sorted(READ & hashes.keys() & files.contents.keys()):
        if hashlib.sha256(files.contents[name]).hexdigest() != hashes[name]:
            raise DesignError(
                f"{files.place}: {name} is not the file that manifest.json was written for (its SHA-256 differs); "
                "take it anew, or remove manifest.json to work with altered files."
            )
    return read


def _check_recipe(files: Files, recipe: Mapping[str, Any]) -> None:
    """Refuse a recipe that cannot be read."""
    place = f"{files.place}/weighting.yaml"
    check_steps(place, recipe)
    for name in ("design", "labels"):
        if not isinstance(recipe.get(name) or {}, dict):
            raise DesignError(f"{place}: {name} is no mapping; write it as {name}: {{...}}.")


def _yaml(files: Files, name: str) -> Mapping[str, Any]:
    from ruamel.yaml import YAML, YAMLError

    try:
        read = YAML(typ="safe", pure=True).load(files.text(name))
    except YAMLError as error:
        raise DesignError(f"{files.place}/{name} is not valid YAML: {' '.join(str(error).split())}") from error
    if not isinstance(read, dict):
        raise DesignError(f"{files.place}/{name} holds no mapping: it needs the keys design and steps.")
    return read


def _design(opened: Opened) -> Design:
    declared = opened.recipe.get("design") or {}
    known = ("weight", "stratum", "psu", "fpc", "nest", "lonely_psu")
    for key in declared:
        if key not in known:
            raise DesignError(
                f"{opened.files.place}/weighting.yaml: the design has no entry {key!r}. {nearest(key, known)}"
            )
    return Design(**declared)


def _needed(instrument: Any) -> list[str]:
    scored = scored_items(instrument)
    return [item.name for item in scored] + [LEDGER + item.key for item in scored if item.key is not None]


def _typed(rows: pd.DataFrame, opened: Opened) -> pd.DataFrame:
    """Text cells in the types that the instrument declares and the recipe needs; codes stay text."""
    instrument, place, switches = opened.instrument, f"{opened.files.place}/responses.csv", {"true": 1, "false": 0}
    numbers = {name for name in rows.columns if name in NUMBERS or name.endswith(SCORE)}
    numbers |= {item.name for item in instrument.items.values() if item.type in ("integer", "decimal", "range")}
    numbers |= columns_of_numbers(opened.recipe)
    for name in rows.columns:
        if name in numbers:
            rows[name] = as_numbers(rows[name], place)
        elif name in columns_of_switches(opened.recipe):
            rows[name] = as_numbers(rows[name].map(lambda text: switches.get(str(text).lower(), text)), place)
        elif name == "weighting_drawn":
            rows[name] = rows[name].str.lower().isin(["true", "1"])
    return rows
