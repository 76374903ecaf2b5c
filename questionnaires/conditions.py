"""When an item is asked, said in words for paper: "第3题选“是”", 'question 3 is "Yes"'."""

from collections.abc import Mapping
from dataclasses import dataclass

from questionnaires.expressions import Expression
from questionnaires.instrument import Instrument
from questionnaires.items import Item
from questionnaires.nodes import Call, Literal, Node, Reference

Sentences = Mapping[str, tuple[str, str]]
WORDS: Sentences = {
    "question": ("第{number}题", "question {number}"),
    "quoted": ("“{answer}”", '"{answer}"'),
    "either": ("或", " or "),
    "chosen": ("{question}选{answer}", "{question} is {answer}"),
    "not chosen": ("{question}没有选{answer}", "{question} is not {answer}"),
    "ticked": ("{question}选了{answer}", "{question} includes {answer}"),
    "not ticked": ("{question}没有选{answer}", "{question} does not include {answer}"),
    "only": ("{question}只选了{answer}", "{question} is {answer} alone"),
    "not only": ("{question}不是只选了{answer}", "{question} is not {answer} alone"),
    "count": ("{question}选中的项数", "the number of answers ticked in {question}"),
    "computed": ("{name}（由{questions}得出）", "{name} (which follows from {questions})"),
    "answered": ("{question}填了答案", "{question} has an answer"),
    "unanswered": ("{question}没有填", "{question} is left empty"),
    "=": ("{question}等于{answer}", "{question} is {answer}"),
    "!=": ("{question}不等于{answer}", "{question} is not {answer}"),
    ">": ("{question}大于{answer}", "{question} is above {answer}"),
    ">=": ("{question}是{answer}或更多", "{question} is {answer} or more"),
    "<": ("{question}小于{answer}", "{question} is below {answer}"),
    "<=": ("{question}是{answer}或更少", "{question} is {answer} or less"),
    "> day": ("{question}晚于{answer}", "{question} is after {answer}"),
    ">= day": ("{question}是{answer}或更晚", "{question} is {answer} or later"),
    "< day": ("{question}早于{answer}", "{question} is before {answer}"),
    "<= day": ("{question}是{answer}或更早", "{question} is {answer} or earlier"),
    "and": ("，并且", ", and "),
    "these": ("、", " and "),
    "or": ("，或者", ", or "),
    "not": ("不符合这一条：{what}", "this does not hold: {what}"),
    "group": ("（{what}）", "({what})"),
    "formula": ("“{what}”成立", "{what} holds"),
}
TURNED = {"=": "!=", "!=": "=", ">": "<=", ">=": "<", "<": ">=", "<=": ">"}
MIRRORED = {"=": "=", "!=": "!=", ">": "<", ">=": "<=", "<": ">", "<=": ">="}


def say(words: Sentences, kind: str, language: str, **details: object) -> str:
    """One sentence of a table of words; Chinese for zh, English for every other language."""
    chinese, english = words[kind]
    return (chinese if language == "zh" else english).format(**details)


@dataclass(frozen=True)
class Conditions:
    """The conditions of one form in words; numbers: item -> its number on paper."""

    instrument: Instrument
    numbers: Mapping[str, int]
    language: str

    def words(self, expression: Expression) -> str:
        """An expression as words; what cannot be said is shown as it is written."""
        found = self.choices_of_one(expression)
        if found is None:
            return self._node(expression.root)
        item = self.instrument.items[found[0]]
        kind = "ticked" if item.type == "select_multiple" else "chosen"
        return self._say(kind, question=self._question(item), answer=self.either(found[1]))

    def parts(self, expression: Expression) -> frozenset[str]:
        """What has to hold at once, each in words: an expression with all parts of another holds for fewer people."""
        return frozenset(self._parts(expression.root, negated=False))

    def _parts(self, node: Node, *, negated: bool) -> list[str]:
        match node:
            case Call("and" | "or" as word, several) if (word == "or") == negated:
                return [part for one in several for part in self._parts(one, negated=negated)]
            case Call("not", (inner,)):
                return self._parts(inner, negated=not negated)
            case Call("=" | "!=" as operator, (Reference(name), Literal(value))):
                decided = _decided(self.instrument.items[name], operator, value)
                if decided is not None:
                    return self._parts(decided[0], negated=decided[1] != negated)
        return [self._node(node, negated=negated)]

    def either(self, answers: tuple[str, ...]) -> str:
        """Several answers, each in quotation marks."""
        return self._say("either").join(self._say("quoted", answer=answer) for answer in answers)

    def choices_of_one(self, expression: Expression) -> tuple[str, tuple[str, ...]] | None:
        """The one item, and the choices of it, that a condition asks for; None when it asks for something else."""
        found: list[tuple[str, str]] = []
        equal = False  # of several answers, "=" asks for one alone
        waiting: list[Node] = [expression.root]
        while waiting:
            match waiting.pop():
                case Call("or", parts):
                    waiting += reversed(parts)
                case Call("=" | "selected" as operator, (Reference(name), Literal(str() as text))) if (
                    text and name in self.numbers
                ):
                    found.append((name, text))
                    equal = equal or operator == "="
                case _:
                    return None
        names = {name for name, _ in found}
        item = self.instrument.items[names.pop()] if len(names) == 1 else None
        if item is None or item.offer is None or (item.type == "select_multiple" and equal):
            return None
        return item.name, tuple(item.label_of(text, self.language) for _, text in found)

    def _say(self, kind: str, **details: object) -> str:
        return say(WORDS, kind, self.language, **details)

    def _node(self, node: Node, *, negated: bool = False) -> str:
        match node:
            case Call("and" | "or" as word, parts):
                turned = {"and": "or", "or": "and"}[word] if negated else word
                return self._say(turned).join(self._part(part, turned, negated=negated) for part in parts)
            case Call("not", (inner,)):
                return self._node(inner, negated=not negated)
            case Call("selected", (Reference(name), Literal(str() as text))):
                return self._compare(name, "!=" if negated else "=", text, part=True)
            case Call(operator, (left, right)) if operator in TURNED:
                turned = TURNED[operator] if negated else operator
                said = self._relation(left, turned, right) or self._relation(right, MIRRORED[turned], left)
                if said is not None:
                    return said
        said = self._say("formula", what=self._written(node))
        return self._say("not", what=said) if negated else said

    def _relation(self, subject: Node, operator: str, value: Node) -> str | None:
        """An item, or how many of its answers are ticked, beside what stands written."""
        match subject, value:
            case Reference(name), Literal(known):
                return self._compare(name, operator, known)
            case Reference(name), Call("date" | "date-time", (Literal(str() as day),)):
                return self._say(
                    f"{operator} day" if "=" != operator != "!=" else operator,
                    question=self._question(self.instrument.items[name]),
                    answer=day,
                )
            case Call("count-selected", (Reference(name),)), Literal(float() as known):
                counted = self._say("count", question=self._question(self.instrument.items[name]))
                return self._say(operator, question=counted, answer=_number(known))
        return None

    def _part(self, node: Node, around: str, *, negated: bool) -> str:
        said = self._node(node, negated=negated)
        mixed = isinstance(node, Call) and node.name in ("and", "or") and self._shown_word(node, negated) != around
        return self._say("group", what=said) if mixed else said

    def _shown_word(self, node: Call, negated: bool) -> str:
        return {"and": "or", "or": "and"}[node.name] if negated else node.name

    def _compare(self, name: str, operator: str, value: object, *, part: bool = False) -> str:
        """part: the answer is one of those ticked, not the whole of them."""
        item = self.instrument.items[name]
        inner = _decided(item, operator, value)
        if inner is not None:
            return self._node(inner[0], negated=inner[1])
        question = self._question(item)
        if value == "" and operator in ("=", "!="):
            return self._say("unanswered" if operator == "=" else "answered", question=question)
        chosen = item.offer is not None and operator in ("=", "!=")
        text = self._say("quoted", answer=item.label_of(value, self.language)) if chosen else _number(value)
        several = "ticked" if part else "only"
        kind = "chosen" if item.type != "select_multiple" else several
        said = ("" if operator == "=" else "not ") + kind if chosen else operator
        return self._say(said, question=question, answer=text)

    def _question(self, item: Item) -> str:
        if item.name in self.numbers:
            return self._say("question", number=self.numbers[item.name])
        name = item.label(self.language) or item.name
        asked = [self._say("question", number=number) for number in sorted(self._behind(item))]
        return self._say("computed", name=name, questions=self._say("these").join(asked)) if asked else name

    def _behind(self, item: Item) -> set[int]:
        """The numbers of the questions that a calculation is made of."""
        found: set[str] = set()
        waiting = [item.name]
        while waiting:
            calculation = self.instrument.items[waiting.pop()].calculation
            new = (
                {name for name in calculation.references if name in self.instrument.items} - found
                if calculation
                else set()
            )
            found |= new
            waiting += [name for name in new if name not in self.numbers]
        return {self.numbers[name] for name in found if name in self.numbers}

    def _written(self, node: Node) -> str:
        match node:
            case Reference(name):
                return self._question(self.instrument.items[name]) if name in self.instrument.items else name
            case Literal(value):
                return f"'{value}'" if isinstance(value, str) else _number(value)
            case Call(name, (left, right)) if not name[0].isalpha() or name in ("and", "or", "div", "mod"):
                return f"{self._written(left)} {name} {self._written(right)}"
            case Call(name, arguments):
                return f"{name}({', '.join(map(self._written, arguments))})"
            case _:
                return "."


def _number(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _decided(item: Item, operator: str, value: object) -> tuple[Node, bool] | None:
    """The condition behind `${item} = 'yes'` where the item is calculated as if(condition, 'yes', 'no')."""
    if item.calculation is None or operator not in ("=", "!="):
        return None
    match item.calculation.root:
        case Call("if", (condition, Literal(yes), Literal(no))) if yes != no and value in (yes, no):
            return condition, (value == no) != (operator == "!=")
    return None
