"""The demonstration drawn and answered anew 200 times: how often the 95% district intervals hold the true value."""

import csv
import io
import os
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from ruamel.yaml import YAML

from analysis import open_snapshot
from questionnaires import Instrument, load_instrument
from survey_app.demonstration.answers import page_durations, simulate_answers
from survey_app.demonstration.model import AnswerModel, load_model
from survey_app.demonstration.people import ANSWERS, drawn_people
from survey_app.demonstration.population import Population, load_population, rows_of
from survey_app.demonstration.truth import INDICES, INSTRUMENT, true_values
from survey_app.demonstration.waves import draw_sample, planned_wave
from survey_app.publish.snapshot_tables import response_frame, with_ledger, with_weighting_variables
from survey_app.settings import CHECKOUT
from tests.benchmarks.measuring import Figure

DATA = CHECKOUT / "data"
WAVES = 200


def figures() -> Iterator[Figure]:
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        found = np.array(list(pool.map(one_wave, range(WAVES))))
    for place, index in enumerate(INDICES):
        inside, error, ratio = found[:, place].T
        yield Figure(f"{index}: 95% district intervals that hold the true value, {WAVES} waves", inside.mean(), "")
        yield Figure(f"{index}: mean error of the district estimates", error.mean(), "points")
        yield Figure(f"{index}: mean error over standard error, root mean square", np.sqrt((ratio**2).mean()), "")
    yield Figure("all three degrees: 95% district intervals that hold the true value", found[..., 0].mean(), "")


@cache
def fixed() -> tuple[AnswerModel, Population, Instrument, dict[tuple[str, str], float]]:
    model = load_model(DATA / "demonstration" / "model.yaml")
    population = load_population(DATA, model)
    instrument = load_instrument(INSTRUMENT, choice_files=DATA)
    last = model.waves[-1]
    truth = {
        (one.index, one.unit_code): one.value for one in true_values(model, population, instrument) if one.wave == last
    }
    return model, population, instrument, truth


def one_wave(number: int) -> list[list[float]]:
    """For every degree: the share of districts whose interval holds the truth, mean error, and error over its SE."""
    truth = fixed()[3]
    result = []
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), number)
        sample = open_snapshot(folder)
        for index in INDICES:
            frame = sample.index(index, by="district").to_frame()
            true = np.array([truth[index, unit] for unit in frame["district"]])
            error = frame["estimate"].to_numpy() - true
            inside = (frame["low"].to_numpy() <= true) & (true <= frame["high"].to_numpy())
            squares = (error / frame["se"].to_numpy()) ** 2
            result.append([float(inside.mean()), float(error.mean()), float(np.sqrt(squares.mean()))])
    return result


def write(folder: Path, number: int) -> None:
    """The last wave as a snapshot's folder, with a draw, people and answers of its own; the population stays."""
    model, population, instrument, _ = fixed()
    slug = model.waves[-1]
    draw = draw_sample(replace(model, seed=model.seed + 1 + number), population).wave(len(model.waves) - 1)
    generator = np.random.default_rng([number, 7])
    people = drawn_people(model, population, draw, generator)
    answers = simulate_answers(model, population, instrument, people=people, wave=slug, seed=[9, number])
    durations = page_durations(model, instrument, people, generator)
    wave = planned_wave(DATA, slug, instrument=instrument, size_assumption="").wave
    psus = [psu for psu in draw for _ in range(psu.people)]
    responses = [
        SimpleNamespace(
            wave=slug, district=psu.stratum, stratum=psu.stratum, psu=psu.psu, base_weight=psu.base_weight,
            mode=str(people.mode[row]), language="zh", disposition="complete",
            answers=instrument.clean({**answers[row], **wave.presets}).answers, durations=durations[row],
        )
        for row, psu in enumerate(psus) if people.outcome[row] == ANSWERS
    ]  # fmt: skip
    ledger = {row["code"]: row for row in rows_of(DATA / str(wave.weighting["ledger"]))}
    frame = response_frame(responses, instrument, seed=number, design=True)
    frame = with_weighting_variables(with_ledger(frame, instrument, ledger), seed=number)
    frame.to_parquet(folder / "responses.parquet", index=False)
    (folder / "instrument.yaml").write_text(instrument.source, encoding="utf-8")
    margins = [{"wave": slug, **row} for row in wave.margins]
    write_csv(folder / "margins.csv", margins, list(margins[0]))
    codes = {wave.city, *population.districts}
    units = [row for row in rows_of(DATA / "frame" / "divisions-nbs-2023.csv") if row["code"] in codes]
    write_csv(folder / "units.csv", units, ["code", "name", "level", "parent_code"])
    with (folder / "weighting.yaml").open("w", encoding="utf-8") as file:
        YAML(typ="safe", pure=True).dump({key: wave.weighting[key] for key in ("design", "steps")}, file)
    (folder / "manifest.json").write_text(f'{{"wave": "{slug}"}}', encoding="utf-8")


def write_csv(path: Path, rows: list[dict[str, Any]], columns: list[str]) -> None:
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    path.write_text(out.getvalue(), encoding="utf-8")
