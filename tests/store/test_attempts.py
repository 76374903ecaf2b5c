"""Contact attempts and the call list: on both databases, with real threads, at times the test says."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from questionnaires import AnswerError
from survey_app import submission
from survey_app.store import (
    Case,
    Store,
    StoreError,
    Wave,
    accounts,
    assignments,
    attempts,
    call_list,
    checks,
    dispositions,
    invitations,
    responses,
    waves,
)
from survey_app.store.attempts import Result
from survey_app.submission import Accepted, Draft, Refused, Submission

TUESDAY = datetime(2026, 3, 3, 10, 0)  # weekday by day
YES = {"consent": "yes", "district": "east", "age": "41"}
MODES = ("phone", "face_to_face")


@pytest.fixture
def field_wave(store: Store, wave: Wave) -> Wave:
    """A wave by invitation only: 12 cases to be called (p00-p11), 12 to be visited (f00-f11), 2 of the web."""
    made = replace(wave, slug="field", open_link=False)
    waves.create(store, made)
    drawn = [
        Case(
            f"{letter}{number:02}", "east" if number < 6 else "west", "s", f"psu{number // 3}", 0.1, 0.02, 500.0,
            mode=mode,
        )
        for letter, mode, count in (("p", "phone", 12), ("f", "face_to_face", 12), ("w", "web", 2))
        for number in range(count)
    ]  # fmt: skip
    invitations.draw(store, made, drawn)
    for name in ("li", "wang"):
        accounts.create(store, name, "long enough", role="interviewer", display_name=name.title())
    return made


def tried(store: Store, wave: Wave, code: str, now: datetime, by: str = "li", **more: object) -> str:
    """Take the next case to be called and record what came of it; the case."""
    row = call_list.take_next(store, wave, by, now=now, mode=str(more.pop("mode", "phone")))
    assert row is not None
    attempts.record(store, wave, row["case"], Result(code, **more), by=by, now=now)
    return str(row["case"])


def only(store: Store, wave: Wave, case: str) -> None:
    """Take every other case off the list."""

    def work(connection: object) -> None:
        connection.run(f"UPDATE invitation SET disposition = '4.8' WHERE wave = '{wave.slug}' AND \"case\" <> '{case}'")

    store.write(work)


def test_twenty_interviewers_at_once_never_get_the_same_case(store: Store, field_wave: Wave) -> None:
    with ThreadPoolExecutor(20) as pool:
        rows = list(pool.map(lambda n: call_list.take_next(store, field_wave, f"i{n}", now=TUESDAY), range(20)))
    cases = [row["case"] for row in rows if row is not None]
    assert len(cases) == 20
    assert len(set(cases)) == 20
    assert not any(case.startswith("w") for case in cases)


def test_more_interviewers_than_cases_leave_some_without_one(store: Store, field_wave: Wave) -> None:
    with ThreadPoolExecutor(20) as pool:
        rows = list(
            pool.map(lambda n: call_list.take_next(store, field_wave, f"i{n}", now=TUESDAY, mode="phone"), range(20))
        )
    assert len({row["case"] for row in rows if row}) == 12
    assert sum(row is None for row in rows) == 8


def test_twenty_interviewers_who_take_and_record_reach_every_case_once(store: Store, field_wave: Wave) -> None:
    def work(number: int) -> list[str]:
        done = []
        while row := call_list.take_next(store, field_wave, f"i{number}", now=TUESDAY):
            code = "3.13" if row["mode"] == "phone" else "2.24"
            attempts.record(store, field_wave, row["case"], Result(code), by=f"i{number}", now=TUESDAY)
            done.append(row["case"])
        return done

    with ThreadPoolExecutor(20) as pool:
        done = [case for cases in pool.map(work, range(20)) for case in cases]
    assert sorted(done) == sorted({*done})
    assert len(done) == 24


def test_pressing_again_gives_the_case_in_hand_also_from_another_device(store: Store, field_wave: Wave) -> None:
    first = call_list.take_next(store, field_wave, "li", now=TUESDAY)
    with ThreadPoolExecutor(10) as pool:
        again = list(pool.map(lambda _: call_list.take_next(store, field_wave, "li", now=TUESDAY), range(10)))
    assert {row["case"] for row in again} == {first["case"]}
    assert call_list.held(store, field_wave, "li")["case"] == first["case"]


def test_a_hold_runs_out_and_the_case_goes_to_another(store: Store, field_wave: Wave) -> None:
    only(store, field_wave, "p00")
    call_list.take_next(store, field_wave, "li", now=TUESDAY)
    assert call_list.take_next(store, field_wave, "wang", now=TUESDAY + timedelta(minutes=59)) is None
    assert call_list.take_next(store, field_wave, "wang", now=TUESDAY + timedelta(minutes=61))["case"] == "p00"
    with pytest.raises(StoreError, match="'p00' is not in your hands"):
        attempts.record(store, field_wave, "p00", Result("3.13"), by="li", now=TUESDAY)


def test_an_interview_that_goes_on_keeps_its_hold(store: Store, field_wave: Wave) -> None:
    only(store, field_wave, "p00")
    row = call_list.take_next(store, field_wave, "li", now=TUESDAY)
    assert call_list.keep(store, field_wave, row, "li", now=TUESDAY + timedelta(minutes=50))
    assert call_list.take_next(store, field_wave, "wang", now=TUESDAY + timedelta(minutes=61)) is None
    assert not call_list.keep(store, field_wave, row, "wang", now=TUESDAY)


def test_a_case_put_back_without_an_attempt_is_free_for_all(store: Store, field_wave: Wave) -> None:
    only(store, field_wave, "p00")
    call_list.take_next(store, field_wave, "li", now=TUESDAY)
    assert not call_list.let_go(store, field_wave, "p00", "wang")
    assert call_list.let_go(store, field_wave, "p00", "li")
    assert call_list.take_next(store, field_wave, "wang", now=TUESDAY)["case"] == "p00"
    assert attempts.of_case(store, field_wave, "p00") == []


@pytest.mark.parametrize("code", [code for code, one in dispositions.ALL.items() if one.final and one.by_hand])
def test_a_final_code_takes_the_case_off_the_list(store: Store, field_wave: Wave, code: str) -> None:
    mode = next(mode for mode in MODES if mode in dispositions.ALL[code].modes)
    case = f"{mode[0]}00"
    only(store, field_wave, case)
    assert tried(store, field_wave, code, TUESDAY, mode=mode) == case
    assert call_list.take_next(store, field_wave, "li", now=TUESDAY + timedelta(days=30)) is None
    assert dict(attempts.groups(store, field_wave))[dispositions.ALL[code].group] >= 1


@pytest.mark.parametrize("code", [code for code, one in dispositions.ALL.items() if one.wait])
def test_a_temporary_code_brings_the_case_back_after_its_wait_not_before(
    store: Store, field_wave: Wave, code: str
) -> None:
    mode = next(mode for mode in MODES if mode in dispositions.ALL[code].modes)
    only(store, field_wave, f"{mode[0]}00")
    tried(store, field_wave, code, TUESDAY, mode=mode)
    wait = timedelta(hours=dispositions.ALL[code].wait)
    assert call_list.take_next(store, field_wave, "wang", now=TUESDAY + wait - timedelta(minutes=1)) is None
    assert call_list.take_next(store, field_wave, "wang", now=TUESDAY + wait)["case"] == f"{mode[0]}00"


def test_at_most_six_attempts_at_most_two_of_them_in_one_time_window(store: Store, field_wave: Wave) -> None:
    only(store, field_wave, "p00")
    moment, seen = TUESDAY, []
    for _ in range(24 * 21):
        row = call_list.take_next(store, field_wave, "li", now=moment)
        if row:
            attempts.record(store, field_wave, "p00", Result("3.13"), by="li", now=moment)
            seen.append(dispositions.window_of(moment))
        moment += timedelta(hours=1)
    assert len(seen) == 6
    assert {window: seen.count(window) for window in dispositions.WINDOWS} == dict.fromkeys(dispositions.WINDOWS, 2)


def test_a_wave_may_say_how_many_attempts(store: Store, field_wave: Wave) -> None:
    wave = replace(field_wave, slug="short", fieldwork={"attempts": 1})
    waves.create(store, wave)
    invitations.draw(store, wave, [Case("p00", "east", "s", "psu0", 0.1, 0.02, 500.0, mode="phone")])
    kept = waves.get(store, "short")
    tried(store, kept, "3.13", TUESDAY)
    assert call_list.take_next(store, kept, "li", now=TUESDAY + timedelta(days=9)) is None


@pytest.mark.parametrize(
    ("moment", "window"),
    [
        (datetime(2026, 3, 6, 16, 59), "weekday_day"),
        (datetime(2026, 3, 6, 17, 0), "weekday_evening"),
        (datetime(2026, 3, 7, 10, 0), "weekend"),
        (datetime(2026, 3, 8, 20, 0), "weekend"),
        (datetime(2026, 3, 9, 0, 0), "weekday_day"),
    ],
)
def test_time_windows(moment: datetime, window: str) -> None:
    assert dispositions.window_of(moment) == window


def test_an_agreed_call_back_comes_first_within_its_time_and_not_before(store: Store, field_wave: Wave) -> None:
    begin, end = TUESDAY + timedelta(hours=6), TUESDAY + timedelta(hours=8)
    agreed = tried(store, field_wave, "2.21", TUESDAY, callback=(begin, end))
    early = call_list.take_next(store, field_wave, "wang", now=begin - timedelta(minutes=1), mode="phone")
    assert early["case"] != agreed
    assert call_list.take_next(store, field_wave, "li", now=begin, mode="phone")["case"] == agreed


def test_of_two_call_backs_the_one_that_ends_first_comes_first_and_a_missed_one_after_both(
    store: Store, field_wave: Wave
) -> None:
    hours = timedelta(hours=1)
    missed = tried(store, field_wave, "2.21", TUESDAY, callback=(TUESDAY + hours, TUESDAY + 2 * hours))
    late = tried(store, field_wave, "2.21", TUESDAY, callback=(TUESDAY + 3 * hours, TUESDAY + 9 * hours))
    soon = tried(store, field_wave, "2.21", TUESDAY, callback=(TUESDAY + 3 * hours, TUESDAY + 5 * hours))
    taken = [call_list.take_next(store, field_wave, f"i{n}", now=TUESDAY + 4 * hours, mode="phone") for n in range(3)]
    assert [row["case"] for row in taken] == [soon, late, missed]


def test_what_was_agreed_is_kept_although_the_window_is_used_up(store: Store, field_wave: Wave) -> None:
    only(store, field_wave, "p00")
    tried(store, field_wave, "3.12", TUESDAY)
    at = TUESDAY + timedelta(hours=1)
    tried(store, field_wave, "2.21", at, callback=(at + timedelta(hours=1), at + timedelta(hours=2)))
    assert call_list.take_next(store, field_wave, "li", now=at + timedelta(hours=1))["case"] == "p00"


@pytest.mark.parametrize(
    ("result", "said"),
    [
        (Result("9.9"), "'9.9' cannot be recorded here"),
        (Result("1.1"), "'1.1' cannot be recorded"),
        (Result("2.24"), "'2.24' cannot be recorded here"),
        (Result("3.13", note="x" * 501), "longer than 500 characters"),
        (Result("2.11", callback=(TUESDAY, TUESDAY + timedelta(1))), "2.11 is final"),
        (Result("2.21", callback=(TUESDAY, TUESDAY - timedelta(1))), "must end after it begins"),
        (Result("2.21", callback=(TUESDAY - timedelta(2), TUESDAY - timedelta(1))), "not in the past"),
    ],
)
def test_a_result_that_cannot_be_is_refused_and_the_case_stays_in_hand(
    store: Store, field_wave: Wave, result: Result, said: str
) -> None:
    row = call_list.take_next(store, field_wave, "li", now=TUESDAY, mode="phone")
    with pytest.raises(StoreError, match=said):
        attempts.record(store, field_wave, row["case"], result, by="li", now=TUESDAY)
    assert attempts.of_case(store, field_wave, row["case"]) == []
    assert call_list.held(store, field_wave, "li")["case"] == row["case"]


def test_nothing_can_be_agreed_at_the_last_attempt(store: Store, field_wave: Wave) -> None:
    wave = replace(field_wave, slug="short", fieldwork={"attempts": 1})
    waves.create(store, wave)
    invitations.draw(store, wave, [Case("p00", "east", "s", "psu0", 0.1, 0.02, 500.0, mode="phone")])
    with pytest.raises(StoreError, match="last of 1 attempts"):
        tried(store, wave, "2.21", TUESDAY, callback=(TUESDAY, TUESDAY + timedelta(1)))


def test_an_interview_in_hand_is_stored_with_mode_interviewer_language_and_presence_and_records_itself(
    store: Store, field_wave: Wave
) -> None:
    row = call_list.take_next(store, field_wave, "li", now=datetime.now(), mode="face_to_face")
    draft = submission.open_case(store, field_wave, row["case"], interviewer="li", language="en")
    assert isinstance(draft, Draft)
    submission.save_draft(store, field_wave, draft.id, "consent", {"consent": "yes"}, language="en")
    done = Submission(
        draft.id, YES, language="en", mode=draft.mode, door="console", interviewer=draft.interviewer,
        present="official family",
    )  # fmt: skip
    assert isinstance(submission.submit(store, field_wave, done), Accepted)
    (stored,) = responses.stream(store, field_wave)
    assert (stored.mode, stored.interviewer, stored.language, stored.present) == (
        "face_to_face", "li", "en", "family official",
    )  # fmt: skip
    (attempt,) = attempts.of_case(store, field_wave, row["case"])
    assert (attempt.code, attempt.interviewer, attempt.mode) == ("1.1", "li", "face_to_face")
    assert call_list.held(store, field_wave, "li") is None
    assert submission.submit(store, field_wave, done).repeated
    assert len(attempts.of_case(store, field_wave, row["case"])) == 1
    assert checks.check(store) == []


def test_a_refusal_at_the_consent_records_itself_as_a_refusal(store: Store, field_wave: Wave) -> None:
    row = call_list.take_next(store, field_wave, "li", now=datetime.now(), mode="phone")
    draft = submission.open_case(store, field_wave, row["case"], interviewer="li")
    done = Submission(draft.id, {"consent": "no"}, mode="phone", door="console", interviewer="li")
    submission.submit(store, field_wave, done)
    assert [one.code for one in attempts.of_case(store, field_wave, row["case"])] == ["2.11"]
    assert attempts.groups(store, field_wave)["R"] == 1


def test_a_break_off_keeps_the_draft_and_another_interviewer_goes_on_with_it(store: Store, field_wave: Wave) -> None:
    only(store, field_wave, "p00")
    call_list.take_next(store, field_wave, "li", now=TUESDAY)
    draft = submission.open_case(store, field_wave, "p00", interviewer="li")
    said = {"consent": "yes"}
    submission.save_draft(store, field_wave, draft.id, "consent", said, language="zh", interviewer="li")
    attempts.record(store, field_wave, "p00", Result("2.21"), by="li", now=TUESDAY)
    assert submission.open_case(store, field_wave, "p00", interviewer="wang") == Refused("unknown")
    call_list.take_next(store, field_wave, "wang", now=TUESDAY + timedelta(hours=24))
    again = submission.open_case(store, field_wave, "p00", interviewer="wang")
    assert (again.id, again.page, again.answers, again.interviewer) == (draft.id, "consent", {"consent": "yes"}, "wang")


def test_what_a_resident_typed_by_the_link_is_shown_to_no_interviewer(store: Store, field_wave: Wave) -> None:
    only(store, field_wave, "p00")
    (token,) = invitations.mint(store, field_wave, ["p00"])
    own = submission.open_invitation(store, field_wave, token)
    submission.save_draft(store, field_wave, own.id, "consent", {"consent": "yes"}, language="zh")
    call_list.take_next(store, field_wave, "li", now=TUESDAY)
    asked = submission.open_case(store, field_wave, "p00", interviewer="li")
    assert (asked.answers, asked.page, asked.interviewer) == ({}, None, "li")
    assert asked.id != own.id
    assert submission.save_draft(store, field_wave, own.id, "home", {"district": "east"}, language="zh") == Refused(
        "unknown"
    )
    assert checks.check(store) == []


def test_who_only_opened_the_link_costs_an_interview_nothing_and_who_goes_on_by_it_makes_it_theirs(
    store: Store, field_wave: Wave
) -> None:
    only(store, field_wave, "p00")
    (token,) = invitations.mint(store, field_wave, ["p00"])
    own = submission.open_invitation(store, field_wave, token)
    call_list.take_next(store, field_wave, "li", now=TUESDAY)
    asked = submission.open_case(store, field_wave, "p00", interviewer="li")
    assert asked.id == own.id
    said = {"consent": "yes"}
    submission.save_draft(store, field_wave, asked.id, "consent", said, language="zh", interviewer="li")
    # By the link the person goes on with what was told on the telephone, and from then on it is the person's own.
    assert submission.open_invitation(store, field_wave, token).answers == said
    submission.save_draft(store, field_wave, own.id, "home", {"district": "east"}, language="zh")
    assert submission.open_case(store, field_wave, "p00", interviewer="li").answers == {}
    assert checks.check(store) == []


def test_a_sheet_that_was_not_taken_leaves_the_case_to_be_asked_in_its_own_mode(store: Store, field_wave: Wave) -> None:
    only(store, field_wave, "p00")
    keyed = submission.open_case(store, field_wave, "p00", interviewer="wang", paper=True)
    assert keyed.mode == "paper"
    call_list.take_next(store, field_wave, "li", now=TUESDAY)
    assert submission.open_case(store, field_wave, "p00", interviewer="li").mode == "phone"


def test_a_case_in_other_hands_opens_no_interview(store: Store, field_wave: Wave) -> None:
    row = call_list.take_next(store, field_wave, "li", now=TUESDAY)
    assert submission.open_case(store, field_wave, row["case"], interviewer="wang") == Refused("unknown")
    assert submission.open_case(store, field_wave, "nobody", interviewer="wang") == Refused("unknown")


@pytest.mark.parametrize("present", ["", "alone family", "police"])
def test_presence_that_says_nothing_or_contradicts_itself_is_refused(
    store: Store, field_wave: Wave, present: str
) -> None:
    with pytest.raises(AnswerError, match="present"):
        submission.submit(store, field_wave, Submission(submission.new_id(), YES, present=present))


def test_an_answer_by_the_link_takes_the_case_off_the_list_and_out_of_hand(store: Store, field_wave: Wave) -> None:
    only(store, field_wave, "p00")
    call_list.take_next(store, field_wave, "li", now=TUESDAY)
    (token,) = invitations.mint(store, field_wave, ["p00"])
    submission.submit(store, field_wave, Submission(submission.new_id(), YES, invitation=token))
    assert call_list.held(store, field_wave, "li") is None
    assert call_list.take_next(store, field_wave, "wang", now=TUESDAY + timedelta(days=9)) is None
    with pytest.raises(StoreError, match="answered meanwhile"):
        attempts.record(store, field_wave, "p00", Result("2.11"), by="li", now=TUESDAY)


def test_assigned_cases_go_to_their_interviewer_first_and_to_nobody_else(store: Store, field_wave: Wave) -> None:
    count = assignments.assign(store, field_wave, "li", mode="phone", count=3, by="chief", now=TUESDAY, district="west")
    assert count == 3
    assert call_list.take_next(store, field_wave, "li", now=TUESDAY, mode="phone")["interviewer"] == "li"
    seen = set()
    while row := call_list.take_next(store, field_wave, "wang", now=TUESDAY, mode="phone"):
        attempts.record(store, field_wave, row["case"], Result("3.13"), by="wang", now=TUESDAY)
        seen.add((row["case"], row["interviewer"]))
    assert len(seen) == 9
    assert {interviewer for _, interviewer in seen} == {None}


def test_two_supervisors_at_once_assign_no_case_twice(store: Store, field_wave: Wave) -> None:
    def assign(name: str) -> int:
        return assignments.assign(store, field_wave, name, mode="phone", count=12, by="chief", now=TUESDAY)

    with ThreadPoolExecutor(2) as pool:
        counts = list(pool.map(assign, ["li", "wang"]))
    assert sum(counts) <= 12
    cases = call_list.open_cases(store, field_wave, now=TUESDAY)
    assert sum(each.interviewer is not None for each in cases) == sum(counts)


def test_taking_back_frees_what_is_assigned_and_what_is_in_hand(store: Store, field_wave: Wave) -> None:
    assignments.assign(store, field_wave, "li", mode="phone", count=12, by="chief", now=TUESDAY)
    call_list.take_next(store, field_wave, "li", now=TUESDAY)
    assert call_list.take_next(store, field_wave, "wang", now=TUESDAY, mode="phone") is None
    assert assignments.take_back(store, field_wave, "li", by="chief") == 12
    assert call_list.held(store, field_wave, "li") is None
    assert call_list.take_next(store, field_wave, "wang", now=TUESDAY, mode="phone") is not None


def test_cases_are_assigned_to_interviewers_only(store: Store, field_wave: Wave) -> None:
    with pytest.raises(StoreError, match="no interviewer 'chief'"):
        assignments.assign(store, field_wave, "chief", mode="phone", count=1, by="chief", now=TUESDAY)


def test_progress_counts_each_refusal_once_whether_told_or_handed_in(store: Store, field_wave: Wave) -> None:
    tried(store, field_wave, "2.11", TUESDAY)
    tried(store, field_wave, "3.13", TUESDAY)
    tried(store, field_wave, "2.21", TUESDAY, callback=(TUESDAY, TUESDAY + timedelta(hours=1)))
    at = TUESDAY + timedelta(minutes=5)
    row = call_list.take_next(store, field_wave, "wang", now=at, mode="face_to_face")
    draft = submission.open_case(store, field_wave, row["case"], interviewer="wang")
    submission.submit(store, field_wave, Submission(draft.id, {"consent": "no"}, door="console", interviewer="wang"))
    li, wang = assignments.progress(store, field_wave, now=at)
    assert (li.interviewer, li.attempts, li.refused, li.complete, li.due) == ("li", 3, 1, 0, 1)
    assert (wang.attempts, wang.refused, wang.complete, wang.in_hand) == (1, 1, 0, 0)


def test_own_cases_are_those_assigned_and_those_tried_last_and_no_others(store: Store, field_wave: Wave) -> None:
    mine = tried(store, field_wave, "3.13", TUESDAY)
    tried(store, field_wave, "3.13", TUESDAY, by="wang")
    assignments.assign(store, field_wave, "li", mode="face_to_face", count=2, by="chief", now=TUESDAY)
    own = call_list.own_cases(store, field_wave, "li", now=TUESDAY)
    assert len(own) == 3
    assert mine in {each.case for each in own}
    counts = call_list.counts(store, field_wave, "li", now=TUESDAY)
    assert (counts.now, counts.due, counts.later, counts.own) == (22, 0, 2, 2)


def test_groups_of_the_response_rates_hold_every_drawn_case_once(store: Store, field_wave: Wave) -> None:
    tried(store, field_wave, "2.11", TUESDAY)
    tried(store, field_wave, "3.13", TUESDAY)
    tried(store, field_wave, "2.24", TUESDAY, mode="face_to_face")
    tried(store, field_wave, "4.6", TUESDAY, mode="face_to_face")
    groups = attempts.groups(store, field_wave)
    assert tuple(groups) == dispositions.GROUPS
    assert groups == {"I": 0, "P": 0, "R": 1, "NC": 1, "O": 0, "UH": 23, "UO": 0, "NE": 1}
    assert sum(groups.values()) == 26
    assert sorted(attempts.outcomes(store, field_wave).values()) == ["2.11", "2.24", "3.13", "4.6"]
    assert dispositions.groups(["complete", "partial", "refused", "not_eligible", "another", None]) == {
        "I": 1, "P": 1, "R": 1, "NC": 0, "O": 1, "UH": 1, "UO": 0, "NE": 1,
    }  # fmt: skip


def test_the_declared_codes_are_whole() -> None:
    for each in dispositions.ALL.values():
        assert each.group in dispositions.GROUPS
        assert each.zh
        assert each.en
        assert each.final == (each.wait is None) or each.code == dispositions.UNTRIED
    starts = {"1.1": "I", "1.2": "P", "2.1": "R", "2.2": "NC", "2.3": "O", "3.1": "UH", "4": "NE"}
    for start, group in starts.items():
        assert {one.group for code, one in dispositions.ALL.items() if code.startswith(start)} == {group}, start
