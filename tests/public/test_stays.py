"""How long a page was open: milliseconds between two looks at the server's clock, or nothing at all."""

import json
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from tests.public.conftest import SCREENING, Resident, World

NOON = datetime.now(UTC).replace(hour=4, minute=0, second=0, microsecond=0)


@pytest.mark.parametrize(
    ("stay", "kept"),
    [
        (timedelta(seconds=20), {"consent": 20_000, "screening": 5_000}),
        (timedelta(hours=-2), {"screening": 5_000}),  # the clock was set back while the page was open
        (timedelta(hours=2), {"screening": 5_000}),  # left lying
    ],
)
def test_a_stay_on_a_page_is_kept_where_it_can_be_one(
    resident: Resident, world: World, stay: timedelta, kept: dict[str, int]
) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        resident.open("/s/open")
        clock.move_to(NOON + stay)
        resident.press(consent="yes")
        clock.shift(timedelta(seconds=5))
        resident.press(**SCREENING)
    (draft,) = world.rows("draft")
    assert json.loads(draft["durations"]) == kept


@pytest.mark.parametrize("at", ["", "soon", "-1", "9" * 400, "１２３"])
def test_a_page_that_does_not_say_when_it_was_made_counts_without_a_stay(
    resident: Resident, world: World, at: str
) -> None:
    assert resident.open("/s/open").press(consent="yes", at=at).page == "screening"
    (draft,) = world.rows("draft")
    assert json.loads(draft["durations"]) == {}
