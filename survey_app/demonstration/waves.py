"""The two demonstration waves: their definition, their margins and the sample really drawn for them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from ruamel.yaml import YAML

from analysis.sampling import DrawnPsu, TwoStageDraw, two_stage
from questionnaires import Instrument
from survey_app.demonstration.model import AnswerModel
from survey_app.demonstration.people import People
from survey_app.demonstration.population import Population, rows_of
from survey_app.publish.snapshot_tables import BROAD_BAND
from survey_app.store.errors import StoreError
from survey_app.store.shapes import Case, Wave

PSUS, PEOPLE, SHARED = 20, 20, 10


@dataclass(frozen=True, slots=True)
class PlannedWave:
    """A wave as its file declares it, open until its answers are in; `closed_after` tells whether it then closes."""

    wave: Wave
    closed_after: bool
    first: date
    last: date


def planned_wave(data: Path, slug: str, *, instrument: Instrument, size_assumption: str) -> PlannedWave:
    """Read data/demonstration/<slug>.yaml and the margins of its city. StoreError when the file cannot be used."""
    path = data / "demonstration" / f"{slug}.yaml"
    try:
        declared = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
        weighting = dict(declared["weighting"]) | {"labels": {"size_assumption": size_assumption}}
        wave = Wave(
            slug=declared["slug"],
            title=declared["title"],
            city=declared["city"],
            scheme=declared["scheme"],
            edition=declared["edition"],
            instrument_id=instrument.id,
            instrument_version=instrument.version,
            open_link=declared["open_link"],
            simulated=declared["simulated"],
            presets=declared["presets"],
            weighting=weighting,
            margins=tuple(margin_rows(rows_of(data / "margins" / "adults-2020.csv"), declared["city"])),
            previous=declared.get("previous"),
        )
        fieldwork = declared["fieldwork"]
        return PlannedWave(wave, declared["state"] == "closed", fieldwork["first"], fieldwork["last"])
    except (OSError, KeyError, TypeError) as error:
        raise StoreError(f"The wave file {path} cannot be used ({error}); take the file of the release.") from error


def margin_rows(census: Iterable[Mapping[str, str]], city: str) -> list[dict[str, Any]]:
    """Raking margins of a city in persons, from its districts' sex x age band: district sex, district broad age, city
    sex x age band. All three add up to the same total."""
    counts: dict[tuple[str, str, str], int] = defaultdict(int)
    origin: dict[str, str] = {}
    for row in census:
        if row["unit_code"][:4] != city[:4]:
            continue
        sex, band = row["category"].split("*")
        origin = {name: row[name] for name in ("scheme", "edition", "source", "date")}
        for key in (
            (row["unit_code"], "sex", sex),
            (row["unit_code"], "age_band3", BROAD_BAND[band]),
            (city, "sex*age_band", row["category"]),
        ):
            counts[key] += int(row["count"])
    return [
        {**origin, "unit_code": unit, "variable": variable, "category": category, "count": count}
        for (unit, variable, category), count in sorted(counts.items())
    ]


def draw_sample(model: AnswerModel, population: Population, *, people: int = PEOPLE) -> TwoStageDraw:
    """The demonstration's sample: per district and wave 20 communities, half of them in both, `people` adults each."""
    return two_stage(
        population.frame(),
        adults=population.adults_by_district(),
        seed=model.seed,
        psus=PSUS,
        people=people,
        waves=len(model.waves),
        shared=SHARED,
    )


def cases_of(psus: Iterable[DrawnPsu], people: People) -> list[Case]:
    """One drawn case per person, numbered within the psu; `people` in the order of the psus."""
    cases: list[Case] = []
    for psu in psus:
        for number in range(1, psu.people + 1):
            cases.append(
                Case(
                    case=f"{psu.psu}-{number:02d}",
                    district=psu.stratum,
                    stratum=psu.stratum,
                    psu=psu.psu,
                    inclusion_probability_psu=psu.inclusion_probability_psu,
                    inclusion_probability_person=psu.inclusion_probability_person,
                    base_weight=psu.base_weight,
                    weighting_class=psu.stratum,
                    mode=str(people.mode[len(cases)]),
                )
            )
    return cases


def fieldwork_days(planned: PlannedWave, count: int, generator: np.random.Generator) -> list[date]:
    """A day of the fieldwork for each of `count` interviews, evenly spread."""
    span = (planned.last - planned.first).days + 1
    return [date.fromordinal(planned.first.toordinal() + int(day)) for day in generator.integers(0, span, size=count)]
