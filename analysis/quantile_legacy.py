"""Quantiles as R's `survey` made them before version 4.1 (`oldsvyquantile`), for comparison with older results.

The distribution function is joined up by straight lines ("linear") or steps ("constant"), and the interval of the
share is taken about p itself: Wald, or Korn and Graubard's beta interval, or by inverting the score test (Francisco and
Fuller 1991; Korn and Graubard 1998). With "linear" and ties="discrete" the order of the rows among equal answers moves
the result, as it did there.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from analysis.errors import DesignError, nearest
from analysis.quantile_rules import RULES, Floats, Inverse, Ordered, in_row_order, stepwise
from analysis.quantiles import Quantiles, inverted
from analysis.totals import Where
from analysis.woodruff import Turn

if TYPE_CHECKING:
    from analysis.bound import BoundTable, By

METHODS = ("linear", "constant")
TURNS = {"Wald": Turn("mean", given=True), "betaWald": Turn("beta", given=True), "score": Turn("score")}
TIES = ("discrete", "rounded")


def quantile_legacy(
    sample: "BoundTable",
    item: str,
    probs: float | Sequence[float],
    *,
    method: str,
    f: float,
    interval: str,
    ties: str,
    by: "By",
    where: Where,
    level: float,
) -> Quantiles:
    """Quantiles of a column; see `sample_distributions.Distributions.quantile_legacy`."""
    for name, value, known in (("method", method, METHODS), ("interval", interval, TURNS), ("ties", ties, TIES)):
        if value not in known:
            raise DesignError(f"{name}={value!r} is not known to the older estimator. {nearest(value, known)}")
    if not 0 <= f <= 1:
        raise DesignError(f"f={f!r} is no share of the higher value: give a number from 0 to 1.")
    if ties == "rounded" and interval == "score":
        raise DesignError("ties='rounded' has no score interval: take interval='Wald' or 'betaWald'.")
    rule = RULES["hf4"] if method == "linear" else stepwise(f)
    return inverted(
        sample,
        item,
        probs,
        rule=_rounded(rule) if ties == "rounded" else rule,
        turn=TURNS[interval],
        by=by,
        where=where,
        level=level,
        summed=ties == "rounded",
        arrange=in_row_order,
    )


def _rounded(rule: Inverse) -> Inverse:
    """A rule for distinct values with their summed weights."""

    def made(data: Ordered, p: Floats) -> Floats:
        return np.asarray(rule(data.distinct(), p))

    return made
