"""Accounts of the console. Passwords are kept as argon2id hashes (19 MiB, 2 passes, 1 lane)."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import bindparam, delete, insert, select, update

from survey_app.store import audit
from survey_app.store.connections import Connection, Row
from survey_app.store.database import Store
from survey_app.store.errors import StoreError
from survey_app.store.shapes import Account, today
from survey_app.store.tables import account, session

ROLES = ("administrator", "analyst", "organiser", "interviewer")
SHORTEST = 8  # characters
LONGEST = 256
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
# Two at a time: a crowd of sign-ins must not take the memory and the processor from those who answer.
_TURN = threading.Semaphore(2)
# Verified against when the account is unknown, so that a guess takes the same time either way.
_NOBODY = _HASHER.hash("nobody has this password")

_ADD = insert(account)
_FIND = select(account).where(account.c.name == bindparam("the_name"))
_ALL = select(account).order_by(account.c.name)
_PASSWORD = update(account).values(password_hash=bindparam("new_hash")).where(account.c.name == bindparam("the_name"))
_DISABLED = update(account).values(disabled=bindparam("new_state")).where(account.c.name == bindparam("the_name"))
_END_SESSIONS = delete(session).where(session.c.account == bindparam("the_name"))


def create(store: Store, name: str, password: str, *, role: str, display_name: str = "") -> Account:
    """Store an account. Raises StoreError for a name that is taken or malformed, an unknown role, a short password."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,63}", name):
        raise StoreError(
            f"An account cannot be named {name!r}. Use small letters a-z, digits, dot, hyphen, underscore."
        )
    if role not in ROLES:
        raise StoreError(f"There is no role {role!r}. Roles are: {', '.join(ROLES)}.")
    row = {
        "name": name,
        "password_hash": _hash(password),
        "role": role,
        "display_name": display_name or name,
        "disabled": False,
        "created_on": today(),
    }

    def work(connection: Connection) -> None:
        if connection.one(_FIND, {"the_name": name}):
            raise StoreError(f"There is already an account {name!r}. Choose another name.")
        connection.run(_ADD, row)
        audit.record(connection, "account.created", subject=name, role=role)

    store.write(work)
    return _account(row)


def get(store: Store, name: str) -> Account | None:
    """The account of that name, or None."""
    row = store.read(lambda connection: connection.one(_FIND, {"the_name": name}))
    return _account(row) if row else None


def list(store: Store) -> Sequence[Account]:
    """Every account, ordered by name."""
    return [_account(row) for row in store.read(lambda connection: connection.all(_ALL))]


def verify(store: Store, name: str, password: str) -> Account | None:
    """The account when the password is right and the account is not disabled; None otherwise, after the same time."""
    row = store.read(lambda connection: connection.one(_FIND, {"the_name": name}))
    right = _matches(row["password_hash"] if row else _NOBODY, password)
    if row is None or not right or row["disabled"]:
        return None
    if _HASHER.check_needs_rehash(row["password_hash"]):
        fresh = {"the_name": name, "new_hash": _hash(password)}
        store.write(lambda connection: connection.run(_PASSWORD, fresh))
    return _account(row)


def set_password(store: Store, name: str, password: str) -> None:
    """A new password; every open session of the account ends. Raises StoreError for an unknown account."""
    _change(store, name, _PASSWORD, {"new_hash": _hash(password)}, "account.password")


def disable(store: Store, name: str, disabled: bool = True) -> None:
    """Shut an account (or open it again); its sessions end at once. Raises StoreError for an unknown account."""
    _change(store, name, _DISABLED, {"new_state": disabled}, "account.disabled" if disabled else "account.enabled")


def _change(store: Store, name: str, statement: object, values: Row, action: str) -> None:
    def work(connection: Connection) -> None:
        if connection.run(statement, {**values, "the_name": name}) != 1:  # type: ignore[arg-type]
            raise StoreError(f"There is no account {name!r}.")
        connection.run(_END_SESSIONS, {"the_name": name})
        audit.record(connection, action, subject=name)

    store.write(work)


def _hash(password: str) -> str:
    if not SHORTEST <= len(password) <= LONGEST:
        raise StoreError(f"A password has {SHORTEST} to {LONGEST} characters; this one has {len(password)}.")
    with _TURN:
        return _HASHER.hash(password)


def _matches(stored: str, password: str) -> bool:
    with _TURN:
        try:
            return _HASHER.verify(stored, password[: LONGEST + 1])
        except (VerificationError, InvalidHashError, UnicodeEncodeError):
            return False


def _account(row: Row) -> Account:
    return Account(name=row["name"], role=row["role"], display_name=row["display_name"], disabled=bool(row["disabled"]))
