"""Functions of the covariance matrix of several items, with standard errors by the delta method.

The matrix is made of weighted means and mean products over the rows with an answer to all items, so that it comes
from the table of sums; scores are centred first, so that squares lose no digits. The divisor n / (n - 1) is left out:
it cancels in every function used here. Source: Binder 1983; Lumley 2010, section 2.4.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from analysis import scoring
from analysis.derived import Derived, smooth
from analysis.design import check_columns
from analysis.dispersion import table_means
from analysis.entries import Entries, chain
from analysis.errors import DesignError
from analysis.estimates import Estimates
from analysis.estimation import Plan, estimate, is_numeric, joint, value_where
from analysis.linear import Linear, Part, Statistic
from analysis.totals import Where, base_weight, indicator

if TYPE_CHECKING:
    from analysis.bound import BoundTable, By

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]
Matrices = Callable[[Floats], Floats]
STEP = 1e-4  # of a standard deviation; the stencil's own error is of the order STEP^4
STENCIL = ((-2, 1 / 12), (-1, -8 / 12), (1, 8 / 12), (2, -1 / 12))


@dataclass(frozen=True)
class Covariances:
    """The covariance matrix of K items in every domain; means: the estimates that it is made of.

    centre: K, what was subtracted from the scores before anything was summed. squares: the position of
    the row expression whose weighted sum is that of the squared weights; None where weights do not vary in a unit.
    """

    items: tuple[str, ...]
    centre: Floats
    means: Estimates
    squares: int | None = None
    made: dict[bytes, list[Entries]] = field(default_factory=dict, compare=False)

    @property
    def engine(self) -> Linear:
        """The engine behind the means."""
        assert self.means.engine is not None
        return self.means.engine

    def inputs(self, members: Booleans) -> list[Entries]:
        """K means and K (K + 1) / 2 mean products of M sets of domains; made once for each."""
        key = members.tobytes()
        if key not in self.made:
            self.made[key] = [self.engine.entries(one, members) for one in self.means.statistics]
        return self.made[key]

    def matrices(self, values: Floats) -> Floats:
        """... x K x K covariance matrices from ... x (K + K (K + 1) / 2) means."""
        size = len(self.items)
        first, rows, columns = values[..., :size], *np.triu_indices(size)
        result = np.empty((*values.shape[:-1], size, size))
        result[..., rows, columns] = values[..., size:]
        result[..., columns, rows] = values[..., size:]
        return np.asarray(result - first[..., :, None] * first[..., None, :])

    def matrix(self) -> Floats:
        """K x K: the matrix of the first domain."""
        count = len(self.means.domains)
        return self.matrices(self.means.values[::count])

    def concentration(self) -> float:
        """Sum of squared final weights over the square of their sum, of the rows used: one over Kish's effective n."""
        reduced, base = self.engine.reduced, self.means.statistics[0].base
        mask = self.engine.mask(self.means.entries.members[:1])[:, 0]
        weights, rows = reduced.sums[:, base] * mask, reduced.plain[:, base] * mask
        even = np.divide(weights**2, rows, out=np.zeros(len(rows)), where=rows > 0)
        squares = even if self.squares is None else reduced.sums[:, self.squares] * mask
        return float(squares @ self.engine.factor**2 / (weights @ self.engine.factor) ** 2)

    def derived(self, names: Sequence[str], function: Matrices, *, kind: str, reason: str) -> Derived:
        """Estimates of P functions of the matrix in every domain: function takes ... x K x K to ... x P, NaN where
        it has no value; `reason` says why it may have none.
        """
        solved: dict[bytes, tuple[Floats, Floats]] = {}

        def one(place: int, values: Floats, n: Floats) -> tuple[Floats, Floats, list[str]]:
            key = values.tobytes()
            if key not in solved:
                matrices = self.matrices(values)
                found = function(matrices)
                # replicates need no derivatives
                slopes = self._slopes(values, matrices, function) if values.ndim == 2 else np.zeros((*values.shape, 1))
                solved[key] = (found, slopes)
            found, slopes = solved[key][0][..., place], solved[key][1][..., place if values.ndim == 2 else 0]
            told = [] if values.ndim > 2 else ["" if np.isfinite(own) else reason for own in found]
            return found, slopes, told

        def remake(variable: int, members: Booleans) -> Entries:
            return smooth(self.engine, self.inputs(members), lambda values, n: one(variable, values, n))

        count, shown = len(self.means.domains), self.means.shown
        singles = self.means.entries.members[:count]
        wholes = self.means.entries.members[shown : shown + len(self.means.wholes)]
        return Derived(
            by=self.means.by,
            wave=self.means.wave,
            variables=tuple(names),
            domains=self.means.domains,
            wholes=self.means.wholes,
            entries=chain([remake(v, members) for members in (singles, wholes) for v in range(len(names))]),
            kind=kind,
            remake=remake,
        )

    def _slopes(self, values: Floats, matrices: Floats, function: Matrices) -> Floats:
        """M x (K + K (K + 1) / 2) x P derivatives by the means, those by the matrix from central differences."""
        size, (rows, columns) = len(self.items), np.triu_indices(len(self.items))
        spread = np.sqrt(np.clip(np.diagonal(matrices, axis1=-2, axis2=-1), 0.0, None))
        width = STEP * spread[:, rows] * spread[:, columns]  # M x pairs
        moves = np.zeros((len(rows), size, size))
        moves[np.arange(len(rows)), rows, columns] = moves[np.arange(len(rows)), columns, rows] = 1.0
        slope = np.zeros(0)
        for steps, share in STENCIL:
            moved = matrices[:, None] + steps * width[:, :, None, None] * moves
            term = share * function(moved)
            slope = term if not slope.size else slope + term
        by_pair = slope / np.where(width > 0, width, 1.0)[:, :, None]
        by_mean = np.zeros((len(values), size, by_pair.shape[-1]))
        for pair, (k, m) in enumerate(zip(rows, columns, strict=True)):
            by_mean[:, k] -= by_pair[:, pair] * values[:, m, None]
            by_mean[:, m] -= by_pair[:, pair] * values[:, k, None]
        return np.concatenate([by_mean, by_pair], axis=1)


def scored_item(sample: "BoundTable", name: str) -> Any:
    """The instrument's item of this name where some index scores it, else None."""
    scored = [] if sample.instrument is None else scoring.scored_items(sample.instrument)
    return next((item for item in scored if item.name == name), None)


def score_of(sample: "BoundTable", name: str, what: str) -> nw.Expr:
    """A column as a score, null where there is none: an item that the instrument scores on 0-100, else the number."""
    item = scored_item(sample, name)
    if item is not None:
        return scoring.item_score(item, sample.schema)
    if not is_numeric(sample.schema[name]):
        raise DesignError(f"{what} needs numbers, and the column {name!r} holds {sample.schema[name]}: score it first.")
    return scoring.column_score(name, sample.schema)


def read_covariances(
    sample: "BoundTable", items: Sequence[str], what: str, *, by: "By" = None, where: Where = None
) -> Covariances:
    """The covariance matrix of the scores of K items by domain; two passes over the rows, the first for the centre.

    Raises DesignError for unknown columns, text, an item named twice or without any score.
    """
    check_columns(items, list(sample.schema), what)
    for place, item in enumerate(items):
        if item in items[:place]:
            raise DesignError(f"{what} names the column {item!r} twice: name it once.")
    plan = Plan()
    scores = [plan.prepare(score_of(sample, item, what)) for item in items]
    centre = table_means(plan.frame(sample.frame), items, scores)
    complete = joint([~score.is_null() for score in scores])
    base = plan.place("complete", indicator(complete))
    centred = [score - middle for score, middle in zip(scores, centre.tolist(), strict=True)]
    rows, columns = np.triu_indices(len(items))
    terms = [*centred, *(centred[k] * centred[m] for k, m in zip(rows, columns, strict=True))]
    for place, term in enumerate(terms):
        above = plan.place(("term", place), value_where(complete, term))
        plan.statistics.append(Statistic(str(place), (Part(above, base),), base))
    weight = base_weight(sample.design)
    squares = None if weight is None else plan.place("weight", value_where(complete, weight))
    means = estimate(sample, plan, kind="mean", by=by, where=where, whole=False)
    return Covariances(tuple(items), centre, means, squares)
