"""Every view of the console under its address: its title and what draws it."""

from collections.abc import Callable
from dataclasses import dataclass

from survey_app.console import (
    call_list,
    differences,
    district,
    downloads,
    fieldwork,
    interviewers,
    items,
    keying,
    overview,
    waves,
)
from survey_app.console.landing import VIEWS, open_to
from survey_app.console.visit import Visit
from survey_app.store.shapes import Account
from survey_app.text import translator


@dataclass(frozen=True)
class View:
    """One view."""

    path: str
    title: str
    show: Callable[[Visit], None]

    @property
    def action(self) -> str:
        """What `permissions.can` is asked, for the list of pages and again when the view runs."""
        return VIEWS[self.path]


def every(language: str) -> tuple[View, ...]:
    """All views in the order of the navigation, titles in one language."""
    _ = translator(language)
    return (
        View("overview", _("Overview"), overview.show),
        View("district", _("District"), district.show),
        View("items", _("Items"), items.show),
        View("waves", _("Waves"), waves.show),
        View("fieldwork", _("Fieldwork"), fieldwork.show),
        View("downloads", _("Downloads"), downloads.show),
        View("interviews", _("Interviews"), call_list.show),
        View("paper", _("Paper"), keying.show),
        View("differences", _("Differences"), differences.show),
        View("interviewers", _("Interviewers"), interviewers.show),
    )


def offered(language: str, account: Account) -> list[View]:
    """The views that an account may see."""
    paths = open_to(account)
    return [view for view in every(language) if view.path in paths]
