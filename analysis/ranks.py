"""Rank sets: the ranks that the data do not exclude, never a rank alone (Mogstad, Romano, Shaikh and Wilhelm 2024)."""

from dataclasses import dataclass, replace
from itertools import combinations, count
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.design import describe
from analysis.errors import DesignError, nearest
from analysis.estimates import Estimates, check_level
from analysis.families import Row as Pair
from analysis.families import contrast_matrix
from analysis.simultaneous import MaxT

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]
METHODS = ("max-t", "pairs-holm", "pairs-bonferroni", "means-bonferroni", "means-sidak")


@dataclass(frozen=True)
class RankSets:
    """K domains, rank 1 the highest value: the ranks `low` to `high` that are not excluded, and letters.

    Domains that share a letter cannot be told apart; letters overlap, they are not classes. approximate: whether the
    simulation is from replicates, which do not tell the strata apart. notes: the items of an index that a domain is
    ranked without though others have them.
    """

    domains: tuple[str, ...]
    estimates: Floats
    rank: Floats
    low: Floats
    high: Floats
    letters: tuple[str, ...]
    method: str
    simultaneous: bool
    level: float
    approximate: bool = False
    notes: tuple[str, ...] = ()

    def to_frame(self) -> pd.DataFrame:
        """One row per domain: domain, estimate, rank, low, high, letters; and `note` where items differ."""
        frame = pd.DataFrame(
            {
                "domain": list(self.domains),
                "estimate": self.estimates,
                "rank": self.rank.astype(int),
                "low": self.low.astype(int),
                "high": self.high.astype(int),
                "letters": list(self.letters),
            }
        )
        return frame.assign(note=list(self.notes)) if any(self.notes) else frame


@dataclass(frozen=True)
class Rule:
    """How rank sets are made; df: degrees of freedom for the methods that use t, by default those of ESTIMATION."""

    method: str
    level: float
    simultaneous: bool
    df: str | float | None
    seed: int


def rank_sets(estimates: Estimates, rule: Rule) -> RankSets:
    """Rank sets of the domains of one variable; see `Estimates.rank_sets`.

    method: "max-t" (pairs by step-down simulation; `simultaneous=False`: for each domain the pairs that contain it
    only), "pairs-holm", "pairs-bonferroni", "means-bonferroni", "means-sidak" (Klein, Wright and Wieczorek 2020).
    Raises DesignError where a domain has no estimate or no estimated variance: a rank set would claim what is not
    known.
    """
    if rule.method not in METHODS:
        raise DesignError(f"There is no rank method {rule.method!r}. {nearest(rule.method, METHODS)}")
    if not rule.simultaneous and rule.method != "max-t":
        raise DesignError(f"The method {rule.method!r} is simultaneous: use method='max-t' for marginal sets.")
    check_level(rule.level)
    check_rankable(estimates)
    if rule.method.startswith("means"):
        above = _means(estimates, rule)
        low, high = bounds(above)
    else:
        above, low, high = _pairs(estimates, rule)
    values = estimates.values
    return RankSets(
        domains=tuple(describe(domain) for domain in estimates.domains),
        estimates=values,
        rank=1.0 + (values[None, :] > values[:, None]).sum(axis=1),
        low=low,
        high=high,
        letters=letters(above | above.T, values),
        method=rule.method,
        simultaneous=rule.simultaneous,
        level=rule.level,
        approximate=rule.method == "max-t" and estimates.entries.root.replicates is not None,
        notes=tuple(f"without {items}" if items else "" for items in estimates.without),
    )


def rank_sets_within(estimates: Estimates, rule: Rule, within: str) -> RankSets:
    """Rank sets among the domains of each value of `within`, side by side."""
    from analysis.parting import parts_of

    made = [rank_sets(part, rule) for part in parts_of(estimates, within)]
    arrays: dict[str, Any] = {
        name: np.concatenate([getattr(one, name) for one in made]) for name in ("estimates", "rank", "low", "high")
    }
    return replace(
        made[0],
        domains=tuple(domain for one in made for domain in one.domains),
        letters=tuple(letter for one in made for letter in one.letters),
        notes=tuple(note for one in made for note in one.notes),
        **arrays,
    )


def check_rankable(estimates: Estimates, *, varying: bool = True) -> None:
    """Refuse domains of several variables, and those without an estimate or (if `varying`) without its variance."""
    if len(estimates.variables) != 1 or len(estimates.domains) < 2:
        raise DesignError("Ranks need one variable and at least two domains: ask for one item with by=.")
    for domain, reason in zip(estimates.domains, estimates.reasons, strict=True):
        if reason:
            raise DesignError(f"The domain {describe(domain)!r} has no estimate ({reason}): leave it out with where=.")
    flats = estimates.entries.flat[: estimates.shown]
    for domain, se, flat in zip(estimates.domains, estimates.se, flats, strict=True):
        if varying and (flat or not se > 0):
            raise DesignError(
                f"The domain {describe(domain)!r} has no estimated variance (all its psus agree, or it has one): "
                "it has no rank set; leave it out with where=."
            )


def _means(estimates: Estimates, rule: Rule) -> Booleans:
    """K x K: whether the interval of j lies above that of k, intervals simultaneous over the K values."""
    from scipy import stats

    size, alpha = len(estimates.values), 1 - rule.level
    each = alpha / size if rule.method == "means-bonferroni" else 1 - (1 - alpha) ** (1 / size)
    half = stats.t.ppf(1 - each / 2, estimates.degrees(rule.df or "valid")) * estimates.se
    return np.asarray((estimates.values - half)[:, None] > (estimates.values + half)[None, :])


@dataclass(frozen=True)
class Pairs:
    """The pairs of K domains as one family, the simulation made once: which of them differ, and which way.

    pairs: (j, k) of each contrast, j < k. tested: those whose difference varies at all.
    """

    size: int
    pairs: tuple[tuple[int, int], ...]
    differences: Floats
    tested: NDArray[np.int64]
    family: MaxT

    def above(self, rejected: Booleans, differences: Floats) -> Booleans:
        """K x K: whether j is shown to lie above k, given which of the tested pairs differ."""
        result = np.zeros((self.size, self.size), dtype=bool)
        for place in self.tested[rejected]:
            pair = self.pairs[place]
            result[pair if differences[place] > 0 else pair[::-1]] = True
        return result

    def holding(self, domain: int) -> NDArray[np.int64]:
        """Which of the tested pairs a domain is in."""
        return np.flatnonzero([domain in self.pairs[place] for place in self.tested])


def all_pairs(estimates: Estimates, seed: int) -> Pairs:
    """The family of all pairs of the shown domains."""
    size = len(estimates.domains)
    pairs = tuple(combinations(range(size), 2))
    matrix = contrast_matrix([Pair("", "", "", j, k) for j, k in pairs], size)
    root, waves = estimates.entries.root.columns(range(size)), estimates.entries.waves
    about = np.array([waves[[j, k]].any(axis=0) for j, k in pairs])
    differences = np.array([estimates.values[j] - estimates.values[k] for j, k in pairs])
    tested = np.flatnonzero(root.combine(matrix).se() > 1e-9 * estimates.se.max())
    family = MaxT(differences[tested], root, about[tested], matrix[:, tested], seed=seed)
    return Pairs(size, pairs, differences, tested, family)


def _pairs(estimates: Estimates, rule: Rule) -> tuple[Booleans, Floats, Floats]:
    """K x K: whether domain j is shown to lie above domain k, over all pairs; and the bounds of the rank sets."""
    made = all_pairs(estimates, rule.seed)
    rejected = made.family.rejected(rule.level) if rule.method == "max-t" else _adjusted(made, estimates, rule)
    above = made.above(rejected, made.differences)
    return (above, *(bounds(above) if rule.simultaneous else _marginal(made, rule)))


def bounds(above: Booleans) -> tuple[Floats, Floats]:
    """The lowest and the highest rank of each domain, given which lie above which."""
    return 1.0 + above.sum(axis=0), len(above) - above.sum(axis=1).astype(float)


def _marginal(made: Pairs, rule: Rule) -> tuple[Floats, Floats]:
    """Rank bounds that hold for one domain at a time: the family is the pairs that contain it."""
    low, high = np.ones(made.size), np.full(made.size, float(made.size))
    for j in range(made.size):
        above = made.above(made.family.rejected(rule.level, among=made.holding(j)), made.differences)
        low[j] += above[:, j].sum()
        high[j] -= above[j, :].sum()
    return low, high


def _adjusted(made: Pairs, estimates: Estimates, rule: Rule) -> Booleans:
    from scipy import stats
    from statsmodels.stats.multitest import multipletests

    family = made.family
    if rule.df is None:
        df: Floats | float = family.rooted.satterthwaite(family.waves)
    else:
        df = float(estimates.degrees(rule.df).min())
    p = 2 * stats.t.sf(np.abs(family.statistics), df)
    return np.asarray(multipletests(p, alpha=1 - rule.level, method=rule.method.removeprefix("pairs-"))[0])


def letters(differ: Booleans, values: Floats) -> tuple[str, ...]:
    """Letters such that two domains share one exactly where they do not differ (insert and absorb, Piepho 2004)."""
    size = len(values)
    columns: list[frozenset[int]] = [frozenset(range(size))]
    for j, k in combinations(range(size), 2):
        if not differ[j, k]:
            continue
        split: list[frozenset[int]] = []
        for column in columns:
            split += [column - {j}, column - {k}] if {j, k} <= column else [column]
        columns = [
            one for i, one in enumerate(split) if not any(_absorbs(split, i, m) for m in range(len(split)) if m != i)
        ]
    columns.sort(key=lambda column: sorted((-values[i], i) for i in column))
    names = [_letter(i) for i, _ in zip(count(), columns, strict=False)]
    return tuple("".join(name for name, column in zip(names, columns, strict=True) if i in column) for i in range(size))


def _absorbs(columns: list[frozenset[int]], small: int, large: int) -> bool:
    one, other = columns[small], columns[large]
    return one < other or (one == other and large < small)


def _letter(place: int) -> str:
    """a to z, then a1 to z1 and so on."""
    turn, letter = divmod(place, 26)
    return chr(ord("a") + letter) + (str(turn) if turn else "")
