"""Small areas: streets with few psus or none, by the area-level model of Fay and Herriot 1979.

Direct estimate = x'beta + v + e, v ~ (0, A) between areas, e ~ (0, D) of sampling. A is estimated by residual maximum
likelihood, and where that is 0, which would let the model replace every direct estimate, by the adjusted residual
likelihood of Li and Lahiri 2010. D_i is the between-psu variance within areas, pooled, over the area's psus: single
direct variances from a few psus are too noisy to be taken as known. What comes out is a model's and not a design's
estimate, and never mixes with `Estimates`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.area_model import Fit, fit
from analysis.area_table import Areas, read_areas
from analysis.design import describe
from analysis.errors import DesignError
from analysis.estimates import Estimates

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]
PUBLISHED = 0.5
SYNTHETIC = "synthetic: none of its psus was drawn"


@dataclass(frozen=True)
class SmallAreas:
    """Model-based estimates of K areas, in the units of the direct ones; never to be mixed with `Estimates`.

    direct, psus, sampling: direct estimate (NaN without a psu), psus and D. estimates: EBLUP, synthetic without a psu,
    benchmarked where asked; rmse: root of the Prasad-Rao mean squared error, before benchmarking. gamma: the weight of
    the direct estimate. threshold: of gamma, below which nothing is published.
    """

    area: str
    areas: tuple[Any, ...]
    within: tuple[Any, ...]
    direct: Floats
    psus: Floats
    sampling: Floats
    gamma: Floats
    estimates: Floats
    rmse: Floats
    model: Fit
    threshold: float
    scale: tuple[float, float]

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why an area is not published, "" where it is."""
        low, high = self.scale
        return tuple(
            SYNTHETIC
            if not psus
            else f"gamma below {self.threshold:g}"
            if gamma < self.threshold
            else "outside its scale"
            if not low <= estimate <= high
            else ""
            for psus, gamma, estimate in zip(self.psus, self.gamma, self.estimates, strict=True)
        )

    def to_frame(self, *, unpublished: bool = False) -> pd.DataFrame:
        """One row per area: the area, direct, psus, gamma, estimate, rmse, kind ("eblup" or "synthetic"), reason.

        The estimate and its rmse are missing where they are not to be published, unless `unpublished`.
        """
        shown = np.array([unpublished or not reason for reason in self.reasons])
        return pd.DataFrame(
            {
                self.area: list(self.areas),
                "direct": self.direct,
                "psus": self.psus.astype(int),
                "gamma": self.gamma,
                "estimate": np.where(shown, self.estimates, np.nan),
                "rmse": np.where(shown, self.rmse, np.nan),
                "kind": np.where(self.psus > 0, "eblup", "synthetic"),
                "reason": list(self.reasons),
            }
        )

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise DesignError(
            "Small-area estimates come from a model, whose error is not the design's: they are not compared, "
            "contrasted or ranked; compare direct estimates of larger domains."
        )

    compare = contrast = change = rank_sets = fragility = wald = _refuse


def fay_herriot(
    direct: Estimates,
    covariates: Any,
    *,
    variables: Sequence[str] | None = None,
    within: str | None = None,
    size: str | None = None,
    benchmark: Estimates | None = None,
    threshold: float = PUBLISHED,
) -> SmallAreas:
    """EBLUPs of areas from direct estimates by one column and from covariates of every area.

    covariates: a table with a row per area, the column that the estimates are by, and numeric columns known of every
    area (`variables`; by default all others). within: its column of districts; benchmark: direct estimates by district,
    which the areas, weighted by the column `size` (persons), are made to add up to. Areas without a psu are synthetic.
    Raises DesignError without a covariate that varies, for areas without covariates, and where fewer than five degrees
    of freedom are left for the between-psu variance. Sources: Fay and Herriot 1979; Prasad and Rao 1990; Datta and
    Lahiri 2000; Li and Lahiri 2010; Rao and Molina 2015, chapters 5-6.
    """
    areas = read_areas(direct, covariates, variables=variables, within=within, size=size)
    drawn = areas.psus > 0
    model = fit(areas.direct[drawn], areas.sampling[drawn], areas.x[drawn])
    fixed = areas.x @ model.beta
    gamma = np.where(drawn, model.between / (model.between + np.where(drawn, areas.sampling, 1.0)), 0.0)
    estimates = np.where(drawn, gamma * np.where(drawn, areas.direct, 0.0) + (1 - gamma) * fixed, fixed)
    if benchmark is not None:
        estimates = _benchmarked(estimates, areas, benchmark, direct)
    return SmallAreas(
        area=direct.by[0],
        areas=areas.names,
        within=areas.within,
        direct=areas.direct,
        psus=areas.psus,
        sampling=areas.sampling,
        gamma=gamma,
        estimates=estimates,
        rmse=np.sqrt(model.mean_squared_error(areas.x, areas.sampling, drawn)),
        model=model,
        threshold=threshold,
        scale={"index": (0.0, 100.0), "share": (0.0, 1.0)}.get(direct.kind, (-np.inf, np.inf)),
    )


def _benchmarked(estimates: Floats, areas: Areas, benchmark: Estimates, direct: Estimates) -> Floats:
    """Every district's areas moved by one amount, so that their mean by size is the district's direct estimate (Wang,
    Fuller and Qu 2008).
    """
    if not areas.within or areas.size is None:
        raise DesignError("Benchmarking needs within=, the column of districts, and size=, the column of persons.")
    if benchmark.variables != direct.variables or len(benchmark.by) != 1:
        raise DesignError(
            f"The benchmark holds {describe(benchmark.variables)!r} by {describe(benchmark.by)!r}: give direct "
            f"estimates of {describe(direct.variables)!r} by district."
        )
    known = {domain[0]: i for i, domain in enumerate(benchmark.domains)}
    result = estimates.copy()
    for district in dict.fromkeys(areas.within):
        mine = np.array([one == district for one in areas.within])
        if district not in known or benchmark.reasons[known[district]]:
            raise DesignError(f"The benchmark has no direct estimate of {describe(district)!r}: leave its areas out.")
        share = areas.size[mine] / areas.size[mine].sum()
        result[mine] += benchmark.values[known[district]] - share @ estimates[mine]
    return result
