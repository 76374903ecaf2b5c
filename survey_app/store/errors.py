"""The one class of failure of settings, store and data folder."""

from survey_app.settings import StoreError

__all__ = ["StoreError"]
