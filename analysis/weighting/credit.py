"""What the weighting steps take off the variance: the residuals of a score on what was made known.

credit="design" projects with the weights before each step, last step first (Deville and Sarndal 1992).
credit="survey" repeats R's `survey` 4.5; the last step's credit holds for the chain.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

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
    factors = [taken.on(cells) for taken in steps]
    final = np.prod([np.ones(len(sums.weight)), *factors], axis=0)
    explained = np.zeros_like(sums.scores)
    for position in reversed(range(len(steps))):
        before = np.prod([np.ones(len(sums.weight)), *factors[:position]], axis=0)
        left = before[:, None] * (sums.scores - explained * sums.weight[:, None])
        fit = steps[position].step.explain(cells, before * sums.weight, left)
        if fit is not None:
            explained = explained + fit
    return Credit(final, -final[:, None] * explained)


def _by_survey(cells: Cells, steps: Sequence[Taken], sums: CellSums) -> Credit:
    """Steps in the order taken; each sees the score times the factors of later steps; raking sweeps ten unweighted
    means.
    """
    factors = [np.ones(len(sums.weight)), *(taken.on(cells) for taken in steps)]
    final = np.prod(factors, axis=0)[:, None]
    taken = np.zeros_like(sums.scores)
    for position, one in enumerate(steps, start=1):
        before = np.prod(factors[:position], axis=0)[:, None]
        after = before * factors[position][:, None]
        step = one.step
        if isinstance(step, Raking) and step.iterations > 1:
            taken = _swept(cells, step, sums, final=final, after=after, taken=taken)
            continue
        left = (final * sums.scores - taken * sums.weight[:, None]) / after * before
        fit = step.explain(cells, sums.weight * before[:, 0], left)
        if fit is not None:
            taken = taken + after * fit
    return Credit(final[:, 0], -taken)


def _swept(cells: Cells, step: Raking, sums: CellSums, *, final: Floats, after: Floats, taken: Floats) -> Floats:
    for _ in range(10):
        for place in step.places(cells):
            member = np.eye(place.max() + 1)[place]
            left = (final * sums.plain - taken * sums.rows[:, None]) / after
            mean = (member.T @ left) / (member.T @ sums.rows)[:, None]
            taken = taken + after * mean[place]
    return taken
