"""Two things at once on one row, at the worst moment: nothing acknowledged is lost, nothing is counted twice.

The worst moment is made, not waited for: a function that one of the two calls in the middle of its transaction starts
the other and goes on when that has ended, or waits for a lock. On SQLite, which has one writer, the other comes after.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from datetime import date, timedelta
from typing import Any

import psycopg
import pytest
import time_machine
from sqlalchemy import insert, update

from survey_app import submission
from survey_app.settings import Settings
from survey_app.store import (
    Store,
    Wave,
    attempts,
    checks,
    contacts,
    drafts,
    erasure,
    invitations,
    responses,
    revisions,
    sealing,
)
from survey_app.store.contacts import Contact
from survey_app.store.tables import disposition, invitation
from survey_app.submission import Accepted, Draft, Quarantined, Refused, Submission, new_id

YES = {"consent": "yes", "district": "east", "age": "41"}
WAITING = """SELECT 1 FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock' AND pid <> pg_backend_pid()"""


class Meanwhile:
    """Starts one piece of work, once, and remembers what came of it."""

    def __init__(self, store: Store, pool: ThreadPoolExecutor, work: Callable[[], Any]) -> None:
        self._store, self._pool, self._work = store, pool, work
        self.future: Future[Any] | None = None
        self._begun = False

    def start(self) -> None:
        """Back when the work has ended, or waits for a lock that the caller holds."""
        if not self._begun:
            self._begun = True
            self.future = self._pool.submit(self._work)
            url = self._store.settings.database_url
            if url is not None:
                with psycopg.connect(url, autocommit=True) as raw:
                    while not self.future.done() and raw.execute(WAITING).fetchone() is None:
                        wait([self.future], timeout=0.01)

    def result(self) -> Any:
        assert self.future is not None, "the moment never came"
        return self.future.result()


@pytest.fixture
def meanwhile(store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Meanwhile]]:
    """meanwhile(module, "name", work): work starts when module.name is called first, before it does anything."""
    with ThreadPoolExecutor(2) as pool:

        def arrange(module: Any, name: str, work: Callable[[], Any]) -> Meanwhile:
            arranged, real = Meanwhile(store, pool, work), getattr(module, name)

            def interrupted(*given: Any, **named: Any) -> Any:
                arranged.start()
                return real(*given, **named)

            monkeypatch.setattr(module, name, interrupted)
            return arranged

        yield arrange


def tried(store: Store, wave: Wave, case: str, by: str = "ann") -> None:
    """A contact attempt on the case, however it came about."""
    row = {**dict.fromkeys(disposition.columns.keys()), "wave": wave.slug, "case": case, "attempt": 1}
    row |= {"code": "3.13", "mode": "web", "interviewer": by, "on_date": date.today().isoformat()}
    store.write(lambda connection: connection.run(insert(disposition), row))


def test_who_answers_while_the_seal_deals_keeps_link_and_attempts(
    store: Store, wave: Wave, meanwhile: Callable[..., Meanwhile]
) -> None:
    early, late = invitations.mint(store, wave, ["c00", "c01"])
    for case in ("c00", "c01"):
        tried(store, wave, case)
    submission.submit(store, wave, Submission(new_id(), YES, invitation=early))
    second = meanwhile(
        sealing, "_donors", lambda: submission.submit(store, wave, Submission(new_id(), YES, invitation=late))
    )
    submission.seal(store)
    assert isinstance(second.result(), Accepted)
    assert submission.open_invitation(store, wave, late) == Refused("used")
    assert [len(attempts.of_case(store, wave, case)) for case in ("c00", "c01")] == [1, 1]
    assert checks.check(store) == []


@pytest.mark.parametrize("last", ["a page", "the whole"])
def test_a_draft_that_somebody_comes_back_to_while_old_ones_are_removed_is_kept(
    store: Store, wave: Wave, meanwhile: Callable[..., Meanwhile], last: str
) -> None:
    id_ = new_id()
    submission.save_draft(store, wave, id_, "consent", {"consent": "yes"}, language="zh")
    with time_machine.travel(date.today() + timedelta(days=40), tick=False):

        def comes_back() -> Any:
            if last == "a page":
                return submission.save_draft(store, wave, id_, "home", {"age": "41"}, language="zh")
            return submission.submit(store, wave, Submission(id_, YES))

        second = meanwhile(erasure, "expire", comes_back)
        removed = erasure.purge_drafts(store, wave, older_than=30)
        outcome = second.result()
        assert (removed, type(outcome)) == (1, Draft if last == "a page" else Accepted)
        assert (drafts.get(store, wave, id_) is not None) == (last == "a page")
        assert checks.check(store) == []


def test_an_interviewer_opens_a_case_while_its_resident_sends_by_the_own_link(
    store: Store, wave: Wave, meanwhile: Callable[..., Meanwhile]
) -> None:
    (token,) = invitations.mint(store, wave, ["c00"])
    begun = submission.open_invitation(store, wave, token)
    submission.save_draft(store, wave, begun.id, "consent", {"consent": "yes"}, language="zh")
    hold = update(invitation).where(invitation.c.case == "c00").values(held_by="ann")
    store.write(lambda connection: connection.run(hold))
    second = meanwhile(drafts, "by_resident", lambda: submission.submit(store, wave, Submission(begun.id, YES)))
    opened = submission.open_case(store, wave, "c00", interviewer="ann")
    assert isinstance(opened, Draft)
    second.result()
    assert checks.check(store) == []


def test_a_receipt_code_entered_twice_at_once_erases_once(
    store: Store, wave: Wave, meanwhile: Callable[..., Meanwhile]
) -> None:
    receipt = submission.submit(store, wave, Submission(new_id(), YES)).receipt
    second = meanwhile(erasure, "remove", lambda: submission.erase(store, receipt))
    assert submission.erase(store, receipt) == wave.slug
    assert second.result() is None
    assert checks.check(store) == []


def test_a_correction_that_meets_an_erasure_leaves_nothing_of_the_answer(
    store: Store, wave: Wave, meanwhile: Callable[..., Meanwhile]
) -> None:
    done = Submission(new_id(), YES)
    receipt = submission.submit(store, wave, done).receipt
    second = meanwhile(revisions, "digest", lambda: submission.erase(store, receipt))
    submission.revise(store, wave, done.id, {**YES, "age": "42"}, editor="ann", reason="misheard")
    assert second.result() == wave.slug
    assert store.read(lambda connection: revisions.versions(connection, done.id)) == []
    assert checks.check(store) == []


def test_two_corrections_at_once_are_two_versions(
    store: Store, wave: Wave, meanwhile: Callable[..., Meanwhile]
) -> None:
    done = Submission(new_id(), YES)
    submission.submit(store, wave, done)

    def correct(age: int) -> int | Quarantined | None:
        return submission.revise(store, wave, done.id, {**YES, "age": str(age)}, editor="ann", reason="misheard")

    second = meanwhile(revisions, "digest", lambda: correct(43))
    assert [correct(42), second.result()] == [1, 2]
    assert checks.check(store) == []


def test_a_seal_lets_answers_in_while_somebody_reads_for_long(store: Store, wave: Wave) -> None:
    reading = ExitStack()
    rows = reading.enter_context(store.reading()).each("SELECT * FROM response")
    next(rows, None)
    with ThreadPoolExecutor(1) as pool:
        sealing_now = pool.submit(submission.seal, store)
        wait([sealing_now], timeout=60)
        came_back = sealing_now.done()
        reading.close()  # else nobody would ever come back
        assert (came_back, sealing_now.result().complete) == (True, False)
    assert submission.seal(store).complete


def test_a_resume_code_at_the_first_page_counts_no_interview_that_has_not_started(store: Store, wave: Wave) -> None:
    (token,) = invitations.mint(store, wave, ["c00"])
    begun = submission.open_invitation(store, wave, token)
    assert submission.offer_resume_code(store, wave, begun.id, after="consent") is not None
    assert checks.check(store) == []


def test_contacts_loaded_anew_after_the_seal_are_sealed_with_the_next(
    settings: Settings, store: Store, wave: Wave
) -> None:
    (token,) = invitations.mint(store, wave, ["c00"])
    submission.submit(store, wave, Submission(new_id(), YES, invitation=token, language="en"))
    with contacts.open_contacts(settings) as people:
        keep = date.today() + timedelta(days=90)
        for _ in range(2):
            contacts.load(people, wave, [Contact("c00", keep, language="en"), Contact("c01", keep, language="en")])
            submission.seal(store)
            assert {one.case: one.language for one in contacts.all_of(people, wave).values()} == {
                "c00": None,
                "c01": "en",
            }


def test_what_is_read_of_one_moment_fits_together_while_answers_come_in(store: Store, wave: Wave) -> None:
    (token,) = invitations.mint(store, wave, ["c00"])
    with store.at_one_moment() as moment:
        assert list(responses.stream(moment, wave)) == []
        begun = submission.open_invitation(store, wave, token)
        assert isinstance(submission.submit(store, wave, Submission(begun.id, YES)), Accepted)
        assert list(responses.stream(moment, wave)) == []
        assert "c00" not in attempts.outcomes(moment, wave)
        assert {case.disposition for case in invitations.cases(moment, wave)} == {None}
    assert attempts.outcomes(store, wave)["c00"] == "complete"
    assert len(list(responses.stream(store, wave))) == 1
