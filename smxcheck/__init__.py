"""smxcheck says, with evidence, how right an implementation of a softmax-family function is.

>>> import smxcheck
>>> report = smxcheck.verify(my_softmax, function="softmax")
>>> report.passed
>>> smxcheck.explain("softmax-jacobian", at=[0, 4, 5])
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from smxcheck.version import __version__

if TYPE_CHECKING:
    from smxcheck.api import explain as explain
    from smxcheck.api import verify as verify
    from smxcheck.judge.result import Level as Level
    from smxcheck.judge.result import Problem as Problem
    from smxcheck.judge.result import Report as Report
    from smxcheck.judge.result import Result as Result
    from smxcheck.judge.result import Status as Status

__all__ = ["Level", "Problem", "Report", "Result", "Status", "__version__", "explain", "verify"]

_HOME = {
    **dict.fromkeys(("explain", "verify"), "smxcheck.api"),
    **dict.fromkeys(("Level", "Problem", "Report", "Result", "Status"), "smxcheck.judge.result"),
}


def __getattr__(name: str) -> Any:
    """Imported on first use, so that the command line starts without NumPy."""
    if name in _HOME:
        from importlib import import_module

        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'smxcheck' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
