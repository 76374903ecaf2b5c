"""Which columns of a table are stratum, psu, weight and fpc: declared once, carried always."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from analysis.errors import DesignError, nearest
from analysis.replication import Replicates

LONELY = ("fail", "remove", "certainty", "adjust", "average")


def as_names(value: str | Sequence[str] | None) -> tuple[str, ...]:
    """A column name, a list of them or nothing, as a tuple of names."""
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(value)


@dataclass(frozen=True)
class Design:
    """How the sample was drawn.

    weight: the column of sampling weights (persons represented); None: implied by counts in `fpc`.
    stratum: a column or several. psu: a column, or a list with the first stage first; None: every row its own psu.
    fpc: a column or a list, first stage first: population counts of units (above 1) or sampling fractions (up to 1);
    one more fpc than psu columns makes the rows the units of the last stage.
    nest: psu labels start again in every stratum. wave: the column that tells the rounds of fieldwork apart.
    lonely_psu: what a stratum with one psu does: "fail" refuses it; "remove" and "certainty" let it add no variance;
    "adjust" centres it at the mean of all psus; "average" gives it the average of the other strata.
    replicates: the replicate weight columns of a file that has them, in place of stratum, psu and fpc; rows are then
    the units, and of a lazy table they are read.
    """

    weight: str | None = None
    stratum: str | Sequence[str] | None = None
    psu: str | Sequence[str] | None = None
    fpc: str | Sequence[str] | None = None
    nest: bool = False
    wave: str | None = None
    lonely_psu: str = "fail"
    replicates: Replicates | None = None

    def __post_init__(self) -> None:
        if self.lonely_psu not in LONELY:
            raise DesignError(f"lonely_psu={self.lonely_psu!r} is not a rule. {nearest(self.lonely_psu, LONELY)}")
        if self.weight is None and not self.fpc:
            raise DesignError("The design has neither weight nor fpc: name the weight column with weight=.")
        if self.replicates is not None and (self.weight is None or self.stratum or self.psu or self.fpc):
            raise DesignError(
                "Replicate weights stand in place of stratum, psu and fpc: give weight= and replicates= alone."
            )
        if len(self.fpcs) > len(self.psus) + 1:
            raise DesignError(
                f"The design has {len(self.fpcs)} fpc columns for {len(self.psus)} psu columns: "
                "give one fpc per stage, first stage first."
            )

    @property
    def strata(self) -> tuple[str, ...]:
        """The stratum columns."""
        return as_names(self.stratum)

    @property
    def psus(self) -> tuple[str, ...]:
        """The psu columns, first stage first."""
        return as_names(self.psu)

    @property
    def fpcs(self) -> tuple[str, ...]:
        """The fpc columns, first stage first."""
        return as_names(self.fpc)

    @property
    def replicate_columns(self) -> tuple[str, ...]:
        """The columns of replicate weights."""
        return () if self.replicates is None else tuple(self.replicates.columns)

    @property
    def rows_are_units(self) -> bool:
        """Whether the row itself is the sampling unit of the last stage, so that rows cannot be summed first."""
        return not self.psus or len(self.fpcs) > len(self.psus)

    @property
    def unit_columns(self) -> tuple[str, ...]:
        """The psu columns that the variance needs: later stages count only where the first has an fpc."""
        return self.psus[: len(self.fpcs) + 1]

    @property
    def keys(self) -> tuple[str, ...]:
        """Every column that identifies a sampling unit."""
        wave = () if self.wave is None else (self.wave,)
        return tuple(dict.fromkeys((*self.strata, *wave, *self.unit_columns)))

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column the design names."""
        weight = () if self.weight is None else (self.weight,)
        return tuple(dict.fromkeys((*self.keys, *self.psus, *self.fpcs, *weight)))


def check_columns(names: Sequence[str], known: Sequence[str], purpose: str) -> None:
    """Refuse a column that the table does not have, with the nearest name."""
    for name in names:
        if name not in known:
            raise DesignError(
                f"{purpose} names the column {name!r}, which the table does not have. {nearest(name, known)}"
            )


def describe(label: Any) -> str:
    """A key of one or several columns as a reader writes it."""
    if isinstance(label, tuple):
        return " / ".join(str(part) for part in label) if len(label) != 1 else str(label[0])
    return str(label)
