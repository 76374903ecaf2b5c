"""The real console process: nothing but the login page without a session, one sentence when it cannot start."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from survey_app.demonstration.making import Demonstration
from survey_app.http.sessions import COOKIE
from survey_app.publish.catalogue import Snapshot

CLOSED = [
    "/", "/overview", "/district", "/fieldwork", "/media/0123456789abcdef.csv", "/component/x/index.html",
    "/_stcore/host-config", "/_stcore/health", "/_stcore/bidi-components/x",
    "/app/static/x", "/downloads/chengdu-2026-2/abcd/responses.zip", "/static/../media/x", "/no-such-page",
]  # fmt: skip
HIDDEN = [
    "/_stcore/metrics", "/_stcore/agent/openapi.json", "/_stcore/script-health-check", "/_stcore/upload_file/a/b",
]  # fmt: skip


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(home: Path, port: int) -> dict[str, str]:
    return {**os.environ, "SANDU_HOME": str(home), "SANDU_CONSOLE_PORT": str(port), "SANDU_DATABASE_URL": ""}


def wait_until_it_answers(address: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(f"{address}/healthz", timeout=5).text == "ok" and process.poll() is None:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError(f"the console does not answer; exit code {process.poll()}")


@pytest.fixture(scope="module")
def console(demonstration: Demonstration) -> Iterator[str]:
    """The address of a running console."""
    port = free_port()
    command = [sys.executable, "-m", "survey_app.console"]
    process = subprocess.Popen(command, env=environment(demonstration.settings.home, port))
    try:
        wait_until_it_answers(f"http://127.0.0.1:{port}", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=30)


def raw(
    address: str, path: str, *, method: str = "GET", headers: dict[str, str] | None = None
) -> tuple[int, str, bytes]:
    """Status, location and body of a request whose path is sent exactly as written."""
    host, port = address.removeprefix("http://").split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=30)
    try:
        connection.request(method, path, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, answer.headers.get("location", ""), answer.read()
    finally:
        connection.close()


@pytest.mark.parametrize("path", CLOSED)
def test_without_a_session_the_real_process_gives_nothing_but_the_way_to_the_login_page(
    console: str, path: str
) -> None:
    status, location, body = raw(console, path)
    assert status in {303, 400}
    assert status == 400 or location.startswith("/login?next=")
    assert b"streamlit" not in body.lower()


@pytest.mark.parametrize("path", HIDDEN)
def test_what_tells_about_the_process_is_hidden_altogether(console: str, path: str) -> None:
    assert raw(console, path)[0] == 404


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE"])
def test_nothing_can_be_uploaded(console: str, method: str) -> None:
    assert raw(console, "/_stcore/upload_file/a/b", method=method)[0] == 404


@pytest.mark.parametrize("cookie", ["", f"{COOKIE}=made-up"])
def test_without_a_session_the_websocket_handshake_is_refused(console: str, cookie: str) -> None:
    headers = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Cookie": cookie,
    }
    assert raw(console, "/_stcore/stream", headers=headers)[0] == 403


def test_signed_in_the_page_the_websocket_and_a_download_open(
    console: str, demonstration: Demonstration, snapshot: Snapshot
) -> None:
    with httpx.Client(base_url=console, timeout=60) as client:
        data = {"name": demonstration.account, "password": demonstration.password}
        assert client.post("/login", data=data).status_code == 303
        assert 'id="root"' in client.get("/").text
        zipped = client.get(f"/downloads/{snapshot.wave}/{snapshot.hash}/codebook.zip")
        assert zipped.content.startswith(b"PK")
        assert zipped.headers["cache-control"] == "no-store"
        headers = {
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Protocol": "streamlit",
            "Cookie": f"{COOKIE}={client.cookies[COOKIE]}",
        }
        with socket.create_connection((client.base_url.host, client.base_url.port or 80), timeout=30) as connection:
            lines = ["GET /_stcore/stream HTTP/1.1", f"Host: 127.0.0.1:{client.base_url.port}"]
            lines += [f"{name}: {value}" for name, value in headers.items()]
            connection.sendall("\r\n".join([*lines, "", ""]).encode())
            assert connection.recv(200).startswith(b"HTTP/1.1 101")


def test_the_streamlit_page_may_not_be_framed_and_loads_only_from_itself(
    console: str, demonstration: Demonstration
) -> None:
    with httpx.Client(base_url=console, timeout=60) as client:
        client.post("/login", data={"name": demonstration.account, "password": demonstration.password})
        policy = client.get("/").headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy


@pytest.mark.parametrize("trouble", ["no database", "port taken"])
def test_what_stops_the_start_is_one_sentence_and_exit_code_2(
    trouble: str, demonstration: Demonstration, tmp_path: Path
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = int(taken.getsockname()[1]) if trouble == "port taken" else free_port()
        home = tmp_path if trouble == "no database" else demonstration.settings.home
        command = [sys.executable, "-m", "survey_app.console"]
        done = subprocess.run(
            command, env=environment(home, port), capture_output=True, text=True, check=False, timeout=120
        )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert ("sandu init" if trouble == "no database" else f"Port {port} is taken") in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
