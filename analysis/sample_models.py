"""The models, quantiles and moments that a Sample offers."""

from analysis.bound import BoundTable


class Models(BoundTable):
    """What a sample says of distributions and relations."""
