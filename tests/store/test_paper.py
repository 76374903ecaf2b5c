"""Sheets of paper: two entries by two people, compared and settled, then one submission; on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from questionnaires import load_instrument
from survey_app import submission
from survey_app.pages import sheets
from survey_app.pages.sheets import Choice, Difference, Finished, Sheets
from survey_app.store import Store, StoreError, Wave, audit, checks, instruments, invitations, paper, responses, waves
from survey_app.store.paper import Entry, Quality
from survey_app.submission import Quarantined

SMALL = Path(__file__).with_name("small.yaml")
DAY = date.today() - timedelta(days=3)
YES = {"consent": "yes", "district": "east", "age": "41", "remark": "好"}


def entry(wave: Wave, sheet: str, keyer: str, day: date = DAY, **more: object) -> Entry:
    return Entry(wave.slug, sheet, keyer, "zh", day, **more)


def key(store: Store, wave: Wave, sheet: str, keyer: str, answers: dict[str, Any], *, day: date = DAY) -> Finished:
    """One whole entry, page by page."""
    mine = paper.begin(store, wave, entry(wave, sheet, keyer, day))
    visit = sheets.visit_of(store, wave, mine)
    keeper = Sheets(store, mine)
    for page in visit.instrument.pages:
        part = {item.name: answers[item.name] for item in page.items if item.name in answers}
        keeper.save(visit, page.name, part, language="zh", duration_ms=None)
    assert not isinstance(keeper.submit(visit, {**answers, **wave.presets}, durations={}, door="console"), Quarantined)
    return sheets.go_on(store, wave, sheet)


def stored(store: Store, wave: Wave) -> list[responses.Response]:
    return list(responses.stream(store, wave))


def test_two_entries_that_agree_are_one_answer_of_mode_paper_with_the_sheet_s_date(store: Store, wave: Wave) -> None:
    assert key(store, wave, "c03", "li", YES) == Finished("waiting")
    assert stored(store, wave) == []
    assert key(store, wave, "c03", "wang", YES).state == "submitted"
    (one,) = stored(store, wave)
    assert (one.mode, one.door, one.stream, one.psu) == ("paper", "console", "probability", "psu0")
    assert (one.interviewer, one.fieldwork_date, one.language) == ("li", DAY, "zh")
    assert one.answers["age"] == 41
    assert paper.of_sheet(store, wave, "c03") == []
    assert checks.check(store) == []


def test_a_day_outside_the_fieldwork_cannot_be_settled_upon(store: Store, wave: Wave) -> None:
    key(store, wave, "c03", "li", YES)
    key(store, wave, "c03", "wang", YES, day=DAY - timedelta(days=1))
    tomorrow = (date.today() + timedelta(days=1)).isoformat()
    with pytest.raises(StoreError, match="not within the fieldwork"):
        sheets.settle(store, wave, "c03", {sheets.DATE: Choice(tomorrow, "misread")}, by="chief")
    assert stored(store, wave) == []


def test_crosses_in_another_order_are_no_difference(store: Store, tmp_path: Path) -> None:
    source = SMALL.read_text("utf-8").replace("type: text", "type: select_multiple district")
    (tmp_path / "several.yaml").write_text(source.replace("form_id: small", "form_id: several"), "utf-8")
    instrument = load_instrument(tmp_path / "several.yaml")
    instruments.publish(store, instrument)
    wave = Wave("several", {"zh": "多选"}, "510100", "nbs", "2023", instrument.id, instrument.version, open_link=True)
    waves.create(store, wave)
    key(store, wave, "A-1", "li", {**YES, "remark": ["east", "west"]})
    assert key(store, wave, "A-1", "wang", {**YES, "remark": ["west", "east"]}).state == "submitted"
    key(store, wave, "A-2", "li", {**YES, "remark": ["east", "west"]})
    assert key(store, wave, "A-2", "wang", {**YES, "remark": ["west"]}) == Finished("differs", differences=1)


def test_the_same_person_makes_no_second_entry(store: Store, wave: Wave) -> None:
    key(store, wave, "c03", "li", YES)
    with pytest.raises(StoreError, match="Another person makes the second"):
        paper.begin(store, wave, entry(wave, "c03", "li"))


def test_nothing_counts_before_the_second_entry_is_finished(store: Store, wave: Wave) -> None:
    key(store, wave, "c03", "li", YES)
    paper.begin(store, wave, entry(wave, "c03", "wang"))
    assert sheets.go_on(store, wave, "c03") == Finished("waiting")
    assert stored(store, wave) == []
    with pytest.raises(StoreError, match="not keyed in twice"):
        sheets.settle(store, wave, "c03", {}, by="chief")


def test_where_entries_differ_a_choice_with_its_reason_settles_it(store: Store, wave: Wave) -> None:
    key(store, wave, "c03", "li", YES)
    assert key(store, wave, "c03", "wang", {**YES, "age": "47", "remark": "很好"}) == Finished("differs", differences=2)
    assert stored(store, wave) == []
    found = sheets.differences(store, wave, paper.of_sheet(store, wave, "c03"))
    assert found == [Difference("age", "41", "47"), Difference("remark", "好", "很好")]
    choices = {"age": Choice("47", "mistyped"), "remark": Choice("好得很", "illegible")}
    assert sheets.settle(store, wave, "c03", choices, by="chief").state == "submitted"
    (one,) = stored(store, wave)
    assert (one.answers["age"], one.answers["remark"]) == (47, "好得很")
    assert paper.quality(store, wave) == [
        Quality("li", 1, 4, 50.0, 50.0),
        Quality("wang", 1, 4, 50.0, 25.0),
    ]
    assert checks.check(store) == []


def test_a_settlement_is_in_the_audit_chain_without_sheet_case_or_answer(store: Store, wave: Wave) -> None:
    key(store, wave, "c03", "li", YES)
    key(store, wave, "c03", "wang", {**YES, "remark": "不好"})
    sheets.settle(store, wave, "c03", {"remark": Choice("不好", "misread")}, by="chief")
    row = next(row for row in audit.entries(store) if row["action"] == "paper.settled")
    assert row["actor"] == "chief"
    assert row["detail"] == {
        "compared": 4, "differing": 1, "reasons": {"remark": "misread"}, "wrong": {"li": 1, "wang": 0},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("choices", "said"),
    [
        ({}, "Nothing is chosen for age, remark"),
        ({"age": Choice("41", "mistyped")}, "Nothing is chosen for remark"),
        ({"age": Choice("41", ""), "remark": Choice("好", "misread")}, "No reason is given for age"),
    ],
)
def test_a_difference_without_choice_or_reason_is_not_settled(
    store: Store, wave: Wave, choices: dict[str, Choice], said: str
) -> None:
    key(store, wave, "c03", "li", YES)
    key(store, wave, "c03", "wang", {**YES, "age": "47", "remark": "很好"})
    with pytest.raises(StoreError, match=said):
        sheets.settle(store, wave, "c03", choices, by="chief")
    assert stored(store, wave) == []


def test_a_choice_that_the_instrument_does_not_take_is_named_and_stores_nothing_not_even_in_quarantine(
    store: Store, wave: Wave
) -> None:
    key(store, wave, "c03", "li", YES)
    key(store, wave, "c03", "wang", {**YES, "age": "47"})
    finished = sheets.settle(store, wave, "c03", {"age": Choice("7", "misread")}, by="chief")
    assert finished.state == "refused"
    assert finished.reason.startswith("age: ")
    assert stored(store, wave) == []
    assert len(paper.of_sheet(store, wave, "c03")) == 2
    assert store.read(lambda connection: connection.all("SELECT * FROM quarantine")) == []
    assert sheets.settle(store, wave, "c03", {"age": Choice(None, "illegible")}, by="chief").state == "submitted"
    assert "age" not in stored(store, wave)[0].answers


def test_a_date_that_differs_is_a_difference_too(store: Store, wave: Wave) -> None:
    key(store, wave, "c03", "li", YES)
    key(store, wave, "c03", "wang", YES, day=DAY + timedelta(days=1))
    (found,) = sheets.differences(store, wave, paper.of_sheet(store, wave, "c03"))
    assert found.name == sheets.DATE
    sheets.settle(store, wave, "c03", {sheets.DATE: Choice(found.second, "misread")}, by="chief")
    assert stored(store, wave)[0].fieldwork_date == DAY + timedelta(days=1)


def test_a_sheet_of_the_open_link_has_no_design_and_counts_once_even_when_settled_twice_at_once(
    store: Store, wave: Wave
) -> None:
    key(store, wave, "A-0001", "li", YES)
    key(store, wave, "A-0001", "wang", {**YES, "age": "47"})
    choice = {"age": Choice("47", "mistyped")}

    def settle(_: int) -> str:
        try:
            return sheets.settle(store, wave, "A-0001", choice, by="chief").state
        except StoreError:
            return "gone"

    with ThreadPoolExecutor(10) as pool:
        states = list(pool.map(settle, range(10)))
    assert set(states) <= {"submitted", "gone"}
    (one,) = stored(store, wave)
    assert (one.stream, one.mode, one.psu) == ("opt-in", "paper", None)


def test_an_entry_that_was_left_is_gone_on_with_by_its_keyer(store: Store, wave: Wave) -> None:
    mine = paper.begin(store, wave, entry(wave, "c03", "li"))
    paper.save(store, mine, page="consent", names={"consent"}, answers={"consent": "yes"}, language="zh")
    again = paper.begin(store, wave, entry(wave, "c03", "li"))
    assert (again.entry, again.page, again.answers) == (1, "consent", {"consent": "yes"})


def test_the_second_keyer_does_not_get_the_first_one_s_answers(store: Store, wave: Wave) -> None:
    key(store, wave, "c03", "li", YES)
    second = paper.begin(store, wave, entry(wave, "c03", "wang"))
    assert (second.entry, second.answers) == (2, {})


def test_a_finished_entry_cannot_be_changed(store: Store, wave: Wave) -> None:
    key(store, wave, "c03", "li", YES)
    with pytest.raises(StoreError, match="is finished"):
        paper.save(store, entry(wave, "c03", "li"), page="consent", names={"consent"}, answers={}, language="zh")


def test_answers_that_the_instrument_does_not_take_do_not_end_an_entry(store: Store, wave: Wave) -> None:
    mine = paper.begin(store, wave, entry(wave, "c03", "li"))
    visit = sheets.visit_of(store, wave, mine)
    found = Sheets(store, mine).submit(visit, {"consent": "yes"}, durations={}, door="console")
    assert isinstance(found, Quarantined)
    assert found.page == "home"
    assert not paper.of_sheet(store, wave, "c03")[0].finished


@pytest.mark.parametrize(
    ("sheet", "more", "said"),
    [
        ("../etc", {}, "is no sheet number"),
        ("c03", {"day": date.today() + timedelta(days=1)}, "is not within the fieldwork"),
        ("S1", {"case": "c99"}, "'c99' is no case"),
    ],
)
def test_a_sheet_that_cannot_be_is_refused(store: Store, wave: Wave, sheet: str, more: dict, said: str) -> None:
    with pytest.raises(StoreError, match=said):
        paper.begin(store, wave, entry(wave, sheet, "li", **more))


def test_without_an_open_link_every_sheet_is_a_case(store: Store, wave: Wave) -> None:
    invited = replace(wave, slug="invited", open_link=False)
    waves.create(store, invited)
    with pytest.raises(StoreError, match="'S1' is no case of this wave"):
        paper.begin(store, invited, entry(invited, "S1", "li"))


def test_a_case_that_has_answered_or_is_keyed_under_another_number_is_refused(store: Store, wave: Wave) -> None:
    (token,) = invitations.mint(store, wave, ["c04"])
    submission.submit(store, wave, submission.Submission(submission.new_id(), YES, invitation=token))
    with pytest.raises(StoreError, match="'c04' has been answered"):
        paper.begin(store, wave, entry(wave, "c04", "li"))
    paper.begin(store, wave, entry(wave, "c03", "li"))
    with pytest.raises(StoreError, match="is being keyed in as sheet 'c03'"):
        paper.begin(store, wave, entry(wave, "S9", "wang", case="c03"))


def test_a_case_that_answers_by_its_link_meanwhile_makes_the_sheet_refused_not_double(store: Store, wave: Wave) -> None:
    key(store, wave, "c03", "li", YES)
    (token,) = invitations.mint(store, wave, ["c03"])
    submission.submit(store, wave, submission.Submission(submission.new_id(), YES, invitation=token))
    with pytest.raises(StoreError, match="has been answered"):
        paper.begin(store, wave, entry(wave, "c03", "wang"))
    assert len(stored(store, wave)) == 1


def test_a_link_draft_of_the_case_goes_when_its_sheet_is_submitted(store: Store, wave: Wave) -> None:
    (token,) = invitations.mint(store, wave, ["c03"])
    draft = submission.open_invitation(store, wave, token)
    submission.save_draft(store, wave, draft.id, "consent", {"consent": "yes"}, language="zh")
    key(store, wave, "c03", "li", YES)
    assert key(store, wave, "c03", "wang", YES).state == "submitted"
    assert len(stored(store, wave)) == 1
    assert isinstance(
        submission.submit(store, wave, submission.Submission(draft.id, {**YES, "age": "50"})), submission.Conflict
    )
    assert checks.check(store) == []


def test_one_entry_is_enough_only_where_the_wave_says_so(store: Store, wave: Wave) -> None:
    single = replace(wave, slug="single", fieldwork={"paper_entries": 1})
    waves.create(store, single)
    kept = waves.get(store, "single")
    assert key(store, kept, "A-1", "li", YES).state == "submitted"
    assert len(stored(store, kept)) == 1
    assert paper.quality(store, kept) == [Quality("li", 1, 0, None, None)]
    assert key(store, wave, "A-1", "li", YES) == Finished("waiting")


def test_discarded_entries_are_keyed_in_anew_by_anybody(store: Store, wave: Wave) -> None:
    key(store, wave, "c03", "li", YES)
    assert paper.discard(store, wave, "c03", by="chief") == 1
    assert key(store, wave, "c03", "li", YES) == Finished("waiting")


def test_two_keyers_who_begin_one_sheet_at_once_make_a_first_and_a_second_entry(store: Store, wave: Wave) -> None:
    def begin(name: str) -> int | None:
        try:
            return paper.begin(store, wave, entry(wave, "c03", name)).entry
        except StoreError:
            return None

    with ThreadPoolExecutor(2) as pool:
        numbers = list(pool.map(begin, ["li", "wang"]))
    made = [one.entry for one in paper.of_sheet(store, wave, "c03")]
    assert sorted(number for number in numbers if number) == made
    assert made in ([1], [1, 2])
