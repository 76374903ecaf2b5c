"""What the package's README promises is run, and its lists are the lists of the code."""

import io
import re
from contextlib import redirect_stdout
from pathlib import Path

import pytest
from typer.testing import CliRunner

from questionnaires import InstrumentError, load_instrument
from questionnaires.checks import COLUMNS, ROLES, TRANSLATED, TYPES
from questionnaires.functions import FUNCTIONS
from survey_app.cli.app import app

PACKAGE = Path(__file__).resolve().parents[2] / "questionnaires"
README = (PACKAGE / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", README, re.DOTALL)
FORM, EXAMPLE, PRINTED, CONSOLE = (body for _, body in BLOCKS)


def test_the_example_prints_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("compound.yaml").write_text(FORM, encoding="utf-8")
    printed = io.StringIO()
    with redirect_stdout(printed):
        exec(compile(EXAMPLE, "README.md", "exec"), {})
    assert printed.getvalue() == PRINTED


def test_the_commands_print_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    second = FORM
    for old, new in (
        ('version: "1"', 'version: "2"'),
        ("Are the stairs clean?", "Are the stairs and lifts clean?"),
        ("${lives_here} = 'yes'", "${lives_here} != 'no'"),
    ):
        assert old in FORM
        second = second.replace(old, new)
    Path("compound.yaml").write_text(FORM, encoding="utf-8")
    Path("compound-2.yaml").write_text(second, encoding="utf-8")
    commands = re.findall(r"\$ sandu (.*)\n((?:[^$\n].*\n)*)", CONSOLE)
    assert {" ".join(command.split()[:2]).removesuffix(" compound.yaml") for command, _ in commands} == {
        "check", "diff", "instrument export"
    }  # fmt: skip
    for command, printed in commands:
        result = CliRunner().invoke(app, command.split(), env={"SANDU_LANGUAGE": "en"})
        assert (result.exit_code, result.stdout) == (0, printed)


def test_every_file_of_the_package_is_in_the_table() -> None:
    table = README.partition("| file | what it holds |")[2].partition("\n\n")[0]
    files = {path.name for path in PACKAGE.glob("*.py")} - {"__init__.py", "errors.py"}
    assert files - set(re.findall(r"`([a-z_]+\.py)`", table)) == set()


def test_the_example_of_an_error_is_the_error(tmp_path: Path) -> None:
    (tmp_path / "compound.yaml").write_text(
        FORM.replace("index: service_index", "index: servce_index", 1), encoding="utf-8"
    )
    with pytest.raises(InstrumentError) as caught:
        load_instrument(tmp_path / "compound.yaml")
    assert f"> {caught.value}\n" in README


def test_every_column_type_role_and_function_is_listed() -> None:
    words = set(re.findall(r"[A-Za-z_]+(?:::[a-z_]+|-[a-z]+)*", README))
    columns = {column for listed in (*COLUMNS.values(), *TRANSLATED.values()) for column in listed}
    groups = {"begin_group", "end_group"}
    assert (columns | set(ROLES) | (TYPES - groups)) - words == set()
    section = README.partition("## Expressions")[2].partition("\n## ")[0]
    assert set(FUNCTIONS) - set(re.findall(r"[a-z][a-z0-9:-]*", section)) == set()
