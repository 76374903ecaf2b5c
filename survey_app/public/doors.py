"""What both doors of the process share: its settings and its open store."""

from dataclasses import dataclass, field

from survey_app.http.throttle import Limits, PostBrake, Throttle
from survey_app.settings import Settings
from survey_app.store import Store, instruments, open_store, waves


@dataclass(frozen=True)
class Doors:
    """Settings and store of the running process, and its brakes: on guessing resume codes, on posting in a loop.

    A code has 40 bits: with 1,000 wrong ones per wave in a quarter of an hour, guessing one of 1,000 takes centuries.
    """

    settings: Settings
    store: Store
    codes: Throttle = field(default_factory=lambda: Throttle(Limits(pair=30, address=60, name=1000)))
    posts: PostBrake = field(default_factory=PostBrake)


class _Process:
    """Holds the doors of this process; Streamlit runs its script in threads that can only reach a module."""

    doors: Doors | None = None


def use(doors: Doors) -> None:
    """Makes these the doors of the process."""
    _Process.doors = doors


def current() -> Doors:
    """The doors of the process, opened from the environment at first use. Raises StoreError when that fails."""
    if _Process.doors is None:
        settings = Settings.from_environment()
        _Process.doors = Doors(settings, open_store(settings))
    return _Process.doors


def warm() -> None:
    """Reads the questionnaires of the open waves, so that no resident waits a second for it.

    Raises StoreError or InstrumentError for one that cannot be read: better at the start than on a resident's page.
    """
    store = current().store
    for wave in waves.list(store):
        if wave.state == "open":
            instruments.load(store, wave.instrument_id, wave.instrument_version)
