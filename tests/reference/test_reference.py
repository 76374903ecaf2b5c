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
    "alpha": 4,
    "chisq": 38,
    "chisq after calibrate": 9,
    "chisq after poststratify": 4,
    "chisq after rake": 2,
    "chisq with replicates": 11,
    "ciprop": 60,
    "ciprop by likelihood": 4,
    "ciprop with replicates": 14,
    "composite": 4,
    "composite_by": 5,
    "contrast": 17,
    "contrast after calibrate": 9,
    "contrast after poststratify": 4,
    "contrast after rake": 2,
    "contrast with replicates": 11,
    "correlation": 4,
    "domain_vs_population": 6,
    "domain_vs_population after calibrate": 9,
    "domain_vs_population after poststratify": 4,
    "domain_vs_population after rake": 2,
    "glm": 12,
    "glm after calibrate": 9,
    "glm after poststratify": 4,
    "glm after rake": 2,
    "glm with replicates": 11,
    "gofchisq": 4,
    "mean": 100,
    "mean after calibrate": 64,
    "mean after poststratify": 28,
    "mean after poststratify after rake": 1,
    "mean after rake": 14,
    "mean after trim": 1,
    "mean with lonely psus in domains": 4,
    "mean with pps": 4,
    "mean with replicates": 44,
    "oldquantile": 12,
    "olr": 1,
    "quantile": 28,
    "quantile after calibrate": 9,
    "quantile after poststratify": 4,
    "quantile after rake": 2,
    "rank_intervals": 1,
    "ranktest": 16,
    "ratio": 13,
    "ratio after calibrate": 9,
    "ratio after poststratify": 4,
    "ratio after rake": 2,
    "ratio with pps": 7,
    "ratio with replicates": 11,
    "table": 8,
    "total": 29,
    "total after calibrate": 9,
    "total after poststratify": 4,
    "total after rake": 2,
    "total with pps": 12,
    "total with replicates": 12,
    "ttest": 21,
    "ttest after calibrate": 9,
    "ttest after poststratify": 4,
    "ttest after rake": 2,
    "ttest with replicates": 11,
    "var": 4,
    "weights": 1,
    "weights after calibrate": 9,
    "weights after poststratify": 4,
    "weights after rake": 2,
    "weights after trim": 1,
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
