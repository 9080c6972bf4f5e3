"""SMX202: the dtype of a result is that of the input."""

from __future__ import annotations

CODE = "SMX202"


def complaint(result: str, returned_type: str, wanted: str) -> str:
    """What is wrong with the dtype, "" if nothing is. A Python float has no dtype and is not blamed for one."""
    if returned_type in ("float", "int") or result == wanted:
        return ""
    return f"dtype {result}, right {wanted}"
