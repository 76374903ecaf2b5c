"""What a Sample says of distributions: quantiles, variances, correlations."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from analysis.bound import BoundTable, By
from analysis.design import as_names
from analysis.sample_estimators import is_listwise
from analysis.totals import Where

if TYPE_CHECKING:
    from analysis.derived import Derived
    from analysis.quantiles import Quantiles


class Distributions(BoundTable):
    """How values are distributed in the population."""

    def quantile(
        self,
        item: str,
        probs: float | Sequence[float],
        *,
        rule: str = "math",
        interval: str = "mean",
        by: By = None,
        where: Where = None,
        level: float = 0.95,
    ) -> "Quantiles":
        """Quantiles of a numeric column at probabilities inside 0-1, in the column's units: P = probs x domains.

        rule: "math" (hf1: the first value that the share p reaches), "school" (hf2: between two values at a tie),
        "shahvaish", "hf3" to "hf9" (the types of Hyndman and Fan 1996). interval: that of the share of answers at or
        below the quantile, turned back (Woodruff 1952): "mean", "beta", "xlogit", "asin"; "score", by inverting the
        score test; "replicates", from quantiles made anew with each replicate (refused for the jackknife). Where the
        share's interval leaves 0-1 the quantile has no limit on that side. se: the width over twice the t quantile, of
        the limits at `level`. Scales of few points have quantiles that say nearly nothing: prefer shares or means.

        With "math" and "school" a column of at most 1,000 distinct values (in memory 100) is summed by value, so that
        rows of a lazy table stay where they are; else this one column, with the design's, is read.
        Raises DesignError for text, probabilities outside 0-1, no answer at all, and final weights below 0.
        Source: Woodruff 1952; Francisco and Fuller 1991; Lumley 2010, section 2.4.
        """
        from analysis.quantiles import quantile

        return quantile(self, item, probs, rule=rule, interval=interval, by=by, where=where, level=level)

    def quantile_legacy(
        self,
        item: str,
        probs: float | Sequence[float],
        *,
        method: str = "linear",
        f: float = 1.0,
        interval: str = "Wald",
        ties: str = "discrete",
        by: By = None,
        where: Where = None,
        level: float = 0.95,
    ) -> "Quantiles":
        """Quantiles as R's `survey` made them before version 4.1, in the column's units, for older results.

        method: "linear" joins the distribution function by lines, "constant" by steps, at f (0-1) between the lower and
        the higher value. interval: "Wald" or "betaWald" about p itself, or "score". ties: "rounded" takes equal values
        as one; with "discrete" lines run between rows, so that their order among equals counts, as it did there. Raises
        DesignError as `quantile`. Source: Francisco and Fuller 1991; Korn and Graubard 1998.
        """
        from analysis.quantile_legacy import quantile_legacy

        return quantile_legacy(
            self, item, probs, method=method, f=f, interval=interval, ties=ties, by=by, where=where, level=level
        )

    def variance(
        self,
        items: str | Sequence[str],
        *,
        by: By = None,
        where: Where = None,
        whole: bool = False,
        missing: str = "item",
    ) -> "Derived":
        """Variances of numeric columns in the population (divisor n - 1 for n), in squared units of the column.

        missing: "item": each column over its own valid rows; "listwise": over the rows valid in all of them. Intervals
        are on the logarithm. Raises DesignError for text and for columns without any answer. Two passes over the rows.
        Source: Sarndal, Swensson and Wretman 1992, section 5.9; R's `svyvar`.
        """
        from analysis.dispersion import variance

        names = as_names(items)
        return variance(self, names, by=by, where=where, whole=whole, listwise=is_listwise(missing))

    def correlation(
        self,
        items: Sequence[str],
        *,
        by: By = None,
        where: Where = None,
        whole: bool = False,
        missing: str = "listwise",
    ) -> "Derived":
        """Correlations (-1 to 1) of every pair of two or more numeric columns; the variables are named "a ~ b".

        missing: "listwise": over the rows valid in all columns; "item": each pair over the rows valid in both.
        Intervals are on Fisher's scale. A column that does not vary in a domain has no correlation there, with the
        reason. Raises DesignError for text and for columns without any answer. Two passes over the rows.
        Source: Sarndal, Swensson and Wretman 1992, section 5.9.
        """
        from analysis.dispersion import correlation

        names = as_names(items)
        return correlation(self, names, by=by, where=where, whole=whole, listwise=is_listwise(missing))
