"""The estimators that a Sample offers: means, totals, ratios, shares, composites and indices."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from numbers import Real
from typing import TYPE_CHECKING, Any, Self

import narwhals as nw
import numpy as np

from analysis import estimation, knowledge, scoring, shares, standardisation
from analysis.bound import MISSING, BoundTable, By
from analysis.design import as_names, check_columns
from analysis.errors import DesignError, nearest
from analysis.estimates import Estimates
from analysis.totals import Where

if TYPE_CHECKING:
    from analysis.sensitivity import Sensitivity


class Estimators(BoundTable):
    """What a sample says of its population."""

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
        plan = estimation.plan_of_columns(self, as_names(items), total=False, listwise=is_listwise(missing))
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
        plan = estimation.plan_of_columns(self, as_names(items), total=True, listwise=is_listwise(missing))
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
        of: str = "answered",
        design_effect: str = "wr",
    ) -> Estimates:
        """The share (0-1) of every value of an item, don't-know and refusals included, over the rows with an answer.

        The variable of each estimate is the value. Intervals are truncated Korn-Graubard by default. of: "answered",
        or, of an item of several answers, "ticking": those who ticked at least one (don't-know and refusals are
        none); the table then says which in a column `of`.
        """
        plan = shares.plan_of_shares(self, item, of)
        result = estimation.estimate(self, plan, kind="share", by=by, where=where, whole=whole, reference=design_effect)
        return replace(result, of=shares.denominator(self, item, of))

    def top_two(
        self,
        item: str,
        *,
        by: By = None,
        where: Where = None,
        whole: bool = False,
        count: int = 2,
        values: Sequence[Any] | None = None,
    ) -> Estimates:
        """The share (0-1) of the two (or `count`) highest answers of a scale among the answers on it.

        The highest by the instrument's scores, else by number; or `values` as named. Don't-know and refusals are
        outside. Raises DesignError where nothing orders the answers, or scores tie.
        """
        plan = shares.plan_of_top(self, item, shares.top_of(self, item, count, values))
        result = estimation.estimate(self, plan, kind="share", by=by, where=where, whole=whole)
        return replace(result, of="answers on the scale")

    def standardised_mean(
        self,
        items: str | Sequence[str],
        *,
        over: str | Sequence[str],
        population: Any,
        by: By = None,
        where: Where = None,
        whole: bool = False,
    ) -> Estimates:
        """Means in the columns' units that the domains would have with one composition by `over`, age and sex say.

        population: the standard, persons or shares by the cross of `over`: {cell: number} or a long table whose last
        column is the number. A domain without anybody in a cell has no estimate, and says which. Raises DesignError
        for cells that the sample or the standard does not know. Source: Korn and Graubard 1999, section 3.7.
        """
        standard = standardisation.read_standard(population, over, list(self.schema))
        plan = standardisation.plan_of_standardised(self, as_names(items), standard)
        return estimation.estimate(self, plan, kind="standardised mean", by=by, where=where, whole=whole)

    def composite(
        self,
        item_weights: Mapping[str, float] | Mapping[str, Mapping[str, float]],
        *,
        by: By = None,
        where: Where = None,
        whole: bool = False,
    ) -> Estimates:
        """A weighted mean of the means of numeric columns, each over its own valid rows, in the columns' units.

        item_weights are renormalised over the columns that have a valid row in the domain (ESTIMATION: item first).
        Several composites, {name: item_weights}, are made in one pass over the rows, each a variable by its name.
        """
        if not isinstance(item_weights, Mapping):
            raise DesignError("A composite is {column: item weight}: give every column its weight.")
        several = any(isinstance(one, Mapping) for one in item_weights.values())
        plan = estimation.Plan()
        composites: Mapping[str, Any] = item_weights if several else {"composite": item_weights}
        for name, weights in composites.items():
            _check_composite(weights, self.schema)
            plan = estimation.plan_of_composite(name, weights, self.schema, plan)
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

    def person_index(self, index: Any) -> nw.Expr:
        """A person's own index, 0-100, as a row expression, for regression and quantiles only: what is published is
        `index`.

        Item weights are renormalised over what the person answered, up the tree; below `min_answered` null.
        """
        declaration = scoring.find_index(self.indices, index)
        scores = scoring.index_scores(self.instrument, declaration, self.schema)
        return scoring.person_score(self.indices, declaration, scores).alias(declaration.name)

    def with_person_index(self, index: Any, *, name: str | None = None) -> Self:
        """A new sample with the person's own index as a further column, named as the index or `name`."""
        column = name or scoring.find_index(self.indices, index).name
        if column in self.schema:
            raise DesignError(f"The table already has a column {column!r}: give the person index another name=.")
        wide = self.frame.with_columns(self.person_index(index).alias(column))
        return replace(self, data=wide.to_native())

    def sensitivity(self, index: Any, *, by: By = None, where: Where = None) -> "Sensitivity":
        """How far an index and its ranks depend on the item weights: equal weights, the geometric mean, and each item
        weight 20% lower and higher, as a band per domain. See `sensitivity.Sensitivity`.
        """
        from analysis.sensitivity import sensitivity

        return sensitivity(self, index, by, where)

    def knowledge(
        self, items: str | Sequence[str], *, by: By = None, where: Where = None, whole: bool = False
    ) -> Estimates:
        """The shares (0-1) right, wrong and don't-know of knowledge items, or of those of an index.

        Of those who gave one of the three. Raises DesignError for items without right and wrong answers.
        """
        plan = knowledge.plan_of_knowledge(self, knowledge.knowledge_items(self, items))
        return estimation.estimate(self, plan, kind="share", by=by, where=where, whole=whole)

    def dont_know_band(self, index: Any, *, by: By = None, where: Where = None, whole: bool = False) -> Estimates:
        """An index, 0-100, with don't-know to its knowledge items at 0, as published, and at chance.

        Raises DesignError for an index without knowledge items.
        """
        plan = knowledge.plan_of_band(self, scoring.find_index(self.indices, index))
        return estimation.estimate(self, plan, kind="index", by=by, where=where, whole=whole)


def _check_composite(item_weights: Any, schema: Mapping[str, Any]) -> None:
    """Refuse columns and item weights that make no composite."""
    if not isinstance(item_weights, Mapping):
        raise DesignError("Several composites are {name: {column: item weight}}: give each its columns.")
    check_columns(list(item_weights), list(schema), "The composite")
    known = all(isinstance(weight, (Real, Decimal)) and 0 < float(weight) < np.inf for weight in item_weights.values())
    if not item_weights or not known or not sum(map(float, item_weights.values())) < np.inf:
        raise DesignError("A composite needs at least one item, and every item weight finite and above 0.")
    for name in item_weights:
        scoring.column_score(name, schema)  # refuses what is no number


def is_listwise(missing: str) -> bool:
    """Whether rows must be valid in all columns; refuses what is no rule of missing answers."""
    if missing not in MISSING:
        raise DesignError(f"missing={missing!r} is not a rule. {nearest(missing, MISSING)}")
    return missing == "listwise"
