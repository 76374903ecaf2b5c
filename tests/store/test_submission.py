"""The one way in, as COLLECTION section 3 and the design ask: on both databases, with real threads."""

from __future__ import annotations

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest
import time_machine

from questionnaires import AnswerError
from survey_app import submission
from survey_app.store import Store, StoreError, Wave, checks, drafts, invitations, responses, waves
from survey_app.store.tables import response
from survey_app.submission import Accepted, Conflict, Quarantined, Refused, Submission, new_id

YES = {"consent": "yes", "district": "east", "age": "41", "remark": "很好"}
BAD = {"consent": "yes", "district": "east", "age": "7"}


def stored(store: Store, wave: Wave) -> list[responses.Response]:
    return list(responses.stream(store, wave))


def test_fifty_parallel_identical_submissions_make_one_row_and_show_one_receipt(store: Store, wave: Wave) -> None:
    same = Submission(new_id(), YES)
    with ThreadPoolExecutor(50) as pool:
        outcomes = list(pool.map(lambda _: submission.submit(store, wave, same), range(50)))
    assert len(stored(store, wave)) == 1
    assert {type(outcome) for outcome in outcomes} == {Accepted}
    assert len({outcome.receipt for outcome in outcomes}) == 1
    assert sorted(outcome.repeated for outcome in outcomes) == [False] + [True] * 49
    assert checks.check(store) == []


def test_fifty_parallel_identical_submissions_of_one_invitation_spend_it_once(store: Store, wave: Wave) -> None:
    (token,) = invitations.mint(store, wave, ["c03"])
    same = Submission(new_id(), YES, invitation=token)
    with ThreadPoolExecutor(50) as pool:
        outcomes = list(pool.map(lambda _: submission.submit(store, wave, same), range(50)))
    assert {type(outcome) for outcome in outcomes} == {Accepted}
    assert len(stored(store, wave)) == 1
    assert checks.check(store) == []


def test_the_same_id_with_another_body_is_a_conflict_and_changes_nothing(store: Store, wave: Wave) -> None:
    first = Submission(new_id(), YES)
    submission.submit(store, wave, first)
    assert submission.submit(store, wave, Submission(first.id, {**YES, "age": "42"})) == Conflict()
    assert [one.answers["age"] for one in stored(store, wave)] == [41]


def test_a_receipt_is_readable_and_only_its_hash_is_stored(store: Store, wave: Wave) -> None:
    outcome = submission.submit(store, wave, Submission(new_id(), YES))
    assert isinstance(outcome, Accepted)
    groups = outcome.receipt.split("-")
    assert [len(group) for group in groups] == [5, 5, 5, 5]
    rows = store.read(lambda connection: connection.all(response.select()))
    assert outcome.receipt not in str(rows)


def test_an_answer_from_an_invitation_carries_the_invitations_design_not_the_address(store: Store, wave: Wave) -> None:
    (token,) = invitations.mint(store, wave, ["c25"])
    submission.submit(store, wave, Submission(new_id(), YES, invitation=token))
    (one,) = stored(store, wave)
    assert (one.stream, one.district, one.stratum, one.psu, one.base_weight) == (
        "probability", "west", "west", "psu5", 500.0,
    )  # fmt: skip
    assert one.answers["district"] == "east"


def test_an_answer_from_the_open_link_is_opt_in_and_has_no_design(store: Store, wave: Wave) -> None:
    submission.submit(store, wave, Submission(new_id(), YES))
    (one,) = stored(store, wave)
    assert (one.stream, one.district, one.stratum, one.psu, one.base_weight) == ("opt-in", "east", None, None, None)


def test_a_used_invitation_opens_nothing_and_stores_nothing(store: Store, wave: Wave) -> None:
    (token,) = invitations.mint(store, wave, ["c03"])
    submission.submit(store, wave, Submission(new_id(), YES, invitation=token))
    assert submission.open_invitation(store, wave, token) == Refused("used")
    assert submission.submit(store, wave, Submission(new_id(), YES, invitation=token)) == Refused("used")
    assert len(stored(store, wave)) == 1


def test_an_unknown_token_is_refused_at_both_doors(store: Store, wave: Wave) -> None:
    assert submission.open_invitation(store, wave, "no-such-token") == Refused("unknown")
    assert submission.submit(store, wave, Submission(new_id(), YES, invitation="no-such-token")) == Refused("unknown")
    assert stored(store, wave) == []


def test_a_token_of_one_wave_opens_no_other(store: Store, wave: Wave) -> None:
    waves.create(store, Wave(**{**wave.__dict__, "slug": "autumn"}))
    (token,) = invitations.mint(store, wave, ["c03"])
    assert submission.open_invitation(store, "autumn", token) == Refused("unknown")


def test_an_expired_invitation_is_refused_but_who_began_in_time_may_finish(store: Store, wave: Wave) -> None:
    early, late = invitations.mint(store, wave, ["c03", "c04"], expires=date.today())
    draft = submission.open_invitation(store, wave, early)
    with time_machine.travel(date.today() + timedelta(days=1)):
        assert submission.open_invitation(store, wave, late) == Refused("expired")
        assert submission.submit(store, wave, Submission(new_id(), YES, invitation=late)) == Refused("expired")
        assert isinstance(submission.submit(store, wave, Submission(draft.id, YES)), Accepted)


def test_the_same_token_leads_to_the_same_draft_from_twenty_devices_at_once(store: Store, wave: Wave) -> None:
    (token,) = invitations.mint(store, wave, ["c03"])
    with ThreadPoolExecutor(20) as pool:
        opened = list(pool.map(lambda _: submission.open_invitation(store, wave, token), range(20)))
    assert len({draft.id for draft in opened}) == 1


def test_an_invitation_raced_by_two_ids_is_spent_by_one_of_them(store: Store, wave: Wave) -> None:
    tokens = invitations.mint(store, wave, [f"c{number:02}" for number in range(10)])
    both = [Submission(new_id(), YES, invitation=token) for token in tokens for _ in range(2)]
    with ThreadPoolExecutor(20) as pool:
        outcomes = list(pool.map(lambda one: submission.submit(store, wave, one), both))
    for first, second in zip(outcomes[::2], outcomes[1::2], strict=True):
        assert {type(first), type(second)} == {Accepted, Refused}
        assert Refused("used") in (first, second)
    assert len(stored(store, wave)) == 10
    assert checks.check(store) == []


def test_a_final_submission_with_a_bad_answer_is_kept_raw_and_spends_nothing(store: Store, wave: Wave) -> None:
    (token,) = invitations.mint(store, wave, ["c03"])
    draft = submission.open_invitation(store, wave, token)
    outcome = submission.submit(store, wave, Submission(draft.id, BAD, language="en"))
    assert isinstance(outcome, Quarantined)
    assert outcome.page == "home"
    assert set(outcome.problems) == {"age"}
    assert stored(store, wave) == []
    assert [case.disposition for case in invitations.cases(store, wave) if case.case == "c03"] == [None]
    assert checks.check(store) == []


def test_after_quarantine_the_mended_answers_are_accepted_under_the_same_id(store: Store, wave: Wave) -> None:
    (token,) = invitations.mint(store, wave, ["c03"])
    draft = submission.open_invitation(store, wave, token)
    submission.submit(store, wave, Submission(draft.id, BAD))
    submission.submit(store, wave, Submission(draft.id, {**BAD, "age": "8"}))
    assert isinstance(submission.submit(store, wave, Submission(draft.id, YES)), Accepted)
    assert [one.psu for one in stored(store, wave)] == ["psu0"]
    assert checks.check(store) == []


def test_a_closed_wave_refuses_but_still_thanks_for_what_it_has(store: Store, wave: Wave) -> None:
    before = Submission(new_id(), YES)
    submission.submit(store, wave, before)
    waves.close(store, wave.slug)
    assert submission.submit(store, wave, Submission(new_id(), YES)) == Refused("closed")
    assert submission.save_draft(store, wave, new_id(), "consent", YES, language="zh") == Refused("closed")
    assert submission.submit(store, wave, before).repeated
    assert len(stored(store, wave)) == 1


@pytest.mark.parametrize(("opens", "closes", "reason"), [(1, 5, "not open"), (-5, -1, "closed")])
def test_a_wave_takes_answers_between_its_dates_only(
    store: Store, wave: Wave, opens: int, closes: int, reason: str
) -> None:
    today = date.today()
    dates = {"opens": today + timedelta(days=opens), "closes": today + timedelta(days=closes)}
    waves.create(store, Wave(**{**wave.__dict__, **dates, "slug": "dated"}))
    assert submission.submit(store, "dated", Submission(new_id(), YES)) == Refused(reason)
    with time_machine.travel(dates["opens"]):
        assert isinstance(submission.submit(store, "dated", Submission(new_id(), YES)), Accepted)


def test_a_wave_by_invitation_only_takes_nobody_else(store: Store, wave: Wave) -> None:
    waves.create(store, Wave(**{**wave.__dict__, "slug": "invited", "open_link": False}))
    assert submission.submit(store, "invited", Submission(new_id(), YES)) == Refused("unknown")
    assert submission.save_draft(store, "invited", new_id(), "consent", YES, language="zh") == Refused("unknown")


def test_presets_of_the_wave_cannot_be_forged(store: Store, wave: Wave) -> None:
    id_ = new_id()
    draft = submission.save_draft(store, wave, id_, "consent", {"consent": "yes", "city": "999999"}, language="zh")
    assert "city" not in draft.answers
    submission.submit(store, wave, Submission(id_, {**YES, "city": "999999"}))
    assert [one.answers["city"] for one in stored(store, wave)] == ["510100"]


def test_a_refusal_of_consent_is_an_answer_with_that_disposition(store: Store, wave: Wave) -> None:
    (token,) = invitations.mint(store, wave, ["c03"])
    draft = submission.open_invitation(store, wave, token)
    submission.submit(store, wave, Submission(draft.id, {"consent": "no"}))
    assert [one.disposition for one in stored(store, wave)] == ["refused"]
    assert [case.disposition for case in invitations.cases(store, wave) if case.case == "c03"] == ["refused"]


def test_pages_are_merged_into_the_draft_and_absent_items_leave_it(store: Store, wave: Wave) -> None:
    id_ = new_id()
    submission.save_draft(store, wave, id_, "consent", {"consent": "yes"}, language="zh", duration_ms=900)
    submission.save_draft(store, wave, id_, "home", {"district": "east", "age": "30"}, language="zh", duration_ms=700)
    draft = submission.save_draft(store, wave, id_, "home", {"district": "west"}, language="en", duration_ms=200)
    assert draft == drafts.get(store, wave, id_)
    assert draft.answers == {"consent": "yes", "district": "west"}
    assert (draft.page, draft.language, draft.invited) == ("home", "en", False)
    assert draft.durations == {"consent": 900, "home": 900}


def test_items_of_other_pages_are_left_aside(store: Store, wave: Wave) -> None:
    draft = submission.save_draft(store, wave, new_id(), "consent", {**YES, "no_such": "1"}, language="zh")
    assert draft.answers == {"consent": "yes"}


def test_two_tabs_that_save_different_pages_at_once_lose_neither(store: Store, wave: Wave) -> None:
    id_ = new_id()
    pages = [("consent", {"consent": "yes"}), ("home", {"district": "east"}), ("words", {"remark": "好"})] * 5
    with ThreadPoolExecutor(15) as pool:
        list(pool.map(lambda one: submission.save_draft(store, wave, id_, *one, language="zh"), pages))
    assert drafts.get(store, wave, id_).answers == {"consent": "yes", "district": "east", "remark": "好"}
    assert checks.check(store) == []


def test_a_double_tap_on_the_last_page_gets_the_receipt_and_another_answer_a_conflict(store: Store, wave: Wave) -> None:
    id_ = new_id()
    last = ("words", {"remark": "好"})
    submission.save_draft(store, wave, id_, "consent", {"consent": "yes"}, language="zh")
    submission.save_draft(store, wave, id_, "home", {"district": "east"}, language="zh")
    draft = submission.save_draft(store, wave, id_, *last, language="zh")
    outcome = submission.submit(store, wave, Submission(id_, draft.answers))
    assert submission.save_draft(store, wave, id_, *last, language="zh") == Accepted(outcome.receipt, repeated=True)
    assert submission.save_draft(store, wave, id_, "words", {"remark": "不好"}, language="zh") == Conflict()
    assert drafts.get(store, wave, id_) is None
    assert submission.submitted(store, wave, id_) == Accepted(outcome.receipt, repeated=True)
    assert submission.submitted(store, wave, new_id()) is None


@pytest.mark.parametrize("bad", ["", "1", "../etc/passwd", "F0E0B73C-BBF7-4A84-8F60-0E41D52CEEE8", "x" * 1000])
def test_a_malformed_id_is_refused_with_a_sentence(store: Store, wave: Wave, bad: str) -> None:
    with pytest.raises(StoreError, match="is no id of a submission"):
        submission.submit(store, wave, Submission(bad, YES))


def test_an_unknown_wave_is_refused_naming_the_nearest(store: Store, wave: Wave) -> None:
    with pytest.raises(StoreError, match=r"no wave 'sprin'.*'spring'"):
        submission.submit(store, "sprin", Submission(new_id(), YES))


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({**YES, "remark": "好" * 300_000}, "at most"),
        ({**YES, "age": float("nan")}, "'age'"),
        ({**YES, "remark": {"nested": "1"}}, "'remark'"),
    ],
)
def test_a_body_that_is_no_set_of_answers_is_refused_and_not_stored(
    store: Store, wave: Wave, answers: dict[str, object], said: str
) -> None:
    with pytest.raises(AnswerError, match=said):
        submission.submit(store, wave, Submission(new_id(), answers))
    assert stored(store, wave) == []


def test_control_characters_lone_surrogates_and_emoji_survive_or_are_cleaned(store: Store, wave: Wave) -> None:
    strange = "a\x00b\x07\ud800 e\u0301 \u202e 👨‍👩‍👧\n\t"
    submission.submit(store, wave, Submission(new_id(), {**YES, "remark": strange}))
    (one,) = stored(store, wave)
    assert "\x00" not in one.answers["remark"]
    assert "é" in one.answers["remark"]
    assert "👨‍👩‍👧" in one.answers["remark"]


@pytest.mark.parametrize(
    ("language", "answer", "shown"), [("zh", "yes", "您愿意参加吗?"), ("en", "no", "Do you agree to take part?")]
)
def test_consent_is_kept_with_the_hash_of_the_text_that_was_shown_and_the_day(
    store: Store, wave: Wave, language: str, answer: str, shown: str
) -> None:
    submission.submit(store, wave, Submission(new_id(), {**YES, "consent": answer}, language=language))
    (row,) = store.read(lambda connection: connection.all(response.select()))
    digest = hashlib.sha256(shown.encode()).hexdigest()
    today = date.today().isoformat()
    assert json.loads(row["consent"]) == {"item": "consent", "answer": answer, "text_sha256": digest, "on": today}
    assert len(row["content_hash"]) == 64  # and of the version of the instrument that it stands in


def test_nothing_of_the_person_is_in_a_response_but_the_answers(store: Store, wave: Wave) -> None:
    (token,) = invitations.mint(store, wave, ["c03"])
    submission.submit(store, wave, Submission(new_id(), YES, invitation=token))
    (row,) = store.read(lambda connection: connection.all(response.select()))
    assert "c03" not in row.values()
    assert '"c03"' not in str(row)  # between quotes: three letters stand in any hash by chance
    assert token not in str(row)
    assert len(row["arrived_on"]) == len("2026-01-01")
