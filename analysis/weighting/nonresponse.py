"""Weighting-class adjustment for nonresponse: in each class, those who responded stand for all who were drawn.

Sarndal, Swensson and Wretman 1992, section 15.6 (response homogeneity groups); Lohr 2022, section 8.5.
"""

from dataclasses import dataclass

import numpy as np

from analysis.design import describe
from analysis.errors import DesignError
from analysis.variance import group_sums
from analysis.weighting.cells import Cells, Floats, Integers
from analysis.weighting.steps import Before


@dataclass(frozen=True)
class Nonresponse:
    """The weights of all drawn over those of the responding, by class; who did not respond gets weight 0.

    responded: the column that is true or 1 for who did. The drawn weights vary from sample to sample, so that a
    score z of the responding becomes f (z - b) + b, b its mean among the responding of the class, and for the others b.
    """

    classes: tuple[str, ...]
    responded: str
    credit: str = "design"
    estimated: bool = True

    @property
    def variables(self) -> tuple[str, ...]:
        """The classes and the column of who responded."""
        return (*self.classes, self.responded)

    def _read(self, cells: Cells, held: Floats) -> tuple[Cells, Integers, Floats]:
        """The classes, the class of each cell, and 1 where its rows responded; held: C, 0 where nothing weighs."""
        part, code = cells.onto(self.classes)
        given = cells.column(self.responded)
        for label, value, counts in zip(cells.labels, given, held, strict=True):
            if not counts:
                continue
            if None in label:
                raise DesignError(
                    f"The column {self.variables[label.index(None)]!r} has missing values: nonresponse needs the class "
                    "of everybody drawn, and whether they responded."
                )
            if isinstance(value, str) or value not in (0, 1):
                raise DesignError(
                    f"The column {self.responded!r} holds {value!r}: write True (or 1) for who responded and False "
                    "(or 0) for who did not."
                )
        return part, code, np.array([float(value in (True, 1)) for value in given])

    def solve(self, cells: Cells, before: Before) -> Floats:
        """C x B factors: drawn over responding weights; DesignError for a class in which nobody responded."""
        part, code, responded = self._read(cells, (before.weight != 0).any(axis=1))
        drawn = group_sums(before.weight, code, len(part.labels))
        there = group_sums(before.weight * responded[:, None], code, len(part.labels))
        empty = (drawn > 0) & ~(there > 0)
        if empty.any():
            column = int(empty.any(axis=0).argmax())
            label = part.labels[int(empty[:, column].argmax())]
            raise DesignError(
                f"Nobody responded in the class {' x '.join(self.classes)} = {describe(label)}{before.name(column)}: "
                "merge it with a neighbouring class."
            )
        ratio = np.divide(drawn, there, out=np.zeros_like(drawn), where=there > 0)
        return np.asarray(ratio[code] * responded[:, None])

    def explain(self, cells: Cells, weight: Floats, sums: Floats) -> Floats:
        """The weighted mean of the responding, for everybody of the class."""
        part, code, responded = self._read(cells, (weight != 0).astype(float))
        size = group_sums((weight * responded)[:, None], code, len(part.labels))
        above = group_sums(sums * responded[:, None], code, len(part.labels))
        return np.asarray(np.divide(above, size, out=np.zeros_like(above), where=size > 0)[code])

    def notes(self, cells: Cells, before: Before, factor: Floats) -> tuple[str, ...]:
        """None."""
        return ()
