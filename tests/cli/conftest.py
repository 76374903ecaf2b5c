"""A small demonstration to run commands on, and the command line called as the installed script calls it."""

import io
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from survey_app.cli import main
from survey_app.demonstration import Demonstration, make_demonstration
from survey_app.publish.catalogue import newest
from survey_app.settings import Settings

WAVE = "chengdu-2026-2"
EARLIER = "chengdu-2026-1"


@dataclass(frozen=True)
class Home:
    """A data folder with a finished demonstration."""

    settings: Settings
    demonstration: Demonstration

    def folder(self, wave: str) -> Path:
        snapshot = newest(self.settings.home, wave)
        assert snapshot is not None
        return snapshot.folder


@dataclass(frozen=True)
class Ran:
    """What a command left behind: its exit code and what it printed."""

    code: int
    out: str
    err: str


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Made once per test process; tests add to it but never take away."""
    settings = Settings.from_environment({"SANDU_HOME": str(tmp_path_factory.mktemp("cli") / "home")})
    return Home(settings, make_demonstration(settings, people=4, opt_in=5))


@pytest.fixture
def run(home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """`run("snapshot", "WAVE")` runs `sandu snapshot WAVE` on the demonstration, in English, standard input given."""
    monkeypatch.setenv("SANDU_HOME", str(home.settings.home))
    monkeypatch.setenv("SANDU_LANGUAGE", "en")

    def command(*arguments: str, stdin: str = "") -> Ran:
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        monkeypatch.setattr(sys, "argv", ["sandu", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        code = ended.value.code
        return Ran(code if isinstance(code, int) else 0, captured.out, captured.err)

    return command
