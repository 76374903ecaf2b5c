"""Commands around invitations: contacts, links and letters, and who has answered by them."""

from __future__ import annotations

import sys
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

from survey_app.cli.screen import console, show, word
from survey_app.settings import Settings

PANEL = "Fieldwork"
contacts_app = typer.Typer(no_args_is_help=True, help="Contact data of drawn people, kept apart from every answer.")
WaveName = Annotated[str, typer.Argument(metavar="WAVE", help="The wave's slug, such as chengdu-2026-2.")]


def register(app: typer.Typer) -> None:
    """Hang the commands into the command line."""
    app.add_typer(contacts_app, name="contacts", rich_help_panel=PANEL)
    for command in (invite, redemption):
        app.command(rich_help_panel=PANEL)(command)


@contacts_app.command("load")
def contacts_load(
    wave: WaveName,
    file: Annotated[Path, typer.Argument(metavar="CSV", help="case; name, phone, address, email, language.")],
    keep_until: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="The last day; by default 30 days after the wave's last day."),
    ] = None,
) -> None:
    """Store how to reach drawn people, all rows or none; a second load replaces what is stored for a case."""
    from survey_app.cli.invitations import load_contacts
    from survey_app.store.database import open_store

    with open_store(Settings.from_environment()) as store:
        count = load_contacts(store, wave, file, keep_until.date() if keep_until else None)
    console.print(word("Contacts stored:"), str(count))


@contacts_app.command("forget")
def contacts_forget(
    wave: WaveName,
    case: Annotated[list[str] | None, typer.Option(help="Only this case; may be given several times.")] = None,
    answered: Annotated[bool, typer.Option("--answered", help="Only of people who have answered.")] = False,
) -> None:
    """Erase contacts of a wave, from the file too; answers stay."""
    from survey_app.cli.invitations import forget_contacts
    from survey_app.store.database import open_store

    with open_store(Settings.from_environment()) as store:
        count = forget_contacts(store, wave, case or [], answered=answered)
    console.print(word("Contacts erased:"), str(count))


def invite(
    wave: WaveName,
    *,
    count: Annotated[int | None, typer.Option(min=1, max=1_000_000, help="How many; without it all who wait.")] = None,
    days: Annotated[int, typer.Option(min=1, max=3650, help="How many days they open a form.")] = 30,
    batch: Annotated[str | None, typer.Option(help="Name of the batch; by default today's date.")] = None,
    district: Annotated[list[str] | None, typer.Option(help="Only this district; may be given several times.")] = None,
    again: Annotated[bool, typer.Option("--again", help="Also people whose link is unused; that link ends.")] = False,
    csv: Annotated[Path | None, typer.Option(help="Write the links to this CSV instead of printing them.")] = None,
    field: Annotated[list[str] | None, typer.Option(help="name, phone or email in the CSV; may be repeated.")] = None,
    letters: Annotated[Path | None, typer.Option(help="Write a letter for each to this HTML, A4.")] = None,
) -> None:
    """Mint single-use invitations for drawn web cases that have not answered: links, a CSV of links, letters."""
    from survey_app.cli.invitations import Order, send
    from survey_app.store.database import open_store

    order = Order(
        batch=batch or date.today().isoformat(),
        days=days,
        count=count,
        districts=tuple(district or ()),
        again=again,
        csv=csv,
        letters=letters,
        fields=tuple(field or ()),
    )
    with open_store(Settings.from_environment()) as store:
        sent = send(store, wave, order)
    if csv is None and letters is None:
        sys.stdout.write("".join(f"{link}\n" for link in sent.links))
        return
    console.print(word("Invitations:"), str(len(sent.links)), word("until"), sent.last_day.isoformat())
    for path in (csv, letters):
        if path is not None:
            console.print(str(path), markup=False)


def redemption(wave: WaveName) -> None:
    """Print how many invitations were sent, used and expired: by batch and district; and answers by day."""
    from survey_app.cli.redemption import tables
    from survey_app.store.database import open_store

    settings = Settings.from_environment()
    with open_store(settings) as store:
        for table in tables(store, wave, settings.language):
            show(table)
