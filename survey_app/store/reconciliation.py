"""What came in, what became of it, and whether the numbers add up.

    started  = drafts open + drafts expired + received + erased
    received = accepted + quarantined
    accepted = counted + excluded

The right sides are counted from the rows as they stand. What happened was also counted when it happened (the tally),
under the district, mode and stream of that moment, with every move from one to another; the two are held against each
other line by line, so an answer that is missing in one district and too many in another is seen.

Somebody whose quota is full did not finish: the draft is removed and counts as expired, and `quota_full` says how many
of the expired those are. Who met a full quota with the first page never started.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, timedelta
from typing import Any

from sqlalchemy import bindparam, case, func, select

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
# Several bodies under one id have one line in common.
_HELD = (
    select(
        quarantine.c.district,
        quarantine.c.mode,
        quarantine.c.stream,
        func.count(func.distinct(quarantine.c.id)).label("count"),
    )
    .where(quarantine.c.wave == bindparam("the_wave"), ~_ACCEPTED_SINCE)
    .group_by(quarantine.c.district, quarantine.c.mode, quarantine.c.stream)
)


@dataclass(frozen=True)
class Line:
    """Interviews of one district, mode and stream. district None: not yet known. opened: an invitation was opened and
    no page saved yet, which is not a start. quota_full: of the expired drafts, those whose quota was full."""

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
    quota_full: int = 0


@dataclass(frozen=True)
class Fault:
    """An equation that does not hold in one line: what happened on the left, what is there on the right."""

    equation: str
    line: Line
    left: int
    right: int

    def __str__(self) -> str:
        place = f"district {self.line.district or 'not yet known'}, {self.line.mode}, {self.line.stream}"
        return f"{place}: {self.equation} does not hold: {self.left} against {self.right} ({self.left - self.right:+d})"


@dataclass(frozen=True)
class Reconciliation:
    """One look at a wave: a line per district, mode and stream ("not yet known" last), and what does not add up."""

    lines: Sequence[Line]
    faults: Sequence[Fault]


ALL = "all"
COUNTS = tuple(field.name for field in fields(Line) if field.name not in {"district", "mode", "stream"})
Key = tuple[str | None, str, str]
Counts = Mapping[Key, Counter[str]]
# Events of the tally that take something out of the rows again, or are nothing but counted.
FROM_TALLY = {
    "erased": "erased",
    "expired": "drafts_expired",
    "duplicate": "duplicates",
    "quota_full": "quota_full",
}
STARTED = "interviews started = drafts open + drafts expired + received + erased"
ACCEPTED = "submissions accepted = responses stored + erased"
QUARANTINED = "submissions quarantined = held + accepted since"


def reconcile(store: Store, wave: Wave | str) -> Reconciliation:
    """Lines and faults from one consistent view, everything counted once."""
    known = waves.get(store, waves.slug_of(wave))

    def work(connection: Connection) -> Reconciliation:
        happened = _happened(connection, known)
        lines = _lines(connection, known, happened)
        return Reconciliation(lines, tuple(_faults(lines, happened)))

    return store.read(work)


def total(lines: Iterable[Line]) -> Line:
    """The lines added up, as one line with district None and mode and stream "all"."""
    sums: Counter[str] = Counter()
    for line in lines:
        sums.update({name: getattr(line, name) for name in COUNTS})
    return Line(None, ALL, ALL, **{name: sums[name] for name in COUNTS})


def grouped(lines: Iterable[Line], by: str) -> list[Line]:
    """The lines added up by "district", or by "mode" and stream; "lines" keeps each as it is. "all": added over."""
    if by == "lines":
        return [*lines]
    groups: dict[Key, list[Line]] = {}
    for line in lines:
        key = (line.district, ALL, ALL) if by == "district" else (ALL, line.mode, line.stream)
        groups.setdefault(key, []).append(line)
    return [
        replace(total(members), district=district, mode=mode, stream=stream)
        for (district, mode, stream), members in groups.items()
    ]


def equations(store: Store, wave: Wave | str) -> list[str]:
    """A sentence for each equation of the wave that does not hold, and by how much; empty when all hold."""
    return sentences(waves.slug_of(wave), reconcile(store, wave))


def sentences(slug: str, found: Reconciliation) -> list[str]:
    """The faults of a wave in words."""
    return [f"Wave {slug!r}, {fault}." for fault in found.faults]


def _happened(connection: Connection, wave: Wave) -> dict[Key, Counter[str]]:
    happened: dict[Key, Counter[str]] = {}
    for row in tallies.sums(connection, wave.slug):
        happened.setdefault(_key(row), Counter())[row["event"]] += row["count"]
    return happened


def _faults(lines: Iterable[Line], happened: Counts) -> Iterator[Fault]:
    for line in lines:
        events = happened.get((line.district, line.mode, line.stream), Counter())
        sides = {
            STARTED: (events["started"] + events["moved_in"] - events["moved_out"], line.started),
            ACCEPTED: (events["accepted"], line.accepted + line.erased),
            QUARANTINED: (events["quarantined"], line.quarantined + events["released"]),
        }
        yield from (Fault(name, line, left, right) for name, (left, right) in sides.items() if left != right)


def _key(row: Row) -> Key:
    return row["district"] or None, row["mode"], row["stream"]


def _lines(connection: Connection, wave: Wave, happened: Counts) -> tuple[Line, ...]:
    found: dict[Key, Counter[str]] = {key: Counter() for key in happened}

    def add(row: Row, name: str) -> None:
        found.setdefault(_key(row), Counter())[name] += row["count"]

    over = waves.closed_because(wave.state, wave.opens, wave.closes, date.today()) == "closed"
    values = {"the_wave": wave.slug, "the_day": (date.today() - timedelta(days=DRAFT_DAYS)).isoformat()}
    for row in connection.all(_DRAFTS, values):
        expired = over or row["stale"]
        add(row, "opened" if row["only_opened"] else "drafts_expired" if expired else "drafts_open")
    for row in connection.all(_RESPONSES, values):
        add(row, "excluded" if row["excluded"] else "counted")
    for row in connection.all(_HELD, values):
        add(row, "quarantined")
    for key, events in happened.items():
        found[key].update({name: events[event] for event, name in FROM_TALLY.items()})
    ordered = sorted(found.items(), key=lambda one: (one[0][0] is None, one[0][0] or "", *one[0][1:]))
    lines = (_line(key, counts) for key, counts in ordered)
    # A line that interviews only passed through, and where everything adds up to nothing, says nothing.
    return tuple(line for line in lines if any(getattr(line, name) for name in COUNTS) or _unsettled(line, happened))


def _unsettled(line: Line, happened: Counts) -> bool:
    return any(True for _ in _faults([line], happened))


def _line(key: Key, counts: Counter[str]) -> Line:
    accepted = counts["counted"] + counts["excluded"]
    received = accepted + counts["quarantined"]
    started = counts["drafts_open"] + counts["drafts_expired"] + received + counts["erased"]
    sums: dict[str, Any] = {**counts, "accepted": accepted, "received": received, "started": started}
    return Line(*key, **{name: sums.get(name, 0) for name in COUNTS})
