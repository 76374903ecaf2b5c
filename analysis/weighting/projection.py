"""Weighted least squares on the columns that a step agrees with: the regression behind every credit."""

from dataclasses import dataclass

import numpy as np

from analysis.weighting.cells import Floats

DEPENDENT = 1e-10  # a singular value below this share of the largest is a column that others imply


@dataclass(frozen=True)
class Basis:
    """The span of C x p columns as C x r columns that are orthonormal under the (absolute) weights.

    columns = values @ loading.T wherever the weight is not 0; loading: p x r; inverse: r x p, its pseudo-inverse.
    """

    values: Floats
    loading: Floats
    inverse: Floats

    def fit(self, weight: Floats, sums: Floats) -> Floats:
        """C x P fitted values of a score, from C weights and C x P sums of the weighted score."""
        inside = self.values.T @ sums
        if (weight < 0).any():  # linear calibration may leave negative weights, under which nothing is orthonormal
            inside = np.linalg.pinv(self.values.T @ (self.values * weight[:, None]), hermitian=True) @ inside
        return np.asarray(self.values @ inside)


def basis_of(columns: Floats, weight: Floats) -> Basis:
    """The basis of C x p columns under C weights."""
    root = np.sqrt(np.abs(weight))[:, None]
    length = np.sqrt(((root * columns) ** 2).sum(axis=0))
    length = np.where(length > 0, length, 1.0)
    _, singular, turned = np.linalg.svd(root * columns / length, full_matrices=False)
    kept = singular > DEPENDENT * singular.max(initial=0.0)
    singular, turned = singular[kept], turned[kept].T
    return Basis(
        (columns / length) @ (turned / singular), length[:, None] * turned * singular, (turned / singular).T / length
    )
