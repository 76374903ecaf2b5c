"""Every visible word of the interface, in Chinese and English: English is the message id, Chinese stands in `zh/*.po`.

The catalogues are read as they are written; nothing has to be compiled. An instrument's own texts (labels, hints,
choices) live in the instrument, in its language columns, not here.
"""

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

from babel.messages.pofile import read_po

LANGUAGES = ("zh", "en")
"""Languages of the interface, the first one preferred."""

LANGUAGE_NAMES = {"zh": "中文", "en": "English"}
"""What each language calls itself: the words on the language switch."""

LANGUAGE_TAGS = {"zh": "zh-CN", "en": "en"}
"""BCP 47 tags for the `lang` attribute of a page."""

FOLDER = Path(__file__).parent


@cache
def messages(language: str) -> Mapping[str, str]:
    """All translated messages of `language`, message id -> text; empty for English, whose ids are the texts."""
    found: dict[str, str] = {}
    for translated in catalogues(language).values():
        for message, text in translated.items():
            found.setdefault(message, text)
    return found


def catalogues(language: str) -> dict[str, dict[str, str]]:
    """File name -> message id -> text. One id has one text: tests hold that no two catalogues differ."""
    found: dict[str, dict[str, str]] = {}
    for path in sorted((FOLDER / language).glob("*.po")):
        with path.open("rb") as file:
            catalogue = read_po(file, locale=language, abort_invalid=True)
        found[path.name] = {str(each.id): str(each.string) for each in catalogue if each.id and each.string}
    return found


@cache
def translator(language: str) -> Callable[[str], str]:
    """A function from English text to the text in `language`; what a catalogue lacks stays English."""
    catalogue = messages(language)

    def translate(text: str) -> str:
        return catalogue.get(text, text)

    return translate


def preferred_language(accepted: str, offered: tuple[str, ...] = LANGUAGES, default: str = "zh") -> str:
    """The best of `offered` for an Accept-Language header, by its quality values; `default` when none fits."""
    ranked: list[tuple[float, str]] = []
    for part in accepted.split(",")[:20]:
        tag, _, parameters = part.strip().partition(";")
        quality = parameters.strip().removeprefix("q=")
        try:
            weight = float(quality) if quality else 1.0
        except ValueError:
            continue
        ranked.append((weight, tag.split("-")[0].lower()))
    for weight, language in sorted(ranked, key=lambda pair: -pair[0]):
        if language in offered and weight > 0:
            return language
    return default if default in offered else offered[0]
