"""Every word of the command line has its Chinese."""

import re
from pathlib import Path

from babel.messages.extract import extract

from survey_app.text import messages

CODE = Path(__file__).resolve().parents[2] / "survey_app"
WORDS = re.compile(r"""word\(["']([^"']+)["']\)""")
STEPS = re.compile(r'"((?:Preparing|Simulating|Submitting|Freezing|Importing)[^":]*)')


def test_every_word_and_every_step_of_a_progress_bar_is_translated():
    source = "\n".join(
        path.read_text(encoding="utf-8") for part in ("cli", "demonstration") for path in (CODE / part).glob("*.py")
    )
    used = {*WORDS.findall(source), *STEPS.findall(source)}
    assert len(used) > 20
    assert used - messages("zh").keys() == set()


def test_every_refusal_that_is_worded_has_its_chinese_with_the_same_blanks():
    files = [*CODE.glob("store/*.py"), *CODE.glob("cli/*.py"), *CODE.glob("publish/*.py")]
    texts = set()
    for path in files:
        with path.open("rb") as file:
            texts |= {str(found[1]) for found in extract("python", file, keywords={"WordedError": None})}
    assert len(texts) > 20
    known = messages("zh")
    assert texts - known.keys() == set()
    for text in texts:
        assert sorted(re.findall(r"{\w+}", text)) == sorted(re.findall(r"{\w+}", known[text])), text
