"""Commands that set up a wave: create, close, open and list waves, and store the drawn cases."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from survey_app.cli.screen import console, show, word
from survey_app.settings import Settings

PANEL = "Fieldwork"
wave_app = typer.Typer(no_args_is_help=True, help="Waves: rounds of fieldwork.")
WaveName = Annotated[str, typer.Argument(metavar="WAVE", help="The wave's slug, such as chengdu-2026-2.")]


def register(app: typer.Typer) -> None:
    """Hang the commands into the command line."""
    app.add_typer(wave_app, name="wave", rich_help_panel=PANEL)
    app.command(rich_help_panel=PANEL)(sample)


@wave_app.command("create")
def create(file: Annotated[Path, typer.Argument(metavar="FILE", help="The wave's definition, .yaml.")]) -> None:
    """Create a wave from its file, and print its public address."""
    from survey_app.cli.waves import create_wave
    from survey_app.store.database import open_store

    settings = Settings.from_environment()
    with open_store(settings) as store:
        wave = create_wave(store, file)
    sys.stdout.write(f"{settings.public_address}/s/{wave.slug}\n")


@wave_app.command("close")
def close(wave: WaveName) -> None:
    """End the fieldwork: nothing is taken any more, except repeats of what is stored."""
    _turn(wave, to="closed")
    console.print(word("Closed:"), wave)


@wave_app.command("open")
def open_again(wave: WaveName) -> None:
    """Take answers again, within the wave's first and last day."""
    _turn(wave, to="open")
    console.print(word("Open:"), wave)


def _turn(wave: str, *, to: str) -> None:
    from survey_app.store import audit, waves
    from survey_app.store.database import open_store

    with open_store(Settings.from_environment()) as store:
        (waves.close if to == "closed" else waves.reopen)(store, wave)
        audit.note(store, f"wave.{'closed' if to == 'closed' else 'reopened'}", wave=wave)


@wave_app.command("list")
def list_waves() -> None:
    """Print every wave: its instrument, its days, whether it takes answers today, and how many cases are drawn."""
    from rich.table import Table

    from survey_app.store import invitations, waves
    from survey_app.store.database import open_store

    settings = Settings.from_environment()
    table = Table()
    for name in ("wave", "instrument", "first day", "last day", "today", "cases drawn", "title"):
        table.add_column(word(name), no_wrap=name != "title")
    with open_store(settings) as store:
        for one in waves.list(store):
            state = waves.closed_because(one.state, one.opens, one.closes, date.today()) or "open"
            days = [str(day) if day else "" for day in (one.opens, one.closes)]
            drawn = str(len(invitations.cases(store, one)))
            instrument = f"{one.instrument_id} {one.instrument_version}"
            table.add_row(one.slug, instrument, *days, word(state), drawn, one.title.get(settings.language, ""))
    show(table)


def sample(
    wave: WaveName,
    file: Annotated[Path, typer.Argument(metavar="CSV", help="One row per drawn case.")],
) -> None:
    """Store the drawn cases of a wave, all or none: case, district, stratum, psu, both probabilities, base weight."""
    from survey_app.cli.samples import draw_sample
    from survey_app.store.database import open_store

    with open_store(Settings.from_environment()) as store:
        count = draw_sample(store, wave, file)
    console.print(word("Cases drawn:"), str(count))
