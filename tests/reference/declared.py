"""A case of a reference file as the public surface of `analysis` wants it: table, design, weighting, conditions."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from analysis import Design, Replicates, Sample


class Unsupported(Exception):  # noqa: N818  (it is an outcome of a case, not a failure of the program)
    """What a case asks for is not part of the public surface yet."""


@dataclass(frozen=True)
class Case:
    """One case, with the folder and the description of the data it is about."""

    folder: Path
    file: str
    categorical: tuple[str, ...]
    body: dict[str, Any]

    @property
    def request(self) -> dict[str, Any]:
        return self.body["request"]

    @property
    def expect(self) -> dict[str, Any]:
        return self.body["expect"]

    @property
    def name(self) -> str:
        return f"{self.file.removesuffix('.csv')}: {self.body['id']}"


def kind_of(case: Case) -> str:
    """What a case asks for, in words: its statistic, and what is special about its design and its weighting."""
    design, words = case.body["design"], [case.request["stat"]]
    if design.get("pps"):
        words.append("with pps")
    if design.get("replicate") or design.get("replicate_file"):
        words.append("with replicates")
    if design.get("adjust_domain_lonely"):
        words.append("with lonely psus in domains")
    if case.request.get("method") == "likelihood":
        words.append("by likelihood")
    words += [f"after {step['method']}" for step in steps_of(case)]
    return " ".join(words)


def steps_of(case: Case) -> list[dict[str, Any]]:
    calibration = case.body["calibration"]
    return [] if calibration is None else calibration.get("steps", [calibration])


@cache
def table(path: Path, categorical: tuple[str, ...]) -> pd.DataFrame:
    return pd.read_csv(path, dtype=dict.fromkeys(categorical, "str"), keep_default_na=False, na_values=[""])


def data_of(case: Case) -> pd.DataFrame:
    columns = pd.read_csv(case.folder / case.file, nrows=0).columns
    return table(case.folder / case.file, tuple(name for name in case.categorical if name in columns))


def sample_of(case: Case, data: pd.DataFrame) -> Sample:
    design = case.body["design"]
    if design.get("replicate_file"):
        return replicated(case, data)
    declared = Design(
        weight=design["weights"],
        stratum=design["strata"],
        psu=design["ids"],
        nest=design["nest"],
        lonely_psu=design["lonely"],
        lonely_psu_in_domains=bool(design.get("adjust_domain_lonely")),
        **limits_of(case),
    )
    sample = Sample(data, declared)
    if design.get("replicate"):
        sample = sample.replicate("jackknife", centre="estimate" if design["replicate"]["mse"] else "mean", df="rank")
    for step in steps_of(case):
        sample = weighted(sample, step)
    return sample


def limits_of(case: Case) -> dict[str, Any]:
    """How many units there are, or with which probability each was drawn."""
    design = case.body["design"]
    pps = design.get("pps")
    if not pps:
        return {"fpc": design["fpc"]}
    methods = {"brewer": "brewer", "overton": "overton", "HR": "hartley-rao"}
    joint = pd.read_csv(case.folder / pps["file"]).to_numpy() if pps["method"] == "ppsmat" else None
    return {
        "inclusion_probability": design["fpc"],
        "pps": methods[pps["method"]] if joint is None else joint,
        "pps_variance": pps.get("variance", "HT"),
    }


def replicated(case: Case, data: pd.DataFrame) -> Sample:
    """A sample with the replicate columns of a file beside its table."""
    told = case.body["design"]["replicate_file"]
    columns = pd.read_csv(case.folder / told["file"]).set_axis(data.index)
    declared = Replicates(
        columns=list(columns),
        kind=told["type"].lower() if told["type"] == "Fay" else told["type"],
        scale=told.get("scale"),
        rscales=told.get("rscales"),
        rho=told.get("rho"),
        combined=told["combined"],
        centre="estimate" if told["mse"] else "mean",
    )
    joined = pd.concat([data, columns], axis=1)
    sample = Sample(joined, Design(weight=case.body["design"]["weights"], replicates=declared))
    for step in steps_of(case):
        sample = weighted(sample, step)
    return sample


def weighted(sample: Sample, step: dict[str, Any]) -> Sample:
    if step["method"] == "poststratify":
        margin, partial = margin_of(step["by"], step["population"]), bool(step.get("partial"))
        return sample.poststratify(step["by"], margin, partial=partial, credit="survey")
    if step["method"] == "rake":
        margins = [{tuple(one["by"]): margin_of(one["by"], one["population"])} for one in step["margins"]]
        return sample.rake(margins, tolerance=step["epsilon"], iterations=step["maxit"], credit="survey")
    if step["method"] == "calibrate" and not step.get("aggregate_stage"):
        asked = {"distance": step["calfun"], "bounds": step.get("bounds"), "credit": "survey"}
        return sample.calibrate(step["formula"], step["totals"], **asked)
    if step["method"] == "trim":
        bounds = {name: step.get(name) for name in ("lower", "upper")}
        return sample.trim(**bounds, strict=bool(step.get("strict")), credit="survey")
    raise Unsupported


def margin_of(by: list[str], population: dict[str, list[Any]]) -> dict[Any, float]:
    labels = zip(*(population[name] for name in by), strict=True)
    return dict(zip(labels, population["Freq"], strict=True))


def conditions_of(where: list[dict[str, Any]] | None) -> list[tuple[str, str, Any]] | None:
    return None if where is None else [(one["var"], one["op"], one["value"]) for one in where]
