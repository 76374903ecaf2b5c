"""What `sandu redemption` and `sandu retention` print."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rich.table import Table

from analysis import format_number
from survey_app.cli.screen import word
from survey_app.store import redemption, units, waves
from survey_app.store.database import Store
from survey_app.store.redemption import Day, Redeemed
from survey_app.store.retention import Due


def tables(store: Store, slug: str, language: str) -> list[Table]:
    """Invitations by batch and by district in official order, and answers by day; the sum last."""
    wave = waves.get(store, slug)
    found = redemption.redemption(store, wave)
    names = units.names(store, wave.scheme, wave.edition, language)
    places = {code: place for place, code in enumerate(names)}
    districts = sorted(found.districts, key=lambda one: places.get(one.name, len(places)))
    return [
        _table(word("Invitations by batch (persons)"), word("batch"), found.batches, found.whole, {"": "-"}),
        _table(word("Invitations by district (persons)"), word("district"), districts, found.whole, names),
        _days(found.days),
    ]


def _table(title: str, what: str, rows: Iterable[Redeemed], whole: Redeemed, names: Mapping[str, str]) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column(what, no_wrap=True)
    for name in ("sent", "answered", "expired", "answered of sent, %"):
        table.add_column(word(name), justify="right")
    for one in rows:
        table.add_row(names.get(one.name, one.name), *_counts(one))
    table.add_section()
    table.add_row(word("All"), *_counts(whole))
    return table


def _counts(one: Redeemed) -> list[str]:
    return [str(one.sent), str(one.answered), str(one.expired), format_number(one.rate) if one.sent else "-"]


def _days(days: Iterable[Day]) -> Table:
    table = Table(title=word("Answers by link, by day (persons)"), title_justify="left")
    for name in ("day", "answers", "until then", "answered of sent, %"):
        table.add_column(word(name), justify="left" if name == "day" else "right")
    for one in days:
        table.add_row(one.day.isoformat(), str(one.answers), str(one.until_then), format_number(one.rate))
    return table


def retention_table(found: Iterable[Due]) -> Table:
    """What of each wave is past its time."""
    table = Table(title=word("Past its time"), title_justify="left")
    for name in ("wave", "retention days", "answers", "held", "drafts", "contacts", "snapshots"):
        table.add_column(word(name), justify="left" if name == "wave" else "right")
    for one in found:
        days = "-" if one.days is None else str(one.days)
        counts = (one.answers, one.held, one.drafts, one.contacts, len(one.snapshots))
        table.add_row(one.wave, days, *(str(count) for count in counts))
    return table
