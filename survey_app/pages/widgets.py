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
        format_func=lambda code: as_text(f"{by_code[code].label} ({by_code[code].place})"),
        index=None,
        key=f"{prefix}-{address.FOUND_FIELD}",
        width="stretch",
    )
    return [chosen] if chosen else []


def question(control: Control, translate: Callable[[str], str]) -> str:
    """An item's label with the mark of one that must be answered."""
    required = translate("required")
    return as_text(control.question) + (f" :gray[({required})]" if control.item.required else "")


def _draw(control: Control, key: str, language: str, translate: Callable[[str], str]) -> list[str]:
    label = question(control, translate)
    if control.kind == "note":
        st.markdown(label)
        return []
    if control.kind == "many":
        return _many(control, key, label, language)
    if control.kind in {"choices", "scale", "menu"}:
        return _one(control, key, label, language, translate)
    if control.kind == "date":
        return _date(control, key, label)
    hint = as_text(control.hint)
    value = control.value if isinstance(control.value, str) else ""
    if control.kind == "long_text":
        written = st.text_area(label, value, max_chars=2000, key=key)
    else:
        written = st.text_input(label, value, max_chars=2000, key=key, autocomplete="off")
    if hint:
        st.caption(hint)
    return [written] if written else []


def _one(control: Control, key: str, label: str, language: str, translate: Callable[[str], str]) -> list[str]:
    choices = [*control.scale, *control.choices]
    names = [choice.name for choice in choices]
    labels = {choice.name: as_text(choice.label(language)) for choice in choices}
    labels |= {choice.name: choice.name for choice in control.scale}
    index = names.index(str(control.value)) if control.value in names else None
    if control.hint:
        label = f"{label}  \n:small[:gray[{as_text(control.hint)}]]"
    if control.kind == "menu":
        # A menu shows its labels as they are; only radio buttons read Markdown.
        plain = {choice.name: choice.label(language) for choice in choices}
        chosen = st.selectbox(
            label, names, index=index, format_func=plain.__getitem__, key=key, placeholder=translate("Please choose")
        )
    else:
        across = control.kind == "scale"
        chosen = st.radio(
            label, names, index=index, format_func=labels.__getitem__, key=key, horizontal=across, width="stretch"
        )
    return [chosen] if chosen else []


def _many(control: Control, key: str, label: str, language: str) -> list[str]:
    st.markdown(f"**{label}**")
    if control.hint:
        st.caption(as_text(control.hint))
    return [choice.name for choice in control.choices if _box(choice, control, key, language)]


def _box(choice: Choice, control: Control, key: str, language: str) -> bool:
    return st.checkbox(as_text(choice.label(language)), choice.name in control.value, key=f"{key}-{choice.name}")


def _date(control: Control, key: str, label: str) -> list[str]:
    try:
        value = date.fromisoformat(str(control.value)) if control.value else None
    except ValueError:
        value = None
    chosen = st.date_input(label, value, min_value=date(1900, 1, 1), key=key, format="YYYY-MM-DD")
    if control.hint:
        st.caption(as_text(control.hint))
    return [chosen.isoformat()] if isinstance(chosen, date) else []
