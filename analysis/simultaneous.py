"""Max-t: the joint distribution of many studentised contrasts by simulation, right also with few psus.

Stratum by stratum the contrasts are drawn from their covariance and, independently, the variance that studentises
them is drawn anew with the stratum's degrees of freedom; no t table is used. Step-down keeps, for what is already
rejected, the opposite one-sided hypothesis in the family (Romano and Wolf 2005; Mogstad, Romano, Shaikh and Wilhelm
2024).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from analysis.errors import DesignError
from analysis.variance import Root

Floats = NDArray[np.float64]
DRAWS = 20_000
SEED = 20140101
KEEP = 1e-4
BATCH = 500


@dataclass(frozen=True)
class Block:
    """One stratum's part of the simulation: L (r x K) with L'L its share of the covariance, and degrees of freedom."""

    half: Floats
    freedom: int


@dataclass(frozen=True)
class MaxT:
    """The family of m contrasts: their values, the root of what they are made of, the waves each is about (m x T).

    contrasts: K x m coefficients over the K columns of the root; None: the columns are the contrasts themselves.
    """

    differences: Floats
    root: Root
    waves: NDArray[np.bool_]
    contrasts: Floats | None = None
    seed: int = SEED
    draws: int = DRAWS

    def __post_init__(self) -> None:
        if not isinstance(self.seed, (int, np.integer)) or self.seed < 0:
            raise DesignError(f"seed={self.seed!r} is no seed, which makes draws repeatable: give a whole number.")

    @cached_property
    def _matrix(self) -> Floats:
        return np.eye(self.root.rows.shape[1]) if self.contrasts is None else self.contrasts

    @cached_property
    def rooted(self) -> Root:
        """The root of the contrasts."""
        return self.root.combine(self._matrix)

    @cached_property
    def _se(self) -> Floats:
        return self.rooted.se()

    @cached_property
    def statistics(self) -> Floats:
        """m observed t values."""
        return self.differences / self._se

    @cached_property
    def drawn(self) -> Floats:
        """draws x m studentised values under no difference; the largest |value| needs no sign."""
        random = np.random.default_rng(self.seed)
        blocks, scaled = self._blocks(), self._matrix / self._se
        counts = [min(BATCH, self.draws - start) for start in range(0, self.draws, BATCH)]
        # by column, since families of some of the contrasts are looked at again and again
        return np.asfortranarray(np.vstack([_batch(blocks, scaled, random, count) for count in counts]))

    @cached_property
    def simulated(self) -> Floats:
        """draws x m studentised values under no difference, signed as the observed ones."""
        return self.drawn * np.where(self.statistics < 0, -1.0, 1.0)

    def _blocks(self) -> list[Block]:
        freedom = self.root.freedom(np.asarray(self.waves.any(axis=0)))
        scaled = self._matrix / self._se
        blocks = []
        for block, nu in enumerate(freedom):
            mine = self.root.block == block
            rows = _fewest(self.root.rows[mine], self.root.sign[mine])
            if nu < 1 or not rows.any():
                continue
            left, sizes, directions = np.linalg.svd(rows @ scaled, full_matrices=False)
            kept = sizes**2 > KEEP * sizes[0] ** 2
            # a direction has no sign of its own: fixed, so that rounding cannot turn the draws of the same seed around
            sign = np.sign(directions[kept][np.arange(kept.sum()), np.abs(directions[kept]).argmax(axis=1)])
            blocks.append(Block(sign[:, None] * (left[:, kept].T @ rows), round(nu)))
        return blocks

    def critical(self, level: float) -> float:
        """What |t| must exceed for all m two-sided intervals to hold together: the first round of the step-down."""
        return self._quantile(self.largest, level)

    @cached_property
    def largest(self) -> Floats:
        """draws: the largest |studentised value| of the family."""
        return np.asarray(np.maximum(self.drawn.max(axis=1), -self.drawn.min(axis=1)))

    def _quantile(self, largest: Floats, level: float) -> float:
        place = int(np.ceil(level * (len(largest) + 1) - 1e-9))
        place = min(place, len(largest)) - 1
        return float(np.partition(largest, place)[place])

    def rejected(
        self, level: float, *, among: NDArray[np.int64] | None = None, statistics: Floats | None = None
    ) -> NDArray[np.bool_]:
        """m booleans: which contrasts differ from 0, by step-down.

        among: positions of the contrasts that make the family, by default all. statistics: m t values to judge
        instead of the observed ones.
        """
        observed = self.statistics if statistics is None else statistics
        family = np.arange(len(observed)) if among is None else among
        drawn, t = self.drawn if among is None else self.drawn[:, family], observed[family]
        found = np.zeros(len(family), dtype=bool)
        limit = self._quantile(self.largest if among is None else np.abs(drawn).max(axis=1), level)
        while True:
            new = found | (np.abs(t) > limit)
            if (new == found).all():
                result = np.zeros(len(observed), dtype=bool)
                result[family] = found
                return result
            found = new
            opposite = (drawn[:, found] * -np.sign(t[found])).max(axis=1)
            open_ = np.abs(drawn[:, ~found]).max(axis=1, initial=0.0)
            limit = self._quantile(np.maximum(opposite, open_), level)

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


def _fewest(rows: Floats, sign: Floats) -> Floats:
    """At most as many rows as columns, with the same signed cross-product (cut to what is not negative)."""
    if (sign < 0).any():
        sizes, vectors = np.linalg.eigh(rows.T @ (sign[:, None] * rows))
        return np.asarray(np.sqrt(np.clip(sizes, 0.0, None))[:, None] * vectors.T)
    return np.asarray(np.linalg.qr(rows, mode="r")) if len(rows) > rows.shape[1] else rows


def _batch(blocks: Sequence[Block], scaled: Floats, random: np.random.Generator, count: int) -> Floats:
    """count x m studentised draws: the contrasts, over the root of their variance drawn independently."""
    halves = np.vstack([block.half for block in blocks])
    value = random.standard_normal((count, len(halves))) @ halves @ scaled
    single = [block for block in blocks if len(block.half) == 1]
    spread = np.zeros_like(value)
    if single:
        freedom = np.array([block.freedom for block in single])
        squares = (np.vstack([block.half for block in single]) @ scaled) ** 2
        spread += random.chisquare(freedom, size=(count, len(single))) / freedom @ squares
    several = [block for block in blocks if len(block.half) > 1]
    if several:
        spread += _redrawn(several, scaled, random, count)
    return np.asarray(value / np.sqrt(spread))


def _redrawn(blocks: Sequence[Block], scaled: Floats, random: np.random.Generator, count: int) -> Floats:
    """count x m draws of sum_h ||G_h L_h c||^2 / nu_h, G_h of nu_h x r_h standard normals."""
    parts = []
    for block in blocks:
        normals = _triangle(block, random, count) / np.sqrt(block.freedom)
        made = normals.reshape(-1, len(block.half)) @ block.half
        parts.append(made.reshape(count, -1, scaled.shape[0]))
    rows = np.concatenate(parts, axis=1)
    size, contrasts = scaled.shape
    if size * size > 4 * contrasts:
        return np.asarray(((rows @ scaled) ** 2).sum(axis=1))
    # many contrasts of few columns (all pairs): through the K x K cross-product, c'Wc
    crossed = (np.swapaxes(rows, 1, 2) @ rows).reshape(count, size * size)
    return np.asarray(crossed @ (scaled[:, None, :] * scaled[None, :, :]).reshape(size * size, contrasts))


def _triangle(block: Block, random: np.random.Generator, count: int) -> Floats:
    """count matrices with the cross-product of nu x r standard normals: Bartlett's triangle where nu allows it."""
    rank, freedom = len(block.half), block.freedom
    if freedom < rank:
        return random.standard_normal((count, freedom, rank))
    below = np.tril_indices(rank, -1)
    drawn = np.zeros((count, rank, rank))
    # W = T T' with T lower triangular, so that T' is the root whose rows are wanted
    drawn[:, below[1], below[0]] = random.standard_normal((count, len(below[0])))
    drawn[:, range(rank), range(rank)] = np.sqrt(random.chisquare(freedom - np.arange(rank), size=(count, rank)))
    return drawn
