"""Reliability of a sum of items in the population: Cronbach's alpha and McDonald's omega.

alpha = K / (K - 1) (1 - sum of item variances / variance of the sum) (Cronbach 1951). omega = (sum of loadings)^2 /
((sum of loadings)^2 + sum of unique variances) of the one-factor model (McDonald 1999), fitted by maximum likelihood
to the design-weighted covariance matrix. Intervals are on log(1 - r), so that no limit exceeds 1 (Bonett 2002).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from analysis.covariances import Covariances, read_covariances
from analysis.derived import Derived
from analysis.design import as_names
from analysis.errors import DesignError, nearest
from analysis.estimates import check_level
from analysis.factor import one_factor
from analysis.totals import Where

if TYPE_CHECKING:
    from analysis.bound import BoundTable, By

Floats = NDArray[np.float64]
KINDS = ("alpha", "omega")
METHODS = ("log", "mean")
FLAT = "the sum of the items does not vary"
IMPROPER = "the one-factor model has no proper solution (an item without unique variance, or items that do not vary)"


@dataclass(frozen=True)
class Reliability(Derived):
    """Alpha or omega of a set of items by domain, at most 1.

    items: as given. note: what restricts the number, "" if nothing does. The base is the rows with an answer to all
    items.
    """

    items: tuple[str, ...] = ()
    note: str = ""
    covariances: Covariances | None = None

    def interval(self, *, method: str | None = None, level: float = 0.95, df: str | float = "valid") -> Floats:
        """P x 2 limits; method: "log" (of 1 - r, the default) or "mean", which may exceed 1."""
        chosen = method or "log"
        check_level(level)
        if chosen not in METHODS:
            raise DesignError(f"There is no interval method {chosen!r} for reliability. {nearest(chosen, METHODS)}")
        if chosen == "mean" or self.kind == "loading":
            return super().interval(method="mean", level=level, df=df)
        from scipy import stats

        freedom, left = self.degrees(df), 1 - self.values
        known = (freedom > 0) & (left > 0) & (self.se > 0)
        half = stats.t.ppf((1 + level) / 2, np.where(known, freedom, 1.0)) * self.se / np.where(known, left, 1.0)
        limits = 1 - left[:, None] * np.exp(np.column_stack([half, -half]))
        if self.kind == "omega":
            limits = np.clip(limits, 0.0, 1.0)
        return np.where(known[:, None], limits, np.nan)

    def if_dropped(self) -> "Reliability":
        """The same coefficient of the items left when one is dropped: a variable per item dropped."""
        size = len(self.items)
        if size < (3 if self.kind == "alpha" else 4):
            raise DesignError(f"Of {size} items none can be dropped: {self.kind} needs {size} of them.")
        chosen = _alpha if self.kind == "alpha" else _omega

        def function(matrices: Floats) -> Floats:
            kept = [[k for k in range(size) if k != dropped] for dropped in range(size)]
            parts = [chosen(matrices[..., places, :][..., :, places]) for places in kept]
            return np.concatenate(parts, axis=-1)

        return self._made(self.items, function, self.kind)

    def loadings(self) -> "Reliability":
        """The loadings of the one-factor model in the items' units (per standard deviation of the factor)."""
        return self._made(self.items, lambda matrices: one_factor(matrices)[0], "loading")

    def _made(self, names: Sequence[str], function: Callable[[Floats], Floats], kind: str) -> "Reliability":
        assert self.covariances is not None
        return _result(self.covariances, names, function, kind=kind, note=self.note)


def reliability(sample: "BoundTable", items: Sequence[str], kind: str, *, by: "By", where: Where) -> Reliability:
    """Alpha or omega; see `sample_models.Models.reliability`."""
    items = as_names(items)
    if kind not in KINDS:
        raise DesignError(f"kind={kind!r} is no coefficient of reliability. {nearest(kind, KINDS)}")
    needed = 2 if kind == "alpha" else 3
    if len(items) < needed:
        raise DesignError(f"{kind} needs at least {needed} items, and {len(items)} is given: name more.")
    covariances = read_covariances(sample, items, f"The {kind}", by=by, where=where)
    made = _result(covariances, [kind], _alpha if kind == "alpha" else _omega, kind=kind, note=_note(sample, items))
    return replace(made, again=lambda more: reliability(sample, items, kind, by=more, where=where))


def _result(
    covariances: Covariances, names: Sequence[str], function: Callable[[Floats], Floats], *, kind: str, note: str
) -> Reliability:
    made = covariances.derived(names, function, kind=kind, reason=FLAT if kind == "alpha" else IMPROPER)
    same = {one.name: getattr(made, one.name) for one in fields(Derived)}
    return Reliability(**same, items=covariances.items, note=note, covariances=covariances)


def _note(sample: "BoundTable", items: Sequence[str]) -> str:
    """Items that only some are asked make the coefficient one of these persons."""
    asked = {} if sample.instrument is None else sample.instrument.items
    branching = [item for item in items if item in asked and asked[item].relevance is not None]
    if not branching:
        return ""
    return f"conditional on the branch: only those asked {', '.join(branching)} count"


def _alpha(matrices: Floats) -> Floats:
    size = matrices.shape[-1]
    own, total = np.trace(matrices, axis1=-2, axis2=-1), matrices.sum(axis=(-2, -1))
    varied = total > 1e-12 * own
    ratio = np.divide(own, total, out=np.full(own.shape, np.nan), where=varied)
    return np.asarray(size / (size - 1) * (1 - ratio))[..., None]


def _omega(matrices: Floats) -> Floats:
    loadings, unique = one_factor(matrices)
    common = loadings.sum(axis=-1) ** 2
    return np.asarray(common / (common + unique.sum(axis=-1)))[..., None]
