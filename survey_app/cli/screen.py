"""What every command writes with: one console, words in the operator's language, progress bars, refusals."""

import io
import os
import sys
from collections.abc import Iterable, Iterator
from typing import NoReturn, TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from survey_app.text import LANGUAGES, translator

T = TypeVar("T")
NARROWEST = 100
WIDEST = 1000  # characters


def _console() -> Console:
    # Where nobody looks (a pipe, a log) lines must not be cut to the 80 columns that rich assumes.
    return Console(width=None if sys.stdout.isatty() else NARROWEST, highlight=False, soft_wrap=not sys.stdout.isatty())


console = _console()


def show(table: Table) -> None:
    """Print a table as wide as it is: a number must not be cut, however narrow the terminal or the log."""
    for line in in_full(table):
        console.print(line, markup=False, emoji=False, soft_wrap=True)


def in_full(table: Table) -> tuple[str, ...]:
    """The table's lines, none of them shortened."""
    wide = Console(file=io.StringIO(), width=WIDEST, highlight=False)
    with wide.capture() as captured:
        wide.print(table)
    return tuple(line.rstrip() for line in captured.get().splitlines())


def word(text: str) -> str:
    """A text of the command line in the operator's language (SANDU_LANGUAGE, zh when it is not set)."""
    language = os.environ.get("SANDU_LANGUAGE", "")
    return translator(language if language in LANGUAGES else LANGUAGES[0])(text)


def track(steps: Iterable[T], text: str, total: int | None = None) -> Iterator[T]:
    """The steps, with a progress bar on standard error while they last; a name may follow the text and ": "."""
    step, colon, name = text.partition(": ")
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        yield from progress.track(steps, description=f"{word(step)}{colon}{name}", total=total)


def typed(question: str, *, hidden: bool = False) -> str:
    """What somebody types at the question, twice where it is hidden; or the first line of standard input when that is
    no terminal."""
    if sys.stdin.isatty():
        return str(typer.prompt(question, hide_input=hidden, confirmation_prompt=hidden))
    return sys.stdin.readline().rstrip("\n")


def refuse(sentence: str) -> NoReturn:
    """End with one sentence on standard error and exit code 2."""
    sys.stderr.write(" ".join(sentence.split()) + "\n")
    sys.exit(2)
