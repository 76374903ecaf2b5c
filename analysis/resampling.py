"""Replicates from the psus of a design: jackknife, balanced half-samples (with Fay's damping), rescaled bootstrap.

Each is a set of deviations d of the psus' factors from 1. Where waves share psus the deviations are drawn for the
psus of all waves together and then centred within each stratum of each wave, so that no replicate gains from how many
psus of a wave it happens to hold; with a linear statistic the jackknife is then the linearised variance exactly.
Sources: Wolter 2007, chapters 3 and 4; Judkins 1990 (Fay); Rao and Wu 1988; Chipperfield and Preston 2007.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from analysis.errors import DesignError, nearest
from analysis.hadamard import hadamard
from analysis.layout import Layout
from analysis.replication import Replication, check_centre, check_rho
from analysis.variance import group_sums

if TYPE_CHECKING:
    from analysis.design import Design

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
KINDS = ("jackknife", "brr", "fay", "bootstrap")
DEGREES = ("psus", "rank")
METHODS = ("rao-wu", "chipperfield-preston")
LARGEST = 100_000_000  # factors that fit in memory: 800 MB


@dataclass(frozen=True)
class Request:
    """What `Sample.replicate` was asked for."""

    kind: str
    count: int | None
    seed: int | None
    centre: str
    rho: float | None
    method: str
    df: str

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise DesignError(f"There are no replicates {self.kind!r}. {nearest(self.kind, KINDS)}")
        check_centre(self.centre)
        check_rho(self.rho, self.kind)
        if self.df not in DEGREES:
            raise DesignError(f"df={self.df!r} is no rule for replicates. {nearest(self.df, DEGREES)}")
        if self.method not in METHODS:
            raise DesignError(f"There is no bootstrap {self.method!r}. {nearest(self.method, METHODS)}")
        known = isinstance(self.count, int) and isinstance(self.seed, int)
        if self.kind == "bootstrap" and (not known or self.count is None or self.count < 2):
            raise DesignError("The bootstrap needs a number of replicates of at least 2 and a seed: count=500, seed=1.")
        if self.kind != "bootstrap" and (self.count is not None or self.seed is not None):
            raise DesignError(
                f"The design decides how many {self.kind} replicates there are: leave out count and seed."
            )


@dataclass(frozen=True)
class Psus:
    """The psus to be resampled: P of them (a psu of several waves once) in K blocks, in the order of their labels.

    unit_psu: U first-stage units -> psu. unit_group: U -> stratum and wave, G groups. block: P -> block, the stratum,
    where waves share psus; else the stratum in one wave.
    """

    unit_psu: Integers
    unit_group: Integers
    block: Integers
    group_block: Integers
    drawn: Floats
    fraction: Floats
    names: tuple[str, ...]

    @cached_property
    def size(self) -> Floats:
        """K psus."""
        return np.bincount(self.block).astype(float)

    @cached_property
    def shared(self) -> NDArray[np.bool_]:
        """K, whether the block has several waves."""
        return np.bincount(self.group_block, minlength=len(self.size)) > 1

    @cached_property
    def block_fraction(self) -> Floats:
        """K sampling fractions; 0 where several waves have their own."""
        fraction = np.zeros(len(self.size))
        fraction[self.group_block] = self.fraction
        return np.where(self.shared, 0.0, fraction)

    @cached_property
    def spread(self) -> Floats:
        """G factors of the deviations: 1, and where waves share psus sqrt((1 - f) n_t (n - 1) / ((n_t - 1) n))."""
        size = self.size[self.group_block]
        inverse = np.maximum(self.drawn - 1, 1) * size
        own = (1 - self.fraction) * self.drawn * np.maximum(size - 1, 1) / inverse
        return np.where(self.shared[self.group_block], np.sqrt(np.clip(own, 0.0, None)) * (self.drawn > 1), 1.0)

    @cached_property
    def reach(self) -> Floats:
        """K, how large a deviation may be so that no factor of a wave can fall below 0, squared."""
        own = self.drawn / (np.maximum(self.spread, 1e-9) * self.size[self.group_block])
        least = np.full(len(self.size), np.inf)
        np.minimum.at(least, self.group_block, np.where(self.drawn > 1, own, np.inf))
        return np.where(self.shared, np.minimum(least, 1.0) ** 2, 1.0)

    def name(self, block: int) -> str:
        """A block as a reader writes it."""
        return self.names[int(np.flatnonzero(self.group_block == block)[0])] or "the sample"

    def lonely(self) -> list[str]:
        """The strata that have one psu, not drawn with certainty."""
        alone = (self.drawn == 1) & (self.fraction < 1 - 1e-7)
        return [self.names[place] or "the sample" for place in np.flatnonzero(alone)]

    def factors(self, deviations: Floats) -> Floats:
        """U x B factors from P x B deviations, centred within the stratum of each wave."""
        count, moved = len(self.drawn), deviations[self.unit_psu]
        if not self.shared.any():  # they add up to 0 as they are
            return 1 + moved
        mean = group_sums(moved, self.unit_group, count) / np.bincount(self.unit_group, minlength=count)[:, None]
        return np.asarray(1 + self.spread[self.unit_group][:, None] * (moved - mean[self.unit_group]))


def resample(design: "Design", layout: Layout, request: Request) -> Replication:
    """Replicates of a design. Raises DesignError for designs that the kind asked for cannot repeat."""
    _check(design, layout, request)
    psus = _psus(design, layout)
    _check_lonely(psus, design, request)
    made = {"jackknife": _jackknife, "brr": _balanced, "fay": _balanced, "bootstrap": _bootstrap}
    deviations, scales = made[request.kind](psus, request)
    factors = psus.factors(deviations)
    if factors.min(initial=0.0) < -1e-9:
        worst = psus.unit_group[int(np.argmin(factors.min(axis=1)))]
        raise DesignError(
            f"The waves of the stratum {psus.names[worst] or 'all'!r} share so few psus that a bootstrap would give "
            "weights below 0: use the jackknife."
        )
    stratified = len(psus.size) > 1
    names = {"jackknife": "JKn" if stratified else "JK1", "brr": "BRR"}
    return Replication(
        kind=names.get(request.kind, request.kind),
        factors=np.clip(factors, 0.0, None),
        labels={label: place for place, label in enumerate(layout.labels)},
        scales=scales,
        centre=request.centre,
        rho=request.rho,
        seed=request.seed,
        by_rank=request.df == "rank",
    )


def _check(design: "Design", layout: Layout, request: Request) -> None:
    if design.replicates is not None:
        raise DesignError("The design has replicate weights already: use them, or bind the psus instead.")
    if design.pps is not None:
        raise DesignError("Replicates know nothing of pps=: leave it out for psus drawn with replacement.")
    if len(layout.stages) > 1 and np.isfinite(layout.stages[1].population).any():
        raise DesignError(
            "Replicates resample psus, so that the fpc of later stages would be lost: give the fpc of the first stage "
            "alone (the variance is then a little too small), or none (a little too large)."
        )
    if request.kind in ("brr", "fay") and layout.stages[0].fraction.any():
        raise DesignError(
            "Balanced replicates have no finite population correction: leave fpc out, or use another kind."
        )


def _check_lonely(psus: Psus, design: "Design", request: Request) -> None:
    lonely = psus.lonely()
    if lonely and (request.kind != "bootstrap" or design.lonely_psu in ("adjust", "average")):
        rule = f" under lonely_psu={design.lonely_psu!r}" if request.kind == "bootstrap" else ""
        more = f" (and {len(lonely) - 1} more)" if len(lonely) > 1 else ""
        raise DesignError(
            f"The stratum {lonely[0]!r}{more} has one psu, which the {request.kind}{rule} cannot repeat: merge it with "
            "a neighbouring stratum."
        )


def _psus(design: "Design", layout: Layout) -> Psus:
    """The psus in the order of their labels, and the blocks that they are resampled in."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    first = layout.stages[0]
    units, groups = len(first.group), len(first.drawn)
    strata = len(design.strata)
    later = strata + (design.wave is not None)
    keys = [_key(label if not design.psus else label[:strata] + label[later:]) for label in layout.labels]
    number = {key: place for place, key in enumerate(sorted(set(keys)))}
    unit_psu = np.array([number[key] for key in keys], dtype=np.int64)
    links = coo_array((np.ones(units), (first.group, groups + unit_psu)), shape=(groups + len(number),) * 2)
    component = connected_components(links, directed=False)[1]
    _, block = np.unique(component[groups:], return_inverse=True)
    home = dict(zip(component[groups:].tolist(), block.tolist(), strict=True))
    return Psus(
        unit_psu=unit_psu,
        unit_group=first.group,
        block=block.astype(np.int64),
        group_block=np.array([home[one] for one in component[:groups].tolist()], dtype=np.int64),
        drawn=first.drawn,
        fraction=first.fraction,
        names=tuple(first.names),
    )


def _key(label: tuple[Any, ...]) -> tuple[tuple[bool, Any], ...]:
    return tuple((isinstance(part, str), part) for part in label)


def _jackknife(psus: Psus, request: Request) -> tuple[Floats, Floats]:
    """One psu left out at a time, the others of its stratum raised by n / (n - 1); scale (1 - f) (n - 1) / n."""
    size, complete = psus.size[psus.block], psus.block_fraction[psus.block] >= 1 - 1e-7
    left_out = np.flatnonzero((size > 1) & ~complete)
    if len(left_out) * len(size) > LARGEST:
        raise DesignError(f"A jackknife of {len(left_out)} psus does not fit in memory: use the bootstrap.")
    if not len(left_out):
        raise DesignError("Every stratum was taken completely, so that there is nothing to leave out.")
    same = psus.block[:, None] == psus.block[left_out][None, :]
    deviations = np.where(same, 1 / np.maximum(size - 1, 1)[:, None], 0.0)
    deviations[left_out, np.arange(len(left_out))] = -1.0
    scales = (1 - psus.block_fraction[psus.block]) * (size - 1) / size
    return deviations, scales[left_out]


def _balanced(psus: Psus, request: Request) -> tuple[Floats, Floats]:
    """Half-samples of one psu in each stratum of two, balanced by a Hadamard matrix; scale 1 / (B (1 - rho)^2)."""
    wrong = [psus.name(int(block)) for block in np.flatnonzero(psus.size != 2)]
    if wrong:
        more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
        raise DesignError(
            f"Balanced replicates need two psus in every stratum, and {wrong[0]!r}{more} has another number: "
            "pair its psus into strata, or use the jackknife or the bootstrap."
        )
    signs = hadamard(len(psus.size) + 1)[1 : len(psus.size) + 1]
    second = np.zeros(len(psus.block), dtype=bool)
    second[1:] = np.array([psus.block[i] in psus.block[:i] for i in range(1, len(psus.block))])
    rho = request.rho or 0.0
    deviations = (1 - rho) * signs[psus.block] * np.where(second, -1.0, 1.0)[:, None]
    return deviations, np.full(signs.shape[1], 1 / (signs.shape[1] * (1 - rho) ** 2))


def _bootstrap(psus: Psus, request: Request) -> tuple[Floats, Floats]:
    """Factor 1 - l + l (n / m) r for a psu drawn r times; scale 1 / B, or 1 / (B - 1) about the replicates' mean.

    rao-wu: m = n - 1 draws with replacement, l = sqrt(m (1 - f) / (n - 1)). chipperfield-preston: m = n / 2 (rounded
    down) without replacement, l = sqrt(m (1 - f) / (n - m)). Where waves share psus m is smaller, so that no factor can
    fall below 0.
    """
    count = request.count or 0
    if count * len(psus.block) > LARGEST:
        raise DesignError(f"A bootstrap of {len(psus.block)} psus does not fit in memory: ask for fewer replicates.")
    random = np.random.default_rng(request.seed)
    deviations = np.zeros((len(psus.block), count))
    for block, (size, fraction, reach) in enumerate(
        zip(psus.size.astype(int).tolist(), psus.block_fraction.tolist(), psus.reach.tolist(), strict=True)
    ):
        if size == 1:
            continue
        if request.method == "rao-wu":
            draws = max(1, int((size - 1) * reach + 1e-9))
            drawn = random.integers(size, size=(count, draws)) + size * np.arange(count)[:, None]
            times = np.bincount(drawn.ravel(), minlength=size * count).reshape(count, size).T
            damping = np.sqrt(draws * max(1 - fraction, 0.0) / (size - 1))
        else:
            draws = max(1, min(size // 2, int(size * reach / (1 + reach) + 1e-9)))
            times = (random.random((count, size)).argsort(axis=1).argsort(axis=1) < draws).T
            damping = np.sqrt(draws * max(1 - fraction, 0.0) / (size - draws))
        deviations[psus.block == block] = damping * (size / draws * times - 1)
    return deviations, np.full(count, 1 / (count if request.centre == "estimate" else count - 1))
