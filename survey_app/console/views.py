"""Every view of the console: its address, its title, and the permission it takes."""

from collections.abc import Callable
from dataclasses import dataclass

from survey_app import permissions
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
from survey_app.console.visit import Visit
from survey_app.store.shapes import Account
from survey_app.text import translator


@dataclass(frozen=True)
class View:
    """One view; action: what `permissions.can` is asked, for the list of pages and again when the view runs."""

    path: str
    title: str
    action: str
    show: Callable[[Visit], None]


def every(language: str) -> tuple[View, ...]:
    """All views in the order of the navigation, titles in one language."""
    _ = translator(language)
    return (
        View("overview", _("Overview"), "results.view", overview.show),
        View("district", _("District"), "results.view", district.show),
        View("items", _("Items"), "results.view", items.show),
        View("waves", _("Waves"), "results.view", waves.show),
        View("fieldwork", _("Fieldwork"), "fieldwork.view", fieldwork.show),
        View("downloads", _("Downloads"), "codebook.download", downloads.show),
        View("interviews", _("Interviews"), "interview.conduct", call_list.show),
        View("paper", _("Paper"), "paper.key", keying.show),
        View("differences", _("Differences"), "paper.settle", differences.show),
        View("interviewers", _("Interviewers"), "cases.assign", interviewers.show),
    )


def offered(language: str, account: Account) -> list[View]:
    """The views that an account may see."""
    return [view for view in every(language) if permissions.can(account, view.action)]
