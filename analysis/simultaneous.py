"""Max-t: the joint distribution of many studentised contrasts by simulation, right also with few psus.

Stratum by stratum the contrasts are drawn from their covariance and, independently, the variance that studentises
them is drawn anew with the stratum's degrees of freedom; no t table is used. Step-down keeps, for what is already
rejected, the opposite one-sided hypothesis in the family (Romano and Wolf 2005; Mogstad, Romano, Shaikh and Wilhelm
2024).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from analysis.variance import Root

Floats = NDArray[np.float64]
DRAWS = 20_000
KEEP = 1e-4
BATCH = 2_000


@dataclass(frozen=True)
class MaxT:
    """The family of m contrasts: their values, their root, the waves each is about (m x T)."""

    differences: Floats
    root: Root
    waves: NDArray[np.bool_]
    seed: int = 20140101
    draws: int = DRAWS

    @cached_property
    def statistics(self) -> Floats:
        """m observed t values."""
        return self.differences / self.root.se()

    @cached_property
    def simulated(self) -> Floats:
        """draws x m studentised values under no difference, signed as the observed ones."""
        return np.vstack(list(self._batches())) * np.where(self.statistics < 0, -1.0, 1.0)

    def _batches(self) -> Iterator[Floats]:
        random = np.random.default_rng(self.seed)
        blocks = self._blocks()
        for start in range(0, self.draws, BATCH):
            count = min(BATCH, self.draws - start)
            value = np.zeros((count, len(self.differences)))
            spread = np.zeros_like(value)
            for half, freedom in blocks:
                value += random.standard_normal((count, len(half))) @ half
                spread += _redrawn(half, freedom, random, count)
            yield value / np.sqrt(spread)

    def _blocks(self) -> list[tuple[Floats, int]]:
        """Per stratum a half L (r x m) with L'L its share of the covariance, and its degrees of freedom."""
        freedom = self.root.freedom(np.asarray(self.waves.any(axis=0)))
        halves = []
        for block, nu in enumerate(freedom):
            rows = self.root.rows[self.root.block == block]
            if nu < 1 or not rows.any():
                continue
            _, sizes, directions = np.linalg.svd(rows, full_matrices=False)
            kept = sizes**2 > KEEP * sizes[0] ** 2
            half = sizes[kept, None] * directions[kept]
            # a direction has no sign of its own: fixed, so that rounding cannot turn the draws of the same seed around
            sign = np.sign(half[np.arange(len(half)), np.abs(half).argmax(axis=1)])
            halves.append((sign[:, None] * half, round(nu)))
        return halves

    def critical(self, level: float) -> float:
        """What |t| must exceed for all m two-sided intervals to hold together: the first round of the step-down."""
        return self._quantile(np.abs(self.simulated).max(axis=1), level)

    def _quantile(self, largest: Floats, level: float) -> float:
        place = int(np.ceil(level * (len(largest) + 1) - 1e-9))
        return float(np.sort(largest)[min(place, len(largest)) - 1])

    def rejected(self, level: float) -> NDArray[np.bool_]:
        """m booleans: which contrasts differ from 0, by step-down."""
        found = np.zeros(len(self.differences), dtype=bool)
        while True:
            largest = np.where(found, -self.simulated, np.abs(self.simulated)).max(axis=1)
            new = np.abs(self.statistics) > self._quantile(largest, level)
            if (new | found == found).all():
                return found
            found |= new

    def p_adjusted(self) -> Floats:
        """m step-down p values: the smallest error rate at which each contrast is rejected."""
        order = np.argsort(-np.abs(self.statistics), kind="stable")
        sorted_draws = self.simulated[:, order]
        open_max = np.maximum.accumulate(np.abs(sorted_draws)[:, ::-1], axis=1)[:, ::-1]
        done = np.maximum.accumulate(-sorted_draws, axis=1)
        done = np.column_stack([np.full(len(done), -np.inf), done[:, :-1]])
        largest = np.maximum(open_max, done)
        observed = np.abs(self.statistics)[order]
        p = (1 + (largest >= observed).sum(axis=0)) / (len(largest) + 1)
        result = np.empty(len(order))
        result[order] = np.maximum.accumulate(p)
        return result


def _redrawn(half: Floats, freedom: int, random: np.random.Generator, count: int) -> Floats:
    """count x m draws of ||G (L_j)||^2 / nu, G of nu x r standard normals, by Bartlett's triangle where nu allows
    it.
    """
    rank = len(half)
    if rank == 1:
        return random.chisquare(freedom, size=(count, 1)) / freedom * half**2
    if freedom < rank:
        drawn = random.standard_normal((count, freedom, rank))
    else:
        drawn = np.tril(random.standard_normal((count, rank, rank)), -1)
        diagonal = np.sqrt(random.chisquare(freedom - np.arange(rank), size=(count, rank)))
        drawn[:, range(rank), range(rank)] = diagonal
        drawn = np.swapaxes(drawn, 1, 2)
    return np.asarray(((drawn @ half) ** 2).sum(axis=1) / freedom)
