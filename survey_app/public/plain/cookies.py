"""The receipt's way over the redirect after the last page: a signed cookie that lives for some minutes.

The address of the thank-you page holds only the submission's id, which after submitting is no secret any more; so the
code is shown to the browser that sent the form, for a while, and to nobody who finds the address later.
"""

import base64
import hashlib
import hmac
import time
from collections.abc import Callable

COOKIE = "sandu_public"
SECONDS = 900
_PURPOSE = b"sandu receipt cookie 1"


def sign(secret: bytes, visit_id: str, receipt: str, *, now: Callable[[], float] = time.time) -> str:
    """The cookie's value: expiry (seconds since 1970), receipt and their signature, bound to the submission's id."""
    expires = str(int(now()) + SECONDS)
    signature = _signature(secret, visit_id, receipt, expires).decode()
    return ".".join((expires, base64.urlsafe_b64encode(receipt.encode()).decode().rstrip("="), signature))


def read(secret: bytes, visit_id: str, value: str, *, now: Callable[[], float] = time.time) -> str | None:
    """The receipt in a cookie, or None when it is missing, forged, for another form, or too old."""
    expires, _, rest = value.partition(".")
    encoded, _, signature = rest.partition(".")
    try:
        receipt = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode()
    except ValueError:
        return None
    # As bytes: text that is not ASCII is an error to compare_digest, and a traceback for a forged cookie.
    if not hmac.compare_digest(signature.encode("utf-8", "replace"), _signature(secret, visit_id, receipt, expires)):
        return None
    return receipt if int(expires) >= now() else None


def _signature(secret: bytes, visit_id: str, receipt: str, expires: str) -> bytes:
    message = b"\0".join((_PURPOSE, visit_id.encode(), receipt.encode(), expires.encode()))
    return hmac.new(secret, message, hashlib.sha256).hexdigest().encode()
