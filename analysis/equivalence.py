"""Equivalence: whether a difference is shown to be smaller than a stated margin, by two one-sided tests.

"Not significant" is not "unchanged"; this is the test for "unchanged" (Schuirmann 1987; Lakens 2017). The adjustment
for many differences is that of the comparison.
"""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.adjusting import adjusted_p, error_rate
from analysis.errors import DesignError
from analysis.estimates import is_number

if TYPE_CHECKING:
    from analysis.families import Comparison
    from analysis.simultaneous import MaxT

Floats = NDArray[np.float64]
COLUMNS = ("difference", "se", "margin", "p", "p_adjusted", "low", "high", "verdict")


def equivalence(comparison: "Comparison", margin: float) -> pd.DataFrame:
    """One row per difference: domain, reference, difference, se, margin, p, p_adjusted, low, high, verdict.

    margin: above 0, in the units of the estimates. p: the larger of the p of "at least the margin above" and "at least
    the margin below". low, high: the interval that lies within the margin exactly where the test finds equivalence (of
    level 1 - 2 alpha for a single difference). verdict: "equivalent", "different", "different, within the margin" or
    "undecided"; "" where there is no test. Raises DesignError for a margin that is none.
    """
    if not (is_number(margin) and np.isfinite(margin) and margin > 0):
        raise DesignError(
            f"margin={margin!r} is no margin: give the largest difference that would not matter, above 0, in the units "
            "of the estimates."
        )
    if comparison.parts:
        return pd.concat([equivalence(part, margin) for part in comparison.parts], ignore_index=True)
    p, adjusted, limits = _tests(comparison, margin)
    frame = comparison.to_frame()
    frame = frame.assign(
        margin=float(margin),
        p=p,
        p_adjusted=adjusted,
        low=limits[:, 0],
        high=limits[:, 1],
        verdict=_verdicts(comparison, adjusted),
    )
    named = [name for name in ("variable", "domain", "reference") if name in frame]
    return frame[[*named, *COLUMNS, *(name for name in ("reason", "note") if name in frame)]]


def _tests(comparison: "Comparison", margin: float) -> tuple[Floats, Floats, Floats]:
    """m p values, adjusted p values and m x 2 limits; missing where there is no test."""
    from scipy import stats

    tested, alpha = comparison.tested, 1 - comparison.level
    p, adjusted, critical = (np.full(len(tested), np.nan) for _ in range(3))
    if tested.any():
        df, se, size = comparison.df[tested], comparison.se[tested], np.abs(comparison.differences[tested])
        # the nearer of the two margins decides
        statistics = (margin - size) / se
        p[tested] = stats.t.sf(statistics, df)
        if comparison.adjust == "max-t":
            assert comparison.simulation is not None
            adjusted[tested], critical[tested] = _one_sided(comparison.simulation, statistics, alpha)
        else:
            adjusted[tested] = adjusted_p(p[tested], comparison.adjust)
            critical[tested] = stats.t.ppf(1 - error_rate(p[tested], comparison.adjust, comparison.level), df)
    half = critical * comparison.se
    limits = np.column_stack([comparison.differences - half, comparison.differences + half])
    # a step-down test may find equivalence where the single-step interval reaches beyond the margin: it ends there
    found = adjusted <= alpha
    limits[found] = np.clip(limits[found], -margin, margin)
    return p, adjusted, limits


def _one_sided(family: "MaxT", statistics: Floats, alpha: float) -> tuple[Floats, float]:
    """Adjusted p of m one-sided statistics, and the critical value.

    Of the two hypotheses "above the margin" and "below it" one at most is true of each difference, but not known
    which, so that the largest |T| bounds the error, as does the sum of the single tails; the smaller counts. For one
    difference this is the single test.
    """
    draws = len(family.drawn)
    singles = np.sort(np.abs(family.drawn), axis=None)
    largest = np.sort(family.largest)

    def error(at: Floats) -> Floats:
        size = np.abs(at)
        joint = np.where(at > 0, draws - np.searchsorted(largest, size, side="left"), draws)
        tails = (singles.size - np.searchsorted(singles, size, side="left")) / 2
        tails = np.where(at > 0, tails, singles.size - tails)
        return np.asarray((1 + np.minimum(joint, tails)) / (draws + 1))

    place = np.searchsorted(-error(largest), -alpha, side="left")
    return error(statistics), float(largest[min(int(place), draws - 1)])


def _verdicts(comparison: "Comparison", adjusted: Floats) -> list[str]:
    alpha = 1 - comparison.level
    words = {
        (True, True): "different, within the margin",
        (True, False): "equivalent",
        (False, True): "different",
        (False, False): "undecided",
    }
    pairs = zip((adjusted <= alpha).tolist(), (comparison.p_adjusted <= alpha).tolist(), strict=True)
    return [words[pair] if known else "" for pair, known in zip(pairs, comparison.tested.tolist(), strict=True)]
