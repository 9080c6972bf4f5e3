"""Arrays as ``.npy`` on a pipe: written as NumPy writes them, and read without believing or running anything.

The format is NumPy's (numpy.lib.format): the magic string, a version, the length of a header, and the header, a Python
dictionary of ``descr``, ``fortran_order`` and ``shape``. It is read here with patterns, so that no text of a program's
is evaluated. bfloat16, which the format lacks, is ``<V2``: two raw bytes for each element, as ml_dtypes has NumPy write it.
"""

from __future__ import annotations

import io
import math
import re
from typing import Any

import numpy as np
from ml_dtypes import bfloat16

Array = np.ndarray[Any, Any]

#: Every ``descr`` that a reply may have, without the byte order: one number in each element.
_NUMBERS = ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1")
_BFLOAT16 = "V2"

_MAGIC = b"\x93NUMPY"
#: numpy.lib.format's own limit; a longer header is no array that anybody wrote.
_MAX_HEADER = 10_000
#: NumPy's limit.
_MAX_AXES = 64

_DESCR = re.compile(r"""['"]descr['"]\s*:\s*['"](?P<order>[<>|=]?)(?P<kind>\w+)['"]""", re.ASCII)
_ORDER = re.compile(r"""['"]fortran_order['"]\s*:\s*(?P<value>True|False)\b""", re.ASCII)
_SHAPE = re.compile(r"""['"]shape['"]\s*:\s*\((?P<axes>[\d\s,]*)\)""", re.ASCII)
_AXES = re.compile(r"\s*(?:\d{1,18}\s*,\s*)*(?:\d{1,18})?\s*", re.ASCII)

#: Bytes of a reply that are shown where it is no array.
_SHOWN = 40


class NotNpy(ValueError):
    """The bytes are no array in that format: what was seen instead."""


def packed(array: Array) -> bytes:
    """The array in C order, little-endian, in format version 1.0 (2.0 where the header needs it)."""
    stream = io.BytesIO()
    little = np.ascontiguousarray(array).reshape(array.shape)
    little = little if little.dtype.kind == "V" or little.dtype == bfloat16 else little.astype(little.dtype.newbyteorder("<"))
    np.lib.format.write_array(stream, little, allow_pickle=False)
    return stream.getvalue()


def unpacked(data: bytes) -> Array:
    """The one array that ``data`` is, in this machine's byte order. Raises :class:`NotNpy`."""
    header, start = _header(data)
    descr, order, shape = _DESCR.search(header), _ORDER.search(header), _shape(header)
    if descr is None or order is None or shape is None:
        raise NotNpy(f"its header has not descr, fortran_order and shape as NumPy writes them: {_seen(header.encode())}")
    dtype = _dtype(descr["order"], descr["kind"])
    expected = math.prod(shape) * dtype.itemsize
    if len(data) - start != expected:
        raise NotNpy(f"{len(data) - start} bytes follow its header, where shape {shape} of {descr['kind']} has {expected}")
    values = np.frombuffer(data, dtype, offset=start).reshape(shape, order="F" if order["value"] == "True" else "C")
    native = values.view(bfloat16) if descr["kind"] == _BFLOAT16 else values.astype(dtype.newbyteorder("="))
    return np.array(native, order="C")


def _header(data: bytes) -> tuple[str, int]:
    """The header's text, and where the values begin."""
    if not data:
        raise NotNpy("nothing was written to standard output")
    if not data.startswith(_MAGIC):
        raise NotNpy(f"it begins with {_seen(data)}, a .npy with {_seen(_MAGIC)}")
    size = {b"\1\0": 2, b"\2\0": 4}.get(data[6:8])  # of the header's length, by version
    if size is None:
        raise NotNpy(f"it has format version {'.'.join(map(str, data[6:8])) or 'none'}, read are 1.0 and 2.0")
    start = 8 + size
    length = int.from_bytes(data[8:start], "little")
    if length > _MAX_HEADER or len(data) < start + length:
        raise NotNpy(f"its header should have {length} bytes, of which there are {max(len(data) - start, 0)}")
    return data[start : start + length].decode("latin-1"), start + length


def _shape(header: str) -> tuple[int, ...] | None:
    found = _SHAPE.search(header)
    if found is None or not _AXES.fullmatch(found["axes"]):
        return None
    axes = tuple(int(text) for text in found["axes"].split(",") if text.strip())
    return axes if len(axes) <= _MAX_AXES else None


def _dtype(order: str, kind: str) -> np.dtype[Any]:
    if kind == _BFLOAT16:
        if order == ">":
            raise NotNpy("its dtype is >V2; bfloat16 is <V2, two raw bytes for each element")
        return np.dtype("V2")
    if kind not in _NUMBERS:
        raise NotNpy(f"its dtype is {order}{kind}, which is none of {', '.join(_NUMBERS)} and {_BFLOAT16} (bfloat16)")
    return np.dtype(f"{'<' if order in ('|', '') else order}{kind}")


def _seen(data: bytes) -> str:
    """The first bytes, printable."""
    shown = ascii(data[:_SHOWN])[1:]
    return f"{shown} and {len(data) - _SHOWN} bytes more" if len(data) > _SHOWN else shown
