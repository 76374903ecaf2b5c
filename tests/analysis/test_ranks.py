"""Rank sets say which ranks are not excluded; letters are shared exactly by those that cannot be told apart."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analysis import DesignError, Sample
from analysis.ranks import letters
from tests.analysis.waves_data import DESIGN, wave


def test_every_rank_lies_in_its_own_set_and_sets_agree_with_the_pairs() -> None:
    estimates = Sample(wave(5, districts=6, psus=8), DESIGN).mean("y", by="district")
    frame = estimates.rank_sets().to_frame()
    assert (frame["low"] <= frame["rank"]).all()
    assert (frame["rank"] <= frame["high"]).all()
    pairs = estimates.compare(to="pairs").to_frame()
    found = pairs[pairs["p_adjusted"] <= 0.05]
    beaten = dict.fromkeys(frame["domain"], 0)
    for _, row in found.iterrows():
        beaten[row["reference"] if row["difference"] > 0 else row["domain"]] += 1
    assert frame["low"].tolist() == [1 + beaten[name] for name in frame["domain"]]


def test_a_set_for_one_domain_alone_is_never_wider() -> None:
    estimates = Sample(wave(5, districts=6, psus=8), DESIGN).mean("y", by="district")
    joint, single = estimates.rank_sets().to_frame(), estimates.rank_sets(simultaneous=False).to_frame()
    assert ((single["high"] - single["low"]) <= (joint["high"] - joint["low"])).all()


def test_a_whole_that_is_shown_is_neither_ranked_nor_paired() -> None:
    sample = Sample(wave(5, districts=6, psus=8), DESIGN)
    shown, hidden = (sample.mean("y", by="district", whole=whole) for whole in (True, False))
    pd.testing.assert_frame_equal(shown.rank_sets().to_frame(), hidden.rank_sets().to_frame())
    pd.testing.assert_frame_equal(shown.compare(to="pairs").to_frame(), hidden.compare(to="pairs").to_frame())


def test_districts_far_apart_are_ranked_without_doubt() -> None:
    table = wave(2, districts=3)
    table["y"] = table["y"] / 100 + table["district"].map({"510100": 0, "510101": 50, "510102": 99})
    frame = Sample(table, DESIGN).mean("y", by="district").rank_sets().to_frame()
    assert frame["rank"].tolist() == frame["low"].tolist() == frame["high"].tolist() == [3, 2, 1]
    assert sorted(frame["letters"]) == ["a", "b", "c"]


def test_letters_are_shared_by_those_that_do_not_differ_and_by_no_others() -> None:
    random = np.random.default_rng(1)
    for _ in range(50):
        half = np.triu(random.random((7, 7)) < 0.4, 1)
        differ = half | half.T
        given = letters(differ, random.random(7))
        for j in range(7):
            for k in range(7):
                assert bool(set(given[j]) & set(given[k])) == (j == k or not differ[j, k])


def test_a_domain_without_variance_gets_no_rank_set() -> None:
    table = wave().assign(y=lambda t: t["y"].where(t["district"] != "510101", 100.0))
    with pytest.raises(DesignError, match="'510101' has no estimated variance"):
        Sample(table, DESIGN).mean("y", by="district").rank_sets()


def test_cities_are_ranked_apart_each_as_if_alone() -> None:
    table = wave(5, districts=6, psus=8)
    table["city"] = np.where(table["district"] < "510103", "A", "B")
    sample = Sample(table, DESIGN)
    within = sample.mean("z", by=["city", "district"]).rank_sets(within="city").to_frame()
    parts = [sample.mean("z", by="district", where=("city", "==", city)) for city in ("A", "B")]
    for city, part in zip(("A", "B"), parts, strict=True):
        mine = within[within["domain"].str.startswith(city)]
        known = [place for place, reason in enumerate(part.reasons) if not reason]
        assert mine["estimate"].tolist() == part.values[known].tolist()
        assert sorted(mine["rank"]) == [1, 2, 3]
    made_anew = sample.mean("z", by="district").rank_sets(within="city").to_frame()
    pd.testing.assert_frame_equal(within, made_anew)
    with pytest.raises(DesignError, match="further column"):
        sample.mean("z", by="city").rank_sets(within="city")


def test_named_alternatives_are_wider_or_as_wide_in_all_and_refuse_marginal_sets() -> None:
    estimates = Sample(wave(5, districts=6, psus=8), DESIGN).mean("y", by="district")
    for method in ("pairs-holm", "pairs-bonferroni", "means-bonferroni", "means-sidak"):
        frame = estimates.rank_sets(method=method).to_frame()
        assert (frame["low"] <= frame["rank"]).all()
        assert (frame["rank"] <= frame["high"]).all()
        with pytest.raises(DesignError, match="is simultaneous"):
            estimates.rank_sets(method=method, simultaneous=False)
    holm, bonferroni = (estimates.rank_sets(method=method).to_frame() for method in ("pairs-holm", "pairs-bonferroni"))
    assert ((bonferroni["high"] - bonferroni["low"]) >= (holm["high"] - holm["low"])).all()


def test_waves_are_ranked_and_paired_each_for_itself() -> None:
    table = pd.concat([wave(seed, districts=4, psus=6, slug=slug) for seed, slug in ((1, "one"), (2, "two"))])
    both = Sample(table, replace(DESIGN, wave="wave")).mean("y", by=["district", "wave"])
    ranks = both.rank_sets().to_frame()
    assert sorted(ranks["rank"]) == [1, 1, 2, 2, 3, 3, 4, 4]
    last = Sample(table, replace(DESIGN, wave="wave")).mean("y", by="district", where=("wave", "==", "two"))
    assert ranks["low"].tolist()[4:] == last.rank_sets().to_frame()["low"].tolist()
    assert len(both.compare(to="pairs").to_frame()) == 2 * 6
