"""A table bound to its design: the one thing that estimates are asked of."""

from analysis.sample_distributions import Distributions
from analysis.sample_estimators import Estimators
from analysis.sample_models import Models
from analysis.sample_tests import Tests
from analysis.sample_weighting import Weighting


class Sample(Estimators, Distributions, Weighting, Tests, Models):
    """A table bound to a `Design`, with everything that can be asked of it; see `bound.BoundTable` for its parts."""
