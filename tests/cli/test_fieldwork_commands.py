"""`sandu reconcile` and `sandu quotas`: the counts whole, the faults named, quotas set from a CSV or not at all."""

from pathlib import Path

import pytest
from sqlalchemy import update

from survey_app.store import open_store, quotas, reconciliation
from survey_app.store.tables import tally
from tests.cli.conftest import EARLIER, WAVE


@pytest.mark.parametrize(("by", "names"), [("lines", 3), ("district", 1), ("mode", 2)])
def test_reconcile_prints_every_count_and_that_it_adds_up(run, home, by: str, names: int):
    ran = run("reconcile", WAVE, "--by", by)
    assert ran.code == 0
    with open_store(home.settings) as store:
        whole = reconciliation.total(reconciliation.reconcile(store, WAVE).lines)
    last = next(line for line in ran.out.splitlines() if line.strip().startswith("All"))
    assert last.split()[1:] == [str(getattr(whole, count)) for count in reconciliation.COUNTS]
    assert "…" not in ran.out
    assert "Every equation of the reconciliation holds" in ran.out


def test_reconcile_says_where_it_does_not_add_up_and_by_how_much(run, home):
    def add(count: int) -> None:
        changed = (
            update(tally)
            .values(count=tally.c.count + count)
            .where(tally.c.wave == EARLIER, tally.c.event == "accepted", tally.c.district == "510104")
            .where(tally.c.mode == "web", tally.c.stream == "probability")
        )
        with open_store(home.settings) as store:
            store.write(lambda connection: connection.run(changed))

    add(1)
    try:
        ran = run("reconcile", EARLIER)
    finally:
        add(-1)
    assert ran.code == 1
    assert (
        "district 510104, web, probability: submissions accepted = responses stored + erased does not hold" in ran.out
    )
    assert run("reconcile", EARLIER).code == 0


def test_quotas_are_set_from_a_csv_and_count_what_is_stored(run, home, tmp_path: Path):
    file = tmp_path / "quotas.csv"
    file.write_text("\ufeffname,district,D1,cap\n,510104,female,5000\nwhole,,,90000\n", encoding="utf-8")
    ran = run("quotas", WAVE, str(file))
    assert ran.code == 0
    with open_store(home.settings) as store:
        held = {quota.name: quota for quota in quotas.state(store, WAVE)}
    assert held["district=510104, D1=female"].conditions == {"district": "510104", "D1": "female"}
    assert held["whole"].taken > held["district=510104, D1=female"].taken > 0
    assert str(held["whole"].taken) in run("quotas", WAVE).out


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("district\n510104\n", "no column 'cap'"),
        ("", "no column 'cap'"),
        ("district,cap\n510104,many\n", "line 2: 'many' is no whole number"),
        ("district,cap\n510104,1,2\n", "line 2"),
        ("D1,cap\nfemal,9000\n", "'femal' is no answer to 'D1'"),
        ("distrct,cap\n510104,9000\n", "'distrct' is no item"),
        ("district,cap\n510104,9000\n510104,9001\n", "twice"),
        ("district,cap\n510104,0\n", "so its cap cannot be 0"),
    ],
)
def test_a_file_of_quotas_that_cannot_be_is_refused_whole(run, home, tmp_path: Path, text: str, said: str):
    file = tmp_path / "quotas.csv"
    file.write_text(text, encoding="utf-8")
    with open_store(home.settings) as store:
        before = quotas.state(store, EARLIER)
    ran = run("quotas", EARLIER, str(file))
    assert (ran.code, ran.err.count("\n")) == (2, 1)
    assert said in ran.err
    with open_store(home.settings) as store:
        assert quotas.state(store, EARLIER) == before
