"""Enclosures in pure NumPy with proven bounds; README.md beside this file has the proofs.

`enclose` answers for the functions of its table, row by row, with a bound on each element: infinite where it cannot tell.
It never calls an exponential or a logarithm that it would have to believe.
"""

from __future__ import annotations

from smxcheck.oracle.certified.guard import UnsoundArithmetic, complaint
from smxcheck.oracle.certified.table import Answer, answer, covers, reduced

__all__ = ["Answer", "UnsoundArithmetic", "answer", "complaint", "covers", "reduced"]
