"""Every word of the command line has its Chinese."""

import re
from pathlib import Path

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
