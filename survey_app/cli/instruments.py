"""`sandu check FILE`, `sandu diff A B` and `sandu instrument export`: an instrument read, compared, written out."""

import io
import os
from collections.abc import Callable
from pathlib import Path

from questionnaires import Instrument, InstrumentError, load_instrument
from questionnaires.choices import text_in
from questionnaires.codebook import write_codebook
from questionnaires.paper import to_paper
from questionnaires.reachability import Unreached, unreached
from questionnaires.remarks import Remark, remarks
from questionnaires.versions import diff
from questionnaires.xlsform import to_xform, to_yaml, write_xlsx
from survey_app.cli.screen import word
from survey_app.store import files
from survey_app.text import LANGUAGES

ENDINGS = {"xlsx": ".xlsx", "yaml": ".yaml", "xform": ".xml", "codebook": ".csv", "paper": ".html"}


def describe(path: Path) -> tuple[list[str], bool]:
    """What a file holds, line by line, and whether every item can be reached and answered for all that is known."""
    instrument = load_instrument(path)
    lost, found = unreached(instrument), remarks(instrument)
    shown = [item for item in instrument.items.values() if item.shown]
    scored = [item for item in instrument.items.values() if item.index]
    lines = [
        f"{instrument.id} {instrument.version}: {text_in(instrument.title, _language())}",
        f"{word('content hash:')} {instrument.content_hash}",
        f"{word('languages:')} {', '.join(instrument.languages)}",
        f"{word('pages:')} {len(instrument.pages)}",
        f"{word('items:')} {len(instrument.items)} ({word('asked:')} {len(shown)}, {word('scored:')} {len(scored)})",
        *(f"{word('index:')} {line}" for line in _indices(instrument)),
        *(_lost(one) for one in lost),
        *(_remark(one) for one in found),
    ]
    if not lost:
        lines.append(word("Every item can be reached."))
    return lines, not any(one.certain for one in lost) and not any(one.blocks for one in found)


def _language() -> str:
    language = os.environ.get("SANDU_LANGUAGE", "")
    return language if language in LANGUAGES else LANGUAGES[0]


def _indices(instrument: Instrument) -> list[str]:
    """The tree of indices, each below its parent and set in by two blanks."""
    found: list[str] = []

    def add(name: str, depth: int) -> None:
        index = instrument.indices[name]
        own = [item.name for item in instrument.items.values() if item.index == name]
        found.append(f"{'  ' * depth}{name} {index.item_weight:g} {index.label(_language())} {' '.join(own)}".rstrip())
        for child in index.children:
            add(child, depth + 1)

    for name, index in instrument.indices.items():
        if index.parent is None:
            add(name, 0)
    return found


def _lost(one: Unreached) -> str:
    if one.certain:
        said = word("sheet survey, row {row}: no answers lead to item {item}; change its relevance or remove it")
    else:
        said = word("sheet survey, row {row}: not decided whether item {item} can be reached (it hangs on {deciders})")
    return said.format(row=one.row, item=one.item, deciders=", ".join(one.deciders) or "-")


def _remark(one: Remark) -> str:
    said = {
        "constraint": word("sheet survey, row {row}: item {name} refuses every answer; change its constraint"),
        "later": word(
            "sheet survey, row {row}: whether item {name} is asked hangs on {other}, which is asked later "
            "(row {other_row}); move one of them"
        ),
        "case": word(
            "sheet survey, row {row}: item {name} differs from {other} (row {other_row}) in capitals only; rename one"
        ),
        "list": word("sheet choices: no question uses list {name}; remove it, or name it in a type"),
    }[one.kind]
    return said.format(row=one.row, name=one.name, other=one.other, other_row=one.other_row)


def differences(before: Path, after: Path) -> list[str]:
    """What changed between two versions, and which indices stay comparable, in the operator's language."""
    return diff(load_instrument(before), load_instrument(after)).sentences(_language())


def export(path: Path, to: str, target: Path | None, language: str | None) -> Path:
    """Write an instrument as another file, by default here under its id and version; never over an existing file."""
    if language is not None and to != "paper":
        raise InstrumentError(
            f"--language is for --to paper; a file of --to {to} holds every language, so leave it out"
        )
    if target is not None and target.suffix != ENDINGS[to]:
        raise InstrumentError(f"{target} does not end in {ENDINGS[to]}, as a file of --to {to} does; name another")
    instrument = load_instrument(path)
    language = language or instrument.default_language
    more = {"codebook": "-codebook", "paper": f"-{language}"}.get(to, "")
    target = target or Path(f"{instrument.id}-{instrument.version}{more}{ENDINGS[to]}")
    if target.exists():
        raise InstrumentError(f"{target} exists already; name another file with --output, or remove it")
    writers: dict[str, Callable[[Path], object]] = {
        "xlsx": lambda made: _write_xlsx(instrument, made),
        "yaml": lambda made: made.write_text(to_yaml(instrument), encoding="utf-8"),
        "xform": lambda made: made.write_text(to_xform(instrument), encoding="utf-8"),
        "codebook": lambda made: write_codebook(instrument, made),
        "paper": lambda made: made.write_text(to_paper(instrument, language), encoding="utf-8"),
    }
    with files.workshop(target) as folder:
        writers[to](folder / target.name)
        files.place(folder / target.name, target)
    return target


class _StaysOpen(io.BytesIO):
    """The library ends its archive even when a full disk has stopped it; it then finds its file still open."""

    def close(self) -> None:
        """Not before it is forgotten."""


def _write_xlsx(instrument: Instrument, made: Path) -> None:
    """In memory first: on a full disk the zip library would complain for itself."""
    whole = _StaysOpen()
    write_xlsx(instrument, whole)
    made.write_bytes(whole.getvalue())
