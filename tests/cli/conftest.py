"""A small demonstration to run commands on, and the command line called as the installed script calls it."""

import io
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from questionnaires import load_instrument
from survey_app.cli import main
from survey_app.cli.imports import ImportResult, import_csv
from survey_app.demonstration import Demonstration, make_demonstration
from survey_app.publish.catalogue import newest
from survey_app.settings import Settings, read_secret
from survey_app.store import Store, Wave, instruments, open_store, waves

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


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store with a wave `spring` of the instrument elsewhere.yaml."""
    home = tmp_path / "home"
    settings = Settings(home=home, data=tmp_path, secret=read_secret(home))
    with open_store(settings, create=True) as opened:
        form = load_instrument(Path(__file__).with_name("elsewhere.yaml"))
        instruments.publish(opened, form)
        made = {"instrument_id": form.id, "instrument_version": form.version}
        title = {"zh": "春季", "en": "Spring"}
        waves.create(
            opened,
            Wave(slug="spring", title=title, city="510100", scheme="nbs", edition="2023", open_link=True, **made),
        )
        yield opened


@pytest.fixture
def bring(store: Store, tmp_path: Path) -> Callable[..., ImportResult]:
    """`bring(csv text, mapping text)` writes both files and imports."""

    def run(table: str | bytes, mapping: str, name: str = "answers") -> ImportResult:
        content = table if isinstance(table, bytes) else table.encode()
        (tmp_path / f"{name}.csv").write_bytes(content)
        (tmp_path / "map.yaml").write_text(mapping, encoding="utf-8")
        return import_csv(
            store, "spring", tmp_path / f"{name}.csv", mapping=tmp_path / "map.yaml", report=lambda rows, *_: iter(rows)
        )

    return run
