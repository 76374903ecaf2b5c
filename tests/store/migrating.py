"""Run as a process of its own, to be killed or to race: python migrating.py DIRECTION HOME URL STATEMENT.

It dies before the n-th statement of the migration; 0: never. "together": it waits for a line on standard input first.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

from alembic.ddl.impl import DefaultImpl

from survey_app.settings import Settings
from survey_app.store import schema

_run = DefaultImpl._exec


def dying(at: int) -> Any:
    done = [0]

    def execute(self: DefaultImpl, *arguments: Any, **named: Any) -> Any:
        done[0] += 1
        if done[0] == at:
            os.kill(os.getpid(), signal.SIGKILL)
        return _run(self, *arguments, **named)

    return execute


if __name__ == "__main__":
    direction, home, url, statement = sys.argv[1:5]
    settings = Settings(home=Path(home), data=Path(home), secret=b"s" * 32, database_url=url or None)
    DefaultImpl._exec = dying(int(statement))  # type: ignore[method-assign]
    if direction == "together":
        os.write(1, b"ready\n")
        sys.stdin.readline()
    if direction == "down":
        schema.downgrade(settings, "0001")
    else:
        schema.upgrade(settings)
