"""The weighting recipe of a snapshot (weighting.yaml): what its steps may say, which columns they need, taking them.

- rake: {margins: [{unit: district, variables: [sex]}], tolerance: 1.0e-10, iterations: 1000, credit: design}
- poststratify: {margins: [{unit: city, variables: [sex, age_band]}], partial: false}
- calibrate: {formula: sex + D2, totals: {sex: {female: 10, male: 9}, D2: 37000}, distance: raking, bounds: [0.3, 3]}
- trim: {lower: 20, upper: 400, strict: true}
- nonresponse: {classes: [district], responded: responded}
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from analysis.design import as_names
from analysis.errors import DesignError, nearest
from analysis.terms import parse_formula
from analysis.textfiles import as_numbers

if TYPE_CHECKING:
    from analysis.sample import Sample
    from analysis.snapshots import Opened

WAVE = "wave"
MARGIN_COLUMNS = ("unit_code", "variable", "category", "count")
# the settings that each step needs, and those that it may have
NEEDED: Mapping[str, tuple[str, ...]] = {
    "rake": ("margins",),
    "poststratify": ("margins",),
    "calibrate": ("formula", "totals"),
    "trim": (),
    "nonresponse": ("classes", "responded"),
}
ALLOWED: Mapping[str, tuple[str, ...]] = {
    "rake": ("tolerance", "iterations", "credit"),
    "poststratify": ("partial", "credit"),
    "calibrate": ("distance", "bounds", "credit"),
    "trim": ("lower", "upper", "strict", "credit"),
    "nonresponse": (),
}
NUMBERS = ("tolerance", "iterations", "lower", "upper")
SWITCHES = ("partial", "strict")
ONE_WAVE = ("calibrate", "trim")


def steps_of(recipe: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """The steps as (method, settings)."""
    return [(method, settings or {}) for step in recipe.get("steps") or [] for method, settings in step.items()]


def check_steps(place: str, recipe: Mapping[str, Any]) -> None:
    """Refuse a recipe whose steps are not what `apply_step` reads; place: the file, for errors."""
    steps = recipe.get("steps") or []
    if not isinstance(steps, list) or any(not isinstance(step, dict) or len(step) != 1 for step in steps):
        raise DesignError(f"{place}: steps is a list of single entries, such as - rake: {{margins: [...]}}.")
    for method, settings in steps_of(recipe):
        if method not in NEEDED:
            raise DesignError(f"{place} asks for the step {method!r}. {nearest(method, NEEDED)}")
        if not isinstance(settings, dict):
            raise DesignError(f"{place}: {method} holds no settings; write it as {method}: {{name: value}}.")
        if "margins" in NEEDED[method]:
            _check_margins(place, method, settings.get("margins"))
        _check_settings(place, method, settings)


def _check_margins(place: str, method: str, margins: Any) -> None:
    if not isinstance(margins, list) or any(
        not isinstance(one, dict) or not {"unit", "variables"} <= one.keys() for one in margins
    ):
        raise DesignError(f"{place}: {method} needs margins, each with unit and variables.")
    if method == "poststratify" and len(margins) != 1:
        raise DesignError(f"{place}: poststratify has {len(margins)} margins and takes one; rake takes several.")


def _check_settings(place: str, method: str, settings: Mapping[str, Any]) -> None:
    known = (*NEEDED[method], *ALLOWED[method])
    for name in NEEDED[method]:
        if name not in settings:
            raise DesignError(f"{place}: {method} needs the setting {name!r}.")
    for name, value in settings.items():
        if name not in known:
            raise DesignError(f"{place}: {method} has no setting {name!r}. {nearest(name, known)}")
        if name in SWITCHES and not isinstance(value, bool):
            raise DesignError(f"{place}: {name} is {value!r}; write true or false.")
        if name in NUMBERS and not _is_number(value):
            raise DesignError(f"{place}: {name} is {value!r}; give a number.")
    if method == "calibrate" and not isinstance(settings["formula"], str):
        raise DesignError(f"{place}: the formula {settings['formula']!r} is no text such as sex + age.")
    if method == "calibrate" and not isinstance(settings["totals"], dict):
        raise DesignError(f"{place}: totals is no mapping; write it as totals: {{column: total}}.")
    if method == "nonresponse" and not isinstance(settings["responded"], str):
        raise DesignError(f"{place}: responded is {settings['responded']!r}; name one column.")


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return not isinstance(value, bool)


def columns_needed(recipe: Mapping[str, Any], units: pd.DataFrame) -> list[str]:
    """The columns of the responses that the steps read."""
    columns: list[str] = []
    for method, settings in steps_of(recipe):
        for entry in settings.get("margins", []):
            columns += as_names(entry["variables"])
            columns += [] if one_unit(units, entry["unit"]) else [entry["unit"]]
        if method == "nonresponse":
            columns += [*as_names(settings["classes"]), settings["responded"]]
        if method == "calibrate":
            columns += parse_formula(settings["formula"]).predictors
    return columns


def columns_of_numbers(recipe: Mapping[str, Any]) -> set[str]:
    """The columns that a calibration sums: those with a single total of their own."""
    summed = set()
    for method, settings in steps_of(recipe):
        if method == "calibrate":
            names = parse_formula(settings["formula"]).predictors
            summed |= {name for name in names if name in settings["totals"] and _is_number(settings["totals"][name])}
    return summed


def columns_of_switches(recipe: Mapping[str, Any]) -> set[str]:
    """The columns that say who responded."""
    return {settings["responded"] for method, settings in steps_of(recipe) if method == "nonresponse"}


def apply_step(sample: "Sample", opened: Sequence["Opened"], position: int) -> "Sample":
    """A sample on which one step of the recipe was taken; of several waves, each by its own totals."""
    recipes = [steps_of(one.recipe) for one in opened]
    method, settings = recipes[-1][position]
    counts = {tuple((method, len(settings.get("margins", ()))) for method, settings in one) for one in recipes}
    if len(counts) > 1 or (method == "nonresponse" and any(one[position][1] != settings for one in recipes)):
        raise DesignError("The two waves are weighted by different recipes: analyse them one by one.")
    if len(opened) > 1 and method in ONE_WAVE:
        raise DesignError(f"The recipe's step {method!r} works on a wave of its own: analyse the two one by one.")
    given = {name: settings[name] for name in (*NEEDED[method], *ALLOWED[method]) if name in settings}
    if "margins" in given:
        margins = _margins(opened, [one[position][1]["margins"] for one in recipes])
        return _agreed(sample, method, margins, {name: one for name, one in given.items() if name != "margins"})
    if method == "nonresponse":
        by_wave = () if len(opened) == 1 else (WAVE,)
        return sample.nonresponse([*by_wave, *as_names(given["classes"])], given["responded"])
    if method == "calibrate":
        return sample.calibrate(given.pop("formula"), given.pop("totals"), **given)
    return sample.trim(**given)


def _agreed(sample: "Sample", method: str, margins: Sequence[Mapping[Any, Any]], given: dict[str, Any]) -> "Sample":
    if method == "poststratify":
        ((variables, totals),) = margins[0].items()
        return sample.poststratify(variables, totals, **given)
    given |= {"tolerance": float(given.get("tolerance", 1e-10)), "iterations": int(given.get("iterations", 1000))}
    return sample.rake(margins, **given)


def _margins(
    opened: Sequence["Opened"], entries: Sequence[Sequence[Mapping[str, Any]]]
) -> list[dict[tuple[str, ...], dict[tuple[Any, ...], float]]]:
    margins = []
    for position in range(len(entries[-1])):
        totals: dict[tuple[Any, ...], float] = {}
        variables: tuple[str, ...] = ()
        for one, given in zip(opened, entries, strict=True):
            found, part = _margin(one, given[position])
            if len(opened) > 1:
                found, part = (WAVE, *found), {(one.wave, *label): total for label, total in part.items()}
            if variables and found != variables:
                raise DesignError("The two waves are weighted by different margins: analyse them one by one.")
            variables = found
            totals |= part
        margins.append({variables: totals})
    return margins


def one_unit(units: pd.DataFrame, level: str) -> bool:
    """Whether there is a single unit of this level, so that no column has to tell its units apart."""
    return int((units["level"] == level).sum()) <= 1


def _margin(opened: "Opened", entry: Mapping[str, Any]) -> tuple[tuple[str, ...], dict[tuple[Any, ...], float]]:
    """The rows of margins.csv that one entry of the recipe names: variables and totals."""
    place = f"{opened.files.place}/margins.csv"
    table = opened.files.table("margins.csv", MARGIN_COLUMNS)
    if WAVE in table.columns and (table[WAVE] == opened.wave).any():
        table = table[table[WAVE] == opened.wave]
    level, variables = entry["unit"], as_names(entry["variables"])
    codes = set(opened.units.loc[opened.units["level"] == level, "code"])
    if not codes:
        raise DesignError(
            f"weighting.yaml: no unit has the level {level!r}. {nearest(level, opened.units['level'].unique())}"
        )
    name = "*".join(variables)
    table = table[(table["variable"] == name) & table["unit_code"].isin(codes)]
    if table.empty:
        raise DesignError(f"{place} has no row for the variable {name!r} of any {level}: add its totals.")
    single = one_unit(opened.units, level)
    totals: dict[tuple[Any, ...], float] = {}
    for code, category, count in zip(
        table["unit_code"], table["category"], as_numbers(table["count"], place), strict=True
    ):
        label = (*(() if single else (code,)), *str(category).split("*"))
        if label in totals:
            raise DesignError(f"{place} lists {name} = {category!r} of the unit {code!r} twice: keep one row.")
        totals[label] = float(count)
    return (variables if single else (level, *variables)), totals
