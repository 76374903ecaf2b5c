"""Estimates that carry their scores, so that any two of one sample can be compared: the verbs of `Estimated`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.design import describe
from analysis.entries import combined
from analysis.errors import DesignError
from analysis.estimated import NO_DEGREE, NO_VARIANCE, Estimated, check_level, is_number, positive_df
from analysis.simultaneous import SEED

if TYPE_CHECKING:
    from analysis.families import Comparison
    from analysis.fragility import Fragility
    from analysis.ranks import RankSets

__all__ = ["NO_DEGREE", "NO_VARIANCE", "Estimates", "check_level", "is_number", "positive_df"]


@dataclass(frozen=True)
class Estimates(Estimated):
    """P = variables x domains estimates, variable-major, with what can be asked of several together; for the fields,
    intervals and tables see `Estimated`.
    """

    def contrast(self, contrasts: Mapping[str, Mapping[Any, float]]) -> "Estimates":
        """Linear combinations as Estimates: {name: {domain, or (variable, domain): coefficient}}; "whole" may take
        part. Raises DesignError for unknown domains, coefficients that are no finite numbers, and contrasts of nothing.
        """
        matrix = np.zeros((len(self.entries.values), len(contrasts)))
        for column, (name, terms) in enumerate(_checked(contrasts).items()):
            for key, coefficient in terms.items():
                if not is_number(coefficient) or not np.isfinite(coefficient):
                    raise DesignError(f"The contrast {name!r} has the coefficient {coefficient!r}: give a number.")
                matrix[self.find(key), column] += coefficient
        entries = combined(self.entries, matrix)
        return Estimates(
            by=(), wave=None, variables=tuple(contrasts), domains=((),), wholes=(), entries=entries, kind="contrast"
        )

    def wald(self, *, df: str | float = "design") -> dict[str, float]:
        """All estimates 0 at once: naive and adjusted F with their p, and q (Korn and Graubard 1990)."""
        from scipy import stats

        nu, q = float(np.min(self.degrees(df))), self.shown
        if any(self.reasons):
            missing = next(place for place, reason in enumerate(self.reasons) if reason)
            raise DesignError(
                f"There is no estimate of {describe(self.labels[missing][1]) or self.labels[missing][0]!r} "
                f"({self.reasons[missing]}): leave it out of the joint test."
            )
        se = np.sqrt(np.abs(np.diag(self.covariance)))
        # of correlations, since variances in unlike units would pass for zero beside each other
        if not se.all() or np.linalg.matrix_rank(self.covariance / np.outer(se, se), hermitian=True) < q:
            raise DesignError(f"The covariance of the {q} estimates is singular: test fewer of them together.")
        if self.entries.root.signed and not (np.linalg.eigvalsh(self.covariance) > 0).all():
            raise DesignError(
                f"The estimated covariance of the {q} estimates is not positive, which joint inclusion probabilities "
                "allow: choose pps='brewer', or test fewer of them together."
            )
        if nu < q:
            raise DesignError(
                f"A joint test of {q} estimates needs at least {q} degrees of freedom, and there are {nu:g}: test "
                "fewer of them together."
            )
        statistic = float(self.values @ np.linalg.solve(self.covariance, self.values))
        adjusted = (nu - q + 1) / (nu * q) * statistic
        return {
            "q": q,
            "wald": statistic,
            "f_naive": statistic / q,
            "p_naive": float(stats.f.sf(statistic / q, q, nu)),
            "f_adjusted": adjusted,
            "p_adjusted": float(stats.f.sf(adjusted, q, nu - q + 1)),
        }

    def compare(
        self,
        to: Any,
        *,
        adjust: str = "max-t",
        level: float = 0.95,
        df: str | float = "satterthwaite",
        within: str | None = None,
        seed: int = SEED,
    ) -> "Comparison":
        """Differences with the covariance that part and whole share; see `comparisons.Comparison`.

        to: "whole", "rest", "pairs", a domain, or a number. adjust: max-t, holm, hochberg, hommel, bonferroni, bh,
        by or none. df: "satterthwaite", "design" or a number. within: a column, such as the city: a family for each of
        its values, with that value's own whole and rest.
        """
        from analysis.comparisons import Rule, compare, compare_within

        if within is None and self._several_waves and isinstance(to, str) and to == "pairs":
            within = self.wave  # a wave is compared with another by `change`
        if within is not None:
            return compare_within(self, to, Rule(adjust, level, df, seed), within=within)
        pairs = isinstance(to, str) and to == "pairs"
        return compare(self.without_whole() if pairs else self, to, Rule(adjust, level, df, seed))

    @property
    def _several_waves(self) -> bool:
        """Whether domains of several waves stand side by side, each made of more than the wave."""
        return self.wave is not None and len(self.by) > 1

    def change(
        self,
        over: str,
        *,
        baseline: Any = None,
        adjust: str = "max-t",
        level: float = 0.95,
        df: str | float = "satterthwaite",
        seed: int = SEED,
    ) -> "Comparison":
        """The last wave less the baseline (default: the first), per domain and for the whole, shared psus counted once.

        Estimates that are not yet told apart by `over` are made anew, with `over` as a further column of `by`.
        """
        from analysis.comparisons import Rule, change

        told_apart = self if over in self.by or self.again is None else self.again((*self.by, over))
        return change(told_apart, over, Rule(adjust, level, df, seed), baseline=baseline)

    def rank_sets(
        self,
        *,
        level: float = 0.95,
        simultaneous: bool = True,
        method: str = "max-t",
        df: str | float | None = None,
        within: str | None = None,
        seed: int = SEED,
    ) -> "RankSets":
        """For each domain the ranks that the data do not exclude; rank 1 is the highest value. See
        `ranks.rank_sets`.

        within: a column, such as the city: ranks among the domains of each of its values, a family for each. Waves are
        ranked each for itself.
        """
        from analysis.ranks import Rule, rank_sets, rank_sets_within

        apart = self.wave if within is None and self._several_waves else within
        if apart is not None:
            return rank_sets_within(self, Rule(method, level, simultaneous, df, seed), apart)
        return rank_sets(self.without_whole(), Rule(method, level, simultaneous, df, seed))

    def fragility(
        self,
        set: bool = False,
        *,
        scale: tuple[float, float] | None = None,
        level: float = 0.95,
        seed: int = SEED,
    ) -> "Fragility":
        """For each domain how few more respondents, all at the top of the scale, would raise its rank by one, and all
        at its bottom lower it; also as a share of its n. See `fragility.Fragility`.

        set: until a bound of its rank set moves instead, the covariance held. scale: the lowest and the highest answer;
        by default 0 and 100, of shares 0 and 1. Raises DesignError for values outside the scale.
        """
        from analysis.fragility import fragility

        span = scale or ((0.0, 1.0) if self.kind == "share" else (0.0, 100.0))
        return fragility(self.without_whole(), of_sets=set, scale=span, level=level, seed=seed)

    def on_common_items(self) -> "Estimates":
        """The same indices made only of the items that have a base in every domain shown, item weights renormalised:
        what domains may be compared on. Without it, differences between unlike items are noted in their table.
        """
        from analysis.parting import on_common_items

        return on_common_items(self)


def _checked(contrasts: Any) -> Mapping[str, Mapping[Any, float]]:
    """Contrasts as asked, refused where they are no mappings or hold nothing."""
    if not isinstance(contrasts, Mapping) or not contrasts:
        raise DesignError("A contrast is {name: {domain: coefficient}}: name at least one.")
    for name, terms in contrasts.items():
        if not isinstance(terms, Mapping) or not terms:
            raise DesignError(f"The contrast {name!r} holds no {{domain: coefficient}}: name at least one domain.")
    return contrasts
