"""Rows numbered by their labels; labels are compared as tuples of values, never joined to one text."""

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any, overload

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.design import describe

Integers = NDArray[np.int64]
Labels = tuple[tuple[Any, ...], ...]


class Column(list[Any]):
    """The labels of the rows in one column, which are numbered once however often they are asked."""

    @cached_property
    def codes(self) -> Integers:
        """The number of each row's label, in order of appearance."""
        held = np.empty(len(self), dtype=object)
        held[:] = self
        return np.asarray(pd.factorize(held, use_na_sentinel=False)[0], dtype=np.int64)

    @cached_property
    def distinct(self) -> list[Any]:
        """Each label once, in order of appearance."""
        return [self[row] for row in first_rows(self.codes).tolist()]


class Described(Sequence[str]):
    """Labels as a reader writes them, written when they are read."""

    def __init__(self, labels: Labels) -> None:
        self._labels = labels

    def __len__(self) -> int:
        return len(self._labels)

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[str]: ...
    def __getitem__(self, place: int | slice) -> str | Sequence[str]:
        if isinstance(place, slice):
            return [describe(label) for label in self._labels[place]]
        return describe(self._labels[place])


def codes_of(columns: Iterable[Sequence[Any]], rows: int) -> tuple[Integers, Labels]:
    """Rows numbered by the tuple of their labels in some columns, in order of appearance, and these tuples."""
    held = [column if isinstance(column, Column) else Column(column) for column in columns]
    if not held:
        return np.zeros(rows, dtype=np.int64), ((),)
    codes = held[0].codes
    for column in held[1:]:
        codes = _renumbered(codes * len(column.distinct) + column.codes)
    places = first_rows(codes).tolist()
    return codes, tuple(zip(*([column[row] for row in places] for column in held), strict=True))


def _renumbered(codes: Integers) -> Integers:
    return np.asarray(pd.factorize(codes)[0], dtype=np.int64)


def first_rows(codes: Integers) -> Integers:
    """The first position of each code; codes are numbered in order of appearance, so these ascend."""
    first = np.zeros(int(codes.max(initial=-1)) + 1, dtype=np.int64)
    first[codes[::-1]] = np.arange(len(codes))[::-1]  # of several assignments to one place the last holds
    return first
