"""Thousands of generated expressions, evaluated by us and by Chromium's XPath 1.0: the same type, the same value."""

import math
import random

from playwright.sync_api import Browser

from questionnaires.expressions import Context, parse

SCRIPT = """expressions => expressions.map(text => {
  const found = document.evaluate(text, document, null, XPathResult.ANY_TYPE, null);
  if (found.resultType === 1) return {number: String(found.numberValue)};
  if (found.resultType === 2) return {text: found.stringValue};
  return {truth: found.booleanValue};
})"""
LEAVES = [
    "0",
    "1",
    "2.5",
    "-3",
    ".5",
    "7",
    "''",
    "'a'",
    "'12'",
    "' 4 '",
    "'x y'",
    "'-0.5'",
    "'1e3'",
    "true()",
    "false()",
]
BINARY = ["+", "-", "*", "mod", "=", "!=", "<", "<=", ">", ">=", "and", "or"]
POWERS = ["0", "1", "2", "-2", "'4'"]
ONE = ["not", "boolean", "number", "string", "round", "floor", "ceiling", "string-length", "normalize-space", "-"]
TWO = ["concat", "contains", "starts-with", "substring-before", "substring-after"]


def expression(dice: random.Random, depth: int) -> str:
    if depth == 0 or dice.random() < 0.15:
        return dice.choice(LEAVES)
    kind = dice.random()
    if kind < 0.1:
        # by powers of two only: Chromium prints six digits of a fraction, XPath 1.0 section 4.2 wants all that matter
        return f"({expression(dice, depth - 1)} div {dice.choice(POWERS)})"
    if kind < 0.5:
        return f"({expression(dice, depth - 1)} {dice.choice(BINARY)} {expression(dice, depth - 1)})"
    if kind < 0.75:
        return f"{dice.choice(ONE)}({expression(dice, depth - 1)})"
    if kind < 0.95:
        return f"{dice.choice(TWO)}({expression(dice, depth - 1)}, {expression(dice, depth - 1)})"
    return f"translate({expression(dice, depth - 1)}, 'a1-', 'b2')"


def ours(text: str) -> dict[str, object]:
    found = parse(text).evaluate(Context({}))
    if isinstance(found, bool):
        return {"truth": found}
    return {"text": found} if isinstance(found, str) else {"number": found}


def same(mine: dict[str, object], theirs: dict[str, object]) -> bool:
    if "number" not in mine or "number" not in theirs:
        return mine == theirs
    left, right = float(mine["number"]), float(str(theirs["number"]).replace("Infinity", "inf"))
    return left == right or (math.isnan(left) and math.isnan(right))


def test_three_thousand_expressions_have_the_value_that_chromium_gives_them(browser: Browser) -> None:
    dice = random.Random(20260501)
    texts = sorted({expression(dice, 4) for _ in range(3000)})
    found = browser.new_page().evaluate(SCRIPT, texts)
    different = [
        (text, ours(text), theirs) for text, theirs in zip(texts, found, strict=True) if not same(ours(text), theirs)
    ]
    assert different == []
