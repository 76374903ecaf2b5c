"""What a weighting step is: factors per cell, solved again for every set of weights, and what it explains of a score.

A step sees the weights before it, summed by the cells of its own variables, and gives a factor per cell. Replicate
weights repeat it: `solve` takes one column of weights per replicate.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from analysis.errors import DesignError, nearest
from analysis.variance import group_sums
from analysis.weighting.cells import Cells, Floats, Label

CREDITS = ("design", "survey")


@dataclass(frozen=True)
class Before:
    """What stands before a step, by cell (C x B): weights, and the number of rows that carry them.

    The first column is the sample itself, the others are replicates, numbered from 1. In a replicate a row counts as
    often as it was drawn, at its own weight.
    """

    weight: Floats
    rows: Floats

    def name(self, column: int) -> str:
        """The place of a column in an error: nothing for the sample itself."""
        return f" in replicate {column}" if column else ""


class Step(Protocol):
    """A weighting step before it meets a sample."""

    @property
    def variables(self) -> tuple[str, ...]:
        """The columns that make its cells."""
        ...

    @property
    def credit(self) -> str:
        """ "design", or "survey" for the variance of R's `survey`."""
        ...

    @property
    def estimated(self) -> bool:
        """Whether the totals it agrees with are those of all drawn cases, which vary, instead of known ones."""
        ...

    def solve(self, cells: Cells, before: Before) -> Floats:
        """C x B factors; DesignError where there are none."""
        ...

    def explain(self, cells: Cells, weight: Floats, sums: Floats) -> Floats | None:
        """C x P: what its totals explain of a score, given C weights before the step and C x P sums of the weighted
        score; None where the weight after the step is a new base, with nothing behind it.
        """
        ...

    def notes(self, cells: Cells, before: Before, factor: Floats) -> tuple[str, ...]:
        """What a reader must know of the step as taken on the sample (factor: C)."""
        ...


@dataclass(frozen=True)
class Taken:
    """A step that was taken on a sample, with the factor of each cell of its variables."""

    step: Step
    factors: Mapping[Label, float]

    def on(self, cells: Cells) -> Floats:
        """C factors."""
        part, code = cells.onto(self.step.variables)
        return np.array([self.factors[label] for label in part.labels])[code]


def take(step: Step, cells: Cells, weight: Floats, rows: Floats) -> tuple[Taken, tuple[str, ...]]:
    """Take a step: weight and rows are C, the weights before it and numbers of rows summed by cell. With it come the
    notes.
    """
    if step.credit not in CREDITS:
        raise DesignError(f"credit={step.credit!r} is not a rule. {nearest(step.credit, CREDITS)}")
    part, code = cells.onto(step.variables)
    before = Before(*(group_sums(one[:, None], code, len(part.labels)) for one in (weight, rows)))
    factors = step.solve(part, before)[:, 0]
    return Taken(step, dict(zip(part.labels, factors.tolist(), strict=True))), step.notes(part, before, factors)


def product(steps: Sequence[Taken], cells: Cells) -> Floats:
    """C factors of all steps together."""
    return np.asarray(np.prod([np.ones(len(cells.labels)), *(taken.on(cells) for taken in steps)], axis=0))


def repeat(steps: Sequence[Taken], cells: Cells, weight: Floats, rows: Floats) -> Floats:
    """C x B factors of all steps taken anew on C x B base weights, the first column being the sample itself.

    rows: C, the sample's rows.
    """
    factor = np.ones_like(weight)
    held = weight[:, :1] > 0
    drawn = np.divide(weight * rows[:, None], weight[:, :1], out=np.zeros_like(weight), where=held)
    for taken in steps:
        part, code = cells.onto(taken.step.variables)
        count = len(part.labels)
        before = Before(group_sums(weight * factor, code, count), group_sums(drawn, code, count))
        factor = factor * taken.step.solve(part, before)[code]
    return factor
