"""Replicates as an estimator sees them: factors on the base weights of a reduced table, and scales of deviations."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from analysis.totals import Reduced

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]
CELLS = 4_000_000  # numbers in one chunk of group factors: 32 MB
RANK = 1e-5  # singular values below this share of the largest are rounding, as in R's `degf`
DIGITS = 9  # units whose factors agree to so many digits share them


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
    kind: str
    centre: str = "estimate"
    by_rank: bool = False
    ranks: dict[bytes, float] = field(default_factory=dict, repr=False, compare=False)

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
        from scipy.sparse import coo_array

        return np.asarray(coo_array((weight, (group, self.unit)), shape=(count, len(self.factors))) @ self.factors)

    def mean(self, estimates: Floats) -> Floats:
        """P means of B x P replicate estimates, over the replicates that count."""
        return np.asarray(estimates[self.scales > 0].mean(axis=0))

    def rank(self, rows: Booleans) -> float:
        """The rank of the factors of some of the groups (R booleans)."""
        key = np.packbits(rows).tobytes()
        if key not in self.ranks:
            used = self.factors[np.unique(self.unit[rows])]
            mark = used @ np.random.default_rng(0).standard_normal(used.shape[1])
            distinct = used[np.unique(np.round(mark, DIGITS), return_index=True)[1]]
            small = distinct @ distinct.T if len(distinct) < distinct.shape[1] else distinct.T @ distinct
            sizes = np.linalg.eigvalsh(small) if small.size else np.zeros(1)
            self.ranks[key] = float((sizes > RANK**2 * sizes.max()).sum()) if sizes.max() > 0 else 0.0
        return self.ranks[key]


def domain_sums(repeats: Repeats, reduced: "Reduced", factor: Floats) -> Floats:
    """J x D x B sums of the row expressions over each domain, with the final weights of each replicate.

    factor: C x B, of the weighting steps. By matrix products, a chunk of replicates at a time.
    """
    from scipy.sparse import csr_array

    held = np.flatnonzero(reduced.domain >= 0)
    shape = (len(reduced.domains), len(held))
    ends = (reduced.domain[held], np.arange(len(held)))
    adders = [csr_array((column, ends), shape=shape) for column in reduced.sums[held].T]
    result = np.empty((len(adders), len(reduced.domains), repeats.factors.shape[1]))
    for chosen in repeats.chunks(len(held)):
        weights = repeats.factors[:, chosen][repeats.unit[held]] * factor[:, chosen][reduced.cell[held]]
        for place, adder in enumerate(adders):
            result[place, :, chosen] = adder @ weights
    return result
