"""What a weighting step is: factors per cell, solved again for every set of weights, and what it explains of a score.

A step sees the weights before it, summed by cell, and gives a factor per cell. Replicate weights repeat it: `solve`
takes one column of weights per replicate.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from analysis.errors import DesignError, nearest
from analysis.weighting.cells import Cells, Floats, Label

CREDITS = ("design", "survey")


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

    def solve(self, cells: Cells, weight: Floats) -> Floats:
        """C x B factors for C x B weights before the step, summed by cell; DesignError where there are none."""
        ...

    def explain(self, cells: Cells, weight: Floats, sums: Floats) -> Floats | None:
        """C x P: what known totals explain of a score, given C weights before the step and C x P sums of the weighted
        score; None where the step has no known totals.
        """
        ...


@dataclass(frozen=True)
class Taken:
    """A step that was taken on a sample, with the factor of each cell of its variables."""

    step: Step
    factors: Mapping[Label, float]

    def on(self, cells: Cells) -> Floats:
        """C factors."""
        return np.array([self.factors[label] for label in cells.project(self.step.variables)])


def take(step: Step, cells: Cells, weight: Floats) -> Taken:
    """Take a step: weight is C, the weights before it summed by cell."""
    if step.credit not in CREDITS:
        raise DesignError(f"credit={step.credit!r} is not a rule. {nearest(step.credit, CREDITS)}")
    factors = step.solve(cells, weight[:, None])[:, 0]
    return Taken(step, dict(zip(cells.project(step.variables), factors.tolist(), strict=True)))


def product(steps: Sequence[Taken], cells: Cells) -> Floats:
    """C factors of all steps together."""
    return np.asarray(np.prod([np.ones(len(cells.labels)), *(taken.on(cells) for taken in steps)], axis=0))


def repeat(steps: Sequence[Taken], cells: Cells, weight: Floats) -> Floats:
    """C x B factors of all steps taken anew on C x B base weights: one column per replicate."""
    factor = np.ones_like(weight)
    for taken in steps:
        factor = factor * taken.step.solve(cells, weight * factor)
    return factor
