"""The one class of failure of settings, store and data folder."""

from collections.abc import Callable

from survey_app.settings import StoreError

__all__ = ["StoreError", "WordedError"]


class WordedError(StoreError):
    """A refusal that people in the field read: a text with blanks and what fills them, so that it can be said in their
    language. Its own words are English."""

    def __init__(self, text: str, **values: object) -> None:
        super().__init__(text.format(**values))
        self.text, self.values = text, values

    def said(self, translate: Callable[[str], str]) -> str:
        """The sentence in a translator's language."""
        return translate(self.text).format(**self.values)
