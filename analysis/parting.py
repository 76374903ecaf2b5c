"""Estimates taken apart: a family for each city, and the same items for all domains."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.entries import Entries, chain, pick
from analysis.errors import DesignError
from analysis.estimates import Estimates
from analysis.estimation import WHOLE
from analysis.linear import Linear, Rule, Statistic

Booleans = NDArray[np.bool_]


def parts_of(estimates: Estimates, within: str) -> list[Estimates]:
    """The estimates of each value of `within` (a column of `by`) with that value's own whole, as families apart.

    Estimates that are not yet told apart by `within` are made anew, with `within` before the other columns.
    """
    if within not in estimates.by:
        if estimates.again is None or not estimates.by:
            raise DesignError(f"within={within!r} needs estimates by it: by=[{within!r}, ...].")
        estimates = estimates.again((within, *estimates.by))
    engine = estimates.engine
    if len(estimates.by) < 2 or engine is None:
        raise DesignError(f"within={within!r} needs a further column in by=, such as by=[{within!r}, 'district'].")
    estimates = estimates.without_whole()
    place = estimates.by.index(within)
    values = list(dict.fromkeys(domain[place] for domain in estimates.domains))
    return [_part(estimates, engine, place, value) for value in values]


def _part(estimates: Estimates, engine: Linear, place: int, value: Any) -> Estimates:
    count = len(estimates.domains)
    kept = [i for i, domain in enumerate(estimates.domains) if domain[place] == value]
    labels, members = _wholes(estimates, place, value, kept)
    shown = pick(estimates.entries, [v * count + i for v in range(len(estimates.variables)) for i in kept])
    hidden = [engine.entries(statistic, members) for statistic in estimates.statistics]
    return replace(
        estimates,
        domains=tuple(estimates.domains[i] for i in kept),
        wholes=labels,
        entries=chain([shown, *hidden]),
    )


def _wholes(
    estimates: Estimates, place: int, value: Any, kept: Sequence[int]
) -> tuple[tuple[tuple[Any, ...], ...], Booleans]:
    """Labels and members of the whole of one value, or of one per wave where the waves are told apart."""
    members = estimates.entries.members
    wave = None if estimates.wave is None else estimates.by.index(estimates.wave)
    rounds = [None] if wave is None else list(dict.fromkeys(estimates.domains[i][wave] for i in kept))
    labels, rows = [], []
    for one in rounds:
        mine = [i for i in kept if wave is None or estimates.domains[i][wave] == one]
        rows.append(members[mine].any(axis=0))
        known = {place: value} if wave is None else {place: value, wave: one}
        labels.append(tuple(known.get(i, WHOLE) for i in range(len(estimates.by))))
    return tuple(labels), np.array(rows)


def on_common_items(estimates: Estimates) -> Estimates:
    """See `Estimates.on_common_items`."""
    engine = estimates.engine
    if engine is None:
        raise DesignError("A contrast has no items of its own: take the estimates of a sample.")
    common = [_common(estimates, v) for v in range(len(estimates.variables))]
    statistics = tuple(_restricted(one, kept) for one, kept in zip(estimates.statistics, common, strict=True))
    members = estimates.entries.members
    blocks = [len(estimates.domains)] * len(statistics) + [len(estimates.wholes)] * len(statistics)
    ends = np.cumsum(blocks)
    made: list[Entries] = [
        engine.entries(statistics[i % len(statistics)], members[end - size : end])
        for i, (size, end) in enumerate(zip(blocks, ends.tolist(), strict=True))
    ]
    return replace(estimates, statistics=statistics, entries=chain(made), again=None)


def _common(estimates: Estimates, variable: int) -> Booleans:
    """Which items of a variable have a base in every domain that has an estimate."""
    count, items = len(estimates.domains), len(estimates.statistics[variable].parts)
    places = [i for i in range(variable * count, (variable + 1) * count) if not estimates.reasons[i]]
    used = np.array([estimates.entries.coefficients[i] for i in places]).reshape(len(places), items) != 0
    return np.asarray(used.all(axis=0))


def _restricted(statistic: Statistic, kept: Booleans) -> Statistic:
    rule = statistic.rule
    if rule is None or kept.all():
        return statistic
    if not kept.any():
        raise DesignError(f"No item of {statistic.name!r} has a base in every domain: compare fewer domains.")

    def restricted(based: Booleans, rule: Rule = rule) -> tuple[NDArray[np.float64], str]:
        return rule(based & kept)

    return replace(statistic, rule=restricted)
