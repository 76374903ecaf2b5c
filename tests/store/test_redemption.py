"""How invitations were taken up: by batch, by district, and by day, on both databases."""

from __future__ import annotations

from datetime import date, timedelta

import time_machine
from sqlalchemy import update

from survey_app import submission
from survey_app.store import Store, Wave, invitations
from survey_app.store.redemption import Day, Redeemed, redemption
from survey_app.store.tables import invitation
from survey_app.submission import Accepted, Submission, new_id

FIRST = date(2026, 9, 7)
YES = {"consent": "yes", "district": "east", "age": "41"}


def send(store: Store, wave: Wave, cases: list[str], batch: str) -> list[str]:
    tokens = list(invitations.mint(store, wave, cases, date.today() + timedelta(days=2)))
    for case in cases:
        change = update(invitation).where(invitation.c.case == case).values(batch=batch)
        store.write(lambda connection, change=change: connection.run(change))
    return tokens


def answer(store: Store, wave: Wave, token: str | None) -> None:
    given = Submission(new_id(), YES, invitation=token)
    assert isinstance(submission.submit(store, wave, given), Accepted)


def test_links_are_counted_by_batch_district_and_day_and_an_open_link_is_none_of_them(store: Store, wave: Wave) -> None:
    with time_machine.travel(FIRST):
        early = send(store, wave, ["c00", "c01", "c20"], "first")
        answer(store, wave, early[0])
        answer(store, wave, None)
    with time_machine.travel(FIRST + timedelta(days=2)):
        late = send(store, wave, ["c02"], "second")
        answer(store, wave, early[2])
        answer(store, wave, late[0])
    with time_machine.travel(FIRST + timedelta(days=3)):
        found = redemption(store, wave)
    assert found.batches == (Redeemed("first", 3, 2, 1), Redeemed("second", 1, 1, 0))
    assert found.districts == (Redeemed("east", 3, 2, 1), Redeemed("west", 1, 1, 0))
    assert found.whole == Redeemed("", 4, 3, 1)
    assert found.days == (Day(FIRST, 1, 1, 25.0), Day(FIRST + timedelta(days=2), 2, 3, 75.0))
