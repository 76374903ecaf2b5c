"""Weighting cells: the cross of every variable that a weighting step uses; factors are constant inside a cell."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Label = tuple[Any, ...]


@dataclass(frozen=True)
class Cells:
    """The cells of a reduced table (C of them) as a chain of steps sees them: its variables and labels."""

    variables: tuple[str, ...]
    labels: tuple[Label, ...]

    def project(self, variables: Sequence[str]) -> list[Label]:
        """The label of each cell on some of the variables."""
        places = [self.variables.index(name) for name in variables]
        return [tuple(label[place] for place in places) for label in self.labels]


def codes_of_labels(labels: Sequence[Label]) -> Integers:
    """Labels numbered in order of appearance."""
    seen: dict[Label, int] = {}
    return np.array([seen.setdefault(label, len(seen)) for label in labels], dtype=np.int64)
