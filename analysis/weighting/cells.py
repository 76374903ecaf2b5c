"""Weighting cells: the cross of every variable that a weighting step uses; factors are constant inside a cell."""

from collections.abc import Sequence
from dataclasses import dataclass, field
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
    # going through the labels costs a loop in Python: done once per set of variables
    memory: dict[Any, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def onto(self, variables: Sequence[str]) -> tuple["Cells", Integers]:
        """The distinct cells of some of the variables, and the one that each of the C cells lies in."""
        names = tuple(variables)
        if names not in self.memory:
            places = [self.variables.index(name) for name in names]
            seen: dict[Label, int] = {}
            projected = (tuple([label[place] for place in places]) for label in self.labels)
            codes = np.array([seen.setdefault(label, len(seen)) for label in projected], dtype=np.int64)
            self.memory[names] = (Cells(names, tuple(seen)), codes)
        found: tuple[Cells, Integers] = self.memory[names]
        return found

    def column(self, variable: str) -> list[Any]:
        """The value of one variable in each cell."""
        place = self.variables.index(variable)
        return [label[place] for label in self.labels]
