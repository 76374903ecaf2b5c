"""`sandu erase CODE` on both databases: the answer leaves store and snapshots; killed half-way, all is as before or
as after."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import psycopg
import pytest
from sqlalchemy import update
from starlette.applications import Starlette
from starlette.testclient import TestClient

from analysis import open_snapshot
from survey_app import submission
from survey_app.cli import main
from survey_app.demonstration import make_demonstration
from survey_app.http.downloads import Downloads
from survey_app.publish import recutting
from survey_app.publish.catalogue import newest, snapshots_of
from survey_app.publish.snapshots import write_snapshot
from survey_app.settings import Settings
from survey_app.store import Case, Store, checks, invitations, open_store, publications, responses
from survey_app.store.shapes import Response
from survey_app.store.tables import invitation
from tests.cli.conftest import WAVE, Ran


@dataclass(frozen=True)
class Place:
    """A data folder with a frozen demonstration that a test may change."""

    settings: Settings
    run: Callable[..., Ran]

    def store(self) -> Store:
        return open_store(self.settings)

    def hashes(self) -> list[str]:
        return [one.hash for one in snapshots_of(self.settings.home, WAVE)]

    def answers(self, stream: str = "probability") -> list[Response]:
        """Complete answers whose sex and age are known, so that a snapshot needs to draw nothing for them."""
        with self.store() as store:
            found = [one for one in responses.stream(store, WAVE) if one.stream == stream]
        return [one for one in found if one.disposition == "complete" and one.answers.get("age_band")]

    def receipt(self, one: Response) -> str:
        with self.store() as store:
            return submission.receipt_of(store, one.id)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The demonstration, made once per database."""
    environment = {"SANDU_HOME": str(tmp_path_factory.mktemp("erase") / "home")}
    if request.param == "postgresql":
        environment["SANDU_DATABASE_URL"] = request.getfixturevalue("make_postgres_database")()
    settings = Settings.from_environment(environment)
    make_demonstration(settings, people=4, opt_in=5)
    return settings


@pytest.fixture
def place(
    made: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], request
) -> Iterator[Place]:
    """A copy of it for one test."""
    home = Path(shutil.copytree(made.home, tmp_path / "home"))
    environment = {"SANDU_HOME": str(home), "SANDU_LANGUAGE": "en"}
    if made.database_url:
        copy = f"copy_{abs(hash(request.node.nodeid))}"
        with psycopg.connect(made.database_url, autocommit=True, dbname="postgres") as server:
            name = psycopg.conninfo.conninfo_to_dict(made.database_url)["dbname"]
            server.execute(f"DROP DATABASE IF EXISTS {copy}")
            server.execute(f"CREATE DATABASE {copy} TEMPLATE {name}")
        environment["SANDU_DATABASE_URL"] = made.database_url.replace(f"/{name}?", f"/{copy}?")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    def run(*arguments: str) -> Ran:
        monkeypatch.setattr(sys, "argv", ["sandu", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        return Ran(ended.value.code if isinstance(ended.value.code, int) else 0, captured.out, captured.err)

    yield Place(Settings.from_environment(environment), run)


def rows(folder: Path, name: str = "responses") -> pd.DataFrame:
    return pd.read_parquet(folder / f"{name}.parquet")


def test_a_snapshot_is_cut_at_one_moment_while_answers_come_in(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    with place.store() as store:
        waiting = next(case.case for case in invitations.cases(store, WAVE) if case.disposition is None)
        answers = {"used": True, "disposition": "complete"}
        comes_in = update(invitation).where(invitation.c.wave == WAVE, invitation.c.case == waiting).values(**answers)
        drawn = invitations.cases

        def drawn_after_one_more(asked: Store, wave: str) -> list[Case]:
            store.write(lambda connection: connection.run(comes_in))
            return drawn(asked, wave)

        with monkeypatch.context() as patch:
            patch.setattr(invitations, "cases", drawn_after_one_more)
            sample = rows(write_snapshot(store, place.settings, WAVE), "sample").set_index("case")
        assert pd.isna(sample.loc[waiting, "disposition"])
        assert next(case for case in drawn(store, WAVE) if case.case == waiting).disposition == "complete"


def test_an_erased_answer_leaves_the_store_and_every_snapshot_of_its_wave(place: Place) -> None:
    chosen = place.answers()[0]
    (first,) = place.hashes()
    with place.store() as store:  # a second snapshot, without another answer: both hold the chosen one
        responses.exclude(store, place.answers()[1].id, "test")
        second = write_snapshot(store, place.settings, WAVE).name
    before = {one: rows(place.settings.snapshots / WAVE / one) for one in (first, second)}
    typed = place.receipt(chosen).lower().replace("-", " ")
    ran = place.run("erase", typed)
    assert (ran.code, ran.err) == (0, ""), ran
    assert all(f"Snapshot {one} cut anew as" in ran.out for one in before)
    recut = snapshots_of(place.settings.home, WAVE)
    assert len(recut) == 2
    assert not {one.hash for one in recut} & before.keys()
    for one in recut:
        said = one.manifest["recut"]
        assert (said["because"], said["rows_removed"]) == ("erasure", 1)
        old, new = before[said["replaces"]], rows(one.folder)
        assert len(new) == len(old) - 1 == one.manifest["rows"]["responses"]
        kept = [name for name in old.columns if name != "weight"]
        both = pd.concat([old[kept], new[kept]]).astype(str)
        (gone,) = both.drop_duplicates(keep=False).to_dict("records")
        assert (gone["psu"], gone["D1"]) == (chosen.psu, chosen.answers["D1"])
        assert new["weight"].sum() == pytest.approx(old["weight"].sum(), rel=1e-6)  # raked to the same margins
        assert (open_snapshot(one.folder).weights == new["weight"].to_numpy()).all()
    assert newest(place.settings.home, WAVE).manifest["recut"]["replaces"] == second  # the order in time stays
    with place.store() as store:
        noted = {row["hash"]: row["manifest"] for row in publications.snapshots(store, WAVE)}
        assert all(noted[one.manifest["recut"]["replaces"]]["gone"]["by"] == one.hash for one in recut)
        assert checks.check(store) == []
    assert place.run("erase", typed).code == 2
    assert place.run("estimate", recut[0].hash, "--index", "satisfaction").code == 0
    assert f"no snapshot '{first}'" in place.run("estimate", first, "--index", "satisfaction").err


def test_an_answer_by_the_open_link_leaves_its_own_table_and_no_weight_moves(place: Place) -> None:
    chosen = place.answers("opt-in")[0]
    (old,) = snapshots_of(place.settings.home, WAVE)
    weighted, open_link = rows(old.folder), rows(old.folder, "opt_in")
    assert place.run("erase", place.receipt(chosen)).code == 0
    (new,) = snapshots_of(place.settings.home, WAVE)
    assert len(rows(new.folder, "opt_in")) == len(open_link) - 1
    pd.testing.assert_frame_equal(rows(new.folder), weighted)


def test_the_version_before_a_correction_is_found_in_the_snapshot_too(place: Place) -> None:
    chosen = place.answers()[0]
    (old,) = place.hashes()
    with place.store() as store:
        raw = store.read(lambda connection: responses.find(connection, chosen.id))["raw"]
        better = {**json.loads(raw), "E7": "3" if chosen.answers.get("E7") != 3 else "4"}
        assert submission.revise(store, WAVE, chosen.id, better, editor="ann", reason="typed wrong") == 1
    assert f"Snapshot {old} cut anew as" in place.run("erase", place.receipt(chosen)).out


@pytest.mark.parametrize("moment", ["before the transaction", "after the transaction", "between two folders"])
def test_an_erasure_cut_short_is_whole_before_or_finished_after(
    place: Place, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = place.answers()[0]
    code = place.receipt(chosen)
    (old,) = place.hashes()

    class Killed(BaseException):
        pass

    def die(*_: object, **__: object) -> None:
        raise Killed

    with place.store() as store:
        with monkeypatch.context() as patch, pytest.raises(Killed):
            if moment == "before the transaction":
                patch.setattr(recutting.erasure, "erase", die)
            elif moment == "after the transaction":
                kept, calls = publications.settle, iter([False, True])
                patch.setattr(publications, "settle", lambda *given: die() if next(calls) else kept(*given))
            else:
                patch.setattr(publications.shutil, "rmtree", die)
            recutting.erase(store, place.settings, code)
        assert [one.kind for one in checks.check(store)] == ["erasure"]
    assert place.run("retention").code == 0
    with place.store() as store:
        assert checks.check(store) == []
        there = any(one.id == chosen.id for one in responses.stream(store, WAVE))
    assert there == (moment == "before the transaction")
    assert (place.hashes() == [old]) == there
    assert not list((place.settings.snapshots / WAVE).glob(".recut-*"))
    if there:
        assert place.run("erase", code).code == 0
    assert len(place.hashes()) == 1
    assert len(rows(place.settings.snapshots / WAVE / place.hashes()[0])) == sum(
        one.stream == "probability" and one.disposition == "complete" for one in counted(place)
    )


def counted(place: Place) -> list[Response]:
    with place.store() as store:
        return list(responses.stream(store, WAVE))


def test_a_snapshot_that_cannot_be_read_stops_the_erasure_before_anything_is_gone(place: Place) -> None:
    (old,) = place.hashes()
    (place.settings.snapshots / WAVE / old / "responses.parquet").write_bytes(b"PAR1 cut off")
    count = len(counted(place))
    ran = place.run("erase", place.receipt(place.answers()[0]))
    assert (ran.code, ran.err.count("\n")) == (2, 1), ran
    assert old in ran.err
    assert "nothing was erased" in ran.err
    assert len(counted(place)) == count


def test_a_snapshot_that_the_erasure_leaves_without_a_weighting_is_removed_and_said_so(place: Place) -> None:
    one = place.answers()[0]
    folder = place.settings.snapshots / WAVE / place.hashes()[0]
    (folder / "weighting.yaml").write_text("design: {}\nsteps: []\n", encoding="utf-8")
    ran = place.run("erase", place.receipt(one))
    assert ran.code == 0, ran
    assert "removed: it cannot be weighted without the answer" in " ".join(ran.out.split())
    assert place.hashes() == []


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("AAAAA-AAAAA-AAAAA-AAAAA", "No answer has this receipt code"),
        ("AAAAA", "20 letters and digits in four groups, and 5 were given"),
    ],
)
def test_a_code_of_nothing_is_refused_and_not_repeated(place: Place, code: str, said: str) -> None:
    before = place.hashes()
    ran = place.run("erase", code)
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert said in ran.err
    assert code not in ran.err
    assert place.hashes() == before


def test_the_download_of_the_old_snapshot_is_gone(place: Place) -> None:
    (old,) = place.hashes()
    assert place.run("erase", place.receipt(place.answers()[0])).code == 0
    with place.store() as store:
        app = Starlette(routes=Downloads(store, place.settings.home).routes())
        found = TestClient(SignedIn(app)).get(f"/downloads/{WAVE}/{old}/responses.zip")
        new = TestClient(SignedIn(app)).get(f"/downloads/{WAVE}/{place.hashes()[0]}/responses.zip")
    assert (found.status_code, new.status_code) == (404, 200)


class SignedIn:
    """An analyst before the route."""

    def __init__(self, app: Starlette) -> None:
        self.app = app

    async def __call__(self, scope, receive, send) -> None:
        from survey_app.store.shapes import Account

        scope.setdefault("state", {})["account"] = Account("ann", "analyst", "Ann")
        await self.app(scope, receive, send)
