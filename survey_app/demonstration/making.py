"""Makes the demonstration in a data folder: units, instrument, waves, draw, answers, snapshots, fieldwork, accounts.

Every answer enters through `submission.submit`, as from a door. A making that was interrupted continues where it
stopped; one that is finished is left as it is, with whatever was answered since.
"""

import fcntl
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from questionnaires import load_instrument
from survey_app.demonstration.fieldwork import begin_fieldwork
from survey_app.demonstration.filling import Report, fill_wave, reported, silent_report
from survey_app.demonstration.model import AnswerModel, load_model
from survey_app.demonstration.population import load_population, rows_of
from survey_app.demonstration.truth import INSTRUMENT
from survey_app.demonstration.waves import PEOPLE, draw_sample
from survey_app.publish.snapshots import write_snapshot
from survey_app.settings import Settings
from survey_app.store import accounts, instruments, invitations, units, waves
from survey_app.store.contacts_opening import contacts_file
from survey_app.store.database import Store, open_store
from survey_app.store.engines import require_unused
from survey_app.store.errors import StoreError

ACCOUNT, ORGANISER, INTERVIEWER = "analyst", "organiser", "interviewer"
ACCOUNTS = {ACCOUNT: "Analyst 分析员", ORGANISER: "Organiser 组织者", INTERVIEWER: "Interviewer 访问员"}
"""Account, which is its role too -> display name; all have the one password that is printed."""
STATE = "demonstration.json"


@dataclass(frozen=True, slots=True)
class Demonstration:
    """A finished demonstration: its open wave, and the accounts to look at it with; the first is the analyst's."""

    settings: Settings
    open_wave: str
    account: str
    password: str = field(repr=False)
    accounts: tuple[str, ...] = tuple(ACCOUNTS)

    def invitations(self, count: int) -> list[str]:
        """Fresh single-use tokens for `count` drawn people of the open wave who have not answered.

        Those who never had one come first: a token that somebody may hold is replaced last.
        """
        with closing(open_store(self.settings)) as store:
            fresh = invitations.waiting(store, self.open_wave)
            found = fresh if len(fresh) >= count else invitations.waiting(store, self.open_wave, again=True)
            return invitations.mint(store, self.open_wave, [case.case for case in found[:count]])


def make_demonstration(
    settings: Settings, *, report: Report = silent_report, people: int = PEOPLE, opt_in: int | None = None
) -> Demonstration:
    """Make the demonstration, or find it made. `people` are drawn per psu and `opt_in` volunteer per wave (else the
    model's number); `report` wraps each long step's iteration. Raises StoreError when the data folder cannot be used.
    """
    model = load_model(settings.data / "demonstration" / "model.yaml")
    with ExitStack() as held:
        if not _read_state(settings).get("finished"):
            held.enter_context(_only_maker(settings))
        return _make(settings, model, report=report, people=people, opt_in=opt_in)


def _make(settings: Settings, model: AnswerModel, *, report: Report, people: int, opt_in: int | None) -> Demonstration:
    state = _read_state(settings)
    # What is finished keeps the instrument it was made with, whatever the library holds by now.
    finished = bool(state.get("finished"))
    prepare = partial(open_store, create=True) if finished else prepare_store
    with closing(reported(report, "Preparing the database", lambda: prepare(settings))) as store:
        if not finished:
            state = {"password": secrets.token_urlsafe(9), **state, "finished": False}
            _write_state(settings, state)
            for name in ACCOUNTS:
                _give_account(store, name, str(state["password"]))
            population = load_population(settings.data, model)
            draw = draw_sample(model, population, people=people)
            for slug in model.waves:
                fill_wave(store, model, population, draw, slug=slug, report=report, opt_in=opt_in)
            for slug in report(model.waves, "Freezing snapshots", len(model.waves)):
                write_snapshot(store, settings, slug)
            begin_fieldwork(store, model.waves[-1], interviewer=INTERVIEWER, organiser=ORGANISER)
            _write_state(settings, state | {"finished": True})
    return Demonstration(settings, model.waves[-1], ACCOUNT, str(state["password"]))


@contextmanager
def _only_maker(settings: Settings) -> Iterator[None]:
    """One making at a time in a data folder: a second would take the first one's invitations. Ends with the process."""
    folder = os.open(settings.home, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise StoreError(
            f"Another sandu demo is making the demonstration in {settings.home}; "
            "wait until it is done, or set SANDU_HOME elsewhere."
        ) from error
    finally:
        os.close(folder)


def _give_account(store: Store, name: str, password: str) -> None:
    if accounts.get(store, name) is None:
        accounts.create(store, name, password, role=name, display_name=ACCOUNTS[name])
    else:  # an interrupted making, or a lost state file: the password that is printed is the one that holds
        accounts.set_password(store, name, password)


def prepare_store(settings: Settings) -> Store:
    """The store, made or upgraded where needed, with the administrative units and the instrument that ships."""
    store = open_store(settings, create=True)
    if not units.within(store, "nbs", "2023"):
        units.load(store, _unit_rows(settings.data))
    instruments.publish(store, load_instrument(INSTRUMENT, choice_files=settings.data))
    return store


def reset_demonstration(settings: Settings) -> None:
    """Remove the demonstration with everything answered in it. StoreError when the folder also holds a real wave."""
    if settings.database_url:
        raise StoreError("The demonstration is in a database server: empty that database there, then run sandu demo.")
    if settings.database.exists():
        with closing(open_store(settings, create=True)) as store:
            real = [wave.slug for wave in waves.list(store) if not wave.simulated]
        if real:
            raise StoreError(f"{settings.home} holds wave {real[0]}, which is not simulated; set SANDU_HOME elsewhere.")
        require_unused(settings.database)
    for name in (settings.database.name, contacts_file(settings).name):
        for path in settings.home.glob(f"{name}*"):
            path.unlink()
    shutil.rmtree(settings.snapshots, ignore_errors=True)
    (settings.home / STATE).unlink(missing_ok=True)


def _unit_rows(data: Path) -> list[dict[str, str]]:
    """The frame with English names where there are official ones, in official (code) order."""
    return sorted(rows_of(data / "frame" / "divisions-nbs-2023.csv"), key=lambda row: row["code"])


def _read_state(settings: Settings) -> dict[str, Any]:
    path = settings.home / STATE
    try:
        return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}
    except (OSError, ValueError) as error:
        raise StoreError(f"{path} cannot be read ({error}); remove it, or run sandu demo --reset.") from error


def _write_state(settings: Settings, state: dict[str, Any]) -> None:
    """Write the state whole or not at all, for the owner's eyes only: it holds the demonstration's password."""
    draft = settings.home / f".{STATE}"
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(state, file)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(settings.home / STATE)
