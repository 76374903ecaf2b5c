"""Instruments, waves, units, cases and invitations, on both databases."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta

import pytest

from questionnaires import Instrument, load_instrument_text
from survey_app import submission
from survey_app.store import Case, Store, StoreError, Wave, cases, instruments, invitations, publications, units, waves
from survey_app.store.tables import invitation


def test_a_published_instrument_reads_back_the_same_and_publishing_again_changes_nothing(
    store: Store, instrument: Instrument
) -> None:
    instruments.publish(store, instrument)
    instruments.publish(store, instrument)
    read = instruments.load(store, instrument.id, instrument.version)
    assert (read.content_hash, list(read.items)) == (instrument.content_hash, list(instrument.items))
    assert instruments.versions(store) == [("small", "1", date.today().isoformat())]


def test_a_published_version_never_changes(store: Store, instrument: Instrument) -> None:
    instruments.publish(store, instrument)
    changed = load_instrument_text(instrument.source.replace("您的年龄?", "您多大?"))
    with pytest.raises(StoreError, match="already published with other content"):
        instruments.publish(store, changed)


def test_an_unpublished_version_is_named_with_those_that_are(store: Store, instrument: Instrument) -> None:
    instruments.publish(store, instrument)
    with pytest.raises(StoreError, match=r"'small' version '9'.*small 1"):
        instruments.load(store, "small", "9")


def test_a_wave_reads_back_as_it_was_made(store: Store, wave: Wave) -> None:
    full = replace(
        wave,
        slug="full",
        opens=date(2026, 1, 1),
        closes=date(2026, 12, 31),
        simulated=True,
        weighting={"steps": [{"rake": {"iterations": 1000}}]},
        margins=({"unit_code": "east", "variable": "sex", "category": "male", "count": 10},),
        previous="spring",
    )
    waves.create(store, full)
    assert waves.get(store, "full") == full
    assert waves.get(store, "full") == full  # from memory this time
    assert [one.slug for one in waves.list(store)] == ["full", "spring"]


def test_closing_is_seen_at_once_by_another_process(store: Store, wave: Wave) -> None:
    with type(store)(store.settings) as other:
        assert waves.get(other, wave.slug).state == "open"
        waves.close(store, wave.slug)
        assert waves.get(other, wave.slug).state == "closed"
        waves.reopen(store, wave.slug)
        assert waves.get(other, wave.slug).state == "open"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"slug": "Spring 2026"}, "cannot be named"),
        ({"slug": "spring"}, "already a wave"),
        ({"slug": "x", "instrument_version": "7"}, "is not published"),
        ({"slug": "x", "opens": date(2026, 2, 1), "closes": date(2026, 1, 1)}, "before it opens"),
        ({"slug": "x", "fieldwork": {"attempts": 0}}, "attempts is 0. Give a whole number, 1 to 30"),
        ({"slug": "x", "fieldwork": {"attemps": 6}}, "no rule 'attemps'. Rules are: attempts, paper_entries"),
    ],
)
def test_a_wave_that_cannot_be_is_refused(store: Store, wave: Wave, change: dict[str, object], said: str) -> None:
    with pytest.raises(StoreError, match=said):
        waves.create(store, replace(wave, **change))
    assert list(waves.slugs(store)) == ["spring"]


def test_units_are_read_by_parent_in_official_order_and_replaced_as_a_list(store: Store) -> None:
    rows = [
        {"scheme": "nbs", "edition": "2023", "code": "510100", "name": "成都", "level": "city", "parent_code": ""},
        {"scheme": "nbs", "edition": "2023", "code": "510105", "name": "青羊区", "level": "district", "order": 2,
         "parent_code": "510100", "name_en": "Qingyang"},
        {"scheme": "nbs", "edition": "2023", "code": "510104", "name": "锦江区", "level": "district", "order": 1,
         "parent_code": "510100"},
    ]  # fmt: skip
    units.load(store, rows)
    assert units.load(store, rows) == 3
    assert [unit.code for unit in units.children(store, "nbs", "2023", "510100")] == ["510104", "510105"]
    assert units.names(store, "nbs", "2023", "en") == {"510100": "成都", "510104": "锦江区", "510105": "Qingyang"}
    assert units.within(store, "nbs", "2020") == []


def test_cases_come_back_as_drawn_and_a_second_draw_of_one_is_refused_whole(store: Store, wave: Wave) -> None:
    drawn = cases(store, wave)
    assert len(drawn) == 40
    assert drawn[0] == Case("c00", "east", "east", "psu0", 0.1, 0.02, 500.0)
    with pytest.raises(StoreError):
        invitations.draw(store, wave, [replace(drawn[0], case="new"), drawn[0]])
    assert len(cases(store, wave)) == 40


def test_tokens_have_128_bits_and_only_their_hash_is_stored(store: Store, wave: Wave) -> None:
    tokens = invitations.mint(store, wave, ["c00", "c01"])
    assert all(re.fullmatch("[0-9a-hjkmnp-tv-z]{26}", token) for token in tokens)  # 26 x 5 bits hold 128
    rows = store.read(lambda connection: connection.all(invitation.select()))
    assert not any(token in str(rows) for token in tokens)


def test_a_token_typed_from_paper_in_capitals_with_hyphens_and_lookalikes_is_the_same(store: Store, wave: Wave) -> None:
    token = "0" + "1" * 24 + "z"
    invitations.mint(store, wave, ["c00"], tokens=[token])
    typed = "O" + "Il" * 6 + "-" + " L" * 12 + "Z"
    assert isinstance(submission.open_invitation(store, wave, typed), submission.Draft)


def test_tokens_use_every_letter_alike_and_the_whole_width() -> None:
    tokens = [invitations.new_token() for _ in range(2000)]
    assert len(set(tokens)) == 2000
    first_letters = Counter(token[0] for token in tokens)
    assert set(first_letters) == set(invitations.ALPHABET)
    assert {token[-1] for token in tokens} == set("01234567")  # 128 bits: the last of 26 letters carries three
    assert max(first_letters.values()) < 2 * 2000 / 32


def test_minting_again_ends_the_earlier_token_but_keeps_the_draft(store: Store, wave: Wave) -> None:
    (first,) = invitations.mint(store, wave, ["c00"])
    draft = submission.open_invitation(store, wave, first)
    (second,) = invitations.mint(store, wave, ["c00"], expires=date.today() + timedelta(days=9))
    assert submission.open_invitation(store, wave, first) == submission.Refused("unknown")
    assert submission.open_invitation(store, wave, second) == draft


def test_minting_for_an_unknown_case_makes_no_token_at_all(store: Store, wave: Wave) -> None:
    with pytest.raises(StoreError, match="'nobody'"):
        invitations.mint(store, wave, ["c00", "nobody"])
    rows = store.read(lambda connection: connection.all(invitation.select()))
    assert {row["token_hash"] for row in rows} == {None}


def test_fresh_invitations_go_to_cases_that_have_neither_answered_nor_begun(store: Store, wave: Wave) -> None:
    opened, used = invitations.mint(store, wave, ["c00", "c01"])
    submission.open_invitation(store, wave, opened)
    submission.submit(store, wave, submission.Submission(submission.new_id(), {"consent": "no"}, invitation=used))
    tokens = invitations.mint(store, wave, [case.case for case in invitations.waiting(store, wave)])
    reached = {submission.open_invitation(store, wave, token).id for token in tokens}
    assert len(reached) == 38
    assert invitations.waiting(store, wave) == []
    assert len(invitations.waiting(store, wave, again=True)) == 39


def test_a_snapshot_is_noted_once(store: Store, wave: Wave) -> None:
    for _ in range(2):
        publications.record_snapshot(store, wave, "ab12", {"rows": 3})
    (noted,) = publications.snapshots(store, wave)
    assert (noted["hash"], noted["manifest"]) == ("ab12", {"rows": 3})
