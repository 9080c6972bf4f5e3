"""The error bounds of the levels, one function each, and the dispatch from a call to its bound."""

from smxcheck.judge.bounds.dispatch import bounds_for, bounds_of_both, derived_in
from smxcheck.judge.bounds.model import Bound

__all__ = ["Bound", "bounds_for", "bounds_of_both", "derived_in"]
