"""The stratified sample of schools of the reference, and what R says of it after steps of weighting."""

from pathlib import Path

import pandas as pd

from analysis import Design, Sample

HERE = Path(__file__).parent
TOTALS = {"(Intercept)": 6194, "stypeH": 755, "stypeM": 1018, "api99": 3914069}


def api() -> Sample:
    schools = pd.read_csv(HERE.parent / "reference" / "apistrat.csv")
    responded = [(row * 7) % 10 < 7 for row in range(1, len(schools) + 1)]
    return Sample(schools.assign(responded=responded), Design(weight="pw", stratum="stype", fpc="fpc"))


def linear(sample: Sample, **given) -> Sample:
    return sample.calibrate("stype + api99", TOTALS, **given)


def by_hand(case: str) -> pd.DataFrame:
    """The estimates and standard errors of one case of data/weighting_by_hand.R."""
    expected = pd.read_csv(HERE / "data" / "weighting_by_hand.csv")
    return expected[expected["case"] == case]
