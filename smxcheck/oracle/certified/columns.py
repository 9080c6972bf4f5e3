"""Rows of arguments as they are, in pieces that stay in cache: for functions that need no largest entry."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from smxcheck.oracle.certified.exact import Array
from smxcheck.oracle.certified.rows import PIECE
from smxcheck.oracle.certified.scaled import Scaled, total


@dataclass(frozen=True)
class Columns:
    """A block of rows of each argument, (R, n), or (R, 1) for one value for each row; the first is (R, n)."""

    parts: tuple[Array, ...]

    def pieces(self) -> Iterator[tuple[slice, tuple[Array, ...]]]:
        """Columns, and the arguments there."""
        n = self.parts[0].shape[1]
        for start in range(0, n, PIECE):
            place = slice(start, min(start + PIECE, n))
            yield place, tuple(c if c.shape[1] == 1 else c[:, place] for c in self.parts)

    def sum(self, term: Callable[..., Scaled]) -> Scaled:
        """The sum of ``term(*arguments)`` over each row."""
        sums = [total(term(*parts)) for _, parts in self.pieces()]
        value = sums[0]
        for part in sums[1:]:
            value += part
        return value


def columns(*parts: Array) -> Columns:
    return Columns(parts)
