"""What the console's process holds once: settings, store, and who a session token belongs to."""

from functools import cache

from survey_app.settings import Settings
from survey_app.store import sessions
from survey_app.store.database import Store, open_store
from survey_app.store.shapes import Account


@cache
def settings() -> Settings:
    """The settings of this process, read once."""
    return Settings.from_environment()


@cache
def store() -> Store:
    """The store of this process, opened once; StoreError when there is none or its schema does not fit."""
    return open_store(settings())


def account_of(token: str) -> Account | None:
    """The signed-in account behind a session token, or None: unknown, ended, idle too long."""
    return sessions.get(store(), token) if token else None
