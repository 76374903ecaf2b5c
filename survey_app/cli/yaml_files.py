"""YAML files that an office writes: YAML 1.2 without aliases and tags, no key twice, small enough to be meant."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML, YAMLError
from ruamel.yaml.events import AliasEvent

from survey_app.store.errors import StoreError

LARGEST = 1_000_000  # characters


def read_yaml(path: Path, *, as_text: bool = False) -> Any:
    """What a file holds; as_text: 1 is the text "1". Raises StoreError naming file, line and remedy."""
    text = _text(path)
    reader = YAML(typ="base" if as_text else "safe", pure=True)
    try:
        for event in reader.parse(StringIO(text)):
            if isinstance(event, AliasEvent) or getattr(event, "tag", None) not in (None, "!"):
                line = event.start_mark.line + 1
                raise StoreError(f"{path.name} line {line} holds an alias or a tag; write the text out.")
        return YAML(typ=reader.typ, pure=True).load(text)
    except StoreError:
        raise
    except (YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f" line {mark.line + 1}" if mark else ""
        raise StoreError(f"{path.name}{place} is not YAML: {_problem(error)}. Mend that line.") from error


def _text(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise StoreError(f"{path.name} is not UTF-8; save it as UTF-8.") from error
    except OSError as error:
        raise StoreError(f"The file {path} cannot be read ({error.strerror}); check its name.") from error
    if len(text) > LARGEST:
        raise StoreError(f"{path.name} has {len(text)} characters, more than {LARGEST}; shorten it.")
    return text


def _problem(error: Exception) -> str:
    """What is wrong, in one line and without the value that is."""
    if isinstance(error, RecursionError):
        return "nested too deeply"
    return str(getattr(error, "problem", None) or error).partition("\n")[0].partition(" with value")[0]
