"""Random ways through several instruments, and raw answers that nobody gives: nothing crashes, hangs or slips in."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from questionnaires import Instrument, load_instrument, load_instrument_text
from tests.questionnaires.ways import FORMS, GARBAGE, HUGE, SETTINGS, TODAY, holds_up, relevant, walk

LIBRARY = Path(__file__).resolve().parents[2] / "questionnaires" / "library"
CHECKS = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
SOME = settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=CHECKS)
START: Mapping[str, Mapping[str, Any]] = {
    "public-opinion": {
        "city": "510100",
        "fieldwork_year": "2026",
        "consent": "yes",
        "S1": "yes",
        "S2": "yes",
        "S3": "no",
    },
    "inspection": {"city": "510100", "months": 12},
}


@pytest.fixture(scope="module")
def form_of(frame_folder: Path) -> Callable[[str], Instrument]:
    """A form by its name; a function, for Hypothesis prints what a failing test was given."""
    forms = {name: load_instrument_text(text) for name, text in FORMS.items()}
    for name in START:
        forms[name] = load_instrument(LIBRARY / f"{name}.yaml", choice_files=frame_folder)
    return forms.__getitem__


every_form = pytest.mark.parametrize("name", [*START, *FORMS])


@every_form
@SOME
@given(st.data())
def test_every_way_ends_and_shows_only_what_applies(
    form_of: Callable[[str], Instrument], name: str, data: st.DataObject
) -> None:
    form = form_of(name)
    submission = data.draw(st.sampled_from(["", "one", "二"]))
    start = START.get(form.id, {}) if data.draw(st.booleans()) else {}
    pages, answers = walk(form, data.draw, start, submission_id=submission)
    clean = form.clean(answers, today=TODAY, submission_id=submission)
    assert holds_up(clean.answers)
    applying = relevant(form, clean.answers)
    assert set(clean.answers) <= applying
    shown = {item.name for page in pages for item in page.visible(answers, submission_id=submission)}
    assert shown <= applying
    assert {name for name, item in form.items.items() if item.shown and name in applying} == shown
    back = [pages[-1]] if pages else []
    while back and (earlier := form.previous_page(answers, back[-1].name, submission_id=submission)) is not None:
        back.append(earlier)
    assert back[::-1] == pages


@every_form
@SOME
@given(st.data())
def test_whatever_is_posted_is_refused_or_clean(
    form_of: Callable[[str], Instrument], name: str, data: st.DataObject
) -> None:
    form = form_of(name)
    names = st.one_of(st.sampled_from(sorted(step.name for step in form.program.steps)), st.text(max_size=5))
    posted = data.draw(st.dictionaries(names, GARBAGE, max_size=15))
    clean = form.clean(posted, "zh", today=TODAY, submission_id="one")
    assert holds_up(clean.answers)
    assert set(clean.answers).isdisjoint({*clean.problems, *clean.dropped})
    assert {*clean.answers, *clean.problems} <= set(form.items)
    if not clean.problems:
        assert set(clean.answers) <= relevant(form, clean.answers)
        assert form.clean(clean.answers, "zh", today=TODAY, submission_id="one").answers == clean.answers
    page, seen = form.next_page(posted, submission_id="one"), 0
    while page is not None:
        seen += 1
        assert seen <= len(form.pages)
        place, ahead = form.progress(posted, page, submission_id="one")
        assert place >= 1
        assert ahead >= 0
        form.problems(page, posted, "en", submission_id="one")
        for item in page.visible(posted, submission_id="one"):
            assert isinstance(item.label("zh", posted, "one"), str)
            item.offered(posted, "one")
        page = form.next_page(posted, page.name, submission_id="one")


@pytest.mark.parametrize(
    "raw",
    [HUGE, [HUGE, HUGE], ["a"] * 3_000_000, " a" * 3_000_000, 10**100_000],
    ids=["text", "two texts", "list", "names", "number"],
)
def test_ten_megabytes_are_refused_at_once(raw: Any) -> None:
    for text in FORMS.values():
        form = load_instrument_text(text)
        for name, item in form.items.items():
            if not item.shown or item.type == "note":
                continue
            start = time.perf_counter()
            clean = form.clean({name: raw}, submission_id="one")
            assert time.perf_counter() - start < 0.5
            assert name not in clean.answers


def test_calculations_that_double_each_other_end() -> None:
    rows = "".join(
        f"  - {{type: calculate, name: c{n + 1}, calculation: 'concat(${{c{n}}}, ${{c{n}}})'}}\n" for n in range(60)
    )
    form = load_instrument_text(f"{SETTINGS}survey:\n  - {{type: text, name: c0, label: 一？}}\n{rows}")
    answers = form.clean({"c0": "长" * 2000}).answers
    assert len(answers["c4"]) == 32_000
    assert "c5" not in answers
