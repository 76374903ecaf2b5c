"""Files that appear whole or not at all: written in a folder of their own, on the disk, and only then named."""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from survey_app.store.errors import WordedError

PARTIAL = ".sandu-partial"
LOCK = ".lock"
_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}


@contextmanager
def workshop(beside: Path) -> Iterator[Path]:
    """A folder that only the owner reads, on the disk of `beside`, gone at the end whatever happens.

    What a killed process left there is removed first; the folder of one that still runs is locked and stays.
    """
    try:
        _sweep(beside.parent)
        folder, hold = _locked_folder(beside.parent)
    except OSError as error:
        raise WordedError(
            "Nothing can be written beside {path} ({reason}); name a folder that exists and is writable.",
            path=beside,
            reason=error.strerror,
        ) from error
    try:
        yield folder
    except OSError as error:
        if error.errno not in _NO_SPACE:
            raise
        raise WordedError(
            "No space is left beside {path}; nothing was kept. Free space and try again.", path=beside
        ) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(hold)


def _locked_folder(parent: Path) -> tuple[Path, int]:
    """Under its real name only once it is locked, so that nobody sweeps it away."""
    fresh = parent / f".{secrets.token_hex(8)}.new"
    fresh.mkdir(mode=0o700)
    hold = os.open(fresh, os.O_RDONLY)
    fcntl.flock(hold, fcntl.LOCK_EX)
    return fresh.rename(fresh.with_suffix(PARTIAL)), hold


def _sweep(parent: Path) -> None:
    for left in parent.glob(f".*{PARTIAL}"):
        with suppress(OSError):
            hold = os.open(left, os.O_RDONLY)
            try:
                fcntl.flock(hold, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(left, ignore_errors=True)
            finally:
                os.close(hold)


def place(finished: Path, target: Path) -> None:
    """Bring a finished file of a workshop to the disk, then give it its name; never over another file."""
    sync(finished)
    try:
        target.hardlink_to(finished)
    except FileExistsError as error:
        raise _there(target) from error
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        require_absent(target)  # a file system without links, such as a memory stick's
        finished.rename(target)
    sync(target.parent)


def make_private(path: Path) -> None:
    """A file, empty where there was none, that only its owner reads; SQLite gives its log and index the same mode."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        path.chmod(0o600)
    except OSError as error:
        raise WordedError(
            "The file {path} cannot be used ({reason}); make it writable.", path=path, reason=error.strerror
        ) from error


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Be the only one, of all processes, that makes or removes something in the folder; others wait for their turn."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    hold = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(hold, fcntl.LOCK_EX)
        yield
    finally:
        os.close(hold)


def somebody_in(folder: Path) -> bool:
    """Whether a process is inside `alone` for the folder."""
    try:
        hold = os.open(folder / LOCK, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(hold, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(hold)
    return False


def require_absent(target: Path) -> None:
    """Raise StoreError where there is already something of that name."""
    if os.path.lexists(target):
        raise _there(target)


def _there(target: Path) -> WordedError:
    return WordedError("{path} exists already and is not written over; name another file.", path=target)


def sync(path: Path) -> None:
    """Wait until a file's content, or a folder's list of names, is on the disk."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
