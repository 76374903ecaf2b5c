"""Runs every case of every reference file in a folder; knows no id, no data set and no number."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.reference.closeness import CLOSED, ITERATIVE, Verdict
from tests.reference.declared import Case, Unsupported, data_of, kind_of, sample_of, steps_of
from tests.reference.requests import SUPPORTED, prepared

PASSED, FAILED, UNSUPPORTED = "passed", "failed", "unsupported"


@dataclass(frozen=True)
class Outcome:
    """What became of a case."""

    name: str
    kind: str
    state: str
    worst: float
    complaint: str


def cases_in(folder: Path) -> Iterator[Case]:
    for path in sorted(folder.glob("*.json")):
        dataset = json.loads(path.read_text(encoding="utf-8"))
        categorical = dataset.get("categorical") or []
        categorical = [categorical] if isinstance(categorical, str) else categorical
        for body in dataset["cases"]:
            yield Case(folder, dataset["file"], tuple(categorical), body)


def run(case: Case) -> Outcome:
    """One case; anything but the expected numbers, or the expected refusal, is a failure."""
    verdict = Verdict(tolerance_of(case))
    try:
        attempt(case, verdict)
    except Unsupported:
        return Outcome(case.name, kind_of(case), UNSUPPORTED, 0.0, "")
    except (ValueError, AssertionError, ArithmeticError, LookupError, TypeError) as error:
        verdict.complaints.append(f"{type(error).__name__}: {error}")
    state = FAILED if verdict.complaints else PASSED
    return Outcome(case.name, kind_of(case), state, verdict.worst, "; ".join(verdict.complaints))


def attempt(case: Case, verdict: Verdict) -> None:
    if case.request["stat"] not in SUPPORTED:
        raise Unsupported
    if not case.expect.get("error"):
        SUPPORTED[case.request["stat"]](case, sample_of(case, prepared(case, data_of(case))), verdict)
        return
    try:
        SUPPORTED[case.request["stat"]](case, sample_of(case, prepared(case, data_of(case))), Verdict(1.0))
    except ValueError:
        return
    verdict.complaints.append("gave numbers where the request must be refused")


def tolerance_of(case: Case) -> float:
    iterative = any(step["method"] in ("rake", "calibrate") for step in steps_of(case))
    fitted = case.request["stat"] in ("glm", "olr") or case.request.get("method") in ("logit", "likelihood")
    return ITERATIVE if iterative or fitted else CLOSED
