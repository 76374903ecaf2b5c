"""`sandu check INSTRUMENT`, `sandu diff A B` and `sandu instrument export`: what they print, write and refuse."""

import csv
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

from questionnaires import load_instrument
from survey_app.cli.app import app

LIBRARY = Path(__file__).resolve().parents[2] / "questionnaires" / "library"
OPINION = LIBRARY / "public-opinion.yaml"
FORM = """
settings: [{form_title: 小问卷, form_id: small, version: "%s"}]
survey:
  - {type: select_one answer, name: q1, label: "%s", sandu::index: all, sandu::weight: 6}
  - {type: text, name: q2, label: 二?, relevant: "${q1} = '%s'"}
choices: [{list_name: answer, name: "yes", label: 是, score: 100}, {list_name: answer, name: "no", label: 否, score: 0}]
indices: [{name: all, weight: 6, label: 全部}]
"""
Sandu = Callable[..., tuple[int, str]]


@pytest.fixture
def sandu(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Sandu:
    """`sandu(...)` runs a command in an empty folder, in English unless told: its exit code and what it printed."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, language: str = "en") -> tuple[int, str]:
        result = CliRunner().invoke(app, list(arguments), env={"SANDU_LANGUAGE": language})
        if isinstance(result.exception, ValueError):
            raise result.exception
        return result.exit_code, result.stdout

    return run


def small(path: Path, version: str = "1", label: str = "一?", choice: str = "yes") -> str:
    path.write_text(FORM % (version, label, choice), encoding="utf-8")
    return str(path)


def test_check_tells_what_an_instrument_holds(sandu: Sandu) -> None:
    form = load_instrument(OPINION)
    code, out = sandu("check", str(OPINION))
    assert code == 0
    lines = out.splitlines()
    assert lines[0] == "public-opinion 1: Residents' views on the rule of law in your district"
    assert f"content hash: {form.content_hash}" in lines
    assert "languages: zh, en" in lines
    assert f"pages: {len(form.pages)}" in lines
    assert "index: awareness 30 Awareness" in lines
    assert "index:   A1 15 Rights and procedure K1 K2 K3 K4" in lines
    assert lines[-1] == "Every item can be reached."
    assert "每道题都能答到。" in sandu("check", str(OPINION), language="zh")[1]


def test_check_finds_an_item_that_nobody_is_asked_with_its_row(sandu: Sandu, tmp_path: Path) -> None:
    path = small(tmp_path / "form.yaml", choice="yes' and ${q1} != 'yes")
    code, out = sandu("check", path)
    assert code == 1
    assert "sheet survey, row 3: no answers lead to item q2; change its relevance or remove it" in out


def test_check_says_what_is_seldom_meant_and_fails_for_what_refuses_every_answer(sandu: Sandu, tmp_path: Path) -> None:
    path = tmp_path / "form.yaml"
    rows = (
        '  - {type: text, name: Q1, label: 三?, relevant: "${q3} > 2"}\n  - {type: integer, name: q3, label: 四?%s}\n'
    )
    spare = ", {list_name: spare, name: a, label: 甲}]\nindices"
    text = FORM.replace("choices:", rows + "choices:").replace("]\nindices", spare) % ("1", "一?", "yes", "")
    path.write_text(text, encoding="utf-8")
    code, out = sandu("check", str(path))
    assert code == 0
    assert "row 4: whether item Q1 is asked hangs on q3, which is asked later (row 5); move one of them\n" in out
    assert "row 4: item Q1 differs from q1 (row 2) in capitals only; rename one\n" in out
    assert "sheet choices: no question uses list spare; remove it, or name it in a type\n" in out
    assert "没有题目用到选项表 spare" in sandu("check", str(path), language="zh")[1]
    path.write_text(text.replace("label: 四?", 'label: 四?, constraint: ". > 3 and . < 2"'), encoding="utf-8")
    code, out = sandu("check", str(path))
    assert (code, "row 5: item q3 refuses every answer; change its constraint" in out) == (1, True)


def test_diff_says_in_words_what_changed_and_what_stays_comparable(sandu: Sandu, tmp_path: Path) -> None:
    old, new = small(tmp_path / "a.yaml"), small(tmp_path / "b.yaml", version="2", label="[一] :star:?", choice="no")
    assert sandu("diff", old, new) == (
        0,
        "the form: version: 1 -> 2\n"
        'q1: wording of label: "一?" -> "[一] :star:?"\n'
        "q2: when it is asked, relevant: ${q1} = 'yes' -> ${q1} = 'no'\n"
        'index all stays comparable; to be judged beside it: q1: wording of label: "一?" -> "[一] :star:?"\n',
    )
    assert "指数 all 前后可比；另请留意：q1 的文字改了" in sandu("diff", old, new, language="zh")[1]
    assert sandu("diff", old, old)[1].startswith("Both versions have the same content.")


def test_export_writes_every_kind_of_file(sandu: Sandu, tmp_path: Path) -> None:
    wanted = load_instrument(OPINION)
    for kind, name in (("xlsx", "public-opinion-1.xlsx"), ("yaml", "public-opinion-1.yaml")):
        assert sandu("instrument", "export", str(OPINION), "--to", kind) == (0, f"{name}\n")
        assert load_instrument(tmp_path / name).content_hash == wanted.content_hash
    assert sandu("instrument", "export", str(OPINION), "--to", "xform")[1] == "public-opinion-1.xml\n"
    ElementTree.parse(tmp_path / "public-opinion-1.xml")
    assert sandu("instrument", "export", str(OPINION), "--to", "codebook")[1] == "public-opinion-1-codebook.csv\n"
    with (tmp_path / "public-opinion-1-codebook.csv").open(encoding="utf-8-sig", newline="") as lines:
        assert {row["item"] for row in csv.DictReader(lines)} == set(wanted.items)
    assert sandu("instrument", "export", str(OPINION), "--to", "paper")[1] == "public-opinion-1-zh.html\n"
    english = str(tmp_path / "english.html")
    paper = ("instrument", "export", str(OPINION), "--to", "paper")
    assert sandu(*paper, "--language", "en", "--output", english)[1] == f"{english}\n"
    assert '<html lang="en">' in Path(english).read_text("utf-8")
    with pytest.raises(ValueError, match="exists already; name another file with --output"):
        sandu(*paper, "--output", english)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["check", "."], "^. is a folder; name the .yaml or .xlsx file in it$"),
        (["check", "absent.yaml"], "there is no instrument file absent.yaml"),
        (["diff", str(OPINION), str(LIBRARY / "inspection.yaml")], "are two instruments; name two versions of one"),
        (["instrument", "export", str(OPINION), "--to", "paper", "--language", "fr"], "no language 'fr', only zh, en"),
        (["instrument", "export", str(OPINION), "--to", "xlsx", "--language", "en"],
         "--language is for --to paper; a file of --to xlsx holds every language, so leave it out"),
        (["instrument", "export", str(OPINION), "--to", "xlsx", "--output", "form.yaml"],
         "form.yaml does not end in .xlsx, as a file of --to xlsx does; name another"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_one_sentence(sandu: Sandu, arguments: list[str], words: str) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        sandu(*arguments)
    assert type(caught.value).__name__ == "InstrumentError"
    assert "\n" not in str(caught.value)
