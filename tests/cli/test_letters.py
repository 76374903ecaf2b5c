"""Letters: one A4 sheet each, in the reader's language, asking nothing of any host, with a code that another program
reads as the link."""

import io
import re
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import segno
import zxingcpp
from PIL import Image
from playwright.sync_api import Browser

from questionnaires import load_instrument
from survey_app.demonstration.truth import INSTRUMENT
from survey_app.publish.letters import Letter, Mailing, language_of, letters_html, typed
from survey_app.store.contacts import Contact
from survey_app.store.invitations import new_token, token_hash
from survey_app.store.shapes import Wave

UNTIL = date(2026, 12, 1)
DATA = Path(__file__).resolve().parents[2] / "data"
WANG = Contact("c1", UNTIL, name="王秀英", address="成都市锦江区春熙路街道总府路社区12栋3单元501", language="zh")
SMITH = Contact("c2", UNTIL, name="Jane <Smith>", address="Zongfu Road Community, Jinjiang", language="en")


@pytest.fixture(scope="module")
def mailing() -> Mailing:
    instrument = load_instrument(INSTRUMENT, choice_files=DATA)
    title = {"zh": "成都市公众三度调查 2026年第二轮", "en": "Chengdu three degrees survey 2026 wave 2"}
    wave = Wave(
        "chengdu-2026-2", title, "510100", "nbs", "2023", instrument.id, instrument.version,
        office={"zh": "成都市依法治市示范办公室", "en": "Model Office for the Rule of Law, Chengdu"},
        office_phone="028-12345678",
    )  # fmt: skip
    return Mailing(wave, instrument, "https://survey.chengdu.example.org", date(2026, 9, 30), date(2026, 9, 1))


def letters() -> list[Letter]:
    return [
        Letter("510104017001-01", new_token(), "zh", WANG),
        Letter("510104017001-02", new_token(), "en", SMITH),
        Letter("510104017001-03", new_token(), "zh"),
    ]


def test_every_letter_is_one_sheet_asks_no_host_and_its_code_is_read_as_its_link(
    mailing: Mailing, browser: Browser, tmp_path: Path
) -> None:
    sent = letters()
    (tmp_path / "letters.html").write_text(letters_html(mailing, sent), encoding="utf-8")
    page = browser.new_page(viewport={"width": 1440, "height": 900}, device_scale_factor=2)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto((tmp_path / "letters.html").as_uri())
    read = []
    for sheet in page.query_selector_all(".sheet"):
        picture = np.asarray(Image.open(io.BytesIO(sheet.screenshot())).convert("L"))
        (code,) = zxingcpp.read_barcodes(picture)
        read.append(code.text)
    pages = re.search(rb"/Count (\d+)", page.pdf(prefer_css_page_size=True))
    page.close()
    assert read == [mailing.link(letter.token) for letter in sent]
    assert asked == [(tmp_path / "letters.html").as_uri()]
    assert pages is not None
    assert int(pages[1]) == len(sent)


def test_a_letter_says_who_asks_why_until_when_and_what_happens_in_the_readers_language(
    mailing: Mailing, browser: Browser, tmp_path: Path
) -> None:
    (tmp_path / "letters.html").write_text(letters_html(mailing, letters()), encoding="utf-8")
    page = browser.new_page()
    page.goto((tmp_path / "letters.html").as_uri())
    chinese, english, unknown = (sheet.inner_text() for sheet in page.query_selector_all(".sheet"))
    page.close()
    for text in (
        "尊敬的王秀英：",
        "成都市依法治市示范办公室",
        "请在2026年9月30日以前填写",
        "028-12345678",
        "1095天",
        "只作汇总统计",
    ):
        assert text in chinese
    for text in ("Dear Jane <Smith>,", "Please answer by 30 September 2026.", "1095 days", "Model Office"):
        assert text in english
    assert "尊敬的居民：" in unknown
    assert not re.search("[A-Za-z]{4}", re.sub(r"survey\.[\S\n]+|SD-1|WeChat", "", chinese.replace("\n", " ")))


def test_the_link_can_be_typed_from_the_letter(mailing: Mailing) -> None:
    (letter, *_) = letters()
    html = letters_html(mailing, [letter])
    printed = re.search(r'class="link">(.*?)<wbr><span class="code">(.*?)</span>', html)
    assert printed is not None
    assert printed[1] == "survey.chengdu.example.org/s/chengdu-2026-2?t="
    assert token_hash(printed[2].upper()) == token_hash(letter.token)
    assert [len(part) for part in typed(letter.token)] == [5, 5, 5, 5, 6]


def test_a_stained_code_is_still_read(mailing: Mailing) -> None:
    link = mailing.link(new_token())
    matrix = np.kron(np.array(segno.make(link, error="q", micro=False).matrix), np.ones((8, 8)))
    picture = np.pad(255 * (1 - matrix), 32, constant_values=255).astype(np.uint8)
    middle = len(picture) // 2
    picture[middle - 24 : middle + 24, middle - 24 : middle + 24] = 0
    (code,) = zxingcpp.read_barcodes(picture)
    assert code.text == link


def test_the_language_is_the_contacts_where_letters_are_written_in_it(mailing: Mailing) -> None:
    known = [language_of(one, mailing.instrument) for one in (WANG, SMITH, Contact("c3", UNTIL, language="yi"), None)]
    assert known == ["zh", "en", "zh", "zh"]
