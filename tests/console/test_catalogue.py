"""Which snapshots exist, and what a wrong name gets."""

import json
import os
from pathlib import Path

import pytest

from survey_app.publish import catalogue
from survey_app.store.errors import StoreError


def make(home: Path, wave: str, name: str, made_on: str, **more: object) -> Path:
    folder = home / "snapshots" / wave / name
    folder.mkdir(parents=True)
    manifest = {"wave": wave, "made_on": made_on, **more}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder


def test_snapshots_come_newest_first(tmp_path: Path) -> None:
    make(tmp_path, "w", "aaaa1111", "2026-01-01T00:00:00")
    make(tmp_path, "w", "bbbb2222", "2026-03-01T00:00:00")
    make(tmp_path, "w", "cccc3333", "2026-02-01T00:00:00")
    assert [one.hash for one in catalogue.snapshots_of(tmp_path, "w")] == ["bbbb2222", "cccc3333", "aaaa1111"]
    newest = catalogue.newest(tmp_path, "w")
    assert newest is not None
    assert newest.hash == "bbbb2222"


def test_of_two_in_one_second_the_one_written_later_is_newer(tmp_path: Path) -> None:
    for place, name in enumerate(("ffff", "aaaa", "cccc")):
        folder = make(tmp_path, "w", name, "2026-01-01T00:00:00")
        os.utime(folder / "manifest.json", ns=(place * 1000, place * 1000))
    assert [one.hash for one in catalogue.snapshots_of(tmp_path, "w")] == ["cccc", "aaaa", "ffff"]


def test_what_is_still_being_written_is_not_a_snapshot(tmp_path: Path) -> None:
    make(tmp_path, "w", ".making-1", "2026-01-01T00:00:00")
    (tmp_path / "snapshots" / "w" / "half").mkdir()
    assert catalogue.snapshots_of(tmp_path, "w") == ()
    assert catalogue.newest(tmp_path, "w") is None


def test_no_home_is_no_snapshots(tmp_path: Path) -> None:
    assert catalogue.all_snapshots(tmp_path / "nowhere") == ()


def test_a_prefix_or_a_folder_names_a_snapshot(tmp_path: Path) -> None:
    folder = make(tmp_path, "w", "abcdef0123456789", "2026-01-01T00:00:00")
    assert catalogue.find_snapshot(tmp_path, "abcd").folder == folder
    assert catalogue.find_snapshot(tmp_path, str(folder)).hash == "abcdef0123456789"
    assert catalogue.find_snapshot(tmp_path, "abcdef0123456789", wave="w").folder == folder


def test_an_unknown_prefix_is_refused_with_the_nearest(tmp_path: Path) -> None:
    make(tmp_path, "w", "abcdef0123456789", "2026-01-01T00:00:00")
    make(tmp_path, "w", "9999999999999999", "2026-01-01T00:00:00")
    with pytest.raises(StoreError, match=r"'abcdee'.*abcdef0123456789 \(wave w\)"):
        catalogue.find_snapshot(tmp_path, "abcdee")


def test_an_ambiguous_prefix_is_refused_with_all_it_could_mean(tmp_path: Path) -> None:
    make(tmp_path, "w", "abcd1111", "2026-01-01T00:00:00")
    make(tmp_path, "v", "abcd2222", "2026-01-01T00:00:00")
    with pytest.raises(StoreError, match=r"could be any of abcd.*abcd.*more characters"):
        catalogue.find_snapshot(tmp_path, "abcd")


@pytest.mark.parametrize("text", ["", "ab", "../../etc", "abcdef0123456789/.."])
def test_neither_a_short_text_nor_a_path_finds_anything_in_a_wave(tmp_path: Path, text: str) -> None:
    make(tmp_path, "w", "abcdef0123456789", "2026-01-01T00:00:00")
    with pytest.raises(StoreError):
        catalogue.find_snapshot(tmp_path, text, wave="w")


def test_without_any_snapshot_the_sentence_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="sandu snapshot chengdu"):
        catalogue.find_snapshot(tmp_path, "abcd", wave="chengdu")


def test_a_broken_manifest_is_one_sentence_naming_the_file(tmp_path: Path) -> None:
    folder = make(tmp_path, "w", "abcdef", "2026-01-01T00:00:00")
    (folder / "manifest.json").write_text("{", encoding="utf-8")
    with pytest.raises(StoreError, match=r"manifest\.json cannot be read"):
        catalogue.read_snapshot(folder)


def test_a_title_falls_back_to_the_other_language_and_then_to_the_slug(tmp_path: Path) -> None:
    first = catalogue.read_snapshot(make(tmp_path, "w", "aaaa", "2026", title={"zh": "第一轮"}, simulated=True))
    second = catalogue.read_snapshot(make(tmp_path, "w", "bbbb", "2026"))
    assert (first.title("zh"), first.title("en"), second.title("en")) == ("第一轮", "第一轮", "w")
    assert first.simulated
    assert not second.simulated
