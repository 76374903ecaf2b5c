"""The questionnaire on paper: HTML made for printing, without script and without a request to anywhere.

Items are numbered as they are asked; who skips what is said in words, at the heading of a part and under the answer
that decides. Orders that a screen shuffles or turns round are those of the file.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from questionnaires.choices import text_in
from questionnaires.conditions import Conditions, Sentences, say
from questionnaires.errors import InstrumentError
from questionnaires.functions import nearest
from questionnaires.instrument import Instrument, Page
from questionnaires.items import Item
from questionnaires.wording import tell

TEMPLATE = Path(__file__).with_name("paper.html")
MOST_BOXES = 11  # numbers of a range that are printed as boxes; more are written in
MOST_CHOICES = 40  # choices that are printed; the name of one of more is written in
# widths in letters of Chinese, 14 pt each: a line, a box with its gap, the gaps before a choice and before don't know.
# Of a line of 33.0 some is left over, and a Latin letter is that of a wide font, for what prints it may lack ours.
LINE, BOX, GAP, APART, LATIN = 32.5, 1.6, 1.6, 2.8, 0.62
COLUMNS = {"third": 8.8, "half": 13.8}  # the longest label up to which choices stand in so many columns
CODE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]+)*")  # what a browser knows as a language
SHORT = 2.5  # the longest label of a scale of which each number stands under its box
FEWEST_OF_SCALE = 7  # choices from which such a scale is drawn; fewer stand on a line
WORDS: Sentences = {
    "number": ("编号", "No."),
    "interviewer": ("访问员", "Interviewer"),
    "date": ("日期", "Date"),
    "form number": ("表　　号", "Form"),
    "issuing body": ("制定机关", "Issued by"),
    "approval number": ("批准（备案）文号", "Approval no."),
    "valid until": ("有效期至", "Valid until"),
    "purpose": ("用途", "Purpose"),
    "method": (
        "请在选中的方框里打“√”。没有特别说明的题，每题只选一个。",
        "Tick the box of your answer. Unless a question says otherwise, tick one box only.",
    ),
    "many": ("可以多选", "choose all that apply"),
    "rank": ("请在方框里写上名次：1、2、3……", "write the rank in each box: 1, 2, 3 ..."),
    "name": ("请写名称", "write the name"),
    "agree": ("是", "Yes"),
    "day": ("＿＿＿＿年＿＿月＿＿日", "_ _ _ _ - _ _ - _ _  (year - month - day)"),
    "time": ("＿＿时＿＿分", "_ _ : _ _"),
    "range": ("请填{low}到{high}之间的数", "a number from {low} to {high}"),
    "when": ("{what}时才答这一题。", "Only if {what}."),
    "part": ("{what}时才答以下各题；否则请跳到第{number}题。", "Only if {what}; otherwise go to question {number}."),
    "last part": (
        "{what}时请接着往下答；否则到此结束，谢谢您！",
        "Go on only if {what}; otherwise this is the end. Thank you!",
    ),
    "all": ("以下各题都请回答。", "The following questions are for everybody."),
    "route": (
        "如选{answers}，后面要答第{questions}题；没选的，跳过第{questions}题。",
        "If {answers}, also answer question {questions}; if not, leave question {questions} out.",
    ),
    "routes": (
        "如选{answers}，后面要答第{questions}题；没选的，跳过第{questions}题。",
        "If {answers}, also answer questions {questions}; if not, leave questions {questions} out.",
    ),
    "told": ("（第{number}题的答案）", "(your answer to question {number})"),
    "told unseen": ("＿＿＿＿", "______"),
    "and": ("、", ", "),
    "end": ("问卷到此结束，谢谢您！", "This is the end. Thank you!"),
    "version": ("版本 {version}，内容校验码 {hash}", "version {version}, content {hash}"),
    "page": ("第 ", "page "),
    "of": (" 页，共 ", " of "),
    "colon": ("：", ": "),
    "last": (" 页", ""),
}


@dataclass(slots=True)
class Question:
    """One item as it is printed; number None: a note that is only read."""

    name: str
    number: int | None
    label: str
    hint: str
    kind: str
    how: str = ""
    when: str = ""
    choices: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)  # don't know and the like, set apart
    columns: str = ""
    routes: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Part:
    """One page of the form: its heading, for whom it is, its questions."""

    heading: str
    gate: str
    questions: list[Question]


def to_paper(instrument: Instrument, language: str | None = None) -> str:
    """The questionnaire as one HTML page for A4 paper, in one of its languages (default: its first)."""
    from jinja2 import Environment, StrictUndefined

    language = language or instrument.default_language
    if language not in instrument.languages:
        known = ", ".join(instrument.languages)
        raise InstrumentError(
            f"{instrument.id} {instrument.version} has no language {language!r}, only {known}"
            f"{nearest(language, instrument.languages)}"
        )
    template = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True).from_string(
        TEMPLATE.read_text(encoding="utf-8")
    )
    return template.render(
        title=text_in(instrument.title, language),
        language=language,
        code={"zh": "zh-CN"}.get(language, language if CODE.fullmatch(language) else "und"),
        parts=_parts(instrument, language),
        header=_header(instrument, language),
        purpose=text_in(instrument.settings.purpose, language),
        version=_say("version", language, version=instrument.version, hash=instrument.content_hash[:12]),
        say=lambda kind: _say(kind, language),
    )


def _say(kind: str, language: str, **details: object) -> str:
    return say(WORDS, kind, language, **details)


def _header(instrument: Instrument, language: str) -> list[tuple[str, str]]:
    """What a form of an office must carry: its number, who made it, the approval, until when it holds."""
    settings = instrument.settings
    lines = {
        "form number": settings.form_number,
        "issuing body": text_in(settings.issuing_body, language),
        "approval number": text_in(settings.approval_number, language),
        "valid until": _day(settings.valid_until, language),
    }
    colon = _say("colon", language).strip()
    return [(_say(kind, language) + colon, text) for kind, text in lines.items() if text]


def _day(text: str, language: str) -> str:
    found = re.fullmatch(r"([0-9]{4})-0?([0-9]+)-0?([0-9]+)", text)
    return "{}年{}月{}日".format(*found.groups()) if found and language == "zh" else text


def _parts(instrument: Instrument, language: str) -> list[Part]:
    asked = [item.name for page in instrument.pages for item in page.items if _asked(item)]
    numbers = {name: place for place, name in enumerate(asked, start=1)}
    conditions = Conditions(instrument, numbers, language)
    pages = tuple(page for page in instrument.pages if any(map(_printed, page.items)))
    gates = [_gate(instrument, page) for page in pages]
    parts: list[Part] = []
    for place, page in enumerate(pages):
        questions = [_question(item, conditions) for item in page.items if _printed(item)]
        heading = _told(page.label(language), conditions)
        before = parts[-1] if parts else None
        if before and before.heading == heading and gates[place] == gates[place - 1]:
            before.questions += questions  # a page that the screen had to split
            continue
        parts.append(Part(heading, _gate_words(place, gates, pages, conditions), questions))
    _add_routes(parts, conditions)
    return parts


def _gate(instrument: Instrument, page: Page) -> tuple[str, ...]:
    """The groups with a condition that a page stands in, the outermost first."""
    steps = {step.name: step for step in instrument.program.steps}
    found: list[str] = []
    place = steps[page.items[0].name].group
    while place is not None:
        if steps[place].relevance is not None:
            found.insert(0, place)
        place = steps[place].group
    return tuple(found)


def _gate_words(place: int, gates: list[tuple[str, ...]], pages: tuple[Page, ...], conditions: Conditions) -> str:
    said = [_condition(gate, conditions) for gate in gates]
    previous = said[place - 1] if place else ""
    if said[place] == previous:
        return ""
    if not said[place]:
        return _say("all", conditions.language)
    needed = _needed(gates[place], conditions)
    others = [later for later in range(place + 1, len(pages)) if not needed <= _needed(gates[later], conditions)]
    asked = [item for page in others for item in pages[page].items if item.name in conditions.numbers]
    if not asked:  # whoever this is not for is asked nothing any more
        return _say("last part", conditions.language, what=said[place])
    return _say("part", conditions.language, what=said[place], number=conditions.numbers[asked[0].name])


def _needed(gate: tuple[str, ...], conditions: Conditions) -> frozenset[str]:
    steps = {step.name: step for step in conditions.instrument.program.steps}
    found = [steps[name].relevance for name in gate]
    return frozenset().union(*(conditions.parts(expression) for expression in found if expression))


def _condition(gate: tuple[str, ...], conditions: Conditions) -> str:
    steps = {step.name: step for step in conditions.instrument.program.steps}
    found = [steps[name].relevance for name in gate]
    comma = "，并且" if conditions.language == "zh" else ", and "
    return comma.join(conditions.words(expression) for expression in found if expression)


def _told(text: str, conditions: Conditions) -> str:
    def words(name: str) -> str:
        kind = "told" if name in conditions.numbers else "told unseen"
        return _say(kind, conditions.language, number=conditions.numbers.get(name))

    return tell(text, words)


def _asked(item: Item) -> bool:
    return item.type != "note" and not item.read_only


def _printed(item: Item) -> bool:
    return not item.read_only or item.default is not None  # what is calculated to be shown, paper cannot show


def _question(item: Item, conditions: Conditions) -> Question:
    language = conditions.language
    told = (item.hint(language), item.guidance(language), item.default if item.read_only else None)
    made = Question(
        name=item.name,
        number=conditions.numbers.get(item.name),
        label=_told(item.label(language), conditions),
        hint=_told(" ".join(filter(None, told)), conditions),
        kind=item.type if _asked(item) else "note",
    )
    if item.offer is not None:
        _print_choices(made, item, language)
    if item.type == "range" and item.range is not None:
        _print_range(made, item, language)
    made.columns = _columns(made, ordered=bool(item.reverse) or "likert" in item.appearances)
    if item.relevance is not None and conditions.choices_of_one(item.relevance) is None:
        made.when = _say("when", language, what=conditions.words(item.relevance))
    return made


def _print_choices(made: Question, item: Item, language: str) -> None:
    how = {"select_multiple": "many", "rank": "rank"}.get(item.type, "")
    narrowed = item.type == "select_one_from_file" and item.offer is not None and item.offer.filter is not None
    if narrowed or len(item.choices) > MOST_CHOICES:
        how = "name"  # a kind that is written on a line
    else:
        made.kind = "boxes"
        made.choices = [choice.label(language) for choice in item.choices if choice.missing is None]
        made.others = [choice.label(language) for choice in item.choices if choice.missing is not None]
    said = _say(how, language) if how else ""
    made.how = "" if said in made.label else said


def _print_range(made: Question, item: Item, language: str) -> None:
    assert item.range is not None
    if item.range.size <= MOST_BOXES:
        made.kind, made.choices = "boxes", list(item.range.values)
    else:
        made.how = _say("range", language, low=item.range.start, high=item.range.end)


def _width(label: str) -> float:
    return sum(1 if ord(letter) >= 0x2E80 or letter in "“”" else LATIN for letter in label)


def _columns(made: Question, *, ordered: bool) -> str:
    """How the choices stand: all on one line, a scale of boxes, or in columns; an order is not broken over lines."""
    widths = [_width(label) for label in made.choices]
    longest, count = max(widths, default=0), len(widths)
    if count >= FEWEST_OF_SCALE and longest <= SHORT and count * (max(longest, BOX) + 0.3) <= LINE:
        return "scale"
    line = sum(widths) + count * BOX + (count - 1) * GAP
    apart = sum(BOX + GAP + _width(label) for label in made.others) - GAP + APART
    if line <= LINE:
        return "row together" if made.others and line + apart <= LINE else "row"
    return "" if ordered else next((name for name, limit in COLUMNS.items() if longest <= limit), "")


def _add_routes(parts: Iterable[Part], conditions: Conditions) -> None:
    """Under an answer that decides on others: which questions come next for whom."""
    questions = {question.name: question for part in parts for question in part.questions}
    routes: dict[tuple[str, tuple[str, ...]], list[int]] = {}
    for name, question in questions.items():
        relevance = conditions.instrument.items[name].relevance
        found = conditions.choices_of_one(relevance) if relevance else None
        if found is None or relevance is None:
            continue
        question.when = _say("when", conditions.language, what=conditions.words(relevance))
        if question.number is not None:
            routes.setdefault(found, []).append(question.number)
    language = conditions.language
    for (name, answers), numbers in routes.items():
        quoted = conditions.either(answers)
        listed = _say("and", language).join(map(str, numbers))
        kind = "route" if len(numbers) == 1 else "routes"
        questions[name].routes.append(_say(kind, language, answers=quoted, questions=listed))
