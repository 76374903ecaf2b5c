"""What a Sample says of distributions: quantiles, variances, correlations."""

from analysis.bound import BoundTable


class Distributions(BoundTable):
    """How values are distributed in the population."""
