"""What came in, what became of it, and whether the numbers add up.

    started  = drafts open + drafts expired + received + erased
    received = accepted + quarantined
    accepted = counted + excluded

The right sides are counted from the rows as they stand; `started`, `accepted`, `quarantined` and `duplicates` were
also counted when each happened (the tally), and `equations` holds the two against each other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import date, timedelta
from typing import Any

from sqlalchemy import and_, bindparam, case, func, select

from survey_app.store import tallies, waves
from survey_app.store.connections import Connection, Row
from survey_app.store.database import Store
from survey_app.store.shapes import Wave
from survey_app.store.tables import draft, quarantine, response

DRAFT_DAYS = 30  # after so many days without a page saved, a draft counts as expired
_DRAFT_STREAM = case((draft.c.case.is_not(None), "probability"), else_="opt-in").label("stream")
_HELD_DRAFT = select(quarantine.c.id).where(quarantine.c.id == draft.c.id).exists()
_DRAFTS = (
    select(
        draft.c.district,
        draft.c.mode,
        _DRAFT_STREAM,
        draft.c.page.is_(None).label("only_opened"),
        (draft.c.updated_on < bindparam("the_day")).label("stale"),
        func.count().label("count"),
    )
    .where(draft.c.wave == bindparam("the_wave"), ~_HELD_DRAFT)
    .group_by(draft.c.district, draft.c.mode, "stream", "only_opened", "stale")
)
_RESPONSES = (
    select(
        response.c.district,
        response.c.mode,
        response.c.stream,
        response.c.excluded.is_not(None).label("excluded"),
        func.count().label("count"),
    )
    .where(response.c.wave == bindparam("the_wave"))
    .group_by(response.c.district, response.c.mode, response.c.stream, "excluded")
)
_ACCEPTED_SINCE = select(response.c.id).where(response.c.id == quarantine.c.id).exists()
# Of several bodies under one id the one with the smallest hash stands for it.
_FIRST = quarantine.alias("other")
_HELD = (
    select(quarantine.c.district, quarantine.c.mode, quarantine.c.stream, func.count().label("count"))
    .where(
        quarantine.c.wave == bindparam("the_wave"),
        ~_ACCEPTED_SINCE,
        ~select(_FIRST.c.id)
        .where(and_(_FIRST.c.id == quarantine.c.id, _FIRST.c.body_hash < quarantine.c.body_hash))
        .exists(),
    )
    .group_by(quarantine.c.district, quarantine.c.mode, quarantine.c.stream)
)


@dataclass(frozen=True)
class Line:
    """Interviews of one district, mode and stream. district None: not yet known. opened: an invitation was opened and
    no page saved yet, which is not a start."""

    district: str | None
    mode: str
    stream: str
    opened: int = 0
    started: int = 0
    drafts_open: int = 0
    drafts_expired: int = 0
    received: int = 0
    accepted: int = 0
    quarantined: int = 0
    counted: int = 0
    excluded: int = 0
    duplicates: int = 0
    erased: int = 0


COUNTS = tuple(field.name for field in fields(Line) if field.name not in {"district", "mode", "stream"})
Key = tuple[str | None, str, str]
# Events of the tally that take something out of the rows again.
GONE = {"erased": "erased", "expired": "drafts_expired"}


def table(store: Store, wave: Wave | str) -> list[Line]:
    """One line per district, mode and stream, "not yet known" (district None) last."""
    known = waves.get(store, waves.slug_of(wave))
    return store.read(lambda connection: _lines(connection, known))


def total(lines: Iterable[Line]) -> Line:
    """The lines added up, as one line with district None and mode and stream "all"."""
    sums: Counter[str] = Counter()
    for line in lines:
        sums.update({name: getattr(line, name) for name in COUNTS})
    return Line(None, "all", "all", **{name: sums[name] for name in COUNTS})


def equations(store: Store, wave: Wave | str) -> list[str]:
    """A sentence for each equation of the wave that does not hold, and by how much; empty when all hold."""
    known = waves.get(store, waves.slug_of(wave))

    def work(connection: Connection) -> list[str]:
        whole = total(_lines(connection, known))
        happened: Counter[str] = Counter()
        for row in tallies.sums(connection, known.slug):
            happened[row["event"]] += row["count"]
        return _differences(known.slug, whole, happened)

    return store.read(work)


def _differences(slug: str, whole: Line, happened: Mapping[str, int]) -> list[str]:
    sides = {
        "interviews started = drafts open + drafts expired + received + erased": (
            happened["started"],
            whole.drafts_open + whole.drafts_expired + whole.received + whole.erased,
        ),
        "submissions accepted = responses stored + erased": (happened["accepted"], whole.accepted + whole.erased),
        "submissions quarantined = held + accepted since": (
            happened["quarantined"],
            whole.quarantined + happened["released"],
        ),
    }
    return [
        f"Wave {slug!r}: {name} does not hold: {left} against {right} ({left - right:+d})."
        for name, (left, right) in sides.items()
        if left != right
    ]


def _lines(connection: Connection, wave: Wave) -> list[Line]:
    found: dict[Key, Counter[str]] = {}

    def add(row: Row, name: str) -> None:
        key = (row["district"] or None, row["mode"], row["stream"])
        found.setdefault(key, Counter())[name] += row["count"]

    over = waves.closed_because(wave.state, wave.opens, wave.closes, date.today()) == "closed"
    values = {"the_wave": wave.slug, "the_day": (date.today() - timedelta(days=DRAFT_DAYS)).isoformat()}
    for row in connection.all(_DRAFTS, values):
        expired = over or row["stale"]
        add(row, "opened" if row["only_opened"] else "drafts_expired" if expired else "drafts_open")
    for row in connection.all(_RESPONSES, values):
        add(row, "excluded" if row["excluded"] else "counted")
    for row in connection.all(_HELD, values):
        add(row, "quarantined")
    for row in tallies.sums(connection, wave.slug):
        if row["event"] == "duplicate":
            add(row, "duplicates")
        elif row["event"] in GONE:
            add(row, GONE[row["event"]])
    ordered = sorted(found.items(), key=lambda one: (one[0][0] is None, one[0][0] or "", *one[0][1:]))
    return [_line(key, counts) for key, counts in ordered]


def _line(key: Key, counts: Counter[str]) -> Line:
    accepted = counts["counted"] + counts["excluded"]
    received = accepted + counts["quarantined"]
    started = counts["drafts_open"] + counts["drafts_expired"] + received + counts["erased"]
    sums: dict[str, Any] = {**counts, "accepted": accepted, "received": received, "started": started}
    return Line(*key, **{name: sums.get(name, 0) for name in COUNTS})
