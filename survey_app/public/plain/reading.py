"""Reading a posted form: what browsers have sent since 2010 and nothing else, cleaned of what no keyboard types."""

import re
import unicodedata
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import Request

FORM = "application/x-www-form-urlencoded"
MOST_FIELDS = 400
# C0 controls but tab and line ends, DEL and the C1 controls, halves of characters, and what Unicode says is none.
_UNTYPED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")

Fields = dict[str, list[str]]


async def read_form(request: Request) -> Fields:
    """Field name -> its values in the order sent.

    HTTPException: 415 for a body that is no form (a file upload, JSON), 413 for more fields than a page has. The
    body's size is limited before.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != FORM:
        raise HTTPException(415)
    return parse(await request.body())


def parse(body: bytes) -> Fields:
    """The fields of a body. A broken percent sign stands for itself, broken UTF-8 becomes U+FFFD; nothing raises but
    HTTPException 413 for too many fields."""
    try:
        pairs = parse_qsl(
            body.decode("utf-8", "replace"), keep_blank_values=True, errors="replace", max_num_fields=MOST_FIELDS
        )
    except ValueError:
        raise HTTPException(413) from None
    fields: Fields = {}
    for name, value in pairs:
        fields.setdefault(tidy(name), []).append(tidy(value))
    return fields


def tidy(text: str) -> str:
    """Text as somebody may have typed it: composed (NFC), without control characters; marks of direction are kept."""
    return unicodedata.normalize("NFC", _UNTYPED.sub("", text))
