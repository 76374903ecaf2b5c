"""Whose word on the client's address is taken: that of a declared proxy, and nobody else's."""

import http.client
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from survey_app.settings import Settings, StoreError
from tests.benchmarks import processes

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
ALLOWED = 30  # wrong codes from one network


@contextmanager
def serving(home: Path) -> Iterator[processes.Server]:
    server = processes.public(Settings.from_environment({"SANDU_HOME": str(home)}))
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def home(prepared_home: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(prepared_home, tmp_path / "home"))


def guess(server: processes.Server, client: str) -> int:
    connection = http.client.HTTPConnection("localhost", server.port, timeout=30)
    connection.request("POST", "/s/open/resume", "code=AAAA-AAAA", {**FORM, "X-Forwarded-For": client})
    return connection.getresponse().status


def is_taken_for_https(server: processes.Server) -> bool:
    connection = http.client.HTTPConnection("localhost", server.port, timeout=30)
    connection.request("GET", "/s/open", headers={"X-Forwarded-Proto": "https"})
    return connection.getresponse().getheader("strict-transport-security") is not None


def test_a_forged_client_address_neither_escapes_the_brake_nor_holds_another_resident_up(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")  # what the surroundings say must not matter
    monkeypatch.delenv("SANDU_PROXIES", raising=False)
    with serving(home) as server:
        answers = [guess(server, f"10.{number}.0.1") for number in range(ALLOWED + 1)]
        assert answers == [422] * ALLOWED + [429]
        assert not is_taken_for_https(server)


def test_residents_behind_a_declared_proxy_are_counted_one_by_one(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SANDU_PROXIES", "127.0.0.1, ::1")
    with serving(home) as server:
        # The proxy appends what it sees; what stands before it is the visitor's own word.
        answers = [guess(server, f"10.{number}.0.1, 203.0.113.7") for number in range(ALLOWED + 1)]
        assert answers == [422] * ALLOWED + [429]
        assert guess(server, "198.51.100.7") == 422
        assert is_taken_for_https(server)


@pytest.mark.parametrize("given", ["localhost", "10.0.0.300", "*"])
def test_a_proxy_that_is_no_address_is_refused_in_a_sentence(tmp_path: Path, given: str) -> None:
    with pytest.raises(StoreError, match=r"SANDU_PROXIES is .*Give addresses"):
        Settings.from_environment({"SANDU_HOME": str(tmp_path), "SANDU_PROXIES": given})
