"""Weighting: a factor per weighting cell, and what the variance owes to it."""

from analysis.weighting.cells import Cells
from analysis.weighting.credit import CellSums, Credit, credited
from analysis.weighting.margins import Margin, read_margins
from analysis.weighting.raking import Raking
from analysis.weighting.steps import Step, Taken, product, repeat, take

__all__ = [
    "CellSums",
    "Cells",
    "Credit",
    "Margin",
    "Raking",
    "Step",
    "Taken",
    "credited",
    "product",
    "read_margins",
    "repeat",
    "take",
]
