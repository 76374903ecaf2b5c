"""Whether two answers are independent: from the shares and counts of a table's cells with their covariance."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis import chisquare
from analysis.errors import DesignError, nearest
from analysis.estimated import NO_VARIANCE
from analysis.estimates import Estimates

Floats = NDArray[np.float64]
STATISTICS = ("F", "Chisq", "Wald", "adjWald", "lincom", "saddlepoint")
SINGULAR = 1e-10


@dataclass(frozen=True)
class TableTest:
    """A test of independence. ndf, ddf: the degrees of freedom of the statistic (`Chisq` has infinite ddf; `lincom`
    and `saddlepoint` refer X2 to as many weighted chi-squares as ndf says). p: 0-1.

    pearson: X2 of the weighted shares times n, before any correction. n: persons with both answers.
    """

    name: str
    statistic: float
    ndf: float
    ddf: float
    p: float
    pearson: float
    n: int

    def to_frame(self) -> pd.DataFrame:
        """One row: test, statistic, ndf, ddf, p, pearson, n."""
        numbers = {"ndf": self.ndf, "ddf": self.ddf, "p": self.p, "pearson": self.pearson, "n": self.n}
        return pd.DataFrame([{"test": self.name, "statistic": self.statistic, **numbers}])


@dataclass(frozen=True)
class Independence:
    """A table of `shape` to be tested: counts and shares of its cells, row by row; degrees of freedom of the design.

    subject: what a refusal speaks of.
    """

    subject: str
    shape: tuple[int, int]
    counts: Estimates
    shares: Estimates
    degrees: float

    @property
    def n(self) -> int:
        """Persons with both answers."""
        return int(self.shares.n[0])

    def test(self, statistic: str) -> TableTest:
        """The test of this name; see `tables.Crosstab.test`."""
        if statistic not in STATISTICS:
            raise DesignError(f"statistic={statistic!r} is not a test of a table. {nearest(statistic, STATISTICS)}")
        return self._wald(statistic) if statistic in ("Wald", "adjWald") else self._rao_scott(statistic)

    @property
    def _pearson(self) -> float:
        shares = self.shares.values.reshape(self.shape)
        fitted = np.outer(shares.sum(axis=1), shares.sum(axis=0))
        return self.n * float(((shares - fitted) ** 2 / fitted).sum())

    def _rao_scott(self, statistic: str) -> TableTest:
        from scipy import stats

        effects = self.design_effects
        q, x2 = (self.shape[0] - 1) * (self.shape[1] - 1), self._pearson
        if statistic == "Chisq":
            p = float(stats.chi2.sf(x2 / (effects.sum() / q), q))
            return TableTest(statistic, x2, q, np.inf, p, x2, self.n)
        df = chisquare.satterthwaite(effects)[1]
        ddf = df * self.degrees
        if statistic == "F":
            f = x2 / float(effects.sum())
            return TableTest(statistic, f, df, ddf, float(stats.f.sf(f, df, ddf)), x2, self.n)
        return TableTest(statistic, x2, len(effects), ddf, chisquare.TAILS[statistic](x2, effects, ddf), x2, self.n)

    @cached_property
    def design_effects(self) -> Floats:
        """The generalised design effects: eigenvalues of the covariance of the interactions over what it would be in
        a simple random sample of n (Rao and Scott 1981); those of 0 are left out.
        """
        from scipy import linalg

        shares = self.shares.values.reshape(self.shape)
        fitted = np.outer(shares.sum(axis=1), shares.sum(axis=0)).ravel()
        contrasts = np.kron(linalg.helmert(self.shape[0]).T, linalg.helmert(self.shape[1]).T)
        inverse, simple = _information(contrasts, shares.ravel(), self.n)
        if np.linalg.cond(simple) > 1 / SINGULAR:
            # with many empty cells the observed shares leave interactions without a variance: then, as in the
            # definition of Rao and Scott, those expected under independence
            inverse, simple = _information(contrasts, fitted, self.n)
        scaled = inverse[:, None] * contrasts
        effects = linalg.eigvalsh(scaled.T @ self.shares.covariance @ scaled, simple)
        kept = effects[np.abs(effects) > SINGULAR * np.abs(effects).max()]
        if not kept.sum() > SINGULAR:  # design effects: in a simple random sample they are 1
            raise DesignError(f"{self.subject} has {NO_VARIANCE} (all psus agree), and so no test.")
        return np.asarray(kept)

    def _wald(self, statistic: str) -> TableTest:
        from scipy import stats

        gap, covariance = self._interactions()
        q = len(gap)
        ddf = self.degrees if statistic == "Wald" else self.degrees - q + 1
        subject = f"{self.subject} has {q} interactions to test together, and "
        if _singular(covariance):
            raise DesignError(
                f"{subject}their covariance is singular ({self.degrees:g} degrees of freedom of the design): "
                "use statistic='F', or merge levels."
            )
        if ddf <= 0:
            raise DesignError(f"{subject}the design has {self.degrees:g} degrees of freedom: use statistic='F'.")
        f = float(gap @ np.linalg.solve(covariance, gap)) * ddf / (q * self.degrees)
        return TableTest(statistic, f, q, ddf, float(stats.f.sf(f, q, ddf)), self._pearson, self.n)

    def _interactions(self) -> tuple[Floats, Floats]:
        """Counts less those expected under independence, without the first row and column, and their covariance."""
        rows, columns = self.shape
        table = self.counts.values.reshape(self.shape)
        total = table.sum()
        row_share = np.repeat(table.sum(axis=1), columns) / total
        column_share = np.tile(table.sum(axis=0), rows) / total
        in_row = np.kron(np.eye(rows), np.ones((columns, columns)))
        in_column = np.kron(np.ones((rows, rows)), np.eye(columns))
        # the derivative of N_ij - N_i N_j / N by each cell
        slope = np.eye(rows * columns) - in_row * column_share[:, None] - in_column * row_share[:, None]
        slope += (row_share * column_share)[:, None]
        used = np.arange(rows * columns).reshape(self.shape)[1:, 1:].ravel()
        gap = self.counts.values - total * row_share * column_share
        return gap[used], (slope @ self.counts.covariance @ slope.T)[np.ix_(used, used)]


def _information(contrasts: Floats, shares: Floats, n: int) -> tuple[Floats, Floats]:
    """1 / share, 0 for empty cells, and the covariance that the interactions would have in a simple random sample."""
    inverse = np.divide(1.0, shares, out=np.zeros(len(shares)), where=shares > 0)
    return inverse, contrasts.T @ (inverse[:, None] * contrasts) / n


def _singular(covariance: Floats) -> bool:
    spread = np.sqrt(np.clip(np.diag(covariance), 0.0, None))
    if (spread == 0).any():
        return True
    return bool(np.linalg.matrix_rank(covariance / np.outer(spread, spread), tol=SINGULAR) < len(spread))
