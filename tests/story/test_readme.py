"""What README promises: its example runs on the console's own download, and prints what `sandu estimate` prints."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from survey_app.publish.catalogue import newest
from survey_app.publish.exports import write_zip
from tests.story.conftest import Demo

pytestmark = pytest.mark.timeout(1200)  # the whole demonstration is made first
ROOT = Path(__file__).resolve().parents[2]


def test_the_example_prints_what_the_command_prints(demo: Demo, tmp_path: Path) -> None:
    snapshot = newest(demo.home, "chengdu-2026-1")
    assert snapshot is not None
    with (tmp_path / "responses.zip").open("wb") as target:
        write_zip(snapshot, "responses", target)
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), flags=re.DOTALL)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr
    table = demo.sandu("estimate", str(snapshot.folder), "--index", "satisfaction", "--by", "district")
    lines = done.stdout.splitlines()[:21]
    assert len(lines) == 21
    for line in lines:
        name, estimate, interval = line.rsplit(" ", 2)
        assert re.search(rf"{name}.*\b{re.escape(estimate)}\b.*{re.escape(interval)}", table), line


def test_every_picture_and_every_link_of_readme_leads_somewhere() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    targets = re.findall(r"\]\(([^)#]+)\)", text)
    assert targets
    assert [target for target in targets if not (ROOT / target).exists()] == []
