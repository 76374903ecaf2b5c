"""Too few open files for the sessions to come: the process says so instead of losing answers later."""

import os
import subprocess
import sys

from survey_app.settings import Settings
from tests.benchmarks.processes import free_port


def test_a_hard_limit_of_open_files_that_is_too_low_is_one_sentence_and_exit_code_2(sqlite_settings: Settings) -> None:
    environment = {**os.environ, "SANDU_HOME": str(sqlite_settings.home), "SANDU_PUBLIC_PORT": str(free_port())}
    environment.pop("SANDU_DATABASE_URL", None)
    command = ["sh", "-c", 'ulimit -n 1024; exec "$@"', "sh", sys.executable, "-m", "survey_app.public"]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert "1024 files" in ended.stderr
    assert "LimitNOFILE" in ended.stderr
