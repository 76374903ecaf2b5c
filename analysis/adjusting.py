"""Adjusting a family of tests for their number, and the intervals that match the tests (ESTIMATION, decision 12)."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
ADJUSTMENTS = {
    "max-t": "",
    "none": "",
    "holm": "holm",
    "bonferroni": "bonferroni",
    "hochberg": "simes-hochberg",
    "hommel": "hommel",
    "bh": "fdr_bh",
    "by": "fdr_by",
}


def adjusted_p(p: Floats, adjust: str) -> Floats:
    """p values adjusted for their number by the named rule of statsmodels."""
    from statsmodels.stats.multitest import multipletests

    return p if adjust == "none" else np.asarray(multipletests(p, method=ADJUSTMENTS[adjust])[1])


def error_rate(p: Floats, adjust: str, level: float) -> float:
    """The error rate of each single interval that matches the test (Benjamini and Yekutieli 2005 for bh and by)."""
    alpha = 1 - level
    if adjust == "none":
        return alpha
    if adjust in ("bh", "by"):
        rejected = max(int((adjusted_p(p, adjust) <= alpha).sum()), 1)
        dependence = float((1 / np.arange(1, len(p) + 1)).sum()) if adjust == "by" else 1.0
        return rejected * alpha / (len(p) * dependence)
    return alpha / len(p)


def cut(limits: Floats, differences: Floats, *, rejected: NDArray[np.bool_]) -> Floats:
    """Where a step-down test rejects although the interval holds 0, the interval ends at 0 on that side."""
    low, high = limits[:, 0].copy(), limits[:, 1].copy()
    low[rejected & (differences > 0)] = np.maximum(low[rejected & (differences > 0)], 0.0)
    high[rejected & (differences < 0)] = np.minimum(high[rejected & (differences < 0)], 0.0)
    return np.column_stack([low, high])
