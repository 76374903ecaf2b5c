"""The demonstration as `make demo` runs it, on free ports, and a browser in front of it."""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Demo:
    """The running demonstration: what it printed, and its data folder."""

    home: Path
    open_link: str
    invitations: list[str]
    console: str
    account: str
    password: str

    def sandu(self, *arguments: str) -> str:
        """What a command prints on this data folder."""
        command = [sys.executable, "-m", "survey_app.cli", *arguments]
        environment = {**os.environ, "SANDU_HOME": str(self.home), "SANDU_LANGUAGE": "zh", "COLUMNS": "120"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    home = tmp_path_factory.mktemp("story") / "home"
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        ports = {"SANDU_PUBLIC_PORT": str(one.getsockname()[1]), "SANDU_CONSOLE_PORT": str(other.getsockname()[1])}
    environment = {**os.environ, **ports, "SANDU_HOME": str(home), "SANDU_LANGUAGE": "en"}
    environment.pop("SANDU_DATABASE_URL", None)
    process = subprocess.Popen(
        [sys.executable, "-m", "survey_app.cli", "demo"],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        yield _read(home, _printed_until(process, "Stop with Ctrl-C."))
    finally:
        process.terminate()
        process.wait(timeout=60)
        process.stdout.close()


def _printed_until(process: "subprocess.Popen[str]", last: str) -> str:
    assert process.stdout is not None
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line)
        if last in line:
            return "".join(lines)
    pytest.fail("sandu demo ended:\n" + "".join(lines))


def _read(home: Path, printed: str) -> Demo:
    links = re.findall(r"(http://localhost:\d+/s/[a-z0-9-]+)(\?t=\S+)?\s", printed)
    console = re.findall(r"(http://localhost:\d+/)\s", printed)[-1]
    account, password = re.findall(r"(\S+) / (\S+)\s", printed)[0]  # the analyst's comes first
    return Demo(
        home=home,
        open_link=next(link for link, token in links if not token),
        invitations=[link + token for link, token in links if token],
        console=console,
        account=account,
        password=password,
    )
