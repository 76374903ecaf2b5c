"""Any way through a form: it ends, it shows only what applies, and what it collects is clean."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from questionnaires import Instrument, Item
from questionnaires.instrument import Page

RELAXED = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
PRESETS = {"city": "510100", "fieldwork_year": "2026"}
NONSENSE = st.sampled_from(["", "nonsense", "-1", "99999", "yes no", "\x00", "三", "<script>"])


def answer_to(draw: Any, item: Item, answers: dict[str, Any]) -> Any:
    offered = [choice.name for choice in item.offered(answers, "submission")]
    if draw(st.integers(0, 12)) == 0 and not item.required:
        return draw(NONSENSE)
    if item.type == "select_multiple":
        return draw(st.lists(st.sampled_from(offered), max_size=3))
    if item.type.startswith("select"):
        return draw(st.sampled_from([*offered, *([] if item.required else [""])]))
    return draw(st.sampled_from(["", "0", "1", "1956", "2004", "30"]))


def applies(name: str, answers: dict[str, Any]) -> bool:
    """What the questionnaire asks of whom, written out by hand."""
    agreed = answers["consent"] == "yes"
    if name in ("consent", "S1", "S2", "S3"):
        return agreed or name == "consent"
    if not agreed or (answers["S1"], answers["S2"], answers["S3"]) != ("yes", "yes", "no"):
        return False
    if name in ("B2_matter", "B2_reply"):
        return answers.get("B2") in ("once_or_twice", "three_or_more")
    if name == "B3":
        return answers.get("B3_need") == "yes"
    return name not in ("P2_who", "P2_how") or answers.get("P2") == "yes"


def walk(instrument: Instrument, draw: Any) -> tuple[list[Page], dict[str, Any]]:
    """A random way through, answering as a resident would, each page redisplayed until its answers stand."""
    answers: dict[str, Any] = dict(PRESETS)
    pages: list[Page] = []
    page = instrument.next_page(answers)
    while page is not None:
        assert page not in pages
        pages.append(page)
        for item in page.visible(answers):
            answers[item.name] = answer_to(draw, item, answers)
        for name in instrument.problems(page, answers, "zh"):
            del answers[name]
        assert instrument.problems(page, answers, "en") == {}
        page = instrument.next_page(answers, page.name)
    return pages, answers


@RELAXED
@given(st.data())
def test_every_way_through_ends_shows_only_what_applies_and_is_clean(opinion: Instrument, data: Any) -> None:
    pages, answers = walk(opinion, data.draw)
    clean = opinion.clean(answers)
    assert clean.problems == {}
    assert clean.first_bad_page is None
    assert clean.dropped == ()
    assert clean.answers["disposition"] in ("complete", "refused", "not_eligible")
    shown = {item.name for page in pages for item in page.visible(answers)}
    assert {name for name in shown if not applies(name, answers)} == set()
    assert {name for name, item in opinion.items.items() if item.shown and applies(name, answers)} == shown


@RELAXED
@given(st.data())
def test_the_back_button_goes_the_same_way_in_reverse(opinion: Instrument, data: Any) -> None:
    pages, answers = walk(opinion, data.draw)
    back = [pages[-1]]
    while (earlier := opinion.previous_page(answers, back[-1].name)) is not None:
        back.append(earlier)
    assert back[::-1] == pages


@RELAXED
@given(st.data())
def test_cleaning_the_clean_answers_gives_them_again(opinion: Instrument, data: Any) -> None:
    _, answers = walk(opinion, data.draw)
    once = opinion.clean(answers)
    twice = opinion.clean(once.answers)
    assert (twice.answers, twice.problems, twice.dropped) == (once.answers, {}, ())


@settings(RELAXED, max_examples=150)
@given(
    st.dictionaries(
        st.text(max_size=12), st.one_of(NONSENSE, st.none(), st.integers(), st.lists(NONSENSE)), max_size=5
    ),
    st.data(),
)
def test_answers_posted_by_hand_never_break_and_never_count(
    opinion: Instrument, posted: dict[str, Any], data: Any
) -> None:
    names = data.draw(st.lists(st.sampled_from(sorted(opinion.items)), max_size=12))
    answers = {**posted, **{name: data.draw(st.one_of(NONSENSE, st.booleans(), st.floats())) for name in names}}
    clean = opinion.clean(answers)
    assert set(clean.answers) <= set(opinion.items)
    for name, answer in clean.answers.items():
        item = opinion.items[name]
        if item.type == "select_one":
            assert answer in {choice.name for choice in item.choices}


def test_what_does_not_apply_is_dropped_and_forged_calculations_are_recomputed(opinion: Instrument) -> None:
    clean = opinion.clean({**PRESETS, "consent": "no", "E1": "satisfied", "unknown": "x", "disposition": "complete"})
    assert clean.answers == {**PRESETS, "consent": "no", "eligible": "no", "disposition": "refused"}
    assert set(clean.dropped) == {"E1", "unknown"}


def test_no_relevance_hangs_on_another_item_of_its_page(opinion: Instrument) -> None:
    for page in opinion.pages:
        names = {item.name for item in page.items}
        for item in page.items:
            assert names.isdisjoint(opinion.program.deciders[item.name] - {item.name})
