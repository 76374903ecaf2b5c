"""The public's questionnaire: items, weights and scores as the indicator system has them, in both languages."""

from collections.abc import Mapping
from itertools import pairwise

import pytest

from questionnaires import Instrument, load_instrument_text
from questionnaires.errors import AnswerError
from questionnaires.messages import SENTENCES, sentence

# index and weight of each scored item, from the table of items of the indicator system
WEIGHTS = {
    **dict.fromkeys(("K1", "K2", "K3", "K4"), ("A1", 3.75)),
    **{"V1": ("A2", 4), "V2": ("A2", 4), "V3": ("A2", 3), "A4": ("A2", 4)},
    **{"B1": ("B1", 7), "B2": ("B2", 8), "B3": ("B3", 5), "B4": ("B3", 5), "B5": ("B4", 5)},
    **{"E1": ("C1", 6), "E2": ("C2", 5), "E3": ("C3", 6), "E4": ("C4", 4), "E5": ("C4", 5)},
    **{"E6": ("C5", 4), "E7": ("C6", 5), "E8": ("C6", 2.5), "E9": ("C6", 2.5)},
}
SAT5 = {
    **{"very_satisfied": 100, "satisfied": 75, "neutral": 50, "dissatisfied": 25, "very_dissatisfied": 0},
    **{"dont_know": None, "refused": None},
}
OFTEN = {"none": 0, "once_or_twice": 100, "three_or_more": 100, "dont_know": None}
TEN = {**{str(place): 100 * (place - 1) / 9 for place in range(1, 11)}, "dont_know": None}
SCORES: Mapping[str, Mapping[str, float | None]] = {
    "K1": {"march_15": 0, "october_1": 0, "december_4": 100, "dont_know": 0},
    "K2": {"right": 100, "wrong": 0, "dont_know": 0},
    "K3": {"right": 0, "wrong": 100, "dont_know": 0},
    "K4": {"right": 100, "wrong": 0, "dont_know": 0},
    "V2": {"line_12348": 100, "line_12315": 0, "line_12306": 0, "dont_know": 0},
    "A4": {"reachable": 100, "heard_of": 50, "dont_know": 0},
    "B1": OFTEN,
    "B2": OFTEN,
    "B3": {"used": 100, "not_used": 0},
    "B4": {
        **dict.fromkeys(("mediation", "arbitration", "reconsideration", "litigation", "legal_aid"), 100),
        **dict.fromkeys(("hotline_12345", "petition"), 50),
        **dict.fromkeys(("connections", "exposure", "give_up"), 0),
        "dont_know": None,
    },
    "B5": {"yes": 100, "no": 0, "dont_know": None},
    **dict.fromkeys(("E1", "E2", "E3", "E4", "E5", "E6"), SAT5),
    **dict.fromkeys(("E7", "E8", "E9"), TEN),
}
PRESETS = {"city": "510100", "fieldwork_year": "2026"}
ADMITTED = {**PRESETS, "consent": "yes", "S1": "yes", "S2": "yes", "S3": "no"}


def test_twenty_two_items_are_scored_with_the_weights_of_the_indicator_system(opinion: Instrument) -> None:
    found = {name: (item.index, item.item_weight) for name, item in opinion.items.items() if item.index}
    assert len(found) == 22
    assert found == WEIGHTS


def test_the_three_degrees_weigh_30_30_40_and_hold_every_item_below_them(opinion: Instrument) -> None:
    degrees = {name: index for name, index in opinion.indices.items() if index.parent is None}
    assert {name: index.item_weight for name, index in degrees.items()} == {
        "awareness": 30,
        "participation": 30,
        "satisfaction": 40,
    }
    for index in degrees.values():
        assert sum(index.items.values()) == index.item_weight
        assert sum(opinion.indices[child].item_weight for child in index.children) == index.item_weight
    assert sum(len(index.items) for index in degrees.values()) == 22
    assert opinion.indices["A1"].items == {"K1": 3.75, "K2": 3.75, "K3": 3.75, "K4": 3.75}


@pytest.mark.parametrize("name", sorted(SCORES))
def test_each_answer_scores_as_the_table_of_items_says(opinion: Instrument, name: str) -> None:
    assert opinion.items[name].scores() == pytest.approx(SCORES[name])


@pytest.mark.parametrize(("name", "key"), [("V1", "legal_adviser"), ("V3", "service_point")])
def test_a_verifiable_item_is_scored_against_the_ledger_or_not_at_all(opinion: Instrument, name: str, key: str) -> None:
    item = opinion.items[name]
    assert item.key == key
    assert item.scored_against("yes") == {"yes": 100, "no": 0, "dont_know": 0}
    assert item.scored_against("no") == {"yes": 0, "no": 100, "dont_know": 0}
    assert item.scored_against(None) == item.scores() == {"yes": None, "no": None, "dont_know": None}
    with pytest.raises(AnswerError, match="has no choice 'Yes'; did you mean 'yes'"):
        item.scored_against("Yes")


def test_every_text_stands_in_chinese_and_in_english(opinion: Instrument) -> None:
    assert opinion.languages == ("zh", "en")
    assert set(opinion.title) == {"zh", "en"}
    texts = [(item.name, item.labels) for item in opinion.items.values() if item.shown]
    texts += [(item.name, item.hints) for item in opinion.items.values() if item.hints]
    texts += [(item.name, item.constraint_messages) for item in opinion.items.values() if item.constraint]
    texts += [
        (f"{item.name} {choice.name}", choice.labels)
        for item in opinion.items.values()
        if item.type != "select_one_from_file"
        for choice in item.choices
    ]
    texts += [(page.name, page.labels) for page in opinion.pages if page.name != "consent"]
    texts += [(index.name, index.labels) for index in opinion.indices.values()]
    assert [name for name, labels in texts if set(labels) != {"zh", "en"}] == []


def test_chinese_texts_use_chinese_punctuation(opinion: Instrument) -> None:
    texts = [item.labels["zh"] for item in opinion.items.values() if item.shown]
    texts += [text["zh"] for item in opinion.items.values() for text in (item.hints, item.constraint_messages) if text]
    texts += [choice.label("zh") for item in opinion.items.values() for choice in item.choices]
    texts += [sentence(kind, "zh", limit=1, place=1, start=1, end=2, values=1, number=1, unit=1) for kind in SENTENCES]
    narrow = {chr(code) for code in (0x2C, 0x3F, 0x21, 0x3A, 0x3B, 0x28, 0x29)}
    assert [text for text in texts if narrow & set(text)] == []
    assert [choice.label("zh") for choice in opinion.items["D5_compound"].choices][1] == "没有物业的老院落，还没有整治"


def test_codes_for_not_knowing_and_refusing_are_the_same_everywhere(opinion: Instrument) -> None:
    for item in opinion.items.values():
        for choice in item.choices:
            assert (choice.missing == "dont_know") == (choice.name == "dont_know"), item.name
            assert (choice.missing == "refused") == (choice.name == "refused"), item.name


def test_seven_short_pages_follow_screening(opinion: Instrument) -> None:
    assert [page.name for page in opinion.pages[:3]] == ["consent", "screening", "address"]
    assert len({page.label("zh") for page in opinion.pages[2:]}) == len(opinion.pages[2:]) == 7
    assert max(len(page.items) for page in opinion.pages) <= 10


def test_the_whole_address_is_one_page(opinion: Instrument) -> None:
    assert [item.name for item in opinion.page("address").items] == [
        *("D5_district", "D5_street", "D5_community", "D5_compound"),
    ]
    answers = {**ADMITTED, "D5_district": "510104", "D5_street": "510105001"}
    assert list(opinion.problems(opinion.page("address"), answers)) == ["D5_street"]


def test_all_but_consent_screening_and_district_may_be_skipped(opinion: Instrument) -> None:
    assert [item.name for item in opinion.items.values() if item.required] == [
        "consent",
        "S1",
        "S2",
        "S3",
        "D5_district",
    ]
    clean = opinion.clean({**ADMITTED, "D5_district": "510104"})
    assert clean.problems == {}
    assert clean.answers["disposition"] == "complete"


@pytest.mark.parametrize(
    ("answers", "disposition"),
    [
        ({"consent": "no"}, "refused"),
        ({"consent": "yes", "S1": "no", "S2": "yes", "S3": "no"}, "not_eligible"),
        ({"consent": "yes", "S1": "yes", "S2": "no", "S3": "no"}, "not_eligible"),
        ({"consent": "yes", "S1": "yes", "S2": "yes", "S3": "yes"}, "not_eligible"),
    ],
)
def test_the_form_ends_early_and_says_why(opinion: Instrument, answers: dict[str, str], disposition: str) -> None:
    last = "screening" if answers["consent"] == "yes" else "consent"
    assert opinion.next_page({**PRESETS, **answers}, last) is None
    clean = opinion.clean({**PRESETS, **answers})
    assert clean.problems == {}
    assert clean.answers["disposition"] == disposition


@pytest.mark.parametrize(
    ("born", "band", "band3"),
    [
        ("2008", "18-29", "18-39"),
        ("1997", "18-29", "18-39"),
        ("1996", "30-39", "18-39"),
        ("1987", "30-39", "18-39"),
        ("1986", "40-49", "40-59"),
        ("1967", "50-59", "40-59"),
        ("1966", "60-69", "60+"),
        ("１９５６", "70+", "60+"),
        ("", None, None),
    ],
)
def test_birth_year_gives_the_bands_of_the_margins(
    opinion: Instrument, born: str, band: str | None, band3: str | None
) -> None:
    clean = opinion.clean({**ADMITTED, "D5_district": "510104", "D2": born})
    assert clean.problems == {}
    assert (clean.answers.get("age_band"), clean.answers.get("age_band3")) == (band, band3)


def test_a_bad_answer_gets_a_kind_sentence_in_the_language_of_the_page(opinion: Instrument) -> None:
    answers = {**ADMITTED, "D5_district": "510104", "D2": "56", "E1": "great", "D6_phones": "two"}
    clean = opinion.clean(answers, "zh")
    assert clean.first_bad_page == "experience"
    assert clean.problems["D2"] == "请填四位数的出生年份，例如 1956；参加调查的人要年满18周岁。"
    assert clean.problems["E1"] == "您选的答案不在这一题的选项里，请从列出的选项中选择。"
    english = opinion.problems(opinion.page("about_you"), answers, "en")
    assert english == {
        "D2": "Please give the year in four digits, for example 1956; the survey is for people of 18 and older.",
        "D6_phones": "Please give a number from 0 to 20.",
    }
    assert set(clean.answers).isdisjoint(clean.problems)


def test_a_street_of_another_district_is_not_accepted(opinion: Instrument) -> None:
    clean = opinion.clean({**ADMITTED, "D5_district": "510104", "D5_street": "510105001"})
    assert list(clean.problems) == ["D5_street"]
    assert clean.first_bad_page == "address"


def test_the_address_opens_from_city_to_community(opinion: Instrument) -> None:
    items, answers = opinion.items, dict(ADMITTED)
    assert [choice.label("zh") for choice in items["D5_district"].offered(answers)] == ["锦江区", "青羊区"]
    assert items["D5_street"].offered(answers) == ()
    answers["D5_district"] = "510105"
    assert [choice.name for choice in items["D5_street"].offered(answers)] == ["510105001", "510105002"]
    answers["D5_street"] = "510105002"
    assert len(items["D5_community"].offered(answers)) == 3
    assert items["D5_community"].label_of("510105002001", "zh") == "水井坊社区"


def test_a_search_finds_a_community_by_its_name_or_by_a_place_above_it(opinion: Instrument) -> None:
    community = opinion.items["D5_community"]
    city = {"city": "510100"}
    assert [found.name for found in community.search("水井", answers=city)] == [
        *("510104001001", "510104002001"),
        *("510105001001", "510105002001"),
    ]
    assert [found.name for found in community.search("青羊 水井坊", answers=city)] == ["510105001001", "510105002001"]
    assert len(community.search("锦江区", answers=city)) == 6
    assert len(community.search("社区", limit=3)) == 3
    assert {found.name[:4] for found in community.search("水井坊")} == {"5101", "5301"}
    assert [found.name for found in community.search("社区", answers={**city, "D5_street": "510104002"})] == [
        *("510104002001", "510104002002", "510104002003"),
    ]
    assert community.search("  ", answers=city) == community.search("无此地", answers=city) == ()
    assert community.chain("510105002001") == {
        "city": "510100",
        "D5_district": "510105",
        "D5_street": "510105002",
        "D5_community": "510105002001",
    }


def test_half_of_the_submissions_see_the_scale_reversed_and_each_sees_it_the_same_way(opinion: Instrument) -> None:
    answers: dict[str, str] = {}
    first = opinion.items["E1"].offered(answers, "a")
    forward = [choice.name for choice in opinion.items["E1"].choices]
    backward = [*reversed(forward[:5]), *forward[5:]]
    ids = [f"submission {number}" for number in range(400)]
    orders = [[c.name for c in opinion.items["E1"].offered(answers, each)] for each in ids]
    assert all(order in (forward, backward) for order in orders)
    assert 160 < sum(order == backward for order in orders) < 240
    for each, order in zip(ids, orders, strict=True):
        assert [c.name for c in opinion.items["E6"].offered(answers, each)] == order
    assert first == opinion.items["E1"].offered(answers, "a")
    assert [c.name for c in opinion.items["E1"].offered(answers)] == forward


def test_the_choices_of_b4_are_shuffled_with_dont_know_last(opinion: Instrument) -> None:
    orders = {tuple(c.name for c in opinion.items["B4"].offered({}, f"submission {n}")) for n in range(50)}
    assert len(orders) > 40
    assert {order[-1] for order in orders} == {"dont_know"}
    assert {frozenset(order) for order in orders} == {frozenset(c.name for c in opinion.items["B4"].choices)}


def test_the_source_of_an_instrument_gives_the_same_instrument(opinion: Instrument, frame_folder) -> None:
    again = load_instrument_text(opinion.source, choice_files=frame_folder)
    assert again.content_hash == opinion.content_hash
    assert list(again.items) == list(opinion.items)


def test_progress_never_grows_on_the_way_through(opinion: Instrument) -> None:
    answers = dict(PRESETS)
    given = {**ADMITTED, "D5_district": "510104", "B3_need": "yes", "B2": "none"}
    page, seen = opinion.next_page(answers), []
    while page is not None:
        seen.append(opinion.progress(answers, page))
        answers |= {item.name: given[item.name] for item in page.visible(answers) if item.name in given}
        page = opinion.next_page(answers, page.name)
    assert [number for number, _ in seen] == list(range(1, len(seen) + 1))
    assert all(later <= earlier for earlier, later in pairwise(number + ahead for number, ahead in seen))
    assert seen[0] == (1, 8)
    assert seen[-1] == (9, 0)
