"""Formulas and their matrices are R's: the names come from R's `model.matrix` on the same columns."""

import numpy as np
import pytest

from analysis import DesignError
from analysis.terms import Factor, check_independent, column_of, model_matrix, parse_formula

COLUMNS = {"f": column_of("f", list("abcabcab")), "g": column_of("g", list("xxxyyyxy")), "n": np.arange(8.0)}


@pytest.mark.parametrize(
    ("formula", "names"),
    [
        ("~f+n", "(Intercept) fb fc n"),
        ("y ~ f:n", "(Intercept) fa:n fb:n fc:n"),
        ("~f:g", "(Intercept) fa:gx fb:gx fc:gx fa:gy fb:gy fc:gy"),
        ("f*g", "(Intercept) fb fc gy fb:gy fc:gy"),
        ("~0+f", "fa fb fc"),
        ("~ -1 + f + g", "fa fb fc gy"),
        ("~n:f+f", "(Intercept) fb fc n:fa n:fb n:fc"),
        ("~f:g-1", "fa:gx fb:gx fc:gx fa:gy fb:gy fc:gy"),
        ("~f+f:g", "(Intercept) fb fc fa:gy fb:gy fc:gy"),
        ("~n+f:n", "(Intercept) n n:fb n:fc"),
        ("~f*g-g", "(Intercept) fb fc fa:gy fb:gy fc:gy"),
    ],
)
def test_coefficients_are_named_as_by_r(formula: str, names: str) -> None:
    """colnames(model.matrix(formula, data.frame(f=strsplit("abcabcab","")[[1]], g=strsplit("xxxyyyxy","")[[1]],
    n=0:7))), R 4.2.
    """
    matrix = model_matrix(parse_formula(formula), COLUMNS, 8)
    assert " ".join(matrix.names) == names
    assert matrix.values.shape == (8, len(matrix.names))


def test_an_interaction_is_the_product_of_its_columns() -> None:
    matrix = model_matrix(parse_formula("~f*n"), COLUMNS, 8)
    column = dict(zip(matrix.names, matrix.values.T, strict=True))
    np.testing.assert_array_equal(column["fb:n"], column["fb"] * COLUMNS["n"])
    assert matrix.term == (-1, 0, 0, 1, 2, 2)


def test_odd_names_stand_in_backticks_and_dots_are_part_of_a_name() -> None:
    parsed = parse_formula("满意度 ~ sch.wide + `age group`:sex")
    assert parsed.response == "满意度"
    assert parsed.terms == (("sch.wide",), ("age group", "sex"))


@pytest.mark.parametrize("formula", ["", "y ~", "~", "y ~ a +", "y ~~ a", "y ~ a b", "a:", "`a", "y ~ a ~ b", "+ a"])
def test_what_is_no_formula_is_refused(formula: str) -> None:
    with pytest.raises(DesignError, match="is no formula"):
        parse_formula(formula)


def test_a_response_that_explains_itself_is_refused() -> None:
    with pytest.raises(DesignError, match="'y' on both sides"):
        parse_formula("y ~ x + y")


def test_a_column_that_is_not_there_is_named_with_the_nearest() -> None:
    with pytest.raises(DesignError, match=r"'n2'.*Did you mean 'n'"):
        model_matrix(parse_formula("~n2"), COLUMNS, 8)


def test_levels_set_the_reference_and_refuse_other_values() -> None:
    column = column_of("n", [1.0, 2.0, 2.0, 3.0], levels=[2.0, 1.0, 3.0])
    assert isinstance(column, Factor)
    assert column.levels == ("2", "1", "3")
    assert column.codes.tolist() == [1, 0, 0, 2]
    with pytest.raises(DesignError, match="levels= of 'n' leaves out 3"):
        column_of("n", [1, 2, 3], levels=[1, 2])
    with pytest.raises(DesignError, match="'n' has missing values"):
        column_of("n", [1.0, float("nan")])


def test_a_factor_of_one_level_and_a_dependent_column_are_named() -> None:
    with pytest.raises(DesignError, match="'f' has the one level 'a'"):
        model_matrix(parse_formula("~f"), {"f": column_of("f", ["a", "a"])}, 2)
    columns = np.column_stack([np.ones(5), np.arange(5.0), 2 * np.arange(5.0) + 3])
    with pytest.raises(DesignError, match="'twice' is determined by the columns before it"):
        check_independent(["one", "n", "twice"], np.linalg.qr(columns, mode="r"))


@pytest.mark.parametrize("formula", ["y ~ offset(x)", "y ~ I(x^2)", "log(y) ~ x", "y ~ (x + k)^2", "y ~ x %in% k"])
def test_functions_and_parentheses_are_refused_with_the_remedy(formula: str) -> None:
    with pytest.raises(DesignError, match="no part of a formula: compute the column first"):
        parse_formula(formula)


def test_a_quoted_name_may_hold_any_sign() -> None:
    assert parse_formula("y ~ `f(x)`").predictors == ("f(x)",)
    with pytest.raises(DesignError, match="None is no formula"):
        parse_formula(None)  # type: ignore[arg-type]
