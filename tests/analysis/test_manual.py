"""The manual's example runs as printed, and every public name has its docstring."""

import re
from pathlib import Path

import pytest

import analysis

MANUAL = Path(analysis.__file__).parent / "README.md"


def test_the_examples_of_the_manual_run_one_after_the_other(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(MANUAL.parent.parent)
    examples = re.findall(r"```python\n(.*?)```", MANUAL.read_text(encoding="utf-8"), re.DOTALL)
    assert len(examples) > 5
    names: dict[str, object] = {}
    for example in examples:
        exec(compile(example, str(MANUAL), "exec"), names)
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
