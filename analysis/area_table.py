"""What the area model is fitted to: direct estimates with smoothed sampling variances, beside the covariates."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from analysis.design import check_columns, describe
from analysis.errors import DesignError
from analysis.estimates import Estimates
from analysis.totals import materialise

Floats = NDArray[np.float64]
LEAST_DF = 5
OWN_DF = 10


@dataclass(frozen=True)
class Areas:
    """K areas: direct (NaN without a psu), psus, sampling variance D, covariates x (K x p, the intercept first), the
    district and the size of each, where given.
    """

    names: tuple[Any, ...]
    within: tuple[Any, ...]
    direct: Floats
    psus: Floats
    sampling: Floats
    x: Floats
    size: Floats | None


def read_areas(
    direct: Estimates, covariates: Any, *, variables: Sequence[str] | None, within: str | None, size: str | None
) -> Areas:
    """Direct estimates and covariates matched by area, and checked."""
    if not isinstance(direct, Estimates) or direct.engine is None or len(direct.by) != 1 or len(direct.variables) != 1:
        raise DesignError("Small areas need direct estimates of one variable by one column: ask with by='street'.")
    area = direct.by[0]
    table = materialise(nw.from_native(covariates))
    columns = list(table.columns)
    others = [name for name in (area, within, size) if name is not None]
    check_columns([*others, *(variables or [])], columns, "The covariates' request")
    names = tuple(table[area].to_list())
    _check_names(direct.without_whole(), names, area)
    chosen = list(variables) if variables is not None else [name for name in columns if name not in others]
    x = _matrix(table, chosen, names)
    districts = () if within is None else tuple(table[within].to_list())
    shown = direct.without_whole()
    place = {domain[0]: i for i, domain in enumerate(shown.domains) if not shown.reasons[i]}
    at = [place.get(name) for name in names]
    values = np.array([np.nan if i is None else shown.values[i] for i in at])
    counts, sums = _psus(shown), _squares(shown)
    psus = np.array([0.0 if i is None else counts[i] for i in at])
    squares = np.array([0.0 if i is None else sums[i] for i in at]) * psus**2
    return Areas(
        names=names,
        within=districts,
        direct=values,
        psus=psus,
        sampling=_smoothed(psus, squares, districts),
        x=x,
        size=None if size is None else _sizes(table, size, names),
    )


def _check_names(direct: Estimates, names: tuple[Any, ...], area: str) -> None:
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise DesignError(f"The covariates list the area {describe(twice)!r} twice: keep one row.")
    for domain in direct.domains:
        if domain[0] not in names:
            raise DesignError(
                f"The covariates have no row for {area} {describe(domain)!r} (as text or number): every area needs one."
            )


def _matrix(table: nw.DataFrame[Any], chosen: Sequence[str], names: tuple[Any, ...]) -> Floats:
    """K x p covariates with the intercept first, about their means and in their standard deviations."""
    columns = [np.ones(len(names))]
    for name in chosen:
        if not table.schema[name].is_numeric():
            raise DesignError(
                f"The covariate {name!r} holds {table.schema[name]}, not numbers: name others, or drop it."
            )
        values = table[name].to_numpy().astype(float)
        if not np.isfinite(values).all():
            bad = names[int(np.flatnonzero(~np.isfinite(values))[0])]
            raise DesignError(
                f"The covariate {name!r} has no value for the area {describe(bad)!r}: every area needs one."
            )
        if np.ptp(values) > 0:
            columns.append((values - values.mean()) / values.std())
    if len(columns) == 1:
        raise DesignError(
            "Small areas need at least one covariate that varies between areas: without one, every area would be "
            "pulled to the same mean. Publish direct estimates of larger domains instead."
        )
    return np.column_stack(columns)


def _sizes(table: nw.DataFrame[Any], size: str, names: tuple[Any, ...]) -> Floats:
    values = table[size].to_numpy().astype(float)
    for name, value in zip(names, values, strict=True):
        if not value > 0 or not np.isfinite(value):
            raise DesignError(f"The area {describe(name)!r} has the size {value:g}: give persons, above 0.")
    return np.asarray(values)


def _psus(direct: Estimates) -> Floats:
    """Psus with an answer in each area."""
    engine, statistic = direct.engine, direct.statistics[0]
    assert engine is not None
    layout, reduced = engine.reduced.layout, engine.reduced
    pair = layout.pair[layout.stages[0].of[reduced.unit]]
    valid = reduced.sums[:, statistic.base] > 0
    held = engine.mask(direct.entries.members[: direct.shown]) > 0
    return np.array([len(np.unique(pair[valid & mine])) for mine in held.T], dtype=float)


def _squares(direct: Estimates) -> Floats:
    """Sums of squared psu scores of each area: the rows of its root without the factor n / (n - 1) of their stratum."""
    root = direct.entries.root
    if root.replicates is not None or (root.sign < 0).any():
        raise DesignError("Small areas need a sample with psus, not replicate weights or joint probabilities.")
    units = np.bincount(root.block)[root.block]
    return np.asarray(((units - 1) / units) @ root.rows[:, : direct.shown] ** 2)


def _smoothed(psus: Floats, squares: Floats, districts: tuple[Any, ...]) -> Floats:
    """D: squared deviations of psus from their area's mean, pooled over the district where that leaves enough degrees
    of freedom and else over all, divided by the area's psus; NaN without a psu.
    """
    df = np.maximum(psus - 1, 0)
    if df.sum() < LEAST_DF:
        raise DesignError(
            f"Only {df.sum():g} degrees of freedom are left for the variance between psus of one area, and "
            f"{LEAST_DF} are needed: too few areas have two psus."
        )
    pooled = np.full(len(psus), squares.sum() / df.sum())
    for district in dict.fromkeys(districts):
        mine = np.array([one == district for one in districts])
        if df[mine].sum() >= OWN_DF:
            pooled[mine] = squares[mine].sum() / df[mine].sum()
    if not (pooled > 0).all():
        raise DesignError("The psus of each area agree, so that the sampling variance would be 0: no model is fitted.")
    return np.divide(pooled, psus, out=np.full(len(psus), np.nan), where=psus > 0)
