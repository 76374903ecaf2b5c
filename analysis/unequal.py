"""Samples drawn without replacement with unequal probabilities: the signed quadratic form of the psu totals.

V = sum_ij D_ij E_i E_j over the psus of a stratum, E_i the weighted total and D_ij = 1 - pi_i pi_j / pi_ij
(Horvitz and Thompson 1952), or -1/2 sum_ij D_ij (E_i - E_j)^2 (Yates and Grundy 1953; Sen 1953). Where the joint
probabilities are not known, 1 / pi_ij is taken as c_ij / (pi_i pi_j), c_ij = (n - (pi_i + pi_j) / 2) / (n - 1)
(Overton 1985), or c_ij = (n - pi_i - pi_j + p) / (n - 1) with p the mean of pi over the drawn psus (Hartley and Rao
1962, truncated). Brewer's (2002) approximation needs no form: it is a factor 1 - pi_i of each psu.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.errors import DesignError, nearest

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Labels = Sequence[Any] | None
METHODS = ("brewer", "overton", "hartley-rao")
AGREE = 1e-6
INDEPENDENT = 1e-4


@dataclass(frozen=True, eq=False)
class JointProbabilities:
    """K x K probabilities that two psus are drawn together; labels: of the psus, None: in the order of the rows.

    The diagonal holds the psus' own probabilities, or is missing; pairs of two strata may be missing.
    """

    matrix: Floats
    labels: tuple[Any, ...] | None

    def __repr__(self) -> str:
        return f"JointProbabilities of {len(self.matrix)} psus"


@dataclass(frozen=True)
class Form:
    """V = sum_m sign_m row_m^2 with M rows, each a linear combination of the U psu totals.

    transform: M x U, sparse. group: M, the stratum of each row. counted: M, False for a row that is no psu's own and
    adds no degree of freedom. centred: totals are taken about their stratum's mean first, which a Yates-Grundy form
    allows and its digits need.
    """

    transform: Any
    sign: Floats
    group: Integers
    counted: NDArray[np.bool_]
    centred: bool


def read_joint(given: Any) -> JointProbabilities:
    """Joint probabilities as {(psu, psu): probability}, as a pandas table labelled on both sides, or as an array.

    Raises DesignError for a table that is not square or not labelled alike, and for what is no probability.
    """
    if isinstance(given, JointProbabilities):
        return given
    if isinstance(given, Mapping):
        return _of_pairs(given)
    if hasattr(given, "index") and hasattr(given, "columns"):
        labels = tuple(given.index.tolist())
        if set(labels) != set(given.columns.tolist()) or len(set(labels)) != len(labels):
            raise DesignError(
                "The table of joint probabilities needs the same psu labels, each once, as index and as columns; "
                "give an array where every row of the sample is its own psu."
            )
        return JointProbabilities(_checked(given.loc[list(labels), list(labels)].to_numpy(dtype=float), labels), labels)
    matrix = np.asarray(given, dtype=float)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise DesignError(f"Joint probabilities of shape {matrix.shape} are no square matrix: give psus x psus.")
    return JointProbabilities(_checked(matrix, tuple(range(len(matrix)))), None)


def _of_pairs(given: Mapping[Any, float]) -> JointProbabilities:
    wrong = next((pair for pair in given if not isinstance(pair, tuple) or len(pair) != 2), None)
    if wrong is not None:
        raise DesignError(f"Joint probabilities name {wrong!r}: write pairs, {{(psu, psu): probability}}.")
    labels = tuple(dict.fromkeys(label for pair in given for label in pair))
    place = {label: i for i, label in enumerate(labels)}
    matrix = np.full((len(labels), len(labels)), np.nan)
    for (one, other), probability in given.items():
        matrix[place[one], place[other]] = probability
    return JointProbabilities(_checked(np.where(np.isnan(matrix), matrix.T, matrix), labels), labels)


def _checked(matrix: Floats, labels: Sequence[Any]) -> Floats:
    """The matrix made exactly symmetric; refused where a pair is no probability or differs from its mirror."""
    with np.errstate(invalid="ignore"):
        wrong = ((matrix <= 0) | (matrix > 1 + AGREE)) | (np.abs(matrix - matrix.T) > AGREE * np.abs(matrix))
    wrong |= np.isnan(matrix) != np.isnan(matrix.T)
    if wrong.any():
        i, j = np.argwhere(wrong)[0]
        raise DesignError(
            f"The joint probability of {labels[i]!r} and {labels[j]!r} is {matrix[i, j]:g} and {matrix[j, i]:g} the "
            "other way round: it must be the same both ways, above 0 (a pair that is never drawn together has no "
            "variance estimate) and up to 1."
        )
    return np.asarray((matrix + matrix.T) / 2)


def form_of(pps: str | JointProbabilities, *, variance: str, chance: Floats, group: Integers, labels: Labels) -> Form:
    """The form of U psus with inclusion probabilities `chance`, in strata `group`; `labels` name them, None: by row."""
    if isinstance(pps, JointProbabilities):
        return _exact(_arranged(pps, chance, labels), chance, group, variance)
    return _approximate(pps, chance, group, variance)


def _arranged(joint: JointProbabilities, chance: Floats, labels: Labels) -> Floats:
    """U x U joint probabilities in the order of the psus, the inclusion probabilities on the diagonal."""
    if (joint.labels is None) != (labels is None):
        raise DesignError(
            "Joint probabilities without psu labels are only for a sample whose rows are psus (psu=None): give a table "
            "labelled by psu, or {(psu, psu): probability}."
            if labels is not None
            else "Joint probabilities with labels need psus: name the psu column, or give an array in row order."
        )
    names: Sequence[Any] = list(range(len(chance))) if labels is None else labels
    known: Sequence[Any] = list(range(len(joint.matrix))) if joint.labels is None else joint.labels
    place = {label: i for i, label in enumerate(known)}
    absent = next((name for name in names if name not in place), None)
    if absent is not None:
        raise DesignError(f"The joint probabilities lack the psu {absent!r}. {nearest(absent, known)}")
    if len(known) > len(names):
        extra = next(label for label in known if label not in set(names))
        raise DesignError(f"The joint probabilities name the psu {extra!r}, which the table does not have: drop it.")
    order = [place[name] for name in names]
    matrix = joint.matrix[np.ix_(order, order)]
    own = np.where(np.isnan(np.diag(matrix)), chance, np.diag(matrix))
    if (np.abs(own - chance) > AGREE * chance).any():
        i = int(np.abs(own - chance).argmax())
        raise DesignError(
            f"The psu {names[i]!r} has the inclusion probability {chance[i]:g} in the table and {own[i]:g} on the "
            "diagonal of the joint probabilities: mend one of them."
        )
    np.fill_diagonal(matrix, chance)
    above = matrix > np.minimum.outer(chance, chance) * (1 + AGREE)
    if above.any():
        i, j = np.argwhere(above)[0]
        raise DesignError(
            f"The joint probability of {names[i]!r} and {names[j]!r}, {matrix[i, j]:g}, is above that of one of them."
        )
    return matrix


def _exact(joint: Floats, chance: Floats, group: Integers, variance: str) -> Form:
    """Stratum by stratum the eigenvectors of D, scaled by the roots of the eigenvalues' sizes."""
    from scipy import sparse

    with np.errstate(invalid="ignore"):
        form = 1 - np.outer(chance, chance) / joint
    between = group[:, None] != group[None, :]
    if (between & (np.abs(form) > INDEPENDENT)).any():
        raise DesignError(
            "Joint probabilities of psus in two strata are not the product of their own: strata are drawn "
            "independently; leave stratum= out, or mend the pairs."
        )
    if np.isnan(form[~between]).any():
        raise DesignError("The joint probabilities lack a pair of psus of one stratum: give every pair.")
    np.fill_diagonal(form, 1 - chance)
    form[between] = 0.0
    if variance == "YG":
        form -= np.diag(form.sum(axis=1))
    transform = np.zeros_like(form)
    sign = np.ones(len(form))
    for one in range(int(group.max(initial=-1)) + 1):
        places = np.flatnonzero(group == one)
        if len(places) == 1:  # one psu says nothing of how psus differ
            continue
        sizes, directions = np.linalg.eigh(form[np.ix_(places, places)])
        transform[np.ix_(places, places)] = np.sqrt(np.abs(sizes))[:, None] * directions.T
        sign[places] = np.where(sizes < 0, -1.0, 1.0)
    return Form(
        transform=sparse.csr_array(transform),
        sign=sign,
        group=group,
        counted=np.ones(len(form), dtype=bool),
        centred=variance == "YG",
    )


def _approximate(method: str, chance: Floats, group: Integers, variance: str) -> Form:
    """D_ij = (b (pi_i + pi_j) - a) / (n - 1) off the diagonal: with S = sum E and T = sum pi E the form is a row per
    psu and, by completing the square, two more per stratum: b^2/a T^2 - a (S - b/a T)^2, over n - 1.
    """
    from scipy import sparse

    units, groups = len(chance), int(group.max(initial=-1)) + 1
    n = np.bincount(group, minlength=groups)
    below = np.maximum(n - 1.0, 1.0)
    total = np.bincount(group, weights=chance, minlength=groups)
    b = 0.5 if method == "overton" else 1.0
    a = np.ones(groups) if method == "overton" else 1 + total / n
    several = (n > 1).astype(float)
    diagonal = 1 - chance - several[group] * (2 * b * chance - a[group]) / below[group]
    if variance == "YG":
        others = (n[group] - 1) * (b * chance - a[group]) + b * (total[group] - chance)
        diagonal -= 1 - chance + several[group] * others / below[group]
    alone = n[group] == 1
    own = np.where(alone, 0.0, np.sqrt(np.abs(diagonal)))
    spread = np.sqrt(a * several / below)[group] * (1 - b / a[group] * chance)
    tilt = np.sqrt(several / (a * below))[group] * b * chance
    places = np.arange(units)
    transform = sparse.csr_array(
        (
            np.concatenate([own, spread, tilt]),
            (np.concatenate([places, units + group, units + groups + group]), np.tile(places, 3)),
        ),
        shape=(units + 2 * groups, units),
    )
    return Form(
        transform=transform,
        sign=np.concatenate([np.where(diagonal < 0, -1.0, 1.0), -np.ones(groups), np.ones(groups)]),
        group=np.concatenate([group, np.arange(groups), np.arange(groups)]),
        counted=np.concatenate([np.ones(units, dtype=bool), np.zeros(2 * groups, dtype=bool)]),
        centred=variance == "YG",
    )
