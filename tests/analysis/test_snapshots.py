"""A snapshot's folder and the zip an analyst downloads give the same numbers; every defect is named with its place."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis import DesignError, open_snapshot
from tests.analysis import snapshot_files as files

SLUG = "test-2026-2"


@pytest.fixture(scope="module")
def answers() -> pd.DataFrame:
    return files.rows(1, SLUG)


@pytest.fixture(scope="module")
def folder(answers: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return files.write_folder(tmp_path_factory.mktemp("snapshots") / "abc", answers, SLUG)


def test_folder_and_zip_give_the_same_indices(folder: Path, answers: pd.DataFrame, tmp_path: Path) -> None:
    zipped = open_snapshot(files.write_zip(tmp_path / "responses.zip", answers, SLUG))
    frozen = open_snapshot(folder)
    for name in ("awareness", "participation", "satisfaction"):
        one = frozen.index(name, by="district", whole=True).to_frame()
        other = zipped.index(name, by="district", whole=True).to_frame()
        pd.testing.assert_frame_equal(one, other, rtol=1e-10, atol=1e-10)
        assert one["estimate"].between(0, 100).all()
        assert one["low"].lt(one["estimate"]).all()
        assert one["district"].tolist() == [*files.DISTRICTS, "whole"]


def test_the_weights_meet_every_margin_of_the_recipe(folder: Path, answers: pd.DataFrame) -> None:
    weighted = answers.assign(final=open_snapshot(folder).weights)
    wanted = pd.DataFrame(files.margin_rows(SLUG)).set_index(["unit_code", "variable", "category"])["count"]
    for (unit, variable, category), total in wanted.items():
        names = variable.split("*")
        inside = pd.Series(unit == "510100", index=weighted.index) | (weighted["district"] == unit)
        for name, value in zip(names, category.split("*"), strict=True):
            inside &= weighted[name] == value
        assert weighted.loc[inside, "final"].sum() == pytest.approx(total, rel=1e-9)


def test_a_guarded_formula_comes_back_as_it_was(answers: pd.DataFrame, tmp_path: Path) -> None:
    opened = open_snapshot(files.write_zip(tmp_path / "responses.zip", answers, SLUG)).data
    assert opened["D3"].tolist() == answers["D3"].tolist()
    assert opened["psu"].tolist() == answers["psu"].tolist()
    assert opened["D2"].isna().sum() == answers["D2"].isna().sum()


def test_an_index_is_the_weighted_mean_of_item_means_up_the_tree(folder: Path, answers: pd.DataFrame) -> None:
    sample = open_snapshot(folder)
    weight = sample.weights
    maps = {name: sample.instrument.items[name].scores() for name in sample.indices["satisfaction"].items}
    means = {}
    for name, scores in maps.items():
        score = answers[name].map({key: value for key, value in scores.items() if value is not None})
        means[name] = np.average(score[score.notna()], weights=weight[score.notna()])
    declared = sample.indices["satisfaction"].items
    by_hand = sum(declared[name] * means[name] for name in declared) / sum(declared.values())
    assert sample.index("satisfaction").values[0] == pytest.approx(by_hand, rel=1e-12)


def test_a_verifiable_item_is_scored_against_the_ledger_of_the_psu_only(folder: Path, answers: pd.DataFrame) -> None:
    from analysis.scoring import score_frame

    sample = open_snapshot(folder)
    key = sample.instrument.items["V1"].key
    score, ledger = score_frame(sample, sample.instrument)["V1_score"], answers[f"ledger_{key}"]
    assert score[ledger.isna()].isna().all()
    right = ledger.notna() & (answers["V1"] == ledger)
    assert (score[right] == 100).all()
    assert (score[ledger.notna() & answers["V1"].notna() & ~right] == 0).all()


def test_two_waves_are_stacked_and_their_change_credits_the_shared_psus(folder: Path, tmp_path: Path) -> None:
    before = files.write_folder(tmp_path / "before", files.rows(2, "test-2026-1", psus=range(3, 9)), "test-2026-1")
    sample = open_snapshot(folder, baseline=before)
    change = sample.index("satisfaction", by="district").change(over="wave").to_frame()
    assert change["domain"].tolist() == [*files.DISTRICTS, "whole"]
    assert (change["reference"] == "test-2026-1").all()
    single = {slug: open_snapshot(path) for slug, path in (("old", before), ("new", folder))}
    gap = single["new"].index("satisfaction").values - single["old"].index("satisfaction").values
    assert change["difference"].iloc[-1] == pytest.approx(gap[0], rel=1e-9)
    city = sample.index("satisfaction").change(over="wave").to_frame()
    assert city["difference"].iloc[0] == pytest.approx(gap[0], rel=1e-9)
    assert city["se"].iloc[0] == pytest.approx(change["se"].iloc[-1], rel=1e-9)


def test_an_unknown_index_or_district_is_refused_with_the_nearest_name(folder: Path) -> None:
    sample = open_snapshot(folder)
    with pytest.raises(DesignError, match=r"no index 'satisfction'.*'satisfaction'"):
        sample.index("satisfction")
    with pytest.raises(DesignError, match=r"no domain '510107'.*'51010"):
        sample.index("satisfaction", by="district").compare(to="510107")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda text: text.replace(",psu,", ",community,", 1), "'psu' is missing"),
        (lambda text: text.replace(",stratum,", ",psu,", 1), "'psu' occurs 2 times in the header"),
        (lambda text: text.replace("female", "fem\udcffale", 1), "line 2.*0xff.*not UTF-8"),
        (lambda text: text.replace(",female,", ",female,,", 1), "cells where the header has"),
        (
            lambda text: text.replace(",100,", ",a hundred,", 1),
            "'a hundred' in the column 'base_weight' is not a number",
        ),
    ],
)
def test_a_broken_file_is_refused_by_line_and_column(
    answers: pd.DataFrame, tmp_path: Path, change, sentence: str
) -> None:
    text = change(files.text_of(answers.assign(sex="female")))
    broken = text.encode("utf-8", "surrogateescape")
    path = files.write_zip(tmp_path / "responses.zip", answers, SLUG, responses__csv=broken)
    with pytest.raises(DesignError, match=sentence):
        open_snapshot(path)


def test_a_path_that_is_no_snapshot_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DesignError, match="There is no snapshot"):
        open_snapshot(tmp_path / "absent")
    (tmp_path / "file.zip").write_text("not a zip")
    with pytest.raises(DesignError, match="neither a snapshot's folder nor a zip"):
        open_snapshot(tmp_path / "file.zip")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DesignError, match=r"'weighting.yaml' is missing"):
        open_snapshot(tmp_path / "empty")


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("manifest.json", "{", "manifest.json is not valid JSON"),
        ("manifest.json", "[1]", "manifest.json holds no mapping"),
        ("manifest.json", '{"files": {"weighting.yaml": "00"}}', "weighting.yaml is not the file that manifest.json"),
        ("weighting.yaml", "steps: rake", "steps is a list"),
        ("weighting.yaml", "steps: [{rake: {}}]", "rake needs margins"),
        ("weighting.yaml", "steps: [{rake: {margins: [{variables: [sex]}]}}]", "each with unit and variables"),
        ("weighting.yaml", "steps: [{rake: {margins: [], tolerance: tiny}}]", "tolerance is 'tiny'"),
        ("weighting.yaml", "steps: [{trimm: {upper: 3}}]", "the step 'trimm'. Did you mean 'trim'"),
        ("weighting.yaml", "steps: [{trim: {margins: []}}]", "trim has no setting 'margins'"),
        ("weighting.yaml", "steps: [trim: [3]]", "trim holds no settings"),
        ("weighting.yaml", "{design: {weight: base_weight}, steps: [trim: ]}", "lower=-inf and upper=inf"),
        ("weighting.yaml", "steps: [{trim: {upper: much}}]", "upper is 'much'; give a number"),
        ("weighting.yaml", "steps: [{trim: {upper: 3, strict: 1}}]", "strict is 1; write true or false"),
        (
            "weighting.yaml",
            "steps: [{poststratify: {margins: [{unit: city, variables: a}, {unit: city, variables: b}]}}]",
            "poststratify has 2 margins and takes one",
        ),
        ("weighting.yaml", "steps: [{calibrate: {formula: sex}}]", "calibrate needs the setting 'totals'"),
        ("weighting.yaml", "steps: [{calibrate: {formula: sex, totals: 3}}]", "totals is no mapping"),
        ("weighting.yaml", "steps: [{calibrate: {formula: [sex], totals: {}}}]", "is no text"),
        ("weighting.yaml", "steps: [{nonresponse: {classes: sex, responded: [a]}}]", "name one column"),
        (
            "weighting.yaml",
            "{design: {weight: base_weight}, steps: [{nonresponse: {classes: sexe, responded: sex}}]}",
            "'sexe' is missing",
        ),
        ("weighting.yaml", "design: [psu]", "design is no mapping"),
    ],
)
def test_a_broken_recipe_or_manifest_is_one_sentence(
    answers: pd.DataFrame, tmp_path: Path, name: str, content: str, sentence: str
) -> None:
    path = files.write_zip(tmp_path / "responses.zip", answers, SLUG, **{name.replace(".", "__"): content})
    with pytest.raises(DesignError, match=sentence):
        open_snapshot(path)


RECIPE = """
design: {stratum: stratum, psu: psu, weight: base_weight}
steps:
  - nonresponse: {classes: [district, age_band3], responded: answered}
  - trim: {upper: 200}
  - poststratify: {margins: [{unit: district, variables: [sex]}]}
  - calibrate:
      formula: age_band3 + rooms
      totals: {age_band3: {18-39: 20000, 40-59: 21000, 60+: 19000}, rooms: 180500}
      distance: raking
"""


def test_a_recipe_may_hold_every_step_in_any_order(answers: pd.DataFrame, tmp_path: Path) -> None:
    """The same from the folder and from the download, whose columns are text, and step by step."""
    frame = answers.assign(
        answered=[i % 4 != 0 for i in range(len(answers))], rooms=[float(i % 7) for i in answers.index]
    )
    folder = files.write_folder(tmp_path / "frozen", frame, SLUG)
    (folder / "weighting.yaml").write_text(RECIPE, encoding="utf-8")
    one = open_snapshot(folder)
    other = open_snapshot(files.write_zip(tmp_path / "responses.zip", frame, SLUG, weighting__yaml=RECIPE))
    assert [type(taken.step).__name__ for taken in one.steps] == [
        "Nonresponse",
        "Trimming",
        "PostStratification",
        "Calibration",
    ]
    np.testing.assert_allclose(one.weights, other.weights, rtol=1e-12)
    assert (one.weights > 0).tolist() == frame["answered"].tolist()
    assert (one.weights * frame["rooms"]).sum() == pytest.approx(180_500, rel=1e-9)
    assert one.mean("rooms").se.tolist() == [0.0]
    broken = frame.assign(answered="perhaps")
    with pytest.raises(DesignError, match="line 2: 'perhaps' in the column 'answered' is not a number"):
        open_snapshot(files.write_zip(tmp_path / "broken.zip", broken, SLUG, weighting__yaml=RECIPE))


def test_two_waves_are_adjusted_wave_by_wave_or_refused(answers: pd.DataFrame, tmp_path: Path) -> None:
    frames = {
        slug: answers.assign(wave=slug, answered=[i % step != 0 for i in range(len(answers))])
        for slug, step in (("before", 3), (SLUG, 4))
    }
    opening = "\n".join(RECIPE.splitlines()[:4])
    for number, (ending, refused) in enumerate((("", False), ("\n  - trim: {upper: 200}", True))):
        paths = []
        for slug, frame in frames.items():
            paths.append(files.write_folder(tmp_path / f"{slug}{number}", frame, slug))
            (paths[-1] / "weighting.yaml").write_text(opening + ending, encoding="utf-8")
        if refused:
            with pytest.raises(DesignError, match="step 'trim' works on a wave of its own"):
                open_snapshot(paths[1], baseline=paths[0])
            continue
        stacked, alone = open_snapshot(paths[1], baseline=paths[0]), open_snapshot(paths[1])
        np.testing.assert_allclose(stacked.weights[len(answers) :], alone.weights, rtol=1e-12)


def test_a_folder_and_a_download_are_each_held_to_their_own_hashes(answers: pd.DataFrame, tmp_path: Path) -> None:
    margins = files.common_files(SLUG)["margins.csv"]
    anew = "\ufeff" + margins
    own, other = (hashlib.sha256(text.encode()).hexdigest() for text in (margins, anew))
    manifest = json.dumps({"wave": SLUG, "files": {"margins.csv": own}, "download": {"files": {"margins.csv": other}}})
    held = {"manifest__json": manifest, "margins__csv": anew}
    assert open_snapshot(files.write_zip(tmp_path / "one.zip", answers, SLUG, **held)).weights.sum() == pytest.approx(
        60_000
    )
    held["margins__csv"] = anew + "\n"
    with pytest.raises(DesignError, match=r"margins\.csv is not the file that manifest\.json"):
        open_snapshot(files.write_zip(tmp_path / "altered.zip", answers, SLUG, **held))
    frozen = files.write_folder(tmp_path / "frozen", answers, SLUG)
    (frozen / "manifest.json").write_text(json.dumps({"wave": SLUG, "files": {"margins.csv": own}}))
    (frozen / "margins.csv").write_text(margins + "\n")
    with pytest.raises(DesignError, match=r"margins\.csv is not the file that manifest\.json"):
        open_snapshot(frozen)


def test_an_answer_that_the_instrument_does_not_offer_is_refused_and_not_dropped(
    answers: pd.DataFrame, tmp_path: Path
) -> None:
    path = files.write_zip(tmp_path / "responses.zip", answers.assign(E1="satisfide"), SLUG)
    with pytest.raises(DesignError, match=r"the answer 'satisfide' to 'E1'.*'satisfied'"):
        open_snapshot(path)


def test_a_damaged_download_or_table_is_one_sentence(answers: pd.DataFrame, tmp_path: Path) -> None:
    path = files.write_zip(tmp_path / "responses.zip", answers, SLUG)
    damaged = bytearray(path.read_bytes())
    damaged[2000:2200] = bytes(200)
    path.write_bytes(bytes(damaged))
    with pytest.raises(DesignError, match=r"responses\.zip is damaged"):
        open_snapshot(path)
    frozen = files.write_folder(tmp_path / "frozen", answers, SLUG)
    (frozen / "responses.parquet").write_bytes(b"PAR1")
    with pytest.raises(DesignError, match=r"responses\.parquet cannot be read"):
        open_snapshot(frozen)
