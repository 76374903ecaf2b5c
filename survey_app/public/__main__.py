"""`python -m survey_app.public`: starts the residents' process."""

from pathlib import Path

from questionnaires import InstrumentError
from survey_app.http.launch import run, stop
from survey_app.public import doors
from survey_app.public.application import all_routes, middleware
from survey_app.store.errors import StoreError

SCRIPT = Path(__file__).with_name("form.py")
LOOPBACK = {"localhost", "127.0.0.1", "[::1]"}


def main() -> None:
    """Opens the store and serves both doors until stopped. Exits with 2 and a sentence when something is missing."""
    try:
        settings = doors.current().settings
        doors.warm()
    except (StoreError, InstrumentError) as error:
        stop(str(error))
    everywhere = not set(settings.allowed_hosts) <= LOOPBACK
    run(
        SCRIPT,
        routes=all_routes(),
        middleware=middleware(settings),
        config={
            "server.allowedHosts": list(settings.allowed_hosts),
            "theme.base": "light",
            "theme.primaryColor": "#0b665e",
            "theme.backgroundColor": "#f7f3ec",
            "theme.secondaryBackgroundColor": "#fffefb",
            "theme.textColor": "#22302f",
            "theme.borderColor": "#d8cfbf",
            "theme.baseRadius": "14px",
            "theme.baseFontSize": 19,
            "theme.showWidgetBorder": True,
            "theme.paddingTop": "1.5rem",
        },
        port=settings.public_port,
        expected={"runner.postScriptGC": False, "server.fileWatcherType": "none", "client.showErrorDetails": "none"},
        address="0.0.0.0" if everywhere else "127.0.0.1",  # noqa: S104  (named hosts are meant to be reached)
        proxies=settings.proxies,
    )


if __name__ == "__main__":
    main()
