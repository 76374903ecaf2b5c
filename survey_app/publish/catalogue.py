"""Which snapshots exist: the folders under `<home>/snapshots/<wave>/<hash>/`, newest first.

A snapshot is named by its folder or by a prefix of its hash, on the command line and in a download's address alike.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType

from survey_app.store.errors import StoreError

MANIFEST = "manifest.json"
_SHORTEST_PREFIX = 4


@dataclass(frozen=True)
class Snapshot:
    """One frozen wave: its folder, the hash that names it and its manifest (see DESIGN, "Snapshot")."""

    wave: str
    hash: str
    folder: Path
    manifest: Mapping[str, object]

    @property
    def simulated(self) -> bool:
        """True when the answers come from a model; every view and every file then says so."""
        return bool(self.manifest.get("simulated"))

    @property
    def made_on(self) -> str:
        """The moment of freezing as the manifest writes it (ISO 8601)."""
        return str(self.manifest.get("made_on", ""))

    def title(self, language: str) -> str:
        """The wave's title in `language`, else in any language it has, else its slug."""
        title = self.manifest.get("title")
        if isinstance(title, Mapping):
            return str(title.get(language) or next(iter(title.values()), self.wave))
        return str(title or self.wave)


def read_snapshot(folder: Path) -> Snapshot:
    """The snapshot in `folder`; StoreError when the folder or its manifest cannot be read."""
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        message = f"{folder} is not a snapshot: it has no {MANIFEST}. Make one with: sandu snapshot WAVE"
        raise StoreError(message) from None
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        message = f"{path} cannot be read ({error}). Make the snapshot again with: sandu snapshot WAVE"
        raise StoreError(message) from None
    if not isinstance(manifest, dict):
        raise StoreError(f"{path} holds no mapping. Make the snapshot again with: sandu snapshot WAVE")
    wave = str(manifest.get("wave") or folder.parent.name)
    return Snapshot(wave, folder.name, folder, MappingProxyType(manifest))


def snapshots_of(home: Path, wave: str) -> tuple[Snapshot, ...]:
    """Every finished snapshot of a wave, newest first; empty when there is none."""
    return _newest_first(folder for folder in _subfolders(home / "snapshots") if folder.name == wave)


def all_snapshots(home: Path) -> tuple[Snapshot, ...]:
    """Every finished snapshot of every wave, newest first."""
    return _newest_first(_subfolders(home / "snapshots"))


def newest(home: Path, wave: str) -> Snapshot | None:
    """The newest snapshot of a wave, or None."""
    return next(iter(snapshots_of(home, wave)), None)


def find_snapshot(home: Path, text: str, *, wave: str | None = None) -> Snapshot:
    """The one snapshot meant by `text`: a folder, or a prefix of a hash (at least four characters).

    StoreError when nothing or more than one thing is meant; it names the nearest hash.
    """
    if wave is None and (Path(text) / MANIFEST).is_file():
        return read_snapshot(Path(text))
    known = all_snapshots(home) if wave is None else snapshots_of(home, wave)
    found = [snapshot for snapshot in known if len(text) >= _SHORTEST_PREFIX and snapshot.hash.startswith(text)]
    if len(found) == 1:
        return found[0]
    if found:
        hashes = ", ".join(snapshot.hash for snapshot in found)
        raise StoreError(f"snapshot {text!r} could be any of {hashes}: give more characters of the hash")
    if len(text) < _SHORTEST_PREFIX:
        raise StoreError(f"no snapshot {text!r}: give at least {_SHORTEST_PREFIX} characters of its hash")
    raise StoreError(f"no snapshot {text!r}{_hint(text, known, wave)}")


def _hint(text: str, known: tuple[Snapshot, ...], wave: str | None) -> str:
    """What to do about an unknown snapshot: the nearest hash, else how to make one."""
    if not known:
        return f": there is none yet, make one with: sandu snapshot {wave or 'WAVE'}"
    near = get_close_matches(text, [snapshot.hash for snapshot in known], n=1, cutoff=0.3)
    name = near[0] if near else known[0].hash
    wave_of = next(snapshot.wave for snapshot in known if snapshot.hash == name)
    return f": the nearest is {name} (wave {wave_of})"


def _subfolders(folder: Path) -> list[Path]:
    """Visible folders in `folder`, by name; a name with a leading dot is one still being written."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def _newest_first(waves: Iterable[Path]) -> tuple[Snapshot, ...]:
    """The finished snapshots in these wave folders; one without a manifest is still being written."""
    found = [read_snapshot(folder) for wave in waves for folder in _subfolders(wave) if (folder / MANIFEST).is_file()]
    found.sort(key=lambda snapshot: (snapshot.made_on, _written(snapshot), snapshot.hash), reverse=True)
    return tuple(found)


def _written(snapshot: Snapshot) -> int:
    """When the manifest was written, in nanoseconds: tells two snapshots of one second apart."""
    return (snapshot.folder / MANIFEST).stat().st_mtime_ns
