"""The replicates that a Sample offers: made from its psus, and written out for other programs."""

from dataclasses import replace
from typing import Any, Self

import pandas as pd

from analysis.bound import BoundTable
from analysis.exporting import replicate_frame, replicate_recipe, replication_of
from analysis.resampling import Request


class Replicating(BoundTable):
    """How a sample's variances come from replicates."""

    def replicate(
        self,
        kind: str,
        count: int | None = None,
        *,
        seed: int | None = None,
        centre: str = "estimate",
        rho: float | None = None,
        method: str = "rao-wu",
        df: str = "psus",
    ) -> Self:
        """A new sample whose variances come from replicates of its psus; every weighting step, taken before or after,
        is taken anew in each.

        kind: "jackknife", "brr", "fay" (with rho=) or "bootstrap" (with count= and seed=; method "rao-wu" or
        "chipperfield-preston", see `resampling`). centre: "estimate", the full sample's, or "mean", that of the
        replicates. df: "psus", psus less strata, or "rank", that of the factors less one, as R's `survey`, which counts
        a psu that a domain leaves alone in its stratum. Raises DesignError for designs that the kind cannot repeat,
        such as those with one psu in a stratum.
        """
        return replace(self, replication=replication_of(self, Request(kind, count, seed, centre, rho, method, df)))

    def replicate_weights(self) -> pd.DataFrame:
        """The final weights of every row in each replicate: columns r1 to rB, in the order of the rows."""
        return replicate_frame(self)

    def replicate_recipe(self) -> dict[str, Any]:
        """How other programs read `replicate_weights`: kind, scale, rscales, rho, mse, degf, and under "R" and "Stata"
        the calls, for columns r1..rB beside a column `weight` of final weights ("" where Stata has none).
        """
        return replicate_recipe(self)
