"""Distances between old and new weights: the factor F(u) of a unit with linear predictor u = x'lambda.

Deville and Sarndal 1992, cases 1 (linear), 2 (raking, multiplicative), 6 (logit) and their truncated forms. Each is
the derivative of a convex function, whose sum less lambda'T is least where the totals are met.
"""

from dataclasses import dataclass

import numpy as np

from analysis.errors import DesignError, nearest
from analysis.weighting.cells import Floats

DISTANCES = ("linear", "raking", "logit")


@dataclass(frozen=True)
class Distance:
    """A distance by name, with the bounds of the factor."""

    name: str
    low: float = -np.inf
    high: float = np.inf

    def __post_init__(self) -> None:
        if self.name not in DISTANCES:
            raise DesignError(f"distance={self.name!r} is not known. {nearest(self.name, DISTANCES)}")
        if not self.low < self.high:
            raise DesignError(f"bounds=({self.low:g}, {self.high:g}) leave no room: give (low, high) with low < high.")
        if self.name == "logit" and not (0 <= self.low < 1 < self.high < np.inf):
            raise DesignError(
                f"distance='logit' has bounds=({self.low:g}, {self.high:g}): it needs bounds on the ratio of new to "
                "old weights with 0 <= low < 1 < high, such as (0.5, 2)."
            )
        if self.high <= 0:
            raise DesignError(f"bounds=({self.low:g}, {self.high:g}) allow no weight above 0: raise the upper bound.")

    @property
    def least(self) -> float:
        """The factor that no unit goes below."""
        return max(self.low, 0.0) if self.name == "raking" else self.low

    def factor(self, u: Floats) -> Floats:
        """F(u)."""
        if self.name == "logit":
            return self.low + (self.high - self.low) * self._share(u)
        held = np.clip(u, *self._limits)
        return 1 + held if self.name == "linear" else np.exp(held)

    def slope(self, u: Floats) -> Floats:
        """The derivative of F: 0 where a bound holds."""
        if self.name == "logit":
            share = self._share(u)
            return (self.high - self.low) * self._steepness * share * (1 - share)
        low, high = self._limits
        return np.where((u > low) & (u < high), np.ones_like(u) if self.name == "linear" else self.factor(u), 0.0)

    def integral(self, u: Floats) -> Floats:
        """The convex function whose derivative is F."""
        if self.name == "logit":
            above = np.logaddexp(np.log(self.high - 1), np.log1p(-self.low) + self._steepness * u)
            return self.low * u + (self.high - self.low) / self._steepness * above
        held = np.clip(u, *self._limits)
        if self.name == "linear":
            return held + held**2 / 2 + (1 + held) * (u - held)
        return np.exp(held) * (1 + u - held)

    @property
    def _limits(self) -> tuple[float, float]:
        """The u between which no bound holds."""
        if self.name == "linear":
            return self.low - 1, self.high - 1
        return (float(np.log(self.least)) if self.least > 0 else -np.inf), float(np.log(self.high))

    @property
    def _steepness(self) -> float:
        return (self.high - self.low) / ((self.high - 1) * (1 - self.low))

    def _share(self, u: Floats) -> Floats:
        from scipy.special import expit

        return np.asarray(expit(self._steepness * u + np.log1p(-self.low) - np.log(self.high - 1)))
