"""What is asked, and how it scores: instruments as XLSForms, pure and frozen once loaded."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from questionnaires.choices import Choice as Choice
    from questionnaires.codebook import codebook_rows as codebook_rows
    from questionnaires.errors import AnswerError as AnswerError
    from questionnaires.errors import InstrumentError as InstrumentError
    from questionnaires.indices import IndexDeclaration as IndexDeclaration
    from questionnaires.instrument import Clean as Clean
    from questionnaires.instrument import Instrument as Instrument
    from questionnaires.instrument import Page as Page
    from questionnaires.items import Item as Item
    from questionnaires.loading import load_instrument as load_instrument
    from questionnaires.loading import load_instrument_text as load_instrument_text

_HOME = {
    "AnswerError": "errors",
    "Choice": "choices",
    "Clean": "instrument",
    "IndexDeclaration": "indices",
    "Instrument": "instrument",
    "InstrumentError": "errors",
    "Item": "items",
    "Page": "instrument",
    "codebook_rows": "codebook",
    "load_instrument": "loading",
    "load_instrument_text": "loading",
}
__all__ = sorted(_HOME)  # noqa: PLE0605  (a list of names, kept beside the place each one lives)


def __getattr__(name: str) -> Any:
    """Load a public name from its module at first use, so that importing the package costs nothing."""
    if name not in _HOME:
        raise AttributeError(f"module 'questionnaires' has no attribute {name!r}")
    return getattr(import_module(f"questionnaires.{_HOME[name]}"), name)
