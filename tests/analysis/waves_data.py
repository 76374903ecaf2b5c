"""Samples of made-up answers for the tests of estimation: small, seeded, with everything that can be awkward in it."""

import numpy as np
import pandas as pd

from analysis import Design

DESIGN = Design(weight="base_weight", stratum="stratum", psu="psu")
SEXES = ("female", "male")
BANDS = ("18-39", "40-59", "60+")


def wave(seed: int = 1, *, districts: int = 4, psus: int = 6, people: int = 8, slug: str = "one") -> pd.DataFrame:
    """One wave: districts as strata, psus that differ, answers 0-100 in tens, one in ten missing, an answer in
    words.
    """
    random = np.random.default_rng(seed)
    rows = []
    for d in range(districts):
        for i in range(psus):
            shift = random.normal(0, 12)
            for _ in range(people):
                sex, band = SEXES[random.integers(2)], BANDS[random.integers(3)]
                level = 50 + 5 * d + shift + (6 if sex == "female" else 0) + random.normal(0, 20)
                rows.append(
                    {
                        "wave": slug,
                        "district": f"51010{d}",
                        "stratum": f"51010{d}",
                        "psu": f"51010{d}{i:03d}",
                        "base_weight": float(50 + 20 * d + random.integers(0, 3)),
                        "sex": sex,
                        "band": band,
                        "y": np.nan if random.random() < 0.1 else round(float(np.clip(level, 0, 100)), -1),
                        "z": float(random.integers(0, 5) * 25),
                        "word": None if random.random() < 0.05 else str(random.choice(["yes", "no", "dont_know"])),
                    }
                )
    return pd.DataFrame(rows)


def margins(frame: pd.DataFrame) -> list[dict[object, dict[object, float]]]:
    """Totals by district x sex and by band that the sample does not meet yet, with one sum."""
    size = {d: 10_000.0 + 1_000 * k for k, d in enumerate(sorted(frame["district"].unique()))}
    by_sex = {(d, sex): size[d] * share for d in size for sex, share in (("female", 0.53), ("male", 0.47))}
    total = sum(size.values())
    return [{("district", "sex"): by_sex}, {"band": {"18-39": 0.4 * total, "40-59": 0.35 * total, "60+": 0.25 * total}}]
