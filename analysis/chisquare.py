"""Upper tails of weighted sums of chi-squares: what a quadratic form in estimates follows under the hypothesis.

The sum is Q = sum_i lambda_i chi2(1). Where the covariance behind it has `ddf` degrees of freedom of its own, Q is
referred to x chi2(ddf) / ddf in place of x, as a t test does (with all lambda alike this is an F test).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
NEAR_THE_MEAN = 1e-4


@dataclass(frozen=True)
class Form:
    """The event sum_j weight_j chi2(freedom_j) > threshold; weights of both signs, freedoms need not be whole."""

    weights: Floats
    freedoms: Floats
    threshold: float

    def exponent(self, s: complex | float) -> complex:
        """The cumulant generating function less s times the threshold."""
        return complex(-0.5 * (self.freedoms * np.log1p(-2 * self.weights * s)).sum() - s * self.threshold)

    def derivative(self, s: float, order: int) -> float:
        """The first, second or third derivative of `exponent` at a real s."""
        ratio = self.weights / (1 - 2 * self.weights * s)
        factor = {1: 1.0, 2: 2.0, 3: 8.0}[order]
        value = factor * float((self.freedoms * ratio**order).sum())
        return value - self.threshold if order == 1 else value

    @property
    def end(self) -> float:
        """Where the cumulant generating function ends on the right."""
        return float(1 / (2 * self.weights.max()))

    @property
    def saddle(self) -> float:
        """Where the exponent is least between its two ends; negative below the mean of the sum."""
        from scipy import optimize

        right = self.end * (1 - 1e-12)
        negative = self.weights[self.weights < 0]
        left = float(1 / (2 * negative.min())) * (1 - 1e-12) if len(negative) else -self.end
        while not len(negative) and self.derivative(left, 1) > 0:
            left *= 2
        return float(optimize.brentq(self.derivative, left, right, args=(1,), xtol=1e-14 * self.end, rtol=1e-14))


def make_form(x: float, weights: Floats, ddf: float) -> Form:
    """The event that a weighted sum is above x, or above x chi2(ddf) / ddf where ddf is finite."""
    if np.isinf(ddf):
        return Form(weights, np.ones(len(weights)), x)
    return Form(np.append(weights, -x / ddf), np.append(np.ones(len(weights)), ddf), 0.0)


def satterthwaite(weights: Floats) -> tuple[float, float]:
    """Scale and degrees of freedom of the chi-square with the same mean and variance (Satterthwaite 1946)."""
    return float((weights**2).sum() / weights.sum()), float(weights.sum() ** 2 / (weights**2).sum())


def satterthwaite_tail(x: float, weights: Floats, ddf: float = np.inf) -> float:
    """P(Q > x) by the chi-square, or F, with the same mean and variance (Rao and Scott 1984)."""
    from scipy import stats

    scale, df = satterthwaite(weights)
    if np.isinf(ddf):
        return float(stats.chi2.sf(x / scale, df))
    return float(stats.f.sf(x / scale / df, df, ddf))


def exact_tail(x: float, weights: Floats, ddf: float = np.inf) -> float:
    """P(Q > x), 0-1, by inversion of the characteristic function, to about ten digits however small it is.

    The integral of Imhof (1961) and Davies (1980) is taken along a parabola through the saddle point, where nothing
    cancels (Rice 1980).
    """
    from scipy import integrate

    if x <= 0:
        return 1.0
    form = make_form(x, weights, ddf)
    start = max(form.saddle, form.end / 20)
    height = form.exponent(start).real
    width = 1 / np.sqrt(form.derivative(start, 2))
    bend = max(form.derivative(start, 3), 0.0) / (6 * form.derivative(start, 2))

    def integrand(step: float) -> float:
        t = step * width
        s = complex(start + bend * t * t, t)
        return (np.exp(form.exponent(s) - height) * complex(2 * bend * t, 1) / s).imag * width

    area, _ = integrate.quad(integrand, 0, np.inf, epsabs=0, epsrel=1e-11, limit=500)
    return float(min(np.exp(height) * area / np.pi, 1.0))


def saddlepoint_tail(x: float, weights: Floats, ddf: float = np.inf) -> float:
    """P(Q > x), 0-1, by the saddlepoint approximation of Kuonen (1999): of two weights up to a fifth off `exact_tail`.

    As in R's `survey`: a finite ddf is cut to a whole number, and beside the mean, where the approximation is 0/0,
    Satterthwaite's stands in.
    """
    from scipy import stats

    if x <= 0:
        return 1.0
    form = make_form(x, weights, ddf)
    whole = np.append(form.freedoms[:-1], max(np.floor(form.freedoms[-1] + 1e-9), 1.0))
    form = Form(form.weights, whole, form.threshold)
    saddle = form.saddle
    if abs(saddle) * weights.max() < NEAR_THE_MEAN:
        return satterthwaite_tail(x, weights, ddf)
    w = np.sign(saddle) * np.sqrt(-2 * form.exponent(saddle).real)
    v = saddle * np.sqrt(form.derivative(saddle, 2))
    return float(stats.norm.sf(w + np.log(v / w) / w))


TAILS: dict[str, Callable[[float, Floats, float], float]] = {"lincom": exact_tail, "saddlepoint": saddlepoint_tail}
