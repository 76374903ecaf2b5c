"""Counts kept at the moment something happens: what the reconciliation is held against."""

from __future__ import annotations

from sqlalchemy import bindparam, func, select
from sqlalchemy.dialects.postgresql import insert

from survey_app.store.connections import Connection, Row
from survey_app.store.tables import tally

SHARDS = 8
# started      a first page was saved, or a whole interview came at once
# accepted     an answer was stored
# quarantined  a body was kept that does not hold, the first under its id
# released     an id that was quarantined has since been accepted
# duplicate    the same came again and was absorbed
# expired      a draft was removed unfinished: nobody came back to it, or its quota was full
# quota_full   of those, the ones whose quota was full
# moved_out    an interview under way left this district, mode and stream (its address was answered or changed)
# moved_in     and came to this one
# erased       an answer was removed at its owner's wish

_ADD = insert(tally).on_conflict_do_update(
    index_elements=[column.name for column in tally.primary_key], set_={"count": tally.c.count + 1}
)
_SUMS = (
    select(tally.c.district, tally.c.mode, tally.c.stream, tally.c.event, func.sum(tally.c.count).label("count"))
    .where(tally.c.wave == bindparam("the_wave"))
    .group_by(tally.c.district, tally.c.mode, tally.c.stream, tally.c.event)
)


def count(connection: Connection, event: str, row: Row, id: str) -> None:
    """Add one. row: wave, district (or None), mode, stream; id: spreads the count over shards, and is not kept."""
    values = {
        "wave": row["wave"],
        "district": row["district"] or "",
        "mode": row["mode"],
        "stream": row["stream"],
        "event": event,
        "shard": int(id[-2:], 16) % SHARDS,
        "count": 1,
    }
    connection.run(_ADD, values)


def move(connection: Connection, before: Row, after: Row, id: str) -> None:
    """Count an interview that was started under one district, mode and stream on under another; nothing when equal.

    Always out before in, and before any other event of its transaction: so that no two transactions of PostgreSQL wait
    for each other's rows.
    """
    if _key(before) != _key(after):
        count(connection, "moved_out", before, id)
        count(connection, "moved_in", after, id)


def _key(row: Row) -> tuple[str, str, str]:
    return row["district"] or "", row["mode"], row["stream"]


def sums(connection: Connection, wave: str) -> list[Row]:
    """district ("" = not known), mode, stream, event, count."""
    return [{**row, "count": int(row["count"])} for row in connection.all(_SUMS, {"the_wave": wave})]
