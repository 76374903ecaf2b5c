"""Design-based estimation: what was asked of whom with which weight, and the numbers that follow from it.

The names below are the public surface; each is loaded on first use, so that importing the package costs little.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analysis.design import Design
    from analysis.errors import DesignError
    from analysis.estimates import Estimates
    from analysis.formatting import format_interval, format_number, format_signed, format_signed_interval
    from analysis.replication import Replicates
    from analysis.sample import Sample
    from analysis.snapshots import open_snapshot

__all__ = [
    "Design",
    "DesignError",
    "Estimates",
    "Replicates",
    "Sample",
    "format_interval",
    "format_number",
    "format_signed",
    "format_signed_interval",
    "open_snapshot",
]

_HOMES = {
    "Design": "design",
    "DesignError": "errors",
    "Estimates": "estimates",
    "Replicates": "replication",
    "Sample": "sample",
    "format_interval": "formatting",
    "format_number": "formatting",
    "format_signed": "formatting",
    "format_signed_interval": "formatting",
    "open_snapshot": "snapshots",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'analysis' has no attribute {name!r}")
    return getattr(import_module(f"analysis.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
