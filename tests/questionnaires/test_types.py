"""Every type, column and appearance of level L1: what it takes, what it refuses, what it asks."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from questionnaires import Instrument, InstrumentError, load_instrument_text
from questionnaires.xlsform import convert_form

HEAD = """settings:
  - {form_title: 表, form_id: form, version: "1", default_language: 中文 (zh)}
choices:
  - {list_name: needs, name: roads, "label::中文 (zh)": 修路, "label::English (en)": Roads}
  - {list_name: needs, name: parks, "label::中文 (zh)": 公园, "label::English (en)": Parks}
  - {list_name: needs, name: schools, "label::中文 (zh)": 学校, "label::English (en)": Schools}
  - {list_name: places, name: "1:first", "label::中文 (zh)": “甲”, "label::English (en)": A}
survey:
"""


def row(type: str, name: str = "", **cells: str) -> str:
    cells = {column.replace("__", "::"): text for column, text in cells.items()}
    if name and "label" not in cells:
        cells |= {"label::中文 (zh)": f"{name}？", "label::English (en)": f"{name}?"}
    cells.pop("label", None)
    body = ", ".join(f'"{column}": "{text}"' for column, text in cells.items())
    named = f"name: {name}, " if name else ""
    return f"  - {{type: {type}, {named}{body}}}\n"


def form(*rows: str) -> Instrument:
    return load_instrument_text(HEAD + "".join(rows))


def refused(*rows: str) -> str:
    with pytest.raises(InstrumentError) as caught:
        form(*rows)
    return str(caught.value)


@pytest.mark.parametrize(
    ("kind", "cells", "raw", "clean"),
    [
        ("range", {"parameters": "start=0 end=10 step=2"}, "４", 4),
        ("range", {"parameters": "start=0 end=1 step=0.1"}, "0.3", 0.3),
        ("range", {}, "3.0", 3),
        ("rank needs", {}, ["parks", "roads", "schools"], ["parks", "roads", "schools"]),
        ("rank needs", {}, "parks roads schools", ["parks", "roads", "schools"]),
        ("rank needs", {}, ["2:roads", "1:parks", "3:schools"], ["parks", "roads", "schools"]),
        ("time", {}, "8:05", "08:05"),
        ("time", {}, "08:30:00.000+08:00", "08:30"),
        ("dateTime", {}, "2026-05-01T08:30", "2026-05-01T08:30"),
        ("dateTime", {}, "2026-05-01 8:30:00", "2026-05-01T08:30"),
        *(
            ("date", {}, written, "1956-03-05")
            for written in ("1956-03-05", "1956-3-5", "1956.3.5", "1956/3/5", "1956年3月5日", "1956 年 3 月 5 号")
        ),
        *(("date", {}, written, "1956-03-05") for written in ("１９５６年３月５日", "1956。3。5", "１９５６－３－５")),
        ("dateTime", {}, "2026 年 5 月 1 日 8：30", "2026-05-01T08:30"),
        ("integer", {}, "　７０ ", 70),
        ("acknowledge", {}, "OK", "OK"),
        ("select_multiple needs", {}, ["roads"], ["roads"]),
    ],
)
def test_a_right_answer_is_kept_clean(kind: str, cells: dict[str, str], raw: Any, clean: Any) -> None:
    found = form(row(kind, "q", **cells)).clean({"q": raw})
    assert (found.answers, found.problems) == ({"q": clean}, {})
    assert form(row(kind, "q", **cells)).clean(found.answers).answers == found.answers


@pytest.mark.parametrize(
    ("kind", "cells", "raw", "sentence"),
    [
        ("range", {}, "11", "请填 1 到 10 之间的整数。"),
        ("range", {}, "2.5", "请填 1 到 10 之间的整数。"),
        ("range", {"parameters": "start=0 end=10 step=2"}, "3", "请从这些数里选一个来填：0、2、4、6、8、10。"),
        ("range", {"parameters": "start=0 end=100 step=5"}, "3", "请从这些数里选一个来填：0、5、10……100。"),
        ("range", {"parameters": "start=0.5 end=9.5"}, "3", "请从这些数里选一个来填：0.5、1.5、2.5……9.5。"),
        ("range", {}, "5分", "请只填数字，不写“分”，例如 5。"),
        ("integer", {}, "70岁", "请只填数字，不写“岁”，例如 70。"),
        ("integer", {}, "７０ 岁", "请只填数字，不写“岁”，例如 70。"),
        ("integer", {}, "70。", "请只填数字，不写“。”，例如 70。"),
        ("decimal", {}, "3.5元", "请只填数字，不写“元”，例如 3.5。"),
        ("integer", {}, "3.5元", "请填一个整数，例如 3。"),
        (
            "integer",
            {
                "constraint": ". < 120",
                "constraint_message::中文 (zh)": "请填年龄。",
                "constraint_message::English (en)": "Your age.",
            },
            "70岁",
            "请只填数字，不写“岁”，例如 70。",
        ),
        ("integer", {}, "³", "请填一个整数，例如 3。"),
        ("integer", {}, "①", "请填一个整数，例如 3。"),
        ("decimal", {}, "2³", "请填一个数字，例如 2.5。"),
        ("integer", {}, "3万", "请填一个整数，例如 3。"),
        ("date", {}, "5/3/1956", "请按“年-月-日”填写，例如 2026-05-01。"),
        ("date", {}, "56年3月5日", "请按“年-月-日”填写，例如 2026-05-01。"),
        ("date", {}, "1956-3.5", "请按“年-月-日”填写，例如 2026-05-01。"),
        ("date", {}, "1956年2月30日", "请按“年-月-日”填写，例如 2026-05-01。"),
        ("date", {}, "1956³-03-05", "请按“年-月-日”填写，例如 2026-05-01。"),
        ("range", {}, "many", "请填一个数字，例如 2.5。"),
        ("rank needs", {}, ["1:roads", "1:parks"], "第 1 位给了不止一项，请给每一项排一个不同的名次。"),
        ("rank needs", {}, ["1:roads", "2:parks"], "还有没排名次的，请给每一项都排上名次。"),
        ("rank needs", {}, ["1:roads", "2:roads"], "我们没能读懂这个答案，请重新填写。"),
        ("rank needs", {}, ["roads", "parks", "x"], "您选的答案不在这一题的选项里，请从列出的选项中选择。"),
        ("time", {}, "25:00", "请填写几点几分，例如 08：30。"),
        ("dateTime", {}, "2026-05-01", "请填写日期和时间，例如 2026-05-01 08：30。"),
        ("acknowledge", {}, "no", "我们没能读懂这个答案，请重新填写。"),
    ],
)
def test_a_wrong_answer_is_named(kind: str, cells: dict[str, str], raw: Any, sentence: str) -> None:
    found = form(row(kind, "q", **cells)).clean({"q": raw})
    assert (found.answers, found.problems) == ({}, {"q": sentence})


@pytest.mark.parametrize("kind", ["range", "rank needs", "time", "dateTime", "acknowledge"])
def test_a_required_one_must_be_answered_and_another_may_stay_open(kind: str) -> None:
    assert form(row(kind, "q", required="yes")).clean({}).problems == {"q": "请先回答这一题，再往下走。"}
    assert form(row(kind, "q")).clean({"q": ""}).problems == {}


def test_or_other_adds_a_choice_and_a_text_in_both_languages_to_its_item_alone() -> None:
    made = form(row("select_one needs or_other", "first"), row("select_one needs", "second"))
    assert [choice.name for choice in made.items["first"].choices] == ["roads", "parks", "schools", "other"]
    assert [choice.name for choice in made.items["second"].choices] == ["roads", "parks", "schools"]
    assert (made.items["first"].label_of("other", "zh"), made.items["first"].label_of("other", "en")) == (
        "其他",
        "Other",
    )
    assert (made.items["first_other"].label("zh"), made.items["first_other"].label("en")) == (
        "请具体说明",
        "Please specify",
    )
    assert made.clean({"first": "roads", "first_other": "桥"}).dropped == ("first_other",)
    assert made.clean({"first": "other", "first_other": "桥"}).answers == {"first": "other", "first_other": "桥"}


def test_or_other_of_several_answers() -> None:
    made = form(row("select_multiple needs or_other", "all"))
    assert made.clean({"all": ["roads", "other"], "all_other": "桥"}).answers["all_other"] == "桥"


def test_a_label_tells_an_earlier_answer_in_words_on_one_line() -> None:
    told = {"label::中文 (zh)": "您选了“${first}”，为什么？", "label::English (en)": "Why ${first}?"}
    made = form(row("select_one needs", "first"), row("text", "second"), row("text", "why", label="", **told))
    assert made.items["why"].label("zh", {"first": "roads"}) == "您选了“修路”，为什么？"
    assert made.items["why"].label("en", {"first": "roads"}) == "Why Roads?"
    assert made.items["why"].label("en", {}) == "Why ?"
    assert made.items["why"].label("en") == "Why ${first}?"


def test_an_item_that_tells_an_answer_of_its_page_starts_a_new_page() -> None:
    told = {"label::中文 (zh)": "“${first}”？", "label::English (en)": "${first}?"}
    made = form(
        row("begin_group", "page", appearance="field-list"),
        row("text", "first"),
        row("text", "why", label="", **told),
        row("end_group"),
    )
    assert [page.name for page in made.pages] == ["page", "why"]


def test_a_choice_order_that_hangs_on_an_answer() -> None:
    seeded = form(row("integer", "number"), row("select_one needs", "q", parameters="randomize=true seed=${number}"))
    orders = {
        tuple(choice.name for choice in seeded.items["q"].offered({"number": str(number)}, "any"))
        for number in range(40)
    }
    assert len(orders) == 6
    again = [seeded.items["q"].offered({"number": "3"}, submission) for submission in ("one", "two")]
    assert again[0] == again[1]


def test_guidance_read_only_and_default() -> None:
    made = form(
        row("text", "plain", default="成都", guidance_hint="看这里"),
        row("hidden", "campaign", label="", default="spring"),
        row("integer", "age"),
        row("text", "told", read_only="yes", calculation="${age} + 1"),
        row("text", "fixed", read_only="yes", default="不变"),
    )
    assert made.items["plain"].guidance("zh") == "看这里"
    assert made.items["plain"].default == "成都"
    found = made.clean({"age": "30", "told": "99", "fixed": "变了"})
    assert found.answers == {"campaign": "spring", "age": 30, "told": "31", "fixed": "不变"}
    assert found.problems == {}


def test_metadata_is_filled_with_the_day_alone_and_kept() -> None:
    made = form(row("start", "began", label=""), row("today", "day", label=""), row("text", "q"))
    day = date(2026, 5, 1)
    found = made.clean({"q": "x"}, today=day)
    assert found.answers == {"began": "2026-05-01", "day": "2026-05-01", "q": "x"}
    assert made.clean(found.answers, today=date(2026, 6, 1)).answers == found.answers


def test_the_head_of_a_matrix_is_no_item() -> None:
    made = form(
        row("begin_group", "page", appearance="field-list"),
        row("select_one needs", "head", appearance="label"),
        row("select_one needs", "one", appearance="list-nolabel"),
        row("select_one needs", "two", appearance="list-nolabel"),
        row("end_group"),
    )
    assert made.items["head"].type == "note"
    assert made.clean({"head": "roads", "one": "roads"}).dropped == ("head",)


def test_a_table_list_is_a_matrix() -> None:
    made = form(
        row("begin_group", "page", appearance="table-list"),
        row("select_one needs", "one"),
        row("select_one needs", "two"),
        row("end_group"),
    )
    assert [item.appearance for item in made.items.values()] == ["list-nolabel", "list-nolabel"]
    assert made.pages[0].label("zh") == "page？"


GROUPS = (
    row("text", "before"),
    row("begin_group", "mixed", sandu__order="random"),
    *(
        part
        for n in "abcd"
        for part in (
            row("begin_group", f"g{n}", appearance="field-list"),
            row("select_one needs", f"{n}1"),
            row("text", f"{n}2", relevant=f"${{{n}1}} = 'roads'"),
            row("end_group"),
        )
    ),
    row("end_group"),
    row("text", "after"),
)


def pages_of(made: Instrument, answers: dict[str, Any], submission: str) -> list[str]:
    found, page = [], made.next_page(answers, submission_id=submission)
    while page is not None:
        found.append(page.name)
        page = made.next_page(answers, page.name, submission_id=submission)
    return found


@settings(max_examples=40, deadline=None)
@given(submission=st.uuids().map(str), roads=st.sets(st.sampled_from("abcd")))
def test_a_randomised_group_keeps_its_parts_whole_and_its_way_back(submission: str, roads: set[str]) -> None:
    made = MIXED
    answers = {f"{n}1": "roads" if n in roads else "parks" for n in "abcd"}
    way = pages_of(made, answers, submission)
    assert (way[0], way[-1]) == ("before", "after")
    assert sorted(way) == sorted(pages_of(made, answers, ""))
    for n in roads:
        assert way[way.index(f"g{n}") + 1] == f"{n}2"
    back, page = [way[-1]], way[-1]
    while (earlier := made.previous_page(answers, page, submission_id=submission)) is not None:
        page = earlier.name
        back.append(page)
    assert back[::-1] == way
    assert [made.progress(answers, name, submission_id=submission)[0] for name in way] == [*range(1, len(way) + 1)]
    first = made.clean({f"{n}1": "x" for n in "abcd"}, submission_id=submission).first_bad_page
    assert first == next(name for name in way if name.startswith("g"))


MIXED = form(*GROUPS)


def test_the_parts_of_a_randomised_group_come_in_every_order() -> None:
    ways = {tuple(pages_of(MIXED, {}, f"submission {n}")) for n in range(400)}
    assert len(ways) == 24


def test_nested_groups_take_the_relevance_of_all_around_them() -> None:
    made = form(
        row("select_one needs", "q"),
        row("begin_group", "outer", relevant="${q} = 'roads'"),
        row("begin_group", "inner", relevant="${q} != ''"),
        row("text", "deep"),
        row("end_group"),
        row("end_group"),
    )
    assert pages_of(made, {"q": "roads"}, "") == ["q", "deep"]
    assert pages_of(made, {"q": "parks"}, "") == ["q"]


REFUSALS: list[tuple[tuple[str, ...], str]] = [
    ((row("range", "q", parameters="start=0 end=10 step=3"),), "row 2: steps of 3 from 0 do not meet 10; change one"),
    ((row("range", "q", parameters="start=5 end=1"),), "a range goes up: end is above start and step above 0"),
    ((row("range", "q", parameters="strat=5"),), "type range has no parameter 'strat'; did you mean 'start'?"),
    ((row("range", "q", parameters="start=a"),), "parameter start holds 'a', which is no number such as 10 or 0.5"),
    ((row("text", "q", parameters="rows=5"),), "type text has no parameter 'rows'; remove it"),
    ((row("rank need", "q"),), "there is no list 'need' in sheet choices; did you mean 'needs'?"),
    ((row("rank needs or_other", "q"),), "or_other is for select_one and select_multiple, not for rank; remove it"),
    (
        (row("select_one needs", "q", appearance="minimum"),),
        "there is no appearance 'minimum'; did you mean 'minimal'?",
    ),
    ((row("integer", "q", appearance="multiline"),), "appearance 'multiline' is for text, not for integer; remove it"),
    ((row("select_one needs", "q", default="roads"),), "type select_one takes no default"),
    ((row("integer", "q", default="3"),), "type integer takes no default"),
    ((row("text", "q", default="today()"),), "a default is a text as it stands"),
    ((row("select_one needs", "q", read_only="yes"),), "type select_one cannot be read_only"),
    ((row("text", "q", read_only="yes"),), "a read_only text needs something to show: a default or a calculation"),
    ((row("text", "q", sandu__order="random"),), "sandu::order shuffles the pages of a group"),
    ((row("text", "q", hint="${p}"),), "column hint refers to 'p', which is no item"),
    ((row("text", "q", hint="${p}"), row("text", "p")), "column hint tells the answer to 'p', which is asked later"),
    ((row("text", "q", hint="${q}"),), "column hint tells the answer to 'q', which is asked later; move one"),
    ((row("select_one needs", "q", parameters="seed=3"),), "parameter seed needs randomize=true beside it"),
    (
        (row("select_one needs", "q", parameters="randomize=true seed=${x}"),),
        "column parameters refers to 'x', which is no item",
    ),
    (
        (
            row("begin_group", "g", appearance="field-list", sandu__order="random"),
            row("text", "q"),
            row("end_group"),
        ),
        "sandu::order shuffles pages, and this group is on one page",
    ),
    (
        (
            row("begin_group", "g", sandu__order="random"),
            row("text", "q"),
            row("text", "p", relevant="${q} != ''"),
            row("end_group"),
        ),
        "item 'p' hangs on 'q', and group 'g' puts both in random order",
    ),
    ((row("rank places", "q"),), "choice '1:first' of a rank starts with a number and ':'"),
    ((row("geopoint", "q"),), "type 'geopoint' is not supported"),
]


@pytest.mark.parametrize(("rows", "sentence"), REFUSALS, ids=[sentence[:40] for _, sentence in REFUSALS])
def test_what_cannot_be_meant_is_refused_with_its_row(rows: tuple[str, ...], sentence: str) -> None:
    said = refused(*rows)
    assert sentence in said
    assert "sheet survey, row " in said


def test_all_of_it_is_an_xform() -> None:
    made = form(
        *(row(kind, f"q{place}") for place, kind in enumerate(("range", "rank needs", "time", "dateTime"))),
        row("acknowledge", "ack"),
        row("select_one needs or_other", "other"),
        *GROUPS,
    )
    xform, warnings = convert_form(made)
    assert (warnings, "请具体说明" in xform, "Please specify" in xform) == ([], True, True)


KINDS = ["range", "rank needs", "time", "dateTime", "acknowledge", "select_multiple needs", "integer", "text", "date"]
RAW = st.one_of(
    st.sampled_from(["", "3", "08:30", "2026-05-01", "2026-05-01T08:30", "OK", "roads", "roads parks schools", "１"]),
    st.lists(st.sampled_from(["roads", "parks", "1:roads", "2:parks", "3:schools", "0:x", ":"]), max_size=4),
    st.text(max_size=8),
    st.floats(),
    st.integers(),
    st.none(),
)


@settings(max_examples=120, deadline=None)
@given(data=st.data(), submission=st.uuids().map(str))
def test_any_answers_to_any_generated_form_end_clean_and_show_only_what_applies(data: Any, submission: str) -> None:
    made = data.draw(st.sampled_from(GENERATED))
    answers: dict[str, Any] = {}
    pages = 0
    page = made.next_page(answers, submission_id=submission)
    while page is not None:
        pages += 1
        assert pages <= len(made.pages)
        visible = page.visible(answers)
        assert {item.name for item in visible} <= made.program.run(answers).relevant
        answers |= {item.name: data.draw(RAW) for item in visible}
        for name in made.problems(page, answers):
            answers.pop(name)
        page = made.next_page(answers, page.name, submission_id=submission)
    once = made.clean(answers, submission_id=submission)
    assert (once.problems, once.first_bad_page) == ({}, None)
    assert made.clean(once.answers).answers == once.answers


def generate(seed: int) -> Instrument:
    """A form of twelve items of all kinds in nested groups, some relevant only after an earlier answer."""
    rows: list[str] = []
    depth = 0
    for place in range(12):
        kind = KINDS[(seed * 5 + place * (seed % 4 + 1)) % len(KINDS)]
        cells = {}
        if place and (place + seed) % 3 == 0:
            cells["relevant"] = f"${{q{place - 1}}} != ''"
        if (place + seed) % 4 == 0 and depth < 3:
            rows.append(row("begin_group", f"g{place}", **({"appearance": "field-list"} if seed % 2 else {})))
            depth += 1
        rows.append(row(kind, f"q{place}", **cells))
        if (place * 7 + seed) % 5 == 0 and depth:
            rows.append(row("end_group"))
            depth -= 1
    return form(*rows, *[row("end_group")] * depth)


GENERATED: list[Instrument] = [MIXED, *(generate(seed) for seed in range(8))]
