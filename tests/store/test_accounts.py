"""Accounts, sessions and permissions, on both databases."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine

from survey_app import permissions
from survey_app.store import Account, Store, StoreError, accounts, sessions
from survey_app.store.tables import account, session


@pytest.fixture
def ann(store: Store) -> Account:
    return accounts.create(store, "ann", "a long pass phrase", role="analyst", display_name="安")


def test_the_right_password_lets_in_and_nothing_else_does(store: Store, ann: Account) -> None:
    assert accounts.verify(store, "ann", "a long pass phrase") == ann
    assert accounts.verify(store, "ann", "a long pass phrase ") is None
    assert accounts.verify(store, "bob", "a long pass phrase") is None
    assert accounts.verify(store, "ann", "x" * 1_000_000) is None
    assert accounts.verify(store, "ann", "\ud800") is None


def test_passwords_are_kept_as_argon2id_of_19_mib_two_passes_one_lane(store: Store, ann: Account) -> None:
    (row,) = store.read(lambda connection: connection.all(account.select()))
    assert row["password_hash"].startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_an_unknown_name_costs_the_same_hashing_as_a_wrong_password(
    store: Store, ann: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    hasher = accounts._HASHER
    verified: list[str] = []

    class Spy:
        check_needs_rehash = staticmethod(hasher.check_needs_rehash)

        @staticmethod
        def verify(stored: str, password: str) -> bool:
            verified.append(stored.rpartition("$")[0].rpartition("$")[0])  # kind, memory, passes and lanes
            return hasher.verify(stored, password)

    monkeypatch.setattr(accounts, "_HASHER", Spy)
    assert accounts.verify(store, "ann", "a wrong pass phrase") is None
    assert accounts.verify(store, "nobody", "a wrong pass phrase") is None
    accounts.disable(store, "ann")
    assert accounts.verify(store, "ann", "a wrong pass phrase") is None
    assert verified == ["$argon2id$v=19$m=19456,t=2,p=1"] * 3


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"name": "ann"}, "already an account"),
        ({"name": "Ann Li"}, "cannot be named"),
        ({"password": "short"}, "8 to 256 characters"),
        ({"role": "king"}, "Roles are: administrator"),
    ],
)
def test_an_account_that_cannot_be_is_refused(store: Store, ann: Account, given: dict[str, str], said: str) -> None:
    with pytest.raises(StoreError, match=said):
        accounts.create(store, **{"name": "bob", "password": "a long pass phrase", "role": "analyst", **given})
    assert [one.name for one in accounts.list(store)] == ["ann"]


def test_a_session_lasts_until_it_is_closed(store: Store, ann: Account) -> None:
    token, other = sessions.open(store, "ann"), sessions.open(store, "ann")
    assert token != other
    assert sessions.get(store, token) == ann
    sessions.close(store, token)
    assert sessions.get(store, token) is None
    assert sessions.get(store, other) == ann
    assert sessions.get(store, "no such token") is None


def test_a_session_ends_after_half_an_hour_of_rest(store: Store, ann: Account) -> None:
    with time_machine.travel(0, tick=False) as clock:
        token = sessions.open(store, "ann")
        for _ in range(3):
            clock.shift(timedelta(minutes=29))
            assert sessions.get(store, token) == ann
        clock.shift(timedelta(minutes=31))
        assert sessions.get(store, token) is None


def test_a_session_ends_after_twelve_hours_however_busy(store: Store, ann: Account) -> None:
    with time_machine.travel(0, tick=False) as clock:
        token = sessions.open(store, "ann")
        for _ in range(12 * 4 - 1):
            clock.shift(timedelta(minutes=15))
            assert sessions.get(store, token) == ann
        clock.shift(timedelta(minutes=15))
        assert sessions.get(store, token) is None


def test_disabling_and_a_new_password_end_every_session_at_once(store: Store, ann: Account) -> None:
    token = sessions.open(store, "ann")
    accounts.set_password(store, "ann", "another pass phrase")
    assert sessions.get(store, token) is None
    token = sessions.open(store, "ann")
    accounts.disable(store, "ann")
    assert sessions.get(store, token) is None
    assert accounts.verify(store, "ann", "another pass phrase") is None
    accounts.disable(store, "ann", disabled=False)
    assert accounts.verify(store, "ann", "another pass phrase") == ann


def test_only_the_hash_of_a_sessions_token_is_stored(store: Store, ann: Account) -> None:
    token = sessions.open(store, "ann")
    assert token not in str(store.read(lambda connection: connection.all(session.select())))


def test_what_is_not_listed_is_refused_for_every_role() -> None:
    for role in (*accounts.ROLES, "unknown"):
        actor = Account("x", role, "x")
        assert not permissions.can(actor, "no.such.action", "spring")
        assert not permissions.can(Account("x", role, "x", disabled=True), "console.enter", None)
    assert not any(permissions.can(None, action, "spring") for action in permissions.ALLOWED)


def test_an_interviewer_interviews_and_sees_no_results() -> None:
    actor = Account("x", "interviewer", "x")
    allowed = {action for action in permissions.ALLOWED if permissions.can(actor, action, "spring")}
    assert allowed == {"console.enter", "interview.conduct", "contacts.view", "paper.key"}


def test_row_level_data_are_for_analysts_and_administrators_only() -> None:
    may = {role for role in accounts.ROLES if permissions.can(Account("x", role, "x"), "responses.download", "spring")}
    assert may == {"analyst", "administrator"}
