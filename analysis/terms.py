"""Model formulas and their matrices: "y ~ a + b:c" as R reads it, with treatment contrasts.

Coding after Chambers and Hastie 1992, section 2.4: a factor loses its first level, the reference, where the rest of
its term is in the model as well, and keeps all levels where it is not.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.errors import DesignError, nearest
from analysis.totals import is_missing

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Term = tuple[str, ...]
INTERCEPT = "(Intercept)"
DEPENDENT = 1e-9
SIGNS = ("+", "-", ":", "*", "~")
_CALL = re.compile(r"[()^]|^%.+%$")
_TOKEN = re.compile(r"`[^`]+`|[+\-:*~]|[^\s+\-:*~`]+")


@dataclass(frozen=True)
class Formula:
    """A response (None where there is none), terms as tuples of columns, lower orders first, and the intercept."""

    text: str
    response: str | None
    terms: tuple[Term, ...]
    intercept: bool

    @property
    def predictors(self) -> tuple[str, ...]:
        """The columns of the terms, each once."""
        return tuple(dict.fromkeys(name for term in self.terms for name in term))

    @property
    def term_names(self) -> tuple[str, ...]:
        """The terms as written: "stype", "stype:ell"."""
        return tuple(":".join(term) for term in self.terms)


@dataclass(frozen=True)
class Factor:
    """A categorical column: N codes into its levels, the reference first."""

    codes: Integers
    levels: tuple[str, ...]


@dataclass(frozen=True)
class ModelMatrix:
    """N x P values; names: P, such as "(Intercept)" or "stypeH"; term: P, the position of each column's term, -1 for
    the intercept.
    """

    names: tuple[str, ...]
    values: Floats
    term: tuple[int, ...]


Column = Floats | Factor


def parse_formula(text: str) -> Formula:
    """A formula of columns joined by +, : and *; "- 1" or "+ 0" leaves the intercept out; `backticks` quote a column.

    Raises DesignError where it is no such formula. Functions such as log(x) are no part of it: compute the column.
    """
    if not isinstance(text, str):
        raise _no_formula(text)
    tokens = _TOKEN.findall(text)
    for written in tokens:
        if written[0] != "`" and _CALL.search(written):
            raise DesignError(
                f"The formula {text!r} has {written!r}, and functions, powers and parentheses are no part of a "
                "formula: compute the column first, or quote its name in `backticks`."
            )
    if text.count("`") % 2 or not tokens or tokens.count("~") > 1 or "~" in tokens[2:]:
        raise _no_formula(text)
    response: str | None = None
    if "~" in tokens:
        place = tokens.index("~")
        response = _column_name(tokens[0], text) if place else None
        tokens = tokens[place + 1 :]
    terms, intercept = _terms(tokens, text)
    if not terms and not intercept:
        raise _no_formula(text)
    if response is not None and any(response in term for term in terms):
        raise DesignError(f"The formula {text!r} has {response!r} on both sides: leave it out of the predictors.")
    return Formula(text, response, terms, intercept)


def _no_formula(text: Any) -> DesignError:
    return DesignError(f"{text!r} is no formula: write 'response ~ column + column:column', `odd names` in backticks.")


def _column_name(written: str, text: str) -> str:
    if written in SIGNS or written in ("0", "1"):
        raise _no_formula(text)
    return written.strip("`")


def _terms(tokens: Sequence[str], text: str) -> tuple[tuple[Term, ...], bool]:
    """The terms between the signs + and -, lower orders first, and whether there is an intercept."""
    found: dict[frozenset[str], Term] = {}
    intercept, sign, piece = True, "+", list[str]()
    if tokens[:1] == ["-"]:  # "y ~ -1 + x" starts with a sign
        sign, tokens = "-", tokens[1:]
    for written in [*tokens, "+"]:
        if written not in ("+", "-"):
            piece.append(written)
            continue
        if piece in (["0"], ["1"]):
            intercept = (piece == ["1"]) == (sign == "+")
        else:
            for term in _product(piece, text):
                if sign == "+":
                    found.setdefault(frozenset(term), term)
                else:
                    found.pop(frozenset(term), None)
        sign, piece = written, []
    order = {name: place for place, name in reversed(list(enumerate(one.strip("`") for one in tokens)))}
    ordered = [tuple(sorted(term, key=order.__getitem__)) for term in found.values()]
    return tuple(sorted(ordered, key=len)), intercept


def _product(piece: Sequence[str], text: str) -> list[Term]:
    """The terms of a:b (one) or of a*b (a, b and a:b)."""
    if len(piece) % 2 == 0 or any(sign not in (":", "*") for sign in piece[1::2]):
        raise _no_formula(text)
    names = [_column_name(one, text) for one in piece[::2]]
    groups: list[Term] = [(names[0],)]
    for sign, name in zip(piece[1::2], names[1:], strict=True):
        groups = [*groups[:-1], (*groups[-1], name)] if sign == ":" else [*groups, (name,)]
    count = range(1, len(groups) + 1)
    joined = [sum(chosen, ()) for size in count for chosen in combinations(groups, size)]
    return [tuple(dict.fromkeys(term)) for term in joined]


def column_of(name: str, values: Sequence[Any], levels: Sequence[Any] | None = None) -> Column:
    """Values as a column of a model: numbers as they are; text, or a column with `levels`, as a factor.

    levels: in order, the reference first; by default the values in the order of their code points.
    """
    listed = list(values)
    if any(is_missing(value) for value in listed):
        raise DesignError(f"The column {name!r} has missing values: fill them, or leave these rows out with where=.")
    if levels is None and not any(isinstance(value, str) for value in listed):
        return np.asarray(listed, dtype=float)
    known = sorted(set(listed), key=str) if levels is None else list(levels)
    place = {level: code for code, level in enumerate(known)}
    for value in listed:
        if value not in place:
            raise DesignError(f"levels= of {name!r} leaves out {value!r}. {nearest(value, known)}")
    return Factor(np.array([place[value] for value in listed], dtype=np.int64), tuple(level_text(one) for one in known))


def level_text(level: Any) -> str:
    """A level as part of a coefficient's name; whole numbers without a decimal point."""
    return str(int(level)) if isinstance(level, float) and level.is_integer() else str(level)


def model_matrix(formula: Formula, columns: Mapping[str, Column], rows: int) -> ModelMatrix:
    """The matrix of a formula for N = rows rows: (Intercept) first, then term by term, first factors varying fastest.

    Raises DesignError for a column that the table does not have and for a factor with a single level.
    """
    for name in formula.predictors:
        if name not in columns:
            raise DesignError(
                f"The formula {formula.text!r} names the column {name!r}, which the table does not have. "
                f"{nearest(name, columns)}"
            )
    present = {frozenset(term) for term in formula.terms} | ({frozenset[str]()} if formula.intercept else set())
    names: list[str] = [INTERCEPT] if formula.intercept else []
    blocks: list[Floats] = [np.ones((rows, len(names)))]
    term_of = [-1] * len(names)
    for place, term in enumerate(formula.terms):
        made, block = _term_columns(term, columns, present, rows)
        names += made
        blocks.append(block)
        term_of += [place] * len(made)
    return ModelMatrix(tuple(names), np.hstack(blocks), tuple(term_of))


def _term_columns(
    term: Term, columns: Mapping[str, Column], present: set[frozenset[str]], rows: int
) -> tuple[list[str], Floats]:
    names, block = [""], np.ones((rows, 1))
    for name in term:
        column = columns[name]
        if isinstance(column, Factor):
            contrasts = frozenset(term) - {name} in present
            made, piece = _dummies(name, column, contrasts=contrasts)
            if len(term) == 1:  # a factor with all its levels stands for the intercept that was left out
                present.add(frozenset())
        else:
            made, piece = [name], column[:, None]
        names = [f"{left}:{right}".lstrip(":") for right in made for left in names]
        block = (piece[:, :, None] * block[:, None, :]).reshape(rows, -1)
    return names, block


def _dummies(name: str, factor: Factor, *, contrasts: bool) -> tuple[list[str], Floats]:
    if len(factor.levels) < 2:
        raise DesignError(
            f"The column {name!r} has the one level {', '.join(factor.levels)!r} where the model is fitted: leave it "
            "out, or widen where=."
        )
    levels = range(1 if contrasts else 0, len(factor.levels))
    dummies = np.eye(len(factor.levels))[factor.codes][:, list(levels)]
    return [f"{name}{factor.levels[level]}" for level in levels], dummies


def check_independent(names: Sequence[str], triangle: Floats) -> None:
    """Refuse, by name, a column that the columns before it determine.

    triangle: the R of a QR decomposition of the (weighted) columns.
    """
    length = np.linalg.norm(triangle, axis=0)
    own = np.abs(np.diag(triangle))
    for name, left, whole in zip(names, own, length, strict=True):
        if not left > DEPENDENT * whole:
            raise DesignError(
                f"{name!r} is determined by the columns before it (or is 0 throughout), so that it has no coefficient "
                "of its own: leave it out."
            )
