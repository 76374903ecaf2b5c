"""Start the console: `python -m survey_app.console` (port SANDU_CONSOLE_PORT, 8502)."""

from pathlib import Path

from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from survey_app.console import process
from survey_app.console.landing import Landing
from survey_app.http import launch
from survey_app.http.downloads import Downloads
from survey_app.http.middleware import STREAMLIT_POLICY, middleware_stack
from survey_app.http.sessions import Login, SessionGate
from survey_app.publish.charts import FONT

SCRIPT = Path(__file__).with_name("app.py")
BODY_LIMIT = 64 * 1024  # bytes; the console takes a login form and nothing larger

CONFIG = {
    "server.maxMessageSize": 20,
    "client.showErrorDetails": "none",
    "client.toolbarMode": "minimal",
    "theme.base": "light",
    "theme.primaryColor": "#1f5f73",
    "theme.backgroundColor": "#ffffff",
    "theme.secondaryBackgroundColor": "#f4f6f7",
    "theme.textColor": "#1d2b33",
    "theme.linkColor": "#1f5f73",
    "theme.borderColor": "#dde4e7",
    "theme.baseRadius": "8px",
    "theme.font": FONT,
    "theme.headingFont": FONT,
    "theme.showWidgetBorder": True,
}
EXPECTED = {
    "runner.postScriptGC": False,
    "server.fileWatcherType": "none",
    "server.enableStaticServing": False,
    "browser.gatherUsageStats": False,
    "client.showErrorDetails": "none",
}


async def healthz(_request: Request) -> PlainTextResponse:
    """200 "ok" while the process answers."""
    return PlainTextResponse("ok")


def main() -> None:
    """Serve until stopped; one sentence and status 2 when the store cannot be opened or the port is taken."""
    try:
        settings, store = process.settings(), process.store()
    except ValueError as error:
        launch.stop(str(error))
    routes = [Route("/healthz", healthz), *Login(store).routes(), *Downloads(store, settings.home).routes()]
    stack = middleware_stack(hosts=settings.allowed_hosts, policies={"/": STREAMLIT_POLICY}, body_limit=BODY_LIMIT)
    launch.run(
        SCRIPT,
        routes=routes,
        middleware=[*stack, Middleware(SessionGate, account_of=process.account_of), Middleware(Landing)],
        config={**CONFIG, "server.allowedHosts": list(settings.allowed_hosts)},
        port=settings.console_port,
        expected=EXPECTED,
        proxies=settings.proxies,
    )


if __name__ == "__main__":
    main()
