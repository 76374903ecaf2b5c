"""The power fails: nothing that a resident was thanked for is lost, and the file is whole.

A model of the disk, not a pulled plug; see power.py. With the weaker setting of SQLite the same cuts lose answers, so
the model can see a loss.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from survey_app.settings import Settings
from survey_app.store import checks, open_store, responses
from tests.faults.conftest import ROOT, SLUG, settings_for

pytestmark = pytest.mark.slow
CUTS = 120


def losses(settings: Settings, folder: Path, synchronous: str) -> list[int]:
    """How many answers that were thanked for are missing after each cut."""
    images = folder / "images"
    images.mkdir()
    subprocess.run(
        [sys.executable, "-m", "tests.faults.power", str(settings.home), str(CUTS), str(images), synchronous],
        cwd=ROOT, check=True, timeout=300,
    )  # fmt: skip
    thanked = [len(json.loads((image / "thanked.json").read_text())) for image in images.iterdir()]
    assert max(thanked) > 200
    return [lost_in(image, settings, folder / image.name) for image in sorted(images.iterdir())]


def lost_in(image: Path, settings: Settings, home: Path) -> int:
    """Start on what the cut left."""
    home.mkdir()
    shutil.copy(settings.home / "secret", home / "secret")
    for file in image.glob("sandu.sqlite*"):
        shutil.copy(file, home / file.name)
    with open_store(settings_for(home, None)) as store:
        assert checks.check(store) == []
        stored = {one.id for one in responses.stream(store, SLUG)}
    return len(set(json.loads((image / "thanked.json").read_text())) - stored)


def test_many_cuts_lose_nothing_that_was_thanked_for(sqlite_settings: Settings, tmp_path: Path) -> None:
    assert losses(sqlite_settings, tmp_path, "FULL") == [0] * CUTS


def test_the_same_cuts_with_the_weaker_setting_lose_answers(sqlite_settings: Settings, tmp_path: Path) -> None:
    assert sum(losses(sqlite_settings, tmp_path, "NORMAL")) > 0
