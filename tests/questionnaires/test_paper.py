"""The questionnaire on paper: everything asked is there, routing is said in words, nothing is fetched or run."""

import json
import re
from html.parser import HTMLParser

import pytest
from playwright.sync_api import Browser

from questionnaires import Instrument, InstrumentError, load_instrument_text
from questionnaires.conditions import Conditions
from questionnaires.expressions import parse
from questionnaires.paper import BOX, GAP, LATIN, LINE, to_paper
from tests.questionnaires.hostile import small_form
from tests.questionnaires.test_xlsform import shipped as shipped  # a fixture


class _Read(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def paragraphs(html: str, kind: str) -> list[str]:
    return re.findall(rf'<p class="{kind}">(.*?)</p>', html.replace("&#34;", '"'))


def test_every_item_and_every_choice_is_on_paper_in_each_language(shipped: Instrument) -> None:
    for language in shipped.languages:
        page = _Read(to_paper(shipped, language))
        shown = [item for item in shipped.items.values() if item.shown]
        assert [at["id"] for tag, at in page.tags if tag == "section"] == [item.name for item in shown]
        told = " ".join(page.text.split())
        for item in shown:
            assert " ".join(item.label(language).split()) in told
            for choice in item.choices if item.type != "select_one_from_file" else ():
                assert choice.label(language) in told
        boxes = sum(at.get("class") == "box" for _, at in page.tags)
        assert boxes >= sum(len(item.choices) for item in shown if item.type in ("select_one", "select_multiple"))


def test_paper_runs_no_script_and_asks_nothing_of_anybody(shipped: Instrument) -> None:
    html = to_paper(shipped)
    page = _Read(html)
    assert not {tag for tag, _ in page.tags} & {"script", "link", "img", "iframe", "form", "input", "object"}
    assert not {name for _, at in page.tags for name in at} & {"src", "href", "onclick", "onload"}
    assert "url(" not in html
    assert "http" not in html.replace("http-equiv", "")
    assert "size: A4" in html


def test_who_skips_what_is_said_in_words(opinion: Instrument) -> None:
    chinese, english = to_paper(opinion, "zh"), to_paper(opinion, "en")
    assert paragraphs(chinese, "gate") == [
        "第1题选“愿意参加”时请接着往下答；否则到此结束，谢谢您！",
        "第1题选“愿意参加”，并且第2题选“是”，并且第3题选“是”，并且第4题选“否”时请接着往下答；否则到此结束，谢谢您！",
    ]
    assert "如选“1到2次”或“3次或更多”，后面要答第23、24题；没选的，跳过第23、24题。" in paragraphs(chinese, "route")
    assert "第20题选“有”时才答这一题。" in paragraphs(chinese, "when")
    said = (
        'If "Once or twice" or "Three times or more", also answer questions 23, 24; if not, leave questions 23, 24 out.'
    )
    assert said in paragraphs(english, "route")


def test_the_header_is_that_of_an_office(opinion: Instrument) -> None:
    header = re.findall(r'<th scope="row">(.*?)</th><td>(.*?)</td>', to_paper(opinion, "zh"))
    assert header == [
        ("表　　号：", "SD-1"), ("制定机关：", "示范问卷，由主办单位署名"),
        ("批准（备案）文号：", "未备案（示范问卷）"),
        ("有效期至：", "2027年12月31日"),
    ]  # fmt: skip
    assert '<th scope="row">Valid until:</th><td>2027-12-31</td>' in to_paper(opinion, "en")


@pytest.mark.parametrize(
    ("relevant", "chinese", "english"),
    [
        ("${q1} = 'yes'", "第1题选“是”", 'question 1 is "是"'),
        ("${q1} != 'yes'", "第1题没有选“是”", 'question 1 is not "是"'),
        ("not(${q1} = 'yes')", "第1题没有选“是”", 'question 1 is not "是"'),
        ("${q1} = ''", "第1题没有填", "question 1 is left empty"),
        ("not(${q2} = '')", "第2题填了答案", "question 2 has an answer"),
        ("18 <= ${q2}", "第2题是18或更多", "question 2 is 18 or more"),
        ("not(${q2} < 18 or ${q2} > 60)", "第2题是18或更多，并且第2题是60或更少",
         "question 2 is 18 or more, and question 2 is 60 or less"),
        ("${q1} = 'no' and (${q2} = 3 or ${q2} = 5)", "第1题选“否”，并且（第2题等于3，或者第2题等于5）",
         'question 1 is "否", and (question 2 is 3, or question 2 is 5)'),
        ("${q1} = 'no' or selected(${q1}, 'yes')", "第1题选“否”或“是”", 'question 1 is "否" or "是"'),
        ("${adult} = 'no'", "第2题小于18", "question 2 is below 18"),
        ("${adult} != 'no'", "第2题是18或更多", "question 2 is 18 or more"),
        ("selected(${q3}, 'tv')", "第3题选了“电视”", 'question 3 includes "电视"'),
        ("not(selected(${q3}, 'tv'))", "第3题没有选“电视”", 'question 3 does not include "电视"'),
        ("${q3} = 'tv'", "第3题只选了“电视”", 'question 3 is "电视" alone'),
        ("count-selected(${q3}) >= 2", "第3题选中的项数是2或更多",
         "the number of answers ticked in question 3 is 2 or more"),
        ("${q4} < date('2020-01-01')", "第4题早于2020-01-01", "question 4 is before 2020-01-01"),
        ("not(${q4} < date('2020-01-01'))", "第4题是2020-01-01或更晚", "question 4 is 2020-01-01 or later"),
        ("${twice} > 8", "twice（由第2题得出）大于8", "twice (which follows from question 2) is above 8"),
        ("${q2} mod 2 = 1", "“第2题 mod 2 = 1”成立", "question 2 mod 2 = 1 holds"),
        ("string-length(${q1}) > 2", "“string-length(第1题) > 2”成立", "string-length(question 1) > 2 holds"),
    ],
)  # fmt: skip
def test_a_condition_is_said_in_words(relevant: str, chinese: str, english: str) -> None:
    form = small_form()
    form["survey"] += [
        {"type": "select_multiple medium", "name": "q3", "label": "三?"},
        {"type": "date", "name": "q4", "label": "四?"},
        {"type": "calculate", "name": "adult", "calculation": "if(${q2} >= 18, 'yes', 'no')"},
        {"type": "calculate", "name": "once", "calculation": "${q2} * 1"},
        {"type": "calculate", "name": "twice", "calculation": "${once} + ${q2}"},
    ]
    form["choices"] += [{"list_name": "medium", "name": "tv", "label": "电视"}]
    instrument = load_instrument_text(json.dumps(form))
    for language, words in (("zh", chinese), ("en", english)):
        numbers = {f"q{number}": number for number in (1, 2, 3, 4)}
        assert Conditions(instrument, numbers, language).words(parse(relevant)) == words


def test_labels_are_text_and_never_markup() -> None:
    form = small_form()
    form["survey"][0]["label"] = "<script>alert(1)</script> & “引号”"
    form["survey"].append({"type": "note", "name": "n", "label": "您答了 ${q1}，谢谢"})
    html = to_paper(load_instrument_text(json.dumps(form)))
    assert "<script" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; “引号”" in html
    assert "您答了 " in html
    assert "${" not in html


def test_a_part_for_some_sends_the_others_on() -> None:
    form = small_form()
    form["survey"] += [
        {"type": "begin_group", "name": "g", "label": "一部分", "relevant": "${q1} = 'no'", "appearance": "field-list"},
        {"type": "range", "name": "r", "label": "几分?", "parameters": "start=1 end=5 step=1"},
        {"type": "end_group"},
        {"type": "text", "name": "t", "label": "还有吗?"},
    ]
    html = to_paper(load_instrument_text(json.dumps(form)), "default")
    assert paragraphs(html, "gate") == ["Only if question 1 is \"否\"; otherwise go to question 4.",
                                        "The following questions are for everybody."]  # fmt: skip
    assert html.count('class="box"') == 7


def page_of(*survey: dict[str, str], choices: list[dict[str, str]] | None = None) -> str:
    form = small_form()
    form["survey"] += survey
    form["choices"] += choices or []
    return to_paper(load_instrument_text(json.dumps(form)))


def asked(html: str) -> list[str]:
    return re.findall(r'<section class="question [^"]*" id="([^"]*)"', html)


def test_those_whom_a_part_is_not_for_go_to_the_part_that_is_for_them() -> None:
    html = page_of(
        {"type": "begin_group", "name": "g", "label": "愿意", "relevant": "${q1} = 'yes'"},
        {"type": "text", "name": "a", "label": "甲?"},
        {"type": "end_group"},
        {"type": "begin_group", "name": "h", "label": "愿意且多", "relevant": "${q2} > 3 and ${q1} = 'yes'"},
        {"type": "text", "name": "b", "label": "乙?"},
        {"type": "end_group"},
        {"type": "begin_group", "name": "i", "label": "不愿意", "relevant": "${q1} = 'no'"},
        {"type": "text", "name": "c", "label": "为什么?"},
        {"type": "end_group"},
    )
    assert paragraphs(html, "gate") == [
        'Only if question 1 is "是"; otherwise go to question 5.',
        'Only if question 2 is above 3, and question 1 is "是"; otherwise go to question 5.',
        'Go on only if question 1 is "否"; otherwise this is the end. Thank you!',
    ]


def test_what_is_calculated_to_be_shown_is_not_asked_and_a_fixed_text_is_only_read() -> None:
    html = page_of(
        {"type": "text", "name": "sum", "label": "合计", "read_only": "yes", "calculation": "${q2} * 2"},
        {"type": "text", "name": "law", "label": "依据", "read_only": "yes", "default": "统计法第七条"},
        {"type": "text", "name": "last", "label": "还有吗?"},
        {"type": "hidden", "name": "wave", "sandu::role": "preset"},
    )
    assert asked(html) == ["q1", "q2", "law", "last"]
    assert "统计法第七条" in html
    assert re.findall(r'<span class="number">([0-9]+)\.</span>(.*)</p>', html)[-1] == ("3", "还有吗?")


def test_a_long_list_is_written_in_by_name() -> None:
    towns = [{"list_name": "town", "name": f"t{n}", "label": f"第{n}镇"} for n in range(41)]
    row = {"type": "select_one town", "name": "where", "label": "哪个镇?"}
    assert "(write the name)" in page_of(row, choices=towns)
    assert "第7镇" not in page_of(row, choices=towns)
    assert page_of(row, choices=towns[:40]).count('class="box"') == 42


@pytest.mark.parametrize(
    ("row", "labels", "layout"),
    [
        ({}, ["好", "差", "~不知道"], "row together"),
        (
            {"appearance": "likert"},
            ["非常满意", "比较满意", "一般", "不太满意", "很不满意", "~不了解", "~不想说"],
            "row",
        ),
        ({"appearance": "likert"}, ["Very satisfied", "Fairly satisfied", "Neither satisfied nor not", "Not"], ""),
        ({}, ["Very satisfied", "Fairly satisfied", "Neither satisfied", "Not"], "half"),
        ({}, [f"{n}分" for n in range(1, 11)], "scale"),
        ({}, [f"{n}月份" for n in range(1, 13)], "third"),
        ({}, ["这一项的文字长得一行里放不下两个", "短的"], "row"),
        ({}, ["这一项的文字长得一行里放不下三个", "短的", "另外还有第三项也长"], ""),
    ],
)
def test_a_scale_is_never_broken_over_lines(row: dict[str, str], labels: list[str], layout: str) -> None:
    missing = [{"missing": "dont_know"} if label[0] == "~" else {} for label in labels]
    choices = [
        {"list_name": "l", "name": f"c{n}", "label": label.lstrip("~"), **cells}
        for n, (label, cells) in enumerate(zip(labels, missing, strict=True))
    ]
    html = page_of({"type": "select_one l", "name": "item", "label": "?", **row}, choices=choices)
    assert re.findall(r'<div class="offer ([^"]*)">', html)[-1] == layout
    assert html.count('class="choices others"') == bool(missing[-1])


@pytest.mark.parametrize(
    ("column", "tag"),
    [("label", "und"), ("label::中文 (zh)", "zh-CN"), ("label::Español (es)", "es"), ("label::中文", "und")],
)
def test_the_page_says_its_language_as_browsers_know_it(column: str, tag: str) -> None:
    form = {
        "settings": [{"form_title": "表", "form_id": "f", "version": "1"}],
        "survey": [{"type": "text", "name": "a", column: "?"}],
    }
    assert f'<html lang="{tag}">' in to_paper(load_instrument_text(json.dumps(form)))


def test_a_language_that_the_form_lacks_is_refused(opinion: Instrument) -> None:
    with pytest.raises(InstrumentError, match="public-opinion 1 has no language 'fr', only zh, en"):
        to_paper(opinion, "fr")


def test_no_question_is_wider_than_a4_or_longer_than_a_page(shipped: Instrument, browser: Browser) -> None:
    millimetre = 96 / 25.4
    for language in shipped.languages:
        # a page of its own: after pdf() the one before may still stand in the width of the printer
        page = browser.new_page(viewport={"width": round(174 * millimetre), "height": round(259 * millimetre)})
        page.emulate_media(media="print")
        page.set_content(to_paper(shipped, language))
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        # a row of choices is one line high: the widths that paper.py reckons with are those of the letters
        rows = page.eval_on_selector_all(
            ".choices.row, .choices.scale",
            "all => all.map(one => new Set([...one.children].map(li => li.offsetTop)).size)",
        )
        assert set(rows) == {1}
        heights = page.eval_on_selector_all("section", "all => all.map(one => one.getBoundingClientRect().height)")
        assert max(heights) < 259 * millimetre
        broken = page.eval_on_selector_all("section", "all => all.map(one => getComputedStyle(one).breakInside)")
        assert set(broken) == {"avoid"}
        assert page.evaluate("parseFloat(getComputedStyle(document.querySelector('.label')).fontSize)") >= 18  # 14 pt
        assert page.pdf(format="A4", prefer_css_page_size=True).startswith(b"%PDF")
        page.close()


@pytest.mark.parametrize("font", ["Noto Sans CJK SC", "DejaVu Sans", "Noto Serif CJK SC"])
def test_a_row_that_is_just_reckoned_to_fit_is_one_line_in_whatever_font_is_there(font: str, browser: Browser) -> None:
    words = {1.0: "非常满意比较一般不太" * 4, LATIN: "Neither satisfied nor unhappy with what was done there " * 2}
    survey, choices = [], []
    for count in range(2, 6):
        for width, text in words.items():
            name = f"l{count}{int(width)}"
            letters = int((LINE - count * BOX - (count - 1) * GAP) / count / width)
            survey.append({"type": f"select_one {name}", "name": name, "label": "?", "appearance": "likert"})
            choices += [
                {"list_name": name, "name": f"c{n}", "label": text[n : n + letters].strip()} for n in range(count)
            ]
    html = page_of(*survey, choices=choices)
    assert re.findall(r'<div class="offer ([^"]*)">', html)[-8:] == ["row"] * 8
    page = browser.new_page(viewport={"width": round(174 * 96 / 25.4), "height": 1000})
    page.emulate_media(media="print")
    page.set_content(html.replace('"Noto Sans CJK SC", ', f'"{font}", '))
    tops = "all => all.map(one => new Set([...one.children].map(li => li.offsetTop)).size)"
    assert set(page.eval_on_selector_all(".choices.row", tops)) == {1}
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.close()
