"""The way back: Excel that loads to the same instrument, an XForm that is well-formed and asks the same items."""

from pathlib import Path
from xml.etree import ElementTree

from questionnaires import Instrument, load_instrument
from questionnaires.xlsform import to_xform, write_xlsx


def test_the_questionnaire_survives_excel(opinion: Instrument, frame_folder: Path, tmp_path: Path) -> None:
    write_xlsx(opinion, tmp_path / "public-opinion.xlsx")
    again = load_instrument(tmp_path / "public-opinion.xlsx", choice_files=frame_folder)
    assert again.content_hash == opinion.content_hash
    assert [page.name for page in again.pages] == [page.name for page in opinion.pages]
    assert {name: dict(index.items) for name, index in again.indices.items()} == {
        name: dict(index.items) for name, index in opinion.indices.items()
    }


def test_the_xform_asks_every_item_and_offers_every_choice(opinion: Instrument) -> None:
    tree = ElementTree.fromstring(to_xform(opinion))
    binds = {bind.get("nodeset", "").rpartition("/")[2] for bind in tree.iter("{http://www.w3.org/2002/xforms}bind")}
    assert set(opinion.items) <= binds
    names = {element.text for element in tree.iter("{http://www.w3.org/2002/xforms}name")}
    listed = [item for item in opinion.items.values() if item.type in ("select_one", "select_multiple")]
    assert {choice.name for item in listed for choice in item.choices} <= names
