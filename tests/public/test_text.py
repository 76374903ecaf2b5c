"""Every word of the interface has its Chinese, once."""

import ast
import string
from pathlib import Path

import pytest
from jinja2.ext import babel_extract

from survey_app.text import catalogues, messages, preferred_language, translator

PACKAGE = Path(__file__).resolve().parents[2] / "survey_app"
TRANSLATORS = {"_", "translate", "chinese", "english"}


def used_in_python() -> dict[str, str]:
    """Message id -> file, for every literal handed to a translator."""
    found: dict[str, str] = {}
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and _is_translator(node.func) and node.args:
                text = node.args[0]
                if isinstance(text, ast.Constant) and isinstance(text.value, str):
                    found[text.value] = path.name
    return found


def used_in_templates() -> dict[str, str]:
    found: dict[str, str] = {}
    for path in PACKAGE.rglob("*.html"):
        with path.open("rb") as file:
            for _line, _function, message, _comments in babel_extract(file, ["_"], [], {}):
                if isinstance(message, str):
                    found[message] = path.name
    return found


def _is_translator(function: ast.expr) -> bool:
    return isinstance(function, ast.Name) and function.id in TRANSLATORS


def test_every_message_in_code_and_templates_has_a_chinese_text() -> None:
    chinese = messages("zh")
    used = used_in_python() | used_in_templates()
    assert len(used) > 60
    assert {text: place for text, place in used.items() if text not in chinese} == {}


def test_no_two_catalogues_translate_one_message_differently() -> None:
    seen: dict[str, str] = {}
    for name, texts in catalogues("zh").items():
        for message, text in texts.items():
            assert seen.setdefault(message, text) == text, f"{name}: {message}"


def test_placeholders_are_the_same_in_both_languages() -> None:
    for message, text in messages("zh").items():
        names = {field for _, field, _, _ in string.Formatter().parse(message) if field}
        assert names == {field for _, field, _, _ in string.Formatter().parse(text) if field}, message


def test_the_public_texts_use_chinese_punctuation() -> None:
    for message, text in catalogues("zh")["public.po"].items():
        assert not set(",;!?") & set(text), message


def test_what_has_no_translation_stays_english() -> None:
    assert translator("zh")("no such message") == "no such message"
    assert translator("en")("Next") == "Next"
    assert translator("zh")("Next") == "下一页"


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "zh"), ("en", "en"), ("zh-TW,en;q=0.5", "zh"), ("fr,en;q=0.4,zh;q=0.3", "en"), ("en;q=0", "zh"),
        ("en;q=x,zh", "zh"), (";;;", "zh"), ("*", "zh"),
    ],
)  # fmt: skip
def test_the_language_follows_the_browser(header: str, language: str) -> None:
    assert preferred_language(header) == language
