"""Answers into scores, 0-100, as the instrument declares them; one place for the estimate and for the exported file
alike.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import reduce as fold
from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from analysis.errors import DesignError, nearest
from analysis.formulas import number_fault, number_of, number_score
from analysis.totals import answered, indicator, numeric

Booleans = NDArray[np.bool_]
Floats = NDArray[np.float64]
LEDGER = "ledger_"
SCORE = "_score"
LARGEST_CODE = 1e15


def find_index(indices: Mapping[str, Any], index: Any) -> Any:
    """An index's declaration by name, or the declaration itself; DesignError names the nearest for an unknown name."""
    if not isinstance(index, str):
        if not hasattr(index, "items") or not hasattr(index, "children"):
            raise DesignError(f"{index!r} is no index: give its name or its declaration. {nearest(index, indices)}")
        return index
    if index not in indices:
        raise DesignError(f"There is no index {index!r}. {nearest(index, indices)}")
    return indices[index]


def choices_of(instrument: Any, item: str) -> list[str]:
    """The names of an item's choices in the instrument's order; none for other items and for choices from a file."""
    asked = None if instrument is None else instrument.items.get(item)
    if asked is None or asked.type not in ("select_one", "select_multiple"):
        return []
    return [choice.name for choice in asked.choices]


def is_multiple(instrument: Any, item: str) -> bool:
    """Whether the instrument lets a person tick several choices of an item."""
    asked = None if instrument is None else instrument.items.get(item)
    return asked is not None and asked.type == "select_multiple"


def column_score(name: str, schema: Mapping[str, Any]) -> nw.Expr:
    """A numeric column as it is; null where there is no answer."""
    if not (schema[name].is_numeric() or schema[name] == nw.Boolean):
        raise DesignError(f"The composite needs numbers, and the column {name!r} holds {schema[name]}: score it first.")
    return nw.when(answered(name, schema)).then(numeric(name)).otherwise(nothing())


def nothing() -> nw.Expr:
    """No score."""
    return nw.lit(None, dtype=nw.Float64)


def item_score(item: Any, schema: Mapping[str, Any], *, dont_know: float | None = None) -> nw.Expr:
    """An item's score, 0-100, as a row expression: null where the answer is missing or is not scored.

    A number (integer, decimal, range, calculate) scores as sandu::score has it, and not at all outside 0-100. A
    verifiable item is right where its answer is the ledger's; without a ledger entry nothing is scored. dont_know:
    what "don't know" scores instead of what the item declares.
    """
    _need(item.name, schema, f"The item {item.name!r}")
    if getattr(item, "scores_numbers", False):
        return number_score(item, number_of(item.name, schema[item.name]))
    if item.key is None:
        return _mapped(text_of(item.name, schema), _with_dont_know(item, item.scores(), dont_know))
    ledger = LEDGER + item.key
    _need(ledger, schema, f"The verifiable item {item.name!r}")
    score = nothing()
    for choice in item.choices:
        if choice.missing is None:
            scores = _with_dont_know(item, item.scored_against(choice.name), dont_know)
            mapped = _mapped(text_of(item.name, schema), scores)
            score = nw.when(text_of(ledger, schema) == choice.name).then(mapped).otherwise(score)
    return score


def _with_dont_know(
    item: Any, scores: Mapping[str, float | None], dont_know: float | None
) -> Mapping[str, float | None]:
    if dont_know is None:
        return scores
    return {**scores, **{choice.name: dont_know for choice in item.choices if choice.missing == "dont_know"}}


def text_of(name: str, schema: Mapping[str, Any]) -> nw.Expr:
    """A column as text, for choices that another program has turned into whole numbers; a number that is not whole
    names no choice. Raises DesignError for a column of neither text nor numbers.
    """
    dtype = schema[name]
    if dtype.is_integer() or dtype in (nw.Categorical, nw.Enum):
        return nw.col(name).cast(nw.String)
    if dtype.is_numeric():
        # without the others first: engines differ in what a cast makes of 1.7 and NaN
        whole = (numeric(name).round(0) == numeric(name)) & (numeric(name).abs() < LARGEST_CODE)
        return nw.when(whole).then(numeric(name)).otherwise(nothing()).cast(nw.Int64).cast(nw.String)
    if dtype == nw.Unknown:  # a column without any answer
        return nw.lit(None, dtype=nw.String)
    if dtype == nw.Boolean or dtype.is_temporal() or dtype.is_nested():
        raise DesignError(f"The column {name!r} holds {dtype}, and its choices are text: write the choices' names.")
    return nw.col(name)


def _need(name: str, schema: Mapping[str, Any], purpose: str) -> None:
    if name not in schema:
        raise DesignError(
            f"{purpose} needs the column {name!r}, which the table does not have. {nearest(name, schema)}"
        )


def _mapped(column: nw.Expr, scores: Mapping[str, float | None]) -> nw.Expr:
    mapped = nothing()
    for choice, score in scores.items():
        if score is not None:
            mapped = nw.when(column == choice).then(nw.lit(float(score))).otherwise(mapped)
    return mapped


def scored_items(instrument: Any) -> list[Any]:
    """The items of an instrument that some index scores, in the instrument's order."""
    names = {name for index in instrument.indices.values() for name in index.items}
    return [item for name, item in instrument.items.items() if name in names]


def index_scores(instrument: Any, index: Any, schema: Mapping[str, Any]) -> dict[str, nw.Expr]:
    """Item name -> score expression of every item below an index; a bare table brings columns `<item>_score`."""
    if instrument is not None:
        return {name: item_score(instrument.items[name], schema) for name in index.items}
    for name in index.items:
        _need(name + SCORE, schema, f"Without an instrument the index {index.name!r}")
    return {name: column_score(name + SCORE, schema) for name in index.items}


def tree_rule(indices: Mapping[str, Any], index: Any, names: Sequence[str]) -> Callable[[Booleans], tuple[Floats, str]]:
    """How the items of an index are weighed, given which have a base: up the tree, renormalised at every node.

    A node with a base for less than its `min_weight` (share of item weight) has no value; the root then has no
    estimate.
    """

    def node(declaration: Any, based: Mapping[str, bool]) -> tuple[dict[str, float], float]:
        below = [indices[child] for child in declaration.children if child in indices]
        inherited = {name for child in below for name in child.items}
        own = {name: weight for name, weight in declaration.items.items() if name not in inherited}
        terms = [(weight, {name: 1.0}) for name, weight in own.items() if based[name]]
        for child in below:
            shares, available = node(child, based)
            if shares and available >= (child.min_weight or 0.0) - 1e-12:
                terms.append((child.item_weight, shares))
        declared = sum(own.values()) + sum(child.item_weight for child in below)
        held = sum(weight for weight, _ in terms)
        result: dict[str, float] = {}
        for weight, shares in terms:
            for name, share in shares.items():
                result[name] = result.get(name, 0.0) + weight / held * share
        return result, held / declared

    def rule(based: Booleans) -> tuple[Floats, str]:
        shares, available = node(index, dict(zip(names, based.tolist(), strict=True)))
        weights = np.array([shares.get(name, 0.0) for name in names])
        if not shares:
            return weights, "no valid answer"
        if available < (index.min_weight or 0.0) - 1e-12:
            return np.zeros(len(names)), f"answers for {available:.0%} of the item weight, below {index.min_weight:.0%}"
        return weights, ""

    return rule


def person_score(indices: Mapping[str, Any], index: Any, scores: Mapping[str, nw.Expr]) -> nw.Expr:
    """A person's index, 0-100, as a row expression, from item name -> score expression: up the tree, item weights
    renormalised at every node over what the person answered.

    A node of which fewer than `min_answered` items (at least one) were answered has no value: null.
    """
    below = [indices[child] for child in index.children if child in indices]
    inherited = {name for child in below for name in child.items}
    terms = [(weight, scores[name]) for name, weight in index.items.items() if name not in inherited]
    terms += [(child.item_weight, person_score(indices, child, scores)) for child in below]
    zero = nw.lit(0.0)
    above = fold(_plus, [nw.when(~one.is_null()).then(one * weight).otherwise(zero) for weight, one in terms])
    held = fold(_plus, [nw.when(~one.is_null()).then(nw.lit(float(weight))).otherwise(zero) for weight, one in terms])
    count = fold(_plus, [indicator(~scores[name].is_null()) for name in index.items])
    least = max(float(getattr(index, "min_answered", 0) or 0), 1.0)
    return nw.when((count >= least) & (held > 0)).then(above / held).otherwise(nothing())


def _plus(left: nw.Expr, right: nw.Expr) -> nw.Expr:
    return left + right


def score_frame(data: Any, instrument: Any) -> Any:
    """One column `<item>_score` (0-100, or missing) per scored item, in the order of the rows.

    data: a table or a Sample. The result is a table of the same kind as the data.
    """
    frame = nw.from_native(getattr(data, "data", data) if hasattr(data, "design") else data)
    schema = dict(frame.collect_schema())
    columns = [item_score(item, schema).alias(item.name + SCORE) for item in scored_items(instrument)]
    return frame.select(*columns).to_native()


def answers_off_the_scale(data: Any, instrument: Any) -> dict[str, int]:
    """Item -> how many of its answers are numbers that sandu::score takes out of 0-100, so that they are not scored.

    Items without such answers are absent; `Item.unscored` gives the reason for one answer.
    """
    frame = nw.from_native(getattr(data, "data", data) if hasattr(data, "design") else data)
    schema = dict(frame.collect_schema())
    asked = [item for item in scored_items(instrument) if item.scores_numbers and item.name in schema]
    if not asked:
        return {}
    counted = frame.select(
        *[
            indicator(number_fault(item, number_of(item.name, schema[item.name]))).sum().alias(item.name)
            for item in asked
        ]
    )
    row = (counted.collect("pyarrow") if isinstance(counted, nw.LazyFrame) else counted).to_dict(as_series=False)
    return {item.name: int(row[item.name][0] or 0) for item in asked if row[item.name][0]}
