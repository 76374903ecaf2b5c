"""A page's controls as Streamlit widgets: nothing preselected, no sliders, the problem beside its item.

Texts of an instrument are shown as text: Markdown in them is escaped, so that no label can load a picture from outside.
"""

import re
from collections.abc import Callable, Sequence
from datetime import date

import streamlit as st

from questionnaires.choices import Choice
from survey_app.pages import address
from survey_app.pages.controls import Control

Fields = dict[str, list[str]]
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>()#+\-.!|~$:^=])")


def as_text(text: str) -> str:
    """Text for a Streamlit argument that reads Markdown: every special character escaped, lines kept."""
    # A text folded over lines in its file has a space after the full stop, where Chinese has none.
    text = text.replace("\u3002 ", "\u3002\n")
    return _SPECIAL.sub(r"\\\1", text).replace("\n", "  \n")


def draw(drawn: Sequence[Control], *, prefix: str, language: str, translate: Callable[[str], str]) -> Fields:
    """Draws the controls, each in its own frame; returns what is in them, field name -> values, as a form sends it.

    `prefix` keeps the widgets of two forms apart.
    """
    fields: Fields = {}
    for control in drawn:
        with st.container(border=True, key=f"{prefix}-item-{control.name}"):
            if control.letter:
                st.markdown(as_text(control.letter))
            required = f" :gray-badge[{translate('required')}]" if control.item.required else ""
            st.markdown(f"**{as_text(control.question)}**{required}")
            if control.hint:
                st.caption(as_text(control.hint))
            fields[control.name] = _draw(control, f"{prefix}-{control.name}", language, translate)
            if control.problem:
                st.error(as_text(control.problem))
    return fields


def draw_matches(matches: Sequence[address.Match], *, prefix: str, label: str) -> list[str]:
    """The communities that were found, to choose one; returns its code in a list."""
    by_code = {match.code: match for match in matches}
    chosen = st.radio(
        label,
        list(by_code),
        format_func=lambda code: as_text(f"{by_code[code].label} · {by_code[code].place}"),
        index=None,
        key=f"{prefix}-{address.FOUND_FIELD}",
        width="stretch",
    )
    return [chosen] if chosen else []


def _draw(control: Control, key: str, language: str, translate: Callable[[str], str]) -> list[str]:
    if control.kind == "note":
        return []
    if control.kind == "many":
        return [choice.name for choice in control.choices if _box(choice, control, key, language)]
    if control.kind in {"choices", "scale", "menu"}:
        return _one(control, key, language, translate)
    if control.kind == "date":
        return _date(control, key)
    value = control.value if isinstance(control.value, str) else ""
    write = st.text_area if control.kind == "long_text" else st.text_input
    written = write(_spoken(control), value, max_chars=2000, key=key, label_visibility="collapsed")
    return [written] if written else []


def _spoken(control: Control) -> str:
    """The name that a screen reader reads: Streamlit gives it the label as it is written, escapes and all.

    So the question is drawn above the widget, and the widget's own label is its plain text, not shown.
    """
    return f"{control.question} {control.hint}".strip()


def _one(control: Control, key: str, language: str, translate: Callable[[str], str]) -> list[str]:
    choices = [*control.scale, *control.choices]
    names = [choice.name for choice in choices]
    index = names.index(str(control.value)) if control.value in names else None
    if control.kind == "menu":
        # A menu shows its labels as they are; only radio buttons read Markdown.
        chosen = st.selectbox(
            _spoken(control),
            names,
            index=index,
            format_func={choice.name: choice.label(language) for choice in choices}.__getitem__,
            key=key,
            placeholder=translate("Please choose"),
            label_visibility="collapsed",
        )
    else:
        labels = {choice.name: as_text(choice.label(language)) for choice in control.choices}
        chosen = st.radio(
            _spoken(control),
            names,
            index=index,
            format_func=({choice.name: choice.name for choice in control.scale} | labels).__getitem__,
            key=key,
            horizontal=control.kind == "scale",
            label_visibility="collapsed",
            width="stretch",
        )
    return [chosen] if chosen else []


def _box(choice: Choice, control: Control, key: str, language: str) -> bool:
    return st.checkbox(as_text(choice.label(language)), choice.name in control.value, key=f"{key}-{choice.name}")


def _date(control: Control, key: str) -> list[str]:
    try:
        value = date.fromisoformat(str(control.value)) if control.value else None
    except ValueError:
        value = None
    chosen = st.date_input(
        _spoken(control),
        value,
        min_value=date(1900, 1, 1),
        key=key,
        format="YYYY-MM-DD",
        label_visibility="collapsed",
    )
    return [chosen.isoformat()] if isinstance(chosen, date) else []
