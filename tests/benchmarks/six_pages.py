"""One and the same interview for every door: 30 items of five choices and a don't-know on 6 pages, none required."""

from __future__ import annotations

import json
from pathlib import Path

from questionnaires import load_instrument
from survey_app.settings import Settings
from survey_app.store import Wave, instruments, open_store, waves

SLUG = "six"
CHOICES = {"5": "非常满意", "4": "比较满意", "3": "一般", "2": "不太满意", "1": "很不满意", "dk": "说不清"}
PAGES = {
    f"page{page}": {
        f"q{item}": f"您对本街道第{item}项工作总体上感觉怎么样?" for item in range(page * 5 - 4, page * 5 + 1)
    }
    for page in range(1, 7)
}
"""Page name -> item name -> question."""


def write_instrument(path: Path) -> None:
    """The interview as an XLSForm file; JSON is YAML."""
    rows: list[dict[str, str]] = []
    for page, items in PAGES.items():
        rows.append({"type": "begin_group", "name": page, "appearance": "field-list"})
        rows += [{"type": "select_one opinion", "name": name, "label::中文 (zh)": text} for name, text in items.items()]
        rows.append({"type": "end_group", "name": page})
    title = {"form_title": "六页问卷", "form_id": "six-pages", "version": "1", "default_language": "中文 (zh)"}
    choices = [{"list_name": "opinion", "name": name, "label::中文 (zh)": text} for name, text in CHOICES.items()]
    sheets = {"settings": [{**title, "style": "pages"}], "survey": rows, "choices": choices}
    path.write_text(json.dumps(sheets, ensure_ascii=False), encoding="utf-8")


def make_wave(settings: Settings) -> None:
    """A store with the interview published and a wave of it with an open link, `SLUG`."""
    file = settings.home / "six-pages.yaml"
    with open_store(settings, create=True) as store:
        write_instrument(file)
        form = load_instrument(file)
        instruments.publish(store, form)
        wave = {"title": {"zh": "测速"}, "city": "510100", "scheme": "nbs", "edition": "2023", "open_link": True}
        waves.create(store, Wave(slug=SLUG, instrument_id=form.id, instrument_version=form.version, **wave))
