"""The column that quantiles are taken of: by row, or by distinct value where that is exact and cheaper."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from analysis import estimation
from analysis.design import as_names, check_columns
from analysis.errors import DesignError
from analysis.estimation import Plan, is_numeric, value_where
from analysis.linear import Linear
from analysis.quantile_rules import Arrange, Ordered, ordered
from analysis.totals import PREFIX, Where, answered, indicator, materialise, numeric

if TYPE_CHECKING:
    from analysis.bound import BoundTable, By

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]
FEW = 1_000  # a column with no more distinct values is summed by them


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


def read_column(sample: "BoundTable", item: str, by: "By", where: Where, *, summed: bool) -> Column:
    """A numeric column by group of rows. Raises DesignError for text, for no answer at all and for final weights that
    calibration made negative.
    """
    check_columns([item], list(sample.schema), "The quantile")
    if not is_numeric(sample.schema[item]):
        raise DesignError(
            f"A quantile needs numbers, and the column {item!r} holds {sample.schema[item]}: score it first."
        )
    few = summed and not sample.design.rows_are_units and _distinct(sample, item) <= FEW
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
    return Column(engine, engine.reduced.plain[:, value], engine.reduced.plain[:, held] > 0)


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
    return Column(engine, value[reduced.domain], reduced.plain[:, held] > 0)
