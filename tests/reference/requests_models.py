"""The models of the reference: regressions, proportional odds, reliability."""

from collections.abc import Callable
from typing import Any

import numpy as np

from analysis import Sample
from tests.reference.closeness import Verdict
from tests.reference.declared import Case, conditions_of

OLR = 1e-3


def glm(case: Case, sample: Sample, verdict: Verdict) -> None:
    request, expect = case.request, case.expect
    found = sample.regress(
        request["formula"],
        family=request["family"],
        link=request.get("link"),
        levels=request.get("factors"),
        where=conditions_of(request.get("where")),
    )
    coefficients(found, expect, verdict)
    frame = found.to_frame()
    verdict.close("statistic", frame["t"], expect["statistic"])
    verdict.close_p("p", frame["p"], expect["p"])
    for term in expect.get("term_tests", []):
        (row,) = found.test_terms([term["term"]]).to_dict("records")
        for name in ("f", "ndf", "ddf", "chisq"):
            if term[name] != []:  # with infinite df this R gives no statistic
                verdict.close(name, row[name], term[name])
        verdict.close_p("p of the term", [row["p"], row["p_chisq"]], [term["p"], term["p_chisq"]])


def olr(case: Case, sample: Sample, verdict: Verdict) -> None:
    """R's `svyolr` stops its search where the likelihood moves by less than 1e-8, and takes the information from
    differences of a thousandth: three to five digits. Told to search on (reltol=1e-16, ndeps=1e-5) it comes to ours
    within 1e-7; tests/analysis/test_regression.py holds those numbers.
    """
    found = sample.regress(case.request["formula"], family="ordinal", where=conditions_of(case.request.get("where")))
    rough = Verdict(OLR)
    coefficients(found, case.expect, rough)
    verdict.complaints += rough.complaints


def coefficients(found: Any, expect: dict[str, Any], verdict: Verdict) -> None:
    """Limits are held by their distance from the estimate: R's working weights are those of the step before the last,
    which a limit near 0 would show many times enlarged.
    """
    verdict.same("labels", list(found.variables), expect["labels"])
    verdict.close("estimates", found.values, expect["estimates"])
    verdict.close("se", found.se, expect["se"])
    verdict.close_matrix("vcov", found.covariance, expect["vcov"])
    verdict.close("df", found.df, np.full(len(found.df), expect["df"]).tolist())
    for key, df in (("ci", "valid"), ("ci_normal", float("inf"))):
        limits = found.interval(level=expect["ci_level"], df=df) - found.values[:, None]
        expected = np.array(expect[key]) - np.array(expect["estimates"])[:, None]
        verdict.close(key, limits, expected.tolist())


def alpha(case: Case, sample: Sample, verdict: Verdict) -> None:
    found = sample.reliability(case.request["y"], where=conditions_of(case.request.get("where")))
    verdict.close("estimates", found.values, case.expect["estimates"])


MODELS: dict[str, Callable[[Case, Sample, Verdict], None]] = {"glm": glm, "olr": olr, "alpha": alpha}
