"""Residents' processes that kill themselves with SIGKILL at a chosen point between a press and its answer.

`python -m tests.faults.victim` imports everything once and then forks a process per order (a line of JSON on standard
input), so that two hundred deaths do not cost two hundred starts. What is forked is the real process, both doors.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
from streamlit.components.v2 import manifest_scanner

from questionnaires import load_instrument
from survey_app import submission
from survey_app.public import __main__ as public
from survey_app.store import drafts, responses
from survey_app.store.connections import Connection

POINTS = ("received", "written", "before_commit", "after_commit", "before_answer")
"""received: the press has arrived. written: its row is in the transaction. before_answer: committed, not yet told."""


class Fuse:
    """Burns while its match lies there: the press that finds the match kills the process at the chosen point."""

    def __init__(self, point: str, match: Path) -> None:
        self.point, self.match, self.lit = point, match, False

    def passing(self, point: str) -> None:
        """Here the process dies, when this is the point and the press."""
        if self.lit and point == self.point:
            os.kill(os.getpid(), signal.SIGKILL)

    def press(self) -> None:
        """A page or a whole form has come in."""
        if self.match.exists():
            self.match.unlink()
            self.lit = True

    def around(self, owner: Any, name: str) -> None:
        """Guard the function that a door calls with what was sent."""
        real = getattr(owner, name)

        def guarded(*arguments: Any, **named: Any) -> Any:
            self.press()
            self.passing("received")
            outcome = real(*arguments, **named)
            self.passing("before_answer")
            return outcome

        setattr(owner, name, guarded)

    def after(self, owner: Any, name: str, point: str) -> None:
        """Die once this function has done its work."""
        real = getattr(owner, name)

        def guarded(*arguments: Any, **named: Any) -> Any:
            outcome = real(*arguments, **named)
            self.passing(point)
            return outcome

        setattr(owner, name, guarded)

    def around_commit(self, owner: Any, name: str, is_commit: Callable[..., bool]) -> None:
        """Die just before or just after a commit."""
        real = getattr(owner, name)

        def guarded(*arguments: Any, **named: Any) -> Any:
            commits = is_commit(*arguments)
            if commits:
                self.passing("before_commit")
            outcome = real(*arguments, **named)
            if commits:
                self.passing("after_commit")
            return outcome

        setattr(owner, name, guarded)


def lay(point: str, match: Path) -> None:
    """Put the fuse into this process."""
    fuse = Fuse(point, match)
    fuse.around(submission, "save_draft")
    fuse.around(submission, "submit")
    fuse.after(drafts, "save", "written")
    fuse.after(responses, "add", "written")
    fuse.around_commit(Connection, "run", lambda _, statement, *__: statement == "COMMIT")
    fuse.around_commit(psycopg.Connection, "commit", lambda *_: True)


def prepare() -> None:
    """What every start does anew and always finds the same: modules, and what is installed beside Streamlit."""
    load_instrument(Path(__file__).parents[1] / "store" / "small.yaml")
    found = manifest_scanner.scan_component_manifests()
    manifest_scanner.scan_component_manifests = lambda *_: found  # type: ignore[assignment]


def main() -> None:
    """Fork a process per line: {"environment", "point", "match"}, or wait for one: {"wait": its id}."""
    prepare()
    for line in sys.stdin:
        order = json.loads(line)
        if "wait" in order:
            answer = os.waitstatus_to_exitcode(os.waitpid(order["wait"], 0)[1])
        else:
            answer = os.fork()
            if answer == 0:
                os.environ.update(order["environment"])
                if order.get("point"):
                    lay(order["point"], Path(order["match"]))
                public.main()
                os._exit(0)
        print(answer, flush=True)


if __name__ == "__main__":
    main()
