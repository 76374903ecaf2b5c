"""`sandu backup` and `sandu restore`: what they say."""

from __future__ import annotations

import os
from pathlib import Path

from survey_app.cli.screen import word
from survey_app.settings import Settings
from survey_app.store import audit, checks
from survey_app.store.backup import make
from survey_app.store.backup_reading import Manifest, verify
from survey_app.store.backup_restore import restore
from survey_app.store.database import open_store
from survey_app.store.errors import StoreError


def back_up(settings: Settings, target: Path, *, snapshots: bool) -> list[str]:
    """Make a backup; the lines to print."""
    made = make(settings, target, snapshots=snapshots)
    _note(settings, made)
    return [
        f"{word('Backup written and read back:')} {target}",
        *_facts(made),
        word("It holds every answer, contact data and the secret: keep it safe."),
    ]


def _note(settings: Settings, made: Manifest) -> None:
    """In the audit, where the schema is this program's: all answers have left the house in one file."""
    try:
        with open_store(settings) as store:
            audit.note(store, "backup.made", responses=made.responses)
    except StoreError:
        return  # an older schema, about to be brought up to date: that is what this backup is for


def verify_backup(path: Path) -> list[str]:
    """Read a backup from end to end; the lines to print."""
    found = verify(path)
    return [f"{word('The backup is whole:')} {path}", *_facts(found)]


def restore_backup(path: Path, home: Path) -> tuple[list[str], bool]:
    """Restore, then check what is there now; the lines to print, and whether everything is in order."""
    home = home.expanduser().absolute()
    found = restore(path, home)
    settings = Settings.from_environment({**os.environ, "SANDU_HOME": str(home)})
    with open_store(settings) as store:
        audit.note(store, "backup.restored", made_at=found.made_at, responses=found.responses)
        faults = [finding.sentence for finding in checks.check(store)]
    lines = [f"{word('Restored into')} {home}", *_facts(found), *faults]
    return [*lines, *([] if faults else [word("Everything is in order.")])], not faults


def _facts(found: Manifest) -> list[str]:
    return [
        f"{word('taken:')} {found.made_at}, {word('responses:')} {found.responses}, "
        f"{word('schema:')} {found.revision}, {word('from:')} {found.engine}"
    ]
