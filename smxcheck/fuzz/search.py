"""The search of one function, dtype and target: calls drawn until the time is over, failures shrunk, one for each cause.

Hypothesis runs in slices of 100, 200, 400, … inputs, each with a seed of its own that depends on --seed, --shard, function,
dtype and slice alone. Half of a slice is drawn freely, then it climbs towards the largest error over what is allowed
(`hypothesis.target`). Slices double, so that a short time has seen both, and a long one climbs far. Where the time is over
within a slice, the search leaves it by an exception that is no `Exception`: Hypothesis lets those pass, as it must for
Ctrl-C.
"""

from __future__ import annotations

import hashlib
import math
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings, target
from hypothesis.configuration import set_hypothesis_home_dir
from hypothesis.errors import Flaky, HypothesisWarning
from hypothesis.strategies import SearchStrategy, floats, lists

from smxcheck.fuzz.inputs import Drawn, calls
from smxcheck.fuzz.put import Answer, Put

#: Inputs of the first slice.
_FIRST = 100
#: Failures of one function and dtype after which nothing more is looked for.
MOST_FAILURES = 3
#: Calls that died after which no more are made: each costs a process.
_MOST_DEAD = 10
#: Floats of which one at least is taken from those gathered: each is, with probability 0.15. (The first input is all 0.)
_ENOUGH = 100
_CLIP = 60.0  # log2 of a ratio that is infinite or 0


class _Over(BaseException):
    """The time is over: passes through Hypothesis, as KeyboardInterrupt does."""


class _Failed(Exception):
    """A call failed in the way that is being shrunk."""


@dataclass
class Search:
    """What was found so far. ``run`` goes on where the last one ended."""

    put: Put
    drawn_with: str  # --seed, and --shard where the run is a part
    now: Callable[[], float] = time.monotonic
    inputs: int = 0
    worst_ratio: float | None = None
    worst: str = ""
    failures: list[Answer] = field(default_factory=list)
    seconds: float = 0.0
    exhausted: bool = False
    _slice: int = 0
    _dead: int = 0
    _limit: float = math.inf
    _grace: float = 0.0
    _wanted: tuple[str, str] | None = None
    _last: Answer | None = None
    _smallest: Answer | None = None

    @property
    def done(self) -> bool:
        return self.exhausted or len(self.failures) >= MOST_FAILURES or self._dead >= _MOST_DEAD

    def run(self, until: float, grace: float) -> None:
        """Draw until the clock says ``until``; shrinking may go on for ``grace`` seconds after that."""
        began = self.now()
        try:
            while not self.done and self.now() < until:
                before = self.inputs
                self._limit, self._grace = until, grace
                self._one_slice()
                self.exhausted = self.inputs == before and self._wanted is None
        finally:
            self.seconds += self.now() - began

    def _one_slice(self) -> None:
        self._wanted = self._last = self._smallest = None
        put = self.put
        drawn = calls(put.function, put.dtype, put.offered)
        probe = _configured(drawn, self._probe, self._seed(), _FIRST * 2**self._slice)
        self._slice += 1
        try:
            probe()
        except _Failed:
            self._keep(self._last)  # Hypothesis ends with the simplest one
        except (_Over, Flaky):
            self._keep(self._smallest)

    def _seed(self) -> int:
        text = f"{self.drawn_with} {self.put.function} {self.put.dtype} {self._slice}"
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")

    def _keep(self, answer: Answer | None) -> None:
        if answer is not None:
            self.failures.append(answer)

    def _probe(self, drawn: Drawn) -> None:
        if self.now() > self._limit:
            raise _Over
        answer = self.put(drawn)
        if answer is None:
            return
        self.inputs += 1
        if answer.failure is None:
            self._climb(answer)
            return
        self._fail(answer, answer.failure)

    def _climb(self, answer: Answer) -> None:
        ratio = answer.ratio
        if ratio is None:
            return
        if self.worst_ratio is None or ratio > self.worst_ratio:
            self.worst_ratio, self.worst = ratio, answer.text
        target(min(max(math.log2(ratio), -_CLIP), _CLIP) if ratio > 0 else -_CLIP, label="log2(error / allowed)")

    def _fail(self, answer: Answer, failure: tuple[str, str]) -> None:
        """The first failure of a slice says which one is shrunk; others of it wait for the next slice."""
        if failure in {known.failure for known in self.failures}:
            return
        if self._wanted is None:
            self._wanted = failure
            self._limit += self._grace
        if failure != self._wanted:
            return
        self._last = answer
        if self._smallest is None or answer.size < self._smallest.size:
            self._smallest = answer
        self._dead += answer.dead
        if answer.hung or self._dead >= _MOST_DEAD:
            raise _Over
        raise _Failed


def _configured(
    drawn: SearchStrategy[Any], probe: Callable[[Any], None], start: int, inputs: int
) -> Callable[[], None]:
    """A Hypothesis test that writes nothing, prints nothing, and draws the same for the same ``start``."""

    @seed(start)
    @settings(
        max_examples=inputs, database=None, deadline=None, derandomize=False, print_blob=False,
        report_multiple_bugs=False, verbosity=Verbosity.quiet, suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.target, Phase.shrink),
    )  # fmt: skip
    @given(drawn)
    def of_one(call: Any) -> None:
        probe(call)

    return of_one


@contextmanager
def quietly() -> Iterator[None]:
    """Hypothesis gathers the numbers in the source files of the project that it runs in, to draw them too, and keeps them
    in a folder: one that is gone afterwards. It does so at its first draws, which are made here, ahead of any clock (a
    matter of seconds in a checkout of smxcheck; elsewhere there is nothing to gather)."""
    with tempfile.TemporaryDirectory(prefix="smxcheck-") as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore", HypothesisWarning)
        set_hypothesis_home_dir(folder)
        try:
            _configured(lists(floats(), min_size=_ENOUGH, max_size=_ENOUGH), lambda drawn: None, 0, 3)()
            yield
        finally:
            set_hypothesis_home_dir(None)
