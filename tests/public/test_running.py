"""The residents' process as it runs: odd requests, garbage on the socket, kills, a telephone that sleeps."""

import asyncio
import http.client
import inspect
import json
import random
import shutil
import sqlite3
import threading
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlencode

import pytest
import websockets.sync.client
from playwright.sync_api import Browser, Page, expect
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.websocket_session_manager import WebsocketSessionManager
from websockets.exceptions import WebSocketException

from survey_app.http import launch
from survey_app.public.visit import new_id
from survey_app.settings import Settings
from tests.benchmarks import processes
from tests.benchmarks.streamlit_client import Tab
from tests.faults.proxy import Wire
from tests.public.conftest import SCREENING

FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.fixture
def wire(server: processes.Server) -> Iterator[Wire]:
    made = Wire(server.port)
    yield made
    made.close()


@pytest.fixture
def desktop(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 390, "height": 844}, locale="zh-CN")
    page = context.new_page()
    page.set_default_timeout(60_000)
    yield page
    context.close()


def ask(server: processes.Server, method: str, path: str, body: str | None = None) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("localhost", server.port, timeout=30)
    connection.putrequest(method, path, skip_accept_encoding=True)
    if body is not None:
        connection.putheader("Content-Type", FORM["content-type"])
        connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body.encode() if body is not None else None)
    return connection.getresponse()


def stored(server: processes.Server, table: str, id: str) -> list[dict[str, object]]:
    database = sqlite3.connect(f"file:{server.log.parent / 'sandu.sqlite'}?mode=ro", uri=True)
    database.row_factory = sqlite3.Row
    try:
        return [dict(row) for row in database.execute(f"SELECT * FROM {table} WHERE id = ?", (id,))]
    finally:
        database.close()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/s/%00", 400), ("GET", "/s/..%2f", 400), ("GET", "/s/../../etc/passwd", 400), ("GET", "//host/x", 400),
        ("GET", "/s/%ff%fe", 404), ("GET", "/s/%zz", 404), ("GET", "/nonsense", 404), ("GET", "/s/open/x/", 404),
        ("POST", "/s/open/{id}/", 405), ("POST", "/s/open/{id}/consent/", 404), ("POST", "/s/open", 405),
        ("PUT", "/s/open/{id}/consent", 405), ("DELETE", "/", 405), ("OPTIONS", "/s/open", 405),
    ],
)  # fmt: skip
def test_an_odd_request_gets_our_page_and_no_word_of_the_server(
    server: processes.Server, method: str, path: str, status: int
) -> None:
    answer = ask(server, method, path.format(id=new_id()), "a=b" if method == "POST" else None)
    text = answer.read().decode()
    assert answer.status == status
    assert answer.getheader("server") is None
    assert "<html" in text and "请" in text
    assert "Please" in text or "English</a>" in text  # both languages, or the switch between them


def test_the_first_page_and_its_stylesheet_take_less_than_fifteen_kilobytes_on_the_wire(
    server: processes.Server,
) -> None:
    total = 0
    connection = http.client.HTTPConnection("localhost", server.port, timeout=30)
    pending, seen = ["/s/open"], ""
    while pending:
        connection.request("GET", pending.pop(), headers={"Accept-Encoding": "gzip"})
        answer = connection.getresponse()
        total += len(answer.read()) + sum(len(name) + len(value) + 4 for name, value in answer.getheaders()) + 20
        if answer.getheader("location"):
            seen = str(answer.getheader("location"))
            pending.append(seen)
    page = urllib.request.urlopen(server.address + seen).read().decode()
    sheet = page.partition('rel="prefetch" href="')[2].partition('"')[0]
    connection.request("GET", sheet, headers={"Accept-Encoding": "gzip"})
    answer = connection.getresponse()
    total += len(answer.read()) + sum(len(name) + len(value) + 4 for name, value in answer.getheaders()) + 20
    assert total < 15_000


def garbage() -> list[bytes | str]:
    """What a socket may be sent: noise, text, too much, and well-formed messages that ask for what they must not."""
    noise = random.Random(5)
    clear, forged, broken = BackMsg(), BackMsg(), BackMsg()
    clear.clear_cache = True
    forged.rerun_script.query_string = f"s=open&r={new_id()}&p=../../etc&lang=\x00&end=complete"
    state = forged.rerun_script.widget_states.widgets.add()
    state.id, state.string_value = "$$ID-0-forged", "\x00" * 1000
    broken.rerun_script.page_script_hash = "nothing"
    messages = [message.SerializeToString() for message in (clear, forged, broken)]
    return ["text", "\x00", noise.randbytes(50), noise.randbytes(50_000), b"", b"\xff" * 9, *messages, b"x" * 6_000_000]


def test_garbage_and_forged_cookies_on_the_socket_leave_other_residents_alone(server: processes.Server) -> None:
    cookies = {"Cookie": "_streamlit_user=forged; sandu_public=1.2.3; _streamlit_xsrf=" + "x" * 3000}
    for message in garbage():
        try:
            with websockets.sync.client.connect(
                f"ws://localhost:{server.port}/_stcore/stream",
                additional_headers=cookies,
                subprotocols=["streamlit", "forged", new_id()],  # type: ignore[list-item]
            ) as socket:
                socket.send(message)
                socket.recv(timeout=2)
        except (WebSocketException, TimeoutError, ConnectionError):
            pass
    assert processes.answers(f"{server.address}/healthz")

    async def neighbour() -> str:
        id = new_id()
        tab = await Tab(server.address, f"s=open&r={id}&lang=zh").open()
        tab.choose(f"{id}-zh-consent", 0)
        await tab.press(next(key for key in tab.widgets if key.startswith("go-next")))
        await tab.close()
        return tab.query

    with ThreadPoolExecutor(1) as pool:  # the browser of other tests has a loop of its own in this thread
        assert "p=screening" in pool.submit(lambda: asyncio.run(neighbour())).result()


def test_the_patch_of_a_reconnect_is_in_place_and_stops_a_streamlit_that_lacks_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A reconnecting session calls it whatever the watcher's setting (81 ms against 8 without)."""
    monkeypatch.setattr(AppSession, "register_file_watchers", AppSession.register_file_watchers)
    assert "register_file_watchers()" in inspect.getsource(WebsocketSessionManager._resume_stored_session)
    launch._watch_no_files()
    assert AppSession.register_file_watchers is launch._register_no_watchers
    monkeypatch.delattr(AppSession, "register_file_watchers")
    with pytest.raises(SystemExit):
        launch._watch_no_files()
    assert "register_file_watchers" in capsys.readouterr().err


def test_a_telephone_that_sleeps_goes_on_where_it_was_with_its_choices(
    server: processes.Server, wire: Wire, desktop: Page
) -> None:
    desktop.goto(f"http://localhost:{wire.port}/?s=open")
    options, onward = desktop.locator("[data-testid=stRadioOption]"), desktop.locator("[class*=st-key-go-next] button")
    options.first.click()
    onward.click()
    desktop.wait_for_url("**p=screening**")
    desktop.get_by_text("先确认三件事").wait_for()
    for place in (0, 2, 5):
        options.nth(place).click()
    wire.cut_off()
    expect(onward).to_be_disabled()
    wire.mend()
    expect(onward).to_be_enabled(timeout=60_000)
    assert [options.nth(place).locator("input").is_checked() for place in range(6)] == [1, 0, 1, 0, 0, 1]
    onward.click()
    desktop.wait_for_url("**p=address**")
    id = desktop.url.partition("r=")[2][:36]
    assert json.loads(str(stored(server, "draft", id)[0]["answers"])) == {"consent": "yes", **SCREENING}


@pytest.mark.slow
def test_a_killed_server_is_not_noticed_by_who_presses_next_after_it_is_back(
    prepared_home: Path, tmp_path: Path, desktop: Page
) -> None:
    """Without a reload: the tab holds page two's choices, and its first press meets a session that knows nothing."""
    home = tmp_path / "home"
    shutil.copytree(prepared_home, home)
    settings = Settings.from_environment({"SANDU_HOME": str(home)})
    server = processes.public(settings)
    try:
        options, onward = desktop.locator("[data-testid=stRadioOption]"), desktop.locator("[class*=st-key-go-next]")
        desktop.goto(f"{server.address}/?s=open")
        options.first.click()
        onward.locator("button").click()
        desktop.wait_for_url("**p=screening**")
        desktop.get_by_text("先确认三件事").wait_for()
        for place in (0, 2, 5):
            options.nth(place).click()
        server.kill()
        expect(onward.locator("button")).to_be_disabled()
        server = processes.public(settings, port=server.port)
        expect(onward.locator("button")).to_be_enabled(timeout=60_000)
        onward.locator("button").click()
        desktop.wait_for_url("**p=address**")
        id = desktop.url.partition("r=")[2][:36]
        assert json.loads(str(stored(server, "draft", id)[0]["answers"])) == {"consent": "yes", **SCREENING}
    finally:
        server.stop()


def test_a_ten_megabyte_paste_is_answered_with_a_page_in_a_browser(server: processes.Server, desktop: Page) -> None:
    desktop.goto(f"{server.address}/s/open")
    desktop.evaluate("document.querySelector('input[name=at]').value = 'y'.repeat(10_000_000)")
    desktop.locator("#consent").check()
    desktop.locator("button.button[value=next]").click()
    desktop.get_by_text("提交的内容超出了一页的限度").wait_for()
    desktop.go_back()
    assert desktop.locator("#consent").is_checked()


@pytest.mark.slow
def test_kills_during_posts_lose_no_page_that_was_acknowledged_and_double_none(
    prepared_home: Path, tmp_path: Path
) -> None:
    """Pages of one draft after another are posted while the process is killed; what got its 303 is there afterwards."""
    home = tmp_path / "home"
    shutil.copytree(prepared_home, home)
    settings, chance = Settings.from_environment({"SANDU_HOME": str(home)}), random.Random(9)
    port, acknowledged, resent = processes.free_port(), set[str](), 0
    for _ in range(8):
        server = processes.public(settings, port=port)
        killer = threading.Timer(chance.uniform(0.05, 0.6), server.kill)
        killer.start()
        pending = ""
        try:
            while True:
                pending = new_id()
                assert ask(server, "POST", f"/s/open/{pending}/consent", "consent=yes&go=next").status == 303
                acknowledged.add(pending)
        except (OSError, http.client.HTTPException):
            killer.join()
            server = processes.public(settings, port=port)
            for _ in range(2):  # the browser's own retry, and a thumb
                assert ask(server, "POST", f"/s/open/{pending}/consent", "consent=yes&go=next").status == 303
            resent += 1
            acknowledged.add(pending)
            server.kill()
    server = processes.public(settings, port=port)
    try:
        found = [stored(server, "draft", id) for id in acknowledged]
        answer = urlencode({"consent": "no", "go": "next", "language": "zh"})
        last = acknowledged.pop()
        assert [ask(server, "POST", f"/s/open/{last}/consent", answer).status for _ in range(2)] == [303, 303]
        assert len(stored(server, "response", last)) == 1
    finally:
        server.stop()
    assert resent == 8
    assert all(len(rows) == 1 and json.loads(str(rows[0]["answers"])) == {"consent": "yes"} for rows in found)
