"""The three downloads of a snapshot, each a zip that says where its numbers come from.

`responses`: the rows as CSV, with everything `analysis.open_snapshot` needs to give the same numbers again;
`codebook`: what was asked and how it scores; `district-indices`: the three degrees with their intervals.
CSV: UTF-8 with a byte order mark (spreadsheets then read Chinese), floats with 17 significant digits (a double survives
the round trip), codes as text, and no cell that a spreadsheet would run as a formula (OWASP ASVS 5.0, 1.2.10).
"""

import csv
import hashlib
import io
import json
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO

import pandas as pd

from analysis import format_interval, format_number, open_snapshot
from analysis.scoring import answers_off_the_scale, score_frame
from questionnaires import load_instrument
from survey_app.publish.catalogue import Snapshot
from survey_app.store.errors import StoreError
from survey_app.text import translator

KINDS = ("responses", "codebook", "district-indices")
DEGREES = ("awareness", "participation", "satisfaction")
SIMULATED = "simulated / 模拟数据"

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\0")
_ALWAYS = ("manifest.json", "margins.csv", "weighting.yaml")
_EXTRA = {
    "responses": ("codebook.csv", "instrument.yaml", "units.csv"),
    "codebook": ("codebook.csv", "instrument.yaml"),
    "district-indices": ("units.csv",),
}
_LONG_AGO = (
    1980,
    1,
    1,
    0,
    0,
    0,
)  # a fixed date: the same snapshot gives the same bytes, so that its hash can be audited


def file_name(snapshot: Snapshot, kind: str) -> str:
    """The download's name: wave, hash, kind, and that the data are simulated where they are."""
    _check_kind(kind)
    mark = "-simulated" if snapshot.simulated else ""
    return f"{snapshot.wave}-{snapshot.hash}-{kind}{mark}.zip"


def write_zip(snapshot: Snapshot, kind: str, target: IO[bytes]) -> None:
    """Write the download `kind` of a snapshot to an open binary file; StoreError when the kind is unknown."""
    _check_kind(kind)
    contents = {"README.txt": _read_me(snapshot, kind).encode("utf-8")}
    if kind == "responses":
        contents["responses.csv"] = csv_bytes(responses_frame(snapshot))
    elif kind == "district-indices":
        contents["district-indices.csv"] = csv_bytes(district_indices(snapshot))
    contents |= {name: _content(snapshot.folder / name) for name in (*_EXTRA[kind], *_ALWAYS)}
    contents["manifest.json"] = _manifest(contents, kind)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name, content in contents.items():
            _add(archive, name, content)


def _manifest(contents: Mapping[str, bytes], kind: str) -> bytes:
    """The snapshot's manifest and, under `download`, the hashes of the files as they stand in this zip."""
    hashes = {
        name: hashlib.sha256(content).hexdigest() for name, content in contents.items() if name != "manifest.json"
    }
    manifest = json.loads(contents["manifest.json"]) | {"download": {"kind": kind, "files": hashes}}
    return json.dumps(manifest, ensure_ascii=False, indent=2).encode("utf-8")


def responses_frame(snapshot: Snapshot) -> pd.DataFrame:
    """The probability stream, one row per response, with an `<item>_score` column (0-100) per scored item."""
    rows = pd.read_parquet(snapshot.folder / "responses.parquet")
    instrument = load_instrument(snapshot.folder / "instrument.yaml")
    scores = score_frame(rows, instrument)
    scores = scores[[name for name in scores.columns if name.endswith("_score")]]
    frame = pd.concat([rows, scores], axis=1)
    return _marked(frame, simulated=snapshot.simulated)


def district_indices(snapshot: Snapshot) -> pd.DataFrame:
    """The three degrees (0-100) of the city and of each district in official order, with 95% intervals.

    `shown` and `interval_shown` hold the printed text of the console and of `sandu estimate`.
    """
    sample = open_snapshot(snapshot.folder)
    tables = [_degree_table(sample.index(name, by="district", whole=True).to_frame(), name) for name in DEGREES]
    frame = pd.concat(tables, ignore_index=True)
    names = sample.units.drop_duplicates("code").set_index("code")
    for column in ("name", "name_en"):
        if column in names.columns:
            frame.insert(2, column, frame["unit"].map(names[column]).fillna(""))
    return _marked(frame, simulated=snapshot.simulated)


def csv_bytes(frame: pd.DataFrame) -> bytes:
    """A table as UTF-8 CSV with a byte order mark; missing cells are empty, rows end in CR LF (RFC 4180)."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([safe_cell(str(name)) for name in frame.columns])
    columns = [_cells(frame[name]) for name in frame.columns]
    writer.writerows(zip(*columns, strict=True))
    return out.getvalue().encode("utf-8-sig")


def safe_cell(text: str) -> str:
    """Text that no spreadsheet runs: a leading = + - @ tab, carriage return or NUL gets an apostrophe before it."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def _cells(column: pd.Series) -> Iterable[str]:
    """The column's cells as text: floats with 17 significant digits, integers whole, text made safe."""
    if pd.api.types.is_bool_dtype(column.dtype):
        return ["" if pd.isna(cell) else str(bool(cell)).lower() for cell in column]
    if pd.api.types.is_integer_dtype(column.dtype):
        return ["" if pd.isna(cell) else str(int(cell)) for cell in column]
    if pd.api.types.is_float_dtype(column.dtype):
        return ["" if pd.isna(cell) else format(float(cell), ".17g") for cell in column]
    return ["" if pd.isna(cell) else safe_cell(str(cell)) for cell in column]


def _degree_table(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """One degree's estimates, with what the screen prints and the effective n beside them."""
    frame = table.rename(columns={"district": "unit"})
    frame["effective_n"] = frame["n"] / frame["design_effect"]
    frame["shown"] = [format_number(value) for value in frame["estimate"]]
    frame["interval_shown"] = [
        format_interval(low, high) for low, high in zip(frame["low"], frame["high"], strict=True)
    ]
    frame["index"] = name
    first = ["index", "unit"]
    return frame[first + [column for column in frame.columns if column not in {*first, "variable"}]]


def _marked(frame: pd.DataFrame, *, simulated: bool) -> pd.DataFrame:
    """The same table, each row saying that it is simulated where it is."""
    return frame.assign(data_status=SIMULATED) if simulated else frame


def _read_me(snapshot: Snapshot, kind: str) -> str:
    """The zip's first page, in Chinese and in English."""
    return "\n\n".join(_page(snapshot, kind, language) for language in ("zh", "en")) + "\n"


def _page(snapshot: Snapshot, kind: str, language: str) -> str:
    """What the zip holds and how to recompute from it, in one language."""
    _ = translator(language)
    contents: Mapping[str, str] = {
        "responses": _("responses.csv: one row per response of the probability stream; <item>_score is 0-100."),
        "codebook": _("codebook.csv: every item and choice with its score, index and item weight."),
        "district-indices": _("district-indices.csv: the three degrees (0-100) with 95% intervals, in official order."),
    }
    lines = [f"{snapshot.title(language)} · {snapshot.wave} · {snapshot.hash}"]
    if snapshot.simulated:
        lines.append(_("SIMULATED DATA: these answers come from a model, not from residents."))
    lines.append(contents[kind])
    lines.append(_("manifest.json names the instrument, the code version, the seed and the size assumption."))
    lines.append(_("margins.csv and weighting.yaml hold the population margins and the weighting recipe."))
    if kind == "responses":
        lines.extend(_off_the_scale(snapshot, language))
        lines.append(_("Recompute with: analysis.open_snapshot(this zip).index('satisfaction', by='district')"))
    lines.append(
        _("Hashes in manifest.json: under files the snapshot's own, under download those of the files in this zip.")
    )
    lines.append(_("A text cell that began with = + - @ has an apostrophe before it, so that no spreadsheet runs it."))
    return "\n".join(lines)


def _off_the_scale(snapshot: Snapshot, language: str) -> list[str]:
    """A line on the numbers that have no score because their item's rule takes them out of 0-100; [] when none."""
    rows = pd.read_parquet(snapshot.folder / "responses.parquet")
    counts = answers_off_the_scale(rows, load_instrument(snapshot.folder / "instrument.yaml"))
    told = ", ".join(f"{name} {count}" for name, count in counts.items())
    _ = translator(language)
    line = _("Answers without a score because they fall off the scale (item, answers): {list}")
    return [line.format(list=told)] if counts else []


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(name, _LONG_AGO)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    archive.writestr(entry, content)


def _content(path: Path) -> bytes:
    """A file of the snapshot; a CSV is written anew with a byte order mark and with cells that no spreadsheet runs."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        message = f"snapshot {path.parent.name} has no {path.name}: make it again with sandu snapshot WAVE"
        raise StoreError(message) from None
    return _safe_csv(content.decode("utf-8-sig")) if path.suffix == ".csv" else content


def _safe_csv(text: str) -> bytes:
    """The same rows: text cells made safe, numbers as they are (a minus sign begins no formula there)."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    for row in csv.reader(io.StringIO(text, newline="")):
        writer.writerow([cell if _is_number(cell) else safe_cell(cell) for cell in row])
    return out.getvalue().encode("utf-8-sig")


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _check_kind(kind: str) -> None:
    if kind not in KINDS:
        raise StoreError(f"no download {kind!r}: choose one of {', '.join(KINDS)}")
