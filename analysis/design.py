"""Which columns of a table are stratum, psu, weight and fpc: declared once, carried always."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from analysis.errors import DesignError, nearest
from analysis.replication import Replicates
from analysis.unequal import METHODS, JointProbabilities, read_joint

Label = tuple[Any, ...]
VARIANCES = ("HT", "YG")
LONELY = ("fail", "remove", "certainty", "adjust", "average")


def as_names(value: str | Sequence[str] | None) -> tuple[str, ...]:
    """A column name, a list of them or nothing, as a tuple of names."""
    names = () if value is None else (value,) if isinstance(value, str) else value
    if not isinstance(names, Iterable) or not all(isinstance(name, str) for name in names):
        raise DesignError(f"{value!r} is no column: give its name as text, or several in a list.")
    return tuple(names)


@dataclass(frozen=True)
class Design:
    """How the sample was drawn.

    weight: the column of sampling weights (persons represented); None: implied by `inclusion_probability` (one over
    the product of its columns) or else by `fpc` (units there are over units drawn, stage by stage).
    stratum: a column or several. psu: a column, or a list with the first stage first; None: every row its own psu.
    fpc: a column or a list, first stage first: population counts of units (a column with a value above 1) or sampling
    fractions (up to 1); one more fpc than psu columns makes the rows the units of the last stage. A later stage
    without fpc adds its variance as if drawn with replacement; where a stage is complete, f = 1, the next one carries
    all the variance: name it, else there is none.
    nest: psu labels start again in every stratum (later stages always nest in the unit before).
    wave: the column that tells the rounds of fieldwork apart.
    lonely_psu: what a stratum with one psu does: "fail" refuses it; "remove" and "certainty" let it add no variance;
    "adjust" centres it at the mean of all psus; "average" gives it the average of the other strata.
    lonely_psu_in_domains: the rule also holds for a stratum that a domain leaves with one psu of several: "fail"
    refuses the domain, "adjust" and "average" do the same as above, stratum by stratum of that domain. "remove" and
    "certainty" change nothing there, as in R, because the psus without members are information. Without it such
    strata are counted in the column `lonely_strata` of the results.
    inclusion_probability: a column or a list, first stage first, of probabilities above 0 and up to 1. With `pps` they
    must be constant in a unit of their stage; one more than psu columns makes the rows the units of the last stage.
    pps: drawn without replacement with these probabilities: "brewer", "overton" or "hartley-rao" (approximations, see
    `unequal`), or the joint probabilities themselves: {(psu, psu): probability}, a pandas table with psu labels as
    index and columns, or, where every row is its own psu, an array in the order of the rows. Labels are
    (stratum.., psu) where nest=True. They are about the first stage; later stages always take Brewer's factor, which is
    that of a simple random sample where probabilities are equal. A psu drawn with certainty belongs in a stratum
    of its own. None: with replacement (what a systematic sample should use).
    pps_variance: "HT" (Horvitz-Thompson) or "YG" (Yates-Grundy), for all but "brewer".
    collapsed: groups of strata that count as one; made by `collapse_strata`.
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
    lonely_psu_in_domains: bool = False
    inclusion_probability: str | Sequence[str] | None = None
    pps: Any = None
    pps_variance: str = "HT"
    collapsed: tuple[tuple[Label, ...], ...] = ()
    replicates: Replicates | None = None

    def __post_init__(self) -> None:
        for kind, name in (("weight", self.weight), ("wave", self.wave)):
            if name is not None and not isinstance(name, str):
                raise DesignError(f"{kind}={name!r} is no column: give its name as text.")
        if self.lonely_psu not in LONELY:
            raise DesignError(f"lonely_psu={self.lonely_psu!r} is not a rule. {nearest(self.lonely_psu, LONELY)}")
        if self.weight is None and not self.fpc and not self.inclusion_probability:
            raise DesignError(
                "The design has neither weight nor fpc nor inclusion_probability: name the weight column with weight=."
            )
        if self.pps is not None and not isinstance(self.pps, str):
            object.__setattr__(self, "pps", read_joint(self.pps))
        self._check_pps()
        units = (self.stratum, self.psu, self.fpc, self.inclusion_probability)
        if self.replicates is not None and (self.weight is None or any(units)):
            raise DesignError(
                "Replicate weights stand in place of stratum, psu and fpc: give weight= and replicates= alone."
            )
        for kind, columns in (("fpc", self.fpcs), ("inclusion_probability", self.inclusion_probabilities)):
            if len(columns) > len(self.psus) + 1:
                raise DesignError(
                    f"The design has {len(columns)} {kind} columns for {len(self.psus)} psu columns: "
                    "give one per stage, first stage first."
                )

    def _check_pps(self) -> None:
        if self.pps_variance not in VARIANCES:
            raise DesignError(f"pps_variance={self.pps_variance!r} is not a variance: choose 'HT' or 'YG'.")
        if isinstance(self.pps, str) and self.pps not in METHODS:
            raise DesignError(f"pps={self.pps!r} is not a method. {nearest(self.pps, METHODS)}")
        if self.pps_variance == "YG" and not self.has_joint_probabilities:
            raise DesignError(
                "pps_variance='YG' needs joint probabilities: choose pps='overton', 'hartley-rao' or give them."
            )
        if self.pps is None:
            return
        if not self.inclusion_probability:
            raise DesignError("pps= needs the inclusion probabilities: name their column, inclusion_probability=.")
        if self.fpc:
            raise DesignError("pps= takes its finite population correction from inclusion_probability: leave fpc out.")
        if not self.has_joint_probabilities:
            return
        if self.wave is not None:
            raise DesignError("Joint probabilities say nothing of psus shared by waves: use pps='brewer' with wave=.")
        if self.lonely_psu in ("adjust", "average") or self.lonely_psu_in_domains:
            raise DesignError(
                "With joint probabilities a stratum with one psu can be refused or left without variance only: "
                "choose lonely_psu='fail', 'remove' or 'certainty', or pps='brewer'."
            )

    @property
    def has_joint_probabilities(self) -> bool:
        """Whether the first stage has joint inclusion probabilities, given or approximated."""
        return self.pps is not None and (isinstance(self.pps, JointProbabilities) or self.pps != "brewer")

    def collapse_strata(self, strata: Mapping[Any, Any] | Sequence[Sequence[Any]]) -> "Design":
        """The design in which each group of strata counts as one: groups of labels, or {stratum: name of its group}.

        For strata with one psu; choose the groups before an answer is seen, of strata that should be alike. The
        variance is then too large by what the strata of a group differ, so that intervals are conservative (Wolter
        2007, section 2.5); groups chosen after the answers, of strata with like answers, make it too small. The
        labels of a design with several stratum columns are tuples.
        """
        if not self.strata:
            raise DesignError("The design has no strata to collapse: name them with stratum=.")
        groups: dict[Any, list[Any]] = {}
        if isinstance(strata, Mapping):
            for label, name in strata.items():
                groups.setdefault(name, []).append(label)
        listed = list(groups.values()) if isinstance(strata, Mapping) else [list(group) for group in strata]
        return replace(self, collapsed=_united(self.collapsed, [self._labels(group) for group in listed]))

    def _labels(self, group: Sequence[Any]) -> tuple[Label, ...]:
        labels = tuple(label if isinstance(label, tuple) else (label,) for label in group)
        for label in labels:
            if len(label) != len(self.strata):
                raise DesignError(
                    f"The stratum {describe(label)!r} has {len(label)} labels for {len(self.strata)} stratum columns: "
                    "write it as a tuple with one label per column."
                )
        if len(set(labels)) < 2:
            raise DesignError(f"A group of {describe(labels[0]) if labels else 'no strata'!r} alone: name two or more.")
        return labels

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
    def inclusion_probabilities(self) -> tuple[str, ...]:
        """The columns of inclusion probabilities, first stage first."""
        return as_names(self.inclusion_probability)

    @property
    def stage_columns(self) -> tuple[str, ...]:
        """The column that says of each stage how many units there are, first stage first."""
        return self.fpcs if self.pps is None else self.inclusion_probabilities

    @property
    def rows_are_units(self) -> bool:
        """Whether the row itself is the sampling unit of the last stage, so that rows cannot be summed first."""
        return not self.psus or len(self.stage_columns) > len(self.psus)

    @property
    def unit_columns(self) -> tuple[str, ...]:
        """The psu columns that the variance needs: later stages count only where the first is finite."""
        return self.psus[: len(self.stage_columns) + 1]

    @property
    def keys(self) -> tuple[str, ...]:
        """Every column that identifies a sampling unit."""
        wave = () if self.wave is None else (self.wave,)
        return tuple(dict.fromkeys((*self.strata, *wave, *self.unit_columns)))

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column the design names."""
        weight = () if self.weight is None else (self.weight,)
        return tuple(dict.fromkeys((*self.keys, *self.psus, *self.fpcs, *self.inclusion_probabilities, *weight)))


def _united(before: Sequence[tuple[Label, ...]], groups: Sequence[tuple[Label, ...]]) -> tuple[tuple[Label, ...], ...]:
    """Groups with those of before that they touch; a stratum named in two new groups is refused."""
    named = [label for group in groups for label in dict.fromkeys(group)]
    twice = next((label for label in named if named.count(label) > 1), None)
    if twice is not None:
        raise DesignError(f"The stratum {describe(twice)!r} stands in two groups: name it in one.")
    united = list(before)
    for group in groups:
        touched = [one for one in united if set(one) & set(group)]
        together = dict.fromkeys(label for one in (*touched, group) for label in one)
        united = [one for one in united if one not in touched] + [tuple(together)]
    return tuple(united)


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
