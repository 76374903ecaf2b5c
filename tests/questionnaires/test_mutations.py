"""A valid file spoilt at random loads, or is refused with its place: no other exception, no hang, no repair."""

import json
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl.utils.exceptions import IllegalCharacterError

from questionnaires import Instrument, InstrumentError, load_instrument, load_instrument_text
from questionnaires.codebook import codebook_rows
from tests.questionnaires.hostile import small_form, workbook
from tests.questionnaires.mutations import TEXTS, spoilt_bytes, spoilt_form, spoilt_workbook

SLOWEST = 5  # seconds, on a busy machine
CHECKS = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture]
MANY = settings(max_examples=250, deadline=None, derandomize=True, suppress_health_check=CHECKS)
PLACE = re.compile(r"spoilt(\.yaml|\.xlsx)?(, (sheet|line) |: | )")
SOUND = workbook(small_form())
CELL = re.compile(r"(sheet '?\w+|there is no sheet|line \d+|holds no sheets)")


def loads_or_says_where(load: Callable[[], Instrument], *, cells: bool) -> None:
    start = time.perf_counter()
    try:
        form = load()
    except InstrumentError as error:
        sentence = str(error)
        assert PLACE.match(sentence), sentence
        assert CELL.search(sentence) or not cells, sentence
        assert "\n" not in sentence
        assert len(sentence) < 900
        return
    finally:
        assert time.perf_counter() - start < SLOWEST
    assert_usable(form)


def assert_usable(form: Instrument) -> None:
    """What has loaded can be asked, scored and exported."""
    form.clean({})
    page = form.next_page({})
    assert page is None or page.items
    assert codebook_rows(form)
    scores = [score for item in form.items.values() for score in item.scores().values() if score is not None]
    assert all(0 <= score <= 100 for score in scores)


@pytest.mark.parametrize("name", TEXTS)
def test_the_forms_are_sound(name: str) -> None:
    assert_usable(load_instrument_text(TEXTS[name]))


@MANY
@given(st.data())
def test_spoilt_cells_rows_columns_and_sheets(tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "spoilt.yaml"
    form = spoilt_form(data.draw)
    path.write_text(json.dumps(form, ensure_ascii=False), encoding="utf-8", errors="surrogatepass")
    loads_or_says_where(lambda: load_instrument(path), cells=True)


@settings(MANY, max_examples=60)
@given(st.data())
def test_spoilt_cells_in_a_workbook(tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "spoilt.xlsx"
    try:
        path.write_bytes(workbook(spoilt_form(data.draw)))
    except (ValueError, IllegalCharacterError):  # openpyxl cannot write it
        return
    loads_or_says_where(lambda: load_instrument(path), cells=False)


@settings(MANY, max_examples=300)
@given(st.data())
def test_spoilt_text(tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "spoilt.yaml"
    text = data.draw(st.sampled_from(list(TEXTS.values())))
    path.write_bytes(spoilt_bytes(data.draw, text.encode()))
    loads_or_says_where(lambda: load_instrument(path), cells=False)


@settings(MANY, max_examples=120)
@given(st.data())
def test_spoilt_parts_of_a_workbook(tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "spoilt.xlsx"
    path.write_bytes(spoilt_workbook(data.draw))
    loads_or_says_where(lambda: load_instrument(path), cells=False)


@settings(MANY, max_examples=100)
@given(st.data())
def test_spoilt_bytes_of_a_workbook(tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "spoilt.xlsx"
    path.write_bytes(spoilt_bytes(data.draw, SOUND))
    loads_or_says_where(lambda: load_instrument(path), cells=False)
