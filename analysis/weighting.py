"""Post-stratification and raking: a factor per weighting cell, and the residuals that the variance is made of.

A step makes the weighted counts of its margins equal known totals (Deming and Stephan 1940; Deville and Sarndal 1992).
The variance is that of the residuals of the linearised scores on the margins, with the final weights.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.design import as_names, check_columns, describe
from analysis.errors import DesignError, nearest

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Label = tuple[Any, ...]
CREDITS = ("design", "survey")


@dataclass(frozen=True)
class Margin:
    """Known totals: variables, and the total of each combination of their values."""

    variables: tuple[str, ...]
    totals: Mapping[Label, float]

    def describe(self, label: Label) -> str:
        """One cell of the margin as a reader writes it."""
        return f"{' x '.join(self.variables)} = {describe(label)}"


@dataclass(frozen=True)
class Step:
    """A weighting step that was taken: its margins, whose credit rule, and the factor of each cell of its variables."""

    method: str
    margins: tuple[Margin, ...]
    credit: str
    variables: tuple[str, ...]
    factors: Mapping[Label, float]


@dataclass(frozen=True)
class Cells:
    """The cells of a reduced table (C of them) as a chain of steps sees them: its variables and labels."""

    variables: tuple[str, ...]
    labels: tuple[Label, ...]

    def project(self, variables: Sequence[str]) -> list[Label]:
        """The label of each cell on some of the variables."""
        places = [self.variables.index(name) for name in variables]
        return [tuple(label[place] for place in places) for label in self.labels]

    def factors(self, steps: Sequence[Step]) -> list[Floats]:
        """C factors for each step."""
        return [np.array([step.factors[label] for label in self.project(step.variables)]) for step in steps]


def read_margins(margins: Sequence[Any] | Mapping[Any, Any], columns: Sequence[str]) -> tuple[Margin, ...]:
    """Margins as given, checked: mappings {variable(s): {label(s): total}} or long tables whose last column is the
    total.
    """
    given = [margins] if isinstance(margins, Mapping) or hasattr(margins, "columns") else list(margins)
    read: list[Margin] = []
    for one in given:
        if isinstance(one, Mapping):
            read += [_from_mapping(as_names(key), totals) for key, totals in one.items()]
        else:
            read.append(_from_table(one))
    if not read:
        raise DesignError("The weighting step names no margin: give at least one {variable: {category: total}}.")
    for margin in read:
        check_columns(margin.variables, columns, "A margin")
        _check_totals(margin)
    _check_agreement(read)
    return tuple(read)


def solve(cells: Cells, weight: Floats, margins: Sequence[Margin], *, tolerance: float, iterations: int) -> Floats:
    """C factors that make the weighted counts of every margin equal its totals, by iterative proportional fitting.

    weight: C, the sums of the weights before this step. Raises DesignError for cells that the margins do not know, for
    totals without anybody in the sample, and where `iterations` sweeps do not bring every margin within `tolerance`
    (relative).
    """
    places, targets = [], []
    for margin in margins:
        place, target = _match(cells, margin, weight)
        places.append(place)
        targets.append(target)
    if iterations < 1 or not tolerance > 0:
        raise DesignError(f"Raking needs iterations of at least 1 and a tolerance above 0: {iterations}, {tolerance}.")
    factor = np.ones(len(weight))
    for _ in range(iterations):
        for place, target in zip(places, targets, strict=True):
            now = np.bincount(place, weights=weight * factor, minlength=len(target))
            factor = factor * np.divide(target, now, out=np.zeros(len(target)), where=now > 0)[place]
        worst = [_distance(place, target, weight * factor) for place, target in zip(places, targets, strict=True)]
        if max(gap for gap, _ in worst) <= tolerance:
            return factor
    gap, position = max(worst)
    margin = margins[[one[0] for one in worst].index(gap)]
    label = list(margin.totals)[position]
    raise DesignError(
        f"Raking did not converge in {iterations} iterations: {margin.describe(label)} is still {gap:.2g} "
        f"(relative) off its total, with a tolerance of {tolerance:g}. Merge sparse categories, "
        "or drop a margin that another implies."
    )


def make_step(method: str, margins: tuple[Margin, ...], credit: str, *, cells: Cells, factors: Floats) -> Step:
    """The step that was taken, with its factors by the labels of its own variables."""
    if credit not in CREDITS:
        raise DesignError(f"credit={credit!r} is not a rule. {nearest(credit, CREDITS)}")
    variables = tuple(dict.fromkeys(name for margin in margins for name in margin.variables))
    return Step(method, margins, credit, variables, dict(zip(cells.project(variables), factors.tolist(), strict=True)))


@dataclass(frozen=True)
class CellSums:
    """Sums per cell: weight, of base weights; rows, of ones (C each); scores and plain, of the scores, weighted and
    not (C x P).
    """

    weight: Floats
    rows: Floats
    scores: Floats
    plain: Floats


def fitted(cells: Cells, steps: Sequence[Step], sums: CellSums) -> Floats:
    """What the margins explain of the scores: C x P, to be subtracted from each row of a cell before the variance.

    credit="design" projects with the weights before each step, last step first (Deville and Sarndal 1992).
    credit="survey" repeats R's `survey` 4.5; the last step's credit holds for the chain.
    """
    return (
        _fitted_by_design(cells, steps, sums) if steps[-1].credit == "design" else _fitted_by_survey(cells, steps, sums)
    )


def _fitted_by_design(cells: Cells, steps: Sequence[Step], sums: CellSums) -> Floats:
    factors = cells.factors(steps)
    explained = np.zeros_like(sums.scores)
    for position in reversed(range(len(steps))):
        before = np.prod([np.ones(len(sums.weight)), *factors[:position]], axis=0)
        left = before[:, None] * (sums.scores - explained * sums.weight[:, None])
        explained = explained + _project(_places(cells, steps[position]), before * sums.weight, left)
    return explained


def _fitted_by_survey(cells: Cells, steps: Sequence[Step], sums: CellSums) -> Floats:
    """Steps in the order taken; each sees the score times the factors of later steps; raking sweeps ten unweighted
    means.
    """
    factors = [np.ones(len(sums.weight)), *cells.factors(steps)]
    final = np.prod(factors, axis=0)[:, None]
    taken = np.zeros_like(sums.scores)
    for position, step in enumerate(steps, start=1):
        before = np.prod(factors[:position], axis=0)[:, None]
        after = before * factors[position][:, None]
        for _ in range(10 if step.method == "rake" else 1):
            for place in _places(cells, step):
                if step.method == "rake":
                    left = (final * sums.plain - taken * sums.rows[:, None]) / after
                    size = np.bincount(place, weights=sums.rows)
                else:
                    left = (final * sums.scores - taken * sums.weight[:, None]) / after * before
                    size = np.bincount(place, weights=sums.weight * before[:, 0])
                held = np.zeros((len(size), left.shape[1]))
                np.add.at(held, place, left)
                taken = taken + after * (held / size[:, None])[place]
    return taken / final


def _places(cells: Cells, step: Step) -> list[Integers]:
    return [_codes(cells.project(margin.variables)) for margin in step.margins]


def _project(places: Sequence[Integers], weight: Floats, left: Floats) -> Floats:
    """The weighted least squares fit of margin dummies to cell sums: what sweeping the margins converges to."""
    if len(places) == 1:
        size = np.bincount(places[0], weights=weight)
        sums = np.zeros((len(size), left.shape[1]))
        np.add.at(sums, places[0], left)
        return np.divide(sums, size[:, None], out=np.zeros_like(sums), where=size[:, None] > 0)[places[0]]
    dummies = np.column_stack([np.eye(place.max() + 1)[place] for place in places])
    scale = np.sqrt(weight)
    safe = np.where(scale > 0, scale, 1.0)
    solution = np.linalg.lstsq(dummies * scale[:, None], left / safe[:, None], rcond=1e-12)[0]
    return dummies @ solution


def _codes(labels: Sequence[Label]) -> Integers:
    seen: dict[Label, int] = {}
    return np.array([seen.setdefault(label, len(seen)) for label in labels], dtype=np.int64)


def _from_mapping(variables: tuple[str, ...], totals: Mapping[Any, float]) -> Margin:
    read = {}
    for label, total in totals.items():
        key = label if isinstance(label, tuple) else (label,)
        if len(key) != len(variables):
            raise DesignError(
                f"The margin of {' x '.join(variables)} has the label {describe(label)!r}: give one value per variable."
            )
        read[key] = _total(variables, label, total)
    return Margin(variables, read)


def _total(variables: Sequence[str], label: Any, total: Any) -> float:
    try:
        return float(total)
    except (TypeError, ValueError) as error:
        raise DesignError(
            f"The margin {' x '.join(variables)} = {describe(label)} has the total {total!r}: give a number."
        ) from error


def _from_table(table: Any) -> Margin:
    names = [str(name) for name in table.columns]
    columns = [table[name].to_list() for name in names]
    labels = list(zip(*columns[:-1], strict=True))
    if len(set(labels)) < len(labels):
        twice = next(label for label in labels if labels.count(label) > 1)
        raise DesignError(f"The margin of {' x '.join(names[:-1])} lists {describe(twice)!r} twice: keep one row.")
    variables = tuple(names[:-1])
    return Margin(
        variables,
        {label: _total(variables, label, total) for label, total in zip(labels, columns[-1], strict=True)},
    )


def _check_totals(margin: Margin) -> None:
    for label, total in margin.totals.items():
        if not np.isfinite(total) or total < 0:
            raise DesignError(
                f"The margin {margin.describe(label)} has the total {total:g}: give a count of at least 0."
            )


def _check_agreement(margins: Sequence[Margin]) -> None:
    sums = [sum(margin.totals.values()) for margin in margins]
    if not sums[0] > 0:
        raise DesignError(f"The margin of {' x '.join(margins[0].variables)} adds up to 0: it represents nobody.")
    for margin, total in zip(margins[1:], sums[1:], strict=True):
        if abs(total - sums[0]) > 1e-9 * max(abs(total), abs(sums[0])):
            raise DesignError(
                f"The margins disagree: {' x '.join(margins[0].variables)} adds up to {sums[0]:.10g} and "
                f"{' x '.join(margin.variables)} to {total:.10g}. Margins of one step need the same total."
            )


def _match(cells: Cells, margin: Margin, weight: Floats) -> tuple[Integers, Floats]:
    """Each cell's place in the margin, and the totals in the margin's order."""
    order = {label: place for place, label in enumerate(margin.totals)}
    labels = cells.project(margin.variables)
    for label in labels:
        if None in label:
            raise DesignError(
                f"The weighting variable {margin.variables[label.index(None)]!r} has missing values: fill them by "
                "a seeded draw (and flag it) before weighting."
            )
        if label not in order:
            close = nearest(describe(label), [describe(one) for one in order])
            if describe(label) in [describe(one) for one in order]:
                close = "One of the two holds numbers and the other text: give both the same type."
            raise DesignError(f"The sample holds {margin.describe(label)}, which the margin does not know. {close}")
    place = np.array([order[label] for label in labels], dtype=np.int64)
    target = np.array(list(margin.totals.values()))
    held = np.bincount(place, weights=weight, minlength=len(target))
    for label, total, now in zip(margin.totals, target, held, strict=True):
        if total > 0 and not now > 0:
            raise DesignError(
                f"The cell {margin.describe(label)} has a total of {total:g} but nobody in the sample: merge it with a "
                "neighbouring category."
            )
    return place, target


def _distance(place: Integers, target: Floats, weight: Floats) -> tuple[float, int]:
    now = np.bincount(place, weights=weight, minlength=len(target))
    gap = np.abs(now - target) / np.where(target > 0, target, 1.0)
    worst = int(gap.argmax())
    return float(gap[worst]), worst
