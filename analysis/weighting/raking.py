"""Post-stratification and raking: weighted counts made to agree with known totals, by iterative proportional fitting.

Deming and Stephan 1940; the variance is that of the residuals on the margins (Deville and Sarndal 1992).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.errors import DesignError
from analysis.weighting.cells import Cells, Floats, Integers, codes_of_labels
from analysis.weighting.margins import Margin, match


@dataclass(frozen=True)
class Raking:
    """Agreement with every margin, within `tolerance` (relative) after at most `iterations` sweeps.

    One margin in one sweep is post-stratification.
    """

    margins: tuple[Margin, ...]
    credit: str = "design"
    tolerance: float = 1e-10
    iterations: int = 1000

    @property
    def variables(self) -> tuple[str, ...]:
        """The columns of the margins."""
        return tuple(dict.fromkeys(name for margin in self.margins for name in margin.variables))

    def places(self, cells: Cells) -> list[Integers]:
        """For each margin, the category of each cell."""
        return [codes_of_labels(cells.project(margin.variables)) for margin in self.margins]

    def solve(self, cells: Cells, weight: Floats) -> Floats:
        """C x B factors. Raises DesignError for cells that the margins do not know, for totals without anybody in
        the sample, and for no convergence.
        """
        if self.iterations < 1 or not self.tolerance > 0:
            raise DesignError(
                f"Raking needs iterations of at least 1 and a tolerance above 0: {self.iterations}, {self.tolerance}."
            )
        # the first column is the sample itself; a replicate may leave a category empty, which only `_finished` sees
        matched = [match(cells, margin, weight[:, 0]) for margin in self.margins]
        members = [np.eye(len(target))[place].T for place, target in matched]
        factor = np.ones_like(weight)
        for _ in range(self.iterations):
            for member, (place, target) in zip(members, matched, strict=True):
                now = member @ (weight * factor)
                ratio = np.divide(target[:, None], now, out=np.zeros_like(now), where=now > 0)
                factor = factor * ratio[place]
            gaps = [
                np.abs(member @ (weight * factor) - target[:, None]) / np.where(target > 0, target, 1.0)[:, None]
                for member, (_, target) in zip(members, matched, strict=True)
            ]
            if max(gap.max() for gap in gaps) <= self.tolerance:
                return factor
        raise self._unfinished(gaps)

    def _unfinished(self, gaps: Sequence[Floats]) -> DesignError:
        worst = int(np.argmax([gap.max() for gap in gaps]))
        category, replicate = np.unravel_index(int(gaps[worst].argmax()), gaps[worst].shape)
        margin = self.margins[worst]
        label = list(margin.totals)[int(category)]
        of = f" in replicate {replicate + 1}" if gaps[worst].shape[1] > 1 else ""
        return DesignError(
            f"Raking did not converge in {self.iterations} iterations{of}: {margin.describe(label)} is still "
            f"{gaps[worst].max():.2g} (relative) off its total, with a tolerance of {self.tolerance:g}. Merge sparse "
            "categories, or drop a margin that another implies."
        )

    def explain(self, cells: Cells, weight: Floats, sums: Floats) -> Floats | None:
        """The weighted least squares fit of margin dummies to cell sums: what sweeping the margins converges to."""
        places = self.places(cells)
        if len(places) == 1:
            member = np.eye(places[0].max() + 1)[places[0]]
            size = member.T @ weight
            mean = np.divide(
                member.T @ sums, size[:, None], out=np.zeros((len(size), sums.shape[1])), where=size[:, None] > 0
            )
            return np.asarray(mean[places[0]])
        dummies = np.column_stack([np.eye(place.max() + 1)[place] for place in places])
        scale = np.sqrt(weight)
        safe = np.where(scale > 0, scale, 1.0)
        solution = np.linalg.lstsq(dummies * scale[:, None], sums / safe[:, None], rcond=1e-12)[0]
        return np.asarray(dummies @ solution)
