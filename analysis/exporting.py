"""Replicates of a sample: made from its psus, written out as weights, and told to R's `survey` and to Stata."""

from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
import pandas as pd

from analysis.errors import DesignError
from analysis.estimation import Plan, read_rows
from analysis.repeated import Repeated
from analysis.replication import Replication
from analysis.resampling import Request, resample
from analysis.totals import reduce_rows

if TYPE_CHECKING:
    from analysis.bound import BoundTable

NAMES = {"bootstrap": "bootstrap", "BRR": "BRR", "fay": "Fay", "JK1": "JK1", "JKn": "JKn", "other": "other"}


def replication_of(sample: "BoundTable", request: Request) -> Replication:
    """Replicates of a sample's psus; the rows of a lazy table have no place of their own, so they are no psus."""
    if not sample.design.psus and not isinstance(sample.frame, nw.DataFrame):
        raise DesignError("The rows of a lazy table cannot be resampled: collect the table, or name the psu column.")
    return resample(sample.design, reduce_rows(sample.frame, sample.design).layout, request)


def replicate_frame(sample: "BoundTable") -> pd.DataFrame:
    """Final weights, one row per row of the table and one column r1..rB per replicate."""
    weights = np.column_stack(list(_repeated(sample).weights()))
    return pd.DataFrame(weights, columns=[f"r{place + 1}" for place in range(weights.shape[1])])


def replicate_recipe(sample: "BoundTable") -> dict[str, Any]:
    """kind, scale, rscales, rho, mse, degf; and under "R" and "Stata" the calls, for columns r1..rB beside a column
    `weight` of final weights. Stata centres the jackknife of several strata at the mean of each, and so has no call for
    centre="mean" there.
    """
    repeated = _repeated(sample)
    repeats = repeated.repeats
    replicates = sample.design.replicates or sample.replication
    assert replicates is not None
    even = bool(np.ptp(repeats.scales) <= 1e-12 * repeats.scales.max())
    recipe = {
        "kind": NAMES[repeats.kind],
        "scale": float(repeats.scales[0]) if even else 1.0,
        "rscales": [1.0] * len(repeats.scales) if even else repeats.scales.tolist(),
        "rho": replicates.rho,
        "mse": repeats.centre == "estimate",
        "degf": repeated.df,
    }
    return recipe | {"R": _for_r(recipe), "Stata": _for_stata(recipe)}


def _repeated(sample: "BoundTable") -> Repeated:
    repeated = read_rows(sample, Plan()).repeated
    if repeated is None:
        raise DesignError("The sample has no replicates: make them first, sample.replicate('bootstrap', 500, seed=1).")
    return repeated


def _for_r(recipe: dict[str, Any]) -> str:
    if recipe["kind"] == "BRR":
        scales = ""
    elif recipe["kind"] == "Fay":
        scales = f"rho = {recipe['rho']!r}, "
    else:
        each = recipe["rscales"]
        listed = f"rep(1, {len(each)})" if set(each) == {1.0} else f"c({', '.join(repr(one) for one in each)})"
        scales = f"scale = {recipe['scale']!r}, rscales = {listed}, "
    return (
        f'svrepdesign(data = d, weights = ~weight, repweights = "^r[0-9]+$", type = "{recipe["kind"]}", {scales}'
        f"combined.weights = TRUE, mse = {str(recipe['mse']).upper()}, degf = {recipe['degf']:g})"
    )


def _for_stata(recipe: dict[str, Any]) -> str:
    count, kind = len(recipe["rscales"]), recipe["kind"]
    ending = f"{'mse ' if recipe['mse'] else ''}dof({recipe['degf']:g})"
    if kind in ("BRR", "Fay"):
        fay = f"fay({recipe['rho']!r}) " if kind == "Fay" else ""
        return f"svyset [pw=weight], brrweight(r1-r{count}) {fay}vce(brr) {ending}"
    scales = [recipe["scale"] * one for one in recipe["rscales"]]
    usual = 1 / (count if recipe["mse"] else count - 1)
    if kind == "bootstrap" and np.allclose(scales, usual, rtol=1e-12):
        return f"svyset [pw=weight], bsrweight(r1-r{count}) vce(bootstrap) {ending}"
    if kind == "JKn" and not recipe["mse"]:
        return ""
    each = " ".join(f"jkrweight(r{place + 1}, multiplier({scale!r}))" for place, scale in enumerate(scales))
    same = f"jkrweight(r1-r{count}, multiplier({scales[0]!r}))"
    return f"svyset [pw=weight], {same if len(set(scales)) == 1 else each} vce(jackknife) {ending}"
