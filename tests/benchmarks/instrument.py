"""Instrument: loading, cleaning, paging and searching, against reading the same sheets without any check."""

import json
import statistics
from collections.abc import Callable, Iterator
from pathlib import Path

from ruamel.yaml import YAML

from questionnaires import Instrument, load_instrument, load_instrument_text
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
    long = load_instrument_text(_long_form(300))
    many = {f"q{place}": "good" if place % 7 else "poor" for place in range(0, 300, 2)}
    yield Figure("next page of 300 items", _each(lambda: long.next_page(many, "q150"), 100), "ms")
    yield Figure("whole page of 300 items", _each(lambda: _page_of(long, many), 50), "ms")
    yield Figure("find a community by name", _each(lambda: form.items["D5_community"].search("水井坊"), 50), "ms")


def _page_of(form: Instrument, answers: dict[str, str]) -> None:
    """What a door asks for one page: what is wrong, which comes next, how far it is."""
    page = form.page("q150")
    form.problems(page, answers, submission_id="one")
    following = form.next_page(answers, "q150", submission_id="one")
    if following is not None:
        form.progress(answers, following, submission_id="one")


def _long_form(items: int) -> str:
    """A form in which every third item hangs on an earlier one, as sheets in JSON."""
    label = "label::中文 (zh)"
    rows = [{"type": "select_one scale", "name": f"q{place}", label: f"第{place}题"} for place in range(items)]
    for place in range(2, items, 3):
        rows[place]["relevant"] = f"${{q{place - 2}}} = 'good' or ${{q{place - 1}}} != ''"
    choices = [{"list_name": "scale", "name": name, label: name} for name in ("good", "poor")]
    settings = [{"form_title": "长", "form_id": "long", "version": "1", "default_language": "中文 (zh)"}]
    return json.dumps({"settings": settings, "survey": rows, "choices": choices}, ensure_ascii=False)


def _each(work: Callable[[], object], times: int) -> float:
    def repeated() -> None:
        for _ in range(times):
            work()

    return statistics.median(seconds(repeated) for _ in range(5)) / times * 1000
