"""The questionnaire on paper: HTML made for printing, without script and without a request to anywhere.

Items are numbered as they are asked; who skips what is said in words, at the heading of a part and under the answer
that decides. Orders that a screen shuffles or turns round are those of the file.
"""

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
# letters of the longest label up to which choices stand in so many columns
COLUMNS = {"zh": {"few": 3, "third": 7, "half": 13}, "en": {"few": 4, "third": 15, "half": 26}}
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
    "required": ("必答", "required"),
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
    "all": ("以下各题请所有人回答。", "The following questions are for everybody."),
    "route": (
        "如选{answers}，请答第{questions}题；否则跳过。",
        "If {answers}, answer question {questions}; otherwise skip it.",
    ),
    "routes": (
        "如选{answers}，请答第{questions}题；否则跳过。",
        "If {answers}, answer questions {questions}; otherwise skip them.",
    ),
    "told": ("（第{number}题的答案）", "(your answer to question {number})"),
    "told unseen": ("＿＿＿＿", "______"),
    "and": ("、", ", "),
    "end": ("问卷到此结束，谢谢您！", "This is the end. Thank you!"),
    "version": ("版本 {version}，内容校验码 {hash}", "version {version}, content {hash}"),
    "page": ("第 ", "page "),
    "of": (" 页，共 ", " of "),
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
    required: bool = False
    how: str = ""
    when: str = ""
    choices: list[str] = field(default_factory=list)
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
        "valid until": settings.valid_until,
    }
    return [(_say(kind, language), text) for kind, text in lines.items() if text]


def _parts(instrument: Instrument, language: str) -> list[Part]:
    asked = [item.name for page in instrument.pages for item in page.items if item.type != "note"]
    numbers = {name: place for place, name in enumerate(asked, start=1)}
    conditions = Conditions(instrument, numbers, language)
    gates = [_gate(instrument, page) for page in instrument.pages]
    parts: list[Part] = []
    for place, page in enumerate(instrument.pages):
        questions = [_question(item, conditions) for item in page.items]
        heading = _told(page.label(language), conditions)
        before = parts[-1] if parts else None
        if before and before.heading == heading and gates[place] == gates[place - 1]:
            before.questions += questions  # a page that the screen had to split
            continue
        parts.append(Part(heading, _gate_words(place, gates, instrument.pages, conditions), questions))
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
    others = [later for later in range(place, len(pages)) if said[later] != said[place]]
    asked = [item for page in others for item in pages[page].items if item.name in conditions.numbers]
    following = [conditions.numbers[item.name] for item in asked]
    if not following or all(said[place:]):  # nobody is asked anything any more without a condition
        return _say("last part", conditions.language, what=said[place])
    return _say("part", conditions.language, what=said[place], number=following[0])


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


def _question(item: Item, conditions: Conditions) -> Question:
    language = conditions.language
    choices = [] if item.type == "select_one_from_file" else [choice.label(language) for choice in item.choices]
    made = Question(
        name=item.name,
        number=conditions.numbers.get(item.name),
        label=_told(item.label(language), conditions),
        hint=_told(" ".join(filter(None, (item.hint(language), item.guidance(language)))), conditions),
        kind={"select_one": "boxes", "select_multiple": "boxes", "rank": "boxes"}.get(item.type, item.type),
        required=item.required,
        choices=choices,
    )
    if choices and item.type != "select_one":
        how = _say("many" if item.type == "select_multiple" else "rank", language)
        made.how = "" if how in made.label else how
    if item.type == "range" and item.range is not None:
        _print_range(made, item, language)
    if item.relevance is not None and conditions.choices_of_one(item.relevance) is None:
        made.when = _say("when", language, what=conditions.words(item.relevance))
    longest = max(map(len, made.choices), default=0)
    limits = COLUMNS["zh" if language == "zh" else "en"]
    made.columns = next((name for name, limit in limits.items() if longest <= limit), "")
    return made


def _print_range(made: Question, item: Item, language: str) -> None:
    assert item.range is not None
    if item.range.size <= MOST_BOXES:
        made.kind, made.choices = "boxes", list(item.range.values)
    else:
        made.how = _say("range", language, low=item.range.start, high=item.range.end)


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
