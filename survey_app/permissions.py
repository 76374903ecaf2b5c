"""Who may do what: one function, and what is not listed is refused."""

from __future__ import annotations

from survey_app.store.shapes import Account

EVERYONE_SIGNED_IN = frozenset({"administrator", "analyst", "organiser", "interviewer"})
OFFICE = frozenset({"administrator", "analyst", "organiser"})
ANALYSTS = frozenset({"administrator", "analyst"})
FIELD = frozenset({"administrator", "organiser"})
ADMINISTRATORS = frozenset({"administrator"})

# action -> roles. The resource is a wave's slug, or None where an action concerns no wave.
ALLOWED = {
    "console.enter": EVERYONE_SIGNED_IN,
    "results.view": ANALYSTS | FIELD,
    "responses.view": ANALYSTS,
    "responses.download": ANALYSTS,
    "responses.exclude": ANALYSTS,
    "responses.revise": ADMINISTRATORS,
    "responses.erase": ADMINISTRATORS,
    "codebook.download": OFFICE,
    "district-indices.download": OFFICE,
    "fieldwork.view": OFFICE,
    "snapshot.make": ANALYSTS,
    "release.make": ADMINISTRATORS,
    "wave.create": FIELD,
    "wave.close": FIELD,
    "instrument.publish": FIELD,
    "invitations.mint": FIELD,
    "contacts.manage": FIELD,
    "contacts.view": FIELD | frozenset({"interviewer"}),
    "quarantine.view": FIELD,
    "interview.conduct": FIELD | frozenset({"interviewer"}),
    "paper.key": FIELD | frozenset({"interviewer"}),
    "paper.settle": FIELD,
    "cases.assign": FIELD,
    "account.manage": ADMINISTRATORS,
    "audit.view": ADMINISTRATORS,
}


def can(actor: Account | None, action: str, resource: str | None = None) -> bool:
    """Whether the actor may do this to the resource (a wave's slug).

    False for nobody, for a disabled account, and for any action that is not in ALLOWED. Roles hold for every wave;
    the resource is part of the call so that a rule per wave needs no change where it is asked.
    """
    if actor is None or actor.disabled:
        return False
    return actor.role in ALLOWED.get(action, frozenset())
