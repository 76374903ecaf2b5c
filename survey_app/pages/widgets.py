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
) -> None:
    """Draws the controls, each in its own frame.

    `prefix` keeps the widgets of two forms apart. aloud: an interviewer reads the questions to somebody, and sees
    which words to read and the guidance at once.
    """
    for control in drawn:
        with st.container(border=True, key=f"{prefix}-item-{control.name}"):
            if aloud and control.kind not in ("note", "told"):
                st.caption(translate("Read aloud:"))
            if control.letter:
                st.markdown(as_text(control.letter))
            required = f" :gray-badge[{translate('required')}]" if control.item.required else ""
            st.markdown(f"**{as_text(control.question)}**{required}")
            _help(control, translate, aloud)
            _draw(control, f"{prefix}-{control.name}", language, translate)
            if control.problem:
                st.error(as_text(control.problem))


def read(drawn: Sequence[Control], *, prefix: str) -> Fields:
    """What is in the controls, field name -> values, as a form sends it; nothing for those the session never drew."""
    return {control.name: _held(control, f"{prefix}-{control.name}") for control in drawn}


def _held(control: Control, key: str) -> list[str]:
    held = st.session_state.get
    match control.kind:
        case "note" | "told":
            return []
        case "acknowledge":
            return ["OK"] if held(key) else []
        case "rank":
            return [place for choice in control.choices if (place := held(f"{key}-{choice.name}"))]
        case "many":
            return [choice.name for choice in control.choices if held(f"{key}-{choice.name}")]
    value = held(key)
    if isinstance(value, time):
        return [f"{value:%H:%M}"]
    return [value.isoformat() if isinstance(value, date) else value] if value else []


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


def draw_matches(matches: Sequence[address.Match], *, prefix: str, label: str) -> None:
    """The communities that were found, to choose one."""
    by_code = {match.code: match for match in matches}
    st.radio(
        label,
        list(by_code),
        format_func=lambda code: as_text(f"{by_code[code].label} · {by_code[code].place}"),
        index=None,
        key=f"{prefix}-{address.FOUND_FIELD}",
        width="stretch",
    )


def _draw(control: Control, key: str, language: str, translate: Callable[[str], str]) -> None:
    match control.kind:
        case "note":
            pass
        case "told":
            st.markdown(as_text(str(control.value)))
        case "acknowledge":
            st.checkbox(translate("I have read this"), control.value == "OK", key=key)
        case "rank":
            for choice in control.choices:
                _place(choice, control, key, language, translate)
        case "many":
            for choice in control.choices:
                _box(choice, control, key, language)
        case "choices" | "scale" | "menu":
            _one(control, key, language, translate)
        case "date":
            _date(control, key)
        case "time":
            _time(control, key)
        case _:
            _written(control, key)


def _written(control: Control, key: str) -> None:
    value = control.value if isinstance(control.value, str) else ""
    example = None
    if control.kind == "dateTime":
        value, example = value.replace("T", " "), "2026-01-31 08:30"
    write = st.text_area if control.kind == "long_text" else st.text_input
    write(_spoken(control), value, max_chars=2000, key=key, placeholder=example, label_visibility="collapsed")


def _spoken(control: Control) -> str:
    """The name that a screen reader reads: Streamlit gives it the label as it is written, escapes and all.

    So the question is drawn above the widget, and the widget's own label is its plain text, not shown.
    """
    return f"{control.question} {control.hint}".strip()


def _one(control: Control, key: str, language: str, translate: Callable[[str], str]) -> None:
    choices = [*control.scale, *control.choices]
    names = [choice.name for choice in choices]
    index = names.index(str(control.value)) if control.value in names else None
    if control.kind == "menu":
        # A menu shows its labels as they are; only radio buttons read Markdown.
        st.selectbox(
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
        st.radio(
            _spoken(control),
            names,
            index=index,
            format_func=({choice.name: choice.name for choice in control.scale} | labels).__getitem__,
            key=key,
            horizontal=control.kind == "scale",
            label_visibility="collapsed",
            width="stretch",
        )


def _place(choice: Choice, control: Control, key: str, language: str, translate: Callable[[str], str]) -> None:
    """The menu of places of one choice of a ranking."""
    places = [f"{number}:{choice.name}" for number in range(1, len(control.choices) + 1)]
    given = control.places.get(choice.name)
    st.selectbox(
        as_text(choice.label(language)),
        places,
        index=places.index(given) if given in places else None,
        format_func=lambda place: translate("Place {number}").format(number=place.partition(":")[0]),
        key=f"{key}-{choice.name}",
        placeholder=translate("Choose its place"),
    )


def _box(choice: Choice, control: Control, key: str, language: str) -> None:
    st.checkbox(as_text(choice.label(language)), choice.name in control.value, key=f"{key}-{choice.name}")


def _date(control: Control, key: str) -> None:
    try:
        value = date.fromisoformat(str(control.value)) if control.value else None
    except ValueError:
        value = None
    st.date_input(
        _spoken(control),
        value,
        min_value=date(1900, 1, 1),
        key=key,
        format="YYYY-MM-DD",
        label_visibility="collapsed",
    )


def _time(control: Control, key: str) -> None:
    try:
        value = time.fromisoformat(str(control.value)) if control.value else None
    except ValueError:
        value = None
    st.time_input(_spoken(control), value, key=key, step=300, label_visibility="collapsed")
