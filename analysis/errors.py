"""The one kind of failure of this package, and the helper that names the nearest right name."""

from collections.abc import Iterable
from difflib import get_close_matches


class DesignError(ValueError):
    """A design, a weighting step or a request that cannot be honoured; the sentence names the offender and the
    remedy.
    """


def nearest(name: object, known: Iterable[object]) -> str:
    """A closing sentence for an unknown name: the nearest known one, or what there is."""
    names = [str(one) for one in known]
    close = get_close_matches(str(name), names, n=1, cutoff=0.5)
    if close:
        return f"Did you mean {close[0]!r}?"
    shown = ", ".join(repr(one) for one in names[:12])
    return f"There is: {shown}{', ...' if len(names) > 12 else ''}." if names else "There is none."
