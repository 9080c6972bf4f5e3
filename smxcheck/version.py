"""Versions that a report carries, so that two reports can be compared or known not to be."""

__version__ = "0.1.0"

#: Raised when a case is added, removed or changed: figures over different case sets are not comparable.
CASE_SET_VERSION = 2

#: Raised when a bound, a granted constant or a check changes: the same output may then be judged differently.
JUDGE_VERSION = 4
