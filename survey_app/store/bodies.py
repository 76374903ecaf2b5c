"""Raw answers, ids and receipts: the small change of the submission service."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from questionnaires import AnswerError, Instrument
from survey_app.store.errors import StoreError, WordedError

LARGEST_BODY = 256 * 1024  # characters; the longest real interview stays under a tenth of it
LONGEST_CODE = 32  # characters of a unit's code or a disposition
LARGEST_NUMBER = 1e300
LONGEST_NAME = 64  # characters of an account
MODES = ("web", "phone", "face_to_face", "paper")
DOORS = ("plain", "streamlit", "console", "import")
RECEIPT_LENGTH = 20  # characters of base32: 100 bits
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[45][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def is_id(text: str) -> bool:
    """Whether a text has the form of an id: a random UUID, or the UUIDv5 that imports use, in small letters."""
    return _ID.fullmatch(text) is not None


def check_id(text: str) -> None:
    """Raise StoreError for what `is_id` does not accept."""
    if not is_id(text):
        raise StoreError(f"{text[:40]!r} is no id of a submission. Use a random UUID (version 4) in small letters.")


def check_way(mode: str, door: str, interviewer: str | None) -> None:
    """Raise StoreError for a mode, a door or an account that there cannot be."""
    for what, given, known in (("mode", mode, MODES), ("door", door, DOORS)):
        if given not in known:
            raise StoreError(f"{given[:40]!r} is no {what}. Name one of {', '.join(known)}.")
    if interviewer is not None and not (interviewer.isprintable() and 0 < len(interviewer) <= LONGEST_NAME):
        raise StoreError(f"{interviewer[:40]!r} is no account. Name who asked, or nobody.")


def spent(durations: Mapping[str, Any]) -> dict[str, int]:
    """Milliseconds per page; what is no time (a clock was set back) is left out: no answer is lost for it."""
    return {
        str(page): int(time)
        for page, time in durations.items()
        if isinstance(time, int | float) and 0 <= time < LARGEST_NUMBER
    }


def receipt(secret: bytes, id: str) -> str:
    """The receipt code of an answer: 20 characters in four groups, the same at every repeat."""
    mac = hmac.new(secret, f"receipt:{id}".encode(), hashlib.sha256).digest()
    return _grouped(base64.b32encode(mac).decode()[:RECEIPT_LENGTH])


def typed_receipt(text: str) -> str:
    """A receipt code as it was typed or read aloud, in its own form: small letters, blanks and missing dashes are fine,
    0, 1 and 8 (which no code has) stand for O, I and B. Raises StoreError for what has another number of characters.
    """
    known = unicodedata.normalize("NFKC", text).upper().translate(str.maketrans("018", "OIB"))
    letters = "".join(one for one in known if one.isalnum())
    if len(letters) != RECEIPT_LENGTH:
        raise WordedError(
            "A receipt code has {wanted} letters and digits in four groups, and {given} were given. "
            "Compare it with the thank-you page.",
            wanted=RECEIPT_LENGTH,
            given=len(letters),
        )
    return _grouped(letters)


def _grouped(letters: str) -> str:
    return "-".join(letters[start : start + 5] for start in range(0, RECEIPT_LENGTH, 5))


def plain(answers: Mapping[str, Any]) -> dict[str, Any]:
    """Raw answers as they are kept: no empty ones; text, numbers and lists of text only. Raises AnswerError else."""
    if not isinstance(answers, Mapping):
        raise AnswerError(f"A {type(answers).__name__} is no set of answers. Give item names with their values.")
    kept = {str(name): _value(name, value) for name, value in answers.items() if value not in (None, "", [], ())}
    size = sum(len(name) + len(str(value)) for name, value in kept.items())
    if size > LARGEST_BODY:
        raise AnswerError(f"The answers have {size} characters; at most {LARGEST_BODY} are taken. Shorten the texts.")
    return kept


def _value(name: str, value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [str(_finite(name, one)) for one in value]
    if not isinstance(value, str | int | float):
        raise AnswerError(
            f"Item {name!r}: a {type(value).__name__} is no answer. Give text, a number or a list of codes."
        )
    return _finite(name, value)


def _finite(name: str, value: Any) -> Any:
    if isinstance(value, int | float) and not abs(value) < LARGEST_NUMBER:
        shown = value if isinstance(value, float) else "a number that long"
        raise AnswerError(f"Item {name!r}: {shown} is no number. Give a finite one, or leave the item out.")
    return value


def preset_names(instrument: Instrument) -> set[str]:
    """Items that the wave fills in and nobody else."""
    return {item.name for item in instrument.with_role("preset")}


def address_item(instrument: Instrument) -> str | None:
    """The item that says in which district somebody lives: the first with the role `address`."""
    items = instrument.with_role("address")
    return items[0].name if items else None


def code(value: Any) -> str | None:
    """A code (of a unit, a disposition), or None for what cannot be one."""
    return value if isinstance(value, str) and len(value) <= LONGEST_CODE else None
