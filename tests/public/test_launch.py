"""The launcher and the real process: settings, port, and a few things that only a browser can see."""

import os
import re
import resource
import select
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from streamlit import config as streamlit_config

from survey_app.http import launch
from tests.public.conftest import SCREENING


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Process:
    """The residents' process on a free port over a copied data folder."""

    def __init__(self, home: Path) -> None:
        self.home, self.port = home, free_port()
        self.address = f"http://localhost:{self.port}"
        self.start()

    def start(self) -> None:
        environment = {**os.environ, "SANDU_HOME": str(self.home), "SANDU_PUBLIC_PORT": str(self.port)}
        environment["STREAMLIT_RUNNER_POST_SCRIPT_GC"] = "true"  # what the surroundings say must not matter
        environment.pop("SANDU_DATABASE_URL", None)
        self.log = self.home / "log"
        with self.log.open("ab") as log:
            # The soft limit of most shells, under which 400 sessions would not work.
            command = ["sh", "-c", 'ulimit -S -n 1024; exec "$@"', "sh", sys.executable, "-m", "survey_app.public"]
            self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=self.home)
        deadline = time.monotonic() + 90
        while not self.healthy():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            select.select([], [], [], 0.2)

    def healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.address}/healthz", timeout=5) as answer:
                return bool(answer.read() == b"ok")
        except (urllib.error.URLError, ConnectionError):
            return False

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(30)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(30)


@pytest.fixture(scope="module")
def process(prepared_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    home = tmp_path_factory.mktemp("running") / "home"
    shutil.copytree(prepared_home, home)
    running = Process(home)
    yield running
    running.stop()


@pytest.fixture
def phone(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 390, "height": 844}, locale="zh-CN", java_script_enabled=False)
    yield context.new_page()
    context.close()


@pytest.fixture
def desktop(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="zh-CN")
    yield context.new_page()
    context.close()


def test_a_taken_port_is_one_sentence_and_exit_code_2(process: Process) -> None:
    environment = {**os.environ, "SANDU_HOME": str(process.home), "SANDU_PUBLIC_PORT": str(process.port)}
    command = [sys.executable, "-m", "survey_app.public"]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert str(process.port) in ended.stderr


def test_an_empty_data_folder_is_one_sentence_and_exit_code_2(tmp_path: Path) -> None:
    environment = {**os.environ, "SANDU_HOME": str(tmp_path), "SANDU_PUBLIC_PORT": str(free_port())}
    command = [sys.executable, "-m", "survey_app.public"]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_a_setting_that_does_not_hold_stops_the_start(capsys: pytest.CaptureFixture[str]) -> None:
    found = streamlit_config.get_option("server.maxUploadSize")
    with pytest.raises(SystemExit) as stopped:
        launch.require_settings({"server.maxUploadSize": found + 1})
    assert stopped.value.code == 2
    assert "server.maxUploadSize" in capsys.readouterr().err
    launch.require_settings({"server.maxUploadSize": found})


def test_every_setting_of_the_launcher_is_one_that_streamlit_knows() -> None:
    for name in launch.BASE_CONFIG:
        streamlit_config.get_option(name)


def test_the_limit_of_open_files_is_raised_as_far_as_it_goes() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, before[1]))
        reached = launch.raise_open_file_limit(512)
        assert reached == resource.getrlimit(resource.RLIMIT_NOFILE)[0] == 512
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_the_running_process_holds_its_limit_and_hides_its_metrics(process: Process) -> None:
    limits = Path(f"/proc/{process.process.pid}/limits").read_text()
    soft = re.search(r"Max open files\s+(\d+)", limits)
    assert soft and int(soft[1]) >= 4096
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{process.address}/_stcore/metrics")
    assert refused.value.code == 404


def test_a_resident_without_javascript_fills_in_the_form_by_keyboard(process: Process, phone: Page) -> None:
    outside: list[str] = []
    phone.on(
        "request", lambda request: None if request.url.startswith(process.address) else outside.append(request.url)
    )
    phone.goto(f"{process.address}/s/open")
    phone.locator("#consent").focus()
    phone.keyboard.press("Space")
    phone.keyboard.press("Enter")
    phone.wait_for_url("**/screening")
    for name, value in SCREENING.items():
        phone.locator(f"input[name={name}][value={value}]").check()
    phone.locator("button.button[value=next]").click()
    phone.wait_for_url("**/address")
    phone.fill("#find-community", "水井坊")
    phone.keyboard.press("Enter")
    phone.locator("input[name=found-community]").first.check()
    while "/about_you" not in phone.url:
        assert phone.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), phone.url
        phone.locator("button.button[value=next]").click()
    phone.locator("button.button[value=next]").click()
    assert phone.locator(".receipt").inner_text().count("-") == 3
    assert outside == []


TO_TAP = ".row, .cell, .button, .tool, footer a, .also a, main select, main input[type=text], main input[type=number]"


def too_low(page: Page) -> list[str]:
    """What stands on the page to be tapped and is lower than 44 pixels."""
    found = []
    for target in page.locator(TO_TAP).all():
        box = target.bounding_box()
        if target.is_visible() and box and box["height"] < 44 - 0.5:
            found.append(target.evaluate("each => each.outerHTML")[:120])
    return found


@pytest.mark.parametrize("size", ["normal", "large"])
def test_everything_to_tap_is_at_least_44_pixels_high_on_every_page(process: Process, phone: Page, size: str) -> None:
    phone.goto(f"{process.address}/s/open")
    if size == "large":
        with phone.expect_navigation():
            phone.locator("button[value=size-large]").click()
    phone.locator("#consent").check()
    pages: list[str] = []
    while "/done" not in phone.url and len(pages) < 40:
        assert too_low(phone) == [], phone.url
        assert phone.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), phone.url
        text = phone.evaluate("parseFloat(getComputedStyle(document.body).fontSize)")
        assert text >= {"normal": 18, "large": 24}[size], phone.url
        pages.append(phone.url.rpartition("/")[2].partition("?")[0])
        for name, value in SCREENING.items():
            for choice in phone.locator(f"input[name={name}][value={value}]").all():
                choice.check()
        if pages.count("address") == 1 and pages[-1] == "address":
            phone.fill("#find-community", "水井坊")
        for found in phone.locator("input[name=found-community]").all()[:1]:
            found.check()
        with phone.expect_navigation():
            phone.locator("button.button[value=next]").click()
    assert len(set(pages)) > 5


def test_a_form_is_printed_with_its_questions_and_without_its_buttons(process: Process, phone: Page) -> None:
    phone.goto(f"{process.address}/s/open")
    phone.locator("#consent").check()
    phone.locator("button.button[value=next]").click()
    buttons, questions = phone.locator("button.button, .tool"), phone.locator("legend")
    assert buttons.count() and any(each.is_visible() for each in buttons.all())
    phone.emulate_media(media="print")
    assert not any(each.is_visible() for each in buttons.all())
    assert questions.count() >= 3 and all(each.is_visible() for each in questions.all())
    assert all(each.is_visible() for each in phone.locator(".row").all())


def test_the_streamlit_form_works_in_a_browser_and_survives_a_killed_server(process: Process, desktop: Page) -> None:
    outside: list[str] = []
    own = (process.address, process.address.replace("http", "ws"), "data:", "blob:")
    desktop.on("request", lambda request: None if request.url.startswith(own) else outside.append(request.url))
    desktop.goto(f"{process.address}/?s=open")
    onward = desktop.locator("[class*='st-key-go-next'] button")
    onward.wait_for(timeout=60_000)
    desktop.locator("[data-testid=stRadioOption]").first.click()
    onward.click()
    desktop.wait_for_url("**p=screening**", timeout=30_000)
    desktop.get_by_text("先确认三件事").wait_for(timeout=30_000)
    process.kill()
    process.start()
    desktop.reload()
    desktop.get_by_text("先确认三件事").wait_for(timeout=60_000)
    for place in (0, 2, 5):
        desktop.locator("[data-testid=stRadioOption]").nth(place).click()
    onward.click()
    desktop.wait_for_url("**p=address**", timeout=30_000)
    visit = re.search(r"r=([0-9a-f-]{36})", desktop.url)
    assert visit
    database = sqlite3.connect(f"file:{process.home / 'sandu.sqlite'}?mode=ro", uri=True)
    (answers,) = database.execute("SELECT answers FROM draft WHERE id = ?", (visit[1],)).fetchone()
    database.close()
    assert '"S3":"no"' in answers
    assert outside == []


def test_the_log_holds_no_address_of_a_draft_and_none_of_a_resident(process: Process) -> None:
    with urllib.request.urlopen(f"{process.address}/s/open") as first:
        draft = re.search(r'action="/s/open/([0-9a-f-]{36})/', first.read().decode())
    assert draft
    log = process.log.read_text()
    assert draft[1] not in log
    assert not re.search(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-", log)
    assert not re.search(r"127\.0\.0\.1:\d{5}|::1", log)
