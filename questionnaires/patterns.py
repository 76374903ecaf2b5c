"""The patterns of regex(): matched by RE2, in time that grows with the text and never with its powers.

Python's own engine, and Java's, try every way to divide a text among nested repetitions: `(a+)+$` takes years over a
few hundred letters. Whoever writes a form, and whoever answers it, could so stop the server. RE2 cannot do that, and
has no look-around and no back-references, for which no way without it is known.
"""

import re
from functools import lru_cache
from typing import Any

import re2

_SIZE = "more than 1000 times; check the length with string-length()"
MEMORY = 1 << 19  # bytes of one pattern: what is larger takes too long over a text of any length
KEPT = 256
_OPTIONS = re2.Options()
_OPTIONS.log_errors = False
_OPTIONS.max_mem = MEMORY
# what RE2 takes in another meaning than ODK's engines
_OTHERWISE = (
    (r"\{[0-9]*,?[0-9]{5,}", f"it repeats {_SIZE}"),
    (r"\{,", "it repeats {,n} times; write {0,n}"),
    (r"&&", "it holds &&; write the letters that are meant"),
    (r"\\C", "it holds \\C, a part of a letter; write '.'"),
)
_REMEDIES = (
    (r"\(\?<?[=!]", "it looks ahead or behind; write that condition as a second regex(), joined by and"),
    (r"\\[1-9k]", "it refers back to a part of the text; compare the parts in an expression"),
    (r"[*+?}]\+|\(\?>", "it repeats without giving back; write it with a plain repetition"),
    (r"\\[uxN]", "it names a letter by its number; write the letter itself"),
    (r"\\[ZzAhHRX]", "it holds a mark that is not known here; regex() matches the whole text as it is"),
)


@lru_cache(maxsize=KEPT)
def compiled(pattern: str) -> Any:
    """The pattern ready to match; ValueError says, as the end of a sentence, why it is not taken and what to do."""
    otherwise = next((reason for mark, reason in _OTHERWISE if re.search(rf"(?<!\\)(?:\\\\)*{mark}", pattern)), None)
    if otherwise:
        raise ValueError(otherwise)
    try:
        return re2.compile(pattern, _OPTIONS)
    except re2.error as error:
        raise ValueError(_reason(pattern, _words(error))) from None
    except UnicodeEncodeError:
        raise ValueError("it holds half a character; remove it") from None


def matches(text: str, pattern: str) -> bool:
    """Whether the whole text matches; a pattern that cannot be read, which only an answer can make, matches nothing."""
    try:
        return compiled(pattern).fullmatch(text) is not None
    except ValueError:  # half a character in the text is one too
        return False


def _words(error: re2.error) -> str:
    said = error.args[0] if error.args else ""
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)


def _reason(pattern: str, said: str) -> str:
    if "repetition size" in said:
        return f"it repeats {_SIZE}"
    if "too large" in said:
        return "it is too large; shorten it, or check the length with string-length()"
    found = next((remedy for mark, remedy in _REMEDIES if re.search(mark, pattern)), None)
    return found or f"{said}; mend it there"
