"""SMX208, SMX301 to SMX305: calls that did not return an array."""

from __future__ import annotations

from smxcheck.judge.result import Status
from smxcheck.targets.protocol import Observation

RAISES, NOT_ARRAY = "SMX301", "SMX208"

_TABLE: dict[str, tuple[str, Status]] = {
    "crashed": ("SMX302", Status.CRASHED),
    "hung": ("SMX303", Status.HUNG),
    "out-of-memory": ("SMX304", Status.CRASHED),
    "exited": ("SMX305", Status.CRASHED),
    "not-array": (NOT_ARRAY, Status.WRONG),
    "raised": (RAISES, Status.WRONG),
    "not-passed": (RAISES, Status.DECLINED),
}


def classify(seen: Observation) -> tuple[str, Status, str]:
    """(code, status, message) for an observation that holds no array. A refusal is settled later, by its class."""
    code, status = _TABLE[seen.outcome]
    if seen.outcome == "raised":
        if seen.error_type == "NotImplementedError":
            status = Status.DECLINED
        return code, status, f"raised {seen.error_type}: {seen.error}".rstrip(": ")
    if seen.outcome == "not-array":
        message = f"returned {seen.returned_type}, not an array"
        return code, status, message if seen.error in ("", message) else f"{message}: {seen.error}"
    return code, status, seen.error or seen.outcome
