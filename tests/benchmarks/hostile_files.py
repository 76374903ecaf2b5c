"""Hostile files: seconds and memory until each is refused, in a process of its own that has loaded one sound form."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.measuring import Figure
from tests.questionnaires.hostile import HOSTILE, small_form, workbook

WORK = """
import sys, time
from pathlib import Path
from questionnaires import InstrumentError, load_instrument
load_instrument(sys.argv[1])
start = time.perf_counter()
load_instrument(sys.argv[1])  # the second time: what is loaded once is loaded
sound = time.perf_counter() - start
def kilobytes(name):
    return int(Path("/proc/self/status").read_text().split(name + ":")[1].split()[0])
Path("/proc/self/clear_refs").write_text("5")  # the peak starts over
before, start = kilobytes("VmRSS"), time.perf_counter()
try:
    load_instrument(sys.argv[2])
    sys.exit("it was not refused")
except InstrumentError:
    seconds = time.perf_counter() - start
    print(seconds, max(kilobytes("VmHWM") - before, 0), seconds / sound)
"""


def figures() -> Iterator[Figure]:
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        sound = Path(folder, "sound.xlsx")
        sound.write_bytes(workbook(small_form()))
        for name, make in HOSTILE.items():
            path = Path(folder, name)
            path.write_bytes(make())
            ran = subprocess.run(
                [sys.executable, "-c", WORK, str(sound), str(path)], capture_output=True, text=True, check=True
            )
            seconds, kilobytes, ratio = map(float, ran.stdout.split())
            found[name] = (seconds, kilobytes / 1000, ratio)
    yield Figure("files", len(found), "")
    for what, place, unit in (("slowest", 0, "s"), ("largest", 1, "MB"), ("longest beside a sound load", 2, "times")):
        for name in sorted(found, key=lambda name: -found[name][place])[:3]:
            yield Figure(f"{what}: {name}", found[name][place], unit)
