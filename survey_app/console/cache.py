"""The rim between pure readings and Streamlit: each result is kept per snapshot hash, so that a view opens at once.

A snapshot never changes, so nothing here can go stale. The key of every entry is the snapshot's folder, whose last part
is the hash; signed-in people share the entries.
"""

from pathlib import Path

import pandas as pd
import streamlit as st

from analysis import Estimates, Sample, open_snapshot
from analysis.scoring import answers_off_the_scale
from survey_app.console import places, readings
from survey_app.publish.exports import DEGREES


@st.cache_resource(max_entries=8, show_spinner=False)
def sample(folder: str) -> Sample:
    """The weighted sample of one snapshot."""
    return open_snapshot(Path(folder))


@st.cache_resource(max_entries=4, show_spinner=False)
def stacked(folder: str, baseline: str) -> Sample:
    """Two waves stacked, the earlier one as the baseline."""
    return open_snapshot(Path(folder), baseline=Path(baseline))


@st.cache_resource(max_entries=24, show_spinner=False)
def estimates(folder: str, degree: str) -> Estimates:
    """One degree by district, before it becomes a table."""
    return readings.degree_estimates(sample(folder), degree)


@st.cache_data(max_entries=96, show_spinner=False)
def degree_table(folder: str, degree: str) -> pd.DataFrame:
    """One degree by district and for the whole."""
    return readings.degree_table(estimates(folder, degree))


@st.cache_data(max_entries=32, show_spinner=False)
def figures(folder: str) -> tuple[readings.Figure, ...]:
    """The three degrees of the whole city."""
    unsure = readings.dont_know_shares(sample(folder))
    return tuple(readings.figure(degree_table(folder, degree), degree, unsure[degree]) for degree in DEGREES)


@st.cache_data(max_entries=256, show_spinner=False)
def comparison(folder: str, degree: str, target: float | None = None) -> pd.DataFrame:
    """Every district against the city or a target."""
    return readings.comparison(estimates(folder, degree), target)


@st.cache_data(max_entries=512, show_spinner=False)
def shares(folder: str, item: str) -> pd.DataFrame:
    """Shares of every answer to one item, by district and for the whole."""
    return readings.shares(sample(folder), item)


@st.cache_data(max_entries=32, show_spinner=False)
def changes(folder: str, baseline: str, degree: str) -> pd.DataFrame:
    """Each district's change since the baseline wave."""
    return readings.changes(stacked(folder, baseline), degree)


@st.cache_data(max_entries=32, show_spinner=False)
def city_changes(folder: str, baseline: str, degree: str) -> pd.DataFrame:
    """The whole city's change since the baseline wave."""
    return readings.city_changes(stacked(folder, baseline), degree)


@st.cache_data(max_entries=32, show_spinner=False)
def districts(folder: str) -> places.Districts:
    """The snapshot's districts in official order."""
    return places.districts_of(sample(folder).units)


@st.cache_data(max_entries=32, show_spinner=False)
def modes(folder: str) -> frozenset[str]:
    """The modes in which the snapshot's responses were taken."""
    return frozenset(pd.read_parquet(Path(folder) / "responses.parquet", columns=["mode"])["mode"].dropna())


@st.cache_data(max_entries=32, show_spinner=False)
def drawn_cases(folder: str) -> pd.DataFrame:
    """District and disposition of every drawn case of a snapshot."""
    return pd.read_parquet(Path(folder) / "sample.parquet", columns=["district", "disposition"])


@st.cache_data(max_entries=32, show_spinner=False)
def off_the_scale(folder: str) -> dict[str, int]:
    """Item -> answers whose number scores outside 0-100; only items that have such answers."""
    return answers_off_the_scale(sample(folder), sample(folder).instrument)


@st.cache_data(max_entries=4, show_spinner=False)
def tiles(path: str) -> pd.DataFrame:
    """The tile grid."""
    return places.tile_positions(Path(path))
