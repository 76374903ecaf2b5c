"""The clock of the machine is set back or forward while people answer."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine

from survey_app import submission
from survey_app.settings import Settings
from survey_app.store import Store, checks, drafts, invitations, open_store, responses
from survey_app.submission import Accepted, Draft, Refused, Submission, new_id
from tests.faults.conftest import SLUG
from tests.faults.people import PAGES

ANSWERS = {name: value for answers in PAGES.values() for name, value in answers.items()}
NOON = datetime(2027, 3, 10, 4, 0, tzinfo=UTC)  # Shanghai's noon, and one day everywhere that matters


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    with open_store(settings) as opened:
        yield opened


@pytest.mark.parametrize("jump", [timedelta(hours=-2), timedelta(days=-1), timedelta(days=2)])
def test_a_jump_of_the_clock_in_the_middle_of_a_form_costs_nothing(store: Store, jump: timedelta) -> None:
    id_ = new_id()
    with time_machine.travel(NOON, tick=False) as clock:
        for page in ("consent", "home"):
            saved = submission.save_draft(store, SLUG, id_, page, PAGES[page], language="zh")
            assert isinstance(saved, Draft)
        clock.move_to(NOON + jump)
        assert drafts.get(store, SLUG, id_) is not None
        first = submission.submit(store, SLUG, Submission(id_, ANSWERS))
        again = submission.submit(store, SLUG, Submission(id_, ANSWERS))
        assert isinstance(first, Accepted)
        assert isinstance(again, Accepted)
        assert (first.repeated, again.repeated) == (False, True)
        assert first.receipt == again.receipt
    assert [kept.id for kept in responses.stream(store, SLUG)] == [id_]
    assert checks.check(store) == []


def test_entries_of_the_audit_chain_keep_their_order_when_the_clock_does_not(store: Store) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        for days in (0, -3, 1):
            clock.move_to(NOON + timedelta(days=days))
            assert isinstance(submission.submit(store, SLUG, Submission(new_id(), ANSWERS)), Accepted)
    assert checks.check(store) == []


def test_an_invitation_ends_by_the_servers_day(store: Store) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        (token,) = invitations.mint(store, SLUG, ["c1"], date(2027, 3, 12))
        clock.move_to(NOON + timedelta(days=3))
        late = submission.open_invitation(store, SLUG, token)
        assert isinstance(late, Refused)
        assert late.reason == "expired"
        clock.move_to(NOON - timedelta(days=30))  # the battery of the clock: nothing is wrongly closed
        assert isinstance(submission.open_invitation(store, SLUG, token), Draft)
