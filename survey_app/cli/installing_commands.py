"""Commands that set an installation up: the demonstration, the database, the two processes, accounts."""

from __future__ import annotations

import os
import sys
from typing import Annotated, NoReturn

import typer

from survey_app.cli.screen import console, track, typed, word
from survey_app.settings import Settings

PANEL = "Set up"
serve_app = typer.Typer(no_args_is_help=True, help="Start one of the two processes.")
user_app = typer.Typer(no_args_is_help=True, help="Accounts of the console.")


def register(app: typer.Typer) -> None:
    """Hang the commands into the command line."""
    for command in (demo, init):
        app.command(rich_help_panel=PANEL)(command)
    app.add_typer(serve_app, name="serve", rich_help_panel=PANEL)
    app.add_typer(user_app, name="user", rich_help_panel=PANEL)


def demo(
    reset: Annotated[
        bool, typer.Option("--reset", help="Start over: the demonstration and its answers are removed.")
    ] = False,
    serve: Annotated[bool, typer.Option("--serve/--no-serve", help="Also start both processes.")] = True,
) -> None:
    """Make the demonstration waves (simulated data) and start the resident's and the analyst's process."""
    from survey_app.cli.processes import require_free_ports, serve_both
    from survey_app.demonstration import make_demonstration, reset_demonstration

    settings = Settings.from_environment()
    if serve:
        require_free_ports(settings)
    if reset:
        reset_demonstration(settings)
    made = make_demonstration(settings, report=track)
    if serve:
        serve_both(settings, made)
    else:
        console.print(word("The demonstration is ready in"), str(settings.home))


def init() -> None:
    """Make or upgrade the database and load units and the instruments that ship."""
    from survey_app.demonstration import prepare_store

    settings = Settings.from_environment()
    prepare_store(settings).close()
    console.print(word("The database is ready in"), str(settings.home))


@serve_app.command("public")
def serve_public() -> None:
    """Start the residents' process on SANDU_PUBLIC_PORT (8501)."""
    _become("survey_app.public")


@serve_app.command("console")
def serve_console() -> None:
    """Start the analysts' process on SANDU_CONSOLE_PORT (8502)."""
    _become("survey_app.console")


def _become(module: str) -> NoReturn:
    os.execv(sys.executable, [sys.executable, "-m", module])  # noqa: S606  (our own module takes this process's place)


@user_app.command("add")
def user_add(
    name: Annotated[str, typer.Argument(help="Name to sign in with.")],
    role: Annotated[str, typer.Option(help="administrator, analyst, organiser or interviewer.")] = "analyst",
) -> None:
    """Add an account; the password is asked for, or is the first line of standard input when that is no terminal."""
    from survey_app.store import accounts
    from survey_app.store.database import open_store

    password = typed(word("Password"), hidden=True)
    with open_store(Settings.from_environment()) as store:
        accounts.create(store, name, password, role=role)
    console.print(word("Account added:"), name)
