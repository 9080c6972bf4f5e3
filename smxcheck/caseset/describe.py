"""A case as a line of text: the call, short enough to read."""

from __future__ import annotations

from typing import Any

from smxcheck.caseset.model import Case

#: Arrays up to this many elements are written out.
MOST_WRITTEN_OUT = 6


def describe_call(case: Case) -> str:
    """The call of a case: ``log_softmax([0, -200])``, or ``softmax(float32 array of shape (4, 781))``.

    An array of more than ``MOST_WRITTEN_OUT`` elements is described by dtype and shape. A large case is not built.
    """
    from smxcheck.catalog import FUNCTIONS

    names = FUNCTIONS[case.function].arguments
    small = case.elements <= MOST_WRITTEN_OUT
    if small:
        parts = [describe_array(array) for array in case.build().values()]
    else:
        shape = case.shape if len(case.shape) != 1 else f"({case.shape[0]},)"
        parts = [f"{case.dtype} array of shape {shape}", *names[1:]]
    parts += [f"{name}={_keyword(value)}" for name, value in case.keywords.items()]
    text = f"{case.function}({', '.join(parts)})"
    return text if case.layout == "contiguous" else f"{text}, {case.layout}"


def describe_array(array: Any) -> str:
    """A small array as nested lists of the shortest numbers that read back to it; a large one by dtype and shape."""
    if array.size > MOST_WRITTEN_OUT:
        return f"{array.dtype} array of shape {array.shape}"
    if array.size == 0 and array.ndim > 1:
        return f"{array.dtype} array of shape {array.shape}"
    return _nested(array)


def _nested(array: Any) -> str:
    if array.ndim == 0:
        return number(array[()])
    return "[" + ", ".join(_nested(row) for row in array) + "]"


def number(value: Any) -> str:
    """The shortest decimal that reads back to the value in its own dtype; integers without a point."""
    text = str(value)
    if "e" in text:
        digits, exponent = text.split("e")
        return f"{digits.removesuffix('.0').rstrip('.')}e{int(exponent)}"
    return text.removesuffix(".0")


def _keyword(value: Any) -> str:
    return describe_array(value) if hasattr(value, "ndim") else repr(value)
