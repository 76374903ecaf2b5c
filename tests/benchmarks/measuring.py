"""How things are timed: both sides in turn in one run, medians of warm runs and their ratio; machines are noisy."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One measured figure: what, how much, in which unit."""

    what: str
    value: float
    unit: str

    def __str__(self) -> str:
        return f"{self.what:<78} {self.value:>10.3g} {self.unit}"


def paired(ours: Callable[[], object], floor: Callable[[], object], *, runs: int = 5) -> tuple[float, float, float]:
    """Median seconds of ours and of the floor, and the median ratio, after one warm-up each, A B A B ..."""
    ours(), floor()
    pairs = [(seconds(ours), seconds(floor)) for _ in range(runs)]
    return (
        statistics.median(a for a, _ in pairs),
        statistics.median(b for _, b in pairs),
        statistics.median(a / b for a, b in pairs),
    )


def seconds(work: Callable[[], object]) -> float:
    """Wall-clock seconds of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
