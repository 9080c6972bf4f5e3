"""In which order contenders take their turns."""

from __future__ import annotations


def orders(count: int) -> tuple[tuple[int, ...], ...]:
    """A Williams design for ``count`` contenders: ``count`` orders, or twice as many where it is odd.

    The first order is 0, 1, k-1, 2, k-2, …; the others add 1, 2, … modulo k. The differences of neighbours are then all
    different, so each ordered pair occurs once; for odd k the mirrored orders are needed to balance them (Williams,
    Experimental designs balanced for the estimation of residual effects of treatments, Aust. J. Sci. Res. A 2, 1949).
    """
    zigzag = [(i + 1) // 2 if i % 2 else -(i // 2) for i in range(count)]
    design = tuple(tuple((z + shift) % count for z in zigzag) for shift in range(count))
    return design if count % 2 == 0 else design + tuple(tuple(reversed(order)) for order in design)
