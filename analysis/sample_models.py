"""The models that a Sample offers."""

from analysis.bound import BoundTable


class Models(BoundTable):
    """What a sample says of relations between items."""
