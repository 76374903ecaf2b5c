"""The area-level model: between-area variance by (adjusted) residual maximum likelihood, and mean squared errors."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.errors import DesignError

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]
ZERO = 1e-8


@dataclass(frozen=True)
class Fit:
    """beta: p coefficients, and their p x p covariance; between: A; adjusted: whether REML was 0; information: the sum
    of (A + D)^-2 over the areas drawn.
    """

    beta: Floats
    covariance: Floats
    between: float
    adjusted: bool
    information: float

    def mean_squared_error(self, x: Floats, sampling: Floats, drawn: Booleans) -> Floats:
        """K mean squared errors g1 + g2 + 2 g3 (Prasad and Rao 1990; Datta and Lahiri 2000 for REML); without a psu
        A + x' V(beta) x.
        """
        fixed = np.einsum("kp,pq,kq->k", x, self.covariance, x)
        d = np.where(drawn, sampling, 1.0)
        total = self.between + d
        g1 = self.between * d / total
        g2 = (d / total) ** 2 * fixed
        g3 = d**2 / total**3 * 2 / self.information
        return np.asarray(np.where(drawn, g1 + g2 + 2 * g3, self.between + fixed))


def fit(direct: Floats, sampling: Floats, x: Floats) -> Fit:
    """The model of m areas from their direct estimates, sampling variances and covariates (m x p, with intercept)."""
    count, size = x.shape
    if count < size + 2:
        raise DesignError(
            f"The model has {size} coefficients and {count} areas with a psu: give fewer covariates or more areas."
        )
    if np.linalg.matrix_rank(x) < size:
        raise DesignError("The covariates are collinear among the areas with a psu: leave one out.")
    between = _most_likely(direct, sampling, x, adjusted=False)
    adjusted = between <= ZERO * float(np.mean(sampling))
    if adjusted:
        between = _most_likely(direct, sampling, x, adjusted=True)
    beta, covariance = _least_squares(direct, between + sampling, x)
    information = float(((between + sampling) ** -2.0).sum())
    return Fit(beta, covariance, between, adjusted, information)


def _least_squares(direct: Floats, variance: Floats, x: Floats) -> tuple[Floats, Floats]:
    weighted = x / variance[:, None]
    covariance = np.linalg.inv(x.T @ weighted)
    return np.asarray(covariance @ (weighted.T @ direct)), np.asarray(covariance, dtype=np.float64)


def _log_likelihood(between: float, direct: Floats, sampling: Floats, x: Floats) -> float:
    """The residual log-likelihood of A, but for a constant."""
    variance = between + sampling
    beta, covariance = _least_squares(direct, variance, x)
    residual = direct - x @ beta
    determinant = np.linalg.slogdet(covariance)[1]
    return float(-0.5 * (np.log(variance).sum() - determinant + (residual**2 / variance).sum()))


def _most_likely(direct: Floats, sampling: Floats, x: Floats, *, adjusted: bool) -> float:
    """The A with the largest residual likelihood (times A, if adjusted): a grid first, since there may be two peaks."""
    from scipy import optimize

    typical = float(np.mean(sampling))
    top = max(float(np.var(direct)), typical) * 100

    def loss(log: float) -> float:
        between = float(np.exp(log))
        return -_log_likelihood(between, direct, sampling, x) - (log if adjusted else 0.0)

    grid = np.linspace(np.log(ZERO * typical / 10), np.log(top), 200)
    losses = [loss(log) for log in grid]
    best = int(np.argmin(losses))
    if not adjusted and -_log_likelihood(0.0, direct, sampling, x) <= losses[best]:
        return 0.0
    around = (grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)])
    found = optimize.minimize_scalar(loss, bounds=around, method="bounded", options={"xatol": 1e-12})
    return float(np.exp(found.x))
