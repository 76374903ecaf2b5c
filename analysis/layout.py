"""The sampling units and how they nest: which unit stands in which group at each stage, how many were drawn of how
many.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.codes import Column, Described, Labels, codes_of, first_rows, labels_at, numbered
from analysis.design import Design, describe
from analysis.errors import DesignError, nearest
from analysis.unequal import Form, form_of

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Stage:
    """One stage of sampling: U units in G groups (strata and waves at the first stage, the units before at a later
    one).

    of: last-stage unit -> unit of this stage. group: U, unit -> group. drawn, population: G, units drawn and units
    there are (infinite without fpc). chance: U inclusion probabilities where units were drawn with unequal ones.
    copies: U, how many alike each unit stands for where rows were summed (see `elements`); None: for itself.
    """

    of: Integers
    group: Integers
    drawn: Floats
    population: Floats
    names: Sequence[str]
    chance: Floats | None = None
    copies: Floats | None = None

    @property
    def alike(self) -> Floats:
        """U numbers of units that each unit stands for."""
        return np.ones(len(self.group)) if self.copies is None else self.copies

    @property
    def fraction(self) -> Floats:
        """G sampling fractions, 0 without fpc; the mean of unequal inclusion probabilities."""
        return self.drawn / self.population

    @property
    def chances(self) -> Floats:
        """U probabilities of being drawn, 0 without fpc."""
        return self.fraction[self.group] if self.chance is None else self.chance


@dataclass(frozen=True)
class Layout:
    """All stages, and for the first one: the stratum, the wave and the (stratum, psu) pair of each unit, and its label
    (stratum, wave and psu; the position of the row where rows are the units).

    strata: the labels that each stratum is made of, several where strata were collapsed. form: where psus have joint
    inclusion probabilities, the form of their totals. lonely_in_domains: the rule for lonely psus where a domain
    makes them, "" if none holds.
    """

    stages: tuple[Stage, ...]
    stratum: Integers
    strata: tuple[Labels, ...]
    wave: Integers
    waves: Labels
    pair: Integers
    labels: Labels
    implied_weight: Floats
    form: Form | None = None
    lonely_in_domains: str = ""


def make_layout(
    design: Design,
    labels: Mapping[str, Column],
    limits: Sequence[tuple[Floats, Floats]],
    rows: int,
    *,
    copies: Floats | None = None,
) -> tuple[Layout, Integers]:
    """The layout of the units, and the last-stage unit of each of the `rows` groups of the reduced table.

    limits: the least and the largest value of each of the design's stage columns in each of the groups. copies: where
    rows are the units and were summed, how many alike each of the groups stands for.
    """
    _check_labels(design, labels)
    strata = [labels[name] for name in design.strata]
    wave_columns = [] if design.wave is None else [labels[design.wave]]
    stratum, stratum_names = codes_of(strata, rows)
    wave, waves = codes_of(wave_columns, rows)
    paths = [labels[name] for name in design.unit_columns]
    _check_nesting(design, stratum, wave, paths)
    top = [*strata, *wave_columns]
    depths: list[list[Any]] = [[*top, *paths[: depth + 1]] for depth in range(len(paths))]
    if design.rows_are_units:
        depths.append([np.arange(rows)])
    last = numbered(depths[-1], rows)
    first_row = first_rows(last)
    stages: list[Stage] = []
    group = numbered(top, rows)
    names = Described(top, group)
    for depth, columns in enumerate(depths):
        unit = last if columns is depths[-1] else numbered(columns, rows)
        alike = copies if columns is depths[-1] else None
        made = _stage(design, depth, unit=unit, group=group, names=names, limits=limits, first=first_row, copies=alike)
        stages.append(made)
        group, names = unit, Described(columns, unit)
        if depth >= len(limits):
            break
    one_row = first_row[first_rows(stages[0].of)]
    psu = paths[0].codes[one_row] if paths else one_row
    pair = numbered([stratum[one_row], psu], len(one_row))
    merged, members = _merged_strata(design, stratum_names)
    if design.collapsed:
        stages[0] = _collapsed(stages[0], merged[stratum[one_row]], wave[one_row], members)
    _check_lonely(design, stages)
    layout = Layout(
        stages=tuple(stages),
        stratum=merged[stratum[one_row]],
        strata=members,
        wave=wave[one_row],
        waves=waves,
        pair=pair,
        labels=labels_at(depths[0], one_row),
        implied_weight=_implied_weight(stages),
        form=_form(design, stages[0], [labels[name] for name in design.strata], paths, one_row),
        lonely_in_domains=design.lonely_psu if design.lonely_psu_in_domains else "",
    )
    return layout, last


def _check_labels(design: Design, labels: Mapping[str, Column]) -> None:
    """Refuse a missing label, and a column in which some labels are text and some are not."""
    for name in design.keys:
        if None in labels[name].distinct:
            raise DesignError(f"The design column {name!r} has missing values: every row needs its {name}.")
        text = next((label for label in labels[name].distinct if isinstance(label, str)), None)
        other = next((label for label in labels[name].distinct if not isinstance(label, str)), None)
        if text is not None and other is not None:
            raise DesignError(
                f"The design column {name!r} holds the text {text!r} beside {other!r}: make all its labels text."
            )


def _merged_strata(design: Design, names: Labels) -> tuple[Integers, tuple[Labels, ...]]:
    """The number of the stratum that each stratum counts as, and the labels that make up each of these."""
    place = {label: i for i, label in enumerate(names)}
    home = {label: labels for labels in design.collapsed for label in labels}
    unknown = next((label for label in home if label not in place), None)
    if unknown is not None:
        alike = next((one for one in names if describe(one) == describe(unknown)), None)
        raise DesignError(
            f"The collapsed stratum {unknown!r} is {alike!r} in the table: write the labels as they are there."
            if alike is not None
            else f"The collapsed stratum {describe(unknown)!r} does not stand in the table. "
            f"{nearest(describe(unknown), [describe(one) for one in names])}"
        )
    groups = dict.fromkeys(home.get(label, (label,)) for label in names)
    number = {labels: i for i, labels in enumerate(groups)}
    return np.array([number[home.get(label, (label,))] for label in names], dtype=np.int64), tuple(groups)


def _collapsed(stage: Stage, stratum: Integers, wave: Integers, members: tuple[Labels, ...]) -> Stage:
    """The first stage with strata merged: units drawn and units there are add up."""
    group, labels = codes_of([stratum.tolist(), wave.tolist()], len(stratum))
    home = np.zeros(len(stage.drawn), dtype=np.int64)
    home[stage.group] = group
    return Stage(
        of=stage.of,
        group=group,
        drawn=np.bincount(home, weights=stage.drawn).astype(float),
        population=np.bincount(home, weights=stage.population).astype(float),
        names=tuple(" + ".join(describe(label) for label in members[one]) for one, _ in labels),
        chance=stage.chance,
        copies=stage.copies,
    )


def _form(
    design: Design, first: Stage, strata: Sequence[Sequence[Any]], paths: Sequence[Sequence[Any]], one_row: Integers
) -> Form | None:
    """The form of the first stage, whose psus are named as in the table: (stratum.., psu) where labels start again."""
    if not design.has_joint_probabilities:
        return None
    labels: list[Any] | None = None
    if paths:
        columns = [*strata, paths[0]] if design.nest else [paths[0]]
        labels = [tuple(column[row] for column in columns) for row in one_row]
        labels = labels if design.nest and strata else [label[0] for label in labels]
    return form_of(design.pps, variance=design.pps_variance, chance=first.chances, group=first.group, labels=labels)


def _stage(
    design: Design,
    depth: int,
    *,
    unit: Integers,
    group: Integers,
    names: Sequence[str],
    limits: Sequence[tuple[Floats, Floats]],
    first: Integers,
    copies: Floats | None,
) -> Stage:
    of_group = group[first_rows(unit)]
    drawn = np.rint(np.bincount(of_group, weights=copies, minlength=len(names)).astype(float))
    population, chance = np.full(len(names), np.inf), None
    if depth < len(limits) and design.pps is not None:
        chance = _chance(design.inclusion_probabilities[depth], limits[depth], unit)
        population = drawn**2 / np.bincount(of_group, weights=chance, minlength=len(names))
    elif depth < len(limits):
        population = _population(design.fpcs[depth], limits[depth], group, drawn=drawn, names=names)
    of = unit[first]
    return Stage(of=of, group=of_group, drawn=drawn, population=population, names=names, chance=chance, copies=copies)


def _chance(column: str, limits: tuple[Floats, Floats], unit: Integers) -> Floats:
    """The inclusion probability of each unit; must be one value per unit."""
    count = int(unit.max()) + 1
    low, high = np.full(count, np.inf), np.full(count, -np.inf)
    np.minimum.at(low, unit, limits[0])
    np.maximum.at(high, unit, limits[1])
    if not (low == high).all():
        wrong = int(np.flatnonzero(low != high)[0])
        raise DesignError(
            f"The column {column!r} has {low[wrong]:g} and {high[wrong]:g} in one sampling unit: an inclusion "
            "probability is that of the unit, the same in all its rows."
        )
    return low


def _population(
    column: str, limits: tuple[Floats, Floats], group: Integers, *, drawn: Floats, names: Sequence[str]
) -> Floats:
    """Units there are in each group, from counts (a value is above 1) or fractions; must be one value per group."""
    low, high = np.full(len(names), np.inf), np.full(len(names), -np.inf)
    np.minimum.at(low, group, limits[0])
    np.maximum.at(high, group, limits[1])
    counts = bool((high > 1).any())
    for name, least, most, count in zip(names, low, high, drawn, strict=True):
        where = f"in the group {name!r}" if name else "in the sample"
        if least != most or not least > 0:
            values = f"{least:g} to {most:g}" if least > 0 else "a value is missing or not above 0"
            raise DesignError(f"The fpc column {column!r} has no single positive value {where} ({values}).")
        if counts and most < 1:
            raise DesignError(
                f"The fpc column {column!r} holds {most:g} {where} and counts elsewhere: give counts of units or "
                "sampling fractions, not both in one column."
            )
        if counts and most < count:
            raise DesignError(f"The fpc column {column!r} says {most:g} units {where}, of which {count:g} were drawn.")
    return high if counts else drawn / high


def _check_nesting(design: Design, stratum: Integers, wave: Integers, paths: Sequence[Sequence[Any]]) -> None:
    if design.nest or not design.strata or not paths:
        return
    psu = numbered([paths[0], wave], len(wave))
    if psu.max(initial=0) == numbered([psu, stratum], len(wave)).max(initial=0):
        return
    home: dict[tuple[Any, int], int] = {}
    for label, of_wave, of_stratum in zip(paths[0], wave.tolist(), stratum.tolist(), strict=True):
        if home.setdefault((label, of_wave), of_stratum) != of_stratum:
            raise DesignError(
                f"The psu {label!r} of the column {design.psus[0]!r} stands in two strata of "
                f"{describe(design.strata)!r}. Say nest=True if labels start again in every stratum, "
                "else mend the labels."
            )


def _check_lonely(design: Design, stages: Sequence[Stage]) -> None:
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
            "Merge it with a neighbouring stratum (Design.collapse_strata), or choose another lonely_psu rule."
        )


def _implied_weight(stages: Sequence[Stage]) -> Floats:
    """The weight of each last-stage unit: the product over the stages of units there are over units drawn; where
    these are not known, 1.
    """
    weight = np.ones(len(stages[-1].of))
    for stage in stages:
        weight *= (1 / stage.fraction)[stage.group[stage.of]] if np.isfinite(stage.population).all() else 1.0
    return weight
