"""Brakes held in memory only: on guessing (passwords, resume codes) and on posting in a loop.

Addresses are kept as keyed hashes under a key that is made fresh each day and never leaves the process, and every count
goes with its key; so no address is stored (PIPL, minimality).
"""

import hashlib
import hmac
import ipaddress
import secrets
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")
_MOST_KEYS = 10_000
_MOST_FLOWS = 50_000  # a hundred bytes each
_DAY = 86_400.0
IPV4_PREFIX, IPV6_PREFIX = 24, 56


def prefix(address: str) -> str:
    """The network of an address, as much as may be counted: 24 bits of IPv4, 56 of IPv6; any other name as it is."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    # An IPv4 address in the clothes of IPv6 (::ffff:203.0.113.7), or the whole of IPv4 would be one network.
    found = getattr(found, "ipv4_mapped", None) or found
    bits = IPV4_PREFIX if found.version == 4 else IPV6_PREFIX
    return str(ipaddress.ip_network((int(found), bits), strict=False))


class _Kept(Generic[T]):
    """Values under hashed names, the least recently used forgotten first, all of them at the end of the day."""

    def __init__(self, most: int, clock: Callable[[], float]) -> None:
        self._most, self._clock = most, clock
        self._values: OrderedDict[bytes, T] = OrderedDict()
        self._key, self._born = secrets.token_bytes(32), clock()

    def name(self, *parts: str) -> bytes:
        """The hash that stands for these words today."""
        if self._clock() - self._born >= _DAY:
            self._values.clear()
            self._key, self._born = secrets.token_bytes(32), self._clock()
        return hmac.new(self._key, "\0".join(parts).encode("utf-8", "replace"), hashlib.sha256).digest()

    def get(self, name: bytes) -> T | None:
        return self._values.get(name)

    def put(self, name: bytes, value: T) -> None:
        self._values[name] = value
        self._values.move_to_end(name)
        while len(self._values) > self._most:
            self._values.popitem(last=False)

    def drop(self, name: bytes) -> None:
        self._values.pop(name, None)


@dataclass(frozen=True)
class Limits:
    """Failures allowed within `window` seconds for one name from one address, one address, and one name."""

    pair: int = 5
    address: int = 30
    name: int = 50
    window: float = 900.0


class Throttle:
    """Counts failed guesses; `wait` says how many seconds a visitor still has to wait (0 = go on)."""

    def __init__(self, limits: Limits | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits = limits or Limits()
        self._clock = clock
        self._failures: _Kept[deque[float]] = _Kept(_MOST_KEYS, clock)
        self._lock = threading.Lock()

    def wait(self, name: str, address: str) -> float:
        """Seconds until the next attempt is looked at; 0 when it may be made now."""
        now = self._clock()
        with self._lock:
            waits = [self._wait(key, most, now) for key, most in self._keys(name, address)]
        return max(waits)

    def failed(self, name: str, address: str) -> None:
        """Count one failed attempt."""
        now = self._clock()
        with self._lock:
            for key, most in self._keys(name, address):
                failures = self._failures.get(key) or deque(maxlen=most)
                failures.append(now)
                self._failures.put(key, failures)

    def succeeded(self, name: str, address: str) -> None:
        """Forget the failures of this name from this address; the other two counts stay."""
        with self._lock:
            self._failures.drop(self._keys(name, address)[0][0])

    def _wait(self, key: bytes, most: int, now: float) -> float:
        failures = self._failures.get(key) or ()
        recent = [moment for moment in failures if now - moment < self._limits.window]
        return recent[0] + self._limits.window - now if len(recent) >= most else 0.0

    def _keys(self, name: str, address: str) -> tuple[tuple[bytes, int], ...]:
        name = name.strip().casefold()
        limits, hashed = self._limits, self._failures.name
        return (
            (hashed("pair", name, address), limits.pair),
            (hashed("address", address), limits.address),
            (hashed("name", name), limits.name),
        )


@dataclass(frozen=True)
class Flow:
    """So many at once, and after that so many a second."""

    at_once: int
    a_second: float


@dataclass(frozen=True)
class PostLimits:
    """Pages that are taken for one form, forms begun by one client, and pages of one client.

    A form has some thirty pages and a person takes seconds for each, so 200 at once are a loop. A client may be an
    office, a kiosk or a telephone company: 400 people may begin in the same second and 25 in each one after it.
    """

    form: Flow = Flow(200, 0.5)
    begun: Flow = Flow(400, 25.0)
    client: Flow = Flow(3000, 200.0)


class PostBrake:
    """Lets pages through until somebody posts in a loop; `wait` says how many seconds to wait (0 = taken)."""

    def __init__(self, limits: PostLimits | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits = limits or PostLimits()
        self._clock = clock
        self._empty_at: _Kept[float] = _Kept(_MOST_FLOWS, clock)
        self._lock = threading.Lock()

    def wait(self, form: str, address: str) -> float:
        """Count one page of this form from this address, unless there were too many: then the seconds to wait."""
        now, client = self._clock(), prefix(address)
        with self._lock:
            name = self._empty_at.name
            flows = [(name("form", form), self._limits.form), (name("client", client), self._limits.client)]
            if self._empty_at.get(flows[0][0]) is None:
                flows.append((name("begun", client), self._limits.begun))
            return self._pour(flows, now)

    def _pour(self, flows: Sequence[tuple[bytes, Flow]], now: float) -> float:
        """Each flow is a vessel that empties at its rate; what is kept is the moment at which it will be empty."""
        after = {name: max(self._empty_at.get(name) or now, now) + 1 / flow.a_second for name, flow in flows}
        waits = [after[name] - now - flow.at_once / flow.a_second for name, flow in flows]
        if max(waits) > 1e-9:
            return max(waits)
        for name, moment in after.items():
            self._empty_at.put(name, moment)
        return 0.0
