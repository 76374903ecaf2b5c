"""The websocket of Streamlit's page: whose pages may open it, and how fast what comes over it is taken in."""

import contextlib
import shutil
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import websockets.sync.client
from starlette.types import Message, Receive, Scope, Send
from streamlit import net_util
from streamlit.proto.BackMsg_pb2 import BackMsg
from websockets.exceptions import ConnectionClosed, InvalidStatus

from survey_app.http import launch
from survey_app.http.sockets import SocketGate
from survey_app.http.throttle import Flow
from survey_app.public.visit import new_id
from survey_app.settings import Settings
from tests.benchmarks import processes
from tests.loops import finish


@pytest.fixture(scope="module")
def server(prepared_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[processes.Server]:
    home = tmp_path_factory.mktemp("sockets") / "home"
    shutil.copytree(prepared_home, home)
    running = processes.public(Settings.from_environment({"SANDU_HOME": str(home)}))
    yield running
    running.stop()


def connect(server: processes.Server, origin: str | None = None) -> websockets.sync.client.ClientConnection:
    address = f"ws://localhost:{server.port}/_stcore/stream"
    return websockets.sync.client.connect(address, origin=origin, subprotocols=["streamlit", "x"])  # type: ignore[arg-type,list-item]


def listen(socket: websockets.sync.client.ClientConnection) -> None:
    """Take in what the server says, as a browser does."""
    with contextlib.suppress(ConnectionClosed):
        for _ in socket:
            pass


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://localhost:1", "http://localhost.evil.example"]
)
def test_no_other_site_opens_the_socket_and_nobody_outside_is_asked_who_we_are(
    server: processes.Server, origin: str
) -> None:
    with pytest.raises(InvalidStatus) as refused:
        connect(server, origin)
    assert refused.value.response.status_code == 403
    request = urllib.request.Request(f"{server.address}/_stcore/health", headers={"Origin": origin})
    assert urllib.request.urlopen(request).status == 200
    assert "external IP" not in server.log.read_text()


def test_our_own_page_opens_it(server: processes.Server) -> None:
    with connect(server, server.address) as socket:
        rerun = BackMsg()
        rerun.rerun_script.query_string = f"s=open&r={new_id()}"
        socket.send(rerun.SerializeToString())
        assert socket.recv()


def test_while_one_visitor_floods_the_socket_others_are_served(server: processes.Server) -> None:
    """Without the gate a neighbour waits until all two thousand have been taken in."""
    rerun = BackMsg()
    rerun.rerun_script.query_string = f"s=open&r={new_id()}"
    message = rerun.SerializeToString()
    with connect(server) as socket:
        threading.Thread(target=listen, args=(socket,), daemon=True).start()
        for _ in range(2_000):
            socket.send(message)
        before = server.cpu
        assert all(processes.answers(f"{server.address}/s/open") for _ in range(5))
        # Two thousand runs of the script cost seven seconds of processor, which a neighbour would have waited for.
        assert server.cpu - before < 2.0


def paced(messages: int, flow: Flow) -> list[float]:
    """The pauses, in seconds, before each of so many messages that come at the same moment, by a clock that stands."""
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    async def receive() -> Message:
        return {"type": "websocket.receive", "bytes": b""}

    async def app(_scope: Scope, receive: Receive, _send: Send) -> None:
        for _ in range(messages):
            await receive()

    async def send(_message: Message) -> None:
        raise AssertionError("nothing is refused")

    gate = SocketGate(app, flow, clock=lambda: 0.0, pause=pause)
    finish(gate({"type": "websocket", "headers": []}, receive, send))
    return pauses


def test_so_many_at_once_and_then_one_after_the_other() -> None:
    assert paced(6, Flow(3, 2.0)) == [0.0, 0.0, 0.0, 0.5, 1.0, 1.5]


def test_a_streamlit_that_asks_in_another_way_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delattr(net_util, "get_external_ip")
    with pytest.raises(SystemExit):
        launch._ask_nobody_outside()
    assert "get_external_ip" in capsys.readouterr().err
