"""Starts a process: one port, Streamlit and our own routes on it, every setting that matters stated and asserted.

The settings are options of `App.run`, not lines of a file beside it, so that a process never runs with the defaults
that do not hold a load (a forced garbage collection after each run, a scan of all modules for each session).
"""

import errno
import logging
import resource
import socket
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

import streamlit
from starlette.middleware import Middleware
from starlette.routing import BaseRoute
from streamlit import config as streamlit_config
from streamlit import net_util
from streamlit.runtime.app_session import AppSession
from streamlit.web import bootstrap
from streamlit.web.server.starlette import starlette_server

from survey_app.http.heads import LimitedHead
from survey_app.http.middleware import ERROR_SENTENCES, EXCEPTION_HANDLERS
from survey_app.http.sockets import SocketGate
from survey_app.text import LANGUAGES, translator

BASE_CONFIG: Mapping[str, Any] = {
    "runner.postScriptGC": False,
    "runner.magicEnabled": False,
    "server.fileWatcherType": "none",
    "server.runOnSave": False,
    "server.headless": True,
    "server.enableStaticServing": False,
    "server.enableXsrfProtection": True,
    "server.enableCORS": True,
    "server.maxUploadSize": 1,
    "server.maxMessageSize": 5,
    "server.disconnectedSessionTTL": 900,
    "server.enableAgentApi": False,
    "browser.gatherUsageStats": False,
    "client.showErrorDetails": "none",
    "client.toolbarMode": "minimal",
    "logger.level": "warning",
    "logger.hideWelcomeMessage": True,
    "global.developmentMode": False,
}
"""Settings of both processes; a caller's `config` may add to them or lift one (larger messages for charts)."""

OPEN_FILES = 65_536
"""Wanted limit of open files: a Streamlit session takes four; at 1024 answers begin to be lost at 250 sessions."""
FEWEST_FILES = 4_096
"""Below this limit a process does not start."""


def run(
    script: Path,
    *,
    routes: Sequence[BaseRoute],
    middleware: Sequence[Middleware],
    config: Mapping[str, Any],
    port: int,
    expected: Mapping[str, Any],
    address: str = "127.0.0.1",
    proxies: Sequence[str] = (),
) -> None:
    """Serves `script` and `routes` on one port until stopped.

    `config` is laid over `BASE_CONFIG`; `expected` names further settings (dotted name -> value) that must hold. Only
    what `proxies` (addresses or networks) say of the client in X-Forwarded-For and X-Forwarded-Proto is believed.
    Exits with status 2 and one sentence when the port is taken or a setting does not hold.
    """
    settings = {**BASE_CONFIG, **config, "server.port": port, "server.address": address}
    require_open_files(raise_open_file_limit())
    require_free_port(address, port)
    app = streamlit.App(
        script,
        routes=routes,
        middleware=[*middleware, Middleware(SocketGate)],
        exception_handlers=EXCEPTION_HANDLERS,
        on_script_error=apologise,
    )
    bootstrap.load_config_options(settings)
    require_settings({**settings, **expected})
    _watch_no_files()
    _tell_nothing_of_the_checkout()
    _set_up_server(proxies)
    _ask_nobody_outside()
    _read_themes_once()
    app.run(config=settings)


def apologise(error: Exception) -> bool:
    """Shows a sentence in both languages instead of an unforeseen error of a script; the log gets the traceback."""
    logging.getLogger("survey_app").error("a page could not be drawn", exc_info=error)
    streamlit.error("  \n".join(translator(language)(ERROR_SENTENCES[500]) for language in LANGUAGES))
    return True


def require_settings(expected: Mapping[str, Any]) -> None:
    """Exits with one sentence unless every Streamlit option has the value that is expected of it."""
    for name, value in expected.items():
        found = streamlit.get_option(name)
        if found != value:
            stop(f"The setting {name} is {found!r} but must be {value!r}; remove what overrides it and start again.")


def require_free_port(address: str, port: int) -> None:
    """Exits with one sentence when `port` cannot be bound at `address`; port 0 takes any free one."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                stop(f"Port {port} is taken; stop what listens there or choose another port (SANDU_*_PORT).")
            stop(f"Port {port} cannot be opened at {address}: {error.strerror}. Choose another port (SANDU_*_PORT).")


def raise_open_file_limit(wanted: int = OPEN_FILES) -> int:
    """Raises the limit of open files towards `wanted`, as far as the system lets us; returns the limit that holds."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    ceiling = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < ceiling:
        resource.setrlimit(resource.RLIMIT_NOFILE, (ceiling, hard))
        return ceiling
    return soft


def require_open_files(limit: int) -> None:
    """Exits with one sentence when the process may not open files enough for a thousand sessions."""
    if limit != resource.RLIM_INFINITY and limit < FEWEST_FILES:
        stop(
            f"This process may open {limit} files, and {FEWEST_FILES} are needed: four for each person at the form. "
            "Raise the hard limit (LimitNOFILE= of the service, or `ulimit -Hn`) and start again."
        )


def stop(sentence: str) -> NoReturn:
    """Ends the process with status 2 and one sentence on standard error."""
    sys.stderr.write(sentence + "\n")
    raise SystemExit(2)


def _watch_no_files() -> None:
    # A session that reconnects registers file watchers even with fileWatcherType "none": 81 ms of the processor each
    # time, against 8 ms without. Nothing is ever edited under a running process, so the step is left out.
    _replace(AppSession, "register_file_watchers", _register_no_watchers)


def _tell_nothing_of_the_checkout() -> None:
    # Whoever asks over the socket is told the repository, its branch and the names of edited files, and for each asking
    # the server runs git several times while everybody waits: ten visitors made a page take 700 ms instead of 8.
    _replace(AppSession, "_handle_git_information_request", _tell_nothing)


def _set_up_server(proxies: Sequence[str]) -> None:
    # The header "server: uvicorn" is the server's own and goes before every header that an application can set. Left to
    # itself it also believes X-Forwarded-For of anybody on this machine, and whom FORWARDED_ALLOW_IPS names: enough to
    # have a new address for each guess of a code, or to use up another's guesses.
    made = getattr(starlette_server, "_get_uvicorn_config_kwargs", dict)
    ours = {"server_header": False, "proxy_headers": bool(proxies), "forwarded_allow_ips": list(proxies)}
    ours["http"] = LimitedHead

    def with_ours() -> dict[str, Any]:
        return {**made(), **ours}

    _replace(starlette_server, "_get_uvicorn_config_kwargs", with_ours)


def _ask_nobody_outside() -> None:
    # To judge a request of another site (Origin), Streamlit asks a server abroad for the address of this machine: twice
    # a second of waiting, in which nobody is served, at each such request.
    _replace(net_util, "get_external_ip", _no_address)
    _replace(net_util, "get_internal_ip", _no_address)


def _read_themes_once() -> None:
    # Each run of a script asks for six sections of settings, which never change once the process has started: a tenth
    # of what a page costs.
    made = streamlit_config.get_options_for_section
    _replace(streamlit_config, "get_options_for_section", cache(made))


def _replace(owner: Any, name: str, new: Any) -> None:
    """Puts our function in the place of one of Streamlit's, or stops where this version has none of that name."""
    if not callable(getattr(owner, name, None)):
        stop(f"This Streamlit has no {name}, which Sandu replaces. Install the version that constraints.txt names.")
    setattr(owner, name, new)


def _no_address() -> None:
    return None


def _tell_nothing(_session: AppSession) -> None:
    return None


def _register_no_watchers(_session: AppSession) -> None:
    return None
