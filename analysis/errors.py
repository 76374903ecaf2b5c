"""The one kind of failure of this package, and the helper that names the nearest right name."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches

ENGINES = {"polars.exceptions": "PolarsError", "duckdb": "Error", "pyarrow": "ArrowException"}


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


@contextmanager
def reading() -> Iterator[None]:
    """A failure of the engine that holds the table (a column that cannot be computed, a file that is gone) as one
    sentence.
    """
    from narwhals.exceptions import NarwhalsError

    loaded = [getattr(sys.modules[module], name) for module, name in ENGINES.items() if module in sys.modules]
    try:
        yield
    except (NarwhalsError, OSError, ArithmeticError, *loaded) as error:
        said = str(error).strip().partition("\n")[0]
        raise DesignError(
            f"The table cannot be read as asked, its engine says: {said}. Mend the table or the request."
        ) from error
