"""Audit chain, reconciliation, content check, sealing and erasure, on both databases."""

from __future__ import annotations

import random
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest
import time_machine
from sqlalchemy import delete, update

from survey_app import submission
from survey_app.store import (
    Store,
    Wave,
    audit,
    checks,
    drafts,
    erasure,
    invitations,
    reconciliation,
    responses,
    revisions,
    waves,
)
from survey_app.store.tables import audit as audit_table
from survey_app.store.tables import audit_head, response, tally
from survey_app.store.tables import draft as draft_table
from survey_app.store.tables import invitation as invitation_table
from survey_app.submission import Submission, new_id

YES = {"consent": "yes", "district": "east", "age": "41"}


def note_five(store: Store) -> None:
    for number in range(5):
        audit.note(store, "download", actor="ann", wave="spring", number=number)
    assert audit.verify(store) == []


def test_an_untouched_chain_verifies_and_its_head_moves(store: Store) -> None:
    assert audit.head(store)[0] == 0
    note_five(store)
    position, head = audit.head(store)
    note = audit.entries(store, 1)[0]
    assert (position, len(head), note["actor"], note["detail"]) == (5, 64, "ann", {"number": 4})


@pytest.mark.parametrize("column", ["actor", "action", "detail", "on_date", "wave"])
def test_an_altered_row_breaks_the_chain_there(store: Store, column: str) -> None:
    note_five(store)
    forged = update(audit_table).where(audit_table.c.position == 3).values({column: "2020-01-01"})
    store.write(lambda connection: connection.run(forged))
    assert "Audit row 3" in audit.verify(store)[0]
    assert [finding.kind for finding in checks.check(store)] == ["audit"]


@pytest.mark.parametrize("gone", [1, 3, 5])
def test_a_removed_row_breaks_the_chain_even_at_its_end(store: Store, gone: int) -> None:
    note_five(store)
    store.write(lambda connection: connection.run(delete(audit_table).where(audit_table.c.position == gone)))
    (fault,) = audit.verify(store)
    assert "missing" in fault or "rows were removed" in fault


def test_two_rows_that_change_places_break_the_chain(store: Store) -> None:
    note_five(store)
    for old, new in ((2, 99), (3, 2), (99, 3)):
        move = update(audit_table).where(audit_table.c.position == old).values(position=new)
        store.write(lambda connection, move=move: connection.run(move))
    assert "Audit row 2" in audit.verify(store)[0]


def test_a_chain_computed_anew_without_the_secret_is_seen(store: Store) -> None:
    note_five(store)
    forged = update(audit_head).values(seal="0" * 64)
    store.write(lambda connection: connection.run(forged))
    assert "secret" in audit.verify(store)[0]


def play(store: Store, wave: Wave) -> None:
    """Every way an interview can go, once or more."""
    tokens = invitations.mint(store, wave, ["c00", "c01", "c02", "c03", "c25"])
    begun = [submission.open_invitation(store, wave, token) for token in tokens]
    done = Submission(begun[0].id, YES)
    for _ in range(3):
        submission.submit(store, wave, done)
    submission.save_draft(store, wave, begun[1].id, "consent", {"consent": "yes"}, language="zh")
    submission.submit(store, wave, Submission(begun[2].id, {**YES, "age": "7"}))
    submission.submit(store, wave, Submission(begun[2].id, {**YES, "age": "8"}))
    submission.submit(store, wave, Submission(begun[3].id, {**YES, "age": "7"}))
    submission.submit(store, wave, Submission(begun[3].id, YES))
    for number in range(4):
        submission.save_draft(store, wave, new_id(), "consent", {"consent": "yes"}, language="zh")
        submission.submit(store, wave, Submission(new_id(), {**YES, "age": str(30 + number)}))
    first = next(one for one in responses.stream(store, wave) if one.stream == "opt-in")
    responses.exclude(store, first.id, "speeder")


def test_the_equations_hold_whatever_happens(store: Store, wave: Wave) -> None:
    play(store, wave)
    lines = reconciliation.reconcile(store, wave).lines
    for line in lines:
        assert line.started == line.drafts_open + line.drafts_expired + line.received + line.erased
        assert line.received == line.accepted + line.quarantined
        assert line.accepted == line.counted + line.excluded
    assert [(line.district, line.stream) for line in lines] == [
        ("east", "opt-in"), ("east", "probability"), ("west", "probability"), (None, "opt-in"),
    ]  # fmt: skip
    whole = reconciliation.total(lines)
    assert (whole.opened, whole.started, whole.drafts_open, whole.received) == (1, 12, 5, 7)
    assert (whole.accepted, whole.quarantined, whole.counted, whole.excluded, whole.duplicates) == (6, 1, 5, 1, 2)
    assert checks.check(store) == []


def test_an_excluded_response_leaves_the_stream_and_can_come_back(store: Store, wave: Wave) -> None:
    play(store, wave)
    assert len(list(responses.stream(store, wave))) == 5
    everything = list(responses.stream(store, wave, with_excluded=True))
    (out,) = [one for one in everything if one.excluded]
    assert (len(everything), out.excluded) == (6, "speeder")
    assert responses.exclude(store, out.id, None)
    assert len(list(responses.stream(store, wave))) == 6
    assert not responses.exclude(store, new_id(), "speeder")


def test_drafts_expire_with_the_wave_or_after_thirty_days_and_can_be_purged(store: Store, wave: Wave) -> None:
    play(store, wave)
    waves.close(store, wave.slug)
    whole = reconciliation.total(reconciliation.reconcile(store, wave).lines)
    assert (whole.drafts_open, whole.drafts_expired) == (0, 5)
    waves.reopen(store, wave.slug)
    with time_machine.travel(date.today() + timedelta(days=31)):
        whole = reconciliation.total(reconciliation.reconcile(store, wave).lines)
        assert (whole.drafts_open, whole.drafts_expired) == (0, 5)
        assert erasure.purge_drafts(store, wave, older_than=30) == 7  # five begun, one opened only, one in quarantine
        whole = reconciliation.total(reconciliation.reconcile(store, wave).lines)
        assert (whole.started, whole.drafts_open, whole.drafts_expired) == (12, 0, 5)
        assert checks.check(store) == []


def test_a_response_that_disappeared_behind_the_stores_back_is_reported(store: Store, wave: Wave) -> None:
    play(store, wave)
    one = next(responses.stream(store, wave))
    store.write(lambda connection: responses.remove(connection, one.id))
    sentences = " ".join(finding.sentence for finding in checks.check(store))
    assert "submissions accepted = responses stored + erased does not hold" in sentences
    assert "(+1)" in sentences


def test_an_answer_that_was_altered_is_reported(store: Store, wave: Wave) -> None:
    play(store, wave)
    one = next(responses.stream(store, wave))
    forged = update(response).where(response.c.id == one.id).values(raw='{"consent":"yes"}')
    store.write(lambda connection: connection.run(forged))
    assert [finding.kind for finding in checks.check(store)] == ["content"]


def test_a_tally_that_was_changed_is_reported(store: Store, wave: Wave) -> None:
    play(store, wave)
    changed = update(tally).where(tally.c.event == "accepted").values(count=tally.c.count + 1)
    store.write(lambda connection: connection.run(changed))
    assert {finding.kind for finding in checks.check(store)} == {"reconciliation"}


def test_erasure_by_receipt_leaves_a_count_and_nothing_else(store: Store, wave: Wave) -> None:
    play(store, wave)
    secret_word = "sentinel-7f3a"
    id_ = new_id()
    submission.submit(store, wave, Submission(id_, {**YES, "age": "7", "remark": secret_word}))
    outcome = submission.submit(store, wave, Submission(id_, {**YES, "remark": secret_word}))
    before = reconciliation.total(reconciliation.reconcile(store, wave).lines)
    assert submission.erase(store, outcome.receipt.lower()) == wave.slug
    assert submission.erase(store, outcome.receipt) is None
    for table in (response, draft_table, invitation_table, audit_table):
        rows = store.read(lambda connection, table=table: connection.all(table.select()))
        assert secret_word not in str(rows)
        assert id_ not in str(rows)
    after = reconciliation.total(reconciliation.reconcile(store, wave).lines)
    assert (after.erased, after.accepted, after.started) == (1, before.accepted - 1, before.started)
    assert checks.check(store) == []


def hidden(store: Store) -> str:
    return "xmin::text, ctid::text, " if store.settings.database_url else ""


def test_after_the_seal_no_column_hidden_ones_included_tells_order_or_day_of_an_invitation(
    store: Store, wave: Wave
) -> None:
    order = [f"c{number:02}" for number in range(40)]
    random.Random(7).shuffle(order)
    tokens = invitations.mint(store, wave, order)
    ids = {}
    for case, token in zip(order, tokens, strict=True):
        ids[case] = submission.open_invitation(store, wave, token).id
        submission.submit(store, wave, Submission(ids[case], YES))
    submission.seal(store)
    extra = hidden(store)
    rows = store.read(lambda c: c.all(f"SELECT {extra}* FROM response"))
    spent = store.read(lambda c: c.all(f'SELECT {extra}"case", used, used_on FROM invitation'))
    assert {(bool(row["used"]), row["used_on"]) for row in spent} == {(True, None)}
    arrived = [ids[case] for case in order]
    assert [row["id"] for row in rows] == sorted(arrived)  # laid down by random id
    if extra:
        assert len({row["xmin"] for row in rows}) == 1
        assert len({row["xmin"] for row in spent}) == 1
        by_place = sorted(spent, key=lambda row: tuple(map(int, row["ctid"].strip("()").split(","))))
        assert [row["case"] for row in by_place] == sorted(order)
    else:
        tables = store.read(lambda c: c.all("SELECT name, wr FROM pragma_table_list WHERE type = 'table'"))
        without_rowid = {row["name"] for row in tables if row["wr"]}
        assert {"response", "invitation", "draft", "quarantine", "tally"} <= without_rowid
    assert checks.check(store) == []


def test_a_stored_answer_and_its_audit_row_hold_no_token_no_case_and_no_time(store: Store, wave: Wave) -> None:
    (token,) = invitations.mint(store, wave, ["c07"])
    draft = submission.open_invitation(store, wave, token)
    submission.submit(store, wave, Submission(draft.id, YES))
    assert drafts.get(store, wave, draft.id) is None
    (row,) = store.read(lambda connection: connection.all(response.select()))
    (line,) = [entry for entry in audit.entries(store) if entry["action"] == "submission.accepted"]
    today = date.today().isoformat()
    assert line["detail"] == {}
    assert (line["on_date"], line["wave"], row["arrived_on"]) == (today, "spring", today)
    for text in (str(row), str(line)):
        assert not re.search(r"\bc07\b", text)  # by chance, the id of a response may hold these letters
        assert token not in text


def test_a_correction_keeps_the_earlier_version_and_the_receipt_of_the_first(store: Store, wave: Wave) -> None:
    first = Submission(new_id(), YES)
    outcome = submission.submit(store, wave, first)
    better = {**YES, "age": "44"}
    assert submission.revise(store, wave, first.id, better, editor="ann", reason="typed wrong") == 1
    assert [one.answers["age"] for one in responses.stream(store, wave)] == [44]
    (kept,) = store.read(lambda connection: revisions.versions(connection, first.id))
    assert (kept["revision"], kept["editor"], kept["reason"]) == (1, "ann", "typed wrong")
    assert '"age":41' in kept["answers"]
    assert submission.submit(store, wave, first).receipt == outcome.receipt
    assert submission.submit(store, wave, Submission(first.id, {**YES, "age": "50"})) == submission.Conflict()
    refused = submission.revise(store, wave, first.id, {**YES, "age": "7"}, editor="ann", reason="x")
    assert isinstance(refused, submission.Quarantined)
    assert submission.revise(store, wave, new_id(), YES, editor="ann", reason="x") is None
    assert submission.erase(store, outcome.receipt) == wave.slug
    assert store.read(lambda connection: revisions.versions(connection, first.id)) == []
    assert checks.check(store) == []


def test_sealing_and_checking_work_while_answers_come_in(store: Store, wave: Wave) -> None:
    tokens = invitations.mint(store, wave, [f"c{number:02}" for number in range(40)])
    many = [Submission(new_id(), YES, invitation=token) for token in tokens]
    with ThreadPoolExecutor(8) as pool:
        sent = [pool.submit(submission.submit, store, wave, one) for one in many]
        for _ in range(5):
            submission.seal(store)
            assert checks.check(store) == []
        assert {type(one.result()) for one in sent} == {submission.Accepted}
    submission.seal(store)
    rows = store.read(lambda connection: connection.all(invitation_table.select()))
    assert {(bool(row["used"]), row["used_on"]) for row in rows} == {(True, None)}
    assert checks.check(store) == []
