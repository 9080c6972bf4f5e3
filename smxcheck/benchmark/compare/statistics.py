"""Ratios of times with intervals of 95 % confidence, and what may be said of them.

**Model.** In launch l and round r the logarithm of the ratio of two times is d_lr = θ + b_l + e_lr. What slowed a round
slowed both and has cancelled; b_l stays, since memory lies elsewhere in each process (Kalibera & Jones, Rigorous
benchmarking in reasonable time, ISMM 2013). A launch is reduced to m_l, the median of its rounds; θ̂ is
the mean of the m_l.

**Rounds.** With v_l the variance of the median of launch l under the bootstrap of its rounds, the mean of L launches varies
by Σ v_l / L² even if b = 0. The bootstrap of a median needs no random numbers (`_median_weights`).

**Launches.** s² = Σ (m_l - mean)² / (L-1) has expectation var b + v, rounds included: a bootstrap of both levels would
count rounds twice, and one of the launches alone is too narrow by √((L-1)/L) and again by the normal quantile, where
t with L-1 degrees of freedom belongs (12.7 and 4.3 for L = 2 and 3, not 1.96). So few degrees are worth little; the
other benchmarks of the same two contenders tell more. Their mean s₀² counts as a prior of d₀ degrees of freedom, in the
form of Smyth (Linear models and empirical Bayes methods, Stat. Appl. Genet. Mol. Biol. 3, 2004):

    s̃² = (d₀ s₀² + (L-1) s²) / (d₀ + L-1),   t with d₀ + L-1 degrees of freedom,

d₀ = the degrees of freedom that the others have, but at most PRIOR, since the noise of shapes differs. The interval is the
wider one of θ̂ ± t √(s̃²/L) and of the rounds' own. **One launch** has no s². Where the other benchmarks have none either,
PROCESS is put in its place, and what rounds vary by is added: nothing is SAME within 5 % after one launch, and FASTER or
SLOWER only beyond 15 %.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from smxcheck.benchmark.results import COPY, EXP, Benchmark, Entry, Verdict
from smxcheck.benchmark.results import Interval as Interval  # what every function here returns

Array = npt.NDArray[np.float64]

#: The most degrees of freedom that other benchmarks count for: t is then 2.45 for three launches instead of 4.30.
#: Simulated coverage over 2 to 5 launches, 5 to 30 rounds, 0 to 4 % between launches, 1 to 10 % between rounds: 93 % and
#: more, also where the noise of the benchmarks differs (the slow tests of `tests/test_bench_statistics.py`).
PRIOR = 4
#: What processes are taken to differ by (standard deviation of a logarithm) where nothing is known of it. Six targets on 7
#: shapes in 2 dtypes on two busy cores: √s² is 0.066 in the median of the 29 pairs with several launches, rounds included;
#: a process in which memory lies badly is off by far more, which no single launch tells.
PROCESS = 0.05
_CONFIDENCE = 0.95
#: Student's t with more degrees of freedom is the normal distribution, to 0.6 % of its quantile.
_MOST_FREEDOM = 200


@dataclass(frozen=True)
class _Estimate:
    """The logarithm of a ratio, and how it varies.

    ``rounds``: variance of ``value`` from the rounds alone, with ``rounds_freedom``; ``launches``: variance of the median of
    a launch, with ``freedom`` (0: not known); ``weight``: what that is multiplied by for the variance of ``value``.
    """

    value: float
    rounds: float
    rounds_freedom: int
    launches: float
    freedom: int
    weight: float


def time_ratio(entry: Entry, base: Entry, others: Sequence[tuple[Entry, Entry]] = ()) -> Interval:
    """The time of ``entry`` over that of ``base``, timed in the same rounds of the same launches.

    ``others`` are pairs of the same two contenders on other benchmarks of the run: their noise is a prior for the noise
    here; their ratios do not enter. Raises ValueError where the two have no round in common.
    """
    return _interval(_paired(entry, base), [_paired(*pair) for pair in others])


def ratio_between(new: Entry, old: Entry, others: Sequence[tuple[Entry, Entry]] = ()) -> Interval:
    """The time of ``new`` over that of ``old``, from two runs: their rounds and launches have nothing in common.

    The launches of both have one variance (the same benchmark on the same machine), of L + L' - 2 degrees of freedom; that
    of the ratio is 1/L + 1/L' times it. For ratios free of the machine's drift pass entries that are `anchored`.
    Raises ValueError where one of them was not timed.
    """
    return _interval(_unpaired(new, old), [_unpaired(*pair) for pair in others])


def mean_ratio(pairs: Sequence[tuple[Entry, Entry]]) -> Interval:
    """The geometric mean over benchmarks of the ratios of pairs (entry, base), each pair timed in the same rounds.

    It is a mean of just these benchmarks: how they differ among each other is no uncertainty. The variance is the larger of
    two estimates: Σ s²/K², right where what a launch does to one benchmark it does not do to the next, with the degrees of
    freedom of Satterthwaite (Biometrics Bulletin 2, 1946); and that of the launches' means over all benchmarks, right
    where it does. Raises ValueError where there is no pair, or one without a common round.
    """
    if not pairs:
        raise ValueError("a mean of no ratios")
    found = [_paired(*pair) for pair in pairs]
    count = len(found)
    value = math.fsum(e.value for e in found) / count
    rounds = math.fsum(e.rounds for e in found) / count**2
    least = min(e.rounds_freedom for e in found)
    parts = [e.launches * e.weight / count**2 for e in found]
    known = all(e.freedom for e in found)
    common = min(len(_launches(*pair)) for pair in pairs)
    means = np.mean([[np.median(each) for each in _launches(*pair)[:common]] for pair in pairs], axis=0)
    together = float(np.var(means, ddof=1)) / common if common > 1 else 0.0
    freedom = _satterthwaite(parts, [e.freedom for e in found]) if known else 0
    return _interval(_Estimate(value, rounds, least, max(math.fsum(parts), together), freedom, 1.0), [])


def anchored(entry: Entry, benchmark: Benchmark) -> Entry:
    """The entry with its times divided, round by round, by those of copy and exp together (so they have no unit).

    The yardsticks are the same code in every run: a machine that is slower as a whole is so for them too.
    Raises ValueError where a yardstick was not timed in the same rounds.
    """
    yardsticks = [benchmark.entry(name) for name in (COPY, EXP)]
    launches = []
    for place, launch in enumerate(entry.launches):
        beside = [y.launches[place].seconds for y in yardsticks if y and place < len(y.launches)]
        if len(beside) == len(yardsticks):
            turns = zip(launch.seconds, *beside, strict=False)
            launches.append(replace(launch, seconds=tuple(own / sum(anchor) for own, *anchor in turns)))
    if not launches:
        raise ValueError(f"{benchmark.title}: {COPY} and {EXP} were not timed beside {entry.name}")
    return replace(entry, launches=tuple(launches))


def verdict(ratio: Interval, margin: float) -> Verdict:
    """What an interval says of a ratio r of times, where 1/(1+m) ≤ r ≤ 1+m counts as the same.

    SLOWER and FASTER where the whole interval lies beyond; SAME where all of it lies within: the test of equivalence by
    inclusion of the interval (Schuirmann, J. Pharmacokinet. Biopharm. 15, 1987: two one-sided tests of level α are the
    inclusion of the interval of confidence 1-2α; ours of 95 % makes α 2.5 %). Anything else is UNDECIDED, never SAME. The
    bounds are reciprocals, so that a is SLOWER than b exactly where b is FASTER than a.
    """
    bound, low, high = math.log1p(margin), _log(ratio.low), _log(ratio.high)
    if low > bound:
        return Verdict.SLOWER
    if high < -bound:
        return Verdict.FASTER
    return Verdict.SAME if -bound <= low and high <= bound else Verdict.UNDECIDED


def wider(ratio: Interval, times: float) -> Interval:
    """The interval with so many times the distance from its value, in logarithms."""
    low, value, high = _log(ratio.low), _log(ratio.value), _log(ratio.high)
    return Interval(ratio.value, _exp(value - times * (value - low)), _exp(value + times * (high - value)))


def change(ratio: Interval, threshold: float, sure: float = 0.0) -> Verdict:
    """What the gate says of a ratio new/old and a threshold t that matters.

    SLOWER where the estimate is beyond 1+t and the interval beyond 1 + ``sure``·t: a slowdown that is significant, and by the
    best estimate too large. `verdict`, which asks that the interval exclude all that is allowed, misses a quarter of the
    slowdowns of twice the threshold in runs of some seconds (`smxcheck.benchmark.compare.gate`). FASTER is the mirror image.
    SAME where the whole interval lies within [1/(1+t), 1+t], anything else is UNDECIDED.
    """
    bound, least = math.log1p(threshold), math.log1p(sure * threshold)
    value, low, high = _log(ratio.value), _log(ratio.low), _log(ratio.high)
    if value > bound and low > least:
        return Verdict.SLOWER
    if value < -bound and high < -least:
        return Verdict.FASTER
    return Verdict.SAME if -bound <= low and high <= bound else Verdict.UNDECIDED


def _launches(entry: Entry, base: Entry) -> list[Array]:
    """log(entry / base) round by round for each launch; what only one of them has is left out."""
    logs = []
    for one, other in zip(entry.launches, base.launches, strict=False):
        rounds = min(len(one.seconds), len(other.seconds))
        if rounds:
            logs.append(np.log(one.seconds[:rounds]) - np.log(other.seconds[:rounds]))
    if not logs:
        raise ValueError(f"{entry.name} and {base.name} were not timed in the same rounds")
    return logs


@lru_cache(maxsize=4096)  # a ratio is asked for again as the prior of the next benchmark's
def _paired(entry: Entry, base: Entry) -> _Estimate:
    return _estimate(_launches(entry, base))


@lru_cache(maxsize=4096)
def _unpaired(new: Entry, old: Entry) -> _Estimate:
    """The difference of the two runs' logarithms; the variance of their launches is pooled."""
    sides = []
    for entry in (new, old):
        logs = [np.log(launch.seconds) for launch in entry.launches if launch.seconds]
        if not logs:
            raise ValueError(f"{entry.name} was not timed")
        sides.append(_estimate(logs))
    a, b = sides
    freedom = a.freedom + b.freedom
    pooled = (a.freedom * a.launches + b.freedom * b.launches) / freedom if freedom else 0.0
    return _Estimate(
        a.value - b.value, a.rounds + b.rounds, a.rounds_freedom + b.rounds_freedom,
        pooled, freedom, a.weight + b.weight,
    )  # fmt: skip


def _estimate(launches: Sequence[Array]) -> _Estimate:
    """Of logarithms, an array of rounds for each launch."""
    medians = np.array([np.median(each) for each in launches])
    count = medians.size
    rounds = math.fsum(map(_median_variance, launches)) / count**2
    spread = float(np.var(medians, ddof=1)) if count > 1 else 0.0
    freedom = sum(each.size - 1 for each in launches)
    return _Estimate(float(np.mean(medians)), rounds, freedom, spread, count - 1, 1 / count)


def _interval(estimate: _Estimate, others: Sequence[_Estimate]) -> Interval:
    """exp of the wider one of the two intervals, or of the rounds' with PROCESS where launches tell nothing."""
    borrowed = sum(e.freedom for e in others)
    mean = math.fsum(e.freedom * e.launches for e in others) / borrowed if borrowed else 0.0
    prior = min(PRIOR, borrowed)
    freedom = prior + estimate.freedom
    half = _student(estimate.rounds_freedom) * math.sqrt(estimate.rounds) if estimate.rounds_freedom else math.inf
    if freedom:
        variance = (prior * mean + estimate.freedom * estimate.launches) / freedom
        between = _student(freedom) * math.sqrt(variance * estimate.weight)
        half = max(half, between) if estimate.rounds_freedom else between
    else:
        half = math.hypot(half, _student(_MOST_FREEDOM) * PROCESS * math.sqrt(estimate.weight))
    return Interval(*(_exp(log) for log in (estimate.value, estimate.value - half, estimate.value + half)))


def _exp(log: float) -> float:
    """0 and infinity beyond the range of numbers: nothing is known from a single round of a single launch."""
    return (math.exp(log) if log < 700 else math.inf) if log > -700 else 0.0


def _log(ratio: float) -> float:
    return math.log(ratio) if ratio > 0 else -math.inf


def _satterthwaite(parts: Sequence[float], freedoms: Sequence[int]) -> int:
    """Degrees of freedom of a sum of variances, rounded down: (Σ v)² / Σ (v²/d); all of them where all v are 0."""
    squares = math.fsum(part**2 / freedom for part, freedom in zip(parts, freedoms, strict=True))
    return int(math.fsum(parts) ** 2 / squares * (1 + 1e-12)) if squares else sum(freedoms)


def _median_variance(values: Array) -> float:
    """Of the median of a resample with replacement: the bootstrap variance, over all nⁿ resamples."""
    ordered = np.sort(values)
    centred = ordered - ordered[ordered.size // 2]
    middles = (centred[:, None] + centred) / 2
    weights = _median_weights(values.size)
    return max(0.0, float(np.sum(weights * middles**2) - np.sum(weights * middles) ** 2))


@lru_cache(maxsize=64)
def _median_weights(n: int) -> Array:
    """(n, n): the probability that the middle two of a resample of n are the i-th and the j-th of the sample, i ≤ j.

    For odd n they are one, at most the i-th where at least m = (n+1)/2 of n draws are: P(Bin(n, i/n) ≥ m) (Efron, Bootstrap
    methods, Ann. Statist. 7, 1979, section 3; Maritz & Jarrett, JASA 73, 1978). For even n = 2m and i < j, m draws have
    their largest at i and m their smallest at j: C(2m, m) (iᵐ - (i-1)ᵐ) ((n-j+1)ᵐ - (n-j)ᵐ) / nⁿ; what is left of
    P(the m-th is the i-th) = P(Bin(n, i/n) ≥ m) - P(Bin(n, (i-1)/n) ≥ m) falls on the diagonal.
    """
    m = (n + 1) // 2
    below = np.array([math.fsum(_binomial(n, k, i / n) for k in range(m, n + 1)) for i in range(n + 1)])
    single = np.diff(below)
    if n % 2:
        return np.diag(single)
    # Both powers are scaled by 2ᵐ, the coefficient by 2⁻ⁿ: none overflows below a thousand rounds.
    powers = np.array([(2 * i / n) ** m for i in range(n + 1)])
    reach = np.diff(powers)
    weights = np.triu(math.comb(n, m) / 2**n * np.outer(reach, reach[::-1]), 1)
    return np.asarray(weights + np.diag(np.maximum(0.0, single - weights.sum(axis=1))))


def _binomial(n: int, k: int, p: float) -> float:
    """P(Bin(n, p) = k), by logarithms where p is neither 0 nor 1."""
    if p in (0.0, 1.0):
        return float(k == n * p)
    choose = math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
    return math.exp(choose + k * math.log(p) + (n - k) * math.log1p(-p))


@lru_cache(maxsize=256)
def _student(freedom: int) -> float:
    """The quantile of Student's t that leaves out 5 % on both sides together, for a whole number of degrees of freedom.

    By bisection of θ = arctan(t/√ν), in which the probability within ±t is a finite sum (Abramowitz & Stegun, 26.7.3-4).
    Above 200 degrees that of 200 holds: 1.972 instead of 1.960 at most.
    """
    freedom = min(freedom, _MOST_FREEDOM)
    low, high = 0.0, math.pi / 2
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if _within(middle, freedom) < _CONFIDENCE else (low, middle)
    return math.sqrt(freedom) * math.tan(low)


def _within(theta: float, freedom: int) -> float:
    """P(|t| < √ν tan θ)."""
    sine, cosine = math.sin(theta), math.cos(theta)
    odd = freedom % 2
    term, total = (cosine if odd else 1.0), 0.0
    for k in range(1 + odd, freedom, 2):
        total += term
        term *= cosine**2 * k / (k + 1)
    return 2 / math.pi * (theta + sine * total) if odd else sine * total
