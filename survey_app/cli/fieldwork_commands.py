"""Commands of the field: quotas, what came in, and answers from elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from survey_app.cli.screen import console, show, track, word
from survey_app.settings import Settings

PANEL = "Fieldwork"
WaveName = Annotated[str, typer.Argument(metavar="WAVE", help="The wave's slug, such as chengdu-2026-2.")]


def register(app: typer.Typer) -> None:
    """Hang the commands into the command line."""
    for command in (quotas, reconcile):
        app.command(rich_help_panel=PANEL)(command)
    app.command("import", rich_help_panel=PANEL)(import_responses)


def quotas(
    wave: WaveName,
    file: Annotated[
        Path | None, typer.Argument(metavar="CSV", help="Columns: cap, and a column per condition.")
    ] = None,
) -> None:
    """Set the quotas of a wave from a CSV, all or none, and print them: taken, at most, left."""
    from survey_app.cli import fieldwork
    from survey_app.store import quotas as stored
    from survey_app.store.database import open_store

    with open_store(Settings.from_environment()) as store:
        if file is not None:
            stored.set_caps(store, wave, fieldwork.read_quotas(file))
        held = stored.state(store, wave)
    show(fieldwork.quota_table(held))


def reconcile(
    wave: WaveName,
    by: Annotated[Literal["lines", "district", "mode"], typer.Option(help="How the lines are added up.")] = "lines",
) -> None:
    """Print what came in and what became of it per district, mode and stream; exit code 1 where it does not add up."""
    from survey_app.cli import fieldwork
    from survey_app.store.database import open_store

    settings = Settings.from_environment()
    with open_store(settings) as store:
        account = fieldwork.reconcile(settings, store, wave, by)
    for line in (*account.lines, *account.sentences):
        console.print(line, markup=False, soft_wrap=True)
    if account.sentences:
        raise typer.Exit(1)
    console.print(word("Every equation of the reconciliation holds, in every district, mode and stream."))


def import_responses(
    wave: WaveName,
    file: Annotated[Path, typer.Argument(metavar="CSV", help="One row per answer, one column per item.")],
    *,
    mapping: Annotated[
        Path | None, typer.Option("--map", metavar="MAPPING", help="What the columns and codes of an export mean.")
    ] = None,
    draft_map: Annotated[bool, typer.Option("--draft-map", help="Only write a first mapping, to be finished.")] = False,
) -> None:
    """Submit the rows of a CSV one by one; running it again continues and never doubles."""
    from survey_app.cli.imports import import_csv, summary
    from survey_app.cli.mapping_draft import draft_mapping
    from survey_app.store.database import open_store

    with open_store(Settings.from_environment()) as store:
        if draft_map:
            lines, sound = draft_mapping(store, wave, file), True
        else:
            lines, sound = summary(import_csv(store, wave, file, mapping=mapping, report=track))
    for line in lines:
        console.print(line, markup=False)
    if not sound:
        raise typer.Exit(1)
