"""The manual's example runs as printed, and every public name has its docstring."""

import re
from pathlib import Path

import pytest

import analysis

MANUAL = Path(analysis.__file__).parent / "README.md"


def test_the_example_of_the_manual_runs(capsys: pytest.CaptureFixture[str]) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", MANUAL.read_text(encoding="utf-8"), re.DOTALL)
    exec(compile(example, str(MANUAL), "exec"), {})
    shown = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in shown[:3]] == ["east", "west", "whole"]
    assert "detectable" in shown[3]


def test_every_public_name_is_documented() -> None:
    for name in analysis.__all__:
        public = getattr(analysis, name)
        assert public.__doc__, name
        for method, value in vars(public).items() if isinstance(public, type) else ():
            if not method.startswith("_") and callable(value):
                assert value.__doc__, f"{name}.{method}"
