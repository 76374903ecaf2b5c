"""The numbers of R `survey` 4.5: every case of the kinds below must pass, and no kind may lose a case unnoticed.

The runner itself knows none of this: `python -m tests.reference tests/reference` fails while a kind is not supported.
"""

from collections import Counter
from pathlib import Path

import pytest

from tests.reference.__main__ import main
from tests.reference.runner import FAILED, PASSED, cases_in, run

FOLDER = Path(__file__).parent
CASES = list(cases_in(FOLDER))
SUPPORTED_KINDS = {
    "ciprop": 60,
    "composite": 4,
    "composite_by": 5,
    "contrast": 17,
    "contrast after poststratify": 4,
    "contrast after rake": 2,
    "domain_vs_population": 6,
    "domain_vs_population after poststratify": 4,
    "domain_vs_population after rake": 2,
    "mean": 100,
    "mean after poststratify": 28,
    "mean after poststratify after rake": 1,
    "mean after rake": 14,
    "rank_intervals": 1,
    "ratio": 13,
    "ratio after poststratify": 4,
    "ratio after rake": 2,
    "table": 8,
    "total": 29,
    "total after poststratify": 4,
    "total after rake": 2,
    "weights": 1,
    "weights after poststratify": 4,
    "weights after rake": 2,
}


def test_every_case_of_the_supported_kinds_passes() -> None:
    outcomes = [run(case) for case in CASES]
    assert [f"{one.name}: {one.complaint}" for one in outcomes if one.state == FAILED] == []
    assert Counter(one.kind for one in outcomes if one.state == PASSED) == SUPPORTED_KINDS


def test_the_whole_reference_lies_here() -> None:
    assert len(CASES) == 788


def test_a_wrong_number_is_noticed_and_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (FOLDER / "fpc.json").read_text(encoding="utf-8")
    assert '"df":6' in text
    (tmp_path / "fpc.json").write_text(text.replace('"df":6', '"df":7', 1), encoding="utf-8")
    (tmp_path / "fpc.csv").write_bytes((FOLDER / "fpc.csv").read_bytes())
    assert main([str(tmp_path)]) == 1
    shown = capsys.readouterr().out
    assert "FAILED fpc: " in shown
    assert "4 passed, 1 failed (0 of them not supported yet)" in shown


def test_a_folder_whose_every_case_passes_ends_well(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("fpc.json", "fpc.csv"):
        (tmp_path / name).write_bytes((FOLDER / name).read_bytes())
    assert main([str(tmp_path)]) == 0
    assert "5 passed, 0 failed" in capsys.readouterr().out
    assert main([str(tmp_path / "absent")]) == 2
