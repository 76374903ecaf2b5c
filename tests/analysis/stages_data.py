"""Pupils of two rooms of three schools of two regions: a sample in three stages for the tests of designs.

The expected numbers stand in the tests with their R calls; `data` below is this table.
"""

import pandas as pd

ROOMS = [
    ("north", "n0", 1, 9, 7, 6, [26, 30, 12], "aaa"),
    ("north", "n0", 2, 9, 7, 6, [58, 21, 22], "aab"),
    ("north", "n1", 1, 9, 6, 10, [42, 54, 45], "bba"),
    ("north", "n1", 2, 9, 6, 6, [40, 43, 64], "bbb"),
    ("north", "n2", 1, 9, 4, 10, [45, 63, 60], "bbb"),
    ("north", "n2", 2, 9, 4, 9, [24, 42, 35], "abb"),
    ("south", "s0", 1, 12, 6, 7, [49, 49, 57], "baa"),
    ("south", "s0", 2, 12, 6, 9, [60, 53, 68], "aba"),
    ("south", "s1", 1, 12, 4, 7, [20, 50, 29], "baa"),
    ("south", "s1", 2, 12, 4, 10, [46, 29, 45], "aab"),
    ("south", "s2", 1, 12, 7, 9, [29, 51, 38], "baa"),
    ("south", "s2", 2, 12, 7, 10, [41, 37, 58], "aaa"),
]
FIRST = [0.31, 0.31, 0.12, 0.12, 0.45, 0.45, 0.2, 0.2, 0.5, 0.5, 0.27, 0.27]
SECOND = [0.3, 0.2, 0.5, 0.25, 0.4, 0.4, 0.1, 0.35, 0.6, 0.3, 0.2, 0.5]


def pupils() -> pd.DataFrame:
    """36 pupils: region, school, room, pupil, answer y, group g; n1 schools of the region, n2 rooms of the school, n3
    pupils of the room. Rooms and pupils are numbered anew in each school and room.
    """
    rows = [
        {"region": region, "school": school, "room": room, "pupil": k + 1, "n1": n1, "n2": n2, "n3": n3, "y": y, "g": g}
        for region, school, room, n1, n2, n3, answers, groups in ROOMS
        for k, (y, g) in enumerate(zip(answers, groups, strict=True))
    ]
    return pd.DataFrame(rows)


def rooms() -> pd.DataFrame:
    """12 rooms, each with its first pupil's answer: pi1, the inclusion probability of the school, pi2, of the room."""
    table = pupils()
    return table[table["pupil"] == 1].reset_index(drop=True).assign(pi1=FIRST, pi2=SECOND)
