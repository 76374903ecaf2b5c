"""The house's walls: the import contracts of pyproject.toml, held by import-linter, and what an import may not load."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)


def test_every_import_keeps_to_its_layer() -> None:
    linter = Path(sys.executable).parent / "lint-imports"
    result = run(str(linter), "--no-cache")
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("imported", "forbidden"),
    [
        ("analysis", {"streamlit", "pyspark", "duckdb", "statsmodels"}),
        ("questionnaires", {"streamlit", "pyxform", "analysis"}),
        ("survey_app.cli", {"streamlit", "altair"}),
    ],
)
def test_an_import_loads_nothing_it_does_not_need(imported: str, forbidden: set[str]) -> None:
    code = f"import sys, {imported}; print(*sorted(set(sys.modules) & {forbidden!r}))"
    result = run(sys.executable, "-c", code)
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == ""


def test_the_top_level_holds_only_what_the_design_lists() -> None:
    listed = {
        *("survey_app", "questionnaires", "analysis", "tests", "data", "pyproject.toml", "README.md"),
        *(
            "Makefile",
            "constraints.txt",
            "CHANGELOG.md",
            "CONTRIBUTING.md",
            "LICENSE",
            ".gitignore",
            ".ci",
            ".streamlit",
        ),
    }
    tracked = run("git", "ls-tree", "--name-only", "HEAD").stdout.split()
    assert set(tracked) <= listed
