"""The work as items that do not depend on each other: subjects that are asked the same questions are one item."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from smxcheck.selftest.subjects import Subject

#: An item is cut into parts of so many subjects, so that no process is left with the largest at the end. The questions
#: are asked anew in each part: at half as many, the whole takes a tenth longer on one core.
MOST = 24


@dataclass(frozen=True)
class Item:
    """Subjects over the quick cases of their function in one dtype, under one expectation; each at its own level."""

    function: str
    dtype: str
    expectation: str
    subjects: tuple[Subject, ...]

    @property
    def where(self) -> str:
        return f"{self.function} {self.dtype}"


def items(subjects: Iterable[Subject]) -> list[Item]:
    """The work items of all subjects in all their dtypes. What needs a worker process of its own is an item of its own."""
    together: dict[tuple[str, str, str, str], list[Subject]] = {}
    for s in subjects:
        for dtype in dict.fromkeys((*s.dtypes, *s.equivalent)):
            key = (s.function, dtype, s.expectation, s.target)
            together.setdefault(key, []).append(s)
    return [
        Item(function, dtype, expectation, tuple(some[start : start + MOST]))
        for (function, dtype, expectation, _), some in together.items()
        for start in range(0, len(some), MOST)
    ]
