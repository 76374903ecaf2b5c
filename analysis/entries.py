"""Estimates with their scores, side by side: what every later step is made from."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.variance import Root, join

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]


@dataclass(frozen=True)
class Entries:
    """P estimates with all that later steps need; arrays have one entry each, `members` and `waves` one row each.

    n: persons who count. size: their final weights' sum. df: P x 3, psus less strata among the rows with a valid
    answer, of the domain, and inside `where`. reasons: why there is no estimate, else "". flat: whether no score
    varies (all psus agree, or there is one), so that the zero variance says nothing. coefficients: P x K, of the parts.
    """

    values: Floats
    root: Root
    n: Floats
    size: Floats
    df: Floats
    reasons: tuple[str, ...]
    flat: Booleans
    waves: Booleans
    members: Booleans
    coefficients: tuple[tuple[float, ...], ...]


def chain(parts: Sequence[Entries]) -> Entries:
    """Entries of one sample, one after the other."""
    return Entries(
        values=np.concatenate([part.values for part in parts]),
        root=join([part.root for part in parts]),
        n=np.concatenate([part.n for part in parts]),
        size=np.concatenate([part.size for part in parts]),
        df=np.vstack([part.df for part in parts]),
        reasons=tuple(reason for part in parts for reason in part.reasons),
        flat=np.concatenate([part.flat for part in parts]),
        waves=np.vstack([part.waves for part in parts]),
        members=np.vstack([part.members for part in parts]),
        coefficients=tuple(one for part in parts for one in part.coefficients),
    )


def pick(entries: Entries, order: Sequence[int]) -> Entries:
    """Entries in another order, some more than once."""
    places = list(order)
    return Entries(
        values=entries.values[places],
        root=entries.root.columns(places),
        n=entries.n[places],
        size=entries.size[places],
        df=entries.df[places],
        reasons=tuple(entries.reasons[place] for place in places),
        flat=entries.flat[places],
        waves=entries.waves[places],
        members=entries.members[places],
        coefficients=tuple(entries.coefficients[place] for place in places),
    )


def combined(entries: Entries, matrix: Floats) -> Entries:
    """Linear combinations of entries, each with the union of what it is made of: matrix is P x C."""
    used = matrix != 0
    values = np.array([matrix[keep, c] @ entries.values[keep] for c, keep in enumerate(used.T)])
    design = entries.df[:, 2].max(initial=0.0)
    waves = np.array([entries.waves[keep].any(axis=0) for keep in used.T])
    rooted = entries.root.combine(matrix)
    reasons = tuple(
        next((entries.reasons[i] for i in np.flatnonzero(keep) if entries.reasons[i]), "") for keep in used.T
    )
    spread = rooted.satterthwaite(waves)
    return Entries(
        values=values,
        root=rooted,
        n=np.array([entries.n[keep].sum() for keep in used.T]),
        size=np.array([entries.size[keep].sum() for keep in used.T]),
        df=np.column_stack([spread, spread, np.full(len(values), design)]),
        reasons=reasons,
        flat=np.array([bool(entries.flat[keep].any()) for keep in used.T], dtype=bool),
        waves=waves,
        members=np.array([entries.members[keep].any(axis=0) for keep in used.T]),
        coefficients=tuple(() for _ in values),
    )
