"""The command line: families of commands, each in a module of its own; a refusal is one sentence and exit code 2."""

import sys
from typing import Any

import typer

from survey_app.cli import (
    fieldwork_commands,
    installing_commands,
    instrument_commands,
    invitation_commands,
    result_commands,
    upkeep_commands,
    wave_commands,
)
from survey_app.cli.screen import refuse, word

# typer brings its own click from 0.17 on, so the class that all usage errors share is found by its name.
USAGE_ERROR: Any = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")
# By name: the classes stand in parts of the house that most commands never load.
REFUSALS = {"InstrumentError", "AnswerError", "DesignError", "StoreError"}
ABOUT = "Sandu 三度: from the questionnaire to a number that can be defended."
app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=ABOUT)
for family in (
    installing_commands,
    instrument_commands,
    wave_commands,
    invitation_commands,
    fieldwork_commands,
    result_commands,
    upkeep_commands,
):
    family.register(app)


def main() -> None:
    """Run the command line; what it refuses is one sentence on standard error and exit code 2, never a traceback."""
    try:
        status = app(prog_name="sandu", standalone_mode=False)
    except USAGE_ERROR as error:
        refuse(_usage(error))
    except (typer.Abort, KeyboardInterrupt):
        sys.exit(130)
    except ValueError as error:
        if not REFUSALS & {kind.__name__ for kind in type(error).__mro__}:
            raise
        said = getattr(error, "said", None)
        refuse(said(word) if said else str(error))
    except OSError as error:
        if error.errno is None:  # not the system's doing
            raise
        name = error.filename or "A file"
        refuse(f"{name} cannot be used ({error.strerror}); check its name, its disk and its permissions.")
    sys.exit(status if isinstance(status, int) else 0)


def _usage(error: Any) -> str:
    """What was wrong with the words of a command, and where its help stands."""
    said = error.format_message()
    context = getattr(error, "ctx", None)
    if not said or context is None:
        return said or "Name a command; sandu --help lists them."
    return f"{said.rstrip('.')}; see {context.command_path} --help."
