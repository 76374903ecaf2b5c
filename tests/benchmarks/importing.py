"""Import of a foreign export: rows a second, and how much more memory 200,000 rows take than 2,000."""

import csv
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from questionnaires import load_instrument
from survey_app.settings import Settings
from survey_app.store import Wave, instruments, open_store, waves
from tests.benchmarks.measuring import Figure, seconds

ROOT = Path(__file__).parents[2]
FORM = ROOT / "tests" / "cli" / "elsewhere.yaml"
FEW, MANY = 2_000, 200_000
MAPPING = """\
encoding: gb18030
row_key: 序号
items:
  consent: {constant: "yes"}
  district: {column: 区, values: {东区: east, 西区: west}}
  age: {column: 年龄}
  media: {column: 渠道, separator: ┋, values: {电视: tv, 广播: radio, 手机: phone}}
  remark: {column: 意见}
"""
PEAK = """
import resource, sys
from survey_app.cli import main
try:
    main()
finally:
    print("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def figures() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        peaks = {}
        for rows in (FEW, MANY):
            place = Path(folder) / str(rows)
            place.mkdir()
            _prepare(place, rows)
            taken = seconds(lambda place=place, rows=rows: peaks.update({rows: _import(place)}))
        yield Figure(f"rows of an export taken a second, {MANY} rows, synchronous=FULL", MANY / taken, "a second")
        yield Figure(f"peak memory of an import of {FEW} rows", peaks[FEW], "MB")
        yield Figure(f"peak memory of an import of {MANY} rows", peaks[MANY], "MB")
        yield Figure("ratio", peaks[MANY] / peaks[FEW], "times")


def _prepare(place: Path, rows: int) -> None:
    with open_store(Settings.from_environment({"SANDU_HOME": str(place / "home")}), create=True) as store:
        form = load_instrument(FORM)
        instruments.publish(store, form)
        made = {"instrument_id": form.id, "instrument_version": form.version, "open_link": True, "simulated": True}
        title = {"zh": "测速", "en": "Bench"}
        waves.create(store, Wave(slug="bench", title=title, city="510100", scheme="nbs", edition="2023", **made))
    (place / "map.yaml").write_text(MAPPING, encoding="utf-8")
    with (place / "export.csv").open("w", encoding="gb18030", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["序号", "区", "年龄", "渠道", "意见"])
        writer.writerows(
            [number, "东区" if number % 2 else "西区", 18 + number % 80, "电视┋手机", f"路灯坏了,第{number}号"]
            for number in range(rows)
        )


def _import(place: Path) -> float:
    """Peak memory in MB."""
    ran = subprocess.run(
        [sys.executable, "-c", PEAK, "import", "bench", "export.csv", "--map", "map.yaml"],
        cwd=place, env={**os.environ, "SANDU_HOME": str(place / "home"), "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return int(ran.stdout.split("peak")[1]) / 1024
