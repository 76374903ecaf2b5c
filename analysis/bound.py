"""A table bound to its design and to the weighting steps taken: what every estimator reads."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import narwhals as nw
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from analysis import estimation, scoring
from analysis.design import Design, check_columns
from analysis.errors import DesignError, reading
from analysis.repeats import Repeats
from analysis.replication import Replication
from analysis.totals import PREFIX, Reduced, base_weight, is_missing, materialise, reduce_rows
from analysis.weighting import Taken

By = str | Sequence[str] | None
MISSING = ("item", "listwise")


@dataclass(frozen=True)
class BoundTable:
    """A table (pandas, Polars eager or lazy, Arrow, a DuckDB relation, PySpark) bound to a `Design`.

    Eager tables are checked here, lazy ones at the first estimate. It never changes: weighting gives a new one.
    instrument, manifest, units: what a snapshot brings along; None for a bare table. notes: what its recipe says of
    itself, such as the equal-size assumption. replication: the replicates made from the design's psus.
    """

    data: Any
    design: Design
    steps: tuple[Taken, ...] = ()
    instrument: Any = None
    manifest: Mapping[str, Any] | None = None
    units: Any = None
    notes: tuple[str, ...] = field(default=())
    replication: Replication | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.design, Design):
            raise DesignError(f"A {type(self.design).__name__} is no design: give Design(weight=..., psu=...).")
        for name, times in Counter(_names(self.data)).items():
            if times > 1:
                raise DesignError(f"The table has the column {name!r} {times} times: keep one, or rename.")
        own = next((name for name in self.schema if name.startswith(PREFIX)), None)
        if own is not None:  # the engine's own columns would take its place
            raise DesignError(f"The table has the column {own!r}: rename it, {PREFIX!r} begins the names of ours.")
        columns = self.design.replicate_columns
        check_columns((*self.design.columns, *columns), list(self.schema), "The design")
        chances, weight = self.design.inclusion_probabilities, [self.design.weight] if self.design.weight else []
        for name in (*self.design.fpcs, *chances, *weight, *columns):
            if not estimation.is_numeric(self.schema[name]):
                raise DesignError(
                    f"The design column {name!r} holds {self.schema[name]}, not numbers: convert it before binding."
                )
        for name in self.design.keys:
            if self.schema[name] == nw.Object:
                raise DesignError(
                    f"The design column {name!r} holds values of several kinds, such as numbers beside text: "
                    "make all its labels text."
                )
        if not self.steps and self.replication is None and isinstance(self.frame, nw.DataFrame):
            self.repeats_on(reduce_rows(self.frame, self.design, replicates=True))

    def repeats_on(self, reduced: Reduced) -> Repeats | None:
        """The replicates of a reduced table of this sample, if it has any."""
        if self.design.replicates is not None:
            return self.design.replicates.on(reduced)
        return None if self.replication is None else self.replication.on(reduced)

    @cached_property
    def frame(self) -> Any:
        """The table as narwhals sees it; pandas as Arrow, which groups many times faster."""
        try:
            return as_arrow(self.data) if nw.dependencies.is_pandas_dataframe(self.data) else nw.from_native(self.data)
        except TypeError as error:
            raise DesignError(
                f"A {type(self.data).__name__} is no table: give pandas, Polars, Arrow, a DuckDB relation or PySpark."
            ) from error

    @cached_property
    def schema(self) -> Mapping[str, Any]:
        """Column name -> type."""
        with reading():
            return dict(self.frame.collect_schema())

    @property
    def indices(self) -> Mapping[str, Any]:
        """The indices that the sample's instrument declares."""
        return {} if self.instrument is None else self.instrument.indices

    @property
    def weighting_variables(self) -> tuple[str, ...]:
        """The columns whose cross makes the weighting cells."""
        return tuple(dict.fromkeys(name for taken in self.steps for name in taken.step.variables))

    @property
    def weights(self) -> NDArray[np.float64]:
        """The final weight of each row, in the order of the rows (persons represented)."""
        needed = tuple(dict.fromkeys((*self.weighting_variables, *self.design.columns)))
        rows = materialise(self.frame.select(*(nw.col(name) for name in needed)))
        labels = {
            name: [None if is_missing(one) else one for one in rows[name].to_list()]
            for name in self.weighting_variables
        }
        weight = self._base_weights(rows)
        for taken in self.steps:
            keys = zip(*(labels[name] for name in taken.step.variables), strict=True)
            weight = weight * np.array([taken.factors[key] for key in keys])
        return weight

    def _base_weights(self, rows: nw.DataFrame[Any]) -> NDArray[np.float64]:
        given = base_weight(self.design)
        if given is not None:
            return rows.select(given.alias("weight"))["weight"].to_numpy().astype(float)
        numbered = rows.with_row_index("sandu_row")
        reduced = reduce_rows(numbered, self.design, by=["sandu_row"])
        weight = np.zeros(len(rows))
        weight[reduced.domain] = reduced.weight
        return weight

    def levels(self, item: str) -> list[Any]:
        """The values of a column: the instrument's choices in its order where it asks the item, else those observed."""
        check_columns([item], list(self.schema), "The request")
        return scoring.choices_of(self.instrument, item) or estimation.observed_levels(self.frame, item)

    def chosen(self, item: str, level: Any) -> nw.Expr:
        """Whether a row gave this value; of a select-multiple item, whether it is among those ticked."""
        if not scoring.choices_of(self.instrument, item):
            return nw.col(item) == level
        answer = scoring.text_of(item, self.schema)
        if scoring.is_multiple(self.instrument, item):
            return nw.concat_str([nw.lit(" "), answer, nw.lit(" ")]).str.contains(f" {level} ", literal=True)
        return answer == level


def as_arrow(data: Any) -> Any:
    """A pandas table as Arrow, categories as their values; a table that Arrow cannot hold stays as it is."""
    try:
        table = pa.Table.from_pandas(data, preserve_index=False)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return nw.from_native(data)
    for place, column in enumerate(table.schema):
        if pa.types.is_dictionary(column.type):
            table = table.set_column(place, column.name, table[column.name].cast(column.type.value_type))
    return nw.from_native(table)


def _names(data: Any) -> list[Any]:
    """The columns of a pandas table, the one kind that lets a name stand twice."""
    return list(data.columns) if nw.dependencies.is_pandas_dataframe(data) else []
