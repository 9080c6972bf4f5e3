"""The messages between smxcheck and its worker: a checked header in JSON, then the bytes of the arrays.

A message is ``magic, length of the header, header, bytes of each array``. The header lists dtype and shape of
every array; dtypes come from a fixed list, lengths are bounded before anything is allocated. No message can
name code: the target may write to these pipes as well, and what it writes must not be able to run in the
judging process.
"""

from __future__ import annotations

import json
import math
import struct
from typing import Any

import numpy as np

# Bound here: a target that replaces attributes of numpy changes its own calls, not these.
from numpy import asarray, empty, generic, ndarray, uint8

MAGIC = b"SMX1"
HEAD = struct.Struct("<4sI")
MAX_HEADER = 1 << 20
MAX_AXES = 64
_ONE_WRITE = 1 << 15

Array = ndarray[Any, Any]

_NAMES = (
    *("float16", "float32", "float64", "longdouble", "complex64", "complex128", "bool"),
    *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
)
_DTYPES: dict[str, np.dtype[Any]] = {np.dtype(name).name: np.dtype(name) for name in _NAMES}


class WireError(ValueError):
    """What was read is not a message: the other side is broken, or something else wrote to the pipe."""


def dtype_named(name: str) -> np.dtype[Any]:
    """The dtype of that name, if it may cross; raises :class:`WireError` for any other."""
    if name == "bfloat16":
        import ml_dtypes

        bfloat16: np.dtype[Any] = np.dtype(ml_dtypes.bfloat16)
        return bfloat16
    found = _DTYPES.get(name)
    if found is None:
        raise WireError(f"an array of dtype {name[:40]!r} cannot be sent")
    return found


def can_cross(dtype: np.dtype[Any]) -> bool:
    """Whether an array of ``dtype`` can be sent."""
    return dtype.name in _DTYPES or dtype.name == "bfloat16"


def to_json(value: Any, arrays: list[Array]) -> Any:
    """``value`` as JSON; arrays are moved to ``arrays`` and named by their place.

    Accepts None, bool, int, float, str, NumPy scalars, arrays, and lists or tuples (which arrive as tuples)
    of these.
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, generic):
        return value.item()
    if isinstance(value, ndarray):
        arrays.append(value)
        return {"array": len(arrays) - 1}
    if isinstance(value, tuple | list):
        return {"tuple": [to_json(v, arrays) for v in value]}
    raise WireError(f"a {type(value).__name__} cannot be sent")


def from_json(value: Any, arrays: list[Array]) -> Any:
    """The inverse of :func:`to_json`."""
    if not isinstance(value, dict):
        return value
    if "tuple" in value:
        return tuple(from_json(v, arrays) for v in value["tuple"])
    place = value.get("array")
    if not isinstance(place, int) or not 0 <= place < len(arrays):
        raise WireError("a value refers to an array that was not sent")
    return arrays[place]


def pack(message: dict[str, Any], arrays: list[Array]) -> list[memoryview]:
    """The message as buffers to be written in this order."""
    native = [_native(a) for a in arrays]
    header = json.dumps({**message, "arrays": [[a.dtype.name, list(a.shape)] for a in native]}).encode(
        "ascii"
    )
    if len(header) > MAX_HEADER:
        raise WireError("the header is too long")
    # A view as bytes: ml_dtypes' arrays have no buffer of their own.
    bodies = [a.reshape(-1).view(uint8).data for a in native if a.nbytes]
    parts = [memoryview(HEAD.pack(MAGIC, len(header)) + header), *bodies]
    # Each write wakes the reader; a short message is worth one copy.
    short = sum(part.nbytes for part in parts) <= _ONE_WRITE
    return [memoryview(b"".join(parts))] if short else parts


def header_length(head: bytes | bytearray) -> int:
    """Length of the header that follows these first bytes."""
    magic, length = HEAD.unpack(head)
    if magic != MAGIC or length > MAX_HEADER:
        raise WireError("what was read is no message")
    return int(length)


def unpack_header(
    data: bytes | bytearray, max_bytes: int | None = None
) -> tuple[dict[str, Any], list[Array]]:
    """The header, and an empty array for each that follows: its bytes are to be read into its :func:`body`.

    Raises :class:`WireError` where the arrays are not described as they must be, or hold more than
    ``max_bytes``.
    """
    try:
        message = json.loads(bytes(data))
    except (ValueError, RecursionError) as error:
        raise WireError("the header is not JSON") from error
    described = message.get("arrays") if isinstance(message, dict) else None
    if not isinstance(described, list):
        raise WireError("the header lists no arrays")
    plans = [_planned(d) for d in described]
    if max_bytes is not None and sum(nbytes for _, _, nbytes in plans) > max_bytes:
        raise WireError("the arrays are larger than any answer can be")
    return message, [empty(shape, dtype) for dtype, shape, _ in plans]


def body(array: Array) -> memoryview:
    """The writable bytes of a contiguous array."""
    return array.reshape(-1).view(uint8).data if array.nbytes else memoryview(bytearray())


def _planned(described: Any) -> tuple[np.dtype[Any], tuple[int, ...], int]:
    if not (isinstance(described, list) and len(described) == 2 and isinstance(described[0], str)):
        raise WireError("an array is not described by dtype and shape")
    name, shape = described
    if not isinstance(shape, list) or len(shape) > MAX_AXES:
        raise WireError("a shape is not a list of lengths")
    if not all(type(n) is int and 0 <= n < 1 << 62 for n in shape):
        raise WireError("a shape is not a list of lengths")
    dtype = dtype_named(name)
    return dtype, tuple(shape), math.prod(shape) * dtype.itemsize


def _native(array: Array) -> Array:
    """C order and the machine's byte order; a 0-d array stays 0-d."""
    native = array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))
    if not can_cross(native.dtype):
        raise WireError(f"an array of dtype {native.dtype.name[:40]!r} cannot be sent")
    return asarray(native, order="C")
