"""A page's controls as Streamlit widgets: nothing preselected, no sliders, the problem beside its item.

Texts of an instrument are shown as text: Markdown in them is escaped, so that no label can load a picture from outside.
"""

import re
from collections.abc import Callable, Sequence
from datetime import date, time

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


def draw(
    drawn: Sequence[Control], *, prefix: str, language: str, translate: Callable[[str], str], aloud: bool = False
) -> Fields:
    """Draws the controls, each in its own frame; returns what is in them, field name -> values, as a form sends it.

    `prefix` keeps the widgets of two forms apart. aloud: an interviewer reads the questions to somebody, and sees
    which words to read and the guidance at once.
    """
    fields: Fields = {}
    for control in drawn:
        with st.container(border=True, key=f"{prefix}-item-{control.name}"):
            if aloud and control.kind not in ("note", "told"):
                st.caption(translate("Read aloud:"))
            if control.letter:
                st.markdown(as_text(control.letter))
            required = f" :gray-badge[{translate('required')}]" if control.item.required else ""
            st.markdown(f"**{as_text(control.question)}**{required}")
            _help(control, translate, aloud)
            fields[control.name] = _draw(control, f"{prefix}-{control.name}", language, translate)
            if control.problem:
                st.error(as_text(control.problem))
    return fields


def _help(control: Control, translate: Callable[[str], str], aloud: bool) -> None:
    if control.hint:
        st.caption(as_text(control.hint))
    if control.limits:
        st.caption(
            as_text(translate("From {least} to {greatest}").format(least=control.limits[0], greatest=control.limits[1]))
        )
    if control.guidance:
        label = translate("For the interviewer; do not read aloud") if aloud else translate("More about this question")
        with st.expander(label, expanded=aloud):
            st.markdown(as_text(control.guidance))


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
    found: list[str] = []
    match control.kind:
        case "note":
            pass
        case "told":
            st.markdown(as_text(str(control.value)))
        case "acknowledge":
            agreed = st.checkbox(translate("I have read this"), control.value == "OK", key=key)
            found = ["OK"] if agreed else []
        case "rank":
            found = [part for each in control.choices for part in _place(each, control, key, language, translate)]
        case "many":
            found = [choice.name for choice in control.choices if _box(choice, control, key, language)]
        case "choices" | "scale" | "menu":
            found = _one(control, key, language, translate)
        case "date":
            found = _date(control, key)
        case "time":
            found = _time(control, key)
        case _:
            found = _written(control, key)
    return found


def _written(control: Control, key: str) -> list[str]:
    value = control.value if isinstance(control.value, str) else ""
    example = None
    if control.kind == "dateTime":
        value, example = value.replace("T", " "), "2026-01-31 08:30"
    write = st.text_area if control.kind == "long_text" else st.text_input
    written = write(_spoken(control), value, max_chars=2000, key=key, placeholder=example, label_visibility="collapsed")
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


def _place(choice: Choice, control: Control, key: str, language: str, translate: Callable[[str], str]) -> list[str]:
    """The menu of places of one choice of a ranking."""
    places = [f"{number}:{choice.name}" for number in range(1, len(control.choices) + 1)]
    given = control.places.get(choice.name)
    chosen = st.selectbox(
        as_text(choice.label(language)),
        places,
        index=places.index(given) if given in places else None,
        format_func=lambda place: translate("Place {number}").format(number=place.partition(":")[0]),
        key=f"{key}-{choice.name}",
        placeholder=translate("Choose its place"),
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


def _time(control: Control, key: str) -> list[str]:
    try:
        value = time.fromisoformat(str(control.value)) if control.value else None
    except ValueError:
        value = None
    chosen = st.time_input(_spoken(control), value, key=key, step=300, label_visibility="collapsed")
    return [f"{chosen:%H:%M}"] if isinstance(chosen, time) else []
