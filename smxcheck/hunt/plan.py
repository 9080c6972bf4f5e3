"""What is to be done, as independent tasks, less what an earlier run has done."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from smxcheck.dtypes import FORMATS
from smxcheck.hunt.model import (
    ALL,
    EXHAUSTIVE,
    NUMBERS,
    OF_PAIRS,
    PAIRS,
    SEARCHED,
    SHARDS,
    TWO_CLASS,
    Entry,
    Settings,
    Task,
)

#: Targets of which it is known that a pair's result depends on its difference alone.
OWN = ("builtin", "builtin.accurate")


def tasks(settings: Settings, done: Iterable[Entry] = ()) -> list[Task]:
    """16-bit formats, then searches, then shards of float32; each with the targets that still lack it."""
    entries = {entry.key: entry for entry in done}
    found = []
    for function, dtype, domain, shard in _all(settings):
        lacking = tuple(
            target
            for target in settings.targets
            if (domain != PAIRS or target in OWN)
            and not _is_done(entries.get((function, dtype, domain, target)), shard)
        )
        if lacking:
            found.append(Task(function, dtype, domain, lacking, shard))
    return found


def _all(settings: Settings) -> Iterator[tuple[str, str, str, int | None]]:
    narrow = [d for d in settings.dtypes if FORMATS[d].is_16_bit]
    numbers = [f for f in settings.functions if f in EXHAUSTIVE]
    pairs = [f for f in settings.functions if f in OF_PAIRS]
    yield from ((f, d, _domain(f), None) for f in (*pairs, *numbers) for d in narrow)
    whole = [
        *narrow,
        *(["float32"] if settings.exhaustive and len(settings.exponents) == SHARDS // 2 else []),
    ]
    for function in settings.functions:
        for dtype in settings.dtypes:
            if not (function in NUMBERS and dtype in whole):
                yield function, dtype, SEARCHED, None
    if settings.exhaustive:
        yield from ((f, d, PAIRS, None) for f in pairs for d in narrow)
    if settings.exhaustive and "float32" in settings.dtypes:
        for function in numbers:
            yield from ((function, "float32", _domain(function), s) for s in _shards(settings))


def _domain(function: str) -> str:
    return ALL if function in NUMBERS else TWO_CLASS


def _shards(settings: Settings) -> list[int]:
    """Both signs of every exponent."""
    return [sign + exponent for exponent in settings.exponents for sign in (0, 256)]


def _is_done(entry: Entry | None, shard: int | None) -> bool:
    return entry is not None and (bool(entry.reason) or shard is None or shard in entry.shards)
