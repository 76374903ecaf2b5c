"""Regression of a sample: which rows and columns enter, the fit, and the coefficients as estimates of the population.

Coefficients solve the weighted estimating equations; their variance is that of the sum of the rows' contributions,
through the same units, weighting steps and replicates as any other estimate (Binder 1983; Lumley 2010, chapter 5).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis import scoring
from analysis.covariances import scored_item
from analysis.design import check_columns
from analysis.entries import Entries
from analysis.errors import DesignError, nearest
from analysis.estimates import NO_DEGREE, NO_VARIANCE, Estimates
from analysis.estimation import Plan, is_numeric, joint, observed_levels, read_rows, value_where
from analysis.glm import LINKS, Basis, LinearModel, basis_of, family_of
from analysis.linear import Linear
from analysis.ordinal import OrdinalModel
from analysis.terms import Column, Factor, Formula, ModelMatrix, level_text, model_matrix, parse_formula
from analysis.totals import Where, answered, indicator

if TYPE_CHECKING:
    from analysis.bound import BoundTable

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]
Levels = Mapping[str, Sequence[Any]]
ORDINAL = "ordinal"


@dataclass(frozen=True)
class Regression(Estimates):
    """The coefficients of a model as estimates; their names are R's, such as "(Intercept)" and "stypeH".

    formula, family, link: as fitted. term_of: the term of each coefficient, "" for intercepts and thresholds.
    df: psus less strata among the rows used, less one per coefficient besides the intercept.
    """

    formula: str = ""
    family: str = ""
    link: str = ""
    term_of: tuple[str, ...] = ()

    def to_frame(self, level: float = 0.95, *, method: str | None = None, df: str | float = "valid") -> pd.DataFrame:
        """One row per coefficient: coefficient (its name), estimate, se, t, p, low, high, df; on the link's scale.

        p: two-sided, of t. A last column `reason` says why where there is no test.
        """
        from scipy import stats

        limits, freedom, se = self.interval(method=method, level=level, df=df), self.degrees(df), self.se
        tested = (se > 0) & (freedom > 0)
        t = np.divide(self.values, se, out=np.full(len(se), np.nan), where=tested)
        p = 2 * stats.t.sf(np.abs(t), np.where(freedom > 0, freedom, np.nan))
        frame = pd.DataFrame({"coefficient": list(self.variables), "estimate": self.values, "se": se, "t": t, "p": p})
        frame = frame.assign(low=limits[:, 0], high=limits[:, 1], df=freedom)
        reasons = [
            "" if fine else NO_VARIANCE if left > 0 else NO_DEGREE for fine, left in zip(tested, freedom, strict=True)
        ]
        return frame.assign(reason=reasons) if any(reasons) else frame

    def test_terms(self, terms: Sequence[str] | None = None) -> pd.DataFrame:
        """All coefficients of a term 0 at once, one row per term: term, f, ndf, ddf, p, chisq, p_chisq.

        f: the Wald statistic over ndf, referred to F with the coefficients' df; chisq: the statistic itself. Where
        ndf comes near ddf the F test rejects too often (Korn and Graubard 1990). Raises DesignError for unknown
        terms and where the covariance of a term's coefficients is singular.
        """
        known = tuple(dict.fromkeys(term for term in self.term_of if term))
        asked = known if terms is None else (terms,) if isinstance(terms, str) else tuple(terms)
        for term in asked:
            if term not in known:
                raise DesignError(f"The model {self.formula!r} has no term {term!r}. {nearest(term, known)}")
        return pd.DataFrame([self._tested(term) for term in asked])

    def _tested(self, term: str) -> dict[str, Any]:
        from scipy import stats

        places = [place for place, own in enumerate(self.term_of) if own == term]
        values, covariance = self.values[places], self.covariance[np.ix_(places, places)]
        scale = np.sqrt(np.diag(covariance))
        if not (scale > 0).all() or np.linalg.matrix_rank(covariance / np.outer(scale, scale)) < len(places):
            raise DesignError(
                f"The covariance of the {len(places)} coefficients of {term!r} is singular (the psus are too few): "
                "merge its categories, or test other terms."
            )
        wald, ddf = float(values @ np.linalg.solve(covariance, values)), float(self.df[places].min())
        f = wald / len(places)
        return {
            "term": term,
            "f": f,
            "ndf": len(places),
            "ddf": ddf,
            "p": float(stats.f.sf(f, len(places), ddf)) if ddf > 0 else float("nan"),
            "chisq": wald,
            "p_chisq": float(stats.chi2.sf(wald, len(places))),
        }


@dataclass(frozen=True)
class Rows:
    """The rows that a model is fitted to: the engine, which of its R rows count, and the columns of these N rows."""

    engine: Linear
    counted: Booleans
    columns: Mapping[str, Column]

    @property
    def weight(self) -> Floats:
        """N final weights."""
        return self.engine.weight[self.counted]

    @property
    def size(self) -> int:
        """N."""
        return int(self.counted.sum())


def regress(
    sample: "BoundTable", text: str, *, family: str, link: str | None, levels: Levels | None, where: Where
) -> Regression:
    """A fitted model; see `sample_models.Models.regress`."""
    formula = parse_formula(text)
    if formula.response is None:
        raise DesignError(f"The formula {text!r} has no response: write 'response ~ {text.strip().lstrip('~ ')}'.")
    chosen = None if family == ORDINAL else family_of(family, link)
    rows = model_rows(sample, formula, levels or {}, where)
    matrix = model_matrix(formula, rows.columns, rows.size)
    terms = tuple("" if place < 0 else formula.term_names[place] for place in matrix.term)
    model: LinearModel | OrdinalModel
    if chosen is None:
        model, names = _ordinal(rows, formula, matrix, link or "logit")
        terms = (*terms[1:], *[""] * (len(names) - len(terms) + 1))
    else:
        basis, names = basis_of(matrix.names, matrix.values, rows.weight), matrix.names
        model = LinearModel(_response(rows, formula.response, family), basis, names, chosen)
    return Regression(
        by=(),
        wave=None,
        variables=names,
        domains=((),),
        wholes=(),
        entries=_fitted(rows, model, spent=len(matrix.names) - 1),
        kind="coefficient",
        formula=text,
        family=family,
        link=link or ("logit" if chosen is None else _link_name(chosen)),
        term_of=terms,
    )


def _link_name(family: Any) -> str:
    return next(own for own, theirs in LINKS.items() if type(family.link).__name__ == theirs)


def _fitted(rows: Rows, model: LinearModel | OrdinalModel, *, spent: int) -> Entries:
    """The coefficients with their scores, or, with replicate weights, fitted anew to each replicate."""
    values = model.fit(rows.weight)
    influence = np.zeros((len(rows.counted), len(values)))
    influence[rows.counted] = model.influence(rows.weight, values)
    entries = rows.engine.entries_of_rows(
        values, influence, rows.counted[:, None], fit=lambda weight: model.fit(weight[rows.counted], start=values)
    )
    return replace(entries, df=entries.df - spent)


def _response(rows: Rows, name: str, family: str) -> Floats:
    """The response as numbers: of two categories the second is 1."""
    column = rows.columns[name]
    if isinstance(column, Factor):
        if len(column.levels) != 2 or "binomial" not in family:
            raise DesignError(
                f"The response {name!r} holds {len(column.levels)} categories, and the family {family!r} "
                f"{'models two' if 'binomial' in family else 'needs numbers'}: score it first, or use family='ordinal'."
            )
        return column.codes.astype(float)
    low, high = float(column.min()), float(column.max())
    ends = (0.0, 1.0) if "binomial" in family else (0.0, np.inf) if "poisson" in family else (-np.inf, np.inf)
    if low < ends[0] or high > ends[1]:
        raise DesignError(
            f"The response {name!r} lies between {low:g} and {high:g}: the family {family!r} needs numbers "
            f"{'between 0 and 1' if ends[1] == 1 else 'of at least 0'}."
        )
    if low == high:
        raise DesignError(f"The response {name!r} is {low:g} in every row used: there is nothing to explain.")
    return column


def _ordinal(rows: Rows, formula: Formula, matrix: ModelMatrix, link: str) -> tuple[OrdinalModel, tuple[str, ...]]:
    """The proportional odds model and the names of its coefficients and thresholds ("1|2")."""
    assert formula.response is not None
    if not formula.intercept:
        raise DesignError(
            f"The formula {formula.text!r} leaves the intercept out, and ordinal thresholds take its place."
        )
    column = rows.columns[formula.response]
    if not isinstance(column, Factor):
        values, codes = np.unique(column, return_inverse=True)
        column = Factor(codes, tuple(level_text(value) for value in values.tolist()))
    if len(column.levels) < 3:
        raise DesignError(
            f"The response {formula.response!r} has {len(column.levels)} categories in the rows used, and "
            "family='ordinal' needs 3 or more: use family='binomial'."
        )
    basis_of(matrix.names, matrix.values, rows.weight)  # refuses columns that the intercept or others determine
    plain, names = matrix.values[:, 1:], matrix.names[1:]
    centre = np.average(plain, axis=0, weights=rows.weight) if names else np.zeros(0)
    basis = basis_of(names, plain - centre, rows.weight) if names else Basis(plain, np.zeros((0, 0)))
    model = OrdinalModel(column.codes, len(column.levels), basis, centre, link)
    edges = tuple(f"{low}|{high}" for low, high in zip(column.levels[:-1], column.levels[1:], strict=True))
    return model, (*names, *edges)


def model_rows(sample: "BoundTable", formula: Formula, levels: Levels, where: Where) -> Rows:
    """Read the columns of a formula; rows without a value in one of them are outside the domain.

    A column named in `levels`, or one of text, is a factor; an item that the instrument scores enters by its score
    (0-100); any other column as the number it is.
    """
    names = tuple(dict.fromkeys([*([formula.response] if formula.response else []), *formula.predictors]))
    check_columns(names, list(sample.schema), f"The formula {formula.text!r}")
    for name in levels:
        if name not in names:
            raise DesignError(f"levels= names {name!r}, which the formula does not use. {nearest(name, names)}")
    plan, known = Plan(), {name: _levels_of(sample, name, levels) for name in names}
    read = {name: plan.prepare(_expression(sample, name, known[name])) for name in names}
    complete = joint([~one.is_null() for one in read.values()])
    base = plan.place("complete", indicator(complete))
    places = {name: plan.place(name, value_where(complete, one)) for name, one in read.items()}
    engine = read_rows(sample, plan, where=where)
    reduced = engine.reduced
    counted = (reduced.plain[:, base] > 0) & (reduced.domain >= 0) & engine.counts
    if not counted.any():
        raise DesignError(f"No row has a value in all of {', '.join(names)}: leave one out, or widen where=.")
    columns = {
        name: _column(sample, name, known[name], reduced.plain[counted, place], given=name in levels)
        for name, place in places.items()
    }
    return Rows(engine, counted, columns)


def _levels_of(sample: "BoundTable", name: str, levels: Levels) -> list[Any] | None:
    """The levels of a factor in order; None for a column that enters as a number."""
    if scoring.is_multiple(sample.instrument, name):
        raise DesignError(
            f"{name!r} lets a person tick several answers and is no single predictor: make a column of 0 and 1 for "
            "the answer that matters."
        )
    if name in levels:
        given = list(levels[name])
        if len(set(given)) < len(given) or not given:
            raise DesignError(f"levels= of {name!r} is {given!r}: name every value once, the reference first.")
        return given
    if scored_item(sample, name) is not None or is_numeric(sample.schema[name]):
        return None
    return sample.levels(name)


def _expression(sample: "BoundTable", name: str, levels: list[Any] | None) -> nw.Expr:
    """A number per row, null where there is no answer; of a factor 1, 2, .. for its levels, 0 for any other value."""
    item = scored_item(sample, name)
    if levels is None:
        return scoring.column_score(name, sample.schema) if item is None else scoring.item_score(item, sample.schema)
    text = not is_numeric(sample.schema[name])
    for level in levels:
        if isinstance(level, str) != text:
            raise DesignError(
                f"levels= of {name!r} has {level!r}, and the column holds {'text' if text else 'numbers'}: write it so."
            )
    code = nw.lit(0.0)
    for place, level in enumerate(levels, start=1):
        code = nw.when(nw.col(name) == level).then(nw.lit(float(place))).otherwise(code)
    return nw.when(answered(name, sample.schema)).then(code).otherwise(scoring.nothing())


def _column(sample: "BoundTable", name: str, levels: list[Any] | None, values: Floats, *, given: bool) -> Column:
    """Values read back as a column; levels that no row used are left out."""
    if levels is None:
        return values
    codes = values.astype(np.int64) - 1
    if (codes < 0).any():
        left_out = [one for one in observed_levels(sample.frame, name) if one not in levels]
        raise DesignError(f"levels= of {name!r} leaves out {left_out[0]!r}: name it, or leave its rows out by where=.")
    held = np.bincount(codes, minlength=len(levels)) > 0
    if given and not held[0]:
        raise DesignError(f"levels= of {name!r} begins with {levels[0]!r}, which no row used holds: choose another.")
    place = np.cumsum(held) - 1
    return Factor(place[codes], tuple(level_text(level) for level, used in zip(levels, held, strict=True) if used))
