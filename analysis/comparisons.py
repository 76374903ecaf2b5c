"""Differences between estimates of one sample: against the whole, the rest, each other, a domain or a number, and over
waves.
"""

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np

from analysis.design import describe
from analysis.entries import chain
from analysis.errors import DesignError, nearest
from analysis.estimates import Estimates, is_number
from analysis.families import Comparison, Row, Rule, joined, make_family
from analysis.small_area import SmallAreas


def compare(estimates: Estimates, to: Any, rule: Rule) -> Comparison:
    """The family of all shown estimates against `to`; see `Estimates.compare`."""
    entries = estimates.entries
    _check_to(estimates, to)
    if is_number(to):
        rows = [_row(estimates, i, None, f"{to:g}", fixed=float(to)) for i in range(estimates.shown)]
        return _family(f"each against {to:g}", rows, estimates, rule)
    if to == "whole":
        rows = [_row(estimates, i, _whole(estimates, i), "whole") for i in _parts(estimates)]
        return _family("each against the whole", rows, estimates, rule)
    if to == "rest":
        places = _parts(estimates)
        entries = chain([entries, estimates.rest_entries(places)])
        first = len(estimates.entries.values)
        rows = [_row(estimates, i, first + k, "rest") for k, i in enumerate(places)]
        return make_family("each against the rest", rows, estimates, rule, entries=entries)
    if to == "pairs":
        pairs = [
            (i, j) for i in range(estimates.shown) for j in range(i) if estimates.labels[i][0] == estimates.labels[j][0]
        ]
        rows = [
            _row(estimates, j, i, describe(estimates.labels[i][1]))
            for i, j in sorted(pairs, key=lambda pair: pair[::-1])
        ]
        return _family("all pairs", rows, estimates, rule)
    return _against_domain(estimates, to, rule)


def _check_to(estimates: Estimates, to: Any) -> None:
    """Refuse what is nothing to compare with, and what may be a domain or something else."""
    if isinstance(to, (SmallAreas, Estimates)):
        model = isinstance(to, SmallAreas)
        raise DesignError(
            "Direct estimates are not compared with those of a model, whose error is not the design's."
            if model
            else "Estimates are compared with each other by their domains: make them in one call, with by=."
        )
    if not isinstance(to, Hashable):
        raise DesignError(
            f"to= is a {type(to).__name__}: compare with 'whole', 'rest', 'pairs', one domain (a tuple, if by several "
            "columns) or a number."
        )
    if is_number(to) and not np.isfinite(to):
        raise DesignError(f"to={to!r} is no number to compare with.")
    if (is_number(to) or (isinstance(to, str) and to in ("rest", "pairs"))) and (to,) in estimates.domains:
        meant, remedy = ("a number", " of text") if is_number(to) else (f"all {to}", "")
        raise DesignError(
            f"to={to!r} may be {meant} or the domain of this name: say to=({to!r},) for the domain, or give the "
            f"domains other labels{remedy}."
        )


def compare_within(estimates: Estimates, to: Any, rule: Rule, *, within: str) -> Comparison:
    """A family for each value of `within`, side by side; see `Estimates.compare`."""
    from analysis.parting import parts_of

    _check_to(estimates, to)
    if to not in ("whole", "rest", "pairs") and not is_number(to):
        raise DesignError(f"within={within!r} compares with 'whole', 'rest', 'pairs' or a number, not with {to!r}.")
    made = [compare(part, to, rule) for part in parts_of(estimates, within)]
    return joined(made, f"{made[0].family}, one family for each {within}")


def change(estimates: Estimates, over: str, rule: Rule, *, baseline: Any) -> Comparison:
    """The family of changes from `baseline` to the last value of `over`; see `Estimates.change`."""
    if over not in estimates.by:
        raise DesignError(f"A change over {over!r} needs by= to hold it, for example by=['district', {over!r}].")
    place = estimates.by.index(over)
    rounds = sorted({label[place] for label in estimates.domains}, key=lambda one: (isinstance(one, str), one))
    if len(rounds) < 2:
        raise DesignError(f"A change needs two values of {over!r}, and there is only {describe(tuple(rounds))!r}.")
    first = rounds[0] if baseline is None else baseline
    if first not in rounds:
        raise DesignError(f"There is no {over} {first!r}. {nearest(first, rounds)}")
    last = rounds[-1] if rounds[-1] != first else rounds[-2]
    named = [*estimates.labels, *estimates.hidden_labels]
    position = {label: i for i, label in reversed(list(enumerate(named)))}
    rows = []
    for (variable, label), plus in position.items():
        before = (variable, tuple(first if i == place else part for i, part in enumerate(label)))
        if label[place] == last and before in position:
            others = tuple(part for i, part in enumerate(label) if i != place)
            rows.append((plus, Row(variable, describe(others) or "whole", str(first), plus, position[before])))
    ordered = [row for _, row in sorted(rows, key=lambda one: one[0])]
    unique = list({(row.variable, row.domain): row for row in reversed(ordered)}.values())[::-1]
    family = f"change from {first} to {last}"
    return _family(family, unique, estimates, rule)


def _row(estimates: Estimates, plus: int, minus: int | None, reference: str, *, fixed: float = 0.0) -> Row:
    variable, domain = estimates.labels[plus]
    return Row(variable, describe(domain) or "whole", reference, plus, minus, fixed)


def _parts(estimates: Estimates) -> list[int]:
    """The shown estimates that are parts of a whole."""
    if not estimates.by or not estimates.wholes:
        raise DesignError("There is no whole to compare with: ask for the estimates with by=.")
    return [i for i, (_, domain) in enumerate(estimates.labels) if domain not in estimates.wholes]


def _whole(estimates: Estimates, place: int) -> int:
    v, d = divmod(place, len(estimates.domains))
    return estimates.shown + v * len(estimates.wholes) + estimates.whole_of(estimates.domains[d])


def _against_domain(estimates: Estimates, to: Any, rule: Rule) -> Comparison:
    wanted = to if isinstance(to, tuple) else (to,)
    if wanted not in estimates.domains:
        known = [describe(domain) for domain in estimates.domains]
        if describe(wanted) in known:
            raise DesignError(f"The domain {describe(wanted)!r} is labelled by a number: give to=({wanted[0]},).")
        raise DesignError(
            f"There is no domain {describe(wanted)!r} to compare with. {nearest(describe(wanted), known)} "
            "Or compare with 'whole', 'rest', 'pairs' or a number."
        )
    place, count = estimates.domains.index(wanted), len(estimates.domains)
    rows = [
        _row(estimates, i, i // count * count + place, describe(wanted))
        for i in range(estimates.shown)
        if i % count != place
    ]
    return _family(f"each against {describe(wanted)}", rows, estimates, rule)


def _family(family: str, rows: Sequence[Row], estimates: Estimates, rule: Rule) -> Comparison:
    return make_family(family, rows, estimates, rule, entries=estimates.entries)
