"""Right afterwards too: the values of the very call that was timed, judged after the rounds of the first launch.

What is judged before the rounds is another call, on other arrays, hard rows among them. A target could tell it from the timed
ones: by counting, by the hard rows, by where the arrays lie. So the timed call is made again, as it was and with a few
entries exchanged in its own arrays, which the parent draws anew for every benchmark; both values are judged on a sample of rows,
those with exchanged entries among them. A result that was kept from an earlier call is wrong there.

It costs 7 to 33 calls of a target, 0.1 s beyond the first seven at most, and the exact values of 2^15 elements or one row, and
so is done once: what a target does in a later launch alone, by a file that tells it of the first, remains unseen.
A sampler's draws have no value to compare and are not judged again. A mean over all rows and rows of more than 2^20
entries are judged after the change alone, as they take seconds.
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from smxcheck.benchmark.measure.inputs import exact_values
from smxcheck.benchmark.measure.recall import Change, Recalled
from smxcheck.benchmark.measure.right import Right
from smxcheck.benchmark.measure.rounds import NotTimed
from smxcheck.benchmark.results import Judgement
from smxcheck.benchmark.shapes import Shape
from smxcheck.catalog import FUNCTIONS
from smxcheck.oracle.certified.table import TABLE as CERTIFIED
from smxcheck.targets.layout import same_bytes
from smxcheck.targets.protocol import Call, TargetInfo

Array = npt.NDArray[Any]

#: Elements that are judged, at least a row: certified arithmetic takes 1 µs for each, the reference up to 90 µs.
_ELEMENTS, _EXACT = 1 << 15, 1 << 9
#: Changes that are sent: one that is judged, the others only so that no call but the first finds an input that it knows.
_CHANGES = 16
#: A row longer than this takes seconds.
_LONG = 1 << 20

KEPT = "returns a result that it kept from an earlier call"


class Recalling(Protocol):
    """A session that holds a call."""

    info: TargetInfo

    def recall(self, changes: list[Change]) -> Recalled: ...


class Afterwards:
    """The judge of timed values for one call on one shape. All targets get the same changes."""

    def __init__(self, call: Call, dtype: str, shape: Shape, rng: random.Random | None = None) -> None:
        self._call, self._dtype, self._shape = call, dtype, shape
        self._rng = rng or random.SystemRandom()
        self._first: Array = call.arguments[0]
        self._layout = FUNCTIONS[call.function].shape
        self._axis = shape.axis % self._first.ndim
        self._changes = self._drawn()
        self._asked: dict[tuple[bool, bool], Right] = {}
        self.seconds = 0.0  # of judging

    def judge(self, session: Recalling) -> Judgement | None:
        """What is wrong with the values, None where nothing is.

        Raises NotTimed where the times are worthless.
        """
        if self._layout == "drawn":
            return None
        found = session.recall(self._changes)
        dear = self._shape.n > _LONG or not found.after.ndim
        started = time.monotonic()
        try:
            return self._judged(session.info, found, after_alone=dear and bool(self._changes))
        finally:
            self.seconds += time.monotonic() - started

    def _judged(self, info: TargetInfo, found: Recalled, after_alone: bool) -> Judgement | None:
        if found.before.shape != found.after.shape:
            return Judgement("wrong", message=f"when timed: shape {found.after.shape}, before {found.before.shape}")
        for changed in (True,) if after_alone else (False, True):
            earned = self._of(info, found.after if changed else found.before, changed)
            if isinstance(earned, Judgement) and earned.wrong:
                if changed and self._changes and same_bytes(found.before, found.after):
                    raise NotTimed(KEPT)
                return replace(earned, message=f"when timed: {earned.message}")
        return None

    def _of(self, info: TargetInfo, value: Array, changed: bool) -> Judgement | str:
        rows = self._by_row(value)
        key = changed, rows is None
        if key not in self._asked:
            shape = self._shape if rows is None else Shape((len(self._rows), self._shape.n))
            self._asked[key] = Right(self._call.function, self._dtype, shape, self._part(changed, rows is None))
        return self._asked[key].of_value(info, value if rows is None else rows[self._rows])

    def _part(self, changed: bool, whole: bool) -> Call:
        """The call as it was or with the first change; all of it, or the rows of the sample."""
        first = self._first
        if changed and self._changes:
            to, source = self._changes[0]
            first = first.copy()
            first.reshape(-1)[to] = self._first.reshape(-1)[source]
        arguments = (first, *self._call.arguments[1:])
        if whole:
            return Call(self._call.function, arguments, self._call.keywords)
        keywords: Mapping[str, Any] = {k: v for k, v in self._call.keywords.items() if k != "axis"}
        return Call(self._call.function, tuple(self._taken(a) for a in arguments), keywords)

    def _taken(self, argument: Array) -> Array:
        """Rows of the sample of an argument: of its own length along the axis, or one number each."""
        if argument.ndim < self._first.ndim:
            return np.take(argument, self._rows)
        return np.ascontiguousarray(_rows(argument, self._axis)[self._rows])

    def _by_row(self, value: Array) -> Array | None:
        """(R, …) where each row of the input has its own part of the value; None of a mean over rows."""
        outer = tuple(np.delete(self._first.shape, self._axis).tolist())
        if not outer:
            return value[np.newaxis] if value.shape == self._first.shape else None
        if self._layout in ("reduced", "loss"):
            return value.reshape(-1) if value.shape == outer else None
        if self._layout == "same":
            return _rows(value, self._axis) if value.shape == self._first.shape else None
        return value.reshape(-1, *value.shape[len(outer) :]) if value.shape[: len(outer)] == outer else None

    def _drawn(self) -> list[Change]:
        """The changes, and in ``_rows`` the sample of rows, those of the first change among them."""
        places = _rows(np.arange(self._first.size).reshape(self._first.shape), self._axis)
        count = len(places)
        changes = [c for c in (self._exchange(places) for _ in range(_CHANGES)) if c is not None]
        rows = [self._rng.randrange(count)]
        if self._layout in ("reduced", "loss") and count > 1:
            rows = self._rng.sample(range(count), 2)  # an exchange within a row may leave its value as it is
            changes.insert(0, (places[rows].reshape(-1), places[rows[::-1]].reshape(-1)))
        elif changes:
            rows = [int(np.flatnonzero((places == changes[0][0][0]).any(axis=1))[0])]
        certified = self._call.function in CERTIFIED
        each = exact_values(self._call.function, self._shape.n)
        wanted = min(count, max(2, (_ELEMENTS if certified else _EXACT) // each))
        self._rows = np.array(sorted({*rows, *self._rng.sample(range(count), wanted)}))
        return changes

    def _exchange(self, places: Array) -> Change | None:
        """Two entries of one row that differ: sum, maximum and order of all entries of the row stay what they were."""
        row = places[self._rng.randrange(len(places))]
        values = self._first.reshape(-1)[row]
        one = self._rng.randrange(row.size)
        others = np.flatnonzero(np.abs(values.astype(np.float64) - float(values[one])) > self._apart(values))
        if not others.size:
            return None
        pair = row[[one, int(others[self._rng.randrange(others.size)])]]
        return pair, pair[::-1].copy()

    @staticmethod
    def _apart(values: Array) -> float:
        """Half of what most entries of a row differ by: an exchange of less could be within what is allowed."""
        return 0.25 * float(values.max() - values.min())


def _rows(array: Array, axis: int) -> Array:
    """(…, n, …) → (R, n)."""
    moved: Array = np.moveaxis(array, axis, -1)
    return moved.reshape(-1, moved.shape[-1])
