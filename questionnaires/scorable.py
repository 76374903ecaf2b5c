"""What an item needs so that its answers can be asked, worked out and scored; what lacks it is refused with its row."""

from questionnaires.items import Item
from questionnaires.scoring import NUMBERS, problem
from questionnaires.sheets import Row


def check_scoring(item: Item, row: Row) -> None:
    """InstrumentError: no question, no calculation, or an index that its answers cannot count into."""
    if item.shown and not item.labels:
        raise row.error(f"item {item.name!r} has no label; write the question")
    if item.type == "calculate" and item.calculation is None:
        raise row.error(f"item {item.name!r} has no calculation; write one")
    if item.index is None:
        return
    if item.type in NUMBERS:
        _check_number(item, row)
        return
    if item.type != "select_one":
        raise row.error(f"item {item.name!r} counts into an index; only a select_one or a number can be scored")
    if item.dont_know is None and any(choice.missing == "dont_know" for choice in item.choices):
        raise row.error(f"item {item.name!r} offers don't know; say zero or exclude in sandu::dont_know")
    if item.dont_know is not None and all(choice.missing != "dont_know" for choice in item.choices):
        raise row.error(
            f"item {item.name!r} has sandu::dont_know, and no choice has that in column missing; fill it or remove this"
        )
    if item.key is not None:
        return
    if item.score is not None and any(choice.score is not None for choice in item.choices):
        raise row.error(f"item {item.name!r} has sandu::score, and its choices have scores; keep one")
    if all(choice.score is None for choice in item.choices) and item.score is None:
        raise row.error(
            f"item {item.name!r} counts into an index, but none of its choices has a score; fill column score"
        )
    for name, score in item.scores().items():
        if score is not None and not 0 <= score <= 100:
            raise row.error(f"choice {name!r} of item {item.name!r} scores {score:g}; a score is between 0 and 100")


def _check_number(item: Item, row: Row) -> None:
    if item.score is None:
        raise row.error(
            f"item {item.name!r} counts into an index; say in sandu::score how its answer '.' becomes 0-100, "
            "such as '100 * . div 10'"
        )
    for column in ("sandu::key", "sandu::reverse", "sandu::dont_know"):
        if column in row.cells:
            raise row.error(f"item {item.name!r} is a number, and {column} is for choices; remove it")
    points = [float(value) for value in item.range.values] if item.range else []
    found = problem(item.type, item.score, item.constraint, points)
    if found:
        raise row.error(f"column sandu::score: {found}")
