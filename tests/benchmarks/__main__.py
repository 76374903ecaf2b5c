"""`python -m tests.benchmarks [NAME ..]` runs every benchmark of this folder and prints its figures."""

import importlib
import pkgutil
import sys
from pathlib import Path


def main(wanted: list[str]) -> None:
    names = sorted(module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)]))
    for name in names:
        module = importlib.import_module(f"tests.benchmarks.{name}")
        if not hasattr(module, "figures") or (wanted and name not in wanted):
            continue
        print(f"\n{(module.__doc__ or name).splitlines()[0]}", flush=True)
        for figure in module.figures():
            print(f"  {figure}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
