"""The websocket of Streamlit's page: who may open it, how fast it takes in, what else a connection may send."""

import contextlib
import socket as network
import threading
import urllib.error
import urllib.request

import pytest
import websockets.sync.client
from starlette.types import Message, Receive, Scope, Send
from streamlit import net_util
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.app_session import AppSession
from websockets.exceptions import ConnectionClosed, InvalidStatus

from survey_app.http import launch
from survey_app.http.sockets import SocketGate
from survey_app.http.throttle import Flow
from survey_app.public.visit import new_id
from tests.benchmarks import processes
from tests.loops import finish


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


def test_a_visitor_cannot_fill_the_memory_with_files(server: processes.Server) -> None:
    """Streamlit takes a file for any open session, whether or not a page asks for one, and keeps it in the memory."""
    with connect(server) as socket:
        rerun = BackMsg()
        rerun.rerun_script.query_string = f"s=open&r={new_id()}"
        socket.send(rerun.SerializeToString())
        session = ForwardMsg.FromString(bytes(socket.recv())).new_session.initialize.session_id  # type: ignore[arg-type]
        cookie = urllib.request.urlopen(f"{server.address}/_stcore/health").headers["set-cookie"].partition(";")[0]
        body = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\na\r\n--x--\r\n'
        headers = {"Cookie": cookie, "X-Xsrftoken": cookie.partition("=")[2]}
        headers["Content-Type"] = "multipart/form-data; boundary=x"
        address = f"{server.address}/_stcore/upload_file/{session}/a"
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(urllib.request.Request(address, body, headers, method="PUT"))
    assert session and refused.value.code == 404


@pytest.mark.parametrize("begun", [b"GET /healthz HTTP/1.1\r\nX-Long: ", b"GET /s/"])
def test_a_head_without_an_end_is_cut_off(server: processes.Server, begun: bytes) -> None:
    with network.create_connection(("127.0.0.1", server.port), timeout=30) as client:
        client.sendall(begun + b"a" * 70_000)
        assert client.recv(1000).startswith(b"HTTP/1.1 400 ")


def test_a_telephone_that_is_gone_in_the_middle_of_a_page_is_no_failure(server: processes.Server) -> None:
    head = f"POST /s/open/{new_id()}/consent HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n"
    with network.create_connection(("127.0.0.1", server.port), timeout=30) as client:
        client.sendall(f"{head}Content-Type: application/x-www-form-urlencoded\r\n\r\nconsent=y".encode())
        assert processes.answers(f"{server.address}/healthz")
    assert all(processes.answers(f"{server.address}/healthz") for _ in range(5))
    assert "ClientDisconnect" not in server.log.read_text()


def test_nobody_is_told_of_the_checkout(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Streamlit would run git for whoever asks over the socket, and answer with branch and names of edited files."""
    monkeypatch.setattr(AppSession, "_handle_git_information_request", AppSession._handle_git_information_request)
    launch._tell_nothing_of_the_checkout()
    assert AppSession._handle_git_information_request is launch._tell_nothing
    monkeypatch.delattr(AppSession, "_handle_git_information_request")
    with pytest.raises(SystemExit):
        launch._tell_nothing_of_the_checkout()
    assert "_handle_git_information_request" in capsys.readouterr().err


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
