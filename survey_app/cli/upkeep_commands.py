"""Commands that keep an installation: check, back up, restore, seal, erase."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from survey_app.cli.screen import console, show, typed, word
from survey_app.settings import Settings
from survey_app.store.errors import WordedError

PANEL = "Upkeep"


def register(app: typer.Typer) -> None:
    """Hang the commands into the command line."""
    for command in (check, backup, restore, seal, retention, erase):
        app.command(rich_help_panel=PANEL)(command)


def check(
    instrument: Annotated[
        Path | None, typer.Argument(metavar="INSTRUMENT", help="A .yaml or .xlsx file; without it the database.")
    ] = None,
) -> None:
    """Check the database and every answer in it, or an instrument; exit code 1 when something is wrong."""
    if instrument is not None:
        _check_instrument(instrument)
        return
    from survey_app.store.checks import check as check_store
    from survey_app.store.database import open_store

    with open_store(Settings.from_environment()) as store:
        findings = check_store(store)
    for finding in findings:
        console.print(finding.sentence, markup=False, soft_wrap=True)
    if findings:
        raise typer.Exit(1)
    console.print(word("Everything is in order."))


def _check_instrument(path: Path) -> None:
    from survey_app.cli.instruments import describe

    lines, sound = describe(path)
    for line in lines:
        console.print(line, markup=False, emoji=False)
    if not sound:
        raise typer.Exit(1)


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write, or with --verify to read.")],
    *,
    verify: Annotated[bool, typer.Option("--verify", help="Read an existing backup from end to end.")] = False,
    snapshots: Annotated[bool, typer.Option(help="Also the frozen snapshots.")] = True,
) -> None:
    """Write everything, the secret and contact data included, into one file; answers may come in meanwhile."""
    from survey_app.cli.backups import back_up, verify_backup

    lines = verify_backup(file) if verify else back_up(Settings.from_environment(), file, snapshots=snapshots)
    for line in lines:
        console.print(line, markup=False)


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A backup.")],
    *,
    into: Annotated[Path, typer.Option(metavar="HOME", help="A new or an empty folder.")],
) -> None:
    """Make an installation from a backup in a new folder; the rows go where SANDU_DATABASE_URL says, if it is empty."""
    from survey_app.cli.backups import restore_backup

    lines, sound = restore_backup(file, into)
    for line in lines:
        console.print(line, markup=False)
    if not sound:
        raise typer.Exit(1)


def seal() -> None:
    """Make the day's answers unlinkable to their invitations; run it nightly."""
    from survey_app import submission
    from survey_app.store.database import open_store

    with open_store(Settings.from_environment()) as store:
        sealed = submission.seal(store)
    if not sealed.complete:
        console.print(word("Somebody held the database: old pages remain in its files. Seal again."))
        raise typer.Exit(1)
    console.print(word("Sealed."), word("Answers that stand alone in their community, mode and outcome:"), sealed.alone)


def retention(
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be deleted.")] = False,
    clock_is_right: Annotated[
        bool, typer.Option("--clock-is-right", help="Somebody looked: after a long pause, or a jump of the clock.")
    ] = False,
) -> None:
    """Delete what is past its time: answers and their snapshots, unfinished drafts, contacts."""
    from survey_app.cli.redemption import retention_table
    from survey_app.store.database import open_store
    from survey_app.store.retention import apply, due, require_clock

    with open_store(Settings.from_environment()) as store:
        found = due(store)
        if not dry_run:
            require_clock(store, confirmed=clock_is_right)
            apply(store, found)
    show(retention_table(found))
    console.print(word("Nothing was deleted (--dry-run).") if dry_run else word("Deleted."))


def erase(
    code: Annotated[
        str | None, typer.Argument(metavar="CODE", help="The receipt code; without it, it is asked for.")
    ] = None,
) -> None:
    """Erase an answer at its owner's wish, by receipt code: from the database and from every snapshot."""
    from survey_app.publish import recutting
    from survey_app.store.database import open_store

    settings = Settings.from_environment()
    with open_store(settings) as store:
        done = recutting.erase(store, settings, code or typed(word("Receipt code")))
    if done is None:
        raise WordedError(
            "No answer has this receipt code; compare it with the thank-you page. "
            "It may have been erased before, or deleted at the end of its time."
        )
    console.print(word("Erased from wave"), done.wave)
    for one in done.snapshots:
        line = (word("cut anew as"), one.by) if one.by else (word("removed:"), one.why)
        console.print(word("Snapshot"), one.hash, *line, markup=False)
    console.print(word("Backups and downloads made earlier still hold it: delete them in their time."))
    if not done.complete:
        console.print(word("Somebody held the database: old pages remain in its files. Seal again."))
        raise typer.Exit(1)
