"""The console's pieces of HTML: templates with autoescape, so that no text of an instrument becomes markup."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

_FOLDER = Path(__file__).parent / "templates"
_TEMPLATES = Environment(
    loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
_INK, _MIDDLE, _PALE = "#1f5f73", "#6b97a5", "#a9c3cb"


@dataclass(frozen=True)
class Column:
    """A column of a table: its key, its heading, a note under it, and whether it begins a group set apart by a line."""

    key: str
    label: str
    note: str = ""
    kind: str = "number"
    apart: bool = False


@dataclass(frozen=True)
class Row:
    """A row: the unit code it is about, its printed cells by column key, its evidence, whether it is the whole."""

    code: str
    cells: Mapping[str, str]
    evidence: str = ""
    whole: bool = False
    links: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Bar:
    """A small interval bar on the scale of 0-100: where the estimate and its interval lie."""

    low: float
    estimate: float
    high: float


@dataclass(frozen=True)
class Card:
    """A figure card: a large printed number, its interval in print and as a bar, and facts under it."""

    key: str
    label: str
    meaning: str
    value: str
    interval: str
    facts: Sequence[tuple[str, str]]
    bar: Bar | None = None
    sentence: str = ""
    evidence: str = ""
    unit: str = ""


def style(name: str = "console.css") -> str:
    """A style sheet of the console as a style element."""
    return f"<style>{(_FOLDER / name).read_text(encoding='utf-8')}</style>"


def heading(title: str, *, lead: str = "", badge: str = "", stamp: str = "") -> str:
    """A view's title, one line on what it answers, the badge of simulated data and the snapshot's stamp."""
    return _render("heading.html", title=title, lead=lead, badge=badge, stamp=stamp)


def cards(items: Iterable[Card]) -> str:
    """Figure cards side by side; below each other on a phone."""
    return _render("cards.html", cards=list(items))


def table(
    columns: Sequence[Column], rows: Iterable[Row], *, caption: str, marks: Mapping[str, str] | None = None
) -> str:
    """A dense table; `marks` explains the evidence marks in each row's first cell to screen readers."""
    return _render("table.html", columns=columns, rows=list(rows), caption=caption, marks=marks or {})


def legend(marks: Mapping[str, str], note: str = "") -> str:
    """What colour and shape of a mark say."""
    return _render("legend.html", marks=marks, note=note)


def swatches(colours: Mapping[str, str]) -> str:
    """What each colour of a bar stands for, label -> colour; it wraps, where a chart's own legend is cut off."""
    return _render("swatches.html", colours=colours)


def note(*sentences: str) -> str:
    """Small print under a chart or table."""
    return _render("note.html", sentences=[sentence for sentence in sentences if sentence])


def section(title: str, lead: str = "") -> str:
    """A heading inside a view."""
    return _render("section.html", title=title, lead=lead)


def empty(title: str, text: str, command: str = "") -> str:
    """An empty state that says what to do, with the command to run."""
    return _render("empty.html", title=title, text=text, command=command)


def facts(pairs: Iterable[tuple[str, str]]) -> str:
    """Names and values side by side: what is known of a case or a sheet."""
    return _render("facts.html", pairs=[pair for pair in pairs if pair[1]])


def who(name: str, sign_out: str, address: str) -> str:
    """The account's name and the link that signs out."""
    return _render("who.html", name=name, sign_out=sign_out, address=address)


def link(address: str, text: str) -> str:
    """A link that stays in this tab."""
    return _render("link.html", address=address, text=text)


def brand_image() -> str:
    """The product's mark and name as SVG: three bars, three degrees."""
    words = (
        '<text x="36" y="22" font-family="PingFang SC, Microsoft YaHei, Noto Sans SC, Noto Sans CJK SC, sans-serif" '
        f'font-size="19" font-weight="700" fill="{_INK}">三度 Sandu</text>'
    )
    return _svg(146, 28, _bars() + words)


def icon_image() -> str:
    """The mark alone, for the browser's tab."""
    return _svg(28, 28, _bars())


def _bars() -> str:
    sizes = ((11, _PALE), (16, _MIDDLE), (22, _INK))
    return "".join(
        f'<rect x="{2 + 9 * place}" y="{25 - height}" width="6" height="{height}" rx="1.5" fill="{colour}"/>'
        for place, (height, colour) in enumerate(sizes)
    )


def _svg(width: int, height: int, content: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
        f"{content}</svg>"
    )


def _render(template: str, **values: object) -> str:
    return _TEMPLATES.get_template(template).render(**values)
