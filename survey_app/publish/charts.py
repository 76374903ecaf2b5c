"""Charts as functions: a frame in, an `alt.Chart` out; nothing here reads a store or knows Streamlit.

Three rules hold for all: districts stand in official order, colour and shape say what the evidence says (never the
place in a ranking), and an interval is drawn wherever an estimate is. Colours are a blue, an ochre and a grey that
colour-blind readers tell apart; shape repeats what colour says.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import altair as alt
import pandas as pd

FONT = (
    '"PingFang SC", "Microsoft YaHei", "Noto Sans SC", "Noto Sans CJK SC", "Source Han Sans SC", '
    '"Source Sans", "Segoe UI", Arial, sans-serif'
)
INK, MUTED, GRID = "#1d2b33", "#5a6b74", "#e8edef"
EVIDENCE = ("above", "below", "undecided", "none")
EVIDENCE_COLOURS: Mapping[str, str] = {
    "above": "#1f6f8b",
    "below": "#b8742a",
    "undecided": "#8b98a0",
    "none": "#d5dce0",
}
EVIDENCE_FILLS: Mapping[str, str] = {"above": "#cfe3ea", "below": "#f3dfc5", "undecided": "#e9edef", "none": "#f6f8f9"}
EVIDENCE_SHAPES: Mapping[str, str] = {
    "above": "triangle-up",
    "below": "triangle-down",
    "undecided": "circle",
    "none": "circle",
}
ANSWER_COLOURS = (
    "#14556b",
    "#4d8fa5",
    "#b9d2da",
    "#e2c196",
    "#b8742a",
    "#7d5a34",
    "#6f7fa8",
    "#a9b4cf",
    "#7a9a83",
    "#b7c9b3",
)
_TILE_NAME, _TILE_NUMBER = "width < 420 ? 9 : 12", "width < 420 ? 15 : 19"  # a tile is narrow on a phone
_SIGNED = "datum.value > 0 ? '+' + datum.label : datum.label"
APART_COLOURS = ("#d9dfe2", "#c1c9ce", "#a9b4ba")  # don't know, refused, does not apply: outside the scale, so grey


C = TypeVar("C", bound=Any)  # whatever kind of chart comes in goes out


@dataclass(frozen=True)
class Words:
    """The texts a chart prints, already in the reader's language."""

    title: str = ""
    description: str = ""
    evidence: Mapping[str, str] | None = None
    columns: Mapping[str, str] | None = None


def interval_dots(
    frame: pd.DataFrame,
    words: Words,
    *,
    reference: float | None = None,
    reference_label: str = "",
    domain: tuple[float, float] | None = None,
) -> alt.LayerChart:
    """One row per district in the frame's order: the estimate (0-100) as a mark, its interval as a line.

    `frame`: columns name, estimate, low, high, evidence, shown, interval. `reference` draws the whole or the target.
    """
    order = list(frame["name"])
    base = alt.Chart(frame).encode(y=_names(order), color=_evidence_colour(), tooltip=_tooltips(words))
    scale = alt.Scale(domain=list(domain or _domain(frame, reference)), nice=False, zero=False)
    axis = alt.Axis(title=None, grid=True, tickCount=6, orient="top", format=".0f")
    lines = base.mark_rule(strokeWidth=3, strokeCap="round", opacity=0.55).encode(
        x=alt.X("low:Q", scale=scale, axis=axis), x2="high:Q"
    )
    points = base.mark_point(filled=True, size=72, opacity=1).encode(
        x=alt.X("estimate:Q", scale=scale), shape=_evidence_shape()
    )
    layers: list[alt.Chart] = [] if reference is None else _reference(reference, reference_label, scale)
    return _finished(_layered(*layers, lines, points), words, height=alt.Step(23))


def tile_map(frame: pd.DataFrame, words: Words) -> alt.LayerChart:
    """Districts as equal tiles near where they lie: not a map of boundaries, so no area speaks louder than another.

    `frame`: columns name, label (a short name), col, row (row 0 on top), shown, interval, evidence.
    """
    x = alt.X("col:O", axis=None, scale=alt.Scale(domain=_span(frame["col"]), paddingInner=0.06, paddingOuter=0))
    y = alt.Y("row:O", axis=None, scale=alt.Scale(domain=_span(frame["row"]), paddingInner=0.08, paddingOuter=0))
    base = alt.Chart(frame).encode(x=x, y=y, tooltip=_tooltips(words))
    domain = list(EVIDENCE)
    fill = alt.Color(
        "evidence:N", legend=None, scale=alt.Scale(domain=domain, range=[EVIDENCE_FILLS[e] for e in domain])
    )
    edge = alt.Stroke(
        "evidence:N", legend=None, scale=alt.Scale(domain=domain, range=[EVIDENCE_COLOURS[e] for e in domain])
    )
    tiles = base.mark_rect(cornerRadius=4, strokeWidth=1.2).encode(color=fill, stroke=edge)
    names = base.mark_text(fontSize=alt.expr(_TILE_NAME), dy=-14, color=INK).encode(text="label:N")
    numbers = base.mark_text(fontSize=alt.expr(_TILE_NUMBER), fontWeight=600, dy=9, color=INK).encode(text="shown:N")
    return _finished(_layered(tiles, names, numbers), words, height=alt.Step(82))


def answer_bars(frame: pd.DataFrame, words: Words, *, answers: Sequence[str], apart: Sequence[str]) -> alt.Chart:
    """Shares of every answer (0-100) as one bar per district, in official order; `apart` answers end the bar in grey.

    `frame`: columns name, answer, position (0, 1, ...), estimate, shown, interval.
    """
    order = list(dict.fromkeys(frame["name"]))
    colours = answer_colours(len(answers), len(apart))
    colour = alt.Color("answer:N", scale=alt.Scale(domain=[*answers, *apart], range=colours), legend=None)
    x = alt.X(
        "estimate:Q",
        stack="zero",
        scale=alt.Scale(domain=[0, 100], nice=False, clamp=True),
        axis=alt.Axis(title=None, tickCount=5, grid=False, orient="bottom"),
    )
    bars = alt.Chart(frame).mark_bar(stroke="white", strokeWidth=1, height=alt.RelativeBandSize(0.78))
    chart = bars.encode(y=_names(order), x=x, color=colour, order=alt.Order("position:Q"), tooltip=_tooltips(words))
    return _finished(chart, words, height=alt.Step(23))


def answer_colours(answers: int, apart: int) -> list[str]:
    """Colours of so many answers in their order, then of those apart from the scale: for bars and their legend."""
    return [*_answer_colours(answers), *APART_COLOURS[:apart]]


def difference_bar(frame: pd.DataFrame, words: Words) -> alt.LayerChart:
    """Differences with their intervals around a zero line; the shaded strip is what this sample could not have seen.

    `frame`: columns name, estimate (the difference, in points), low, high, detectable, evidence, shown, interval.
    """
    reach = max(1.0, float(frame[["low", "high", "detectable"]].abs().max().max()) * 1.08)
    scale = alt.Scale(domain=[-reach, reach], nice=False)
    order = list(frame["name"])
    axis = alt.Axis(title=None, grid=True, tickCount=7, orient="top", labelExpr=_SIGNED)
    base = alt.Chart(frame).encode(y=_names(order), color=_evidence_colour(), tooltip=_tooltips(words))
    blind = (
        alt.Chart(frame.assign(least=-frame["detectable"]))
        .mark_bar(color="#eef2f3", height=alt.RelativeBandSize(1.0))
        .encode(y=_names(order), x=alt.X("least:Q", scale=scale, axis=axis), x2="detectable:Q")
    )
    zero = (
        alt.Chart(pd.DataFrame({"zero": [0.0]}))
        .mark_rule(color=MUTED, strokeWidth=1)
        .encode(x=alt.X("zero:Q", scale=scale))
    )
    lines = base.mark_rule(strokeWidth=3, strokeCap="round", opacity=0.55).encode(
        x=alt.X("low:Q", scale=scale), x2="high:Q"
    )
    points = base.mark_point(filled=True, size=80, opacity=1).encode(
        x=alt.X("estimate:Q", scale=scale), shape=_evidence_shape()
    )
    return _finished(_layered(blind, zero, lines, points), words, height=alt.Step(25))


def _finished(chart: C, words: Words, *, height: alt.Step) -> C:
    """Size, title, description for screen readers and the common look."""
    titled = chart.properties(height=height, width="container", description=words.description)
    if words.title:
        titled = titled.properties(title=words.title)
    return (
        titled.configure(font=FONT, background="transparent")
        .configure_view(stroke=None)
        .configure_axis(
            labelColor=MUTED,
            titleColor=MUTED,
            gridColor=GRID,
            domain=False,
            ticks=False,
            labelFontSize=12,
            titleFontSize=12,
            titleFontWeight="normal",
        )
        .configure_axisY(labelColor=INK, labelFontSize=13, labelPadding=8, labelLimit=150)
        .configure_legend(labelColor=INK, labelFontSize=12)
        .configure_title(color=INK, fontSize=14, anchor="start", fontWeight=600)
    )


def _layered(*layers: alt.Chart) -> alt.LayerChart:
    """The layers on one another; `alt.layer` would say that it may also give a facet, which takes other layers."""
    return alt.LayerChart(layer=list(layers))


def _names(order: list[str]) -> alt.Y:
    return alt.Y("name:N", sort=order, axis=alt.Axis(title=None))


def _evidence_colour() -> alt.Color:
    domain = list(EVIDENCE)
    return alt.Color(
        "evidence:N", legend=None, scale=alt.Scale(domain=domain, range=[EVIDENCE_COLOURS[name] for name in domain])
    )


def _evidence_shape() -> alt.Shape:
    domain = list(EVIDENCE)
    return alt.Shape(
        "evidence:N", legend=None, scale=alt.Scale(domain=domain, range=[EVIDENCE_SHAPES[name] for name in domain])
    )


def _tooltips(words: Words) -> list[alt.Tooltip]:
    """Printed text only: a reader who points at a mark sees what the table says, to the same decimal."""
    return [alt.Tooltip(f"{column}:N", title=title) for column, title in (words.columns or {}).items()]


def _reference(value: float, label: str, scale: alt.Scale) -> list[alt.Chart]:
    """A dashed line for the whole or the target."""
    frame = pd.DataFrame({"value": [value], "label": [label]})
    line = (
        alt.Chart(frame)
        .mark_rule(color=INK, strokeWidth=1.2, strokeDash=[4, 3])
        .encode(x=alt.X("value:Q", scale=scale), tooltip=alt.Tooltip("label:N", title=" "))
    )
    return [line]


def _domain(frame: pd.DataFrame, reference: float | None) -> tuple[float, float]:
    """A scale in steps of five around all intervals, inside 0-100."""
    values = [float(frame["low"].min()), float(frame["high"].max())]
    if reference is not None:
        values.append(reference)
    present = [value for value in values if math.isfinite(value)]
    if not present:
        return 0.0, 100.0
    return max(0.0, 5.0 * ((min(present) - 1) // 5)), min(100.0, -5.0 * (-(max(present) + 1) // 5))


def _span(column: pd.Series) -> list[int]:
    return list(range(int(column.min()), int(column.max()) + 1))


def _answer_colours(count: int) -> list[str]:
    """From the scale's positive end (blue) to its negative end (ochre); long scales are spread over the same path."""
    if count <= 1:
        return [ANSWER_COLOURS[0]][:count]
    path = ANSWER_COLOURS[:5]
    if count <= len(path):
        return [path[round(place * (len(path) - 1) / (count - 1))] for place in range(count)]
    return [_between(path, place / (count - 1)) for place in range(count)]


def _between(path: Sequence[str], share: float) -> str:
    """The colour at `share` (0-1) of the way along a path of colours."""
    place = share * (len(path) - 1)
    start = min(int(place), len(path) - 2)
    rest = place - start
    mixed = [
        round(int(path[start][i : i + 2], 16) * (1 - rest) + int(path[start + 1][i : i + 2], 16) * rest)
        for i in (1, 3, 5)
    ]
    return "#" + "".join(f"{channel:02x}" for channel in mixed)
