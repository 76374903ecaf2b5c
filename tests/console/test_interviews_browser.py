"""An interviewer in a real browser at the real console: killed and started anew in the middle, nothing asked twice."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from questionnaires import load_instrument
from survey_app.settings import Settings, read_secret
from survey_app.store import (
    Case,
    Wave,
    accounts,
    attempts,
    instruments,
    invitations,
    open_store,
    responses,
    schema,
    waves,
)
from tests.console.test_interviews import DATA, SMALL
from tests.console.test_process import environment, free_port, wait_until_it_answers

PASSWORD = "long enough"
OTHERS = ("overview", "district", "items", "waves", "fieldwork", "downloads", "differences", "interviewers")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A wave with one case to be visited, an interviewer and an organiser."""
    settings = Settings(home=tmp_path, data=DATA, secret=read_secret(tmp_path))
    schema.upgrade(settings)
    with open_store(settings) as store:
        instrument = load_instrument(SMALL)
        instruments.publish(store, instrument)
        title = {"zh": "春季调查", "en": "Spring survey"}
        wave = Wave("spring", title, "510100", "nbs", "2023", instrument.id, instrument.version)
        waves.create(store, wave)
        invitations.draw(store, wave, [Case("f1", "east", "east", "psu0", 0.1, 0.02, 500.0, mode="face_to_face")])
        accounts.create(store, "li", PASSWORD, role="interviewer", display_name="Li")
    return tmp_path


@contextmanager
def running(home: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-m", "survey_app.console"], env=environment(home, port))
    try:
        wait_until_it_answers(f"http://127.0.0.1:{port}", process)
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 820, "height": 1180}, locale="en")
    opened = context.new_page()
    opened.set_default_timeout(60_000)
    expect.set_options(timeout=60_000)
    yield opened
    context.close()


def choose(page: Page, name: str) -> None:
    page.locator("label[data-testid=stRadioOption]").filter(has_text=name).click()
    expect(page.locator("label[data-testid=stRadioOption]").filter(has_text=name).locator("input")).to_be_checked()


def press(page: Page, name: str, then: Callable[[], object]) -> None:
    page.get_by_role("button", name=name, exact=True).click()
    then()


def shows(page: Page, text: str) -> Callable[[], object]:
    return lambda: expect(page.get_by_text(text).first).to_be_visible()


@pytest.mark.slow
def test_an_interview_goes_on_after_the_console_was_killed_and_a_reload(home: Path, page: Page) -> None:
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    with running(home, port):
        page.goto(f"{address}/login?lang=en")
        page.fill("input[name=name]", "li")
        page.fill("input[name=password]", PASSWORD)
        page.press("input[name=password]", "Enter")
        press(page, "Next case", shows(page, "Case f1"))
        press(page, "Begin the interview", shows(page, "Do you agree to take part?"))
        choose(page, "Yes")
        press(page, "Next", shows(page, "Which district do you live in?"))
    with running(home, port):
        page.reload()
        shows(page, "Which district do you live in?")()
        choose(page, "West")
        press(page, "Next", shows(page, "Anything else?"))
        press(page, "Finish the interview", shows(page, "Who was present?"))
        page.get_by_text("family or others of the household").click()
        press(page, "Hand in the interview", shows(page, "recorded as complete"))
        press(page, "Go on to the list", shows(page, "Nothing to try now"))
    with open_store(Settings(home=home, data=DATA, secret=read_secret(home))) as store:
        (stored,) = responses.stream(store, "spring")
        assert (stored.mode, stored.interviewer, stored.present) == ("face_to_face", "li", "family")
        assert [one.code for one in attempts.of_case(store, "spring", "f1")] == ["1.1"]


@pytest.mark.slow
def test_an_interviewer_gets_no_other_view_by_its_address(home: Path, page: Page) -> None:
    port = free_port()
    with running(home, port):
        page.goto(f"http://127.0.0.1:{port}/login?lang=en")
        page.fill("input[name=name]", "li")
        page.fill("input[name=password]", PASSWORD)
        page.press("input[name=password]", "Enter")
        shows(page, "to try now")()
        page.goto(f"http://127.0.0.1:{port}/interviews?lang=en")
        shows(page, "to try now")()
        assert page.get_by_text("Page not found").count() == page.get_by_text("There is no page").count() == 0
        for view in (*OTHERS, "nothing"):
            page.goto(f"http://127.0.0.1:{port}/{view}?lang=en")
            shows(page, "to try now")()
            shows(page, "There is no page under that address")()
            assert page.get_by_text("Page not found").count() == 0
            assert page.locator("h1").all_inner_texts() == ["Interviews"], view
            assert httpx.get(f"http://127.0.0.1:{port}/{view}").status_code == 303
