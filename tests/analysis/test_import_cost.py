"""Importing the package loads no interface, no cluster engine and none of the heavy libraries: those load when used."""

import subprocess
import sys

import pytest

LATE = (
    "streamlit",
    "pyspark",
    "duckdb",
    "polars",
    "scipy.stats",
    "scipy.optimize",
    "statsmodels",
    "altair",
    "formulaic",
    "questionnaires",
    "survey_app",
)
PROGRAM = """
import sys
from analysis import Design, DesignError, Estimates, Sample
print("\\n".join(sys.modules))
"""


@pytest.fixture(scope="module")
def loaded() -> set[str]:
    run = subprocess.run([sys.executable, "-c", PROGRAM], check=True, capture_output=True, text=True)
    return set(run.stdout.split())


@pytest.mark.parametrize("module", LATE)
def test_a_heavy_library_is_not_loaded_with_the_package(module: str, loaded: set[str]) -> None:
    assert module not in loaded


def test_the_package_alone_loads_only_itself() -> None:
    program = "import sys; before = set(sys.modules); import analysis; print(*(set(sys.modules) - before))"
    run = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert not {"numpy", "pandas", "narwhals", "analysis.sample"} & set(run.stdout.split())


def test_a_mean_by_district_needs_no_statistics_library() -> None:
    program = """
import sys, pandas
from analysis import Design, Sample
frame = pandas.DataFrame({"psu": [1, 2, 3, 4], "w": [1.0] * 4, "y": [1.0, 2.0, 4.0, 3.0], "district": list("aabb")})
Sample(frame, Design(weight="w", psu="psu")).mean("y", by="district").covariance
print(*sys.modules)
"""
    run = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert not {"scipy.stats", "statsmodels", "duckdb", "pyspark", "streamlit"} & set(run.stdout.split())
