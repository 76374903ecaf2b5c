"""The tests that a Sample offers."""

from typing import TYPE_CHECKING, cast

from analysis.bound import BoundTable
from analysis.totals import Where

if TYPE_CHECKING:
    from analysis.goodness import GoodnessOfFit, Shares
    from analysis.ranktests import RankTest, Score
    from analysis.sample import Sample
    from analysis.tables import Crosstab
    from analysis.ttests import TTest


class Tests(BoundTable):
    """What a sample says for or against a hypothesis."""

    def crosstab(self, row: str, column: str, *, where: Where = None) -> "Crosstab":
        """The table of two columns over the rows with a value in both: counts (persons), shares, `test()`.

        Values that nobody inside `where` gave are left out and named in `empty`. Raises DesignError for unknown
        columns, select-multiple items and columns that hold more than 200 values. Source: Rao and Scott 1981, 1984.
        """
        from analysis.tables import crosstab

        return crosstab(cast("Sample", self), row, column, where)

    def goodness_of_fit(self, item: str, p: "Shares", *, where: Where = None) -> "GoodnessOfFit":
        """Whether the shares of a column's values are `p`, over the rows that have a value.

        p: {value: share}, or the shares in the order of the values; above 0, and they add up to 1. X2 is of the
        weighted counts, referred to a weighted sum of chi-squares by Satterthwaite's approximation. Raises DesignError
        where p does not fit the values. Source: Rao and Scott 1981; Thomas and Rao 1987.
        """
        from analysis.goodness import goodness_of_fit

        return goodness_of_fit(cast("Sample", self), item, p, where)

    def ttest(
        self,
        item: str,
        *,
        group: str | None = None,
        mu: float | None = None,
        where: Where = None,
        df: str | float = "design",
        level: float = 0.95,
    ) -> "TTest":
        """The mean of the second of two groups less the first's, or the mean less `mu`, in the column's units.

        df: "design", psus less strata less 1 after `where` (that of the regression on the group, as R's `survey`),
        "satterthwaite", which holds its level also where a group has few psus, or a number. Raises DesignError for
        other than two groups and where nothing varies. Source: Lumley 2010, section 2.4.
        """
        from analysis.ttests import ttest

        return ttest(cast("Sample", self), item, group=group, mu=mu, where=where, df=df, level=level)

    def ranktest(self, item: str, group: str, *, score: "str | Score" = "wilcoxon", where: Where = None) -> "RankTest":
        """Whether the answers of two or more groups stand alike in the population; ranks are 0-1.

        score: "wilcoxon" or "KruskalWallis" (the rank itself), "vanderWaerden" (its normal quantile), "median" (whether
        it is above 1/2), or a function of an array of ranks. Two groups: t with psus less strata less 1 degrees of
        freedom; more: F, as R's `survey`. Answers alike share the middle of their ranks. Reads the two columns and the
        design's. Raises DesignError for text, for one group and for final weights below 0.
        Source: Lumley and Scott 2013.
        """
        from analysis.ranktests import ranktest

        return ranktest(cast("Sample", self), item, group, score=score, where=where)
