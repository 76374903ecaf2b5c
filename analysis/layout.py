"""The sampling units and how they nest: which unit stands in which group at each stage, how many were drawn of how
many.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.design import Design, describe
from analysis.errors import DesignError

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Labels = tuple[tuple[Any, ...], ...]


@dataclass(frozen=True)
class Stage:
    """One stage of sampling: U units in G groups (strata and waves at the first stage, the units before at a later
    one).

    of: last-stage unit -> unit of this stage. group: U, unit -> group. drawn, population: G, units drawn and units
    there are (infinite without fpc).
    """

    of: Integers
    group: Integers
    drawn: Floats
    population: Floats
    names: tuple[str, ...]

    @property
    def fraction(self) -> Floats:
        """G sampling fractions, 0 without fpc."""
        return self.drawn / self.population


@dataclass(frozen=True)
class Layout:
    """All stages, and for the first one: the stratum, the wave and the (stratum, psu) pair of each unit, and its label
    (stratum, wave and psu; the position of the row where rows are the units).
    """

    stages: tuple[Stage, ...]
    stratum: Integers
    wave: Integers
    waves: Labels
    pair: Integers
    labels: Labels
    implied_weight: Floats


def codes_of(columns: Sequence[Sequence[Any]], rows: int) -> tuple[Integers, Labels]:
    """Rows numbered by the tuple of their labels, in order of appearance; labels are compared as tuples, never
    joined.
    """
    if not columns:
        return np.zeros(rows, dtype=np.int64), ((),)
    seen: dict[tuple[Any, ...], int] = {}
    codes = [seen.setdefault(label, len(seen)) for label in zip(*columns, strict=True)]
    return np.array(codes, dtype=np.int64), tuple(seen)


def make_layout(
    design: Design, labels: Mapping[str, list[Any]], fpcs: Sequence[tuple[Floats, Floats]], rows: int
) -> tuple[Layout, Integers]:
    """The layout of the units, and the last-stage unit of each of the `rows` groups of the reduced table."""
    for name in design.keys:
        if None in labels[name]:
            raise DesignError(f"The design column {name!r} has missing values: every row needs its {name}.")
    strata = [labels[name] for name in design.strata]
    wave_columns = [] if design.wave is None else [labels[design.wave]]
    stratum, stratum_names = codes_of(strata, rows)
    wave, waves = codes_of(wave_columns, rows)
    paths = [labels[name] for name in design.unit_columns]
    _check_nesting(design, stratum, wave, paths)
    depths = [[*strata, *wave_columns, *paths[: depth + 1]] for depth in range(len(paths))]
    if design.rows_are_units:
        depths.append([list(range(rows))])
    last, _ = codes_of(depths[-1], rows)
    first_row = _first_rows(last)
    top_group, top_names = codes_of([*strata, *wave_columns], rows)
    stages: list[Stage] = []
    first_labels: Labels = ()
    group, names = top_group, tuple(describe(name) for name in top_names)
    for depth, columns in enumerate(depths):
        unit, unit_labels = codes_of(columns, rows)
        stages.append(_stage(design, depth, unit=unit, group=group, names=names, limits=fpcs, first=first_row))
        first_labels = unit_labels if depth == 0 else first_labels
        group, names = unit, tuple(describe(name) for name in unit_labels)
        if depth >= len(fpcs):
            break
    one_row = first_row[_first_rows(stages[0].of)]
    pair, _ = codes_of([stratum[one_row].tolist(), _psu_names(design, paths, one_row)], len(one_row))
    _check_lonely(design, stages, [describe(name) for name in stratum_names])
    layout = Layout(
        stages=tuple(stages),
        stratum=stratum[one_row],
        wave=wave[one_row],
        waves=waves,
        pair=pair,
        labels=first_labels,
        implied_weight=_implied_weight(stages),
    )
    return layout, last


def _psu_names(design: Design, paths: list[list[Any]], one_row: Integers) -> list[Any]:
    return [paths[0][row] for row in one_row] if paths else one_row.tolist()


def _first_rows(codes: Integers) -> Integers:
    """The first position of each code; codes are numbered in order of appearance, so these ascend."""
    return np.unique(codes, return_index=True)[1].astype(np.int64)


def _stage(
    design: Design,
    depth: int,
    *,
    unit: Integers,
    group: Integers,
    names: tuple[str, ...],
    limits: Sequence[tuple[Floats, Floats]],
    first: Integers,
) -> Stage:
    of_group = group[_first_rows(unit)]
    drawn = np.bincount(of_group, minlength=len(names)).astype(float)
    population = np.full(len(names), np.inf)
    if depth < len(limits):
        population = _population(design.fpcs[depth], limits[depth], group, drawn=drawn, names=names)
    return Stage(of=unit[first], group=of_group, drawn=drawn, population=population, names=names)


def _population(
    column: str, limits: tuple[Floats, Floats], group: Integers, *, drawn: Floats, names: tuple[str, ...]
) -> Floats:
    """Units there are in each group, from counts (above 1) or fractions (up to 1); must be one value per group."""
    low, high = np.full(len(names), np.inf), np.full(len(names), -np.inf)
    np.minimum.at(low, group, limits[0])
    np.maximum.at(high, group, limits[1])
    for name, least, most, count in zip(names, low, high, drawn, strict=True):
        where = f"in the group {name!r}" if name else "in the sample"
        if not least == most or not least > 0:
            raise DesignError(
                f"The fpc column {column!r} has no single positive value {where} ({least:g} to {most:g})."
            )
        if most > 1 and most < count:
            raise DesignError(f"The fpc column {column!r} says {most:g} units {where}, of which {count:g} were drawn.")
    return np.where(high > 1, high, drawn / high)


def _check_nesting(design: Design, stratum: Integers, wave: Integers, paths: list[list[Any]]) -> None:
    if design.nest or not design.strata or not paths:
        return
    home: dict[tuple[Any, int], int] = {}
    for label, of_wave, of_stratum in zip(paths[0], wave.tolist(), stratum.tolist(), strict=True):
        if home.setdefault((label, of_wave), of_stratum) != of_stratum:
            raise DesignError(
                f"The psu {label!r} of the column {design.psus[0]!r} stands in two strata of "
                f"{describe(design.strata)!r}. Say nest=True if labels start again in every stratum, "
                "else mend the labels."
            )


def _check_lonely(design: Design, stages: Sequence[Stage], strata: Sequence[str]) -> None:
    if design.lonely_psu != "fail":
        return
    for depth, stage in enumerate(stages):
        lonely = np.flatnonzero((stage.drawn == 1) & (stage.fraction < 1 - 1e-7))
        if not len(lonely):
            continue
        name, others = stage.names[lonely[0]], len(lonely) - 1
        more = f" (and {others} more)" if others else ""
        if depth:
            raise DesignError(
                f"The psu {name!r}{more} has one unit at stage {depth + 1}, so that its variance is undefined. "
                "Give no fpc at the first stage, or choose another lonely_psu rule."
            )
        raise DesignError(
            f"The stratum {name!r}{more} has one psu, so that its variance is undefined. "
            "Merge it with a neighbouring stratum, or choose another lonely_psu rule."
        )


def _implied_weight(stages: Sequence[Stage]) -> Floats:
    """The weight of each last-stage unit: the product over the stages of units there are over units drawn."""
    weight = np.ones(len(stages[-1].of))
    for stage in stages:
        weight *= (1 / stage.fraction)[stage.group[stage.of]] if np.isfinite(stage.population).all() else 1.0
    return weight
