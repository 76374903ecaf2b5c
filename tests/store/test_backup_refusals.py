"""What is no backup, or is one no more, and places that are not empty: a sentence, and nothing was changed."""

from __future__ import annotations

import json
import random
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from survey_app.store import Store, StoreError, Wave, backup, checks
from survey_app.store.backup_reading import verify
from survey_app.store.backup_restore import restore
from tests.store.test_backup import in_place, restored
from tests.store.test_integrity import play


@pytest.fixture
def made(store: Store, wave: Wave, tmp_path: Path) -> Path:
    """A backup of a lived-in store."""
    play(store, wave)
    backup.make(store.settings, tmp_path / "one.zip")
    return tmp_path / "one.zip"


def refused(file: Path, home: Path, words: str) -> None:
    before = sorted(path.name for path in home.parent.iterdir())
    with pytest.raises(StoreError, match=words):
        verify(file)
    with pytest.raises(StoreError, match=words):
        restore(file, home, in_place(home, None))
    assert sorted(path.name for path in home.parent.iterdir()) == before


def test_a_backup_cut_short_anywhere_is_refused(made: Path, tmp_path: Path) -> None:
    whole = made.read_bytes()
    for length in {0, 1, 100, len(whole) // 2, len(whole) - 100, len(whole) - 1}:
        (tmp_path / "cut.zip").write_bytes(whole[:length])
        refused(tmp_path / "cut.zip", tmp_path / "again", r"cut\.zip cannot be used as a backup")


def test_a_flipped_byte_is_refused_or_touches_nothing_that_counts(made: Path, tmp_path: Path) -> None:
    whole = made.read_bytes()
    expected = verify(made)
    chance = random.Random(11)
    seen = 0
    for _ in range(60):
        place = chance.randrange(len(whole))
        (tmp_path / "bad.zip").write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        try:
            assert verify(tmp_path / "bad.zip") == expected
        except StoreError as error:
            seen += 1
            assert "bad.zip" in str(error)
    assert seen > 40


def rewritten(made: Path, target: Path, change: Callable[[dict[str, Any]], None], extra: dict[str, bytes]) -> Path:
    """The backup with another manifest and other files: each hash is what the manifest then says."""
    with zipfile.ZipFile(made) as source, zipfile.ZipFile(target, "w") as sink:
        manifest = json.loads(source.read("manifest.json"))
        change(manifest)
        for name in source.namelist():
            if name != "manifest.json" and name not in extra:
                sink.writestr(name, source.read(name))
        for name, content in extra.items():
            sink.writestr(name, content)
        sink.writestr("manifest.json", json.dumps(manifest))
    return target


def nothing(_: dict[str, Any]) -> None:
    return


@pytest.mark.parametrize(
    ("change", "extra", "words"),
    [
        (lambda found: found.update(revision="0999"), {}, "newer than this program"),
        (lambda found: found.update(kind="something"), {}, "no backup of Sandu"),
        (lambda found: found.pop("counts"), {}, "manifest cannot be read"),
        (lambda found: found.update(files=[]), {}, "manifest cannot be read"),
        (lambda found: found["files"].update({"../../x": {"size": 1, "sha256": "0"}}), {"../../x": b"x"}, "outside"),
        (lambda found: found["files"].update({"/evil": {"size": 1, "sha256": "0"}}), {"/evil": b"x"}, "outside"),
        (nothing, {"stray.txt": b"x"}, "does not hold the files"),
        (lambda found: found["files"].pop("secret"), {}, "no backup of Sandu"),
        (lambda found: found["counts"]["sandu.sqlite"].update(response=99), {}, "rows do not add up"),
        (lambda found: found["files"]["secret"].update(sha256="0" * 64), {}, "'secret' is not what was written"),
        (lambda found: found["files"]["sandu.sqlite"].update(size=10), {}, r"'sandu\.sqlite' is not what was written"),
        (nothing, {"sandu.sqlite": b"x" * 9000}, r"'sandu\.sqlite' is not what was written"),
    ],
)  # fmt: skip
def test_a_backup_that_somebody_rearranged_is_refused(
    made: Path, tmp_path: Path, change: Callable[[dict[str, Any]], None], extra: dict[str, bytes], words: str
) -> None:
    rewritten(made, tmp_path / "odd.zip", change, extra)
    refused(tmp_path / "odd.zip", tmp_path / "again", words)


def test_what_is_no_backup_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.zip").write_text("hello", encoding="utf-8")
    refused(tmp_path / "text.zip", tmp_path / "again", "cannot be used as a backup")
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as other:
        other.writestr("a", "b")
    refused(tmp_path / "other.zip", tmp_path / "again", "cannot be used as a backup")
    refused(tmp_path / "missing.zip", tmp_path / "again", "There is no backup")


def test_a_place_that_is_not_empty_is_refused_and_left_alone(
    made: Path, store: Store, tmp_path: Path, make_postgres_database: Callable[[], str]
) -> None:
    home = tmp_path / "taken"
    home.mkdir()
    (home / "file").write_text("mine", encoding="utf-8")
    for place in (home, home / "file", store.settings.home):
        with pytest.raises(StoreError, match="is not empty"):
            restore(made, place, in_place(place, None))
    assert (home / "file").read_text(encoding="utf-8") == "mine"
    url = make_postgres_database()
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE mine (a int)")
    with pytest.raises(StoreError, match=r"SANDU_DATABASE_URL is not empty .*mine"):
        restore(made, tmp_path / "new", in_place(tmp_path / "new", url))
    assert not (tmp_path / "new").exists()
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone() == (1,)


def test_an_empty_folder_is_as_good_as_none(made: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with restored(made, tmp_path / "empty") as again:
        assert checks.check(again) == []
    assert sorted(path.name for path in (tmp_path / "empty").iterdir()) == ["sandu.sqlite", "secret"]
