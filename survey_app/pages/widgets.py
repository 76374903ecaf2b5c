"""A page's controls as Streamlit widgets: nothing preselected, no sliders, the problem beside its item.

Texts of an instrument are shown as text: Markdown in them is escaped, so that no label can load a picture from outside.
"""

import re
from collections.abc import Callable, Sequence
from datetime import date, time
from typing import Any

import streamlit as st

from questionnaires.choices import Choice
from survey_app.pages import address, lists
from survey_app.pages.controls import Control

Fields = dict[str, list[str]]
MOST_PASTED = 12_000
"""Streamlit drops a longer paste without a word; up to this the form itself says that a text is too long."""

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
        with st.container(border=True, key=frame(prefix, control)):
            if aloud and control.kind not in ("note", "told"):
                st.caption(translate("Read aloud:"))
            if control.letter:
                st.markdown(as_text(control.letter))
            required = f" :gray-badge[{translate('required')}]" if control.item.required else ""
            st.markdown(f"**{as_text(control.question)}**{required}")
            _help(control, translate, aloud)
            key = f"{prefix}-{control.name}"
            if control.lookup:
                _looked_up(control, control.lookup, key, language, translate)
            else:
                _draw(control, key, language, translate)
            if control.problem:
                st.error(as_text(control.problem))


def read(drawn: Sequence[Control], *, prefix: str) -> Fields:
    """What is in the controls, field name -> values, as a form sends it; nothing for those the session never drew."""
    fields = {control.name: _held(control, f"{prefix}-{control.name}") for control in drawn}
    for control in drawn:
        if control.lookup:
            fields[lists.typed_field(control.name)] = [
                st.session_state.get(_search_key(f"{prefix}-{control.name}")) or ""
            ]
            fields[lists.searched_field(control.name)] = [control.lookup.text or ""]
    return fields


def _held(control: Control, key: str) -> list[str]:
    held = st.session_state.get
    match control.kind:
        case "rank":
            return [place for choice in control.choices if (place := held(f"{key}-{choice.name}"))]
        case "many":
            return [choice.name for choice in control.choices if held(f"{key}-{choice.name}")]
        case "search" if control.lookup and control.item.type == "select_multiple":
            return [choice.name for choice in _boxes(control, control.lookup) if held(f"{key}-{choice.name}")]
        case "acknowledge":
            return ["OK"] if held(key) else []
    return _as_sent(held(key))


def _as_sent(value: Any) -> list[str]:
    """A widget's value as a form would send it; a note has none."""
    if isinstance(value, time):
        return [f"{value:%H:%M}"]
    return [value.isoformat() if isinstance(value, date) else value] if value else []


def frame(prefix: str, control: Control) -> str:
    """The key of a control's frame; it also tells the stylesheet how many numbers a scale has."""
    cells = f"-cells{len(control.scale)}" if control.kind == "scale" else ""
    return f"{prefix}{cells}-item-{control.name}"


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


def draw_matches(
    matches: Sequence[address.Match], *, key: str, label: str, chosen: str = "", others: Sequence[Choice] = (),
    language: str = "zh",
) -> None:  # fmt: skip
    """What was found, to choose one, with other choices behind."""
    words = {match.code: " \u00b7 ".join(filter(None, (match.label, match.place))) for match in matches}
    words |= {choice.name: choice.label(language) for choice in others}
    st.radio(
        label,
        list(words),
        format_func=lambda code: as_text(words[code]),
        index=list(words).index(chosen) if chosen in words else None,
        key=key,
        width="stretch",
    )


def _looked_up(
    control: Control, lookup: lists.Lookup, key: str, language: str, translate: Callable[[str], str]
) -> None:
    """The search in a list that is too long to send, and what is chosen or found of it."""
    label = translate("Write part of the name, then press Find")
    st.text_input(label, lookup.text or "", max_chars=address.LONGEST_SEARCH, key=_search_key(key))
    st.form_submit_button(translate("Find"), width="stretch", key=f"go-{lists.typed_field(control.name)}")
    if lookup.text and not lookup.found:
        st.error(translate("Nothing in the list has this name. Try fewer characters, or other ones."))
    elif lookup.text == "":
        st.error(translate("Please write a few characters of the name first."))
    _of_lookup(control, lookup, key, language, translate)
    if lookup.full:
        more = translate("No more than {most} are shown. If yours is missing, write more of its name.")
        st.caption(as_text(more.format(most=address.MATCHES)))


def _search_key(key: str) -> str:
    return f"{key}-{lists.GO}text"


def _of_lookup(
    control: Control, lookup: lists.Lookup, key: str, language: str, translate: Callable[[str], str]
) -> None:
    if control.item.type == "select_multiple":
        for choice in _boxes(control, lookup):
            _box(choice, control, key, language)
    elif lookup.matches or control.choices:
        label = translate("Found; please tap:") if lookup.found else _spoken(control)
        draw_matches(
            lookup.matches, key=key, label=label, chosen=str(control.value), others=control.choices, language=language
        )


def _boxes(control: Control, lookup: lists.Lookup) -> list[Choice]:
    return [*(Choice(match.code, {"": match.label}) for match in lookup.matches), *control.choices]


def _draw(control: Control, key: str, language: str, translate: Callable[[str], str]) -> None:
    match control.kind:
        case "note":
            pass
        case "told":
            st.markdown(as_text(str(control.value)))
        case "acknowledge":
            st.checkbox(translate("I have read this"), control.value == "OK", key=key, width="stretch")
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
    write(_spoken(control), value, max_chars=MOST_PASTED, key=key, placeholder=example, label_visibility="collapsed")


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
    label = as_text(choice.label(language))
    st.checkbox(label, choice.name in control.value, key=f"{key}-{choice.name}", width="stretch")


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
