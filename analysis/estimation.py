"""The estimators: each says which row expressions to sum and which ratios of the sums it is; `linear` does the rest."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce as fold
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from analysis.design import as_names, check_columns
from analysis.entries import Entries, chain
from analysis.errors import DesignError, reading
from analysis.estimates import Estimates
from analysis.grouping import Term, expression_of
from analysis.linear import Linear, Part, Rule, Statistic
from analysis.moments import Moments
from analysis.totals import PREFIX, Reduced, Where, answers, is_missing, materialise, reduce_rows
from analysis.weighting import Cells

if TYPE_CHECKING:
    from analysis.bound import BoundTable

Booleans = NDArray[np.bool_]
WHOLE = "whole"


@dataclass
class Plan:
    """The row expressions of a request, each once, and the statistics that refer to them by position."""

    expressions: list[nw.Expr | Term] = field(default_factory=list)
    statistics: list[Statistic] = field(default_factory=list)
    positions: dict[Any, int] = field(default_factory=dict)
    prepared: dict[Any, tuple[str, nw.Expr]] = field(default_factory=dict)

    def prepare(self, expression: nw.Expr, key: Any = None) -> nw.Expr:
        """A derived column that several row expressions use, made once; one of the same key stands for it."""
        name = f"{PREFIX}d{len(self.prepared)}"
        return nw.col(self.prepared.setdefault(name if key is None else key, (name, expression))[0])

    def frame(self, frame: Any) -> Any:
        """The table with the prepared columns."""
        columns = [expression.alias(name) for name, expression in self.prepared.values()]
        with reading():
            return frame.with_columns(*columns) if columns else frame

    def place(self, key: Any, expression: nw.Expr | Term) -> int:
        """The position of an expression, added where its key is new; a `Term` is summed faster than the same as an
        expression.
        """
        if key not in self.positions:
            self.positions[key] = len(self.expressions)
            self.expressions.append(expression)
        return self.positions[key]


def joint(conditions: Sequence[nw.Expr]) -> nw.Expr:
    """All conditions at once."""
    return fold(lambda left, right: left & right, conditions)


def value_where(condition: nw.Expr, value: nw.Expr) -> nw.Expr:
    """The value where the condition holds, else 0."""
    return nw.when(condition).then(value).otherwise(nw.lit(0.0))


def plan_of_columns(sample: "BoundTable", items: Sequence[str], *, total: bool, listwise: bool) -> Plan:
    """Means or totals of columns; a text column stands for the indicators of its values."""
    schema = sample.schema
    check_columns(items, list(schema), "The request")
    plan = Plan()
    for item in items:
        valid, key = answers(items if listwise else [item], schema), "all" if listwise else item
        base = plan.place(("valid", key), Term(valid))
        below = None if total else base
        if is_numeric(schema[item]):
            above = plan.place(("value", key, item), Term(valid, item))
            plan.statistics.append(Statistic(item, (Part(above, below),), base))
            continue
        for level in sample.levels(item):
            above = plan.place(("level", key, item, level), Term(valid.condition() & (nw.col(item) == level)))
            plan.statistics.append(Statistic(f"{item}={level}", (Part(above, below),), base))
    return plan


def plan_of_ratios(sample: "BoundTable", numerators: Sequence[str], denominator: str) -> Plan:
    """Ratios of totals over the rows where both numerator and denominator have a value."""
    schema = sample.schema
    check_columns([*numerators, denominator], list(schema), "The request")
    for name in (*numerators, denominator):
        if not is_numeric(schema[name]):
            raise DesignError(
                f"The ratio needs numbers, and the column {name!r} holds {schema[name]}: name another column."
            )
    plan = Plan()
    for name in numerators:
        valid = answers([name, denominator], schema)
        base = plan.place(("valid", name), Term(valid))
        above = plan.place(("above", name), Term(valid, name))
        below = plan.place(("below", name), Term(valid, denominator))
        plan.statistics.append(Statistic(f"{name}/{denominator}", (Part(above, below),), base))
    return plan


def plan_of_index(name: str, scores: Mapping[str, nw.Expr], rule: Rule, plan: Plan | None = None) -> Plan:
    """One index: the mean score of each item over its own base, weighed by the rule; a null score is no score.

    plan: what the index is added to; indices of one plan share the scores of their items.
    """
    plan, parts = plan or Plan(), []
    held = {item: plan.prepare(score, ("score", item)) for item, score in scores.items()}
    for item, score in held.items():
        valid = ~score.is_null()
        below = plan.place(("valid", item), Term(valid))
        parts.append(Part(plan.place(("score", item), Term(valid, score)), below, item))
    base = parts[0].denominator if len(parts) == 1 else None
    if base is None:
        any_valid = fold(lambda left, right: left | right, [~score.is_null() for score in held.values()])
        base = plan.place(("any", *held), Term(any_valid))
    plan.statistics.append(Statistic(name, tuple(parts), base, rule))
    return plan


def plan_of_composite(
    name: str, item_weights: Mapping[str, float], schema: Mapping[str, Any], plan: Plan | None = None
) -> Plan:
    """One composite of numeric columns, each over its own base, added to a plan."""
    plan, parts = plan or Plan(), []
    for item in item_weights:
        below = plan.place(("valid", item), Term(answers([item], schema)))
        parts.append(Part(plan.place(("value", item), Term(answers([item], schema), item)), below, item))
    base = parts[0].denominator
    if len(parts) > 1 or base is None:
        base = plan.place(("any", *item_weights), Term(answers(list(item_weights), schema, any_of=True)))
    plan.statistics.append(Statistic(name, tuple(parts), base, fixed_weights(item_weights)))
    return plan


def fixed_weights(weights: Mapping[str, float]) -> Rule:
    """The rule of a composite: item weights renormalised over the items that have a base."""
    shares = np.array(list(weights.values()), dtype=float)

    def rule(based: Booleans) -> tuple[NDArray[np.float64], str]:
        kept = np.where(based, shares, 0.0)
        return (kept / kept.sum(), "") if kept.sum() > 0 else (kept, "no valid answer")

    return rule


def is_numeric(dtype: Any) -> bool:
    """Whether a column holds numbers (booleans count as 0 and 1)."""
    return bool(dtype.is_numeric() or dtype == nw.Boolean)


def estimate(
    sample: "BoundTable",
    plan: Plan,
    *,
    kind: str,
    by: str | Sequence[str] | None,
    where: Where,
    whole: bool,
    reference: str = "wr",
) -> Estimates:
    """Run a plan: one pass over the rows, then the estimates of every domain and, hidden, of the whole."""
    if not plan.statistics:
        raise DesignError("There is nothing to estimate: name a column, and one that has at least one answer.")
    names = as_names(by)
    if len(set(names)) < len(names):
        raise DesignError(f"by={list(names)!r} names a column twice: name each once.")
    cells = sample.weighting_variables
    parity = any(taken.step.credit == "survey" for taken in sample.steps)
    bases = sorted({statistic.base for statistic in plan.statistics})
    reduced = reduce_rows(
        plan.frame(sample.frame),
        sample.design,
        plan.expressions,
        cells=cells,
        by=names,
        where=where,
        plain=range(len(plan.expressions)) if parity else bases,
        replicates=True,
    )
    if not reduced.domains or not reduced.inside.any():
        raise DesignError("No row is left by where= and by=, so that there is no domain: widen the conditions.")
    engine = engine_of(sample, reduced)
    wholes, whole_labels = wholes_of(reduced.domains, names, sample.design.wave)
    singles = np.eye(len(reduced.domains), dtype=bool)
    shown = [engine.entries(one, singles) for one in plan.statistics]
    hidden = [engine.entries(one, wholes) for one in plan.statistics]
    result = Estimates(
        by=names,
        wave=sample.design.wave if sample.design.wave in names else None,
        variables=tuple(one.name for one in plan.statistics),
        domains=reduced.domains,
        wholes=whole_labels,
        entries=_arranged(shown, hidden),
        kind=kind,
        engine=engine,
        statistics=tuple(plan.statistics),
        reference=reference,
        moments=_moments(sample, plan, names, where),
        again=lambda more: estimate(sample, plan, kind=kind, by=more, where=where, whole=False, reference=reference),
    )
    return result.with_whole() if whole else result


def engine_of(sample: "BoundTable", reduced: Reduced) -> Linear:
    """What makes entries of a reduced table of this sample: with its weighting steps, and its replicates if any."""
    cells = Cells(sample.weighting_variables, reduced.cells)
    return Linear(reduced, cells, sample.steps, sample.design.lonely_psu, sample.repeats_on(reduced))


def read_rows(
    sample: "BoundTable",
    plan: Plan,
    *,
    by: str | Sequence[str] | None = None,
    where: Where = None,
    each_row: bool = True,
) -> Linear:
    """The rows themselves, for what sums cannot give (quantiles, ranks, regressions): a table in which each row is a
    group and `reduced.plain` holds the plan's expressions (0 where the weight is 0). Only the needed columns are read.

    each_row=False: rows that share every key are summed, for a request whose `by` holds all that it needs of a row.
    """
    cells = sample.weighting_variables
    reduced = reduce_rows(
        plan.frame(sample.frame),
        sample.design,
        plan.expressions,
        cells=cells,
        by=as_names(by),
        where=where,
        plain=range(len(plan.expressions)),
        each_row=each_row,
        replicates=True,
    )
    if not reduced.domains or not reduced.inside.any():
        raise DesignError("No row is left by where= and by=, so that there is no domain: widen the conditions.")
    return engine_of(sample, reduced)


def _arranged(shown: Sequence[Entries], hidden: Sequence[Entries]) -> Entries:
    return chain([*shown, *hidden])


def wholes_of(
    domains: Sequence[tuple[Any, ...]], by: tuple[str, ...], wave: str | None
) -> tuple[Booleans, tuple[tuple[Any, ...], ...]]:
    """What the domains make up together: one whole, or one per wave where the waves are told apart."""
    for label in domains:
        if WHOLE in label:
            raise DesignError(
                f"The column {by[label.index(WHOLE)]!r} has the label {WHOLE!r}, which is the name of all domains "
                "together: give it another name."
            )
    if wave is None or wave not in by:
        return np.ones((1, len(domains)), dtype=bool), ((WHOLE,) * max(1, len(by)),)
    place = by.index(wave)
    rounds = list(dict.fromkeys(label[place] for label in domains))
    members = np.array([[label[place] == one for label in domains] for one in rounds])
    labels = tuple(tuple(one if i == place else WHOLE for i in range(len(by))) for one in rounds)
    return members, labels


def _moments(sample: "BoundTable", plan: Plan, names: tuple[str, ...], where: Where) -> Callable[[], Moments]:
    """A second pass, made when a design effect is asked for: weighted cross-products of the row expressions."""

    def run() -> Moments:
        used = [
            sorted({place for part in one.parts for place in (part.numerator, part.denominator) if place is not None})
            for one in plan.statistics
        ]
        pairs = sorted({(a, b) for places in used for a in places for b in places if a <= b})
        columns = [expression_of(one).alias(f"{PREFIX}x{place}") for place, one in enumerate(plan.expressions)]
        frame = plan.frame(sample.frame).with_columns(*columns)
        products = [nw.col(f"{PREFIX}x{a}") * nw.col(f"{PREFIX}x{b}") for a, b in pairs]
        cells = sample.weighting_variables
        reduced = reduce_rows(frame, sample.design, products, cells=cells, by=names, where=where, spread=False)
        return Moments({pair: place for place, pair in enumerate(pairs)}, reduced)

    return run


def observed_levels(frame: Any, item: str) -> list[Any]:
    """The values that a column takes, in order."""
    dtype = frame.collect_schema()[item]
    if dtype == nw.Object or dtype.is_nested():
        raise DesignError(
            f"The column {item!r} holds values of several kinds, or lists of them: make all its values text."
        )
    counted = materialise(frame.group_by(item).agg(nw.len().alias(f"{PREFIX}n")))
    return sorted(one for one in counted[item].to_list() if not is_missing(one))
