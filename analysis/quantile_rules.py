"""Quantiles of weighted values, by rule: where the cumulative weight reaches a share p of the whole, and what stands
between two values.

`math` (hf1) and `school` (hf2) invert the distribution function; hf3 to hf9 are the types of Hyndman and Fan 1996 with
cumulative weights for counts (Lumley, vignette of R's `survey`); `shahvaish` is Shah and Vaish 2006. With equal weights
hf1 to hf9 are numpy's methods of `quantile`. A cumulative weight that equals p W but for rounding equals it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
TIE = 1e-12


@dataclass(frozen=True)
class Ordered:
    """n values in ascending order and their weights, all above 0; `ordered` makes it."""

    values: Floats
    weights: Floats

    @cached_property
    def reached(self) -> Floats:
        """n cumulative weights."""
        return np.cumsum(self.weights)

    @cached_property
    def whole(self) -> float:
        """The sum of the weights."""
        return float(self.reached[-1])

    def distinct(self) -> "Ordered":
        """Equal values as one, with the sum of their weights."""
        starts = np.flatnonzero(np.r_[True, self.values[1:] != self.values[:-1]])
        return Ordered(self.values[starts], np.add.reduceat(self.weights, starts))


Inverse = Callable[[Ordered, Floats], Floats]
Arrange = Callable[[Floats, Floats], Ordered]


def ordered(values: Floats, weights: Floats) -> Ordered:
    """Values in order, without those of weight 0; among equals the lightest first, so that the order of rows is none
    of the rules' business.
    """
    kept = weights > 0
    order = np.lexsort((weights[kept], values[kept]))
    return Ordered(values[kept][order], weights[kept][order])


def in_row_order(values: Floats, weights: Floats) -> Ordered:
    """Values in order, without those of weight 0; equals as the rows stand, which moves quantiles that are read off
    lines between rows.
    """
    kept = weights > 0
    order = np.argsort(values[kept], kind="stable")
    return Ordered(values[kept][order], weights[kept][order])


def _reaching(reached: Floats, wanted: Floats, whole: float) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The first place where the cumulative weight is at least what is wanted, and whether it is just that."""
    slack = TIE * whole
    places = np.minimum(np.searchsorted(reached, wanted - slack, side="left"), len(reached) - 1)
    return places, np.abs(reached[places] - wanted) <= slack


def _math(data: Ordered, p: Floats) -> Floats:
    return data.values[_reaching(data.reached, p * data.whole, data.whole)[0]]


def _school(data: Ordered, p: Floats) -> Floats:
    place, just = _reaching(data.reached, p * data.whole, data.whole)
    after = np.minimum(place + 1, len(data.values) - 1)
    return np.where(just, (data.values[place] + data.values[after]) / 2, data.values[place])


def _nearest_even(data: Ordered, p: Floats) -> Floats:
    """hf3: the value whose cumulative weight is nearest; halfway, the one that stands at an even place."""
    halfway = np.r_[data.reached[:-1] + data.weights[1:] / 2, np.inf]
    place, just = _reaching(halfway, p * data.whole, data.whole)
    return data.values[np.where(just & (place % 2 == 0), place + 1, place)]


def _between(position: Callable[[Ordered], Floats]) -> Inverse:
    """Straight lines between the values, each at its position on the scale of p."""

    def rule(data: Ordered, p: Floats) -> Floats:
        if len(data.values) == 1:
            return np.repeat(data.values, len(p))
        return np.interp(p, position(data), data.values)

    return rule


def _before(data: Ordered) -> Floats:
    return np.r_[0.0, data.reached[:-1]]


def _shah_vaish(data: Ordered, p: Floats) -> Floats:
    count = len(data.values)
    share = data.weights * (count / data.whole)
    position = (np.cumsum(share) + 0.5 - share / 2) / (count + 1)
    return data.values[np.maximum(np.searchsorted(position, p + TIE, side="right") - 1, 0)]


RULES: dict[str, Inverse] = {
    "math": _math,
    "school": _school,
    "shahvaish": _shah_vaish,
    "hf1": _math,
    "hf2": _school,
    "hf3": _nearest_even,
    "hf4": _between(lambda d: d.reached / d.whole),
    "hf5": _between(lambda d: (d.reached - d.weights / 2) / d.whole),
    "hf6": _between(lambda d: d.reached / (d.whole + d.weights[-1])),
    "hf7": _between(lambda d: _before(d) / d.reached[-2]),
    "hf8": _between(lambda d: (_before(d) + 2 * d.reached) / (3 * d.whole + d.weights[-1])),
    "hf9": _between(lambda d: (3 * _before(d) + 5 * d.reached) / (8 * d.whole + 2 * d.weights[-1])),
}
BY_DISTINCT_VALUE = ("math", "school", "hf1", "hf2")  # rules for which equal values may be summed first


def stepwise(f: float) -> Inverse:
    """The rule "constant" of R's older estimator: between two values, 1 - f of the lower and f of the higher."""

    def rule(data: Ordered, p: Floats) -> Floats:
        place, just = _reaching(data.reached, p * data.whole, data.whole)
        before = np.where(just, place, np.maximum(place - 1, 0))
        return (1 - f) * data.values[before] + f * data.values[place]

    return rule
