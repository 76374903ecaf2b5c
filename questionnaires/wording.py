"""Texts that tell an earlier answer in words: `${item}` inside a label, a hint or a message."""

import re
from collections.abc import Callable, Iterable

_REFERENCE = re.compile(r"\$\{\s*([^}\s]+)\s*\}")


def told_in(texts: Iterable[str]) -> frozenset[str]:
    """The items whose answers these texts tell."""
    return frozenset(name for text in texts for name in _REFERENCE.findall(text))


def tell(text: str, words: Callable[[str], str]) -> str:
    """The text with each `${item}` replaced by `words(item)` on one line; doors escape the whole like any text."""
    return _REFERENCE.sub(lambda found: " ".join(words(found[1]).split()), text)
