"""The estimators that a Sample offers: means, totals, ratios, shares, composites and indices."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from analysis import estimation, scoring
from analysis.bound import MISSING, BoundTable, By
from analysis.design import as_names, check_columns
from analysis.errors import DesignError, nearest
from analysis.estimates import Estimates
from analysis.totals import Where


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


def _listwise(missing: str) -> bool:
    if missing not in MISSING:
        raise DesignError(f"missing={missing!r} is not a rule. {nearest(missing, MISSING)}")
    return missing == "listwise"
