"""A brake on password guessing, held in memory only: by name and address, by address, and by name.

Addresses are kept as keyed hashes under a key that dies with the process, so no address is stored (PIPL, minimality).
"""

import hashlib
import hmac
import secrets
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass

_MOST_KEYS = 10_000


@dataclass(frozen=True)
class Limits:
    """Failures allowed within `window` seconds for one name from one address, one address, and one name."""

    pair: int = 5
    address: int = 30
    name: int = 50
    window: float = 900.0


class Throttle:
    """Counts failed sign-ins; `wait` says how many seconds a visitor still has to wait (0 = go on)."""

    def __init__(self, limits: Limits | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits = limits or Limits()
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._failures: OrderedDict[bytes, deque[float]] = OrderedDict()
        self._lock = threading.Lock()

    def wait(self, name: str, address: str) -> float:
        """Seconds until the next attempt is looked at; 0 when it may be made now."""
        now = self._clock()
        with self._lock:
            waits = [self._wait(key, most, now) for key, most in self._keys(name, address)]
        return max(waits)

    def failed(self, name: str, address: str) -> None:
        """Count one failed sign-in."""
        now = self._clock()
        with self._lock:
            for key, most in self._keys(name, address):
                self._failures.setdefault(key, deque(maxlen=most)).append(now)
                self._failures.move_to_end(key)
            while len(self._failures) > _MOST_KEYS:
                self._failures.popitem(last=False)

    def succeeded(self, name: str, address: str) -> None:
        """Forget the failures of this name from this address; the other two counts stay."""
        with self._lock:
            self._failures.pop(self._keys(name, address)[0][0], None)

    def _wait(self, key: bytes, most: int, now: float) -> float:
        failures = self._failures.get(key, deque())
        recent = [moment for moment in failures if now - moment < self._limits.window]
        return recent[0] + self._limits.window - now if len(recent) >= most else 0.0

    def _keys(self, name: str, address: str) -> tuple[tuple[bytes, int], ...]:
        name = name.strip().casefold()
        limits = self._limits
        return (
            (self._hash("pair", name, address), limits.pair),
            (self._hash("address", address), limits.address),
            (self._hash("name", name), limits.name),
        )

    def _hash(self, *parts: str) -> bytes:
        return hmac.new(self._key, "\0".join(parts).encode("utf-8", "replace"), hashlib.sha256).digest()
