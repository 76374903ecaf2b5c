"""Weighting: a factor per weighting cell, and what the variance owes to it."""

from analysis.weighting.calibration import Calibration, read_calibration
from analysis.weighting.cells import Cells
from analysis.weighting.credit import CellSums, Credit, credited
from analysis.weighting.margins import Margin, read_margins
from analysis.weighting.nonresponse import Nonresponse
from analysis.weighting.poststratification import PostStratification
from analysis.weighting.raking import Raking
from analysis.weighting.steps import Step, Taken, product, repeat, take
from analysis.weighting.trimming import Trimming

__all__ = [
    "Calibration",
    "CellSums",
    "Cells",
    "Credit",
    "Margin",
    "Nonresponse",
    "PostStratification",
    "Raking",
    "Step",
    "Taken",
    "Trimming",
    "credited",
    "product",
    "read_calibration",
    "read_margins",
    "repeat",
    "take",
]
