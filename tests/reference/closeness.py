"""How near a number has to be to the expected one, and how far it is."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

CLOSED, ITERATIVE, TINY_P = 1e-8, 1e-6, 1e-5


@dataclass
class Verdict:
    """The largest relative error met so far, and what went wrong."""

    tolerance: float
    worst: float = 0.0
    complaints: list[str] = field(default_factory=list)

    def same(self, what: str, got: Any, expected: Any) -> None:
        if got != expected:
            self.complaints.append(f"{what}: {got!r} instead of {expected!r}")

    def close(self, what: str, got: Any, expected: Any, *, scale: Any = 0.0) -> None:
        """Equal within the tolerance; numbers that are 0 in theory (below 1e-8 of `scale`) only have to be as small."""
        got, expected = np.asarray(got, dtype=float), number(expected)
        if got.shape != expected.shape:
            self.complaints.append(f"{what}: shape {got.shape} instead of {expected.shape}")
            return
        known = np.isfinite(expected)
        missing = known & ~np.isfinite(got)
        allowed = np.maximum(np.abs(expected) * self.tolerance, 1e-8 * np.minimum(np.asarray(scale), 1.0))
        small = np.abs(expected) < 1e-8 * np.maximum(np.asarray(scale), 1.0)
        allowed = np.where(small, 1e-8 * np.maximum(np.asarray(scale), 1.0), allowed)
        self._judge(what, got, expected, allowed=allowed, known=known, missing=missing)

    def close_matrix(self, what: str, got: Any, expected: Any, *, scale: Any = 0.0) -> None:
        """A covariance matrix: each entry within the tolerance of itself or of the two standard deviations it is
        about; entries that are 0 in theory (below 1e-8 squared of `scale`) only have to be as small.
        """
        got, expected = np.asarray(got, dtype=float), number(expected)
        if got.shape != expected.shape:
            self.complaints.append(f"{what}: shape {got.shape} instead of {expected.shape}")
            return
        deviation = np.sqrt(np.clip(np.diag(expected), 0, None))
        allowed = self.tolerance * np.maximum(np.abs(expected), np.outer(deviation, deviation)) + 1e-16
        least = 1e-16 * np.outer(scale, scale)
        allowed = np.where(np.abs(expected) < least, np.maximum(allowed, least), allowed)
        self._judge(what, got, expected, allowed=allowed, known=np.isfinite(expected), missing=~np.isfinite(got))

    def close_p(self, what: str, got: Any, expected: Any) -> None:
        got, expected = np.asarray(got, dtype=float), number(expected)
        allowed = np.where(expected < 1e-12, TINY_P * expected, self.tolerance * np.abs(expected) * 100) + 1e-300
        self._judge(what, got, expected, allowed=allowed, known=np.isfinite(expected), missing=~np.isfinite(got))

    def _judge(self, what: str, got: Any, expected: Any, *, allowed: Any, known: Any, missing: Any) -> None:
        if (missing & known).any():
            self.complaints.append(f"{what}: no number where {expected[missing & known].flat[0]:g} is expected")
            return
        gap = np.where(known, np.abs(got - expected), 0.0)
        relative = np.where(gap > 0, gap / np.maximum(np.abs(np.where(known, expected, 1.0)), 1e-300), 0.0)
        beyond = gap > allowed
        # what is 0 but for rounding has no relative error: it is judged by the scale of what it is about
        sized = np.abs(np.where(known, expected, 0.0)) * self.tolerance * 1e3 > np.broadcast_to(allowed, gap.shape)
        inside = relative[(np.abs(np.where(known, expected, 0.0)) > 1e-8) & known & sized]
        self.worst = max(self.worst, float(inside.max(initial=0.0)))
        if beyond.any():
            place = np.argmax(np.where(beyond, gap, 0.0))
            numbers = f"{got.flat[place]:.12g} instead of {expected.flat[place]:.12g}"
            self.complaints.append(f"{what}: {numbers} (relative {relative.flat[place]:.1e})")


def number(expected: Any) -> Any:
    """Expected numbers as an array; null is not a number, "Inf" is infinite."""
    if isinstance(expected, Sequence) and not isinstance(expected, str):
        return np.array([number(one) for one in expected], dtype=float)
    return np.array(np.nan if expected is None else float(expected))
