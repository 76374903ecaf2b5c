"""A table bound to its design: the one thing that estimates are asked of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import narwhals as nw
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from analysis import estimation, scoring
from analysis.design import Design, as_names, check_columns
from analysis.errors import DesignError, nearest
from analysis.estimates import Estimates
from analysis.totals import Where, materialise, reduce_rows
from analysis.weighting import Cells, Step, make_step, read_margins, solve

By = str | Sequence[str] | None
MISSING = ("item", "listwise")


@dataclass(frozen=True)
class Sample:
    """A table (pandas, Polars eager or lazy, Arrow, a DuckDB relation, PySpark) bound to a `Design`.

    Eager tables are checked here, lazy ones at the first estimate. A sample never changes: weighting gives a new one.
    instrument, manifest, units: what a snapshot brings along; None for a bare table. notes: what its recipe says of
    itself, such as the equal-size assumption.
    """

    data: Any
    design: Design
    steps: tuple[Step, ...] = ()
    instrument: Any = None
    manifest: Mapping[str, Any] | None = None
    units: Any = None
    notes: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        twice = [name for name in _names(self.data) if _names(self.data).count(name) > 1]
        if twice:
            raise DesignError(f"The table has the column {twice[0]!r} {len(twice)} times: keep one, or rename.")
        check_columns(self.design.columns, list(self.schema), "The design")
        for name in (*self.design.fpcs, *([self.design.weight] if self.design.weight else [])):
            if not estimation.is_numeric(self.schema[name]):
                raise DesignError(
                    f"The design column {name!r} holds {self.schema[name]}, not numbers: convert it before binding."
                )
        if not self.steps and isinstance(self.frame, nw.DataFrame):
            reduce_rows(self.frame, self.design)

    @cached_property
    def frame(self) -> Any:
        """The table as narwhals sees it; pandas as Arrow, which groups many times faster."""
        return as_arrow(self.data) if nw.dependencies.is_pandas_dataframe(self.data) else nw.from_native(self.data)

    @cached_property
    def schema(self) -> Mapping[str, Any]:
        """Column name -> type."""
        return dict(self.frame.collect_schema())

    @property
    def indices(self) -> Mapping[str, Any]:
        """The indices that the sample's instrument declares."""
        return {} if self.instrument is None else self.instrument.indices

    @property
    def weighting_variables(self) -> tuple[str, ...]:
        """The columns whose cross makes the weighting cells."""
        return tuple(dict.fromkeys(name for step in self.steps for name in step.variables))

    @property
    def weights(self) -> NDArray[np.float64]:
        """The final weight of each row, in the order of the rows (persons represented)."""
        needed = tuple(dict.fromkeys((*self.weighting_variables, *self.design.columns)))
        rows = materialise(self.frame.select(*(nw.col(name) for name in needed)))
        labels = {name: rows[name].to_list() for name in self.weighting_variables}
        weight = self._base_weights(rows)
        for step in self.steps:
            keys = zip(*(labels[name] for name in step.variables), strict=True)
            weight = weight * np.array([step.factors[key] for key in keys])
        return weight

    def _base_weights(self, rows: nw.DataFrame[Any]) -> NDArray[np.float64]:
        if self.design.weight is not None:
            return rows[self.design.weight].to_numpy().astype(float)
        numbered = rows.with_row_index("sandu_row")
        reduced = reduce_rows(numbered, self.design, by=["sandu_row"])
        weight = np.zeros(len(rows))
        weight[reduced.domain] = reduced.weight
        return weight

    def levels(self, item: str) -> list[Any]:
        """The values of a column: the instrument's choices in its order where it asks the item, else those observed."""
        return scoring.choices_of(self.instrument, item) or estimation.observed_levels(self.frame, item)

    def chosen(self, item: str, level: Any) -> nw.Expr:
        """Whether a row gave this value; of a select-multiple item, whether it is among those ticked."""
        if scoring.is_multiple(self.instrument, item):
            ticked = nw.concat_str([nw.lit(" "), nw.col(item), nw.lit(" ")])
            return ticked.str.contains(f" {level} ", literal=True)
        return nw.col(item) == level

    def mean(
        self,
        items: str | Sequence[str],
        *,
        by: By = None,
        where: Where = None,
        whole: bool = False,
        missing: str = "item",
        design_effect: str = "wr",
    ) -> Estimates:
        """Weighted means of columns, in their own units; a text column gives the share of each of its values (0-1).

        missing: "item": each column over its own valid rows; "listwise": over the rows valid in all of them.
        Raises DesignError for unknown columns. Source: Sarndal, Swensson and Wretman 1992, section 5.7.
        """
        plan = estimation.plan_of_columns(self, as_names(items), total=False, listwise=_listwise(missing))
        return estimation.estimate(self, plan, kind="mean", by=by, where=where, whole=whole, reference=design_effect)

    def total(
        self,
        items: str | Sequence[str],
        *,
        by: By = None,
        where: Where = None,
        whole: bool = False,
        missing: str = "item",
        design_effect: str = "wr",
    ) -> Estimates:
        """Weighted totals of columns over the population; a text column gives the count of each value (persons).

        Arguments as for `mean`. Source: Sarndal, Swensson and Wretman 1992, section 2.8.
        """
        plan = estimation.plan_of_columns(self, as_names(items), total=True, listwise=_listwise(missing))
        return estimation.estimate(self, plan, kind="total", by=by, where=where, whole=whole, reference=design_effect)

    def ratio(
        self,
        numerators: str | Sequence[str],
        denominator: str,
        *,
        by: By = None,
        where: Where = None,
        whole: bool = False,
        design_effect: str = "wr",
    ) -> Estimates:
        """Ratios of weighted totals over the rows where both columns have a value.

        Source: Sarndal, Swensson and Wretman 1992, section 5.6.
        """
        plan = estimation.plan_of_ratios(self, as_names(numerators), denominator)
        return estimation.estimate(self, plan, kind="ratio", by=by, where=where, whole=whole, reference=design_effect)

    def proportion(
        self,
        item: str,
        *,
        by: By = None,
        where: Where = None,
        whole: bool = False,
        design_effect: str = "wr",
    ) -> Estimates:
        """The share (0-1) of every value of an item, don't-know and refusals included, over the rows with an answer.

        The variable of each estimate is the value. Intervals are truncated Korn-Graubard by default.
        """
        plan = estimation.plan_of_shares(self, item)
        return estimation.estimate(self, plan, kind="share", by=by, where=where, whole=whole, reference=design_effect)

    def composite(
        self, item_weights: Mapping[str, float], *, by: By = None, where: Where = None, whole: bool = False
    ) -> Estimates:
        """A weighted mean of the means of numeric columns, each over its own valid rows, in the columns' units.

        item_weights are renormalised over the columns that have a valid row in the domain (ESTIMATION: item first).
        """
        check_columns(list(item_weights), list(self.schema), "The composite")
        if not item_weights or not all(0 < weight < np.inf for weight in item_weights.values()):
            raise DesignError("A composite needs at least one item, and every item weight finite and above 0.")
        scores = {name: scoring.column_score(name, self.schema) for name in item_weights}
        plan = estimation.plan_of_index("composite", scores, estimation.fixed_weights(item_weights))
        return estimation.estimate(self, plan, kind="mean", by=by, where=where, whole=whole)

    def index(self, index: Any, *, by: By = None, where: Where = None, whole: bool = False) -> Estimates:
        """An index of the instrument, 0-100, by name or as its declaration: the published number.

        Item first: each item's mean score over those it applies to, then up the tree of indices with weights
        renormalised over what has a base; below an index's `min_weight` there is no estimate. Intervals are on the
        logit of the scale.
        """
        declaration = scoring.find_index(self.indices, index)
        scores = scoring.index_scores(self.instrument, declaration, self.schema)
        rule = scoring.tree_rule(self.indices, declaration, list(scores))
        plan = estimation.plan_of_index(declaration.name, scores, rule)
        return estimation.estimate(self, plan, kind="index", by=by, where=where, whole=whole)

    def rake(
        self, margins: Any, *, tolerance: float = 1e-10, iterations: int = 1000, credit: str = "design"
    ) -> "Sample":
        """A new sample whose weighted counts agree with every margin (persons), by iterative proportional fitting.

        margins: mappings {variable: {category: total}}, {(variable, variable): {(category, category): total}}, or long
        tables whose last column is the total. credit: "design", or "survey" for the variance of R's `survey`.
        Raises DesignError for margins that disagree, cells without anybody, unknown categories and non-convergence.
        """
        return self._weighted("rake", margins, credit, tolerance=tolerance, iterations=iterations)

    def poststratify(self, by: str | Sequence[str], table: Any, *, credit: str = "design") -> "Sample":
        """A new sample whose weighted counts agree with one table of totals (persons) by the cross of `by`."""
        margin = {as_names(by): table} if isinstance(table, Mapping) else table
        return self._weighted("poststratify", [margin], credit, tolerance=1e-9, iterations=1)

    def _weighted(self, method: str, given: Any, credit: str, *, tolerance: float, iterations: int) -> "Sample":
        margins = read_margins(given, list(self.schema))
        used = dict.fromkeys(name for margin in margins for name in margin.variables)
        variables = tuple(dict.fromkeys((*self.weighting_variables, *used)))
        reduced = reduce_rows(self.frame, self.design, cells=variables)
        cells = Cells(variables, reduced.cells)
        weight = np.bincount(reduced.cell, weights=reduced.weight, minlength=len(reduced.cells))
        weight = np.prod([weight, *cells.factors(self.steps)], axis=0)
        factors = solve(cells, weight, margins, tolerance=tolerance, iterations=iterations)
        step = make_step(method, margins, credit, cells=cells, factors=factors)
        return replace(self, steps=(*self.steps, step))


def as_arrow(data: Any) -> Any:
    """A pandas table as Arrow, categories as their values; a table that Arrow cannot hold stays as it is."""
    categories = {name: data[name].dtype.categories.dtype for name in data if hasattr(data[name].dtype, "categories")}
    try:
        return nw.from_native(pa.Table.from_pandas(data.astype(categories), preserve_index=False))
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return nw.from_native(data)


def _names(data: Any) -> list[Any]:
    """The columns of a pandas table, the one kind that lets a name stand twice."""
    return list(data.columns) if nw.dependencies.is_pandas_dataframe(data) else []


def _listwise(missing: str) -> bool:
    if missing not in MISSING:
        raise DesignError(f"missing={missing!r} is not a rule. {nearest(missing, MISSING)}")
    return missing == "listwise"
