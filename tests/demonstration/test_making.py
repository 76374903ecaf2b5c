"""The demonstration as it is made: the waves in the store, their snapshots, and the estimates against the truth."""

import csv
import fcntl
import json
import os
import shutil
from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis import open_snapshot
from survey_app import submission
from survey_app.demonstration import Demonstration, make_demonstration, reset_demonstration
from survey_app.demonstration.truth import INDICES
from survey_app.pages.sheets import Choice, differences, settle
from survey_app.publish.catalogue import newest, snapshots_of
from survey_app.publish.snapshots import write_snapshot
from survey_app.settings import Settings
from survey_app.store import accounts, call_list, cases, contacts, open_store, paper, responses, waves
from survey_app.store.checks import check
from survey_app.store.errors import StoreError

FIRST, SECOND = "chengdu-2026-1", "chengdu-2026-2"
PEOPLE, VOLUNTEERS = 8, 150


@dataclass(frozen=True)
class Made:
    """A demonstration with 8 people per psu, and where it is."""

    settings: Settings
    demonstration: Demonstration

    def folder(self, wave: str) -> Path:
        snapshot = newest(self.settings.home, wave)
        assert snapshot is not None
        return snapshot.folder


def settings_in(home: Path) -> Settings:
    return Settings.from_environment({"SANDU_HOME": str(home)})


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    settings = settings_in(tmp_path_factory.mktemp("home"))
    return Made(settings, make_demonstration(settings, people=PEOPLE, opt_in=VOLUNTEERS))


def test_the_first_wave_is_closed_and_the_second_open_and_both_say_simulated(made: Made):
    with open_store(made.settings) as store:
        first, second = waves.list(store)
        assert (first.slug, first.state, second.slug, second.state) == (FIRST, "closed", SECOND, "open")
        assert first.simulated and second.simulated
        assert second.previous == FIRST
        assert made.demonstration.open_wave == SECOND
        assert "模拟数据" in first.title["zh"] and "simulated" in first.title["en"]


def test_the_store_is_in_order_after_everything_came_in_through_the_submission_service(made: Made):
    with open_store(made.settings) as store:
        assert check(store) == []


def test_drawn_people_answer_refuse_are_not_eligible_or_stay_silent(made: Made):
    with open_store(made.settings) as store:
        outcomes = Counter(case.disposition for case in cases(store, SECOND))
    drawn = 20 * 20 * PEOPLE
    assert sum(outcomes.values()) == drawn
    assert 0.70 < outcomes["complete"] / drawn < 0.80
    assert min(outcomes["refused"], outcomes["not_eligible"], outcomes[None]) > 0


def test_the_waves_share_half_of_the_psus_of_every_district(made: Made):
    frames = [pd.read_parquet(made.folder(wave) / "sample.parquet") for wave in (FIRST, SECOND)]
    for district, first in frames[0].groupby("district"):
        second = frames[1][frames[1]["district"] == district]
        assert (first["psu"].nunique(), second["psu"].nunique()) == (20, 20)
        assert len(set(first["psu"]) & set(second["psu"])) == 10


def test_young_men_answer_least_so_that_weighting_has_something_to_do(made: Made):
    rows = pd.read_parquet(made.folder(SECOND) / "responses.parquet")
    young_men = (rows["sex"] == "male") & (rows["age_band"] == "18-29")
    share_answering = young_men.mean()
    share_weighted = rows.loc[young_men, "weight"].sum() / rows["weight"].sum()
    assert share_weighted > 1.15 * share_answering


def test_weights_meet_every_margin_to_the_last_person(made: Made):
    folder = made.folder(SECOND)
    rows = pd.read_parquet(folder / "responses.parquet")
    margins = pd.read_csv(folder / "margins.csv", dtype={"unit_code": str})
    for margin in margins.itertuples():
        inside = rows if margin.unit_code == "510100" else rows[rows["district"] == margin.unit_code]
        columns = margin.variable.split("*")
        for column, category in zip(columns, margin.category.split("*"), strict=True):
            inside = inside[inside[column] == category]
        assert inside["weight"].sum() == pytest.approx(margin.count, rel=1e-8)


def test_estimates_stay_within_plausible_limits_of_the_true_values(made: Made):
    with (made.settings.data / "demonstration" / "truth.csv").open(encoding="utf-8", newline="") as file:
        truth = {(row["wave"], row["index"], row["unit_code"]): float(row["value"]) for row in csv.DictReader(file)}
    inside = []
    for wave in (FIRST, SECOND):
        sample = open_snapshot(made.folder(wave))
        for index in INDICES:
            frame = sample.index(index, by="district", whole=True).to_frame()
            for row in frame.to_dict("records"):
                unit = "510100" if row["district"] == "whole" else row["district"]
                true = truth[wave, index, unit]
                # 4.5 standard errors, and half a point for the careless whom the truth leaves out
                assert abs(row["estimate"] - true) < 4.5 * row["se"] + 0.5, (wave, index, unit)
                inside.append(row["low"] - 0.5 <= true <= row["high"] + 0.5)
    assert np.mean(inside) > 0.88


def test_volunteers_are_more_content_and_involved_than_the_city_and_carry_no_design(made: Made):
    folder = made.folder(SECOND)
    volunteers = pd.read_parquet(folder / "opt_in.parquet")
    assert len(volunteers) == VOLUNTEERS
    assert not {"stratum", "psu", "base_weight", "weight"} & set(volunteers.columns)
    answers = pd.read_parquet(folder / "responses.parquet")
    for item, answer in (("E4", "very_satisfied"), ("B1", "three_or_more")):
        assert (volunteers[item] == answer).mean() > (answers[item] == answer).mean()
    assert (volunteers["age_band3"] == "18-39").mean() > (answers["age_band3"] == "18-39").mean()


def test_there_are_speeders_straight_liners_dont_knows_refusals_and_every_mode(made: Made):
    rows = pd.read_parquet(made.folder(SECOND) / "responses.parquet")
    assert 0.003 < (rows["minutes"] < rows["minutes"].median() / 3).mean() < 0.05
    scales = rows[["E1", "E2", "E3", "E4", "E5", "E6"]]
    assert (scales.nunique(axis=1) == 1).mean() > 0.005
    assert (rows["E3"] == "dont_know").mean() > 0.1
    assert (scales.astype(object) == "refused").to_numpy().any()
    assert set(rows["mode"]) == {"web", "phone", "face_to_face"}
    assert 0 < rows["weighting_drawn"].mean() < 0.05
    assert rows[["sex", "age_band", "age_band3"]].notna().all().all()


def test_a_snapshot_holds_the_files_of_its_manifest_and_says_what_it_is(made: Made):
    folder = made.folder(SECOND)
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["simulated"] is True
    assert manifest["wave"] == SECOND
    assert manifest["size_assumption"].startswith("equal-size assumption")
    assert manifest["rows"] == {
        name: len(pd.read_parquet(folder / f"{name}.parquet")) for name in ("responses", "opt_in", "sample")
    }
    assert set(manifest["files"]) == {path.name for path in folder.iterdir()} - {"manifest.json"}
    assert {path.name for path in folder.parent.glob("[!.]*")} == {folder.name}


def copied(made: Made, home: Path) -> Settings:
    """The finished demonstration in a folder of its own, to be changed at will."""
    shutil.copytree(made.settings.home, home)
    return settings_in(home)


def test_freezing_again_gives_the_same_snapshot_and_one_more_answer_another(made: Made, tmp_path: Path):
    settings = copied(made, tmp_path / "home")
    with open_store(settings) as store:
        before = newest(settings.home, SECOND)
        assert before is not None
        assert write_snapshot(store, settings, SECOND) == before.folder
        wave = waves.get(store, SECOND)
        one = next(one for one in responses.stream(store, FIRST) if one.disposition == "complete")
        asked = {name: value for name, value in one.answers.items() if name not in wave.presets}
        answer = submission.Submission(submission.new_id(), asked)
        assert isinstance(submission.submit(store, wave, answer), submission.Accepted)
        assert write_snapshot(store, settings, SECOND).name != before.hash


def test_a_second_making_keeps_what_was_answered_and_the_password(made: Made):
    with open_store(made.settings) as store:
        before = [(one.id, one.answers) for one in responses.stream(store, SECOND)]
    again = make_demonstration(made.settings, people=PEOPLE, opt_in=VOLUNTEERS)
    assert again.password == made.demonstration.password
    with open_store(made.settings) as store:
        assert [(one.id, one.answers) for one in responses.stream(store, SECOND)] == before
        account = accounts.verify(store, again.account, again.password)
        assert account is not None
        assert account.role == "analyst"


def test_interviewers_find_cases_with_contacts_and_sheets_of_paper_and_no_number_changes(made: Made, tmp_path: Path):
    settings = copied(made, tmp_path / "home")
    with open_store(settings) as store:
        assert write_snapshot(store, settings, SECOND).name == made.folder(SECOND).name
        for name in ("organiser", "interviewer"):
            assert accounts.verify(store, name, made.demonstration.password).role == name
        wave = waves.get(store, SECOND)
        held = call_list.take_next(store, wave, "interviewer", now=datetime.now(), mode="phone")
        assert held["interviewer"] == "interviewer"
        with contacts.open_contacts(settings) as book:
            person = contacts.of(book, wave, held["case"])
        assert person.name.startswith("模拟住户")
        assert person.phone.startswith("000-0000-")
        call_list.let_go(store, wave, held["case"], "interviewer")
        sheets = paper.all_sheets(store, wave)
        assert sorted([one.finished for one in entries] for entries in sheets.values()) == [
            [False],
            [True],
            [True, True],
        ]
        (twice,) = (entries for entries in sheets.values() if len(entries) == 2)
        assert len(differences(store, wave, twice)) == 2
        chosen = {one.name: Choice(one.first, "mistyped") for one in differences(store, wave, twice)}
        assert settle(store, wave, twice[0].sheet, chosen, by="organiser").state == "submitted"


def test_invitations_of_the_open_wave_open_a_form_and_differ_at_every_start(made: Made):
    tokens = made.demonstration.invitations(3)
    assert len({*tokens, *made.demonstration.invitations(3)}) == 6
    with open_store(made.settings) as store:
        draft = submission.open_invitation(store, SECOND, made.demonstration.invitations(1)[0])
        assert isinstance(draft, submission.Draft)
        assert draft.invited


class CutOffError(RuntimeError):
    """The machine went away."""


def test_a_making_that_was_cut_off_continues_to_the_very_same_demonstration(made: Made, tmp_path: Path):
    settings = settings_in(tmp_path / "home")

    def cut_off(steps, text, _total):
        for place, step in enumerate(steps):
            if text == f"Submitting answers: {SECOND}" and place == 200:
                raise CutOffError
            yield step

    with pytest.raises(CutOffError):
        make_demonstration(settings, report=cut_off, people=PEOPLE, opt_in=VOLUNTEERS)
    make_demonstration(settings, people=PEOPLE, opt_in=VOLUNTEERS)
    with open_store(settings) as store:
        assert check(store) == []
    for wave in (FIRST, SECOND):
        assert [one.hash for one in snapshots_of(settings.home, wave)] == [made.folder(wave).name]


def test_only_one_making_at_a_time_in_a_data_folder(tmp_path: Path):
    settings = settings_in(tmp_path / "home")
    folder = os.open(settings.home, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        with pytest.raises(StoreError, match="Another sandu demo is making the demonstration"):
            make_demonstration(settings, people=2, opt_in=1)
        assert not settings.database.exists()
    finally:
        os.close(folder)
    make_demonstration(settings, people=2, opt_in=1)


def test_reset_removes_the_demonstration_but_never_a_real_wave(made: Made, tmp_path: Path):
    settings = copied(made, tmp_path / "home")
    with open_store(settings) as store:
        real = replace(waves.get(store, SECOND), slug="real-2026", simulated=False, previous=None)
        waves.create(store, real)
    with pytest.raises(StoreError, match="holds wave real-2026, which is not simulated"):
        reset_demonstration(settings)
    assert settings.database.exists()
    other = copied(made, tmp_path / "other")
    reset_demonstration(other)
    assert {path.name for path in other.home.iterdir()} == {"secret"}


def test_a_wave_without_answers_or_of_an_unknown_name_cannot_be_frozen(made: Made, tmp_path: Path):
    with open_store(made.settings) as store:
        with pytest.raises(StoreError, match=r"no wave 'chengdu-2026-3'\. Did you mean"):
            write_snapshot(store, made.settings, "chengdu-2026-3")
        empty = replace(waves.get(store, SECOND), slug="chengdu-2027-1", previous=None)
        waves.create(store, empty)
        with pytest.raises(StoreError, match="has no counted response"):
            write_snapshot(store, made.settings, "chengdu-2027-1")
    assert not list((made.settings.snapshots / "chengdu-2027-1").glob("[!.]*"))
