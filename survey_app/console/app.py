"""The console's Streamlit script: who is here, which wave, which language, then one view."""

from collections.abc import Callable
from urllib.parse import quote, urlencode, urlsplit

import streamlit as st

from survey_app import permissions
from survey_app.console import markup, pageform, process, views
from survey_app.console.landing import MISSING
from survey_app.console.visit import Visit, kept, recalled
from survey_app.http.sessions import COOKIE
from survey_app.publish.catalogue import newest
from survey_app.store import waves as stored_waves
from survey_app.store.shapes import Account, Wave
from survey_app.text import LANGUAGE_NAMES, LANGUAGES, preferred_language, translator


def main() -> None:
    """One run of the script: every sentence the visitor sees is in their language, also when something is wrong."""
    language = chosen_language()
    _ = translator(language)
    st.set_page_config(page_title=_("Sandu · Three degrees"), page_icon=markup.icon_image(), layout="wide")
    st.html(markup.style())
    st.logo(markup.brand_image(), size="large")
    account = process.account_of(st.context.cookies.get(COOKIE, ""))
    if account is None:
        signed_out(language)
        return
    allowed = pages(language, account)
    if not allowed:
        st.html(
            markup.empty(
                _("Nothing to see here for this account"), _("Ask an administrator for a role that may see results.")
            )
        )
        st.html(markup.link(f"/logout?lang={language}", _("Sign out")))
        return
    st.navigation(allowed, position="top").run()


def signed_out(language: str) -> None:
    """Where to sign in again, and a page of a form that nobody can send any more, with what was typed on it."""
    _ = translator(language)
    st.html(markup.empty(_("You are signed out"), _("Please sign in again to go on.")))
    here = (urlsplit(st.context.url or "").path or "/") + "?" + urlencode(st.query_params.to_dict())
    st.html(markup.link(f"/login?lang={language}&next={quote(here, safe='')}", _("Sign in")))
    pageform.show_left_open(language)


def pages(language: str, account: Account) -> list[st.Page]:
    """The views this account may see, as pages: titles in the visitor's language, addresses the same in all."""
    return [
        st.Page(_page(one, language, account), title=one.title, url_path=one.path, default=place == 0)
        for place, one in enumerate(views.offered(language, account))
    ]


def _page(view: views.View, language: str, account: Account) -> Callable[[], None]:
    """A view with the bar above it; permission is asked again here, and what a view refuses becomes one sentence."""

    _ = translator(language)

    def run() -> None:
        pageform.turn_over()
        try:
            wave = bar(language, account)
            if st.query_params.pop(MISSING, ""):
                st.warning(_("There is no page under that address, or none that this account may see."))
            if wave is not None and permissions.can(account, view.action, wave.slug):
                settings = process.settings()
                view.show(Visit(settings, process.store(), account, language, wave, newest(settings.home, wave.slug)))
        except ValueError as error:
            st.error(_("This view cannot be shown: {reason}").format(reason=error))

    return run


def bar(language: str, account: Account) -> Wave | None:
    """Wave, language and account in one line; None, with what to do about it, when no wave exists."""
    _ = translator(language)
    known = {wave.slug: wave for wave in stored_waves.list(process.store())}
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", key="bar"):
        wave = _wave(known, language) if known else None
        with st.container(horizontal=True, vertical_alignment="center", gap="medium", width="content", key="bar_right"):
            st.segmented_control(
                _("Language"),
                LANGUAGES,
                format_func=LANGUAGE_NAMES.__getitem__,
                key="language",
                required=True,
                label_visibility="collapsed",
                width="content",
            )
            st.html(markup.who(account.display_name, _("Sign out"), f"/logout?lang={language}"), width="content")
    st.query_params["lang"] = language
    if wave is None:
        st.html(
            markup.empty(
                _("No wave yet"), _("Make the demonstration waves, or create a wave of your own:"), "sandu demo"
            )
        )
    return wave


def chosen_language() -> str:
    """The language of this visit: the switch, else the address, else the browser's."""
    asked = st.query_params.get("lang", "")
    preferred = preferred_language(st.context.headers.get("Accept-Language", ""))
    return recalled("language", LANGUAGES, asked if asked in LANGUAGES else preferred)


def _wave(known: dict[str, Wave], language: str) -> Wave:
    """The wave to look at; the latest with a snapshot at first. It stands in the address."""
    _ = translator(language)
    recalled("wave", list(known), _first(known))
    slug = st.selectbox(
        _("Wave"),
        list(known),
        format_func=lambda slug: known[slug].title.get(language) or slug,
        key="wave",
        label_visibility="collapsed",
        width=420,
    )
    return known[kept("wave", slug, address=True)]


def _first(known: dict[str, Wave]) -> str:
    """The last wave that has a snapshot, else the last wave."""
    home = process.settings().home
    return next((slug for slug in reversed(known) if newest(home, slug)), list(known)[-1])


main()
