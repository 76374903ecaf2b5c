"""The distributions of the reference: quantiles by the present and the older rules, variances, correlations, rank
tests, and likelihood intervals of shares.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from analysis import Sample
from analysis.quantiles import Quantiles
from tests.reference.closeness import Verdict
from tests.reference.declared import Case, conditions_of, data_of

TRANSFORMS: dict[str, Callable[[Any], Any]] = {
    "wilcoxon": lambda ranks: ranks,
    "KruskalWallis": lambda ranks: ranks,
    "vanderWaerden": stats.norm.ppf,
    "median": lambda ranks: (ranks > 0.5) + 0.0,
}


def quantile(case: Case, sample: Sample, verdict: Verdict) -> None:
    request = case.request
    found = sample.quantile(
        request["y"],
        request["probs"],
        rule=request["qrule"],
        interval=request["interval_type"],
        where=conditions_of(request.get("where")),
        level=case.expect["ci_level"],
    )
    if request["interval_type"] == "score":
        judged_score(case, sample, found, verdict)
    else:
        judged(case, found, verdict)


def oldquantile(case: Case, sample: Sample, verdict: Verdict) -> None:
    request = case.request
    found = sample.quantile_legacy(
        request["y"],
        request["probs"],
        method=request["method"],
        f=request["f"],
        interval=request["interval_type"],
        ties=request["ties"],
        where=conditions_of(request.get("where")),
        level=case.expect["ci_level"],
    )
    judged(case, found, verdict)


def judged(case: Case, found: Quantiles, verdict: Verdict) -> None:
    expect = case.expect
    verdict.close("estimates", found.values, expect["estimates"])
    verdict.close("df", found.degrees("design"), [expect["df"]] * len(found.values))
    verdict.close("ci", found.interval(), expect["ci"])
    verdict.close("se", found.se, expect["se"])


def judged_score(case: Case, sample: Sample, found: Quantiles, verdict: Verdict) -> None:
    """The limits by their definition, value by value: the first at which the share at or below is not rejected to be
    p, and the first at which it is again. R finds them as roots of a step function, which its search leaves just below
    or just above the step, and turns a root back into a value by the *unweighted* share of rows up to there: from our
    limits that arithmetic must give R's.
    """
    request, expect = case.request, case.expect
    verdict.close("estimates", found.values, expect["estimates"])
    answers = data_of(case)[request["y"]].dropna().to_numpy()
    verdict.same("limits", found.interval()[0].tolist(), by_definition(case, sample, np.unique(answers)))
    for limit, theirs in zip(found.interval()[0], expect["ci"][0], strict=True):
        shares = [float((answers < limit).mean()), float((answers <= limit).mean())]
        either = sample.quantile(request["y"], shares, rule=request["qrule"]).values.tolist()
        verdict.same(f"R's limit {theirs:g} among the two that its arithmetic may give", theirs in either, True)


def by_definition(case: Case, sample: Sample, values: Any) -> list[float]:
    """The limits of the score interval, from the mean of an indicator for every value there is."""
    (p,), column = case.request["probs"], data_of(case)[case.request["y"]]
    names = [f"sandu_{place}" for place in range(len(values))]
    at_most = [np.where(column.isna(), np.nan, column <= value) for value in values]
    data = pd.concat([sample.data, pd.DataFrame(dict(zip(names, at_most, strict=True)))], axis=1)
    means = replace(sample, data=data).mean(names)
    score = np.divide(means.values - p, means.se, out=np.sign(means.values - p) * np.inf, where=means.se > 0)
    t = stats.t.ppf((1 + case.expect["ci_level"]) / 2, means.degrees("valid")[0])
    return [float(values[np.argmax(score >= bound)]) for bound in (-t, t)]


def correlation(case: Case, sample: Sample, verdict: Verdict) -> None:
    names, where = case.request["y"], conditions_of(case.request.get("where"))
    found = sample.correlation(names, where=where)
    spread = np.sqrt(sample.variance(names, where=where, missing="listwise").values)
    together = np.eye(len(names))
    above = np.triu_indices(len(names), 1)
    together[above] = together.T[above] = found.values
    covariance = np.outer(spread, spread) * together
    verdict.close("correlations", found.values, case.expect["estimates"])
    verdict.close_matrix("covariance", covariance, case.expect["covariance"])


def ranktest(case: Case, sample: Sample, verdict: Verdict) -> None:
    """R gives equal answers the unweighted mean of their rows' places, so that with unequal weights the result depends
    on the order of the rows; ours is the middle of the share that they make up. Where the two agree our number must be
    R's; elsewhere R's ranks, given as a score, must give R's numbers.
    """
    request, expect = case.request, case.expect
    ask = [request["y"], request["group"]]
    own = sample.ranktest(*ask, score=request["test"])
    kept: list[Any] = []
    sample.ranktest(*ask, score=lambda ranks: kept.append(ranks) or ranks)
    transform, theirs = TRANSFORMS[request["test"]], ranks_of_r(data_of(case), sample, *ask)
    found = own
    if not np.allclose(transform(kept[0]), transform(theirs), rtol=0, atol=1e-12):
        found = sample.ranktest(*ask, score=lambda ranks: transform(theirs))
        verdict.same("ours within a twentieth", abs(own.statistic / found.statistic - 1) < 0.05, True)
    if len(found.groups) == 2:
        verdict.close("estimate", found.estimate, expect["estimate"])
        verdict.close("statistic", found.statistic, expect["statistic"])
        verdict.close("df", [found.ddf], expect["parameter"])
    else:
        verdict.close("chi-square", [found.statistic * found.ndf], expect["parameter"])
        verdict.close("degrees of freedom", found.ndf, expect["statistic"])
    verdict.close_p("p", found.p, expect["p"])


def ranks_of_r(data: pd.DataFrame, sample: Sample, item: str, group: str) -> Any:
    """The rank (0-1) that R gives each distinct value, in their order."""
    complete = data[[item, group]].notna().all(axis=1).to_numpy() & (sample.weights > 0)
    rows = pd.DataFrame({"value": data[item].to_numpy(), "weight": sample.weights})[complete]
    rows = rows.sort_values("value", kind="stable")
    place = (rows["weight"].cumsum() - rows["weight"] / 2) / rows["weight"].sum()
    return place.groupby(rows["value"]).mean().to_numpy()


def likelihood(case: Case, limits: Any, verdict: Verdict) -> None:
    """R reads the limits off a spline through about ten points of the profile, joined by straight lines: about 1e-5
    beside the root. Ours must be near them, and at the root itself: where the deviance from the estimate is
    n / (n - 1) deff t^2.
    """
    expect = case.expect
    near = Verdict(3e-5)
    near.close("ci", limits, expect["ci"])
    verdict.complaints += near.complaints
    p, se, n = np.float64(expect["estimates"]), np.float64(expect["se"]), expect["n"]
    t = stats.t.ppf((1 + expect["ci_level"]) / 2, expect["df"])
    deviance = 2 * n * (p * np.log(p / limits) + (1 - p) * np.log((1 - p) / (1 - limits)))
    allowed = n / (n - 1) * (n * se**2 / (p * (1 - p))) * t**2
    verdict.close("deviance at the limits", deviance, np.broadcast_to(allowed, limits.shape).tolist())


DISTRIBUTIONS: dict[str, Callable[[Case, Sample, Verdict], Any]] = {
    "quantile": quantile,
    "oldquantile": oldquantile,
    "correlation": correlation,
    "ranktest": ranktest,
}
