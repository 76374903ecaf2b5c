"""What every view is given: who looks, at which wave and snapshot, in which language; and how every view begins."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import streamlit as st

from survey_app.console import markup
from survey_app.publish.catalogue import Snapshot
from survey_app.publish.exports import SIMULATED
from survey_app.settings import Settings
from survey_app.store.database import Store
from survey_app.store.shapes import Account, Wave
from survey_app.text import translator


@dataclass(frozen=True)
class Visit:
    """One look at the console: settings and store, the account, the wave, its newest snapshot (None: none yet)."""

    settings: Settings
    store: Store
    account: Account
    language: str
    wave: Wave
    snapshot: Snapshot | None

    @property
    def translate(self) -> Callable[[str], str]:
        """English text to the visitor's language."""
        return translator(self.language)


def open_view(visit: Visit, title: str, lead: str, *, needs_snapshot: bool = True) -> Snapshot | None:
    """Write the view's heading with badge and stamp; without a snapshot, say how to make one and return None."""
    _ = visit.translate
    snapshot = visit.snapshot
    simulated = snapshot.simulated if snapshot else visit.wave.simulated
    badge = SIMULATED if simulated else ""
    stamp = ""
    if snapshot:
        stamp = _("{wave} · snapshot {hash} · frozen {made_on}").format(
            wave=visit.wave.slug, hash=snapshot.hash, made_on=moment(snapshot.made_on)
        )
    st.html(markup.heading(title, lead=lead, badge=badge, stamp=stamp))
    if snapshot is None and needs_snapshot:
        st.html(
            markup.empty(
                _("No snapshot of this wave yet"),
                _("Numbers are read from a frozen snapshot. Make one on the server, then open this page again:"),
                f"sandu snapshot {visit.wave.slug}",
            )
        )
    return snapshot


def open_live(visit: Visit, title: str, lead: str) -> None:
    """Write the heading of a view that works in the field: nothing in it comes from a snapshot."""
    open_view(replace(visit, snapshot=None), title, lead, needs_snapshot=False)


def recalled(key: str, options: Sequence[str], default: str) -> str:
    """Put a widget's last choice back before it is drawn: Streamlit forgets it when another view is opened.

    First the session, then the address (query parameter of the same name), then `default`.
    """
    for value in (st.session_state.get(key), st.session_state.get(f"last {key}"), st.query_params.get(key)):
        if value in options:
            break
    else:
        value = default
    st.session_state[key] = st.session_state[f"last {key}"] = value
    return str(value)


def kept(key: str, value: str | None, *, address: bool = False) -> str:
    """Remember a widget's choice for the next view; with `address`, so that the view can be linked."""
    chosen = value if value is not None else str(st.session_state[f"last {key}"])
    st.session_state[f"last {key}"] = chosen
    if address:
        st.query_params[key] = chosen
    return chosen


def moment(text: str) -> str:
    """An ISO 8601 moment for readers: date and minutes, and that it is UTC where it says so."""
    return text[:16].replace("T", " ") + (" UTC" if text.endswith(("+00:00", "Z")) else "")
