"""Numbers that score outside 0-100 have no score; the analyst is told how many, on the screen and in the download."""

import io
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from analysis.scoring import answers_off_the_scale
from questionnaires import Instrument, load_instrument_text
from survey_app.console import cache, fieldwork
from survey_app.console.visit import Visit
from survey_app.demonstration.making import Demonstration
from survey_app.publish import exports
from survey_app.publish.catalogue import Snapshot
from survey_app.store import Account, Store
from survey_app.store import waves as stored_waves

FORM = """
settings: [{form_title: 表, form_id: f, version: "1", default_language: 中文 (zh)}]
survey:
  - type: calculate
    calculation: today()
    name: visits
    "label::中文 (zh)": 一年去过几次<b>？
    "label::English (en)": How often in a year<b>?
    sandu::index: i
    sandu::weight: 1
    sandu::score: 100 * . div 12
indices: [{name: i, weight: 1, "label::中文 (zh)": 指数, "label::English (en)": Index}]
"""
ROWS = pd.DataFrame({"visits": [0.0, 12.0, 13.0, -1.0, 400.0, None]})


@pytest.fixture(scope="module")
def form() -> Instrument:
    return load_instrument_text(FORM)


def test_the_count_stands_beside_its_question(form: Instrument) -> None:
    html = fieldwork.scale_check(answers_off_the_scale(ROWS, form), form, "en")
    assert "visits · How often in a year&lt;b&gt;?" in html
    assert ">3<" in "".join(html.split())
    assert "因超出量程而没有得分" in fieldwork.scale_check({"visits": 3}, form, "zh")


def test_all_on_the_scale_is_said_and_nothing_where_no_number_is_scored(form: Instrument) -> None:
    html = fieldwork.scale_check(answers_off_the_scale(ROWS.head(2), form), form, "en")
    assert "Every number in the snapshot lies on its scale." in html
    assert "<table" not in html
    assert fieldwork.scale_check({}, load_instrument_text(FORM.split("    sandu::index")[0]), "en") == ""


def test_the_responses_zip_says_it_in_both_languages(snapshot: Snapshot, tmp_path: Path) -> None:
    folder = tmp_path / snapshot.hash
    shutil.copytree(snapshot.folder, folder)
    (folder / "instrument.yaml").write_text(FORM, encoding="utf-8")
    altered = replace(snapshot, folder=folder)
    for rows, told in ((ROWS, True), (ROWS.head(2), False)):
        rows.to_parquet(folder / "responses.parquet")
        content = io.BytesIO()
        exports.write_zip(altered, "responses", content)
        with zipfile.ZipFile(content) as archive:
            text = archive.read("README.txt").decode("utf-8")
        assert ("fall off the scale (item, answers): visits 3" in text) is told
        assert ("（题号 份数）：visits 3" in text) is told


def test_the_fieldwork_view_shows_the_snapshot_s_count(
    demonstration: Demonstration,
    store: Store,
    snapshot: Snapshot,
    analyst: Account,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    visit = Visit(demonstration.settings, store, analyst, "en", stored_waves.get(store, snapshot.wave), snapshot)
    assert "Off the scale" not in words(visit)  # public-opinion scores no numbers
    asked: list[str] = []
    monkeypatch.setattr(cache, "off_the_scale", lambda folder: asked.append(folder) or {"E5": 7})
    assert "Off the scale" in words(visit)
    assert asked == [str(snapshot.folder)]


def show(visit):
    from survey_app.console import fieldwork

    fieldwork.show(visit)


def words(visit: Visit) -> str:
    app = AppTest.from_function(show, args=(visit,), default_timeout=60).run()
    assert not app.exception, app.exception
    return "\n".join(str(element.value) for element in app.get("html"))
