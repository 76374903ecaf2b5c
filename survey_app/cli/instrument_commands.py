"""Commands around instruments: publish one, write it as another file, compare two versions."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from survey_app.cli.screen import console, word
from survey_app.settings import Settings

PANEL = "Instruments"
ExportKind = Literal["xlsx", "yaml", "xform", "codebook", "paper"]
instrument_app = typer.Typer(no_args_is_help=True, help="Instruments: what is asked, and how it scores.")


def register(app: typer.Typer) -> None:
    """Hang the commands into the command line."""
    app.add_typer(instrument_app, name="instrument", rich_help_panel=PANEL)
    app.command("diff", rich_help_panel=PANEL)(diff_instruments)


@instrument_app.command("publish")
def publish(file: Annotated[Path, typer.Argument(metavar="FILE", help="The instrument, .yaml or .xlsx.")]) -> None:
    """Publish an instrument, so that waves can ask it; a published version never changes."""
    from survey_app.cli.waves import publish_instrument
    from survey_app.store.database import open_store

    with open_store(Settings.from_environment()) as store:
        instrument = publish_instrument(store, file)
    console.print(word("Published:"), f"{instrument.id} {instrument.version} {instrument.content_hash}")


@instrument_app.command("export")
def instrument_export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The instrument, .yaml or .xlsx.")],
    *,
    to: Annotated[ExportKind, typer.Option(help="The kind of file to write.")],
    output: Annotated[Path | None, typer.Option(help="Where to; by default here, under id and version.")] = None,
    language: Annotated[str | None, typer.Option(help="Language of the paper version, such as zh.")] = None,
) -> None:
    """Write an instrument as Excel, YAML, ODK XForm, codebook (CSV) or for paper (HTML), and print the file's name."""
    from survey_app.cli.instruments import export

    sys.stdout.write(f"{export(file, to, output, language)}\n")


def diff_instruments(
    before: Annotated[Path, typer.Argument(metavar="A", help="The earlier version, .yaml or .xlsx.")],
    after: Annotated[Path, typer.Argument(metavar="B", help="The later version.")],
) -> None:
    """Say what changed between two versions of an instrument, and which indices stay comparable."""
    from survey_app.cli.instruments import differences

    for line in differences(before, after):
        console.print(line, markup=False, emoji=False)
