"""Replicates as an estimator sees them: factors on the base weights of a reduced table, and scales of deviations."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
CELLS = 4_000_000  # numbers in one chunk of group factors: 32 MB


@dataclass(frozen=True)
class Repeats:
    """B replicates of R groups of rows: V = sum_b scale_b (estimate_b - centre)^2.

    factors: U x B, of units that share theirs. unit: R, the unit of each group. scales: B. centre: "estimate" or
    "mean" (of the replicates that count). by_rank: whether degrees of freedom are the rank of the factors less one
    (columns as supplied) and not psus less strata.
    """

    factors: Floats
    unit: Integers
    scales: Floats
    centre: str = "estimate"
    by_rank: bool = False

    def chunks(self, groups: int) -> Iterator[slice]:
        """Ranges of replicates, so few at a time that `groups` x replicates stays small."""
        count, size = self.factors.shape[1], max(1, CELLS // max(groups, 1))
        for start in range(0, count, size):
            yield slice(start, min(start + size, count))

    def of_groups(self, chosen: slice) -> Floats:
        """R x b factors of some of the replicates."""
        return np.asarray(self.factors[:, chosen][self.unit])

    def sums(self, weight: Floats, group: Integers, count: int) -> Floats:
        """count x B sums of R weights times factors, by group."""
        return np.vstack(
            [weight[group == one] @ self.factors[self.unit[group == one]] for one in range(count)]
            or [np.zeros((0, self.factors.shape[1]))]
        )

    def mean(self, estimates: Floats) -> Floats:
        """P means of B x P replicate estimates, over the replicates that count."""
        return np.asarray(estimates[self.scales > 0].mean(axis=0))
