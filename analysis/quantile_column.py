"""The column that quantiles are taken of: by row, or by distinct value where that is exact and cheaper."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from analysis import estimation
from analysis.design import as_names, check_columns
from analysis.entries import Entries, chain, pick
from analysis.errors import DesignError
from analysis.estimation import Plan, is_numeric, value_where
from analysis.linear import Linear, Part, Statistic
from analysis.quantile_rules import Arrange, Ordered, ordered
from analysis.totals import PREFIX, Where, answered, indicator, materialise, numeric

if TYPE_CHECKING:
    from analysis.bound import BoundTable, By

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]
Integers = NDArray[np.int64]
SAME = 1e-12
FEW = 1_000  # a column with no more distinct values is summed by them, so that a lazy table keeps its rows
FEW_IN_MEMORY = 100  # where the rows are at hand anyway, more values make more groups than the sum saves


@dataclass(frozen=True)
class Column:
    """A column as it stands in R groups of rows: its value, and whether that is an answer with weight.

    arrange: puts answers in order.
    """

    engine: Linear
    value: Floats
    held: Booleans
    arrange: Arrange = ordered

    def ordered(self, members: Booleans, weight: Floats) -> Ordered | None:
        """The answers of one set of domains in order; None where there is none."""
        rows = self.held & np.append(members, False)[self.engine.reduced.domain]
        found = self.arrange(self.value[rows], weight[rows])
        return found if len(found.values) else None

    @cached_property
    def _groups(self) -> tuple[Integers, Integers]:
        """The rows numbered by unit, cell and domain, all that shares need, and the first row of each group."""
        reduced, repeats = self.engine.reduced, self.engine.repeats
        group = reduced.unit
        for key in (reduced.cell, reduced.domain, reduced.inside, *([] if repeats is None else [repeats.unit])):
            codes = key.astype(np.int64) - min(int(key.min()), 0)
            group = np.unique(group * (int(codes.max()) + 1) + codes, return_inverse=True)[1]
        return group, np.unique(group, return_index=True)[1]

    def at_most(self, points: Floats, members: Booleans) -> Entries:
        """Entries of the shares of answers at or below P points, each in its own set of domains (P x D)."""
        point = points + SAME * np.abs(points)  # a point between two values may be one of them but for rounding
        columns = _disjoint(members)
        below = []
        for places in columns:
            reach = np.full(members.shape[1] + 1, -np.inf)
            for place in places:
                reach[:-1][members[place]] = point[place]
            below.append(self.held & (self.value <= reach[self.engine.reduced.domain]))
        engine = self._summed([self.held, *below])
        found = [
            engine.entries(Statistic("share", (Part(1 + c, 0),), 0), members[places])
            for c, places in enumerate(columns)
        ]
        return pick(chain(found), np.argsort(np.concatenate(columns)).tolist())

    def _summed(self, conditions: Sequence[Booleans]) -> Linear:
        """The table of sums of conditions on rows."""
        engine, reduced, (group, first) = self.engine, self.engine.reduced, self._groups

        def summed(numbers: Floats) -> Floats:
            return np.bincount(group, weights=numbers, minlength=len(first)).astype(float)

        table = replace(
            reduced,
            sums=np.column_stack([summed(reduced.weight * one) for one in conditions]),
            plain=np.column_stack([summed(reduced.rows * one) for one in conditions]),
            weight=summed(reduced.weight),
            rows=summed(reduced.rows),
            unit=reduced.unit[first],
            cell=reduced.cell[first],
            domain=reduced.domain[first],
            inside=reduced.inside[first],
            replicates=reduced.replicates[first],
        )
        repeats = engine.repeats and replace(engine.repeats, unit=engine.repeats.unit[first], ranks={})
        return replace(engine, reduced=table, repeats=repeats)


def _disjoint(members: Booleans) -> list[Integers]:
    """The sets (P x D) packed into as few lists as keep any two of a list apart."""
    lists: list[list[int]] = []
    taken: list[Booleans] = []
    for place, one in enumerate(members):
        free = next((k for k, held in enumerate(taken) if not (held & one).any()), len(lists))
        if free == len(lists):
            lists.append([])
            taken.append(np.zeros(members.shape[1], dtype=bool))
        lists[free].append(place)
        taken[free] |= one
    return [np.array(one, dtype=np.int64) for one in lists]


def read_column(sample: "BoundTable", item: str, by: "By", where: Where, *, summed: bool) -> Column:
    """A numeric column by group of rows. Raises DesignError for text, for no answer at all and for final weights that
    calibration made negative.
    """
    check_columns([item], list(sample.schema), "The quantile")
    if not is_numeric(sample.schema[item]):
        raise DesignError(
            f"A quantile needs numbers, and the column {item!r} holds {sample.schema[item]}: score it first."
        )
    most = min(FEW, FEW_IN_MEMORY) if isinstance(sample.frame, nw.DataFrame) else FEW
    few = summed and not sample.design.rows_are_units and _distinct(sample, item) <= most
    column = _by_value(sample, item, by, where) if few else _by_row(sample, item, by, where)
    reduced, weight = column.engine.reduced, column.engine.weight
    inside = column.held & (reduced.domain >= 0)
    if not inside.any():
        raise DesignError(f"The column {item!r} has no answer inside where= and by=: widen them, or name another one.")
    if not np.isfinite(column.value[inside]).all():
        raise DesignError(f"The column {item!r} holds an infinite value: mend these rows.")
    below = inside & (weight < 0)
    if below.any():
        raise DesignError(
            f"{int(reduced.rows[below].sum())} rows have a final weight below 0, with which the shares of {item!r} are "
            "no distribution: calibrate with bounds=, or rake."
        )
    return column


def _distinct(sample: "BoundTable", item: str) -> int:
    return int(materialise(sample.frame.select(nw.col(item).n_unique().alias("n")))["n"].to_list()[0])


def _by_row(sample: "BoundTable", item: str, by: "By", where: Where) -> Column:
    plan, valid = Plan(), answered(item, sample.schema)
    held = plan.place("valid", indicator(valid))
    value = plan.place("value", value_where(valid, numeric(item)))
    engine = estimation.read_rows(sample, plan, by=by, where=where)
    return Column(engine, engine.reduced.plain[:, value], (engine.reduced.plain[:, held] > 0) & engine.counts)


def _by_value(sample: "BoundTable", item: str, by: "By", where: Where) -> Column:
    """The column as one more key of the sums; no answer is a key of its own, so that its domain is not forgotten."""
    plan, valid = Plan(), answered(item, sample.schema)
    held = plan.place("valid", indicator(valid))
    plan.prepare(nw.when(valid).then(numeric(item)).otherwise(nw.lit(np.inf)))
    name = f"{PREFIX}d{len(plan.prepared) - 1}"
    engine = estimation.read_rows(sample, plan, by=(*as_names(by), name), where=where, each_row=False)
    reduced = engine.reduced
    domains = {label[:-1]: None for label in reduced.domains}
    position = {label: place for place, label in enumerate(domains)}
    home = np.array([position[label[:-1]] for label in reduced.domains] + [-1], dtype=np.int64)
    value = np.array([label[-1] for label in reduced.domains] + [np.inf], dtype=float)
    engine = replace(engine, reduced=replace(reduced, domain=home[reduced.domain], domains=tuple(domains)))
    return Column(engine, value[reduced.domain], (reduced.plain[:, held] > 0) & engine.counts)
