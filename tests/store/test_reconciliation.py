"""The equations per district, mode and stream, on both databases: they hold, or it says where not."""

import pytest
from sqlalchemy import delete, update

from survey_app import submission
from survey_app.store import Store, Wave, checks, erasure, invitations, quotas, reconciliation, responses
from survey_app.store.quotas import Quota
from survey_app.store.tables import response, tally
from survey_app.submission import Accepted, Quarantined, Submission, new_id

YES = {"consent": "yes", "district": "east", "age": "40"}
WEST = {**YES, "district": "west"}
CHILD = {**YES, "age": "7"}


def save(store: Store, wave: Wave, id: str, page: str, **answers: object) -> object:
    return submission.save_draft(store, wave, id, page, answers, language="zh")


def in_line(store: Store, wave: Wave, district: str | None, stream: str = "opt-in") -> reconciliation.Line:
    lines = reconciliation.reconcile(store, wave).lines
    return next((one for one in lines if (one.district, one.stream) == (district, stream)), NONE)


NONE = reconciliation.Line("none", "web", "opt-in")


def test_an_interview_is_followed_from_district_to_district(store: Store, wave: Wave) -> None:
    id = new_id()
    save(store, wave, id, "consent", consent="yes")
    assert in_line(store, wave, None).started == 1
    save(store, wave, id, "home", district="east")
    save(store, wave, id, "home", district="west")
    assert [in_line(store, wave, place).started for place in (None, "east", "west")] == [0, 0, 1]
    assert isinstance(submission.submit(store, wave, Submission(id, CHILD)), Quarantined)
    assert isinstance(submission.submit(store, wave, Submission(id, {**CHILD, "district": "west"})), Quarantined)
    assert [in_line(store, wave, place).quarantined for place in ("east", "west")] == [1, 0]
    assert isinstance(submission.submit(store, wave, Submission(id, WEST)), Accepted)
    assert [in_line(store, wave, place).accepted for place in ("east", "west")] == [0, 1]
    assert checks.check(store) == []


def test_every_way_an_interview_can_go_adds_up_in_every_line(store: Store, wave: Wave) -> None:
    quotas.set_caps(store, wave, [Quota("west", {"district": "west"}, 1)])
    tokens = invitations.mint(store, wave, ["c00", "c01", "c30"])
    begun = [submission.open_invitation(store, wave, token) for token in tokens]
    save(store, wave, begun[1].id, "consent", consent="yes")
    outcome = submission.submit(store, wave, Submission(begun[0].id, YES))
    ids = [new_id() for _ in range(6)]
    for id in ids:
        save(store, wave, id, "consent", consent="yes")
    submission.submit(store, wave, Submission(ids[0], WEST))
    submission.submit(store, wave, Submission(ids[1], WEST))  # turned away
    submission.submit(store, wave, Submission(ids[2], CHILD))
    gone = submission.submit(store, wave, Submission(ids[3], YES))
    submission.submit(store, wave, Submission(ids[3], YES))
    submission.submit(store, wave, Submission(new_id(), YES))
    responses.exclude(store, ids[0], "speeder")
    assert isinstance(outcome, Accepted) and isinstance(gone, Accepted)
    assert submission.erase(store, gone.receipt) == wave.slug
    whole = reconciliation.reconcile(store, wave)
    assert whole.faults == ()
    everything = reconciliation.total(whole.lines)
    assert (everything.started, everything.drafts_open, everything.drafts_expired, everything.erased) == (9, 3, 1, 1)
    assert (everything.received, everything.accepted, everything.quarantined, everything.excluded) == (4, 3, 1, 1)
    assert (everything.duplicates, everything.quota_full, everything.opened) == (1, 1, 1)
    erasure.purge_drafts(store, wave, older_than=-1)
    assert reconciliation.reconcile(store, wave).faults == ()
    assert checks.check(store) == []


def test_an_answer_moved_to_another_district_behind_the_stores_back_is_seen_in_both(store: Store, wave: Wave) -> None:
    for _ in range(3):
        submission.submit(store, wave, Submission(new_id(), YES))
    submission.submit(store, wave, Submission(new_id(), WEST))
    one = next(row for row in responses.stream(store, wave) if row.district == "east")
    forged = update(response).where(response.c.id == one.id).values(district="west")
    store.write(lambda connection: connection.run(forged))
    faults = [fault for fault in reconciliation.reconcile(store, wave).faults if fault.equation.startswith("sub")]
    assert [(fault.line.district, fault.left - fault.right) for fault in faults] == [("east", 1), ("west", -1)]
    assert "district east, web, opt-in: submissions accepted" in " ".join(reconciliation.equations(store, wave))


@pytest.mark.parametrize("event", ["started", "accepted"])
def test_a_count_that_is_gone_is_seen_though_its_line_has_no_row_left(store: Store, wave: Wave, event: str) -> None:
    submission.submit(store, wave, Submission(new_id(), YES))
    store.write(lambda connection: connection.run(delete(response)))
    store.write(lambda connection: connection.run(delete(tally).where(tally.c.event != event)))
    (fault,) = reconciliation.reconcile(store, wave).faults
    assert (fault.line.district, fault.left, fault.right) == ("east", 1, 0)
