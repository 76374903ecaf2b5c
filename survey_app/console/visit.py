"""What every view is given: who looks, at which wave and snapshot, in which language; and how every view begins."""

from collections.abc import Callable
from dataclasses import dataclass

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


def moment(text: str) -> str:
    """An ISO 8601 moment for readers: date and minutes."""
    return text[:16].replace("T", " ")
