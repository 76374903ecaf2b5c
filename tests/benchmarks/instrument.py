"""Instrument: loading, cleaning, paging and searching, against reading the same sheets without any check."""

import statistics
from collections.abc import Callable, Iterator
from pathlib import Path

from ruamel.yaml import YAML

from questionnaires import load_instrument
from tests.benchmarks.measuring import Figure, paired, seconds

LIBRARY = Path(__file__).parents[2] / "questionnaires" / "library" / "public-opinion.yaml"
ADMITTED = {"city": "510100", "fieldwork_year": 2026, "consent": "yes", "S1": "yes", "S2": "yes", "S3": "no"}


def figures() -> Iterator[Figure]:
    ours, floor, ratio = paired(
        lambda: load_instrument(LIBRARY), lambda: YAML(typ="rt").load(LIBRARY.read_text("utf-8"))
    )
    yield Figure("load public-opinion.yaml with 4,785 communities", ours, "s")
    yield Figure("parse the same YAML", floor, "s")
    yield Figure("ratio", ratio, "times")
    form = load_instrument(LIBRARY)
    answers = {**ADMITTED, "D5_district": "510104", "D5_street": "510104017", "D2": "1956"}
    answers |= {item.name: item.choices[0].name for item in form.items.values() if item.type == "select_one"} | answers
    yield Figure("clean a whole set of answers", _each(lambda: form.clean(answers), 500), "ms")
    yield Figure("next page", _each(lambda: form.next_page(answers, "address"), 500), "ms")
    yield Figure("find a community by name", _each(lambda: form.items["D5_community"].search("水井坊"), 50), "ms")


def _each(work: Callable[[], object], times: int) -> float:
    def repeated() -> None:
        for _ in range(times):
            work()

    return statistics.median(seconds(repeated) for _ in range(5)) / times * 1000
