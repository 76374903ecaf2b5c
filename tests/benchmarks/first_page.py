"""The first page of each door, cold, in Chromium over an emulated slow net: kilobytes on the wire, seconds until seen.

Slow 3G is 400 kbit/s each way and 400 ms a request, slow 4G 1.6 Mbit/s and 150 ms (applied by the browser), with the
processor slowed to a quarter. Seen: the first paint in which the first question stands.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from questionnaires import load_instrument
from survey_app.settings import Settings
from survey_app.store import Wave, instruments, open_store, waves
from tests.benchmarks import processes
from tests.conftest import CHROMIUM_FLAGS

LIBRARY = Path(__file__).resolve().parents[2] / "questionnaires" / "library"
NETS = {"slow 3G": (400, 400), "slow 4G": (1600, 150)}  # kbit/s, ms
SLOWER = 4
TRIALS = 3
# The moment of the paint in which the question stands, by the page's own clock, which starts with the first request.
WATCH = """
const note = () => setTimeout(() => { window.seen = performance.now(); }, 0);
const look = () => requestAnimationFrame(document.querySelector("%s") ? note : look);
look();
"""
SEEN = "new Promise(done => { const ask = () => window.seen ? done(window.seen) : setTimeout(ask, 20); ask(); })"
VIEW = {"width": 390, "height": 844}


def figures() -> Iterator[str]:
    """A line per door and net."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        settings = Settings.from_environment({"SANDU_HOME": folder, "SANDU_ALLOWED_HOSTS": "localhost"})
        _prepare(settings)
        path = shutil.which("chromium") or shutil.which("chromium-browser")
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        with processes.serving(settings) as server:
            for door, start, question in (
                ("plain", "/s/open", "#consent"),
                ("Streamlit", "/?s=open", "[data-testid=stRadioOption]"),
            ):
                for net in NETS:
                    trials = [_seen(browser, server.address + start, question, net) for _ in range(TRIALS)]
                    seconds, kilobytes = sorted(trials)[TRIALS // 2]
                    yield f"{door}, {net}: {kilobytes:.1f} kB on the wire, first question after {seconds:.2f} s"
        browser.close()


def _prepare(settings: Settings) -> None:
    instrument = load_instrument(LIBRARY / "public-opinion.yaml")
    with open_store(settings, create=True) as store:
        instruments.publish(store, instrument)
        made = {"instrument_id": instrument.id, "instrument_version": instrument.version, "open_link": True}
        made |= {"title": {"zh": "居民调查", "en": "Survey"}, "city": "510100", "scheme": "nbs", "edition": "2023"}
        presets = {"city": "510100", "fieldwork_year": date.today().year}
        waves.create(store, Wave(slug="open", presets=presets, **made))


def _seen(browser: Browser, address: str, question: str, net: str) -> tuple[float, float]:
    """Seconds from the request to the question, and kilobytes received, headers included; nothing is cached."""
    rate, delay = NETS[net]
    context = browser.new_context(viewport=VIEW, locale="zh-CN")  # type: ignore[arg-type]
    page = context.new_page()
    line = context.new_cdp_session(page)
    received = [0.0]
    line.on("Network.loadingFinished", lambda event: received.__setitem__(0, received[0] + event["encodedDataLength"]))
    line.send("Network.enable")
    line.send("Network.setCacheDisabled", {"cacheDisabled": True})
    speed = rate * 1000 / 8
    conditions = {"offline": False, "latency": delay, "downloadThroughput": speed, "uploadThroughput": speed}
    line.send("Network.emulateNetworkConditions", conditions)
    line.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    page.add_init_script(WATCH % question)
    page.goto(address, wait_until="commit", timeout=180_000)
    page.locator(question).first.wait_for(state="attached", timeout=180_000)
    page.wait_for_load_state("load")
    seconds = page.evaluate(SEEN) / 1000
    context.close()
    return seconds, received[0] / 1000
