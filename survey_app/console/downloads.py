"""The downloads of a wave's snapshots: plain links to the signed-in route, each one recorded."""

import streamlit as st

from survey_app import permissions
from survey_app.console import markup
from survey_app.console.visit import Visit, moment, open_view
from survey_app.publish.catalogue import Snapshot, snapshots_of
from survey_app.publish.exports import KINDS, file_name
from survey_app.text import translator


def show(visit: Visit) -> None:
    """The whole view."""
    _ = visit.translate
    lead = _("Each zip holds manifest, margins and weighting recipe: enough for anyone to compute the numbers again.")
    if open_view(visit, _("Downloads"), lead) is None:
        return
    allowed = tuple(kind for kind in KINDS if permissions.can(visit.account, f"{kind}.download", visit.wave.slug))
    if not allowed:
        st.html(markup.empty(_("No permission to download"), _("Ask an administrator for the role of analyst.")))
        return
    snapshots = snapshots_of(visit.settings.home, visit.wave.slug)
    st.html(snapshot_table(snapshots, allowed, visit.language))
    st.html(
        markup.note(
            _(
                "responses: one row per answer of the probability stream, with final weight and a score column "
                "per scored item."
            ),
            _(
                "codebook: every item and choice with its score. district indices: the three degrees with their "
                "intervals."
            ),
            _(
                "CSV in UTF-8 with byte order mark; codes are text; cells that a spreadsheet would run are made "
                "harmless."
            ),
            _(
                "Row-level data are pseudonymous, not anonymous. Every download is recorded with account, date "
                "and file hash."
            ),
        )
    )
    st.html(markup.section(_("Compute a number again"), _("From the downloaded zip, in Python:")))
    st.code(recipe(snapshots[0]), language="python")


def snapshot_table(snapshots: tuple[Snapshot, ...], allowed: tuple[str, ...], language: str) -> str:
    """The wave's snapshots, newest first, with a link for each download the account may take."""
    _ = translator(language)
    kinds = {"responses": _("responses"), "codebook": _("codebook"), "district-indices": _("district indices")}
    columns = [
        markup.Column("hash", _("Snapshot"), kind="name"),
        # the links before the particulars: on a phone they are in sight
        *(markup.Column(kind, kinds[kind], "zip", kind="text", apart=kind == allowed[0]) for kind in allowed),
        markup.Column("made_on", _("Frozen"), kind="text", apart=True),
        markup.Column("status", _("Data"), kind="text"),
    ]
    rows = []
    for snapshot in snapshots:
        cells = {"hash": snapshot.hash, "made_on": moment(snapshot.made_on)}
        cells["status"] = _("simulated data") if snapshot.simulated else _("answers of residents")
        cells |= {kind: _("Download") for kind in allowed}
        links = {kind: f"/downloads/{snapshot.wave}/{snapshot.hash}/{kind}.zip" for kind in allowed}
        rows.append(markup.Row(snapshot.hash, cells, links=links))
    return markup.table(columns, rows, caption=_("Snapshots of this wave, newest first"))


def recipe(snapshot: Snapshot) -> str:
    """Three lines that give the console's numbers again from the downloaded zip."""
    return (
        "from analysis import open_snapshot\n\n"
        f'sample = open_snapshot("{file_name(snapshot, "responses")}")\n'
        'print(sample.index("satisfaction", by="district").to_frame())'
    )
