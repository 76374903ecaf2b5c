"""Numbers into sentences: what a comparison shows, in words and numbers, in Chinese and English.

All digits come from `analysis.format_number` and its kin, so that a sentence, a table and a file agree.
"""

import math
from collections.abc import Callable, Mapping

import pandas as pd

from analysis import format_number, format_signed, format_signed_interval
from survey_app.text import translator

Translate = Callable[[str], str]


def degree_names(language: str) -> Mapping[str, str]:
    """What each degree is called."""
    _ = translator(language)
    return {
        "awareness": _("Awareness"),
        "participation": _("Participation"),
        "satisfaction": _("Satisfaction"),
    }


def degree_meanings(language: str) -> Mapping[str, str]:
    """One line on what each degree measures."""
    _ = translator(language)
    return {
        "awareness": _("What residents know: rights, procedure, services at hand"),
        "participation": _("What residents did in the last twelve months"),
        "satisfaction": _("How residents judge the work"),
    }


def evidence_words(language: str, *, target: bool = False) -> Mapping[str, str]:
    """What each mark says; against a target or against the whole city."""
    _ = translator(language)
    if target:
        return {
            "above": _("whole interval above the target"),
            "below": _("whole interval below the target"),
            "undecided": _("not decided"),
            "none": _("no interval"),
        }
    return {
        "above": _("above the city, beyond chance"),
        "below": _("below the city, beyond chance"),
        "undecided": _("not shown to differ from the city"),
        "none": _("no interval"),
    }


def signed(value: float, digits: int = 1) -> str:
    """A difference with its sign: "+3.2", "-1.5", "0.0"; a true minus sign is used."""
    return format_signed(value, digits)


def signed_interval(low: float, high: float, language: str) -> str:
    """An interval of a difference, "+0.4 to +6.0": a dash between signed numbers could not be read."""
    _ = translator(language)
    return format_signed_interval(low, high, template=_("{low} to {high}"))


def p_value(p: float) -> str:
    """A p value: three decimals, "< 0.001" below that."""
    if math.isnan(p):
        return format_number(None)
    return "< 0.001" if p < 0.001 else format_number(p, 3)


def equals_p(p: float) -> str:
    """A p value inside a sentence: "p = 0.034", "p < 0.001"."""
    text = p_value(p)
    return f"p {text}" if text.startswith("<") else f"p = {text}"


def verdict(row: pd.Series, *, name: str, degree: str, districts: int, language: str) -> str:
    """One district against the whole city as a sentence.

    `row`: difference, low, high (points), p_adjusted, detectable, evidence. "Not shown to differ" never says "equal".
    """
    _ = translator(language)
    templates = {
        "above": _(
            "{name}: {degree} is {size} points above the city (95% interval of the difference {interval}). Looking at "
            "all {districts} districts at once, that is beyond what chance explains (adjusted {p})."
        ),
        "below": _(
            "{name}: {degree} is {size} points below the city (95% interval of the difference {interval}). Looking at "
            "all {districts} districts at once, that is beyond what chance explains (adjusted {p})."
        ),
        "undecided": _(
            "{name}: {degree} is not shown to differ from the city: difference {difference} points, 95% interval "
            "{interval}, adjusted {p}. Not significant is not unchanged: a true difference smaller than about "
            "{detectable} points would usually go unseen with this sample."
        ),
        "none": _("{name}: {degree} cannot be compared with the city, because there is no interval for it."),
    }
    return templates[str(row["evidence"])].format(
        name=name,
        degree=_in_sentence(degree_names(language)[degree], language),
        size=format_number(abs(row["difference"])),
        difference=signed(row["difference"]),
        interval=signed_interval(row["low"], row["high"], language),
        districts=districts,
        p=equals_p(row["p_adjusted"]),
        detectable=format_number(row["detectable"]),
    )


def change_verdict(row: pd.Series, *, degree: str, language: str, earlier: str) -> str:
    """The whole city's change between two waves as a sentence."""
    _ = translator(language)
    templates = {
        "above": _("{degree} rose by {size} points since “{earlier}” (95% interval {interval}, {p})."),
        "below": _("{degree} fell by {size} points since “{earlier}” (95% interval {interval}, {p})."),
        "undecided": _(
            "{degree}: no change is shown since “{earlier}” (difference {difference} points, 95% interval "
            "{interval}, {p}). Not significant is not unchanged: the interval says which changes remain possible."
        ),
        "none": _("{degree}: the change since “{earlier}” has no interval."),
    }
    return templates[str(row["evidence"])].format(
        degree=degree_names(language)[degree],
        size=format_number(abs(row["difference"])),
        difference=signed(row["difference"]),
        interval=signed_interval(row["low"], row["high"], language),
        earlier=earlier,
        p=equals_p(row["p"]),
    )


def _in_sentence(word: str, language: str) -> str:
    """English names of degrees are written small inside a sentence."""
    return word[:1].lower() + word[1:] if language == "en" else word
