"""The inspection of the sixteen items: every rule of the table scored by hand, at and beside each target."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pyxform.xls2xform import convert

from analysis import Design, Sample
from questionnaires import Instrument, load_instrument
from questionnaires.loading import LIBRARY
from questionnaires.sheets import read_yaml
from questionnaires.xlsform import to_xform

DATA = Path(__file__).resolve().parents[2] / "data"
TODAY = date(2026, 11, 22)
ITEMS = tuple(f"I{number}" for number in range(1, 17))
VISIT = {
    **{"city": "510100", "team": 3, "second_team": "no", "district": "510112", "visit_date": "2026-11-20"},
    **{"months": 12, "circle_entry": "2-510112-2014"},
}
THIRD = 100 / 3


@pytest.fixture(scope="module")
def inspection() -> Instrument:
    return load_instrument(LIBRARY / "inspection.yaml", choice_files=DATA)


def cleaned(form: Instrument, answers: Mapping[str, Any]) -> dict[str, Any]:
    found = form.clean({**VISIT, **answers}, today=TODAY)
    assert found.problems == {}
    return found.answers


def outcome(form: Instrument, item: str, answers: Mapping[str, Any]) -> tuple[float | None, str | None]:
    """Score and place in the pass pattern of one item."""
    found = cleaned(form, answers)
    return form.items[item].scored(found.get(item)), found.get(f"{item}_result")


def parts(item: str, names: str, values: str) -> dict[str, str]:
    words = {"y": "yes", "n": "no"}
    return {f"{item}_{name}": words[value] for name, value in zip(names.split(), values, strict=True) if value != "-"}


def counts(item: str, names: str, *values: int | None) -> dict[str, int]:
    return {f"{item}_{name}": n for name, n in zip(names.split(), values, strict=True) if n is not None}


LEADERS, MEANS, PLANS = "secretary deputy director", "staff funds targets", "long year"
MEETINGS, BODIES = "rally group special", "party congress government cppcc"
CASES: list[tuple[str, Mapping[str, Any], float | None, str | None]] = [
    # three parts in thirds, met when all three are there; a part that nobody checked leaves the item open
    ("I1", parts("I1", LEADERS, "nnn"), 0, "not_met"),
    ("I1", parts("I1", LEADERS, "ynn"), THIRD, "not_met"),
    ("I1", parts("I1", LEADERS, "yny"), 2 * THIRD, "not_met"),
    ("I1", parts("I1", LEADERS, "yyy"), 100, "met"),
    ("I1", parts("I1", LEADERS, "yy-"), None, None),
    ("I2", parts("I2", MEANS, "nnn"), 0, "not_met"),
    ("I2", parts("I2", MEANS, "nyy"), 2 * THIRD, "not_met"),
    ("I2", parts("I2", MEANS, "yyy"), 100, "met"),
    ("I2", parts("I2", MEANS, "---"), None, None),
    # rules 50, compliance 50, met from 90%
    ("I3", {"I3_rules": "no"}, 0, "not_met"),
    ("I3", {"I3_rules": "yes", "I3_sampled": 10, "I3_compliant": 0}, 50, "not_met"),
    ("I3", {"I3_rules": "yes", "I3_sampled": 10, "I3_compliant": 8}, 90, "not_met"),
    ("I3", {"I3_rules": "yes", "I3_sampled": 10, "I3_compliant": 9}, 95, "met"),
    ("I3", {"I3_rules": "yes", "I3_sampled": 10, "I3_compliant": 10}, 100, "met"),
    ("I3", {"I3_rules": "yes", "I3_sampled": 19, "I3_compliant": 17}, 50 + 50 * 17 / 19, "not_met"),
    ("I3", {"I3_rules": "yes", "I3_sampled": 0, "I3_compliant": 0}, None, "na"),
    ("I3", {"I3_rules": "yes", "I3_sampled": 10}, None, None),
    ("I4", parts("I4", PLANS, "nn"), 0, "not_met"),
    ("I4", parts("I4", PLANS, "yn"), 50, "not_met"),
    ("I4", parts("I4", PLANS, "yy"), 100, "met"),
    ("I5", counts("I5", MEETINGS, 0, 0, 0), 0, "not_met"),
    ("I5", counts("I5", MEETINGS, 7, 0, 1), 2 * THIRD, "not_met"),
    ("I5", counts("I5", MEETINGS, 1, 1, 1), 100, "met"),
    ("I5", counts("I5", MEETINGS, 2, 1, None), None, None),
    *[(item, {item: n}, 100 * (n >= 1), "met" if n else "not_met") for item in ("I6", "I7", "I16") for n in (0, 1, 5)],
    # four a year by each body, the mean of what each reached
    ("I8", counts("I8", BODIES, 0, 0, 0, 0), 0, "not_met"),
    ("I8", counts("I8", BODIES, 3, 4, 4, 4), 93.75, "not_met"),
    ("I8", counts("I8", BODIES, 4, 4, 4, 4), 100, "met"),
    ("I8", counts("I8", BODIES, 16, 0, 0, 0), 25, "not_met"),
    ("I8", counts("I8", BODIES, 9, 5, 4, 4), 100, "met"),
    ("I8", counts("I8", BODIES, 4, 4, 4, None), None, None),
    # pooled: four by all of them together
    ("I8", {"I8_rule": "pooled", **counts("I8", BODIES, 3, 0, 0, 0)}, 75, "not_met"),
    ("I8", {"I8_rule": "pooled", **counts("I8", BODIES, 1, 1, 1, 1)}, 100, "met"),
    ("I8", {"I8_rule": "pooled", **counts("I8", BODIES, 4, 1, 0, 0)}, 100, "met"),
    ("I8", {"I8_rule": "per_body", **counts("I8", BODIES, 4, 1, 0, 0)}, 31.25, "not_met"),
    # at mid-year the target is two
    ("I8", {"months": 6, **counts("I8", BODIES, 2, 2, 2, 2)}, 100, "met"),
    ("I8", {"months": 6, **counts("I8", BODIES, 1, 2, 2, 2)}, 87.5, "not_met"),
    ("I8", {"months": 6, "I8_rule": "pooled", **counts("I8", BODIES, 1, 0, 0, 0)}, 50, "not_met"),
    ("I8", {"months": 5, **counts("I8", BODIES, 1, 2, 2, 2)}, 25 * (1 / (5 / 3) + 3), "not_met"),
    ("I9", {"I9": "no"}, 0, "not_met"),
    ("I9", {"I9": "yes"}, 100, "met"),
    ("I9", {}, None, None),
    ("I10", {"I10": "none"}, 0, "not_met"),
    ("I10", {"I10": "decided"}, 50, "not_met"),
    ("I10", {"I10": "started"}, 100, "met"),
    # three a year, each with its five steps on record
    ("I11", {"I11_all": 9, "I11": 0}, 0, "not_met"),
    ("I11", {"I11_all": 9, "I11": 2}, 2 * THIRD, "not_met"),
    ("I11", {"I11_all": 9, "I11": 3}, 100, "met"),
    ("I11", {"I11_all": 9, "I11": 4}, 100, "met"),
    ("I11", {"I11_all": 9}, None, None),
    ("I12", {"I12": "none"}, 0, "not_met"),
    ("I12", {"I12": "planned"}, 50, "not_met"),
    ("I12", {"I12": "progressing"}, 100, "met"),
    ("I12", {"I12": "completed"}, 100, "met"),
    ("I12", {"district": "510104", "circle_entry": "1-510104-2014"}, None, "na"),
    ("I12", {"district": "510181", "circle_entry": "3-510181-2014", "I12": "progressing"}, 100, "met"),
    ("I13", {"I13_eligible": 8, "I13_assessed": 0}, 0, "not_met"),
    ("I13", {"I13_eligible": 8, "I13_assessed": 7}, 87.5, "not_met"),
    ("I13", {"I13_eligible": 8, "I13_assessed": 8}, 100, "met"),
    ("I13", {"I13_eligible": 0, "I13_assessed": 0}, None, "na"),
    ("I13", {"I13_eligible": 0}, None, "na"),
    ("I13", {"I13_eligible": 8}, None, None),
    ("I14", {"I14_months": 0, "I14_ledgers": "no", "I14_owners": "no"}, 0, "not_met"),
    ("I14", {"I14_months": 11, "I14_ledgers": "yes", "I14_owners": "yes"}, (11 / 12 + 2) * THIRD, "not_met"),
    ("I14", {"I14_months": 12, "I14_ledgers": "yes", "I14_owners": "no"}, 2 * THIRD, "not_met"),
    ("I14", {"I14_months": 12, "I14_ledgers": "yes", "I14_owners": "yes"}, 100, "met"),
    ("I14", {"I14_months": 6, "I14_ledgers": "no", "I14_owners": "no"}, 50 / 3, "not_met"),
    ("I14", {"I14_months": 12, "I14_ledgers": "yes"}, None, None),
    ("I15", {"I15_planned": 10, "I15_done": 0, "I15_breaches": 0}, 0, "not_met"),
    ("I15", {"I15_planned": 10, "I15_done": 9, "I15_breaches": 0}, 90, "met"),
    ("I15", {"I15_planned": 10, "I15_done": 10, "I15_breaches": 0}, 100, "met"),
    ("I15", {"I15_planned": 10, "I15_done": 10, "I15_breaches": 1, "I15_breach_list": "东街12号院"}, 100, "not_met"),
    ("I15", {"I15_planned": 0, "I15_done": 0, "I15_breaches": 0}, None, "na"),
    ("I15", {"I15_planned": 10, "I15_done": 4}, 40, None),
]


@pytest.mark.parametrize(("item", "answers", "score", "result"), CASES)
def test_an_item_scores_as_counted_by_hand(
    inspection: Instrument, item: str, answers: Mapping[str, Any], score: float | None, result: str | None
) -> None:
    found, pattern = outcome(inspection, item, answers)
    assert found == (None if score is None else pytest.approx(score))
    assert pattern == result


def test_every_item_is_among_the_cases() -> None:
    assert {item for item, *_ in CASES} == set(ITEMS)


def test_sixteen_items_of_equal_weight_add_up_to_a_hundred(inspection: Instrument) -> None:
    index = inspection.indices["inspection"]
    assert dict(index.items) == dict.fromkeys(ITEMS, 6.25)
    assert (index.item_weight, index.min_weight, index.min_answered) == (100, 0.5, 8)


def test_the_form_is_accepted_without_a_warning(inspection: Instrument) -> None:
    sheets = read_yaml(inspection.source, "inspection.yaml")
    form = {name: [dict(row.cells) for row in sheets.get(name, [])] for name in ("survey", "choices", "settings")}
    assert convert(form).warnings == []
    assert "<h:title>法治建设工作督查表</h:title>" in to_xform(inspection)


def test_every_text_stands_in_both_languages_and_chinese_with_its_own_punctuation(inspection: Instrument) -> None:
    shown = [item for item in inspection.items.values() if item.shown]
    texts = [item.labels for item in shown] + [item.hints for item in shown if item.hints]
    texts += [item.constraint_messages for item in shown if item.constraint]
    texts += [choice.labels for item in shown for choice in item.choices if item.type == "select_one"]
    texts += [page.labels for page in inspection.pages if page.labels]
    texts += [index.labels for index in inspection.indices.values()]
    assert [labels for labels in texts if set(labels) != {"zh", "en"}] == []
    narrow = {chr(code) for code in (0x2C, 0x3F, 0x21, 0x3A, 0x3B, 0x28, 0x29)}
    assert [labels["zh"] for labels in texts if narrow & set(labels["zh"].replace("（SHA-256）", ""))] == []


def test_evidence_is_named_dated_and_fixed_by_the_checksum_of_a_file_kept_elsewhere(inspection: Instrument) -> None:
    given = {
        "I1_evidence": "任职文件〔2026〕3号",
        "I1_evidence_date": "2026-03-01",
        "I1_evidence_hash": "0aF" + "b" * 61,
    }
    assert cleaned(inspection, given).items() >= given.items()
    for item in ITEMS:
        kinds = [inspection.items[f"{item}_evidence{end}"].type for end in ("", "_date", "_hash")]
        assert kinds == ["text", "date", "text"]
    for wrong in ("b" * 63, "b" * 65, "g" * 64, f"{'b' * 64} x"):
        problems = inspection.clean({**VISIT, "I1_evidence_hash": wrong}, today=TODAY).problems
        assert problems["I1_evidence_hash"].startswith("校验码是64位的数字和字母")
    late = inspection.clean({**VISIT, "I1_evidence_date": "2026-11-23"}, "en", today=TODAY).problems
    assert late == {"I1_evidence_date": "The date of the evidence cannot lie in the future."}


def test_a_visit_needs_its_team_district_date_and_months(inspection: Instrument) -> None:
    required = [item.name for item in inspection.items.values() if item.required]
    assert required == ["team", "second_team", "district", "visit_date", "months"]
    problems = inspection.clean({"city": "510100"}, today=TODAY).problems
    assert list(problems) == required


@pytest.mark.parametrize(
    ("district", "day", "circle"),
    [
        ("510104", "2026-11-20", "1"),
        ("510117", "2014-12-01", "2"),
        ("510184", "2026-11-20", "3"),
        ("510184", "2013-12-31", None),  # before any division on file
        ("510185", "2026-11-20", None),  # not in the city in 2014
    ],
)
def test_the_circle_is_that_of_the_district_on_the_day_of_the_visit(
    inspection: Instrument, district: str, day: str, circle: str | None
) -> None:
    visit = {**VISIT, "district": district, "visit_date": day}
    offered = [choice.name for choice in inspection.items["circle_entry"].offered(visit)]
    assert offered == ([] if circle is None else [f"{circle}-{district}-2014"])


def test_a_first_circle_district_is_not_asked_i12_and_one_without_a_division_is(inspection: Instrument) -> None:
    first = {**VISIT, "district": "510104", "circle_entry": "1-510104-2014"}
    unknown = {name: value for name, value in VISIT.items() if name != "circle_entry"} | {"district": "510185"}
    assert inspection.page("page_I12").visible(first) == ()
    assert inspection.page("page_I12").visible(VISIT)[0].name == "I12"
    assert inspection.page("page_I12").visible(unknown)[0].name == "I12"
    assert inspection.clean({**first, "I12": "completed"}, today=TODAY).dropped == ("I12",)


def test_the_circles_of_2014_are_five_six_and_eight_districts(inspection: Instrument) -> None:
    circles = [choice.name.split("-")[0] for choice in inspection.items["circle_entry"].choices]
    assert [circles.count(number) for number in "123"] == [5, 6, 8]


def test_the_coverage_of_advisers_is_shown_and_not_scored(inspection: Instrument) -> None:
    found = cleaned(inspection, {"I10": "started", "I10_units": 30, "I10_covered": 20})
    assert found["I10_coverage"] == "66.7"
    assert inspection.items["I10_coverage"].index is None
    assert "I10_coverage" not in cleaned(inspection, {"I10_units": 0, "I10_covered": 0})


def test_breaches_of_the_order_must_be_listed(inspection: Instrument) -> None:
    given = {**VISIT, "I15_planned": 10, "I15_done": 10, "I15_breaches": 1}
    assert list(inspection.clean(given, today=TODAY).problems) == ["I15_breach_list"]
    assert inspection.clean({**given, "I15_breaches": 0}, today=TODAY).problems == {}


@pytest.mark.parametrize(
    "answers",
    [
        {"I3_rules": "yes", "I3_sampled": 10, "I3_compliant": 11},
        {"I11_all": 2, "I11": 3},
        {"I13_eligible": 0, "I13_assessed": 1},
        {"I14_months": 13},
        {"months": 6, "I14_months": 7},
        {"I15_planned": 3, "I15_done": 4},
        {"I6": -1},
    ],
)
def test_a_part_that_is_larger_than_its_whole_is_not_accepted(
    inspection: Instrument, answers: Mapping[str, Any]
) -> None:
    assert list(inspection.clean({**VISIT, **answers}, today=TODAY).problems) == [list(answers)[-1]]


BEST = {
    **parts("I1", LEADERS, "yyy"),
    **parts("I2", MEANS, "yyy"),
    **{"I3_rules": "yes", "I3_sampled": 10, "I3_compliant": 10},
    **parts("I4", PLANS, "yy"),
    **counts("I5", MEETINGS, 1, 1, 1),
    **{"I6": 1, "I7": 1, **counts("I8", BODIES, 4, 4, 4, 4), "I9": "yes", "I10": "started", "I11_all": 3, "I11": 3},
    **{"I12": "progressing", "I13_eligible": 2, "I13_assessed": 2},
    **{"I14_months": 12, "I14_ledgers": "yes", "I14_owners": "yes"},
    **{"I15_planned": 4, "I15_done": 4, "I15_breaches": 0, "I16": 1},
}


def test_the_pass_pattern_is_counted(inspection: Instrument) -> None:
    pattern = ("items_met", "items_not_met", "items_na")
    assert [cleaned(inspection, BEST)[name] for name in pattern] == ["16", "0", "0"]
    assert [cleaned(inspection, {})[name] for name in pattern] == ["0", "0", "0"]
    other = {**BEST, "I6": 0, "I13_eligible": 0, "I13_assessed": 0}
    assert [cleaned(inspection, other)[name] for name in pattern] == ["14", "1", "1"]


MIDDLING = {
    **{**parts("I1", LEADERS, "yyn"), **parts("I2", MEANS, "yyy"), **parts("I4", PLANS, "yn")},
    **{"I3_rules": "yes", "I3_sampled": 10, "I3_compliant": 7, **counts("I5", MEETINGS, 2, 0, 0), "I6": 3, "I7": 0},
    **{**counts("I8", BODIES, 4, 2, 6, 1), "I9": "yes", "I10": "decided", "I11_all": 5, "I11": 2, "I12": "planned"},
    **{"I13_eligible": 8, "I13_assessed": 6, "I14_months": 9, "I14_ledgers": "yes", "I14_owners": "no"},
    **{"I15_planned": 20, "I15_done": 5, "I15_breaches": 0, "I16": 0},
}
FIRST_CIRCLE = {  # at mid-year, I8 pooled; no record to sample, no decision to assess, no compound planned
    **{"district": "510104", "circle_entry": "1-510104-2014", "months": 6, "I8_rule": "pooled"},
    **{**parts("I1", LEADERS, "yyy"), **parts("I2", MEANS, "nny"), **parts("I4", PLANS, "yy"), "I13_eligible": 0},
    **{"I3_rules": "yes", "I3_sampled": 0, "I3_compliant": 0, **counts("I5", MEETINGS, 1, 1, 1), "I6": 1, "I7": 1},
    **{**counts("I8", BODIES, 1, 0, 0, 0), "I9": "no", "I10": "started", "I11_all": 3, "I11": 3, "I15_planned": 0},
    **{"I14_months": 6, "I14_ledgers": "yes", "I14_owners": "yes", "I16": 2},
}
HALF = ("I4_long", "I4_year", "I6", "I7", "I9", "I10", "I11_all", "I11", "I12", "I16")


def test_the_sum_of_a_whole_visit_is_the_mean_counted_by_hand(inspection: Instrument) -> None:
    visits = [MIDDLING, FIRST_CIRCLE, {name: MIDDLING[name] for name in HALF}]
    by_hand = [
        [2 * THIRD, 100, 85, 50, THIRD, 100, 0, 68.75, 100, 50, 2 * THIRD, 50, 75, 175 / 3, 25, 0],
        [100, THIRD, 100, 100, 100, 100, 50, 0, 100, 100, 250 / 3, 100],
        [50, 100, 0, 100, 50, 2 * THIRD, 50, 0],  # eight items of sixteen are half of the weight: just enough
    ]
    frame = pd.DataFrame([cleaned(inspection, visit) for visit in visits])
    frame["place"], frame["weight"] = ["a", "b", "c"], 1.0
    sample = Sample(frame, Design(weight="weight"), instrument=inspection)
    means = pytest.approx([sum(scores) / len(scores) for scores in by_hand])
    assert sample.index("inspection", by="place").to_frame()["estimate"].tolist() == means
    assert sample.with_person_index("inspection", name="sum").data["sum"].to_pylist() == means


def test_items_that_do_not_apply_leave_the_denominator_of_the_sum(inspection: Instrument) -> None:
    visits = [
        BEST,
        # I8 93.75, I12 does not apply, I13 does not apply: (13 * 100 + 93.75) / 14
        {
            **{name: value for name, value in BEST.items() if name != "I12"},
            **{"district": "510104", "circle_entry": "1-510104-2014", "I13_eligible": 0, "I13_assessed": 0},
            **counts("I8", BODIES, 3, 4, 4, 4),
        },
        # six items checked: below half of the weight
        {name: value for name, value in BEST.items() if name in {"I6", "I7", "I9", "I10", "I12", "I16"}} | {"I6": 0},
    ]
    rows = [cleaned(inspection, visit) for visit in visits]
    frame = pd.DataFrame(rows)
    frame["place"], frame["weight"] = ["a", "b", "c"], 1.0
    sample = Sample(frame, Design(weight="weight"), instrument=inspection)
    found = sample.index("inspection", by="place").to_frame()
    assert found["estimate"].tolist()[:2] == pytest.approx([100, (13 * 100 + 93.75) / 14])
    assert pd.isna(found["estimate"].tolist()[2])
    persons = sample.with_person_index("inspection", name="sum").data["sum"].to_pylist()
    assert persons[:2] == pytest.approx([100, (13 * 100 + 93.75) / 14])
    assert pd.isna(persons[2])
