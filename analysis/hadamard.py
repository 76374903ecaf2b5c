"""Hadamard matrices: square, of 1 and -1, with orthogonal rows; the first row is all ones.

Sylvester's doubling and Paley's first construction (Hall 1986, section 14.1) give the orders 1, 2, 4, 8, 12, 16, 20,
24, 32, 40, 44, 48, ...
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def hadamard(least: int) -> Floats:
    """A Hadamard matrix of the smallest order made here that is at least `least`."""
    order = max(least, 1)
    while (core := _core(order)) is None:
        order += 1
    matrix = _paley(core - 1) if core > 1 else np.ones((1, 1))
    while len(matrix) < order:
        matrix = np.asarray(np.kron(np.array([[1.0, 1.0], [1.0, -1.0]]), matrix), dtype=float)
    return np.asarray(matrix * matrix[:1])  # columns turned so that the first row is all ones


def _core(order: int) -> int | None:
    """The order that doubling starts from: 1, or a prime of the form 4 k + 3 plus 1."""
    while order > 1:
        if order % 4 == 0 and _is_prime(order - 1):
            return order
        if order % 2:
            return None
        order //= 2
    return 1


def _is_prime(number: int) -> bool:
    return number > 1 and all(number % factor for factor in range(2, int(number**0.5) + 1))


def _paley(prime: int) -> Floats:
    """Order prime + 1 from the quadratic residues of a prime of the form 4 k + 3."""
    residues = {(one * one) % prime for one in range(1, prime)}
    character = np.array([0.0] + [1.0 if one in residues else -1.0 for one in range(1, prime)])
    places = np.arange(prime)
    matrix = np.ones((prime + 1, prime + 1))
    matrix[1:, 1:] = character[(places[None, :] - places[:, None]) % prime]
    matrix[1:, 0] = -1.0
    matrix[range(1, prime + 1), range(1, prime + 1)] = 1.0
    return matrix
