"""The whole story on the real processes: a resident answers, an analyst reads, anyone recomputes."""

import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, TimeoutError, expect

from analysis import format_interval, format_number, open_snapshot
from tests.story.conftest import Demo

pytestmark = pytest.mark.timeout(1200)  # the whole demonstration is made first
WAVE = "chengdu-2026-2"
DISTRICT = "锦江区"
SCREENING = {"consent": "yes", "S1": "yes", "S2": "yes", "S3": "no"}
PHONE = {"width": 390, "height": 844}
RECEIPT = re.compile(r"[A-Z2-7]{5}(-[A-Z2-7]{5}){3}")
OUTSIDE = re.compile(r"(?:https?|wss?)://(?!(?:localhost|127\.0\.0\.1)[:/])")
DESK = {"width": 1440, "height": 900}


@pytest.fixture
def page_of(browser: Browser) -> Iterator[Callable[..., Page]]:
    """A new visitor's page: nothing is shared with any other, and nothing outside is asked for."""
    outside: list[str] = []

    def deny(route: Route) -> None:
        outside.append(route.request.url)
        route.abort()

    def visit(viewport: dict[str, int], *, javascript: bool = True) -> Page:
        context = browser.new_context(
            viewport=viewport, locale="zh-CN", java_script_enabled=javascript, accept_downloads=True
        )
        context.set_default_timeout(60_000)
        context.route(OUTSIDE, deny)
        page = context.new_page()
        page.on("websocket", lambda socket: outside.append(socket.url) if OUTSIDE.match(socket.url) else None)
        return page

    yield visit
    assert outside == []


def answer(page: Page) -> None:
    """The first offered answer to every question of a plain page; screening as an eligible resident answers it."""
    names = page.locator("main input[type=radio]").evaluate_all("all => [...new Set(all.map(one => one.name))]")
    for name in names:
        chosen = f"[value={SCREENING[name]}]" if name in SCREENING else ""
        page.locator(f"main input[type=radio][name='{name}']{chosen}").first.check(force=True)


def press(page: Page, go: str) -> None:
    page.locator(f"main button[name=go][value={go}]").click()


def answer_by_the_plain_door(page: Page, link: str) -> str:
    """Through the whole form once, one page back and forth; the receipt code."""
    page.goto(link)
    assert "?t=" not in page.url
    went_back = False
    while page.locator("main button[name=go][value=next]").count():
        answer(page)
        if page.locator("#find-community").count() and not page.locator(".chosen").count():
            page.fill("#find-community", "水井坊")
            press(page, "search")
            page.locator("main input[name=found-community]").first.check(force=True)
        if not went_back and page.locator("main input[name=K1]").count():
            went_back = True
            press(page, "back")
            expect(page.locator(".chosen")).to_contain_text("水井坊")
            press(page, "next")
            expect(page.locator("main input[name=K1]:checked")).to_have_count(1)
        press(page, "next")
    assert went_back
    return page.locator(".receipt").inner_text()


def test_a_resident_answers_once_and_the_analyst_sees_it(
    demo: Demo, page_of: Callable[..., Page], tmp_path: Path
) -> None:
    before = _counted(demo)
    phone = page_of(PHONE, javascript=False)
    code = answer_by_the_plain_door(phone, demo.invitations[0])
    assert RECEIPT.fullmatch(code.strip())

    again = page_of(PHONE, javascript=False)
    again.goto(demo.invitations[0])
    expect(again.locator("main h1")).to_contain_text("已经")

    folder = demo.sandu("snapshot", WAVE).split()[-1]
    sample = open_snapshot(folder)
    assert sample.manifest["rows"]["responses"] == before + 1

    analyst = signed_in(demo, page_of(DESK))
    shown = analyst.locator("[data-testid=stMain]")
    expect(shown).to_contain_text(str(before + 1), timeout=120_000)
    row = sample.index("satisfaction", by="district").to_frame().set_index("district").loc["510104"]
    estimate, interval = format_number(row["estimate"]), format_interval(row["low"], row["high"])
    line = analyst.locator("[data-row='510104']").first
    expect(line.locator("[data-column=shown]")).to_have_text(estimate)
    expect(line.locator("[data-column=interval]")).to_have_text(interval)
    for index in ("awareness", "participation", "satisfaction"):
        (city,) = sample.index(index).values
        expect(analyst.locator(f"[data-figure={index}] [data-value]")).to_have_text(format_number(city))

    analyst.get_by_role("link", name="下载").first.click()
    with analyst.expect_download() as download:
        analyst.locator("a[href*='/responses.zip']").first.click()
    path = tmp_path / "responses.zip"
    download.value.save_as(path)
    again_computed = open_snapshot(path).index("satisfaction", by="district").to_frame().set_index("district")
    assert again_computed["estimate"].to_list() == pytest.approx(
        sample.index("satisfaction", by="district").values.tolist(), rel=1e-10
    )
    again_row = again_computed.loc["510104"]
    assert format_number(again_row["estimate"]) == estimate
    assert format_interval(again_row["low"], again_row["high"]) == interval
    with zipfile.ZipFile(path) as files:
        assert {"manifest.json", "margins.csv", "weighting.yaml", "responses.csv"} <= set(files.namelist())
        assert files.read("responses.csv").startswith(b"\xef\xbb\xbf")

    table = demo.sandu("estimate", folder, "--index", "satisfaction", "--by", "district")
    (printed,) = (one for one in table.splitlines() if "510104" in one)
    assert estimate in printed
    assert interval in printed


def test_no_view_of_the_console_asks_for_anything_outside(demo: Demo, page_of: Callable[..., Page]) -> None:
    analyst = signed_in(demo, page_of(DESK))
    views = analyst.get_by_test_id("stTopNavLink")
    expect(views.first).to_be_visible()
    for address in views.evaluate_all("all => all.map(one => one.href)"):
        analyst.goto(address)
        running = analyst.get_by_test_id("stApp")
        expect(running).to_have_attribute("data-test-script-state", "notRunning", timeout=60_000)
        expect(analyst.get_by_test_id("stMain")).not_to_have_text("", timeout=60_000)


def test_the_streamlit_door_takes_the_same_form(demo: Demo, page_of: Callable[..., Page]) -> None:
    desk = page_of(DESK)
    desk.goto(demo.invitations[1].replace("/s/", "/?s=").replace("?t=", "&t="))
    button = desk.get_by_test_id("stFormSubmitButton").get_by_role("button", name=re.compile("下一页|提交|发送"))
    shown = desk.get_by_test_id("stMain")
    while True:
        expect(button.or_(shown.get_by_text(RECEIPT)).first).to_be_visible()
        expect(desk.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
        before = shown.inner_text()
        if RECEIPT.search(before):
            break
        try:
            answer_in_streamlit(desk)
        except TimeoutError:  # between two runs of its script, the page before was still to be seen: look again
            continue
        button.first.click()
        expect(shown).not_to_have_text(before, use_inner_text=True)


def answer_in_streamlit(desk: Page) -> None:
    """Consent and screening as an eligible resident, the district, and the first choice of every other question."""
    for group in desk.get_by_role("radiogroup").all():
        options = group.locator("label[data-testid=stRadioOption]")
        about_the_sponsor = "网格员" in (group.get_attribute("aria-label") or "")
        (options.last if about_the_sponsor else options.first).click(timeout=10_000)
    for box in desk.get_by_test_id("stSelectbox").all():
        if not box.locator("input").input_value():
            box.locator("input").fill(DISTRICT)
            desk.get_by_role("option").first.click()


def signed_in(demo: Demo, page: Page) -> Page:
    page.goto(demo.console)
    page.fill("input[name=name]", demo.account)
    page.fill("input[name=password]", demo.password)
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-testid=stMain]")
    return page


def _counted(demo: Demo) -> int:
    (folder,) = (demo.home / "snapshots" / WAVE).glob("[!.]*")
    return int(open_snapshot(folder).manifest["rows"]["responses"])
