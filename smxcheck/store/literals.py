"""Arrays as Python source that reads back to the same bits."""

from __future__ import annotations

import base64
import io
import math
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

#: Longer arrays are no reading matter: they are embedded as the bytes of an .npy file.
MOST_WRITTEN = 64
_WIDTH = 100


def array_source(values: Array) -> str:
    """An expression of NumPy (``np``), and of ml_dtypes for bfloat16."""
    dtype = "ml_dtypes.bfloat16" if values.dtype.name == "bfloat16" else f"np.{values.dtype.name}"
    if values.dtype.kind == "b":
        dtype = "np.bool_"
    if values.size <= MOST_WRITTEN and _is_plain(values):
        return f"np.array({_nested(values)}, {dtype}){_shape(values)}"
    stored = values.view(np.uint16) if values.dtype.name == "bfloat16" else values
    stream = io.BytesIO()
    np.save(stream, stored, allow_pickle=False)
    text = base64.b64encode(stream.getvalue()).decode("ascii")
    lines = "".join(f"    {text[k : k + _WIDTH]!r}\n" for k in range(0, len(text), _WIDTH)).replace("'", '"')
    view = ".view(ml_dtypes.bfloat16)" if values.dtype.name == "bfloat16" else ""
    return f"np.load(io.BytesIO(base64.b64decode(\n{lines}))){view}"


def _shape(values: Array) -> str:
    """Lists say the shape, unless there is nothing in them."""
    return f".reshape({values.shape})" if values.size == 0 else ""


def _is_plain(values: Array) -> bool:
    """Whether every NaN has the bits that np.nan becomes."""
    if values.dtype.kind in "iub":
        return True
    bits = np.ascontiguousarray(values).view(f"u{values.dtype.itemsize}")
    plain = np.full((), np.nan, np.float64).astype(values.dtype).view(f"u{values.dtype.itemsize}")
    return bool((bits == plain)[np.isnan(values.astype(np.float64))].all())


def _nested(values: Array) -> str:
    if values.size == 0:
        return "[]"
    if values.ndim:
        return f"[{', '.join(map(_nested, values))}]"
    return _number(values[()])


def _number(value: Any) -> str:
    """The shortest decimal of the value's own format where it reads back through float64, else that of float64."""
    if np.asarray(value).dtype.kind in "iub":
        return str(value)
    number = float(value)
    if not math.isfinite(number):
        return "np.nan" if math.isnan(number) else f"{'-' * (number < 0)}np.inf"
    text = str(value)
    with np.errstate(over="ignore"):
        back = np.float64(text).astype(np.asarray(value).dtype)
    return text if float(back) == number else repr(number)
