"""Who is behind a case, for those who may see it."""

from functools import cache

from survey_app import permissions
from survey_app.console.visit import Visit
from survey_app.settings import Settings
from survey_app.store import contacts
from survey_app.store.contacts import Contacts, contacts_exist, open_contacts


@cache
def _opened(settings: Settings) -> Contacts:
    return open_contacts(settings)


def facts(visit: Visit, case: str) -> list[tuple[str, str]]:
    """Name, telephone, address and language of a drawn person; what is not known is said to be so."""
    _ = visit.translate
    if not permissions.can(visit.account, "contacts.view", visit.wave.slug):
        return []
    found = contacts.of(_opened(visit.settings), visit.wave, case) if contacts_exist(visit.settings) else None
    if found is None:
        return [(_("Contact"), _("no contact data are stored for this case"))]
    return [
        (_("Name"), found.name or ""),
        (_("Telephone"), found.phone or ""),
        (_("Address"), found.address or ""),
        (_("Preferred language"), found.language or ""),
    ]
