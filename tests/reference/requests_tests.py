"""The tests of the reference: two-way tables, given shares, t tests."""

from collections.abc import Callable
from typing import Any

import numpy as np

from analysis import Sample
from tests.reference.closeness import Verdict
from tests.reference.declared import Case, conditions_of


def chisq(case: Case, sample: Sample, verdict: Verdict) -> None:
    """`lincom` of the reference is R's without the package CompQuadForm, which silently gives the saddlepoint p (up to
    a fifth off the integral). Ours is held against the integral itself, which for two design effects is that of a
    smooth periodic function.
    """
    request, expect = case.request, case.expect
    table = sample.crosstab(*request["vars"], where=conditions_of(request.get("where")))
    found = table.test(request["statistic"])
    verdict.same("rows", [str(level) for level in table.row_levels], expect["row_levels"])
    verdict.same("columns", [str(level) for level in table.column_levels], expect["col_levels"])
    verdict.close("table", table.counts.values.reshape(table.shape), expect["table"])
    verdict.same("n", found.n, expect["n"])
    verdict.close("statistic", found.statistic, expect["statistic"])
    verdict.close("pearson", found.pearson, expect["pearson_x2_proportions"])
    p = found.p
    if request["statistic"] == "lincom":
        p = table.test("saddlepoint").p
        verdict.close("p of two chi-squares", found.p, tail_of_two(found, table.design_effects))
    verdict.close_p("p", p, expect["p"])
    if "parameter" in expect:
        numbers = [found.ndf] if request["statistic"] == "Chisq" else [found.ndf, found.ddf]
        verdict.close("parameter", numbers, expect["parameter"])


def tail_of_two(found: Any, effects: Any) -> float:
    """P(a chi2(1) + b chi2(1) > X2 chi2(ddf) / ddf): in polar coordinates the two are (a cos^2 + b sin^2) chi2(2), and
    P(chi2(2) > s chi2(ddf) / ddf) = (1 + s / ddf)^(-ddf / 2).
    """
    a, b = effects
    angle = np.arange(2000) * np.pi / 2000
    along = a * np.cos(angle) ** 2 + b * np.sin(angle) ** 2
    return float(np.mean((1 + found.pearson / (found.ddf * along)) ** (-found.ddf / 2)))


def gofchisq(case: Case, sample: Sample, verdict: Verdict) -> None:
    request, expect = case.request, case.expect
    found = sample.goodness_of_fit(request["y"], request["p"], where=conditions_of(request.get("where")))
    verdict.close("statistic", found.statistic, expect["statistic"])
    verdict.close("parameter", [found.scale, found.df], expect["parameter"])
    verdict.close_p("p", found.p, expect["p"])


def ttest(case: Case, sample: Sample, verdict: Verdict) -> None:
    request, expect = case.request, case.expect
    found = sample.ttest(
        request["y"],
        group=request.get("group"),
        mu=request.get("mu"),
        where=conditions_of(request.get("where")),
        level=expect.get("ci_level", 0.95),
    )
    for ours in ("estimate", "se", "statistic", "df"):
        verdict.close(ours, getattr(found, ours), expect[ours])
    verdict.close_p("p", found.p, expect["p"])
    verdict.close("ci", [found.low, found.high], expect["ci"], scale=abs(found.se))


TESTS: dict[str, Callable[[Case, Sample, Verdict], Any]] = {"chisq": chisq, "gofchisq": gofchisq, "ttest": ttest}
