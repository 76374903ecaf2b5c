"""Chance and fingerprints: random(), uuid() and digest(), the same in every evaluation of one submission.

A number hangs on the submission id, the item and the place of the call in its expression. So a page shown twice, a
server started anew and a check a year later all see the same number, and nothing has to be remembered.
"""

import base64
import hashlib
import string as letters
import uuid

ALGORITHMS = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}
ENCODINGS = ("base64", "hex")
LONGEST_UUID = 255
_ALPHABET = letters.digits + letters.ascii_uppercase + letters.ascii_lowercase


def _bytes(count: int, *seed: str) -> bytes:
    return hashlib.shake_256("\0".join(seed).encode("utf-8", "surrogatepass")).digest(count)


def seed_of(text: str) -> int:
    """A number from a text, the same on every machine: what the order of choices and of pages hangs on."""
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:8], "big")


def chance(*seed: str) -> float:
    """A number from 0 up to and without 1, the same for the same seed."""
    return (int.from_bytes(_bytes(8, *seed), "big") >> 11) / 2**53


def unique_id(*seed: str) -> str:
    """A UUID of version 4, the same for the same seed: a name, not a secret."""
    return str(uuid.UUID(bytes=_bytes(16, *seed), version=4))


def unique_letters(length: int, *seed: str) -> str:
    """`length` letters and digits, the same for the same seed."""
    drawn = int.from_bytes(_bytes(length + 8, *seed), "big")  # 8 bytes more: no letter is more likely than another
    found = []
    for _ in range(length):
        drawn, place = divmod(drawn, len(_ALPHABET))
        found.append(_ALPHABET[place])
    return "".join(found)


def fingerprint(text: str, algorithm: str, encoding: str = "base64") -> str:
    """ODK digest(); "" for an algorithm or encoding that ODK does not have."""
    if algorithm not in ALGORITHMS or encoding not in ENCODINGS:
        return ""
    data = text.encode("utf-8", "surrogatepass")
    found = hashlib.new(ALGORITHMS[algorithm], data, usedforsecurity=False).digest()
    return found.hex() if encoding == "hex" else base64.b64encode(found).decode()
