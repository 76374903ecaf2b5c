"""Quotas in the Fieldwork view: in words, with what is taken and what is left."""

import re

from sqlalchemy import delete

from survey_app.console.visit import Visit
from survey_app.demonstration.making import Demonstration
from survey_app.publish.catalogue import Snapshot
from survey_app.store import Account, Store, quotas, waves
from survey_app.store.quotas import Quota
from survey_app.store.tables import quota
from tests.console.test_views import cells, html, shown, text


def test_quotas_are_shown_in_words_with_what_is_taken_and_left(
    demonstration: Demonstration, store: Store, snapshot: Snapshot, analyst: Account
) -> None:
    visit = Visit(demonstration.settings, store, analyst, "en", waves.get(store, snapshot.wave), snapshot)
    conditions = {"district": "510104", "D1": "female", "mode": "web"}
    quotas.set_caps(visit.store, visit.wave, [Quota("test", conditions, 9000)])
    (held,) = [one for one in quotas.state(visit.store, visit.wave) if one.name == "test"]
    try:
        test = shown("fieldwork", visit)
    finally:  # the store is shared with other tests
        store.write(lambda connection: connection.run(delete(quota)))
    assert "Complete answers at most" in text(test)
    tables = [cells(test, table=number) for number in range(html(test).count("<tbody>"))]
    row = next(table["test"] for table in tables if "test" in table)
    assert (row["taken"], row["cap"], row["left"]) == (str(held.taken), "9000", str(9000 - held.taken))
    words = re.search(r'<tr data-row="test".*?</tr>', html(test), re.DOTALL)
    assert words and all(word in words[0] for word in ("Jinjiang", "Female", "web"))
