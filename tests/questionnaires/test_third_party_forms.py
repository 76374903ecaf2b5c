"""XLSForms as others write them (after xlsform.org and docs.getodk.org), one per feature: Excel in, page by page, out.

pyxform ships no forms of its own, only its validator's test file, so these are written here.
"""

import random
import shutil
from pathlib import Path
from typing import Any

import pytest

from questionnaires import Instrument, Item, load_instrument
from questionnaires.paper import to_paper
from questionnaires.reachability import unreached
from questionnaires.versions import diff
from questionnaires.xlsform import convert_form, to_yaml, write_xlsx
from tests.questionnaires.hostile import Form, workbook
from tests.questionnaires.test_xlsform import odk_validate

YES_NO = [
    {"list_name": "yes_no", "name": "yes", "label": "Yes"},
    {"list_name": "yes_no", "name": "no", "label": "No"},
]
SCALE = [{"list_name": "scale", "name": str(n), "label": word} for n, word in enumerate(("Bad", "Fair", "Good"), 1)]
CITIES = [
    *({"list_name": "state", "name": name, "label": name.title()} for name in ("texas", "washington")),
    {"list_name": "county", "name": "king", "label": "King", "state": "washington"},
    {"list_name": "county", "name": "pierce", "label": "Pierce", "state": "washington"},
    {"list_name": "county", "name": "cameron", "label": "Cameron", "state": "texas"},
]
Rows = list[dict[str, str]]
FORMS: dict[str, tuple[Rows, Rows]] = {
    "skip logic": (
        [
            {"type": "select_one yes_no", "name": "likes_pizza", "label": "Do you like pizza?"},
            {"type": "select_multiple topping", "name": "topping", "label": "Favourite toppings",
             "relevant": "${likes_pizza} = 'yes'"},
            {"type": "text", "name": "cheese_kind", "label": "Which cheese?",
             "relevant": "selected(${topping}, 'cheese')"},
        ],
        [*YES_NO, {"list_name": "topping", "name": "cheese", "label": "Cheese"},
         {"list_name": "topping", "name": "pepperoni", "label": "Pepperoni"}],
    ),
    "constraints with messages": (
        [
            {"type": "integer", "name": "age", "label": "How old are you?", "constraint": ". >= 0 and . <= 150",
             "constraint_message": "Age must be 0 to 150.", "required": "yes", "required_message": "Please say."},
            {"type": "text", "name": "phone", "label": "Phone", "constraint": "regex(., '[0-9]{4,12}')"},
            {"type": "date", "name": "visit", "label": "Day of visit", "constraint": ". <= today()"},
        ],
        [],
    ),
    "calculations": (
        [
            {"type": "decimal", "name": "amount", "label": "What was the price of the meal?"},
            {"type": "calculate", "name": "tip", "calculation": "${amount} * 0.18"},
            {"type": "note", "name": "display", "label": "18% tip for your meal is: ${tip}"},
            {"type": "calculate", "name": "band",
             "calculation": "if(${amount} > 100, 'high', if(${amount} > 10, 'middle', 'low'))"},
            {"type": "text", "name": "why", "label": "Why so much?", "relevant": "${band} = 'high'"},
        ],
        [],
    ),
    "a cascade": (
        [
            {"type": "begin group", "name": "place", "label": "Place", "appearance": "field-list"},
            {"type": "select_one state", "name": "state", "label": "State"},
            {"type": "select_one county", "name": "county", "label": "County", "choice_filter": "state=${state}"},
            {"type": "end group"},
        ],
        CITIES,
    ),
    "groups in groups": (
        [
            {"type": "begin group", "name": "outer", "label": "Outer"},
            {"type": "select_one yes_no", "name": "a", "label": "A?"},
            {"type": "begin group", "name": "inner", "label": "Inner", "relevant": "${a} = 'yes'"},
            {"type": "text", "name": "b", "label": "B?"},
            {"type": "end group"},
            {"type": "end group"},
            {"type": "text", "name": "c", "label": "C?"},
        ],
        YES_NO,
    ),
    "a grid": (
        [
            {"type": "begin_group", "name": "grid", "label": "Rate", "appearance": "table-list"},
            {"type": "select_one scale", "name": "food", "label": "Food"},
            {"type": "select_one scale", "name": "service", "label": "Service"},
            {"type": "end_group"},
        ],
        SCALE,
    ),
    "or_other": ([{"type": "select_one scale or_other", "name": "how", "label": "How was it?"}], SCALE),
    "rank, range and acknowledge": (
        [
            {"type": "rank scale", "name": "order", "label": "Put in order"},
            {"type": "range", "name": "warm", "label": "How warm?", "parameters": "start=0 end=10 step=2"},
            {"type": "acknowledge", "name": "ok", "label": "Please confirm."},
        ],
        SCALE,
    ),
    "random order of choices": (
        [{"type": "select_one scale", "name": "how", "label": "How?", "parameters": "randomize=true"}],
        SCALE,
    ),
    "metadata, hidden and a default": (
        [
            {"type": "start", "name": "start"}, {"type": "end", "name": "end"}, {"type": "today", "name": "today"},
            {"type": "hidden", "name": "round", "default": "7"},
            {"type": "text", "name": "name", "label": "What is your name?", "hint": "As on your card",
             "guidance_hint": "Any spelling will do"},
            {"type": "note", "name": "bye", "label": "Thank you, ${name}"},
        ],
        [],
    ),
    "times": (
        [{"type": "time", "name": "t", "label": "When?"}, {"type": "dateTime", "name": "dt", "label": "When exactly?"}],
        [],
    ),
}  # fmt: skip


def excel(folder: Path, survey: Rows, choices: Rows, **settings: str) -> Path:
    form: Form = {"survey": survey, "choices": choices} if choices else {"survey": survey}
    form["settings"] = [{"form_title": "A form", "form_id": "a_form", "version": "2026010100", **settings}]
    path = folder / "form.xlsx"
    path.write_bytes(workbook(form))
    return path


def an_answer(item: Item, answers: dict[str, Any], chance: random.Random) -> Any:
    offered = [choice.name for choice in item.offered(answers)]
    if item.type.startswith("select_one"):
        return chance.choice(offered) if offered else None
    many = {"select_multiple": lambda: chance.sample(offered, chance.randint(1, len(offered))),
            "rank": lambda: chance.sample(offered, len(offered)),
            "integer": lambda: chance.randint(0, 150), "decimal": lambda: chance.choice(["5", "50", "500.5"]),
            "range": lambda: chance.choice(["0", "4", "10"]), "date": lambda: "2026-01-31", "time": lambda: "08:30",
            "dateTime": lambda: "2026-01-31T08:30", "acknowledge": lambda: "OK", "text": lambda: "12345"}  # fmt: skip
    return many[item.type]()


def walk_through(form: Instrument, chance: random.Random) -> dict[str, Any]:
    """Answer page by page as a resident would, until the form ends."""
    answers: dict[str, Any] = {}
    page = form.next_page(answers)
    seen = []
    while page is not None:
        assert page.name not in seen
        seen.append(page.name)
        for item in page.items:
            if item in page.visible(answers) and item.type != "note" and chance.random() < 0.9:
                answers[item.name] = an_answer(item, answers, chance)
        bad = form.problems(page, answers, "en")
        assert set(bad) <= {item.name for item in page.items if item.required}
        page = form.next_page(answers, after=page.name)
    return form.clean(answers, "en").answers


@pytest.mark.parametrize("feature", sorted(FORMS))
def test_a_form_of_others_loads_runs_and_is_written_again(tmp_path: Path, feature: str) -> None:
    form = load_instrument(excel(tmp_path, *FORMS[feature]))
    assert not any(one.certain for one in unreached(form))
    ends = [walk_through(form, random.Random(seed)) for seed in range(20)]
    assert any(ends)
    write_xlsx(form, tmp_path / "again.xlsx")
    (tmp_path / "again.yaml").write_text(to_yaml(form), encoding="utf-8")
    for name in ("again.xlsx", "again.yaml"):
        again = load_instrument(tmp_path / name)
        assert again.content_hash == form.content_hash
        assert diff(form, again).changes == ()
        assert [walk_through(again, random.Random(seed)) for seed in range(20)] == ends
    xform, warnings = convert_form(form)
    assert xform.startswith("<?xml")
    assert warnings == []
    assert all(item.name in to_paper(form) for item in form.items.values() if item.shown)


def test_translations_are_told_apart_by_their_columns(tmp_path: Path) -> None:
    labels = {"label::English (en)": "Name?", "label::Español (es)": "¿Nombre?"}
    path = excel(tmp_path, [{"type": "text", "name": "n", **labels}], [], default_language="Español (es)")
    form = load_instrument(path)
    assert form.languages == ("es", "en")
    assert (form.items["n"].label("es"), form.items["n"].label("en")) == ("¿Nombre?", "Name?")
    assert convert_form(form)[1] == []


def test_choices_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "fruits.csv").write_text("name,label\nmango,Mango\norange,Orange\n", encoding="utf-8")
    path = excel(tmp_path, [{"type": "select_one_from_file fruits.csv", "name": "f", "label": "Fruit?"}], [])
    form = load_instrument(path, choice_files=tmp_path)
    assert [choice.label("en") for choice in form.items["f"].choices] == ["Mango", "Orange"]
    assert walk_through(form, random.Random(1))["f"] in ("mango", "orange")
    assert "fruits.csv" in convert_form(form)[0]


def test_odk_accepts_them_all(tmp_path: Path) -> None:
    if shutil.which("java") is None:
        pytest.skip("Java is not installed, so ODK's validator cannot run")
    for place, name in enumerate(FORMS):
        form = load_instrument(excel(tmp_path, *FORMS[name]))
        (tmp_path / f"{place}.xml").write_text(convert_form(form)[0], encoding="utf-8")
    ran = odk_validate(*(tmp_path / f"{place}.xml" for place in range(len(FORMS))))
    assert ran.returncode == 0, ran.stderr
    assert (ran.stdout + ran.stderr).count("Xform is valid") == len(FORMS)
