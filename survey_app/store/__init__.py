"""What is collected, and how it is kept: `open_store(settings)`, and one module of functions per thing stored.

Call them as `waves.get(store, slug)`, `responses.stream(store, wave)`, `accounts.verify(store, name, password)`.
"""

from survey_app.store.database import Store, open_store
from survey_app.store.errors import StoreError
from survey_app.store.invitations import cases
from survey_app.store.shapes import Account, Case, Draft, Response, Unit, Wave

__all__ = [
    "Account",
    "Case",
    "Draft",
    "Response",
    "Store",
    "StoreError",
    "Unit",
    "Wave",
    "cases",
    "open_store",
]
