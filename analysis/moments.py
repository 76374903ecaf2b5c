"""Design effects: the variance that a simple random sample of as many persons would have given."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.entries import Entries
from analysis.linear import Linear, Statistic
from analysis.totals import Reduced

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Moments:
    """A table of sums whose columns are cross-products; pairs: positions of two row expressions -> column."""

    pairs: Mapping[tuple[int, int], int]
    reduced: Reduced


def simple_variance(
    engine: Linear, statistics: Sequence[Statistic], entries: Entries, statistic_of: Sequence[int], moments: Moments
) -> Floats:
    """P variances of the estimates under simple random sampling with replacement, from weighted cross-products.

    With N the domain's weights' sum, n its rows and z the linearised score of a row:
    N / (n - 1) (sum w z^2 - (sum w z)^2 / N), what R's `survey` divides by.
    """
    pairs, crossed = moments.pairs, moments.reduced
    second = Linear(crossed, engine.cells_of(crossed), engine.steps, engine.lonely)
    totals = second.mask(entries.members).T @ (crossed.sums * second.factor[:, None])
    firsts = engine.mask(entries.members).T @ (engine.reduced.sums * engine.factor[:, None])
    result = np.full(len(entries.values), np.nan)
    for place, which in enumerate(statistic_of):
        columns, coefficients = _score(statistics[which], firsts[place], entries.coefficients[place])
        square = sum(
            one * other * totals[place, pairs[(min(a, b), max(a, b))]]
            for a, one in zip(columns, coefficients, strict=True)
            for b, other in zip(columns, coefficients, strict=True)
        )
        first = sum(one * firsts[place, a] for a, one in zip(columns, coefficients, strict=True))
        n, size = entries.n[place], entries.size[place]
        if n > 1 and size > 0:
            result[place] = size / (n - 1) * max(square - first**2 / size, 0.0)
    return result


def _score(statistic: Statistic, totals: Floats, shares: Sequence[float]) -> tuple[list[int], list[float]]:
    """A row's linearised score as coefficients of the row expressions."""
    terms: dict[int, float] = {}
    for part, share in zip(statistic.parts, shares, strict=True):
        terms[part.numerator] = terms.get(part.numerator, 0.0) + share
        if part.denominator is not None and totals[part.denominator] > 0:
            ratio = totals[part.numerator] / totals[part.denominator]
            terms[part.denominator] = terms.get(part.denominator, 0.0) - share * ratio
    return list(terms), list(terms.values())
