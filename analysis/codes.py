"""Rows numbered by their labels; labels are compared as tuples of values, never joined to one text."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any, overload

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.design import describe

Integers = NDArray[np.int64]
Labels = tuple[tuple[Any, ...], ...]
Keys = Sequence[Sequence[Any] | Integers]


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
    """The labels of numbered rows as a reader writes them, written when they are read."""

    def __init__(self, columns: Keys, codes: Integers) -> None:
        self._columns, self._places = columns, first_rows(codes) if columns else np.zeros(1, dtype=np.int64)

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[str]: ...
    def __getitem__(self, place: int | slice) -> str | Sequence[str]:
        if isinstance(place, slice):
            return [self[i] for i in range(*place.indices(len(self)))]
        row = int(self._places[place])  # also without columns: an index beyond the end is what ends an iteration
        return describe(tuple(column[row] for column in self._columns))


def numbered(columns: Keys, rows: int) -> Integers:
    """Rows numbered by the tuple of their labels in some columns, in order of appearance."""
    codes = np.zeros(rows, dtype=np.int64)
    for place, column in enumerate(columns):
        own = _numbers(column)
        codes = own if place == 0 else _numbers(codes * (int(own.max(initial=0)) + 1) + own)
    return codes


def _numbers(column: Sequence[Any] | Integers) -> Integers:
    if isinstance(column, np.ndarray):
        return np.asarray(pd.factorize(column)[0], dtype=np.int64)
    return (column if isinstance(column, Column) else Column(column)).codes


def labels_of(columns: Keys, codes: Integers) -> Labels:
    """The tuple of labels that each number stands for."""
    if not columns:
        return ((),)
    return labels_at(columns, first_rows(codes))


def labels_at(columns: Keys, places: Integers) -> Labels:
    """The tuples of labels in some rows."""
    rows = places.tolist()
    held = [column.tolist() if isinstance(column, np.ndarray) else column for column in columns]
    return tuple(zip(*([column[row] for row in rows] for column in held), strict=True))


def codes_of(columns: Sequence[Sequence[Any]], rows: int) -> tuple[Integers, Labels]:
    """Rows numbered by the tuple of their labels in some columns, and these tuples."""
    codes = numbered(columns, rows)
    return codes, labels_of(columns, codes)


def first_rows(codes: Integers) -> Integers:
    """The first position of each code; codes are numbered in order of appearance, so these ascend."""
    first = np.zeros(int(codes.max(initial=-1)) + 1, dtype=np.int64)
    first[codes[::-1]] = np.arange(len(codes))[::-1]  # of several assignments to one place the last holds
    return first
