"""Post-stratification: weighted counts made to agree with one table of known totals (Holt and Smith 1979)."""

from dataclasses import dataclass

import numpy as np

from analysis.design import describe
from analysis.errors import DesignError
from analysis.variance import group_sums
from analysis.weighting.cells import Cells, Floats
from analysis.weighting.margins import Margin, check_filled, match
from analysis.weighting.steps import Before


@dataclass(frozen=True)
class PostStratification:
    """Agreement with one margin.

    partial: categories of the sample that the margin does not know keep their weights, and totals of categories that
    nobody in the sample belongs to are left out.
    """

    margin: Margin
    credit: str = "design"
    partial: bool = False
    estimated: bool = False

    @property
    def variables(self) -> tuple[str, ...]:
        """The columns of the margin."""
        return self.margin.variables

    def solve(self, cells: Cells, before: Before) -> Floats:
        """C x B factors: the total over the weighted count."""
        place, target = match(cells, self.margin, before.weight, partial=self.partial)
        known = place >= 0
        if not known.any():
            raise DesignError(
                f"The table of {' x '.join(self.variables)} knows no category of the sample: give totals of the "
                "sample's own categories."
            )
        now = group_sums(before.weight[known], place[known], len(target))
        if self.partial:
            target = np.where(now[:, 0] > 0, target, 0.0)
        check_filled(self.margin, target, now, before)
        ratio = np.divide(target[:, None], now, out=np.zeros_like(now), where=now > 0)
        factor = np.ones_like(before.weight)
        factor[known] = ratio[place[known]]
        return factor

    def explain(self, cells: Cells, weight: Floats, sums: Floats) -> Floats:
        """The weighted mean of each cell; nothing where the margin does not know the cell."""
        known = np.array([label in self.margin.totals for label in cells.labels])
        held = known & (weight > 0)
        return np.divide(sums, weight[:, None], out=np.zeros_like(sums), where=held[:, None])

    def notes(self, cells: Cells, before: Before, factor: Floats) -> tuple[str, ...]:
        """The categories that only one side knows."""
        held = {label for label, weight in zip(cells.labels, before.weight[:, 0], strict=True) if weight > 0}
        kept = [describe(label) for label in sorted(held - set(self.margin.totals), key=str)]
        left = [describe(label) for label in self.margin.totals if label not in held and self.margin.totals[label] > 0]
        name = " x ".join(self.variables)
        notes = []
        if kept:
            notes.append(f"poststratify: no total is known of {name} = {', '.join(kept)}; these weights are unchanged.")
        if left:
            notes.append(
                f"poststratify: the totals of {name} = {', '.join(left)} are left out: nobody was drawn there."
            )
        return tuple(notes)
