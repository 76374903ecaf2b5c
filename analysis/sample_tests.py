"""The tests that a Sample offers."""

from analysis.bound import BoundTable


class Tests(BoundTable):
    """What a sample says for or against a hypothesis."""
