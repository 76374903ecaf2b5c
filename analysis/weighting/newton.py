"""The calibration equations sum w F(x'lambda) x = T, solved by Newton's method for many sets of weights at once."""

from dataclasses import dataclass

import numpy as np

from analysis.weighting.cells import Floats
from analysis.weighting.distances import Distance

ITERATIONS = 100
HALVINGS = 40
RIDGE = 1e-13
CHUNK = 4_000_000  # numbers in one C x B array: 32 MB


@dataclass(frozen=True)
class Solved:
    """C x B factors, and p x B distances from the totals."""

    factor: Floats
    misfit: Floats


def solve_calibration(
    basis: Floats, loading: Floats, totals: Floats, weight: Floats, *, distance: Distance, tolerance: Floats
) -> Solved:
    """Factors under which the totals of the basis (C x r) are met: C x B weights, r totals.

    loading: p x r, from the basis to the columns that `tolerance` (p) is about. Columns of weights that do not
    converge come back with their misfit.
    """
    size = max(1, CHUNK // max(len(basis), 1))
    chunks = [weight[:, start : start + size] for start in range(0, weight.shape[1], size)]
    solved = [_solve(basis, loading, totals, one, distance=distance, tolerance=tolerance) for one in chunks]
    return Solved(np.hstack([one.factor for one in solved]), np.hstack([one.misfit for one in solved]))


def _solve(
    basis: Floats, loading: Floats, totals: Floats, weight: Floats, *, distance: Distance, tolerance: Floats
) -> Solved:
    count, columns = basis.shape[1], weight.shape[1]
    crossed = (basis[:, :, None] * basis[:, None, :]).reshape(len(basis), -1)
    multipliers, misfit = np.zeros((count, columns)), np.zeros((count, columns))
    active, met_before = np.arange(columns), np.zeros(columns, dtype=bool)
    for _ in range(ITERATIONS):
        u = basis @ multipliers[:, active]
        misfit[:, active] = totals[:, None] - basis.T @ (weight[:, active] * distance.factor(u))
        met = (np.abs(loading @ misfit[:, active]) <= tolerance[:, None]).all(axis=0)
        # one step beyond the tolerance costs little and reaches rounding
        going = ~(met & met_before[active])
        met_before[active] = met
        active, u = active[going], u[:, going]
        if not len(active):
            break
        held = weight[:, active]
        curve = (crossed.T @ (held * distance.slope(u))).T.reshape(-1, count, count)
        step = _directions(curve, misfit[:, active])
        length = _lengths(basis, totals, held, distance=distance, start=multipliers[:, active], step=step)
        multipliers[:, active] += length * step
        active = active[length > 0]  # no way forward: the caller sees the misfit
    factor = distance.factor(basis @ multipliers)
    return Solved(factor, loading @ (totals[:, None] - basis.T @ (weight * factor)))


def _directions(curve: Floats, misfit: Floats) -> Floats:
    """r x B Newton steps; a trace of ridge where every unit is at a bound."""
    size = curve.shape[1]
    trace = np.einsum("bii->b", curve) / max(size, 1)
    curve = curve + (RIDGE * np.maximum(np.abs(trace), 1e-3))[:, None, None] * np.eye(size)
    return np.asarray(np.linalg.solve(curve, misfit.T[:, :, None])[:, :, 0].T)


def _lengths(
    basis: Floats, totals: Floats, weight: Floats, *, distance: Distance, start: Floats, step: Floats
) -> Floats:
    """B shares of the steps, halved until the convex function or the misfit falls; 0 where neither does."""

    def judged(at: Floats, held: Floats) -> tuple[Floats, Floats]:
        u = basis @ at
        value = (held * distance.integral(u)).sum(axis=0) - totals @ at
        return value, totals[:, None] - basis.T @ (held * distance.factor(u))

    length = np.ones(start.shape[1])
    waiting = np.arange(start.shape[1])
    with np.errstate(over="ignore", invalid="ignore"):
        value, misfit = judged(start, weight)
        fall, off = (step * misfit).sum(axis=0), np.linalg.norm(misfit, axis=0)
        for _ in range(HALVINGS):
            share = length[waiting]
            reached, left = judged(start[:, waiting] + share * step[:, waiting], weight[:, waiting])
            remains = np.linalg.norm(left, axis=0)
            fine = reached <= value[waiting] - 1e-4 * share * fall[waiting]
            fine |= remains <= (1 - 1e-4 * share) * off[waiting]
            waiting = waiting[~(fine & np.isfinite(reached) & np.isfinite(remains))]
            if not len(waiting):
                break
            length[waiting] /= 2
    length[waiting] = 0.0
    return length
