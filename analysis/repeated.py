"""Estimates made anew in every replicate: sums by matrix products, anything else by a fit of each; and their root."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from analysis.errors import DesignError
from analysis.repeats import Repeats, domain_sums
from analysis.totals import Reduced
from analysis.variance import ReplicateEstimates, Root, replicate_root
from analysis.weighting import Cells, Taken, repeat

if TYPE_CHECKING:
    from analysis.linear import Statistic

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]
Fit = Callable[[Floats], Floats]
NOISE = 1e-9  # raking ends at a tolerance, so that what it makes known still varies by so much


@dataclass(frozen=True)
class Repeated:
    """A reduced table with the replicates of its weights; every weighting step is taken anew in each.

    df: degrees of freedom of the whole, inside `where`.
    """

    reduced: Reduced
    cells: Cells
    steps: tuple[Taken, ...]
    repeats: Repeats
    df: float

    @cached_property
    def factor(self) -> Floats:
        """C x B factors of the weighting steps in each replicate; `repeat` wants the sample itself first."""
        reduced, count = self.reduced, len(self.cells.labels)
        weight = np.bincount(reduced.cell, weights=reduced.weight, minlength=count)
        rows = np.bincount(reduced.cell, weights=reduced.rows, minlength=count).astype(float)
        base = np.column_stack([weight, self.repeats.sums(reduced.weight, reduced.cell, count)])
        return repeat(self.steps, self.cells, base, rows)[:, 1:]

    def weights(self) -> Iterator[Floats]:
        """R x b final weights of the replicates, in chunks of replicates."""
        for chosen in self.repeats.chunks(len(self.reduced.weight)):
            factor = self.factor[:, chosen][self.reduced.cell]
            yield self.reduced.weight[:, None] * self.repeats.of_groups(chosen) * factor

    @cached_property
    def sums(self) -> Floats:
        """J x D x B sums of the row expressions in each replicate."""
        return domain_sums(self.repeats, self.reduced, self.factor)

    def estimates(self, statistic: "Statistic", members: Booleans, totals: Floats, coefficients: Floats) -> Floats:
        """B x P replicates of one statistic for P sets of domains (members: P x D), NaN where a part has no base; the
        parts are weighed as in the full sample (totals: P x J, coefficients: P x K).
        """
        estimates = np.zeros((self.sums.shape[2], len(members)))
        for k, part in enumerate(statistic.parts):
            above = (members @ self.sums[part.numerator]).T
            if part.denominator is None:
                estimates += above
                continue
            below = (members @ self.sums[part.denominator]).T
            share = coefficients[:, k] * totals[:, part.denominator]
            ratio = np.divide(above, below, out=np.full_like(above, np.nan), where=below != 0)
            estimates += np.where(share == 0, 0.0, share * ratio)
        return estimates

    def refitted(self, count: int, fit: Fit | None) -> Floats:
        """B x P estimates of `count` parameters, made anew from the R final weights of each replicate."""
        if fit is None:
            raise DesignError("This estimate cannot be repeated with replicate weights: use a design without them.")
        estimates = [fit(one) for weights in self.weights() for one in weights.T]
        return np.array(estimates, dtype=float).reshape(-1, count)

    def judged(
        self, values: Floats, estimates: Floats, reasons: tuple[str, ...]
    ) -> tuple[Root, Floats, tuple[str, ...]]:
        """The root of P estimates from their B x P replicates; where a replicate has no value there is no variance, and
        so no estimate, which the reasons say.
        """
        lost = (~np.isfinite(estimates)).sum(axis=0)
        told = tuple(
            reason or (f"no value in {count} of {len(estimates)} replicates" if count else "")
            for reason, count in zip(reasons, lost.tolist(), strict=True)
        )
        return self.root_of(values, estimates), np.where(lost > 0, np.nan, values), told

    def root_of(self, values: Floats, estimates: Floats) -> Root:
        """The root of P estimates from their B x P replicates; zero where one of them is not a number."""
        known = np.isfinite(values) & np.isfinite(estimates).all(axis=0)
        estimates, centre = np.where(known, estimates, 0.0), np.where(known, values, 0.0)
        about_mean = self.repeats.centre == "mean"
        if about_mean:
            centre = self.repeats.mean(estimates)
        noise = np.abs(estimates - centre).max(axis=0, initial=0.0) <= NOISE * np.abs(centre)
        replicates = ReplicateEstimates(
            estimates=np.where(noise, centre, estimates),
            scales=self.repeats.scales,
            centre=centre,
            df=self.df,
            about_mean=about_mean,
        )
        return replicate_root(replicates, len(self.reduced.layout.waves))
