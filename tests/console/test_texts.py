"""Every sentence of the console and of the published files exists in Chinese, with the same blanks to fill in."""

import string
from pathlib import Path

import pytest
from babel.messages.extract import extract
from babel.messages.pofile import read_po

import survey_app

ROOT = Path(survey_app.__file__).parent
FIELD = [
    *(
        ROOT / "console" / f"{name}.py"
        for name in ("views", "attempt", "call_list", "differences", "hand", "interview")
    ),
    *(
        ROOT / "console" / f"{name}.py"
        for name in ("interviewers", "keying", "moments", "pageform", "people", "reasons")
    ),
    *(ROOT / "store" / f"{name}.py" for name in ("assignments", "attempts", "paper")),
    ROOT / "pages" / "sheets.py",
]
OURS = {
    "console": [*sorted(ROOT.glob("console/*.py")), ROOT / "http/sessions.py", ROOT / "http/downloads.py"],
    "interviews": FIELD,
    "publish": [ROOT / "publish/exports.py", ROOT / "publish/charts.py", ROOT / "publish/catalogue.py"],
}


def used(name: str) -> set[str]:
    found: set[str] = set()
    for path in OURS[name]:
        with path.open("rb") as file:
            found |= {
                str(message)
                for _line, message, *_rest in extract("python", file, keywords={"_": None, "WordedError": None})
            }
    return found


def catalogue(name: str) -> dict[str, str]:
    with (ROOT / "text" / "zh" / f"{name}.po").open("rb") as file:
        return {str(one.id): str(one.string) for one in read_po(file, locale="zh") if one.id}


def blanks(text: str) -> set[str]:
    return {name for _text, name, *_rest in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("name", list(OURS))
def test_every_text_has_its_chinese(name: str) -> None:
    known = {**catalogue("common"), **catalogue(name)}
    others = {message for path in (ROOT / "text" / "zh").glob("*.po") for message in catalogue(path.stem)}
    assert len(used(name)) > 5
    assert used(name) - set(known) - others == set()


@pytest.mark.parametrize("name", list(OURS))
def test_no_chinese_text_is_left_over(name: str) -> None:
    assert set(catalogue(name)) - used(name) == set()


@pytest.mark.parametrize("name", list(OURS))
def test_a_translation_has_the_blanks_of_its_original(name: str) -> None:
    for message, chinese in catalogue(name).items():
        assert blanks(message) == blanks(chinese), message
