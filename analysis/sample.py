"""A table bound to its design: the one thing that estimates are asked of."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Self

from analysis.collapsing import collapsed
from analysis.sample_distributions import Distributions
from analysis.sample_estimators import Estimators
from analysis.sample_models import Models
from analysis.sample_replication import Replicating
from analysis.sample_tests import Tests
from analysis.sample_weighting import Weighting


class Sample(Estimators, Distributions, Weighting, Replicating, Tests, Models):
    """A table bound to a `Design`, with everything that can be asked of it; see `bound.BoundTable` for its parts."""

    def collapse_strata(
        self, strata: Mapping[Any, Any] | Sequence[Sequence[Any]] | None = None, *, by: str | None = None
    ) -> Self:
        """A new sample in whose design strata are merged, so that none has one psu; decide it before an answer is seen.

        strata: groups of labels, or {stratum: name of its group}. by: a column with one value per stratum, known before
        the answers (size, place): each stratum with one psu is merged with the next in its order, the last with the one
        before; the others stay. Psus drawn and units there are add up. The variance is too large by what the merged
        strata differ, so that intervals are conservative (Wolter 2007, section 2.5). Where the design refuses strata
        with one psu, say `Design.collapse_strata`, or lonely_psu="remove", before binding. Raises DesignError for
        unknown strata, a column that varies within a stratum, and replicates made before.
        """
        return replace(self, design=collapsed(self, strata, by))
