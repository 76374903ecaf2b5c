"""`sandu sample WAVE CSV`: the drawn cases of a wave, checked as a whole before the first is stored."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from analysis.errors import nearest
from survey_app.cli.mapping import MODES
from survey_app.cli.office_files import read_table, refuse_cell
from survey_app.store import audit, invitations, units, waves
from survey_app.store.database import Store
from survey_app.store.errors import StoreError
from survey_app.store.shapes import Case, Unit, Wave

PROBABILITIES = ("inclusion_probability_psu", "inclusion_probability_person")
REQUIRED = ("case", "district", "stratum", "psu", *PROBABILITIES, "base_weight")
OPTIONAL = ("mode", "weighting_class")
ROUNDING = 1e-3  # by how much a weight written in a table may differ from 1 / (product of its probabilities)
LONGEST = 64  # characters of a case, stratum, psu or weighting class


def draw_sample(store: Store, slug: str, path: Path) -> int:
    """Store the cases of a CSV, all or none; how many. Raises StoreError naming row and column."""
    wave = waves.get(store, slug)
    cases = read_sample(store, wave, path)
    invitations.draw(store, wave, cases)
    audit.note(store, "sample.drawn", wave=slug, cases=len(cases))
    return len(cases)


def read_sample(store: Store, wave: Wave, path: Path) -> list[Case]:
    """The cases of a CSV, checked against the wave's unit list, against each other and against what is stored."""
    lines = read_table(path, REQUIRED, OPTIONAL)
    known = units_below(store, wave)
    stored = {case.case for case in invitations.cases(store, wave)}
    cases = [(number, _case(path, number, row)) for number, row in lines]
    seen: dict[str, int] = {}
    for number, case in cases:
        if case.case in seen:
            raise refuse_cell(path, number, "case", f"{case.case!r} stands in row {seen[case.case]} already.")
        if case.case in stored:
            raise refuse_cell(path, number, "case", f"{case.case!r} is already drawn in wave {wave.slug!r}.")
        seen[case.case] = number
    _check_units(path, cases, known)
    _check_psus(path, cases)
    return [case for _, case in cases]


def units_below(store: Store, wave: Wave) -> dict[str, Unit]:
    """Every unit of the wave's city by code, the city left out."""
    found: dict[str, Unit] = {}
    for unit in units.within(store, wave.scheme, wave.edition):
        if unit.parent_code == wave.city or unit.parent_code in found:
            found[unit.code] = unit
    if not found:
        raise StoreError(f"The unit list {wave.scheme} {wave.edition} has nothing below {wave.city!r}; load it first.")
    return found


def _case(path: Path, number: int, row: Mapping[str, str]) -> Case:
    for column in ("case", "district", "stratum", "psu"):
        if not row[column] or len(row[column]) > LONGEST or not row[column].isprintable():
            raise refuse_cell(path, number, column, f"{row[column]!r} is no code of 1 to {LONGEST} characters.")
    mode = row.get("mode") or "web"
    if mode not in MODES:
        raise refuse_cell(path, number, "mode", f"{mode!r} is no mode. {nearest(mode, MODES)}")
    numbers = {name: _number(path, number, name, row[name]) for name in (*PROBABILITIES, "base_weight")}
    for name in PROBABILITIES:
        if not 0 < numbers[name] <= 1:
            raise refuse_cell(path, number, name, f"{row[name]} is no probability above 0 and up to 1.")
    expected = 1 / math.prod(numbers[name] for name in PROBABILITIES)
    if not math.isclose(numbers["base_weight"], expected, rel_tol=ROUNDING):
        raise refuse_cell(
            path, number, "base_weight",
            f"{row['base_weight']} is not 1 / (product of both probabilities) = {expected:.6g}.",
        )  # fmt: skip
    texts = {name: row[name] for name in ("case", "district", "stratum", "psu")}
    values: dict[str, Any] = {**texts, **numbers, "weighting_class": row.get("weighting_class") or None, "mode": mode}
    return Case(**values)


def _number(path: Path, number: int, column: str, text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise refuse_cell(path, number, column, f"{text!r} is no number; write it with a decimal point.")
    return found


def _check_units(path: Path, cases: Iterable[tuple[int, Case]], known: Mapping[str, Unit]) -> None:
    """Districts are units of the city. Psus are all units within their district, or none of them is (grids, blocks)."""
    cases = list(cases)
    listed = any(case.psu in known for _, case in cases)
    for number, case in cases:
        if case.district not in known:
            raise refuse_cell(
                path, number, "district", f"{case.district!r} is no unit of the city. {nearest(case.district, known)}"
            )
        if listed and case.psu not in known:
            raise refuse_cell(
                path, number, "psu", f"{case.psu!r} is no unit of the city, others are. {nearest(case.psu, known)}"
            )
        if listed and case.district not in _above(case.psu, known):
            raise refuse_cell(path, number, "psu", f"{case.psu!r} does not lie in district {case.district!r}.")


def _above(code: str, known: Mapping[str, Unit]) -> list[str]:
    """The unit itself and every unit it lies in."""
    chain = []
    while code in known:
        chain.append(code)
        code = known[code].parent_code or ""
    return chain


def _check_psus(path: Path, cases: Iterable[tuple[int, Case]]) -> None:
    """Within a psu (of a stratum) all have one district, one base weight and one pair of probabilities."""
    first: dict[tuple[str, str], tuple[int, Case]] = {}
    for number, case in cases:
        begun, other = first.setdefault((case.stratum, case.psu), (number, case))
        for column in ("district", *PROBABILITIES, "base_weight"):
            if getattr(case, column) != getattr(other, column):
                raise refuse_cell(
                    path, number, column,
                    f"{getattr(case, column)} differs from {getattr(other, column)} in row {begun}, of the same psu "
                    f"{case.psu!r}; within a psu it is one value.",
                )  # fmt: skip
