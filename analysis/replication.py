"""Replicate weights, supplied by a file or made from the psus: what they are and how their deviations are scaled.

V = sum_b scale_b (estimate_b - centre)^2 (Wolter 2007, chapters 3 to 5). Every weighting step is taken anew in each
replicate. The default scales of supplied columns are those of R's `svrepdesign`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from analysis.errors import DesignError, nearest
from analysis.repeats import Repeats

if TYPE_CHECKING:
    from analysis.totals import Reduced

Floats = NDArray[np.float64]
KINDS = ("bootstrap", "BRR", "fay", "JK1", "JKn", "other")
CENTRES = ("estimate", "mean")
BALANCED = ("BRR", "fay")


def check_centre(centre: str) -> None:
    """Refuse what replicates cannot be centred at."""
    if centre not in CENTRES:
        raise DesignError(f"centre={centre!r} is not a centre of replicates. {nearest(centre, CENTRES)}")


def check_rho(rho: float | None, kind: str) -> None:
    """Fay's rho: asked for by "fay", and by nothing else."""
    if kind == "fay" and (rho is None or not 0 <= rho < 1):
        raise DesignError(f"Fay's replicates need rho= of at least 0 and below 1, and it is {rho!r}.")
    if kind != "fay" and rho is not None:
        raise DesignError(f"rho= belongs to kind 'fay' and not to {kind!r}: leave it out.")


@dataclass(frozen=True)
class Replicates:
    """The replicate weight columns of a file, B of them.

    kind: "bootstrap" (scale 1 / (B - 1)), "BRR" (1 / B), "fay" (1 / (B (1 - rho)^2)), "JK1" ((B - 1) / B; 1 / the
    largest factor of the first column if not combined), "JKn" (needs rscales=; if not combined 1 / the largest factor
    of each column) or "other" (needs scale=). scale: one number; rscales: one per column; V is scale x rscales x
    squared deviations. combined: whether the columns are complete weights, and not factors of the weight.
    centre: "estimate", the full sample's, or "mean", that of the replicates. Degrees of freedom are the rank of the
    columns less one. Raises DesignError for what contradicts itself.
    """

    columns: Sequence[str]
    kind: str
    scale: float | None = None
    rscales: Sequence[float] | None = None
    rho: float | None = None
    combined: bool = True
    centre: str = "estimate"

    def __post_init__(self) -> None:
        object.__setattr__(self, "columns", tuple(self.columns) if not isinstance(self.columns, str) else ())
        if self.rscales is not None:
            object.__setattr__(self, "rscales", tuple(float(one) for one in self.rscales))
        if len(self.columns) < 2 or len(set(self.columns)) < len(self.columns):
            raise DesignError("Replicates need a list of at least two columns, each named once: columns=['r1', 'r2'].")
        if self.kind not in KINDS:
            raise DesignError(f"There are no replicates of kind {self.kind!r}. {nearest(self.kind, KINDS)}")
        check_centre(self.centre)
        check_rho(self.rho, self.kind)
        self._check_scales()

    def _check_scales(self) -> None:
        given = [] if self.rscales is None else [*self.rscales]
        if self.kind in BALANCED and (given or self.scale is not None):
            raise DesignError(
                f"The kind {self.kind!r} sets its own scale: leave out scale= and rscales=, or say 'other'."
            )
        if given and len(given) != len(self.columns):
            raise DesignError(f"There are {len(given)} rscales for {len(self.columns)} columns: give one for each.")
        numbers = [*given, *([] if self.scale is None else [self.scale])]
        if not all(np.isfinite(one) and one >= 0 for one in numbers):
            raise DesignError("scale= and rscales= of replicates are finite numbers of at least 0.")
        if self.kind == "JKn" and self.combined and not given:
            raise DesignError("Complete weights of kind 'JKn' need rscales=, (n - 1) / n of each column's stratum.")
        if self.kind == "other" and self.scale is None:
            raise DesignError("Replicates of kind 'other' have no scale of their own: give scale=.")

    def scales(self, columns: Floats) -> Floats:
        """B scales, given the columns as supplied (R x B)."""
        count = len(self.columns)
        largest = columns.max(axis=0)
        by_kind = {
            "bootstrap": 1 / (count - 1),
            "BRR": 1 / count,
            "fay": 1 / (count * (1 - (self.rho or 0.0)) ** 2),
            "JK1": (count - 1) / count if self.combined else 1 / largest[0],
        }
        scale = by_kind.get(self.kind, 1.0) if self.scale is None else self.scale
        each = np.ones(count) if self.rscales is None else np.array(self.rscales)
        if self.kind == "JKn" and self.rscales is None:
            each = 1 / largest
        return np.asarray(scale * each)

    def on(self, reduced: "Reduced") -> Repeats:
        """The replicates of a reduced table, in which every row is a group. Raises DesignError for weights that
        cannot be.
        """
        columns = reduced.replicates
        bad = np.flatnonzero(~np.isfinite(columns).all(axis=0))
        if len(bad):
            raise DesignError(
                f"The replicate column {self.columns[bad[0]]!r} has missing or infinite values: mend these rows."
            )
        factors = columns
        if self.combined:
            weight = reduced.weight[:, None]
            if (columns[reduced.weight == 0] != 0).any():
                raise DesignError("A row of weight 0 has a replicate weight: give it a weight, or 0 everywhere.")
            factors = np.divide(columns, weight, out=np.zeros_like(columns), where=weight > 0)
        return Repeats(
            factors=factors,
            unit=np.arange(len(columns)),
            scales=self.scales(columns),
            kind=self.kind,
            centre=self.centre,
            by_rank=True,
        )


@dataclass(frozen=True)
class Replication:
    """Replicates made from the psus of a design: factors of U first-stage units x B, by label.

    A label is the unit's (stratum, wave, psu), so that the factors do not depend on the order of any table; the
    position of the row where rows are the units. seed: of the draw, None where nothing is drawn. by_rank: as in
    `Repeats`.
    """

    kind: str
    factors: Floats
    labels: Mapping[tuple[Any, ...], int]
    scales: Floats
    centre: str
    rho: float | None = None
    seed: int | None = None
    by_rank: bool = False

    def on(self, reduced: "Reduced") -> Repeats:
        """The replicates of a reduced table of the same sample."""
        layout = reduced.layout
        place = np.array([self.labels[label] for label in layout.labels], dtype=np.int64)
        unit = place[layout.stages[0].of[reduced.unit]]
        return Repeats(self.factors, unit, self.scales, kind=self.kind, centre=self.centre, by_rank=self.by_rank)
