"""The models that a Sample offers."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from analysis.bound import BoundTable
from analysis.totals import Where

if TYPE_CHECKING:
    from analysis.regression import Regression


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
        anyway, an item that the instrument scores enters by its score (0-100). Rows without a value in one of the
        columns are outside the domain. The needed columns are read into memory, also from lazy tables.
        Raises DesignError for unknown columns, for columns that others determine, where the likelihood has no maximum
        and where the response does not fit the family. Source: Binder 1983; Lumley 2010, chapters 5 and 6.
        """
        from analysis.regression import regress

        return regress(self, formula, family=family, link=link, levels=levels, where=where)
