"""Estimates that are smooth functions of others, or inversions of them, with everything that estimates can do."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.entries import Entries, chain, combined
from analysis.estimates import Estimates
from analysis.linear import NOISE, Linear

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]
Remake = Callable[[int, Booleans], Entries]
Function = Callable[[Floats, Floats], tuple[Floats, Floats, list[str]]]


@dataclass(frozen=True)
class Derived(Estimates):
    """Estimates that know how to make themselves anew for any set of domains; they have no design effect.

    remake: (position of the variable, M x D booleans) -> the entries of M sets of domains.
    """

    remake: Remake | None = None

    def to_frame(self, level: float = 0.95, *, method: str | None = None, df: str | float = "valid") -> pd.DataFrame:
        """As `Estimates.to_frame`, without the column design_effect."""
        return super().to_frame(level, method=method, df=df).drop(columns="design_effect")

    def rest_entries(self, places: Sequence[int]) -> Entries:
        """Entries of the rest: the whole of the same wave without the domain, for each of the shown estimates named."""
        assert self.remake is not None
        parts = []
        for place in places:
            v, d = divmod(place, len(self.domains))
            whole = self.entries.members[self.shown + v * len(self.wholes) + self.whole_of(self.domains[d])]
            parts.append(self.remake(v, (whole & ~self.entries.members[place])[None, :]))
        return chain(parts)


def smooth(engine: Linear, inputs: Sequence[Entries], function: Function) -> Entries:
    """Entries of a smooth function of K estimates for each of M sets of domains, by the delta method.

    inputs: K entries of M estimates each, of the same rows. function: (... x M x K values, M numbers of persons) ->
    ... x M values, ... x M x K derivatives and the M reasons why there is none. With replicate weights the function is
    taken of each replicate. Source: Binder 1983; Lumley 2010, section 2.4.
    """
    together = chain(inputs)
    count, width = len(inputs[0].values), len(inputs)
    stacked = together.values.reshape(width, count).T
    found, slopes, undefined = function(stacked, inputs[0].n)
    reasons = [own or other for own, other in zip(inputs[0].reasons, undefined, strict=True)]
    defined = np.array([not reason for reason in reasons], dtype=bool)
    values = np.where(defined, found, np.nan)
    slopes = np.where(defined[:, None], slopes, 0.0)
    matrix = np.zeros((width * count, count))
    for k in range(width):
        matrix[k * count + np.arange(count), np.arange(count)] = slopes[:, k]
    made = combined(together, matrix)
    root = made.root
    if together.root.replicates is not None:
        repeated = together.root.replicates.estimates.reshape(-1, width, count).transpose(0, 2, 1)
        anew = function(repeated, inputs[0].n)[0]
        lost = (~np.isfinite(anew)).sum(axis=0)
        told = [f"no value in {one} of {len(anew)} replicates" if one else "" for one in lost.tolist()]
        reasons = [reason or more for reason, more in zip(reasons, told, strict=True)]
        values = np.where(lost > 0, np.nan, values)
        root = engine.replicate_root_of(values, anew)
    size = np.abs(matrix).T @ together.root.se()
    return replace(
        made,
        values=values,
        root=root,
        n=inputs[0].n,
        size=inputs[0].size,
        df=inputs[-1].df,
        reasons=tuple(reasons),
        flat=root.se() <= NOISE * size,
        members=inputs[0].members,
        waves=inputs[0].waves,
    )
