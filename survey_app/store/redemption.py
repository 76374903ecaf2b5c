"""How invitations were taken up: sent, answered, expired; by batch, by district, and answers by day.

A day is the answer's own (an invitation forgets its day when it is sealed), so days stand apart from batches.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import accumulate

from sqlalchemy import bindparam, func, or_, select

from survey_app.store.connections import Row
from survey_app.store.database import Store
from survey_app.store.shapes import Wave
from survey_app.store.tables import invitation, response
from survey_app.store.waves import slug_of

_SENT = (
    select(
        invitation.c.batch,
        invitation.c.district,
        invitation.c.used,
        (invitation.c.expires < bindparam("the_day")).label("over"),
        func.count().label("count"),
    )
    .where(invitation.c.wave == bindparam("the_wave"), invitation.c.token_hash.is_not(None))
    .group_by(invitation.c.batch, invitation.c.district, invitation.c.used, "over")
)
_ARRIVED = (
    select(response.c.arrived_on, func.count().label("count"))
    .where(
        response.c.wave == bindparam("the_wave"),
        response.c.stream == "probability",
        or_(response.c.door == "plain", response.c.door == "streamlit"),
    )
    .group_by(response.c.arrived_on)
    .order_by(response.c.arrived_on)
)


@dataclass(frozen=True)
class Redeemed:
    """Invitations of one batch or district (persons). expired: past their last day and not used."""

    name: str
    sent: int
    answered: int
    expired: int

    @property
    def rate(self) -> float:
        """Answered of sent, 0-100."""
        return 100.0 * self.answered / self.sent if self.sent else float("nan")


@dataclass(frozen=True)
class Day:
    """Answers that came by link on one day, those until then, and their share (0-100) of all that were sent."""

    day: date
    answers: int
    until_then: int
    rate: float


@dataclass(frozen=True)
class Redemption:
    """How a wave's invitations were taken up. A batch without a name is ""."""

    batches: tuple[Redeemed, ...]
    districts: tuple[Redeemed, ...]
    days: tuple[Day, ...]
    whole: Redeemed


def redemption(store: Store, wave: Wave | str) -> Redemption:
    """Counts as of now, from one consistent view."""
    values = {"the_wave": slug_of(wave), "the_day": date.today().isoformat()}
    with store.reading() as connection:
        sent = connection.all(_SENT, values)
        arrived = connection.all(_ARRIVED, values)
    (whole,) = _added(sent, None) or (Redeemed("", 0, 0, 0),)
    counts = [int(row["count"]) for row in arrived]
    days = tuple(
        Day(date.fromisoformat(row["arrived_on"]), count, so_far, _share(so_far, whole.sent))
        for row, count, so_far in zip(arrived, counts, accumulate(counts), strict=True)
    )
    return Redemption(_added(sent, "batch"), _added(sent, "district"), days, whole)


def _share(part: int, whole: int) -> float:
    return 100.0 * part / whole if whole else float("nan")


def _added(rows: Iterable[Row], by: str | None) -> tuple[Redeemed, ...]:
    sums: dict[str, Counter[str]] = {}
    for row in rows:
        counts = sums.setdefault((row[by] or "") if by else "", Counter())
        counts.update(_counted(row))
    return tuple(
        Redeemed(name, counts["sent"], counts["answered"], counts["expired"]) for name, counts in sorted(sums.items())
    )


def _counted(row: Row) -> Mapping[str, int]:
    count = int(row["count"])
    return {
        "sent": count,
        "answered": count if row["used"] else 0,
        "expired": count if row["over"] and not row["used"] else 0,
    }
