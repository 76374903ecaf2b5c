"""The models that a Sample offers."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from analysis.bound import BoundTable, By
from analysis.errors import DesignError
from analysis.totals import Where

if TYPE_CHECKING:
    from analysis.drivers import Drivers
    from analysis.regression import Regression
    from analysis.reliability import Reliability


class Models(BoundTable):
    """What a sample says of relations between items."""

    def regress(
        self,
        formula: str,
        *,
        family: str = "gaussian",
        link: str | None = None,
        levels: Mapping[str, Sequence[Any]] | None = None,
        where: Where = None,
    ) -> "Regression":
        """A regression, "satisfaction ~ awareness + age": its coefficients as estimates, on the scale of the link.

        family: gaussian, binomial, quasibinomial, poisson, quasipoisson, or ordinal (proportional odds: coefficients,
        then thresholds "1|2"). link: identity, log, logit, probit, cloglog, loglog, cauchit, inverse or sqrt where the
        family has it. levels: {column: its values in order, the reference first} makes a column a factor; text is one
        anyway. An item that the instrument scores enters by its score (0-100); `with_person_index` makes a column of a
        person's index. Rows without a value in one of the columns are outside the domain. The needed columns are read
        into memory, also from lazy tables.
        Raises DesignError for unknown columns, for columns that others determine, where the likelihood has no maximum
        and where the response does not fit the family. Source: Binder 1983; Lumley 2010, chapters 5 and 6.
        """
        from analysis.regression import regress

        return regress(self, formula, family=family, link=link, levels=levels, where=where)

    def reliability(
        self, items: Sequence[str], *, kind: str = "alpha", by: By = None, where: Where = None
    ) -> "Reliability":
        """How well the sum of several items measures one thing, at most 1, with `if_dropped()`.

        kind: "alpha" (Cronbach) or "omega" (McDonald, of the one-factor model, with `loadings()`), of design-weighted
        variances over the rows with an answer to all items; an item that the instrument scores enters by its score.
        Items on a branch make it conditional on the branch, which `note` says. Intervals are on log(1 - r).
        Raises DesignError for unknown columns, text and too few items (2; omega 3). No estimate, with the reason,
        where the sum does not vary or the factor model has no proper solution.
        Source: Cronbach 1951; McDonald 1999, chapter 6; Maydeu-Olivares, Coffman and Hartmann 2007.
        """
        from analysis.reliability import reliability

        return reliability(self, items, kind, by=by, where=where)

    def drivers(
        self, outcome: str | Sequence[str], predictors: Sequence[str], *, by: By = None, where: Where = None
    ) -> "Drivers":
        """What share of an outcome's variance goes with each predictor: relative weights, 0-1, that add up to R2.

        outcome: a column, or several whose mean is explained; predictors: at least two columns. Over the rows with an
        answer to all; scored items enter by their scores (0-100). `compare(to="pairs")` compares the weights,
        `against_random()` holds them against a predictor without any relation, `importance()` is the
        importance-satisfaction table. Raises DesignError for by= (a district's sample is too small to order drivers),
        for an outcome among the predictors, for items that do not vary and predictors that others determine.
        Source: Johnson 2000; Tonidandel, LeBreton and Johnson 2009.
        """
        from analysis.drivers import drivers

        if by is not None:
            raise DesignError(
                f"Drivers are estimated for the whole population alone, not by {by!r}: leave by= out (the weights of "
                "few persons cannot be told apart)."
            )
        return drivers(self, outcome, predictors, where=where)
