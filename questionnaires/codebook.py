"""The codebook: what each item asks, what each answer means and scores."""

import csv
from pathlib import Path
from typing import Any

from questionnaires.choices import Choice
from questionnaires.instrument import Instrument
from questionnaires.items import Item


def codebook_rows(instrument: Instrument) -> list[dict[str, Any]]:
    """One row per item and choice; an item without listed choices has one row.

    Columns: item, type, role, label_<language>, choice, choice_label_<language>, score (0-100 with the item's
    don't-know rule applied; of a verifiable item None, since its ledger decides), missing, index, item_weight, key,
    score_expression (the item's sandu::score over its answer "."). An empty cell is "" or, for a number, None.
    """
    rows = []
    for item in instrument.items.values():
        listed = () if item.type == "select_one_from_file" else item.choices
        scores = item.scores() if listed else {}
        rows += [_row(instrument, item, choice, scores.get(choice.name)) for choice in listed] or [
            _row(instrument, item, None, None)
        ]
    return rows


def _row(instrument: Instrument, item: Item, choice: Choice | None, score: float | None) -> dict[str, Any]:
    return {
        "item": item.name,
        "type": item.type,
        "role": item.role or "",
        **{f"label_{language}": item.label(language) for language in instrument.languages},
        "choice": choice.name if choice else "",
        **{f"choice_label_{language}": choice.label(language) if choice else "" for language in instrument.languages},
        "score": score,
        "missing": (choice.missing if choice else None) or "",
        "index": item.index or "",
        "item_weight": item.item_weight,
        "key": item.key or "",
        "score_expression": item.score.text if item.score else "",
    }


def write_codebook(instrument: Instrument, path: Path) -> None:
    """The codebook as CSV in UTF-8 with a mark that Excel knows; an empty cell has no value."""
    rows = codebook_rows(instrument)
    with path.open("w", encoding="utf-8-sig", newline="") as target:
        writer = csv.DictWriter(target, list(rows[0]) if rows else ["item"])
        writer.writeheader()
        writer.writerows(rows)
