"""The numbers that an item of type range takes: from start to end, step by step, counted without rounding."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from questionnaires.errors import InstrumentError
from questionnaires.messages import sentence

DEFAULTS = {"start": "1", "end": "10", "step": "1"}
MOST_STEPS = 100_000
MOST_TOLD = 6  # numbers that a sentence lists; of more the first three and the last


@dataclass(frozen=True, slots=True)
class Range:
    """start, start + step, ... up to end."""

    start: Decimal
    end: Decimal
    step: Decimal

    def accepts(self, value: float) -> bool:
        """Whether a number is one of the range."""
        number = Decimal(str(value))
        return self.start <= number <= self.end and (number - self.start) % self.step == 0

    @property
    def whole(self) -> bool:
        """Whether every number is whole."""
        return self.start % 1 == 0 and self.step % 1 == 0

    @property
    def size(self) -> int:
        """How many numbers there are."""
        return int((self.end - self.start) / self.step) + 1

    @property
    def values(self) -> tuple[str, ...]:
        """Every number as a clean answer is written."""
        return tuple(as_text(self.start + place * self.step) for place in range(self.size))

    def problem(self, language: str) -> str:
        """The sentence to a resident whose number is none of the range."""
        first, last = as_text(self.start), as_text(self.end)
        if self.whole and self.step == 1:
            return sentence("range", language, start=first, end=last)
        comma, rest = ("、", "……") if language == "zh" else (", ", " ... ")
        shown = self.size if self.size <= MOST_TOLD else 3
        told = comma.join(as_text(self.start + place * self.step) for place in range(shown))
        return sentence("steps", language, values=told if shown == self.size else f"{told}{rest}{last}")


def as_text(number: Decimal) -> str:
    """A number without zeros at its end: 2.50 is 2.5 and 3.0 is 3."""
    return f"{number:f}".rstrip("0").rstrip(".") if "." in f"{number:f}" else f"{number:f}"


def read_range(parameters: Mapping[str, str]) -> Range:
    """The range of the parameters start, end and step (ODK's defaults: 1 to 10 by 1).

    InstrumentError: it goes down, its steps miss its end, or a parameter is no number.
    """
    found = {name: _number(name, parameters.get(name, default)) for name, default in DEFAULTS.items()}
    made = Range(found["start"], found["end"], found["step"])
    if made.step <= 0 or made.end <= made.start:
        raise InstrumentError("a range goes up: end is above start and step above 0")
    if (made.end - made.start) % made.step:
        raise InstrumentError(
            f"steps of {as_text(made.step)} from {as_text(made.start)} do not meet {as_text(made.end)}; change one"
        )
    if made.size > MOST_STEPS:
        raise InstrumentError(f"the range has {made.size} numbers, at most {MOST_STEPS}; make it an integer or decimal")
    return made


def _number(name: str, text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("nan")
    if not number.is_finite() or abs(number) > 10**12 or len(text) > 20:
        raise InstrumentError(f"parameter {name} holds {text!r}, which is no number such as 10 or 0.5")
    return number
