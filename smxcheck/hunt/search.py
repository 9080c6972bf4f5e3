"""The search over rows of one function and dtype: families first, then from the worst rows on. A lower bound.

The candidates are a fixed sequence for a seed, a set of targets and what these answer; time only says how far it is
followed. All targets get every row, those that were found by climbing for another one too.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from smxcheck.dtypes import FORMATS, Format
from smxcheck.hunt.climb import Pool, best_of, children
from smxcheck.hunt.families import fresh
from smxcheck.hunt.model import CATEGORIES, NUMBERS, SEARCHED, Entry, Worst
from smxcheck.hunt.narrow import other_dtype
from smxcheck.hunt.question import (
    REFERENCE_BITS,
    Array,
    Batch,
    calls,
    exact,
    hex_of,
    hexadecimal,
    joined,
    rows_of_a_call,
)
from smxcheck.hunt.score import Scored, cancelling, score
from smxcheck.oracle import Enclosure
from smxcheck.targets.protocol import Session

#: Lengths of rows in the order in which they take turns, and how many rows a batch has (powers of two).
LENGTHS = (2, 10, 3, 100, 2, 10, 3, 1000)
ROWS = {1: 16384, 2: 4096, 3: 4096, 10: 1024, 100: 128, 1000: 32}
#: Batches before the climbing starts.
FRESH_ROUNDS = len(LENGTHS)


@dataclass
class Quarry:
    """One target under search: what was found so far, and the rows to go on from."""

    name: str
    session: Session
    pools: dict[tuple[str, int], Pool | None] = field(default_factory=dict)
    worst: dict[str, tuple[float, Batch]] = field(default_factory=dict)
    example: Batch | None = None
    inputs: int = 0
    elements: int = 0
    wrong: int = 0
    returned: str = ""
    reason: str = ""


def search(
    function: str,
    dtype: str,
    sessions: Mapping[str, Session],
    seed: int,
    seconds: float,
    rounds: int | None = None,
) -> list[Entry]:
    """Every target's worst errors after ``seconds`` for each, or after ``rounds`` batches."""
    fmt = FORMATS[dtype]
    rng = np.random.default_rng([seed, zlib.crc32(function.encode()), zlib.crc32(dtype.encode())])
    quarries = [Quarry(name, session) for name, session in sessions.items()]
    ends = time.monotonic() + seconds * len(quarries)
    for number, n in enumerate(_lengths(function)):
        active = [q for q in quarries if not q.reason]
        if not active or (number >= rounds if rounds is not None else time.monotonic() > ends):
            break
        batch = _candidates(rng, function, active, n, fmt, climbing=number >= FRESH_ROUNDS)
        truth = exact(function, batch)
        apart = cancelling(function, batch, truth)
        for quarry in active:
            got = answers(function, batch, truth.shape, quarry)
            if got is not None:
                quarry.returned = other_dtype(got, fmt)
                _learn(quarry, batch, score(got, truth, fmt, apart))
    return [_entry(function, dtype, quarry) for quarry in quarries]


def _lengths(function: str) -> Iterator[int]:
    while True:
        yield from (1,) if function in NUMBERS else LENGTHS


def _candidates(
    rng: np.random.Generator, function: str, quarries: list[Quarry], n: int, fmt: Format, climbing: bool
) -> Batch:
    """New rows; while climbing every second row is a child of a pool's."""
    m = ROWS[n]
    pools = [p for q in quarries for c in CATEGORIES if (p := q.pools.get((c, n))) is not None]
    if not climbing or not pools:
        return fresh(rng, function, m, n, fmt)
    share, more = divmod(m // 2, len(pools))
    batch = fresh(rng, function, m - m // 2, n, fmt)
    for place, pool in enumerate(pools):
        if count := share + (place < more):
            batch = joined(batch, children(rng, function, pool, count, fmt))
    return batch


def answers(function: str, batch: Batch, shape: tuple[int, ...], quarry: Quarry) -> Array | None:
    """The results of the batch; None, with the reason noted, where the target gives none."""
    values = []
    for call in calls(function, batch):
        seen = quarry.session.call(call)
        if seen.outcome != "returned":
            quarry.reason = " ".join(f"{seen.outcome}: {seen.error}".split())
            return None
        values.append(np.asarray(seen.value))
    got = np.concatenate(values) if len(values) > 1 else values[0]
    if got.size != int(np.prod(shape)):
        quarry.reason = f"returned shape {got.shape} where {shape} is right"
        return None
    return got.reshape(shape)


def _learn(quarry: Quarry, batch: Batch, scored: Scored) -> None:
    m, n = batch.x.shape
    quarry.inputs += m
    quarry.elements += scored.error.size
    for category, mask in scored.categories.items():
        errors = np.where(mask, scored.error, 0.0).reshape(m, -1).max(axis=1)
        key = category, n
        quarry.pools[key] = best_of(quarry.pools.get(key), batch, errors)
        row = int(errors.argmax())
        if errors[row] > quarry.worst.get(category, (0.0,))[0]:
            quarry.worst[category] = float(errors[row]), batch.take([row])
    quarry.wrong += int(scored.wrong.sum())
    if scored.wrong.any() and (quarry.example is None or n < quarry.example.x.shape[1]):
        quarry.example = batch.take([int(scored.wrong.reshape(m, -1).any(axis=1).argmax())])


def _entry(function: str, dtype: str, quarry: Quarry) -> Entry:
    """What was found, each worst row called and judged once more, alone in its batch."""
    worst = {
        category: found
        for category, (_, row) in quarry.worst.items()
        if (found := replayed(function, dtype, row, category, quarry)) is not None
    }
    example = None
    if quarry.example is not None:
        example = replayed(function, dtype, quarry.example, "", quarry)
    return Entry(
        quarry.name, function, dtype, SEARCHED, quarry.inputs, quarry.elements, worst, {}, quarry.wrong, example,
        returned=quarry.returned, reason=quarry.reason,
    )  # fmt: skip


def replayed(function: str, dtype: str, row: Batch, category: str, quarry: Quarry) -> Worst | None:
    """The worst element of a row that fills a batch of its own, judged by smxref; "" is the category of wrong ones.

    Where the place of a row in its batch changes the result, as between a vector loop and its remainder, this error is
    the one that can be seen again.
    """
    fmt = FORMATS[dtype]
    truth = exact(function, row.repeated(0, rows_of_a_call(function, 1)), REFERENCE_BITS)
    one = truth.take(slice(0, 1))
    copies = ROWS[row.x.shape[1]]
    batch = row.repeated(0, copies)
    got = answers(function, batch, (copies, *truth.shape[1:]) if truth.shape else (copies,), quarry)
    if got is None:
        return None
    spread = Enclosure(*(np.broadcast_to(a, got.shape) for a in (one.hi, one.lo, one.exponent, one.bound)))
    scored = score(got, spread, fmt, _spread(cancelling(function, row, one), got.shape))
    mask = scored.categories[category] if category else scored.wrong
    if not mask.any():
        return None
    place = np.unravel_index(int(np.where(mask, scored.error, -1.0).argmax()), got.shape)
    return Worst(
        float(scored.error[place]) if category else float("inf"),
        hexadecimal(function, row),
        int(place[1]) if len(place) > 1 else 0,
        float(got[place]).hex(),
        hex_of(one, (0, *place[1:])),
        next(len(call.arguments[0]) for call in calls(function, batch)),
    )


def _spread(mask: Array | None, shape: tuple[int, ...]) -> Array | None:
    return None if mask is None else np.broadcast_to(mask, shape)
