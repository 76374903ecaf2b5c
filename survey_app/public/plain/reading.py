"""Reading what a browser sends: the address, and a posted form as browsers have sent it since 2010 and nothing else.

Texts are cleaned of what no keyboard types.
"""

import re
import time
import unicodedata
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import Request

from survey_app.public.visit import is_id
from survey_app.text import LANGUAGES

FORM = "application/x-www-form-urlencoded"
MOST_FIELDS = 400
LONGEST_STAY = 3_600_000  # milliseconds; whoever comes back later had left the page lying
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


def form_of(request: Request) -> tuple[str, str]:
    """Slug and id of the form that an address names; HTTPException 404 for what is no id."""
    slug, visit_id = request.path_params["slug"], request.path_params["id"]
    if not is_id(visit_id):
        raise HTTPException(404)
    return slug, visit_id


def client_of(request: Request) -> str:
    """The address that a request came from, as the proxy names it; it is counted under a hash and never kept."""
    return request.client.host if request.client else ""


def looks_of(request: Request) -> dict[str, str | None]:
    """Language and size of type as the address asks for them, to go on with them; None: as the browser would."""
    chosen = request.query_params.get("lang")
    size = request.query_params.get("size")
    return {"lang": chosen if chosen in LANGUAGES else None, "size": "large" if size == "large" else None}


def stay_since(at: str) -> int | None:
    """Milliseconds since the page was made; None when the form does not say or says nonsense."""
    if not at.isascii() or not at.isdecimal() or len(at) > 15:
        return None
    stay = int(time.time() * 1000) - int(at)
    return stay if 0 <= stay <= LONGEST_STAY else None
