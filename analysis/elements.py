"""Rows that are themselves the sampling units, without reading them: a few units that stand for all of a group.

The engine sums first and second moments of what each row weighs and says. A group of n rows then becomes a few units,
each to be taken n / r times, which have the same sum and the same sum of cross-products as the rows. Every estimate and
every variance is a function of these sums, so that it comes out as from the rows themselves.
"""

from itertools import combinations_with_replacement

import narwhals as nw
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from analysis.grouping import Frame, Request, listed, named

Floats = NDArray[np.float64]
MOST = 24  # expressions of which all cross-products are summed; more of them, and the rows are read
ROUNDING = 1e-13
COPIES = named("copies")


def summed(frame: Frame, request: Request, *, spread: bool) -> Frame:
    """One row per group: what `grouping.grouped` gives and, with `spread`, cross-products of weighted expressions."""
    names = _names(request)
    rows = listed(frame, request)
    pairs = list(combinations_with_replacement(range(len(names)), 2)) if spread else []
    crossed = [(nw.col(names[j]) * nw.col(names[k])).alias(_crossed(j, k)) for j, k in pairs]
    keys = [*request.keys, *([] if request.inside is None else [named("inside")])]
    totals = [*names, named("rows"), named("all"), *(named("q", j) for j in request.plain)]
    sums = [nw.col(name).sum() for name in (*totals, *(_crossed(j, k) for j, k in pairs))]
    for i in range(len(request.limits)):
        sums += [nw.col(named("low", i)).min(), nw.col(named("high", i)).max()]
    wide = rows.with_columns(*crossed) if crossed else rows
    return wide.group_by(keys).agg(*sums) if keys else wide.select(*sums)


def _names(request: Request) -> list[str]:
    return [named("weight"), *(named("s", j) for j in range(len(request.terms)))]


def _crossed(j: int, k: int) -> str:
    return named("m", f"{j}_{k}")


def stand_ins(found: nw.DataFrame[pa.Table], request: Request, *, spread: bool) -> nw.DataFrame[pa.Table]:
    """The groups of `summed` as units with as many copies of each as make the group; in the order of the groups."""
    names = _names(request)
    size = found[named("all")].to_numpy().astype(float)
    sums = np.column_stack([found[name].to_numpy().astype(float) for name in names])
    around = _around(found, sums, size) if spread else np.zeros((len(size), 1, len(names)))
    each = around.shape[1]
    copies = np.repeat(size / each, each)
    units = (sums / size[:, None])[:, None, :] + around
    made = {name: copies * units[:, :, place].ravel() for place, name in enumerate(names)}
    for name in (named("rows"), named("all"), *(named("q", j) for j in request.plain)):
        made[name] = np.repeat(found[name].to_numpy().astype(float) / each, each)
    group = np.repeat(np.arange(len(size)), each)
    columns = [name for name in found.columns if name in request.keys or _is_kept(name)]
    kept = found[group.tolist(), [named("all"), *columns]]
    return kept.with_columns(
        *(nw.new_series(name, values, nw.Float64, backend="pyarrow") for name, values in made.items()),
        nw.new_series(COPIES, copies, nw.Float64, backend="pyarrow"),
    )


def _is_kept(name: str) -> bool:
    return name.startswith((named("low"), named("high"), named("inside")))


def _around(found: nw.DataFrame[pa.Table], sums: Floats, size: Floats) -> Floats:
    """G x (p + 1) x p deviations of the units from the mean of their group: they add up to 0, and n / (p + 1) times
    their cross-products are those of the rows about their mean.
    """
    p = sums.shape[1]
    crossed = np.zeros((len(size), p, p))
    for j, k in combinations_with_replacement(range(p), 2):
        crossed[:, j, k] = crossed[:, k, j] = found[_crossed(j, k)].to_numpy().astype(float)
    scale = np.sqrt(np.einsum("gjj->gj", crossed))
    scale = np.where(scale > 0, scale, 1.0)
    centred = crossed - sums[:, :, None] * sums[:, None, :] / size[:, None, None]
    values, vectors = np.linalg.eigh(centred / (scale[:, :, None] * scale[:, None, :]))
    half = np.sqrt(np.where(values > ROUNDING, values, 0.0))[:, :, None] * np.swapaxes(vectors, 1, 2)
    half *= scale[:, None, :]
    turned = np.einsum("ri,gij->grj", _simplex(p), half)
    return np.asarray(turned * np.sqrt((p + 1) / size)[:, None, None])


def _simplex(p: int) -> Floats:
    """(p + 1) x p orthonormal columns that add up to 0 each (Helmert 1876)."""
    from scipy.linalg import helmert

    return np.asarray(helmert(p + 1).T)
