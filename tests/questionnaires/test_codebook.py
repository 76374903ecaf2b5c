"""The codebook tells what each answer means and scores."""

import csv
from pathlib import Path

from questionnaires import Instrument, codebook_rows
from questionnaires.codebook import write_codebook


def test_the_codebook_has_a_row_for_each_item_and_choice(opinion: Instrument) -> None:
    rows = codebook_rows(opinion)
    assert {row["item"] for row in rows} == set(opinion.items)
    keys = [(row["item"], row["choice"]) for row in rows]
    assert len(keys) == len(set(keys))
    e1 = [row for row in rows if row["item"] == "E1"]
    assert [(row["choice"], row["score"], row["missing"]) for row in e1] == [
        *(("very_satisfied", 100, ""), ("satisfied", 75, ""), ("neutral", 50, "")),
        *(("dissatisfied", 25, ""), ("very_dissatisfied", 0, "")),
        *(("dont_know", None, "dont_know"), ("refused", None, "refused")),
    ]
    assert {(row["index"], row["item_weight"], row["choice_label_zh"]) for row in e1 if row["score"] == 75} == {
        ("C1", 6.0, "比较满意")
    }
    (dont_know,) = [row for row in rows if (row["item"], row["choice"]) == ("K1", "dont_know")]
    assert dont_know["score"] == 0
    assert {row["key"] for row in rows if row["item"] == "V1"} == {"legal_adviser"}


def test_a_list_of_thousands_is_one_row(opinion: Instrument) -> None:
    assert len([row for row in codebook_rows(opinion) if row["item"] == "D5_community"]) == 1


def test_the_codebook_as_csv_opens_in_excel_and_reads_back(opinion: Instrument, tmp_path: Path) -> None:
    write_codebook(opinion, tmp_path / "codebook.csv")
    assert (tmp_path / "codebook.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    with (tmp_path / "codebook.csv").open(encoding="utf-8-sig", newline="") as lines:
        read = list(csv.DictReader(lines))
    assert read == [{k: "" if v is None else str(v) for k, v in row.items()} for row in codebook_rows(opinion)]


def test_the_codebook_says_how_a_number_becomes_a_score(opinion: Instrument) -> None:
    scores = {row["item"]: row["score_expression"] for row in codebook_rows(opinion) if row["score_expression"]}
    assert scores == {name: item.score.text for name, item in opinion.items.items() if item.score is not None}
    assert scores["E7"] == "100 * (. - 1) div 9"
    assert {row["score_expression"] for row in codebook_rows(opinion) if row["item"] == "E1"} == {""}
