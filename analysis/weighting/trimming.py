"""Trimming: weights brought inside bounds, and what they lose given in equal parts to the others (Potter 1990)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.errors import DesignError
from analysis.weighting.cells import Cells, Floats
from analysis.weighting.steps import Before

Booleans = NDArray[np.bool_]


@dataclass(frozen=True)
class Trimming:
    """Weights between lower and upper; strict: again, until none is outside, and none that was trimmed gains again.

    variables: everything that a row's weight follows from, so that all rows of a cell weigh the same.
    """

    variables: tuple[str, ...]
    lower: float
    upper: float
    strict: bool = False
    credit: str = "design"
    estimated: bool = False

    def __post_init__(self) -> None:
        given = self.lower > -np.inf or self.upper < np.inf
        if not given or not self.lower < self.upper or not self.upper > 0 or -np.inf < self.lower < 0:
            raise DesignError(
                f"trim has the bounds lower={self.lower:g} and upper={self.upper:g}: give a lower bound of at least 0, "
                "an upper bound above it, or one of the two."
            )

    def solve(self, cells: Cells, before: Before) -> Floats:
        """C x B factors; DesignError where the others cannot take what trimming takes off.

        In a replicate a row counts as often as it was drawn, each time with its own weight.
        """
        held = (before.rows > 0) & (before.weight != 0)
        rows = np.where(held, before.rows, 0.0)
        weight = np.divide(before.weight, rows, out=np.zeros_like(rows), where=held)
        trimmed, done = weight, np.zeros_like(held)
        while (outside := held & ((trimmed < self.lower) | (trimmed > self.upper))).any():
            trimmed = self._once(trimmed, rows, outside, held & ~outside & ~done, before)
            done = done | outside
            if not self.strict:
                break
        return np.divide(trimmed, weight, out=np.ones_like(weight), where=held)

    def _once(self, weight: Floats, rows: Floats, outside: Booleans, takers: Booleans, before: Before) -> Floats:
        clipped = np.where(outside, np.clip(weight, self.lower, self.upper), weight)
        lost = ((weight - clipped) * rows).sum(axis=0)
        able = np.where(takers, rows, 0.0).sum(axis=0)
        stuck = (able == 0) & outside.any(axis=0)
        if stuck.any():
            column = int(stuck.argmax())
            mean = (weight[:, column] * rows[:, column]).sum() / rows[:, column].sum()
            raise DesignError(
                f"trim cannot keep the sum of the weights{before.name(column)}: after the bounds {self.lower:g} and "
                f"{self.upper:g} no row is left to take {lost[column]:.6g} persons, the mean weight being {mean:.6g}. "
                "Widen the bounds, or leave strict= out."
            )
        return clipped + np.where(takers, np.divide(lost, able, out=np.zeros_like(lost), where=able > 0), 0.0)

    def explain(self, cells: Cells, weight: Floats, sums: Floats) -> None:
        """Nothing: the trimmed weight is the new base."""

    def notes(self, cells: Cells, before: Before, factor: Floats) -> tuple[str, ...]:
        """None."""
        return ()
