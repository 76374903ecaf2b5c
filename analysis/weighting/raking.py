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
        members = [np.eye(len(target))[place].T for place, target in matched]
        targets = [target[:, None] for _, target in matched]
        return self._swept(before, members, targets, [place for place, _ in matched])

    def _swept(
        self, before: Before, members: Sequence[Floats], targets: Sequence[Floats], places: Sequence[Integers]
    ) -> Floats:
        """The sweeps: each margin's category keeps one multiplier per replicate; finished replicates drop out."""
        multipliers = [np.ones((len(target), before.weight.shape[1])) for target in targets]
        open_ = np.arange(before.weight.shape[1])
        weight = before.weight
        for _ in range(self.iterations + 1):
            # what a margin is off before its own turn: all within the tolerance ends the sweeps
            gaps = np.zeros((len(targets), len(open_)))
            for k, (member, target, place) in enumerate(zip(members, targets, places, strict=True)):
                now = member @ weight
                gaps[k] = _gap(now, target).max(axis=0)
                ratio = np.divide(target, now, out=np.zeros_like(now), where=now > 0)
                multipliers[k][:, open_] *= ratio
                weight = weight * ratio[place]
            still = gaps.max(axis=0) > self.tolerance
            open_, weight = open_[still], weight[:, still]
            if not len(open_):
                return np.asarray(np.prod([one[place] for one, place in zip(multipliers, places, strict=True)], axis=0))
        off = [_gap(member @ weight, target) for member, target in zip(members, targets, strict=True)]
        raise self._unfinished(off, before, open_)

    def _unfinished(self, gaps: Sequence[Floats], before: Before, columns: Integers) -> DesignError:
        worst = int(np.argmax([gap.max() for gap in gaps]))
        category, column = np.unravel_index(int(gaps[worst].argmax()), gaps[worst].shape)
        margin = self.margins[worst]
        label = list(margin.totals)[int(category)]
        return DesignError(
            f"Raking did not converge in {self.iterations} iterations{before.name(int(columns[column]))}: "
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
