"""Raking: weighted counts made to agree with the totals of several margins, by iterative proportional fitting.

Deming and Stephan 1940; the variance is that of the residuals on the margins (Deville and Sarndal 1992).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.errors import DesignError
from analysis.variance import group_sums
from analysis.weighting.cells import Cells, Floats, Integers
from analysis.weighting.margins import Margin, check_filled, match
from analysis.weighting.projection import basis_of
from analysis.weighting.steps import Before

BLOCK = 64  # columns swept together, so few that they stay in the processor's cache


@dataclass(frozen=True)
class Raking:
    """Agreement with every margin, within `tolerance` (relative) after at most `iterations` sweeps."""

    margins: tuple[Margin, ...]
    credit: str = "design"
    tolerance: float = 1e-10
    iterations: int = 1000
    estimated: bool = False

    @property
    def variables(self) -> tuple[str, ...]:
        """The columns of the margins."""
        return tuple(dict.fromkeys(name for margin in self.margins for name in margin.variables))

    def places(self, cells: Cells) -> list[Integers]:
        """For each margin, the category of each cell."""
        return [cells.onto(margin.variables)[1] for margin in self.margins]

    def solve(self, cells: Cells, before: Before) -> Floats:
        """C x B factors. Raises DesignError for cells that the margins do not know, for totals without anybody in
        the sample or in a replicate, and for no convergence.
        """
        if self.iterations < 1 or not 0 < self.tolerance < np.inf:
            raise DesignError(
                f"Raking needs iterations of at least 1 and a tolerance above 0: {self.iterations}, {self.tolerance}."
            )
        matched = [match(cells, margin, before.weight) for margin in self.margins]
        for margin, (place, target) in zip(self.margins, matched, strict=True):
            check_filled(margin, target, group_sums(before.weight, place, len(target)), before)
        solved = [
            self._swept(before, matched, range(start, min(start + BLOCK, before.weight.shape[1])))
            for start in range(0, before.weight.shape[1], BLOCK)
        ]
        return np.hstack(solved)

    def _swept(self, before: Before, matched: Sequence[tuple[Integers, Floats]], columns: range) -> Floats:
        """The sweeps of some of the columns: each category keeps one multiplier per column."""
        from scipy import sparse

        weight = before.weight[:, columns.start : columns.stop].copy()
        places = [place for place, _ in matched]
        targets = [target[:, None] for _, target in matched]
        ones, cells = np.ones(len(weight)), np.arange(len(weight))
        members = [
            sparse.csr_array((ones, (place, cells)), shape=(len(target), len(cells)))
            for place, target in zip(places, targets, strict=True)
        ]
        multipliers = [np.ones((len(target), len(columns))) for target in targets]
        for _ in range(self.iterations + 1):
            off = 0.0  # before each margin's own turn: all within the tolerance ends the sweeps
            for member, target, place, multiplier in zip(members, targets, places, multipliers, strict=True):
                now = member @ weight
                off = max(off, float(_gap(now, target).max()))
                ratio = np.divide(target, now, out=np.zeros_like(now), where=now > 0)
                np.multiply(multiplier, ratio, out=multiplier)
                weight *= ratio.take(place, axis=0)
            if off <= self.tolerance:
                return np.asarray(np.prod([one[place] for one, place in zip(multipliers, places, strict=True)], axis=0))
        gaps = [_gap(member @ weight, target) for member, target in zip(members, targets, strict=True)]
        raise self._unfinished(gaps, before, columns)

    def _unfinished(self, gaps: Sequence[Floats], before: Before, columns: range) -> DesignError:
        worst = int(np.argmax([gap.max() for gap in gaps]))
        category, column = np.unravel_index(int(gaps[worst].argmax()), gaps[worst].shape)
        margin = self.margins[worst]
        label = list(margin.totals)[int(category)]
        return DesignError(
            f"Raking did not converge in {self.iterations} iterations{before.name(columns[int(column)])}: "
            f"{margin.describe(label)} is still {gaps[worst].max():.2g} (relative) off its total, with a tolerance of "
            f"{self.tolerance:g}. Merge sparse categories, or drop a margin that another implies."
        )

    def explain(self, cells: Cells, weight: Floats, sums: Floats) -> Floats:
        """The weighted least squares fit of margin dummies to cell sums: what sweeping the margins converges to."""
        dummies = np.column_stack([np.eye(place.max() + 1)[place] for place in self.places(cells)])
        return basis_of(dummies, weight).fit(weight, sums)

    def notes(self, cells: Cells, before: Before, factor: Floats) -> tuple[str, ...]:
        """None."""
        return ()


def _gap(now: Floats, target: Floats) -> Floats:
    """How far sums are off their totals, relative to these."""
    return np.asarray(np.abs(now - target) / np.where(target > 0, target, 1.0))
