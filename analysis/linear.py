"""From the table of sums to estimates with scores: every linearised estimator goes through here.

An estimate is r = sum_k a_k Y_k / X_k over the items k, Y and X weighted sums over the members of a domain; the
score of a unit is sum_k a_k (Y_ik - r_k X_ik) / X_k (Sarndal, Swensson and Wretman 1992, section 5.5; Binder 1983),
less what the weighting steps explain of it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from analysis.entries import Entries, chain
from analysis.layout import Stage
from analysis.repeated import Repeated
from analysis.repeats import Repeats
from analysis.totals import Reduced
from analysis.variance import Root, group_any, group_sums, lonely_groups, root
from analysis.weighting import Cells, CellSums, Taken, credited, product

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]
CHUNK = 256
NOISE = 1e-11
Rule = Callable[[Booleans], tuple[Floats, str]]
Fit = Callable[[Floats], Floats]


@dataclass(frozen=True)
class Part:
    """One ratio: positions of its numerator and denominator among the row expressions; no denominator makes a total.

    name: the item it is about, where a statistic has several.
    """

    numerator: int
    denominator: int | None
    name: str = ""


@dataclass(frozen=True)
class Statistic:
    """A variable to be estimated: its parts, how they are weighed given which of them have a base, and its own base.

    base: position of the row expression that is 1 where the row counts. rule: K booleans -> K coefficients and the
    reason why there is no estimate ("" if there is one).
    """

    name: str
    parts: tuple[Part, ...]
    base: int
    rule: Rule | None = None


@dataclass(frozen=True)
class Linear:
    """A reduced table, the weighting steps taken and the rule for lonely psus: makes entries for any set of domains.

    repeats: where the sample has replicate weights, the factors that make them; every variance then comes from these.
    """

    reduced: Reduced
    cells: Cells
    steps: tuple[Taken, ...]
    lonely: str
    repeats: Repeats | None = None

    @property
    def replicated(self) -> bool:
        """Whether variances come from replicate weights, so that `entries_of_rows` needs a `fit`."""
        return self.repeats is not None

    @cached_property
    def factor(self) -> Floats:
        """R factors that turn base weights into final weights."""
        return np.asarray(product(self.steps, self.cells)[self.reduced.cell])

    @cached_property
    def counts(self) -> Booleans:
        """R, whether a group of rows counts: it has a weight and keeps one, in the sample or in a replicate. Who did
        not respond keeps none.
        """
        kept = self.factor != 0
        if self.repeated is not None:
            kept = kept | (self.repeated.factor != 0).any(axis=1)[self.reduced.cell]
        return np.asarray((self.reduced.rows > 0) & kept)

    @cached_property
    def weight(self) -> Floats:
        """R sums of final weights; where each row is a group, the rows' weights."""
        return self.reduced.weight * self.factor

    def cells_of(self, reduced: Reduced) -> Cells:
        """The cells of another reduced table of the same sample."""
        return Cells(self.cells.variables, reduced.cells)

    @cached_property
    def cell_weight(self) -> Floats:
        """C sums of base weights over all rows of each cell."""
        count = len(self.cells.labels)
        return np.bincount(self.reduced.cell, weights=self.reduced.weight, minlength=count).astype(float)

    @cached_property
    def cell_rows(self) -> Floats:
        """C numbers of rows."""
        count = len(self.cells.labels)
        return np.bincount(self.reduced.cell, weights=self.reduced.rows, minlength=count).astype(float)

    @cached_property
    def final_sums(self) -> Floats:
        """R x J sums with final weights."""
        return self.reduced.sums * self.factor[:, None]

    def entries(self, statistic: Statistic, members: Booleans) -> Entries:
        """Estimates of one statistic for P sets of domains, each a row of `members` (P x D)."""
        pieces = [self._chunk(statistic, members[start : start + CHUNK]) for start in range(0, len(members), CHUNK)]
        if len(pieces) == 1:
            return pieces[0]
        return chain(pieces)

    def mask(self, members: Booleans) -> Floats:
        """R x P ones where a group of rows belongs to a set of domains; who weighs nothing in the end, as who did not
        respond, belongs to none.
        """
        held = np.column_stack([members, np.zeros(len(members), dtype=bool)])
        return (held[:, self.reduced.domain] & (self.factor != 0)).T.astype(float)

    def _chunk(self, statistic: Statistic, members: Booleans) -> Entries:
        reduced, mask = self.reduced, self.mask(members)
        totals = mask.T @ self.final_sums
        counted = mask.T @ reduced.plain[:, statistic.base]
        values, coefficients, ratios, reasons = _ratios(statistic, totals, counted)
        scores = _scores(statistic, reduced.sums, mask, coefficients=coefficients, ratios=ratios)
        size = _sizes(statistic, self.final_sums, mask, coefficients)
        flat = np.abs(scores * self.factor[:, None]).max(axis=0, initial=0.0) <= NOISE * size
        if self.repeated is not None:
            estimates = self.repeated.estimates(statistic, members, totals, coefficients)
            rooted, values, reasons = self.repeated.judged(values, estimates, reasons)
        else:
            plain = None
            if self._by_survey:
                plain = _scores(statistic, reduced.plain, mask, coefficients=coefficients, ratios=ratios)
            valid = self._valid(statistic, mask) if reduced.layout.lonely_in_domains else None
            rooted = self.root_of(scores, size=size, plain=plain, members=valid)
            if reduced.layout.lonely_in_domains == "average":  # of no other stratum
                flat |= ~rooted.rows.any(axis=0)
        return Entries(
            values=values,
            root=rooted,
            n=counted,
            size=totals[:, statistic.base],
            df=self._degrees(statistic, mask),
            reasons=reasons,
            flat=flat,
            waves=self._waves(mask),
            members=members,
            coefficients=tuple(tuple(row) for row in coefficients.tolist()),
        )

    def _valid(self, statistic: Statistic, mask: Floats) -> Booleans:
        """R x P, the groups with a valid answer in each set of domains."""
        return np.asarray((mask > 0) & (self.reduced.plain[:, [statistic.base]] > 0))

    @property
    def _first(self) -> Stage:
        """The first stage, as the groups stand in it."""
        first = self.reduced.layout.stages[0]
        return replace(first, of=first.of[self.reduced.unit])

    def lonely_strata(self, statistic: Statistic, members: Booleans) -> NDArray[np.int64]:
        """P numbers of strata (in a wave) of which each set of domains (P x D) has a valid answer in one psu of
        several.
        """
        valid, first = self._valid(statistic, self.mask(members)), self._first
        if first.copies is None:
            return np.asarray(lonely_groups(valid, first).sum(axis=0))
        answers = group_sums(valid * self.reduced.plain[:, [statistic.base]], first.group[first.of], len(first.drawn))
        return np.asarray(((np.rint(answers) == 1) & (first.drawn > 1)[:, None]).sum(axis=0))

    @cached_property
    def _units_inside(self) -> Booleans:
        """Whether each last-stage unit has a row inside `where`."""
        alive = self.reduced.inside & (self.reduced.rows > 0)
        return group_any(alive[:, None], self.reduced.unit, len(self.reduced.layout.stages[-1].of))[:, 0]

    @property
    def _by_survey(self) -> bool:
        return any(taken.step.credit == "survey" for taken in self.steps)

    def root_of(
        self, scores: Floats, *, size: Floats, plain: Floats | None = None, members: Booleans | None = None
    ) -> Root:
        """The root of P estimates from R x P sums of linearised scores, with base weights.

        size: P, the largest term that the scores are differences of: what rounding is measured by. plain: the same
        sums without weights, which only the credit of R's `survey` needs. members: R x P, the groups with an answer in
        the domain of each estimate (None: those inside `where`), which only the rule for lonely psus in domains needs.
        """
        reduced, layout, there = self.reduced, self.reduced.layout, None
        units = group_sums(self._residuals(scores, plain), reduced.unit, len(layout.stages[-1].of))
        if layout.lonely_in_domains:
            held = (reduced.inside & (reduced.rows > 0))[:, None] if members is None else members
            there = group_sums(np.broadcast_to(held, scores.shape).astype(float), reduced.unit, len(units)) > 0
        return _without_noise(root(units, layout, self.lonely, self._units_inside, there), size)

    def _residuals(self, scores: Floats, plain: Floats | None) -> Floats:
        """R x P scores with final weights, less what the margins of the weighting steps explain."""
        if not self.steps:
            return scores
        count = len(self.cells.labels)
        per_cell = group_sums(scores, self.reduced.cell, count)
        bare = per_cell if plain is None else group_sums(plain, self.reduced.cell, count)
        sums = CellSums(weight=self.cell_weight, rows=self.cell_rows, scores=per_cell, plain=bare)
        credit = credited(self.cells, self.steps, sums)
        offset = credit.offset[self.reduced.cell] * self.reduced.weight[:, None]
        return credit.multiplier[self.reduced.cell][:, None] * scores + offset

    def entries_of_rows(self, values: Floats, influence: Floats, counted: Booleans, fit: Fit | None = None) -> Entries:
        """Entries of P estimates whose linearised influence is known for each row, each row being a group.

        influence: R x P, of a row with weight 1. counted: R x P (or R x 1), the rows that the estimate is made of.
        fit: R final weights -> P values, the estimates made anew; with replicate weights it is called once for each
        replicate and the variance is that of its results (`influence` then only says which estimates are flat).
        """
        scores = influence * self.reduced.weight[:, None]
        plain = influence * self.reduced.rows[:, None] if self._by_survey else None
        size = np.abs(scores).max(axis=0, initial=0.0)
        counts = np.broadcast_to(counted & self.counts[:, None], influence.shape)
        reasons: tuple[str, ...] = ("",) * len(values)
        if self.repeated is not None:
            rooted, values, reasons = self.repeated.judged(values, self.repeated.refitted(len(values), fit), reasons)
        else:
            rooted = self.root_of(scores, size=size, plain=plain, members=counts)
        return Entries(
            values=values,
            root=rooted,
            n=counts.sum(axis=0).astype(float),
            size=(counts * self.weight[:, None]).sum(axis=0),
            df=self.degrees_of(counts, counts),
            reasons=reasons,
            flat=size <= 0,
            waves=self._waves(counts.astype(float)),
            members=np.zeros((len(values), len(self.reduced.domains)), dtype=bool),
            coefficients=((),) * len(values),
        )

    @cached_property
    def repeated(self) -> Repeated | None:
        """The estimates of the replicates, where the sample has any."""
        if self.repeats is None:
            return None
        return Repeated(self.reduced, self.cells, self.steps, self.repeats, self.design_df)

    def replicate_root_of(self, values: Floats, estimates: Floats) -> Root:
        """The root of P estimates from their B x P replicates; zero where one of them is not a number."""
        assert self.repeated is not None
        return self.repeated.root_of(values, estimates)

    @cached_property
    def design_df(self) -> float:
        """Degrees of freedom of the whole, inside `where`."""
        inside = (self.reduced.inside & (self.reduced.rows > 0))[:, None]
        return float(self._freedom(inside)[0])

    def _freedom(self, rows: Booleans, answers: Floats | None = None) -> Floats:
        """P degrees of freedom of the groups chosen (R x P): psus less strata; the rank of supplied replicates less
        one. answers: R, the rows chosen in each group, where rows are the psus and were summed; None: all of them.
        """
        if self._first.copies is not None:
            return self._rows_less_strata(rows, self.reduced.rows if answers is None else answers)
        if self.repeats is None or not self.repeats.by_rank:
            return self._psus_less_strata(rows)
        return np.array([self.repeats.rank(one) - 1 for one in rows.T])

    def _degrees(self, statistic: Statistic, mask: Floats) -> Floats:
        """P x 3 psus less strata."""
        answers = self.reduced.plain[:, statistic.base]
        return self.degrees_of(self._valid(statistic, mask), (mask > 0) & (self.reduced.rows[:, None] > 0), answers)

    def degrees_of(self, valid: Booleans, domain: Booleans, answers: Floats | None = None) -> Floats:
        """P x 3 degrees of freedom of groups with a valid answer, of the domain (R x P each), and inside `where`.
        answers: R, the valid answers in each group.
        """
        everywhere = np.full(valid.shape[1], self.design_df)
        return np.column_stack([self._freedom(valid, answers), self._freedom(domain), everywhere])

    def _rows_less_strata(self, rows: Booleans, answers: Floats) -> Floats:
        first = self._first
        home = self.reduced.layout.stratum[first.of]
        strata = group_any(rows, home, int(home.max()) + 1)
        return np.rint((rows * answers[:, None]).sum(axis=0)) - strata.sum(axis=0)

    def _psus_less_strata(self, rows: Booleans) -> Floats:
        layout = self.reduced.layout
        first = layout.stages[0].of[self.reduced.unit]
        pair = layout.pair[first]
        psus = group_any(rows, pair, int(layout.pair.max()) + 1)
        home = np.zeros(len(psus), dtype=np.int64)
        home[layout.pair] = layout.stratum
        strata = group_any(psus, home, int(layout.stratum.max()) + 1)
        return (psus.sum(axis=0) - strata.sum(axis=0)).astype(float)

    def _waves(self, mask: Floats) -> Booleans:
        layout = self.reduced.layout
        wave = layout.wave[layout.stages[0].of[self.reduced.unit]]
        return group_any(mask > 0, wave, len(layout.waves)).T


def _ratios(statistic: Statistic, totals: Floats, counted: Floats) -> tuple[Floats, Floats, Floats, tuple[str, ...]]:
    """P values, P x K coefficients a / X and ratios r, and the reasons where there is no estimate; counted: P, rows
    with an answer.
    """
    count, parts = len(totals), statistic.parts
    coefficients, ratios = np.zeros((count, len(parts))), np.zeros((count, len(parts)))
    values, reasons = np.full(count, np.nan), []
    for row in range(count):
        if parts[0].denominator is None:
            coefficients[row], known = 1.0, bool(counted[row])
            values[row] = totals[row, parts[0].numerator] if known else np.nan
            reasons.append("" if known else "no valid answer")
            continue
        below = np.array([totals[row, part.denominator] for part in parts])
        above = np.array([totals[row, part.numerator] for part in parts])
        based = below != 0 if statistic.rule is None else below > 0
        shares, reason = (np.ones(len(parts)), "") if statistic.rule is None else statistic.rule(based)
        if not based.any():
            reason = "no valid answer" if not counted[row] else "what it is divided by adds up to 0"
        reasons.append(reason)
        if not reason:
            ratios[row] = np.divide(above, below, out=np.zeros(len(parts)), where=based)
            coefficients[row] = np.divide(shares, below, out=np.zeros(len(parts)), where=based)
            values[row] = shares @ ratios[row]
    return values, coefficients, ratios, tuple(reasons)


def _scores(statistic: Statistic, sums: Floats, mask: Floats, *, coefficients: Floats, ratios: Floats) -> Floats:
    """R x P sums of the linearised scores."""
    scores = np.zeros_like(mask)
    for k, part in enumerate(statistic.parts):
        one = np.repeat(sums[:, [part.numerator]], mask.shape[1], axis=1)
        if part.denominator is not None:
            one = one - sums[:, [part.denominator]] * ratios[:, k]
        scores += one * coefficients[:, k]
    return scores * mask


def _sizes(statistic: Statistic, sums: Floats, mask: Floats, coefficients: Floats) -> Floats:
    """P sizes of the largest term that the scores are differences of: what rounding is measured by."""
    largest = np.zeros(mask.shape[1])
    for k, part in enumerate(statistic.parts):
        term = np.abs(sums[:, [part.numerator]] * mask * coefficients[:, k]).max(axis=0, initial=0.0)
        largest = np.maximum(largest, term)
    return largest


def _without_noise(rooted: Root, size: Floats) -> Root:
    """Columns that are zero in theory (a constant or calibrated variable) and rounding in practice become exactly
    zero.
    """
    noise = np.abs(rooted.rows).max(axis=0, initial=0.0) <= NOISE * size
    return replace(rooted, rows=np.where(noise, 0.0, rooted.rows)) if noise.any() else rooted
