"""`sandu check` while a thousand interviews of every kind come in: no false alarm, and a true one is still heard."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import update

from survey_app import submission
from survey_app.store import Store, Wave, checks, invitations, responses
from survey_app.store.tables import response
from survey_app.submission import Accepted, Submission, new_id

YES = {"consent": "yes", "district": "east", "age": "41"}


def interview(store: Store, wave: Wave, number: int, token: str | None) -> None:
    """By number: invited, with a draft first, quarantined and mended, sent twice, revised, or erased again."""
    id_ = submission.open_invitation(store, wave, token).id if token is not None else new_id()
    kind = number % 6
    if kind == 1:
        submission.save_draft(store, wave, id_, "consent", {"consent": "yes"}, language="zh")
    if kind == 2:
        submission.submit(store, wave, Submission(id_, {**YES, "age": "7"}))
    outcome = submission.submit(store, wave, Submission(id_, YES))
    assert isinstance(outcome, Accepted), outcome
    if kind == 3:
        assert submission.submit(store, wave, Submission(id_, YES)).repeated
    if kind == 4:
        submission.revise(store, wave, id_, {**YES, "age": "50"}, editor="ann", reason="typed wrong")
    if kind == 5:
        submission.erase(store, outcome.receipt)


def test_no_false_alarm_during_a_thousand_submissions(store: Store, wave: Wave) -> None:
    cases = [f"c{number:02}" for number in range(40)]
    given = list(zip(range(1000), [*invitations.mint(store, wave, cases), *[None] * 960], strict=True))
    random.Random(5).shuffle(given)
    done = threading.Event()
    found: list[checks.Finding] = []
    rounds = [0]

    def look() -> None:
        while not done.is_set():
            found.extend(checks.check(store))
            rounds[0] += 1

    with ThreadPoolExecutor(10) as pool:
        looking = [pool.submit(look) for _ in range(2)]
        sent = [pool.submit(interview, store, wave, *one) for one in given]
        try:
            for one in sent:
                one.result()
        finally:
            done.set()
        for one in looking:
            one.result()
    assert found == []
    assert rounds[0] >= 4
    assert checks.check(store) == []
    stored = next(responses.stream(store, wave))
    forged = update(response).where(response.c.id == stored.id).values(raw="{}")
    store.write(lambda connection: connection.run(forged))
    assert [finding.kind for finding in checks.check(store)] == ["content"]
