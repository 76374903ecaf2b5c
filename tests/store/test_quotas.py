"""Quotas on both databases: never exceeded, told as early as the answers allow, nothing kept of who was turned away."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from questionnaires import load_instrument
from survey_app import submission
from survey_app.store import Store, Wave, checks, drafts, invitations, quotas, reconciliation
from survey_app.store.errors import StoreError
from survey_app.store.quotas import Quota
from survey_app.store.shapes import Refused
from survey_app.submission import Accepted, Submission, new_id

YES = {"consent": "yes", "district": "east", "age": "40"}
WEST = {**YES, "district": "west"}


def fill(store: Store, wave: Wave, name: str, **conditions: object) -> None:
    """A quota of one place, and that place taken by somebody whom every such quota lets in."""
    quotas.set_caps(store, wave, [Quota(name, conditions, 1)])
    assert isinstance(submission.submit(store, wave, Submission(new_id(), YES)), Accepted)


def save(store: Store, wave: Wave, id: str, page: str, **answers: object) -> object:
    return submission.save_draft(store, wave, id, page, answers, language="zh")


def test_twenty_writers_never_exceed_overlapping_quotas_and_a_refusal_leaves_nothing(store: Store, wave: Wave) -> None:
    quotas.set_caps(store, wave, [Quota("east", {"district": "east"}, 7)])
    quotas.set_caps(store, wave, [Quota("forty", {"age": "40"}, 9)])
    many = [Submission(new_id(), YES) for _ in range(40)] + [Submission(new_id(), WEST) for _ in range(40)]
    with ThreadPoolExecutor(20) as pool:
        outcomes = list(pool.map(lambda one: submission.submit(store, wave, one), many))
    taken = {quota.name: quota.taken for quota in quotas.state(store, wave)}
    assert taken["forty"] == sum(isinstance(outcome, Accepted) for outcome in outcomes) == 9
    assert taken["east"] <= 7
    assert outcomes.count(Refused("quota")) == 71
    assert checks.check(store) == []


def test_a_place_taken_in_one_quota_is_given_back_when_the_next_is_full(store: Store, wave: Wave) -> None:
    fill(store, wave, "z-forty", age=40)
    quotas.set_caps(store, wave, [Quota("a-east", {"district": "east"}, 5)])
    assert submission.submit(store, wave, Submission(new_id(), YES)) == Refused("quota")
    assert [quota.taken for quota in quotas.state(store, wave)] == [1, 1]  # the answer that fills the other one


def test_a_repeat_of_an_accepted_answer_takes_no_second_place(store: Store, wave: Wave) -> None:
    quotas.set_caps(store, wave, [Quota("east", {"district": "east"}, 1)])
    one = Submission(new_id(), YES)
    assert all(isinstance(submission.submit(store, wave, one), Accepted) for _ in range(3))
    assert [quota.taken for quota in quotas.state(store, wave)] == [1]


def test_a_full_quota_is_told_with_the_page_that_makes_it_known(store: Store, wave: Wave) -> None:
    fill(store, wave, "east", district="east")
    id = new_id()
    assert not isinstance(save(store, wave, id, "consent", consent="yes"), Refused)
    assert save(store, wave, id, "home", district="east", age="40") == Refused("quota")
    assert drafts.get(store, wave, id) is None
    other = new_id()
    save(store, wave, other, "consent", consent="yes")
    assert not isinstance(save(store, wave, other, "home", district="west", age="40"), Refused)


def test_who_is_turned_away_counts_as_expired_and_a_second_press_counts_nothing(store: Store, wave: Wave) -> None:
    fill(store, wave, "east", district="east")
    early, late = new_id(), new_id()
    for id in (early, late):
        save(store, wave, id, "consent", consent="yes")
    assert save(store, wave, early, "home", district="east") == Refused("quota")
    for _ in range(2):
        assert submission.submit(store, wave, Submission(late, YES)) == Refused("quota")
    assert save(store, wave, early, "home", district="east") == Refused("quota")
    whole = reconciliation.total(reconciliation.reconcile(store, wave).lines)
    assert (whole.started, whole.drafts_expired, whole.quota_full, whole.drafts_open) == (3, 2, 2, 0)
    assert checks.check(store) == []


def test_an_invitation_of_somebody_turned_away_is_not_spent(store: Store, wave: Wave) -> None:
    fill(store, wave, "east", district="east")
    (token,) = invitations.mint(store, wave, ["c01"])
    begun = submission.open_invitation(store, wave, token)
    assert save(store, wave, begun.id, "consent", consent="yes") == Refused("quota")
    quotas.set_caps(store, wave, [Quota("east", {"district": "east"}, 2)])
    again = submission.open_invitation(store, wave, token)
    assert isinstance(submission.submit(store, wave, Submission(again.id, YES)), Accepted)
    assert checks.check(store) == []


def test_who_refuses_to_take_part_fills_no_cell_and_is_thanked_though_it_is_full(store: Store, wave: Wave) -> None:
    quotas.set_caps(store, wave, [Quota("all", {}, 1)])
    assert isinstance(submission.submit(store, wave, Submission(new_id(), {"consent": "no"})), Accepted)
    assert [quota.taken for quota in quotas.state(store, wave)] == [0]
    submission.submit(store, wave, Submission(new_id(), YES))
    assert isinstance(submission.submit(store, wave, Submission(new_id(), {"consent": "no"})), Accepted)


def test_a_band_is_not_known_before_what_it_is_worked_out_from(tmp_path: Path) -> None:
    small = Path(__file__).with_name("small.yaml").read_text(encoding="utf-8")
    band = """  - {type: calculate, name: band, calculation: "if(${age} < 35, 'young', 'old')"}\n"""
    file = tmp_path / "banded.yaml"
    file.write_text(small.replace("choices:\n", band + "choices:\n", 1), encoding="utf-8")
    banded = load_instrument(file)
    assert banded.clean({"consent": "yes"}).answers["band"] == "old"  # what nobody may be turned away for
    assert "band" not in quotas.known_facts(banded, {"consent": "yes"}, new_id())
    assert quotas.known_facts(banded, {"consent": "yes", "age": "30"}, new_id())["band"] == "young"


def test_a_quota_that_is_set_late_counts_what_is_stored(store: Store, wave: Wave) -> None:
    for answers in (YES, YES, WEST, {"consent": "no"}):
        submission.submit(store, wave, Submission(new_id(), answers))
    quotas.set_caps(store, wave, [Quota("east", {"district": "east"}, 3)])
    assert [(quota.taken, quota.full) for quota in quotas.state(store, wave)] == [(2, False)]
    quotas.set_caps(store, wave, [Quota("east", {"age": "40"}, 3)])
    assert [(quota.taken, quota.full) for quota in quotas.state(store, wave)] == [(3, True)]
    assert submission.submit(store, wave, Submission(new_id(), WEST)) == Refused("quota")


@pytest.mark.parametrize(
    ("conditions", "cap", "said"),
    [
        ({"distrct": "east"}, 3, "'distrct' is no item"),
        ({"consent": "yess"}, 3, "'yess' is no answer to 'consent'"),
        ({"age": "forty"}, 3, "'forty' is no answer to 'age'"),
        ({"district": "east"}, 0, "has 1 answers stored"),
    ],
)
def test_a_quota_that_cannot_be_is_refused(
    store: Store, wave: Wave, conditions: dict[str, str], cap: int, said: str
) -> None:
    fill(store, wave, "east", district="east")
    with pytest.raises(StoreError, match=said):
        quotas.set_caps(store, wave, [Quota("east", conditions, cap)])
    assert [(quota.cap, quota.taken) for quota in quotas.state(store, wave)] == [(1, 1)]
