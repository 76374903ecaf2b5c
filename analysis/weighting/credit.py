"""What the weighting steps take off the variance: the residuals of a score on what was made known.

credit="design" is the chain rule through the steps, last step first, each projecting with the weights before it
(Deville and Sarndal 1992; where the totals are estimated from all drawn cases, Sarndal, Swensson and Wretman 1992,
section 9.8). credit="survey" repeats R's `survey` 4.5; the last step's credit holds for the chain.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.variance import group_sums
from analysis.weighting.cells import Cells, Floats
from analysis.weighting.raking import Raking
from analysis.weighting.steps import Taken


@dataclass(frozen=True)
class CellSums:
    """Sums per cell: weight, of base weights; rows, of ones (C each); scores and plain, of the scores, weighted with
    base weights and not (C x P).
    """

    weight: Floats
    rows: Floats
    scores: Floats
    plain: Floats


@dataclass(frozen=True)
class Credit:
    """How a group's score becomes a residual: multiplier * score + offset * weight, both of base weights; multiplier
    is C, offset C x P.
    """

    multiplier: Floats
    offset: Floats


def credited(cells: Cells, steps: Sequence[Taken], sums: CellSums) -> Credit:
    """The credit of a chain of steps for P scores."""
    survey = bool(steps) and steps[-1].step.credit == "survey"
    return _by_survey(cells, steps, sums) if survey else _by_design(cells, steps, sums)


def _by_design(cells: Cells, steps: Sequence[Taken], sums: CellSums) -> Credit:
    """The derivative of the estimate by the base weight of a row, times that weight, from the last step backwards.

    By the weight after a step it is multiplier * score + offset. By the weight before, with g the step's factor and
    b what the step's totals explain: g (multiplier * score + offset - b), and b on top where the totals are estimated.
    """
    factors = [np.ones(len(sums.weight)), *(taken.on(cells) for taken in steps)]
    multiplier, offset = np.ones(len(sums.weight)), np.zeros_like(sums.scores)
    for position in reversed(range(len(steps))):
        before = np.prod(factors[: position + 1], axis=0)
        left = multiplier[:, None] * sums.scores + offset * sums.weight[:, None]
        fit = _explained(cells, steps[position], before * sums.weight, before[:, None] * left)
        factor = factors[position + 1]
        if fit is None and (factor == 1).all():  # nothing was outside the bounds
            continue
        if fit is None:  # a new base: what came before is taken as it is
            return Credit(multiplier * before * factor, offset * (before * factor)[:, None])
        multiplier, offset = multiplier * factor, factor[:, None] * (offset - fit)
        if steps[position].step.estimated:
            offset = offset + fit
    return Credit(multiplier, offset)


def _explained(cells: Cells, taken: Taken, weight: Floats, sums: Floats) -> Floats | None:
    """C x P: what a step explains, asked on the cells of its own variables."""
    part, code = cells.onto(taken.step.variables)
    count = len(part.labels)
    fit = taken.step.explain(part, group_sums(weight[:, None], code, count)[:, 0], group_sums(sums, code, count))
    return None if fit is None else fit[code]


def _by_survey(cells: Cells, steps: Sequence[Taken], sums: CellSums) -> Credit:
    """Steps in the order taken; each sees the score times the factors of later steps; raking sweeps ten unweighted
    means. Trimming takes nothing away from the steps before it.
    """
    factors = [np.ones(len(sums.weight)), *(taken.on(cells) for taken in steps)]
    final = np.prod(factors, axis=0)[:, None]
    explained = np.zeros_like(sums.scores)
    for position, taken in enumerate(steps, start=1):
        before = np.prod(factors[:position], axis=0)[:, None]
        after = before * factors[position][:, None]
        if isinstance(taken.step, Raking):
            explained = _swept(cells, taken.step, sums, final=final, after=after, explained=explained)
            continue
        left = _over(final * sums.scores - explained * sums.weight[:, None], after) * before
        fit = _explained(cells, taken, sums.weight * before[:, 0], left)
        if fit is not None:
            explained = explained + after * fit
    return Credit(final[:, 0], -explained)


def _over(values: Floats, factor: Floats) -> Floats:
    """Values over a factor; 0 where the factor is."""
    return np.divide(values, factor, out=np.zeros_like(values), where=factor != 0)


def _swept(cells: Cells, step: Raking, sums: CellSums, *, final: Floats, after: Floats, explained: Floats) -> Floats:
    for _ in range(10):
        for place in step.places(cells):
            count = int(place.max()) + 1
            left = _over(final * sums.plain - explained * sums.rows[:, None], after)
            mean = _over(group_sums(left, place, count), group_sums(sums.rows[:, None], place, count))
            explained = explained + after * mean[place]
    return explained
