"""Proportional odds: P(Y <= j) = F(threshold_j - x'b), by weighted likelihood (McCullagh 1980).

The log likelihood is concave for the three links (Pratt 1981, Burridge 1981), so that Newton's method finds its one
maximum; the information is the observed one.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.errors import DesignError, nearest
from analysis.glm import Basis

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
LINKS = {"logit": "logistic", "probit": "norm", "cloglog": "gumbel_l"}
CLOSE = 1e-11
STEPS = 60
HALVINGS = 40


@dataclass(frozen=True)
class OrdinalModel:
    """N categories as codes, `count` of them, the basis of P centred columns and the link's name.

    centre: P, the means of the columns before. Coefficients come first, then the J = count - 1 thresholds.
    """

    category: Integers
    count: int
    basis: Basis
    centre: Floats
    link: str

    def __post_init__(self) -> None:
        if self.link not in LINKS:
            raise DesignError(f"The family 'ordinal' has no link {self.link!r}. {nearest(self.link, LINKS)}")

    @property
    def _law(self) -> Any:
        from scipy import stats

        return getattr(stats, LINKS[self.link])

    @property
    def _back(self) -> Floats:
        """From coefficients of the basis and centred thresholds to those of the model."""
        size, thresholds = len(self.centre), self.count - 1
        matrix = np.eye(size + thresholds)
        matrix[:size, :size] = self.basis.transform
        matrix[size:, :size] = self.centre @ self.basis.transform
        return matrix

    def fit(self, weight: Floats, start: Floats | None = None) -> Floats:
        """Coefficients, then thresholds in rising order, for N weights. Raises DesignError where there is no maximum,
        as when a category has no weight or a predictor parts the categories exactly.
        """
        held = np.bincount(self.category, weights=weight, minlength=self.count)
        below = np.cumsum(held)[:-1] / held.sum()
        own = np.concatenate([np.zeros(len(self.centre)), self._law.ppf(below)])
        if start is not None:
            own = np.asarray(np.linalg.solve(self._back, start))
        likelihood = self._likelihood(weight, own)
        for _ in range(STEPS if np.isfinite(likelihood) else 0):
            scores, information = self._derivatives(weight, own)
            try:
                step = np.linalg.solve(information, weight @ scores)
            except np.linalg.LinAlgError:
                break
            for _ in range(HALVINGS):
                after = self._likelihood(weight, own + step)
                if after >= likelihood - 1e-9 * (abs(likelihood) + 1):
                    break
                step = step / 2
            own, likelihood = own + step, after
            if np.abs(step).max() <= CLOSE * (1 + np.abs(own).max()):
                return np.asarray(self._back @ own)
        raise DesignError(
            "The proportional odds model does not converge: a category of the response has next to no weight, or a "
            "predictor parts the categories exactly. Merge categories, or leave that predictor out."
        )

    def influence(self, weight: Floats, coefficients: Floats) -> Floats:
        """N x (P + J): what a row of weight 1 adds to coefficients and thresholds."""
        own = np.asarray(np.linalg.solve(self._back, coefficients))
        scores, information = self._derivatives(weight, own)
        return np.asarray(np.linalg.solve(information, scores.T).T @ self._back.T)

    def _limits(self, own: Floats) -> tuple[Floats, Floats]:
        """N upper and lower limits of the latent response; infinite at the ends."""
        size = len(self.centre)
        edges = np.concatenate([[-np.inf], own[size:], [np.inf]])
        shift = self.basis.columns @ own[:size]
        return edges[self.category + 1] - shift, edges[self.category] - shift

    def _probability(self, upper: Floats, lower: Floats) -> Floats:
        """N probabilities of the categories seen, by the tail in which a difference keeps its digits."""
        law = self._law
        return np.where(lower > 0, law.sf(lower) - law.sf(upper), law.cdf(upper) - law.cdf(lower))

    def _likelihood(self, weight: Floats, own: Floats) -> float:
        with np.errstate(all="ignore"):
            chance = self._probability(*self._limits(own))
            return float(weight @ np.log(chance)) if (chance > 0).all() else -np.inf

    def _derivatives(self, weight: Floats, own: Floats) -> tuple[Floats, Floats]:
        """N x (P + J) scores of a row of weight 1, and the observed information."""
        upper, lower = self._limits(own)
        chance = self._probability(upper, lower)
        steps = np.eye(self.count + 1)[:, 1 : self.count]  # of the edge above or below a category
        above = np.hstack([-self.basis.columns, steps[self.category + 1]])
        under = np.hstack([-self.basis.columns, steps[self.category]])
        high, low = self._density(upper) / chance, self._density(lower) / chance
        scores = above * high[:, None] - under * low[:, None]
        bend_high, bend_low = high * self._bend(upper), low * self._bend(lower)
        information = scores.T @ (weight[:, None] * scores)
        information -= above.T @ ((weight * bend_high)[:, None] * above)
        information += under.T @ ((weight * bend_low)[:, None] * under)
        return scores, information

    def _density(self, at: Floats) -> Floats:
        finite = np.isfinite(at)
        return np.where(finite, self._law.pdf(np.where(finite, at, 0.0)), 0.0)

    def _bend(self, at: Floats) -> Floats:
        """The derivative of the log density; 0 where the limit is infinite, where the density is 0."""
        finite = np.where(np.isfinite(at), at, 0.0)
        bend = {
            "logit": lambda z: -np.tanh(z / 2),
            "probit": lambda z: -z,
            "cloglog": lambda z: 1 - np.exp(np.minimum(z, 700.0)),
        }[self.link](finite)
        return np.where(np.isfinite(at), bend, 0.0)
