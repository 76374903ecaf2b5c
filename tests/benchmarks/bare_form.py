"""The floor for the Streamlit door: the same six pages as a bare Streamlit form that saves nothing but its drafts."""

import json
import os
import uuid

import pysqlite3.dbapi2 as sqlite
import streamlit as st

from tests.benchmarks.six_pages import CHOICES, PAGES


@st.cache_resource
def database() -> sqlite.Connection:
    """The same driver and the same care for the disk as the store's."""
    connection = sqlite.connect(os.environ["BARE_DATABASE"], isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE IF NOT EXISTS draft (id TEXT, page TEXT, answers TEXT, PRIMARY KEY (id, page))")
    return connection


def main() -> None:
    """Draw the page, and when its button was pressed save it and go on."""
    draft = st.session_state.setdefault("draft", str(uuid.uuid4()))
    number = st.session_state.setdefault("number", 1)
    if number > len(PAGES):
        st.title("Thank you")
        return
    page = f"page{number}"
    st.progress(number / len(PAGES))
    with st.form(page):
        answers = {
            name: st.radio(text, list(CHOICES), index=None, format_func=CHOICES.__getitem__, key=name)
            for name, text in PAGES[page].items()
        }
        pressed = st.form_submit_button("Next", key="go-next")
    if pressed:
        database().execute("INSERT OR REPLACE INTO draft VALUES (?, ?, ?)", (draft, page, json.dumps(answers)))
        st.session_state["number"] = number + 1
        st.rerun()


if __name__ == "__main__":
    main()
