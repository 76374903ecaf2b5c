"""Which strata with one psu are merged with which neighbour, decided before an answer is seen (Wolter 2007, 2.5)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.design import Design, check_columns, describe
from analysis.errors import DesignError
from analysis.layout import Layout
from analysis.totals import Reduced, is_missing, reduce_rows

if TYPE_CHECKING:
    from analysis.bound import BoundTable

CERTAIN = 1 - 1e-7


def collapsed(
    sample: "BoundTable", strata: Mapping[Any, Any] | Sequence[Sequence[Any]] | None, by: str | None
) -> Design:
    """The sample's design with strata merged; see `Sample.collapse_strata`."""
    if (strata is None) == (by is None):
        raise DesignError("collapse_strata needs either the groups of strata or by=, the column that orders them.")
    if sample.replication is not None:
        raise DesignError("The replicates were made from the strata as they were: collapse strata first.")
    if by is None:
        design = sample.design.collapse_strata(strata or [])
        reduce_rows(sample.frame, _lenient(design))  # refuses labels that the table does not have
        return design
    groups = _neighbours(sample, by)
    return sample.design.collapse_strata(groups) if groups else sample.design


def _lenient(design: Design) -> Design:
    """The design without its rule for lonely psus: they are what is looked for."""
    return replace(design, lonely_psu="remove", lonely_psu_in_domains=False)


def _neighbours(sample: "BoundTable", by: str) -> list[list[Any]]:
    """Each stratum with one psu and the next in the order of `by`; the last, and the one before it."""
    check_columns([by], list(sample.schema), "by=")
    if not sample.design.strata:
        raise DesignError("The design has no strata to collapse: name them with stratum=.")
    values = _values(reduce_rows(sample.frame, replace(_lenient(sample.design), collapsed=()), by=[by]), by)
    layout = reduce_rows(sample.frame, _lenient(sample.design)).layout
    first = {one: min(values[label] for label in labels) for one, labels in enumerate(layout.strata)}
    lonely, certain = _states(layout)
    ordered = sorted(np.flatnonzero(~certain).tolist(), key=lambda one: (first[one], str(layout.strata[one])))
    groups: list[list[int]] = []
    waiting = False
    for one in ordered:
        if waiting:
            groups[-1].append(one)
            waiting = False
        else:
            groups.append([one])
            waiting = bool(lonely[one])
    if waiting and len(groups) == 1:
        raise DesignError(f"The stratum {_name(layout, groups[0][0])!r} has one psu and no neighbour to merge it with.")
    if waiting:
        last = groups.pop()
        groups[-1] += last
    return [[label for one in group for label in layout.strata[one]] for group in groups if len(group) > 1]


def _values(reduced: Reduced, by: str) -> dict[Any, Any]:
    """The one value of the column in each stratum, by its label."""
    layout = reduced.layout
    stratum = layout.stratum[layout.stages[0].of[reduced.unit]].tolist()
    found: dict[Any, Any] = {}
    for one, domain in zip(stratum, reduced.domain.tolist(), strict=True):
        value = None if domain < 0 else reduced.domains[domain][0]
        if is_missing(value) or found.setdefault(layout.strata[one][0], value) != value:
            raise DesignError(
                f"The column {by!r} has no single value in the stratum {_name(layout, one)!r}: order strata by "
                "something known of each before the answers, such as its size or its place."
            )
    return found


def _states(layout: Layout) -> tuple[Any, Any]:
    """Whether each stratum has one psu in some wave, and whether its psus were all drawn with certainty."""
    first, count = layout.stages[0], len(layout.strata)
    home = np.zeros(len(first.drawn), dtype=np.int64)
    home[first.group] = layout.stratum
    complete = first.fraction > CERTAIN
    lonely, certain = np.zeros(count, dtype=bool), np.ones(count, dtype=bool)
    np.logical_or.at(lonely, home, (first.drawn == 1) & ~complete)
    np.logical_and.at(certain, home, complete)
    return lonely, certain


def _name(layout: Layout, stratum: int) -> str:
    return " + ".join(describe(label) for label in layout.strata[stratum])
