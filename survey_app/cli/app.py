"""The commands, each a few lines over the part that does the work; a refusal is one sentence and exit code 2."""

import os
import sys
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn

import typer
from rich.table import Table

from survey_app.cli import invitation_commands, wave_commands
from survey_app.cli.screen import console, refuse, track, word
from survey_app.settings import Settings

# typer brings its own click from 0.17 on, so the class that all usage errors share is found by its name.
USAGE_ERROR: Any = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")
ABOUT = "Sandu 三度: from the questionnaire to a number that can be defended."
app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=ABOUT)
serve_app = typer.Typer(no_args_is_help=True, help="Start one of the two processes.")
user_app = typer.Typer(no_args_is_help=True, help="Accounts of the console.")
instrument_app = typer.Typer(no_args_is_help=True, help="Instruments: what is asked, and how it scores.")
app.add_typer(serve_app, name="serve")
app.add_typer(user_app, name="user")
app.add_typer(instrument_app, name="instrument")
wave_commands.register(app, instrument_app)
invitation_commands.register(app)

ExportKind = Literal["xlsx", "yaml", "xform", "codebook", "paper"]
WaveName = Annotated[str, typer.Argument(metavar="WAVE", help="The wave's slug, such as chengdu-2026-2.")]


def main() -> None:
    """Run the command line; what it refuses is one sentence on standard error and exit code 2, never a traceback."""
    try:
        status = app(prog_name="sandu", standalone_mode=False)
    except USAGE_ERROR as error:
        refuse(_usage(error))
    except (typer.Abort, KeyboardInterrupt):
        sys.exit(130)
    except ValueError as error:
        if type(error).__name__ not in {"InstrumentError", "AnswerError", "DesignError", "StoreError"}:
            raise
        refuse(str(error))
    except OSError as error:
        if error.errno is None:  # not the system's doing
            raise
        refuse(f"{error.filename or 'A file'} cannot be used ({error.strerror}); check its disk and its permissions.")
    sys.exit(status if isinstance(status, int) else 0)


def _usage(error: Any) -> str:
    """What was wrong with the words of a command, and where its help stands."""
    said = error.format_message()
    context = getattr(error, "ctx", None)
    if not said or context is None:
        return said or "Name a command; sandu --help lists them."
    return f"{said.rstrip('.')}; see {context.command_path} --help."


@app.command()
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


@app.command()
def init() -> None:
    """Make or upgrade the database and load units and the instruments that ship."""
    from survey_app.demonstration import prepare_store

    settings = Settings.from_environment()
    prepare_store(settings).close()
    console.print(word("The database is ready in"), str(settings.home))


@user_app.command("add")
def user_add(
    name: Annotated[str, typer.Argument(help="Name to sign in with.")],
    role: Annotated[str, typer.Option(help="administrator, analyst, organiser or interviewer.")] = "analyst",
) -> None:
    """Add an account; the password is asked for, or is the first line of standard input when that is no terminal."""
    from survey_app.store import accounts
    from survey_app.store.database import open_store

    if sys.stdin.isatty():
        password = str(typer.prompt(word("Password"), hide_input=True, confirmation_prompt=True))
    else:
        password = sys.stdin.readline().rstrip("\n")
    with open_store(Settings.from_environment()) as store:
        accounts.create(store, name, password, role=role)
    console.print(word("Account added:"), name)


@app.command()
def snapshot(wave: WaveName) -> None:
    """Freeze the counted answers of a wave and print the folder."""
    from survey_app.publish.snapshots import write_snapshot
    from survey_app.store.database import open_store

    settings = Settings.from_environment()
    with open_store(settings) as store:
        sys.stdout.write(f"{write_snapshot(store, settings, wave)}\n")


@app.command()
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
    console.print(table)


@app.command()
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


@app.command()
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


@app.command()
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


@app.command()
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


@app.command()
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
    console.print(fieldwork.quota_table(held))


@app.command()
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
        console.print(str(finding), markup=False)
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


@app.command("diff")
def diff_instruments(
    before: Annotated[Path, typer.Argument(metavar="A", help="The earlier version, .yaml or .xlsx.")],
    after: Annotated[Path, typer.Argument(metavar="B", help="The later version.")],
) -> None:
    """Say what changed between two versions of an instrument, and which indices stay comparable."""
    from survey_app.cli.instruments import differences

    for line in differences(before, after):
        console.print(line, markup=False, emoji=False)


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


@app.command("import")
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
