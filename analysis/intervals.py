"""Intervals of single estimates, by name.

`mean`: t. `log`: t on the logarithm. `fisher`: t on the inverse hyperbolic tangent, of correlations. `logit`, `xlogit`:
t on the log odds; with replicates `logit` takes the log odds of each. `likelihood`: where the binomial deviance reaches
t squared times the design effect, as R's `survey`. `asin`: t on the arcsine of the square root. `beta`: Clopper and
Pearson with the effective sample size of Korn and Graubard 1998, as R's `survey`; `korn-graubard`: the same with the
effective size cut at n (NCHS, Parker et al. 2017), and a limit at 0 and 1. `wilson`: Wilson 1927 with the effective
size (Franco et al. 2019).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from analysis.errors import DesignError, nearest

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Evidence:
    """What an interval is made from, P entries each. pooled: the design effect that stands in at the ends of the
    scale. flat: whether a variance of zero only says that all psus agree, so that it makes no interval. logit: the
    variance of the log odds where replicates give it.
    """

    values: Floats
    variance: Floats
    df: Floats
    n: Floats
    pooled: Floats
    flat: NDArray[np.bool_]
    logit: Floats | None = None


def limits(evidence: Evidence, method: str, *, level: float, scale: float) -> Floats:
    """P x 2 limits by the named method, of values between 0 and `scale` for the methods that need a scale."""
    if not isinstance(method, str) or method not in METHODS:
        raise DesignError(f"There is no interval method {method!r}. {nearest(method, METHODS)}")
    result = np.full((len(evidence.values), 2), np.nan)
    known = np.isfinite(evidence.values) & ~np.isnan(evidence.variance) & (evidence.df > 0)
    if method in UNSCALED:
        defined, made = UNSCALED[method]
        return _rows(made, evidence, known & ~evidence.flat & defined(evidence.values), level, result)
    inside = known & (evidence.values > 0) & (evidence.values < scale)
    outside = known & ((evidence.values < 0) | (evidence.values > scale))
    if outside.any():
        raise DesignError(
            f"The {method} interval needs values between 0 and {scale:g}, and one is {evidence.values[outside][0]:g}: "
            "use method='mean'."
        )
    share = replace(evidence, values=evidence.values / scale, variance=evidence.variance / scale**2)
    # truncated, Korn and Graubard's effective size is n where the variance is zero, which is still an interval
    varying = inside if method == "korn-graubard" else inside & ~evidence.flat
    result = _rows(METHODS[method], share, varying, level, result)
    return _rows(_at_the_end, share, known & ~inside, level, result) * scale


def _rows(
    method: Callable[[Evidence, float], Floats],
    evidence: Evidence,
    chosen: NDArray[np.bool_],
    level: float,
    result: Floats,
) -> Floats:
    if chosen.any():
        part = Evidence(
            evidence.values[chosen],
            evidence.variance[chosen],
            evidence.df[chosen],
            evidence.n[chosen],
            evidence.pooled[chosen],
            evidence.flat[chosen],
            None if evidence.logit is None else evidence.logit[chosen],
        )
        result[chosen] = method(part, level)
    return result


def _t(evidence: Evidence, level: float) -> Floats:
    from scipy import stats

    return np.asarray(stats.t.ppf(1 - (1 - level) / 2, evidence.df))


def _mean(evidence: Evidence, level: float) -> Floats:
    half = _t(evidence, level) * np.sqrt(evidence.variance)
    return np.column_stack([evidence.values - half, evidence.values + half])


def _log(evidence: Evidence, level: float) -> Floats:
    half = _t(evidence, level) * np.sqrt(evidence.variance) / evidence.values
    return evidence.values[:, None] * np.exp(np.column_stack([-half, half]))


def _fisher(evidence: Evidence, level: float) -> Floats:
    half = _t(evidence, level) * np.sqrt(evidence.variance) / (1 - evidence.values**2)
    middle = np.arctanh(evidence.values)
    return np.tanh(np.column_stack([middle - half, middle + half]))


def _logit(evidence: Evidence, level: float) -> Floats:
    if evidence.logit is None:
        return _xlogit(evidence, level)
    middle, half = np.log(evidence.values / (1 - evidence.values)), _t(evidence, level) * np.sqrt(evidence.logit)
    return 1 / (1 + np.exp(-np.column_stack([middle - half, middle + half])))


def _xlogit(evidence: Evidence, level: float) -> Floats:
    p = evidence.values
    middle, half = np.log(p / (1 - p)), _t(evidence, level) * np.sqrt(evidence.variance) / (p * (1 - p))
    return 1 / (1 + np.exp(-np.column_stack([middle - half, middle + half])))


def _likelihood(evidence: Evidence, level: float) -> Floats:
    """Where the deviance 2 n (p log(p / x) + (1 - p) log((1 - p) / (1 - x))), divided by R's dispersion n / (n - 1) and
    by the design effect n V / (p (1 - p)), equals t squared.
    """
    from scipy import optimize, special

    p, dispersion = evidence.values, evidence.n / np.maximum(evidence.n - 1, 1)
    reach = dispersion * _t(evidence, level) ** 2 * evidence.variance / (2 * p * (1 - p))

    def beyond(odds: float, share: float, allowed: float) -> float:
        # log(1 + exp) keeps its digits where x is near 0 or 1
        near = share * np.logaddexp(0.0, -odds) + (1 - share) * np.logaddexp(0.0, odds)
        return float(near + share * np.log(share) + (1 - share) * np.log1p(-share) - allowed)

    ends = []
    for share, allowed in zip(p.tolist(), reach.tolist(), strict=True):
        middle = float(np.log(share / (1 - share)))
        # beyond these odds the deviance is above what is allowed, since log(1 + e^u) > max(0, u)
        farthest = (allowed + np.log(2)) / min(share, 1 - share) + abs(middle)
        low = optimize.brentq(beyond, middle - farthest, middle, args=(share, allowed), xtol=1e-14, rtol=1e-14)
        high = optimize.brentq(beyond, middle, middle + farthest, args=(share, allowed), xtol=1e-14, rtol=1e-14)
        ends.append([low, high])
    return np.asarray(special.expit(np.array(ends)))


def _asin(evidence: Evidence, level: float) -> Floats:
    p = evidence.values
    half = _t(evidence, level) * np.sqrt(evidence.variance / (4 * p * (1 - p)))
    angle = np.arcsin(np.sqrt(p))
    ends = np.clip(np.column_stack([angle - half, angle + half]), 0, np.pi / 2)
    return np.sin(ends) ** 2


def _effective(evidence: Evidence, level: float) -> Floats:
    """The effective sample size, adjusted for the degrees of freedom (Korn and Graubard 1998)."""
    p = evidence.values
    size = np.divide(p * (1 - p), evidence.variance, out=np.full(len(p), np.inf), where=evidence.variance > 0)
    return size * _df_factor(evidence, level)


def _df_factor(evidence: Evidence, level: float) -> Floats:
    from scipy import stats

    rows = stats.t.ppf(1 - (1 - level) / 2, np.maximum(evidence.n - 1, 1))
    return np.asarray((rows / _t(evidence, level)) ** 2)


def _clopper(p: Floats, size: Floats, level: float) -> Floats:
    from scipy import stats

    tail = (1 - level) / 2
    low = stats.beta.ppf(tail, size * p, size * (1 - p) + 1)
    high = stats.beta.ppf(1 - tail, size * p + 1, size * (1 - p))
    return np.column_stack([low, high])


def _beta(evidence: Evidence, level: float) -> Floats:
    return _clopper(evidence.values, np.minimum(_effective(evidence, level), 1e12), level)


def _korn_graubard(evidence: Evidence, level: float) -> Floats:
    return _clopper(evidence.values, np.minimum(_effective(evidence, level), evidence.n), level)


def _wilson(evidence: Evidence, level: float) -> Floats:
    # the effective size with t, or the df-adjusted size with z, never both: few degrees of freedom count once
    p, z = evidence.values, _t(evidence, level)
    size = np.minimum(_effective(evidence, level) / _df_factor(evidence, level), 1e12)
    middle = (p + z**2 / (2 * size)) / (1 + z**2 / size)
    half = z / (1 + z**2 / size) * np.sqrt(p * (1 - p) / size + z**2 / (4 * size**2))
    return np.column_stack([middle - half, middle + half])


def _at_the_end(evidence: Evidence, level: float) -> Floats:
    """At 0 or 1: one-sided, [0, 1 - (alpha / 2)^(1 / n*)], with n* from the pooled design effect."""
    size = evidence.n / np.maximum(1.0, evidence.pooled) * _df_factor(evidence, level)
    reach = 1 - ((1 - level) / 2) ** (1 / np.minimum(size, evidence.n))
    low = np.where(evidence.values <= 0, 0.0, 1 - reach)
    return np.column_stack([low, np.where(evidence.values <= 0, reach, 1.0)])


# methods for estimates that are not parts of a scale, and the values that they are for
UNSCALED: dict[str, tuple[Callable[[Floats], NDArray[np.bool_]], Callable[[Evidence, float], Floats]]] = {
    "mean": (np.isfinite, _mean),
    "log": (lambda values: values > 0, _log),
    "fisher": (lambda values: np.abs(values) < 1, _fisher),
}
METHODS: dict[str, Callable[[Evidence, float], Floats]] = {
    "mean": _mean,
    "log": _log,
    "fisher": _fisher,
    "likelihood": _likelihood,
    "logit": _logit,
    "xlogit": _xlogit,
    "asin": _asin,
    "beta": _beta,
    "korn-graubard": _korn_graubard,
    "wilson": _wilson,
}
