"""Generalised linear models by weighted likelihood: coefficients, and what each row adds to them.

The estimating equations sum w x (y - mu) / (g'(mu) V(mu)) = 0 are those of the population (Binder 1983); a row of
weight 1 moves the coefficients by A^-1 x (y - mu) / (g'(mu) V(mu)), A the expected information.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.errors import DesignError, nearest
from analysis.terms import check_independent

Floats = NDArray[np.float64]
FAMILIES = {
    "gaussian": "Gaussian",
    "binomial": "Binomial",
    "quasibinomial": "Binomial",
    "poisson": "Poisson",
    "quasipoisson": "Poisson",
}
LINKS = {
    "identity": "Identity",
    "log": "Log",
    "logit": "Logit",
    "probit": "Probit",
    "cloglog": "CLogLog",
    "loglog": "LogLog",
    "cauchit": "Cauchy",
    "inverse": "InversePower",
    "sqrt": "Sqrt",
}
CLOSE = 1e-11
STEPS = 60
HALVINGS = 30


@dataclass(frozen=True)
class Basis:
    """Orthogonal columns N x P that span those of a model: coefficients of the model are transform @ theirs."""

    columns: Floats
    transform: Floats


def basis_of(names: Sequence[str], columns: Floats, weight: Floats) -> Basis:
    """Columns made orthogonal under the weights; DesignError names one that the columns before it determine."""
    size = np.sqrt(np.abs(weight))
    triangle = np.asarray(np.linalg.qr(columns * size[:, None])[1])
    if len(triangle) < len(names):
        raise DesignError(f"The model has {len(names)} coefficients and {len(columns)} rows to fit them: use fewer.")
    check_independent(names, triangle)
    transform = np.linalg.inv(triangle) * size.sum() ** 0.5
    return Basis(columns @ transform, transform)


def family_of(name: str, link: str | None) -> Any:
    """The family of statsmodels with its link; DesignError for unknown names and for links that do not fit."""
    from statsmodels.genmod import families

    if name not in FAMILIES:
        raise DesignError(f"There is no family {name!r}. {nearest(name, [*FAMILIES, 'ordinal'])}")
    family = getattr(families, FAMILIES[name])
    if link is None:
        return family()
    if link not in LINKS or getattr(families.links, LINKS[link]) not in family.links:
        known = [own for own, theirs in LINKS.items() if getattr(families.links, theirs) in family.links]
        raise DesignError(f"The family {name!r} has no link {link!r}. {nearest(link, known)}")
    return family(link=getattr(families.links, LINKS[link])())


@dataclass(frozen=True)
class LinearModel:
    """A generalised linear model: N responses, the basis of its P columns, their names and the family."""

    response: Floats
    basis: Basis
    names: tuple[str, ...]
    family: Any

    def fit(self, weight: Floats, start: Floats | None = None) -> Floats:
        """P coefficients for N weights, by Fisher scoring; start: P, from which to set out.

        Raises DesignError, naming the coefficient that grows without end, where the likelihood has no maximum.
        """
        family, z = self.family, self.basis.columns
        own = None if start is None else np.asarray(np.linalg.solve(self.basis.transform, start))
        mean = family.starting_mu(self.response) if own is None else family.fitted(z @ own)
        predictor, deviance = family.predict(mean), np.inf
        for _ in range(STEPS):
            slope = family.link.deriv(mean)
            working = weight / (slope**2 * family.variance(mean))
            target = predictor + (self.response - mean) * slope
            try:
                new = np.asarray(np.linalg.solve(z.T @ (working[:, None] * z), z.T @ (working * target)))
            except np.linalg.LinAlgError:
                break
            own, deviance = self._shortened(own, new, weight, deviance)
            before, predictor = predictor, z @ own
            with np.errstate(over="ignore"):  # the exponential of a coefficient that grows without end
                mean = family.fitted(predictor)
            if np.abs(predictor - before).max() <= CLOSE * (1 + np.abs(predictor).max()):
                return np.asarray(self.basis.transform @ own)
        raise self._endless(own)

    def _shortened(self, old: Floats | None, new: Floats, weight: Floats, before: float) -> tuple[Floats, float]:
        """The step cut in half until the deviance is a number and does not rise."""
        after = np.inf
        for _ in range(HALVINGS):
            with np.errstate(all="ignore"):
                mean = self.family.fitted(self.basis.columns @ new)
                after = float(weight @ self.family.resid_dev(self.response, mean) ** 2)
            if old is None or after <= before + 1e-9 * (abs(before) + 1):
                break
            new = (old + new) / 2
        return new, after

    def _endless(self, own: Floats | None) -> DesignError:
        spread = (self.basis.columns @ np.linalg.inv(self.basis.transform)).std(axis=0)  # 0 of an intercept
        size = np.zeros(len(self.names)) if own is None else np.abs(self.basis.transform @ own)
        worst = self.names[int(np.argmax(size * spread))]
        return DesignError(
            f"The model does not converge: the coefficient of {worst!r} grows without end, because it foretells the "
            "response exactly somewhere. Leave it out, or merge its categories."
        )

    def influence(self, weight: Floats, coefficients: Floats) -> Floats:
        """N x P: what a row of weight 1 adds to the coefficients."""
        z, family = self.basis.columns, self.family
        mean = family.fitted(z @ np.linalg.solve(self.basis.transform, coefficients))
        slope = family.link.deriv(mean)
        information = z.T @ ((weight / (slope**2 * family.variance(mean)))[:, None] * z)
        scores = z * ((self.response - mean) / (slope * family.variance(mean)))[:, None]
        return np.asarray(np.linalg.solve(information, scores.T).T @ self.basis.transform.T)
