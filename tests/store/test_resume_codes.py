"""Resume codes on both databases: they open the same draft, leave only a keyed hash, and die with the draft."""

import re
from datetime import date, timedelta

import pytest
import time_machine

from survey_app import submission
from survey_app.store import Store, Wave, invitations, resuming
from survey_app.store.shapes import digest
from survey_app.store.tables import draft
from survey_app.submission import Accepted, Conflict, Submission, new_id

YES = {"consent": "yes", "district": "east", "age": "40"}


def begun(store: Store, wave: Wave) -> str:
    id = new_id()
    submission.save_draft(store, wave, id, "consent", {"consent": "yes"}, language="zh")
    return id


def test_a_code_opens_its_own_draft_however_it_is_typed(store: Store, wave: Wave) -> None:
    first, second = begun(store, wave), begun(store, wave)
    codes = [submission.offer_resume_code(store, wave, id) for id in (first, second)]
    assert all(code and re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}", code.text) for code in codes)
    assert codes[0] and codes[1] and codes[0].until == date.today() + timedelta(days=7)
    text = codes[0].text
    for typed in (text, text.lower(), text.replace("-", ""), f" {text.replace('-', '－')} ", text.replace("1", "l")):
        assert submission.resume(store, wave, typed) == first
    assert submission.resume(store, wave, codes[1].text) == second
    assert submission.resume_code(store, wave, first) == codes[0]


def test_the_database_holds_neither_the_code_nor_a_bare_hash_of_it(store: Store, wave: Wave) -> None:
    code = submission.offer_resume_code(store, wave, begun(store, wave))
    (row,) = store.read(lambda connection: connection.all(draft.select()))
    assert code and re.fullmatch(r"[0-9a-f]{64}", row["resume_hash"])
    plain = code.text.replace("-", "")
    assert plain not in str(row) and code.text not in str(row)
    assert row["resume_hash"] not in {digest(plain), digest(code.text), digest(f"{wave.slug}:{plain}")}


@pytest.mark.parametrize("typed", ["", "0000-0000", "no code at all", "\0", "\ud800", "x" * 100_000, "％＿％"])
def test_a_wrong_code_opens_nothing(store: Store, wave: Wave, typed: str) -> None:
    submission.offer_resume_code(store, wave, begun(store, wave))
    begun(store, wave)  # without a code: no hash at all must not match
    assert submission.resume(store, wave, typed) is None


def test_a_code_ends_after_seven_days_and_asking_again_prolongs_it(store: Store, wave: Wave) -> None:
    id = begun(store, wave)
    code = submission.offer_resume_code(store, wave, id)
    assert code
    with time_machine.travel(date.today() + timedelta(days=5)):
        assert submission.offer_resume_code(store, wave, id) == resuming.ResumeCode(
            code.text, date.today() + timedelta(days=7)
        )
    with time_machine.travel(date.today() + timedelta(days=12)):
        assert submission.resume(store, wave, code.text) == id
    with time_machine.travel(date.today() + timedelta(days=13)):
        assert submission.resume(store, wave, code.text) is None
        assert submission.resume_code(store, wave, id) is None


def test_a_code_dies_with_its_draft_and_opens_no_other_wave(store: Store, wave: Wave) -> None:
    (token,) = invitations.mint(store, wave, ["c01"])
    opened = submission.open_invitation(store, wave, token)
    code = submission.offer_resume_code(store, wave, opened.id)
    assert code and submission.resume(store, "autumn", code.text) is None
    assert submission.resume(store, wave, code.text) == opened.id
    assert isinstance(submission.submit(store, wave, Submission(opened.id, YES)), Accepted)
    assert submission.resume(store, wave, code.text) is None
    assert submission.offer_resume_code(store, wave, opened.id) is None


def test_a_code_that_another_draft_holds_is_replaced_by_the_next(
    store: Store, wave: Wave, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = begun(store, wave), begun(store, wave)
    monkeypatch.setattr(resuming, "_code", lambda _secret, id, number: f"0000000{number}" if number < 2 else id[:8])
    codes = [submission.offer_resume_code(store, wave, id) for id in (first, second)]
    assert [code and code.text for code in codes] == ["0000-0000", "0000-0001"]
    assert submission.resume(store, wave, "0000 0001") == second
    assert submission.resume_code(store, wave, second) == codes[1]


def test_two_devices_on_one_draft_merge_their_pages_and_the_last_submission_wins_once(store: Store, wave: Wave) -> None:
    id = begun(store, wave)
    code = submission.offer_resume_code(store, wave, id)
    assert code and submission.resume(store, wave, code.text) == id
    submission.save_draft(store, wave, id, "home", {"district": "east", "age": "40"}, language="zh")
    submission.save_draft(store, wave, id, "words", {"remark": "好"}, language="en")
    one = submission.submit(store, wave, Submission(id, {**YES, "remark": "好"}))
    other = submission.submit(store, wave, Submission(id, {**YES, "remark": "不好"}))
    same = submission.submit(store, wave, Submission(id, {**YES, "remark": "好"}))
    assert isinstance(one, Accepted) and not one.repeated
    assert other == Conflict()
    assert same == Accepted(one.receipt, repeated=True)
