"""How far an index, and the ranks it makes, depend on its item weights: the same items weighed otherwise.

Equal item weights, the weighted geometric mean, and each item weight a fifth lower and higher (OECD and JRC 2008,
Handbook on Constructing Composite Indicators, step 7; Saisana, Saltelli and Tarantola 2005).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis import estimation, scoring
from analysis.bound import By
from analysis.design import describe
from analysis.linear import Statistic
from analysis.totals import Where

if TYPE_CHECKING:
    from analysis.bound import BoundTable

Floats = NDArray[np.float64]
STEP = 0.2


@dataclass(frozen=True)
class Sensitivity:
    """An index in D domains under V ways of weighing, the declared one first; 0-100, NaN where there is no estimate.

    values: V x D. ranks: V x D, 1 the highest.
    """

    index: str
    domains: tuple[str, ...]
    variants: tuple[str, ...]
    values: Floats
    reasons: tuple[str, ...]

    @property
    def ranks(self) -> Floats:
        """V x D ranks among the domains that have an estimate."""
        values = self.values
        above = (values[:, None, :] > values[:, :, None]).sum(axis=2)
        return np.where(np.isnan(values), np.nan, 1.0 + above)

    def to_frame(self) -> pd.DataFrame:
        """One row per domain: domain, estimate, low, high, rank, rank_low, rank_high; the bands are over all variants.

        The bands say nothing of sampling error. Where there is no estimate a last column `reason` says why.
        """
        values, ranks = self.values, self.ranks
        frame = pd.DataFrame(
            {
                "domain": list(self.domains),
                "estimate": values[0],
                "low": values.min(axis=0),
                "high": values.max(axis=0),
                "rank": pd.array(ranks[0]).astype("Int64"),
                "rank_low": pd.array(ranks.min(axis=0)).astype("Int64"),
                "rank_high": pd.array(ranks.max(axis=0)).astype("Int64"),
            }
        )
        return frame.assign(reason=list(self.reasons)) if any(self.reasons) else frame

    def variants_frame(self) -> pd.DataFrame:
        """One row per variant and domain: variant, domain, estimate, rank."""
        count = len(self.variants)
        return pd.DataFrame(
            {
                "variant": np.repeat(self.variants, len(self.domains)),
                "domain": list(self.domains) * count,
                "estimate": self.values.ravel(),
                "rank": pd.array(self.ranks.ravel()).astype("Int64"),
            }
        )


def sensitivity(sample: "BoundTable", index: Any, by: By, where: Where) -> Sensitivity:
    """See `Sample.sensitivity`."""
    declaration = scoring.find_index(sample.indices, index)
    scores = scoring.index_scores(sample.instrument, declaration, sample.schema)
    rule = scoring.tree_rule(sample.indices, declaration, list(scores))
    plan = estimation.plan_of_index(declaration.name, scores, rule)
    parts = plan.statistics[0].parts
    for part in parts:
        assert part.denominator is not None
        plan.statistics.append(Statistic(part.name, (replace(part, name=""),), part.denominator))
    estimates = estimation.estimate(sample, plan, kind="index", by=by, where=where, whole=False)
    table = estimates.values.reshape(len(plan.statistics), -1)
    means, names = table[1:], list(scores)
    made = [_variants(means[:, place], rule, names) for place in range(means.shape[1])]
    reasons = estimates.reasons[: len(estimates.domains)]
    values = np.array([[one[name] for one in made] for name in made[0]])
    return Sensitivity(
        index=declaration.name,
        domains=tuple(describe(domain) or estimation.WHOLE for domain in estimates.domains),
        variants=tuple(made[0]),
        values=np.where(np.array(reasons) == "", values, np.nan),
        reasons=reasons,
    )


def _variants(means: Floats, rule: Any, names: list[str]) -> Mapping[str, float]:
    """The index of one domain from its item means (0-100, NaN without a base), under every way of weighing."""
    based = np.isfinite(means)
    shares = rule(based)[0]
    counted = np.where(based, means, 0.0)
    equal = (shares > 0) / max((shares > 0).sum(), 1)
    with np.errstate(divide="ignore"):
        logs = np.log(np.where(shares > 0, counted, 1.0))
    result = {
        "declared": float(shares @ counted),
        "equal weights": float(equal @ counted),
        "geometric mean": float(np.exp(shares[shares > 0] @ logs[shares > 0])),
    }
    for place, name in enumerate(names):
        for factor, sign in ((1 - STEP, "-"), (1 + STEP, "+")):
            changed = np.where(np.arange(len(shares)) == place, factor, 1.0) * shares
            result[f"{name} {sign}{STEP:.0%}"] = float(changed @ counted / max(changed.sum(), 1e-300))
    return result
