"""Ways through a form for the tests: small forms that use everything, answers fit and unfit, and what must hold."""

import json
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from hypothesis import strategies as st

from questionnaires import Instrument, Item
from questionnaires.expressions import Context
from questionnaires.instrument import Page

TODAY = date(2026, 11, 22)
HUGE = "长" * 3_500_000  # more than 10 MB
SETTINGS = "settings:\n  - {form_title: 表, form_id: small, version: '1'}\n"
YES_NO = "  - {list_name: yes_no, name: 'yes', label: 是}\n  - {list_name: yes_no, name: 'no', label: 否}\n"

GROUPS = f"""{SETTINGS}choices:
{YES_NO}survey:
  - {{type: select_one yes_no, name: lives, label: 住在本小区吗？, required: 'yes'}}
  - {{type: begin_group, name: outer, label: 服务, relevant: "${{lives}} = 'yes'"}}
  - {{type: integer, name: years, label: 住了几年？, constraint: '. >= 0 and . < 120', constraint_message: 请填年数}}
  - {{type: begin_group, name: inner, label: 近年, appearance: field-list, relevant: '${{years}} < 5'}}
  - {{type: text, name: before, label: '以前（${{years}} 年前）住哪里？', constraint: "regex(., '.{{1,40}}')"}}
  - {{type: select_one yes_no, name: moved, label: 搬过家吗？}}
  - {{type: integer, name: moves, label: 几次？, relevant: "${{moved}} = 'yes'", required: "${{years}} > 2"}}
  - {{type: end_group}}
  - {{type: calculate, name: share, calculation: 'round(${{moves}} div ${{years}}, 2)'}}
  - {{type: note, name: told, label: '平均每年 ${{share}} 次', relevant: "${{share}} != ''"}}
  - {{type: end_group}}
  - {{type: text, name: why, label: 为什么不住这里？, relevant: "not(${{lives}} = 'yes') and ${{share}} = ''"}}
"""
CASCADE = f"""{SETTINGS}choices:
  - {{list_name: cities, name: a, label: 甲市}}
  - {{list_name: cities, name: b, label: 乙市}}
  - {{list_name: streets, name: a1, label: 一街, city: a, size: 3}}
  - {{list_name: streets, name: a2, label: 二街, city: a, size: 7}}
  - {{list_name: streets, name: b1, label: 三街, city: b, size: 9}}
  - {{list_name: homes, name: h1, label: 一号, street: a1}}
  - {{list_name: homes, name: h2, label: 二号, street: b1}}
survey:
  - {{type: begin_group, name: where, label: 住址, appearance: field-list}}
  - {{type: select_one cities, name: city, label: 市, required: 'yes'}}
  - {{type: select_one streets, name: street, label: 街, choice_filter: 'city = ${{city}}', required: 'yes'}}
  - {{type: select_one homes, name: home, label: 号, choice_filter: 'street = ${{street}}'}}
  - {{type: end_group}}
  - {{type: integer, name: least, label: 多大？}}
  - {{type: select_multiple streets, name: large, label: 哪些？, choice_filter: 'size > ${{least}}'}}
  - {{type: calculate, name: many, calculation: 'count-selected(${{large}})'}}
  - {{type: text, name: which, label: '为什么选${{large}}？', relevant: "${{many}} > 1 or ${{street}} = 'b1'"}}
"""
SHUFFLED = f"""{SETTINGS}choices:
{YES_NO}  - {{list_name: needs, name: roads, label: 修路}}
  - {{list_name: needs, name: parks, label: 公园}}
  - {{list_name: needs, name: schools, label: 学校}}
  - {{list_name: needs, name: unsure, label: 说不清, missing: dont_know}}
  - {{list_name: order, name: first, label: 甲}}
  - {{list_name: order, name: second, label: 乙}}
survey:
  - {{type: today, name: today}}
  - {{type: calculate, name: lot, calculation: 'int(random() * 3)'}}
  - {{type: begin_group, name: all, label: 全部, "sandu::order": random}}
  - {{type: select_one needs, name: need, label: 最需要？, parameters: randomize=true, "sandu::reverse": half}}
  - {{type: begin_group, name: kept, label: 一起}}
  - {{type: rank order, name: ranked, label: 排名, parameters: 'randomize=true'}}
  - {{type: select_one yes_no, name: sure, label: 确定吗？, relevant: "selected-at(${{ranked}}, 0) = 'first'"}}
  - {{type: end_group}}
  - {{type: range, name: mark, label: 打分, parameters: start=0 end=10 step=2.5}}
  - {{type: decimal, name: income, label: 收入, constraint: '. >= 0'}}
  - {{type: end_group}}
  - {{type: date, name: day, label: 哪天？, constraint: '. <= today()'}}
  - {{type: time, name: clock, label: 几点？, relevant: "${{lot}} > 0 or ${{day}} != ''"}}
  - {{type: dateTime, name: moment, label: 何时？, relevant: "decimal-date-time(${{day}}) > 0"}}
  - {{type: text, name: shown, label: '${{day}}', calculation: "format-date(${{day}}, '%Y-%m')", read_only: 'yes'}}
  - {{type: acknowledge, name: read, label: 我看过了, required: 'yes'}}
"""
FORMS: dict[str, str] = {"groups": GROUPS, "cascade": CASCADE, "shuffled": SHUFFLED}

WORDS = [
    *(
        "",
        " ",
        "\x00",
        "a\x00b",
        "\ud800",
        "半\udfff",
        "\u202egnp.exe",
        "\ufeff",
        "三",
        "<script>alert(1)</script>",
        "'",
    ),
    *(
        "0",
        "-1",
        "3",
        "4.5",
        "１２",
        "²",
        "½",
        "1e400",
        "nan",
        "inf",
        "Infinity",
        "0x10",
        "9" * 400,
        "1" * 5000,
        "+",
        ".",
    ),
    *("2026-02-30", "2026-11-22", "0000-00-00", "9999-12-31T23:59", "24:00", "8:05", "2026-05-01 8:61", "١٢:٣٠"),
    *(
        "yes",
        "no",
        "OK",
        "a",
        "b1",
        "h2",
        "roads parks",
        "1:first 2:second",
        "1:first 1:second",
        "first second",
        "unsure",
    ),
    *("510104", "${city}", "%s{}", "a" * 2001, "é" * 2000, "名 " * 1500, HUGE),
]
GARBAGE: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from(WORDS),
    st.text(max_size=20),
    st.sampled_from([None, True, False, 0, 10**400, -(10**30), 1.5, 1e308, -0.0, float("nan"), float("inf")]),
    st.sampled_from([b"bytes", {}, {"a": 1}, (), object(), [[]], [[["a"]]], [{}], [None], [1, 2], ["a"] * 100_000]),
    st.lists(st.sampled_from(WORDS), max_size=4),
)


def fitting(draw: Callable[..., Any], item: Item, answers: Mapping[str, Any], submission_id: str) -> Any:
    """An answer such as a resident gives."""
    if item.offer is not None:
        offered = [choice.name for choice in item.offered(answers, submission_id)]
        if item.type == "rank":
            return draw(st.permutations(offered))
        if item.type == "select_multiple":
            return draw(st.lists(st.sampled_from(offered), max_size=3)) if offered else []
        return draw(st.sampled_from(offered)) if offered else ""
    by_type = {
        "date": ["2026-05-01", "1990-12-31"],
        "time": ["08:30"],
        "dateTime": ["2026-05-01T08:30"],
        "acknowledge": ["OK"],
        "range": ["0", "2.5", "10"],
        "text": ["文字", "a" * 64, "好 的"],
    }
    return draw(st.sampled_from(by_type.get(item.type, ["0", "1", "2", "4", "30", "2010"])))


def walk(
    form: Instrument, draw: Callable[..., Any], start: Mapping[str, Any], *, submission_id: str = "one"
) -> tuple[list[Page], dict[str, Any]]:
    """A random way through, each answer fit or garbage; what a page refuses is asked again, and then answered fitly."""
    answers = dict(start)
    pages: list[Page] = []
    page = form.next_page(answers, submission_id=submission_id)
    while page is not None:
        assert page not in pages, "a page comes twice"
        pages.append(page)
        _show(page, answers, submission_id)
        for item in page.visible(answers, submission_id=submission_id):
            unfit = draw(st.integers(0, 3)) == 0
            answers[item.name] = draw(GARBAGE) if unfit else fitting(draw, item, answers, submission_id)
        _mend(form, draw, page, answers, submission_id)
        page = form.next_page(answers, page.name, submission_id=submission_id)
    return pages, answers


def _mend(form: Instrument, draw: Callable[..., Any], page: Page, answers: dict[str, Any], submission_id: str) -> None:
    for _ in range(2 * len(page.items) + 2):  # a list narrowed by another of its page is answered after it
        found = form.problems(page, answers, "zh", today=TODAY, submission_id=submission_id)
        if not found:
            return
        assert all(isinstance(sentence, str) and sentence for sentence in found.values())
        for name in found:
            answers.pop(name)
        for item in page.visible(answers, submission_id=submission_id):
            if item.name not in answers:
                answers[item.name] = fitting(draw, item, answers, submission_id)
    for name in form.problems(page, answers, "zh", today=TODAY, submission_id=submission_id):
        answers.pop(name)  # such as a list that offers nothing


def _show(page: Page, answers: Mapping[str, Any], submission_id: str) -> None:
    """All that a door shows of a page."""
    assert isinstance(page.label("zh", answers, submission_id), str)
    for item in page.visible(answers, submission_id=submission_id):
        texts = (item.label, item.hint, item.guidance)
        assert all(isinstance(text("en", answers, submission_id), str) for text in texts)
        assert set(item.offered(answers, submission_id)) <= set(item.choices)


def relevant(form: Instrument, kept: Mapping[str, Any]) -> set[str]:
    """The steps that clean answers make apply, each condition evaluated for itself, in no order."""
    values = {name: " ".join(v) if isinstance(v, list) else v for name, v in kept.items()}
    context = Context({name: float(v) if isinstance(v, int | float) else v for name, v in values.items()}, today=TODAY)
    steps = {step.name: step for step in form.program.steps}

    def applies(name: str | None) -> bool:
        if name is None:
            return True
        step = steps[name]
        return applies(step.group) and (step.relevance is None or step.relevance.holds(context))

    return {name for name in steps if applies(name)}


def holds_up(kept: Mapping[str, Any]) -> bool:
    """Whether clean answers can be stored: JSON without NaN, in UTF-8."""
    return bool(json.dumps(kept, allow_nan=False, ensure_ascii=False).encode())
