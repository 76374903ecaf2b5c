"""The downloads: nothing a spreadsheet runs, every digit kept, and the same number again from the zip."""

import csv
import io
import json
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis import DesignError, format_interval, format_number, open_snapshot
from survey_app.publish import exports
from survey_app.publish.catalogue import Snapshot
from survey_app.store.errors import StoreError

BOM = b"\xef\xbb\xbf"


@pytest.fixture(scope="module")
def zips(snapshot: Snapshot, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The three downloads of the small demonstration."""
    folder = tmp_path_factory.mktemp("zips")
    for kind in exports.KINDS:
        with (folder / f"{kind}.zip").open("wb") as file:
            exports.write_zip(snapshot, kind, file)
    return {kind: folder / f"{kind}.zip" for kind in exports.KINDS}


def table_of(path: Path, name: str) -> list[dict[str, str]]:
    with zipfile.ZipFile(path) as archive:
        return list(csv.DictReader(io.StringIO(archive.read(name).decode("utf-8-sig"), newline="")))


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\0"])
def test_a_text_cell_that_a_spreadsheet_would_run_gets_an_apostrophe(start: str) -> None:
    content = exports.csv_bytes(pd.DataFrame({"a": [f"{start}1+1", "1=1", "不满意"]})).decode("utf-8-sig")
    cells = [row[0] for row in csv.reader(io.StringIO(content, newline=""))]
    assert cells == ["a", f"'{start}1+1", "1=1", "不满意"]


def test_a_header_is_made_safe_too() -> None:
    assert exports.csv_bytes(pd.DataFrame({"=cmd": [1]})).startswith(BOM + b"'=cmd")


def test_a_negative_number_is_a_number_and_not_a_formula() -> None:
    assert exports.csv_bytes(pd.DataFrame({"x": [-1.5]})) == BOM + b"x\r\n-1.5\r\n"


def test_floats_keep_every_bit_through_the_file() -> None:
    values = np.concatenate([np.random.default_rng(1).normal(size=200) * 10.0 ** np.arange(-100, 100), [0.1, 1 / 3]])
    content = exports.csv_bytes(pd.DataFrame({"x": values}))
    back = [float(row["x"]) for row in csv.DictReader(io.StringIO(content.decode("utf-8-sig")))]
    assert back == values.tolist()


def test_codes_integers_booleans_and_missing_cells_are_written_as_they_are() -> None:
    frame = pd.DataFrame(
        {
            "code": ["010", None],
            "year": pd.array([1980, None], dtype="Int64"),
            "flag": pd.array([True, None], dtype="boolean"),
            "x": [2.0, None],
        }
    )
    assert exports.csv_bytes(frame) == BOM + b"code,year,flag,x\r\n010,1980,true,2\r\n,,,\r\n"


def test_each_zip_carries_manifest_margins_and_weighting_recipe(zips: dict[str, Path]) -> None:
    for path in zips.values():
        with zipfile.ZipFile(path) as archive:
            assert {"manifest.json", "margins.csv", "weighting.yaml", "README.txt"} <= set(archive.namelist())


def test_every_csv_in_every_zip_begins_with_a_byte_order_mark(zips: dict[str, Path]) -> None:
    for path in zips.values():
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                if name.endswith(".csv"):
                    assert archive.read(name).startswith(BOM), name


def test_no_text_cell_of_any_zip_begins_like_a_formula(zips: dict[str, Path]) -> None:
    for path in zips.values():
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if name.endswith(".csv")]
        for name in names:
            for row in table_of(path, name):
                for cell in row.values():
                    assert not cell.startswith(("=", "+", "@", "\t", "\r")), (name, cell)
                    assert not cell.startswith("-") or float(cell) < 0, (name, cell)


def test_the_responses_zip_gives_the_snapshot_s_numbers_again(snapshot: Snapshot, zips: dict[str, Path]) -> None:
    original, reopened = open_snapshot(snapshot.folder), open_snapshot(zips["responses"])
    for degree in exports.DEGREES:
        first = original.index(degree, by="district", whole=True).to_frame()
        second = reopened.index(degree, by="district", whole=True).to_frame()
        assert first["district"].tolist() == second["district"].tolist()
        for column in ("estimate", "se", "low", "high", "df", "n", "design_effect"):
            np.testing.assert_allclose(second[column].astype(float), first[column].astype(float), rtol=1e-10)


def test_scores_are_in_the_responses_and_lie_between_0_and_100(zips: dict[str, Path]) -> None:
    rows = table_of(zips["responses"], "responses.csv")
    scores = [name for name in rows[0] if name.endswith("_score")]
    assert len(scores) == 22
    values = [float(row[name]) for row in rows for name in scores if row[name]]
    assert min(values) == 0
    assert max(values) == 100


def test_weights_of_the_file_add_up_to_the_adults_of_the_city(zips: dict[str, Path]) -> None:
    weights = sum(float(row["weight"]) for row in table_of(zips["responses"], "responses.csv"))
    margins = table_of(zips["responses"], "margins.csv")
    adults = sum(int(row["count"]) for row in margins if row["variable"] == "sex*age_band")
    assert weights == pytest.approx(adults, rel=1e-8)


def test_district_indices_are_in_official_order_with_the_printed_text_of_the_screen(
    snapshot: Snapshot, zips: dict[str, Path]
) -> None:
    rows = [row for row in table_of(zips["district-indices"], "district-indices.csv") if row["index"] == "satisfaction"]
    estimates = open_snapshot(snapshot.folder).index("satisfaction", by="district", whole=True).to_frame()
    codes = [row["unit"] for row in rows]
    assert codes == [*sorted(codes[:-1]), "whole"]
    for row, expected in zip(rows, estimates.itertuples(), strict=True):
        assert row["shown"] == format_number(expected.estimate)
        assert row["interval_shown"] == format_interval(expected.low, expected.high)
        assert float(row["estimate"]) == expected.estimate
    assert rows[0]["name"] == "锦江区"
    assert rows[0]["name_en"] == "Jinjiang District"


def test_every_file_of_rows_says_that_it_is_simulated(zips: dict[str, Path], snapshot: Snapshot) -> None:
    for kind, name in (("responses", "responses.csv"), ("district-indices", "district-indices.csv")):
        assert {row["data_status"] for row in table_of(zips[kind], name)} == {"simulated / 模拟数据"}
    for kind, path in zips.items():
        assert exports.file_name(snapshot, kind).endswith("-simulated.zip")
        with zipfile.ZipFile(path) as archive:
            text = archive.read("README.txt").decode("utf-8")
            assert "SIMULATED" in text
            assert "模拟数据" in text
            assert json.loads(archive.read("manifest.json"))["simulated"] is True


def test_a_label_that_looks_like_a_formula_is_made_safe_in_the_codebook_too(snapshot: Snapshot, tmp_path: Path) -> None:
    folder = tmp_path / snapshot.hash
    shutil.copytree(snapshot.folder, folder)
    (folder / "codebook.csv").write_text("item,label,score\nE1,=HYPERLINK(1),-2.5\n", encoding="utf-8")
    with (tmp_path / "codebook.zip").open("wb") as file:
        exports.write_zip(replace(snapshot, folder=folder), "codebook", file)
    assert table_of(tmp_path / "codebook.zip", "codebook.csv") == [
        {"item": "E1", "label": "'=HYPERLINK(1)", "score": "-2.5"}
    ]


def test_the_same_snapshot_gives_the_same_bytes(snapshot: Snapshot, zips: dict[str, Path]) -> None:
    again = io.BytesIO()
    exports.write_zip(snapshot, "codebook", again)
    assert again.getvalue() == zips["codebook"].read_bytes()


def test_an_unknown_kind_is_refused_with_the_known_ones(snapshot: Snapshot) -> None:
    with pytest.raises(StoreError, match="no download 'everything': choose one of responses, codebook"):
        exports.write_zip(snapshot, "everything", io.BytesIO())


def test_an_altered_file_in_a_download_is_refused_by_name(zips: dict[str, Path], tmp_path: Path) -> None:
    altered = tmp_path / "altered.zip"
    with zipfile.ZipFile(zips["responses"]) as archive, zipfile.ZipFile(altered, "w") as changed:
        for name in archive.namelist():
            content = archive.read(name)
            changed.writestr(
                name, content.replace(b"very_satisfied", b"dissatisfied", 1) if "resp" in name else content
            )
    with pytest.raises(DesignError, match=r"responses\.csv is not the file that manifest\.json was written for"):
        open_snapshot(altered)
