"""The one variance: linearised scores of the sampling units become a root R, and every covariance is R'R.

Per stratum, (1 - f) n / (n - 1) sum_i (E_i - E)(E_i - E)'; a later stage adds its own, times the product of the earlier
sampling fractions (Sarndal, Swensson and Wretman 1992, chapter 4; Lumley 2010, section 2.3). Psus drawn with joint
inclusion probabilities have a signed form of their own (`unequal`). Keeping the rows whose
cross-product this is, and not only the cross-product, gives each stratum's own share for degrees of freedom.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.errors import DesignError
from analysis.layout import Layout, Stage

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
ROUNDING = 1e-14


@dataclass(frozen=True)
class Root:
    """Rows whose signed cross-product is the covariance.

    rows: M x P, P estimates. block: M, the stratum (or psu, at later stages) of each row. waves: M x T, whether the
    row's psu took part in each wave: a block has as many degrees of freedom as psus less waves, counted over the
    waves asked. sign: M of 1 or -1: joint inclusion probabilities may give a form that is not positive. replicates:
    where the rows are scaled deviations of B replicate estimates, those estimates. units: M, how many psus each row
    stands for; None: one.
    """

    rows: Floats
    block: Integers
    waves: NDArray[np.bool_]
    sign: Floats
    replicates: "ReplicateEstimates | None" = None
    units: Floats | None = None

    def covariance(self) -> Floats:
        """P x P."""
        covariance = np.asarray(self.rows.T @ (self.sign[:, None] * self.rows))
        if self.signed:
            np.fill_diagonal(covariance, self.variance())
        return covariance

    def variance(self) -> Floats:
        """P, the diagonal of the covariance; negative where a form that is not positive makes it so."""
        variance = np.asarray(np.einsum("m,mp,mp->p", self.sign, self.rows, self.rows))
        if not self.signed:
            return variance
        rounding = ROUNDING * np.einsum("mp,mp->p", self.rows, self.rows)
        return np.where(np.abs(variance) <= rounding, 0.0, variance)

    @property
    def signed(self) -> bool:
        """Whether the form need not be positive: joint inclusion probabilities."""
        return bool((self.sign < 0).any())

    def se(self) -> Floats:
        """P standard errors; NaN where a form that is not positive gives a negative variance."""
        variance = self.variance()
        return np.sqrt(np.where(variance < 0, np.nan, variance))

    def columns(self, places: Sequence[int] | NDArray[Any]) -> "Root":
        """The root of some of the estimates, in the order asked."""
        chosen = np.asarray(places)
        return replace(self, rows=self.rows[:, chosen], replicates=self.replicates and self.replicates.columns(chosen))

    def combine(self, coefficients: Floats) -> "Root":
        """The root of linear combinations: P x C coefficients give C columns."""
        made = self.replicates and self.replicates.combine(coefficients)
        return replace(self, rows=self.rows @ coefficients, replicates=made)

    def freedom(self, waves: NDArray[np.bool_]) -> Floats:
        """Degrees of freedom of each block, over the given waves (T booleans)."""
        if self.replicates is not None:
            return np.array([self.replicates.df])
        present = self.waves & waves
        blocks = int(self.block.max(initial=-1)) + 1
        each = np.ones(len(self.rows)) if self.units is None else self.units
        units = np.rint(np.bincount(self.block, weights=present.any(axis=1) * each, minlength=blocks))
        rounds = np.zeros((blocks, present.shape[1]), dtype=bool)
        np.logical_or.at(rounds, self.block, present)
        return units - rounds.sum(axis=1)

    def satterthwaite(self, waves: NDArray[np.bool_] | None = None) -> Floats:
        """P degrees of freedom (sum q)^2 / sum(q^2 / nu) over the blocks' shares q; 0 where nothing varies.

        waves: P x T, the waves that each column is about.
        """
        count = self.rows.shape[1]
        asked = np.ones((count, self.waves.shape[1]), dtype=bool) if waves is None else waves
        blocks = int(self.block.max(initial=-1)) + 1
        shares = group_sums(self.sign[:, None] * self.rows**2, self.block, blocks)
        result = np.zeros(count)
        for pattern in np.unique(asked, axis=0):
            columns = np.flatnonzero((asked == pattern).all(axis=1))
            freedom = self.freedom(pattern)
            alive = freedom > 0
            total = shares[np.ix_(alive, columns)].sum(axis=0)
            below = (shares[np.ix_(alive, columns)] ** 2 / freedom[alive][:, None]).sum(axis=0)
            result[columns] = np.divide(total**2, below, out=np.zeros(len(columns)), where=below > 0)
        return result


@dataclass(frozen=True)
class ReplicateEstimates:
    """B replicate estimates of P parameters: V = sum_b scale_b (estimate_b - centre)(estimate_b - centre)'.

    scales: B. centre: P, the full-sample estimate, or the mean of the replicates (about_mean). df: degrees of freedom
    of the whole.
    """

    estimates: Floats
    scales: Floats
    centre: Floats
    df: float
    about_mean: bool = False

    def rows(self) -> Floats:
        """B x P scaled deviations."""
        return np.sqrt(self.scales)[:, None] * (self.estimates - self.centre)

    def columns(self, places: NDArray[Any]) -> "ReplicateEstimates":
        """Some of the parameters."""
        return replace(self, estimates=self.estimates[:, places], centre=self.centre[places])

    def combine(self, coefficients: Floats) -> "ReplicateEstimates":
        """Linear combinations of the parameters."""
        return replace(self, estimates=self.estimates @ coefficients, centre=self.centre @ coefficients)

    def logit_variance(self, scale: float) -> Floats:
        """P variances of log(estimate / (scale - estimate)); NaN where a replicate is not inside the scale."""
        inside = (
            ((self.estimates > 0) & (self.estimates < scale)).all(axis=0) & (self.centre > 0) & (self.centre < scale)
        )
        odds = np.log(np.where(inside, self.estimates, 0.5 * scale) / np.where(inside, scale - self.estimates, 1.0))
        centre = np.log(np.where(inside, self.centre, 0.5 * scale) / np.where(inside, scale - self.centre, 1.0))
        if self.about_mean:
            centre = odds[self.scales > 0].mean(axis=0)
        return np.where(inside, self.scales @ (odds - centre) ** 2, np.nan)


def replicate_root(replicates: ReplicateEstimates, waves: int) -> Root:
    """The root of replicate estimates: one block."""
    rows = replicates.rows()
    return Root(
        rows=rows,
        block=np.zeros(len(rows), dtype=np.int64),
        waves=np.ones((len(rows), waves), dtype=bool),
        sign=np.ones(len(rows)),
        replicates=replicates,
    )


def join(roots: list[Root]) -> Root:
    """Roots of one sample side by side: their estimates may be contrasted."""
    made = [root.replicates for root in roots if root.replicates is not None]
    together = None
    if made:
        together = replace(
            made[0],
            estimates=np.column_stack([one.estimates for one in made]),
            centre=np.concatenate([one.centre for one in made]),
        )
    return replace(roots[0], rows=np.column_stack([root.rows for root in roots]), replicates=together)


@dataclass(frozen=True)
class Lonely:
    """The rule for lonely psus; inside: U, last-stage units inside `where`; members: U x P, those of the domain of
    each estimate, where the rule also holds in domains.
    """

    name: str
    inside: NDArray[np.bool_]
    members: NDArray[np.bool_] | None


def root(
    scores: Floats,
    layout: Layout,
    lonely: str,
    inside: NDArray[np.bool_],
    members: NDArray[np.bool_] | None = None,
) -> Root:
    """The root of P estimates from the scores (U x P) of the U last-stage units.

    inside: U, whether a unit has a row inside `where`; the rule "average" counts the strata that do. members: U x P,
    whether it has one in the domain of each estimate; needed where the rule for lonely psus also holds in domains.
    """
    first = layout.stages[0]
    rule = Lonely(lonely, inside, members if layout.lonely_in_domains else None)
    parts = [_formed(scores, first, layout)] if layout.form is not None else _first_stage(scores, layout, rule)
    offset = int(layout.stratum.max(initial=-1)) + 1
    before = first.chances
    for stage in layout.stages[1:]:
        rows = _centred(scores, stage, before, rule)
        home = _ancestor(first, stage)
        there = np.eye(len(layout.waves), dtype=bool)[layout.wave[home]]
        parts.append(Root(rows, stage.group + offset, there, np.ones(len(rows)), units=stage.alike))
        offset += len(stage.drawn)
        before = before[stage.group] * stage.chances
    return Root(
        np.vstack([part.rows for part in parts]),
        np.concatenate([part.block for part in parts]),
        np.vstack([part.waves for part in parts]),
        np.concatenate([part.sign for part in parts]),
        units=np.concatenate([np.ones(len(part.rows)) if part.units is None else part.units for part in parts]),
    )


def _first_stage(scores: Floats, layout: Layout, rule: Lonely) -> list[Root]:
    """The first stage drawn with replacement, simply at random, or with Brewer's factor."""
    first = layout.stages[0]
    rows = _centred(scores, first, np.ones(len(first.drawn)), rule)
    took_part = np.eye(len(layout.waves), dtype=bool)[layout.wave]
    block, units = layout.stratum, first.alike
    if len(layout.waves) > 1:
        rows, block, took_part = _merged(rows, layout, took_part)
        units = np.ones(len(rows))
        units[layout.pair] = first.alike
    return [Root(rows, block, took_part, np.ones(len(rows)), units=units)]


def _formed(scores: Floats, first: Stage, layout: Layout) -> Root:
    """The first stage drawn with joint inclusion probabilities: see `unequal.Form`."""
    form = layout.form
    assert form is not None
    totals = group_sums(scores, first.of, len(first.group))
    if form.centred:
        totals -= (group_sums(totals, first.group, len(first.drawn)) / first.drawn[:, None])[first.group]
    waves = np.broadcast_to(form.counted[:, None], (len(form.sign), len(layout.waves)))
    return Root(form.transform @ totals, form.group, waves, form.sign)


def group_sums(values: Floats, group: Integers, count: int) -> Floats:
    """Sums of the rows of an N x P array by group: count x P."""
    return np.asarray(_by_group(np.add, values, group, np.zeros((count, values.shape[1]))))


def group_any(flags: NDArray[np.bool_], group: Integers, count: int) -> NDArray[np.bool_]:
    """Whether a flag of an N x P array is set in any row of a group: count x P."""
    return np.asarray(_by_group(np.logical_or, flags, group, np.zeros((count, flags.shape[1]), dtype=bool)))


def _by_group(join: np.ufunc, values: NDArray[Any], group: Integers, result: NDArray[Any]) -> NDArray[Any]:
    if len(group) == 0:
        return result
    if (group[1:] < group[:-1]).any():  # rows of a reduced table mostly stand in the order of their units
        order = np.argsort(group, kind="stable")
        group, values = group[order], values[order]
    starts = np.flatnonzero(np.r_[True, group[1:] != group[:-1]])
    result[group[starts]] = join.reduceat(values, starts, axis=0)
    return result


def lonely_groups(members: NDArray[np.bool_], stage: Stage) -> NDArray[np.bool_]:
    """G x P: the groups of several units of which a domain (members: last-stage units x P) leaves one."""
    there = group_sums(members.astype(float), stage.of, len(stage.group)) > 0
    left = group_sums(there.astype(float), stage.group, len(stage.drawn))
    return np.asarray((left == 1) & (stage.drawn > 1)[:, None])


def _centred(scores: Floats, stage: Stage, before: Floats, rule: Lonely) -> Floats:
    """Unit totals about their group's mean, times sqrt(f1 f2 .. (1 - f) n / (n - 1)), f the unit's own chance where
    chances are unequal (Brewer 2002).

    before: G, the probability that the unit which the group lies in was drawn.
    """
    sums = group_sums(scores, stage.of, len(stage.group))
    mean = group_sums(sums, stage.group, len(stage.drawn)) / stage.drawn[:, None]
    grand = sums.sum(axis=0) / stage.drawn.sum()
    totals = sums / stage.alike[:, None]
    alone = stage.drawn == 1
    spread = np.where(alone, 1.0, stage.drawn / np.maximum(stage.drawn - 1, 1))
    if rule.name == "adjust":
        mean[alone] = grand
    factor = np.clip((before * spread)[stage.group] * (1 - stage.chances), 0.0, None)[:, None] * stage.alike[:, None]
    if rule.members is not None:
        lonely = lonely_groups(rule.members, stage)
        mean, factor = _in_domains(lonely, stage, rule, mean=mean, grand=grand, factor=factor)
    elif rule.name == "average":
        counted = np.zeros(len(alone), dtype=bool)
        counted[stage.group[stage.of[rule.inside]]] = True
        defined = counted & ~(alone & (stage.fraction < 1 - 1e-7))
        factor = factor * counted.sum() / max(int(defined.sum()), 1)
    return (totals - mean[stage.group]) * np.sqrt(factor)


def _in_domains(
    lonely: NDArray[np.bool_], stage: Stage, rule: Lonely, *, mean: Floats, grand: Floats, factor: Floats
) -> tuple[Floats, Floats]:
    """G x P means and U x P factors with the rule applied where a domain leaves one psu (lonely: G x P), as R does."""
    if rule.name == "fail" and lonely.any():
        group = stage.names[int(np.flatnonzero(lonely.any(axis=1))[0])]
        raise DesignError(
            f"A domain leaves {group or 'the sample'!r} with one psu, which lonely_psu='fail' with "
            "lonely_psu_in_domains=True refuses: widen the domains, or choose lonely_psu='adjust' or 'average'."
        )
    if rule.name == "adjust":
        return np.where(lonely, grand, mean), factor
    if rule.name != "average":
        return mean, factor
    assert rule.members is not None
    counted = group_sums(rule.members.astype(float), stage.group[stage.of], len(stage.drawn)) > 0
    undefined = lonely | ((stage.drawn == 1) & (stage.fraction < 1 - 1e-7))[:, None]
    times = counted.sum(axis=0) / np.maximum((counted & ~undefined).sum(axis=0), 1)
    return mean, factor * np.where(lonely, 0.0, times)[stage.group]


def _merged(rows: Floats, layout: Layout, took_part: NDArray[np.bool_]) -> tuple[Floats, Integers, NDArray[np.bool_]]:
    """Rows of the same psu in several waves added up: what it was in one wave goes with what it was in the other."""
    count = int(layout.pair.max()) + 1
    block = np.zeros(count, dtype=np.int64)
    block[layout.pair] = layout.stratum
    waves = np.zeros((count, len(layout.waves)), dtype=bool)
    np.logical_or.at(waves, layout.pair, took_part)
    return group_sums(rows, layout.pair, count), block, waves


def _ancestor(first: Stage, stage: Stage) -> Integers:
    """The first-stage unit of each unit of a later stage."""
    home = np.zeros(len(stage.group), dtype=np.int64)
    home[stage.of] = first.of
    return home
