"""The one-factor model by maximum likelihood, of many covariance matrices at once.

S = ll' + diag(u): expectation and maximisation (Rubin and Thayer 1982) come near the maximum, Newton's method on the
likelihood equations of the unique variances (Lawley and Maxwell 1971, chapter 4) then finds it to the last digits.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
APPROACH = 300
NEWTON = 30
SOLVED = 1e-12
LEAST = 0.005  # a unique variance, as a share of the item's: below it the solution is improper (Heywood)


def one_factor(matrices: Floats) -> tuple[Floats, Floats]:
    """Loadings and unique variances, ... x K each, in the items' units; NaN where there is no proper solution.

    matrices: ... x K x K, K of at least 3. The loadings add up to a positive number.
    """
    spread = np.sqrt(np.clip(np.diagonal(matrices, axis1=-2, axis2=-1), 0.0, None))
    known = np.asarray((spread > 0).all(axis=-1))
    safe = np.where(known[..., None], spread, 1.0)
    scaled = matrices / (safe[..., :, None] * safe[..., None, :])
    # items without a solution stand in the batch as a model that has one
    correlations = np.where(known[..., None, None], scaled, (1 + np.eye(spread.shape[-1])) / 2)
    unique = _approached(correlations)
    for _ in range(NEWTON):
        gap, slope, _ = _equations(correlations, unique)
        if (np.abs(gap).max(axis=-1) < SOLVED).all():
            break
        step = _solved(slope, gap)
        unique = np.clip(unique - step, unique / 2, (1 + unique) / 2)
    gap, _, loading = _equations(correlations, unique)
    proper = known & (np.abs(gap).max(axis=-1) < 100 * SOLVED) & (unique > LEAST).all(axis=-1)
    loading = loading * np.where((loading * safe).sum(axis=-1) < 0, -1.0, 1.0)[..., None]
    keep = proper[..., None]
    return np.where(keep, loading * safe, np.nan), np.where(keep, unique * safe**2, np.nan)


def _solved(slope: Floats, gap: Floats) -> Floats:
    """... x K steps; of least length where a matrix is singular, which must not stop the others."""
    try:
        return np.asarray(np.linalg.solve(slope, gap[..., None])[..., 0])
    except np.linalg.LinAlgError:
        return np.asarray((np.linalg.pinv(slope) @ gap[..., None])[..., 0])


def _approached(correlations: Floats) -> Floats:
    """... x K unique variances near the maximum, each of which a step of maximisation makes likelier."""
    values, vectors = np.linalg.eigh(correlations)
    loading = vectors[..., -1] * np.sqrt(np.clip(values[..., -1] - 1, 0.1, None))[..., None]
    loading = np.clip(loading, -0.95, 0.95)
    unique = 1 - loading**2
    for _ in range(APPROACH):
        towards = loading / unique
        towards = towards / (1 + (loading * towards).sum(axis=-1))[..., None]
        shared = (correlations @ towards[..., None])[..., 0]
        size = 1 - (towards * loading).sum(axis=-1) + (towards * shared).sum(axis=-1)
        loading = shared / size[..., None]
        unique = np.clip(1 - loading * shared, LEAST / 10, 1.0)
    return unique


def _equations(correlations: Floats, unique: Floats) -> tuple[Floats, Floats, Floats]:
    """l_i^2 + u_i - 1 with its ... x K x K derivatives by u, and the loadings that are likeliest given u.

    With v the first eigenvector of U^-1/2 R U^-1/2 and t its eigenvalue, l = U^1/2 v sqrt(t - 1).
    """
    root, size = np.sqrt(unique), unique.shape[-1]
    values, vectors = np.linalg.eigh(correlations / (root[..., :, None] * root[..., None, :]))
    first, others = values[..., -1], values[..., :-1]
    v, q = vectors[..., -1], vectors[..., :-1]
    surplus = np.clip(first - 1, 0.0, None)[..., None]
    gap = unique * v**2 * surplus + unique - 1
    apart = np.maximum(first[..., None] - others, 1e-9)
    share = (first[..., None] + others) / (2 * apart)
    turn = -(q * share[..., None, :]) @ np.swapaxes(q, -1, -2) * (v / unique)[..., None, :]
    grow = -(first[..., None] * v**2 / unique)[..., None, :]
    slope = 2 * (v * surplus)[..., :, None] * turn + (v**2)[..., :, None] * grow
    slope = unique[..., :, None] * slope + np.eye(size) * (v**2 * surplus + 1)[..., :, None]
    return gap, slope, root * v * np.sqrt(surplus)
