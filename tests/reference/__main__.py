"""`python -m tests.reference DIRECTORY`: every case there through the public surface of `analysis` alone."""

import sys
from collections import Counter
from pathlib import Path

from tests.reference.runner import FAILED, PASSED, UNSUPPORTED, cases_in, run


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or not Path(arguments[0]).is_dir():
        print("usage: python -m tests.reference DIRECTORY   (a folder of reference files, NAME.json and NAME.csv)")
        return 2
    outcomes = [run(case) for case in cases_in(Path(arguments[0]))]
    for outcome in outcomes:
        if outcome.state == FAILED:
            print(f"FAILED {outcome.name} [{outcome.kind}] {outcome.complaint}")
    kinds = Counter(outcome.kind for outcome in outcomes if outcome.state == UNSUPPORTED)
    for kind, count in sorted(kinds.items()):
        print(f"not supported yet: {count:3d}  {kind}")
    passed = [outcome for outcome in outcomes if outcome.state == PASSED]
    largest = max((outcome.worst for outcome in passed), default=0.0)
    print(f"largest relative error among the passed: {largest:.1e}")
    print(
        f"{len(passed)} passed, {len(outcomes) - len(passed)} failed ({sum(kinds.values())} of them not supported yet)"
    )
    return 0 if outcomes and len(passed) == len(outcomes) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
