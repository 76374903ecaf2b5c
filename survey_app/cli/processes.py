"""Both processes as children of one command: started, waited for, stopped together."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from survey_app.cli.screen import console, refuse, word
from survey_app.demonstration import Demonstration
from survey_app.settings import Settings

START_SECONDS = 60.0
STOP_SECONDS = 10.0
INVITATIONS = 3
PR_SET_PDEATHSIG = 1  # from linux/prctl.h


def require_free_ports(settings: Settings) -> None:
    """Refuse with one sentence when a port of the two processes is taken or both are the same."""
    ports = {"SANDU_PUBLIC_PORT": settings.public_port, "SANDU_CONSOLE_PORT": settings.console_port}
    if settings.public_port == settings.console_port:
        refuse(f"SANDU_PUBLIC_PORT and SANDU_CONSOLE_PORT are both {settings.public_port}; give each its own port.")
    for name, port in ports.items():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                refuse(f"Port {port} cannot be opened ({error.strerror}); stop what uses it or set {name} to another.")


def serve_both(settings: Settings, made: Demonstration) -> None:
    """Run the residents' and the analysts' process until Ctrl-C, SIGTERM or the end of either; both then end."""
    ports = {"survey_app.public": settings.public_port, "survey_app.console": settings.console_port}
    with _stop_signals(), _children(tuple(ports)) as children:
        try:
            for child, port in zip(children, ports.values(), strict=True):
                _wait_until_healthy(child, port)
            print_addresses(settings, made)
            while all(child.poll() is None for child in children):
                time.sleep(0.2)
        except KeyboardInterrupt:
            console.print(word("Stopping."))
            return
    refuse("One of the two processes ended, so the other was stopped; its last message stands above.")


def print_addresses(settings: Settings, made: Demonstration) -> None:
    """Print where residents and analysts go, with three fresh single-use invitations."""
    wave = made.open_wave
    lines = [
        (word("Residents, open link"), f"{settings.public_address}/s/{wave}"),
        *(
            (word("Invitation, single use"), f"{settings.public_address}/s/{wave}?t={token}")
            for token in made.invitations(INVITATIONS)
        ),
        (word("Analysts, console"), f"{settings.console_address}/"),
        *((word("Account and password"), f"{name} / {made.password}") for name in made.accounts),
    ]
    console.print(word("simulated"), style="bold", markup=False)
    for name, value in lines:
        console.print(f"{name}: {value}", markup=False, soft_wrap=True)
    console.print(word("Stop with Ctrl-C."))


def _pass_over(_number: int, _frame: FrameType | None) -> None:
    return None


@contextmanager
def _stop_signals() -> Iterator[None]:
    """Ctrl-C, SIGTERM and SIGHUP all raise KeyboardInterrupt, the first of them only: stopping is not interrupted."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        for number in previous:
            signal.signal(number, _pass_over)  # SIG_IGN would complain of a signal that is already on its way
        raise KeyboardInterrupt

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    previous = {number: signal.getsignal(number) for number in numbers}
    for number in numbers:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


@contextmanager
def _children(modules: tuple[str, ...]) -> Iterator[list[subprocess.Popen[bytes]]]:
    """A process per module, in sessions of their own: a Ctrl-C in the terminal reaches them only through us, once."""
    started: list[subprocess.Popen[bytes]] = []
    try:
        for module in modules:
            started.append(
                subprocess.Popen(  # noqa: S603  (our own module)
                    [sys.executable, "-m", module],
                    start_new_session=True,
                    preexec_fn=_end_with_parent,  # noqa: PLW1509  (no other thread runs here)
                )
            )
        yield started
    finally:
        _stop(started)


def _end_with_parent() -> None:
    """In the child: ask Linux for SIGTERM when the parent is gone, so that one killed outright leaves no port taken."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


def _stop(children: list[subprocess.Popen[bytes]]) -> None:
    for child in children:
        if child.poll() is None:
            child.terminate()
    for child in children:
        try:
            child.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()


def _wait_until_healthy(child: subprocess.Popen[bytes], port: int) -> None:
    """Wait for 200 on /healthz; refuse with one sentence when the process ends or takes too long."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if child.poll() is not None:
            refuse(f"The process on port {port} could not start; its message stands above.")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    refuse(f"The process on port {port} did not answer within {START_SECONDS:.0f} seconds; see its messages above.")
