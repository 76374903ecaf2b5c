"""`sandu demo` as a user runs it: both processes, the printed addresses, and how they stop."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

PATIENCE = 90.0


def free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]


@contextmanager
def demo(home, ports: tuple[int, int]) -> Iterator[subprocess.Popen[str]]:
    environment = os.environ | {
        "SANDU_HOME": str(home.settings.home), "SANDU_LANGUAGE": "en",
        "SANDU_PUBLIC_PORT": str(ports[0]), "SANDU_CONSOLE_PORT": str(ports[1]),
    }  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-m", "survey_app.cli", "demo"],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(timeout=30)
        assert process.stdout is not None
        process.stdout.close()


def printed_until(process: subprocess.Popen[str], last: str) -> str:
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if last in line:
            break
    return "".join(lines)


def answers(address: str) -> tuple[int, str]:
    with urllib.request.urlopen(address, timeout=30) as answer:
        return answer.status, answer.read().decode("utf-8", "replace")


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_both_processes_answer_at_the_printed_addresses_and_stop_together(home, stop: signal.Signals):
    ports = free_ports()
    with demo(home, ports) as process:
        out = printed_until(process, "Stop with Ctrl-C.")
        assert out.startswith("simulated\n")
        assert f"analyst / {home.demonstration.password}" in out
        links = re.findall(rf"http://localhost:{ports[0]}/s/chengdu-2026-2\?t=\S+", out)
        assert len(set(links)) == 3
        for address in (f"http://localhost:{ports[0]}/s/chengdu-2026-2", *links, f"http://localhost:{ports[1]}/"):
            status, page = answers(address)
            assert status == 200
            assert "<html" in page.lower()
        process.send_signal(stop)
        assert process.wait(timeout=PATIENCE) == 0
    assert is_free(ports[0])
    assert is_free(ports[1])


def test_a_taken_port_is_refused_before_anything_is_made(home, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ran = subprocess.run(
            [sys.executable, "-m", "survey_app.cli", "demo"],
            env=os.environ | {"SANDU_HOME": str(tmp_path / "home"), "SANDU_CONSOLE_PORT": str(port)},
            capture_output=True, text=True, check=False, timeout=PATIENCE,
        )  # fmt: skip
    assert ran.returncode == 2
    assert f"Port {port} cannot be opened" in ran.stderr
    assert "SANDU_CONSOLE_PORT" in ran.stderr
    assert ran.stderr.count("\n") == 1
    assert not (tmp_path / "home" / "sandu.sqlite").exists()


def test_a_command_killed_outright_takes_both_processes_along(home):
    ports = free_ports()
    with demo(home, ports) as process:
        printed_until(process, "Ctrl-C")
        process.kill()
        process.wait(timeout=30)
    deadline = time.monotonic() + PATIENCE
    while taken := [port for port in ports if listening(port)]:
        assert time.monotonic() < deadline, taken
        time.sleep(0.1)


def listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
