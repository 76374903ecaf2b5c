"""Commands that make numbers: freeze a wave, and print an index."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from rich.table import Table

from survey_app.cli.screen import show
from survey_app.settings import Settings

PANEL = "Results"
WaveName = Annotated[str, typer.Argument(metavar="WAVE", help="The wave's slug, such as chengdu-2026-2.")]


def register(app: typer.Typer) -> None:
    """Hang the commands into the command line."""
    for command in (snapshot, estimate):
        app.command(rich_help_panel=PANEL)(command)


def snapshot(wave: WaveName) -> None:
    """Freeze the counted answers of a wave and print the folder."""
    from survey_app.publish.snapshots import write_snapshot
    from survey_app.store.database import open_store

    settings = Settings.from_environment()
    with open_store(settings) as store:
        sys.stdout.write(f"{write_snapshot(store, settings, wave)}\n")


def estimate(
    snapshot: Annotated[str, typer.Argument(metavar="SNAPSHOT", help="A folder, a downloaded zip, or a hash prefix.")],
    *,
    index: Annotated[str, typer.Option(help="awareness, participation, satisfaction, or a part of one.")],
    by: Annotated[str, typer.Option(help="district, or any column of the responses.")] = "district",
    district: Annotated[str | None, typer.Option(help="Only this district: code or name.")] = None,
    wave: Annotated[str | None, typer.Option(help="Look for the hash prefix in this wave only.")] = None,
    baseline: Annotated[str | None, typer.Option(help="Earlier snapshot: print the change since then.")] = None,
) -> None:
    """Print an index (0-100) with its 95% interval, whole and per district, as the console shows it."""
    from survey_app.cli.estimates import estimate_rows

    settings = Settings.from_environment()
    rows = estimate_rows(settings, snapshot, index=index, by=by, district=district, wave=wave, baseline=baseline)
    table = Table(title=rows.title, title_justify="left")
    for place, name in enumerate(rows.header):
        table.add_column(name, no_wrap=True, justify="left" if place < rows.names else "right")
    for row in rows.body:
        table.add_row(*row)
    show(table)
