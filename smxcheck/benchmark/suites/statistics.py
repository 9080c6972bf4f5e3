"""Ratios of times with bootstrap intervals.

Two contenders are compared by the median over the rounds of the ratio of their times: what slowed a round slowed both and
cancels before anything is averaged. Ratios are handled by their logarithms, so that a/b is exactly 1/(b/a). The interval
resamples rounds with replacement (percentile bootstrap, Efron & Tibshirani, An Introduction to the Bootstrap, 1993, ch. 13).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from smxcheck.benchmark.suites.model import Interval, Timing

Array = npt.NDArray[Any]

#: Resamples: the ends of the interval then vary by about 1 % of its width from seed to seed.
_RESAMPLES = 2000
_CONFIDENCE = 0.95


def ratio(slow: Timing, fast: Timing) -> Interval:
    """Time of ``slow`` for an element over that of ``fast``: the median over their common rounds."""
    return geometric_mean([(slow, fast)])


def geometric_mean(pairs: Sequence[tuple[Timing, Timing]]) -> Interval:
    """The geometric mean of the ratios of pairs (slow, fast), each pair of the same rounds; pairs are independent.

    Raises ValueError where there is no pair, or one whose rounds differ in number.
    """
    if not pairs:
        raise ValueError("a mean of no ratios")
    logs = [_log_ratios(slow, fast) for slow, fast in pairs]
    generator = np.random.default_rng(0)
    resampled = np.mean([_resampled_medians(each, generator) for each in logs], axis=0)
    tail = (1 - _CONFIDENCE) / 2
    low, high = np.quantile(resampled, (tail, 1 - tail))
    value = np.mean([np.median(each) for each in logs])
    return Interval(*(float(np.exp(log)) for log in (value, low, high)))


def _log_ratios(slow: Timing, fast: Timing) -> Array:
    """log of the ratio of the times for an element, round by round."""
    if len(slow.seconds) != len(fast.seconds):
        raise ValueError(f"{slow.name} and {fast.name} were not timed in the same rounds")
    ratios = np.divide(slow.seconds, fast.seconds) * (fast.elements / slow.elements)
    return np.asarray(np.log(ratios))


def _resampled_medians(values: Array, generator: np.random.Generator) -> Array:
    """The median of each resample."""
    chosen = generator.integers(values.size, size=(_RESAMPLES, values.size))
    return np.asarray(np.median(values[chosen], axis=1))
