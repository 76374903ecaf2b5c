"""Each statistic of the reference, asked through the public surface and held against what is expected."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from analysis import Estimates, Sample
from tests.reference.closeness import Verdict
from tests.reference.declared import Case, Unsupported, conditions_of
from tests.reference.requests_distributions import DISTRIBUTIONS, likelihood
from tests.reference.requests_models import MODELS
from tests.reference.requests_tests import TESTS

ADJUSTED = {
    "bonferroni": "bonferroni",
    "holm": "holm",
    "BH": "bh",
    "BY": "by",
    "hommel": "hommel",
    "hochberg": "hochberg",
}
RANKS = {
    "simultaneous_bonferroni": "means-bonferroni",
    "simultaneous_sidak": "means-sidak",
    "pairwise_bonferroni": "pairs-bonferroni",
    "pairwise_holm": "pairs-holm",
}


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def arguments(case: Case) -> dict[str, Any]:
    request = case.request
    by = request.get("by")
    return {
        "by": None if by is None else as_list(by),
        "where": conditions_of(request.get("where")),
        "design_effect": request.get("deff", "wr"),
    }


def missing(case: Case) -> str:
    return "listwise" if case.request.get("na_rm") else "item"


def mean(case: Case, sample: Sample, verdict: Verdict) -> None:
    judged(case, sample.mean(case.request["y"], missing=missing(case), **arguments(case)), verdict)


def total(case: Case, sample: Sample, verdict: Verdict) -> None:
    judged(case, sample.total(case.request["y"], missing=missing(case), **arguments(case)), verdict)


def ratio(case: Case, sample: Sample, verdict: Verdict) -> None:
    (below,) = as_list(case.request["x"])
    judged(case, sample.ratio(case.request["y"], below, **arguments(case)), verdict)


def judged(case: Case, estimates: Estimates, verdict: Verdict) -> None:
    """Estimates in the order of the reference, with everything the case expects of them."""
    order = order_of(case, estimates)
    expect, level = case.expect, case.expect.get("ci_level", 0.95)
    scale = np.abs(estimates.values[order])
    verdict.close("estimates", estimates.values[order], expect["estimates"])
    if "se_subset" in expect:
        near_either(estimates.se[order], expect, verdict)
        return
    verdict.close("se", estimates.se[order], expect["se"], scale=scale)
    if "vcov" in expect:
        verdict.close_matrix("vcov", estimates.covariance[np.ix_(order, order)], expect["vcov"], scale=scale)
    verdict.close("df", estimates.degrees("design")[order], [expect["df"]] * len(order))
    intervals = {"ci": "design", "ci_normal": float("inf"), "ci_domain_df": "domain", "ci_df_valid": "valid"}
    for key, df in intervals.items():
        if key in expect:
            limits = estimates.interval(method="mean", level=level, df=df)[order]
            verdict.close(key, limits, expect[key], scale=scale[:, None])
    if "df_domain" in expect:
        verdict.close("df_domain", estimates.degrees("domain")[order][: len(expect["df_domain"])], expect["df_domain"])
    if "df_valid" in expect:
        verdict.close("df_valid", estimates.degrees("valid")[order], [expect["df_valid"]] * len(order))
    if "deff" in expect:
        verdict.close("deff", estimates.design_effect()[order], expect["deff"], scale=1.0)


def near_either(se: Any, expect: dict[str, Any], verdict: Verdict) -> None:
    """Where R itself gives two standard errors, either will do."""
    attempts = []
    for key in ("se", "se_subset"):
        attempts.append(Verdict(verdict.tolerance))
        attempts[-1].close(key, se, expect[key])
    if all(attempt.complaints for attempt in attempts):
        verdict.complaints += attempts[0].complaints


def order_of(case: Case, estimates: Estimates) -> list[int]:
    """Where each expected estimate stands among ours: by labels, or by variable and group."""
    variables = [name.replace("=", "") for name in estimates.variables]
    groups = case.expect.get("groups")
    if groups is None:
        labels = [name.replace("=", "") for name in as_list(case.expect.get("labels", variables))]
        return [variables.index(label) for label in labels]
    place = {tuple(str(one) for one in domain): i for i, domain in enumerate(estimates.domains)}
    keys = [place[tuple(str(group[name]) for name in estimates.by)] for group in groups]
    named = [variables.index(name) for name in as_list(case.expect.get("variables", variables))]
    return [v * len(estimates.domains) + key for v in named for key in keys]


def ciprop(case: Case, sample: Sample, verdict: Verdict) -> None:
    request, expect = case.request, case.expect
    estimates = sample.proportion(request["y"], where=conditions_of(request.get("where")))
    if request["y_level"] not in estimates.variables:
        raise AssertionError(f"no share of {request['y_level']}")
    place = estimates.variables.index(request["y_level"])
    verdict.close("estimates", estimates.values[[place]], as_list(expect["estimates"]))
    verdict.close("se", estimates.se[[place]], as_list(expect["se"]), scale=1.0)
    verdict.close("n", estimates.n[place], expect["n"])
    verdict.close("df", estimates.degrees("valid")[place], expect["df"])
    limits = estimates.interval(method=request["method"], level=expect["ci_level"])
    if request["method"] == "likelihood":
        likelihood(case, limits[[place]], verdict)
        return
    verdict.close("ci", limits[[place]], expect["ci"], scale=1.0)


def variance(case: Case, sample: Sample, verdict: Verdict) -> None:
    judged(case, sample.variance(case.request["y"], missing=missing(case), by=arguments(case)["by"]), verdict)


def contrast(case: Case, sample: Sample, verdict: Verdict) -> None:
    request, expect = case.request, case.expect
    ask = sample.mean if request["base"] == "mean" else sample.total
    base = ask(request["y"], by=request.get("by"), missing=missing(case))
    names = as_list(expect["base_labels"])
    found = base.contrast(
        {
            one["name"]: {
                name: coefficient for name, coefficient in zip(names, one["coef"], strict=True) if coefficient
            }
            for one in request["contrasts"]
        }
    )
    judged_contrast(case, found, verdict)
    for theirs, ours in ADJUSTED.items():
        if theirs in expect.get("p_adjusted", {}):
            adjusted = found.compare(to=0, adjust=ours, df="design").p_adjusted
            verdict.close_p(f"p {theirs}", adjusted, expect["p_adjusted"][theirs])
    if "joint" in expect:
        wald, joint = found.wald(), expect["joint"]
        pairs = {"wald": "wald_chisq", "f_naive": "f_naive", "f_adjusted": "f_adjusted", "q": "q"}
        for ours, theirs in pairs.items():
            verdict.close(theirs, wald[ours], joint[theirs])
        verdict.close_p("p naive", wald["p_naive"], joint["p_f_naive"])
        verdict.close_p("p adjusted", wald["p_adjusted"], joint["p_f_adjusted"])


def judged_contrast(case: Case, found: Estimates, verdict: Verdict) -> None:
    judged(case, found, verdict)
    tests = found.compare(to=0, adjust="none", df="design")
    statistic = np.divide(tests.differences, tests.se, out=np.full(len(tests.se), np.nan), where=tests.se > 0)
    verdict.close("statistic", statistic, as_list(case.expect["statistic"]))
    verdict.close_p("p", tests.p, as_list(case.expect["p"]))


def domain_vs_population(case: Case, sample: Sample, verdict: Verdict) -> None:
    """The two-valued column `sandu_domain` is made by `prepared`; the rest is the other domain, the whole is hidden."""
    means = sample.mean(case.request["y"], by="sandu_domain")
    found = means.contrast(
        {
            "domain": {"in": 1},
            "population": {"whole": 1},
            "rest": {"out": 1},
            "domain_minus_population": {"in": 1, "whole": -1},
            "domain_minus_rest": {"in": 1, "out": -1},
        }
    )
    judged_contrast(case, found, verdict)
    for to, place in (("whole", 3), ("rest", 4)):
        compared = means.compare(to=to, adjust="none")
        row = [one.domain for one in compared.rows].index("in")
        verdict.close(f"against the {to}", compared.differences[row], case.expect["estimates"][place])
        verdict.close(f"se against the {to}", compared.se[row], case.expect["se"][place])


def composite(case: Case, sample: Sample, verdict: Verdict) -> None:
    weights = dict(zip(case.request["y"], case.request["item_weights"], strict=True))
    estimates = sample.composite(weights, by=case.request.get("by"))
    if "labels" in case.expect:
        case = Case(
            case.folder, case.file, case.categorical, {**case.body, "expect": {**case.expect, "labels": ["composite"]}}
        )
    judged(case, estimates, verdict)


def rank_intervals(case: Case, sample: Sample, verdict: Verdict) -> None:
    request, expect = case.request, case.expect
    estimates = sample.mean(request["y"], by=request["by"], missing=missing(case))
    order = order_of(case, estimates)
    verdict.close("estimates", estimates.values[order], expect["estimates"])
    verdict.close("se", estimates.se[order], expect["se"])
    for theirs, ours in RANKS.items():
        sets = estimates.rank_sets(method=ours, level=expect["level"], df="design").to_frame().iloc[order]
        verdict.same("rank", sets["rank"].tolist(), expect["rank"])
        verdict.same(theirs, sets[["low", "high"]].to_numpy().tolist(), expect[theirs])


def weights(case: Case, sample: Sample, verdict: Verdict) -> None:
    verdict.close("weights", sample.weights, case.expect["weights"])
    verdict.close("sum", sample.weights.sum(), case.expect["sum"])


def table(case: Case, sample: Sample, verdict: Verdict) -> None:
    """Weighted counts: totals of the column of ones that `prepared` makes."""
    counted = sample.total("sandu_one", by=case.request["y"])
    found = {
        tuple(str(part) for part in label): value for label, value in zip(counted.domains, counted.values, strict=True)
    }
    if "labels" in case.expect:
        verdict.close("counts", [found[(label,)] for label in as_list(case.expect["labels"])], case.expect["estimates"])
        return
    rows, columns = case.expect["row_levels"], case.expect["col_levels"]
    verdict.close(
        "table", [[found.get((row, column), 0.0) for column in columns] for row in rows], case.expect["table"]
    )


def prepared(case: Case, data: pd.DataFrame) -> pd.DataFrame:
    """The table with the columns that some requests need: a column of ones, the domain as a column."""
    data = data.assign(sandu_one=1.0)
    if case.request["stat"] != "domain_vs_population":
        return data
    inside = np.ones(len(data), dtype=bool)
    for one in case.request["domain"]:
        if one["op"] not in ("==", ">=", "in"):
            raise Unsupported
        column, value = data[one["var"]], one["value"]
        inside &= {
            "==": lambda column=column, value=value: column == value,
            ">=": lambda column=column, value=value: column >= value,
            "in": lambda column=column, value=value: column.isin(value),
        }[one["op"]]().to_numpy()
    return data.assign(sandu_domain=np.where(inside, "in", "out"))


SUPPORTED: dict[str, Callable[[Case, Sample, Verdict], None]] = {
    **DISTRIBUTIONS,
    **TESTS,
    **MODELS,
    "mean": mean,
    "total": total,
    "ratio": ratio,
    "var": variance,
    "ciprop": ciprop,
    "contrast": contrast,
    "domain_vs_population": domain_vs_population,
    "composite": composite,
    "composite_by": composite,
    "rank_intervals": rank_intervals,
    "weights": weights,
    "table": table,
}
