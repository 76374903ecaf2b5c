"""The same number is the same printed text on every surface."""

import doctest
import math
import subprocess
import sys

from analysis import format_interval, format_number, format_signed, format_signed_interval, formatting


def test_the_examples_in_the_docstrings_hold() -> None:
    assert doctest.testmod(formatting).attempted == 3
    assert doctest.testmod(formatting).failed == 0


def test_numbers_that_are_none_print_as_a_dash() -> None:
    assert {format_number(one) for one in (None, math.nan, math.inf)} == {"–"}
    assert format_interval(math.nan, 3.0) == "–"


def test_nothing_prints_as_minus_zero() -> None:
    assert format_number(-0.04) == "0.0"
    assert format_number(-0.06) == "-0.1"
    assert format_number(1234567.891, for_file=True) == "1.23457e+06"


def test_a_difference_carries_its_sign_and_its_interval_the_word_between() -> None:
    assert [format_signed(one) for one in (0.04, 0.06, -0.06)] == ["0.0", "+0.1", "\N{MINUS SIGN}0.1"]
    assert format_signed_interval(-0.4, 6.0) == "\N{MINUS SIGN}0.4 to +6.0"
    assert format_signed_interval(math.nan, 6.0) == "–"


def test_importing_the_package_loads_neither_engines_nor_statistics() -> None:
    heavy = {"scipy", "statsmodels", "duckdb", "streamlit", "pyspark"}
    code = f"import sys, analysis; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
