"""Two versions of one instrument: what changed, in words, and which indices stay comparable."""

from collections.abc import Callable
from pathlib import Path

import pytest

from questionnaires import Instrument, InstrumentError
from questionnaires.versions import Difference, diff

TEXT = (Path(__file__).resolve().parents[2] / "questionnaires" / "library" / "public-opinion.yaml").read_text("utf-8")
Load = Callable[[str], Instrument]


def changed(load: Load, opinion: Instrument, *changes: tuple[str, str]) -> Difference:
    text = TEXT.replace('version: "1"', 'version: "2"')
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    return diff(opinion, load(text))


def verdicts(found: Difference) -> dict[str, bool]:
    return {index.name: index.comparable for index in found.indices}


def test_a_version_beside_itself_has_no_change_and_every_index_comparable(opinion: Instrument) -> None:
    found = diff(opinion, opinion)
    assert found.changes == ()
    assert set(verdicts(found)) == set(opinion.indices)
    assert all(verdicts(found).values())
    assert found.sentences("en")[0] == "Both versions have the same content."
    assert found.sentences("zh")[:2] == ["两个版本内容完全相同。", f"指数 {found.indices[0].name} 前后可比"]


def test_a_new_wording_is_told_beside_the_index_and_breaks_nothing(load: Load, opinion: Instrument) -> None:
    found = changed(load, opinion, ("Which day is National Constitution Day?", "When is National Constitution Day?"))
    assert all(verdicts(found).values())
    assert found.sentences("en")[:2] == [
        "the form: version: 1 -> 2",
        'K1: wording of label::English (en): "Which day is National Constitution Day?" -> '
        '"When is National Constitution Day?"',
    ]
    assert found.sentences("zh")[1].startswith("K1 的文字改了（label::English (en)）：“Which day")
    beside = {index.name for index in found.indices if index.beside}
    assert beside == {"A1", "awareness"}


@pytest.mark.parametrize(
    ("changes", "sentence", "broken"),
    [
        (
            [("sandu::key: legal_adviser", "sandu::key: adviser")],
            "V1: scoring, sandu::key: legal_adviser -> adviser",
            {"A2", "awareness"},
        ),
        (
            [("name: satisfied,", "name: rather_satisfied,")],
            "E1, E2, E3, E4, E5, E6: choices: -satisfied -> +rather_satisfied",
            {"C1", "C2", "C3", "C4", "C5", "satisfaction"},
        ),
        (
            [('sandu::weight: "3.75"', 'sandu::weight: "4.75"'), ('sandu::weight: "3.75"', 'sandu::weight: "2.75"')],
            "K1: scoring, sandu::weight: 3.75 -> 4.75",
            {"A1", "awareness"},
        ),
    ],
)
def test_what_changes_a_score_breaks_its_index_and_those_above(
    load: Load, opinion: Instrument, changes: list[tuple[str, str]], sentence: str, broken: set[str]
) -> None:
    found = changed(load, opinion, *changes)
    assert sentence in found.sentences("en")
    assert {name for name, comparable in verdicts(found).items() if not comparable} == broken


def test_who_is_asked_and_in_which_order_is_told_beside_the_index(load: Load, opinion: Instrument) -> None:
    old = "Law in daily life\n    appearance: field-list\n    relevant: ${eligible} = 'yes'"
    found = changed(load, opinion, (old, old.replace("= 'yes'", "!= 'no'")))
    assert "knowledge: when it is asked, relevant: ${eligible} = 'yes' -> ${eligible} != 'no'" in found.sentences("en")
    by_name = {index.name: index for index in found.indices}
    assert by_name["A1"].comparable
    assert [change.kind for change in by_name["A1"].beside] == ["relevance"]
    assert by_name["A2"].beside == ()


def test_a_new_rule_of_admission_is_told_beside_every_index(load: Load, opinion: Instrument) -> None:
    found = changed(load, opinion, ("${S2} = 'yes' and ", ""))
    assert all(verdicts(found).values())
    assert all("eligible" in {change.name for change in index.beside} for index in found.indices)


def test_an_item_added_to_an_index_breaks_it_and_one_outside_does_not(load: Load, opinion: Instrument) -> None:
    note = '  - {type: note, name: %s, "label::中文 (zh)": 谢, "label::English (en)": Thanks}\nchoices:'
    assert all(verdicts(changed(load, opinion, ("\nchoices:", "\n" + note % "thanks_again"))).values())
    item = note.replace("note", "select_one sat5").replace("Thanks}", "Thanks, sandu::index: C2, sandu::weight: 2, "
                                                           "sandu::dont_know: exclude}") % "E2b"  # fmt: skip
    place = TEXT.index("name: E2\n")
    weight = TEXT[place:].split("sandu::weight: ")[1].split("\n")[0]
    old = TEXT[place : place + TEXT[place:].index(f"sandu::weight: {weight}") + len(f"sandu::weight: {weight}")]
    found = changed(load, opinion, ("\nchoices:", "\n" + item), (old, old.replace(f"weight: {weight}", 'weight: "3"')))
    assert "E2b is new" in found.sentences("en")
    assert {name for name, comparable in verdicts(found).items() if not comparable} == {"C2", "satisfaction"}


def test_two_instruments_are_no_two_versions(load: Load, opinion: Instrument) -> None:
    other = load(TEXT.replace("form_id: public-opinion", "form_id: another"))
    with pytest.raises(InstrumentError, match="public-opinion 1 and another 1 are two instruments"):
        diff(opinion, other)
